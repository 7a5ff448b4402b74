"""Logits and policies, entropy, divergence, and the mean-zero basis.

Logits are defined modulo a constant; here they are *centred* (mean zero). A collapsed policy
underflows long before its logits do, so everything that can be computed from logits is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import validation
from alignsim.errors import InputError
from alignsim.validation import FloatArray

LEAD = 0.01
"""By how much the likeliest response leads."""


def centre(logits: ArrayLike) -> FloatArray:
    """Return logits minus their mean: (..., K) → (..., K).

    >>> import alignsim as asim
    >>> asim.simplex.centre([1.0, 2.0, 3.0]).tolist()
    [-1.0, 0.0, 1.0]
    """
    z = _floats(logits)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = z.mean(axis=-1, keepdims=True)
        lost = ~np.isfinite(mean)
        if lost.any():  # a sum may overflow where the mean does not
            mean = np.where(lost, (z / z.shape[-1]).sum(axis=-1, keepdims=True), mean)
        return np.asarray(z - mean)


def softmax(logits: ArrayLike) -> FloatArray:
    """Return the policy of logits: (..., K) → (..., K).

    >>> import alignsim as asim
    >>> import numpy as np
    >>> asim.simplex.softmax(np.log([0.2, 0.3, 0.5])).round(12).tolist()
    [0.2, 0.3, 0.5]
    """
    weights = np.exp(_below_top(logits))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def log_softmax(logits: ArrayLike) -> FloatArray:
    """Return log-probabilities of logits: (..., K) → (..., K), exact after collapse too."""
    shifted = _below_top(logits)
    return np.asarray(shifted - np.log1p(_weights_below_top(shifted)[1])[..., None])


def centred_logits(policy: ArrayLike) -> FloatArray:
    """Return the centred logits of full-support policies: (..., K) → (..., K)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return centre(np.log(_floats(policy)))


def entropy(logits: ArrayLike) -> FloatArray:
    """Return the Shannon entropy in nats from logits: (..., K) → (...).

    Free of cancellation: a policy with logit gap 700 still has its tiny entropy, where
    ``-Σ π log π`` returns 0 from a gap of about 37 on.

    >>> import alignsim as asim
    >>> asim.simplex.entropy([[0.0, 0.0], [100.0, 0.0]]).tolist()
    [0.6931471805599453, 3.757276735781045e-42]
    """
    shifted = _below_top(logits)
    weights, rest = _weights_below_top(shifted)
    return np.asarray(np.log1p(rest) - (weights * shifted).sum(axis=-1) / (1.0 + rest))


def effective_support(logits: ArrayLike) -> FloatArray:
    """Return e^H, the number of responses that the policy effectively uses: (..., K) → (...)."""
    return np.asarray(np.exp(entropy(logits)))


def kl_divergence(logits: ArrayLike, reference_logits: ArrayLike) -> FloatArray:
    """Return KL(softmax(logits) ‖ softmax(reference_logits)) in nats: (..., K) → (...)."""
    given, wanted = _floats(logits), _floats(reference_logits)
    if given.shape[-1] != wanted.shape[-1]:
        told = f"has {wanted.shape[-1]} responses; logits has {given.shape[-1]}"
        raise InputError("reference_logits", told, "give as many")
    validation.batch_shape({"logits": given.shape[:-1], "reference_logits": wanted.shape[:-1]})
    gap = log_softmax(given) - log_softmax(wanted)
    return np.asarray(np.maximum((softmax(logits) * gap).sum(axis=-1), 0.0))


def likeliest(policy: ArrayLike) -> NDArray[np.int64]:
    """Return the response with the largest probability, −1 if none leads: (..., K) → (...).

    One leads if no other comes within 0.01 of it (``LEAD``): time averages over some thousand
    rounds of an orbit differ by less where a symmetry makes them equal. NaN has no leader.

    >>> from alignsim import simplex
    >>> simplex.likeliest([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]]).tolist()
    [1, -1]
    """
    p = _floats(policy)
    validation.responses(p.shape[-1], "the number of responses", minimum=2)
    second, first = np.moveaxis(np.partition(p, (-2, -1), axis=-1)[..., -2:], -1, 0)
    with np.errstate(invalid="ignore"):
        return np.where(first - second > LEAD, p.argmax(axis=-1), -1)


