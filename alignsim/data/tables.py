"""A neutral table of records, which remembers where each stood, and how files become one."""

from __future__ import annotations

import contextlib
import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alignsim.data.conversations import broken_conversation, text_of_cell
from alignsim.data.sources import Source, not_utf8, parse_json, refuse_binary, refuse_large
from alignsim.errors import FileFormatError, Words, quote, words
from alignsim.validation import FloatArray

DELIMITERS = ",;\t|"

_MISSING = {"", "na", "n/a", "nan", "null", "none", "<na>"}
_CHUNK = 2**14
"""Rows of a CSV file that are taken at once."""

_RECURRING = 2**16
"""Different cells of a column of which a repeated one is kept once."""

_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")
_THOUSANDS = re.compile(r"\s*[+-]?\d{1,3}(,\d{3})+\s*")


@dataclass(frozen=True, eq=False)
class Coded:
    """A column as the different texts in it, in order of appearance, and the index of each row's.

    Empty cells have index −1.
    """

    values: tuple[str, ...]
    index: NDArray[np.int64]

    @property
    def texts(self) -> list[str]:
        """The text of each row; "" where it is empty."""
        known = (*self.values, "")
        return [known[i] for i in self.index.tolist()]


@dataclass(frozen=True, eq=False)
class Table:
    """Records by column.

    Attributes
    ----------
    path
        Where it was read.
    columns
        Name → the values of all records; None where a cell is empty or a key is absent. A column
        without a name is "".
    unit, places
        ``"line"``, ``"record"`` or ``"row"``, and the number of each record's, counted from 1.
    record
        Which record of the source each row came from, if records were unfolded into rows.
    notes
        What was assumed.
    scores
        Columns that hold scores, as their nesting says.
    """

    path: str
    columns: Mapping[str, Sequence[Any]]
    unit: str
    places: Sequence[int]
    record: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    _coded: dict[str, Coded] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.places)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that have one."""
        return tuple(name for name in self.columns if name)

    def error(self, row: int, complaint: Words, remedy: Words = "") -> FileFormatError:
        """Return an error that names the file and the place of a record."""
        place = f"{self.path}, {self.unit} {self.places[row]}"
        return FileFormatError(place, complaint, remedy)

    def coded(self, column: str) -> Coded:
        """Return a column as texts and the index of each row's."""
        if column not in self._coded:
            index: dict[Any, int] = {None: -1}
            cells = self.columns[column]
            texts: Iterable[str | None]
            if _are_texts(cells):
                texts = ((cell and cell.strip()) or None for cell in cells)
            else:
                texts = map(text_of_cell, self.whole(column))
            at = np.array([index.setdefault(text, len(index) - 1) for text in texts], np.int64)
            self._coded[column] = Coded(tuple(index)[1:], at)
        return self._coded[column]

    def whole(self, column: str) -> Sequence[Any]:
        """Return the cells of a column, in which no conversation is broken."""
        cells = self.columns[column]
        row = broken_conversation(cells)
        if row is not None:
            told = f"column {quote(column)} holds a message without a role or a content"
            raise self.error(row, told, "mend it, as the column's other cells are conversations")
        return cells

    def full(self, column: str) -> Coded:
        """Return a column as texts, of which none may be missing."""
        found = self.coded(column)
        if (found.index < 0).any():
            told = f"column {quote(column)} is empty"
            raise self.error(
                int((found.index < 0).argmax()), told, "give every record one, or remove it"
            )
        return found

    def numbers(self, column: str) -> FloatArray:
        """Return a column as numbers, NaN where a cell is empty, NA, NaN or null."""
        coded = self.coded(column)
        values, index = coded.values, coded.index
        found = self._numbers(values)
        if None in found:
            cell = values[found.index(None)]
            row = int((index == found.index(None)).argmax())
            told = f"column {quote(column)} holds {quote(cell)}, not a finite number"
            if _DECIMAL_COMMA.fullmatch(cell):
                remedy: Words = "write it with a decimal point"
            else:
                remedy = words(
                    "mend it, or empty it, or name the columns of numbers with {attributes=...}"
                )
            raise self.error(row, told, remedy)
        return np.append(np.array(found, dtype=np.float64), np.nan)[index]

    def looks_numeric(self, column: str) -> bool:
        """Return whether most of the cells that are not empty hold numbers."""
        coded = self.coded(column)
        values, index = coded.values, coded.index
        found = self._numbers(values)
        known = [f is not None and not math.isnan(f) for f in found]
        counts = np.bincount(index[index >= 0], minlength=len(values))
        numbers = int(counts[np.array(known, dtype=bool)].sum()) if known else 0
        others = int(counts[[f is None for f in found]].sum()) if known else 0
        return numbers > others

    def _numbers(self, values: Sequence[str]) -> list[float | None]:
        if any("," in v and _DECIMAL_COMMA.fullmatch(v) for v in values):
            if all(_THOUSANDS.fullmatch(v) for v in values if "," in v):
                return [None if "," in v else number(v) for v in values]
            values = [v.replace(",", ".") if _DECIMAL_COMMA.fullmatch(v) else v for v in values]
        return list(map(number, values))


