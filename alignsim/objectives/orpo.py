"""ORPO: the likelihood of what won, and its odds against what lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alignsim.objectives.comparison import Comparison, Push
from alignsim.objectives.contract import Field, laplacian
from alignsim.objectives.pair_fields import rows, rows_by_pairs
from alignsim.parameters import Parameter
from alignsim.preferences.logistic import sigmoid
from alignsim.simplex import covariance, softmax
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class ORPO(Field):
    """The descent direction of −log π_i − λ log σ(logit π_i − logit π_j) of what won.

    There is neither a reference nor a β: both are ignored. For more than two responses the loss is
    not convex, and where descent ends may depend on where it starts.

    Parameters
    ----------
    odds_weight
        λ, (...), at least 0. The weights of the pairs are 2μ_iμ_j, or add up to 1.

    Notes
    -----
    F = q − (Σq)π + Dᵀa with q_i = Σ_j w_ijP_ij, a_i = λΣ_j w_ij(P_ij − σ(o_i − o_j)), o = logit π
    and D_ik = ∂o_i/∂θ_k = (δ_ik − π_k)/(1 − π_i). For K = 2 the loss is least where
    σ(x) − P + 2λ(σ(2x) − P) = 0, x = θ_1 − θ_2.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 0.8], [0.2, 0.5]]
    >>> given = {"sampling": [0.5, 0.5], "rate": 0.1, "steps": 2000, "keep": "last"}
    >>> asim.train("orpo", P, **given, odds_weight=[0.0, 5.0]).final[:, 0].round(4).tolist()
    [0.8, 0.6755]
    """

    name: ClassVar[str] = "orpo"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("odds_weight", "λ, weight of the odds beside the likelihood", 0.1, high=np.inf),
    )
    source: ClassVar[str] = "Hong, Lee and Thorne (2024), arXiv 2403.07691"

    odds_weight: FloatArray | float = 0.1

    def force(self, logits: FloatArray, x: Comparison) -> FloatArray:
        """Return −∂L/∂θ (..., K)."""
        policy, odds, slope = _odds(logits)
        wins = rows(x.P, x.pairs)
        pull = self._weight * rows(x.P - _ahead(odds), x.pairs)
        likelihood = wins - policy * wins.sum(axis=-1, keepdims=True)
        return np.asarray(likelihood + (pull[..., None, :] @ slope)[..., 0, :])

    def force_derivatives(self, logits: FloatArray, x: Comparison) -> Push:
        """Return ∂F/∂θ and ∂F/∂pairs; the reference does not matter."""
        policy, odds, slope = _odds(logits)
        K = logits.shape[-1]
        others = np.eye(K) - slope
        win = _ahead(odds)
        weight = self._weight[..., None]
        shares = weight * (x.P - win)
        pull = rows(shares, x.pairs)
        total = rows(x.P, x.pairs).sum(axis=-1)[..., None, None]
        turned = np.swapaxes(slope, -1, -2)
        bend = laplacian(weight * x.pairs.weights * win * np.swapaxes(win, -1, -2))
        spread = (pull[..., None, :] @ others)[..., 0, :]
        joint = np.swapaxes(others, -1, -2) @ (pull[..., None] * others)
        by_logits = -total * covariance(policy) - turned @ bend @ slope
        by_logits = by_logits - (spread[..., None] * np.eye(K) - joint)
        outward = np.eye(K) - policy[..., None]
        by_pairs = rows_by_pairs(x.P, x.pairs, outward) + rows_by_pairs(shares, x.pairs, turned)
        return Push(by_logits, np.zeros(by_logits.shape), by_pairs)

    @property
    def _weight(self) -> FloatArray:
        return np.asarray(self.odds_weight)[..., None]


def _odds(logits: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return π, its log-odds o, and ∂o/∂θ (..., K, K), exact next to one-hot policies too."""
    K = logits.shape[-1]
    apart = np.where(np.eye(K) > 0.0, -np.inf, logits[..., None, :])
    top = apart.max(axis=-1, keepdims=True)
    weights = np.exp(apart - top)
    total = weights.sum(axis=-1, keepdims=True)
    odds = logits - (top + np.log(total))[..., 0]
    return softmax(logits), odds, np.eye(K) - weights / total


def _ahead(odds: FloatArray) -> FloatArray:
    return sigmoid(odds[..., :, None] - odds[..., None, :])
