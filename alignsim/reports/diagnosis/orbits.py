"""Where a fitted map goes from a state: its own orbit, and one with training noise."""

from __future__ import annotations

import numpy as np

from alignsim import simplex
from alignsim.reports.diagnosis.multipliers import Fits, antisymmetric
from alignsim.validation import FloatArray

ROUNDS, LAST = 1500, 400
"""Rounds of an orbit that is to settle, and over how many of the last its amplitude is taken."""


def orbit(
    fit: Fits,
    start: FloatArray,
    rounds: int,
    *,
    before: FloatArray | None = None,
    noise: float = 0.0,
    rng: np.random.Generator | None = None,
) -> FloatArray:
    """Return the states (rounds, K−1) after ``start`` (K−1,) of one fitted map.

    ``before`` is the state before it; training noise of size ``noise`` is drawn from ``rng``.
    """
    from alignsim.kernels import log_maps

    U = antisymmetric(fit.u)[0]
    K = len(U)
    shaken = np.empty((0, K)) if rng is None else noise * rng.standard_normal((rounds, K))
    states = np.empty((rounds, K - 1))
    here, last = np.array(start), np.array(start if before is None else before)
    basis = simplex.mean_zero_basis(K)
    log_maps.orbit(basis, float(fit.a[0]), float(fit.memory[0]), U, here, last, shaken, states)
    return states


def amplitude(fit: Fits, start: FloatArray, before: FloatArray | None = None) -> float:
    """Return the root mean square distance from its mean at which an orbit settles; ∞ if never."""
    states = orbit(fit, start, ROUNDS, before=before)[-LAST:]
    if not np.isfinite(states).all():
        return float("inf")
    return float(np.sqrt(((states - states.mean(axis=0)) ** 2).sum(axis=1).mean()))
