"""An order of responses that depends on their votes alone, never on their names or places."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alignsim.data.posteriors.pairs import compared
from alignsim.data.posteriors.strengths import bradley_terry
from alignsim.validation import FloatArray

Order = NDArray[np.intp]

DIGITS = 7
"""Of strengths, which are known to more: the order must not hang on rounding."""

STRENGTH_SCALE, PRECISE = 1.0, 1e-12

LEAVES = 2000
"""Orders that are tried among responses that nothing else tells apart, times K: a limit that only
large boards of perfect symmetry reach, of which then the first orders count."""


def canonical(wins: FloatArray) -> Order:
    """Return the order in which every renaming of a table of wins (K, K) becomes the same table.

    By strength, then by the sorted rows and columns of wins, then by the votes against responses
    that are told apart already. What is still tied is tried in each order: the smallest table
    decides.

    >>> cycle = np.array([[0.0, 3.0, 1.0], [1.0, 0.0, 3.0], [3.0, 1.0, 0.0]])
    >>> other = cycle[np.ix_([1, 0, 2], [1, 0, 2])]
    >>> a, b = canonical(cycle), canonical(other)
    >>> bool((cycle[np.ix_(a, a)] == other[np.ix_(b, b)]).all())
    True
    """
    K = len(wins)
    strength = bradley_terry(compared(wins), STRENGTH_SCALE, decrement=PRECISE)
    keys = np.column_stack(
        [-np.round(strength, DIGITS) + 0.0, np.sort(wins, axis=1), np.sort(wins.T, axis=1)]
    )
    pair = _ranked(np.column_stack([wins.ravel(), wins.T.ravel()])).reshape(K, K)
    leaves = islice(_orders(pair, _refined(pair, _ranked(keys))), max(LEAVES // K, 1))
    return min(leaves, key=lambda order: pair[np.ix_(order, order)].tobytes())


def _orders(pair: Order, kind: Order) -> Iterator[Order]:
    """Yield the orders that the kinds leave open, none twice if it gives the same table."""
    members = next((m for m in map(np.flatnonzero, _classes(kind)) if len(m) > 1), None)
    if members is None:
        yield np.argsort(kind)
        return
    firsts = [members] if _interchangeable(pair, members) else members[:, None]
    for first in firsts:
        apart = (len(members) + 1) * kind
        apart[first] += np.arange(-len(first), 0)
        yield from _orders(pair, _refined(pair, _ranked(apart[:, None])))


def _classes(kind: Order) -> Iterator[NDArray[np.bool_]]:
    return (kind == each for each in range(int(kind.max()) + 1))


def _interchangeable(pair: Order, members: Order) -> bool:
    """Return whether every order of the members gives the same table."""
    inside = pair[np.ix_(members, members)][~np.eye(len(members), dtype=bool)]
    outside = np.delete(pair[members], members, axis=1)
    return bool((inside == inside[0]).all() and (outside == outside[0]).all())


def _refined(pair: Order, kind: Order) -> Order:
    """Return kinds that also tell how many votes there are with each kind."""
    while True:
        votes = np.sort(kind[None, :] * (pair.max() + 1) + pair, axis=1)
        finer = _ranked(np.column_stack([kind, votes]))
        if finer.max() == kind.max():
            return finer
        kind = finer


def _ranked(rows: NDArray[Any]) -> Order:
    """Return the rank of each row in the sorted order of the distinct ones: (n, d) → (n,)."""
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)
