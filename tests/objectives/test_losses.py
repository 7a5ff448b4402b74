"""Optima are minima: the pair losses themselves, minimised by scipy without any of our algebra."""

import numpy as np
import pytest
from scipy.optimize import minimize

import alignsim as asim
from tests import naive

OPTIMA = {"ipo": asim.ipo_optimum, "dpo": asim.dpo_optimum}


def pair_loss(objective, theta, P, pairs, reference, beta):
    """The expected loss of a pair drawn from ``pairs`` and labelled by P, at logits ``theta``."""
    u = theta - np.log(reference)
    margin = u[:, None] - u[None, :]  # of winner over loser
    costs = {"ipo": (margin - beta / 2) ** 2, "dpo": np.log1p(np.exp(-margin / beta))}
    cost = costs[objective]
    return (pairs * (P * cost + P.T * cost.T)).sum()


def minimised(loss, K):
    """The policy at the minimum of ``loss`` over logits, the last one kept at 0."""
    result = minimize(
        lambda free: loss(np.append(free, 0.0)), np.zeros(K - 1), jac="3-point", tol=1e-10
    )
    return np.float64(naive.softmax(np.append(result.x, 0.0)))


def random_problem(seed, K):
    rng = np.random.default_rng(seed)
    P = naive.random_preferences(rng, K, p_min=0.1)
    return rng, P, rng.dirichlet(np.ones(K)), rng.uniform(0.3, 2.0)


def assert_minimal(objective, policy, P, pairs, reference, beta):
    """No policy that scipy finds from 0, and none nearby, has a lower loss."""
    K = len(P)

    def loss(theta):
        return pair_loss(objective, theta, P, pairs, reference, beta)

    np.testing.assert_allclose(policy, minimised(loss, K), rtol=0, atol=2e-6)
    least = loss(np.log(policy))
    rng = np.random.default_rng(0)
    for distance in (1e-3, 1e-2, 1.0):
        for _ in range(20):
            direction = rng.normal(size=K)
            assert loss(np.log(policy) + distance * direction) >= least - 1e-14


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("K", [2, 3, 4, 6])
@pytest.mark.parametrize("seed", range(3))
def test_product_sampling_minimises_the_expected_pair_loss(objective, K, seed):
    rng, P, reference, beta = random_problem(seed, K)
    mu = rng.dirichlet(np.full(K, 2.0))
    policy = OPTIMA[objective](P, mu, reference=reference, beta=beta)
    assert_minimal(objective, policy, P, np.outer(mu, mu), reference, beta)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("K", [2, 3, 4, 6])
@pytest.mark.parametrize("seed", range(3))
def test_pair_weights_minimise_the_weighted_pair_loss(objective, K, seed):
    rng, P, reference, beta = random_problem(seed, K)
    pairs = rng.dirichlet(np.ones(K * K)).reshape(K, K)
    policy = OPTIMA[objective](P, pair_weights=pairs, reference=reference, beta=beta)
    assert_minimal(objective, policy, P, pairs, reference, beta)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_a_sparse_but_connected_comparison_graph_is_enough(objective):
    rng, P, reference, beta = random_problem(7, 5)
    pairs = np.zeros((5, 5))
    for i, j in [(0, 3), (3, 1), (1, 4), (4, 2), (2, 3)]:
        pairs[i, j] = rng.uniform(0.5, 1)
    policy = OPTIMA[objective](P, pair_weights=pairs, reference=reference, beta=beta)
    assert_minimal(objective, policy, P, pairs / pairs.sum(), reference, beta)


@pytest.mark.parametrize("seed", range(3))
def test_ipo_maximises_the_regularised_win_rate_also_where_nothing_is_sampled(seed):
    _, P, reference, beta = random_problem(seed, 4)
    mu = np.array([0.7, 0.0, 0.3, 0.0])
    policy = asim.ipo_optimum(P, mu, reference=reference, beta=beta)

    def regularised_loss(theta):
        pi = np.float64(naive.softmax(theta))
        return (pi * np.log(pi / reference)).sum() / beta - pi @ P @ mu

    np.testing.assert_allclose(policy, minimised(regularised_loss, 4), rtol=0, atol=2e-6)


@pytest.mark.parametrize("seed", range(5))
def test_dpo_matches_every_win_rate_also_where_nothing_is_sampled(seed):
    rng, P, _, beta = random_problem(seed, 5)
    mu = np.zeros(5)
    mu[rng.permutation(5)[:3]] = rng.dirichlet(np.ones(3))
    policy = asim.dpo_optimum(P, mu, beta=beta)
    v = np.log(policy) / beta
    predicted = 1 / (1 + np.exp(v[None, :] - v[:, None]))
    np.testing.assert_allclose(predicted @ mu, P @ mu, rtol=0, atol=1e-13)
