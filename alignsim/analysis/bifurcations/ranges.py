"""Along which parameters a loop can be searched, and how far."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.feedback import FeedbackMap
from alignsim.validation import FloatArray

RANGES = {"beta": (0.0, 100.0), "alpha": (0.0, 0.999), "lam": (0.0, 1.0)}
"""Default ranges of parameters; of others the whole range of the method."""

FARTHEST = 10.0
"""Where the default range of a parameter without a limit ends."""


def searchable(loop: FeedbackMap) -> list[str]:
    """Return the parameters along which a loop can be searched."""
    whole = {each.name for each in loop.scheme.method.parameters if each.whole}
    return [name for name in loop.parameters if name not in whole]


def in_range(loop: FeedbackMap, along: str, values: ArrayLike, name: str) -> FloatArray:
    """Return values of a parameter of a loop, called ``name``, checked to be in its range."""
    low, high = _limits(loop, along)
    return validation.parameter(values, name, low=low, high=high)


def _limits(loop: FeedbackMap, along: str) -> tuple[float, float]:
    for each in loop.scheme.method.parameters:
        if each.name == along:
            return each.low, each.high
    return 0.0, np.inf if along == "beta" else 1.0


def default_range(loop: FeedbackMap, along: str) -> tuple[float, float]:
    """Return the range in which a parameter is searched unless another is given."""
    if along in RANGES:
        return RANGES[along]
    low, high = _limits(loop, along)
    return low, min(high, FARTHEST)
