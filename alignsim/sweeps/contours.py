"""Curves on which a test function is 0, from the cells of a lattice that it crosses.

Marching squares tell which edges of the smallest cells are cut and how the cuts are joined. Where
an edge is cut is not interpolated: the test function is solved there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from alignsim.analysis.bifurcations.searches import roots
from alignsim.sweeps.lattice import IntArray, Lattice
from alignsim.validation import FloatArray

Test = Callable[[FloatArray, FloatArray], FloatArray]
"""The test function at rows and columns between the lattice's points."""

ZERO = 1e-11
"""A test value of this size counts as 0."""

NARROW = 1e-12
"""A search ends when it is confined to this share of an edge."""

CONTINUOUS = 1e-6
"""Largest test value at the end of a search; where it is larger, the test function jumped."""


class Curves(NamedTuple):
    """Vertices of curves, one curve after the other.

    ``row`` and ``column`` (v,) are positions on the lattice, NaN where the test function jumps
    over 0; ``curve`` (v,) counts the curves from 0. A closed curve ends where it began.
    ``evaluations`` is how often the test function was called for.
    """

    row: FloatArray
    column: FloatArray
    curve: IntArray
    evaluations: int


def zero_curves(lattice: Lattice, test: Test) -> Curves:
    """Return the curves on which ``test`` is 0, at the lattice's resolution.

    Examples
    --------
    >>> lattice = Lattice(64)
    >>> def circle(row, column):
    ...     return np.hypot(row - 30, column - 30) - 20
    >>> while len(points := lattice.ask()):
    ...     values = circle(*lattice.places(points))
    ...     lattice.tell(points, values < 0, values)
    >>> found = zero_curves(lattice, circle)
    >>> bool(np.ptp(np.hypot(found.row - 30, found.column - 30)) < 1e-10), int(found.curve.max())
    (True, 0)
    """
    segments = _segments(lattice)
    edges, ends = np.unique(segments, return_inverse=True)
    chains = _chains(ends.reshape(segments.shape), len(edges))
    row, column, evaluations = _cuts(lattice, edges, test)
    order = np.array([cut for chain in chains for cut in chain], dtype=np.int64)
    curve = np.repeat(np.arange(len(chains)), [len(chain) for chain in chains])
    return Curves(row[order], column[order], curve, evaluations)


def _segments(lattice: Lattice) -> IntArray:
    """Return the pairs of cut edges that are joined inside the smallest cells: (s, 2).

    The edge from a flat point p to the next one in its row is 2p, to the next row 2p + 1.
    """
    row, column = lattice.smallest_cells()
    stride = lattice.stride
    corner = row * stride + column
    values = lattice.test[corner[:, None] + np.array([0, 1, stride, stride + 1])]
    known = np.isfinite(values).all(axis=1)
    corner, values = corner[known], values[known]
    first, right, below, opposite = (values < 0.0).T
    cut = np.stack([first != right, first != below, below != opposite, right != opposite], axis=1)
    edges = np.stack(
        [2 * corner, 2 * corner + 1, 2 * (corner + stride), 2 * (corner + 1) + 1], axis=1
    )
    count = cut.sum(axis=1)
    simple, saddle = count == 2, count == 4
    through = edges[simple][cut[simple]].reshape(-1, 2)
    # at a saddle the value in the middle tells which two opposite corners are connected
    joined = (values.mean(axis=1) < 0.0) == first
    apart, together = edges[saddle & ~joined], edges[saddle & joined]
    return np.concatenate(
        [through, apart[:, [0, 1]], apart[:, [2, 3]], together[:, [0, 3]], together[:, [1, 2]]]
    )


def _chains(ends: IntArray, count: int) -> list[list[int]]:
    """Return the cuts in the order in which segments ``ends`` (s, 2) join them, a list a curve."""
    own, other = ends.ravel(), ends[:, ::-1].ravel()
    order = np.argsort(own, kind="stable")
    own, other = own[order], other[order]
    joined = np.full((2, count), -1)  # at most two segments end at a cut
    joined[np.append(False, own[1:] == own[:-1]).astype(np.intp), own] = other
    first_joined, second_joined = joined.tolist()
    seen = [False] * count
    loose = [cut for cut in range(count) if second_joined[cut] < 0]
    chains = []
    for first in [*loose, *range(count)]:
        if seen[first]:
            continue
        chain, here = [], first
        while not seen[here]:
            seen[here] = True
            chain.append(here)
            onward = (first_joined[here], second_joined[here])
            here = next((cut for cut in onward if cut >= 0 and not seen[cut]), here)
        if second_joined[first] >= 0:
            chain.append(first)
        chains.append(chain)
    return chains


def _cuts(lattice: Lattice, edges: IntArray, test: Test) -> tuple[FloatArray, FloatArray, int]:
    """Return the row and column of the 0 on each edge, and how many evaluations it took."""
    start, down = np.divmod(edges, 2)
    row, column = (places.astype(np.float64) for places in lattice.places(start))
    ends = np.stack([lattice.test[start], lattice.test[start + np.where(down, lattice.stride, 1)]])

    def along(share: FloatArray, which: IntArray) -> FloatArray:
        return test(
            row[which] + np.where(down[which], share, 0.0),
            column[which] + np.where(down[which], 0.0, share),
        )

    whole = np.stack([np.zeros(len(edges)), np.ones(len(edges))])
    found = roots(along, whole, ends, fatol=ZERO, xatol=NARROW)
    share = np.where(np.abs(found.f_x) <= CONTINUOUS, found.x, np.nan)
    evaluations = int(found.nfev.sum())
    return row + np.where(down, share, 0.0), column + np.where(down, 0.0, share), evaluations
