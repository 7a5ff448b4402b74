"""Weights that undo the curvature of the logistic loss: 1/σ'(Δ), for differences Δ of rewards."""

from __future__ import annotations

import numpy as np

from alignsim.objectives.samplers.contract import Stage
from alignsim.validation import FloatArray


def log_inverse_slope(rewards: FloatArray) -> FloatArray:
    """Return log 1/σ'(r_i − r_j) = log(2 + e^Δ + e^−Δ), (..., K) → (..., K, K); cannot overflow.

    >>> import numpy as np
    >>> log_inverse_slope(np.array([1000.0, 0.0]))[0].tolist()
    [1.3862943611198906, 1000.0]
    """
    gap = np.abs(rewards[..., :, None] - rewards[..., None, :])
    return np.asarray(gap + 2.0 * np.log1p(np.exp(-gap)))


def tilt(stage: Stage) -> FloatArray:
    """Return log 1/σ' of the differences of the implied rewards (log π − log ref)/β."""
    return log_inverse_slope(stage.implied_rewards)


def tilt_slopes(stage: Stage) -> FloatArray:
    """Return those of ``tilt`` by the policy's logits: tanh(Δ/2)/β at either end, −σ''/σ'."""
    rewards = stage.implied_rewards
    bend = np.tanh(0.5 * (rewards[..., :, None] - rewards[..., None, :]))
    ends = np.eye(rewards.shape[-1])
    turn = bend[..., None] * (ends[:, None, :] - ends[None, :, :])
    return np.asarray(turn * stage.inverse_beta[..., None, None, None])
