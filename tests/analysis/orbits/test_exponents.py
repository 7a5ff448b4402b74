"""Lyapunov spectra: closed forms, two independent ways, chaos, and what must not change them."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis import fixed_point
from alignsim.analysis.evidence import Evidence
from alignsim.analysis.orbits import exponents as lyapunov
from alignsim.analysis.orbits.exponents import UNRESOLVED, lyapunov_spectrum
from alignsim.kernels.status import NO_OPTIMUM, NOT_FINITE, OK
from alignsim.kernels.tangents import ABREAST
from tests.feedback.systems import preferences, system

CYCLE = asim.preferences.cyclic(3, advantage=0.5)
CHAOS = asim.FeedbackMap(CYCLE, beta=20.0, alpha=0.4)
CIRCLE = asim.FeedbackMap(CYCLE, beta=3.3, alpha=0.5)  # critical at β = 3

OBJECTIVES = pytest.mark.parametrize("objective", ["ipo", "dpo"])


def log_multipliers(loop):
    multipliers = np.linalg.eigvals(loop.derivative(fixed_point(loop).logits, "tangent"))
    return np.sort(np.log(np.abs(multipliers)))[::-1]


# Closed forms


@pytest.mark.parametrize("K", [2, 3, 4, 5, 7])
def test_at_a_fixed_point_the_exponents_are_the_logs_of_the_multipliers(K):
    rng = np.random.default_rng(K)
    for _ in range(4):
        loop = system(rng, K, beta=2.0, alpha=0.4).loop()
        spectrum = lyapunov_spectrum(loop, rounds=4000)
        expected = log_multipliers(loop)
        # a pair turns, and its two exponents settle as 1/rounds; their sum does not wait
        np.testing.assert_allclose(spectrum.exponents, expected, atol=1e-3)
        assert spectrum.exponents.sum() == pytest.approx(expected.sum(), rel=1e-12)
        assert spectrum.mean_log_det == pytest.approx(expected.sum(), rel=1e-12)


def test_at_a_fixed_point_of_dpo_too():
    """Theory 7: at the uniform point of the cycle |multiplier|² = α² + (16/3)a²β²λ²."""
    P = asim.preferences.cyclic(3, advantage=0.3)
    loop = asim.FeedbackMap(P, objective="dpo", beta=0.9, alpha=0.5, lam=0.8)
    spectrum = lyapunov_spectrum(loop, rounds=1200)
    expected = 0.5 * np.log(0.25 + 16 / 3 * (0.3 * 0.9 * 0.8) ** 2)
    np.testing.assert_allclose(spectrum.exponents, [expected, expected], rtol=1e-9)


def test_a_collapsed_fixed_point_keeps_its_digits():
    """Theory 6.3: multipliers ±iβω with ω = |curl|√(π₁π₂π₃), here about e^−22."""
    logits = np.array([0.0, -20.0, -25.0])
    P = preferences(np.random.default_rng(0), 3)
    loop = asim.FeedbackMap(P, beta=0.5, reference=asim.simplex.softmax(logits))
    spectrum = lyapunov_spectrum(loop, rounds=200)
    curl = P[0, 1] + P[1, 2] + P[2, 0] - 1.5
    policy = asim.simplex.log_softmax(fixed_point(loop).logits)
    expected = 2 * np.log(0.5 * abs(curl)) + policy.sum()
    assert spectrum.mean_log_det == pytest.approx(expected, rel=1e-11)
    assert spectrum.exponents.sum() == pytest.approx(expected, rel=1e-11)


@OBJECTIVES
@pytest.mark.parametrize("K", [2, 3, 5])
def test_without_a_signal_every_exponent_is_log_alpha(objective, K):
    rng = np.random.default_rng(K)
    P = preferences(rng, K)
    for changes in ({"beta": 0.0}, {"beta": 3.0, "lam": 0.0}):
        loop = asim.FeedbackMap(P, objective=objective, alpha=[0.3, 1.0], **changes)
        spectrum = lyapunov_spectrum(loop, rounds=60)
        expected = np.broadcast_to(np.log([[0.3], [1.0]]), (2, K - 1))
        np.testing.assert_allclose(spectrum.exponents, expected, atol=1e-13)


@OBJECTIVES
def test_a_map_that_forgets_its_state_has_exponents_of_minus_infinity(objective):
    loop = asim.FeedbackMap(CYCLE * 0.9 + 0.05, objective=objective, beta=0.0, alpha=0.0)
    spectrum = lyapunov_spectrum(loop, rounds=40)
    assert (spectrum.exponents == -np.inf).all()
    assert spectrum.status == OK
    assert spectrum.mean_log_det == -np.inf
    assert spectrum.defect == 0.0


def test_two_responses_know_alpha_only():
    P = [[0.5, 0.9], [0.1, 0.5]]
    spectrum = lyapunov_spectrum(asim.FeedbackMap(P, beta=7.0, alpha=[0.0, 0.25]), rounds=100)
    assert spectrum.exponents.shape == (2, 1)
    assert spectrum.exponents[0, 0] == -np.inf
    assert spectrum.exponents[1, 0] == pytest.approx(np.log(0.25), rel=1e-13)
    assert (spectrum.status == OK).all()


def test_additive_preferences_contract_by_alpha_and_no_more():
    P = asim.preferences.additive([0.1, 0.25, 0.0, 0.4])
    spectrum = lyapunov_spectrum(asim.FeedbackMap(P, beta=5.0, alpha=[0.0, 0.7, 1.0]), rounds=200)
    assert (spectrum.exponents[0] == -np.inf).all()
    np.testing.assert_allclose(spectrum.exponents[1], np.log(0.7), atol=1e-13)
    np.testing.assert_allclose(spectrum.exponents[2], 0.0, atol=1e-13)


@OBJECTIVES
@pytest.mark.parametrize(("K", "lost"), [(3, 0), (4, 1), (6, 1)])
def test_at_alpha_zero_an_even_number_of_responses_loses_one_direction(objective, K, lost):
    P = preferences(np.random.default_rng(K), K, 0.2)
    loop = asim.FeedbackMap(P, objective=objective, beta=1.0)
    spectrum = lyapunov_spectrum(loop, rounds=100)
    assert np.isneginf(spectrum.exponents).sum() == lost
    assert np.isfinite(spectrum.exponents[: K - 1 - lost]).all()
    assert spectrum.status == OK


def test_duplicates_of_a_response_are_one_response_at_alpha_zero():
    P = asim.preferences.cyclic(3, advantage=0.3)
    twice = P[np.ix_([0, 1, 2, 2], [0, 1, 2, 2])]
    policies = np.array([0.4, 0.3, 0.3])
    single = asim.FeedbackMap(P, beta=5.0, reference=policies)
    double = asim.FeedbackMap(twice, beta=5.0, reference=[0.4, 0.3, 0.1, 0.2])
    one = lyapunov_spectrum(single, policies, rounds=4000)
    two = lyapunov_spectrum(double, [0.4, 0.3, 0.1, 0.2], rounds=4000)
    assert two.exponents[2] == -np.inf
    assert two.exponents[:2].sum() == pytest.approx(one.exponents.sum(), abs=1e-3)


# Attractors


def test_an_invariant_circle_has_one_exponent_zero():
    spectrum = lyapunov_spectrum(CIRCLE, rounds=20_000)
    assert abs(spectrum.exponents[0]) < 3 * spectrum.standard_errors[0]
    assert spectrum.exponents[0] == pytest.approx(0.0, abs=1e-3)
    assert spectrum.exponents[1] < -0.05


def test_strong_feedback_on_a_cycle_of_three_is_chaotic():
    """a = ½, α = .4, β = 20, λ = 1, uniform references, found by scanning: λ₁ = .3377 ± .0003."""
    starts = np.random.default_rng(1).dirichlet(np.ones(3), 30)
    spectrum = lyapunov_spectrum(CHAOS, starts, rounds=4000)
    leading, error = spectrum.exponents[:, 0], spectrum.standard_errors[:, 0]
    assert (leading - 3 * error > 0.25).all()
    assert leading.mean() == pytest.approx(0.3377, abs=0.005)


def test_chaos_can_lie_beside_a_stable_cycle():
    """The same at β = 21: from 62 of 200 starts the orbit ends on a cycle, λ₁ = −.92."""
    starts = np.random.default_rng(1).dirichlet(np.ones(3), 40)
    leading = lyapunov_spectrum(CHAOS.replace(beta=21.0), starts, rounds=4000).exponents[:, 0]
    regular = leading < 0
    assert 3 < regular.sum() < 30
    np.testing.assert_allclose(leading[regular], -0.92, atol=0.01)
    np.testing.assert_allclose(leading[~regular], 0.397, atol=0.05)


def test_strong_feedback_of_dpo_is_chaotic():
    """a = .49, α = ½, β = 4, λ = 1: λ₁ = .33."""
    P = asim.preferences.cyclic(3, advantage=0.49)
    spectrum = lyapunov_spectrum(
        asim.FeedbackMap(P, objective="dpo", beta=4.0, alpha=0.5), rounds=1500, exponents=1
    )
    assert spectrum.exponents[0] - 3 * spectrum.standard_errors[0] > 0.2


def test_the_leading_exponent_is_the_rate_at_which_neighbours_part():
    rounds, distance = 30, 1e-10
    rng = np.random.default_rng(0)
    starts = CHAOS.run(rng.dirichlet(np.ones(3), 400), rounds=300, keep="last").final_logits
    first, second = (
        CHAOS.run(start_logits=starts + shift, rounds=rounds, keep="last").final_logits
        for shift in (0.0, distance * asim.simplex.asymmetric_direction(3))
    )
    rate = np.log(np.linalg.norm(second - first, axis=-1) / distance).mean() / rounds
    exponent = lyapunov_spectrum(CHAOS, rounds=10_000).exponents[0]
    assert rate == pytest.approx(exponent, abs=0.05)


def test_the_standard_error_is_the_spread_over_independent_orbits():
    starts = np.random.default_rng(1).dirichlet(np.ones(3), 100)
    spectrum = lyapunov_spectrum(CHAOS, starts, rounds=4000)
    spread = spectrum.exponents.std(axis=0, ddof=1)
    typical = np.sqrt((spectrum.standard_errors**2).mean(axis=0))
    np.testing.assert_allclose(typical, spread, rtol=0.3)


def test_without_an_anchor_the_exponents_stay_finite():
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=1.0, alpha=1.0)
    spectrum = lyapunov_spectrum(loop, [0.4, 0.3, 0.3], rounds=4000)
    assert np.isfinite(spectrum.exponents).all()
    assert np.abs(spectrum.exponents).max() < 0.1
    assert spectrum.defect < 1e-13


# Two ways


def test_the_sum_of_the_exponents_is_the_mean_log_of_the_volume():
    rng = np.random.default_rng(2)
    for K in (2, 3, 4, 5, 8):
        P = np.array([preferences(rng, K) for _ in range(30)])
        loop = asim.FeedbackMap(P, beta=rng.uniform(0, 20, 30), alpha=rng.uniform(0.1, 1, 30))
        spectrum = lyapunov_spectrum(loop, rounds=600)
        assert (spectrum.status == OK).all()
        assert (spectrum.defect <= 1e-10 * np.abs(spectrum.mean_log_det)).all()
        assert (np.diff(spectrum.exponents, axis=-1) <= 0).all()


@pytest.mark.parametrize("K", [2, 3, 4, 6])
def test_the_lanes_agree_with_the_general_path(K, monkeypatch):
    rng = np.random.default_rng(K)
    P = np.array([preferences(rng, K) for _ in range(8)])
    loop = asim.FeedbackMap(P, beta=2.5, alpha=rng.uniform(0.1, 0.8, 8), lam=0.9)
    fast = lyapunov_spectrum(loop, rounds=300, burn_in=40)
    monkeypatch.setattr(lyapunov, "WIDEST_LANE", 1)
    monkeypatch.setattr(lyapunov, "LONGEST_STRETCH", 37)
    monkeypatch.setattr(lyapunov, "LARGEST_PART", 37 * 3 * K**2)
    slow = lyapunov_spectrum(loop, rounds=300, burn_in=40)
    np.testing.assert_allclose(fast.exponents, slow.exponents, atol=1e-10)
    np.testing.assert_allclose(fast.standard_errors, slow.standard_errors, atol=1e-10)
    np.testing.assert_allclose(fast.mean_log_det, slow.mean_log_det, atol=1e-10)
    np.testing.assert_allclose(fast.final_logits, slow.final_logits, atol=1e-13)


def test_more_responses_than_the_lanes_hold_take_the_general_path():
    loop = asim.FeedbackMap(asim.preferences.cyclic(65, advantage=0.2), beta=2.0, alpha=0.6)
    spectrum = lyapunov_spectrum(loop, rounds=60, exponents=2)
    assert spectrum.exponents.shape == (2,)
    assert np.isfinite(spectrum.exponents).all()
    assert np.isnan(spectrum.mean_log_det)


@pytest.mark.parametrize("K", [4, 6])
def test_fewer_exponents_are_the_first_of_all(K):
    P = preferences(np.random.default_rng(K), K, 0.0)
    loop = asim.FeedbackMap(P, beta=12.0, alpha=0.5)
    whole = lyapunov_spectrum(loop, rounds=2000)
    for k in range(1, K):
        some = lyapunov_spectrum(loop, rounds=2000, exponents=k)
        assert some.exponents.shape == (k,)
        np.testing.assert_allclose(some.exponents, whole.exponents[:k], atol=2e-3)
        assert np.isnan(some.defect) == (k < K - 1)


# What must not change them


def test_names_of_the_responses_do_not_matter():
    order = [2, 0, 3, 1]
    P = preferences(np.random.default_rng(5), 4, 0.0)
    start = np.array([0.4, 0.3, 0.2, 0.1])
    loop = asim.FeedbackMap(P, beta=3.0, alpha=0.6, reference=start)
    renamed = asim.FeedbackMap(P[np.ix_(order, order)], beta=3.0, alpha=0.6, reference=start[order])
    here, there = (
        lyapunov_spectrum(m, p, rounds=4000) for m, p in ((loop, start), (renamed, start[order]))
    )
    assert there.mean_log_det == pytest.approx(here.mean_log_det, rel=1e-12)
    np.testing.assert_allclose(there.exponents, here.exponents, atol=1e-3)


def test_only_beta_times_the_payoffs_matters_and_constant_columns_do_not():
    rng = np.random.default_rng(6)
    payoffs = rng.normal(size=(4, 4))
    loops = [
        asim.FeedbackMap.from_payoffs(payoffs, beta=1.0, alpha=0.4),
        asim.FeedbackMap.from_payoffs(2 * payoffs, beta=0.5, alpha=0.4),
        asim.FeedbackMap.from_payoffs(payoffs + rng.normal(size=4), beta=1.0, alpha=0.4),
    ]
    first, *others = (lyapunov_spectrum(loop, rounds=400) for loop in loops)
    for other in others:
        np.testing.assert_allclose(other.exponents, first.exponents, rtol=1e-10)
        np.testing.assert_allclose(other.mean_log_det, first.mean_log_det, rtol=1e-12)


@OBJECTIVES
def test_threads_do_not_change_a_bit(objective):
    rng = np.random.default_rng(7)
    P = np.array([preferences(rng, 3) for _ in range(150)])
    loop = asim.FeedbackMap(P, objective=objective, beta=3.0, alpha=0.5)
    one, two = (lyapunov_spectrum(loop, rounds=60, threads=threads) for threads in (1, 2))
    np.testing.assert_array_equal(one.exponents, two.exponents)
    np.testing.assert_array_equal(one.final_logits, two.final_logits)


@pytest.mark.parametrize("K", [3, 5])
def test_threads_do_not_change_a_bit_of_the_leading_exponent(K):
    """On matrices, β and orbits that differ from map to map, more than are followed abreast."""
    rng = np.random.default_rng(8)
    n = 2 * ABREAST + 3
    P = np.array([preferences(rng, K) for _ in range(n)])
    loop = asim.FeedbackMap(P, beta=rng.uniform(5, 20, n), alpha=rng.uniform(0, 0.9, n))
    frames, rows = np.ascontiguousarray(loop.run(rounds=200).logits), rng.permutation(n)
    one, two = (lyapunov.leading_exponent(loop, frames, rows, threads) for threads in (1, 2))
    alone = [lyapunov.leading_exponent(loop, frames, rows[[i]]) for i in range(n)]
    for kind in (0, 1):
        np.testing.assert_array_equal(one[kind], two[kind])
        expected = np.concatenate([each[kind] for each in alone])
        np.testing.assert_allclose(one[kind], expected, rtol=1e-9, atol=1e-12)


# Batches, failures, arguments


@OBJECTIVES
def test_maps_and_starts_broadcast(objective):
    P = CYCLE * 0.8 + 0.1
    loop = asim.FeedbackMap(P, objective=objective, beta=[1.0, 2.0, 3.0], alpha=0.5)
    starts = np.array([[[0.5, 0.3, 0.2]], [[0.1, 0.1, 0.8]]])
    batch = lyapunov_spectrum(loop, starts, rounds=80)
    assert batch.exponents.shape == batch.standard_errors.shape == (2, 3, 2)
    assert batch.mean_log_det.shape == batch.defect.shape == batch.status.shape == (2, 3)
    assert batch.final_logits.shape == (2, 3, 3)
    assert (batch.evidence == Evidence.ITERATED).all()
    one = asim.FeedbackMap(P, objective=objective, beta=3.0, alpha=0.5)
    alone = lyapunov_spectrum(one, starts[1, 0], rounds=80)
    assert alone.exponents.shape == (2,)
    assert alone.status.shape == ()
    np.testing.assert_allclose(batch.exponents[1, 2], alone.exponents, atol=1e-12)
    final = one.run(starts[1, 0], rounds=80, keep="last").final_logits
    np.testing.assert_allclose(alone.final_logits, final, atol=1e-12)


def test_an_orbit_goes_on_from_its_end():
    half = lyapunov_spectrum(CIRCLE, rounds=100)
    rest = lyapunov_spectrum(CIRCLE, start_logits=half.final_logits, rounds=100)
    whole = lyapunov_spectrum(CIRCLE, rounds=200)
    np.testing.assert_array_equal(rest.final_logits, whole.final_logits)


def test_an_orbit_that_overflows_does_not_take_the_batch_down():
    loop = asim.FeedbackMap(CYCLE, beta=[2.0, 1.7e308], alpha=[0.5, 1.0])
    spectrum = lyapunov_spectrum(loop, rounds=100)
    assert spectrum.status.tolist() == [OK, NOT_FINITE]
    assert spectrum.evidence.tolist() == [Evidence.ITERATED, Evidence.NOTHING]
    assert np.isfinite(spectrum.exponents[0]).all()
    for values in (spectrum.exponents, spectrum.standard_errors, spectrum.final_logits):
        assert np.isnan(values[1]).all()
    assert np.isnan(spectrum.mean_log_det[1])
    assert lyapunov.MEANINGS[NOT_FINITE] == "not_finite"


def test_a_round_of_dpo_without_an_optimum_does_not_either():
    without = 0.5 + 0.5 * np.triu(np.ones((3, 3)), 1) - 0.5 * np.tril(np.ones((3, 3)), -1)
    P = np.array([CYCLE * 0.8 + 0.1, without])
    spectrum = lyapunov_spectrum(
        asim.FeedbackMap(P, objective="dpo", beta=0.5, alpha=0.5), rounds=60
    )
    assert spectrum.status.tolist() == [OK, NO_OPTIMUM]
    assert np.isfinite(spectrum.exponents[0]).all()
    assert np.isnan(spectrum.exponents[1]).all()


def test_what_is_lost_in_rounding_is_not_a_number_and_said_so():
    """At α = 0, β = 100 single rounds shrink the plane by e^−50 in one direction more."""
    spectrum = lyapunov_spectrum(asim.FeedbackMap(CYCLE, beta=100.0), rounds=600)
    assert spectrum.status == UNRESOLVED
    assert spectrum.exponents[0] == pytest.approx(-45.0, abs=0.1)
    assert np.isnan(spectrum.exponents[1])
    assert np.isnan(spectrum.defect)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rounds": 10}, "rounds is 10; it must be at least 20"),
        ({"rounds": 2.5}, "rounds is 2.5; it must be a whole number"),
        ({"rounds": 100, "burn_in": 90}, "burn_in is 90; it must leave 20 of the 100 rounds"),
        ({"burn_in": -1}, "burn_in is -1; it must be at least 0"),
        ({"exponents": 0}, "exponents is 0; it must be at least 1"),
        ({"exponents": 3}, "exponents is 3; 3 responses have 2"),
        ({"threads": 0}, "threads is 0; it must be at least 1"),
        ({"start": [0.5, 0.5, 0.0]}, r"start\[2\] is 0"),
        ({"start": [1 / 3] * 3, "start_logits": [0, 0, 0]}, "more than one given"),
        ({"start_logits": [0, 0]}, "start_logits has 2 responses"),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        lyapunov_spectrum(CIRCLE, **arguments)


def test_a_run_in_slices_has_the_exponents_of_one_in_one_go(monkeypatch):
    P = asim.preferences.cyclic(3, advantage=0.4)
    loop = asim.FeedbackMap(P, beta=[9.0, 12.0], alpha=0.5, reference=[0.2, 0.3, 0.5])
    whole = asim.analysis.lyapunov_spectrum(loop, rounds=90)
    monkeypatch.setattr(lyapunov, "SLICE", 3 * 64 * 9 * 4)  # of 3 rounds
    sliced = asim.analysis.lyapunov_spectrum(loop, rounds=90)
    np.testing.assert_allclose(sliced.exponents, whole.exponents, rtol=1e-12, atol=1e-14)
