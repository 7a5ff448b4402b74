"""How fast any feedback map can turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import alignsim as asim
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances
from alignsim.validation import FloatArray

RESPONSES = 31
"""Smaller games are contained: policies of small support do not see the other responses."""


@dataclass(frozen=True)
class RotationBound(Claim):
    """ω of random, extremal and adversarially improved matrices, against the universal bound."""

    statement: ClassVar[str] = (
        "For every K, P with P + Pᵀ = 1 and policy, ω = ‖J^½MJ^½‖₂ ≤ (2/π)·max|P_ij − ½| ≤ 1/π. So "
        "βλ ≤ π·√(1 − α²) is never locally unstable. Sharp for balanced cycles as K → ∞."
    )
    section: ClassVar[str] = "6.3"
    gain: float = 1.0
    ascents: int = 3

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw P and policies over 31 responses; balanced cycles, nearly extremal, are first."""
        K = RESPONSES
        P = draw.preferences(rng, trials, K)
        concentration = draw.log_uniform(rng, trials, 0.05, 1e3)
        weights = rng.gamma(concentration[:, None], size=(trials, K)) + 1e-100
        policy = weights / weights.sum(axis=-1, keepdims=True)
        improved = np.arange(trials) % 2 == 1
        for _ in range(self.ascents):
            P[improved] = _steepest(P[improved], policy[improved])
        P[:3] = asim.preferences.cyclic(K, advantage=[0.5, 1e-6, 0.25])[:trials]
        policy[:3] = 1.0 / K
        return {"P": P, "policy": policy}

    def margin(self, x: Instances) -> FloatArray:
        """Return 1 − ω/bound."""
        omega = asim.analysis.omega(x["P"], np.log(x["policy"]))
        largest = np.abs(x["P"] - 0.5).max(axis=(-2, -1))
        return np.asarray(1.0 - omega / (self.gain * 2.0 / np.pi * largest))


def _steepest(P: FloatArray, policy: FloatArray) -> FloatArray:
    """Return the P whose margins ±½ have the largest component in the fastest plane of ``P``."""
    q = np.sqrt(policy)[..., None]
    projection = np.eye(P.shape[-1]) - q * np.swapaxes(q, -1, -2)
    turn = projection @ (q * (P - 0.5) * np.swapaxes(q, -1, -2)) @ projection
    left, _, right = np.linalg.svd(turn)
    u, v = q[..., 0] * left[..., 0], q[..., 0] * right[..., 0, :]
    plane = u[:, :, None] * v[:, None, :]
    return np.asarray(0.5 + 0.5 * np.sign(plane - np.swapaxes(plane, -1, -2)))
