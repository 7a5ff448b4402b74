"""Bytes and text of a file, plain or compressed, or of standard input; errors name the place."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import stat
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import Any, BinaryIO, NamedTuple

from alignsim import validation
from alignsim.errors import FileFormatError, InputError, quote, shortened, writable

PathLike = str | os.PathLike[str]

STDIN = "-"
"""The path that stands for standard input."""

_PIECE = 2**22
"""Bytes that are unzipped at once."""

_LARGE, _RATIO = 2**24, 200
"""Bytes from which content may be this many times longer than its file, and no more."""

_COMPRESSED: dict[str, tuple[bytes, Callable[[BinaryIO], Any]]] = {
    ".gz": (b"\x1f\x8b", lambda raw: gzip.GzipFile(fileobj=raw)),
    ".xz": (b"\xfd7zXZ\x00", lzma.LZMAFile),
    ".bz2": (b"BZh", bz2.BZ2File),
    ".zip": (b"PK\x03\x04", lambda raw: _only_member(raw)[0]),
}
"""Suffix → the first bytes, and how the stream is opened."""

_FOREIGN = {
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".ods"), ("is a spreadsheet", "save it as .csv")),
    **dict.fromkeys(
        (".arrow", ".feather"),
        ("is an Arrow file", "save it as .parquet, or read it in Python and pass the table"),
    ),
}
"""Suffix of what other programs read → what it is, and what to do."""

_OF_THEIR_OWN = (".npy", ".npz", ".parquet", ".pq")
"""Suffixes of files that are archives themselves."""

_DATASETS = ("dataset_info.json", "dataset_dict.json", "state.json")
"""What ``save_to_disk`` writes into the folder of a Hugging Face dataset."""

_DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError,
           NotImplementedError, ValueError)  # fmt: skip
"""What damaged archives raise; zipfile: RuntimeError of a password, NotImplementedError of a
compression that it does not know."""


class Source(NamedTuple):
    """What a file holds: where it is, the suffix that tells its kind, and its bytes."""

    place: str
    suffix: str
    content: bytes


def suffix(path: PathLike) -> str:
    """Return the suffix that tells the format, in lower case, without that of a compression.

    >>> suffix("train.jsonl.gz"), suffix("votes.CSV"), suffix("votes.csv.zip")
    ('.jsonl', '.csv', '.csv')
    """
    bare = PurePath(validation.path(path))
    return (PurePath(bare.stem) if bare.suffix.lower() in _COMPRESSED else bare).suffix.lower()


def refuse_large(place: object, size: float, what: str) -> None:
    """Raise FileFormatError where what a file holds takes more memory than one call may."""
    remedy = "leave out what is not needed"
    validation.affordable(size, str(place), f"{what}, which", remedy, kind=FileFormatError)


def opened(path: PathLike) -> Source:
    """Return the content of a file or of standard input, decompressed."""
    if path == STDIN:
        place, kind, content = "standard input", "", _piecewise("standard input", sys.stdin.buffer)
    else:
        place, kind = str(path), suffix(path)
        if kind in _FOREIGN:
            raise FileFormatError(place, *_FOREIGN[kind])
        content = _stored(path)
    for ending, (magic, stream) in _COMPRESSED.items():
        named = path != STDIN and validation.path(path).suffix.lower() == ending
        if not content.startswith(magic) and (not named or _is_text(content)):
            continue
        if not named and kind in _OF_THEIR_OWN:
            continue
        try:
            if ending == ".zip":
                inner = PurePath(_only_member(io.BytesIO(content))[1]).suffix.lower()
                kind = inner if kind in ("", ".zip") else kind
            with stream(io.BytesIO(content)) as unzipped:
                content = _piecewise(place, unzipped, len(content))
        except InputError as error:
            if error.argument:
                raise
            raise FileFormatError(place, error.complaint, error.remedy) from None
        except _DAMAGE as error:
            kind_of_stream = "gzip" if ending == ".gz" else ending[1:]
            told = f"truncated or damaged {kind_of_stream} stream ({shortened(error)})"
            raise FileFormatError(place, told, "fetch the file again") from None
        break
    if not content.strip():
        raise FileFormatError(place, "the file is empty", "expected at least one record")
    return Source(place, kind, content)


def _is_text(content: bytes) -> bool:
    """Return whether content is text already: programs that fetch files may unzip them."""
    try:
        return b"\0" not in content and bool(content.decode("utf-8-sig").strip())
    except UnicodeDecodeError:
        return False


def read_text(path: PathLike) -> str:
    """Return the text of a UTF-8 file, with or without a byte-order mark."""
    return text_of(opened(path))


def text_of(source: Source) -> str:
    """Return a source's content as text, which must be UTF-8."""
    refuse_binary(source)
    try:
        return source.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(source, error.start) from None


