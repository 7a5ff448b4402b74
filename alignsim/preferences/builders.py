"""Preference matrices of known structure, and the repair of nearly valid ones.

P[i, j] = Pr(i beats j), P + Pᵀ = 1, diagonal ½; leading axes are the batch.

References
----------
``docs/theory.md`` sections 2.3 (rewards) and 6.4 (cycles); Bradley and Terry (1952).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.errors import InputError, InPython
from alignsim.preferences.logistic import positive_temperature, win_probability
from alignsim.validation import FloatArray


def cyclic(responses: int, *, advantage: ArrayLike) -> FloatArray:
    """Return the odd-K circulant, rock-paper-scissors for K = 3: (...) → (..., K, K).

    Response i beats each of the next (K−1)/2 (mod K) with probability ½ + advantage.

    Raises
    ------
    ValueError
        If K is even or below 3, or an advantage is outside [0, ½].

    Examples
    --------
    >>> import alignsim as asim
    >>> asim.preferences.cyclic(3, advantage=0.3).tolist()
    [[0.5, 0.8, 0.2], [0.2, 0.5, 0.8], [0.8, 0.2, 0.5]]
    """
    count = validation.responses(responses, "responses", minimum=3)
    if count % 2 == 0:
        other = InPython(f", or nearest_neighbour_cycle({count}, advantage=...)")
        odd = f"a balanced cycle needs an odd number: use {count + 1}"
        raise InputError("responses", f"is {count}", [odd, other])
    ahead = np.arange(count)
    return _circulant(np.sign(ahead) * np.where(ahead <= count // 2, 1, -1), advantage)


def nearest_neighbour_cycle(responses: int, *, advantage: ArrayLike) -> FloatArray:
    """Return the cycle in which i beats only i+1 (mod K), other pairs ½: (...) → (..., K, K).

    Raises
    ------
    ValueError
        If K is below 3, or an advantage is outside [0, ½].

    Examples
    --------
    >>> import alignsim as asim
    >>> asim.preferences.nearest_neighbour_cycle(4, advantage=0.25)[0].tolist()
    [0.5, 0.75, 0.5, 0.25]
    """
    count = validation.responses(responses, "responses", minimum=3)
    signs = np.zeros(count)
    signs[1], signs[-1] = 1, -1
    return _circulant(signs, advantage)


def bradley_terry(rewards: ArrayLike, *, temperature: ArrayLike = 1.0) -> FloatArray:
    """Return P = σ((r_i − r_j) / temperature): (..., K) → (..., K, K).

    Parameters
    ----------
    rewards
        (..., K), K at least 2.
    temperature
        (...), above 0; broadcasts against the batch of rewards.

    Raises
    ------
    ValueError
        If K < 2, a temperature is not above 0, or the batches do not broadcast.

    Examples
    --------
    >>> import alignsim as asim
    >>> import numpy as np
    >>> asim.preferences.bradley_terry([0.0, np.log(3.0)]).round(12).tolist()
    [[0.5, 0.25], [0.75, 0.5]]
    """
    array = _rewards(rewards)
    warmth = positive_temperature(temperature)
    validation.batch_shape({"rewards": array.shape[:-1], "temperature": warmth.shape})
    return win_probability(array[..., :, None], array[..., None, :], warmth[..., None, None])


def additive(rewards: ArrayLike) -> FloatArray:
    """Return P = ½ + r_i − r_j, the curl-free preferences: (..., K) → (..., K, K).

    For these, and only these, the sampler does not matter to IPO.

    Parameters
    ----------
    rewards
        (..., K), K at least 2, spread (largest minus smallest) at most ½.

    Raises
    ------
    ValueError
        If K < 2, or a probability would leave [0, 1].

    Examples
    --------
    >>> import alignsim as asim
    >>> asim.preferences.additive([0.25, 0.0, 0.125])[0].tolist()
    [0.5, 0.75, 0.625]
    """
    array = _rewards(rewards)
    with np.errstate(over="ignore"):
        gaps = array[..., :, None] - array[..., None, :]
    outside = np.abs(gaps) > 0.5
    if outside.any():
        *batch, i, j = validation.first_true(outside)
        raise ValueError(
            f"rewards{validation.at((*batch, i))} - rewards{validation.at((*batch, j))} is "
            f"{gaps[(*batch, i, j)]:.12g}; 1/2 + it is no probability: scale the rewards to a "
            "spread of at most 1/2, or use bradley_terry(rewards)"
        )
    return np.asarray(0.5 + gaps)


def symmetrise(P: ArrayLike) -> FloatArray:
    """Return (P + 1 − Pᵀ) / 2 with the diagonal set to ½: (..., K, K) → (..., K, K).

    The nearest matrix with P + Pᵀ = 1, for estimates whose two halves disagree. Nothing is
    clipped: what then lies outside [0, 1] is refused.

    Raises
    ------
    ValueError
        If not square, not finite, or if the result leaves [0, 1].

    Examples
    --------
    >>> import alignsim as asim
    >>> asim.preferences.symmetrise([[0.0, 0.75], [0.5, 0.0]]).tolist()
    [[0.5, 0.625], [0.375, 0.5]]
    """
    array = validation.square_matrix(P, "P")
    mended = 0.5 * (array + 1.0 - np.swapaxes(array, -1, -2))
    outside = (mended < 0) | (mended > 1)
    if outside.any():
        index = validation.first_true(outside)
        told = f"is {array[index]:.12g} and would become {mended[index]:.12g}, not a probability"
        raise InputError("P", told, "turn counts into shares of wins first", index=index)
    diagonal = np.arange(len(mended.T))
    mended[..., diagonal, diagonal] = 0.5
    return mended


def _circulant(signs: FloatArray, advantage: ArrayLike) -> FloatArray:
    """Return P = ½ + advantage · signs[(j − i) mod K]: (K,), (...) → (..., K, K)."""
    steps = np.arange(len(signs))
    margin = validation.parameter(advantage, "advantage", high=0.5)
    return np.asarray(0.5 + margin[..., None, None] * signs[(steps - steps[:, None]) % len(signs)])


def _rewards(rewards: ArrayLike) -> FloatArray:
    array = validation.real_array(rewards, "rewards", min_ndim=1)
    if array.shape[-1] < 2:
        raise ValueError(f"rewards has shape {array.shape}; a preference needs at least 2")
    validation.responses(array.shape[-1], "rewards", minimum=2, batch=array.shape[:-1])
    return array
