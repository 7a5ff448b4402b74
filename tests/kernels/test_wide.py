import numpy as np
import pytest

import alignsim as asim
from alignsim.feedback import engines
from alignsim.kernels import wide
from tests import naive

STATISTICS = ("policy_mean", "policy_variance", "entropy_mean", "entropy_min")


def loop_of(rng, K, n, *, shared, objective="ipo"):
    P = np.array([naive.random_preferences(rng, K) for _ in range(1 if shared else n)])
    return asim.FeedbackMap(
        P[0] if shared else P,
        objective=objective,
        beta=rng.uniform(0, 8, n),
        alpha=rng.uniform(0, 1, n),
        lam=rng.uniform(0, 1, n),
        reference=rng.dirichlet(np.ones(K), n),
        offline=rng.dirichlet(np.ones(K), n),
    )


def naive_map(loop, n):
    P = loop.P if loop.P.ndim == 2 else loop.P[n]
    return naive.Map(
        loop.objective.name,
        P,
        loop.alpha[n],
        loop.beta[n],
        loop.lam[n],
        loop.reference_logits[n],
        loop.offline_policy[n],
    )


def compare(first, second, **tolerance):
    np.testing.assert_allclose(first.logits, second.logits, **tolerance)
    for name in STATISTICS:
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), **tolerance)


@pytest.mark.parametrize("K", [2, 5, 64, 65])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_the_wide_path_agrees_with_the_lanes_to_rounding(monkeypatch, K, shared, objective):
    rng = np.random.default_rng(K)
    loop = loop_of(rng, K, 3, shared=shared, objective=objective)
    starts = rng.normal(size=(3, K))
    rounds = 4 if objective == "dpo" else 30
    monkeypatch.setattr(engines, "WIDEST_LANE", 1000)
    lanes = loop.run(start_logits=starts, rounds=rounds)
    monkeypatch.setattr(engines, "WIDEST_LANE", 0)
    compare(loop.run(start_logits=starts, rounds=rounds), lanes, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shared", [True, False])
def test_three_hundred_responses_follow_the_naive_orbit(shared):
    rng = np.random.default_rng(0)
    loop = loop_of(rng, 300, 2, shared=shared)
    starts = rng.normal(size=(2, 300))
    orbit = loop.run(start_logits=starts, rounds=3, burn_in=1)
    for n in range(2):
        states = naive.orbit(naive_map(loop, n), starts[n], 3)
        averages = np.float64(naive.averages(states[1:]))
        np.testing.assert_allclose(orbit.logits[n], np.float64(states), rtol=0, atol=1e-13)
        np.testing.assert_allclose(orbit.policy_mean[n], averages[:300], rtol=1e-12)
        np.testing.assert_allclose(orbit.policy_variance[n], averages[300:600], atol=1e-16)
        assert orbit.entropy_mean[n] == pytest.approx(averages[600], rel=1e-13, abs=0)
        assert orbit.entropy_min[n] == pytest.approx(averages[601], rel=1e-13, abs=0)


def test_dpo_beyond_the_lanes_follows_the_naive_orbit():
    rng = np.random.default_rng(1)
    loop = loop_of(rng, 66, 1, shared=True, objective="dpo")
    start = rng.normal(size=66)
    orbit = loop.run(start_logits=start, rounds=1)
    expected = np.float64(naive.one_round(naive_map(loop, 0), start))
    np.testing.assert_allclose(orbit.final_logits[0], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("K", [2, 3, 5, 66])
def test_wide_policies_are_softmaxes_row_by_row(K):
    logits = np.random.default_rng(K).normal(size=(4, K)) * 30
    weights = np.full((6, K), np.nan)
    wide.policies(logits, weights[:4])
    expected = np.float64([naive.softmax(z) for z in logits])
    np.testing.assert_allclose(weights[:4], expected, rtol=5e-14)
    assert np.isnan(weights[4:]).all()


@pytest.mark.parametrize("K", [2, 3, 65, 67])
def test_wide_products_are_products_with_the_matrix_of_each_map(K):
    rng = np.random.default_rng(K)
    skew = rng.uniform(-0.5, 0.5, size=(2, K, K))
    which, weights = np.array([1, 0, 1]), rng.dirichlet(np.ones(K), 3)
    pull = np.full((3, K), np.nan)
    wide.products(np.ascontiguousarray(np.swapaxes(skew, 1, 2)), which, weights, pull)
    for n in range(3):
        expected = np.float64(naive.ipo_score(skew[which[n]], weights[n]))
        np.testing.assert_allclose(pull[n], expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("K", [2, 4, 5, 66])
def test_a_wide_round_mixes_centres_and_renews_the_policies(K):
    rng = np.random.default_rng(K)
    pull, drift, logits = rng.normal(size=(3, 3, K))
    parameters = rng.uniform(size=(3, 2))
    alpha, signal = parameters[:, :1], parameters[:, 1:]
    expected = np.float64([naive.centre(z) for z in alpha * logits + drift + signal * pull])
    weights = np.empty((3, K))
    wide.advance(pull, parameters, drift, logits, weights)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-14)
    policies = np.float64([naive.softmax(z) for z in expected])
    np.testing.assert_allclose(weights, policies, rtol=1e-13)


def test_a_wide_collapse_keeps_its_entropy():
    K = 70
    rewards = np.linspace(0.4, -0.05, K)
    P = 0.5 + rewards[:, None] - rewards[None, :]
    loop = asim.FeedbackMap(P, beta=20.0, alpha=1.0)
    orbit = loop.run(np.full(K, 1 / K), rounds=4000, keep="last")
    expected = float(naive.entropy(orbit.final_logits))
    assert 0 < expected < 1e-200
    assert orbit.entropy_min == pytest.approx(expected, rel=1e-11, abs=0)


@pytest.mark.parametrize("K", [65, 100])
def test_exact_ties_of_many_responses_have_the_entropy_of_their_number(K):
    for ties in (1, 2, 3, K - 1, K):
        logits = np.full((1, K), -800.0)
        logits[0, K - ties :] = 0.0
        weights = np.empty((1, K))
        wide.policies(logits, weights)
        sums = np.zeros((1, 3 * K + 2))
        sums[0, -1] = np.inf
        wide.average(logits, weights, sums)
        assert sums[0, -2] == pytest.approx(np.log(ties), rel=4e-16, abs=1e-300)
        assert sums[0, -1] == sums[0, -2]
    orbit = asim.FeedbackMap(np.full((K, K), 0.5), beta=1.0).run(np.full(K, 1 / K), rounds=9)
    assert orbit.entropy_mean == pytest.approx(np.log(K), rel=4e-16)
