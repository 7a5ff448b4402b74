"""Hard reference updates: the reference is reset to the policy every n rounds of training."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignsim.feedback.methods.contract import Alias, Method, MethodFact, MethodFacts, Slot
from alignsim.feedback.methods.parameters import PULL
from alignsim.feedback.methods.wiring import Combination, Wiring
from alignsim.parameters import Parameter
from alignsim.validation import FloatArray

MOST = 1000
"""Rounds of training between two resets."""


def _wire(w: Wiring, every: Any, alpha: Any) -> None:
    (x,) = w.slots
    longest = int(np.real(np.max(every, initial=1.0)))
    optima = [w.stage(reference=x, opponent=x)]
    for _ in range(1, longest):
        last = optima[-1]
        optima.append(w.stage(reference=alpha * last + (1.0 - alpha) * x, opponent=last))
    if np.size(every) == 1 or (np.real(every) == longest).all():
        w.update(optima[-1])
        return
    ends = [(np.real(every) == n) * 1.0 for n in range(1, longest + 1)]
    total = Combination({})
    for end, optimum in zip(ends, optima, strict=True):
        if np.any(end):
            total = total + end * optimum
    w.update(total)


def _limit(every: FloatArray, alpha: FloatArray) -> FloatArray:
    n, a = np.broadcast_arrays(every, alpha)
    pairs, place = np.unique(np.stack([n.ravel(), a.ravel()], axis=-1), axis=0, return_inverse=True)
    limits = np.array([_limit_of(int(count), share) for count, share in pairs])
    return np.asarray(limits[place.ravel()].reshape(n.shape))


def _limit_of(n: int, a: float) -> float:
    """Return the least y > 0 with 2(1−α)·Im((α+iy)ⁿ)/y + (α²+y²)ⁿ = 1, 0 if it begins above."""
    line = (np.polynomial.Polynomial([a, 1j]) ** n).coef
    odd = np.asarray(line.imag, dtype=np.float64)  # of y, y³, …
    power = np.asarray((np.polynomial.Polynomial([a * a, 0.0, 1.0]) ** n).coef, dtype=np.float64)
    test = np.zeros(2 * n + 1)
    test[: len(power)] += power
    test[: len(odd) - 1] += 2.0 * (1.0 - a) * odd[1:]
    test[0] -= 1.0
    if test[0] > 0.0 or n == 1 or a == 1.0:
        return 0.0
    even = np.polynomial.Polynomial(test[::2]).roots()
    real = even[np.abs(even.imag) <= 1e-9 * (1.0 + np.abs(even))].real
    positive = real[real > 1e-12]
    return float(np.sqrt(positive.min())) if len(positive) else np.inf


def _attraction(every: FloatArray, alpha: FloatArray) -> FloatArray:
    return np.where((every == 2.0) & (alpha == 0.0), 4.0, np.nan)


def _fastest(target: FloatArray) -> dict[str, FloatArray]:
    return {
        "every": np.full_like(target, 3.0),
        "alpha": np.zeros_like(target),
        "y": np.ones_like(target),
        "rate": np.zeros_like(target),
    }


def _comal(eta: Any, tau: Any, inner: Any) -> dict[str, Any]:
    return {"beta": eta, "alpha": 1.0 - eta * tau, "every": inner}


def _tr_dpo(ref_model_sync_steps: Any) -> dict[str, Any]:
    return {"every": ref_model_sync_steps}


_EVERY = Parameter("every", "n, rounds of training between two resets", None, 1.0, MOST, whole=True)

HARD_REFERENCE = Method(
    name="hard_reference",
    update="t_1 = T(x, x); t_i = T(α·t_{i−1} + (1−α)·x, t_{i−1}); x' = t_n",
    slots=(Slot("x"),),
    parameters=(
        _EVERY,
        Parameter("alpha", "α, share of the last policy in the reference of a round", 0.0),
    ),
    wire=_wire,
    source="TR-DPO, Gorbatovski et al. (2024), arXiv 2404.09656; one round is n rounds of training",
    aliases=(
        Alias(
            "comal",
            (
                Parameter("eta", "η, step size of the inner rounds", high=np.inf),
                PULL,
                Parameter("inner", "rounds of INPO between two resets", None, 1.0, MOST, True),
            ),
            _comal,
            "Liu et al. (2024), arXiv 2410.23223",
        ),
        Alias(
            "tr_dpo_hard",
            (
                Parameter(
                    "ref_model_sync_steps", "rounds between two resets", None, 1.0, MOST, True
                ),
            ),
            _tr_dpo,
            "Gorbatovski et al. (2024); TRL counts optimiser steps, of which a round here is as "
            "many as reach the optimum",
        ),
    ),
    facts=MethodFacts(
        limit=MethodFact(_limit, "schemes 4", "checked"),
        attraction=MethodFact(_attraction, "schemes 6 and 7.3: two rounds are extragradient's"),
        fastest=MethodFact(_fastest, "schemes 5: the multiplier (1−y²)(1+iy) vanishes at y = 1"),
    ),
)
