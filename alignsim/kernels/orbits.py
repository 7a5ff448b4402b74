"""What is read off the last rounds of an orbit: near-returns and rotation."""

from __future__ import annotations

import numpy as np
from numba import njit

from alignsim.kernels.compile import PART, kernel, part
from alignsim.kernels.vectormath import angle

LAGS = 64
"""A return is watched over this many rounds."""

LOOSE = 0.02
"""A return farther than this share of the orbit's size is none."""

PERIOD, MISS, SCALE, TURN, TURN_1, TURN_2, NEAREST, SIZE_1, SIZE_2, CONSTANCY = range(10)
"""Columns of what :func:`examine` reports."""

COLUMNS = 10

SMALL = 4  # the largest K with code of its own
TILE = 128  # rounds that are read at a time, so that what is made of them stays near

REDUCTION = PART | {"fastmath": {"contract", "reassoc"}}
"""For sums in whatever order is fastest."""


@kernel
def examine(  # type: ignore[no-untyped-def]
    literal, general, frames, rows, centre, plane, whole, half, periods, tight, report
):
    """Measure orbits over a window.

    Parameters
    ----------
    literal, general
        From :func:`alignsim.kernels.lanes.code_for`, for K up to ``SMALL``.
    frames : (m, N, K)
        Centred logits of the last N rounds.
    rows : (n,)
        Which of them.
    centre : (n, K)
        What the orbit may wind around.
    plane : (n, 2, K)
        Two functionals whose values at z − centre are the coordinates of the plane of rotation.
    whole, half : (N−1,), ((N−1)//2,)
        Averaging weights with sum 1.
    periods
        The largest period looked for; ``LAGS + periods < N``.
    tight
        Share of the orbit's size below which the first return found is taken.
    report : (n, COLUMNS)
        Out: the period of the nearest return (0 for none), how far it misses, the orbit's size
        (both spans of logits), the mean turn a round in radians over the window and its two
        halves, least over largest radius, the mean squared radius in the two halves, and the share
        of turns in the direction of the mean.
    """
    K = 0
    if literal is not None:
        K = len(literal)
    if general is not None:
        K = general
    rounds = frames.shape[1]
    turns = rounds - 1
    orbit = np.empty((K, rounds))
    high = np.empty(rounds)
    apart = np.empty(rounds)
    x = np.empty(rounds)
    y = np.empty(rounds)
    square = np.empty(rounds)
    turn = np.empty(turns)
    flat = frames.reshape(frames.size)
    for n in range(rows.shape[0]):
        window = flat[rows[n] * rounds * K :]
        _read(window, centre[n], plane[n], orbit, high, apart, x, y, K)
        _, scale = _extremes(apart[max(0, rounds - 4 * LAGS) :])
        best = 0
        nearest = LOOSE * scale
        for q in range(1, periods + 1):
            farthest = apart[turns - q]
            if farthest >= nearest:
                continue
            for lag in range(LAGS - 1, 0, -1):  # what parts is farthest apart at the earliest
                farthest = max(farthest, _apart(orbit, turns - lag, turns - lag - q, K))
                if farthest >= nearest:
                    break
            if farthest < nearest:
                best = q
                nearest = farthest
                if farthest <= tight * scale:
                    break
        report[n, PERIOD] = best
        report[n, MISS] = nearest
        report[n, SCALE] = scale
        for t in range(rounds):
            square[t] = x[t] * x[t] + y[t] * y[t]
        for t in range(turns):
            turn[t] = angle(x[t] * y[t + 1] - y[t] * x[t + 1], x[t] * x[t + 1] + y[t] * y[t + 1])
        least, largest = _extremes(square)
        report[n, NEAREST] = np.sqrt(least / largest) if largest > 0.0 else 0.0
        report[n, TURN] = _weighted(turn, whole, 0)
        report[n, TURN_1] = _weighted(turn, half, 0)
        report[n, TURN_2] = _weighted(turn, half, turns - half.shape[0])
        report[n, SIZE_1] = _weighted(square, half, 0)
        report[n, SIZE_2] = _weighted(square, half, turns - half.shape[0])
        sense = report[n, TURN]
        along = 0
        for t in range(turns):
            along += 1 if turn[t] * sense > 0.0 else 0
        report[n, CONSTANCY] = along / turns


@njit(inline="always")
def _read(window, centre, plane, orbit, high, apart, x, y, K):  # type: ignore[no-untyped-def]
    """Set ``orbit`` (K, N) to the rounds of ``window`` (N·K or more,), a response a row.

    And ``apart`` (N,) to the span of each round minus the last, ``x`` and ``y`` (N,) to the
    functionals ``plane`` (2, K) of each round − centre.
    """
    rounds = orbit.shape[1]
    for begin in range(0, rounds, TILE):
        length = min(TILE, rounds - begin)
        end = begin + length
        source, top, span = window[begin * K :], high[begin:end], apart[begin:end]
        across, up = x[begin:end], y[begin:end]
        top[:] = -np.inf
        span[:] = np.inf
        across[:] = 0.0
        up[:] = 0.0
        for i in range(K):
            row, last, base = orbit[i][begin:end], window[(rounds - 1) * K + i], centre[i]
            first, second = plane[0, i], plane[1, i]
            response = source[i:]
            for t in range(length):
                row[t] = response[t * K]
            for t in range(length):
                gap = row[t] - last
                top[t] = gap if gap > top[t] else top[t]
                span[t] = gap if gap < span[t] else span[t]
            for t in range(length):
                gap = row[t] - base
                across[t] += first * gap
                up[t] += second * gap
        for t in range(length):
            span[t] = top[t] - span[t]


@njit(inline="always")
def _apart(orbit, t, s, K):  # type: ignore[no-untyped-def]
    """Return the span of column t − column s of ``orbit`` (K, N)."""
    high = orbit[0, t] - orbit[0, s]
    low = high
    for i in range(1, K):
        gap = orbit[i, t] - orbit[i, s]
        high = gap if gap > high else high
        low = gap if gap < low else low
    return high - low


@part
def _extremes(values):  # type: ignore[no-untyped-def]
    """Return the least and the largest of ``values``, none of which is negative.

    Numbers without a sign have the order of their bits, and the extremes of integers are found in
    lanes.
    """
    low = high = np.float64(values[0]).view(np.int64)
    for t in range(1, values.shape[0]):
        bits = np.float64(values[t]).view(np.int64)
        low = min(bits, low)
        high = max(bits, high)
    return np.int64(low).view(np.float64), np.int64(high).view(np.float64)


@njit(**REDUCTION)
def _weighted(values, weights, first):  # type: ignore[no-untyped-def]
    """Return Σ weights·values, in whatever order is fastest."""
    total = 0.0
    for t in range(weights.shape[0]):
        total += weights[t] * values[first + t]
    return total
