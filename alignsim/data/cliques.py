"""The largest set of responses that were all compared with one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BUDGET = 10**6
"""Vertices that a search colours before it gives up, a second's work."""

_Level = tuple[tuple[int, ...], int, list[tuple[int, int]]]


def largest_clique(linked: NDArray[np.bool_], budget: int = BUDGET) -> tuple[int, ...] | None:
    """Return the vertices of a maximum clique, ascending: (K, K) symmetric → up to K indices.

    Exact branch and bound over bitmasks: a set that can be coloured with c colours, no two
    linked vertices alike, holds no clique larger than c. Which of several equally large
    cliques comes out is arbitrary but reproducible. The problem is NP-hard: None if the search
    takes more than a ``budget`` of coloured vertices.

    References
    ----------
    Tomita and Seki (2003), "An efficient branch-and-bound algorithm for finding a maximum
    clique", building on Bron and Kerbosch (1973).

    Examples
    --------
    >>> square_with_a_diagonal = np.array(
    ...     [[0, 1, 1, 1], [1, 0, 1, 0], [1, 1, 0, 1], [1, 0, 1, 0]], dtype=bool
    ... )
    >>> len(largest_clique(square_with_a_diagonal))
    3
    """
    neighbours = [
        int.from_bytes(np.packbits(row, bitorder="little").tobytes(), "little") & ~(1 << i)
        for i, row in enumerate(linked)
    ]
    best: tuple[int, ...] = ()
    # each level of the search: a clique, its candidates, and those that are left to try
    everyone = (1 << len(neighbours)) - 1
    levels: list[_Level] = [((), everyone, _colour(everyone, neighbours))]
    while levels:
        clique, candidates, coloured = levels.pop()
        if not coloured or len(clique) + coloured[-1][1] <= len(best):
            continue
        vertex, _ = coloured.pop()
        levels.append((clique, candidates & ~(1 << vertex), coloured))
        grown, inside = (*clique, vertex), candidates & neighbours[vertex]
        if len(grown) > len(best):
            best = grown
        budget -= inside.bit_count()
        if budget < 0:
            return None
        levels.append((grown, inside, _colour(inside, neighbours)))
    return tuple(sorted(best))


def _colour(candidates: int, neighbours: list[int]) -> list[tuple[int, int]]:
    """Return each candidate with the number of colours used up to it, ascending."""
    coloured: list[tuple[int, int]] = []
    colour = 0
    while candidates:
        colour += 1
        free = candidates
        while free:
            vertex = (free & -free).bit_length() - 1
            coloured.append((vertex, colour))
            candidates ^= 1 << vertex
            free &= ~neighbours[vertex] & ~(1 << vertex)
    return coloured
