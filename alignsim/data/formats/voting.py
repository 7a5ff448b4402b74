"""From columns to votes: what all formats of votes share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim.data.columns import find_column
from alignsim.data.comparisons import LARGEST_COUNT, LEAST_COUNT, UNNAMED, Comparisons
from alignsim.data.formats.contract import Given
from alignsim.data.tables import Coded, Table
from alignsim.errors import FileFormatError, quote
from alignsim.validation import FloatArray

SIDES = frozenset({"left", "right", "pair"})
ASKED = frozenset({"prompt", "judge", "count"})
"""Options of every format of votes in a table."""


def votes_of(
    table: Table,
    given: Given,
    left: Coded,
    right: Coded,
    share: ArrayLike,
    *,
    rows: NDArray[np.int64] | None = None,
    right_rows: NDArray[np.int64] | None = None,
    count: ArrayLike | None = None,
    judge: Coded | None = None,
    prompt: Coded | None = None,
    skipped: int = 0,
    notes: Sequence[str] = (),
) -> Comparisons:
    """Return votes, of which the n-th stands on row ``rows[n]`` of a table (by default on row n).

    ``left`` and ``right`` are columns of the table, the second read on ``right_rows`` if those are
    others. ``share``, ``count``, ``judge`` and ``prompt`` (n,) are those of the votes; the last two
    are looked for in the table if they are not given.
    """
    rows = np.arange(len(table)) if rows is None else rows
    if not len(rows):
        raise FileFormatError(table.path, "holds no vote", "expected at least one")
    asked = prompt or _on(column_of(table, "prompt", given), rows)
    voters = judge or _on(column_of(table, "judge", given), rows)
    weights = counts_of(table, given)
    weight = np.asarray(1.0 if count is None else count) * (
        1.0 if weights is None else weights[rows]
    )
    weight = np.broadcast_to(weight, rows.shape)
    if weights is not None and "count" not in given:
        name = quote(find_column(table, "count"))
        notes = (*notes, f"Column {name} is taken for how many votes a record is.")
    kept = weight > 0
    if not kept.any():
        raise FileFormatError(table.path, "all counts are 0", "expected at least one vote")
    others = rows if right_rows is None else right_rows
    labels, sides = same_labels(_on(left, rows[kept]), _on(right, others[kept]))
    prompts, prompt_index = named_rows(_on(asked, kept), int(kept.sum()))
    judges, judge_index = named_rows(_on(voters, kept), int(kept.sum()))
    return Comparisons(
        labels=labels,
        left=sides[0],
        right=sides[1],
        share=np.broadcast_to(np.asarray(share, dtype=np.float64), rows.shape)[kept],
        count=weight[kept],
        judges=judges,
        judge=judge_index,
        prompts=prompts,
        prompt=prompt_index,
        skipped=skipped,
        notes=(*table.notes, *notes),
    )


def column_of(table: Table, role: str, given: Given) -> Coded | None:
    """Return the column of a role as it is coded, or None if there is none."""
    name = find_column(table, role, given.get(role))
    return None if name is None else table.coded(name)


def counts_of(table: Table, given: Given) -> FloatArray | None:
    """Return how many votes each row stands for, or None if nothing says."""
    name = find_column(table, "count", given.get("count"))
    return None if name is None else amounts(table, name)


def amounts(table: Table, name: str) -> FloatArray:
    """Return a column of numbers of votes, none of them missing, negative or absurd."""
    found = table.numbers(name)
    absurd = ~((found == 0) | ((found >= LEAST_COUNT) & (found <= LARGEST_COUNT)))
    if absurd.any():
        row = int(absurd.argmax())
        told = f"column {quote(name)} holds {quote(table.columns[name][row])}"
        raise table.error(row, told, "expected a number of votes, 0 or more")
    return found


def same_labels(left: Coded, right: Coded) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the sorted labels that occur, and both sides' indices, (2, n)."""
    one, other = left.index, right.index
    present = {left.values[i] for i in occurring(one)} | {right.values[i] for i in occurring(other)}
    labels = tuple(sorted(present))
    place = {label: k for k, label in enumerate(labels)}
    of_left = np.array([place.get(label, -1) for label in left.values], dtype=np.int64)
    of_right = np.array([place.get(label, -1) for label in right.values], dtype=np.int64)
    return labels, np.stack([of_left[one], of_right[other]])


@overload
def _on(column: Coded, rows: NDArray[Any]) -> Coded: ...
@overload
def _on(column: Coded | None, rows: NDArray[Any]) -> Coded | None: ...
def _on(column: Coded | None, rows: NDArray[Any]) -> Coded | None:
    """Return what a column says on some rows."""
    return None if column is None else Coded(column.values, column.index[rows])


def named_rows(column: Coded | None, votes: int) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the names that occur in a column, and each vote's index; an empty cell is ""."""
    if column is None:
        return UNNAMED, np.zeros(votes, dtype=np.int64)
    present = occurring(column.index)
    place = np.zeros(len(column.values) + 1, dtype=np.int64)
    place[present] = np.arange(len(present))
    return tuple(column.values[i] if i >= 0 else "" for i in present), place[column.index]


def occurring(index: NDArray[np.int64]) -> list[int]:
    """Return the different indices from −1 up, ascending.

    >>> occurring(np.array([3, -1, 3, 0]))
    [-1, 0, 3]
    """
    return (np.flatnonzero(np.bincount(index + 1)) - 1).tolist()


def refuse_self(table: Table, left: Coded, right: Coded) -> None:
    """Refuse a record that compares a response with itself."""
    rows = np.flatnonzero(equal(left, right))
    if len(rows):
        told = f"{quote(left.values[left.index[rows[0]]])} is compared with itself"
        raise table.error(int(rows[0]), told, "remove the record")


def equal(one: Coded, other: Coded) -> NDArray[np.bool_]:
    """Return where two columns hold the same text."""
    place = {text: k for k, text in enumerate(one.values)}
    same = np.array([*(place.get(text, -2) for text in other.values), -2], dtype=np.int64)
    return np.asarray(one.index == same[other.index])
