"""Certificates of global convergence: the table of theory 6.5, and what they promise."""

import numpy as np
import pytest

import alignsim as asim
from alignsim import simplex
from alignsim.analysis import certificates, critical_signal, fixed_point
from alignsim.analysis.equilibria.certificates import NAMES
from alignsim.preferences.payoffs import antisymmetric_part, is_zero_sum, row_span

MEASURES = {
    "C1": lambda target, z: np.linalg.norm(z - target, axis=-1),
    "C2": lambda target, z: np.linalg.norm(z - target, axis=-1),
    "C3": lambda target, z: np.ptp(z - target, axis=-1),
    "C5": simplex.kl_divergence,
    "U1": lambda target, z: np.ptp(z - target, axis=-1),
}
"""What each rate is the rate of."""


def certified_maps(which, count, seed):
    """Random MRS-IPO maps (K = 4) whose β lies a little below the limit of one certificate."""
    rng = np.random.default_rng(seed)
    P = asim.preferences.random_skew(4, size=count, rng=rng)
    loop = asim.FeedbackMap(
        P,
        beta=1.0,
        alpha=rng.uniform(0.05, 0.95, count),
        lam=rng.uniform(0.2, 1.0, count),
        reference=rng.dirichlet(np.ones(4), count),
        offline=rng.dirichlet(np.ones(4), count),
    )
    limit = certificates(loop).beta_limit[:, which]
    loop = loop.replace(beta=limit * rng.uniform(0.5, 0.999, count))
    assert certificates(loop).holds[:, which].all()
    return loop, rng


def test_table_of_the_three_cycle():
    loop = asim.FeedbackMap(
        asim.preferences.cyclic(3, advantage=0.5), beta=1.0, alpha=[0.0, 0.5, 0.9, 0.99]
    )
    expected = [
        [3.464, 2.309, 2.309, 2.667, 0.0, 0.0],
        [3.000, 1.155, 1.732, 1.333, 1.886, 1.633],
        [1.510, 0.231, 0.439, 0.267, 1.131, 0.980],
        [0.489, 0.023, 0.046, 0.027, 0.375, 0.325],
    ]
    exact = critical_signal(loop)
    limits = certificates(loop).beta_limit
    assert np.column_stack([exact, limits[:, :5]]).round(3).tolist() == expected
    assert limits[:, 5] == pytest.approx(2.0 * (1.0 - loop.alpha))
    assert limits[:, 6] == pytest.approx(np.sqrt(8.0 * loop.alpha * (1.0 - loop.alpha)))


def test_the_sharpest_is_the_one_with_the_largest_limit():
    loop = asim.FeedbackMap(
        asim.preferences.cyclic(3, advantage=0.5), beta=1.0, alpha=[0.0, 0.5, 0.9, 1.0]
    )
    assert certificates(loop).sharpest.tolist() == ["C3", "C4", "C4", "none"]
    rng = np.random.default_rng(8)
    P = asim.preferences.random_skew(6, size=500, rng=rng)
    loop = asim.FeedbackMap(P, beta=1.0, alpha=rng.uniform(0, 0.999, 500))
    found = certificates(loop)
    named = found.beta_limit[np.arange(500), [NAMES.index(name) for name in found.sharpest]]
    assert (named == found.beta_limit.max(axis=-1)).all()
    assert len(set(found.sharpest)) >= 3
    assert not set(found.sharpest) & {"U1", "U2"}


def test_the_universal_ones_need_no_matrix_and_are_attained():
    """Theory 6.5: α + βλ/2 < 1 and (βλ)² < 8α(1 − α), for every P and K."""
    rng = np.random.default_rng(9)
    for K in (2, 3, 7, 40):
        P = asim.preferences.random_skew(K, size=20, rng=rng)
        alpha, lam = rng.uniform(0, 1, 20), rng.uniform(0.1, 1, 20)
        limit = certificates(asim.FeedbackMap(P, beta=1.0, alpha=alpha, lam=lam)).beta_limit
        assert limit[:, 5] == pytest.approx(2.0 * (1.0 - alpha) / lam)
        assert limit[:, 6] == pytest.approx(np.sqrt(8.0 * alpha * (1.0 - alpha)) / lam)
        assert (limit[:, 5] <= limit[:, 2] * (1 + 1e-12)).all()
        assert (limit[:, 6] <= limit[:, 3] * (1 + 1e-12)).all()
    widest = np.full((4, 4), 0.5)  # 0 beats 2 and loses to 3, 1 the other way round
    widest[0, 2:], widest[1, 2:] = [1.0, 0.0], [0.0, 1.0]
    widest[2:, :2] = 1.0 - widest[:2, 2:].T
    assert row_span(widest) == 2.0
    limit = certificates(asim.FeedbackMap(widest, beta=1.0, alpha=0.3)).beta_limit
    assert limit[5:].tolist() == limit[2:4].tolist()


@pytest.mark.parametrize("which", [0, 1])
def test_c1_and_c2_contract_the_distance_of_logits(which):
    loop, rng = certified_maps(which, 400, seed=1)
    rate = certificates(loop).rate[:, which]
    z, y = (simplex.centre(rng.normal(scale=s, size=(400, 4))) for s in (1.0, 3.0))
    before = np.linalg.norm(z - y, axis=-1)
    after = np.linalg.norm(loop.step_logits(z) - loop.step_logits(y), axis=-1)
    assert (after <= rate * before * (1 + 1e-12)).all()


