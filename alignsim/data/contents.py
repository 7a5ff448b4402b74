"""Whatever is given becomes one neutral thing once: a table, square arrays, or rankings as text."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alignsim.data.grids import Grids, grids_from_json, grids_from_numpy, holds_grid, known_key
from alignsim.data.objects import content_of, is_columns, square_or_table, table_of_frame
from alignsim.data.sources import Source, opened, parse_json, refuse_large, text_of
from alignsim.data.tables import (
    Table,
    table_from_columns,
    table_from_lines,
    table_from_records,
    table_from_text,
    unfinished,
)
from alignsim.errors import Argument, FileFormatError, InputError, listed, quote, shortened, words

TABLES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson")
ORDERS = (".soc", ".soi", ".toc", ".toi")
"""Suffixes of PrefLib's rankings: strict or with ties (t), complete or incomplete (i)."""


@dataclass(frozen=True)
class Orders:
    """The text of a PrefLib file."""

    path: str
    kind: str
    text: str
    notes: tuple[str, ...] = ()


Content = Table | Grids | Orders


def content(source: Any, key: str | None = None) -> Content:
    """Return what a source holds: a path, ``"-"`` for standard input, or an object in memory.

    ``key`` picks an array of several, or the records of a JSON object.
    """
    if isinstance(source, Table | Grids | Orders):
        return source
    if not isinstance(source, str | os.PathLike):
        return content_of(source, key)
    file = opened(source)
    kind = file.suffix or _sniffed(file)
    if kind in (".npy", ".npz"):
        return grids_from_numpy(file._replace(suffix=kind), key)
    if kind in (".parquet", ".pq"):
        found: Content = square_or_table(_parquet(file))
    elif kind in ORDERS or _is_preflib(file):
        found = Orders(file.place, kind.removeprefix("."), text_of(file), unfinished(file))
    elif kind in TABLES or not kind:
        return _text_content(file, key)
    else:
        known = ", ".join((*TABLES, *ORDERS, ".npy", ".npz", ".parquet"))
        told = f"unknown kind of file {quote(kind)}"
        raise FileFormatError(file.place, told, f"known: {known}, each also .gz, .xz, .zip")
    _refuse_key(found, key)
    return found


def _sniffed(file: Source) -> str:
    """Return the kind of a content without a name."""
    starts = {b"\x93NUMPY": ".npy", b"PAR1": ".parquet"}
    return next((kind for magic, kind in starts.items() if file.content.startswith(magic)), "")


def _is_preflib(file: Source) -> bool:
    return file.content[:200].removeprefix(b"\xef\xbb\xbf").startswith(b"# FILE NAME:")


def _text_content(file: Source, key: str | None) -> Content:
    start = file.content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] in (b"{", b"["):
        return _json_content(file, text_of(file), key)
    if file.suffix in (".json", ".jsonl", ".ndjson"):
        text = text_of(file)
        parsed = parse_json(file.place, text)
        raise FileFormatError(file.place, f"holds {quote(parsed)}", "expected objects or a list")
    found = square_or_table(table_from_text(file))
    _refuse_key(found, key)
    return found


def _json_content(file: Source, text: str, key: str | None) -> Content:
    place = file.place
    head = text.lstrip()
    first, _, others = head.partition("\n")
    lines = first.rstrip().endswith("}") and others and not others.isspace()
    if head.startswith("{") and (lines or file.suffix in (".jsonl", ".ndjson")):
        found: Content = table_from_lines(place, text)
        _refuse_key(found, key)
        return found
    parsed = parse_json(place, text)
    if isinstance(parsed, Mapping) and not holds_grid(parsed):
        parsed = _inner_records(place, parsed, key)
        key = None
    if holds_grid(parsed):
        return grids_from_json(place, parsed, key)
    if isinstance(parsed, Mapping):
        found = (
            square_or_table(table_from_columns(place, parsed, "record"))
            if is_columns(parsed)
            else table_from_records(place, [parsed])
        )
    else:
        found = square_or_table(table_from_records(place, parsed))
    _refuse_key(found, key)
    return found


def _inner_records(place: str, parsed: Mapping[str, Any], key: str | None) -> Any:
    """Return the list of records under ``key``; a lone one without a key is pointed at."""
    if key is not None:
        return parsed[known_key(place, key, parsed)]
    lists = [
        name
        for name, value in parsed.items()
        if isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value)
    ]
    scalars = [value for value in parsed.values() if isinstance(value, str)]
    if lists and not scalars:
        told = f"holds records under {listed(lists)}"
        raise FileFormatError(place, told, ["read them with ", Argument("key", lists[0])])
    return parsed


def _refuse_key(found: Content, key: str | None) -> None:
    if key is not None:
        raise FileFormatError(found.path, words("holds a table, which has no {key}; leave it out"))


def _parquet(file: Source) -> Table:
    try:
        import pyarrow.parquet
    except ImportError:
        told = "is a Parquet file, which needs pyarrow"
        raise FileFormatError(file.place, told, "install alignsim[parquet]") from None
    try:
        stored = pyarrow.parquet.ParquetFile(io.BytesIO(file.content))
        cells = stored.metadata.num_rows * stored.metadata.num_columns
        size = sum(
            stored.metadata.row_group(k).total_byte_size
            for k in range(stored.metadata.num_row_groups)
        )
        refuse_large(file.place, max(8.0 * cells, float(size)), f"has {cells:,} cells")
        return table_of_frame(stored.read(), file.place)
    except InputError:
        raise
    except Exception as error:
        told = f"not a readable Parquet file ({shortened(error)})"
        raise FileFormatError(file.place, told, "it is damaged or cut short") from None
