"""Bytes and text of a file, plain or gzipped, with errors that name the place."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from pathlib import Path
from typing import Any

from alignsim.validation import FileFormatError

PathLike = str | os.PathLike[str]

_GZIP_MAGIC = b"\x1f\x8b"


def suffix(path: PathLike) -> str:
    """Return the suffix that tells the format, in lower case, without ``.gz``.

    >>> suffix("train.jsonl.gz"), suffix("votes.CSV")
    ('.jsonl', '.csv')
    """
    bare = _as_path(path)
    return (Path(bare.stem) if bare.suffix.lower() == ".gz" else bare).suffix.lower()


def read_bytes(path: PathLike) -> bytes:
    """Return the content of a file, unzipped if it is gzipped.

    Raises
    ------
    ValueError
        If ``path`` is neither text nor a path.
    FileFormatError
        If the file is missing, unreadable, empty, or its gzip stream is truncated or damaged.
    """
    file = _as_path(path)
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise FileFormatError(f"{path}: no such file; check the path") from None
    except IsADirectoryError:
        raise FileFormatError(f"{path}: is a folder; name a file in it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileFormatError(f"{path}: cannot be read ({reason})") from None
    if content.startswith(_GZIP_MAGIC) or file.suffix.lower() == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise FileFormatError(
                f"{path}: truncated or damaged gzip stream ({error}); fetch the file again"
            ) from None
    if not content.strip():
        raise FileFormatError(f"{path}: the file is empty; expected at least one record")
    return content


def read_text(path: PathLike) -> str:
    """Return the text of a UTF-8 file, with or without a byte-order mark.

    Raises
    ------
    FileFormatError
        As `read_bytes`, and where a byte is not UTF-8: names the line.
    """
    content = read_bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileFormatError(
            f"{path}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8; "
            "save the file as UTF-8"
        ) from None


def parse_json(path: PathLike, text: str, *, first_line: int = 1) -> Any:
    """Return what a JSON text holds.

    Raises
    ------
    FileFormatError
        If it is malformed or truncated: names the line, counted from ``first_line``.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise FileFormatError(
            f"{path}, line {line}: not valid JSON ({error.msg}, column {error.colno}); "
            "the file is malformed or cut short"
        ) from None
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{path}, line {first_line}: not usable JSON ({error})") from None


def _as_path(path: PathLike) -> Path:
    try:
        return Path(path)
    except TypeError:
        raise ValueError(f"path is {path!r}; give the name of a file, a str or a Path") from None