def number(text: str) -> float | None:
    """Return the number that a text holds, NaN if there is none in it, None if it is another.

    >>> number(" 2.5"), number("NA"), number("two"), number("1_0"), number("inf")
    (2.5, nan, None, None, None)
    """
    if text.strip().lower() in _MISSING:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        return None
    return None if math.isinf(value) or "_" in text else value


def table_from_columns(place: str, columns: Mapping[str, Sequence[Any]], unit: str) -> Table:
    """Return a table of equally long columns."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        (one, first), (other, second) = next(
            (a, b) for a in lengths.items() for b in lengths.items() if a[1] != b[1]
        )
        told = f"column {quote(one)} has {first:,} entries and {quote(other)} {second:,}"
        raise FileFormatError(place, told, "give every column one a record")
    if not lengths or not next(iter(lengths.values())):
        raise FileFormatError(place, "holds no records", "expected at least one")
    rows = next(iter(lengths.values()))
    named = {str(name).strip(): column for name, column in columns.items()}
    if len(named) < len(columns):
        raise FileFormatError(place, "two columns have one name", "rename one")
    return Table(place, named, unit, range(1, rows + 1))


def table_from_records(
    place: str, records: Iterable[Any], unit: str = "record", places: Sequence[int] | None = None
) -> Table:
    """Return the table of a list of objects, such as JSON gives."""
    numbered = enumerate(records, start=1) if places is None else zip(places, records, strict=True)
    return _gathered(place, numbered, unit)


def table_from_lines(place: str, text: str) -> Table:
    """Return the table of JSON Lines, an object a line."""
    lines = enumerate((match[1] for match in re.finditer(r"([^\n]*)(?:\n|$)", text)), start=1)
    parsed = ((n, parse_json(place, line, first_line=n)) for n, line in lines if line.strip())
    return _gathered(place, parsed, "line")


def _gathered(place: str, records: Iterable[tuple[int, Any]], unit: str) -> Table:
    """Return the table of numbered objects; a text that recurs in a column is kept once."""
    columns: dict[str, list[Any]] = {}
    kept: dict[str, dict[str, str]] = {}
    places: list[int] = []
    for n, record in records:
        if not isinstance(record, Mapping):
            remedy = 'expected an object such as {"prompt": ..., "response": ...}'
            raise FileFormatError(f"{place}, {unit} {n}", f"is {quote(record)}", remedy)
        if record.keys() - columns.keys():
            for name in record:
                if str(name) not in columns:
                    columns[str(name)], kept[str(name)] = [None] * len(places), {}
        if len(places) % _CHUNK == 0:
            what = f"has {len(columns):,} different keys in {len(places) + 1:,} records and more"
            refuse_large(place, 8.0 * len(columns) * (len(places) + 1), what)
        places.append(n)
        for name, column in columns.items():
            cell = record.get(name)
            if type(cell) is str:
                seen = kept[name]
                cell = (
                    seen.setdefault(cell, cell) if len(seen) < _RECURRING else seen.get(cell, cell)
                )
            column.append(cell)
    if not columns:
        raise FileFormatError(place, "holds no records", "expected at least one object with keys")
    what = f"has {len(columns):,} different keys in {len(places):,} records"
    refuse_large(place, 8.0 * len(columns) * len(places), what)
    return Table(place, columns, unit, places)


def table_from_text(source: Source) -> Table:
    """Return the table in a text of delimited fields; a header of numbers is a record itself."""
    place = source.place
    refuse_binary(source)
    try:
        delimiter = max(DELIMITERS, key=lambda mark: len(_header(source, mark)))
        header, columns, places = _columns(source, delimiter)
    except UnicodeDecodeError:
        raise not_utf8(source) from None
    if header_of_numbers(header):
        if len(places) + 1 != len(header):
            told = f"begins with numbers, and is no square of them ({len(places) + 1} rows)"
            raise FileFormatError(place, told, "write the names of the columns on the first line")
        columns = [[name, *column] for name, column in zip(header, columns, strict=True)]
        header, places = list(map(str, range(len(header)))), range(1, len(header) + 1)
    if not places:
        raise FileFormatError(place, "has a header but no records", "expected at least one")
    named = dict(zip(header, columns, strict=True))
    return Table(place, named, "line", places, notes=unfinished(source))


def unfinished(source: Source) -> tuple[str, ...]:
    """Return a note if the last line does not end, as in a file that is cut short."""
    ends = source.content[-1:] in (b"\n", b"\r")
    return () if ends else ("The last line has no end: the file may be cut short.",)


def header_of_numbers(names: Iterable[str]) -> bool:
    """Return whether all of some names are numbers, so that they are none."""
    return all(number(name) is not None and name.strip() for name in names)


def _reader(source: Source, delimiter: str) -> Any:
    raw = io.TextIOWrapper(io.BytesIO(source.content), "utf-8-sig", newline="")
    return csv.reader(raw, delimiter=delimiter, strict=True)


def _header(source: Source, delimiter: str) -> list[str]:
    try:
        return next((row for row in islice(_reader(source, delimiter), 100) if any(row)), [])
    except csv.Error:
        return []


def _columns(
    source: Source, delimiter: str
) -> tuple[list[str], list[list[str | None]], Sequence[int]]:
    """Return the header, the columns and the line of each record."""
    rows = _reader(source, delimiter)
    header: list[str] = []
    start = 1
    places: list[int] = []
    try:
        row: list[str] = []
        for row in rows:
            header = [cell.strip() for cell in row]
            if any(header):
                break
            start = rows.line_num + 1
        checked_header(f"{source.place}, line {start}", header)
        start = rows.line_num + 1
        columns: list[list[str | None]] = [[] for _ in header]
        kept: list[dict[str, str | None]] = [{"": None} for _ in header]
        while chunk := list(islice(rows, _CHUNK)):
            lines: Sequence[int] = range(start, start + len(chunk))
            if rows.line_num + 1 - start != len(chunk):
                lines = _starts(start, chunk)
            if not all(map(any, chunk)):
                filled = [k for k, row in enumerate(chunk) if any(row)]
                chunk, lines = [chunk[k] for k in filled], [lines[k] for k in filled]
            if set(map(len, chunk)) - {len(header)}:
                _refuse_ragged(source.place, chunk, lines, header, delimiter)
            if row in chunk and not header_of_numbers(header):
                place = f"{source.place}, line {lines[chunk.index(row)]}"
                raise FileFormatError(place, "repeats the header", "remove the line")
            start = rows.line_num + 1
            places.extend(lines)
            for column, seen, cells in zip(columns, kept, zip(*chunk, strict=True), strict=False):
                stripped = map(str.strip, cells)
                if len(seen) < _RECURRING:
                    column += [seen.setdefault(cell, cell) for cell in stripped]
                else:
                    column += [cell or None for cell in stripped]
    except csv.Error as error:
        remedy = f"expected fields divided by {delimiter!r}, quotes closed and doubled inside"
        place = f"{source.place}, line {_line_of_error(source, delimiter)}"
        raise FileFormatError(place, str(error), remedy) from None
    return header, columns, places


def _line_of_error(source: Source, delimiter: str) -> int:
    """Return the line on which the first record begins that is no CSV."""
    rows, start = _reader(source, delimiter), 1
    with contextlib.suppress(csv.Error):
        for _ in rows:
            start = rows.line_num + 1
    return int(start)


def _starts(start: int, chunk: Sequence[Sequence[str]]) -> list[int]:
    """Return the line on which each row begins, where cells hold line breaks."""
    lines = []
    for row in chunk:
        lines.append(start)
        breaks = (c.count("\n") + c.count("\r") - c.count("\r\n") for c in row)
        start += 1 + sum(breaks)
    return lines


def _refuse_ragged(
    place: str, chunk: list[list[str]], lines: Sequence[int], header: list[str], delimiter: str
) -> None:
    for line, row in zip(lines, chunk, strict=True):
        if len(row) != len(header):
            wanted = f"the header has {len(header)} (delimiter {delimiter!r})"
            remedy = f"{wanted}: the line is ragged or cut short"
            raise FileFormatError(f"{place}, line {line}", f"has {len(row)} fields", remedy)


def checked_header(place: str, names: list[str]) -> list[str]:
    """Return the column names; only the first may be blank (the column of an index)."""
    if header_of_numbers(names):
        return names
    seen: set[str] = set()
    for k, name in enumerate(names):
        if name in seen:
            raise FileFormatError(place, f"two columns are called {quote(name)}", "rename one")
        if not name and k:
            raise FileFormatError(place, f"column {k + 1} has no name", "give it one")
        seen.add(name)
    return names


def _are_texts(cells: Iterable[Any]) -> bool:
    return set(map(type, cells)) <= {str, type(None)}
