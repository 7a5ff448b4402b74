"""Verdicts on either side of each of their bounds, from estimates that are made by hand."""

import numpy as np
import pytest

from alignsim.analysis.evidence import Evidence
from alignsim.reports.diagnosis.estimates import STRETCH_RHO, STRETCH_THETA, Estimate
from alignsim.reports.diagnosis.logs import Run, log_of
from alignsim.reports.diagnosis.multipliers import Fits, Leading
from alignsim.reports.diagnosis.scalars import ScalarEstimate, scalar_verdict
from alignsim.reports.diagnosis.verdicts import LogVerdict, verdict
from alignsim.simplex import softmax
from tests.reports.diagnosis.test_estimates import policies


def draws_within(interval, stretch):
    """Return draws whose limits, once stretched, are an interval."""
    low, middle, high = interval
    ends = [middle - (middle - low) / stretch, middle, middle + (high - middle) / stretch]
    return np.repeat(ends, [10, 80, 10])


def told_of(seen, rho, theta=(40.0, 45.0, 50.0), noise=0.0):
    seen = np.asarray(seen, dtype=float)
    T = len(seen)
    run = Run(0.5 + 0.4 * seen[:, None] / np.abs(seen).max(), np.full(T, 500.0))
    estimate = ScalarEstimate(
        log_of("log", "share", ["a"], [run]),
        draws_within(rho, STRETCH_RHO),
        draws_within(np.radians(theta), STRETCH_THETA),
        seen,
        np.full(T, noise),
    )
    assert estimate.rho == pytest.approx(rho)
    assert np.degrees(estimate.theta) == pytest.approx(theta)
    return scalar_verdict(estimate, True).verdict


ROUND = np.arange(60)
WAVE = np.cos(2.0 * np.pi * ROUND / 8.0)
STABLE, AROUND_ONE = (0.8, 0.85, 0.9), (0.9, 0.97, 1.02)


def thirds(early, late):
    """Return a wave whose variance differs between its first and its last third."""
    size = np.sqrt(2.0 * np.repeat([early, early, late], 20))
    return size * np.cos(2.0 * np.pi * ROUND / 4.0 + 0.5)


def test_damped_needs_a_multiplier_below_1_and_a_smaller_end():
    dying = 0.9**ROUND * WAVE
    assert told_of(dying, STABLE) == LogVerdict.DAMPED
    assert told_of(dying, (0.9, 0.95, 1.05)) == LogVerdict.CANNOT_TELL
    assert told_of(thirds(4.0, 0.9), STABLE) == LogVerdict.DAMPED
    assert told_of(thirds(4.0, 1.1), STABLE) == LogVerdict.CANNOT_TELL


def test_a_log_that_comes_to_rest_without_swinging_is_damped():
    settled = np.where(ROUND < 20, 1.0, 0.05 * WAVE)
    assert told_of(settled, STABLE) == LogVerdict.DAMPED


def test_noise_is_taken_off_before_ends_are_compared():
    """Variances of 8 and 2.2 with a noise of 1: amplitudes of 2.65 and 1.10, less than half."""
    assert told_of(thirds(8.0, 2.2), STABLE, noise=1.0) == LogVerdict.DAMPED
    assert told_of(thirds(8.0, 2.2), STABLE) == LogVerdict.CANNOT_TELL


def test_an_end_within_its_noise_is_damped():
    assert told_of(thirds(2.0, 1.3), STABLE, noise=1.0) == LogVerdict.DAMPED
    assert told_of(thirds(2.0, 1.7), STABLE, noise=1.0) == LogVerdict.CANNOT_TELL


def test_a_sustained_oscillation_needs_each_of_its_marks():
    assert told_of(WAVE, AROUND_ONE) == LogVerdict.SUSTAINED
    assert told_of(WAVE, (0.85, 0.9, 0.92)) == LogVerdict.CANNOT_TELL
    assert told_of(WAVE, AROUND_ONE, (1.0, 45.0, 60.0)) == LogVerdict.CANNOT_TELL
    assert told_of(WAVE, AROUND_ONE, (3.0, 45.0, 60.0)) == LogVerdict.SUSTAINED
    assert told_of(WAVE, AROUND_ONE, (12.0, 14.9, 16.0)) == LogVerdict.CANNOT_TELL  # 2.48 turns
    assert told_of(WAVE, AROUND_ONE, (12.0, 15.1, 16.0)) == LogVerdict.SUSTAINED


@pytest.mark.parametrize(
    ("growth", "said"),
    [
        (0.986, LogVerdict.CANNOT_TELL),  # to 0.57 of it
        (0.99, LogVerdict.SUSTAINED),  # to 0.67
        (1.01, LogVerdict.SUSTAINED),  # to 1.5
        (1.016, LogVerdict.CANNOT_TELL),  # to 1.9
    ],
)
def test_what_lasts_neither_grows_nor_shrinks(growth, said):
    assert told_of(growth**ROUND * WAVE, AROUND_ONE) == said


