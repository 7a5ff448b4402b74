"""An instance that fails gets NaN, a status and a reason; its neighbours do not notice."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.errors import NoOptimumError
from tests.feedback.systems import preferences

HEALTHY = asim.preferences.cyclic(3, advantage=0.3)
DOMINATED = np.array([[0.5, 1.0, 1.0], [0.0, 0.5, 0.7], [0.0, 0.3, 0.5]])
RPS = asim.preferences.cyclic(3, advantage=0.5)
START = [0.5, 0.3, 0.2]


def assert_nan_from_its_failure_on(orbit, index, frames):
    """The first ``frames`` frames are there, the others and all averages are not."""
    for field in ("logits", "policies", "entropy", "kl_to_reference", "effective_support"):
        values = getattr(orbit, field)[index]
        assert np.isfinite(values[:frames]).all(), field
        assert np.isnan(values[frames:]).all(), field
    for field in ("final", "final_logits", "policy_mean", "policy_variance", "entropy_mean",
                  "entropy_min", "cycle_strength"):  # fmt: skip
        assert np.isnan(getattr(orbit, field)[index]).all(), field


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("K", [3, 70])
def test_an_ipo_orbit_that_overflows_is_marked_and_alone(place, K):
    rng = np.random.default_rng(0)
    P = preferences(rng, K)
    beta = np.array([1.0, 2.0, 3.0])
    expected = asim.FeedbackMap(P, beta=beta, alpha=1.0).run(rounds=2000, keep=500)
    beta[place] = 1e308
    orbit = asim.FeedbackMap(P, beta=beta, alpha=1.0).run(rounds=2000, keep=500)
    others = [i for i in range(3) if i != place]
    assert orbit.failed.tolist() == [i == place for i in range(3)]
    assert_nan_from_its_failure_on(orbit, place, frames=1)
    assert "between rounds 1 and 500, the logits overflow" in orbit.reason((place,))
    assert "lower beta" in orbit.reason(place)
    assert "ran to the end" in orbit.reason((others[0],))
    assert np.array_equal(orbit.logits[others], expected.logits[others])
    assert np.array_equal(orbit.policy_variance[others], expected.policy_variance[others])


@pytest.mark.parametrize("K", [3, 6])
def test_a_dpo_map_without_an_optimum_is_marked_and_alone(K):
    rng = np.random.default_rng(1)
    healthy = preferences(rng, K)
    bad = healthy.copy()
    bad[0, 1:], bad[1:, 0] = 1.0, 0.0
    loop = asim.FeedbackMap(np.stack([healthy, bad, healthy]), objective="dpo", beta=2.0, alpha=0.5)
    orbit = loop.run(rounds=50)
    alone = asim.FeedbackMap(healthy, objective="dpo", beta=2.0, alpha=0.5).run(rounds=50)
    assert orbit.failed.tolist() == [False, True, False]
    assert_nan_from_its_failure_on(orbit, 1, frames=1)
    assert (
        "in round 1, a round has no finite optimum, as where some responses never lose"
        in orbit.reason((1,))
    )
    assert "P off 0 and 1" in orbit.reason((1,))
    for i in (0, 2):
        assert np.array_equal(orbit.logits[i], alone.logits)


def test_rock_paper_scissors_with_sure_wins_breaks_down_under_dpo_in_the_long_run():
    """Theory 3.3: there is an optimum in every round, but its scores run off as μ → a vertex."""
    loop = asim.FeedbackMap(np.stack([HEALTHY, RPS]), objective="dpo", beta=3.0, alpha=0.5)
    orbit = loop.run([0.8, 0.15, 0.05], rounds=3000, keep="last")
    alone = asim.FeedbackMap(HEALTHY, objective="dpo", beta=3.0, alpha=0.5)
    assert orbit.failed.tolist() == [False, True]
    assert_nan_from_its_failure_on(orbit, 1, frames=0)
    assert "by round 3000, " in orbit.reason(1)
    assert "0 and 1" in orbit.reason(1)
    healthy = alone.run([0.8, 0.15, 0.05], rounds=3000, keep="last")
    assert np.array_equal(orbit.logits[0], healthy.logits)


def test_the_rounds_before_a_failure_are_those_of_a_run_that_ends_before_it():
    loop = asim.FeedbackMap(np.stack([HEALTHY, RPS]), objective="dpo", beta=3.0, alpha=0.5)
    start = [0.8, 0.15, 0.05]
    orbit = loop.run(start, rounds=3000)
    (lost,) = np.flatnonzero(np.isnan(orbit.logits[1, :, 0]))[:1]
    assert lost == 5
    assert_nan_from_its_failure_on(orbit, 1, frames=lost)
    assert f"in round {lost}, " in orbit.reason(1)
    before = loop.run(start, rounds=lost - 1)
    assert not before.failed.any()
    assert np.array_equal(before.logits, orbit.logits[:, :lost])
    some = loop.run(start, rounds=3000, keep=3)
    assert np.array_equal(some.logits, orbit.logits[:, ::3], equal_nan=True)
    assert "between rounds 4 and 6, " in some.reason(1)


@pytest.mark.parametrize("K", [3, 70])
def test_a_run_of_no_rounds_does_not_fail(K):
    bad = preferences(np.random.default_rng(1), K)
    bad[0, 1:], bad[1:, 0] = 1.0, 0.0
    orbit = asim.FeedbackMap(bad, objective="dpo", beta=1.0).run(rounds=0)
    assert not orbit.failed
    assert np.isfinite(orbit.final).all()


def test_a_stable_map_with_sure_wins_converges_under_dpo():
    loop = asim.FeedbackMap(RPS, objective="dpo", beta=0.3, alpha=0.5)
    orbit = loop.run(START, rounds=500)
    assert orbit.status == 0
    assert np.abs(orbit.final - 1 / 3).max() < 1e-14


def test_sure_wins_are_no_trouble_for_ipo():
    orbit = asim.FeedbackMap(np.stack([RPS, DOMINATED]), beta=2.0, alpha=0.5).run(START, 100)
    assert not orbit.failed.any()
    assert np.abs(orbit.final.sum(axis=-1) - 1).max() < 1e-15


def test_an_optimum_on_the_sampled_responses_is_enough_for_dpo():
    """Theory 3.3: zeros of μ only need 0 < (Pμ)ᵢ < 1."""
    P = np.array([[0.5, 0.7, 1.0], [0.3, 0.5, 0.6], [0.0, 0.4, 0.5]])
    given = {"objective": "dpo", "beta": 1.0, "lam": 0.0}
    fine = asim.FeedbackMap(P, offline=[0.5, 0.5, 0.0], **given)
    assert fine.run(START, rounds=3).status == 0
    assert np.abs(fine.run(START, rounds=1).final - fine.step(START)).max() < 1e-13
    broken = asim.FeedbackMap(DOMINATED, offline=[0.5, 0.5, 0.0], **given)
    assert broken.run(START, rounds=3).failed
    with pytest.raises(NoOptimumError, match="DPO"):
        broken.step(START)


def test_an_offline_sampler_with_zeros_is_no_trouble():
    for objective in ("ipo", "dpo"):
        for lam in (0.0, 0.5, 1.0):
            loop = asim.FeedbackMap(
                HEALTHY, objective=objective, beta=1.0, alpha=0.5, lam=lam, offline=[0.0, 1.0, 0.0]
            )
            orbit = loop.run(START, rounds=200)
            assert orbit.status == 0
            assert np.abs(orbit.policies[1] - loop.step(START)).max() < 1e-13
            assert np.abs(loop.step(orbit.final) - orbit.final).max() < 1e-12


def test_nothing_warns_when_instances_fail():
    """Warnings are errors in this suite: extreme but legal input must stay silent."""
    given = {"alpha": [0.0, 0.5, 1.0]}
    for objective in ("ipo", "dpo"):
        for beta in (1e-308, 1e100, 1e300, 1.7e308):
            loop = asim.FeedbackMap(HEALTHY, objective=objective, beta=beta, **given)
            orbit = loop.run(START, rounds=50)
            assert (np.isfinite(orbit.logits).all(axis=(-1, -2)) == ~orbit.failed).all()
            assert np.isfinite(orbit.logits[..., 0, :]).all()


def test_an_optimum_on_all_responses_is_not_enough_where_only_some_are_sampled():
    """Every response can be beaten here, but the sampled one is beaten by or beats the others."""
    given = {"objective": "dpo", "beta": 1.0, "lam": [0.0, 1.0]}
    for offline in ([1.0, 0.0, 0.0], [0.5, 0.5, 0.0]):
        orbit = asim.FeedbackMap(RPS, offline=offline, **given).run(START, rounds=3)
        assert orbit.failed.tolist() == [True, False]
        assert "never lose" in orbit.reason((0,))


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("kind", [np.asarray, np.ndarray.tolist])
def test_a_round_leaves_rows_of_nan_alone(objective, kind):
    loop = asim.FeedbackMap(HEALTHY, objective=objective, beta=2.0, alpha=0.5)
    logits = np.log(START)
    moved = loop.step_logits(kind(np.stack([np.full(len(logits), np.nan), logits])))
    assert np.isnan(moved[0]).all()
    np.testing.assert_array_equal(moved[1], loop.step_logits(logits))
