"""The engines in lanes against the path by steps, for every method."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.feedback import engines
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.kernels.status import NO_OPTIMUM, OK
from tests import naive
from tests.feedback.methods.systems import drawn

AVERAGES = ("policy_mean", "policy_variance", "entropy_mean", "entropy_min")


def loops(name, objective, K, n=5, *, seed=0, beta=1.5):
    """Random maps of a method, and their starts."""
    rng = np.random.default_rng(seed)
    P = np.array([naive.random_preferences(rng, K, p_min=0.2) for _ in range(n)])
    loop = asim.method(
        name, P, beta=rng.uniform(0.2, beta, n), objective=objective, lam=rng.uniform(0.3, 1.0, n),
        reference=rng.dirichlet(np.ones(K), n), offline=rng.dirichlet(np.ones(K), n),
        **drawn(name, n, rng),
    )  # fmt: skip
    return loop, rng.dirichlet(np.ones(K), n)


@pytest.mark.parametrize(("objective", "K"), [("ipo", 3), ("ipo", 9), ("dpo", 3), ("dpo", 5)])
@pytest.mark.parametrize("name", METHODS)
def test_a_method_in_lanes_agrees_with_the_path_by_steps(name, objective, K, monkeypatch):
    loop, start = loops(name, objective, K)
    lanes = loop.run(start, rounds=30)
    monkeypatch.setattr(engines, "FUSED", {})
    monkeypatch.setattr(engines, "WIRED", {})
    steps = loop.run(start, rounds=30)
    size = 1.0 + np.abs(steps.logits).max(axis=(1, 2))
    assert (np.abs(lanes.logits - steps.logits).max(axis=(1, 2)) / size).max() < 1e-11
    assert np.abs(lanes.final_state - steps.final_state).max() < 1e-11 * size.max()
    for field in AVERAGES:
        assert np.abs(getattr(lanes, field) - getattr(steps, field)).max() < 1e-11, field


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_the_lanes_run_every_method_unless_it_is_too_large(objective, monkeypatch):
    def fail(*_):
        raise AssertionError("ran by steps")

    monkeypatch.setattr(engines, "_generic", fail)
    for name in METHODS:
        loops(name, objective, 3)[0].run(rounds=1)
    many = asim.method("hard_reference", loops("mrs", objective, 3)[0].P[0], beta=1.0, every=[8, 9])
    with pytest.raises(AssertionError, match="ran by steps"):
        many.run(rounds=1)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_maps_that_need_other_numbers_of_stages_do_not_change_a_bit(objective):
    rng = np.random.default_rng(1)
    P, every = naive.random_preferences(rng, 3), np.array([2, 9, 1, 4, 2, 3])
    given = {"objective": objective, "alpha": 0.3, "lam": 0.8}
    together = asim.method("hard_reference", P, beta=1.2, every=every, **given).run(rounds=12)
    for place, n in enumerate(every):
        alone = asim.method("hard_reference", P, beta=1.2, every=n, **given).run(rounds=12)
        assert np.array_equal(alone.logits, together.logits[place])
        for field in AVERAGES:
            assert np.array_equal(getattr(alone, field), getattr(together, field)[place])


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("name", ["soft_reference", "hard_reference", "nash_md"])
def test_neither_threads_nor_slices_change_a_bit(name, objective, monkeypatch):
    loop, start = loops(name, objective, 3, n=150)
    whole = loop.run(start, rounds=9, threads=1)
    monkeypatch.setattr(engines, "SLICE", 1)
    parts = loop.run(start, rounds=9, threads=3)
    for field in ("logits", "final_state", "status", *AVERAGES):
        assert np.array_equal(getattr(parts, field), getattr(whole, field)), field


def test_a_wiring_of_your_own_runs_in_lanes_and_by_steps(monkeypatch):
    rng = np.random.default_rng(2)
    P = naive.random_preferences(rng, 3)
    wirings = {
        3: {
            "reference": [[0.1, 0.5, 0.4, 0, 0, 0], [0.1, 0.3, 0.3, 0, 0.3, 0]],
            "opponent": [[0, 0.5, 0.5, 0, 0, 0], [0, 0, 0.2, 0.4, 0.4, 0]],
            "update": [[0, 0, 0, 0, 0.3, 0.7], [0, 0.5, 0.5, 0, 0, 0], [0, 0, 0.5, 0, 0, 0.5]],
        },
        4: {
            "reference": [[0.1, 0.5, 0.4, 0, 0, 0]],
            "opponent": [[0, 0.5, 0.3, 0.1, 0.1, 0]],
            "update": [[0, 0, 0, 0, 0, 1], *np.eye(6)[1:4]],
        },
    }
    for size, rows in wirings.items():
        loop = asim.FeedbackMap(P, beta=1.5, lam=0.7, scheme=asim.Scheme(**rows))
        assert loop.scheme.size == size
        lanes = loop.run(rounds=25)
        with monkeypatch.context() as patch:
            patch.setattr(engines, "WIRED", {})
            steps = loop.run(rounds=25)
        assert np.abs(lanes.final_state - steps.final_state).max() < 1e-12


def test_a_map_without_a_dpo_optimum_says_so_in_lanes_too():
    P = np.array([[0.5, 1.0, 1.0], [0.0, 0.5, 0.6], [0.0, 0.4, 0.5]])
    good = naive.random_preferences(np.random.default_rng(0), 3)
    loop = asim.method("soft_reference", np.array([P, good]), beta=1.0, mixup=0.5, objective="dpo")
    orbit = loop.run(rounds=3)
    assert orbit.status.tolist() == [NO_OPTIMUM, OK]
    assert np.isnan(orbit.logits[0, 1:]).all()
    assert np.isfinite(orbit.logits[1]).all()
