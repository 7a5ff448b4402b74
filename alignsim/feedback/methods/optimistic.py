"""Optimism: a step plus the change of the last step."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignsim.feedback.methods.contract import Alias, Method, MethodFact, MethodFacts, Slot
from alignsim.feedback.methods.limits import root_of, up_to_root
from alignsim.feedback.methods.parameters import ETA, KAPPA, OPTIONAL_PULL, mirror_step
from alignsim.feedback.methods.wiring import Wiring
from alignsim.parameters import Parameter
from alignsim.validation import FloatArray

ROUNDING = 1e-15
"""By how much c may differ from 1 − κ."""


def _wire(w: Wiring, optimism: Any, kappa: Any) -> None:
    x, d = w.slots
    held = kappa * w.reference + (1.0 - kappa) * x
    t = w.stage(reference=held, opponent=x)
    w.update(t + optimism * (t - held - d), t - held)


def _limit(optimism: FloatArray, kappa: FloatArray) -> FloatArray:
    c, a = optimism, 1.0 - kappa
    linear = (1.0 + c - a * c) ** 2 - 2.0 * a * c * (1.0 + c) + 2.0 * c * c
    return root_of(up_to_root(c * c * (1.0 + 2.0 * c), linear, kappa * (1.0 + a)))


def _attraction(optimism: FloatArray, kappa: FloatArray) -> FloatArray:
    proved = np.abs(optimism + kappa - 1.0) <= ROUNDING
    return np.where(proved, 2.0 * np.sqrt(1.0 - kappa), np.nan)


def _shrinks(optimism: FloatArray, kappa: FloatArray) -> FloatArray:
    del optimism
    return 1.0 - kappa


def _fastest(target: FloatArray) -> dict[str, FloatArray]:
    kappa = 1.0 / (np.hypot(1.0, target) + target)  # √(1 + C²) − C
    return {
        "optimism": (1.0 - kappa) / (1.0 + kappa),
        "kappa": kappa,
        "y": 0.5 * (1.0 - kappa * kappa),  # κC
        "rate": (1.0 - kappa) / np.sqrt(2.0),
    }


def _omwu(eta: Any, tau: Any) -> dict[str, Any]:
    return {**mirror_step(eta, tau), "optimism": 1.0 - eta * tau}


def _onpo(eta: Any) -> dict[str, Any]:
    return {"beta": eta, "kappa": 0.0, "optimism": 1.0}


OPTIMISTIC = Method(
    name="optimistic",
    update="t = T(κ·ref + (1−κ)·x, x); d' = t − κ·ref − (1−κ)·x; x' = t + c·(d' − d)",
    slots=(Slot("x"), Slot("d", "zero")),
    parameters=(
        Parameter("optimism", "c, weight of the change of the last step", 1.0, high=np.inf),
        KAPPA,
    ),
    wire=_wire,
    source="Popov (1980); Rakhlin and Sridharan (2013)",
    aliases=(
        Alias(
            "omwu",
            (ETA, OPTIONAL_PULL),
            _omwu,
            "Cen, Wei and Chi (2021), arXiv 2105.15186, two sequences that begin as one",
            starts=("start", "score"),
        ),
        Alias(
            "onpo",
            (ETA,),
            _onpo,
            "Zhang et al. (2025), arXiv 2502.16852",
            starts=("start", "score"),
        ),
    ),
    facts=MethodFacts(
        limit=MethodFact(_limit, "schemes 4", "checked"),
        attraction=MethodFact(_attraction, "schemes 6, for c = 1 − κ"),
        attraction_rate=MethodFact(_shrinks, "schemes 6: of KL(π*‖X) + KL(π‖X)"),
        fastest=MethodFact(_fastest, "schemes 5: ρ = (1−κ)/√2", "checked"),
    ),
)
