"""Damped Newton for a batch of small systems, and the solver of systems that compare in pairs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim.kernels.status import NOT_CONVERGED, NOT_FINITE, OK
from alignsim.validation import FloatArray

System = Callable[[FloatArray, NDArray[np.intp]], tuple[FloatArray, FloatArray]]
"""From points (m, K) and the instances they belong to (m,), residuals (m, K) and derivatives."""

Solver = Callable[[FloatArray, FloatArray], FloatArray]
"""From derivatives and residuals (m, K), the solutions (m, K) of derivative · x = residual."""

STALL = 1e-9  # a step this short is taken as long as the next ones shrink: the end is near
HALVINGS = 30
BLOCK = 16  # responses that are eliminated one by one, before a matrix product for the others


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
    solve: Solver | None = None,
    step_cap: FloatArray | float = 4.0,
    tolerance: float = 1e-12,
    rounding: float = 0.0,
    max_iterations: int = 200,
) -> NewtonResult:
    """Return the zeros of ``system`` reached from ``start`` (n, K), one for each instance.

    Steps are capped at ``step_cap`` in any coordinate, one for all or (n,), and halved until the
    largest residual does not grow, or is at most ``rounding``. A step below ``STALL`` · (1 +
    max|x|) is taken as it is.
    An instance has converged when its step is below ``tolerance`` · (1 + max|x|), or when steps
    that short do not shrink any more: a test on the residual would stop early where the system is
    flat. ``solve`` finds the steps, by default :func:`solve_each`.
    """
    solve = solve_each if solve is None else solve
    point = np.array(start, dtype=np.float64)
    instances = len(point)
    status = np.full(instances, NOT_CONVERGED, dtype=np.int8)
    iterations = np.zeros(instances, dtype=np.intp)
    active = np.arange(instances)
    longest = np.broadcast_to(step_cap, instances)
    residual, derivative = system(point, active)
    size = _largest(residual)
    left = size.copy()
    previous = np.full(instances, np.inf)
    for _ in range(max_iterations):
        if not len(active):
            break
        iterations[active] += 1
        step = -solve(derivative, residual)
        length = _largest(step)
        scale = 1.0 + _largest(point[active])
        short = length <= STALL * scale
        broken = ~np.isfinite(length)
        converged = length <= tolerance * scale
        stalled = short & (length >= 0.5 * previous[active])
        status[active[broken]] = NOT_FINITE
        status[active[converged | stalled]] = OK
        point[active[converged]] += step[converged]
        previous[active] = length
        going = ~(broken | converged | stalled)
        active, step, size, short = active[going], step[going], size[going], short[going]
        if not len(active):
            break
        step *= np.minimum(1.0, longest[active] / length[going])[:, None]
        base = point[active]
        residual, derivative = system(base + step, active)
        trial = _largest(residual)
        allowed = np.where(short, np.inf, np.maximum(size, rounding))
        for _ in range(HALVINGS):
            worse = np.flatnonzero(~(trial <= allowed))
            if not len(worse):
                break
            step[worse] *= 0.5
            residual[worse], derivative[worse] = system(base[worse] + step[worse], active[worse])
            trial[worse] = _largest(residual[worse])
        going = trial <= allowed
        active, size = active[going], trial[going]
        point[active] = (base + step)[going]
        left[active] = size
        residual, derivative = residual[going], derivative[going]
    return NewtonResult(point, status, iterations, left)


def _largest(rows: FloatArray) -> FloatArray:
    return np.asarray(np.abs(rows).max(axis=-1))


def solve_each(matrices: FloatArray, vectors: FloatArray) -> FloatArray:
    """Return the solutions (n, K) of a stack of systems; a singular one gives NaN, alone."""
    return solve_columns(matrices, vectors[..., None])[..., 0]


def solve_columns(matrices: FloatArray, sides: FloatArray) -> FloatArray:
    """Return the solutions (..., K, m) for several right sides each; see :func:`solve_each`."""
    try:
        return np.asarray(np.linalg.solve(matrices, sides))
    except np.linalg.LinAlgError:
        solutions = np.full(sides.shape, np.nan)
        for place in np.ndindex(sides.shape[:-2]):
            with suppress(np.linalg.LinAlgError):
                solutions[place] = np.linalg.solve(matrices[place], sides[place])
        return solutions


def potentials(rates: FloatArray, pulls: FloatArray) -> FloatArray:
    """Return the x (..., K), x_0 = 0, with Σ_j rates_ij (x_i − x_j) = Σ_j pulls_ij in every row.

    The pairs must balance, w_i rates_ij = w_j rates_ji and w_i pulls_ij = −w_j pulls_ji for some
    weights w ≥ 0 of the rows. Diagonals are ignored. An instance without a solution has NaN.

    Eliminates the last response, then the one before, ...: what pulls i towards n goes on to all
    j, in the shares in which n is drawn to them. No rate is ever subtracted from another, so that
    rates of any ratio keep their digits (Grassmann, Taksar and Heyman, 1985). Responses of little
    weight should come last.
    """
    q, h = np.array(rates), np.array(pulls)
    K = q.shape[-1]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for end in range(K, 1, -BLOCK):
            first = max(end - BLOCK, 1)
            block, others = slice(first, end), slice(0, first)
            for n in range(end - 1, first - 1, -1):
                total = q[..., n, :n].sum(axis=-1, keepdims=True)
                q[..., n, :n] /= total
                h[..., n, :n] /= total
                _pass_on(q, h, n, slice(first, n), slice(0, n))
                if first > 1:
                    _pass_on(q, h, n, others, slice(first, n))
            if first > 1:
                share, through = q[..., block, others], h[..., block, others]
                toward, pull = q[..., others, block], h[..., others, block]
                h[..., others, others] += pull @ share + toward @ through
                q[..., others, others] += toward @ share
        x = np.zeros(q.shape[:-1])
        for n in range(1, K):
            x[..., n] = (q[..., n, :n] * x[..., :n] + h[..., n, :n]).sum(axis=-1)
    return x


def _pass_on(q: FloatArray, h: FloatArray, n: int, rows: slice, columns: slice) -> None:
    """Replace the way over n, for these rows and columns, by direct pairs."""
    share, through = q[..., n, None, columns], h[..., n, None, columns]
    toward, pull = q[..., rows, n, None], h[..., rows, n, None]
    h[..., rows, columns] += pull * share + toward * through
    q[..., rows, columns] += toward * share
