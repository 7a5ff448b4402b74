"""The same pairs in every round: a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.errors import InputError
from alignsim.objectives.comparison import Pairs, WeightedPairs
from alignsim.objectives.one_shot import checked_pair_weights
from alignsim.objectives.samplers.contract import Sampler, Slopes, Stage
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class FixedPairs(Sampler):
    """Pairs have given weights (..., K, K), whatever the policy: offline data.

    They are symmetrised and scaled to Σ_{i<j} w_ij = 1, the diagonal ignored.
    """

    name: ClassVar[str] = "fixed_pairs"
    draws: ClassVar[str] = "given weights of pairs"
    source: ClassVar[str] = "theory 2.2"
    weighted: ClassVar[bool] = True
    AXES: ClassVar = {"pair_weights": 2}

    pair_weights: ArrayLike | None = None

    def further(self) -> dict[str, FloatArray]:
        """Return the scaled weights."""
        if self.pair_weights is None:
            return {}
        given = validation.real_array(self.pair_weights, "pair_weights", min_ndim=2)
        return {"pair_weights": checked_pair_weights(given, given.shape[-1])}

    def fitted(self, P: FloatArray) -> Self:
        """Return itself; raise if the weights are missing."""
        if self.pair_weights is None:
            raise InputError(
                "pair_weights", "is missing", "sampler 'fixed_pairs' takes weights (..., K, K)"
            )
        return super().fitted(P)

    def pairs(self, stage: Stage) -> WeightedPairs:
        """Return the weights."""
        del stage
        return WeightedPairs(np.asarray(self.pair_weights))

    def slopes(self, stage: Stage, pairs: Pairs) -> Slopes:
        """Return nothing: they never change."""
        del stage, pairs
        return Slopes()
