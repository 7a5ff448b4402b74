"""What the numbers of a square array are: probabilities, counts or payoffs."""

from __future__ import annotations

import numpy as np

from alignsim.data.grids import Grid
from alignsim.validation import FloatArray

CLOSE = 1e-6
"""By how much two numbers of a pair may miss the sum that says what they are."""


def kind_of(grid: Grid) -> str:
    """Return "P", "percent", "wins" or "payoffs", as the source or the numbers say.

    >>> [kind_of(Grid("", np.array([[0, won], [lost, 0]]))) for won, lost in [(3, 1), (1, -1)]]
    ['wins', 'payoffs']
    """
    if grid.says:
        return grid.says
    A = grid.array
    off = A[..., ~np.eye(A.shape[-1], dtype=bool)]
    on = np.diagonal(A, axis1=-2, axis2=-1)
    known = off[~np.isnan(off)]
    empty = bool(np.all(np.isnan(on) | (on == 0)))
    sums = _sums(A)
    whole = bool(np.all(known == np.floor(known)))
    if len(known) and known.min() < 0:
        return "payoffs" if np.all(np.abs(sums) <= CLOSE) else "P"
    if whole and empty:
        return "wins"
    if len(known) and known.max() > 1.0 and np.all(np.abs(sums - 100.0) <= CLOSE):
        return "percent"
    return "P"


def _sums(A: FloatArray) -> FloatArray:
    """Return what both numbers of each pair add up to, where both are known."""
    both = (A + np.swapaxes(A, -1, -2))[..., ~np.eye(A.shape[-1], dtype=bool)]
    return np.asarray(both[~np.isnan(both)])
