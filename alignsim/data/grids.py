"""Square arrays, one or several, with the names of what they compare."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alignsim import validation
from alignsim.data.sources import Source, refuse_large
from alignsim.data.tables import Table, number
from alignsim.errors import Argument, FileFormatError, InputError, Part, listed, quote, shortened
from alignsim.validation import FloatArray

PICK_ONE: list[Part] = ["pick one with ", Argument("key", ...)]

WINS = ("wins", "counts", "votes")
"""Keys of JSON objects that hold how often the row beat the column."""

PAYOFFS = ("payoffs", "payoff_matrix", "payoff_matrices")


@dataclass(frozen=True, eq=False)
class Grid:
    """One array (..., K, K) as it was given.

    Attributes
    ----------
    name
        What it is called where it stands, "" if nothing says.
    array
        (..., K, K), NaN where a cell is empty.
    labels
        The K responses of each matrix, or ``()``.
    names
        The name of each matrix, or ``()``.
    says
        What the source calls the numbers: "P", "wins", "payoffs", or "" if it does not say.
    """

    name: str
    array: FloatArray
    labels: tuple[tuple[str, ...], ...] = ()
    names: tuple[str, ...] = ()
    says: str = ""


@dataclass(frozen=True, eq=False)
class Grids:
    """The arrays of one source."""

    path: str
    entries: tuple[Grid, ...]
    notes: tuple[str, ...] = ()


def grid_of(place: str, name: str, value: Any, labels: Any = None, says: str = "") -> Grid:
    """Return a nested list or an array as a grid, whose labels fit it."""
    try:
        array = validation.real_array(_without_gaps(value), name or "P", min_ndim=2, finite=False)
    except InputError as error:
        raise FileFormatError.within(place, error) from None
    rows, columns = array.shape[-2:]
    if rows != columns:
        remedy = "the last two axes must be equal (a K×K matrix)"
        raise FileFormatError(place, f"{name or 'P'} has shape {array.shape}", remedy)
    return Grid(name, array, _labels(place, name or "P", labels, array), (), says)


def _without_gaps(value: Any) -> Any:
    """Return nested lists with NaN for null."""
    if isinstance(value, list):
        return [np.nan if entry is None else _without_gaps(entry) for entry in value]
    return value


def _labels(place: str, name: str, labels: Any, array: FloatArray) -> tuple[tuple[str, ...], ...]:
    if labels is None:
        return ()
    many, K = int(np.prod(array.shape[:-2], dtype=int)), array.shape[-1]
    rows = labels if _is_list_of_lists(labels) else [labels] * many
    fitting = isinstance(rows, list) and len(rows) == many
    if not fitting or any(not isinstance(row, list) or len(row) != K for row in rows):
        remedy = f"expected a list of {K}, one a response"
        raise FileFormatError(place, f"{quote(name)} has labels {quote(labels)}", remedy)
    named = tuple(tuple(map(str, row)) for row in rows)
    for row in named:
        if len(set(row)) < K:
            raise FileFormatError(place, f"{quote(name)} has a label twice", "give each its own")
    return named


def _is_list_of_lists(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, list) for row in value)


# JSON


def grids_from_json(place: str, content: Any, key: str | None) -> Grids:
    """Return the arrays in what JSON gave: a nested list, an object with one, or named objects."""
    if isinstance(content, list):
        _refuse_key(place, key)
        return Grids(place, (grid_of(place, "", content),))
    if not isinstance(content, Mapping) or not content:
        raise FileFormatError(place, f"holds {quote(content)}", 'expected {"P": [[...]]}')
    if (single := _entry(place, "", content)) is not None:
        _refuse_key(place, key)
        return Grids(place, (single,))
    if key is not None:
        content = {key: content[known_key(place, key, content)]}
    entries = []
    for name, value in content.items():
        entry = _entry(place, name, value) if isinstance(value, Mapping) else None
        if entry is None:
            remedy = 'expected {"P": [[...]], "labels": [...]}'
            raise FileFormatError(place, f'entry {quote(name)} has no "P"', remedy)
        entries.append(entry)
    return Grids(place, tuple(entries))


def holds_grid(content: Any) -> bool:
    """Return whether JSON holds arrays rather than records.

    >>> holds_grid([[0.5, 1], [0, 0.5]]), holds_grid({"a": {"P": []}}), holds_grid({"a": "b"})
    (True, True, False)
    """
    if isinstance(content, list):
        return bool(content) and not any(isinstance(entry, Mapping) for entry in content)
    if not isinstance(content, Mapping):
        return True
    keys = {"P", *WINS, *PAYOFFS}
    inner = [value for value in content.values() if isinstance(value, Mapping)]
    return (
        any(_is_list_of_lists(content.get(key)) and content[key] for key in keys)
        or "P" in content
        or (len(inner) == len(content) and len(inner) > 0)
    )


def _entry(place: str, name: str, value: Mapping[str, Any]) -> Grid | None:
    for says, keys in (("P", ("P",)), ("wins", WINS), ("payoffs", PAYOFFS)):
        for key in keys:
            if key in value and (key == "P" or isinstance(value[key], list)):
                found = grid_of(place, name or key, value[key], value.get("labels"), says)
                return Grid(name, found.array, found.labels, (), says)
    rows = list(value)
    if len(rows) > 1 and all(
        isinstance(v, Mapping) and set(v) <= set(rows) for v in value.values()
    ):
        table = [[value[i].get(j) for j in rows] for i in rows]
        return grid_of(place, name, table, rows)
    return None


def known_key(place: str, key: str, known: Mapping[str, Any]) -> str:
    """Return a key that a source has; else refuse it, with the nearest one."""
    try:
        return validation.choice(key, "key", known)
    except InputError as error:
        raise FileFormatError.within(place, error) from None


def _refuse_key(place: str, key: str | None) -> None:
    if key is not None:
        remedy: list[Part] = ["leave out ", Argument("key", key)]
        raise FileFormatError(place, "holds one array without a name", remedy)


# NumPy


def grids_from_numpy(source: Source, key: str | None) -> Grids:
    """Return the arrays of an ``.npy`` or ``.npz`` file; nothing is unpickled."""
    place = source.place
    if source.suffix == ".npy":
        _refuse_key(place, key)
        return Grids(place, (grid_of(place, "", _load(source, np.ndarray)),))
    with _load(source, np.lib.npyio.NpzFile) as archive:
        if key is not None:
            wanted = {known_key(place, key, archive): _member(place, archive, key)}
        else:
            every = {name: _member(place, archive, name) for name in archive}
            wanted = {name: array for name, array in every.items() if _may_be_matrices(array)}
            if len(wanted) != 1:
                found = "several arrays of matrices" if wanted else "no array of square matrices"
                raise FileFormatError(place, found, [*PICK_ONE, f" ({listed(wanted or every)})"])
        ((name, array),) = wanted.items()
        labels = _named_in(place, archive, name, "labels")
        names = _named_in(place, archive, name, "names")
    grid = grid_of(place, name, array, labels, "wins" if name in WINS else "")
    fits = isinstance(names, list) and [len(names)] == list(array.shape[:-2])
    return Grids(
        place, (Grid(name, grid.array, grid.labels, tuple(names) if fits else (), grid.says),)
    )


def _named_in(place: str, archive: Any, name: str, what: str) -> Any:
    """Return the labels or names beside an array of an archive, as lists of texts, or None."""
    for key in (f"{name}_{what}", what):
        if key in archive:
            array = _member(place, archive, key)
            return array.astype(str).tolist() if array.dtype.kind in "UiO" else None
    return None


def _may_be_matrices(array: NDArray[Any]) -> bool:
    shape = array.shape
    return array.dtype.kind in "biuf" and array.ndim >= 2 and shape[-1] == shape[-2]


def _load(source: Source, expected: type) -> Any:
    with _reading(source.place, "not a readable NumPy file"):
        found = np.load(io.BytesIO(source.content), allow_pickle=False)
    if not isinstance(found, expected):
        remedy = "call one array .npy, and an archive of arrays .npz"
        told = "the suffix does not tell what the file holds"
        raise FileFormatError(source.place, told, remedy)
    return found


def _member(place: str, archive: Any, name: str) -> NDArray[Any]:
    """Return a member as an array; what is none becomes an array of bytes."""
    with _reading(place, f"array {quote(name)} cannot be read"):
        members = (name, f"{name}.npy")
        size = sum(entry.file_size for entry in archive.zip.infolist() if entry.filename in members)
        refuse_large(place, size, f"array {quote(name)} has {size:,} bytes when unzipped")
        return np.asarray(archive[name])


@contextmanager
def _reading(place: str, complaint: str) -> Iterator[None]:
    """Say in one sentence whatever NumPy and zipfile raise on files that are damaged or hostile."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except InputError:
        raise
    except Exception as error:
        remedy = "it is damaged, cut short, or holds Python objects"
        raise FileFormatError(place, f"{complaint} ({shortened(error)})", remedy) from None


