"""Equilibria at α = 1: closed forms, the round itself as a witness, and what is not searched."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis.equilibria.faces import SupportSearch, WithinFace, boundary_equilibria
from tests.feedback.systems import policy, preferences

ABSENT = -300.0
"""A logit whose response has a probability of 1e-130."""


def maps(rng, n, K, objective="ipo", lam=None):
    return asim.FeedbackMap(
        np.array([preferences(rng, K) for _ in range(n)]),
        objective=objective,
        beta=rng.uniform(0.2, 3.0, n),
        alpha=1.0,
        lam=rng.uniform(0.1, 1.0, n) if lam is None else lam,
        offline=np.array([policy(rng, K) for _ in range(n)]),
    )


def assert_a_round_does_what_is_claimed(loop, found):
    """Present responses keep their log-odds, absent ones gain their exponents."""
    for f in range(found.policy.shape[1]):
        rows = np.flatnonzero((f < found.count) & np.isfinite(found.exponents[:, f]).all(axis=-1))
        if not len(rows):
            continue
        support, pi = found.support[rows, f], found.policy[rows, f]
        with np.errstate(divide="ignore"):
            z = np.where(support, np.log(pi), ABSENT)
        change = loop.take(rows).advance(z).value - z
        change -= (np.where(support, change, 0.0).sum(-1) / support.sum(-1))[:, None]
        assert change == pytest.approx(found.exponents[rows, f], abs=1e-9)


def test_vertices_of_a_three_cycle_are_saddles():
    """One absent response beats the present one and one loses: ±βa; for DPO ±β logit(½ + a)."""
    P = asim.preferences.cyclic(3, advantage=0.3)
    for objective, gain in (("ipo", 0.3), ("dpo", np.log(0.8 / 0.2))):
        loop = asim.FeedbackMap(P, objective=objective, beta=2.0, alpha=1.0)
        found = boundary_equilibria(loop)
        assert found.count == 4
        assert found.status == SupportSearch.SEARCHED
        expected = 2.0 * gain * np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
        assert found.exponents[:3] == pytest.approx(expected, abs=1e-12)
        assert found.policy[3] == pytest.approx([1 / 3] * 3)
        assert found.inside.tolist() == [
            WithinFace.VERTEX,
            WithinFace.VERTEX,
            WithinFace.VERTEX,
            WithinFace.EXPANDING,
        ]
        assert found.invadable.tolist() == [True, True, True, False]
        assert not found.stable.any()


def test_inside_a_cycle_the_multipliers_are_one_plus_or_minus_i_beta_lambda_omega():
    rng = np.random.default_rng(0)
    for K in (3, 5):
        P = asim.preferences.cyclic(K, advantage=0.3)
        loop = asim.FeedbackMap(
            P, beta=rng.uniform(0.5, 3, 20), alpha=1.0, lam=rng.uniform(0, 1, 20)
        )
        found = boundary_equilibria(loop)
        last = found.count - 1
        assert found.support[np.arange(20), last].all()
        omega = asim.analysis.omega(P, np.zeros(K))
        expected = np.hypot(1.0, loop.beta * loop.lam * omega)
        assert found.internal[np.arange(20), last] == pytest.approx(expected, rel=1e-12)


def test_the_top_of_a_strict_order_is_approached_at_the_closed_rate():
    """Theory 6.8: β[λ(P_1j − ½) + (1−λ)⟨P_1 − P_j, π_off⟩]."""
    rng = np.random.default_rng(1)
    M = np.array([[0.0, 0.1, 0.2], [-0.1, 0.0, 0.15], [-0.2, -0.15, 0.0]])
    lam, offline = rng.uniform(0, 1, 30), rng.dirichlet(np.ones(3), 30)
    loop = asim.FeedbackMap(0.5 + M, beta=1.7, alpha=1.0, lam=lam, offline=offline)
    found = boundary_equilibria(loop)
    rate = 1.7 * (lam[:, None] * M[0] + (1 - lam)[:, None] * offline @ (M[0] - M).T)
    assert found.exponents[:, 0] == pytest.approx(-rate, abs=1e-12)
    assert found.stable[:, 0].all()
    assert not found.stable[:, 1:].any()
    assert (found.inside[:, 0] == WithinFace.VERTEX).all()
    last = loop.run(rounds=2000, keep=[1999, 2000]).logits
    gain = np.diff(last - last[..., :1], axis=1)[:, 0]
    assert gain == pytest.approx(found.exponents[:, 0], abs=1e-9)


@pytest.mark.parametrize("K", [2, 3, 4, 6])
@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("lam", [None, 1.0])
def test_a_round_witnesses_every_equilibrium_and_every_exponent(objective, lam, K):
    rng = np.random.default_rng(K)
    loop = maps(rng, 40, K, objective, lam)
    found = boundary_equilibria(loop)
    assert (found.status == SupportSearch.SEARCHED).all()
    assert (found.count >= K).all()
    assert_a_round_does_what_is_claimed(loop, found)


def test_dpo_has_the_equilibria_of_ipo_whatever_the_sampler():
    """Both rank by win rates, so that scores are equal where win rates are."""
    arguments = {"n": 30, "K": 4}
    ipo, dpo = (
        boundary_equilibria(maps(np.random.default_rng(2), objective=name, **arguments))
        for name in ("ipo", "dpo")
    )
    np.testing.assert_array_equal(ipo.support, dpo.support)
    assert (ipo.count > 4).any()
    assert ipo.policy == pytest.approx(dpo.policy, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("K", [3, 4, 5, 7])
def test_just_one_equilibrium_between_preferences_cannot_be_invaded(K):
    """The maximal lottery: λ = 1 is a symmetric zero-sum game, which has one Nash equilibrium."""
    rng = np.random.default_rng(K)
    found = boundary_equilibria(maps(rng, 60, K, lam=1.0))
    listed = found.support.any(axis=-1)
    assert ((listed & ~found.invadable).sum(axis=-1) == 1).all()
    size = found.support.sum(axis=-1)[listed]
    assert (size % 2 == 1).all()
    assert len(set(size)) >= (K + 1) // 2


def test_coordination_has_an_equilibrium_on_every_support():
    found = boundary_equilibria(asim.FeedbackMap.from_payoffs(np.eye(4), beta=1.0, alpha=1.0))
    size = found.support.sum(axis=-1)
    assert found.count == 15
    assert found.policy == pytest.approx(found.support / size[:, None])
    assert found.stable.tolist() == [True] * 4 + [False] * 11
    assert found.internal[4:] == pytest.approx(1.0 + 1.0 / size[4:])


def test_anticoordination_contracts_inside_its_face():
    game = asim.FeedbackMap.from_payoffs(-np.eye(3), beta=1.0, alpha=1.0)
    found = boundary_equilibria(game)
    assert found.inside.tolist() == [WithinFace.VERTEX] * 3 + [WithinFace.CONTRACTING] * 4
    assert found.stable.tolist() == [False] * 6 + [True]


def test_ties_leave_a_continuum_that_is_not_listed():
    tied = np.full((3, 3), 0.5)
    half = np.array([[0.5, 0.5, 0.7], [0.5, 0.5, 0.7], [0.3, 0.3, 0.5]])
    strict = np.array([[0.5, 0.6, 0.7], [0.4, 0.5, 0.7], [0.3, 0.3, 0.5]])
    loop = asim.FeedbackMap(np.stack([tied, half, strict]), beta=2.0, alpha=1.0)
    found = boundary_equilibria(loop)
    assert found.status.tolist() == [
        SupportSearch.CONTINUUM,
        SupportSearch.CONTINUUM,
        SupportSearch.SEARCHED,
    ]
    assert found.count.tolist() == [3, 3, 3]
    assert found.exponents[1, 0] == pytest.approx([0.0, 0.0, -0.4])
    assert found.exponents[1, 0, 1] == 0.0
    assert found.stable.tolist() == [[False] * 3, [False] * 3, [True, False, False]]
    assert not found.invadable[1, 0]


def test_a_copy_of_a_present_response_neither_invades_nor_vanishes():
    rng = np.random.default_rng(3)
    for _ in range(20):
        a, b, c = rng.uniform(0.05, 0.45, 3)
        M = np.array([[0, a, -b], [-a, 0, c], [b, -c, 0]])[[0, 1, 2, 0]][:, [0, 1, 2, 0]]
        found = boundary_equilibria(asim.FeedbackMap(0.5 + M, beta=3.0, alpha=1.0))
        mixed = (found.support.sum(axis=-1) == 3) & found.support[:, 1:3].all(axis=-1)
        assert found.status == SupportSearch.CONTINUUM
        assert mixed.sum() == 2
        assert (found.exponents[mixed] == 0.0).all()
        assert not found.invadable[mixed].any()
        assert not found.stable[mixed].any()


def test_a_face_on_which_nothing_moves_is_neutral():
    """λ > 0 so small that the response of the sampler is lost beside 1."""
    P = asim.preferences.cyclic(3, advantage=0.3)
    found = boundary_equilibria(asim.FeedbackMap(P, beta=1.0, alpha=1.0, lam=1e-5))
    assert found.inside[-1] == WithinFace.NEUTRAL


def test_an_anchor_leaves_none_and_batches_keep_their_shape():
    P = np.array([asim.preferences.cyclic(3, advantage=a) for a in (0.1, 0.3)])[:, None]
    found = boundary_equilibria(asim.FeedbackMap(P, beta=2.0, alpha=[1.0, 0.5, 1.0]))
    assert (
        found.status.tolist()
        == [[SupportSearch.SEARCHED, SupportSearch.ANCHORED, SupportSearch.SEARCHED]] * 2
    )
    assert found.count.tolist() == [[4, 0, 4]] * 2
    assert found.support.shape == found.policy.shape == found.exponents.shape == (2, 3, 4, 3)
    assert found.internal.shape == found.stable.shape == found.inside.shape == (2, 3, 4)
    assert np.isnan(found.policy[:, 1]).all()
    assert np.isnan(found.exponents[:, 1]).all()
    assert not found.support[:, 1].any()
    assert not found.stable[:, 1].any()
    assert (found.inside[:, 1] == WithinFace.NO_POINT).all()
    one = boundary_equilibria(asim.FeedbackMap(P[1, 0], beta=2.0, alpha=1.0))
    assert one.policy.shape == (4, 3)
    assert np.array_equal(one.exponents, found.exponents[1, 2])
    none = boundary_equilibria(asim.FeedbackMap(P[1, 0], beta=2.0, alpha=0.5))
    assert none.count == 0
    assert none.policy.shape == (1, 3)


def test_a_score_that_does_not_exist_is_nan_and_alone():
    certain = np.array([[0.5, 1.0, 0.7], [0.0, 0.5, 0.6], [0.3, 0.4, 0.5]])
    P = np.stack([certain, asim.preferences.cyclic(3, advantage=0.3)])
    found = boundary_equilibria(asim.FeedbackMap(P, objective="dpo", beta=1.0, alpha=1.0))
    assert np.isnan(found.exponents[0, 0]).any()
    assert not found.stable[0, :3].any()
    assert np.isfinite(found.exponents[1]).all()


def test_large_systems_list_their_vertices():
    loop = asim.FeedbackMap(asim.preferences.cyclic(13, advantage=0.3), beta=1.0, alpha=1.0)
    found = boundary_equilibria(loop)
    assert found.status == SupportSearch.VERTICES_ONLY
    assert found.count == 13
