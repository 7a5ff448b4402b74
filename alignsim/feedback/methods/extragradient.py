"""Extragradient: look one step ahead, then step from where the round began."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignsim.feedback.methods.contract import (
    Alias,
    Method,
    MethodFact,
    MethodFacts,
    Parameter,
    Slot,
)
from alignsim.feedback.methods.limits import root_of, up_to_root
from alignsim.feedback.methods.wiring import Wiring
from alignsim.validation import FloatArray


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


def _fastest(target: FloatArray) -> dict[str, FloatArray]:
    """Return it by ρ² = a³(4−a)/4 at y² = a(2−a)/2, where κ·target = y."""
    kappa = _anchor(target)
    a = 1.0 - kappa
    return {
        "kappa": kappa,
        "y": np.sqrt(0.5 * a * (2.0 - a)),
        "rate": np.sqrt(0.25 * a**3 * (4.0 - a)),
    }


def _anchor(target: FloatArray) -> FloatArray:
    """Return κ with κ²C² = (1−κ)(1+κ)/2: y² = a(2−a)/2 at the target C."""
    return np.asarray(1.0 / np.sqrt(1.0 + 2.0 * target**2))


def _egpo(eta: Any, tau: Any) -> dict[str, Any]:
    return {"beta": eta, "kappa": eta * tau}


_STEP = (
    Parameter("eta", "step size", high=np.inf),
    Parameter("tau", "strength of the pull to the reference", 0.0, high=np.inf),
)

EXTRAGRADIENT = Method(
    name="extragradient",
    update="t_1 = T(κ·ref + (1−κ)·x, x); x' = T(κ·ref + (1−κ)·x, t_1)",
    slots=(Slot("x"),),
    parameters=(Parameter("kappa", "κ, share of the fixed reference", 0.0),),
    wire=_wire,
    source="Korpelevich (1976); Zhou et al. (2025), arXiv 2503.08942",
    aliases=(
        Alias("egpo", _STEP, _egpo, "Zhou et al. (2025), arXiv 2503.08942"),
        Alias("nash_mirror_prox", _STEP, _egpo, "Nemirovski (2004), with a KL penalty"),
    ),
    facts=MethodFacts(
        limit=MethodFact(_limit, "schemes 4"),
        one_policy=MethodFact(True, "schemes 4"),
        attraction=MethodFact(_attraction, "schemes 6: KL(π*‖π) shrinks by 1 − κ a round"),
        fastest=MethodFact(_fastest, "schemes 5, at fixed κ", "checked"),
    ),
)
