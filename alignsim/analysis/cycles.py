"""Periodic orbits, polished by Newton's method, with their multipliers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alignsim.feedback import FeedbackMap
from alignsim.feedback.engines import ipo_arrays
from alignsim.kernels.status import OK
from alignsim.objectives.solvers import solve_each
from alignsim.validation import FloatArray

TOLERANCE = 1e-9
"""Largest residual, relative to 1 + max|z|, of a cycle that is called closed."""

NEWTON_STEPS = 12

BACK = 1e-6
"""Distance, relative to 1 + max|z|, at which a point of a cycle is the same one."""


@dataclass(frozen=True)
class Cycle:
    """One cycle for each map of a flat batch.

    Attributes
    ----------
    logits : (n, K)
        A point of the cycle, centred logits.
    period : (n,)
        Rounds after which it closes: the least, as far as it closes at all.
    residual : (n,)
        max |T^q(z) − z| / (1 + max|z|).
    spectral_radius : (n,)
        Largest modulus of a multiplier of T^q; NaN where the cycle does not close.
    """

    logits: FloatArray
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


def polish(loop: FeedbackMap, period: NDArray[np.int64], logits: FloatArray) -> Cycle:
    """Return the cycles that Newton's method reaches from logits (n, K), one a map.

    ``loop`` is a flat batch of n maps, ``period`` (n,) what is looked for; a cycle that closes
    after a proper divisor of it is returned with that period.
    """
    point = np.array(logits, dtype=np.float64, order="C")
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

    Return residuals (n,), derivatives of T^q (n, K, K), and the least periods (n,).
    """
    if loop.objective != "ipo":
        return _search_any(loop, period, point)
    from alignsim.kernels import orbits

    matrices, which, parameters, drift = ipo_arrays(loop)
    residual = np.empty(len(point))
    product = np.empty((*point.shape, point.shape[-1]))
    least = np.empty_like(period)
    orbits.polish(matrices, which, parameters, drift, period, point, residual, product, least)
    return residual, product, least


def _search_any(
    loop: FeedbackMap, period: NDArray[np.int64], point: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """As the kernel ``orbits.polish``, for every objective."""
    identity = np.eye(point.shape[-1])
    residual = np.full(len(point), np.inf)
    product = np.full((*point.shape, point.shape[-1]), np.nan)
    active = np.arange(len(point))
    for _ in range(NEWTON_STEPS + 1):
        part = loop.take(active)
        end, slope = _compose(part, period[active], point[active])
        miss = point[active] - end
        with np.errstate(invalid="ignore"):
            size = np.abs(miss).max(axis=-1) / (1.0 + np.abs(point[active]).max(axis=-1))
        better = size < residual[active]
        residual[active] = np.where(np.isfinite(size), size, np.inf)
        product[active] = slope
        going = better & (size > 1e-13)
        if not going.any():
            break
        step = solve_each(slope[going] - identity, miss[going])
        point[active[going]] += np.where(np.isfinite(step), step, 0.0)
        active = active[going]
    return residual, product, _least_period(loop, period, point)


def _compose(
    loop: FeedbackMap, period: NDArray[np.int64], logits: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return T^q and its derivative at logits (n, K)."""
    K = logits.shape[-1]
    z = np.array(logits)
    slope = np.broadcast_to(np.eye(K) - 1.0 / K, (*z.shape, K)).copy()
    for t in range(int(period.max())):
        here = np.flatnonzero(period > t)
        part = loop.take(here)
        slope[here] = part.derivative(z[here]) @ slope[here]
        moved, status = part.advance(z[here])
        z[here] = np.where((status == OK)[:, None], moved, np.nan)
    return z, slope


def _least_period(
    loop: FeedbackMap, period: NDArray[np.int64], logits: FloatArray
) -> NDArray[np.int64]:
    """Return the smallest divisor of each period after which the orbit is back."""
    least = period.copy()
    z = np.array(logits)
    scale = 1.0 + np.abs(logits).max(axis=-1)
    longest = int(period.max())
    for t in range(1, longest // 2 + 1):
        here = np.flatnonzero((least == period) & (period >= 2 * t))
        if not len(here):
            break
        z[here] = loop.take(here).advance(z[here]).value
        with np.errstate(invalid="ignore"):
            back = np.abs(z[here] - logits[here]).max(axis=-1) <= BACK * scale[here]
        divides = period[here] % t == 0
        least[here[back & divides]] = t
    return least
