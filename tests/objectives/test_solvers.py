"""The damped Newton iteration on systems whose zeros are known."""

import itertools

import numpy as np
import pytest

from alignsim.kernels.status import NOT_CONVERGED, NOT_FINITE, OK
from alignsim.objectives.solvers import damped_newton, potentials
from tests import naive


def separable(function, slope):
    """The system function(x_i) = 0 in every coordinate."""
    return lambda x, which: (function(x), slope(x)[..., :, None] * np.eye(x.shape[-1]))


def test_a_linear_system_takes_one_step_and_its_confirmation():
    rng = np.random.default_rng(0)
    A, b = rng.normal(size=(5, 3, 3)) + 3 * np.eye(3), rng.normal(size=(5, 3))

    def system(x, which):
        return (A[which] @ x[..., None])[..., 0] - b[which], A[which]

    result = damped_newton(system, np.zeros((5, 3)))
    assert (result.status == OK).all()
    assert (result.iterations <= 2).all()
    np.testing.assert_allclose(result.point, np.linalg.solve(A, b[..., None])[..., 0], rtol=1e-13)
    assert result.residual.max() < 1e-13


def test_halving_saves_a_newton_iteration_that_would_diverge():
    system = separable(np.arctan, lambda x: 1 / (1 + x**2))
    start = np.array([[1.2], [1.5], [3.0], [30.0]])  # plain Newton diverges from 1.3917 on
    result = damped_newton(system, start, step_cap=1e9)
    assert (result.status == OK).all()
    np.testing.assert_allclose(result.point, 0, atol=1e-12)


def test_no_step_is_longer_than_the_cap():
    visited = []

    def system(x, which):
        visited.append(x.copy())
        return x - 100.0, np.broadcast_to(np.eye(1), (*x.shape, 1))

    result = damped_newton(system, np.zeros((1, 1)), step_cap=4.0)
    assert result.point[0, 0] == pytest.approx(100)
    assert np.abs(np.diff(np.concatenate(visited)[:, 0])).max() <= 4.0


def test_instances_converge_on_their_own():
    roots = np.array([[0.1], [1.0], [50.0]])

    def system(x, which):
        gap = x - roots[which]
        return np.sinh(gap), np.cosh(gap)[..., None]

    together = damped_newton(system, np.zeros((3, 1)))
    assert (together.status == OK).all()
    np.testing.assert_allclose(together.point, roots, rtol=1e-14)
    assert together.iterations[0] < together.iterations[2]


def test_a_singular_or_broken_instance_is_marked_and_spares_the_rest():
    def system(x, which):
        slope = np.where(which == 1, 0.0, 1.0)[:, None, None] * np.eye(2)
        residual = np.where((which == 2)[:, None], np.nan, x - 3.0)
        return residual, slope

    result = damped_newton(system, np.zeros((4, 2)))
    assert result.status.tolist() == [OK, NOT_FINITE, NOT_FINITE, OK]
    np.testing.assert_allclose(result.point[[0, 3]], 3.0, rtol=1e-14)


def test_an_iteration_without_a_zero_is_not_reported_as_converged():
    system = separable(lambda x: np.exp(-x), lambda x: -np.exp(-x))
    result = damped_newton(system, np.zeros((1, 1)), max_iterations=50)
    assert result.status.tolist() == [NOT_CONVERGED]
    assert result.iterations.tolist() == [50]


def test_the_start_is_left_alone():
    start = np.zeros((1, 1))
    damped_newton(lambda x, which: (x - 1.0, np.ones((len(x), 1, 1))), start)
    assert start.tolist() == [[0.0]]


def test_a_short_step_is_taken_though_noise_hides_its_gain():
    noise = itertools.count(1)

    def system(x, which):
        residual = np.stack([x[:, 0] ** 2 - 1, np.full(len(x), 1e-9 * next(noise))], axis=-1)
        derivative = np.zeros((len(x), 2, 2))
        derivative[:, 0, 0], derivative[:, 1, 1] = 2 * x[:, 0], 1e20
        return residual, derivative

    result = damped_newton(system, np.array([[1 + 3e-10, 0.0]]))
    assert result.status.tolist() == [OK]
    assert result.point[0, 0] == pytest.approx(1, rel=1e-15)


def test_steps_at_the_rounding_floor_end_the_search():
    steps = itertools.cycle([1e-10, -1e-10])
    system = separable(lambda x: np.full_like(x, next(steps)), np.ones_like)
    result = damped_newton(system, np.zeros((1, 1)))
    assert result.status.tolist() == [OK]
    assert result.iterations.tolist() == [2]


def balanced_pairs(rng, K, *, smallest):
    """Rates and pulls of pairs with weights of any ratio, by rows; an absent response is last."""
    weight = np.exp(rng.uniform(np.log(smallest), 0, K))
    weight[1:] = np.sort(weight[1:])[::-1]
    weight[0], weight[-1] = 1.0, 0.0
    common = np.exp(rng.uniform(np.log(smallest), 0, (K, K)))
    margin = rng.normal(size=(K, K))
    rates = weight * (common + common.T)
    return rates, rates * (margin - margin.T)


@naive.needs_extended
@pytest.mark.parametrize("K", [2, 3, 16, 17, 18, 40])
@pytest.mark.parametrize("smallest", [0.1, 1e-3])
def test_potentials_solve_the_equations_of_their_pairs(K, smallest):
    rates, pulls = balanced_pairs(np.random.default_rng(K), K, smallest=smallest)
    q, h = (np.asarray(a, dtype=naive.Wide) * (1 - np.eye(K)) for a in (rates, pulls))
    matrix = np.diag(q.sum(axis=1)) - q
    expected = np.append(0, naive.solve(matrix[1:, 1:], h.sum(axis=1)[1:]))
    x = potentials(np.stack([rates] * 2), np.stack([pulls, -pulls]))
    np.testing.assert_allclose(x[0], np.float64(expected), rtol=0, atol=1e-13 * abs(x).max())
    np.testing.assert_array_equal(x[1], -x[0])


def test_potentials_of_pairs_that_agree_are_exact_at_any_ratio_of_rates():
    rng = np.random.default_rng(0)
    score = rng.normal(size=20)
    rates, _ = balanced_pairs(rng, 20, smallest=1e-60)
    x = potentials(rates, rates * (score[:, None] - score[None, :]))
    np.testing.assert_allclose(x, score - score[0], rtol=0, atol=1e-14)


def test_pairs_that_do_not_join_all_responses_have_no_potentials():
    rates = np.zeros((2, 3, 3))
    rates[0, 0, 1] = rates[0, 1, 0] = 1.0
    rates[1] = 1.0
    x = potentials(rates, np.zeros((2, 3, 3)))
    assert np.isnan(x[0]).any()
    assert x[1].tolist() == [0.0, 0.0, 0.0]
