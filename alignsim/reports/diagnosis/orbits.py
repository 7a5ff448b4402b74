"""Where a fitted map goes from a state: its own orbit, and one with training noise."""

from __future__ import annotations

import numpy as np

from alignsim import simplex
from alignsim.reports.diagnosis.multipliers import Fits, antisymmetric
from alignsim.validation import FloatArray

ROUNDS, LAST = 1500, 400
"""Rounds of an orbit that is to settle, and over how many of the last its amplitude is taken."""

FAR = 1e6
"""A state beyond it never comes back."""


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
    from alignsim.kernels.log_filter import RARE

    U = antisymmetric(fit.u)[0]
    K = len(U)
    basis = simplex.mean_zero_basis(K)
    turned = basis.T @ U
    a, memory = float(fit.a[0]), float(fit.memory[0])
    states = np.empty((rounds, K - 1))
    here, last = start, start if before is None else before
    for t in range(rounds):
        policy = simplex.softmax(basis @ here)
        here, last = a * here + memory * last + turned @ policy, here
        if rng is not None:
            here = here + noise * (basis.T @ (rng.standard_normal(K) / np.sqrt(K * policy + RARE)))
        if not np.abs(here).max() < FAR:
            states[t:] = np.inf
            break
        states[t] = here
    return states


def amplitude(fit: Fits, start: FloatArray, before: FloatArray | None = None) -> float:
    """Return the root mean square distance from its mean at which an orbit settles; ∞ if never."""
    states = orbit(fit, start, ROUNDS, before=before)[-LAST:]
    if not np.isfinite(states).all():
        return float("inf")
    return float(np.sqrt(((states - states.mean(axis=0)) ** 2).sum(axis=1).mean()))
