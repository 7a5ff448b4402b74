"""How fast rewards are learned by one gradient step a round: uniform pairs, Mix-R, Mix-P.

The step length η = 1/(β²K) and the weights are a reconstruction (methods 6). In the rewards
u = (log π − log π_ref)/β that the policy implies, β cancels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.objectives.samplers.curvature import log_inverse_slope
from alignsim.preferences.logistic import sigmoid
from alignsim.validation import FloatArray

LEARNERS = ("uniform", "mix_r", "mix_p")


def learning_step(implied: FloatArray, P: FloatArray, weights: FloatArray) -> FloatArray:
    """Return u + (1/K)·Σ_j w_ij (P_ij − σ(u_i − u_j)) of implied rewards (..., K)."""
    gaps = implied[..., :, None] - implied[..., None, :]
    pull = (weights * (P - sigmoid(gaps))).sum(axis=-1)
    return np.asarray(implied + pull / implied.shape[-1])


def learning_weights(learner: str, implied: FloatArray, rewards: FloatArray) -> FloatArray:
    """Return the weights w (..., K, K): 4, 1/σ' of the rewards, or 1/σ' of the implied ones."""
    if learner == "uniform":
        return np.full((*implied.shape, implied.shape[-1]), 4.0)
    return np.exp(log_inverse_slope(rewards if learner == "mix_r" else implied))


def learning_errors(rewards: ArrayLike, learner: str, rounds: int) -> FloatArray:
    """Return max_ij |Δr_ij − Δu_ij| after 0, 1, ... rounds of one gradient step: (..., rounds + 1).

    Infinite once a step has overflowed, as where σ' of rewards that lie far apart vanishes.

    Parameters
    ----------
    rewards : (..., K)
        The rewards r of a Bradley-Terry matrix, P_ij = σ(r_i − r_j).
    learner
        ``"uniform"``, ``"mix_r"`` or ``"mix_p"``; the first round starts from the reference.
    rounds
        How many, at least 0.

    Raises
    ------
    ValueError
        For an unknown learner, or bad arguments.

    Notes
    -----
    For r in [0, 1] the errors are at most 0.588^T, 0.5^(2^T − 1) and 0.611^(2^T − 1) (Shi et al.
    2024, arXiv 2409.19605): the weights 1/σ' cancel the linear term.

    Examples
    --------
    >>> from alignsim.objectives import learning_errors
    >>> for learner in ("uniform", "mix_r", "mix_p"):
    ...     print(learner, learning_errors([1.0, 0.0], learner, 3)[1:].round(9).tolist())
    uniform [0.075765685, 0.015147732, 0.00319322]
    mix_r [0.175201194, 0.007229242, 1.2087e-05]
    mix_p [0.075765685, 0.001254503, 3.63e-07]
    """
    r = validation.logits(rewards, "rewards")
    validation.choice(learner, "learner", LEARNERS)
    total = validation.integer(rounds, "rounds", minimum=0)
    K, maps = r.shape[-1], r.size // r.shape[-1]
    validation.affordable(8.0 * r.size * K, "rewards", f"has shape {r.shape}, and its matrices")
    validation.affordable(8.0 * maps * (total + 1), "rounds", f"is {total:,}, and their errors")
    P = sigmoid(r[..., :, None] - r[..., None, :])
    implied = np.zeros_like(r)
    errors = [np.ptp(r - implied, axis=-1)]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(total):
            implied = learning_step(implied, P, learning_weights(learner, implied, r))
            errors.append(np.ptp(r - implied, axis=-1))
    found = np.stack(errors, axis=-1)
    return np.where(np.isnan(found), np.inf, found)
