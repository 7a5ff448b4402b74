"""When IPO does not care what is sampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import alignsim as asim
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, agreement
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class IPOSamplingIrrelevance(Claim):
    """Optima under two samplers, of additive preferences; Bradley-Terry is not enough."""

    statement: ClassVar[str] = (
        "If P_ij − ½ = r_i − r_j for some rewards r, the IPO optimum is ∝ π_ref e^{βr} for every "
        "sampler μ."
    )
    section: ClassVar[str] = "2.3"
    tolerance: float = 1e-10
    gain: float = 1.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw rewards within ½ of each other, equal ones among the first, and samplers."""
        K = int(rng.integers(2, 7))
        rewards = rng.uniform(-0.25, 0.25, (trials, K))
        rewards[0] = 0.0
        return {
            "P": 0.5 + rewards[:, :, None] - rewards[:, None, :],
            "rewards": rewards,
            "sampler": draw.policies(rng, trials, K),
            "reference": draw.policies(rng, trials, K, smallest=1e-6),
            "beta": draw.log_uniform(rng, trials, 1e-2, 100.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Compare the optimum with the tilted reference."""
        optimum = asim.ipo_optimum(x["P"], x["sampler"], reference=x["reference"], beta=x["beta"])
        tilted = np.log(x["reference"]) + self.gain * x["beta"][:, None] * x["rewards"]
        return agreement(asim.simplex.softmax(tilted), optimum, self.tolerance)

    def counterexample(self) -> Instances:
        """Return Bradley-Terry preferences, which are not additive."""
        rewards = np.array([[1.0, 0.0, -1.0]])
        return {
            "P": asim.preferences.bradley_terry(rewards),
            "rewards": rewards,
            "sampler": np.array([[0.8, 0.1, 0.1]]),
            "reference": np.full((1, 3), 1 / 3),
            "beta": np.array([1.0]),
        }
