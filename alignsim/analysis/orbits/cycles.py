"""Periodic orbits, polished by Newton's method, with their multipliers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from alignsim.analysis.results import Result
from alignsim.feedback import FeedbackMap
from alignsim.feedback.engines import SLICE, WIDEST_LANE, Schedule, ipo_arrays, iterate
from alignsim.feedback.tangents import jacobians_along
from alignsim.objectives.solvers import solve_each
from alignsim.summary import Lines, holding, numbers
from alignsim.validation import FloatArray

TOLERANCE = 1e-9
"""Largest residual, relative to 1 + max|z|, of a cycle that is called closed."""

NEWTON_STEPS = 12

SETTLED = 1e-13
"""Residual at which the search ends."""

CHUNK_ENTRIES = 2**22
"""Entries of derivatives that are held at a time."""

BACK = 1e-6
"""Distance, relative to 1 + max|z|, at which a point of a cycle is the same one."""

Rows = NDArray[np.intp]

Lap = Callable[
    [Rows, NDArray[np.int64], FloatArray, FloatArray],
    tuple[FloatArray, FloatArray, NDArray[np.int64]],
]
"""From maps, periods, starts and the distance at which a lap is back, all (n, ...): where the laps
end, their derivatives, and their least periods."""


@dataclass(frozen=True, eq=False, repr=False)
class Cycle(Result):
    """One cycle for each map of a flat batch.

    Attributes
    ----------
    state : (n, D·K)
        A point of the cycle, the policy's centred logits first.
    period : (n,)
        Rounds after which it closes: the least, as far as it closes at all.
    residual : (n,)
        max |T^q(X) − X| / (1 + max|X|).
    spectral_radius : (n,)
        Largest modulus of a multiplier of T^q; NaN where the cycle does not close.
    """

    _batch = "period"

    state: FloatArray
    period: NDArray[np.int64]
    residual: FloatArray
    spectral_radius: FloatArray

    @property
    def closed(self) -> NDArray[np.bool_]:
        """Whether the Newton search ended on a cycle, (n,)."""
        return np.asarray(self.residual <= TOLERANCE)

    @property
    def attracting(self) -> NDArray[np.bool_]:
        """Whether the cycle closes and all its multipliers lie inside the unit circle, (n,)."""
        return np.asarray(self.closed & (self.spectral_radius < 1.0))

    def _summary(self) -> Lines:
        yield "period", numbers(self.period)
        yield "closed", holding(self.closed)
        yield "attracting", holding(self.attracting)
        yield "spectral radius", numbers(self.spectral_radius)


def polish(loop: FeedbackMap, period: NDArray[np.int64], state: FloatArray) -> Cycle:
    """Return the cycles that Newton's method reaches from states (n, D·K), one a map.

    ``loop`` is a flat batch of n maps, ``period`` (n,) what is looked for; a cycle that closes
    after a proper divisor of it is returned with that period.
    """
    point = np.array(state, dtype=np.float64, order="C")
    periods = np.asarray(period, dtype=np.int64)
    residual, product, least = _search(loop, periods, point)
    shorter = np.flatnonzero((least < periods) & (residual <= TOLERANCE))
    if len(shorter):
        part = point[shorter]
        found = _search(loop.take(shorter), least[shorter], part)
        residual[shorter], product[shorter], _ = found
        point[shorter] = part
    closed = residual <= TOLERANCE
    radius = np.full(len(point), np.nan)
    if closed.any():
        eigenvalues = np.linalg.eigvals(product[closed]).astype(complex)
        radius[closed] = np.abs(eigenvalues).max(axis=-1)
    return Cycle(point, np.where(closed, least, periods), residual, radius)


def _search(
    loop: FeedbackMap, period: NDArray[np.int64], point: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Move ``point`` onto the cycles.

    Return residuals (n,), derivatives of T^q on mean-zero vectors (n, D(K−1), D(K−1)), and the
    least periods (n,).
    """
    n, width = point.shape
    E = loop.basis
    residual = np.full(n, np.inf)
    product = np.full((n, E.shape[1], E.shape[1]), np.nan)
    least = period.copy()
    fused = loop.linear and loop.mixes_references and loop.responses <= WIDEST_LANE
    around = _in_kernel(loop, E) if fused else partial(_by_rounds, loop)
    order = np.argsort(period, kind="stable")
    first = 0
    while first < n:
        last = np.searchsorted(period[order], 2 * period[order[first]], side="right")
        share = max(1, CHUNK_ENTRIES // int(period[order[last - 1]] * width**2))
        which = order[first:] if fused else order[first : min(last, first + share)]
        first += len(which)
        point[which], residual[which], product[which], least[which] = _newton(
            around, E, which, period[which], point[which]
        )
    return residual, product, least


def _newton(
    around: Lap, E: FloatArray, rows: Rows, period: NDArray[np.int64], point: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, NDArray[np.int64]]:
    """Return the polished points of maps ``rows`` and what :func:`_search` does."""
    residual = np.full(len(point), np.inf)
    product = np.full((len(point), E.shape[1], E.shape[1]), np.nan)
    least = period.copy()
    active = np.arange(len(point))
    for _ in range(NEWTON_STEPS + 1):
        start = point[active]
        scale = 1.0 + np.abs(start).max(axis=-1)
        end, product[active], least[active] = around(
            rows[active], period[active], start, BACK * scale
        )
        miss = start - end
        with np.errstate(invalid="ignore"):
            size = np.abs(miss).max(axis=-1) / scale
        better = size < residual[active]
        residual[active] = np.where(np.isfinite(size), size, np.inf)
        going = better & (size > SETTLED)
        if not going.any():
            break
        active = active[going]
        step = solve_each(product[active] - np.eye(E.shape[1]), miss[going] @ E) @ E.T
        point[active] += np.where(np.isfinite(step), step, 0.0)
    return point, residual, product, least


def _in_kernel(loop: FeedbackMap, basis: FloatArray) -> Lap:
    """Return what follows laps of MRS-IPO, with the tangent vectors of ``basis``."""
    from alignsim.kernels import lanes, laps

    K = loop.responses
    arrays = (*lanes.code_for(K, laps.SMALL), *ipo_arrays(loop))
    basis = basis.copy()  # writable, as it was compiled

    def around(
        rows: Rows, period: NDArray[np.int64], start: FloatArray, back: FloatArray
    ) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
        moved, least = np.empty((len(rows), K, K)), np.empty_like(period)
        cost = np.cumsum(period) * K**3 // SLICE
        edges = [0, *(np.flatnonzero(np.diff(cost)) + 1).tolist(), len(rows)]
        for own in map(slice, edges[:-1], edges[1:]):
            laps.around(
                *arrays, basis, rows[own], period[own], start[own], back[own], moved[own],
                least[own],
            )  # fmt: skip
        return moved[:, :, -1], basis.T @ moved[:, :, :-1], least

    return around


def _by_rounds(
    loop: FeedbackMap,
    rows: Rows,
    period: NDArray[np.int64],
    start: FloatArray,
    back: FloatArray,
) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Return ends, derivatives and least periods of laps of any map, from all their rounds."""
    own = loop.take(rows)
    lap = _lap(own, period, start)
    end = lap[np.arange(len(rows)), period]
    return end, _derivative(own, period, lap), _least_period(lap, period, back)


def _lap(loop: FeedbackMap, period: NDArray[np.int64], start: FloatArray) -> FloatArray:
    """Return the states of all rounds from ``start`` up to the longest period, (n, q + 1, D·K)."""
    rounds = int(period.max())
    schedule = Schedule(kept=np.arange(rounds + 1), burn_in=rounds, threads=1, whole=True)
    return iterate(loop, start, schedule).frames


def _derivative(loop: FeedbackMap, period: NDArray[np.int64], lap: FloatArray) -> FloatArray:
    """Return the derivatives of T^q along a lap, (n, D(K−1), D(K−1)) on mean-zero vectors."""
    slopes = jacobians_along(loop, lap)
    slopes[np.arange(slopes.shape[1]) >= period[:, None]] = np.eye(slopes.shape[-1])
    while (length := slopes.shape[1]) > 1:
        pairs = slopes[:, 1::2] @ slopes[:, : length - 1 : 2]
        slopes = np.concatenate([pairs, slopes[:, length - length % 2 :]], axis=1)
    return slopes[:, 0]


def _least_period(
    lap: FloatArray, period: NDArray[np.int64], near: FloatArray
) -> NDArray[np.int64]:
    """Return the smallest divisor of each period after which the orbit is back, (n,)."""
    after = np.arange(1, lap.shape[1])
    with np.errstate(invalid="ignore"):
        gaps = np.abs(lap[:, 1:] - lap[:, :1]).max(axis=-1)
        back = (gaps <= near[:, None]) & (period[:, None] % after == 0)
    back[np.arange(len(period)), period - 1] = True
    return after[back.argmax(axis=-1)]
