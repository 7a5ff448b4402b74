"""Scores that do not depend on the sampler: rewards, and training on them by policy gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alignsim.errors import NoOptimumError
from alignsim.kernels.status import NO_OPTIMUM, OK
from alignsim.objectives.comparison import Comparison, ProductPairs, Push, Solution
from alignsim.objectives.contract import BoolArray, ScoreObjective, Trainable
from alignsim.preferences.logistic import log_odds
from alignsim.simplex import covariance, softmax
from alignsim.validation import FloatArray, at, first_true

MISFIT = 1e-6
"""How far log-odds may be from differences of rewards, for P to be a Bradley–Terry matrix."""


@dataclass(frozen=True)
class RewardObjective(ScoreObjective, Trainable):
    """A score v(i) = r_i of rewards, those of the Bradley–Terry matrix P unless others are given.

    It trains by the exact gradient of E_π r − KL(π‖ref)/β.
    """

    form: ClassVar[str] = "a"
    vectors: ClassVar[tuple[str, ...]] = ("rewards",)
    compares: ClassVar[bool] = False

    rewards: FloatArray | None = None

    def score(self, x: Comparison) -> Solution:
        """Return the rewards, mean zero: (..., K)."""
        value, misfit = self._rewards(x.P)
        there = misfit <= MISFIT
        shape = np.broadcast_shapes(x.shape, value.shape[:-1])
        value = np.where(there[..., None], value, np.nan)
        status = np.where(there, OK, NO_OPTIMUM).astype(np.int8)
        return Solution(
            np.broadcast_to(value, (*shape, value.shape[-1])), np.broadcast_to(status, shape)
        )

    def score_derivative(self, x: Comparison, score: FloatArray) -> FloatArray:
        """Return 0."""
        further = score.shape[-1:] * (1 if isinstance(x.pairs, ProductPairs) else 2)
        return np.zeros((*score.shape, *further))

    def exists(self, x: Comparison) -> BoolArray:
        """Return where rewards are given, or P is a Bradley–Terry matrix."""
        there = self._rewards(x.P)[1] <= MISFIT
        return np.broadcast_to(there, np.broadcast_shapes(there.shape, x.shape))

    def check(self, x: Comparison) -> None:
        """Raise where P is no Bradley–Terry matrix and no rewards are given."""
        missing = ~self.exists(x)
        if missing.any():
            raise NoOptimumError(
                f"P{at(first_true(missing))} is no Bradley-Terry matrix, so that there are no "
                "rewards behind it; give rewards=, one number a response"
            )

    def force(self, logits: FloatArray, x: Comparison) -> FloatArray:
        """Return the gradient (diag π − ππᵀ)(r − (θ − ref)/β) of E_π r − KL(π‖ref)/β."""
        advantage = self._advantage(logits, x)
        return np.asarray((covariance(softmax(logits)) @ advantage[..., None])[..., 0])

    def force_derivatives(self, logits: FloatArray, x: Comparison) -> Push:
        """Return the derivatives of the force F: diag F − Fπᵀ − πFᵀ − C/β, C/β and 0."""
        pi, force = softmax(logits), self.force(logits, x)
        spread = covariance(pi) / x.beta[..., None, None]
        mixed = force[..., :, None] * pi[..., None, :]
        own = force[..., None] * np.eye(pi.shape[-1])
        by_logits = own - mixed - np.swapaxes(mixed, -1, -2) - spread
        return Push(by_logits, spread, self.score_derivative(x, force))

    def _advantage(self, logits: FloatArray, x: Comparison) -> FloatArray:
        return np.asarray(self.score(x).value - (logits - x.reference_logits) / x.beta[..., None])

    def _rewards(self, P: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return rewards (..., K), and how far log-odds are from their differences, (...)."""
        if self.rewards is not None:
            value = self.rewards - self.rewards.mean(axis=-1, keepdims=True)
            return value, np.zeros(value.shape[:-1])
        odds = log_odds(P)
        with np.errstate(invalid="ignore"):
            value = odds.mean(axis=-1)
            gaps = value[..., :, None] - value[..., None, :]
            misfit = np.abs(odds - gaps).max(axis=(-2, -1))
        return np.where(np.isfinite(value), value, 0.0), np.where(np.isnan(misfit), np.inf, misfit)
