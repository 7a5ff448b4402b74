"""Records that hold lists of records: one row for each inner one, nested cells as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from alignsim.data.conversations import is_conversation
from alignsim.data.sources import refuse_large
from alignsim.data.tables import Table

DEEPEST = 4
"""How deep nested objects are followed."""

SCORES = ("rating", "score")
"""The last part of a nested name that says that it holds a score."""


def unfolded(table: Table) -> Table | None:
    """Return a table with a row for each inner record; None if there are none, and no objects."""
    lists = [name for name in table.names if _holds_records(table.columns[name])]
    opened = _opened(table, lists[0]) if len(lists) == 1 else table
    flat = _flattened(opened)
    if flat is None and len(lists) != 1:
        return None
    return opened if flat is None else flat


def _holds_records(cells: Sequence[Any]) -> bool:
    """Return whether every cell that is not empty is a list of objects, and no conversation."""
    return set(map(type, cells)) - {type(None)} == {list} and all(
        cell is None or (set(map(type, cell)) == {dict} and not is_conversation(cell))
        for cell in cells
    )


def _opened(table: Table, name: str) -> Table:
    inner = [cell or [] for cell in table.columns[name]]
    outer_row = np.repeat(np.arange(len(table)), [len(cell) for cell in inner])
    rows = outer_row.tolist()
    entries = [entry for cell in inner for entry in cell]
    keys = dict.fromkeys(str(key) for entry in entries for key in entry)
    many = f"has {len(keys):,} different keys in the {len(entries):,} records of {name!r}"
    refuse_large(table.path, 8.0 * len(keys) * len(entries), many)
    columns: dict[str, Sequence[Any]] = {
        other: [cells[row] for row in rows]
        for other, cells in table.columns.items()
        if other != name and other not in keys
    }
    columns |= {key: [entry.get(key) for entry in entries] for key in keys}
    places = [table.places[row] for row in rows]
    return replace(
        table, columns=columns, places=places, record=outer_row,
        _coded={},
    )  # fmt: skip


def _flattened(table: Table) -> Table | None:
    """Return a table with a column for each cell of nested objects, ``outer.inner``."""
    columns: dict[str, Sequence[Any]] = {}
    nested = False
    for name, cells in table.columns.items():
        if dict in set(map(type, cells)):
            nested = True
            columns |= _leaves(name, cells, DEEPEST)
        else:
            columns[name] = cells
    if not nested:
        return None
    named = _score_names(list(columns))
    columns = {named.get(name, name): cells for name, cells in columns.items()}
    return replace(table, columns=columns, scores=tuple(named.values()), _coded={})


def _leaves(name: str, cells: Sequence[Any], depth: int) -> dict[str, Sequence[Any]]:
    if not depth or dict not in set(map(type, cells)):
        return {name: cells}
    keys = dict.fromkeys(str(k) for cell in cells if isinstance(cell, dict) for k in cell)
    found: dict[str, Sequence[Any]] = {}
    for key in keys:
        inner = [cell.get(key) if isinstance(cell, dict) else None for cell in cells]
        found |= _leaves(f"{name}.{key}", inner, depth - 1)
    return found


def _score_names(names: Sequence[str]) -> dict[str, str]:
    """Return shorter names of nested scores: ``annotations.honesty.Rating`` → ``honesty``."""
    short = {
        name: name.split(".")[-2]
        for name in names
        if name.count(".") >= 2 and name.rpartition(".")[2].lower() in SCORES
    }
    unique = len(set(short.values())) == len(short) and not set(short.values()) & set(names)
    return short if unique else {}
