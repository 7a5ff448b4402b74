"""Checked input: the one place where arguments are judged and errors are worded.

Every function returns a clean ``float64`` array (or a number) and raises an
:class:`~alignsim.errors.InputError`, which is a ValueError, that names the argument, the offending
index and value, and what to do about it.
"""

from __future__ import annotations

import difflib
import math
import operator
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim.errors import LONGEST, InputError, InPython, Words, listed, quote, shortened
from alignsim.errors import at as at

FloatArray = NDArray[np.float64]

LARGEST_INTEGER = 10**15
"""Counts above it are surely mistakes; below, they fit every integer type used here."""

LARGEST_LOGIT = 1e300
"""Beyond it a difference of logits, or a sum of scores, could overflow."""

SUM_TOLERANCE = 1e-8
"""How far P + Pᵀ may be from 1, and a policy's sum from 1, before the input is refused."""

MEMORY = "ALIGNSIM_MEMORY"
"""The environment variable that says how many GiB one call may take."""

USUAL_MEMORY = 2.0
"""GiB that one call may take, unless `MEMORY` says otherwise."""

COPIES = 4
"""About how many copies of its largest array a call holds at once."""

LONGEST_PATH = 4096
"""Characters of a file's name; no system takes more."""

LARGEST_NDIM = 20
"""Axes that an argument may have; NumPy stops at 32 or 64, and calls add some of their own."""


def first_true(mask: NDArray[np.bool_] | np.bool_) -> tuple[int, ...]:
    """Return the first index at which ``mask`` holds; ``()`` for a scalar mask."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(mask)), np.shape(mask)))


def instance(index: Iterable[int]) -> str:
    """Return what an instance of a batch is called: by its index, or "the problem" if alone.

    >>> instance((2, 0)), instance(())
    ('instance [2, 0]', 'the problem')
    """
    return f"instance {at(index)}" if tuple(index) else "the problem"


def refuse_where(
    bad: NDArray[np.bool_] | np.bool_,
    name: str,
    array: NDArray[Any],
    remedy: Words,
    complaint: str = "is {:.12g}",
) -> None:
    """Refuse the first entry of ``array`` that is ``bad``: names its index and value."""
    if bad.any():
        index = first_true(bad)
        raise InputError(name, complaint.format(array[index]), remedy, index=index)


def affordable(
    size: float,
    argument: str,
    what: str,
    remedy: Words = "ask for less",
    *,
    copies: int = COPIES,
    kind: type[InputError] = InputError,
) -> None:
    """Refuse what takes more memory than one call may: ``size`` bytes in each of some copies.

    The limit is `USUAL_MEMORY`, or the number of GiB in the environment variable `MEMORY`.

    >>> affordable(8e12, "responses", "is 1,000,000, whose table")
    Traceback (most recent call last):
    alignsim.errors.InputError: responses is 1,000,000, whose table would take some 29802 GiB of \
