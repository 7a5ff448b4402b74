"""What an objective is: how far the loss pulls the logits, and where the pull ends.

For developers
--------------
A one-shot problem is a :class:`Comparison`. An :class:`Objective` solves it: ``optimum`` gives the
logits, ``linearise`` these and their derivatives from the same solve, ``exists`` and ``check`` say
where there is one finite optimum. Its parameters are its fields; what is proved for it stands in
``facts``. A new objective is one file with one subclass and one line in
:data:`alignsim.objectives.OBJECTIVES`; everything else works at once.

- A :class:`ScoreObjective` has the optimum ref + β·v with a score v of the comparisons alone: give
  ``score`` and ``score_derivative``.
- A :class:`PairLoss` is a sum over pairs of a convex function of the difference of two scores:
  give ``pull``, ``slope`` and ``scale``, and ``score``. Its gradient, its derivatives for either
  kind of pairs and its training by gradient steps follow.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from alignsim.errors import NoOptimumError
from alignsim.kernels.status import NO_SAMPLE_OPTIMUM, OK
from alignsim.objectives.comparison import (
    Comparison,
    Pairs,
    ProductPairs,
    Push,
    Solution,
    Tangent,
    WeightedPairs,
)
from alignsim.objectives.configured import Configured, one_named
from alignsim.objectives.facts import Facts
from alignsim.objectives.solvers import solve_columns
from alignsim.validation import FloatArray, first_true, instance

if TYPE_CHECKING:
    from alignsim.objectives.score_expansion import ScoreExpansion

BoolArray = NDArray[np.bool_]

FORMS = {
    "a": "closed form",
    "b": "optimum that an iteration finds",
    "c": "field on the logits",
}
"""Ways in which objectives are solved; the letters are those of docs/objectives.md."""

LEAST_WEIGHT = 1e-150
"""Probability below which a response adds nothing to the Jacobian; its inverse would overflow."""


@dataclass(frozen=True)
class Objective(Configured, ABC):
    """A one-shot alignment objective over a finite response set, a frozen dataclass.

    Its parameters and policies are fields; see ``Configured``.
    """

    unsolved: ClassVar[str] = (
        "P is too close to 0 or 1, or beta too large; move P into [1e-12, 1 − 1e-12] or lower beta"
    )
    """Why an optimum could not be computed in float64 although there is one, and the remedy."""
    form: ClassVar[str] = "b"
    """How it is solved, a key of ``FORMS``."""
    unanalysable: ClassVar[str] = ""
    """What it is that keeps its loops from being analysed, as refusals say it; "" if nothing."""
    compares: ClassVar[bool] = True
    """Whether the optimum depends on which pairs of responses are compared."""
    facts: ClassVar[Facts] = Facts()
    expansion: ClassVar[type[ScoreExpansion] | None] = None
    """The score as a Taylor series, for normal forms; without it there are none."""

    def __init_subclass__(cls) -> None:
        """Inherit no fact: what is proved for a class is not proved for what overrides it."""
        super().__init_subclass__()
        for name, value in (("facts", Facts()), ("expansion", None)):
            if name not in vars(cls):
                setattr(cls, name, value)

    @property
    def analysable(self) -> bool:
        """Whether its loops have derivatives: fixed points, multipliers, exponents and diagrams."""
        return not self.unanalysable

    @abstractmethod
    def optimum(self, x: Comparison) -> Solution:
        """Return the optimal logits and a status for every instance; never raises for one."""

    @abstractmethod
    def linearise(self, x: Comparison) -> tuple[Solution, Tangent]:
        """Return the optimum and its derivatives, from one solve."""

    def exists(self, x: Comparison) -> BoolArray:
        """Return where there is one finite optimum, (...); everywhere by default."""
        return np.ones(np.broadcast_shapes(x.P.shape[:-2], x.reference_logits.shape[:-1]), bool)

    def check(self, x: Comparison) -> None:
        """Raise ``NoOptimumError`` where ``exists`` does not hold."""
        there = self.exists(x)
        if not there.all():
            raise NoOptimumError(
                f"{instance(first_true(~there))} has no finite {self} optimum; move P "
                "off 0 and 1, or compare more pairs"
            )

    def __str__(self) -> str:
        """Return the name as it is written in text."""
        return self.name.upper()


class Trainable(Objective):
    """An objective with a force on the logits, by which it trains: a gradient, or another field."""

    @abstractmethod
    def force(self, logits: FloatArray, x: Comparison) -> FloatArray:
        """Return the direction in which training moves the logits θ (..., K): (..., K).

        Of a loss it is the descent direction −∂L/∂θ.
        """

    @abstractmethod
    def force_derivatives(self, logits: FloatArray, x: Comparison) -> Push:
        """Return the derivatives of the force."""


class Field(Trainable):
    """A force and no more: training need not end in an optimum.

    :class:`~alignsim.objectives.GradientSteps` makes a round of it.
    """

    form: ClassVar[str] = "c"
    unanalysable: ClassVar[str] = "a field, which has no optimum of its own"

    def optimum(self, x: Comparison) -> Solution:
        """Raise ``NoOptimumError``: a field has none."""
        raise self._no_optimum(x)

    def linearise(self, x: Comparison) -> tuple[Solution, Tangent]:
        """Raise as ``optimum`` does."""
        raise self._no_optimum(x)

    def exists(self, x: Comparison) -> BoolArray:
        """Return False everywhere."""
        return np.zeros(x.shape, dtype=np.bool_)

    def check(self, x: Comparison) -> None:
        """Raise as ``optimum`` does."""
        raise self._no_optimum(x)

    def _no_optimum(self, _: Comparison) -> NoOptimumError:
        return NoOptimumError(
            f"objective is {self.name!r}, {self.unanalysable}; train it with "
            "alignsim.train, or for a number of steps a round: objective=alignsim.objectives."
            f"GradientSteps({type(self).__name__}(), count, rate)"
        )


class ScoreObjective(Objective):
    """An objective whose optimum is softmax(ref + β·v) for a score v of the comparisons alone."""

    @abstractmethod
    def score(self, x: Comparison) -> Solution:
        """Return the score v (..., K), modulo constants, and a status for every instance."""

    @abstractmethod
    def score_derivative(self, x: Comparison, score: FloatArray) -> FloatArray:
        """Return the derivative of ``score`` by the pairs, shaped as :attr:`Tangent.pairs`."""

    def optimum(self, x: Comparison) -> Solution:
        """Return ref + β·v."""
        score, status = self.score(x)
        return Solution(x.reference_logits + x.beta[..., None] * score, status)

    def linearise(self, x: Comparison) -> tuple[Solution, Tangent]:
        """Return ref + β·v, with the derivatives I and β·∂v/∂pairs."""
        score, status = self.score(x)
        value = x.reference_logits + x.beta[..., None] * score
        slope = self.score_derivative(x, score)
        own = (1, 1) if isinstance(x.pairs, ProductPairs) else (1, 1, 1)
        strength = x.beta.reshape(*x.beta.shape, *own)
        identity = np.broadcast_to(np.eye(x.P.shape[-1]), (*value.shape, value.shape[-1]))
        return Solution(value, status), Tangent(identity, strength * slope)

    def of_sample(self, wins: FloatArray) -> Solution:
        """Return the scores of finitely many comparisons, NaN with a status where there is none.

        ``wins`` (n, K, K) says how often i beat j; halves are ties.
        """
        n, K = wins.shape[:2]
        weights = wins + np.swapaxes(wins, -1, -2)
        labels = np.divide(wins, weights, out=np.full_like(wins, 0.5), where=weights > 0)
        zeros, ones = np.zeros((n, K)), np.ones(n)
        there = self.exists(Comparison(labels, zeros, ones, WeightedPairs(weights)))
        x = Comparison(labels[there], zeros[there], ones[there], WeightedPairs(weights[there]))
        score, status = np.full((n, K), np.nan), np.full(n, NO_SAMPLE_OPTIMUM, dtype=np.int8)
        own = self.taken(there) if self.shape else self
        if there.any():
            score[there], found = own.score(x)
            status[there] = np.where(found == OK, OK, NO_SAMPLE_OPTIMUM)
        return Solution(score, status)


class PairLoss(ScoreObjective, Trainable):
    """A loss Σ_{i<j} w_ij ℓ(v_i − v_j; P_ij) of the differences of v = (θ − ref)/β, convex in them.

    The weights of the pairs are w_ij = 2μ_iμ_j for product pairs, and those given otherwise.
    """

    @abstractmethod
    def pull(self, gaps: FloatArray, P: FloatArray) -> FloatArray:
        """Return how hard each pair pulls its scores apart, −∂ℓ/∂gap up to ``scale``: (..., K, K).

        ``gaps`` (..., K, K) are the v_i − v_j. Antisymmetric.
        """

    @abstractmethod
    def slope(self, gaps: FloatArray) -> FloatArray:
        """Return −∂pull/∂gap > 0, (..., K, K)."""

    @abstractmethod
    def scale(self, beta: FloatArray) -> FloatArray:
        """Return the factor (...) between the pull and the loss's descent direction on logits."""

    def force(self, logits: FloatArray, x: Comparison) -> FloatArray:
        """Return the descent direction −∂L/∂θ of the loss at logits θ (..., K): (..., K)."""
        pull = self.pull(self._gaps(logits, x), x.P)
        return np.asarray(self.scale(x.beta)[..., None] * (x.pairs.weights * pull).sum(axis=-1))

    def force_derivatives(self, logits: FloatArray, x: Comparison) -> Push:
        """Return ∂F/∂θ, −∂F/∂θ and ∂F/∂pairs."""
        gaps = self._gaps(logits, x)
        scale = self.scale(x.beta)[..., None, None]
        bend = (scale / x.beta[..., None, None]) * x.pairs.weights * self.slope(gaps)
        pull = scale * self.pull(gaps, x.P)
        by_logits = -laplacian(bend)
        return Push(by_logits, -by_logits, by_pairs(pull, x.pairs))

    def score_derivative(self, x: Comparison, score: FloatArray) -> FloatArray:
        """Return the derivative of the score, by differentiating Σ_j w_ij pull_ij = 0.

        For product pairs the rows are divided by μ_i first, so that they hold at μ_i = 0 too.
        """
        gaps = score[..., :, None] - score[..., None, :]
        pull, slope = self.pull(gaps, x.P), self.slope(gaps)
        if isinstance(x.pairs, ProductPairs):
            mu = x.sampler[..., None, :]
            mu = np.where(mu > LEAST_WEIGHT, mu, 0.0)
            return solve_columns(gauged(laplacian(slope * mu), mu), pull)
        bend = gauged(laplacian(x.pairs.weights * slope), 1.0 / x.P.shape[-1])
        changes = by_pairs(pull, x.pairs)
        flat = solve_columns(bend, changes.reshape(*changes.shape[:-2], -1))
        return np.asarray(flat.reshape(changes.shape))

    @staticmethod
    def _gaps(logits: FloatArray, x: Comparison) -> FloatArray:
        score = (logits - x.reference_logits) / x.beta[..., None]
        return np.asarray(score[..., :, None] - score[..., None, :])


