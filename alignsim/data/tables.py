"""Tables of records from CSV, TSV, JSON or JSON Lines, which remember where each record stood."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alignsim.data.sources import PathLike, parse_json, read_text, refuse_large, suffix
from alignsim.errors import FileFormatError, Words, quote, words
from alignsim.validation import FloatArray

_DELIMITERS = ",;\t"
_MISSING = {"", "na", "n/a", "nan", "null", "none"}


@dataclass(frozen=True, eq=False)
class Table:
    """Records by column.

    Attributes
    ----------
    path
        Where it was read.
    columns
        Name → the values of all records; None where a cell is empty or a key is absent.
    unit, places
        ``"line"`` or ``"record"``, and the number of each record's, counted from 1.
    """

    path: str
    columns: Mapping[str, Sequence[Any]]
    unit: str
    places: Sequence[int]

    def __len__(self) -> int:
        return len(self.places)

    def error(self, row: int, complaint: Words, remedy: Words = "") -> FileFormatError:
        """Return an error that names the file and the place of a record."""
        place = f"{self.path}, {self.unit} {self.places[row]}"
        return FileFormatError(place, complaint, remedy)

    def labels(self, column: str, *, blank: str | None = None) -> list[str]:
        """Return a column as text; an empty cell becomes ``blank``; with None it is refused."""
        found = [_label(value, blank) for value in self.columns[column]]
        if None in found:
            told = f"column {quote(column)} is empty"
            raise self.error(found.index(None), told, "give every record one, or remove it")
        return [label for label in found if label is not None]

    def numbers(self, column: str) -> FloatArray:
        """Return a column as numbers, NaN where a cell is empty, NA, NaN or null."""
        found = [_number(value) for value in self.columns[column]]
        if None in found:
            row = found.index(None)
            cell = f"column {quote(column)} holds {quote(self.columns[column][row])}"
            remedy = "mend it, or empty it, or name the columns of numbers with {attributes=...}"
            raise self.error(row, f"{cell}, not a finite number", words(remedy))
        return np.array(found, dtype=np.float64)

    def looks_numeric(self, column: str) -> bool:
        """Return whether most of the cells that are not empty hold numbers."""
        found = [_number(value) for value in self.columns[column]]
        numbers = sum(value is not None and not math.isnan(value) for value in found)
        return numbers > found.count(None)


def read_table(path: PathLike | Table) -> Table:
    """Return the records of a CSV, TSV, JSON or JSON Lines file, each also with ``.gz``.

    UTF-8, with or without a byte-order mark. In CSV the delimiter (comma, semicolon or tab) is
    the one that splits the header into most columns; cells are stripped of outer blanks. JSON holds
    a list of objects, JSON Lines an object a line. A table is returned as it is.
    """
    if isinstance(path, Table):
        return path
    kind = suffix(path)
    parsers = {
        **dict.fromkeys((".csv", ".tsv", ".txt"), _delimited),
        ".json": lambda path, text: table_from_records(path, parse_json(path, text)),
        **dict.fromkeys((".jsonl", ".ndjson"), _json_lines),
    }
    if kind not in parsers:
        known = f"known: {', '.join(parsers)}, each also .gz, and .npy and .npz for matrices"
        raise FileFormatError(str(path), f"unknown kind of file {quote(kind)}", known)
    return parsers[kind](str(path), read_text(path))


def table_from_records(path: str, records: Any) -> Table:
    """Return the table of a list of objects that JSON gave."""
    if not isinstance(records, list):
        told = f"holds a JSON {type(records).__name__}"
        raise FileFormatError(path, told, "expected a list of records (objects)")
    return _from_objects(path, records, "record", range(1, len(records) + 1))


def _delimited(path: str, text: str) -> Table:
    delimiter = max(_DELIMITERS, key=lambda mark: len(_header(text, mark)))
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    records: list[list[str]] = []
    places: list[int] = []
    start = 1
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            if any(cells) and not header:
                header = _checked_header(f"{path}, line {start}", cells)
            elif any(cells):
                if len(cells) != len(header):
                    wanted = f"the header has {len(header)} (delimiter {delimiter!r})"
                    remedy = f"{wanted}: the line is ragged or cut short"
                    place = f"{path}, line {start}"
                    raise FileFormatError(place, f"has {len(cells)} fields", remedy)
                records.append(cells)
                places.append(start)
            start = rows.line_num + 1
    except csv.Error as error:
        remedy = f"expected fields divided by {delimiter!r}, quotes closed and doubled inside"
        raise FileFormatError(f"{path}, line {start}", str(error), remedy) from None
    if not records:
        raise FileFormatError(path, "has a header but no records", "expected at least one")
    columns = {name: [row[k] or None for row in records] for k, name in enumerate(header) if name}
    return Table(path, columns, "line", places)


def _header(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text.lstrip(), newline=""), delimiter=delimiter), [])
    except csv.Error:
        return []


def _checked_header(place: str, names: list[str]) -> list[str]:
    """Return the column names; only the first may be blank (an index column, which is dropped)."""
    seen: set[str] = set()
    for k, name in enumerate(names):
        if name in seen:
            raise FileFormatError(place, f"two columns are called {quote(name)}", "rename one")
        if not name and k:
            raise FileFormatError(place, f"column {k + 1} has no name", "give it one")
        seen.add(name)
    return names


def _json_lines(path: str, text: str) -> Table:
    lines = [(n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
    records = [parse_json(path, line, first_line=n) for n, line in lines]
    return _from_objects(path, records, "line", [n for n, _ in lines])


def _from_objects(path: str, records: list[Any], unit: str, places: Sequence[int]) -> Table:
    names: dict[str, None] = {}
    for place, record in zip(places, records, strict=True):
        if not isinstance(record, dict):
            remedy = 'expected an object such as {"prompt": ..., "response": ...}'
            raise FileFormatError(f"{path}, {unit} {place}", f"is {quote(record)}", remedy)
        names.update(dict.fromkeys(record))
    if not names:
        raise FileFormatError(path, "holds no records", "expected at least one object with keys")
    what = f"has {len(names):,} different keys in {len(records):,} records"
    refuse_large(path, 8.0 * len(names) * len(records), what)
    columns = {name: [record.get(name) for record in records] for name in names}
    return Table(path, columns, unit, places)


def _label(value: Any, blank: str | None) -> str | None:
    if value is None:
        return blank
    if isinstance(value, list | dict):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    return str(value)


def _number(value: Any) -> float | None:
    """Return a cell's number, NaN if there is none in it, None if it is something else."""
    if value is None or (isinstance(value, str) and value.strip().lower() in _MISSING):
        return math.nan
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if math.isinf(number) else number
