"""Bounds on a collapse: they hold, they are sharp where they should be, predictions are met."""

import numpy as np
import pytest

import alignsim as asim
from alignsim import simplex
from alignsim.analysis.collapse.entropy_bounds import (
    asymptotic_entropy,
    entropy_falls_from,
    entropy_floor,
    span_bound,
)
from alignsim.analysis.equilibria.fixed_point import PointStatus, fixed_point
from tests.feedback.systems import policy, preferences

CYCLE = asim.preferences.cyclic(3, advantage=0.3)
LADDER = asim.preferences.additive([0.2, 0.1, 0.0])
"""Strictly strongly transitive; the matrix of theory 6.7's numbers."""
TIED = np.array([[0.5, 0.5, 0.8], [0.5, 0.5, 0.7], [0.2, 0.3, 0.5]])
"""The first row dominates the second, but only weakly: they tie."""

objectives = pytest.mark.parametrize("objective", ["ipo", "dpo"])


def random_maps(objective, K, n, *, alpha=None, lam=None, beta=None):
    rng = np.random.default_rng(K)
    return asim.FeedbackMap(
        np.array([preferences(rng, K, 0.02) for _ in range(n)]),
        objective=objective,
        beta=10 ** rng.uniform(-1.0, 2.0, n) if beta is None else beta,
        alpha=rng.choice([0.0, 0.5, 0.9], n) if alpha is None else alpha,
        lam=rng.choice([0.0, 0.5, 1.0], n) if lam is None else lam,
        reference=np.array([policy(rng, K) for _ in range(n)]),
        offline=np.array([policy(rng, K) for _ in range(n)]),
    )


@objectives
@pytest.mark.parametrize("K", [2, 3, 4, 7])
def test_no_fixed_point_lies_below_the_entropy_floor(objective, K):
    loop = random_maps(objective, K, 300)
    point = fixed_point(loop)
    good = point.status != PointStatus.NOT_FOUND
    assert good.sum() > 290
    entropy, floor = simplex.entropy(point.logits[good]), entropy_floor(loop)[good]
    assert (floor <= entropy * (1 + 1e-9)).all()
    if objective == "ipo":
        assert (floor > 0).all()
        assert (floor > 0.2 * entropy).any()


@objectives
def test_no_attractor_lies_below_the_floor_or_beyond_the_span_bound(objective):
    """Theory 6.1, 6.7 and analysis C.6, oscillating orbits included."""
    loop = random_maps(objective, 4, 300, beta=10 ** np.random.default_rng(1).uniform(-1, 1.5, 300))
    orbit = loop.run(rounds=600, burn_in=400, keep=range(400, 601))
    span = orbit.logits.max(axis=-1) - orbit.logits.min(axis=-1)
    assert (orbit.cycle_strength > 1e-3).sum() >= 5
    assert (entropy_floor(loop) <= orbit.entropy_min * (1 + 1e-9)).all()
    assert (span.max(axis=-1) <= span_bound(loop) * (1 + 1e-9)).all()


def test_the_floor_is_the_least_entropy_under_its_cap_on_probabilities():
    """Slow twin: with U from the definition, the cap on each response, and the extreme policy."""
    loop = random_maps("ipo", 5, 40)
    found = entropy_floor(loop)
    for m in range(40):
        eta = loop.beta[m] / (1 - loop.alpha[m])
        P, ref = loop.P[m], simplex.softmax(loop.reference_logits[m])
        caps = []
        for i in range(5):
            rivals = [ref[j] / ref[i] * np.exp(-eta * (P[i] - P[j]).max()) for j in range(5)]
            caps.append(1 / sum(rivals))
        cap, left, entropy = max(caps), 1.0, 0.0
        while left > 1e-14:
            share = min(cap, left)
            entropy -= share * np.log(share)
            left -= share
        assert found[m] == pytest.approx(entropy, rel=1e-6, abs=1e-12)


@objectives
def test_the_bounds_are_sharp_for_two_responses(objective):
    P = np.array([[0.5, 0.8], [0.2, 0.5]])
    loop = asim.FeedbackMap(P, objective=objective, beta=[0.0, 1.0, 3.0], alpha=0.5)
    point = fixed_point(loop).logits
    assert entropy_floor(loop) == pytest.approx(simplex.entropy(point), rel=1e-12)
    assert span_bound(loop) == pytest.approx(point[:, 0] - point[:, 1], rel=1e-12)


def test_the_floor_of_a_loop_that_does_nothing_is_the_entropy_of_the_reference():
    loop = asim.FeedbackMap(np.full((4, 4), 0.5), beta=5.0)
    assert entropy_floor(loop) == pytest.approx(np.log(4), rel=1e-12)
    skewed = asim.FeedbackMap(CYCLE, beta=0.0, reference=[0.4, 0.4, 0.2])
    assert entropy_floor(skewed) == pytest.approx(-0.8 * np.log(0.4) - 0.2 * np.log(0.2), rel=1e-12)
    assert span_bound(skewed) == pytest.approx(np.log(2), rel=1e-12)


