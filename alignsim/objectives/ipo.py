"""IPO: the squared pair loss, solved in closed form (theory 2; Azar et al. 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alignsim.kernels.status import NOT_FINITE, OK
from alignsim.objectives.comparison import Comparison, ProductPairs, Solution, WeightedPairs
from alignsim.objectives.contract import BoolArray, PairLoss
from alignsim.objectives.existence import connects, require_connected
from alignsim.objectives.facts import NEVER, Fact, Facts
from alignsim.objectives.score_expansion import LinearScore
from alignsim.objectives.solvers import potentials
from alignsim.preferences.payoffs import column_span, is_zero_sum, row_gaps
from alignsim.simplex import mean_zero_basis
from alignsim.validation import FloatArray


def _zero_sum(P: FloatArray) -> FloatArray:
    return np.where(is_zero_sum(P), 0.0, NEVER)


def _lost_rank(P: FloatArray) -> np.ndarray:
    """Return K − 1 less the rank of P on mean-zero vectors."""
    E = mean_zero_basis(P.shape[-1])
    return np.asarray(P.shape[-1] - 1 - np.linalg.matrix_rank(E.T @ P @ E))


@dataclass(frozen=True)
class IPO(PairLoss):
    """The score is v = (P − ½)μ, or L⁺(w∘(P − ½))1 with the Laplacian L of pair weights w."""

    name: ClassVar[str] = "ipo"
    source: ClassVar[str] = "Azar et al. (2023), arXiv 2310.12036"
    form: ClassVar[str] = "a"
    expansion = LinearScore
    facts = Facts(
        linear=Fact(True, "theory 2.1"),
        win_gain=Fact(1.0, "theory 2.1"),
        uniform_gain=Fact(1.0, "theory 2.1"),
        unique_from=Fact(_zero_sum, "theory 6.2"),
        imaginary_from=Fact(_zero_sum, "theory 6.3"),
        score_gaps=Fact(row_gaps, "theory 6.7"),
        score_span=Fact(column_span, "analysis C.6"),
        forgotten=Fact(_lost_rank, "theory 6.3: the derivative is (P − ½)(diag π − ππᵀ)"),
    )

    def score(self, x: Comparison) -> Solution:
        """Return the score (..., K); modulo constants Pμ for product pairs."""
        skew = x.P - 0.5
        if isinstance(x.pairs, ProductPairs):
            score = (skew @ x.pairs.sampler[..., None])[..., 0]
        else:
            score = _laplacian_score(skew, x.pairs.weights)
        status = np.where(np.isfinite(score).all(axis=-1), OK, NOT_FINITE)
        return Solution(score, status.astype(np.int8))

    def score_derivative(self, x: Comparison, score: FloatArray) -> FloatArray:
        """Return P − ½ for product pairs, whatever the policy."""
        if isinstance(x.pairs, WeightedPairs):
            return super().score_derivative(x, score)
        return np.broadcast_to(x.P - 0.5, np.broadcast_shapes(x.P.shape, (*x.beta.shape, 1, 1)))

    def pull(self, gaps: FloatArray, P: FloatArray) -> FloatArray:
        """Return P_ij − ½ − (v_i − v_j)."""
        return np.asarray(P - 0.5 - gaps)

    def slope(self, gaps: FloatArray) -> FloatArray:
        """Return 1."""
        return np.ones_like(gaps)

    def scale(self, beta: FloatArray) -> FloatArray:
        """Return 2β: the loss of a pair is (u_i − u_j − β(P_ij − ½))², u = βv."""
        return np.asarray(2.0 * beta)

    def exists(self, x: Comparison) -> BoolArray:
        """Return where the pairs connect all responses; a policy always does."""
        if isinstance(x.pairs, ProductPairs):
            return super().exists(x)
        return connects(x.pairs.weights)

    def check(self, x: Comparison) -> None:
        """Raise where the pair weights do not connect the responses; names the parts."""
        if isinstance(x.pairs, WeightedPairs):
            require_connected(x.pairs.weights)

    def of_sample(self, wins: FloatArray) -> Solution:
        """Return the least-squares score of least norm, which every sample has."""
        from alignsim.kernels import samples

        score = np.empty(wins.shape[:2])
        samples.least_squares(wins, score, 0, len(score))
        return Solution(score, np.full(len(score), OK, dtype=np.int8))


def _laplacian_score(skew: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the least-squares score of the pairs, mean zero: the Laplacian solve of theory 2.2."""
    rows = weights / weights.sum(axis=-1, keepdims=True)
    score = potentials(*np.broadcast_arrays(rows, rows * skew))
    return np.asarray(score - score.mean(axis=-1, keepdims=True))
