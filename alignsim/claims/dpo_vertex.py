"""DPO where one response is all that is sampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import alignsim as asim
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, agreement
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class DPOVertex(Claim):
    """The score at a vertex sampler against log-odds."""

    statement: ClassVar[str] = (
        "If only response c is sampled, μ = e_c, and P is in (0, 1), the DPO score is "
        "v_i − v_c = logit P_ic."
    )
    section: ClassVar[str] = "3.6"
    tolerance: float = 1e-9
    gain: float = 1.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw preferences in [1e-6, 1 − 1e-6] and a vertex each."""
        K = int(rng.integers(2, 7))
        return {
            "P": draw.preferences(rng, trials, K, smallest=1e-6),
            "vertex": rng.integers(0, K, trials).astype(float),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Compare the score with the log-odds."""
        vertex = x["vertex"].astype(int)
        sampler = np.eye(x["P"].shape[-1])[vertex]
        v = asim.simplex.centred_logits(asim.dpo_optimum(x["P"], sampler, beta=0.1)) / 0.1
        against = np.take_along_axis(x["P"], vertex[:, None, None], axis=-1)[..., 0]
        odds = self.gain * np.log(against / (1.0 - against))
        return agreement(v, asim.simplex.centre(odds), self.tolerance)
