"""The filter over logged rounds: golden numbers, its obvious twin, and what must not matter."""

import numpy as np
import pytest

from alignsim import simplex
from alignsim.kernels import log_filter, log_maps, log_walk
from tests import naive
from tests.oracles.logged_rounds import SHARES

U = np.array([1.2, -1.2, 1.2])


def heights(points, shares, counts, first=None, *, close=log_filter.EXACTLY, model=log_filter.FREE):
    T, K = len(shares), max(2, shares.shape[1])
    m = K * (K - 1) // 2
    first = np.eye(T, dtype=bool)[0] if first is None else first
    out, states = np.empty(len(points)), np.empty((T, K - 1))
    counts = np.broadcast_to(np.asarray(counts, dtype=float), T).copy()
    log_filter.log_posteriors(
        model,
        simplex.mean_zero_basis(K),
        np.ascontiguousarray(shares),
        counts,
        first,
        np.zeros(m),
        np.zeros((m, K - 1)),
        np.array(points, dtype=float),
        close,
        out,
        states,
        np.zeros((len(points), K - 1)),
        np.zeros((len(points), K - 1, K - 1)),
    )
    return out


def prior(u):
    return -0.25 * (len(u) + 1) * np.log1p(np.dot(u, u) / 4.0)


def matrix(u, K):
    full = np.zeros((K, K))
    full[np.triu_indices(K, 1)] = u
    return full - full.T


def drawn(K, T, n, seed):
    rng = np.random.default_rng(seed)
    z = np.cumsum(rng.normal(size=(T, K)), axis=0)
    return rng.multinomial(n, simplex.softmax(z - z.mean(axis=0))) / n


@pytest.mark.parametrize(
    ("a", "q", "golden", "settled"),
    [
        (0.6, 0.05, -1294.83963, -1294.83937),
        (0.5, 0.05, -1296.01519, -1296.01723),
        (0.6, 0.2, -1303.22447, -1303.22435),
    ],
)
def test_golden_log_likelihoods(a, q, golden, settled):
    """Those of the page end Newton's method at a step below 0.1, as the walk does."""
    point = [[a, *U, np.log(q)]]
    rough = heights(point, SHARES, 100.0, close=log_filter.ROUGHLY)[0] - prior(U)
    assert rough == pytest.approx(golden, abs=1e-5)
    assert heights(point, SHARES, 100.0)[0] - prior(U) == pytest.approx(settled, abs=1e-5)
    twin = naive.log_likelihood(SHARES, np.full(12, 100.0), a, matrix(U, 3), q)
    assert twin == pytest.approx(settled, abs=1e-5)


@pytest.mark.parametrize("K", [2, 3, 4, 5, 6])
def test_the_filter_is_its_obvious_twin(K):
    rng = np.random.default_rng(K)
    shares = drawn(K, 9, 40, K)
    assert (shares == 0).any() or K < 4  # zero counts are fine
    counts = rng.integers(20, 60, 9).astype(float)
    u = rng.normal(size=K * (K - 1) // 2)
    seen = heights([[0.7, *u, np.log(0.3)]], shares, counts)[0] - prior(u)
    twin = naive.log_likelihood(shares, counts, 0.7, matrix(u, K), 0.3)
    assert seen == pytest.approx(twin, rel=1e-10)


def test_the_order_of_responses_does_not_matter():
    shares, order = drawn(4, 12, 80, 0), np.array([2, 0, 3, 1])
    u = np.random.default_rng(1).normal(size=6)
    renamed = matrix(u, 4)[order][:, order][np.triu_indices(4, 1)]
    one = heights([[0.4, *u, -2.0]], shares, 80.0)
    other = heights([[0.4, *renamed, -2.0]], shares[:, order], 80.0)
    assert one == pytest.approx(other, rel=1e-11)


def test_runs_add_their_log_likelihoods():
    first, second = drawn(3, 9, 50, 0), drawn(3, 7, 50, 1)
    both = np.eye(16, dtype=bool)[0] | np.eye(16, dtype=bool)[9]
    point = [[0.4, *U, -2.0]]
    together = heights(point, np.concatenate([first, second]), 50.0, both)[0]
    apart = heights(point, first, 50.0)[0] + heights(point, second, 50.0)[0] - prior(U)
    assert together == pytest.approx(apart, rel=1e-12)


def test_a_filter_goes_on_where_it_ended():
    shares = drawn(4, 12, 80, 2)
    m, K, first = 6, 4, np.eye(12, dtype=bool)[0]
    points = np.random.default_rng(2).normal(size=(3, m + 2)) * 0.3
    points[:, 0] += 0.5
    ends, spreads = np.zeros((3, K - 1)), np.zeros((3, K - 1, K - 1))

    def added(part):
        out, T = np.empty(3), len(shares[part])
        log_filter.log_posteriors(
            log_filter.FREE,
            simplex.mean_zero_basis(K),
            shares[part],
            np.full(T, 80.0),
            first[part],
            np.zeros(m),
            np.zeros((m, K - 1)),
            points,
            log_filter.EXACTLY,
            out,
            np.empty((T, K - 1)),
            ends,
            spreads,
        )
        return out - [prior(point[1:-1]) for point in points]

    apart = added(slice(5)) + added(slice(5, 6)) + added(slice(6, 12))
    assert apart == pytest.approx(added(slice(12)), rel=1e-12)
    assert added(slice(0)) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    "point", [[-0.1, *U, -2.0], [1.1, *U, -2.0], [0.5, *U, -9.1], [0.5, *U, 1.1]]
)
def test_the_prior_ends_where_it_says(point):
    assert heights([point], SHARES, 100.0)[0] == -np.inf


