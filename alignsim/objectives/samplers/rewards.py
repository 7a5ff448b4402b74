"""Rewards of responses: the Bradley-Terry fit of the preferences."""

from __future__ import annotations

import numpy as np

from alignsim import simplex, validation
from alignsim.errors import InputError
from alignsim.kernels.status import OK
from alignsim.objectives.comparison import Comparison, ProductPairs
from alignsim.objectives.dpo import DPO
from alignsim.validation import FloatArray


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
