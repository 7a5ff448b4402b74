"""An order of responses that depends on their votes alone, never on their names or places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignsim.data.posteriors.pairs import compared
from alignsim.data.posteriors.strengths import bradley_terry
from alignsim.validation import FloatArray

Order = NDArray[np.intp]

DIGITS = 7
"""Of strengths, which are known to more: the order must not hang on rounding."""

STRENGTH_SCALE, PRECISE = 1.0, 1e-12

TRIES = 60
"""Of responses that only trying tells apart; of more, all in one circle, the first."""


def canonical(wins: FloatArray) -> Order:
    """Return the order in which every renaming of a table of wins (K, K) becomes the same table.

    By strength, then by the sorted rows and columns of wins. What is still tied is placed one by
    one by its votes against those before it; where that is open too, each of the tied is tried
    first, and the smallest table decides.

    >>> cycle = np.array([[0.0, 3.0, 1.0], [1.0, 0.0, 3.0], [3.0, 1.0, 0.0]])
    >>> other = cycle[np.ix_([1, 0, 2], [1, 0, 2])]
    >>> a, b = canonical(cycle), canonical(other)
    >>> bool((cycle[np.ix_(a, a)] == other[np.ix_(b, b)]).all())
    True
    """
    strength = bradley_terry(compared(wins), STRENGTH_SCALE, decrement=PRECISE)
    keys = np.column_stack(
        [-np.round(strength, DIGITS) + 0.0, np.sort(wins, axis=1), np.sort(wins.T, axis=1)]
    )
    order = np.empty(0, dtype=np.intp)
    kind = _ranked(keys)
    for each in range(int(kind.max()) + 1):
        order = np.append(order, _placed(wins, order, np.flatnonzero(kind == each)))
    return order


def _placed(wins: FloatArray, before: Order, tied: Order) -> Order:
    """Return the tied responses in the order of the smallest table that greed finds."""
    seen = np.hstack([wins[np.ix_(tied, before)], wins[np.ix_(before, tied)].T])
    rank = _ranked(seen) if len(before) else np.zeros(len(tied), dtype=np.intp)
    own = wins[np.ix_(tied, tied)]
    block = own[~np.eye(len(tied), dtype=bool)]
    if (rank == rank[0]).all() and (block == block[:1]).all():
        return tied  # interchangeable
    best, least = tied, np.empty(0)
    for first in np.flatnonzero(rank == 0)[:TRIES]:
        order = np.append(before, tied[_greedy(own, rank, int(first))])
        table = wins[np.ix_(order, order)].ravel()
        differs = np.flatnonzero(table != least) if len(least) else [0]
        if not len(least) or (len(differs) and table[differs[0]] < least[differs[0]]):
            best, least = order[len(before) :], table
    return best


def _greedy(wins: FloatArray, rank: Order, first: int) -> Order:
    """Return an order (n,) from ``first`` on; each next has most votes with those so far."""
    order, left = [first], np.ones(len(wins), dtype=bool)
    left[first] = False
    while left.any():
        rank = _ranked(np.column_stack([rank, wins[:, order[-1]], wins[order[-1]]]))
        candidates = np.flatnonzero(left)
        order.append(int(candidates[rank[candidates].argmax()]))
        left[order[-1]] = False
    return np.array(order)


def _ranked(rows: FloatArray) -> Order:
    """Return the rank of each row in the sorted order of the distinct ones: (n, d) → (n,)."""
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)
