"""Phases of orbits: the surprises of theory 6.6 and 7, closed forms, no neighbour felt."""

import tracemalloc

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis.evidence import Evidence
from alignsim.analysis.orbits import classification, exponents, windows
from alignsim.analysis.orbits.classification import classify
from alignsim.analysis.orbits.verdicts import Phase, Reason
from alignsim.analysis.orbits.windows import LAST_DIGITS
from alignsim.feedback import engines
from alignsim.feedback.threads import in_threads
from tests.analysis.orbits.test_cycles import PERIOD_FIVE, REFERENCE
from tests.feedback.systems import policy, preferences


def cycle(radius, advantage=0.3, alpha=0.5, objective="ipo", n=3):
    """Rock-paper-scissors at a given spectral radius of the uniform fixed point."""
    gain = 1.0 if objective == "ipo" else 4.0
    beta = np.sqrt(3.0 * (np.square(radius) - alpha**2)) / (gain * advantage)
    P = asim.preferences.cyclic(n, advantage=advantage)
    return asim.FeedbackMap(P, objective=objective, beta=beta, alpha=alpha)


@pytest.mark.parametrize("start", [[0.34, 0.33, 0.33], [0.8, 0.1, 0.1]])
def test_a_multiplier_of_0_9999_converges_and_one_of_1_0001_does_not(start):
    found = classify(cycle([0.9999, 1.0001]), start)
    assert found.code.tolist() == [Phase.CONVERGED, Phase.CIRCLE]
    assert found.period.tolist() == [1, 0]
    np.testing.assert_allclose(found.final[0], 1 / 3, atol=1e-12)


def test_near_the_bifurcation_amplitude_and_rotation_are_those_of_the_normal_form():
    """Theory 6.4 at ε = .01, α = .5: variance 3.848e-3 (seen 3.869e-3), rotation 1.0491."""
    found = classify(cycle(1.01))
    kappa = np.sqrt(1.01**2 - 0.25)
    assert found.cycle_strength == pytest.approx(3.869e-3, abs=1e-6)
    assert found.cycle_strength == pytest.approx(8 * 0.01 / (27 * kappa**2), rel=0.01)
    assert 2 * np.pi * found.rotation_number == pytest.approx(1.0491, abs=1e-4)


def test_the_amplitude_is_the_largest_deviation_in_time_of_a_policy_coordinate():
    loop = cycle(1.1)
    found = classify(loop)
    orbit = loop.run(start_logits=found.final_logits, rounds=4000, keep="all", burn_in=0)
    assert found.amplitude == pytest.approx(orbit.policies.std(axis=0).max(), rel=1e-3)
    assert found.cycle_strength == pytest.approx(orbit.policies.var(axis=0).mean(), rel=1e-3)
    assert found.entropy_mean == pytest.approx(orbit.entropy.mean(), rel=1e-3)
    assert found.entropy_min == pytest.approx(orbit.entropy.min(), rel=1e-3)


def test_a_cycle_of_period_five_lives_beside_a_stable_fixed_point():
    """Theory 6.6."""
    loop = asim.FeedbackMap(
        PERIOD_FIVE, alpha=0.35, beta=30.0, reference=REFERENCE / REFERENCE.sum()
    )
    fixed = asim.analysis.fixed_point(loop).logits
    away = np.array([1.0, -1.0, 1.0, -1.0])
    found = classify(loop, start_logits=fixed + np.array([[3.0], [0.1]]) * away)
    assert found.code.tolist() == [Phase.CYCLE, Phase.CONVERGED]
    assert found.period.tolist() == [5, 1]
    assert found.spectral_radius[0] < 1.0
    assert found.spectral_radius[1] == pytest.approx(0.9457, abs=1e-4)
    end = loop.run(start_logits=found.final_logits[0], rounds=5, keep="all")
    np.testing.assert_allclose(end.final_logits, found.final_logits[0], atol=1e-9)
    assert np.ptp(end.policies, axis=0).max() > 0.1


