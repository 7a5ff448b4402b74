"""Reading preference matrices: NumPy's own files, and JSON."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.data.matrices import Matrices
from alignsim.data.sources import PathLike, parse_json, read_bytes, read_text, refuse_large, suffix
from alignsim.errors import Argument, FileFormatError, InputError, Part, listed, quote, shortened

_PICK_ONE: list[Part] = ["pick one with ", Argument("key", ...)]


def read_matrices(path: PathLike, *, key: str | None = None) -> Matrices:
    """Return the preference matrices in a ``.npy``, ``.npz`` or ``.json`` file.

    JSON may hold a nested list; an object with ``"P"`` and, if there are any, ``"labels"``; or
    named objects of that kind, which are stacked if they have one size. Nothing is unpickled.

    Parameters
    ----------
    path
        The file.
    key
        The array of an ``.npz`` or the named entry of a JSON file to read; needed if there are
        several that could be meant.

    Raises
    ------
    FileFormatError
        If the file is missing, truncated or of another kind, if ``key`` is needed or unknown
        (the known ones are listed), or what is there is no preference matrix (P + Pᵀ = 1 within
        1e-8).

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import alignsim as asim
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = pathlib.Path(folder.name, "tea.json")
    >>> _ = file.write_text('{"P": [[0.5, 0.75], [0.25, 0.5]], "labels": ["tea", "coffee"]}')
    >>> asim.data.read_matrices(file).labels
    (('tea', 'coffee'),)
    >>> folder.cleanup()
    """
    kind = suffix(path)
    if kind == ".npy":
        _refuse_key(path, key)
        return _checked(path, _load(path, np.ndarray))
    if kind == ".npz":
        return _from_archive(path, key)
    if kind == ".json":
        return matrices_from_json(path, parse_json(path, read_text(path)), key=key)
    told = f"unknown kind of file {quote(kind)} for matrices"
    raise FileFormatError(str(path), told, "known: .npy, .npz, .json")


def matrices_from_json(path: PathLike, content: Any, *, key: str | None = None) -> Matrices:
    """Return the matrices in parsed JSON; errors as in `read_matrices`."""
    if isinstance(content, list):
        _refuse_key(path, key)
        return _checked(path, content)
    if not isinstance(content, dict) or not content:
        raise FileFormatError(str(path), f"holds {quote(content)}", 'expected {"P": [[...]]}')
    if "P" in content:
        _refuse_key(path, key)
        return _entry(path, content, "P")
    for name, entry in content.items():
        if not isinstance(entry, dict) or "P" not in entry:
            remedy = 'expected {"P": [[...]], "labels": [...]}'
            raise FileFormatError(str(path), f'entry {quote(name)} has no "P"', remedy)
    if key is not None:
        entry = _entry(path, content[_known_key(path, key, content)], key)
        return replace(entry, names=(key,)) if entry.P.ndim == 2 else entry
    entries = [_entry(path, entry, name) for name, entry in content.items()]
    if len({entry.P.shape for entry in entries}) > 1:
        several = "holds matrices of several sizes"
        raise FileFormatError(str(path), several, [*_PICK_ONE, f" ({listed(content)})"])
    if len(entries) == 1:
        return entries[0]
    labelled = all(entry.labels for entry in entries)
    labels = tuple(row for entry in entries for row in entry.labels) if labelled else ()
    names = tuple(content) if entries[0].P.ndim == 2 else ()
    return Matrices(np.stack([entry.P for entry in entries]), labels, names)


def _from_archive(path: PathLike, key: str | None) -> Matrices:
    with _load(path, np.lib.npyio.NpzFile) as archive:
        if key is not None:
            return _checked(path, _member(path, archive, _known_key(path, key, archive)))
        arrays = {name: _member(path, archive, name) for name in archive}
    square = {
        name: array
        for name, array in arrays.items()
        if array.dtype.kind in "biuf" and array.ndim >= 2 and array.shape[-1] == array.shape[-2]
    }
    if len(square) != 1:
        found = "no array of square matrices" if not square else "several arrays of matrices"
        names = listed(square or arrays)
        raise FileFormatError(str(path), found, [*_PICK_ONE, f" ({names})"])
    return _checked(path, next(iter(square.values())))


def _load(path: PathLike, expected: type) -> Any:
    content = read_bytes(path)
    with _reading(path, "not a readable NumPy file"):
        found = np.load(io.BytesIO(content), allow_pickle=False)
    if not isinstance(found, expected):
        remedy = "call one array .npy, and an archive of arrays .npz"
        raise FileFormatError(str(path), "the suffix does not tell what the file holds", remedy)
    return found


def _member(path: PathLike, archive: Any, name: str) -> Any:
    """Return a member as an array; what is none becomes an array of bytes."""
    with _reading(path, f"array {quote(name)} cannot be read"):
        members = (name, f"{name}.npy")
        size = sum(entry.file_size for entry in archive.zip.infolist() if entry.filename in members)
        refuse_large(path, size, f"array {quote(name)} has {size:,} bytes when unzipped")
        return np.asarray(archive[name])


@contextmanager
def _reading(path: PathLike, complaint: str) -> Iterator[None]:
    """Say in one sentence whatever NumPy and zipfile raise on files that are damaged or hostile."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except InputError:
        raise
    except Exception as error:
        remedy = "it is damaged, cut short, or holds Python objects"
        raise FileFormatError(str(path), f"{complaint} ({shortened(error)})", remedy) from None


def _entry(path: PathLike, entry: Mapping[str, Any], name: str) -> Matrices:
    matrices = _checked(path, entry["P"], name)
    labels = entry.get("labels")
    if labels is None:
        return matrices
    if not isinstance(labels, list) or len(labels) != matrices.responses:
        remedy = f"expected a list of {matrices.responses}, one a response"
        raise FileFormatError(str(path), f"{quote(name)} has labels {quote(labels)}", remedy)
    row = tuple(map(str, labels))
    return Matrices(matrices.P, labels=(row,) * len(matrices))


def _checked(path: PathLike, P: ArrayLike, name: str = "P") -> Matrices:
    try:
        return Matrices(validation.preference_matrix(P, name))
    except InputError as error:
        raise FileFormatError.within(path, error) from None


def _known_key(path: PathLike, key: str, known: Mapping[str, Any]) -> str:
    try:
        return validation.choice(key, "key", known)
    except InputError as error:
        raise FileFormatError.within(path, error) from None


def _refuse_key(path: PathLike, key: str | None) -> None:
    if key is not None:
        remedy: list[Part] = ["leave out ", Argument("key", key)]
        raise FileFormatError(str(path), "holds one array without a name", remedy)
