"""What a dataset's attributes say about how it was made."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alignsim import simplex
from alignsim._version import __version__
from alignsim.analysis.equilibria.fixed_point import TOLERANCE
from alignsim.feedback import FeedbackMap
from alignsim.feedback.batch import START_OFFSET
from alignsim.objectives.configured import Configured
from alignsim.sweeps.axes import Family
from alignsim.validation import FloatArray


def of_maps(objective: str, matrices: FloatArray) -> dict[str, Any]:
    """Return the objective, the size and the hash of the matrices, and the version."""
    return of_hash(objective, matrices.shape[-1], digest(matrices))


def digest(values: FloatArray) -> str:
    """Return the SHA-256 of numbers, in hexadecimal digits."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def of_hash(objective: str, responses: int, sha256: str) -> dict[str, Any]:
    """Return the same from the hash of the matrices."""
    return {
        "objective": objective,
        "responses": responses,
        "tolerance_fixed_point": TOLERANCE,
        "matrix_sha256": sha256,
        "alignsim_version": __version__,
    }


def of_method(loops: Family, loop: FeedbackMap) -> dict[str, str]:
    """Return the method as it was named, the scheme behind it, and the names of its parameters."""
    return {
        "method": loops.method,
        "scheme": loop.scheme.name,
        "sampler": loop.sampler.name,
        "parameters": " ".join(loops.names),
    }


def of_start(start: ArrayLike | None, responses: int) -> dict[str, Any]:
    """Return where orbits start: the policy that was given, or how the default is made."""
    return {
        "start": "reference logits + start_offset · start_direction"
        if start is None
        else np.asarray(start, dtype=np.float64),
        "start_offset": START_OFFSET if start is None else 0.0,
        "start_direction": simplex.asymmetric_direction(responses),
    }


def said(values: ArrayLike | None) -> Any:
    """Return a number, or a few words on many that tell them from others; None of nothing.

    >>> said(2), said([1.0, 3.0])
    (2.0, '2 from 1 to 3, SHA-256 df05c72cdcfe99cc')
    """
    if values is None:
        return None
    given = np.asarray(values, dtype=np.float64)
    if not given.ndim:
        return float(given)
    return f"{given.size} from {given.min():g} to {given.max():g}, SHA-256 {digest(given)[:16]}"


def described(thing: Configured) -> str:
    """Return the name of an objective or a sampler, and what tells its fields from others."""
    told = []
    for entry in fields(thing):
        value = getattr(thing, entry.name)
        if isinstance(value, Configured):
            words: Any = described(value)
        elif isinstance(value, np.ndarray):
            words = said(value)
        elif callable(value):
            words = f"{value.__module__}.{value.__qualname__}"
        else:
            words = repr(value)
        told.append(f"{entry.name}={words}")
    return f"{thing.name}({', '.join(told)})" if told else thing.name