def lattice(resolution: int) -> FloatArray:
    """Return policies of three responses that cover the simplex evenly: (resolution², 3).

    They are the centres of equal triangles into which lines cut the simplex: first those that
    point to the same side as it does, then the others.

    >>> from alignsim import simplex
    >>> simplex.lattice(2).round(3).tolist()[-1]
    [0.333, 0.333, 0.333]
    """
    side = validation.integer(resolution, "resolution", minimum=1)
    validation.affordable(24.0 * side**2, "resolution", f"is {side:,}, and its lattice")
    i, j = np.divmod(np.arange(side**2), side)
    corners = np.stack([i, j], axis=-1)
    upward = corners[i + j <= side - 1] + 1.0 / 3.0
    downward = corners[i + j <= side - 2] + 2.0 / 3.0
    first_two = np.concatenate([upward, downward]) / side
    return np.concatenate([first_two, 1.0 - first_two.sum(axis=-1, keepdims=True)], axis=-1)


def covariance(policy: ArrayLike) -> FloatArray:
    """Return diag(π) − ππᵀ, the derivative of the softmax: (..., K) → (..., K, K)."""
    p = _floats(policy)
    validation.responses(p.shape[-1], "the number of responses", minimum=1)
    diagonal = p[..., :, None] * np.eye(p.shape[-1])
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(diagonal - p[..., :, None] * p[..., None, :])


def mean_zero_basis(responses: int) -> FloatArray:
    """Return an orthonormal basis of the mean-zero vectors (Helmert): (K, K−1).

    >>> import alignsim as asim
    >>> import numpy as np
    >>> E = asim.simplex.mean_zero_basis(3)
    >>> bool(np.allclose(E.T @ E, np.eye(2)) and np.allclose(E.sum(axis=0), 0))
    True
    """
    validation.responses(responses, "responses", minimum=1)
    columns = np.arange(1, responses)
    basis = np.triu(np.ones((responses, responses - 1)))
    basis[columns, columns - 1] = -columns
    return np.asarray(basis / np.sqrt(columns * (columns + 1.0)))


def asymmetric_direction(responses: int) -> FloatArray:
    """Return a unit mean-zero direction (K,) without symmetry, for starts off a fixed point.

    The centred squares 1, 4, 9, …: no two gaps between neighbours are equal, so no permutation
    of the responses maps the direction to itself or its opposite (K ≥ 3).

    >>> import alignsim as asim
    >>> asim.simplex.asymmetric_direction(3).round(3).tolist()
    [-0.642, -0.117, 0.758]
    """
    count = validation.integer(responses, "responses", minimum=2)
    validation.affordable(8.0 * count, "responses", f"is {count}, and as many numbers")
    direction = centre(np.arange(1.0, responses + 1.0) ** 2)
    return np.asarray(direction / np.linalg.norm(direction))


def _floats(values: ArrayLike) -> FloatArray:
    """Return real numbers with one axis or more, K at least 1; rows may be NaN or infinite."""
    try:
        array = np.asarray(values)
    except Exception as error:  # whatever an __array__ raises
        told = f"{type(values).__name__} is no policy or logits ({type(error).__name__})"
        raise ValueError(f"{told}; give an array (..., K)") from None
    if array.dtype.kind in "biuf" and array.ndim == 0:
        raise ValueError(f"one number, {array:g}, is no policy or logits; give an array (..., K)")
    if array.dtype.kind not in "biuf" or array.shape[-1] == 0:
        told = f"a policy or logits of dtype {array.dtype} and shape {array.shape}"
        raise ValueError(f"{told}; give an array (..., K) of real numbers")
    validation.affordable(8.0 * array.size, "", f"a policy or logits of shape {array.shape}, which")
    return array.astype(np.float64, copy=False)


def _below_top(logits: ArrayLike) -> FloatArray:
    """Return logits less the largest of their row, 0 at the top; NaN where no row has a top."""
    z = _floats(logits)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(z - z.max(axis=-1, keepdims=True))


def _weights_below_top(shifted: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return exp(shifted) with the (first) top response's weight removed, and their sum."""
    weights = np.exp(shifted)
    np.put_along_axis(weights, shifted.argmax(axis=-1)[..., None], 0.0, axis=-1)
    return weights, weights.sum(axis=-1)
