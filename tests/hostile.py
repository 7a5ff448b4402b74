"""Toy objectives for which nothing is proved, registered as any other: they declare no facts.

Each has a score that is a function of Pμ-like sums, so that its rounds are easily followed by
other means: ``payoffs(name, P)`` and ``bend(name, s)`` are its ingredients, in NumPy and apart
from the package.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alignsim.kernels.status import OK
from alignsim.objectives import OBJECTIVES, ScoreObjective, Solution


class Toy(ScoreObjective):
    """v = bend(A(P) μ)."""

    def score(self, x):
        """Return the score; both responses of a pair come from one policy."""
        value = bend(self.name, _times(payoffs(self.name, x.P), x.sampler))
        return Solution(value, np.zeros(value.shape[:-1], dtype=np.int8) + OK)

    def score_derivative(self, x, score):
        """Return the slope of ``bend`` times A."""
        A = payoffs(self.name, x.P)
        slope = bend_slope(self.name, _times(A, x.sampler))[..., None] * A
        return np.broadcast_to(slope, (*score.shape, score.shape[-1]))


@dataclass(frozen=True)
class Coordination(Toy):
    """Ψ(p) = −(p − ½)²: whoever is like all others gains; every vertex of a cycle attracts."""

    name = "coordination"


@dataclass(frozen=True)
class Self(Toy):
    """v = (P − ½)μ + μ: linear, not zero-sum."""

    name = "self"


@dataclass(frozen=True)
class Contrary(Toy):
    """v = −s − 4s³ with s = (P − ½)μ: it prefers what loses, and is not linear."""

    name = "contrary"


def payoffs(name, P):
    """Return the matrix A (..., K, K) of an objective."""
    if name == "coordination":
        return -((P - 0.5) ** 2)
    return P - 0.5 + (np.eye(P.shape[-1]) if name == "self" else 0.0)


def bend(name, s):
    """Return the score of the sums s = Aμ."""
    return -s - 4.0 * s**3 if name == "contrary" else s


def bend_slope(name, s):
    """Return the derivative of :func:`bend`."""
    return -1.0 - 12.0 * s**2 if name == "contrary" else np.ones_like(s)


def _times(A, x):
    return (A @ x[..., None])[..., 0]


TOYS = {toy.name: toy for toy in (Coordination(), Self(), Contrary())}


def register(monkeypatch):
    """Register the toys by name, for the length of a test."""
    for name, toy in TOYS.items():
        monkeypatch.setitem(OBJECTIVES, name, toy)
