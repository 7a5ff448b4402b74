"""One-shot problems, their solutions, and the derivatives of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim.validation import FloatArray


@dataclass(frozen=True)
class ProductPairs:
    """Both responses of a pair are drawn from one policy, ``sampler`` (..., K)."""

    sampler: FloatArray

    @property
    def weights(self) -> FloatArray:
        """The weight 2μ_iμ_j of each pair, (..., K, K); 0 on the diagonal."""
        mu = self.sampler
        pairs = 2.0 * mu[..., :, None] * mu[..., None, :]
        return np.asarray(pairs * (1.0 - np.eye(mu.shape[-1])))


@dataclass(frozen=True)
class WeightedPairs:
    """Pairs with symmetric ``weights`` (..., K, K), 0 on the diagonal; only ratios matter."""

    weights: FloatArray


Pairs = ProductPairs | WeightedPairs
"""The pairs that a round compares: both responses from one policy, or a weight for each pair."""


@dataclass(frozen=True)
class Comparison:
    """One-shot problems, all fields broadcasting over leading axes.

    Parameters
    ----------
    P
        Preference matrices, (..., K, K).
    reference_logits
        Logits of the reference, (..., K).
    beta
        Strength of the preference signal, (...).
    pairs
        Which responses are compared.
    start_logits
        Where training starts, (..., K), for objectives that do not end in an optimum; by default
        the reference.
    """

    P: FloatArray
    reference_logits: FloatArray
    beta: FloatArray
    pairs: Pairs
    start_logits: FloatArray | None = None

    @property
    def sampler(self) -> FloatArray:
        """The policy from which both responses are drawn, (..., K).

        Raises
        ------
        TypeError
            If the pairs are weighted.
        """
        if isinstance(self.pairs, WeightedPairs):
            raise TypeError("the pairs are weighted; a product sampler is needed here")
        return self.pairs.sampler

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that all fields broadcast to, without the axes of the responses."""
        own = self.pairs.weights.shape[:-2]
        start = () if self.start_logits is None else self.start_logits.shape[:-1]
        reference = self.reference_logits.shape[:-1]
        return np.broadcast_shapes(self.P.shape[:-2], reference, self.beta.shape, own, start)

    def spread(self, shape: tuple[int, ...]) -> Comparison:
        """Return the problems as one flat batch of all that ``shape`` (...) holds."""
        K = self.P.shape[-1]

        def flat(array: FloatArray, *further: int) -> FloatArray:
            return np.broadcast_to(array, (*shape, *further)).reshape(-1, *further)

        data, start = self.pairs, self.start_logits
        return Comparison(
            P=flat(self.P, K, K),
            reference_logits=flat(self.reference_logits, K),
            beta=flat(self.beta),
            pairs=ProductPairs(flat(data.sampler, K))
            if isinstance(data, ProductPairs)
            else WeightedPairs(flat(data.weights, K, K)),
            start_logits=None if start is None else flat(start, K),
        )

    def taken(self, which: Any) -> Comparison:
        """Return the problems at an index of a flat batch that :meth:`spread` made."""
        data, start = self.pairs, self.start_logits
        return Comparison(
            P=self.P[which],
            reference_logits=self.reference_logits[which],
            beta=self.beta[which],
            pairs=ProductPairs(data.sampler[which])
            if isinstance(data, ProductPairs)
            else WeightedPairs(data.weights[which]),
            start_logits=None if start is None else start[which],
        )


class Solution(NamedTuple):
    """Logits or scores (..., K) with a status (...) of ``alignsim.kernels.status`` each."""

    value: FloatArray
    status: NDArray[np.int8]


class Tangent(NamedTuple):
    """Derivatives of the optimal logits, modulo constants.

    By the reference logits, (..., K, K). By the pairs: (..., K, K) for the policy of product pairs;
    (..., K, K, K) for weights, where [k, i, j] is the change of logit k with the weight of the pair
    {i, j}. By the logits where training starts, (..., K, K), if they matter.
    """

    reference: FloatArray
    pairs: FloatArray
    start: FloatArray | None = None


class Push(NamedTuple):
    """Derivatives of a force on the logits by logits, reference and pairs.

    The first two are (..., K, K); ``pairs`` is shaped as :attr:`Tangent.pairs`.
    """

    logits: FloatArray
    reference: FloatArray
    pairs: FloatArray
