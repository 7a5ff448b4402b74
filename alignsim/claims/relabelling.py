"""Images of one map: its responses in other orders. What it does does not depend on the order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignsim.validation import FloatArray

IntArray = NDArray[np.int64]


def orders(rng: np.random.Generator, trials: int, responses: int) -> IntArray:
    """Return orders of the responses (n, K), drawn at random; the first leaves them as they are."""
    drawn = rng.permuted(np.tile(np.arange(responses), (trials, 1)), axis=-1)
    drawn[0] = np.arange(responses)
    return drawn


def relabelled(P: FloatArray, order: IntArray) -> FloatArray:
    """Return one matrix (K, K) with its responses in the orders (n, K): (n, K, K)."""
    return np.asarray(P[order[:, :, None], order[:, None, :]])