# Tables


def grid_of_table(table: Table) -> Grid | None:
    """Return the square in a table whose first column names the rows as the others are named.

    A table of numbers alone, as many columns as rows, is a square too if its columns have no
    names but numbers, or if it has as many rows as columns.
    """
    names = list(table.columns)
    if names[0] == "" or plain_index(names[0]) or not _numeric(table, names[0]):
        rows, columns = table.coded(names[0]).values, names[1:]
        if len(table) != len(columns) or set(rows) != set(columns) or len(columns) < 2:
            return None
        at = table.coded(names[0]).index
        order = [int(np.flatnonzero(at == rows.index(name))[0]) for name in columns]
        labels: tuple[tuple[str, ...], ...] = (tuple(columns),)
    else:
        columns, order, labels = names, list(range(len(table))), ()
        if len(table) + 1 == len(columns) and all(number(name) is not None for name in columns):
            first = np.array([number(name) for name in columns], dtype=np.float64)
            rest = [table.numbers(name) for name in columns]
            return Grid("", np.vstack([first, np.stack(rest, axis=-1)]))
        bare = columns == list(map(str, range(len(columns)))) or all(
            name == f"column_{k}" for k, name in enumerate(columns)
        )
        if len(table) != len(columns) or not bare or len(columns) < 2:
            return None
    numbers = np.stack([table.numbers(name) for name in columns], axis=-1)
    return Grid("", numbers[order], labels)


def almost_square(table: Table) -> str:
    """Return how a table misses being a square whose rows are named as its columns, or ""."""
    names = list(table.columns)
    rows, columns = table.coded(names[0]).texts, names[1:]
    both = set(rows) & set(columns)
    if len(both) < 2:
        return ""
    alone = [name for name in dict.fromkeys((*rows, *columns)) if name not in both]
    told = f", and {listed(alone)} stands for one of them only" if alone else ""
    return f"holds a square of {len(rows)} rows and {len(columns)} columns{told}"


def plain_index(name: str) -> bool:
    """Return whether a column is what pandas makes of an index without a name."""
    return name in ("Unnamed: 0", "index", "__index_level_0__")


def _numeric(table: Table, name: str) -> bool:
    return all(number(value) is not None for value in table.coded(name).values)
