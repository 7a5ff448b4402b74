"""A log held against the stability of the map that it is said to come from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignsim.analysis.equilibria.stability import stability
from alignsim.errors import InputError
from alignsim.feedback import FeedbackMap
from alignsim.reports.diagnosis.estimates import Interval

ROUNDING = 1e-6
"""By how much a value may miss an interval of width 0, or any other."""


class Theory(NamedTuple):
    """ρ, θ and α of a map, and what of them a log contradicts, in words."""

    rho: float
    theta: float
    alpha: float
    verdict: str


NO_THEORY = Theory(np.nan, np.nan, np.nan, "")


def compared(loop: FeedbackMap, rho: Interval, theta: Interval, alpha: Interval) -> Theory:
    """Return what the map's stability says, and whether it lies in the intervals of a log."""
    local = stability(loop)
    if np.isnan(local.spectral_radius):
        return Theory(np.nan, np.nan, float(loop.alpha), "The map has no rest point to compare.")
    expected = float(local.spectral_radius), float(local.angle), float(loop.alpha)
    missed = [
        f"{name} = {value:.4g}{unit}"
        for name, unit, factor, value, (low, _, high) in zip(
            ("ρ", "θ", "α"),
            ("", "°", ""),
            (1.0, 180.0 / np.pi, 1.0),
            (expected[0], np.degrees(expected[1]), expected[2]),
            (rho, theta, alpha),
            strict=True,
        )
        if not low * factor - ROUNDING <= value <= high * factor + ROUNDING
    ]
    if not missed:
        return Theory(*expected, "The map's ρ, θ and α lie in the intervals.")
    told = f"The log contradicts the map's {' and '.join(missed)}."
    if not alpha[0] - ROUNDING <= expected[2] <= alpha[2] + ROUNDING:
        told += " Another α: the round has memory or another form."
    return Theory(*expected, told)


def check_loop(loop: FeedbackMap, responses: int) -> None:
    """Refuse a batch of maps, and one of other responses than a log's."""
    if loop.shape:
        raise InputError("loop", f"is a batch of shape {loop.shape}", "give one map")
    if loop.responses != responses:
        told = f"has {loop.responses} responses, and the log has {responses}"
        raise InputError("loop", told, "give the map of the same responses, in the same order")