def test_the_scalar_filter_is_the_density_of_a_normal_vector():
    y = np.random.default_rng(0).normal(size=8)
    a1, a2, c, q1, q2 = 1.2, -0.7, 0.3, 0.4, 0.2
    point = [[a1, a2, c, np.log(q1), np.log(q2)]]
    seen = heights(point, y[:, None], 5.0, model=log_filter.SCALAR)[0]
    told = naive.scalar_log_likelihood(y, np.full(8, 0.2), a1, a2, c, q1**2, q2**2)
    assert seen == pytest.approx(told + np.log(0.7) - 0.5 * c**2, rel=1e-11)
    noisy = heights([[*point[0], 0.5 * np.log(0.2)]], y[:, None], 1.0, model=log_filter.SCALAR)[0]
    assert noisy == pytest.approx(seen, rel=1e-12)


STAND_INS = {
    "none": np.zeros((3, 3)),
    "near": np.diag([5.0, 0.5, 3.0]),
    "wrong": np.array([[3.0, 0.0, 0.0], [0.4, 0.3, 0.0], [1.0, 0.0, 2.0]]),
}


@pytest.mark.parametrize("root", STAND_INS.values(), ids=STAND_INS)
def test_a_walk_visits_what_the_posterior_says(root):
    """Of P = ½ and one response against another, whatever stands in for the posterior."""
    rng = np.random.default_rng(0)
    shares = drawn(2, 30, 400, 3)
    D, steps = 3, 12000
    here = np.array([0.5, 0.0, -1.0])
    height = heights([here], shares, 400.0, close=log_filter.ROUGHLY)
    chain, states = np.empty((steps, D)), np.empty((30, 1))
    first = np.eye(30, dtype=bool)[0]
    basis = simplex.mean_zero_basis(2)
    moves = rng.normal(size=(steps, D)) * [0.2, 0.8, 0.3]
    accepted = log_walk.walk(
        log_filter.FREE,
        basis,
        shares,
        np.full(30, 400.0),
        first,
        np.zeros(1),
        np.zeros((1, 1)),
        here,
        height,
        np.array([0.6, 0.5, -1.5]),
        root,
        moves,
        np.log(rng.random((steps, 2))),
        chain,
        states,
    )
    assert 0.1 * steps < accepted < 0.6 * steps
    assert np.array_equal(here, chain[-1])
    a, u, q = (np.linspace(*ends, 41) for ends in ((-0.02, 1.02), (-6.0, 6.0), (-3.0, 1.0)))
    grid = np.stack(np.meshgrid(a, u, q, indexing="ij"), axis=-1).reshape(-1, 3)
    weights = np.exp(heights(grid, shares, 400.0) - heights(chain[-1:], shares, 400.0))
    mean = weights @ grid / weights.sum()
    spread = np.sqrt(weights @ (grid - mean) ** 2 / weights.sum())
    assert np.abs(chain[500:].mean(axis=0) - mean)[[0, 2]] == pytest.approx(0, abs=0.25 * spread[0])
    assert chain[500:].std(axis=0)[[0, 2]] == pytest.approx(spread[[0, 2]], rel=0.2)


def test_an_orbit_is_the_map_round_by_round():
    rng = np.random.default_rng(3)
    K, a, memory, start = 4, 0.7, -0.2, rng.normal(size=3)
    basis, U = simplex.mean_zero_basis(K), matrix(rng.normal(size=6), K)
    noise = 0.1 * rng.normal(size=(30, K))
    states = np.empty((30, K - 1))
    log_maps.orbit(basis, a, memory, U, start.copy(), np.zeros(K - 1), noise, states)
    here, last = start, np.zeros(K - 1)
    for t in range(30):
        pi = simplex.softmax(basis @ here)
        shaken = basis.T @ (noise[t] / np.sqrt(K * pi + log_filter.RARE))
        here, last = a * here + memory * last + basis.T @ U @ pi + shaken, here
        assert states[t] == pytest.approx(here, abs=1e-12)
    far = np.empty((100, K - 1))
    log_maps.orbit(basis, 3.0, 0.0, U, start.copy(), start.copy(), np.empty((0, K)), far)
    assert np.isfinite(far[0]).all()
    assert np.isinf(far[-50:]).all()


def test_rest_points_rest():
    rng = np.random.default_rng(0)
    K, count = 4, 20
    basis = simplex.mean_zero_basis(K)
    matrices = np.array([matrix(rng.normal(size=6), K) for _ in range(count)])
    a, memory = rng.uniform(0.0, 0.9, count), rng.uniform(-0.3, 0.0, count)
    points, slopes = np.empty((count, K - 1)), np.empty((count, K - 1, K - 1))
    log_maps.rest_points(basis, a, memory, matrices, np.zeros(K - 1), points, slopes)

    def pulled(x):
        return np.einsum("ji,njk,nk->ni", basis, matrices, simplex.softmax(x @ basis.T))

    moved = (a + memory)[:, None] * points + pulled(points)
    assert moved == pytest.approx(points, abs=1e-12)
    for axis, unit in enumerate(1e-6 * np.eye(K - 1)):
        change = (pulled(points + unit) - pulled(points - unit)) / 2e-6
        assert slopes[:, :, axis] == pytest.approx(change, abs=1e-8)


def test_a_rest_point_that_is_nowhere_is_nan():
    points, slopes = np.empty((1, 1)), np.empty((1, 1, 1))
    one = np.ones(1)
    up = matrix([1.0], 2)[None]
    log_maps.rest_points(simplex.mean_zero_basis(2), one, 0 * one, up, np.zeros(1), points, slopes)
    assert np.isnan(points).all()
