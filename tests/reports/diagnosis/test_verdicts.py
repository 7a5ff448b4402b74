"""Verdicts in words, on logs whose truth is known."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.reports.diagnosis import orbits
from alignsim.reports.diagnosis.multipliers import Fits
from tests.reports.diagnosis.test_estimates import CYCLE, GOLDEN, START, WILD, counts, policies


def verdict(*arguments, **options):
    found = asim.diagnose(*arguments, **options)
    return str(found.words("verdict")), found


def test_converging_says_how_fast():
    said, found = verdict(policies(12), np.inf)
    assert said == "converging"
    assert str(found.sentence).startswith(
        "Converging: each round keeps 0.917 of the deviation, a half-life of 8 rounds; it turns "
        "49.1° a round, a period of 7.33 rounds. Wobble that stays is noise."
    )
    assert float(found.half_life) == pytest.approx(np.log(0.5) / np.log(0.916515139))
    assert float(found.period) == pytest.approx(360.0 / 49.1066054)
    assert str(found.remedy) == ""
    assert verdict(counts(40, 1000))[0] == "converging"


def test_a_limit_cycle_and_the_way_to_it():
    orbit = policies(161, WILD, [0.4, 0.3, 0.3])
    said, cycle = verdict(np.random.default_rng(0).multinomial(500, orbit[100:]))
    assert said == "limit cycle"
    assert "unstable" in str(cycle.sentence)
    states = asim.simplex.centred_logits(orbit[100:])
    size = np.sqrt(((states - states.mean(axis=0)) ** 2).sum(axis=1).mean())
    assert float(cycle.amplitude) == pytest.approx(size, rel=0.1)
    early = policies(11, WILD, [0.335, 0.333, 0.332])
    said, away = verdict(early, np.inf)
    assert said == "moving away"
    assert f"the cycle it heads for has amplitude {float(away.amplitude):.3g}" in str(away.sentence)


def test_sampling_noise_alone_tells_nothing():
    """Eight runs that begin at an unstable rest point, and do not leave it in 60 rounds."""
    slow = asim.FeedbackMap(CYCLE, beta=6.0, alpha=0.6, lam=0.8)  # ρ = 1.025
    orbit = slow.run([0.3334, 0.3333, 0.3333], rounds=60).policies
    runs = [np.random.default_rng(seed).multinomial(30, orbit) for seed in range(8)]
    said, found = verdict(runs)
    assert said == "cannot tell"
    assert "no more than its samples' noise" in str(found.sentence)
    assert "start the loop away from rest, or take a larger n" in str(found.remedy)


def test_growth_without_bound():
    said, found = verdict(policies(10, WILD.replace(alpha=1.0, beta=400.0)), np.inf)
    assert said == "moving away"
    assert "Growing without bound." in str(found.sentence)


def test_too_short_for_a_period():
    loop = asim.FeedbackMap(CYCLE, beta=1.0, alpha=0.995)
    said, found = verdict(loop.run(START, rounds=9))
    assert said == "unstable"
    assert float(found.more_rounds) == pytest.approx(1.5 * float(found.period) - 10, abs=1)
    assert f"at least {float(found.more_rounds):.0f} more rounds" in str(found.remedy)


def test_drifting():
    P = np.full((4, 4), 0.5) + 0.03 * (np.arange(4) - np.arange(4)[:, None])
    loop = asim.FeedbackMap(P, beta=1.0, alpha=1.0)
    orbit = policies(40, loop, [0.1, 0.2, 0.3, 0.4])
    assert verdict(orbit, np.inf)[0] == "drifting"
    said, found = verdict(np.random.default_rng(0).multinomial(2000, orbit))
    assert said == "drifting"
    assert "No rest point" in str(found.sentence) or "no rest point" in str(found.sentence)
    resting = policies(40, loop.replace(alpha=0.7), [0.1, 0.2, 0.3, 0.4])
    assert verdict(resting, np.inf)[0] == "converging"


def test_cannot_tell_and_how_many_more_rounds_would():
    close = asim.FeedbackMap(CYCLE, beta=7.0, alpha=0.6, lam=0.8)  # ρ = 1.14
    log = np.random.default_rng(3).multinomial(20, policies(10, close))
    said, found = verdict(log)
    assert said == "cannot tell"
    assert found.rho_interval[0] < 1.0 < found.rho_interval[1]
    assert float(found.more_rounds) in (5, 10, 20, 40, 70)  # multiples of its length
    assert f"log at least {float(found.more_rounds):.0f} more rounds" in str(found.remedy)


def test_more_rounds_do_not_help_a_loop_at_rest():
    said, found = verdict(np.random.default_rng(0).multinomial(100, np.ones((20, 3)) / 3.0))
    assert said == "cannot tell"
    assert np.isinf(found.more_rounds)
    assert "start the loop away from rest, or take a larger n" in str(found.remedy)
    said, found = verdict(GOLDEN.run(np.ones(3) / 3.0, rounds=20))
    assert said == "cannot tell"
    assert "too few directions" in str(found.sentence)
    assert np.isnan(found.rho)


def test_rounds_that_are_mostly_training_noise():
    rng = np.random.default_rng(0)
    z, logits = np.zeros(3), []
    for _ in range(60):
        z = 0.5 * z + 1.5 * rng.normal(size=3)
        logits.append(z)
    said, found = verdict(rng.multinomial(500, asim.simplex.softmax(np.array(logits))))
    assert said == "cannot tell"
    assert "mostly training noise" in str(found.sentence)


def test_a_log_that_is_called_exact_and_is_not():
    said, found = verdict(counts(20, 200) / 200.0, np.inf)
    assert said == "cannot tell"
    assert "if the shares were counted from samples, give n" in str(found.remedy)


def test_an_orbit_of_a_fit_is_that_of_the_map():
    fit = Fits(np.array([0.6]), np.zeros(1), np.array([[1.2, -1.2, 1.2]]))
    basis = asim.simplex.mean_zero_basis(3)
    start = asim.simplex.centred_logits(START) @ basis
    states = orbits.orbit(fit, start, 11)
    assert asim.simplex.softmax(states @ basis.T) == pytest.approx(policies(12)[1:], abs=1e-13)
    rng = np.random.default_rng(0)
    noisy = np.array([orbits.orbit(fit, start, 1, noise=0.1, rng=rng)[0] for _ in range(2000)])
    pi = np.array(START)
    expected = 0.1**2 * np.trace(basis.T @ np.diag(1.0 / (3.0 * pi + 0.05)) @ basis)
    assert ((noisy - states[0]) ** 2).sum(axis=1).mean() == pytest.approx(expected, rel=0.1)


def test_several_loops_in_one_call():
    logs = {"calm": counts(30, 300), "wild": counts(30, 300, loop=WILD)}
    found = asim.diagnose(logs)
    assert found.verdict.shape == (2,)
    assert found.names.tolist() == ["calm", "wild"]
    assert found.words("verdict")[1] == "limit cycle"
    assert "Diagnosis of (2,) loops" in repr(found)
    stacked = asim.diagnose(np.array(list(logs.values())))
    assert stacked.rho.tolist() == found.rho.tolist()
    orbits_ = asim.FeedbackMap(CYCLE, beta=[[2.0, 5.0]], alpha=0.6).run(START, rounds=30)
    batch = asim.diagnose(orbits_)
    assert batch.verdict.shape == (1, 2)
    with pytest.raises(ValueError, match="no one table"):
        batch.rows()


def test_the_table_of_one_loop():
    names = [name for name, _ in asim.diagnose(policies(12), np.inf).rows()]
    assert names[:2] == ["verdict", "in full"]
    assert "Diagnosis of one loop" in repr(asim.diagnose(policies(12), np.inf))
