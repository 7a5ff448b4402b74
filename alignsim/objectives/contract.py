"""What an objective is: a force on the logits, and how its zero is found.

For developers
--------------
A one-shot problem is a :class:`Comparison`. An :class:`Objective` gives the force F(θ; x), the
descent direction on the logits, and solves F = 0 for every instance of a batch; ``tangent`` is
the derivative of that solution. A new method is one file with one subclass and one line in
:data:`alignsim.objectives.OBJECTIVES`. Score objectives, F = ref + β·v(x) − θ, subclass
:class:`ScoreObjective` and give the score v and its derivative only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim.validation import FloatArray


@dataclass(frozen=True)
class Comparison:
    """One-shot problems, all fields broadcasting over leading axes.

    Parameters
    ----------
    P
        Preference matrices, (..., K, K).
    reference
        Logits of the reference, (..., K).
    beta
        Strength of the preference signal, (...).
    sampler
        The policy μ from which both responses of a pair are drawn, (..., K); or None.
    pair_weights
        Symmetric weights of the pairs, (..., K, K); or None. Exactly one of the two is given.
    """

    P: FloatArray
    reference: FloatArray
    beta: FloatArray
    sampler: FloatArray | None = None
    pair_weights: FloatArray | None = None


class Solution(NamedTuple):
    """Logits or scores (..., K) with a status (...) of :mod:`alignsim.kernels.status` each."""

    value: FloatArray
    status: NDArray[np.int8]


class Tangent(NamedTuple):
    """Derivatives (..., K, K) of the optimal logits, modulo constants."""

    reference: FloatArray
    sampler: FloatArray


class Objective(ABC):
    """A one-shot alignment objective over a finite response set."""

    name: ClassVar[str]

    @abstractmethod
    def force(self, logits: FloatArray, x: Comparison) -> FloatArray:
        """Return the descent direction F(θ; x) on the logits, (..., K)."""

    @abstractmethod
    def optimum(self, x: Comparison) -> Solution:
        """Return the logits with F = 0 and a status for every instance; never raises for one."""

    @abstractmethod
    def tangent(self, x: Comparison) -> Tangent:
        """Return the derivatives of the optimal logits by the reference logits and the sampler."""

    @abstractmethod
    def check(self, x: Comparison) -> None:
        """Raise :class:`~alignsim.errors.NoOptimumError` where no unique optimum exists."""


class ScoreObjective(Objective):
    """An objective whose optimum is softmax(ref + β·v) for a score v of the data alone."""

    @abstractmethod
    def score(self, x: Comparison) -> Solution:
        """Return the score v (..., K), modulo constants, and a status for every instance."""

    @abstractmethod
    def score_derivative(self, x: Comparison) -> FloatArray:
        """Return ∂v/∂μ (..., K, K), modulo constants, for a product sampler."""

    def force(self, logits: FloatArray, x: Comparison) -> FloatArray:
        """Return ref + β·v − θ, centred."""
        gap = self.optimum(x).value - logits
        return np.asarray(gap - gap.mean(axis=-1, keepdims=True))

    def optimum(self, x: Comparison) -> Solution:
        """Return ref + β·v."""
        score, status = self.score(x)
        return Solution(x.reference + x.beta[..., None] * score, status)

    def tangent(self, x: Comparison) -> Tangent:
        """Return I and β·∂v/∂μ."""
        derivative = x.beta[..., None, None] * self.score_derivative(x)
        return Tangent(np.broadcast_to(np.eye(x.P.shape[-1]), derivative.shape), derivative)
