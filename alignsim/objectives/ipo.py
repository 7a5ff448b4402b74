"""IPO: the squared pair loss, solved in closed form (theory 2; Azar et al. 2023)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from alignsim.kernels.status import NOT_FINITE, OK
from alignsim.objectives.contract import Comparison, ScoreObjective, Solution
from alignsim.objectives.existence import require_connected
from alignsim.objectives.solvers import potentials
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
            assert x.pair_weights is not None
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


def _laplacian_score(skew: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the least-squares score of the pairs, mean zero: the Laplacian solve of theory 2.2."""
    rows = weights / weights.sum(axis=-1, keepdims=True)
    score = potentials(*np.broadcast_arrays(rows, rows * skew))
    return np.asarray(score - score.mean(axis=-1, keepdims=True))
