"""The logistic function and its inverse on pairs, accurate in both tails."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.validation import FloatArray


def sigmoid(x: FloatArray) -> FloatArray:
    """Return σ(x) = 1 / (1 + e⁻ˣ): (...) → (...), without overflow, σ(0) = ½ exactly.

    >>> sigmoid(np.array([0.0, -800.0, 800.0])).tolist()
    [0.5, 0.0, 1.0]
    """
    tail = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1.0, tail) / (1.0 + tail))


def win_probability(own: FloatArray, other: FloatArray, temperature: FloatArray) -> FloatArray:
    """Return σ((own − other) / temperature), broadcast, also where the difference overflows.

    >>> float(win_probability(np.array(1e308), np.array(-1e308), np.array(1e308)).round(6))
    0.880797
    """
    with np.errstate(over="ignore"):
        return sigmoid(2.0 * ((0.5 * own - 0.5 * other) / temperature))


def log_odds(P: FloatArray) -> FloatArray:
    """Return log P_ij − log P_ji, skew-symmetric, ±inf where P is 1 or 0: (..., K, K).

    >>> log_odds(np.array([[0.5, 1.0], [0.0, 0.5]])).tolist()
    [[0.0, inf], [-inf, 0.0]]
    """
    with np.errstate(divide="ignore"):
        log = np.log(P)
    return np.asarray(log - np.swapaxes(log, -1, -2))


def positive_temperature(temperature: ArrayLike) -> FloatArray:
    """Return temperatures (...), checked to be finite and above 0.

    >>> float(positive_temperature(2))
    2.0
    """
    array = validation.parameter(temperature, "temperature")
    remedy = "it must be above 0 (try 1e-3 for near-certain)"
    validation.refuse_where(array == 0, "temperature", array, remedy)
    return array
