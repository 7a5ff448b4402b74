"""Both responses from the policy, or from its mixture with offline data: the default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from alignsim import simplex
from alignsim.objectives.comparison import Pairs, ProductPairs, Tangent
from alignsim.objectives.samplers.contract import Sampler, Slopes, Stage
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class Product(Sampler):
    """Both responses are drawn from μ = λπ + (1−λ)π_off.

    λ = 0 with the uniform offline policy is the sampler "uniform" of Shi et al.
    """

    name: ClassVar[str] = "product"
    draws: ClassVar[str] = "μ ⊗ μ, μ = λπ + (1−λ)π_off"
    takes: ClassVar[tuple[str, ...]] = ("lam", "offline")
    source: ClassVar[str] = "theory 6.1"

    def pairs(self, stage: Stage) -> ProductPairs:
        """Return the pairs of μ."""
        return ProductPairs(stage.mixed)

    def slopes(self, stage: Stage, pairs: Pairs) -> Slopes:
        """Return ∂μ/∂logits = λ(diag π − ππᵀ)."""
        del pairs
        return Slopes(stage.lam[..., None, None] * simplex.covariance(stage.policy))

    def chained(
        self, tangent: Tangent, stage: Stage, pairs: Pairs
    ) -> tuple[FloatArray | None, FloatArray | None]:
        """Return λ·∂T/∂μ·(diag π − ππᵀ)."""
        del pairs
        slope = simplex.covariance(simplex.softmax(stage.opponent_logits))
        return stage.lam[..., None, None] * tangent.pairs @ slope, None
