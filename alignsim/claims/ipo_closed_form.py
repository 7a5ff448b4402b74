"""The one-shot IPO optimum in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import alignsim as asim
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, agreement
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class IPOClosedForm(Claim):
    """The optimum of the pair loss, solved as least squares, against softmax(log ref + βPμ)."""

    statement: ClassVar[str] = (
        "For a full-support sampler μ the minimiser of the IPO pair loss under μ⊗μ is "
        "π* = softmax(log π_ref + βPμ)."
    )
    source: ClassVar[str] = "paper"
    section: ClassVar[str] = "2.1, 2.2"
    tolerance: float = 1e-9
    gain: float = 1.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw K = 4 problems, β from 0.01 to 30."""
        return {
            "P": draw.preferences(rng, trials, 4),
            "sampler": draw.policies(rng, trials, 4, smallest=1e-4),
            "reference": draw.policies(rng, trials, 4),
            "beta": draw.log_uniform(rng, trials, 1e-2, 30.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Compare with the normal equations of the weighted least-squares problem."""
        score = (x["P"] @ x["sampler"][..., None])[..., 0]
        logits = np.log(x["reference"]) + self.gain * x["beta"][:, None] * score
        weights = x["sampler"][:, :, None] * x["sampler"][:, None, :]
        optimum = asim.ipo_optimum(
            x["P"], pair_weights=weights, reference=x["reference"], beta=x["beta"]
        )
        return agreement(asim.simplex.softmax(logits), optimum, self.tolerance)
