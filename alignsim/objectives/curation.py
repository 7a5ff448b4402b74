"""Self-consumption: training on the winners of pairs of one's own samples (Ferbach et al. 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alignsim.errors import InputError, NoOptimumError
from alignsim.kernels.status import NO_OPTIMUM, OK
from alignsim.objectives.comparison import Comparison, ProductPairs, Push, Solution
from alignsim.objectives.contract import BoolArray, ScoreObjective, Trainable
from alignsim.objectives.facts import Fact, Facts
from alignsim.objectives.score_expansion import Directions, ScoreExpansion
from alignsim.simplex import covariance, softmax
from alignsim.validation import FloatArray, at, first_true


class LogarithmicScore(ScoreExpansion):
    """The score log Pμ and its derivatives."""

    def second(self, a: Directions, b: Directions) -> Directions:
        """Return −v'[a]·v'[b], each response by itself."""
        return -self.first(a) * self.first(b)

    def third(self, a: Directions, b: Directions, c: Directions) -> Directions:
        """Return 2·v'[a]·v'[b]·v'[c], each response by itself."""
        return 2.0 * self.first(a) * self.first(b) * self.first(c)


def _log_ratios(P: FloatArray) -> FloatArray:
    """Return max_k log(P_ik/P_jk): no ratio of (Pμ)_i and (Pμ)_j exceeds its largest part."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = P[..., :, None, :] / P[..., None, :, :]
        return np.asarray(np.log(np.nan_to_num(ratios, nan=0.0, posinf=np.inf).max(axis=-1)))


def _log_span(P: FloatArray) -> FloatArray:
    return np.asarray(_log_ratios(P).max(axis=(-2, -1)))


@dataclass(frozen=True)
class Curation(ScoreObjective, Trainable):
    """The score is v = log(2Pμ); at β = 1 a response is as likely as it wins a pair.

    Two responses are drawn, from the reference and from μ, people keep the better one, and the
    model is fitted to what they keep. With μ and the reference both the current policy, so in
    ``asim.FeedbackMap(P, objective="curation", beta=1.0, alpha=1.0)``, a round is the discrete
    replicator π' = 2π⊙(Pπ). A reference that keeps a share α < 1 of the policy mixes logits, where
    Ferbach et al. mix data.

    Notes
    -----
    It needs Pμ > 0: where P has zeros, a response that loses surely to all that μ samples would
    vanish at once.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.3)
    >>> pi = [0.5, 0.3, 0.2]
    >>> asim.optimum("curation", P, pi, reference=pi, beta=1.0).round(4).tolist()
    [0.53, 0.246, 0.224]
    """

    name: ClassVar[str] = "curation"
    source: ClassVar[str] = "Ferbach et al. (2024), arXiv 2407.09499"
    form: ClassVar[str] = "a"
    expansion = LogarithmicScore
    facts = Facts(
        win_gain=Fact(1.0, "theory 11.4: log a − log b ≥ a − b for 0 < b ≤ a ≤ 1"),
        uniform_gain=Fact(2.0, "theory 11.4: v = log 1 and ∂v/∂μ = 2P, which is 2(P − ½)"),
        score_gaps=Fact(_log_ratios, "theory 11.4: a ratio of means is at most its largest part"),
        score_span=Fact(_log_span, "theory 11.4"),
    )

    def score(self, x: Comparison) -> Solution:
        """Return log(2Pμ): (..., K)."""
        wins = self._wins(x)
        there = np.asarray((wins > 0.0).all(axis=-1))
        value = np.log(2.0 * np.where(there[..., None], wins, np.nan))
        return Solution(value, np.where(there, OK, NO_OPTIMUM).astype(np.int8))

    def score_derivative(self, x: Comparison, score: FloatArray) -> FloatArray:
        """Return P_ij/(Pμ)_i."""
        return np.asarray(2.0 * x.P / np.exp(score)[..., None])

    def exists(self, x: Comparison) -> BoolArray:
        """Return where every response wins some comparison."""
        return np.broadcast_to((self._wins(x) > 0.0).all(axis=-1), x.shape)

    def check(self, x: Comparison) -> None:
        """Raise for weighted pairs, and where a response loses surely to all that are sampled."""
        if not isinstance(x.pairs, ProductPairs):
            raise InputError(
                "pair_weights", "is given, but curation draws both responses", "use sampling="
            )
        lost = np.asarray(self._wins(x) <= 0.0)
        if lost.any():
            *place, response = first_true(lost)
            where = at(tuple(place))
            raise NoOptimumError(
                f"response {response} of P{where} loses surely to all that are sampled, so that "
                "curation never keeps it; move P off 0, or sample more responses"
            )

    def of_sample(self, _: FloatArray) -> Solution:
        """Raise: what is kept of a sample depends on pairs of a response with itself too."""
        raise InputError(
            "samples_per_round",
            "is given, but curation is not estimated from votes",
            "leave it out",
        )

    def force(self, logits: FloatArray, x: Comparison) -> FloatArray:
        """Return π* − π, the gradient of the likelihood of what is kept, with the optimum π*."""
        return np.asarray(softmax(self.optimum(x).value) - softmax(logits))

    def force_derivatives(self, logits: FloatArray, x: Comparison) -> Push:
        """Return −(diag π − ππᵀ), the same with π* and plus, and that times β·∂v/∂μ."""
        (target, _), tangent = self.linearise(x)
        kept = covariance(softmax(target))
        return Push(-covariance(softmax(logits)), kept, kept @ tangent.pairs)

    @staticmethod
    def _wins(x: Comparison) -> FloatArray:
        """Return Pμ; NaN for weighted pairs, which curation does not have."""
        if not isinstance(x.pairs, ProductPairs):
            return np.full(np.broadcast_shapes(x.P.shape[:-1], x.pairs.weights.shape[:-1]), np.nan)
        return np.asarray((x.P @ x.sampler[..., None])[..., 0])

    def __str__(self) -> str:
        """Return the name as it is written in text."""
        return "curation"
