"""One response from the policy, the other from the reference or another fixed policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alignsim import simplex
from alignsim.objectives.samplers.contract import Slopes, Stage, WeightedSampler
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class TwoPolicies(WeightedSampler):
    """One response is drawn from μ = λπ + (1−λ)π_off, the other from a partner ν.

    The partner is the reference of the stage unless a policy is given: w_ij ∝ μ_iν_j + ν_iμ_j.
    """

    name: ClassVar[str] = "two_policies"
    draws: ClassVar[str] = "μ ⊗ ν + ν ⊗ μ, μ = λπ + (1−λ)π_off, ν = π_ref or the partner"
    takes: ClassVar[tuple[str, ...]] = ("lam", "offline")
    source: ClassVar[str] = "Xie et al. (2024), arXiv 2405.21046: online DPO, XPO"
    policies: ClassVar[tuple[str, ...]] = ("partner",)

    partner: ArrayLike | None = None

    def log_weights(self, stage: Stage) -> FloatArray:
        """Return log(μ_iν_j + ν_iμ_j)."""
        first, second = stage.log_mixed, self._log_partner(stage)
        one = first[..., :, None] + second[..., None, :]
        return np.logaddexp(one, np.swapaxes(one, -1, -2))

    def log_slopes(self, stage: Stage) -> Slopes:
        """Return them by the share of either order of the two responses."""
        apart = stage.log_mixed - self._log_partner(stage)
        with np.errstate(invalid="ignore"):
            gap = apart[..., :, None] - apart[..., None, :]
        own = 0.5 * (1.0 + np.tanh(0.5 * np.nan_to_num(gap)))[..., None]  # i drawn by μ
        other = 1.0 - own
        by_first = stage.log_mixed_slopes()
        opponent = own * by_first[..., :, None, :] + other * by_first[..., None, :, :]
        if self.partner is not None:
            return Slopes(opponent)
        reference = simplex.softmax(stage.reference_logits)
        by_second = np.eye(reference.shape[-1]) - reference[..., None, :]
        back = other * by_second[..., :, None, :] + own * by_second[..., None, :, :]
        return Slopes(opponent, back)

    def _log_partner(self, stage: Stage) -> FloatArray:
        if self.partner is None:
            return simplex.log_softmax(stage.reference_logits)
        return np.asarray(np.log(np.asarray(self.partner)))
