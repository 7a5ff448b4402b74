"""What is read off the last rounds of an orbit: near-returns, rotation, and polished cycles."""

from __future__ import annotations

import numpy as np
from numba import njit

from alignsim.kernels.compile import kernel, part
from alignsim.kernels.dense import centre, softmax
from alignsim.kernels.vectormath import angle

LAGS = 64
"""A return is watched over this many rounds."""

LOOSE = 0.02
"""A return farther than this share of the orbit's size is none."""

STEPS = 12
"""Newton steps for a cycle."""

SETTLED = 1e-13
"""Residual, relative to 1 + max|z|, at which a Newton search for a cycle ends."""

BACK = 1e-6
"""Distance, relative to 1 + max|z|, at which a point of a cycle is the same one."""

PERIOD, MISS, SCALE, TURN, TURN_1, TURN_2, NEAREST, SIZE_1, SIZE_2, CONSTANCY = range(10)
"""Columns of what :func:`examine` reports."""

COLUMNS = 10


@kernel
def examine(frames, rows, centre, plane, whole, half, periods, tight, report):  # type: ignore[no-untyped-def]
    """Measure orbits over a window.

    Parameters
    ----------
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
    rounds, K = frames.shape[1:]
    turns = rounds - 1
    x = np.empty(rounds)
    y = np.empty(rounds)
    gap = np.empty(rounds)
    square = np.empty(rounds)
    turn = np.empty(turns)
    for n in range(rows.shape[0]):
        orbit = frames[rows[n]]
        scale = 0.0
        for t in range(max(0, rounds - 4 * LAGS), rounds - 1):
            scale = max(scale, _apart(orbit, t, rounds - 1))
        best = 0
        nearest = LOOSE * scale
        for q in range(1, periods + 1):
            farthest = 0.0
            for lag in range(LAGS):
                t = rounds - 1 - lag
                farthest = max(farthest, _apart(orbit, t, t - q))
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
        u, v, origin = plane[n, 0], plane[n, 1], centre[n]
        x[:] = 0.0
        y[:] = 0.0
        flat = orbit.reshape(-1)
        for i in range(K):
            base, across, up = origin[i], u[i], v[i]
            for t in range(rounds):
                gap[t] = flat[t * K + i] - base
            for t in range(rounds):
                x[t] += across * gap[t]
                y[t] += up * gap[t]
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


@kernel
def wind(frames, rows, periods, centre, plane, report):  # type: ignore[no-untyped-def]
    """Count the turns of orbits over the last lap of their cycles.

    Parameters
    ----------
    frames, rows, centre, plane
        As for :func:`examine`.
    periods : (n,)
        Rounds of a lap; below N.
    report : (n, 2)
        Out: the turns, and the least over the largest radius; 0 if not all in one direction.
    """
    rounds, K = frames.shape[1:]
    for n in range(rows.shape[0]):
        least, largest, total, absolute = np.inf, 0.0, 0.0, 0.0
        before, height = 0.0, 0.0
        for t in range(rounds - 1 - periods[n], rounds):
            x, y = 0.0, 0.0
            for i in range(K):
                gap = frames[rows[n], t, i] - centre[n, i]
                x += plane[n, 0, i] * gap
                y += plane[n, 1, i] * gap
            if t >= rounds - periods[n]:
                turn = angle(before * y - height * x, before * x + height * y)
                total += turn
                absolute += abs(turn)
            before, height = x, y
            least = min(least, x * x + y * y)
            largest = max(largest, x * x + y * y)
        one_way = abs(abs(total) - absolute) <= 1e-9 * absolute
        report[n, 0] = abs(total) / (2.0 * np.pi)
        report[n, 1] = np.sqrt(least / largest) if one_way & (largest > 0.0) else 0.0


@njit(inline="always")
def _apart(orbit, t, s):  # type: ignore[no-untyped-def]
    """Return the span of orbit[t] − orbit[s]."""
    high = orbit[t, 0] - orbit[s, 0]
    low = high
    for i in range(1, orbit.shape[1]):
        gap = orbit[t, i] - orbit[s, i]
        high = gap if gap > high else high
        low = gap if gap < low else low
    return high - low


@part
def _extremes(values):  # type: ignore[no-untyped-def]
    """Return the least and the largest of numbers ≥ 0, eight at a time."""
    low = np.full(8, np.inf)
    high = np.zeros(8)
    whole = values.shape[0] // 8 * 8
    for first in range(0, whole, 8):
        for b in range(8):
            value = values[first + b]
            low[b] = value if value < low[b] else low[b]
            high[b] = value if value > high[b] else high[b]
    for t in range(whole, values.shape[0]):
        low[0] = min(low[0], values[t])
        high[0] = max(high[0], values[t])
    return low.min(), high.max()


@njit(nogil=True, fastmath={"contract", "reassoc"}, error_model="numpy")
def _weighted(values, weights, first):  # type: ignore[no-untyped-def]
    """Return Σ weights·values, in whatever order is fastest."""
    total = 0.0
    for t in range(weights.shape[0]):
        total += weights[t] * values[first + t]
    return total


@kernel
def polish(matrices, which, parameters, drift, period, point, residual, product, least):  # type: ignore[no-untyped-def]
    """Move points of MRS-IPO orbits onto cycles of given periods by Newton's method.

    Parameters
    ----------
    matrices, which, parameters, drift
        As for :func:`alignsim.kernels.ipo_lanes.run`.
    period : (n,)
        Rounds after which the cycle closes.
    point : (n, K)
        Centred logits, overwritten by a point of the cycle.
    residual : (n,)
        Out: max |T^q(z) − z| / (1 + max|z|).
    product : (n, K, K)
        Out: the derivative of T^q in centred logits, where constants map to 0.
    least : (n,)
        Out: the first divisor of the period after which the orbit is back, within ``BACK``.
    """
    instances, K = point.shape
    z = np.empty(K)
    moved = np.empty(K)
    policy = np.empty(K)
    mean = np.empty(K)
    pull = np.empty((K, K))
    spread = np.empty((K, K))
    system = np.empty((K, K))
    step = np.empty(K)
    for n in range(instances):
        G = product[n]
        alpha = parameters[n, 0]
        for i in range(K):
            for j in range(K):
                pull[i, j] = parameters[n, 1] * (matrices[which[n], i, j] - 0.5)
        best = np.inf
        for attempt in range(STEPS + 1):
            largest = 0.0
            for i in range(K):
                z[i] = point[n, i]
                largest = max(largest, abs(z[i]))
                for j in range(K):
                    G[i, j] = (1.0 if i == j else 0.0) - 1.0 / K
            least[n] = period[n]
            for t in range(1, period[n] + 1):
                softmax(z, policy)
                _push(pull, alpha, policy, G, spread, mean)
                for i in range(K):
                    moved[i] = alpha * z[i] + drift[n, i]
                    for j in range(K):
                        moved[i] += pull[i, j] * policy[j]
                centre(moved)
                gap = 0.0
                for i in range(K):
                    z[i] = moved[i]
                    gap = max(gap, abs(moved[i] - point[n, i]))
                if gap <= BACK * (1.0 + largest) and t < least[n] and period[n] % t == 0:
                    least[n] = t
            miss = 0.0
            for i in range(K):
                step[i] = point[n, i] - z[i]
                miss = max(miss, abs(step[i]))
            residual[n] = miss / (1.0 + largest) if miss < np.inf else np.inf
            if attempt == STEPS or residual[n] <= SETTLED or not residual[n] < best:
                break
            best = residual[n]
            for i in range(K):
                for j in range(K):
                    system[i, j] = G[i, j] - (1.0 if i == j else 0.0)
            if not _solve(system, step):
                break
            for i in range(K):
                point[n, i] += step[i]


@part
def _push(pull, alpha, policy, G, spread, mean):  # type: ignore[no-untyped-def]
    """Replace ``G`` (K, K) by its image under the derivative of a round, row by row."""
    K = policy.shape[0]
    mean[:] = 0.0
    for i in range(K):
        for j in range(K):
            mean[j] += policy[i] * G[i, j]
    for i in range(K):
        for j in range(K):
            spread[i, j] = policy[i] * (G[i, j] - mean[j])
    mean[:] = 0.0
    for i in range(K):
        for j in range(K):
            G[i, j] *= alpha
        for k in range(K):
            share = pull[i, k]
            for j in range(K):
                G[i, j] += share * spread[k, j]
        for j in range(K):
            mean[j] += G[i, j] / K
    for i in range(K):
        for j in range(K):
            G[i, j] -= mean[j]


@part
def _solve(system, vector):  # type: ignore[no-untyped-def]
    """Overwrite ``vector`` by the solution of ``system``, which is overwritten too."""
    K = vector.shape[0]
    for k in range(K):
        pivot = k
        for i in range(k + 1, K):
            if abs(system[i, k]) > abs(system[pivot, k]):
                pivot = i
        if not abs(system[pivot, k]) > 0.0:
            return False
        if pivot != k:
            for j in range(k, K):
                system[k, j], system[pivot, j] = system[pivot, j], system[k, j]
            vector[k], vector[pivot] = vector[pivot], vector[k]
        for i in range(k + 1, K):
            share = system[i, k] / system[k, k]
            for j in range(k + 1, K):
                system[i, j] -= share * system[k, j]
            vector[i] -= share * vector[k]
    for k in range(K - 1, -1, -1):
        for j in range(k + 1, K):
            vector[k] -= system[k, j] * vector[j]
        vector[k] /= system[k, k]
    return True
