"""Rewards of responses: the Bradley-Terry fit of the preferences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from alignsim import simplex, validation
from alignsim.errors import InputError
from alignsim.kernels.status import OK
from alignsim.objectives.comparison import Comparison, ProductPairs
from alignsim.objectives.dpo import DPO
from alignsim.objectives.samplers.contract import Sampler
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class OfRewards(Sampler):
    """A sampler that rewards tilt: those given, or the Bradley-Terry fit of P."""

    vectors: ClassVar[tuple[str, ...]] = ("sampler_rewards",)

    sampler_rewards: ArrayLike | None = None

    def fitted(self, P: FloatArray) -> Self:
        """Return it with rewards."""
        same = super().fitted(P)
        if self.sampler_rewards is not None:
            return same
        return same._with(sampler_rewards=bradley_terry_fit(P))


def bradley_terry_fit(P: FloatArray) -> FloatArray:
    """Return the rewards (..., K) with Σ_j (P_ij − σ(r_i − r_j)) = 0: those of P if it has any.

    Raises
    ------
    InputError
        Where some responses always win or always lose, so that there is no finite fit.
    """
    K = P.shape[-1]
    x = Comparison(P, np.zeros(K), np.ones(()), ProductPairs(np.full(K, 1.0 / K)))
    score, status = DPO().score(x)
    bad = np.asarray(status != OK)
    if bad.any():
        index = validation.first_true(bad)
        raise InputError(
            "sampler_rewards",
            f"is missing, and P{validation.at(index)} has no finite Bradley-Terry fit",
            "give the rewards (..., K), or move P off 0 and 1",
        )
    return simplex.centre(score)
