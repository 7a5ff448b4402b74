"""Flat maps as the plain arrays that kernels take."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignsim import simplex
from alignsim.feedback.batch import MapBatch
from alignsim.validation import FloatArray

DRIFT_CHUNK = 4096
"""Maps whose matrices are gathered at a time, to bound the memory of a shared table."""


def drift(loop: MapBatch) -> FloatArray:
    """Return (1−α) log π_ref + β(1−λ)(P − ½) π_off of MRS, centred: (n, K)."""
    matrices, which = loop.matrix_table()
    pull = np.empty_like(loop.offline_policy)
    for first in range(0, len(which), DRIFT_CHUNK):
        own = slice(first, first + DRIFT_CHUNK)
        skew = matrices[which[own]] - 0.5 if len(matrices) > 1 else matrices[0] - 0.5
        pull[own] = (skew @ loop.offline_policy[own, :, None])[..., 0]
    pull *= (loop.beta * (1.0 - loop.lam))[:, None]
    pull += (1.0 - loop.alpha)[:, None] * loop.reference_logits
    return simplex.centre(pull)


def scheme_rows(loop: MapBatch) -> FloatArray:
    """Return the rows of the stages that are needed, then of the update: (n, s+D, 1+D+s).

    They are over the reference, the state and the pulls of these stages.
    """
    opponents, update = loop.scheme.canonical()
    stages = int(loop.scheme.needed.max())
    rows = np.concatenate([opponents[..., :stages, :], update], axis=-2)
    rows = rows[..., : 1 + loop.scheme.size + stages]
    return np.array(np.broadcast_to(rows, (loop.size, *rows.shape[-2:])), order="C")


def ipo_scheme_arrays(loop: MapBatch) -> tuple[Any, ...]:
    """Return the arrays of ``scheme_lanes.run`` that come before the state."""
    from alignsim.kernels import scheme_lanes

    K, D = loop.responses, loop.scheme.size
    matrices, which = loop.matrix_table()
    rows = scheme_rows(loop)
    fixed = np.empty((loop.size, rows.shape[1], K))
    mixture = np.stack([loop.beta, loop.lam], axis=-1)
    reference, offline = (
        np.array(part, order="C") for part in (loop.reference_logits, loop.offline_policy)
    )
    scheme_lanes.constants(matrices, which, mixture, rows, D, reference, offline, fixed)
    code = scheme_lanes.code_for(K, D, rows.shape[1] - D)
    return (*code, matrices, which, loop.beta * loop.lam, rows, fixed)


def dpo_scheme_arrays(loop: MapBatch) -> tuple[Any, ...]:
    """Return the arrays of ``scheme_dpo_lanes.run`` that come before the state."""
    from alignsim.kernels import scheme_dpo_lanes

    return (
        *scheme_dpo_lanes.code_for(loop.responses),
        *loop.matrix_table(),
        np.stack([loop.beta, loop.lam], axis=-1),
        scheme_rows(loop),
        np.array(loop.reference_logits, order="C"),
        np.ascontiguousarray((1.0 - loop.lam)[:, None] * loop.offline_policy),
    )