def test_a_condorcet_winner_that_the_fixed_point_prefers_is_never_found():
    """Theory 6.6: at β = 20 the fixed point gives .948 to response 0, the cycle 1e-4."""
    margin = np.zeros((4, 4))
    margin[0, 1:] = 0.02
    margin[1, 2] = margin[2, 3] = margin[3, 1] = 0.5
    loop = asim.FeedbackMap(0.5 + margin - margin.T, alpha=0.9, beta=20.0)
    off = 1e-3 * np.array([0.0, 1.0, -0.5, -0.5])
    found = classify(loop, start_logits=np.stack([off, np.zeros(4)]))
    assert found.code.tolist() == [Phase.CYCLE, Phase.CONVERGED]
    assert found.final[0, 0] < 1e-3
    assert found.final[1, 0] == pytest.approx(0.948, abs=1e-3)
    assert found.stability.spectral_radius == pytest.approx(0.949, abs=1e-3)


def test_strict_transitivity_does_not_rule_out_oscillation():
    """Theory 6.7."""
    margin = 0.5 * np.array([[0, 0.9, 1], [-0.9, 0, 0.91], [-1, -0.91, 0]])
    pull = np.exp(-40 * margin @ np.ones(3) / 3)
    loop = asim.FeedbackMap(0.5 + margin, alpha=0.0, beta=40.0, reference=pull / pull.sum())
    found = classify(loop)
    assert found.oscillates
    assert found.stability.spectral_radius == pytest.approx(3.12, abs=5e-3)


@pytest.mark.parametrize(
    ("advantage", "radius", "far"),
    [(0.40, 0.995, Phase.CONVERGED), (0.43, 0.998, Phase.CONVERGED),
     (0.45, 0.9980, Phase.CONVERGED),
     (0.45, 0.9981, Phase.CIRCLE), (0.45, 0.999, Phase.CIRCLE), (0.47, 0.988, Phase.CONVERGED),
     (0.47, 0.990, Phase.CIRCLE), (0.47, 0.995, Phase.CIRCLE), (0.49, 0.98, Phase.CIRCLE)],
)  # fmt: skip
def test_dpo_has_a_circle_beside_a_stable_fixed_point_where_it_is_subcritical(
    advantage, radius, far
):
    """Theory 7: hysteresis where aλ > √3/4, up to the fold of the circles.

    That lies between ρ = .9980 and .9981 for a = .45, between .988 and .990 for a = .47.
    """
    loop = cycle(radius, advantage, objective="dpo")
    found = classify(loop, [[0.34, 0.33, 0.33], [0.9, 0.07, 0.03]])
    assert found.code.tolist() == [Phase.CONVERGED, far]


def test_each_orbit_goes_to_its_own_dpo_fixed_point():
    """Theory 7, λ < 1: two attractors, and a saddle between them."""
    P = np.array([[0.5, 0.02, 0.16], [0.98, 0.5, 0.07], [0.84, 0.93, 0.5]])
    saddle = np.array([0.64, 0.357, 0.003])
    # log π_ref = log p − η·v(μ_p), read off the optimum of β = η at a uniform reference
    pull = asim.dpo_optimum(P, 0.5 * saddle + 0.5 / 3, beta=8.0)
    reference = saddle / pull / (saddle / pull).sum()
    loop = asim.FeedbackMap(P, objective="dpo", beta=0.8, alpha=0.9, lam=0.5, reference=reference)
    found = classify(loop, [[0.86, 0.1386, 0.0014], [0.6, 0.39, 0.01], [0.3, 0.3, 0.4]])
    assert found.code.tolist() == [Phase.CONVERGED] * 3
    ends = [[0.8604, 0.1396, 0.0], [0.6028, 0.3916, 0.0056], [0.8604, 0.1396, 0.0]]
    np.testing.assert_allclose(found.final, ends, atol=5e-5)
    for end, radius in zip(found.final, found.spectral_radius, strict=True):
        multipliers = np.linalg.eigvals(loop.jacobian(end, basis="tangent"))
        assert radius == pytest.approx(np.abs(multipliers).max(), rel=1e-6)


