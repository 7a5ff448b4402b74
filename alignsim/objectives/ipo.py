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
    """Return the least-squares score of the pairs; adding 11ᵀ/K fixes the constant to mean 0."""
    assert weights is not None
    K = skew.shape[-1]
    weights = weights / weights.sum(axis=(-2, -1), keepdims=True)
    laplacian = weights.sum(axis=-1)[..., None] * np.eye(K) - weights
    pull = (weights * skew).sum(axis=-1)
    gauge = np.full((K, K), 1.0 / K**2)
    return np.asarray(np.linalg.solve(laplacian + gauge, pull[..., None])[..., 0])
