"""Labels: what an orbit does, never contradicted by its fixed point or by a longer run."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis import classify, stability
from alignsim.analysis.evidence import Evidence
from alignsim.analysis.orbits.verdicts import OSCILLATING, Phase, Reason
from tests.feedback.systems import policy, preferences
from tests.hostile import TOYS

THREE_CYCLE = asim.preferences.cyclic(3, advantage=0.3)


def label(loop, **start):
    return classify(loop, **start).code


def systems(objective, K, n, lam=None):
    rng = np.random.default_rng(K)
    loop = asim.FeedbackMap(
        np.array([preferences(rng, K, 0.0 if objective == "ipo" else 0.03) for _ in range(n)]),
        objective=objective,
        beta=10 ** rng.uniform(-0.5, 1.8, n) * (1.0 if objective == "ipo" else 0.25),
        alpha=rng.choice([0.0, 0.3, 0.5, 0.8, 0.95], n),
        lam=rng.choice([0.3, 0.7, 1.0], n) if lam is None else lam,
        reference=np.array([policy(rng, K) for _ in range(n)]),
    )
    return loop, np.array([policy(rng, K) for _ in range(n)])


@pytest.mark.parametrize(
    ("objective", "K", "n", "lam"),
    [("ipo", 3, 250, None), ("ipo", 4, 250, None), ("ipo", 5, 250, None), ("ipo", 6, 250, None),
     ("dpo", 3, 100, 1.0), ("dpo", 4, 100, 1.0), ("dpo", 4, 100, None), ("dpo", 6, 25, 1.0)],
)  # fmt: skip
@pytest.mark.parametrize("far", [False, True], ids=["near", "far"])
def test_labels_agree_with_the_local_criterion_and_with_a_longer_run(objective, K, n, lam, far):
    """Disagreement with ρ is bistability (theory 6.6), and then lasts."""
    loop, start = systems(objective, K, n, lam)
    orbit = loop.run(start if far else None, rounds=3000, keep="all")
    local = stability(loop, orbit.final_logits if objective == "dpo" else None)
    found = label(loop, start=start if far else None)
    radius = local.spectral_radius
    assert not np.isnan(radius).any()
    assert (found == Phase.CONVERGED).sum() > n // 2
    moving = np.isin(found, OSCILLATING)
    assert moving.sum() >= n // 20
    assert (found == Phase.UNDECIDED).sum() <= max(1, n // 50)
    assert not (found == Phase.DRIFTING).any()
    assert not ((found == Phase.CONVERGED) & (radius > 1)).any()
    assert (moving & (radius < 1)).sum() <= n // 50
    longer = loop.run(start_logits=orbit.final_logits, rounds=10_000, keep="last")
    settled = radius < 0.998
    assert longer.cycle_strength[(found == Phase.CONVERGED) & settled].max() < 1e-20
    ratio = longer.cycle_strength[moving] / orbit.cycle_strength[moving]
    assert (ratio > 0.2).all()


BISTABLE = {
    "period five": (
        asim.FeedbackMap(
            [[0.5, 0.624, 0.619, 0.969], [0.376, 0.5, 0.942, 0.269],
             [0.381, 0.058, 0.5, 0.454], [0.031, 0.731, 0.546, 0.5]],
            beta=30.0, alpha=0.35,
            reference=asim.simplex.softmax(np.array([-5.3686, -0.6416, 0.9502, 5.06])),
        ),
        3.0 * np.array([1.0, -1.0, 1.0, -1.0]),
        [0.7320, 0.2510, 0.0080, 0.0090],
        0.9457,
        Phase.CYCLE,
    ),
    "Condorcet winner never found": (
        asim.FeedbackMap(
            [[0.5, 0.52, 0.52, 0.52], [0.48, 0.5, 1.0, 0.0],
             [0.48, 0.0, 0.5, 1.0], [0.48, 1.0, 0.0, 0.5]],
            beta=20.0, alpha=0.9,
        ),
        None,
        [0.948, 0.0174, 0.0174, 0.0174],
        0.949,
        Phase.CYCLE,
    ),
}  # fmt: skip
bistable = pytest.mark.parametrize("name", BISTABLE)


def bistable_start(name):
    loop, offset, *_ = BISTABLE[name]
    if offset is None:
        return 1e-3 * np.array([0.0, 1.0, -0.5, -0.5])
    return stability(loop).fixed_point.logits + offset


@bistable
def test_stable_maps_of_the_theory_oscillate_from_the_stated_starts(name):
    """Theory 6.6: ρ < 1 says nothing about far starts."""
    loop, _, expected, radius, kind = BISTABLE[name]
    local = stability(loop)
    assert local.spectral_radius == pytest.approx(radius, abs=1e-4)
    assert np.abs(local.fixed_point.policy - expected).max() < 1e-4
    assert label(loop, start_logits=bistable_start(name)) == kind
    assert (
        loop.run(start_logits=bistable_start(name), rounds=60_000, keep="last").cycle_strength
        > 0.05
    )


def test_the_condorcet_winner_is_found_from_the_uniform_policy_and_hardly_ever_near_it():
    loop = BISTABLE["Condorcet winner never found"][0]
    assert label(loop, start=[0.25] * 4) == Phase.CONVERGED
    cycling = loop.run(
        start_logits=bistable_start("Condorcet winner never found"), rounds=60_000, keep="last"
    )
    assert cycling.policy_mean[0] < 1e-3


@bistable
def test_an_orbit_on_a_cycle_is_called_oscillating_whenever_it_is_looked_at(name):
    """Where the cycle happens to be nearer to the fixed point at the end proves nothing."""
    loop, *_, kind = BISTABLE[name]
    start = bistable_start(name)
    orbit = loop.run(start_logits=start, rounds=2060, keep="all")
    assert (label(loop, start_logits=orbit.logits[2000:]) == kind).all()


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("radius", [0.99, 0.999, 0.9999, 1.0001, 1.001, 1.01])
@pytest.mark.parametrize("start", [None, [0.8, 0.1, 0.1], [0.99, 0.005, 0.005]])
def test_labels_hold_up_to_a_ten_thousandth_from_the_onset(objective, radius, start):
    """Soft onsets: a = .3 < √3/4 for DPO. Nothing is decided by the size of a step."""
    gain = {"ipo": 1.0, "dpo": 4.0}[objective]
    beta = np.sqrt(3 * (radius**2 - 0.25)) / (gain * 0.3)
    loop = asim.FeedbackMap(THREE_CYCLE, objective=objective, beta=beta, alpha=0.5)
    assert stability(loop).spectral_radius == pytest.approx(radius, abs=1e-12)
    found = label(loop, start=start)
    assert found in (
        (Phase.CONVERGED, Phase.UNDECIDED) if radius < 1 else (Phase.CIRCLE, Phase.UNDECIDED)
    )
    if start is None and abs(radius - 1) > 5e-4:
        assert found == (Phase.CONVERGED if radius < 1 else Phase.CIRCLE)


def test_an_orbit_that_rests_on_an_unstable_fixed_point_is_undecided():
    loop = asim.FeedbackMap(THREE_CYCLE, beta=20.0, alpha=0.5)
    assert label(loop, start=[1 / 3] * 3) == Phase.UNDECIDED


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_at_alpha_one_whatever_moves_is_drifting(objective):
    for P in (THREE_CYCLE, asim.preferences.bradley_terry([0.0, 0.5, 1.0])):
        loop = asim.FeedbackMap(P, objective=objective, beta=[0.1, 1.0], alpha=1.0)
        assert label(loop).tolist() == [Phase.DRIFTING, Phase.DRIFTING]
        still = asim.FeedbackMap(P, objective=objective, beta=0.0, alpha=1.0)
        assert label(still, start=[0.5, 0.3, 0.2]) == Phase.CONVERGED


def test_at_alpha_one_other_payoffs_may_converge():
    """v = −π: whatever is rare gains, and the multipliers at the uniform policy are 1 − β/3."""
    beta = np.array([0.5, 2.0, 5.0])
    loop = asim.FeedbackMap.from_payoffs(-np.eye(3), beta=beta, alpha=1.0)
    found = asim.classify(loop, [0.5, 0.3, 0.2])
    assert found.phase.tolist() == ["converged"] * 3
    assert found.words("evidence").tolist() == ["iterated"] * 3
    np.testing.assert_allclose(found.final, 1 / 3, atol=1e-12)
    np.testing.assert_allclose(found.spectral_radius, np.abs(1 - beta / 3), atol=1e-9)
    turning = asim.FeedbackMap.from_payoffs(-np.eye(3), beta=20.0, alpha=1.0)
    seen = asim.classify(turning, [0.5, 0.3, 0.2])
    assert (seen.phase, seen.period) == ("cycle", 3)
    repelled = asim.classify(turning, [1 / 3] * 3)
    assert (repelled.phase, repelled.reason_code) == ("undecided", Reason.AT_REST)


def test_at_alpha_one_what_converges_too_slowly_to_be_told_does_not_drift():
    """Payoffs −π³ in effect: at β = 6 the multiplier is −1, and gaps shrink as 1/√t."""
    loop = asim.FeedbackMap.from_payoffs(-np.eye(3), beta=[5.999, 6.0], alpha=1.0)
    for rounds in (3000, 12_000):
        assert not (asim.classify(loop, [0.5, 0.3, 0.2], rounds=rounds).phase == "drifting").any()


@pytest.mark.parametrize("name", TOYS)
def test_a_drift_of_which_nothing_is_proved_is_seen_in_the_orbit(name):
    loop = asim.FeedbackMap(THREE_CYCLE, objective=TOYS[name], beta=[0.3, 4.0], alpha=1.0)
    found = asim.classify(loop, [0.5, 0.3, 0.2], rounds=12_000)
    assert found.phase.tolist() == ["drifting"] * 2
    assert found.words("evidence").tolist() == ["iterated"] * 2
    span = np.ptp(loop.run([0.5, 0.3, 0.2], rounds=12_000, keep="all").logits, axis=-1)
    assert (span[:, 6000:].max(axis=-1) > 1.2 * span[:, :6000].max(axis=-1)).all()
    early = asim.classify(loop, [0.5, 0.3, 0.2], rounds=500)
    assert early.phase.tolist() == ["undecided"] * 2


def test_a_collapsing_loop_below_alpha_one_converges():
    """η = 10⁴: the fixed point is a policy of logit gaps in the thousands."""
    P = asim.preferences.bradley_terry([0.0, 0.5, 1.0, 2.0])
    for alpha in (0.9, 0.99, 0.995):
        loop = asim.FeedbackMap(P, beta=1e4 * (1 - alpha), alpha=alpha)
        assert label(loop) == Phase.CONVERGED


def test_an_orbit_that_has_hardly_left_for_its_collapsed_fixed_point_converges_by_certificate():
    """Under π* the distance is tiny, since π* gives no weight to the response still to vanish."""
    loop = asim.FeedbackMap([[0.5, 0.8], [0.2, 0.5]], beta=1e-3, alpha=0.99999)
    orbit = loop.run(rounds=3000)
    assert orbit.final[0] < 0.71
    assert asim.analysis.fixed_point(loop).policy[0] > 1 - 1e-12
    seen = classify(loop, start_logits=orbit.final_logits, rounds=3000)
    assert seen.evidence == Evidence.CERTIFIED
    assert label(loop) == Phase.CONVERGED


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_a_radius_that_rounds_to_one_makes_no_oscillation(objective):
    P = asim.preferences.bradley_terry([0.0, 0.5, 1.0])
    loop = asim.FeedbackMap(P, objective=objective, beta=[1e-3, 1.0], alpha=1 - 1e-16)
    assert not np.isin(label(loop), OSCILLATING).any()


def test_two_responses_never_oscillate():
    alpha = np.array([0.0, 0.5, 0.9, 0.99, 0.999, 0.9999])
    loop = asim.FeedbackMap([[0.5, 0.8], [0.2, 0.5]], beta=[[1.0], [30.0]], alpha=alpha)
    assert not np.isin(label(loop), OSCILLATING).any()


def test_a_failed_orbit_is_undecided():
    dominated = np.array([[0.5, 1.0, 1.0], [0.0, 0.5, 0.7], [0.0, 0.3, 0.5]])
    loop = asim.FeedbackMap(
        np.stack([dominated, THREE_CYCLE]), objective="dpo", beta=0.5, alpha=[[0.5], [1.0]]
    )
    assert label(loop).tolist() == [
        [Phase.UNDECIDED, Phase.CONVERGED],
        [Phase.UNDECIDED, Phase.DRIFTING],
    ]


def test_a_map_is_judged_for_every_start():
    loop = asim.FeedbackMap(THREE_CYCLE, beta=[[3.0], [5.0]], alpha=0.6)
    starts = np.random.default_rng(0).dirichlet(np.ones(3), 7)
    found = label(loop, start=starts)
    assert found.shape == (2, 7)
    assert (found[0] == Phase.CONVERGED).all()
    assert (found[1] == Phase.CIRCLE).all()
