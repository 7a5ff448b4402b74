"""PILAF: pairs of the policy, and pairs of its optimistic and its pessimistic version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from alignsim.objectives.samplers.contract import (
    Slopes,
    Stage,
    WeightedSampler,
    of_both,
    of_both_slopes,
)
from alignsim.objectives.samplers.curvature import tilt, tilt_slopes
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class Pilaf(WeightedSampler):
    """Pairs of μ = λπ + (1−λ)π_off, and pairs of μ·(π/π_ref)^{1/β} with μ·(π/π_ref)^{−1/β}.

    w_ij ∝ μ_iμ_j/σ'(u_i − u_j), u = (log π − log π_ref)/β: Mix-P with the policy as its base. Near
    the optimum a gradient step on these pairs is one on the regularised reward, up to its size.
    """

    name: ClassVar[str] = "pilaf"
    draws: ClassVar[str] = "μ ⊗ μ/σ'(Δu), μ = λπ + (1−λ)π_off, u = log(π/π_ref)/β"
    takes: ClassVar[tuple[str, ...]] = ("lam", "offline")
    source: ClassVar[str] = "Feng et al. (2025), PILAF; weights: methods 6"

    def log_weights(self, stage: Stage) -> FloatArray:
        """Return log μ_iμ_j/σ'(Δu)."""
        return of_both(stage.log_mixed) + tilt(stage)

    def log_slopes(self, stage: Stage) -> Slopes:
        """Return those of the policy and those of the tilt."""
        turn = tilt_slopes(stage)
        return Slopes(of_both_slopes(stage.log_mixed_slopes()) + turn, -turn)
