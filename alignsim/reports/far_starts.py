"""Whether a loop reaches its fixed point from far away: by a certificate, else by trying."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex
from alignsim.analysis.equilibria.certificates import certificates
from alignsim.analysis.evidence import Evidence
from alignsim.feedback import FeedbackMap
from alignsim.validation import FloatArray

FAR_STARTS = 12
"""Starts from which a loop without a certificate is tried."""

VERTEX_STARTS = 6
"""The most of them that lie near a vertex; the others are scattered."""

FAR = 4.0
"""How far a near-vertex logit stands out, beside log K (analysis C.2)."""

SCATTER = 5.0
"""Standard deviation of the logits of scattered starts."""

ARRIVED = 1e-3
"""Distance in logits, relative to 1 + span, at which a far start has reached the fixed point."""

PATIENCE = 2.0
"""Far starts are run for this multiple of the rounds that the local rate alone would need."""

LONGEST_PROBE = 10_000
"""Rounds that a probe takes at most."""


class Convergence(NamedTuple):
    """What is known about far starts: (n,) each, and the rounds of the probe."""

    evidence: NDArray[np.int8]
    starts: NDArray[np.int64]
    arrived: NDArray[np.int64]
    decided: NDArray[np.bool_]
    rounds: int


def convergence(
    loop: FeedbackMap,
    logits: FloatArray,
    rate: FloatArray,
    advised: NDArray[np.bool_],
    least: int = 1,
) -> Convergence:
    """Look for a certificate, and else run the flat batch ``loop`` from far starts.

    For at least ``least`` rounds.
    """
    certified = advised & _certified(loop)
    probed = np.flatnonzero(advised & ~certified)
    evidence = np.where(certified, Evidence.CERTIFIED, Evidence.NOTHING).astype(np.int8)
    starts = np.zeros(loop.size, dtype=np.int64)
    arrived = np.zeros(loop.size, dtype=np.int64)
    decided = np.ones(loop.size, dtype=bool)
    if not len(probed):
        return Convergence(evidence, starts, arrived, decided, 0)
    target = logits[probed]
    begin = _far_starts(target)
    distance = np.ptp(begin - target[:, None, :], axis=-1).max(axis=-1)
    near = ARRIVED * (1.0 + np.ptp(target, axis=-1))
    needed = PATIENCE * np.log(distance / near) / -np.log(np.maximum(rate[probed], 0.1))
    rounds = np.minimum(2.0 ** np.ceil(np.log2(needed + 1.0)), LONGEST_PROBE).astype(np.int64)
    rounds = np.maximum(rounds, least)
    end = np.empty_like(begin)
    for wanted in np.unique(rounds):  # not as many as the slowest of the batch needs
        own = np.flatnonzero(rounds == wanted)
        orbit = loop.take(np.repeat(probed[own], FAR_STARTS)).run(
            start_logits=begin[own].reshape(-1, loop.responses),
            rounds=int(wanted), keep="last", burn_in=int(wanted),
        )  # fmt: skip
        end[own] = orbit.final_logits.reshape(-1, *begin.shape[1:])
    there = np.ptp(end - target[:, None, :], axis=-1) <= near[:, None]
    evidence[probed], starts[probed] = Evidence.ITERATED, FAR_STARTS
    arrived[probed] = there.sum(axis=-1)
    decided[probed] = needed <= rounds
    return Convergence(evidence, starts, arrived, decided, int(rounds.max()))


def _certified(loop: FeedbackMap) -> NDArray[np.bool_]:
    """Return where it is proved that every start converges, (n,)."""
    declared = loop.mixes_references or loop.scheme.method.facts.attraction is not None
    if not (loop.linear and declared):
        return np.zeros(loop.size, dtype=bool)
    return np.asarray(certificates(loop).certified)


def _far_starts(target: FloatArray) -> FloatArray:
    """Return starts near vertices and scattered around fixed points (n, K): (n, starts, K)."""
    n, K = target.shape
    vertices = (np.log(K) + FAR) * np.eye(K)[:VERTEX_STARTS]
    scattered = np.random.default_rng(0).normal(scale=SCATTER, size=(FAR_STARTS - len(vertices), K))
    near_vertices = np.broadcast_to(vertices, (n, *vertices.shape))
    return simplex.centre(np.concatenate([near_vertices, target[:, None, :] + scattered], axis=1))
