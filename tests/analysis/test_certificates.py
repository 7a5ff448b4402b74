"""Certificates of global convergence: the table of theory 6.5, and what they promise."""

import numpy as np
import pytest

import alignsim as asim
from alignsim import simplex
from alignsim.analysis import certificates, fixed_point


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
        [2.309, 2.309, 2.667, 0.0, 0.0],
        [1.155, 1.732, 1.333, 1.886, 1.633],
        [0.231, 0.439, 0.267, 1.131, 0.980],
        [0.023, 0.046, 0.027, 0.375, 0.325],
    ]
    assert certificates(loop).beta_limit.round(3).tolist() == expected


@pytest.mark.parametrize("which", [0, 1])
def test_c1_and_c2_contract_the_distance_of_logits(which):
    loop, rng = certified_maps(which, 400, seed=1)
    rate = certificates(loop).rate[:, which]
    z, y = (simplex.centre(rng.normal(scale=s, size=(400, 4))) for s in (1.0, 3.0))
    before = np.linalg.norm(z - y, axis=-1)
    after = np.linalg.norm(loop.step_logits(z) - loop.step_logits(y), axis=-1)
    assert (after <= rate * before * (1 + 1e-12)).all()


def test_c3_contracts_the_span():
    loop, rng = certified_maps(2, 400, seed=2)
    z = simplex.centre(rng.normal(size=(400, 4)))
    y = z + 1e-3 * rng.normal(size=(400, 4))
    after = np.ptp(loop.step_logits(z) - loop.step_logits(y), axis=-1)
    assert (after <= certificates(loop).rate[:, 2] * np.ptp(z - y, axis=-1) * (1 + 1e-9)).all()


@pytest.mark.parametrize("which", [3, 4])
def test_c4_and_c5_decrease_the_divergence_from_the_fixed_point(which):
    loop, rng = certified_maps(which, 300, seed=3)
    target = fixed_point(loop).logits
    rate = np.nan_to_num(certificates(loop).rate[:, which], nan=1.0)
    orbit = loop.run(rng.dirichlet(np.ones(4), 300), rounds=12)
    divergence = simplex.kl_divergence(target[:, None, :], orbit.logits)
    assert (divergence[:, 1:] <= rate[:, None] * divergence[:, :-1] + 1e-13).all()


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
    assert certificates(loop).holds.tolist() == [False, True, True, True, True]


def test_nothing_is_certified_without_an_anchor():
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.1), beta=[0.0, 1.0], alpha=1.0)
    assert not certificates(loop).certified.any()


def test_other_objectives_are_refused():
    loop = asim.FeedbackMap([[0.5, 0.6], [0.4, 0.5]], objective="dpo", beta=1.0)
    with pytest.raises(ValueError, match=r"objective is 'dpo'.*stability\(loop\)"):
        certificates(loop)
