"""Multipliers by two ways: eigenvalues of the derivative, and ω and ω_D from their definitions."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from alignsim import simplex
from alignsim.claims.instances import gaps
from alignsim.feedback import FeedbackMap
from alignsim.validation import FloatArray


def radius(loop: FeedbackMap, logits: FloatArray) -> FloatArray:
    """Return ρ at logits (..., K), from the eigenvalues of the round's derivative: (...)."""
    values = np.linalg.eigvals(loop.derivative(logits, "tangent"))
    return np.asarray(np.abs(values).max(axis=-1), dtype=np.float64)


def rotation(P: FloatArray, logits: FloatArray) -> FloatArray:
    """Return ω = ‖J^½MJ^½‖₂, J = diag π − ππᵀ, at logits (n, K): (n,). Theory 6.3."""
    root = _power(simplex.covariance(simplex.softmax(logits)), 0.5)
    return np.asarray(np.linalg.norm(root @ (P - 0.5) @ root, 2, axis=(-2, -1)))


def dpo_rotation(P: FloatArray, logits: FloatArray, score: FloatArray) -> FloatArray:
    """Return ω_D = ‖L^{+½}diag(π)(P − S)diag(π)L^{+½}‖₂ at logits and their scores v: (n,).

    L is scaled by √π on both sides, which keeps the spectrum: (P − S)π = 0 (theory 7).
    """
    root = np.sqrt(simplex.softmax(logits))
    weights = root[:, :, None] * root[:, None, :]
    S = expit(gaps(score))
    slope = S * (1.0 - S)
    row_sums = (slope * root[:, None, :] ** 2).sum(axis=-1)
    inverse = _power(row_sums[:, :, None] * np.eye(P.shape[-1]) - weights * slope, -0.5)
    return np.asarray(np.linalg.norm(inverse @ (weights * (P - S)) @ inverse, 2, axis=(-2, -1)))


def _power(matrices: FloatArray, exponent: float) -> FloatArray:
    """Return powers of positive semidefinite matrices with one zero eigenvalue, left at zero."""
    values, vectors = np.linalg.eigh(matrices)
    values = np.maximum(values[:, 1:], 0.0) ** exponent
    vectors = vectors[:, :, 1:]
    return np.asarray((vectors * values[:, None, :]) @ np.swapaxes(vectors, -1, -2))
