"""A score v(μ) as a Taylor series: what an objective gives to have normal forms.

Optional: an objective names its expansion, or has none and is refused where one is needed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alignsim.objectives.comparison import Comparison
from alignsim.objectives.contract import ScoreObjective
from alignsim.validation import FloatArray

Directions = NDArray[Any]
"""Real or complex vectors (..., K)."""


class ScoreExpansion(ABC):
    """The score at given product samplers and its derivatives by the sampler, in any directions.

    Directions (..., K) have sum zero. They may be complex: each derivative is linear in each of
    them. Scores are modulo constants.

    Attributes
    ----------
    score : (..., K)
        v; NaN where there is none, and then in every derivative.
    """

    def __init__(self, objective: ScoreObjective, x: Comparison) -> None:
        self.score: FloatArray = objective.score(x).value
        self._derivative = objective.score_derivative(x, self.score)

    def first(self, a: Directions) -> Directions:
        """Return v'[a]: (..., K)."""
        return (self._derivative @ a[..., None])[..., 0]

    @abstractmethod
    def second(self, a: Directions, b: Directions) -> Directions:
        """Return v''[a, b]: (..., K)."""

    @abstractmethod
    def third(self, a: Directions, b: Directions, c: Directions) -> Directions:
        """Return v'''[a, b, c]: (..., K)."""


class LinearScore(ScoreExpansion):
    """A score that is linear in the sampler, as that of IPO."""

    def second(self, a: Directions, b: Directions) -> Directions:
        """Return 0."""
        return np.zeros_like(a * b)

    def third(self, a: Directions, b: Directions, c: Directions) -> Directions:
        """Return 0."""
        return np.zeros_like(a * b * c)
