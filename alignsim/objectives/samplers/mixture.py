"""Both responses from one mixture of the policy, the reference and offline data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from alignsim import simplex
from alignsim.objectives.comparison import Pairs, ProductPairs
from alignsim.objectives.samplers.contract import Sampler, Slopes, Stage
from alignsim.parameters import Parameter


@dataclass(frozen=True)
class Mixture(Sampler):
    """Both responses are drawn from s·π_ref + (1−s)·(λπ + (1−λ)π_off).

    π_ref is the reference of the stage. Where that holds past policies, as the reference of
    ``soft_reference`` or the buffer of ``replay`` does, their geometric mean is drawn from;
    separate past policies are no part of a stage, so there is no mixture of several of them.
    """

    name: ClassVar[str] = "mixture"
    draws: ClassVar[str] = "μ ⊗ μ, μ = s·π_ref + (1−s)·(λπ + (1−λ)π_off)"
    takes: ClassVar[tuple[str, ...]] = ("lam", "offline")
    source: ClassVar[str] = "methods 7"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("reference_share", "share of responses from the stage's reference", 0.5),
    )

    reference_share: Any = 0.5

    def pairs(self, stage: Stage) -> ProductPairs:
        """Return the pairs of the mixture."""
        s = self.reference_share[..., None]
        reference = simplex.softmax(stage.reference_logits)
        return ProductPairs(s * reference + (1.0 - s) * stage.mixed)

    def slopes(self, stage: Stage, pairs: Pairs) -> Slopes:
        """Return (1−s)λ and s times the covariances of the policy and of the reference."""
        del pairs
        s = self.reference_share[..., None, None]
        reference = simplex.covariance(simplex.softmax(stage.reference_logits))
        own = stage.lam[..., None, None] * simplex.covariance(stage.policy)
        return Slopes((1.0 - s) * own, s * reference)