memory (the limit is 2 GiB); ask for less, or set the environment variable ALIGNSIM_MEMORY to more
    """
    stated = os.environ.get(MEMORY, "")
    try:
        most = float(stated or USUAL_MEMORY)
    except ValueError:
        most = math.nan
    if not most > 0:
        raise InputError(MEMORY, f"is {quote(stated)}", "give a number of GiB, above 0")
    need = copies * size / 2**30
    if need > most:
        told = f"{what} would take some {need:.5g} GiB of memory (the limit is {most:g} GiB)"
        parts = [remedy] if isinstance(remedy, str) else remedy
        raise kind(argument, told, [*parts, f", or set the environment variable {MEMORY} to more"])


def responses(value: Any, name: str, *, minimum: int, batch: tuple[int, ...] = ()) -> int:
    """Return a number of responses K of which matrices (*batch, K, K) can be made."""
    count = integer(value, name, minimum=minimum)
    many = " by ".join(f"{axis:,}" for axis in (*batch, count, count))
    affordable(8.0 * math.prod(batch) * count**2, name, f"is {count}, and {many} numbers")
    return count


def real_array(
    value: ArrayLike, name: str, *, min_ndim: int = 0, finite: bool = True
) -> FloatArray:
    """Return a copy of ``value`` as a non-empty float64 array, finite unless that is not asked for.

    Refuses a complex, object or text dtype, masked entries, ragged lists, too few or many axes.
    """
    try:
        masked = np.ma.is_masked(value)
        raw = np.asarray(value)
    except Exception as error:  # whatever an ``__array__`` raises
        told = f"is not a rectangular array of numbers ({shortened(error)})"
        raise InputError(name, told, "give numbers, every row of the same length") from None
    if masked:
        raise InputError(name, "has masked entries", "fill them, or leave their instances out")
    if raw.dtype.kind not in "biuf":
        told = f"has dtype {shortened(raw.dtype)}"
        raise InputError(name, told, "give real numbers (bool, integer or float)")
    if not min_ndim <= raw.ndim <= LARGEST_NDIM:
        wanted = f"at least {min_ndim} {'axis' if min_ndim == 1 else 'axes'}"
        if raw.ndim > LARGEST_NDIM:
            wanted = f"at most {LARGEST_NDIM} axes"
        raise InputError(name, f"has shape {raw.shape}", f"it needs {wanted}")
    if raw.size == 0:
        raise InputError(name, f"has shape {raw.shape}, an empty batch", "give at least one")
    affordable(8.0 * raw.size, name, f"has shape {raw.shape}, which", copies=1)
    with np.errstate(over="ignore"):
        array = np.array(raw, dtype=np.float64, order="C")
    return _finite(array, name) if finite else array


def _finite(array: FloatArray, name: str) -> FloatArray:
    refuse_where(~np.isfinite(array), name, array, "every entry must be finite", "is {}")
    return array


def square_matrix(value: ArrayLike, name: str) -> FloatArray:
    """Return finite real matrices with as many columns as rows: (..., K, K), at least 2×2."""
    array = real_array(value, name, min_ndim=2)
    rows, columns = array.shape[-2:]
    if rows != columns:
        remedy = "the last two axes must be equal (a K×K matrix)"
        raise InputError(name, f"has shape {array.shape}", remedy)
    if rows < 2:
        raise InputError(name, f"compares {rows} response", "a preference needs at least 2")
    return array


def preference_matrix(P: ArrayLike, name: str = "P") -> FloatArray:
    """Return preference matrices, checked: (..., K, K), P[i, j] = Pr(i beats j), P + Pᵀ = 1.

    A deviation of P + Pᵀ from 1 of up to ``SUM_TOLERANCE`` (1e-8) is spread evenly over the pair;
    one of mere rounding (4 ulp) is left alone, to keep the digits of a small P.
    """
    array = square_matrix(P, name)
    outside = (array < 0) | (array > 1)
    remedy = "turn counts into shares of wins first"
    refuse_where(outside, name, array, remedy, "is {:.12g}, not a probability in [0, 1]")
    gap = array + np.swapaxes(array, -1, -2) - 1.0
    uneven = np.abs(gap) > SUM_TOLERANCE
    if uneven.any():
        index = first_true(uneven)
        mirror = (*index[:-2], index[-1], index[-2])
        raise InputError(
            name,
            f"+ {name}{at(mirror)} is {array[index] + array[mirror]:.12g}, "
            f"not 1 (tolerance {SUM_TOLERANCE:g}; the diagonal must be 1/2)",
            "mend it with alignsim.preferences.symmetrise(P)",
            index=index,
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

    ``responses`` is the K that is expected; ``full_support`` refuses zeros, where logits will be
    taken.
    """
    array = _of_responses(value, name, responses)
    refuse_where(array < -SUM_TOLERANCE, name, array, "a probability is at least 0")
    array = np.clip(array, 0.0, None)
    with np.errstate(over="ignore"):
        total = array.sum(axis=-1)
    told = f"sums to {{:.12g}}, not 1 (tolerance {SUM_TOLERANCE:g})"
    refuse_where(np.abs(total - 1.0) > SUM_TOLERANCE, name, total, "divide it by its sum", told)
    if full_support:
        resume = InPython(" (a collapsed orbit is resumed from start_logits=orbit.final_logits)")
        mend: Words = ["give every response a positive probability", resume]
        refuse_where(array == 0, name, array, mend, "is 0, and its logit is -inf")
    return np.asarray(array / array.sum(axis=-1, keepdims=True))


def logits(
    value: ArrayLike, name: str, *, responses: int | None = None, missing: bool = False
) -> FloatArray:
    """Return finite logits (..., K), not yet centred; rows may be NaN only where ``missing``."""
    array = _of_responses(value, name, responses, finite=not missing)
    if missing:
        gaps = np.isnan(array).any(axis=-1)
        array[gaps] = 0.0
        _finite(array, name)
    remedy = f"it must lie within ±{LARGEST_LOGIT:g}"
    refuse_where(np.abs(array) > LARGEST_LOGIT, name, array, remedy)
    if missing:
        array[gaps] = np.nan
    return array


def _of_responses(
    value: ArrayLike, name: str, responses: int | None, *, finite: bool = True
) -> FloatArray:
    """Return an array (..., K), checked to have the K that is expected."""
    array = real_array(value, name, min_ndim=1, finite=finite)
    if responses is not None and array.shape[-1] != responses:
        shape = InPython(f" (shape {array.shape})")
        raise InputError(name, [f"has {array.shape[-1]} responses", shape], f"P has {responses}")
    return array


def parameter(value: ArrayLike, name: str, *, low: float = 0.0, high: float = np.inf) -> FloatArray:
    """Return a parameter (...), finite and within [low, high]."""
    array = real_array(value, name)
    wanted = f"at least {low:g}" if np.isinf(high) else f"in [{low:g}, {high:g}]"
    refuse_where((array < low) | (array > high), name, array, f"it must be {wanted}")
    return array


