"""Closed forms that several methods share."""

from __future__ import annotations

import numpy as np

from alignsim.validation import FloatArray


def up_to_root(A: FloatArray, B: FloatArray, C: FloatArray) -> FloatArray:
    """Return the Y ≥ 0 up to which AY² + BY < C holds; 0 where it never does, inf where always.

    The least positive root, written so that no digits cancel.
    """
    A, B, C = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (A, B, C)))
    square = B * B + 4.0 * A * C
    root = np.sqrt(np.maximum(square, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        falling = np.where(B + root > 0.0, 2.0 * C / (B + root), np.inf)
        rising = np.where(A > 0.0, (root - B) / (2.0 * A), np.inf)
    found = np.where(B > 0.0, falling, rising)
    found = np.where((square < 0.0) & (C > 0.0), np.inf, found)
    begins = (C > 0.0) | ((C == 0.0) & (B < 0.0))
    return np.where(begins, found, 0.0)


def held_to_target(target: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return κ, y and ρ where the multiplier 1 − κ + iκC is least: κ = 1/(1 + C²), C the target."""
    free = 1.0 / np.hypot(1.0, target)
    with np.errstate(divide="ignore"):
        y = 1.0 / (1.0 / target + target)  # κC
    return free * free, y, np.sqrt((1.0 - free) * (1.0 + free))


def root_of(square: FloatArray) -> FloatArray:
    """Return √ of a bound on y², 0 where the bound is not positive."""
    with np.errstate(invalid="ignore"):
        return np.sqrt(np.maximum(square, 0.0))
