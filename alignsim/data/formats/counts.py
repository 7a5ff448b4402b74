"""Square arrays of how often the row beat the column."""

from __future__ import annotations

import numpy as np

from alignsim.data.comparisons import LARGEST_COUNT, LEAST_COUNT, UNNAMED, Comparisons
from alignsim.data.contents import Content
from alignsim.data.formats.contract import Format, Given
from alignsim.data.formats.squares import kind_of
from alignsim.data.grids import PICK_ONE, Grids
from alignsim.errors import FileFormatError, at, listed

OPTIONS = frozenset({"key"})


def recognises(content: Content, given: Given) -> bool:  # noqa: ARG001
    """Return whether the content holds square arrays of counts."""
    return isinstance(content, Grids) and kind_of(content.entries[0]) == "wins"


def read(content: Content, given: Given) -> Comparisons:  # noqa: ARG001
    """Return the counted votes; the matrices of a stack are separate problems."""
    if not isinstance(content, Grids):
        raise FileFormatError(content.path, "holds no square array of counts")
    if len(content.entries) > 1:
        known = listed(entry.name for entry in content.entries)
        raise FileFormatError(content.path, "holds several arrays", [*PICK_ONE, f" ({known})"])
    (grid,) = content.entries
    K, name = grid.array.shape[-1], grid.name or "wins"
    wins = np.where(np.isnan(grid.array), 0.0, grid.array)
    on = np.arange(K)
    absurd = ~((wins == 0) | ((wins >= LEAST_COUNT) & (wins <= LARGEST_COUNT)))
    absurd[..., on, on] |= wins[..., on, on] != 0
    if absurd.any():
        index = np.argwhere(absurd)[0].tolist()
        told = f"{name}{at(index)} is {grid.array[tuple(index)]:g}"
        remedy = "counts are 0 or more, and 0 on the diagonal"
        raise FileFormatError(content.path, told, remedy)
    stack = wins.reshape(-1, K, K)
    which, i, j = np.nonzero(stack)
    if not len(which):
        raise FileFormatError(content.path, "holds no vote", "expected at least one")
    rows = grid.labels or (tuple(map(str, range(K))),) * len(stack)
    labels = tuple(sorted({label for row in rows for label in row}))
    if len(set(rows)) == 1:
        labels = rows[0]
    place = {label: k for k, label in enumerate(labels)}
    where = np.array([[place[label] for label in row] for row in rows], dtype=np.int64)
    notes = [*content.notes, "The numbers are how often the row beat the column."]
    if np.isnan(grid.array[..., ~np.eye(K, dtype=np.bool_)]).any():
        notes.append("An empty cell, or NaN, counts as no win.")
    names: tuple[str, ...] = UNNAMED
    if len(stack) > 1:
        names = grid.names or tuple(map(str, range(len(stack))))
    return Comparisons(
        labels=labels,
        left=where[which, i],
        right=where[which, j],
        share=np.ones(len(which)),
        count=stack[which, i, j],
        judges=UNNAMED,
        judge=np.zeros(len(which), dtype=np.int64),
        prompts=names,
        prompt=which,
        notes=tuple(notes),
    )


FORMAT = Format(
    name="counts",
    gives="votes",
    holds="square arrays of how often the row beat the column, bare or labelled",
    options=OPTIONS,
    recognises=recognises,
    read=read,
    suffix=".json",
    example='{"wins": [[0, 1], [3, 0]], "labels": ["milk", "tea"]}',
    labels=("milk", "tea"),
    P=((0.5, 0.25), (0.75, 0.5)),
)
