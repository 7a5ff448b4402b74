"""Replay: responses come from a buffer of past policies that forgets exponentially."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignsim.feedback.methods.contract import Method, MethodFact, MethodFacts, Slot
from alignsim.feedback.methods.limits import held_to_target, root_of
from alignsim.feedback.methods.parameters import KAPPA
from alignsim.feedback.methods.wiring import Wiring
from alignsim.parameters import Parameter
from alignsim.validation import FloatArray


def _wire(w: Wiring, fresh: Any, kappa: Any) -> None:
    x, d = w.slots
    held = kappa * w.reference + (1.0 - kappa) * x
    t = w.stage(reference=held, opponent=x)
    blended = (1.0 - fresh) * d + fresh * (t - held)
    w.update(held + blended, blended)


def _limit(fresh: FloatArray, kappa: FloatArray) -> FloatArray:
    a, kept = 1.0 - kappa, 1.0 - fresh
    with np.errstate(divide="ignore", invalid="ignore"):
        share = ((1.0 - a * kept) / (1.0 + a * kept)) ** 2
        square = kappa * (1.0 + a) * (2.0 - fresh) / fresh * share
    return root_of(np.where(kappa > 0.0, square, 0.0))


def _fastest(target: FloatArray) -> dict[str, FloatArray]:
    """Return it: nothing replayed, and mrs at its best."""
    kappa, y, rate = held_to_target(target)
    return {"fresh": np.ones_like(target), "kappa": kappa, "y": y, "rate": rate}


REPLAY = Method(
    name="replay",
    update="r = κ·ref + (1−κ)·x; d' = (1−δ)·d + δ·(T(r, x) − r); x' = r + d'",
    slots=(Slot("x"), Slot("d", "zero")),
    parameters=(
        Parameter("fresh", "δ, share of new responses in the buffer", None),
        KAPPA,
    ),
    wire=_wire,
    source="schemes 2; exact for IPO with both responses drawn from the buffer",
    facts=MethodFacts(
        limit=MethodFact(_limit, "schemes 4", "checked"),
        fastest=MethodFact(_fastest, "by minimisation: with new responses only", "checked"),
    ),
)
