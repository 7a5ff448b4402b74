"""How the stages of a round are wired: linear combinations of the logits that are there.

The vocabulary of a round is the fixed reference, the slots of the state and the optima of its
stages, in this order. Every stage's reference and opponent, and every slot of the new state, is a
combination of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Coefficient = Any
"""A number, or an array (...) of one a map."""


@dataclass(frozen=True)
class Combination:
    """A sum of coefficients times entries of the vocabulary, by place; absent ones have none.

    >>> x, y = Combination({1: 1.0}), Combination({2: 1.0})
    >>> (0.5 * (x + y) - y).terms
    {1: 0.5, 2: -0.5}
    """

    __array_ufunc__ = None  # an array times a combination is left to it

    terms: dict[int, Coefficient]

    def __add__(self, other: Combination) -> Combination:
        terms = dict(self.terms)
        for place, coefficient in other.terms.items():
            terms[place] = terms[place] + coefficient if place in terms else coefficient
        return Combination(terms)

    def __mul__(self, factor: Coefficient) -> Combination:
        return Combination({place: _product(c, factor) for place, c in self.terms.items()})

    __rmul__ = __mul__

    def __neg__(self) -> Combination:
        return self * -1.0

    def __sub__(self, other: Combination) -> Combination:
        return self + -other

    def of(self, vocabulary: Sequence[Any], axes: int = 1) -> Any:
        """Return the combination of arrays that have ``axes`` axes after those of the batch.

        An entry None stands for zeros. So does the result, if nothing else is combined.
        """
        total = None
        for place, coefficient in self.terms.items():
            entry = vocabulary[place]
            if entry is None:
                continue
            if not _is_one(coefficient):
                factor = np.asarray(coefficient)
                entry = factor.reshape(*factor.shape, *(1,) * axes) * entry
            total = entry if total is None else total + entry
        return total

    def map(self, change: Any) -> Combination:
        """Return the combination with every coefficient changed, less those that become 0."""
        terms = {place: change(c) for place, c in self.terms.items()}
        return Combination({place: c for place, c in terms.items() if np.any(c)})

    def row(self, size: int) -> NDArray[Any]:
        """Return the coefficients of ``size`` entries: (..., size)."""
        shape = np.broadcast_shapes(*(np.shape(c) for c in self.terms.values()))
        row = np.zeros((*shape, size), dtype=np.result_type(float, *self.terms.values()))
        for place, coefficient in self.terms.items():
            row[..., place] = coefficient
        return row


@dataclass
class Wiring:
    """The combinations of one scheme, for a state of ``size`` slots.

    A method's file writes its update in these terms; see ``soft_reference.py``.

    Attributes
    ----------
    references, opponents
        A combination each stage.
    updates
        A combination each slot.
    """

    size: int
    references: list[Combination] = field(default_factory=list)
    opponents: list[Combination] = field(default_factory=list)
    updates: tuple[Combination, ...] = ()

    @property
    def reference(self) -> Combination:
        """The fixed reference."""
        return Combination({0: 1.0})

    @property
    def slots(self) -> list[Combination]:
        """The slots of the state; the first is the policy."""
        return [Combination({d: 1.0}) for d in range(1, self.size + 1)]

    def stage(self, reference: Combination, opponent: Combination) -> Combination:
        """Add a one-shot optimum; return it."""
        self.references.append(reference)
        self.opponents.append(opponent)
        return Combination({self.size + len(self.references): 1.0})

    def update(self, *slots: Combination) -> None:
        """Set the new state."""
        self.updates = slots

    @property
    def every(self) -> list[Combination]:
        """All combinations."""
        return [*self.references, *self.opponents, *self.updates]

    def map(self, change: Any) -> Wiring:
        """Return the wiring with every coefficient changed."""
        changed = [each.map(change) for each in self.every]
        s = len(self.references)
        return Wiring(self.size, changed[:s], changed[s : 2 * s], tuple(changed[2 * s :]))


def _product(coefficient: Coefficient, factor: Coefficient) -> Coefficient:
    return factor if _is_one(coefficient) else coefficient * factor


def _is_one(coefficient: Coefficient) -> bool:
    return isinstance(coefficient, float) and coefficient == 1.0
