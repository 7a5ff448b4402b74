import numpy as np
import pytest

from alignsim.feedback import engines
from alignsim.kernels import lanes
from tests import naive

LANES = 64
COLLAPSING = [0.0, 1e-9, 0.5, 5.0, 36.0, 37.0, 80.0, 300.0, 700.0]


def lane_block(rows):
    """A (K, LANES) block of logits, lane b holding row b of ``rows``, repeated."""
    block = lanes.block(len(rows[0]) * LANES).reshape(-1, LANES)
    block[:] = np.array([rows[b % len(rows)] for b in range(LANES)]).T
    return block


def policy_in_factors(logits):
    top, inverse = np.empty(LANES), np.empty(LANES)
    weights = np.empty_like(logits)
    lanes.softmax(logits, top, weights, inverse)
    return top, weights, inverse


def streamed(orbits):
    """Averages of ``orbits`` (n, rounds, K) through the kernel's streaming sums."""
    n, rounds, K = orbits.shape
    sums, scratch = np.empty((3 * K + 2, LANES)), np.empty((3, LANES))
    for t in range(rounds):
        logits = lane_block(orbits[:, t])
        top, weights, inverse = policy_in_factors(logits)
        if t == 0:
            lanes.begin_averages(weights, inverse, sums)
        lanes.update_averages(logits, top, weights, inverse, scratch, sums)
    averages = np.empty((n, 2 * K + 2))
    schedule = engines.Schedule(np.array([rounds - 1]), 0, 1)
    engines._store_averages(sums.T[:n], schedule, averages)
    return averages


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 50])
def test_rows_of_a_block_start_on_a_cache_line(rows):
    block = lanes.block(rows * LANES).reshape(rows, LANES)
    assert all(block[i].ctypes.data % 64 == 0 for i in range(rows))
    block[:] = 1.0
    assert block.sum() == rows * LANES


@pytest.mark.parametrize("n", [1, 63, 64, 65, 130])
def test_load_repeats_the_last_map_in_the_lanes_past_the_end(n):
    source = np.random.default_rng(0).normal(size=(n, 3))
    target = np.empty((3, LANES))
    for start in range(0, n, LANES):
        lanes.load(source, start, target)
        for b in range(LANES):
            assert (target[:, b] == source[min(start + b, n - 1)]).all()


@pytest.mark.parametrize("n", [1, 63, 64, 65, 130])
def test_store_writes_the_lanes_of_the_batch_and_nothing_else(n):
    source = np.random.default_rng(0).normal(size=(3, LANES))
    target = np.full((n + LANES, 3), np.nan)
    start = (n - 1) // LANES * LANES
    lanes.store(source, start, target[:n])
    assert (target[start:n] == source.T[: n - start]).all()
    assert np.isnan(target[:start]).all()
    assert np.isnan(target[n:]).all()


def test_the_signal_is_preference_minus_one_half_times_its_strength():
    rng = np.random.default_rng(0)
    matrices, which = rng.uniform(size=(3, 4, 4)), rng.integers(0, 3, 70)
    parameters = rng.uniform(size=(70, 2))
    signal, alpha = np.empty((4, 4, LANES)), np.empty(LANES)
    lanes.load_signal(matrices, which, parameters, 64, signal, alpha)
    for b in range(LANES):
        m = min(64 + b, 69)
        assert alpha[b] == parameters[m, 0]
        expected = parameters[m, 1] * (matrices[which[m]] - 0.5)
        np.testing.assert_allclose(signal[:, :, b], expected, rtol=1e-15)


@pytest.mark.parametrize("K", [2, 3, 4, 7, 64])
def test_the_softmax_in_two_factors_is_the_policy(K):
    rows = np.random.default_rng(K).normal(size=(LANES, K)) * 20
    top, weights, inverse = policy_in_factors(lane_block(rows))
    for b in range(LANES):
        expected = np.float64(naive.softmax(rows[b]))
        np.testing.assert_allclose(weights[:, b] * inverse[b], expected, rtol=2e-14)
        assert top[b] == rows[b].max()


@pytest.mark.parametrize("gap", COLLAPSING)
def test_streamed_entropy_is_exact_before_and_after_collapse(gap):
    orbits = np.array([[[0, -gap, -gap]], [[-gap, 0, -gap / 2]], [[0, 0, -gap]]], dtype=float)
    averages = streamed(orbits)
    for row, states in zip(averages, orbits, strict=True):
        assert row[6] == pytest.approx(float(naive.entropy(states[0])), rel=1e-14, abs=0)
        assert row[7] == row[6]


def test_streamed_averages_are_those_of_everything_stored():
    orbits = np.random.default_rng(0).normal(size=(5, 9, 4)) * 3
    expected = np.float64([naive.averages(states) for states in orbits])
    np.testing.assert_allclose(streamed(orbits), expected, rtol=1e-13)


def test_the_variance_of_a_settled_orbit_keeps_its_digits():
    wobble = 1e-9 * np.sin(np.arange(50))[None, :, None] * [1.0, -0.4, -0.6]
    orbits = np.array([0.3, 0.1, -0.4]) + wobble
    expected = np.float64(naive.averages(orbits[0])[3:6])
    assert expected.max() < 1e-18
    np.testing.assert_allclose(streamed(orbits)[0, 3:6], expected, rtol=1e-5)


def test_a_constant_orbit_has_no_variance_but_rounding_squared():
    orbits = np.broadcast_to([0.3, 0.1, -0.4], (1, 20, 3))
    assert streamed(orbits)[0, 3:6].max() < 1e-40
