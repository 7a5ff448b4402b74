"""Rejection sampling (RSO): both responses from an estimate of the optimal policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from alignsim import simplex
from alignsim.objectives.comparison import Pairs, ProductPairs
from alignsim.objectives.samplers.contract import Slopes, Stage
from alignsim.objectives.samplers.rewards import OfRewards
from alignsim.parameters import Parameter


@dataclass(frozen=True)
class Rejection(OfRewards):
    """Both responses are drawn from π̂* ∝ π_ref·e^{sβr}, by rejection from the stage's reference.

    The rewards r are those given, or the Bradley-Terry fit of P, which is what a reward model
    learns. Sharpness s = 1 estimates the optimum at the loop's β; 0 samples from the reference, and
    large values come near best-of-n.
    """

    name: ClassVar[str] = "rejection"
    draws: ClassVar[str] = "π̂* ⊗ π̂*, π̂* ∝ π_ref·e^{sβr}"
    source: ClassVar[str] = "Liu et al. (2023), RSO, arXiv 2309.06657"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("sharpness", "s, how much of β sharpens the sampled estimate", 1.0, high=np.inf),
    )
    sharpness: Any = 1.0

    def pairs(self, stage: Stage) -> ProductPairs:
        """Return the pairs of π̂*."""
        strength = (self.sharpness * stage.beta)[..., None]
        return ProductPairs(
            simplex.softmax(stage.reference_logits + strength * np.asarray(self.sampler_rewards))
        )

    def slopes(self, stage: Stage, pairs: Pairs) -> Slopes:
        """Return the covariance of π̂*, by the reference."""
        del stage
        assert isinstance(pairs, ProductPairs)
        return Slopes(None, simplex.covariance(pairs.sampler))