def test_nothing_bounds_a_collapse_at_alpha_one():
    loop = asim.FeedbackMap(LADDER, beta=[0.0, 1.0], alpha=1.0)
    assert entropy_floor(loop).tolist() == [0.0, 0.0]
    assert np.isinf(span_bound(loop)).all()
    assert np.isnan(asymptotic_entropy(loop)).all()


def test_certain_preferences_leave_dpo_without_a_bound():
    P = [[0.5, 1.0, 0.0], [0.0, 0.5, 1.0], [1.0, 0.0, 0.5]]
    loop = asim.FeedbackMap(P, objective="dpo", beta=[0.0, 1.0])
    assert entropy_floor(loop).tolist() == [0.0, 0.0]
    assert span_bound(loop).tolist() == [0.0, np.inf]


def test_the_numbers_of_the_theory():
    """Theory 6.7: η = 60, λ = 1."""
    loop = asim.FeedbackMap(LADDER, beta=60.0)
    assert simplex.entropy(fixed_point(loop).logits) == pytest.approx(1.7391e-2, abs=5e-7)
    assert asymptotic_entropy(loop) == pytest.approx(1.7431e-2, abs=5e-7)
    halved = loop.replace(beta=30.0, alpha=0.5)
    assert asymptotic_entropy(halved) == pytest.approx(asymptotic_entropy(loop), rel=1e-14)


@objectives
@pytest.mark.parametrize("lam", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("P", [LADDER, TIED], ids=["ladder", "tied"])
def test_the_prediction_is_met_as_eta_grows(objective, lam, P):
    """Relative error of the order of the entropy itself; with ties, of the entropy beside them."""
    if lam < 1 and P is TIED:
        P = np.array([[0.5, 0.5, 0.8], [0.5, 0.5, 0.8], [0.2, 0.2, 0.5]])
    top = np.abs(P[0] - 0.5) < 1e-12
    reference, offline = np.array([0.2, 0.3, 0.5]), [0.3, 0.3, 0.4]
    gain = 1.0 if objective == "ipo" else 4.0
    eta = np.array([40.0, 80.0, 160.0]) / gain
    loop = asim.FeedbackMap(
        P, objective=objective, beta=eta, lam=lam, reference=reference, offline=offline
    )
    z = fixed_point(loop).logits
    merged = np.concatenate(
        [np.log(np.exp(z[:, top]).sum(axis=-1, keepdims=True)), z[:, ~top]], axis=-1
    )
    error = np.abs(asymptotic_entropy(loop) / simplex.entropy(merged) - 1)
    assert error[0] < 0.2
    assert (np.diff(error) < 0).all() or error.max() < 1e-12
    assert error[2] < 0.01


def test_without_a_leader_there_is_no_prediction():
    assert np.isnan(asymptotic_entropy(asim.FeedbackMap(CYCLE, beta=50.0)))
    assert np.isnan(asymptotic_entropy(asim.FeedbackMap(np.full((3, 3), 0.5), beta=50.0)))
    assert np.isnan(asymptotic_entropy(asim.FeedbackMap(LADDER, beta=0.1)))


def test_the_entropy_falls_in_every_round_from_t_on():
    """Theory 6.8: 0 of 400 strictly strongly transitive systems rise after T."""
    rng = np.random.default_rng(0)
    n = 400
    P = asim.preferences.random_strictly_strongly_transitive(4, size=n, rng=0)
    loop = asim.FeedbackMap(
        P, beta=rng.uniform(1.0, 20.0, n), alpha=1.0, lam=rng.uniform(0, 1, n),
        offline=np.array([policy(rng, 4) for _ in range(n)]),
    )  # fmt: skip
    start = simplex.centre(rng.normal(scale=2.0, size=(n, 4)))
    T = entropy_falls_from(loop, start)
    assert not np.isnan(T).any()
    orbit = loop.run(start_logits=start, rounds=400)
    rises = np.diff(orbit.entropy) > 0
    late = np.arange(400) >= T[:, None]
    assert (late.sum(axis=-1) > 50).sum() > 300
    assert (rises & late).sum() == 0
    assert (rises & ~late).any(axis=-1).sum() > 50


def test_t_is_known_at_alpha_one_under_strict_dominance_only():
    loop = asim.FeedbackMap(
        np.stack([LADDER, TIED, CYCLE]), beta=[[1.0], [0.0]], alpha=[1.0, 1.0, 1.0]
    )
    T = entropy_falls_from(loop, [0.0, 0.0, 0.0])
    assert np.isnan(T).tolist() == [[False, True, True], [True, True, True]]
    assert T[0, 0] == 0
    assert np.isnan(entropy_falls_from(loop.replace(alpha=0.5), [0.0, 0.0, 0.0])).all()
    dpo = asim.FeedbackMap(LADDER, objective="dpo", beta=1.0, alpha=1.0)
    assert entropy_falls_from(dpo, [0.0, 0.0, 1.0]) == 3
