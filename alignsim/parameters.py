"""Parameters of methods and of objectives: their ranges, defaults and meanings."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alignsim import validation
from alignsim.errors import InputError
from alignsim.validation import FloatArray

SMALLEST = float(np.finfo(np.float64).tiny)
"""The least value of a parameter that must not be 0."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a method or of an objective.

    It has a range, a default (None if it must be given) and a meaning.
    ``meaning`` begins with the letter that formulas have for it, if they have one.

    >>> mixup = Parameter("mixup", "m, share of the new policy in the new reference")
    >>> mixup.symbol, Parameter("kappa", "κ, share of the fixed reference").symbol, mixup.about
    ('mixup', 'κ', 'mixup, share of the new policy in the new reference')
    """

    name: str
    meaning: str
    default: float | None = None
    low: float = 0.0
    high: float = 1.0
    whole: bool = False

    @property
    def symbol(self) -> str:
        """Its name, or the Greek letter that the name spells."""
        letter = self.meaning[:1]
        spelt = unicodedata.name(letter, "").lower().rpartition(" ")[-1]
        return letter if spelt.startswith(self.name) else self.name

    @property
    def about(self) -> str:
        """Its symbol and its meaning."""
        letter, comma, meaning = self.meaning.partition(", ")
        return f"{self.symbol}, {meaning if comma and len(letter) == 1 else self.meaning}"

    @property
    def range(self) -> str:
        """The range in words."""
        values = "whole numbers " if self.whole else ""
        if np.isinf(self.high):
            return "above 0" if self.low == SMALLEST else f"{values}from {self.low:g} on"
        return f"{values}from {self.low:g} to {self.high:g}"

    def checked(self, value: Any) -> FloatArray:
        """Return values (...) of the parameter; raise where they leave its range."""
        array = validation.parameter(value, self.name, low=self.low, high=self.high)
        if self.whole:
            validation.refuse_where(
                array != np.round(array), self.name, array, "it must be a whole number"
            )
        return array


def described(parameter: Parameter) -> str:
    """Return a parameter with its range and its default.

    >>> described(Parameter("lam", "λ, share of the policy", 1.0))
    'lam (from 0 to 1, by default 1)'
    """
    default = "" if parameter.default is None else f", by default {parameter.default:g}"
    return f"{parameter.name} ({parameter.range}{default})"


def call(name: str, parameters: tuple[Parameter, ...], *others: str) -> str:
    """Return how something is called: its parameters with their defaults, and other names.

    >>> call("mrs", (Parameter("alpha", "α, share of the policy", 0.0),))
    'mrs(alpha=0)'
    """
    told = [p.name if p.default is None else f"{p.name}={p.default:g}" for p in parameters]
    return f"{name}({', '.join([*told, *others])})"


def checked(
    name: str, parameters: tuple[Parameter, ...], given: Mapping[str, Any]
) -> dict[str, FloatArray]:
    """Return all parameters of what is called ``name``, those not given at their defaults.

    Raises
    ------
    InputError
        For a name that is none of them, a value out of its range, or one that is missing.
    """
    known = ", ".join(f"{each.name} ({each.range})" for each in parameters) or "none"
    foreign = [each for each in given if each not in {p.name for p in parameters}]
    if foreign:
        raise InputError(foreign[0], f"is no parameter of {name!r}", f"its parameters: {known}")
    values = {}
    for each in parameters:
        value = given.get(each.name)
        value = each.default if value is None else value
        if value is None:
            raise InputError(each.name, "is missing", f"{name!r} has the parameters {known}")
        values[each.name] = each.checked(value)
    return values
