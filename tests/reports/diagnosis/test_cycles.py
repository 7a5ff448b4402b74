"""Loops far beyond their onset: where a log is on its way to the cycle, and what it cannot tell."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis.evidence import Evidence
from alignsim.reports.diagnosis.cycles import explained, goes_one_way, period, spread
from alignsim.reports.diagnosis.estimates import Estimate
from alignsim.reports.diagnosis.logs import Run, log_of
from alignsim.reports.diagnosis.multipliers import Fits, Leading
from alignsim.reports.diagnosis.shares import model_of
from tests.reports.diagnosis.test_estimates import START, WILD, policies, skewed

FARTHER = WILD.replace(beta=16.0)


def exact_log(shares):
    return log_of(
        "log", "shares", "abcdef"[: shares.shape[1]], [Run(shares, np.inf + shares[:, 0])]
    )


def estimate(shares, rho=(2.0, 2.0), n=None, u=(1.2, -1.2, 1.2)):
    """Return an estimate whose draws are given, of an exact log or of n samples a round."""
    size = np.full(len(shares), np.inf if n is None else n)
    log = log_of("log", "shares", "abc", [Run(shares, size)])
    fits = Fits(np.full(2, 0.6), np.zeros(2), np.tile(u, (2, 1)))
    seen = Leading(np.array(rho), np.full(2, 1.0), np.zeros((2, 2)))
    model = None if n is None else model_of(log.values, log.counts, log.first)
    return Estimate(
        log, fits, fits.taken(slice(1)), seen, log.states, Evidence.ESTIMATED, model=model
    )


def test_a_sampled_unstable_multiplier_is_known_to_a_fifth_of_its_excess():
    calm, wild = (estimate(policies(30), (rho, rho), 100.0) for rho in (0.8, 2.0))
    assert calm.rho == pytest.approx((0.8, 0.8, 0.8))
    assert wild.rho == pytest.approx((2.0 - 0.392, 2.0, 2.0 + 0.392))
    degrees = np.degrees(wild.theta)
    assert degrees == pytest.approx(np.degrees(1.0) + np.array([-5.88, 0.0, 5.88]))
    assert estimate(policies(30)).rho == pytest.approx((2.0, 2.0, 2.0))


def test_where_a_sampled_log_is_on_its_way_out():
    """From near rest, at ρ = 1.51: at first far inside its cycle, and at last on it."""
    near = [0.3343, 0.3333, 0.3324]
    orbit = policies(60, WILD, near)
    on = asim.diagnose(np.random.default_rng(1).multinomial(2000, orbit))
    off = asim.diagnose(np.random.default_rng(1).multinomial(20_000, orbit[2:13]))
    assert on.words("verdict") == "limit cycle"
    assert off.words("verdict") == "moving away"


def test_dpo_far_beyond_its_onset():
    """A log of its cycle reads ρ too high: by less than the interval allows."""
    P = skewed(4, 3)
    loop = asim.FeedbackMap(P, objective="dpo", beta=5.0, alpha=0.6)
    truth = asim.stability(loop)
    assert 1.3 < float(truth.spectral_radius) < 2.5
    orbit = loop.run(rounds=240, start=[0.4, 0.3, 0.2, 0.1]).policies[200:]
    found = asim.diagnose(np.random.default_rng(0).multinomial(2000, orbit))
    assert found.words("verdict") == "limit cycle"
    low, high = found.rho_interval
    assert low < float(truth.spectral_radius) < high
    low, high = found.theta_interval
    assert low < float(truth.angle) < high


def test_noise_is_measured_against_how_far_the_states_move():
    """Rounds that learn from few votes shake rare responses hard, and yet follow a large cycle."""
    noisy = FARTHER.run(START, rounds=80, samples_per_round=200, rng=2)
    found = asim.diagnose(np.random.default_rng(0).multinomial(500, noisy.policies))
    assert found.words("verdict") == "limit cycle"
    still = np.random.default_rng(0).normal(size=(60, 3))
    assert explained(estimate(asim.simplex.softmax(still), u=(0.0, 0.0, 0.0))) < 0.2
    assert explained(estimate(policies(12))) == pytest.approx(1.0)


THREE = asim.simplex.softmax(
    np.array([[1.0, 0.0, -1.0, 0.2], [0.0, 0.3, 1.0, 0.1], [0.4, 1.0, 0.0, 0.0]])
)
TWO = np.array([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3]])


def test_a_period_that_a_round_with_memory_would_seem_to_fit():
    """x' = −x − x₋ + 3x̄ holds of any period of 3; nine numbers hardly fix seven."""
    found = asim.diagnose(np.tile(THREE, (5, 1)), np.inf)
    assert found.words("verdict") == "limit cycle"
    assert "repeats itself every 3 rounds" in str(found.sentence)
    assert float(found.amplitude) == pytest.approx(spread(asim.simplex.centred_logits(THREE)))
    assert found.words("evidence") == "estimated"
    assert found.rho_interval[0] < 0.5
    assert found.rho_interval[1] > 2.0


def test_a_period_that_any_round_fits_tells_of_no_rest_point():
    found = asim.diagnose(np.tile(TWO, (5, 1)), np.inf)
    assert found.words("verdict") == "limit cycle"
    assert "beyond what such a log can tell" in str(found.sentence)
    assert found.words("evidence") == "none"
    assert np.isnan(found.rho)


def test_what_repeats_itself():
    bent = np.tile(THREE, (5, 1))
    bent[7] = THREE[0]
    assert period(exact_log(np.tile(THREE, (5, 1)))) == 3
    assert period(exact_log(bent)) == 0
    assert period(exact_log(THREE.repeat(3, axis=0))) == 0
    assert period(exact_log(np.tile(TWO, (5, 1)))) == 2


def test_an_orbit_that_swings_goes_no_way():
    turn = np.linspace(0.0, 12.0 * np.pi, 90)
    circle = np.column_stack([np.cos(turn), np.sin(turn)])
    assert not goes_one_way(circle)
    assert goes_one_way(circle + 0.1 * np.arange(90)[:, None])
