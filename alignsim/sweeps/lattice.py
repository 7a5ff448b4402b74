"""A dyadic lattice of labels that is refined where the labels change.

It knows no physics: it says which points it wants (``ask``) and is told a label, the value of a
test function and perhaps a rotation number for each (``tell``). Positions are integers, cells are
squares of a power of two.

A cell is split if the labels that are known on it differ or its test function changes sign, if
the sign could change inside it unseen (``_doubtful``), or if it touches such a cell (the guard
ring). Of the cells that are left whole a random share is audited: the centre is evaluated, and
the cell split if its label differs. Cells that touch differ in size by a factor of 2 at most.

Rotation numbers find tongues, in which the rotation number is a fraction: between two points at
which it differs it takes every value, so that the tongue of each fraction in between passes between
them. On every edge the place of the simplest such fraction is looked for (``_seeds``), and a cell
is split if a label found there differs. A tongue that shows is followed on the edges of smaller
cells; one that is narrower than the distance of points does not, nor need those of larger
denominators. Where rotation numbers are told, only cells on which three labels meet get a guard
ring.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alignsim.validation import FloatArray

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
Cells = tuple[IntArray, IntArray]
"""Rows and columns of cells of one size."""

COARSE_CELLS = 32
"""Cells a side of the first lattice."""

LARGEST_DENOMINATOR = 32
"""Of the fractions whose tongues are looked for; those of larger ones are thin."""

SAME_TURNS = 1e-8
"""Rotation numbers that differ by less are equal."""

CORNERS = [0, 2, 6, 8]
MIDDLES = [1, 3, 4, 5, 7]
CENTRE = 4
"""Which of a cell's 3×3 points, row by row, is what."""

_PLACES = np.stack(np.divmod(np.arange(9), 3), axis=1)
"""Rows and columns of the 3×3 points: (9, 2)."""

_BILINEAR = np.array(
    [[0.5, 0.5, 0.0, 0.0], [0.5, 0.0, 0.5, 0.0], [0.25, 0.25, 0.25, 0.25], [0.0, 0.5, 0.0, 0.5],
     [0.0, 0.0, 0.5, 0.5]]
)  # fmt: skip
"""What each of the four corners contributes to the prediction at each of the five middles."""


