"""Damped Newton for a batch of small systems, each converging on its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim.kernels.status import NOT_CONVERGED, NOT_FINITE, OK
from alignsim.validation import FloatArray

System = Callable[[FloatArray, NDArray[np.intp]], tuple[FloatArray, FloatArray]]
"""From points (m, K) and the instances they belong to (m,), residuals (m, K) and derivatives."""

STALL = 1e-9  # a step this short that does not reduce the residual has met rounding
HALVINGS = 30
SMALLEST_SHARE = 1e-8  # of a step; what is halved further makes no progress


class NewtonResult(NamedTuple):
    """Points (n, K), status (n,), iterations (n,) and the largest residual left (n,)."""

    point: FloatArray
    status: NDArray[np.int8]
    iterations: NDArray[np.intp]
    residual: FloatArray


def damped_newton(
    system: System,
    start: FloatArray,
    *,
    step_cap: float = 4.0,
    tolerance: float = 1e-12,
    max_iterations: int = 200,
) -> NewtonResult:
    """Return the zeros of ``system`` reached from ``start`` (n, K), one for each instance.

    Steps are capped at ``step_cap`` in any coordinate and halved until the largest residual does
    not grow. An instance has converged when its step is below ``tolerance`` · (1 + max|x|), or
    when a step that short cannot reduce the residual any more: a test on the residual alone
    would stop early where the system is flat.
    """
    point = np.array(start, dtype=np.float64)
    instances = len(point)
    status = np.full(instances, NOT_CONVERGED, dtype=np.int8)
    iterations = np.zeros(instances, dtype=np.intp)
    active = np.arange(instances)
    residual, derivative = system(point, active)
    size = _largest(residual)
    left = size.copy()
    previous = np.full(instances, np.inf)
    for _ in range(max_iterations):
        if not len(active):
            break
        iterations[active] += 1
        step = -solve_each(derivative, residual)
        length = _largest(step)
        broken = ~np.isfinite(length)
        status[active[broken]] = NOT_FINITE
        converged = length <= tolerance * (1.0 + _largest(point[active]))
        status[active[converged]] = OK
        point[active[converged]] += step[converged]
        going = ~(broken | converged)
        active, step, size = active[going], step[going], size[going]
        if not len(active):
            break
        step *= np.minimum(1.0, step_cap / length[going])[:, None]
        base = point[active]
        residual, derivative = system(base + step, active)
        trial = _largest(residual)
        share = np.ones(len(active))
        for _ in range(HALVINGS):
            worse = np.flatnonzero(~(trial <= size))
            if not len(worse):
                break
            share[worse] *= 0.5
            moved = base[worse] + share[worse, None] * step[worse]
            residual[worse], derivative[worse] = system(moved, active[worse])
            trial[worse] = _largest(residual[worse])
        reduced = (trial <= size) & (share > SMALLEST_SHARE)
        point[active[reduced]] = (base + share[:, None] * step)[reduced]
        left[active[reduced]] = trial[reduced]
        length = _largest(step)
        short = length <= STALL * (1.0 + _largest(base))
        idle = short & (trial == size) & (length >= 0.5 * previous[active])
        previous[active] = length
        status[active[short & (idle | ~reduced)]] = OK
        going = reduced & ~idle
        active, size = active[going], trial[going]
        residual, derivative = residual[going], derivative[going]
    return NewtonResult(point, status, iterations, left)


def _largest(rows: FloatArray) -> FloatArray:
    return np.asarray(np.abs(rows).max(axis=-1))


def solve_each(matrices: FloatArray, vectors: FloatArray) -> FloatArray:
    """Return the solutions (n, K) of a stack of systems; a singular one gives NaN, alone."""
    try:
        return np.asarray(np.linalg.solve(matrices, vectors[..., None])[..., 0])
    except np.linalg.LinAlgError:
        solutions = np.full_like(vectors, np.nan)
        for row, (matrix, vector) in enumerate(zip(matrices, vectors, strict=True)):
            try:
                solutions[row] = np.linalg.solve(matrix, vector)
            except np.linalg.LinAlgError:
                continue
        return solutions
