"""When DPO does not care what is sampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import alignsim as asim
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances
from alignsim.preferences import bradley_terry_residual
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class DPOSamplingInsensitivity(Claim):
    """DPO scores under many samplers: they agree if and only if P is Bradley-Terry."""

    statement: ClassVar[str] = (
        "The DPO score is the same for every full-support sampler if and only if P is "
        "Bradley-Terry, P_ij = σ(r_i − r_j)."
    )
    source: ClassVar[str] = "paper"
    section: ClassVar[str] = "3.4"
    tolerance: float = 1e-9
    scale: float = 1.0
    """Of the margins P − ½; any other than 1 spoils a Bradley-Terry matrix."""
    share: float = 0.1
    """How much of the Bradley-Terry residual must at least show between samplers."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw Bradley-Terry matrices in every second trial, others between."""
        K = int(rng.integers(3, 6))
        rewards = rng.uniform(-1.5, 1.5, (trials, K))
        P = asim.preferences.bradley_terry(rewards)
        odd = np.arange(trials) % 2 == 1
        P[odd] = draw.preferences(rng, int(odd.sum()), K, smallest=0.02)
        return {"P": P, "samplers": rng.dirichlet(np.ones(K), (trials, 6)) * 0.99 + 0.01 / K}

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of agreement, or of disagreement where P is not Bradley-Terry."""
        K = x["P"].shape[-1]
        nearly = np.eye(K) * 0.98 + 0.02 / K
        all_ = np.concatenate([x["samplers"], np.broadcast_to(nearly, (len(x["P"]), K, K))], axis=1)
        P = 0.5 + self.scale * (x["P"] - 0.5)
        score = asim.simplex.centred_logits(asim.dpo_optimum(P[:, None], all_, beta=1.0))
        spread = np.ptp(score, axis=1).max(axis=-1)
        residual = bradley_terry_residual(x["P"])
        exact = residual < 1e-9
        sensitive = spread / np.where(exact, 1.0, residual) - self.share
        return np.where(exact, 1.0 - spread / self.tolerance, sensitive)
