"""The largest set of responses that were all compared with one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def largest_clique(linked: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the vertices of a maximum clique, ascending: (K, K) symmetric → up to K indices.

    Exact branch and bound over bitmasks: a set that can be coloured with c colours, no two
    linked vertices alike, holds no clique larger than c. Which of several equally large
    cliques comes out is arbitrary but reproducible.

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
        sum(1 << int(j) for j in np.flatnonzero(row) if j != i) for i, row in enumerate(linked)
    ]
    best: tuple[int, ...] = ()

    def grow(clique: tuple[int, ...], candidates: int) -> None:
        nonlocal best
        if len(clique) > len(best):
            best = clique
        for vertex, bound in reversed(_colour(candidates, neighbours)):
            if len(clique) + bound <= len(best):
                return
            grow((*clique, vertex), candidates & neighbours[vertex])
            candidates ^= 1 << vertex

    grow((), (1 << len(neighbours)) - 1)
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
