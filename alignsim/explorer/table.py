"""What the page has to know of the methods: their parameters, and their rounds as coefficients.

The coefficients of a round are polynomials in the method's parameters. They are found by calling
its wiring with symbols, so that a new method is on the page as soon as it is in the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from alignsim.feedback.methods.catalogue import METHODS
from alignsim.feedback.methods.contract import Method
from alignsim.feedback.methods.mrs import MRS
from alignsim.feedback.methods.wiring import Combination, Wiring
from alignsim.feedback.naming import parameters_named
from alignsim.objectives import OBJECTIVES
from alignsim.parameters import Parameter

MOST_WHOLE = 12
"""The largest value of a parameter of whole numbers for which the page has the coefficients."""

MOST_SLOTS = 2
"""Slots of a state whose multipliers the page can compute."""

USUAL = {"alpha": 0.6, "kappa": 0.2, "mixup": 0.4, "every": 4.0, "optimism": 1.0}
USUAL |= {"momentum": 0.3, "mixture": 0.2, "fresh": 0.5, "beta": 10.0, "lam": 0.8}
"""Where sliders begin; of other parameters at their default."""

LABELS = {"nash_md": "Nash-MD", "ipo_md": "IPO-MD"}

SUMS = {"soft_reference": ["mixup", "pull"]}
"""Parameters that must add up to at most 1, by method."""


class Polynomial:
    """A polynomial in named parameters, which a method's wiring takes for a number.

    >>> a = Polynomial({("a",): 1.0})
    >>> (1.0 - (1.0 - a) * a).terms
    {(): 1.0, ('a',): -1.0, ('a', 'a'): 1.0}
    """

    __array_ufunc__ = None

    def __init__(self, terms: Mapping[tuple[str, ...], float]) -> None:
        self.terms = {names: c for names, c in terms.items() if c != 0.0}

    def __add__(self, other: Any) -> Polynomial:
        total = dict(self.terms)
        for names, c in _terms(other).items():
            total[names] = total.get(names, 0.0) + c
        return Polynomial(dict(sorted(total.items())))

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Combination):
            return NotImplemented
        total: dict[tuple[str, ...], float] = {}
        for (first, a), (second, b) in product(self.terms.items(), _terms(other).items()):
            names = tuple(sorted(first + second))
            total[names] = total.get(names, 0.0) + a * b
        return Polynomial(total)

    def __neg__(self) -> Polynomial:
        return Polynomial({names: -c for names, c in self.terms.items()})

    def __sub__(self, other: Any) -> Polynomial:
        return self + -_polynomial(other)

    def __rsub__(self, other: Any) -> Polynomial:
        return _polynomial(other) + -self

    __radd__ = __add__
    __rmul__ = __mul__


def _polynomial(value: Any) -> Polynomial:
    return value if isinstance(value, Polynomial) else Polynomial({(): float(value)})


def _terms(value: Any) -> Mapping[tuple[str, ...], float]:
    return _polynomial(value).terms


def table() -> dict[str, Any]:
    """Return the methods by name, as the page takes them."""
    return {method.name: _entry(method) for method in METHODS.values()}


def objectives() -> dict[str, Any]:
    """Return the parameters of objectives by name, of those that have some.

    >>> [each["symbol"] for each in objectives()["alpha_dpo"]]
    ['tilt', 'offset']
    """
    return {
        name: [_parameter(each) | _named_in_words(each) for each in objective.usual]
        for name, objective in OBJECTIVES.items()
        if objective.usual
    }


def _named_in_words(each: Parameter) -> dict[str, str]:
    """Return what else a parameter of an objective is called: its letter may be a method's."""
    words = each.name.replace("_", " ")
    return {"symbol": words, "about": words + each.about.removeprefix(each.symbol)}


def _entry(method: Method) -> dict[str, Any]:
    return {
        "name": method.name,
        "label": method.acronym or LABELS.get(method.name) or _words(method).capitalize(),
        "aliases": [alias.name for alias in method.aliases],
        "update": method.update,
        "source": method.source,
        "mixes": method == MRS,
        "sum": SUMS.get(method.name, []),
        "slots": [slot.begin for slot in method.slots],
        "parameters": [_parameter(each) for each in parameters_named(method.name)],
        "wirings": _wirings(method) if len(method.slots) <= MOST_SLOTS else [],
    }


def _words(method: Method) -> str:
    return method.name.replace("_", " ")


def _parameter(each: Parameter) -> dict[str, Any]:
    usual = USUAL.get(each.name, each.default)
    return {
        "name": each.name,
        "symbol": each.symbol if len(each.symbol) == 1 else each.meaning.partition(",")[0],
        "about": each.about,
        "low": each.low,
        "high": None if np.isinf(each.high) else each.high,
        "whole": each.whole,
        "usual": (each.low + min(each.high, 1.0)) / 2.0 if usual is None else usual,
        "default": each.default,
    }


def _wirings(method: Method) -> list[dict[str, Any]]:
    """Return the rows of a round for each choice of the whole numbers."""
    whole = [each for each in method.parameters if each.whole]
    ranges = [range(int(each.low), int(min(each.high, MOST_WHOLE)) + 1) for each in whole]
    found = []
    for values in product(*ranges):
        when = {each.name: float(value) for each, value in zip(whole, values, strict=True)}
        symbols = {p.name: Polynomial({(p.name,): 1.0}) for p in method.parameters}
        wiring = method.wired({**symbols, **when})
        found.append({"when": when, **_rows(wiring)})
    return found


def _rows(wiring: Wiring) -> dict[str, Any]:
    rows = {"R": wiring.references, "O": wiring.opponents, "N": wiring.updates}
    return {name: [_row(each) for each in combinations] for name, combinations in rows.items()}


def _row(combination: Combination) -> list[Any]:
    return [
        [place, [[c, *names] for names, c in _terms(coefficient).items()]]
        for place, coefficient in sorted(combination.terms.items())
        if _terms(coefficient)
    ]
