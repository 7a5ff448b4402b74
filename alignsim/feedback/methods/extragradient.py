"""Extragradient: look one step ahead, then step from where the round began."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignsim.feedback.methods.contract import (
    Alias,
    Method,
    MethodFact,
    MethodFacts,
    Slot,
)
from alignsim.feedback.methods.limits import root_of, up_to_root
from alignsim.feedback.methods.parameters import ETA, KAPPA, OPTIONAL_PULL, mirror_step
from alignsim.feedback.methods.wiring import Wiring
from alignsim.validation import FloatArray

SMALLEST_TARGET = 1e-50
"""Of which κ is 1 to the last digit, as of 0."""

ITERATIONS = 12
"""Of a Newton iteration that begins within √2 of the root or so."""


def _wire(w: Wiring, kappa: Any) -> None:
    (x,) = w.slots
    held = kappa * w.reference + (1.0 - kappa) * x
    ahead = w.stage(reference=held, opponent=x)
    w.update(w.stage(reference=held, opponent=ahead))


def _limit(kappa: FloatArray) -> FloatArray:
    a = 1.0 - kappa
    return root_of(up_to_root(np.ones_like(a), a * a - 2.0 * a, kappa * (1.0 + a)))


def _attraction(kappa: FloatArray) -> FloatArray:
    return 4.0 * np.sqrt(1.0 - kappa)


def _shrinks(kappa: FloatArray) -> FloatArray:
    return 1.0 - kappa


def _fastest(target: FloatArray) -> dict[str, FloatArray]:
    """Return it: with y = κC, dρ²/dκ = 2(2C²(1+C²)κ³ + (1−C²)κ − 1), which rises through 0 once.

    In y and u = 1/C: 2(1+u²)y³ − (1−u²)y = u, by Newton's method from above, where it is convex.
    """
    u = 1.0 / np.maximum(target, SMALLEST_TARGET)
    square = u * u
    y = np.clip(target, SMALLEST_TARGET, 1.0)
    for _ in range(ITERATIONS):
        slope = 6.0 * (1.0 + square) * y * y - (1.0 - square)
        y = y - (2.0 * (1.0 + square) * y**3 - (1.0 - square) * y - u) / slope
    kappa = u * y
    a = 1.0 - kappa
    return {"kappa": kappa, "y": y, "rate": np.hypot(a - y * y, a * y)}


def _prox(eta: Any, tau: Any) -> dict[str, Any]:
    return {"beta": eta / (1.0 + eta * tau), "kappa": eta * tau / (1.0 + eta * tau)}


_STEP = (ETA, OPTIONAL_PULL)

EXTRAGRADIENT = Method(
    name="extragradient",
    update="t_1 = T(κ·ref + (1−κ)·x, x); x' = T(κ·ref + (1−κ)·x, t_1)",
    slots=(Slot("x"),),
    parameters=(KAPPA,),
    wire=_wire,
    source="Korpelevich (1976); Zhou et al. (2025), arXiv 2503.08942",
    aliases=(
        Alias("egpo", _STEP, mirror_step, "Zhou et al. (2025), arXiv 2503.08942"),
        Alias(
            "nash_mirror_prox", _STEP, _prox, "mirror prox, Nemirovski (2004), the penalty implicit"
        ),
    ),
    facts=MethodFacts(
        limit=MethodFact(_limit, "schemes 4", "checked"),
        one_policy=MethodFact(True, "schemes 4"),
        attraction=MethodFact(_attraction, "schemes 6"),
        attraction_rate=MethodFact(_shrinks, "schemes 6: of KL(π*‖π)"),
        fastest=MethodFact(_fastest, "by calculus; at fixed κ see schemes 5"),
    ),
)
