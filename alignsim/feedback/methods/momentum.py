"""Momentum: a step plus a share of how far the last optimum moved."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignsim.feedback.methods.contract import Alias, Method, MethodFact, MethodFacts, Slot
from alignsim.feedback.methods.limits import held_to_target, root_of, up_to_root
from alignsim.feedback.methods.parameters import ETA, KAPPA
from alignsim.feedback.methods.wiring import Wiring
from alignsim.parameters import Parameter
from alignsim.validation import FloatArray


def _wire(w: Wiring, momentum: Any, kappa: Any) -> None:
    x, y = w.slots
    t = w.stage(reference=kappa * w.reference + (1.0 - kappa) * x, opponent=x)
    w.update(t + momentum * (t - y), t)


def _limit(momentum: FloatArray, kappa: FloatArray) -> FloatArray:
    m, a = momentum, 1.0 - kappa
    linear = (1.0 + m) ** 2 * (1.0 - 2.0 * a * m) + 2.0 * m * m
    largest = up_to_root(m * m * (1.0 + 2.0 * m), linear, np.ones_like(a + m))
    with np.errstate(divide="ignore"):
        largest = np.minimum(largest, 1.0 / (m * m))
    return root_of(largest - a * a)


def _fastest(target: FloatArray) -> dict[str, FloatArray]:
    """Return it: no momentum, and mrs at its best."""
    kappa, y, rate = held_to_target(target)
    return {"momentum": np.zeros_like(target), "kappa": kappa, "y": y, "rate": rate}


def _apo(extrapolation: Any, eta: Any) -> dict[str, Any]:
    return {"beta": eta, "momentum": extrapolation, "kappa": 0.0}


MOMENTUM = Method(
    name="momentum",
    update="t = T(κ·ref + (1−κ)·x, x); x' = t + m·(t − y); y' = t",
    slots=(Slot("x"), Slot("y")),
    parameters=(
        Parameter("momentum", "m, weight of the last move", None, -1.0, 1.0),
        KAPPA,
    ),
    wire=_wire,
    source="Polyak (1964), Nesterov (1983)",
    aliases=(
        Alias(
            "apo",
            (
                Parameter("extrapolation", "m, weight of the last move", None, -1.0, 1.0),
                ETA,
            ),
            _apo,
            "accelerated preference optimisation, He, Yuan and Gu (2024), arXiv 2410.06293",
            starts=("start", "reference"),
        ),
    ),
    facts=MethodFacts(
        limit=MethodFact(_limit, "schemes 4"),
        fastest=MethodFact(_fastest, "by minimisation: without momentum", "checked"),
    ),
)
