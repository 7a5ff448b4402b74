"""The integral over one pair's log-odds, and draws of them."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kstest, norm

from alignsim.data.posteriors.pairs import SLAB, log_shares, pair_integral, rule
from alignsim.kernels import votes as kernels

GOLDEN = (
    ((14, 20, 0.3, 0.5), (-12.912268, 1.164414, -2.071779)),
    ((0, 3, -1, 0), (-0.938957, -0.800298, -0.579068)),
    ((20, 20, 2, 1), (-1.800723, 1.079801, -0.477720)),
)


def density(theta, y, n, delta, tau, slab):
    """The likelihood times the prior of θ."""
    prior = (1 - slab) * norm.pdf(theta, delta, tau) + slab * norm.pdf(theta, delta, max(tau, SLAB))
    return np.exp(y * theta - n * np.logaddexp(0.0, theta)) * prior


@pytest.mark.parametrize(("given", "wanted"), GOLDEN)
def test_golden_integrals(given, wanted):
    assert pair_integral(*given, 0.05) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
    "given",
    [
        (7, 9, -1.3, 0.2),
        (0, 50, 1.0, 0.9),
        (0.5, 1, 0.0, 2.2),
        (3.7, 11.1, 4.0, 0.05),
        (0, 0, 1, 1),
    ],
)
@pytest.mark.parametrize("slab", [0.0, 0.05])
def test_integrals_are_those_of_adaptive_quadrature(given, slab):
    y, n, delta, tau = given
    middle = np.log((y + 0.5) / (n - y + 0.5))
    ends = sorted([delta, middle])
    exact, _ = quad(
        density, ends[0] - 12, ends[1] + 12, (y, n, delta, tau, slab),
        points=[delta - tau, delta, delta + tau, middle], epsabs=0, epsrel=1e-10, limit=500,
    )  # fmt: skip
    assert pair_integral(*given, slab)[0] == pytest.approx(np.log(exact), abs=1e-5)


def test_derivatives_are_those_of_the_integral():
    step = 1e-3
    for y, n, delta, tau in [(14, 20, 0.3, 0.5), (2, 40, 0.8, 0.3), (5, 5, -3.0, 0.02)]:
        below, at, above = pair_integral(y, n, delta + step * np.arange(-1, 2), tau, 0.05)
        assert at[1] == pytest.approx((above[0] - below[0]) / (2 * step), abs=1e-4)
        assert at[2] == pytest.approx((above[1] - below[1]) / (2 * step), abs=1e-4)


def test_a_million_votes_and_very_one_sided_ones_are_no_trouble():
    million = pair_integral([6e5, 1e6, 0.0], 1e6, [0.4, 30.0, -3.0], 0.5, 0.05)
    assert np.isfinite(million).all()
    assert million[0, 1] == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("tau", [0.05, 0.5, 1.5])
@pytest.mark.parametrize(("y", "n"), [(14, 20), (0, 3), (0, 0)])
def test_draws_have_the_posterior_distribution(y, n, tau):
    count, slab = 4000, 0.3
    uniform = np.random.default_rng(5).random((2, count, 1))
    theta = np.empty((count, 1))
    kernels.draws(
        np.array([float(y)]), np.array([float(n)]), np.full((count, 1), 0.3), np.full(count, tau),
        np.full(count, max(tau, SLAB)), log_shares(slab), rule(), uniform, theta,
    )  # fmt: skip
    grid = np.linspace(-9.0, 9.0, 20_001)
    mass = np.cumsum(density(grid, y, n, 0.3, tau, slab))
    found = kstest(theta[:, 0], lambda x: np.interp(x, grid, mass / mass[-1]))
    assert found.pvalue > 1e-3
