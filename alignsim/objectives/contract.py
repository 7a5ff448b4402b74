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
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim.errors import NoOptimumError
from alignsim.kernels.status import NO_SAMPLE_OPTIMUM, OK
from alignsim.objectives.facts import Facts
from alignsim.objectives.solvers import solve_columns
from alignsim.validation import FloatArray, at, first_true

if TYPE_CHECKING:
    from alignsim.objectives.score_expansion import ScoreExpansion

BoolArray = NDArray[np.bool_]

LEAST_WEIGHT = 1e-150
"""Probability below which a response adds nothing to the Jacobian; its inverse would overflow."""


@dataclass(frozen=True)
class ProductPairs:
    """Both responses of a pair are drawn from one policy, ``sampler`` (..., K)."""

    sampler: FloatArray

    @property
    def weights(self) -> FloatArray:
        """The weight 2μ_iμ_j of each pair, (..., K, K); 0 on the diagonal."""
        mu = self.sampler
        pairs = 2.0 * mu[..., :, None] * mu[..., None, :]
        return np.asarray(pairs * (1.0 - np.eye(mu.shape[-1])))


@dataclass(frozen=True)
class WeightedPairs:
    """Pairs with symmetric ``weights`` (..., K, K), 0 on the diagonal; only ratios matter."""

    weights: FloatArray


Pairs = ProductPairs | WeightedPairs


@dataclass(frozen=True)
class Comparison:
    """One-shot problems, all fields broadcasting over leading axes.

    Parameters
    ----------
    P
        Preference matrices, (..., K, K).
    reference_logits
        Logits of the reference, (..., K).
    beta
        Strength of the preference signal, (...).
    pairs
        Which responses are compared.
    start_logits
        Where training starts, (..., K), for objectives that do not end in an optimum; by default
        the reference.
    """

    P: FloatArray
    reference_logits: FloatArray
    beta: FloatArray
    pairs: Pairs
    start_logits: FloatArray | None = None

    @property
    def sampler(self) -> FloatArray:
        """The policy from which both responses are drawn, (..., K).

        Raises
        ------
        TypeError
            If the pairs are weighted.
        """
        if isinstance(self.pairs, WeightedPairs):
            raise TypeError("the pairs are weighted; a product sampler is needed here")
        return self.pairs.sampler


class Solution(NamedTuple):
    """Logits or scores (..., K) with a status (...) of :mod:`alignsim.kernels.status` each."""

    value: FloatArray
    status: NDArray[np.int8]


class Tangent(NamedTuple):
    """Derivatives of the optimal logits, modulo constants.

    By the reference logits, (..., K, K). By the pairs: (..., K, K) for the policy of product pairs;
    (..., K, K, K) for weights, where [k, i, j] is the change of logit k with the weight of the pair
    {i, j}. By the logits where training starts, (..., K, K), if they matter.
    """

    reference: FloatArray
    pairs: FloatArray
    start: FloatArray | None = None


class Objective(ABC):
    """A one-shot alignment objective over a finite response set."""

    name: ClassVar[str]
    facts: ClassVar[Facts] = Facts()
    expansion: ClassVar[type[ScoreExpansion] | None] = None
    """The score as a Taylor series, for normal forms; without it there are none."""

    def __init_subclass__(cls) -> None:
        """Inherit no fact: what is proved for a class is not proved for what overrides it."""
        if "facts" not in vars(cls):
            cls.facts = Facts()
        if "expansion" not in vars(cls):
            cls.expansion = None

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
        """Raise :class:`~alignsim.errors.NoOptimumError` where ``exists`` does not hold."""
        there = self.exists(x)
        if not there.all():
            raise NoOptimumError(
                f"instance {at(first_true(~there)) or '()'} has no finite {self} optimum; move P "
                "off 0 and 1, or compare more pairs"
            )

    def __str__(self) -> str:
        """Return the name as it is written in text."""
        return self.name.upper()


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
        if there.any():
            score[there], found = self.score(x)
            status[there] = np.where(found == OK, OK, NO_SAMPLE_OPTIMUM)
        return Solution(score, status)


class PairLoss(ScoreObjective):
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

    def force_derivatives(self, logits: FloatArray, x: Comparison) -> tuple[FloatArray, FloatArray]:
        """Return ∂F/∂θ = −∂F/∂ref (..., K, K), and ∂F/∂pairs as in :attr:`Tangent.pairs`."""
        gaps = self._gaps(logits, x)
        scale = self.scale(x.beta)[..., None, None]
        bend = (scale / x.beta[..., None, None]) * x.pairs.weights * self.slope(gaps)
        pull = scale * self.pull(gaps, x.P)
        return -laplacian(bend), _by_pairs(pull, x.pairs)

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
        changes = _by_pairs(pull, x.pairs)
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


def _by_pairs(pull: FloatArray, pairs: Pairs) -> FloatArray:
    """Return the derivative of Σ_j w_ij pull_ij by the pairs."""
    K = pull.shape[-1]
    if isinstance(pairs, WeightedPairs):
        ends = np.eye(K)[:, :, None] - np.eye(K)[:, None, :]
        return np.asarray(pull[..., None, :, :] * ends)
    mu = pairs.sampler
    own = (pull * mu[..., None, :]).sum(axis=-1)[..., None] * np.eye(K)
    return np.asarray(2.0 * (own + mu[..., :, None] * pull))


def named(objective: Any, known: dict[str, Objective]) -> Objective:
    """Return the objective of that name, or the one given.

    Raises
    ------
    ValueError
        For another name; lists the known ones.
    """
    from alignsim import validation

    if isinstance(objective, Objective):
        return objective
    return known[validation.choice(objective, "objective", known)]
