"""Checked input: the one place where arguments are judged and errors are worded.

Every function returns a clean ``float64`` array (or a number) and raises a ``ValueError`` that
names the argument, the offending index and value, and what to do about it.
"""

from __future__ import annotations

import contextlib
import difflib
import operator
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

LARGEST_INTEGER = 10**15
"""Counts above it are surely mistakes; below, they fit every integer type used here."""

LARGEST_LOGIT = 1e300
"""Beyond it a difference of logits could overflow."""

SUM_TOLERANCE = 1e-8
"""How far P + Pᵀ may be from 1, and a policy's sum from 1, before the input is refused."""


class NoOptimumError(ValueError):
    """The one-shot problem has no finite or no unique solution; the message says why."""


class FileFormatError(ValueError):
    """A file could not be read; the message names the line or record and what was expected."""


class MissingPairsError(ValueError):
    """Some pairs of responses were never compared; the message names them and the remedies."""


def at(index: Iterable[Any]) -> str:
    """Return an index as it is written in Python, ``[2, 0]``, and nothing for a scalar."""
    numbers = [int(i) for i in index]
    return f"[{', '.join(map(str, numbers))}]" if numbers else ""


def first_true(mask: NDArray[np.bool_] | np.bool_) -> tuple[int, ...]:
    """Return the first index at which ``mask`` holds; ``()`` for a scalar mask."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(mask)), np.shape(mask)))


def real_array(value: ArrayLike, name: str, *, min_ndim: int = 0) -> FloatArray:
    """Return a copy of ``value`` as a finite, non-empty float64 array.

    Raises
    ------
    ValueError
        For a complex, object or text dtype, a ragged list, an empty array, too few axes,
        NaN or infinity.
    """
    if np.ma.is_masked(value):
        raise ValueError(f"{name} has masked entries; fill them, or leave their instances out")
    try:
        raw = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{name} is not a rectangular array of numbers ({error}); "
            "give every row the same length"
        ) from None
    if raw.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} has dtype {raw.dtype}; give real numbers (bool, integer or float)"
        )
    with np.errstate(over="ignore"):
        array = np.array(raw, dtype=np.float64, order="C")
    if array.ndim < min_ndim:
        raise ValueError(
            f"{name} has shape {array.shape}; it needs at least {min_ndim} "
            f"{'axis' if min_ndim == 1 else 'axes'}"
        )
    if array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}, an empty batch; give at least one")
    bad = ~np.isfinite(array)
    if bad.any():
        index = first_true(bad)
        raise ValueError(f"{name}{at(index)} is {array[index]}; every entry must be finite")
    return array


def preference_matrix(P: ArrayLike, name: str = "P") -> FloatArray:
    """Return preference matrices, checked: (..., K, K), P[i, j] = Pr(i beats j), P + Pᵀ = 1.

    A deviation of P + Pᵀ from 1 of up to ``SUM_TOLERANCE`` (1e-8) is spread evenly over the pair;
    one of mere rounding (4 ulp) is left alone, to keep the digits of a small P.

    Raises
    ------
    ValueError
        If not square, K < 2, not finite, outside [0, 1], or P + Pᵀ ≠ 1.
    """
    array = real_array(P, name, min_ndim=2)
    rows, columns = array.shape[-2:]
    if rows != columns:
        raise ValueError(
            f"{name} has shape {array.shape}; the last two axes must be equal (a K×K matrix)"
        )
    if rows < 2:
        raise ValueError(f"{name} compares {rows} response; a preference needs at least 2")
    outside = (array < 0) | (array > 1)
    if outside.any():
        index = first_true(outside)
        raise ValueError(
            f"{name}{at(index)} is {array[index]:.12g}, not a probability in [0, 1]; "
            "turn counts into shares of wins first"
        )
    gap = array + np.swapaxes(array, -1, -2) - 1.0
    uneven = np.abs(gap) > SUM_TOLERANCE
    if uneven.any():
        index = first_true(uneven)
        mirror = (*index[:-2], index[-1], index[-2])
        raise ValueError(
            f"{name}{at(index)} + {name}{at(mirror)} is {array[index] + array[mirror]:.12g}, "
            f"not 1 (tolerance {SUM_TOLERANCE:g}; the diagonal must be 1/2); "
            "mend it with alignsim.preferences.symmetrise(P)"
        )
    rounding = np.abs(gap) <= 4 * np.finfo(np.float64).eps
    return np.asarray(np.where(rounding, array, array - 0.5 * gap))


def policy(
    value: ArrayLike,
    name: str,
    *,
    responses: int | None = None,
    full_support: bool = False,
) -> FloatArray:
    """Return policies, checked and renormalised: (..., K), non-negative, sum 1 within 1e-8.

    Parameters
    ----------
    value
        The policies, (..., K).
    name
        What the caller calls them.
    responses
        The K that is expected.
    full_support
        Refuse zeros, where logits will be taken.

    Raises
    ------
    ValueError
        If off the simplex, of the wrong length, or with a zero where ``full_support`` forbids it.
    """
    array = real_array(value, name, min_ndim=1)
    if responses is not None and array.shape[-1] != responses:
        raise ValueError(
            f"{name} has {array.shape[-1]} responses (shape {array.shape}); P has {responses}"
        )
    negative = array < -SUM_TOLERANCE
    if negative.any():
        index = first_true(negative)
        raise ValueError(f"{name}{at(index)} is {array[index]:.12g}; a probability is at least 0")
    array = np.clip(array, 0.0, None)
    total = array.sum(axis=-1)
    off = np.abs(total - 1.0) > SUM_TOLERANCE
    if off.any():
        index = first_true(off)
        raise ValueError(
            f"{name}{at(index)} sums to {float(total[index]):.12g}, not 1 "
            f"(tolerance {SUM_TOLERANCE:g}); divide it by its sum"
        )
    if full_support and (array == 0).any():
        index = first_true(array == 0)
        raise ValueError(
            f"{name}{at(index)} is 0, and its logit is -inf; give every response a positive "
            "probability (a collapsed orbit is resumed from start_logits=orbit.final_logits)"
        )
    return np.asarray(array / array.sum(axis=-1, keepdims=True))


def logits(
    value: ArrayLike, name: str, *, responses: int | None = None, missing: bool = False
) -> FloatArray:
    """Return finite logits (..., K), not yet centred; rows may be NaN only where ``missing``."""
    if missing:
        with contextlib.suppress(ValueError):  # of ragged lists, which are told apart below
            value = np.asarray(value)
    if missing and isinstance(value, np.ndarray) and value.dtype.kind == "f":
        gaps = np.isnan(value).any(axis=-1, keepdims=True) if value.ndim else np.isnan(value)
        filled = logits(np.where(gaps, 0.0, value), name, responses=responses)
        return np.where(gaps, np.nan, filled)
    array = real_array(value, name, min_ndim=1)
    if responses is not None and array.shape[-1] != responses:
        raise ValueError(
            f"{name} has {array.shape[-1]} responses (shape {array.shape}); P has {responses}"
        )
    huge = np.abs(array) > LARGEST_LOGIT
    if huge.any():
        index = first_true(huge)
        raise ValueError(
            f"{name}{at(index)} is {array[index]:.12g}; logits must lie within ±{LARGEST_LOGIT:g}"
        )
    return array


def parameter(value: ArrayLike, name: str, *, low: float = 0.0, high: float = np.inf) -> FloatArray:
    """Return a parameter (...), finite and within [low, high]."""
    array = real_array(value, name)
    outside = (array < low) | (array > high)
    if outside.any():
        index = first_true(outside)
        wanted = f"at least {low:g}" if np.isinf(high) else f"in [{low:g}, {high:g}]"
        raise ValueError(f"{name}{at(index)} is {array[index]:.12g}; it must be {wanted}")
    return array


def number(value: ArrayLike, name: str, *, low: float = 0.0, high: float = np.inf) -> float:
    """Return ``value`` as one number, finite and within [low, high]."""
    array = parameter(value, name, low=low, high=high)
    if array.ndim:
        raise ValueError(f"{name} has shape {array.shape}; give one number")
    return float(array)


def integer(value: Any, name: str, *, minimum: int) -> int:
    """Return ``value`` as an int from ``minimum`` to ``LARGEST_INTEGER``."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} is {value!r}; it must be a whole number") from None
    if number < minimum:
        raise ValueError(f"{name} is {number}; it must be at least {minimum}")
    if number > LARGEST_INTEGER:
        raise ValueError(f"{name} is {number}; it must be at most {LARGEST_INTEGER}")
    return number


def feedback_map(value: object, name: str) -> None:
    """Refuse what is not a :class:`alignsim.FeedbackMap`, known by name: it lives floors above.

    Raises
    ------
    TypeError
        Names the type, and how to make a map of a matrix.
    """
    if all(kind.__name__ != "FeedbackMap" for kind in type(value).__mro__):
        raise TypeError(
            f"{name} is of type {type(value).__name__}; make a FeedbackMap of it: "
            "alignsim.FeedbackMap(P, beta=...)"
        )


def choice(value: Any, name: str, known: Iterable[str]) -> str:
    """Return ``value`` if it is one of the ``known`` names; else list them, the nearest first."""
    names = sorted(known)
    if isinstance(value, str) and value in names:
        return value
    near = difflib.get_close_matches(str(value), names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(f"{name} is {value!r}; {hint}known: {', '.join(map(repr, names))}")


def batch_shape(shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Return the broadcast of named batch shapes.

    Raises
    ------
    ValueError
        If they do not broadcast: names every argument with its shape.
    """
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
        raise ValueError(
            f"the batch axes do not broadcast: {listed}; make them equal or 1, "
            "or use alignsim.sweep for an outer product"
        ) from None
