"""Preference matrices drawn from the posterior of a board of votes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignsim.data.posteriors.pairs import SLAB, Pairs, log_shares, rule, slab_share
from alignsim.data.posteriors.spreads import Grid, explored, shares, systematic
from alignsim.data.posteriors.strengths import Strengths, strengths
from alignsim.preferences.logistic import sigmoid
from alignsim.validation import FloatArray

APART_TAU, APART_SCALES = 1.0, np.array([0.4, 0.8, 1.6, 3.2])
"""Without pooling, pairs that were never compared are drawn from these spreads."""

AT_ONCE = 500_000
"""Numbers drawn by one call of the kernel, some tenths of a second."""


class Fitted(NamedTuple):
    """The posterior of the spreads, and that of the strengths at each node of their grid (T, S)."""

    grid: Grid
    mode: FloatArray
    hessian: FloatArray


class Pool(NamedTuple):
    """Draws from the hierarchical model: P (D, K, K) and τ (D,)."""

    P: FloatArray
    tau: FloatArray


def fitted(pairs: Pairs) -> Fitted:
    """Return the posterior of the spreads and strengths, Laplace's method in the strengths."""
    slab = slab_share(pairs.responses)
    nodes: list[Strengths] = []

    def evidence(taus: FloatArray, scales: FloatArray) -> FloatArray:
        nodes.clear()
        for tau in taus:
            start = nodes[-1].mode if nodes else None
            nodes.append(strengths(pairs, float(tau), scales, slab, start=start))
        return np.stack([node.evidence for node in nodes])

    grid = explored(evidence)
    mode, hessian = (np.stack(each) for each in list(zip(*nodes, strict=True))[:2])
    return Fitted(grid, mode, hessian)


def pooled_draws(pairs: Pairs, fit: Fitted, count: int, draw: np.random.Generator) -> Pool:
    """Return draws of P: node, τ in its cell, strengths, part of the mixture, log-odds."""
    grid, K = fit.grid, pairs.responses
    node, tau = grid.draws(count, draw)
    r = _normal(fit.mode.reshape(-1, K)[node], fit.hessian.reshape(-1, K, K)[node], draw)
    i, j = np.triu_indices(K, 1)
    wins, votes = np.zeros((2, len(i)))
    own = _place(pairs)
    wins[own], votes[own] = pairs.wins, pairs.votes
    theta = log_odds(wins, votes, r[:, i] - r[:, j], tau, slab_share(K), draw)
    return Pool(matrices(sigmoid(theta), K), tau)


def unpooled_draws(pairs: Pairs, count: int, draw: np.random.Generator) -> FloatArray:
    """Return draws of P that no ranking shrinks: (D, K, K).

    P ~ Beta(Y + ½, N − Y + ½) of compared pairs; the others from the model with τ = 1.
    """
    K = pairs.responses
    at = strengths(pairs, APART_TAU, APART_SCALES, slab_share(K))
    node = draw.permutation(systematic(shares(at.evidence, APART_SCALES), count, draw))
    r = _normal(at.mode[node], at.hessian[node], draw)
    i, j = np.triu_indices(K, 1)
    P = sigmoid(r[:, i] - r[:, j] + APART_TAU * draw.standard_normal((count, len(i))))
    own = _place(pairs)
    shape = (count, len(own))
    P[:, own] = draw.beta(pairs.wins + 0.5, pairs.votes - pairs.wins + 0.5, shape)
    return matrices(P, K)


def log_odds(
    wins: FloatArray,
    votes: FloatArray,
    delta: FloatArray,
    tau: FloatArray,
    slab: float,
    draw: np.random.Generator,
) -> FloatArray:
    """Return θ (D, m), given the pairs' wins and votes (m,), δ (D, m) and τ (D,)."""
    from alignsim.kernels import votes as kernels

    theta = np.empty_like(delta)
    step = max(AT_ONCE // delta.shape[1], 1)
    for first in range(0, len(delta), step):
        part = slice(first, first + step)
        uniform = draw.random((2, *delta[part].shape))
        kernels.draws(
            wins, votes, delta[part], tau[part], np.maximum(tau[part], SLAB), log_shares(slab),
            rule(), uniform, theta[part],
        )  # fmt: skip
    return theta


def _place(pairs: Pairs) -> np.ndarray:
    """Return where the compared pairs stand among all pairs i < j, (m,)."""
    place = np.zeros((pairs.responses, pairs.responses), dtype=np.intp)
    i, j = np.triu_indices(pairs.responses, 1)
    place[i, j] = np.arange(len(i))
    return np.asarray(place[pairs.i, pairs.j])


def _normal(mode: FloatArray, hessian: FloatArray, draw: np.random.Generator) -> FloatArray:
    """Return one draw each from N(mode, hessian⁻¹): (D, K)."""
    noise = draw.standard_normal(mode.shape)
    root = np.linalg.cholesky(hessian)
    return np.asarray(mode + np.linalg.solve(np.swapaxes(root, -1, -2), noise[..., None])[..., 0])


def matrices(P: FloatArray, K: int) -> FloatArray:
    """Return preference matrices from the upper triangle: (D, m) → (D, K, K)."""
    full = np.full((len(P), K, K), 0.5)
    i, j = np.triu_indices(K, 1)
    full[:, i, j] = P
    full[:, j, i] = 1.0 - P
    return full
