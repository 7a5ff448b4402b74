"""The votes of each pair of responses, and how probable a difference of strengths makes them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim.validation import FloatArray

SLAB = 0.7
"""Least spread of the few log-odds that lie far from any ranking."""

AT_ONCE = 1_000_000
"""Pairs of one call of the kernel, some tenths of a second."""

SLAB_SHARE, SLAB_PAIRS = 0.05, 3.0
"""Their share of m pairs is the smaller of .05 and 3/m: without them a cycle among the best three
of 55 models is shrunk away."""


@dataclass(frozen=True)
class Pairs:
    """Compared pairs i < j of K responses.

    Attributes
    ----------
    responses
        K.
    i, j
        (m,), the responses.
    wins, votes
        (..., m) and (m,), how often i won, a tie half, of how many votes.
    """

    responses: int
    i: NDArray[np.intp]
    j: NDArray[np.intp]
    wins: FloatArray
    votes: FloatArray

    def gaps(self, values: FloatArray) -> FloatArray:
        """Return the differences over the pairs: (..., K) → (..., m)."""
        return np.asarray(values[..., self.i] - values[..., self.j])

    def square(self, values: FloatArray) -> FloatArray:
        """Return a symmetric table with the values of the pairs: (..., m) → (..., K, K)."""
        table = np.zeros((*values.shape[:-1], self.responses, self.responses))
        table[..., self.i, self.j] = values
        table[..., self.j, self.i] = values
        return table

    def balance(self, values: FloatArray) -> FloatArray:
        """Return each response's sum over pairs, negative where it is j: (..., m) → (..., K)."""
        table = np.zeros((*values.shape[:-1], self.responses, self.responses))
        table[..., self.i, self.j] = values
        table[..., self.j, self.i] = -values
        return np.asarray(table.sum(axis=-1))


def compared(wins: FloatArray) -> Pairs:
    """Return the pairs with votes of a table of wins (K, K)."""
    votes = wins + wins.T
    i, j = np.nonzero(np.triu(votes, 1))
    return Pairs(len(wins), i, j, wins[i, j], votes[i, j])


def slab_share(responses: int) -> float:
    """Return q = min(.05, 3/m) with m = K(K − 1)/2.

    >>> slab_share(4), slab_share(55)
    (0.05, 0.00202020202020202)
    """
    return min(SLAB_SHARE, SLAB_PAIRS / max(responses * (responses - 1) / 2.0, 1.0))


def pair_integral(
    wins: ArrayLike, votes: ArrayLike, delta: ArrayLike, tau: float, slab: float
) -> FloatArray:
    """Return L(δ) = log ∫ Lik(θ) p(θ) dθ and its derivatives L′ and L″: (..., 3).

    Lik(θ) = exp(yθ − n log(1 + e^θ)); p is (1−q) N(δ, τ²) + q N(δ, max(τ, .7)²). Gauss-Hermite
    quadrature with 11 nodes, adapted to the mode.

    Parameters
    ----------
    wins, votes, delta
        y, n and δ, broadcast.
    tau, slab
        τ ≥ 0, and q, the share of the wider part.

    Examples
    --------
    >>> pair_integral(14, 20, 0.3, 0.5, 0.05).round(6).tolist()
    [-12.912268, 1.164414, -2.071779]
    """
    from alignsim.kernels import votes as kernels

    every = np.broadcast_arrays(wins, votes, delta)
    y, n, d = (np.array(each, dtype=np.float64).reshape(-1) for each in every)
    found = np.empty((len(y), 3))
    spreads = float(tau), max(float(tau), SLAB)
    for first in range(0, len(y), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        kernels.integrals(
            y[part], n[part], d[part], *spreads, log_shares(slab), rule(), found[part]
        )
    return found.reshape(*every[0].shape, 3)


def log_shares(slab: float) -> FloatArray:
    """Return log(1 − q) and log q, −inf for no slab: (2,)."""
    return np.array([np.log1p(-slab), np.log(slab) if slab else -np.inf])


@cache
def rule() -> FloatArray:
    """Return the nodes x and log(w e^{x²}) of the Gauss-Hermite rule: (2, 11)."""
    from alignsim.kernels.votes import NODES

    nodes, weights = np.polynomial.hermite.hermgauss(NODES)
    return np.stack([nodes, np.log(weights) + nodes**2])
