"""Transient growth of perturbations: against matrix powers, and where there is none."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis.equilibria.stability import stability
from alignsim.analysis.equilibria.transients import GrowthStatus, transient_growth
from tests.feedback.systems import policy, preferences

SKEWED = [0.001, 0.01, 0.989]
CYCLE = asim.preferences.cyclic(3, advantage=0.5)


def systems(K, n, objective="ipo"):
    """Maps with far references, where Jacobians are far from normal."""
    rng = np.random.default_rng(K)
    far = rng.normal(size=(n, K)) * 3.0
    reference = np.exp(far - far.max(axis=1, keepdims=True))
    return asim.FeedbackMap(
        np.array([preferences(rng, K) for _ in range(n)]),
        objective=objective,
        beta=rng.uniform(0.1, 20.0, n) / (1.0 if objective == "ipo" else 4.0),
        alpha=rng.uniform(0.0, 0.95, n),
        lam=rng.uniform(0.3, 1.0, n),
        reference=reference / reference.sum(axis=1, keepdims=True),
        offline=np.array([policy(rng, K) for _ in range(n)]),
    )


def slow_growth(J, rounds):
    norms = [np.linalg.norm(np.linalg.matrix_power(J, n), 2) for n in range(rounds + 1)]
    return max(norms), int(np.argmax(norms))


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("K", [2, 3, 5])
def test_it_is_the_largest_norm_of_a_power(K, objective):
    loop = systems(K, 60, objective)
    found = transient_growth(loop)
    local = stability(loop)
    assert (found.status == GrowthStatus.EXACT).sum() >= 20
    for i in np.flatnonzero(found.status == GrowthStatus.EXACT):
        J = loop.take(np.array([i])).jacobian_at(local.fixed_point.logits[i], basis="tangent")[0]
        expected, at = slow_growth(J, int(min(10 / (1 - local.spectral_radius[i]), 300)) + 1)
        assert found.growth[i] == pytest.approx(expected, rel=1e-12)
        assert found.at_round[i] == at or found.growth[i] == pytest.approx(1.0, rel=1e-12)
        assert found.reactivity[i] == pytest.approx(np.linalg.norm(J, 2), rel=1e-12)


def test_a_normal_jacobian_lets_nothing_grow():
    """At the uniform fixed point of a circulant J = αI + skew."""
    for K in (3, 5, 7):
        P = asim.preferences.cyclic(K, advantage=0.4)
        loop = asim.FeedbackMap(P, beta=[0.0, 1.0, 2.0], alpha=0.7)
        found = transient_growth(loop)
        assert (found.growth == 1.0).all()
        assert (found.at_round == 0).all()
        assert found.reactivity == pytest.approx(stability(loop).spectral_radius, rel=1e-12)


def test_a_stable_map_may_amplify_fourfold():
    """Analysis B.7 knows ρ = .912 with an amplification of 3.93, where others report 1."""
    loop = asim.FeedbackMap(CYCLE, beta=9.45, reference=[0.0054, 0.0098, 0.9848])
    local, found = stability(loop), transient_growth(loop)
    assert local.spectral_radius == pytest.approx(0.9119, abs=5e-5)
    assert found.growth == pytest.approx(4.0052, abs=5e-5)
    assert found.status == GrowthStatus.EXACT


def test_perturbed_orbits_grow_as_promised():
    """The worst direction, from a start that differs from the fixed point by 1e-7."""
    loop = asim.FeedbackMap(CYCLE, beta=10.0, reference=SKEWED)
    found, point = transient_growth(loop), stability(loop).fixed_point.logits
    E = asim.simplex.mean_zero_basis(3)
    J = np.linalg.matrix_power(loop.jacobian_at(point, basis="tangent"), int(found.at_round))
    worst = E @ np.linalg.svd(J)[2][0]
    orbit = loop.run(start_logits=point + 1e-7 * worst, rounds=40)
    distance = np.linalg.norm(orbit.logits - point, axis=-1) / 1e-7
    assert distance.max() == pytest.approx(found.growth, rel=1e-4)
    assert distance.argmax() == found.at_round


def test_unstable_undecided_and_unfinished_have_their_own_status():
    loop = asim.FeedbackMap(CYCLE, beta=[3.0, 4.0, 3.0], alpha=[0.0, 0.0, 1.0])
    found = transient_growth(loop)
    assert found.status.tolist() == [
        GrowthStatus.EXACT,
        GrowthStatus.UNSTABLE,
        GrowthStatus.UNDECIDED,
    ]
    assert found.growth[:2].tolist() == [1.0, np.inf]
    assert np.isnan(found.growth[2])
    assert found.at_round.tolist() == [0, -1, -1]
    assert np.isnan(found.reactivity).tolist() == [False, False, True]
    assert found.reactivity[1] == pytest.approx(4 / np.sqrt(12))
    short = transient_growth(asim.FeedbackMap(CYCLE, beta=10.0, reference=SKEWED), rounds=1)
    assert short.status == GrowthStatus.LOWER_BOUND
    assert short.growth == pytest.approx(4.2236, abs=1e-4)


def test_batches_keep_their_shape_and_do_not_mix():
    loop = asim.FeedbackMap(CYCLE, beta=[[3.0], [10.0]], alpha=[0.0, 0.5, 0.8], reference=SKEWED)
    found = transient_growth(loop)
    for name in ("growth", "at_round", "reactivity", "status"):
        assert getattr(found, name).shape == (2, 3)
        alone = getattr(transient_growth(loop.take(np.array([4]))), name)[0]
        assert getattr(found, name)[1, 1] == pytest.approx(alone, rel=1e-14)
    one = transient_growth(asim.FeedbackMap(CYCLE, beta=10.0, reference=SKEWED))
    assert one.growth.shape == ()
    assert one.growth == pytest.approx(found.growth[1, 0], rel=1e-14)


@pytest.mark.parametrize("rounds", [0, -1, 1.5, "ten"])
def test_rounds_are_checked(rounds):
    with pytest.raises(ValueError, match="rounds"):
        transient_growth(asim.FeedbackMap(CYCLE, beta=1.0), rounds=rounds)
