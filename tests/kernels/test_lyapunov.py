"""The lanes of tangent vectors against an obvious twin, and their bits against their neighbours."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.feedback.engines import ipo_arrays
from alignsim.kernels import ipo_lanes, lanes, lyapunov, tangents
from tests import naive

EDGES = np.array([7, 20, 41])
POISON = -1.2345e300
SMALL_AND_LARGE = pytest.mark.parametrize("K", [2, 3, 4, 5, 8])


def arguments(rng, K, n):
    """Keyword arguments of n maps, and their starts."""
    maps = {
        "P": np.array([naive.random_preferences(rng, K) for _ in range(n)]),
        "beta": rng.uniform(0, 5, n),
        "alpha": rng.uniform(0.05, 1, n),
        "lam": rng.uniform(0, 1, n),
        "reference": rng.dirichlet(np.ones(K), n),
        "offline": rng.dirichlet(np.ones(K), n),
    }
    return maps, np.float64([naive.centre(z) for z in 2 * rng.normal(size=(n, K))])


def orthonormal(rng, K):
    E = asim.simplex.mean_zero_basis(K)
    return np.ascontiguousarray((E @ np.linalg.qr(rng.normal(size=(K - 1, K - 1)))[0]).T)


def run(maps, starts, vectors, edges=EDGES):
    """Return the sums and the final states; rows past the end must stay as they are."""
    n, K = starts.shape
    state = np.full((n + 70, K), POISON)
    sums = np.full((n + 70, len(edges) - 1, len(vectors) + 1), POISON)
    state[:n] = starts
    arrays = ipo_arrays(asim.FeedbackMap(**maps))
    small = K <= lyapunov.SMALL
    code = ((0,) * K, (0,) * len(vectors), None) if small else (None, None, K)
    blocks = (0, -(-n // ipo_lanes.LANES))
    tangent = np.repeat(vectors[:, None], n, axis=1)
    lyapunov.run(*code, *arrays, tangent, state[:n], edges, sums[:n], blocks)
    assert (state[n:] == POISON).all()
    assert (sums[n:] == POISON).all()
    return sums[:n], state[:n]


def twin(map_, start, vectors, edges):
    """The sums of one map: J formed each round in the mean-zero basis, NumPy's QR and LU."""
    E = asim.simplex.mean_zero_basis(len(start))
    Q = E.T @ vectors.T
    sums = np.zeros((len(edges) - 1, len(vectors) + 1))
    for t, z in enumerate(naive.orbit(map_, start, edges[-1] - 1)):
        pi = np.float64(naive.softmax(z))
        slope = (map_.P - 0.5) @ (np.diag(pi) - np.outer(pi, pi))
        J = E.T @ (map_.alpha * np.eye(len(pi)) + map_.beta * map_.lam * slope) @ E
        Q, R = np.linalg.qr(J @ Q)
        if t >= edges[0]:
            batch = np.searchsorted(edges, t, side="right") - 1
            sums[batch, :-1] += np.log(np.abs(np.diag(R)))
            sums[batch, -1] += np.log(np.abs(np.linalg.det(J)))
    return sums


@SMALL_AND_LARGE
def test_growth_and_volume_are_those_of_the_twin(K):
    rng = np.random.default_rng(K)
    maps, starts = arguments(rng, K, 6)
    vectors = orthonormal(rng, K)
    sums, final = run(maps, starts, vectors)
    for n in range(6):
        row = {name: values[n] for name, values in maps.items()}
        row["reference"] = np.float64(naive.centre(np.log(row["reference"])))
        map_ = naive.Map("ipo", **row)
        np.testing.assert_allclose(sums[n], twin(map_, starts[n], vectors, EDGES), atol=2e-10)
        end = naive.orbit(map_, starts[n], EDGES[-1])[-1]
        np.testing.assert_allclose(final[n], np.float64(end), atol=1e-9)


@pytest.mark.parametrize(("K", "fewer"), [(2, [1]), (3, [1]), (4, [1]), (6, [1, 2, 4])])
def test_fewer_vectors_are_the_first_ones_to_the_bit(K, fewer):
    rng = np.random.default_rng(0)
    maps, starts = arguments(rng, K, 3)
    vectors = orthonormal(rng, K)
    sums, _ = run(maps, starts, vectors)
    for k in fewer:
        some, _ = run(maps, starts, vectors[:k])
        np.testing.assert_array_equal(some[..., :k], sums[..., :k])


@SMALL_AND_LARGE
def test_a_map_alone_has_the_bits_that_it_has_anywhere_in_a_batch(K):
    rng = np.random.default_rng(K)
    maps, starts = arguments(rng, K, 130)
    vectors = orthonormal(rng, K)
    sums, final = run(maps, starts, vectors)
    for n in (0, 1, 7, 63, 64, 65, 127, 128, 129):
        alone = {name: values[n : n + 1] for name, values in maps.items()}
        own, end = run(alone, starts[n : n + 1], vectors)
        np.testing.assert_array_equal(own[0], sums[n])
        np.testing.assert_array_equal(end[0], final[n])