def refuse_binary(source: Source) -> None:
    """Refuse content that holds a zero byte, which no text does."""
    if b"\0" in source.content:
        told = "holds binary data, or a text that is not UTF-8"
        raise FileFormatError(source.place, told, "save it as UTF-8 text")


def not_utf8(source: Source, start: int | None = None) -> FileFormatError:
    """Return the complaint about a byte, by default the first one, that is not UTF-8."""
    if start is None:
        try:
            source.content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            start = error.start
    line = source.content.count(b"\n", 0, start) + 1
    told = f"byte 0x{source.content[start or 0]:02x} is not UTF-8"
    return FileFormatError(f"{source.place}, line {line}", told, "save the file as UTF-8")


def parse_json(place: object, text: str, *, first_line: int = 1) -> Any:
    """Return what a JSON text holds; a list is read entry by entry, so that it can be stopped."""
    try:
        content = _parsed(text)
        if "\\ud" in text or "\\uD" in text:  # lone ones, which no file can hold
            content = json.loads(writable(json.dumps(content, ensure_ascii=False)))
        return content
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        told = f"not valid JSON ({error.msg}, column {error.colno})"
        where = f"{place}, line {line}"
        raise FileFormatError(where, told, "the file is malformed or cut short") from None
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{place}, line {first_line}: not usable JSON ({error})") from None


def _stored(path: PathLike) -> bytes:
    file, place = validation.path(path), str(path)
    try:
        found = file.stat()
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
            told = "is a device, a pipe or a socket"
            remedy = f"save its content in a file, or read it from standard input ({STDIN})"
            raise FileFormatError(place, told, remedy)
        refuse_large(path, found.st_size, f"has {found.st_size:,} bytes")
        return file.read_bytes()
    except FileNotFoundError:
        raise FileFormatError(place, "no such file", "check the path") from None
    except IsADirectoryError:
        raise FileFormatError(place, *of_folder(file)) from None
    except InputError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileFormatError(place, f"cannot be read ({reason})", "check the path") from None


def of_folder(folder: Path) -> tuple[str, str]:
    """Return what to say of a folder where a file is wanted, and the remedy."""
    if any((folder / name).exists() for name in _DATASETS):
        remedy = "load it in Python and pass the Dataset, or save it with its to_parquet or to_json"
        return "is the folder of a Hugging Face dataset", remedy
    return "is a folder", "name a file in it"


def _piecewise(place: str, stream: BinaryIO, compressed: int | None = None) -> bytes:
    """Return what a stream holds, read piece by piece: a short one may unzip to terabytes."""
    pieces, size = [], 0
    unzipped = "" if compressed is None else " when unzipped"
    while piece := stream.read(_PIECE):
        size += len(piece)
        refuse_large(place, size, f"has {size:,} bytes and more{unzipped}")
        if compressed is not None and size > max(_LARGE, _RATIO * compressed):
            told = f"unzips to more than {_RATIO} times its size"
            raise FileFormatError(place, told, "unzip it yourself if it is meant to be so")
        pieces.append(piece)
    return b"".join(pieces)


def _only_member(raw: BinaryIO) -> tuple[BinaryIO, str]:
    """Return the one file in a ZIP archive, opened, and its name."""
    archive = zipfile.ZipFile(raw)
    names = [
        entry.filename
        for entry in archive.infolist()
        if not entry.is_dir() and not entry.filename.startswith("__MACOSX/")
    ]
    if len(names) != 1:
        told = f"the archive holds {len(names)} files"
        raise InputError("", told, "unzip it, and name the file that is meant")
    return archive.open(names[0]), names[0]  # type: ignore[return-value]


def _parsed(text: str) -> Any:
    start = len(text) - len(text.lstrip(" \t\r\n"))
    if not text.startswith("[", start):
        return _DECODER.decode(text)
    return list(_entries(text, start + 1))


def _entries(text: str, place: int) -> Iterator[Any]:
    """Yield the entries of a JSON list, whose first one begins at ``place``."""
    place = _after_blanks(text, place)
    if not text.startswith("]", place):
        while True:
            entry, place = _DECODER.raw_decode(text, place)
            yield entry
            place = _after_blanks(text, place)
            if not text.startswith(",", place):
                break
            place = _after_blanks(text, place + 1)
    if not text.startswith("]", place):
        raise json.JSONDecodeError("expected ',' or ']'", text, place)
    if (end := _after_blanks(text, place + 1)) < len(text):
        raise json.JSONDecodeError("extra data", text, end)


def _after_blanks(text: str, place: int) -> int:
    end = json.decoder.WHITESPACE.match(text, place).end()  # type: ignore[attr-defined]
    return int(end)


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twin = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {quote(twin)} appears twice in one object")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_without_twins)
