"""What stands in memory: frames, columns, records, rows, games and arrays."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from alignsim.data.columns import looks_like_header
from alignsim.data.conversations import is_conversation
from alignsim.data.grids import Grid, Grids, grid_of, grid_of_table, grids_from_json, holds_grid
from alignsim.data.tables import Table, table_from_columns, table_from_records
from alignsim.errors import FileFormatError, InputError, quote, shortened
from alignsim.validation import affordable

WORTH = 100.0
"""Bytes that a row takes at least."""


def content_of(source: Any, key: str | None) -> Table | Grids:
    """Return what an object holds; refuses what is none of the kinds that are known."""
    for kind in (_game, _dataset, _frame, _array, _mapping, _rows):
        found = kind(source, key)
        if found is not None:
            return found
    remedy = (
        "give a path, a data frame, a dict of columns, a list of records or rows, a Dataset, "
        "a game or an array"
    )
    raise InputError("source", f"is {quote(source)}", remedy)


def table_of_frame(frame: Any, place: str) -> Table:
    """Return the table of a frame that narwhals knows: pandas, Polars, Arrow..."""
    import narwhals as nw

    if nw.dependencies.is_pandas_dataframe(frame):
        index = frame.index
        counted = len(index) and type(index).__name__ == "RangeIndex"
        frame = frame if counted else _with_index(frame)
        frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    eager = nw.from_native(frame)
    if isinstance(eager, nw.LazyFrame):
        eager = eager.collect()
    many = f"has {len(eager):,} rows, which"
    affordable(WORTH * len(eager) / 4, "source", many, kind=InputError)
    columns = {name: plain_cells(eager[name].to_list()) for name in eager.columns}
    return table_from_columns(place, columns, "row")


def plain_cells(cells: Iterable[Any]) -> list[Any]:
    """Return cells with None for what is missing, and Python's own types for NumPy's."""
    listed = list(cells)
    if set(map(type, listed)) <= {str, int, bool, type(None)}:
        return listed
    return [_plain(cell) for cell in listed]


def _plain(cell: Any) -> Any:
    if isinstance(cell, np.ndarray):
        return [_plain(entry) for entry in cell.tolist()]
    if isinstance(cell, np.generic):
        return _plain(cell.item())
    if isinstance(cell, float):
        return None if cell != cell else cell
    if type(cell).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(cell, Mapping):
        return {str(name): _plain(entry) for name, entry in cell.items()}
    if isinstance(cell, list | tuple):
        return [_plain(entry) for entry in cell]
    return cell


def _with_index(frame: Any) -> Any:
    """Return a pandas frame whose index is a column, without a name if the index has none."""
    names = [name if name is not None else "" for name in frame.index.names]
    return frame.rename_axis(index=names[0] if len(names) == 1 else names).reset_index(
        names=names[0] if len(names) == 1 else names
    )


def _frame(source: Any, _: str | None) -> Table | Grids | None:
    import narwhals as nw

    try:
        found = nw.from_native(source, pass_through=True)
        if not isinstance(found, nw.DataFrame | nw.LazyFrame):
            return None
        table = table_of_frame(source, "the frame")
    except InputError:
        raise
    except Exception as error:  # of whatever library the frame is
        raise FileFormatError("the frame", f"cannot be read ({shortened(error)})") from None
    return square_or_table(table)


def square_or_table(table: Table) -> Table | Grids:
    """Return a table, or the square array that it holds."""
    grid = grid_of_table(table)
    return table if grid is None else Grids(table.path, (grid,), table.notes)


def _dataset(source: Any, _: str | None) -> Table | None:
    """Return the table of a Hugging Face Dataset, or of what has columns as it has."""
    names = getattr(source, "column_names", None)
    if isinstance(names, Mapping):
        told = f"holds the splits {', '.join(map(quote, names))}"
        first = quote(next(iter(names), "train"))
        raise FileFormatError("the dataset", told, f"give one of them, such as dataset[{first}]")
    if not isinstance(names, list) or not hasattr(source, "features"):
        return None
    columns = {name: plain_cells(source[name]) for name in names}
    return table_from_columns("the dataset", columns, "row")


def _array(source: Any, _: str | None) -> Grids | None:
    if isinstance(source, np.ndarray):
        return Grids("the array", (grid_of("the array", "", source),))
    return None


def _mapping(source: Any, key: str | None) -> Table | Grids | None:
    if not isinstance(source, Mapping):
        return None
    plain = {str(name): _plain(value) for name, value in source.items()}
    if holds_grid(plain):
        return grids_from_json("the dict", plain, key)
    if is_columns(plain):
        return square_or_table(table_from_columns("the dict", plain, "row"))
    return table_from_records("the dict", [plain])


def is_columns(content: Mapping[str, Any]) -> bool:
    """Return whether an object holds columns, which are lists of cells, and is no record.

    >>> is_columns({"a": [1], "b": [2]}), is_columns({"a": 1, "b": [2]})
    (True, False)
    """
    return bool(content) and all(
        isinstance(column, list)
        and not is_conversation(column)
        and not any(isinstance(cell, Mapping) for cell in column)
        for column in content.values()
    )


def _rows(source: Any, key: str | None) -> Table | Grids | None:
    if isinstance(source, str | bytes | bytearray) or not isinstance(source, Iterable):
        return None
    rows: list[Any] = []
    for row in source:
        rows.append(row)
        if len(rows) % 2**16 == 0:
            affordable(WORTH * len(rows) / 4, "source", f"has {len(rows):,} rows and more, which")
    if not rows:
        raise InputError("source", "is empty", "give at least one record")
    place = f"the {type(source).__name__}"
    if all(isinstance(row, Mapping) for row in rows):
        records = [{str(name): _plain(cell) for name, cell in row.items()} for row in rows]
        return square_or_table(table_from_records(place, records))
    if any(isinstance(row, Mapping | str | bytes) or not isinstance(row, Iterable) for row in rows):
        return None
    fields = getattr(rows[0], "_fields", None)
    cells = [_plain(list(row)) for row in rows]
    kinds = {type(cell) for row in cells for cell in row}
    square = len(cells) == len(cells[0]) or list in kinds
    if square and kinds <= {int, float, bool, list, type(None)}:
        return grids_from_json(place, cells, key)
    width = len(cells[0])
    for n, row in enumerate(cells, start=1):
        if len(row) != width:
            told = f"has {len(row)} entries; the first row has {width}"
            raise FileFormatError(f"{place}, row {n}", told, "give every row as many")
    if fields is not None:
        names, body = list(fields), cells
    elif looks_like_header(cells[0]):
        names, body = [str(cell) for cell in cells[0]], cells[1:]
    elif width in _UNNAMED:
        names, body = _UNNAMED[width], cells
    else:
        told = f"holds rows of {width} entries without names"
        raise FileFormatError(place, told, "begin with a row of names, or give dicts")
    if len(set(names)) < len(names) or not body:
        told = "two columns have one name" if body else "holds names but no records"
        raise FileFormatError(place, told, "give every column a name of its own, and rows")
    columns = {name: [row[k] for row in body] for k, name in enumerate(names)}
    return square_or_table(table_from_columns(place, columns, "row"))


_UNNAMED = {2: ["winner", "loser"], 3: ["left", "right", "winner"]}
"""What the entries of rows are that come without names."""


# Games


def _game(source: Any, _: str | None) -> Grids | None:
    """Return the payoffs of a symmetric game of two players, by the names of three libraries."""
    payoffs = _payoffs(source)
    if payoffs is None:
        return None
    place = "the game"
    if len(payoffs) != 2:
        raise FileFormatError(place, f"has {len(payoffs)} players", "give a game of two")
    row, column = (np.asarray(entry, dtype=np.float64) for entry in payoffs)
    if row.ndim != 2 or row.shape[0] != row.shape[1] or row.shape != column.shape:
        told = f"has payoffs of shape {row.shape} and {column.shape}"
        raise FileFormatError(place, told, "both players need the same actions")
    if not np.allclose(column, row.T, rtol=0, atol=1e-9):
        told = "is not symmetric: the players' payoffs differ when they swap actions"
        raise FileFormatError(place, told, "a preference matrix needs a symmetric game")
    name_of = getattr(source, "row_action_name", None)
    labels = [str(name_of(i)) for i in range(len(row))] if callable(name_of) else None
    grid = grid_of(place, "payoffs", row, labels, "payoffs")
    return Grids(place, (Grid("", grid.array, grid.labels, (), "payoffs"),))


def _payoffs(source: Any) -> Sequence[Any] | None:
    """Return each player's payoffs by (row's action, column's action), or None if it is no game."""
    if inspect.isclass(source):
        return None
    if (nashpy := getattr(source, "payoff_matrices", None)) is not None:
        return tuple(nashpy)
    if (quantecon := getattr(source, "payoff_arrays", None)) is not None:
        own_first = tuple(quantecon)
        return own_first if len(own_first) != 2 else (own_first[0], np.transpose(own_first[1]))
    openspiel: list[Callable[[], Any] | None]
    openspiel = [getattr(source, name, None) for name in ("row_utilities", "col_utilities")]
    if all(map(callable, openspiel)):
        return tuple(utilities() for utilities in openspiel if utilities is not None)
    return None
