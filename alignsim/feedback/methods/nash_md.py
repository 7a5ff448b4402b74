"""Nash-MD: reference and opponent are the same mixture with the fixed reference."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignsim.feedback.methods.contract import Alias, Method, MethodFact, MethodFacts, Slot
from alignsim.feedback.methods.limits import held_to_target, root_of
from alignsim.feedback.methods.parameters import ETA, PULL, mirror_step
from alignsim.feedback.methods.wiring import Wiring
from alignsim.parameters import Parameter
from alignsim.validation import FloatArray


def _wire(w: Wiring, kappa: Any) -> None:
    (x,) = w.slots
    mixture = kappa * w.reference + (1.0 - kappa) * x
    w.update(w.stage(reference=mixture, opponent=mixture))


def _limit(kappa: FloatArray) -> FloatArray:
    a = 1.0 - kappa
    with np.errstate(divide="ignore"):
        return root_of(kappa * (1.0 + a) / (a * a))


def _attraction(kappa: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.asarray(4.0 * kappa / (1.0 - kappa))


def _fastest(target: FloatArray) -> dict[str, FloatArray]:
    """Return it by η = βa/κ: the multiplier a + iay is a + iκC, and y = 1/C."""
    kappa, _, rate = held_to_target(target)
    return {"kappa": kappa, "y": 1.0 / np.maximum(target, 1e-300), "rate": rate}


NASH_MD = Method(
    name="nash_md",
    update="x' = T(κ·ref + (1−κ)·x, κ·ref + (1−κ)·x)",
    slots=(Slot("x"),),
    parameters=(Parameter("kappa", "κ, share of the fixed reference"),),
    wire=_wire,
    source="Munos et al. (2023), arXiv 2312.00886",
    aliases=(
        Alias(
            "nash_mirror_descent",
            (ETA, PULL),
            mirror_step,
            "Munos et al. (2023), arXiv 2312.00886",
        ),
    ),
    facts=MethodFacts(
        limit=MethodFact(_limit, "schemes 4: a²(1 + y²) < 1"),
        attraction=MethodFact(_attraction, "theory 6.5, C3: a round shrinks spans by a + aβλD/4"),
        fastest=MethodFact(_fastest, "as of mrs: ρ = C/√(1 + C²) for a target C"),
    ),
)
