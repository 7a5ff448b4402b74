"""Into which chunks a study is cut: by the recipe alone, never by a clock or by who computes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

CHUNK_SECONDS = 1.0
"""About how long one processor takes for a chunk, by the model below."""

MOST_MAPS = 2**17
"""Most maps of a chunk: it bounds what a worker holds, and what is lost with it."""

MOST_ENTRIES = 2**22
"""Most entries of the preference matrices of all maps of a chunk, for the same reason."""

LEAST_MAPS = 512
"""Fewest maps of a chunk that runs in lanes: few of these then stay empty, also where only some
orbits are followed for long. Half of it where the score is solved for, in fewer lanes."""

IN_LANES = 64
"""Responses up to which maps run in lanes."""

USUAL_ROUNDS = 3000
"""Rounds for which an orbit is expected to be followed, where nothing else is said."""

SECONDS_A_ROUND = 2e-9
"""Of one map, a squared number of responses; measured by ``benchmarks/sweeps.py``."""

SECONDS_A_POINT = 2.5e-8
"""For a fixed point and its multipliers, a cubed number of responses; measured there too."""

SOLVED = 20.0
"""How many times as long a round takes, and a fixed point, where the score is solved for."""


def seconds_a_map(responses: int, rounds: int, linear: bool) -> float:
    """Return about how long one processor takes for a map: a nominal cost, for cutting only.

    Parameters
    ----------
    responses
        K.
    rounds
        For which the map is run; 0 for its fixed point alone.
    linear
        Whether the score is linear in the sampler, and so needs no solver.

    Examples
    --------
    >>> seconds_a_map(4, 0, True), seconds_a_map(10, 3000, False)
    (1.6e-06, 0.0125)
    """
    point = SECONDS_A_POINT * responses**3
    return (point + SECONDS_A_ROUND * rounds * responses**2) * (1.0 if linear else SOLVED)


def maps_a_chunk(responses: int, rounds: int, linear: bool) -> int:
    """Return how many maps take about ``CHUNK_SECONDS``, within bounds of memory and lanes.

    >>> maps_a_chunk(4, 0, True), maps_a_chunk(4, 3000, True), maps_a_chunk(200, 0, True)
    (131072, 10245, 5)
    """
    bearable = int(CHUNK_SECONDS / seconds_a_map(responses, rounds, linear))
    least = 1
    if responses <= IN_LANES:
        least = LEAST_MAPS if linear else LEAST_MAPS // 2
    return max(1, min(max(bearable, least), MOST_MAPS, MOST_ENTRIES // responses**2))


@dataclass(frozen=True)
class Plan:
    """A grid of maps, cut into equal boxes, each of which is one run of the flat grid.

    A box is 1 wide along the first axes, some places along one axis, and whole along the others.

    Attributes
    ----------
    shape
        Places along each axis of the grid.
    box
        Places of a chunk along each axis; the last chunks along an axis may be smaller.

    Examples
    --------
    >>> plan = Plan.of((5, 4, 3), 24)
    >>> plan.box, len(plan), plan.region(2), plan.span(2)
    ((2, 4, 3), 3, (slice(4, 5, None), slice(0, 4, None), slice(0, 3, None)), (48, 60))
    """

    shape: tuple[int, ...]
    box: tuple[int, ...]

    @classmethod
    def of(cls, shape: tuple[int, ...], most: int) -> Plan:
        """Return the plan with chunks of at most ``most`` maps, as equal as possible."""
        box = [1] * len(shape)
        inner = 1
        for axis in range(len(shape) - 1, -1, -1):
            pieces = -(-shape[axis] // max(1, most // inner))
            box[axis] = -(-shape[axis] // pieces)
            if pieces > 1:
                break
            inner *= shape[axis]
        return cls(shape, tuple(box))

    @property
    def pieces(self) -> tuple[int, ...]:
        """Chunks along each axis."""
        return tuple(-(-size // part) for size, part in zip(self.shape, self.box, strict=True))

    @property
    def size(self) -> int:
        """The number of maps."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        return math.prod(self.pieces)

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self)))

    def region(self, chunk: int) -> tuple[slice, ...]:
        """Return the places of a chunk, a slice an axis."""
        found: list[slice] = []
        for size, part, pieces in zip(
            reversed(self.shape), reversed(self.box), reversed(self.pieces), strict=True
        ):
            chunk, place = divmod(chunk, pieces)
            found.append(slice(place * part, min((place + 1) * part, size)))
        return tuple(reversed(found))

    def span(self, chunk: int) -> tuple[int, int]:
        """Return the first map of a chunk in the flat grid, and the one after its last."""
        first, count = 0, 1
        for size, places in zip(self.shape, self.region(chunk), strict=True):
            first = first * size + places.start
            count *= places.stop - places.start
        return first, first + count
