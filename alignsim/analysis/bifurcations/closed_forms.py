"""Stability boundaries that are known in closed form."""

from __future__ import annotations

import numpy as np

from alignsim import validation
from alignsim.feedback import FeedbackMap
from alignsim.preferences.payoffs import antisymmetric_part, is_zero_sum
from alignsim.validation import FloatArray

BALANCE_TOLERANCE = 1e-9


def critical_signal(loop: FeedbackMap) -> FloatArray:
    """Return the βλ at which stability is lost, where a closed form is known, else NaN: (...).

    It is known where every response beats the average opponent exactly half of the time and
    both reference and offline sampler are uniform: then the uniform policy is the fixed point
    for every β and λ, and gβλω is the limit that the method declares, with ω = ‖P − ½‖₂/K and the
    gain g of the objective's score there, if it declares one: 1 for IPO, 4 for DPO. For MRS
    α² + (gβλω)² = 1. This covers all circulant matrices (theory 6.4, 7; schemes 4), and payoffs
    that differ from these by constant columns. Infinite where stability is never lost, 0 where
    there is none.

    Examples
    --------
    >>> import alignsim as asim
    >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=1.0, alpha=0.6)
    >>> float(asim.analysis.critical_signal(loop).round(6))  # √(3(1 − α²))/0.3
    4.618802
    """
    validation.feedback_map(loop, "loop")
    K = loop.responses
    gain = loop.facts.uniform_gain
    if gain is None:
        return np.full(loop.shape, np.nan)
    uniform = (np.abs(loop.reference_logits) <= BALANCE_TOLERANCE).all(axis=-1)
    uniform &= (np.abs(loop.offline_policy - 1.0 / K) <= BALANCE_TOLERANCE).all(axis=-1)
    rotation = gain.value * loop.of_matrices(_rotation)
    with np.errstate(divide="ignore", invalid="ignore"):
        boundary = loop.scheme.limit() / rotation
    never = np.broadcast_to(rotation <= 1e-15, loop.shape)
    boundary = np.where(never, np.inf, boundary)
    return np.where(uniform, boundary, np.nan)


def _rotation(P: FloatArray) -> FloatArray:
    """Return ω of balanced matrices (m, K, K), NaN of others: (m,)."""
    balanced = np.ptp(P.sum(axis=-1), axis=-1) <= BALANCE_TOLERANCE
    balanced &= is_zero_sum(P)
    omega = np.full(len(P), np.nan)
    if balanced.any():
        skew = antisymmetric_part(P[balanced])
        omega[balanced] = np.linalg.norm(skew, 2, axis=(-2, -1)) / P.shape[-1]
    return omega
