"""Whether an orbit approaches a stable fixed point: by distances, held against its multipliers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex
from alignsim.validation import FloatArray

ARRIVED = 1e-6
"""Distance in logits, relative to 1 + span, at which an orbit is at a stable fixed point."""

NEAR = 0.1
"""Distance from the fixed point, as a deviation in logits, within which its multipliers rule."""

NEAR_SPAN = 1.0
"""And the span of logits within which a response that vanishes at the fixed point may lie."""

PROMISE = 0.1
"""Share of its distance that an orbit must be about to lose for its approach to count."""

WINDOW = 16
"""Rounds over which a distance is maximised, so that the position on a cycle does not matter."""


def approaches(
    early: FloatArray,
    late: FloatArray,
    fixed: FloatArray,
    radius: FloatArray,
    elapsed: int,
    slots: int = 1,
) -> NDArray[np.bool_]:
    """Return where an orbit converges to the stable fixed point ``fixed`` (..., D·K), (...).

    ``early`` and ``late`` (..., w, D·K) are windows of its states, ``elapsed`` rounds apart;
    ``radius`` (...) is the spectral radius, D is ``slots``. An orbit has
    converged when it is there, or when it is near and came closer by half of what the radius
    promises, on a logarithmic scale, and the promise is large: within a turn the distance of any
    orbit wavers.
    """
    K = fixed.shape[-1] // slots
    point, last = (_by_response(each, slots, K) for each in (fixed, late))
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        gap = last - point[..., None, :]
        arrived = _span(gap) <= ARRIVED * (1.0 + np.ptp(point, axis=0).max(axis=-1))
        promised = radius**elapsed
        found = np.asarray((radius < 1.0) & arrived)
        left = (radius < 1.0) & ~arrived & (promised <= PROMISE)
        policy = _by_response(simplex.softmax(fixed[left][..., :K]), 1, K)[..., None, :]
        first = _by_response(early[left], slots, K)
        gaps = first - point[:, left, None], gap[:, left]
        before, after = (_largest_deviation(each, policy) for each in gaps)
        found[left] = (before <= NEAR) & (_span(gaps[0]) <= NEAR_SPAN)
        found[left] &= after <= np.sqrt(promised[left]) * before
    return found


def _span(gap: FloatArray) -> FloatArray:
    """Return the largest span of gaps (K, ..., w, D), (...)."""
    return np.asarray(np.ptp(gap, axis=0).max(axis=(-2, -1)))


def _by_response(state: FloatArray, slots: int, K: int) -> FloatArray:
    """Return states (..., D·K) as (K, ..., D): NumPy is slow where a sum has few terms in a row."""
    return np.ascontiguousarray(np.moveaxis(state.reshape(*state.shape[:-1], slots, K), -1, 0))


def _largest_deviation(gap: FloatArray, policy: FloatArray) -> FloatArray:
    """Return the largest standard deviation of gaps (K, ..., w, D) under a policy, (...)."""
    centred = gap - (policy * gap).sum(axis=0)
    return np.asarray(np.sqrt((policy * centred**2).sum(axis=0)).max(axis=(-2, -1)))
