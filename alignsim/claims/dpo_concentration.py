"""How the DPO score answers to a change of the sampler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit

import alignsim as asim
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, agreement
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class DPOConcentration(Claim):
    """The weighted growth of gaps, from finite differences, against a covariance."""

    statement: ClassVar[str] = (
        "For a change δμ of a full-support sampler, ½Σ μ_iμ_jσ'(v_i − v_j)(v_i − v_j)(δv_i − δv_j) "
        "= Cov_μ(v, (P − S)δμ) to first order: weighted gaps of the DPO score grow exactly if the "
        "covariance is positive."
    )
    source: ClassVar[str] = "paper"
    section: ClassVar[str] = "3.7"
    tolerance: float = 1e-6
    gain: float = 1.0
    step: float = 1e-5

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw preferences, samplers, directions of sum 0; Bradley-Terry, where it is 0, first."""
        K = int(rng.integers(3, 6))
        P = draw.preferences(rng, trials, K, smallest=0.02)
        P[0] = asim.preferences.bradley_terry(np.linspace(1.0, -1.0, K))
        direction = rng.normal(size=(trials, K))
        return {
            "P": P,
            "sampler": 0.9 * rng.dirichlet(np.ones(K), trials) + 0.1 / K,
            "direction": direction - direction.mean(axis=-1, keepdims=True),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Compare a central difference with the covariance."""
        mu, shift = x["sampler"], self.step * x["direction"]
        v = _scores(x["P"], mu)
        moved = (_scores(x["P"], mu + shift) - _scores(x["P"], mu - shift)) / (2.0 * self.step)
        gap, growth = v[:, :, None] - v[:, None, :], moved[:, :, None] - moved[:, None, :]
        win = expit(gap)
        pairs = mu[:, :, None] * mu[:, None, :] * win * (1.0 - win)
        weighted = 0.5 * (pairs * gap * growth).sum(axis=(-2, -1))
        push = ((x["P"] - win) @ x["direction"][..., None])[..., 0]
        mean = (mu * v).sum(axis=-1), (mu * push).sum(axis=-1)
        covariance = (mu * v * push).sum(axis=-1) - mean[0] * mean[1]
        return agreement(weighted, self.gain * covariance, self.tolerance)


def _scores(P: FloatArray, sampler: FloatArray) -> FloatArray:
    return asim.simplex.centred_logits(asim.dpo_optimum(P, sampler, beta=1.0))
