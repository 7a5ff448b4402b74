"""Multiple reference signals: the reference mixes the current policy with a fixed one."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignsim.feedback.methods.contract import Alias, Method, MethodFact, MethodFacts, Slot
from alignsim.feedback.methods.limits import held_to_target, root_of
from alignsim.feedback.methods.parameters import ETA, OPTIONAL_PULL
from alignsim.feedback.methods.wiring import Wiring
from alignsim.parameters import SMALLEST, Parameter
from alignsim.validation import FloatArray


def _wire(w: Wiring, alpha: Any) -> None:
    (x,) = w.slots
    w.update(w.stage(reference=(1.0 - alpha) * w.reference + alpha * x, opponent=x))


def _limit(alpha: FloatArray) -> FloatArray:
    return root_of((1.0 - alpha) * (1.0 + alpha))


def _fastest(target: FloatArray) -> dict[str, FloatArray]:
    kappa, y, rate = held_to_target(target)
    return {"alpha": 1.0 - kappa, "y": y, "rate": rate}


def _unanchored(eta: Any) -> dict[str, Any]:
    return {"beta": eta, "alpha": 1.0}


def _mirror_descent(eta: Any, tau: Any) -> dict[str, Any]:
    return {"beta": eta, "alpha": 1.0 - eta * tau}


def _inpo(eta: Any, tau: Any) -> dict[str, Any]:
    return {"beta": 1.0 / eta, "alpha": 1.0 - tau / eta}


def _magnetic(eta: Any, tau: Any) -> dict[str, Any]:
    return {"beta": eta / (1.0 + eta * tau), "alpha": 1.0 / (1.0 + eta * tau)}


MRS = Method(
    name="mrs",
    update="x' = T(α·x + (1−α)·ref, x)",
    slots=(Slot("x"),),
    parameters=(Parameter("alpha", "α, share of the last policy in the reference", 0.0),),
    wire=_wire,
    acronym="MRS",
    source="Chen, He, Jordan and Yao (2026), arXiv 2602.12180",
    aliases=(
        Alias("sppo", (ETA,), _unanchored, "Wu et al. (2024), arXiv 2405.00675"),
        Alias("mwu", (ETA,), _unanchored, "multiplicative weights, Freund and Schapire (1999)"),
        Alias("hedge", (ETA,), _unanchored, "Freund and Schapire (1997)"),
        Alias(
            "omd", (ETA, OPTIONAL_PULL), _mirror_descent, "online mirror descent with a KL penalty"
        ),
        Alias(
            "inpo",
            (
                Parameter(
                    "eta", "η, weight of the KL to the last policy", low=SMALLEST, high=np.inf
                ),
                OPTIONAL_PULL,
            ),
            _inpo,
            "Zhang et al. (2024), arXiv 2407.00617; their η is the inverse of a step size",
        ),
        Alias(
            "mmd", (ETA, OPTIONAL_PULL), _magnetic, "magnetic mirror descent, Sokota et al. (2023)"
        ),
    ),
    facts=MethodFacts(
        limit=MethodFact(_limit, "theory 6.3: α² + (βλω)² < 1"),
        fastest=MethodFact(_fastest, "theory 6.9: ρ = C/√(1 + C²) for a target C"),
    ),
)
