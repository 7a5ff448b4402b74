"""Laps of MRS-IPO against the rounds and the Jacobians of the maps themselves."""

import numpy as np
import pytest

import alignsim as asim
from alignsim import simplex
from alignsim.feedback.engines import ipo_arrays
from alignsim.kernels import lanes, laps


def follow(loop, rows, period, start, back):
    n, K = start.shape
    moved, least = np.empty((n, K, K)), np.empty(n, dtype=np.int64)
    basis = simplex.mean_zero_basis(K)
    code = lanes.code_for(K, laps.SMALL)
    laps.around(*code, *ipo_arrays(loop), basis, rows, period, start, back, moved, least)
    return moved[:, :, -1], basis.T @ moved[:, :, :-1], least


@pytest.mark.parametrize("K", [2, 3, 4, 7])
def test_a_lap_ends_where_the_rounds_do_with_the_product_of_their_derivatives(K):
    rng = np.random.default_rng(K)
    n = 9
    loop = asim.FeedbackMap(
        asim.preferences.random_skew(K, size=n, max_margin=0.4, rng=K),
        beta=rng.uniform(1.0, 20.0, n), alpha=rng.uniform(0.0, 1.0, n),
        lam=rng.uniform(0.3, 1.0, n), reference=rng.dirichlet(np.ones(K), n),
        offline=rng.dirichlet(np.ones(K), n),
    )  # fmt: skip
    rows, period = rng.permutation(n)[:6], rng.integers(1, 8, 6)
    start = simplex.centre(rng.normal(size=(6, K)))
    end, product, least = follow(loop, rows, period, start, np.zeros(6))
    for own, rounds, z, last, slope in zip(rows, period, start, end, product, strict=True):
        alone, derivative = loop.take(np.array([own])), np.eye(K - 1)
        z = z[None]
        for _ in range(rounds):
            derivative = alone.jacobian_at(z, basis="tangent")[0] @ derivative
            z = alone.step_logits(z)
        np.testing.assert_allclose(last, z[0], rtol=0, atol=1e-12 * (1 + np.abs(z).max()))
        np.testing.assert_allclose(slope, derivative, rtol=0, atol=1e-12 * np.abs(derivative).max())
    assert least.tolist() == period.tolist()


def test_the_least_period_is_the_first_divisor_after_which_the_lap_is_back():
    """Of a fixed point 1; where nothing counts as back, or where logits are lost, all of it."""
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.4), beta=2.0, alpha=0.5)
    loop = loop.part(0, 1)
    start = np.tile(asim.analysis.fixed_point(loop).logits, (4, 1))
    start[1] += 3.0 * np.array([1.0, -1.0, 0.0])
    start[3] = np.nan
    back = np.array([1e-6, 1e-6, -1.0, 1e-6])
    rows = np.zeros(4, dtype=np.intp)
    _, _, least = follow(loop, rows, np.full(4, 6), start, back)
    assert least.tolist() == [1, 6, 6, 6]


def test_a_lap_is_back_only_where_every_logit_is():
    loop = asim.FeedbackMap(
        asim.preferences.nearest_neighbour_cycle(4, advantage=0.4), beta=2.0, alpha=0.5
    )
    loop = loop.part(0, 1)
    start = simplex.centre(np.array([[0.3, -1.0, 0.5, 0.2]]))
    moved = np.sort(np.abs(loop.step_logits(start) - start)[0])
    rows, period = np.zeros(2, dtype=np.intp), np.full(2, 5)
    back = np.array([moved[1:3].mean(), moved[-1] * 1.001])  # half of the logits, and all
    _, _, least = follow(loop, rows, period, np.repeat(start, 2, axis=0), back)
    assert least.tolist() == [5, 1]
