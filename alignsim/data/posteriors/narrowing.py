"""The posterior of the two spreads where many prompts make it narrow.

The log evidence is computed on a small grid and interpolated; the grid is drawn closer until the
posterior fills it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignsim.data.posteriors.spreads import TAU_PRIOR, Evidence, Index, systematic
from alignsim.validation import FloatArray

NODES = (9, 7)
"""Of the grid, in √τ and in log s."""

FINE = (72, 48)
"""Points between which a draw chooses."""

TAIL = 1e-4
"""Posterior mass beyond the grid on each side."""

FILLED, MARGIN, EDGE = 0.45, 0.2, 1e-3
"""The posterior fills a grid if it takes such a share of it. A new grid has a margin, and reaches
farther where a share of the mass lies in the outermost cell."""

MOST_TURNS = 8

Bounds = tuple[tuple[float, float], tuple[float, float]]
ANYWHERE: Bounds = ((0.0, np.sqrt(3.0)), (np.log(0.05), np.log(5.0)))
"""Where √τ and log s are looked for first."""


class Plane(NamedTuple):
    """Points, and the posterior share of each: ``tau`` (F,), ``scale`` (G,), ``weight`` (F, G)."""

    tau: FloatArray
    scale: FloatArray
    weight: FloatArray

    def draws(self, count: int, draw: np.random.Generator) -> tuple[Index, Index]:
        """Return the places in ``tau`` and ``scale`` of as many draws, each (count,)."""
        place = draw.permutation(systematic(self.weight.ravel(), count, draw))
        return np.divmod(place, len(self.scale))


def narrowed(evidence: Evidence, bounds: Bounds = ANYWHERE) -> tuple[Plane, Bounds]:
    """Return the posterior, and the bounds between which nearly all of it lies."""
    for _ in range(MOST_TURNS):
        plane, axes = _plane(evidence, bounds)
        marginals = plane.weight.sum(axis=1), plane.weight.sum(axis=0)
        sides = [_side(axis, mass) for axis, mass in zip(axes, marginals, strict=True)]
        closer = tuple(side for side, _ in sides)
        if all(filled for _, filled in sides):
            break
        bounds = (closer[0], closer[1])
    return plane, (closer[0], closer[1])


def _plane(evidence: Evidence, bounds: Bounds) -> tuple[Plane, list[FloatArray]]:
    """Return the posterior between bounds, and its axes √τ and log s."""
    from scipy.interpolate import RectBivariateSpline

    root, log = (np.linspace(*side, count) for side, count in zip(bounds, NODES, strict=True))
    known = evidence(root**2, np.exp(log))
    axes = [np.linspace(*side, count) for side, count in zip(bounds, FINE, strict=True)]
    found = RectBivariateSpline(root, log, known)(*axes)
    tau, scale = axes[0] ** 2, np.exp(axes[1])
    with np.errstate(divide="ignore"):
        prior = np.log(axes[0]) - 0.5 * (tau / TAU_PRIOR) ** 2
    found = found + prior[:, None] + axes[1] - np.log1p(scale**2)
    weight = np.exp(found - found.max())
    return Plane(tau, scale, weight / weight.sum()), axes


def _side(axis: FloatArray, mass: FloatArray) -> tuple[tuple[float, float], bool]:
    """Return the bounds of the mass along an axis, and whether it fills the axis."""
    ladder = np.cumsum(mass)
    low = axis[np.searchsorted(ladder, TAIL)]
    high = axis[min(int(np.searchsorted(ladder, 1.0 - TAIL)), len(axis) - 1)]
    span, whole = high - low, axis[-1] - axis[0]
    below = mass[0] > EDGE and axis[0] != 0.0
    above = mass[-1] > EDGE
    room = max(MARGIN * span, axis[1] - axis[0])
    bounds = (
        float(low - (whole if below else room)) if axis[0] != 0.0 else max(float(low - room), 0.0),
        float(high + (whole if above else room)),
    )
    return bounds, bool(span >= FILLED * whole and not below and not above)
