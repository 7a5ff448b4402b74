"""The loops of one method over their parameters: the dimensions of sweeps, the axes of diagrams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alignsim import validation
from alignsim.errors import InputError, quote
from alignsim.feedback import FeedbackMap
from alignsim.feedback.arguments import BETA, LAM
from alignsim.feedback.naming import loop_name, method, parameters_named
from alignsim.objectives import OBJECTIVES, Objective
from alignsim.objectives.contract import named
from alignsim.objectives.samplers import Sampler, sampler_named
from alignsim.parameters import Parameter, checked
from alignsim.validation import FloatArray

Axis = tuple[str, float, float] | tuple[str, float, float, str]
"""A parameter, its range, and ``"log"`` or ``"linear"`` (the default)."""

SCALES = ("linear", "log")


@dataclass(frozen=True)
class Family:
    """The loops of a method, or of one of its other names: one for all values of ``parameters``.

    These are the method's, the objective's and the sampler's, and β and λ.
    """

    method: str
    parameters: tuple[Parameter, ...]
    objective: str
    sampler: str

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters, in the order of the dimensions: β and λ are the last."""
        return tuple(each.name for each in self.parameters)

    @property
    def own(self) -> tuple[str, ...]:
        """All but β and λ."""
        return tuple(name for name in self.names if name not in (BETA.name, LAM.name))

    def parameter(self, name: str) -> Parameter:
        """Return the parameter of a name."""
        return self.parameters[self.names.index(name)]

    def checked(self, given: Mapping[str, Any]) -> dict[str, FloatArray]:
        """Return all parameters (...), those that are None or left out at their defaults."""
        said = {name: value for name, value in given.items() if value is not None}
        return checked(self.method, self.parameters, said)

    def loop(self, P: FloatArray, values: Mapping[str, Any], **further: Any) -> FeedbackMap:
        """Return the loops with parameters that broadcast."""
        return method(self.method, P, **values, **further)

    def title(self, values: Mapping[str, Any]) -> str:
        """Return the loop's name and its parameters, one value each, as titles tell them.

        >>> family("mrs").title({"alpha": 0.6, "beta": 8.0, "lam": 1.0})
        'MRS-IPO, β = 8, α = 0.6, λ = 1'
        """
        first = [each for each in self.parameters if each.name == BETA.name]
        told = (
            f"{each.symbol} = {float(values[each.name]):g}"
            for each in [*first, *(each for each in self.parameters if each not in first)]
        )
        return ", ".join([loop_name(self.method, self.objective, self.sampler), *told])


def attributes(of: Parameter) -> dict[str, Any]:
    """Return what the coordinate of a parameter says about it."""
    return {"long_name": of.about, "symbol": of.symbol, **({"whole": 1} if of.whole else {})}


def family(
    name: str, objective: str | Objective = "ipo", sampler: str | Sampler = "product"
) -> Family:
    """Return the loops of a method, or of one of its other names, an objective and a sampler.

    >>> family("soft_reference").names
    ('mixup', 'alpha', 'pull', 'beta', 'lam')
    """
    maker, drawn = named(objective, OBJECTIVES), sampler_named(sampler)
    for part, shape in {"objective": maker.shape, "sampler": drawn.shape}.items():
        if shape:
            remedy = "give it one value each, and those to compare as parameters of their own"
            raise InputError(part, f"has parameters of shape {shape}", remedy)
    return Family(name, parameters_named(name, maker, drawn), maker.name, drawn.name)


@dataclass(frozen=True)
class ParameterAxis:
    """A parameter over the positions 0 to 1 of an axis."""

    name: str
    low: float
    high: float
    scale: str
    whole: bool = False

    def spread(self, points: int) -> FloatArray:
        """Return values evenly spread over the axis; of whole numbers each, however many."""
        if self.whole:
            return np.arange(np.ceil(self.low), np.floor(self.high) + 1.0)
        if self.scale == "log":
            return self.values(np.linspace(0.0, 1.0, points))
        return np.linspace(self.low, self.high, points)

    def values(self, position: FloatArray) -> FloatArray:
        """Return the parameter at positions from 0 to 1."""
        if self.scale == "log":
            inside = self.low * (self.high / self.low) ** position
        else:
            inside = self.low + (self.high - self.low) * position
        return np.where(position == 1.0, self.high, inside)


def parameter_axis(given: Any, which: str, of: Family) -> ParameterAxis:
    """Return an axis from ``(name, low, high)`` or ``(name, low, high, scale)``."""
    if not isinstance(given, (tuple, list)) or len(given) not in (3, 4):
        raise ValueError(
            f'{which} is {quote(given)}; give (name, low, high), such as ("beta", 0, 12), or '
            '(name, low, high, "log")'
        )
    parameter = of.parameter(validation.choice(given[0], f"{which}[0]", of.names))
    low, high = (
        validation.number(given[end], f"{which}[{end}]", low=parameter.low, high=parameter.high)
        for end in (1, 2)
    )
    scale = validation.choice(given[3], f"{which}[3]", SCALES) if len(given) == 4 else "linear"
    if low >= high:
        raise ValueError(f"{which} runs from {low:g} to {high:g}; the lower end comes first")
    if scale == "log" and low <= 0.0:
        raise ValueError(f"{which} starts at {low:g}; a log axis starts above 0")
    return ParameterAxis(parameter.name, low, high, scale, parameter.whole)


def on_no_axis(
    of: Family, given: Mapping[str, Any], axes: Mapping[str, ParameterAxis]
) -> dict[str, float]:
    """Return the numbers of the parameters that are on no axis, by default their defaults."""
    places = {axis.name: which for which, axis in axes.items()}
    for name in places:
        if given.get(name) is not None:
            raise InputError(
                name, f"is given twice, as a number and on {places[name]}", "leave one out"
            )
    for each in of.parameters:
        if each.default is None and each.name not in places and given.get(each.name) is None:
            raise InputError(each.name, "is missing", "give a number, or an axis for it")
    ends = {axis.name: axis.low for axis in axes.values()}
    values = of.checked({**given, **ends})
    return {
        name: validation.number(value, name, low=-np.inf)
        for name, value in values.items()
        if name not in places
    }
