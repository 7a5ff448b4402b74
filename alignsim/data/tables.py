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
        """Return a column as text; an empty cell becomes ``blank``, or is refused if that is None.

        Raises
        ------
        FileFormatError
            For an empty cell: names the line or record.
        """
        found = [_label(value, blank) for value in self.columns[column]]
        if None in found:
            raise self.error(
                found.index(None),
                f"column {quote(column)} is empty",
                "give every record one, or remove it",
            )
        return [label for label in found if label is not None]

    def numbers(self, column: str) -> FloatArray:
        """Return a column as numbers, NaN where a cell is empty, NA, NaN or null.

        Raises
        ------
        FileFormatError
            For anything else that is no finite number: names the line or record.
        """
        found = [_number(value) for value in self.columns[column]]
        if None in found:
            row = found.index(None)
            raise self.error(
                row,
                f"column {quote(column)} holds {quote(self.columns[column][row])}, "
                "not a finite number",
                words(
                    "mend it, leave it empty if there is none, or name the columns of numbers "
                    "with {attributes=...}"
                ),
            )
        return np.array(found, dtype=np.float64)

    def looks_numeric(self, column: str) -> bool:
        """Return whether most of the cells that are not empty hold numbers."""
        found = [_number(value) for value in self.columns[column]]
        numbers = sum(value is not None and not math.isnan(value) for value in found)
        return numbers > found.count(None)


def read_table(path: PathLike | Table) -> Table:
    """Return the records of a CSV, TSV, JSON or JSON Lines file, each also with ``.gz``.

    UTF-8, with or without a byte-order mark. In CSV the delimiter (comma, semicolon or tab) is
    the one that splits the header into most columns; cells are stripped of outer blanks.

    Parameters
    ----------
    path
        ``.csv``, ``.tsv``, ``.txt`` (delimited), ``.json`` (a list of objects), ``.jsonl`` or
        ``.ndjson`` (an object a line). A table is returned as it is.

    Raises
    ------
    FileFormatError
        If the file is missing, empty, malformed, truncated, not UTF-8 or of another kind:
        names the file, the line or record, and what was expected.
    """
    parsers = {
        ".csv": _delimited,
        ".tsv": _delimited,
        ".txt": _delimited,
        ".json": _json,
        ".jsonl": _json_lines,
        ".ndjson": _json_lines,
    }
    if isinstance(path, Table):
        return path
    kind = suffix(path)
    if kind not in parsers:
        raise FileFormatError(
            str(path),
            f"unknown kind of file {quote(kind)}",
            f"known: {', '.join(parsers)}, each also .gz, and .npy and .npz for matrices",
        )
    return parsers[kind](str(path), read_text(path))


def table_from_records(path: str, records: Any) -> Table:
    """Return the table of a list of objects that JSON gave.

    Raises
    ------
    FileFormatError
        If it is no list of objects, or an empty one.
    """
    if not isinstance(records, list):
        raise FileFormatError(
            f"{path}: holds a JSON {type(records).__name__}; expected a list of records (objects)"
        )
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
                    raise FileFormatError(
                        f"{path}, line {start}: has {len(cells)} fields; the header has "
                        f"{len(header)} (delimiter {delimiter!r}): the line is ragged or cut short"
                    )
                records.append(cells)
                places.append(start)
            start = rows.line_num + 1
    except csv.Error as error:
        raise FileFormatError(
            f"{path}, line {start}: {error}; expected fields divided by {delimiter!r}, "
            "quotes closed and doubled inside"
        ) from None
    if not records:
        raise FileFormatError(f"{path}: has a header but no records; expected at least one")
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


def _json(path: str, text: str) -> Table:
    return table_from_records(path, parse_json(path, text))


def _json_lines(path: str, text: str) -> Table:
    lines = [(n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
    records = [parse_json(path, line, first_line=n) for n, line in lines]
    return _from_objects(path, records, "line", [n for n, _ in lines])


def _from_objects(path: str, records: list[Any], unit: str, places: Sequence[int]) -> Table:
    names: dict[str, None] = {}
    for place, record in zip(places, records, strict=True):
        if not isinstance(record, dict):
            raise FileFormatError(
                f"{path}, {unit} {place}: is {quote(record)}; "
                'expected an object such as {"prompt": ..., "response": ...}'
            )
        names.update(dict.fromkeys(record))
    if not names:
        raise FileFormatError(f"{path}: holds no records; expected at least one object with keys")
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
