"""What is read off the last rounds of an orbit, against plain NumPy."""

import numpy as np
import pytest

from alignsim.analysis.orbits.rotation import birkhoff_weights
from alignsim.kernels import lanes, orbits

ROUNDS, MAPS = 300, 5  # rounds that fill no tile


def examined(frames, rows, centre, plane):
    turns = frames.shape[1] - 1
    report = np.empty((len(rows), orbits.COLUMNS))
    weights = birkhoff_weights(turns), birkhoff_weights(turns // 2)
    orbits.examine(
        *lanes.code_for(frames.shape[2], orbits.SMALL), frames, rows, centre, plane, *weights,
        turns - orbits.LAGS - 1, 1e-7, report,
    )  # fmt: skip
    return report


@pytest.mark.parametrize("K", [2, 3, 4, 5, 7])
def test_a_window_is_measured_as_numpy_does(K):
    rng = np.random.default_rng(K)
    frames = rng.normal(size=(MAPS, ROUNDS, K)).cumsum(axis=1)
    rows = np.array([3, 0, 4, 3])
    centre, plane = rng.normal(size=(4, K)), rng.normal(size=(4, 2, K))
    report = examined(frames, rows, centre, plane)

    orbit = frames[rows]
    x, y = np.moveaxis((orbit - centre[:, None]) @ np.swapaxes(plane, -1, -2), -1, 0)
    square = x * x + y * y
    turn = np.angle((x + 1j * y)[:, 1:] * (x - 1j * y)[:, :-1])
    half = turn.shape[1] // 2
    whole, part = birkhoff_weights(turn.shape[1]), birkhoff_weights(half)
    expected = {
        orbits.SCALE: np.ptp(orbit - orbit[:, -1:], axis=-1)[:, -4 * orbits.LAGS :].max(axis=-1),
        orbits.NEAREST: np.sqrt(square.min(axis=-1) / square.max(axis=-1)),
        orbits.TURN: turn @ whole,
        orbits.TURN_1: turn[:, :half] @ part,
        orbits.TURN_2: turn[:, -half:] @ part,
        orbits.SIZE_1: square[:, :half] @ part,
        orbits.SIZE_2: square[:, turn.shape[1] - half : -1] @ part,
    }
    for column, values in expected.items():
        np.testing.assert_allclose(report[:, column], values, rtol=1e-11, atol=1e-12)
    along = (np.sign(turn) == np.sign(turn @ whole)[:, None]).mean(axis=-1)
    assert report[:, orbits.CONSTANCY].tolist() == along.tolist()


@pytest.mark.parametrize("period", [1, 7, 130])
def test_the_nearest_return_is_the_period_of_a_cycle(period):
    lap = np.random.default_rng(period).normal(size=(period, 4))
    frames = np.resize(lap, (1, ROUNDS, 4)) + 1e-10 * np.arange(ROUNDS)[:, None] % 3e-10
    at = np.zeros(1, dtype=np.intp)
    report = examined(frames, at, np.zeros((1, 4)), np.ones((1, 2, 4)))
    assert report[0, orbits.PERIOD] == (period if period > 1 else 0)
    assert report[0, orbits.MISS] <= 1e-7 * report[0, orbits.SCALE] or period == 1