def test_locked_orbits_repeat_after_as_many_rounds_as_their_rotation_number_says():
    loop = asim.FeedbackMap(
        asim.preferences.cyclic(3, advantage=0.5), beta=[12.0, 20.0, 40.0], alpha=[0.0, 0.5, 0.2]
    )
    found = classify(loop)
    locked = found.code == Phase.LOCKED
    assert locked.any()
    turns = found.rotation_number[locked] * found.period[locked]
    np.testing.assert_allclose(turns, np.round(turns), atol=1e-12)
    for i in np.flatnonzero(locked):
        one = loop.take(np.array([i]))
        end = one.run(start_logits=found.final_logits[i], rounds=int(found.period[i]), keep="all")
        gap = np.abs(end.logits[0] - end.logits[0, :1]).max(axis=-1)
        assert gap[-1] < 1e-8
        assert gap[1:-1].min() > 1e-3


def four(*thirds, **given):
    """Four responses, whose pairs have these logits, in thirds."""
    P = np.full((4, 4), 0.5)
    i, j = np.triu_indices(4, 1)
    P[i, j] = 1.0 / (1.0 + np.exp(-np.array(thirds) / 3.0))
    P[j, i] = 1.0 - P[i, j]
    return asim.FeedbackMap(P, **given)


THREE = asim.preferences.cyclic(3, advantage=0.5)
LOCKED_LATE = {
    "26/84": (asim.FeedbackMap(THREE, beta=11.973, alpha=0.2423), 26, 84),
    "28/96": (asim.FeedbackMap(THREE, beta=12.94, alpha=0.2805), 28, 96),
    "8/72": (
        four(4, 1, -1, -4, -1, 8, beta=22.42593223810509, alpha=0.7002601218926278), 8, 72,
    ),
}  # fmt: skip


@pytest.mark.parametrize("rounds", [None, 1000, 3000])
@pytest.mark.parametrize("name", LOCKED_LATE)
def test_a_cycle_that_attracts_is_no_circle_however_long_its_period(name, rounds):
    """After period doubling the period is a multiple of the denominator: 26/84 is 13/42."""
    loop, turns, period = LOCKED_LATE[name]
    found = classify(loop, rounds=rounds)
    assert (found.code, found.period) == (Phase.LOCKED, period)
    assert found.rotation_number * period == pytest.approx(turns, abs=1e-12)
    assert found.spectral_radius < 0.6
    lap = loop.run(start_logits=found.final_logits, rounds=period, keep="all").logits
    back = np.ptp(lap[1:] - lap[0], axis=-1)
    assert back[-1] < 1e-9
    assert back[:-1].min() > 1e-4


def test_neighbours_on_a_circle_neither_part_nor_close_in():
    found = classify(cycle([1.01, 1.1]))
    assert (found.code == Phase.CIRCLE).all()
    assert (np.abs(found.exponent) < 1e-6).all()
    assert (found.exponent_error < 3e-5).all()


def test_a_cycle_on_which_an_orbit_has_not_settled_is_told_from_a_transient(monkeypatch):
    """Its neighbours close in, but no period is found."""
    loop, *_ = LOCKED_LATE["8/72"]
    monkeypatch.setattr(windows.Window, "_close", lambda self, rows: None)
    found = classify(loop, rounds=24_000)
    assert (found.code, found.reason_code) == (Phase.UNDECIDED, Reason.UNSETTLED)
    assert "more rounds" in found.reason()


def test_strong_feedback_on_a_cycle_of_three_is_chaotic():
    """a = ½, α = .4, β = 20: λ₁ = .3377 ± .0003 (see test_lyapunov); at β = 3.5 a circle."""
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.5), beta=[20.0, 3.5], alpha=0.4)
    found = classify(loop, [0.5, 0.3, 0.2], rounds=50_000)
    assert found.phase.tolist() == ["chaotic", "invariant circle"]
    assert found.exponent[0] - 3 * found.exponent_error[0] > 0.3
    assert found.exponent[0] == pytest.approx(0.3377, abs=4 * found.exponent_error[0])
    assert not found.rotation_digits[0] > LAST_DIGITS
    assert (found.period[0], np.isnan(found.rotation_number[0])) == (0, True)
    assert not found.exponent[1] > 3 * found.exponent_error[1]