def number(value: ArrayLike, name: str, *, low: float = 0.0, high: float = np.inf) -> float:
    """Return ``value`` as one number, finite and within [low, high]."""
    array = parameter(value, name, low=low, high=high)
    if array.ndim:
        raise InputError(name, f"has shape {array.shape}", "give one number")
    return float(array)


def integer(value: Any, name: str, *, minimum: int, maximum: int = LARGEST_INTEGER) -> int:
    """Return ``value`` as an int from ``minimum`` to ``maximum``."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except Exception:  # whatever an ``__index__`` raises
        number = None
    if number is None:
        raise InputError(name, f"is {quote(value)}", "it must be a whole number")
    if not minimum <= number <= maximum:
        wanted = f"at least {minimum}" if number < minimum else f"at most {maximum}"
        raise InputError(name, f"is {quote(number)}", f"it must be {wanted}")
    return number


def boolean(value: Any, name: str) -> bool:
    """Return True or False, as a Python bool."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(name, f"is {quote(value)}", "give True or False")
    return bool(value)


def position(index: Any, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return where in a batch of this shape ``index`` is; one number stands for one axis.

    >>> position(-1, "index", (4,)), position((), "index", ())
    ((-1,), ())
    """
    try:
        place = tuple(map(operator.index, index if isinstance(index, tuple) else (index,)))
        fits = len(place) == len(shape) and all(
            -count <= i < count for i, count in zip(place, shape, strict=True)
        )
    except Exception:  # whatever an ``__index__`` raises
        fits = False
    if not fits:
        each = "one number an axis, counted from 0" if shape else "()"
        raise InputError(name, f"is {quote(index)}", f"the batch has shape {shape}: give {each}")
    return place


def feedback_map(value: object, name: str) -> None:
    """Raise TypeError for what is no FeedbackMap, known by name: this file knows no such class."""
    kind = type(value)
    if all(parent.__name__ != "FeedbackMap" for parent in kind.__mro__):
        remedy = "make a FeedbackMap of it: alignsim.FeedbackMap(P, beta=...)"
        raise TypeError(f"{name} is of type {kind.__name__}; {remedy}")


NEAR_AMONG = 1000
"""Of more names none is looked for that is like an unknown one."""

ALL_SHOWN = 30
"""Known names that are all listed."""

FEW = 10
"""Of more, how many are: those that are like the unknown one, or the first."""


def names(value: Any, name: str, *, letters: bool = False) -> tuple[str, ...]:
    """Return a sequence of texts; a text alone is one of its ``letters``, or refused."""
    try:
        found = None if isinstance(value, str) and not letters else tuple(value)
    except Exception:  # whatever an object raises that is no sequence
        found = None
    if found is None:
        raise InputError(name, f"is {quote(value)}", "give a list of names")
    for i, entry in enumerate(found):
        if not isinstance(entry, str):
            raise InputError(name, f"is {quote(entry)}", "a name must be a text", index=(i,))
    return found


def path(value: Any, name: str = "path") -> Path:
    """Return ``value`` as a path, if it is one."""
    try:
        found = Path(value)
    except Exception:  # whatever an __fspath__ raises
        found = None
    if found is None or len(str(found)) > LONGEST_PATH:
        remedy = f"give the name of a file, a str or a Path of at most {LONGEST_PATH} characters"
        raise InputError(name, f"is {quote(value)}", remedy)
    return found


def choice(value: Any, name: str, known: Iterable[str]) -> str:
    """Return ``value`` if it is one of the ``known`` names; else list the nearest, or a few.

    >>> choice("hue 7", "name", ["hue", *map(str, range(99))])
    Traceback (most recent call last):
    alignsim.errors.InputError: name is 'hue 7'; did you mean 'hue'? known: 'hue', ... (100 in all)
    """
    names = set(known)
    if isinstance(value, str) and value in names:
        return value
    near = []
    if isinstance(value, str) and len(names) <= NEAR_AMONG:
        short = [other for other in sorted(names) if len(other) <= LONGEST]
        near = difflib.get_close_matches(value[:LONGEST], short, n=FEW)
    hint = f"did you mean {quote(near[0])}? " if near else ""
    shown = listed(sorted(names))
    if len(names) > ALL_SHOWN:
        shown = f"{listed(near or sorted(names)[:FEW])}, ... ({len(names):,} in all)"
    raise InputError(name, f"is {quote(value)}", f"{hint}known: {shown}")


def batch_shape(shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Return the broadcast of batch shapes; an error names every argument with its shape."""
    named = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
    try:
        shape = np.broadcast_shapes(*shapes.values())
    except ValueError:
        remedy = "make them equal or 1, or use alignsim.sweep for an outer product"
        raise InputError("", f"the batch axes do not broadcast: {named}", remedy) from None
    affordable(8.0 * math.prod(shape), "", f"the batch axes, {named}, broadcast to what")
    return shape
