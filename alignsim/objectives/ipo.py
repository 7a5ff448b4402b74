"""IPO: the squared pair loss, solved in closed form (theory 2; Azar et al. 2023)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from alignsim.kernels.status import NOT_FINITE, OK
from alignsim.objectives.contract import Comparison, ScoreObjective, Solution
from alignsim.objectives.existence import require_connected
from alignsim.validation import FloatArray


class IPO(ScoreObjective):
    """The score is v = (P − ½)μ, or L⁺(w∘(P − ½))1 with the Laplacian L of pair weights w."""

    name: ClassVar[str] = "ipo"

    def score(self, x: Comparison) -> Solution:
        """Return the score (..., K); modulo constants Pμ for a product sampler."""
        skew = x.P - 0.5
        if x.sampler is not None:
            score = (skew @ x.sampler[..., None])[..., 0]
        else:
            score = _laplacian_score(skew, x.pair_weights)
        status = np.where(np.isfinite(score).all(axis=-1), OK, NOT_FINITE)
        return Solution(score, status.astype(np.int8))

    def score_derivative(self, x: Comparison) -> FloatArray:
        """Return P − ½ for every sampler."""
        return np.broadcast_to(x.P - 0.5, np.broadcast_shapes(x.P.shape, (*x.beta.shape, 1, 1)))

    def check(self, x: Comparison) -> None:
        """Raise where the pair weights do not connect the responses."""
        if x.pair_weights is not None:
            require_connected(x.pair_weights)


def _laplacian_score(skew: FloatArray, weights: FloatArray | None) -> FloatArray:
    """Return the least-squares score of the pairs, mean zero: the Laplacian solve of theory 2.2.

    Eliminates the last response, then the one before, ...: the pairs i–n and n–j become one more
    pair i–j, with their weights in series and their margins added. Nothing is ever subtracted, so
    weights of any ratio keep their digits (as in Grassmann, Taksar and Heyman's elimination).
    """
    assert weights is not None
    K = skew.shape[-1]
    shape = np.broadcast_shapes(skew.shape, weights.shape)
    w, margin = np.array(np.broadcast_to(weights, shape)), np.array(np.broadcast_to(skew, shape))
    for n in range(K - 1, 1, -1):
        share = w[..., n, :n] / w[..., n, :n].sum(axis=-1, keepdims=True)
        series = w[..., :n, n, None] * share[..., None, :]
        through = margin[..., :n, n, None] + margin[..., n, None, :n]
        total = w[..., :n, :n] + series
        part = np.divide(series, total, out=np.zeros_like(total), where=total > 0)
        margin[..., :n, :n] += part * (through - margin[..., :n, :n])
        w[..., :n, :n] = total
    score = np.zeros(shape[:-1])
    for n in range(1, K):
        share = w[..., n, :n] / w[..., n, :n].sum(axis=-1, keepdims=True)
        score[..., n] = (share * (margin[..., n, :n] + score[..., :n])).sum(axis=-1)
    return np.asarray(score - score.mean(axis=-1, keepdims=True))
