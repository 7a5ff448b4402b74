"""Strengths of responses: the mode of their posterior, and Laplace's evidence."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignsim.data.posteriors.pairs import Pairs, pair_integral
from alignsim.validation import FloatArray

DECREMENT = 1e-6
"""Newton's decrement at which the mode is known."""

MOST_STEPS, MOST_HALVINGS = 100, 40
"""Of Newton's method: enough for any votes."""

SLACK = 1e-13
"""Rounding of a log-likelihood, relative."""


class Strengths(NamedTuple):
    """The mode r̂ (B, K), −∇² there (B, K, K), and Laplace's log evidence (B,) without constants."""

    mode: FloatArray
    hessian: FloatArray
    evidence: FloatArray


class _Local(NamedTuple):
    value: FloatArray
    gradient: FloatArray
    hessian: FloatArray


def strengths(
    pairs: Pairs,
    tau: float,
    scale: FloatArray,
    slab: float,
    *,
    start: FloatArray | None = None,
    decrement: float = DECREMENT,
) -> Strengths:
    """Return the posterior of r ~ N(0, s²) around its mode, for each s (B,).

    Damped Newton. With ``pairs.wins`` (B, m) each s has votes of its own. The log evidence is
    f(r̂) − K log s − ½ log det H; f is the log of likelihood and prior, e integrated out.
    """
    r = np.zeros((len(scale), pairs.responses)) if start is None else start.copy()
    at = _local(pairs, r, tau, scale, slab)
    for _ in range(MOST_STEPS):
        step = np.linalg.solve(at.hessian, at.gradient[..., None])[..., 0]
        moves = (step * at.gradient).sum(axis=-1) > decrement
        if not moves.any():
            break
        share = moves.astype(float)
        for _ in range(MOST_HALVINGS):
            trial = _local(pairs, r + share[:, None] * step, tau, scale, slab)
            worse = moves & ~(trial.value >= at.value - SLACK * (1.0 + np.abs(at.value)))
            if not worse.any():
                break
            share[worse] *= 0.5
        r = r + share[:, None] * step
        at = trial
    _, log_det = np.linalg.slogdet(at.hessian)
    evidence = at.value - pairs.responses * np.log(scale) - 0.5 * log_det
    return Strengths(r, at.hessian, evidence)


def bradley_terry(pairs: Pairs, scale: float, decrement: float = DECREMENT) -> FloatArray:
    """Return Bradley-Terry strengths (B, K) with prior N(0, s²), of wins (B, m); (K,) of (m,)."""
    many = np.atleast_2d(pairs.wins)
    every = Pairs(pairs.responses, pairs.i, pairs.j, many, pairs.votes)
    found = strengths(every, 0.0, np.full(len(many), scale), 0.0, decrement=decrement).mode
    return found.reshape(*pairs.wins.shape[:-1], pairs.responses)


def _local(pairs: Pairs, r: FloatArray, tau: float, scale: FloatArray, slab: float) -> _Local:
    """Return f, its gradient and −∇² at r (B, K)."""
    integral = pair_integral(pairs.wins, pairs.votes, pairs.gaps(r), tau, slab)
    value, slope, bend = np.moveaxis(integral, -1, 0)
    precision = 1.0 / scale[:, None] ** 2
    hessian = pairs.square(bend)
    diagonal = np.arange(pairs.responses)
    hessian[:, diagonal, diagonal] = precision - hessian.sum(axis=-1)
    return _Local(
        value.sum(axis=-1) - 0.5 * (precision * r**2).sum(axis=-1),
        pairs.balance(slope) - precision * r,
        hessian,
    )
