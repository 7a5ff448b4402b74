"""Soft reference updates: the reference follows the policy, a share a round."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignsim import validation
from alignsim.feedback.methods.contract import Alias, Method, MethodFact, MethodFacts, Slot
from alignsim.feedback.methods.limits import root_of, up_to_root
from alignsim.feedback.methods.wiring import Wiring
from alignsim.parameters import Parameter
from alignsim.validation import FloatArray

ROUNDING = 1e-12
"""By how much shares may add up to more than all, and m differ from what is proved."""

FARTHEST_STEP = np.sqrt(2.0) - 1.0
"""Bound on (1−m)βλD/4 below which m ≤ ½ is proved to converge from everywhere."""


def _wire(w: Wiring, mixup: Any, alpha: Any, pull: Any) -> None:
    x, rho = w.slots
    t = w.stage(reference=alpha * x + (1.0 - alpha) * rho, opponent=x)
    w.update(t, mixup * t + (1.0 - mixup - pull) * rho + pull * w.reference)


def _check(mixup: FloatArray, alpha: FloatArray, pull: FloatArray) -> None:
    del alpha
    total = np.asarray(mixup + pull)
    validation.refuse_where(
        total > 1.0 + ROUNDING, "mixup + pull", total, "it must be at most 1, all of a reference"
    )


def _limit(mixup: FloatArray, alpha: FloatArray, pull: FloatArray) -> FloatArray:
    Q, q = 1.0 - mixup - pull, 1.0 - mixup
    h = alpha * (1.0 - mixup) + 1.0 - pull
    squared = (1.0 - Q * (h - alpha)) ** 2 - 2.0 * h * Q * (1.0 - alpha * Q)
    squared += 2.0 * Q**2 * (1.0 - (Q * alpha) ** 2)
    rest = (1.0 + alpha * Q - h) * (1.0 + alpha * Q + h)
    held = up_to_root(Q**2 * (1.0 - Q**2), squared, (1.0 - alpha * Q) ** 2 * rest)
    room = (1.0 + alpha * q) * (2.0 * q * (1.0 - alpha * q) - mixup * (1.0 + alpha * q))
    with np.errstate(divide="ignore", invalid="ignore"):
        free = np.where(room > 0.0, room / (q**2 * (1.0 + q)), 0.0)
    return root_of(np.where(pull == 0.0, free, held))


def _attraction(mixup: FloatArray, alpha: FloatArray, pull: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        bound = 4.0 * FARTHEST_STEP / (1.0 - mixup)
    bound = np.where((mixup > 0.0) & (mixup <= 0.5) & (pull == 0.0), bound, np.nan)
    two_sequences = np.abs((mixup + pull) * (2.0 - pull) - 1.0) <= ROUNDING
    bound = np.where(two_sequences, 2.0 * np.sqrt(1.0 - pull) * (2.0 - pull), bound)
    return np.where(alpha == 0.0, bound, np.nan)


def _fastest(target: FloatArray) -> dict[str, FloatArray]:
    """Return it by the optimistic scheme that a soft reference with α = 0 is, κ = e."""
    kappa = 1.0 / (np.hypot(1.0, target) + target)
    return {
        "mixup": 0.5 * (1.0 - kappa),
        "alpha": np.zeros_like(target),
        "pull": kappa,
        "y": 1.0 - kappa,
        "rate": (1.0 - kappa) / np.sqrt(2.0),
    }


def _sync(ref_model_mixup_alpha: Any) -> dict[str, Any]:
    return {"mixup": ref_model_mixup_alpha}


SOFT_REFERENCE = Method(
    name="soft_reference",
    update="x' = T(α·x + (1−α)·ρ, x); ρ' = m·x' + (1−m−e)·ρ + e·ref",
    slots=(Slot("x"), Slot("ρ")),
    parameters=(
        Parameter("mixup", "m, share of the new policy in the new reference"),
        Parameter("alpha", "α, share of the last policy in the reference of a round", 0.0),
        Parameter("pull", "e, share of the fixed reference in the new one; at most 1 − mixup", 0.0),
    ),
    wire=_wire,
    check=_check,
    source="TR-DPO, Gorbatovski et al. (2024), arXiv 2404.09656",
    aliases=(
        Alias(
            "tr_dpo_soft",
            (Parameter("ref_model_mixup_alpha", "share of the new policy in the reference", 0.6),),
            _sync,
            "Gorbatovski et al. (2024)",
        ),
        Alias(
            "sync_ref_model",
            (Parameter("ref_model_mixup_alpha", "as in TRL", 0.6),),
            _sync,
            "TRL; it interpolates weights, which for a tabular softmax are logits",
        ),
    ),
    facts=MethodFacts(
        limit=MethodFact(_limit, "schemes 4", "checked"),
        attraction=MethodFact(_attraction, "schemes 6 and 7.1"),
        fastest=MethodFact(
            _fastest, "schemes 5: as of optimistic; without an anchor m = ½", "checked"
        ),
    ),
)
