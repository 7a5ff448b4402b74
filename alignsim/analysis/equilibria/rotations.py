"""The ω_k of payoffs at a policy: how fast a linear score turns the logits around it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignsim.analysis.equilibria.fixed_point import WIDEST_KERNEL
from alignsim.simplex import softmax
from alignsim.validation import FloatArray


def rotations(P: FloatArray, logits: FloatArray) -> FloatArray:
    """Return all ω_k > 0 at logits (n, K), descending: (n, (K−1)//2). Singular values in pairs."""
    pairs = (logits.shape[-1] - 1) // 2
    singular = np.linalg.svd(skew_margins(P, logits), compute_uv=False)
    return np.asarray(0.5 * (singular[:, 0 : 2 * pairs : 2] + singular[:, 1 : 2 * pairs : 2]))


def largest_rotation(
    matrices: FloatArray, which: NDArray[np.intp], logits: FloatArray
) -> FloatArray:
    """Return ω (n,) of maps with one of ``matrices`` (m, K, K) each."""
    if logits.shape[-1] > WIDEST_KERNEL:
        skew = skew_margins(matrices[which], logits)
        return np.asarray(np.linalg.norm(skew, 2, axis=(-2, -1)))
    from alignsim.kernels import lanes
    from alignsim.kernels import rotation as kernels

    rotation = np.empty(len(logits))
    code = lanes.code_for(logits.shape[-1], kernels.SMALL)
    kernels.rotations(*code, matrices, which, np.ascontiguousarray(logits), rotation)
    return rotation


def skew_margins(P: FloatArray, logits: FloatArray) -> FloatArray:
    """Return diag(q)(P − ½)diag(q), q = √π, projected off q: its norm is ω. (n, K, K).

    The projection ignores constant rows and columns of P. Those of the likeliest response are
    taken off first: what is left has no cancellation as a policy collapses.
    """
    P = np.broadcast_to(P, (*logits.shape, logits.shape[-1]))
    top = logits.argmax(axis=-1)[:, None, None]
    root = np.exp(0.5 * (logits - logits.max(axis=-1, keepdims=True)))
    q = root / np.sqrt((root * root).sum(axis=-1, keepdims=True))
    column = np.take_along_axis(P, top, axis=-1)
    row = np.take_along_axis(P, top, axis=-2)
    margins = (P - column) - (row - np.take_along_axis(row, top, axis=-1))
    margins = 0.5 * (margins - np.swapaxes(margins, -1, -2))
    score = (margins @ softmax(logits)[..., None])[..., 0]
    inner = margins + score[:, None, :] - score[:, :, None]
    return np.asarray(q[:, :, None] * inner * q[:, None, :])
