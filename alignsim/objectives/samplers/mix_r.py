"""Mix-R of Shi et al.: uniform pairs, and pairs tilted by known rewards either way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alignsim.objectives.samplers.contract import Slopes, Stage, WeightedSampler, of_both
from alignsim.objectives.samplers.curvature import log_inverse_slope
from alignsim.objectives.samplers.rewards import OfRewards
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class MixR(OfRewards, WeightedSampler):
    """Pairs of the base policy, and pairs of base·e^r with base·e^−r, for rewards r.

    w_ij ∝ b_ib_j/σ'(r_i − r_j) with the offline policy b, by default uniform: the rewards are
    those given, or the Bradley-Terry fit of P, which is exact if P is Bradley-Terry.
    """

    name: ClassVar[str] = "mix_r"
    draws: ClassVar[str] = "b ⊗ b/σ'(Δr), b = π_off"
    takes: ClassVar[tuple[str, ...]] = ("offline",)
    source: ClassVar[str] = "Shi et al. (2024), arXiv 2409.19605; weights: methods 6"

    def log_weights(self, stage: Stage) -> FloatArray:
        """Return log b_ib_j/σ'(Δr)."""
        return of_both(stage.log_offline) + log_inverse_slope(np.asarray(self.sampler_rewards))

    def log_slopes(self, stage: Stage) -> Slopes:
        """Return nothing: the weights do not depend on the policy."""
        del stage
        return Slopes()