class Lattice:
    """Labels on (resolution + 1)² points, of which few are evaluated.

    Parameters
    ----------
    resolution
        Cells a side, a power of two.
    audit
        Share of the cells left whole that are audited, in [0, 1].
    rng
        Seed or generator of the audit.

    Attributes
    ----------
    label : ((resolution + 1)²,)
        Flat, row by row, int32; meaningful where ``evaluated``.
    test : ((resolution + 1)²,)
        The test function, NaN where not evaluated or unknown. Its sign matters, and that it is
        smooth, for the prediction.
    evaluated : ((resolution + 1)²,)
        Where ``label`` and ``test`` were told.

    Examples
    --------
    >>> lattice = Lattice(256)
    >>> while len(points := lattice.ask()):
    ...     row, column = lattice.places(points)
    ...     test = np.hypot(row - 100, column - 120) - 60.5
    ...     lattice.tell(points, (test > 0).astype(int), test)
    >>> bool(lattice.evaluated.mean() < 0.12), int((lattice.filled() == 0).sum())
    (True, 11513)
    """

    def __init__(
        self, resolution: int, *, audit: float = 0.0, rng: int | np.random.Generator = 0
    ) -> None:
        self.resolution = resolution
        self.stride = resolution + 1
        self.label = np.zeros(self.stride**2, dtype=np.int32)
        self.test = np.full(self.stride**2, np.nan)
        self.evaluated = np.zeros(self.stride**2, dtype=bool)
        self._share = audit
        self._rng = np.random.default_rng(rng)
        coarse = min(COARSE_CELLS, resolution)
        sides = [coarse << level for level in range((resolution // coarse).bit_length())]
        self._cells = [np.zeros((side, side), dtype=bool) for side in sides]
        self._split = [np.zeros((side, side), dtype=bool) for side in sides]
        self._drawn = [np.zeros((side, side), dtype=bool) for side in sides]
        self._cells[0][:] = True
        self._started = False
        self._turns: FloatArray | None = None
        self._seeded = np.empty(0, dtype=np.int64)

    def places(self, points: IntArray) -> tuple[IntArray, IntArray]:
        """Return the rows and columns, 0 to ``resolution``, of flat points."""
        return points // self.stride, points % self.stride

    def ask(self) -> IntArray:
        """Return the flat points to be evaluated next, ascending; none when all is settled."""
        if not self._started:
            self._started = True
            line = np.arange(0, self.stride, self._size(0))
            return (line[:, None] * self.stride + line).ravel()
        wanted = [*self._refine(), *self._draw_audit()]
        points = self._new(wanted)
        if self._turns is not None and not len(points):
            points = self._new([self._seeds(level) for level in range(len(self._cells) - 1)])
            self._seeded = np.concatenate([self._seeded, points])
        return points

    def tell(
        self,
        points: IntArray,
        label: NDArray[Any],
        test: FloatArray,
        turns: FloatArray | None = None,
    ) -> None:
        """Take the labels and test values of flat points, and their rotation numbers, if any."""
        self.label[points] = label
        self.test[points] = test
        self.evaluated[points] = True
        if turns is not None:
            if self._turns is None:
                self._turns = np.full(self.stride**2, np.nan)
            self._turns[points] = turns

    @property
    def turns(self) -> FloatArray:
        """Rotation number, ((resolution + 1)²,); NaN where not evaluated or nothing turns."""
        return np.full(self.stride**2, np.nan) if self._turns is None else self._turns

    def sources(self) -> NDArray[np.int32]:
        """Return, for every flat point, an evaluated point that has its label.

        An evaluated point is its own source; the others lie in or on a cell left whole, all of
        whose known labels agree, and have the cell's first corner.
        """
        source = np.zeros((self.stride, self.stride), dtype=np.int32)
        for level in range(len(self._cells)):
            size = self._size(level)
            row, column = self._whole(level)
            inside = source[:-1, :-1].reshape(len(self._cells[level]), size, -1, size)
            corner = (row * self.stride + column) * size
            inside[row, :, column, :] = corner[:, None, None]
        source[-1] = source[-2]
        source[:, -1] = source[:, -2]
        flat = source.ravel()
        known = np.flatnonzero(self.evaluated)
        flat[known] = known
        return flat

    def filled(self) -> NDArray[np.int32]:
        """Return the labels of all points: (resolution + 1, resolution + 1)."""
        return self.label[self.sources()].reshape(self.stride, self.stride)

    def filled_turns(self) -> FloatArray:
        """Return the rotation numbers of all points, (resolution + 1, resolution + 1).

        Where none was told, the bilinear interpolation between the corners of the cell; NaN where
        one of them does not turn.
        """
        turns = np.full(self.stride**2, np.nan)
        for level in range(len(self._cells)):
            size = self._size(level)
            nine = self._nine(size, self._whole(level))
            corners = np.ascontiguousarray(self.turns[nine[CORNERS]].T)
            share = np.arange(size + 1) / size
            along = np.stack([1.0 - share, share])
            weights = np.einsum("ik,jl->ijkl", along, along).reshape(4, -1)
            inside = np.add.outer(np.arange(size + 1) * self.stride, np.arange(size + 1)).ravel()
            change = (corners - corners[:, :1]) @ weights
            turns[nine[0, :, None] + inside] = corners[:, :1] + change
        turns[self.evaluated] = self.turns[self.evaluated]
        return turns.reshape(self.stride, self.stride)

    def smallest_cells(self) -> Cells:
        """Return the rows and columns of the cells of size 1; every change of sign is in them."""
        return self._where(self._cells[-1])

    def _new(self, wanted: list[IntArray]) -> IntArray:
        """Return the points that were not evaluated yet, ascending."""
        asked = np.zeros_like(self.evaluated)
        for points in wanted:
            asked[points] = True
        return np.flatnonzero(asked & ~self.evaluated)

    def _size(self, level: int) -> int:
        return self.resolution // len(self._cells[level])

    def _whole(self, level: int) -> Cells:
        return self._where(self._cells[level] & ~self._split[level])

    @staticmethod
    def _where(mask: BoolArray) -> Cells:
        cells = np.flatnonzero(mask)
        return cells // len(mask), cells % len(mask)

    def _nine(self, size: int, cells: Cells) -> IntArray:
        """Return corners, middles of edges and centres of cells, as flat points: (9, m)."""
        row, column = cells
        corner = (row * self.stride + column) * size
        steps = _PLACES[:, 0] * self.stride + _PLACES[:, 1]
        return corner + size // 2 * steps[:, None]

    def _refine(self) -> list[IntArray]:
        """Split the cells that need it, and return the points on them."""
        levels = range(len(self._cells) - 1)
        splits = [self._to_split(level) for level in levels]
        points = []
        for level in reversed(levels):
            row, column = splits[level]
            self._split[level][row, column] = True
            for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
                self._cells[level + 1][2 * row + down, 2 * column + right] = True
            points.append(self._nine(self._size(level), (row, column)).ravel())
            if level:
                splits[level - 1] = self._balanced(level, splits[level], splits[level - 1])
        return points

    def _to_split(self, level: int) -> Cells:
        """Return the cells of one size whose values ask for a split, and those around them."""
        cells = self._whole(level)
        size = self._size(level)
        nine = self._nine(size, cells)
        known = self.evaluated[nine]
        label = np.where(known, self.label[nine], self.label[nine[0]])
        test = self.test[nine]
        bad = self._mixed(known, label, test) | self._doubtful(size, cells, test)
        guarded = bad if self._turns is None else self._crowded(label)
        around = np.zeros_like(self._split[level])
        around[_neighbours(cells[0][guarded], cells[1][guarded], len(around))] = True
        around[cells[0][bad], cells[1][bad]] = True
        if len(self._seeded):
            self._mark_seeded(around, size)
        return self._where(around & self._cells[level] & ~self._split[level])

    def _mark_seeded(self, marked: BoolArray, size: int) -> None:
        """Mark the cells of one size whose first corner has another label than a seed on them."""
        row, column = self.places(self._seeded)
        for down, right in np.ndindex(2, 2):  # a point on an edge belongs to the cells beside it
            i, j = (row - down) // size, (column - right) // size
            other = self.label[(i * self.stride + j) * size] != self.label[self._seeded]
            other &= (i >= 0) & (j >= 0) & (i < len(marked)) & (j < len(marked))
            marked[i[other], j[other]] = True

    def _seeds(self, level: int) -> IntArray:
        """Return where on the edges of cells of one size a tongue may pass unseen.

        Between those known points of an edge that enclose the simplest fraction between its ends,
        by linear interpolation.
        """
        size, place = self._size(level), np.arange(self._size(level) + 1)
        corners = self._nine(size, self._whole(level))[CORNERS]
        first = corners[[0, 2, 0, 1]].ravel()
        step = np.repeat([1, 1, self.stride, self.stride], corners.shape[1])
        ends = self.turns[[first, first + size * step]]
        target = simplest_fractions(*ends)
        line = first[:, None] + step[:, None] * place
        ahead = (self.turns[line] - target[:, None]) * np.sign(ends[1] - ends[0])[:, None]
        before = np.where(ahead < -SAME_TURNS, place, -1).max(axis=1)
        after = np.where((ahead > SAME_TURNS) & (place > before[:, None]), place, size + 1)
        after = after.min(axis=1)
        wide = np.flatnonzero(np.isfinite(target) & (after - before > 1))
        before, after = before[wide], after[wide]
        low, high = ahead[wide, before], ahead[wide, after]
        best = np.round(before - low / (high - low) * (after - before)).astype(np.int64)
        return line[wide, np.clip(best, before + 1, after - 1)]

    def _balanced(self, level: int, split: Cells, above: Cells) -> Cells:
        """Return ``above``, the splits one level up, with those that ``split`` makes necessary."""
        row, column = _neighbours(*split, len(self._cells[level]))
        missing = ~self._cells[level][row, column]
        needed = np.zeros_like(self._split[level - 1])
        needed[above] = True
        needed[row[missing] // 2, column[missing] // 2] = True
        return self._where(needed)

    @staticmethod
    def _mixed(known: BoolArray, label: NDArray[np.int32], test: FloatArray) -> BoolArray:
        """Return whether what is known on cells differs, in label or in the sign of the test.

        All are (9, m); the label is that of the first corner where none is known.
        """
        negative = test < 0.0
        crosses = (negative != negative[0]) & known
        return np.asarray(((label != label[0]) | crosses).any(axis=0))

    @staticmethod
    def _crowded(label: NDArray[np.int32]) -> BoolArray:
        """Return whether three labels or more are known on cells, (9, m)."""
        return np.asarray((np.diff(np.sort(label, axis=0), axis=0) != 0).sum(axis=0) > 1)

    def _doubtful(self, size: int, cells: Cells, test: FloatArray) -> BoolArray:
        """Return whether the test function, ``test`` (9, m), could change its sign unseen.

        Bilinear prediction failed on the parent by some misfit at its middles, and on the cell
        it may be expected to fail by a quarter of that. The cell is doubtful if its test function
        comes as near to 0 as the whole misfit: a margin of a factor 4.
        """
        row, column = cells
        parent = self.test[self._nine(2 * size, (row // 2, column // 2))]
        nearest = np.abs(test[CORNERS]).min(axis=0)
        with np.errstate(invalid="ignore"):
            misfit = np.abs(parent[MIDDLES] - _BILINEAR @ parent[CORNERS]).max(axis=0)
            return np.asarray(nearest <= misfit)

    def _draw_audit(self) -> list[IntArray]:
        """Return the centres of some of the cells that were left whole for the first time."""
        points = []
        for level in range(len(self._cells) - 1):
            row, column = self._where(
                self._cells[level] & ~self._split[level] & ~self._drawn[level]
            )
            self._drawn[level][row, column] = True
            chosen = self._rng.random(len(row)) < self._share
            points.append(self._nine(self._size(level), (row[chosen], column[chosen]))[CENTRE])
        return points


def _neighbours(row: IntArray, column: IntArray, side: int) -> Cells:
    """Return cells and the eight around each, as far as they are on the lattice; some twice."""
    rows = (row[:, None] + _PLACES[:, 0] - 1).ravel()
    columns = (column[:, None] + _PLACES[:, 1] - 1).ravel()
    on = (rows >= 0) & (rows < side) & (columns >= 0) & (columns < side)
    return rows[on], columns[on]


def simplest_fractions(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the fraction of least denominator strictly between two numbers, (m,).

    NaN where it exceeds ``LARGEST_DENOMINATOR``.

    >>> simplest_fractions(np.array([0.2, 0.25]), np.array([0.26, 0.2501])).tolist()
    [0.25, nan]
    """
    low = np.minimum(first, second) + SAME_TURNS
    high = np.maximum(first, second) - SAME_TURNS
    found = np.full(low.shape, np.nan)
    for q in range(1, LARGEST_DENOMINATOR + 1):
        fraction = (np.floor(low * q) + 1.0) / q
        found = np.where(np.isnan(found) & (fraction < high), fraction, found)
    return found
