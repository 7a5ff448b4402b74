"""Payoff matrices as games: zero-sum parts, spans of rows and of columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignsim.validation import FloatArray


def kinds(payoffs: FloatArray) -> NDArray[np.int8]:
    """Return SKEW, ZERO_SUM or GENERAL of :mod:`alignsim.kernels.equilibrium`: (m, K, K) → (m,)."""
    from alignsim.kernels import rotation

    found = np.empty(len(payoffs), dtype=np.int8)
    rotation.classify(np.ascontiguousarray(payoffs), found)
    return found


def is_zero_sum(payoffs: FloatArray) -> NDArray[np.bool_]:
    """Return where payoffs − ½ are skew up to constant rows and columns: (..., K, K) → (...).

    Then ⟨x, Px⟩ = 0 for all mean-zero x, as for every preference matrix. What a payoff matrix adds
    by row or by column changes neither the number of fixed points nor the form of the Jacobian.
    """
    from alignsim.kernels import rotation

    flat = payoffs.reshape(-1, *payoffs.shape[-2:])
    return np.asarray(kinds(flat) != rotation.GENERAL).reshape(payoffs.shape[:-2])


def row_gaps(P: FloatArray) -> FloatArray:
    """Return max_k (P_ik − P_jk) for every two rows i, j: (..., K, K) → (..., K, K)."""
    rows = [(P[..., i : i + 1, :] - P).max(axis=-1) for i in range(P.shape[-1])]
    return np.stack(rows, axis=-2)


def row_span(P: FloatArray) -> FloatArray:
    """Return max over rows i, j of max_k − min_k (P_ik − P_jk): (..., K, K) → (...)."""
    gaps = row_gaps(P)
    return np.asarray((gaps + np.swapaxes(gaps, -1, -2)).max(axis=(-2, -1)))


def column_span(P: FloatArray) -> FloatArray:
    """Return the widest span max_i − min_i P_ik of a column: (..., K, K) → (...)."""
    return np.asarray((P.max(axis=-2) - P.min(axis=-2)).max(axis=-1))


def antisymmetric_part(P: FloatArray) -> FloatArray:
    """Return the antisymmetric part of P, centred over rows and columns: (..., K, K)."""
    centred = P - P.mean(axis=-1, keepdims=True)
    centred = centred - centred.mean(axis=-2, keepdims=True)
    return np.asarray(0.5 * (centred - np.swapaxes(centred, -1, -2)))
