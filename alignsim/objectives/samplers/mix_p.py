"""Mix-P of Shi et al.: uniform pairs, and pairs tilted by the policy's own rewards either way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from alignsim.objectives.samplers.contract import Slopes, Stage, WeightedSampler, of_both
from alignsim.objectives.samplers.curvature import tilt, tilt_slopes
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class MixP(WeightedSampler):
    """Pairs of the base policy b, and pairs of b·(π/π_ref)^{1/β} with b·(π/π_ref)^{−1/β}.

    w_ij ∝ b_ib_j/σ'(u_i − u_j) with the rewards u = (log π − log π_ref)/β that the policy implies,
    and the offline policy b, by default uniform. β is that of the loop, which multiplies the
    signal: 1/β is the exponent that the paper calls β.
    """

    name: ClassVar[str] = "mix_p"
    draws: ClassVar[str] = "b ⊗ b/σ'(Δu), b = π_off, u = log(π/π_ref)/β"
    takes: ClassVar[tuple[str, ...]] = ("offline",)
    source: ClassVar[str] = "Shi et al. (2024), arXiv 2409.19605; weights: methods 6"

    def log_weights(self, stage: Stage) -> FloatArray:
        """Return log b_ib_j/σ'(Δu)."""
        return of_both(stage.log_offline) + tilt(stage)

    def log_slopes(self, stage: Stage) -> Slopes:
        """Return tanh(Δu/2)/β at the ends of each pair."""
        turn = tilt_slopes(stage)
        return Slopes(turn, -turn)
