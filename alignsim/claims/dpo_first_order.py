"""The one-shot DPO optimum as the zero of a row system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit

import alignsim as asim
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class DPOFirstOrder(Claim):
    """No move of the logits lowers the DPO loss under μ⊗μ, and S(v)μ = Pμ."""

    statement: ClassVar[str] = (
        "For P in (0, 1) and a full-support sampler μ the minimiser of the DPO loss under μ⊗μ is "
        "softmax(log π_ref + βv) with S(v)μ = Pμ, S_ij = σ(v_i − v_j)."
    )
    source: ClassVar[str] = "literature"
    section: ClassVar[str] = "3.1, 3.2"
    tolerance: float = 1e-9
    slope: float = 1.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw preferences in [.01, .99] and samplers."""
        K = int(rng.integers(2, 6))
        return {
            "P": draw.preferences(rng, trials, K, smallest=0.01),
            "sampler": draw.policies(rng, trials, K, smallest=1e-6),
            "reference": draw.policies(rng, trials, K, smallest=1e-6),
            "beta": draw.log_uniform(rng, trials, 0.05, 3.0),
            "direction": rng.normal(size=(trials, K)),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of the row system, and of the loss against a step in a direction."""
        optimum = asim.dpo_optimum(x["P"], x["sampler"], reference=x["reference"], beta=x["beta"])
        v = (np.log(optimum) - np.log(x["reference"])) / x["beta"][:, None]
        gap = v[:, :, None] - v[:, None, :]
        miss = ((expit(self.slope * gap) - x["P"]) @ x["sampler"][..., None])[..., 0]
        row = 1.0 - np.abs(miss).max(axis=-1) / self.tolerance
        rise = self._loss(x, v + 1e-3 * x["direction"]) - self._loss(x, v)
        return np.minimum(row, (rise + 1e-14) / 1e-14)

    @staticmethod
    def _loss(x: Instances, v: FloatArray) -> FloatArray:
        gap = v[:, :, None] - v[:, None, :]
        weights = x["sampler"][:, :, None] * x["sampler"][:, None, :]
        return np.asarray((weights * x["P"] * np.logaddexp(0.0, -gap)).sum(axis=(-2, -1)))