def test_a_transient_near_alpha_one_is_not_called_chaotic():
    """Its leading exponent is 4.1e-3 ± 1.1e-3 after 12,000 rounds; then it locks to 363."""
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=20.0, alpha=0.9999)
    early = classify(loop, rounds=12_000)
    assert (early.code, early.reason_code) == (Phase.UNDECIDED, Reason.TRANSIENT)
    found = classify(loop)
    assert (found.code, found.period) == (Phase.LOCKED, 363)


def test_without_an_anchor_orbits_drift_unless_nothing_moves_them():
    P = np.stack(
        [asim.preferences.cyclic(3, advantage=0.3), asim.preferences.bradley_terry([1.0, 0.5, 0.0])]
    )
    found = classify(asim.FeedbackMap(P[:, None], alpha=1.0, beta=[0.0, 1.0]), rounds=3000)
    assert found.code.tolist() == [[Phase.CONVERGED, Phase.DRIFTING]] * 2


def test_an_orbit_at_rest_on_a_repelling_point_is_undecided_and_says_why():
    found = classify(cycle(1.2), np.full(3, 1 / 3))
    assert (found.code, found.reason_code) == (Phase.UNDECIDED, Reason.AT_REST)
    assert "start elsewhere" in found.reason()


def test_too_few_rounds_are_no_verdict():
    found = classify(cycle([1.0005, 1.001]), rounds=1500)
    assert found.code.tolist() == [Phase.UNDECIDED] * 2
    assert found.reason_code.tolist() == [Reason.TRANSIENT] * 2
    assert "more rounds" in found.reason(1)
    assert (found.rounds == 1500).all()
    assert classify(cycle(1.2), rounds=0).code == Phase.UNDECIDED


def test_certified_convergence_needs_no_arrival():
    loop = asim.FeedbackMap(
        asim.preferences.cyclic(3, advantage=0.1), beta=1e-4, alpha=1 - 1e-6, lam=1.0
    )
    found = classify(loop, [0.9, 0.05, 0.05], rounds=4000)
    assert found.code == Phase.CONVERGED
    assert found.evidence == Evidence.CERTIFIED
    np.testing.assert_allclose(found.final, 1 / 3, atol=1e-9)


def test_a_failed_run_is_undecided_and_leaves_its_batch_alone():
    P = np.stack([asim.preferences.cyclic(3, advantage=a) for a in (0.5, 0.2)])
    loop = asim.FeedbackMap(P, objective="dpo", beta=40.0, alpha=0.9)
    found = classify(loop, [0.5, 0.3, 0.2], rounds=3000)
    alone = classify(loop.take(np.array([1])), [0.5, 0.3, 0.2], rounds=3000)
    if found.reason_code[0] == Reason.FAILED:
        assert found.code[0] == Phase.UNDECIDED
        assert "failed numerically" in found.reason(0)
    assert found.code[1] == alone.code[0]


def test_an_orbit_does_not_depend_on_its_batch_or_on_threads():
    rng = np.random.default_rng(0)
    n = 40
    loop = asim.FeedbackMap(
        np.array([preferences(rng, 4) for _ in range(n)]),
        beta=10 ** rng.uniform(0, 1.7, n), alpha=rng.uniform(0, 0.95, n),
    )  # fmt: skip
    start = np.array([policy(rng, 4) for _ in range(n)])
    whole = classify(loop, start, 3000)
    assert len(np.unique(whole.code)) >= 3
    for threads, which in ((1, np.arange(n)), (2, np.arange(n)[::-1]), (1, np.arange(3, 11))):
        part = classify(loop.take(which), start[which], 3000, threads=threads)
        for name in ("code", "period", "rotation_number", "cycle_strength", "final_logits"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[which], name)


def test_an_exponent_is_reported_where_it_had_to_decide_whatever_the_batch_measures_beside_it():
    P = asim.preferences.random_skew(4, size=60, max_margin=0.4, rng=0)
    together = asim.classify(asim.FeedbackMap(P, beta=30.0, alpha=0.5))
    unasked = {int(i) for i in np.flatnonzero(np.isnan(together.exponent))}
    assert {5, 7, 20} <= unasked  # cycles with multipliers below a half
    for i in (4, 5, 7, 10, 20, 25):
        alone = asim.classify(asim.FeedbackMap(P[i], beta=30.0, alpha=0.5))
        np.testing.assert_allclose(alone.exponent, together.exponent[i], rtol=0, atol=1e-15)


