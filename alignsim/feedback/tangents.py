"""Derivatives of the rounds along orbits that were kept."""

from __future__ import annotations

import numpy as np

from alignsim import simplex
from alignsim.feedback.batch import MapBatch
from alignsim.feedback.engines import WIDEST_LANE
from alignsim.objectives import DPO
from alignsim.validation import FloatArray


def jacobians_along(loop: MapBatch, frames: FloatArray) -> FloatArray:
    """Return the Jacobians of consecutive rounds, (n, T, D(K−1), D(K−1)), on mean-zero vectors.

    ``frames`` (n, T + 1, D·K) are whole states.

    NaN where a frame is not finite.
    """
    n, length, width = frames.shape
    K = loop.responses
    tangents = loop.scheme.size * (K - 1)
    if loop.linear and loop.mixes_references:
        return _linear(loop, frames[:, :-1])
    out = np.empty((n, length - 1, tangents, tangents))
    fused = type(loop.objective) is DPO and loop.mixes_references and loop.samples_alike
    if fused and K <= WIDEST_LANE:
        from alignsim.kernels import dpo_tangent

        matrices, which = loop.matrix_table()
        dpo_tangent.jacobians(
            matrices, which, np.stack([loop.alpha, loop.beta, loop.lam], axis=-1),
            np.ascontiguousarray(loop.reference_logits), np.ascontiguousarray(loop.offline_policy),
            simplex.mean_zero_basis(K), np.ascontiguousarray(frames), out,
        )  # fmt: skip
        return out
    before = frames[:, :-1].reshape(-1, width)
    known = np.asarray(np.isfinite(before).all(axis=-1))
    each = loop.take(np.repeat(np.arange(n), length - 1))
    usable = np.where(known[:, None], before, each.begin(each.reference_logits))
    slopes = np.where(known[:, None, None], each.derivative(usable, "tangent"), np.nan)
    out[:] = slopes.reshape(out.shape)
    return out


def _linear(loop: MapBatch, logits: FloatArray) -> FloatArray:
    """Return αI + βλEᵀM(diag π − ππᵀ)E, M = P − ½, at logits (n, T, K) (theory 6.3)."""
    E = simplex.mean_zero_basis(loop.responses)
    matrices, which = loop.matrix_table()
    policy = simplex.softmax(logits)
    pull = (loop.beta * loop.lam)[:, None, None] * np.swapaxes(E.T @ (matrices - 0.5), -1, -2)[
        which
    ]
    if policy.shape[1] < loop.responses:
        slopes = (np.swapaxes(pull, -1, -2)[:, None] * policy[:, :, None, :]) @ E
    else:  # one product a map instead of one a round
        slopes = policy @ (pull[..., None] * E[:, None, :]).reshape(*pull.shape[:2], -1)
        slopes = slopes.reshape(*policy.shape[:2], E.shape[1], E.shape[1])
    slopes -= (policy @ pull)[..., None] * (policy @ E)[:, :, None, :]
    slopes += loop.alpha[:, None, None, None] * np.eye(E.shape[1])
    slopes[~np.isfinite(logits).all(axis=-1)] = np.nan
    return np.asarray(slopes)
