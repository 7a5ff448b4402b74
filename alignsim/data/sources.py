"""Bytes and text of a file, plain or gzipped, with errors that name the place."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import zlib
from pathlib import Path
from typing import Any

from alignsim.errors import FileFormatError, InputError, quote, writable
from alignsim.validation import affordable

PathLike = str | os.PathLike[str]

_GZIP_MAGIC = b"\x1f\x8b"

LONGEST_PATH = 4096
"""Characters of a file's name; no system takes more."""

_PIECE = 2**24
"""Bytes that are unzipped at once."""


def suffix(path: PathLike) -> str:
    """Return the suffix that tells the format, in lower case, without ``.gz``.

    >>> suffix("train.jsonl.gz"), suffix("votes.CSV")
    ('.jsonl', '.csv')
    """
    bare = as_path(path)
    return (Path(bare.stem) if bare.suffix.lower() == ".gz" else bare).suffix.lower()


def refuse_large(path: PathLike, size: float, what: str) -> None:
    """Raise FileFormatError where what a file holds takes more memory than one call may."""
    remedy = "leave out what is not needed"
    affordable(size, str(path), f"{what}, which", remedy, kind=FileFormatError)


def read_bytes(path: PathLike) -> bytes:
    """Return the content of a file, unzipped if it is gzipped."""
    file = as_path(path)
    place = str(path)
    try:
        found = file.stat()
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
            told = "is a device, a pipe or a socket"
            raise FileFormatError(place, told, "save its content in a file")
        refuse_large(path, found.st_size, f"has {found.st_size:,} bytes")
        content = file.read_bytes()
    except FileNotFoundError:
        raise FileFormatError(place, "no such file", "check the path") from None
    except IsADirectoryError:
        raise FileFormatError(place, "is a folder", "name a file in it") from None
    except InputError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileFormatError(place, f"cannot be read ({reason})") from None
    if content.startswith(_GZIP_MAGIC) or file.suffix.lower() == ".gz":
        try:
            content = _unzipped(path, content)
        except (OSError, EOFError, zlib.error) as error:
            told = f"truncated or damaged gzip stream ({error})"
            raise FileFormatError(place, told, "fetch the file again") from None
    if not content.strip():
        raise FileFormatError(place, "the file is empty", "expected at least one record")
    return content


def _unzipped(path: PathLike, content: bytes) -> bytes:
    """Return what a gzip stream holds, read piece by piece: a small one may hold terabytes."""
    pieces, size = [], 0
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
        while piece := stream.read(_PIECE):
            size += len(piece)
            refuse_large(path, size, f"has {size:,} bytes and more when unzipped")
            pieces.append(piece)
    return b"".join(pieces)


def read_text(path: PathLike) -> str:
    """Return the text of a UTF-8 file, with or without a byte-order mark."""
    content = read_bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        told = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise FileFormatError(f"{path}, line {line}", told, "save the file as UTF-8") from None


def parse_json(path: PathLike, text: str, *, first_line: int = 1) -> Any:
    """Return what a JSON text holds."""
    try:
        content = json.loads(text)
        if "\\ud" in text.lower():  # lone surrogates, which no file can hold
            content = json.loads(writable(json.dumps(content, ensure_ascii=False)))
        return content
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        told = f"not valid JSON ({error.msg}, column {error.colno})"
        place = f"{path}, line {line}"
        raise FileFormatError(place, told, "the file is malformed or cut short") from None
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{path}, line {first_line}: not usable JSON ({error})") from None


def as_path(path: PathLike, name: str = "path") -> Path:
    """Return the argument ``name`` as a path, if it is one."""
    try:
        found = Path(path)
    except TypeError:
        found = None
    if found is None or len(str(found)) > LONGEST_PATH:
        remedy = f"give the name of a file, a str or a Path of at most {LONGEST_PATH} characters"
        raise InputError(name, f"is {quote(path)}", remedy)
    return found