def test_orbits_are_followed_and_judged_on_as_many_threads_as_are_asked_for(monkeypatch):
    used = set()

    def counted(run, blocks, threads, bar=None):
        used.add((run.__qualname__.partition(".")[0], threads))
        in_threads(run, blocks, threads, bar)

    for module in (engines, exponents, windows):
        monkeypatch.setattr(module, "in_threads", counted)
    classify(cycle([1.1, 1.2]), threads=2)
    assert used == {("in_slices", 2), ("Window", 2), ("leading_exponent", 2)}


def test_a_longer_window_is_given_memory_once_a_shorter_one_has_given_its_own_back():
    loop = asim.FeedbackMap(asim.preferences.random_skew(12, rng=0), beta=[3.0])
    start = loop.reference_logits
    search = classification._Search(loop, start, asim.stability(loop), None, 1)
    tracemalloc.start()
    for rounds in (2**14, 2**15):
        tracemalloc.reset_peak()
        search._follow(loop, start, rounds, rounds)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.25 * search._bytes(rounds)


def test_phases_do_not_depend_on_the_names_of_the_responses():
    rng = np.random.default_rng(3)
    n = 60
    P = np.array([preferences(rng, 4) for _ in range(n)])
    beta, alpha = 10 ** rng.uniform(0, 1.5, n), rng.uniform(0, 0.9, n)
    start = np.array([policy(rng, 4) for _ in range(n)])
    order = np.array([2, 0, 3, 1])
    one = classify(asim.FeedbackMap(P, beta=beta, alpha=alpha), start, 6000)
    other = classify(
        asim.FeedbackMap(P[:, order[:, None], order], beta=beta, alpha=alpha), start[:, order], 6000
    )
    regular = ~np.isin(one.code, (Phase.CHAOTIC, Phase.UNDECIDED))
    assert regular.sum() > 0.9 * n
    np.testing.assert_array_equal(one.code[regular], other.code[regular])
    np.testing.assert_array_equal(one.period[regular], other.period[regular])
    np.testing.assert_allclose(
        one.rotation_number[regular], other.rotation_number[regular], atol=1e-8
    )


@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
def test_results_have_the_shape_of_the_batch(shape):
    found = classify(cycle(np.full(shape, 1.1)), rounds=4000)
    for name in ("code", "period", "rotation_number", "entropy_mean", "rounds", "phase"):
        assert getattr(found, name).shape == shape
    assert found.final_logits.shape == found.final.shape == (*shape, 3)
    assert (found.phase == "invariant circle").all()


def test_starts_broadcast_against_maps():
    found = classify(cycle([0.9, 1.1]), np.array([[[0.5, 0.3, 0.2]], [[0.4, 0.3, 0.3]]]), 4000)
    assert found.phase.tolist() == [["converged", "invariant circle"]] * 2


def test_two_responses_always_converge():
    loop = asim.FeedbackMap([[0.5, 0.9], [0.1, 0.5]], beta=[1.0, 50.0, 1e4], alpha=[0, 0.5, 0.99])
    found = classify(loop, [0.01, 0.99])
    assert (found.code == Phase.CONVERGED).all()


