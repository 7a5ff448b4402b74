"""Zeros and minima of many functions of one variable at once, by SciPy's elementwise methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alignsim.validation import FloatArray

Test = Callable[[FloatArray, NDArray[np.intp]], FloatArray]
"""Maps points (m,) and the functions (m,) that are meant to values (m,)."""


def roots(test: Test, ends: FloatArray, values: FloatArray, **tolerances: float) -> Any:
    """Return SciPy's result of Chandrupatla's search for a zero of each function, (m,).

    ``values`` (2, m) are known at the ``ends`` (2, m) of the intervals, and have opposite signs;
    ``nfev`` counts the evaluations of ``test`` alone. A jump over 0 is found as well: ``f_x`` shows
    that it is no zero. ``x`` is NaN where a value was not finite.
    """
    from scipy.optimize import elementwise

    known = _remembering(test, ends, values)
    found = elementwise.find_root(
        known, tuple(ends), args=(np.arange(ends.shape[1]),), tolerances=tolerances
    )
    found.nfev -= len(ends)
    return found


def minima(test: Test, points: FloatArray, values: FloatArray) -> Any:
    """Return SciPy's result of Chandrupatla's search for a minimum of each function, (m,).

    ``values`` (3, m) are known at three ascending ``points`` (3, m), and least in the middle.
    """
    from scipy.optimize import elementwise

    known = _remembering(test, points, values)
    return elementwise.find_minimum(known, tuple(points), args=(np.arange(points.shape[1]),))


def _remembering(test: Test, points: FloatArray, values: FloatArray) -> Test:
    """Return ``test``, not asked again where its values are known."""

    def known(x: FloatArray, which: NDArray[np.intp]) -> FloatArray:
        same = x == points[:, which]
        value = values[same.argmax(axis=0), which]
        new = ~same.any(axis=0)
        if new.any():
            value[new] = test(x[new], which[new])
        return value

    return known