@pytest.mark.parametrize("which", [2, 5])
def test_c3_and_u1_contract_the_span(which):
    loop, rng = certified_maps(which, 400, seed=2)
    rate = certificates(loop).rate[:, which]
    z = simplex.centre(rng.normal(size=(400, 4)))
    for distance in (1e-3, 1.0, 10.0):
        y = z + distance * rng.normal(size=(400, 4))
        after = np.ptp(loop.step_logits(z) - loop.step_logits(y), axis=-1)
        assert (after <= rate * np.ptp(z - y, axis=-1) * (1 + 1e-9)).all()


@pytest.mark.parametrize("which", [3, 4, 6])
def test_c4_c5_and_u2_decrease_the_divergence_from_the_fixed_point(which):
    loop, rng = certified_maps(which, 300, seed=3)
    target = fixed_point(loop).logits
    rate = np.nan_to_num(certificates(loop).rate[:, which], nan=1.0)
    orbit = loop.run(rng.dirichlet(np.ones(4), 300), rounds=12)
    divergence = simplex.kl_divergence(target[:, None, :], orbit.logits)
    assert (divergence[:, 1:] <= rate[:, None] * divergence[:, :-1] + 1e-13).all()


@pytest.mark.parametrize(("which", "measure"), MEASURES.items())
def test_after_the_rounds_that_a_rate_promises_the_measure_is_that_small(which, measure):
    loop, rng = certified_maps(NAMES.index(which), 200, seed=6)
    found = certificates(loop)
    tolerance = 1e-4
    rounds = found.rounds(tolerance)[:, NAMES.index(which)]
    loop, rounds = loop.take(np.flatnonzero(rounds <= 300)), rounds[rounds <= 300].astype(int)
    assert len(rounds) > 100
    target = fixed_point(loop).logits
    orbit = loop.run(rng.dirichlet(np.ones(4), len(rounds)), rounds=300).logits
    before = measure(target, orbit[:, 0])
    after = measure(target, orbit[np.arange(len(rounds)), rounds])
    assert (after <= tolerance * before * (1 + 1e-9)).all()


def test_rounds_are_counted_where_a_rate_is_known():
    loop = asim.FeedbackMap(
        asim.preferences.cyclic(3, advantage=0.5), beta=[0.0, 1.0, 9.0], alpha=[0.0, 0.5, 0.5]
    )
    rounds = certificates(loop).rounds(1e-3)
    assert rounds[0, :4].tolist()[:3] == [1.0, 1.0, 1.0]
    assert np.isnan(rounds[:, [3, 6]]).all()
    assert rounds[1, 2] == np.ceil(np.log(1e-3) / np.log(0.5 + 1.5 / 4))
    assert np.isnan(rounds[2]).all()
    assert (certificates(loop).rounds(1.0)[0, :3] == 0.0).all()


def test_c2_contains_c1():
    rng = np.random.default_rng(4)
    P = asim.preferences.random_skew(5, size=500, rng=rng)
    limit = certificates(asim.FeedbackMap(P, beta=1.0, alpha=rng.uniform(0, 0.99, 500))).beta_limit
    assert (limit[:, 1] >= limit[:, 0] * (1 - 1e-12)).all()


def test_no_certificate_reaches_into_instability():
    rng = np.random.default_rng(5)
    P = asim.preferences.random_skew(4, size=1000, rng=rng)
    loop = asim.FeedbackMap(P, beta=10 ** rng.uniform(-1, 1, 1000), alpha=rng.uniform(0, 1, 1000))
    certified = certificates(loop).certified
    assert 0.1 < certified.mean() < 0.9
    assert asim.analysis.stability(loop).stable[certified].all()


def test_additive_preferences_are_certified_at_any_strength():
    loop = asim.FeedbackMap(asim.preferences.additive([0.2, 0.0, -0.2]), beta=1e3, alpha=0.5)
    assert certificates(loop).holds.tolist() == [
        False, True, True, True, True, False, False,
    ]  # fmt: skip


def test_nothing_is_certified_without_an_anchor():
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.1), beta=[0.0, 1.0], alpha=1.0)
    assert not certificates(loop).certified.any()


def test_payoffs_that_are_no_preferences_are_promised_contractions_only():
    coordination = asim.FeedbackMap.from_payoffs(np.eye(3), beta=0.1, alpha=0.5)
    assert certificates(coordination).holds.tolist() == [
        True, False, True, False, False, False, False,
    ]  # fmt: skip
    wide = 5.0 * (asim.preferences.cyclic(3, advantage=0.5) - 0.5)
    found = certificates(asim.FeedbackMap.from_payoffs(wide, beta=0.2, alpha=0.5))
    assert found.holds[1:].tolist() == [True, True, True, True, False, False]


def test_antisymmetry_does_not_see_what_rows_and_columns_add():
    rng = np.random.default_rng(7)
    P = asim.preferences.random_skew(5, rng=rng)
    shifted = 3.0 * P + rng.normal(size=5) + rng.normal(size=(5, 1))
    assert is_zero_sum(np.stack([P, shifted, np.eye(5), P @ P])).tolist() == [
        True, True, False, False,
    ]  # fmt: skip
    part = antisymmetric_part(shifted)
    E = simplex.mean_zero_basis(5)
    assert np.abs(E.T @ (part - 3.0 * P) @ E).max() < 1e-14
    assert np.abs(part.sum(axis=-1)).max() < 1e-14


def test_other_objectives_are_refused():
    loop = asim.FeedbackMap([[0.5, 0.6], [0.4, 0.5]], objective="dpo", beta=1.0)
    with pytest.raises(ValueError, match=r"objective is 'dpo'.*stability\(loop\)"):
        certificates(loop)