def test_a_large_system_is_classified_too():
    loop = asim.FeedbackMap(asim.preferences.cyclic(71, advantage=0.5), beta=[1.0, 30.0], alpha=0.3)
    found = classify(loop, rounds=3000)
    assert found.code[0] == Phase.CONVERGED
    assert found.oscillates[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rounds": -1}, "rounds is -1"),
        ({"rounds": 2.5}, "rounds is 2.5"),
        ({"threads": 0}, "threads is 0"),
        ({"start": [0.5, 0.5]}, "start has 2 responses"),
        ({"start": [1.0, 0, 0], "start_logits": [0, 0, 0]}, "give one of them"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        classify(cycle(1.1), **arguments)


def test_reasons_ask_for_one_number_an_axis():
    with pytest.raises(ValueError, match="one number an axis"):
        classify(cycle([1.1, 1.2]), rounds=10).reason()


def test_chaos_whose_phase_turns_like_a_clock_is_no_circle():
    """Its rotation number settles to ten digits, but nearby orbits part."""
    i, j = np.triu_indices(4, 1)
    margin = np.zeros((4, 4))
    margin[i, j] = [-0.28, 0.40, -0.01, -0.32, 0.38, 0.19]
    loop = asim.FeedbackMap(0.5 + margin - margin.T, beta=27.0, alpha=0.5)
    seen = asim.classify(loop)
    assert seen.rotation_digits > 8
    assert seen.phase == "chaotic"
    long = asim.lyapunov_spectrum(loop, start_logits=seen.final_logits, rounds=50_000, exponents=1)
    assert long.exponents[0] > 5 * long.standard_errors[0]


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_a_drift_is_no_circle(objective):
    """α = 1 up to rounding: the logits run away in a straight line."""
    P = asim.preferences.bradley_terry([0.0, 0.5, 1.0])
    loop = asim.FeedbackMap(P, objective=objective, beta=[1e-3, 1.0], alpha=1 - 1e-16)
    assert not asim.classify(loop, rounds=3000).oscillates.any()


def test_an_orbit_that_wavers_near_a_barely_stable_point_has_not_converged():
    """A subcritical onset: it leaves for a cycle far away, and its distance falls within a turn."""
    P = np.array(
        [[0.5, 0.596, 0.756, 0.378], [0.404, 0.5, 0.345, 0.813],
         [0.244, 0.655, 0.5, 0.815], [0.622, 0.187, 0.185, 0.5]]
    )  # fmt: skip
    reference = asim.simplex.softmax(np.array([-0.86, 1.719, 0.147, -1.007]))
    loop = asim.FeedbackMap(P, beta=20.22091, alpha=0.35, reference=reference)
    assert 0.9999 < asim.stability(loop).spectral_radius < 1
    seen = asim.classify(loop, start_logits=[1.6507, 1.188, -1.1751, -1.6803])
    assert seen.phase == "cycle"
    hard = asim.FeedbackMap(
        asim.preferences.cyclic(3, advantage=0.47), objective="dpo", beta=0.4014, alpha=0.9
    )
    assert asim.classify(hard, start_logits=[0.1061, 0, -0.1061]).phase == "invariant circle"


def test_what_hardly_moves_is_neither_at_rest_nor_on_a_circle():
    """α within 1e-12 of 1: a step is tiny wherever the orbit is."""
    alpha = 1 - 1e-12
    turning = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.5), beta=1e-5, alpha=alpha)
    assert asim.classify(turning, [0.9, 0.05, 0.05], rounds=6000).phase == "undecided"
    P = [[0.5, 0.02, 0.16], [0.98, 0.5, 0.07], [0.84, 0.93, 0.5]]
    resting = asim.FeedbackMap(P, objective="dpo", beta=8 * (1 - alpha), alpha=alpha, lam=0.5)
    assert asim.classify(resting, [0.6, 0.39, 0.01], rounds=6000).phase == "undecided"


def test_a_near_return_with_a_multiplier_next_to_one_is_no_cycle():
    """After 19 rounds the orbit is 7e-4 away, after 38 it is 3e-8, also after a million rounds.

    Newton's method finds a cycle of 19 next to it all the same, which the orbit does not approach.
    """
    upper = [
        0.3292790793383986, 0.8497726812745584, 0.029164327166600335, 0.7317996477030801,
        0.6366204835230889, 0.950206021733802, 0.45299445097744084,
        0.16311731316266032, 0.1361119958953031, 0.5035708316086058,
    ]  # fmt: skip
    P = np.full((5, 5), 0.5)
    rows, columns = np.triu_indices(5, 1)
    P[rows, columns] = upper
    P[columns, rows] = 1.0 - np.array(upper)
    loop = asim.FeedbackMap(P, beta=29.5167135028238, alpha=0.7668249394805136)
    seen = asim.classify(loop)
    assert seen.code == Phase.UNDECIDED
    assert seen.reason_code == Reason.UNSETTLED
