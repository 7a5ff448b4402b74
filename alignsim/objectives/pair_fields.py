"""Fields that are linear in the pairs: F = B(θ) r with rows r_i = Σ_j w_ij c_ij(θ)."""

from __future__ import annotations

import numpy as np

from alignsim.objectives.comparison import Pairs, WeightedPairs
from alignsim.validation import FloatArray


def rows(shares: FloatArray, pairs: Pairs) -> FloatArray:
    """Return r (..., K), what each response gets from its pairs, of c (..., K, K)."""
    return np.asarray((pairs.weights * shares).sum(axis=-1))


def rows_by_pairs(
    shares: FloatArray, pairs: Pairs, outward: FloatArray | None = None
) -> FloatArray:
    """Return the derivative of B r by the pairs, shaped as :attr:`Tangent.pairs`.

    ``outward`` is B (..., K, K), by default the identity.
    """
    K = shares.shape[-1]
    basis = np.eye(K) if outward is None else outward
    moved = basis[..., :, :, None] * shares[..., None, :, :]
    return by_single_pairs(moved + np.swapaxes(moved, -1, -2), pairs)


def by_single_pairs(changes: FloatArray, pairs: Pairs) -> FloatArray:
    """Return the derivative by the pairs of what the weight of {i, j} changes by [k, i, j]."""
    changes = np.asarray(changes * (1.0 - np.eye(changes.shape[-1])))
    if isinstance(pairs, WeightedPairs):
        return changes
    return np.asarray(2.0 * (changes @ pairs.sampler[..., None, :, None])[..., 0])