def test_noise_does_not_hide_that_a_wave_recurs():
    long = np.cos(2.0 * np.pi * np.arange(300) / 8.0)
    noisy = long + np.sqrt(0.4) * np.random.default_rng(0).normal(size=300)
    assert told_of(noisy, AROUND_ONE, noise=0.4) == LogVerdict.SUSTAINED
    assert told_of(noisy, AROUND_ONE) == LogVerdict.CANNOT_TELL


DRIFT = softmax(np.outer(np.arange(30), [0.1, 0.0, -0.1]))


def found(rho, *, theta=0.0, lost=0, far=0, log_noise=np.nan, shares=None):
    """Return the verdict on an exact log, from 100 draws: some lost, some out of reach."""
    shares = policies(30) if shares is None else shares
    log = log_of("log", "shares", "abc", [Run(shares, np.full(30, np.inf))])
    radii = np.repeat(rho, [5, 90, 5]).astype(float)
    rests = np.tile(log.states.mean(axis=0), (100, 1))
    rests[5 : 5 + far] += 50.0
    radii[5 : 5 + lost] = np.nan
    rests[5 : 5 + lost] = np.nan
    fits = Fits(np.full(100, 0.6), np.zeros(100), np.tile([1.2, -1.2, 1.2], (100, 1)))
    seen = Leading(radii, np.where(np.isnan(radii), np.nan, theta), rests)
    point = fits.taken(slice(1))
    estimate = Estimate(log, fits, point, seen, log.states, Evidence.ESTIMATED, log_noise=log_noise)
    return verdict(estimate, np.random.default_rng(0))


def test_both_limits_decide_and_not_the_middle():
    assert found((0.9, 0.95, 0.99)).verdict == LogVerdict.CONVERGING
    assert found((0.9, 0.95, 1.02)).verdict == LogVerdict.CANNOT_TELL
    assert found((0.98, 1.05, 1.1)).verdict == LogVerdict.CANNOT_TELL
    assert found((1.01, 1.05, 1.1)).verdict == LogVerdict.MOVING_AWAY


def test_too_few_rest_points_are_not_enough_to_converge():
    assert found((0.9, 0.95, 0.99), lost=9).verdict == LogVerdict.CONVERGING
    few = found((0.9, 0.95, 0.99), lost=15)
    assert few.verdict == LogVerdict.CANNOT_TELL
    assert "only 85 % of the fitted loops" in few.sentence


def drifting(rho, **draws):
    return found(rho, shares=DRIFT, **draws).verdict == LogVerdict.DRIFTING


def test_drifting_needs_most_rest_points_out_of_reach_and_no_turn():
    assert drifting((0.9, 0.99, 1.01), far=85)
    assert not drifting((0.9, 0.99, 1.01), far=75)
    assert not drifting((0.9, 0.95, 0.99), far=85)
    assert not drifting((0.9, 0.99, 1.01), far=85, theta=0.2)
    assert drifting((0.9, 0.95, 0.99), lost=94, theta=0.2)


def test_a_log_that_swings_does_not_drift():
    assert found((0.9, 0.99, 1.01), far=85).verdict == LogVerdict.CANNOT_TELL
    assert found((0.9, 0.95, 0.99), lost=94).verdict == LogVerdict.CANNOT_TELL


def test_rounds_of_noise_decide_nothing():
    assert found((0.9, 0.95, 0.99), log_noise=-0.3).verdict == LogVerdict.CANNOT_TELL
    assert found((0.9, 0.95, 0.99), log_noise=-0.4).verdict == LogVerdict.CONVERGING


def sampled(shares, n, seed):
    """Return the verdict on counts, from draws that all converge."""
    counts = np.random.default_rng(seed).multinomial(n, shares)
    log = log_of("log", "shares", "abc", [Run(counts / n, np.full(len(shares), float(n)))])
    fits = Fits(np.full(100, 0.6), np.zeros(100), np.tile([1.2, -1.2, 1.2], (100, 1)))
    seen = Leading(np.full(100, 0.9), np.zeros(100), np.tile(log.states.mean(axis=0), (100, 1)))
    estimate = Estimate(log, fits, fits.taken(slice(1)), seen, log.states, Evidence.ESTIMATED)
    return verdict(estimate, np.random.default_rng(0)).verdict


def test_a_start_that_moves_is_not_drowned_by_a_long_rest():
    rest = np.full((600, 3), 1.0 / 3.0)
    moving = rest.copy()
    moving[:100] = [0.44, 1.0 / 3.0, 2.0 / 3.0 - 0.44]
    assert sampled(rest, 20, 2) == LogVerdict.CANNOT_TELL
    assert sampled(moving, 20, 2) == LogVerdict.CONVERGING
