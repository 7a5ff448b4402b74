"""Exact local stability of a fixed point.

MRS-IPO: the multipliers are α ± iβλω_k, so ρ² = α² + (βλω)² with ω = ‖J^½(P − ½)J^½‖₂, and
stability can only be lost by a Neimark–Sacker bifurcation (theory 6.3). MRS-DPO: the spectral
radius of the Jacobian (theory 7).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.analysis.fixed_point import FixedPoint, fixed_point
from alignsim.feedback import FeedbackMap
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class Stability:
    """Local stability of the fixed points of a batch of maps.

    Attributes
    ----------
    spectral_radius : (...)
        Largest modulus of a multiplier; NaN where there is no fixed point.
    fixed_point : FixedPoint
        Where it was computed.
    """

    spectral_radius: FloatArray
    fixed_point: FixedPoint

    @property
    def stable(self) -> np.ndarray:
        """Whether ρ < 1, (...); False where there is no fixed point."""
        return np.asarray(self.spectral_radius < 1.0)

    @property
    def margin(self) -> FloatArray:
        """1 − ρ, positive where stable, (...)."""
        return np.asarray(1.0 - self.spectral_radius)


def stability(loop: FeedbackMap, start_logits: ArrayLike | None = None) -> Stability:
    """Return the exact stability of the fixed points that :func:`fixed_point` finds.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.5)
    >>> loop = asim.FeedbackMap(P, beta=[2.9, 3.1], alpha=0.5)  # critical at β = 3
    >>> asim.analysis.stability(loop).stable.tolist()
    [True, False]
    """
    point = fixed_point(loop, start_logits)
    return Stability(spectral_radius(loop, point.logits), point)


def spectral_radius(loop: FeedbackMap, logits: ArrayLike) -> FloatArray:
    """Return the largest modulus of a multiplier at fixed points with ``logits`` (..., K)."""
    points = validation.logits(logits, "logits", responses=loop.responses, missing=True)
    shape = validation.batch_shape({"the map": loop.shape, "logits": points.shape[:-1]})
    points = np.broadcast_to(points, (*shape, loop.responses))
    found = np.asarray(np.isfinite(points).all(axis=-1))
    radius = np.full(shape, np.nan)
    if not found.any():
        return radius
    usable = np.where(found[..., None], points, 0.0)
    if loop.objective == "ipo" and _is_skew(loop.P):
        rotation = loop.beta * loop.lam * omega(loop.P, usable)
        values = np.hypot(loop.alpha, rotation)
    else:
        with np.errstate(invalid="ignore"):
            jacobian = loop.derivative(usable, "tangent")
        finite = np.asarray(np.isfinite(jacobian).all(axis=(-2, -1)))
        eigenvalues = np.linalg.eigvals(np.where(finite[..., None, None], jacobian, 0.0))
        values = np.where(finite, np.abs(eigenvalues.astype(complex)).max(axis=-1), np.nan)
    return np.where(found, values, np.nan)


def omega(P: ArrayLike, logits: ArrayLike) -> FloatArray:
    """Return ‖J^½(P − ½)J^½‖₂ with J = diag π − ππᵀ: P (..., K, K), logits (..., K) → (...).

    With q = √π it is the norm of the skew N + qrᵀ − rqᵀ, N = diag q (P − ½) diag q, r = Nq: no
    matrix root, and no eigenvalue routine that would lose half the digits near a double zero.
    """
    matrices = validation.real_array(P, "P", min_ndim=2)
    z = validation.logits(logits, "logits", responses=matrices.shape[-1])
    validation.batch_shape({"P": matrices.shape[:-2], "logits": z.shape[:-1]})
    root = np.exp(0.5 * (z - z.max(axis=-1, keepdims=True)))
    q = root / np.sqrt((root * root).sum(axis=-1, keepdims=True))
    N = q[..., :, None] * (matrices - 0.5) * q[..., None, :]
    r = (N @ q[..., None])[..., 0]
    skew = N + q[..., :, None] * r[..., None, :] - r[..., :, None] * q[..., None, :]
    if q.shape[-1] == 2:
        return np.zeros(skew.shape[:-2])
    return np.asarray(np.linalg.norm(skew, 2, axis=(-2, -1)))


def _is_skew(P: FloatArray) -> bool:
    return bool((np.abs(P + np.swapaxes(P, -1, -2) - 1.0) <= 1e-12).all())