def laplacian(weights: FloatArray) -> FloatArray:
    """Return diag(w·1) − w: (..., K, K) → (..., K, K); whatever is on the diagonal of w."""
    own = np.eye(weights.shape[-1])
    apart = weights * (1.0 - own)
    return np.asarray(apart.sum(axis=-1)[..., None] * own - apart)


def gauged(matrix: FloatArray, gauge: FloatArray | float) -> FloatArray:
    """Return the matrix with the gauge added to each row, in the row's own size to keep its digits.

    Solutions are orthogonal to it, so that any multiple will do; for a row of zeros it is 1.
    """
    size = np.diagonal(matrix, axis1=-2, axis2=-1)[..., None]
    return np.asarray(matrix + np.where(size > 0.0, size, 1.0) * gauge)


def by_pairs(pull: FloatArray, pairs: Pairs) -> FloatArray:
    """Return the derivative of Σ_j w_ij pull_ij by the pairs."""
    K = pull.shape[-1]
    if isinstance(pairs, WeightedPairs):
        ends = np.eye(K)[:, :, None] - np.eye(K)[:, None, :]
        return np.asarray(pull[..., None, :, :] * ends)
    mu = pairs.sampler
    own = (pull * mu[..., None, :]).sum(axis=-1)[..., None] * np.eye(K)
    return np.asarray(2.0 * (own + mu[..., :, None] * pull))


def named(objective: Any, known: dict[str, Objective], **given: Any) -> Objective:
    """Return the objective of that name, or the one given, with these parameters."""
    return one_named(objective, Objective, known, "objective", **given)
