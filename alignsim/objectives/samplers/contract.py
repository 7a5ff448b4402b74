"""What a sampler is: which pairs of responses a stage of a round compares.

For developers
--------------
A :class:`Sampler` turns a :class:`Stage` (the policy that samples, the reference, the offline
policy, λ, β and P) into pairs, and gives the exact derivatives of these by the logits of the
policy and of the reference. A new one is one file with one class and a line in
``catalogue.py``. A subclass of :class:`WeightedSampler` gives log weights instead, and their
derivatives; it needs no normalisation.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

import numpy as np

from alignsim import simplex
from alignsim.errors import InputError
from alignsim.objectives.comparison import Pairs, Tangent, WeightedPairs
from alignsim.objectives.configured import Configured
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class Stage:
    """What the pairs of a stage may depend on; all fields broadcast over leading axes.

    Parameters
    ----------
    P
        Preference matrices, (..., K, K).
    reference_logits, opponent_logits
        Of the reference, and of the policy that samples: (..., K).
    offline_policy
        The fixed sampler, (..., K).
    beta, lam
        Strength of the preference signal, and share of the policy in what it samples, (...).
    """

    P: FloatArray
    reference_logits: FloatArray
    opponent_logits: FloatArray
    offline_policy: FloatArray
    beta: FloatArray
    lam: FloatArray

    @property
    def policy(self) -> FloatArray:
        """The policy π that samples, (..., K)."""
        return simplex.softmax(self.opponent_logits)

    @property
    def mixed(self) -> FloatArray:
        """What stands for the policy where data are partly old: λπ + (1−λ)π_off, (..., K)."""
        lam = self.lam[..., None]
        return lam * simplex.softmax(self.opponent_logits) + (1.0 - lam) * self.offline_policy

    @property
    def log_mixed(self) -> FloatArray:
        """The logarithm of ``mixed``, which keeps its digits where the policy underflows."""
        own = simplex.log_softmax(self.opponent_logits)
        with np.errstate(divide="ignore"):
            of_policy = np.log(self.lam)[..., None] + own
            return np.logaddexp(of_policy, self.log_offline + np.log1p(-self.lam)[..., None])

    @property
    def log_offline(self) -> FloatArray:
        """The logarithm of the offline policy, −∞ where it is 0."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.offline_policy))

    def log_mixed_slopes(self) -> FloatArray:
        """Return the derivatives of ``log_mixed`` by the policy's logits, (..., K, K)."""
        own = simplex.log_softmax(self.opponent_logits)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.exp(np.log(self.lam)[..., None] + own - self.log_mixed)
        share = np.where(np.isfinite(share), share, 0.0)[..., None]
        return np.asarray(share * (np.eye(own.shape[-1]) - self.policy[..., None, :]))

    @property
    def inverse_beta(self) -> FloatArray:
        """1/β (...), and 0 at β = 0, where a round does not depend on its pairs."""
        return np.divide(1.0, self.beta, where=self.beta > 0.0, out=np.zeros(self.beta.shape))

    @property
    def implied_rewards(self) -> FloatArray:
        """The rewards that the policy implies, (log π − log ref)/β, (..., K); 0 at β = 0."""
        ratio = self.opponent_logits - self.reference_logits
        return np.asarray(ratio * self.inverse_beta[..., None])


class Slopes(NamedTuple):
    """Derivatives of pairs by the policy's and the reference's logits; None stands for 0.

    For product pairs of the policy that draws them, (..., K, K); for weights (..., K, K, K), where
    [i, j, k] is the change of w_ij with logit k.
    """

    opponent: FloatArray | None = None
    reference: FloatArray | None = None