@SMALL_AND_LARGE
def test_neighbours_that_fail_do_not_change_a_bit(K):
    rng = np.random.default_rng(K)
    maps, starts = arguments(rng, K, 70)
    vectors = orthonormal(rng, K)
    sums, _ = run(maps, starts, vectors)
    others = np.arange(70) != 5
    maps["alpha"][others], maps["beta"][others] = 1.0, 1.7e308
    spoilt, _ = run(maps, starts, vectors)
    np.testing.assert_array_equal(spoilt[5], sums[5])
    if K > 2:
        assert np.isnan(spoilt[others]).any(axis=(1, 2)).mean() > 0.5


def test_the_volume_at_a_collapsed_policy_keeps_its_digits():
    """K = 3: det J = α² + (βλc)²π₁π₂π₃ with the curl c, and no 1 − π is formed by subtraction."""
    maps, _ = arguments(np.random.default_rng(1), 3, 8)
    maps |= {"alpha": np.zeros(8), "lam": np.ones(8), "beta": np.full(8, 2.0)}
    gaps = np.linspace(5, 60, 8)
    starts = np.stack([0 * gaps, -gaps, -gaps - 1.0], axis=-1)
    P = maps["P"]
    curl = P[:, 0, 1] + P[:, 1, 2] + P[:, 2, 0] - 1.5
    log_policy = asim.simplex.log_softmax(starts)
    expected = 2 * np.log(2.0 * np.abs(curl)) + log_policy.sum(axis=-1)
    vectors = orthonormal(np.random.default_rng(2), 3)
    sums, _ = run(maps, starts, vectors, np.array([0, 1]))
    np.testing.assert_allclose(sums[:, 0, -1], expected, rtol=1e-13)
    np.testing.assert_allclose(sums[:, 0, :2].sum(axis=-1), expected, rtol=1e-13)


@SMALL_AND_LARGE
def test_a_tangent_map_of_zero_loses_everything_and_one_of_rounding_what_is_noise(K):
    rng = np.random.default_rng(K)
    maps, starts = arguments(rng, K, 2)
    maps |= {"alpha": np.zeros(2), "lam": np.ones(2), "beta": np.array([0.0, 3.0])}
    sums, _ = run(maps, starts, orthonormal(rng, K))
    assert (sums[0] == -np.inf).all()
    last = sums[1, :, -2]  # P − ½ is skew: in an odd dimension it is singular
    assert (np.isfinite(last) == (K % 2 == 1)).all()


@pytest.mark.parametrize("unrolled", [False, True])
@pytest.mark.parametrize("K", [2, 3, 4, 6])
def test_growth_along_kept_rounds_is_that_of_the_run(K, unrolled):
    """The kernel that follows the orbit and the one that is given its rounds, with other rows."""
    rng = np.random.default_rng(K)
    n = 37
    maps, starts = arguments(rng, K, n)
    vectors = orthonormal(rng, K)[:1]
    sums, _ = run(maps, starts, vectors)
    loop = asim.FeedbackMap(**maps)
    frames = loop.run(start_logits=starts, rounds=int(EDGES[-1])).logits
    rows = rng.permutation(n)
    matrices, which, parameters, _ = ipo_arrays(loop.take(rows))
    kept = int(EDGES[-1] - EDGES[0])
    along = np.full((n + 20, kept), POISON)
    code = lanes.code_for(K, K if unrolled else 0)
    tangents.lead_along(*code, matrices, which, parameters, vectors[0], frames, rows, along[:n])
    batches = np.add.reduceat(along[:n], EDGES[:-1] - EDGES[0], axis=-1)
    np.testing.assert_allclose(batches, sums[rows, :, 0], rtol=0, atol=1e-9)
    assert (along[n:] == POISON).all()
    alone = np.empty((1, kept))
    matrices, which, parameters, _ = ipo_arrays(loop.take(rows[5:6]))
    tangents.lead_along(*code, matrices, which, parameters, vectors[0], frames, rows[5:6], alone)
    np.testing.assert_array_equal(alone[0], along[5])


def test_growth_where_maps_share_a_matrix_has_the_bits_of_maps_with_matrices_of_their_own():
    rng = np.random.default_rng(5)
    P = asim.preferences.random_skew(9, size=2, max_margin=0.4, rng=0)
    several = np.repeat(P[:1], 20, axis=0)
    several[-1] = P[1]
    parameters = {"beta": rng.uniform(1, 30, 20), "alpha": rng.uniform(0, 1, 20)}
    starts = rng.normal(size=(20, 9))
    first = orthonormal(rng, 9)[0]
    growth = []
    for matrices in (P[0], several):
        loop = asim.FeedbackMap(matrices, **parameters)
        frames = loop.run(start_logits=starts, rounds=int(EDGES[-1])).logits
        found = np.empty((20, int(EDGES[-1])))
        table, which, values, _ = ipo_arrays(loop)
        tangents.lead_along(
            *lanes.code_for(9, 0), table, which, values, first, frames, np.arange(20), found
        )
        growth.append(found)
    np.testing.assert_array_equal(growth[0][:-1], growth[1][:-1])
