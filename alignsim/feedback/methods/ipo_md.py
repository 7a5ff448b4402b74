"""IPO-MD: a fixed reference, and an opponent that mixes it with the current policy."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignsim.feedback.methods.contract import Method, MethodFact, MethodFacts, Slot
from alignsim.feedback.methods.wiring import Wiring
from alignsim.parameters import Parameter
from alignsim.validation import FloatArray


def _wire(w: Wiring, mixture: Any) -> None:
    (x,) = w.slots
    w.update(w.stage(w.reference, opponent=mixture * w.reference + (1.0 - mixture) * x))


def _limit(mixture: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.asarray(1.0 / (1.0 - mixture))


def _attraction(mixture: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.asarray(4.0 / (1.0 - mixture))


IPO_MD = Method(
    name="ipo_md",
    update="x' = T(ref, b·ref + (1−b)·x)",
    slots=(Slot("x"),),
    parameters=(Parameter("mixture", "b, share of the fixed reference in the opponent"),),
    wire=_wire,
    source="Calandriello et al. (2024), arXiv 2403.08635",
    facts=MethodFacts(
        limit=MethodFact(_limit, "schemes 4: (1−b)y < 1"),
        attraction=MethodFact(_attraction, "theory 6.5, C3: a round shrinks spans by (1−b)βλD/4"),
    ),
)
