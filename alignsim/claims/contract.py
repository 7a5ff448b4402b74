"""What a claim is: a statement, instances that meet its hypotheses, and a margin that must be ≥ 0.

For developers
--------------
A claim is a frozen dataclass that subclasses :class:`Claim`, in the file of its subject; a new file
is one more entry of ``SUBJECTS`` in ``catalogue.py``. It works on batches: ``instances`` draws n
trials as a dictionary of arrays with n along the first axis (edges of the hypotheses first),
``margin`` returns one number a trial, how far the statement is from failing, in units of its
tolerance where it is an equation. The constants of the statement are fields, so that a test can
replace one by a wrong value and see the claim fail: a check that cannot fail proves nothing. Where
a hypothesis matters, ``counterexample`` returns trials that break it, and with it the conclusion.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alignsim.validation import FloatArray

Instances = dict[str, np.ndarray]
"""Named arrays, the trials along the first axis of each."""

_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

SOURCES = ("paper", "literature", "derived")
"""Chen, He, Jordan and Yao (arXiv 2602.12180); standard literature; derived for this project."""

STATUSES = ("proved", "checked", "seen")
"""Derived line by line; agreed with on both sides in many cases; numerical only."""


class Claim(ABC):
    """A theorem as a program.

    Attributes
    ----------
    name
        Short, lower case, words joined by hyphens; by default the words of the class's name.
    statement
        In words and symbols, complete with its hypotheses.
    source
        One of ``SOURCES``: who states it, by default derived here. Only what the paper states is
        attributed to it.
    status
        One of ``STATUSES``: how sure it is, by default proved.
    section
        Where the derivation stands, as a section of the theory page.
    costly
        A trial of a costly claim simulates many rounds; fewer of them are drawn.
    """

    name: ClassVar[str]
    statement: ClassVar[str]
    source: ClassVar[str] = "derived"
    status: ClassVar[str] = "proved"
    section: ClassVar[str]
    costly: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        """Name the claim after its class, unless it has a name."""
        if "name" not in vars(cls):
            cls.name = _WORD_STARTS.sub("-", cls.__name__).lower()

    @abstractmethod
    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw trials that meet the hypotheses, their edges among the first."""

    @abstractmethod
    def margin(self, x: Instances) -> FloatArray:
        """Return how far each trial is from failing, (n,): ≥ 0 holds, NaN is undecided."""

    def counterexample(self) -> Instances | None:
        """Return trials without a needed hypothesis, on which the conclusion fails; or None."""
        return None


@dataclass(frozen=True)
class Scaled(Claim):
    """A claim with one constant: ``gain`` multiplies what the statement predicts, rightly by 1."""

    gain: float = 1.0


def agreement(found: FloatArray, expected: FloatArray | float, tolerance: float) -> FloatArray:
    """Return 1 − max|found − expected|/tolerance over all axes but the first: (n, ...) → (n,).

    The margin of an equation: 1 is exact agreement, 0 is as far apart as is allowed.
    """
    gap = np.abs(np.asarray(found) - np.asarray(expected))
    return np.asarray(1.0 - gap.reshape(len(gap), -1).max(axis=-1) / tolerance)


def least(*slacks: FloatArray) -> FloatArray:
    """Return the smallest of several margins (n,) in each trial: (n,)."""
    return np.asarray(np.minimum.reduce(slacks))
