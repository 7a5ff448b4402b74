"""A few matrices of many."""

from __future__ import annotations

import numpy as np

from alignsim import validation
from alignsim.errors import InputError
from alignsim.validation import FloatArray


def spread(P: FloatArray, most: int) -> FloatArray:
    """Return a few of a stack of matrices, evenly spread over it: (m, K, K) → (n, K, K).

    n is the smaller of ``most`` and m, which may be 0; the matrices keep their order, and the first
    is among them.

    Raises
    ------
    ValueError
        If P is no stack, or ``most`` is below 1.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.random_skew(4, size=501, rng=0)
    >>> len(asim.preferences.spread(P, 500)), len(asim.preferences.spread(P[:3], 500))
    (500, 3)
    """
    stack = P if isinstance(P, np.ndarray) else validation.real_array(P, "P")
    if stack.ndim != 3:
        remedy = "give a stack of matrices, (m, K, K): reshape it to one"
        raise InputError("P", f"has shape {stack.shape}", remedy)
    count = min(validation.integer(most, "most", minimum=1), len(stack))
    return np.asarray(stack[np.arange(count) * len(stack) // max(count, 1)])
