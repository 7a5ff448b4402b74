"""Logs of one number a round."""

import numpy as np
import pytest

import alignsim as asim
from tests.reports.diagnosis.test_estimates import CYCLE, GOLDEN, START, WILD, policies


def share(rounds, n, loop, seed=0, start=START, burn_in=0):
    orbit = policies(rounds + burn_in, loop, start)[burn_in:, 0]
    return np.random.default_rng(seed).binomial(n, orbit) / n


def test_a_damped_share():
    found = asim.diagnose(share(40, 500, GOLDEN), 500, quantity="share")
    assert found.words("verdict") == "damped"
    assert found.words("evidence") == "estimated"
    assert found.rho_interval[0] < 0.9165 < found.rho_interval[1]
    assert np.degrees(float(found.theta)) == pytest.approx(49.1, abs=4.0)
    assert str(found.sentence).startswith("Damped: the effective ρ is")
    assert np.isnan(found.alpha)


@pytest.mark.parametrize("quantity", ["share", "win rate"])
def test_a_sustained_share(quantity):
    found = asim.diagnose(share(80, 500, WILD, burn_in=100), 500, quantity=quantity)
    assert found.words("verdict") == "sustained oscillation"
    assert "the amplitude lasts" in str(found.sentence)


def test_growth_is_never_said():
    early = asim.FeedbackMap(CYCLE, beta=6.5, alpha=0.6, lam=0.8)
    found = asim.diagnose(share(40, 5000, early, start=[0.34, 0.33, 0.33]), 5000, quantity="share")
    assert found.words("verdict") == "cannot tell"
    assert "log the shares of all responses" in str(found.remedy)


def test_the_angle_of_an_entropy_is_refused_about_a_uniform_rest_point():
    orbit = policies(60, GOLDEN.replace(beta=6.0))
    noise = 1e-3 * np.random.default_rng(0).normal(size=60)
    log = asim.simplex.entropy(np.log(orbit)) + noise
    hidden = asim.diagnose(log, quantity="entropy")
    told = asim.diagnose(log, quantity="entropy", rest_is_uniform=False)
    assert np.isnan(hidden.theta)
    assert "turns" not in str(hidden.sentence)
    assert not np.isnan(told.theta)
    assert hidden.rho == told.rho


def test_the_scale_and_the_sign_of_a_margin_do_not_matter():
    log = policies(40)[:, 0] - policies(40)[:, 1] + 1e-3 * np.random.default_rng(0).normal(size=40)
    one, other = (asim.diagnose(f * log, quantity="margin") for f in (1.0, -1000.0))
    assert float(one.rho) == pytest.approx(float(other.rho), abs=0.02)
    assert one.words("verdict") == other.words("verdict") == "damped"


def test_runs_of_one_number():
    runs = [share(12, 300, GOLDEN, seed) for seed in range(4)]
    found = asim.diagnose({"loop": [run[:, None] for run in runs]}, 300, quantity="share")
    assert int(found.runs[0]) == 4
    assert found.rho_interval[0, 0] < 0.9165 < found.rho_interval[0, 1]


def wandering(rho, rounds, seed):
    """A margin that training noise keeps moving, with a period of eight rounds."""
    rng = np.random.default_rng(seed)
    y = [0.0, 0.0]
    for _ in range(rounds + 50):
        y.append(2.0 * rho * np.cos(np.pi / 4) * y[-1] - rho**2 * y[-2] + rng.normal())
    return np.array(y[-rounds:])


def test_a_wobble_that_noise_keeps_alive_is_neither_damped_nor_sustained():
    lively = asim.diagnose(wandering(0.8, 150, 0), quantity="margin")
    assert lively.rho_interval[1] < 1.0
    assert lively.words("verdict") == "cannot tell"
    slow = asim.diagnose(wandering(0.95, 120, 4), quantity="margin")
    assert slow.rho_interval[1] > 0.93
    assert slow.words("verdict") == "cannot tell"
