"""What may be proved for an objective. By default nothing is.

An objective declares its facts in its own file, each with its source; whoever needs a fact asks for
it and never for the objective's name. A loop whose objective lacks a fact gets no theorem: an
answer is then numerical, NaN or undecided.

P stands for the matrices (..., K, K), μ for a product sampler, v for the score.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from alignsim.validation import FloatArray

T = TypeVar("T")

OfMatrices = Callable[[FloatArray], NDArray[np.floating] | NDArray[np.integer]]
"""From P (..., K, K) to one value a matrix (...), or a matrix each."""

NEVER = np.inf
"""The least λ of what is proved for none."""


def always(P: FloatArray) -> FloatArray:
    """Return 0: the least λ of what is proved for each."""
    return np.zeros(P.shape[:-2])


@dataclass(frozen=True)
class Fact(Generic[T]):
    """A value, or a function of the matrices that gives it, and where the proof stands."""

    value: T
    source: str


@dataclass(frozen=True)
class Facts:
    """The facts of an objective; None where nothing is proved.

    Attributes
    ----------
    linear
        v = (P − ½)μ modulo constants.
    win_gain
        A g > 0: v_i − v_j ≥ g((Pμ)_i − (Pμ)_j) wherever the right side is not negative. So the
        score ranks responses by their win rates.
    uniform_gain
        A g: where every response wins half of its comparisons against the uniform sampler, v = 0
        there and ∂v/∂μ = g(P − ½).
    unique_from
        The least λ (...) from which a loop has one fixed point for every α < 1, ``NEVER`` if none.
    imaginary_from
        The least λ (...) from which the eigenvalues of ∂v/∂z at a fixed point z are imaginary.
    score_gaps
        Bounds (..., K, K): no v_i − v_j exceeds its own, whatever the sampler.
    score_span
        A bound (...) of the span of v, whatever the sampler.
    forgotten
        How many directions (...) of the logits, the constant one left out, ∂v/∂z takes to 0
        wherever it is taken.
    """

    linear: Fact[bool] | None = None
    win_gain: Fact[float] | None = None
    uniform_gain: Fact[float] | None = None
    unique_from: Fact[OfMatrices] | None = None
    imaginary_from: Fact[OfMatrices] | None = None
    score_gaps: Fact[OfMatrices] | None = None
    score_span: Fact[OfMatrices] | None = None
    forgotten: Fact[OfMatrices] | None = None

    def sources(self) -> dict[str, str]:
        """Return the source of every fact that is declared.

        >>> import alignsim as asim
        >>> asim.objectives.OBJECTIVES["ipo"].facts.sources()["linear"]
        'theory 2.1'
        """
        declared = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: fact.source for name, fact in declared.items() if fact is not None}