@dataclass(frozen=True)
class Sampler(Configured, ABC):
    """Which pairs of responses a stage compares.

    A subclass is a frozen dataclass; its parameters are fields, as those of an objective.
    """

    draws: ClassVar[str]
    """The pairs in formulas, for the table."""
    takes: ClassVar[tuple[str, ...]] = ()
    """Which of "lam" and "offline" its pairs depend on."""
    weighted: ClassVar[bool] = False
    """Whether its pairs are weights, not draws from one policy."""

    @abstractmethod
    def pairs(self, stage: Stage) -> Pairs:
        """Return the pairs of a stage."""

    @abstractmethod
    def slopes(self, stage: Stage, pairs: Pairs) -> Slopes:
        """Return the derivatives of the pairs of a stage."""

    def fitted(self, P: FloatArray) -> Self:
        """Return the sampler with what follows from P alone, computed once.

        Raises
        ------
        InputError
            If its arrays have another number of responses than P, or what must be given is missing.
        """
        for name in self.AXES:
            array = getattr(self, name)
            if array is not None and array.shape[-1] != P.shape[-1]:
                had, have = array.shape[-1], P.shape[-1]
                raise InputError(name, f"has {had} responses", f"P has {have}: give as many")
        return self

    def chained(
        self, tangent: Tangent, stage: Stage, pairs: Pairs
    ) -> tuple[FloatArray | None, FloatArray | None]:
        """Return how the optimum moves through the pairs with either logits, (..., K, K) each.

        With those of the policy and of the reference; None stands for 0.
        """
        by_opponent, by_reference = (
            None if slope is None else self._chain(tangent.pairs, slope)
            for slope in self.slopes(stage, pairs)
        )
        return by_opponent, by_reference

    def _chain(self, by_pairs: FloatArray, slope: FloatArray) -> FloatArray:
        if not self.weighted:
            return by_pairs @ slope
        # a pair {i, j} stands in w twice
        return np.asarray(0.5 * np.einsum("...kij,...ijl->...kl", by_pairs, slope))

    def __str__(self) -> str:
        """Return the name as it is written in text."""
        return self.name


class WeightedSampler(Sampler):
    """A sampler that gives the logarithm of its weights, up to a constant.

    The weights of its pairs add up to 1.
    """

    weighted: ClassVar[bool] = True

    @abstractmethod
    def log_weights(self, stage: Stage) -> FloatArray:
        """Return the logarithms of the weights (..., K, K), symmetric; the diagonal is ignored."""

    @abstractmethod
    def log_slopes(self, stage: Stage) -> Slopes:
        """Return the derivatives of the logarithms, (..., K, K, K)."""

    def pairs(self, stage: Stage) -> WeightedPairs:
        """Return the weights, scaled to Σ_{i<j} w_ij = 1."""
        return WeightedPairs(normalised(self.log_weights(stage)))

    def slopes(self, stage: Stage, pairs: Pairs) -> Slopes:
        """Return w·(dL − ⟨dL⟩), the mean under the weights."""
        weights = pairs.weights

        def scaled(slope: FloatArray | None) -> FloatArray | None:
            if slope is None:
                return None
            moved = np.where(weights[..., None] > 0.0, weights[..., None] * slope, 0.0)
            total = 0.5 * moved.sum(axis=(-3, -2))
            return np.asarray(moved - weights[..., None] * total[..., None, None, :])

        return Slopes(*(scaled(slope) for slope in self.log_slopes(stage)))


def normalised(log_weights: FloatArray) -> FloatArray:
    """Return the weights (..., K, K), 0 on the diagonal, of which all pairs add up to 1."""
    apart = np.where(np.eye(log_weights.shape[-1], dtype=bool), -np.inf, log_weights)
    top = apart.max(axis=(-2, -1), keepdims=True)
    weights = np.exp(apart - np.where(np.isneginf(top), 0.0, top))
    total = 0.5 * weights.sum(axis=(-2, -1), keepdims=True)
    return np.asarray(np.divide(weights, total, where=total > 0.0, out=np.zeros_like(weights)))


def of_both(log_policy: FloatArray) -> FloatArray:
    """Return log π_i + log π_j, (..., K) → (..., K, K)."""
    return np.asarray(log_policy[..., :, None] + log_policy[..., None, :])


def of_both_slopes(slopes: FloatArray) -> FloatArray:
    """Return the derivatives of log π_i + log π_j: (..., K, K) → (..., K, K, K)."""
    return np.asarray(slopes[..., :, None, :] + slopes[..., None, :, :])
