"""Derivatives of the optimum against differences of the optimum itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alignsim as asim
from alignsim.objectives import optimum_derivative
from tests import naive

OPTIMA = {"ipo": asim.ipo_optimum, "dpo": asim.dpo_optimum}
OBJECTIVES = pytest.mark.parametrize("objective", ["ipo", "dpo"])
COMMON = settings(deadline=None, derandomize=True, max_examples=40)
STEP = 1e-5


def problem(seed, K=None):
    rng = np.random.default_rng(seed)
    K = K or int(rng.integers(2, 7))
    P = naive.random_preferences(rng, K)
    mu, reference = 0.9 * rng.dirichlet(np.ones(K), 2) + 0.1 / K
    direction = rng.normal(size=K)
    return P, mu, reference, rng.uniform(0.2, 2), direction - direction.mean()


def slope(function, point, direction):
    """The directional derivative by a five-point difference, within a thousandth of ``point``."""
    h = 1e-3 * point.min() / np.abs(direction).max()
    near = function(point + h * direction) - function(point - h * direction)
    far = function(point + 2 * h * direction) - function(point - 2 * h * direction)
    return (8 * near - far) / (12 * h)


@OBJECTIVES
@COMMON
@given(seed=st.integers(0, 10_000))
def test_the_derivative_by_the_sampler_is_that_of_differences(objective, seed):
    P, mu, reference, beta, direction = problem(seed)
    D = optimum_derivative(P, mu, objective=objective, reference=reference, beta=beta)
    expected = slope(
        lambda mu: OPTIMA[objective](P, mu, reference=reference, beta=beta), mu, direction
    )
    np.testing.assert_allclose(D @ direction, expected, rtol=0, atol=1e-8)


@OBJECTIVES
@COMMON
@given(seed=st.integers(0, 10_000))
def test_the_derivative_by_the_reference_is_that_of_differences(objective, seed):
    P, mu, reference, beta, direction = problem(seed)
    D = optimum_derivative(
        P, mu, objective=objective, reference=reference, beta=beta, with_respect_to="reference"
    )
    expected = slope(
        lambda reference: OPTIMA[objective](P, mu, reference=reference, beta=beta),
        reference,
        direction,
    )
    np.testing.assert_allclose(D @ direction, expected, rtol=0, atol=1e-8)


@OBJECTIVES
@pytest.mark.parametrize("variable", ["sampling", "reference"])
def test_the_optimum_stays_on_the_simplex(objective, variable):
    P, mu, reference, beta, _ = problem(3, K=5)
    D = optimum_derivative(
        P,
        mu,
        objective=objective,
        reference=reference,
        beta=beta,
        with_respect_to=variable,
    )
    np.testing.assert_allclose(D.sum(axis=0), 0, atol=1e-14)


@OBJECTIVES
def test_the_derivative_holds_where_a_response_is_not_sampled(objective):
    P, _, reference, beta, _ = problem(4, K=4)
    mu = np.array([0.0, 0.5, 0.3, 0.2])
    inward = np.array([1.0, -0.2, -0.3, -0.5])
    f0, f1, f2 = (
        OPTIMA[objective](P, mu + t * inward, reference=reference, beta=beta)
        for t in (0.0, STEP, 2 * STEP)
    )
    one_sided = (-3 * f0 + 4 * f1 - f2) / (2 * STEP)
    D = optimum_derivative(P, mu, objective=objective, reference=reference, beta=beta)
    np.testing.assert_allclose(D @ inward, one_sided, rtol=0, atol=1e-8)


@OBJECTIVES
@pytest.mark.parametrize("variable", ["sampling", "reference"])
def test_derivatives_broadcast(objective, variable):
    rng = np.random.default_rng(0)
    P = np.array([naive.random_preferences(rng, 3) for _ in range(2)])[:, None]
    mu, reference = rng.dirichlet(np.ones(3), 4), rng.dirichlet(np.ones(3), (5, 1, 1))
    beta = rng.uniform(0, 2, (2, 4))
    options = {"objective": objective, "with_respect_to": variable}
    whole = optimum_derivative(P, mu, reference=reference, beta=beta, **options)
    assert whole.shape == (5, 2, 4, 3, 3)
    for a, b, c in np.ndindex(5, 2, 4):
        one = optimum_derivative(
            P[b, 0], mu[c], reference=reference[a, 0, 0], beta=beta[b, c], **options
        )
        np.testing.assert_allclose(whole[a, b, c], one, rtol=1e-11, atol=1e-14)


def test_unknown_names_are_refused_with_the_known_ones():
    P, mu, _, beta, _ = problem(5, K=3)
    with pytest.raises(ValueError, match=r"objective is 'ppo'.*known: .*'dpo', .*'ipo'"):
        optimum_derivative(P, mu, objective="ppo", beta=beta)
    with pytest.raises(ValueError, match=r"with_respect_to is 'beta'; .*'reference', 'sampling'"):
        optimum_derivative(P, mu, objective="ipo", beta=beta, with_respect_to="beta")
