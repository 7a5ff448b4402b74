"""Parameters over a range: the axes of diagrams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alignsim import validation
from alignsim.feedback import arguments
from alignsim.validation import FloatArray

Axis = tuple[str, float, float] | tuple[str, float, float, str]
"""A parameter, its range, and ``"log"`` or ``"linear"`` (the default)."""

SCALES = ("linear", "log")


LIMITS = {"alpha": 1.0, **arguments.LIMITS}
"""The largest value of each parameter of MRS; the smallest is 0."""


@dataclass(frozen=True)
class ParameterAxis:
    """A parameter over the positions 0 to 1 of an axis."""

    name: str
    low: float
    high: float
    scale: str

    def values(self, position: FloatArray) -> FloatArray:
        """Return the parameter at positions from 0 to 1."""
        if self.scale == "log":
            inside = self.low * (self.high / self.low) ** position
        else:
            inside = self.low + (self.high - self.low) * position
        return np.where(position == 1.0, self.high, inside)


def parameter_axis(given: Any, which: str) -> ParameterAxis:
    """Return an axis from ``(name, low, high)`` or ``(name, low, high, scale)``."""
    if not isinstance(given, (tuple, list)) or len(given) not in (3, 4):
        raise ValueError(
            f'{which} is {given!r}; give (name, low, high), such as ("beta", 0, 12), or '
            '(name, low, high, "log")'
        )
    name = validation.choice(given[0], f"{which}[0]", LIMITS)
    low = validation.number(given[1], f"{which}[1]", high=LIMITS[name])
    high = validation.number(given[2], f"{which}[2]", high=LIMITS[name])
    scale = validation.choice(given[3], f"{which}[3]", SCALES) if len(given) == 4 else "linear"
    if low >= high:
        raise ValueError(f"{which} runs from {low:g} to {high:g}; the lower end comes first")
    if scale == "log" and low == 0.0:
        raise ValueError(f"{which} starts at 0; a log axis starts above it")
    return ParameterAxis(name, low, high, scale)


def on_no_axis(
    given: Mapping[str, float | None], axes: Mapping[str, ParameterAxis]
) -> dict[str, float]:
    """Return the parameters that are on no axis; each must be a number or on an axis, not both."""
    places = {axis.name: which for which, axis in axes.items()}
    values = {}
    for name, value in given.items():
        on = places.get(name)
        if on is not None and value is not None:
            raise ValueError(f"{name} is given twice, as a number and on {on}; leave one out")
        if on is None and value is None:
            raise ValueError(f"{name} is missing; give a number, or an axis for it")
        if value is not None:
            values[name] = validation.number(value, name, high=LIMITS[name])
    return values
