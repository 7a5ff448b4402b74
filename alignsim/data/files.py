"""One door for every file of preferences: `read` finds out what it holds."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from alignsim import validation
from alignsim.data.columns import find_column, find_pair
from alignsim.data.comparison_files import read_comparisons
from alignsim.data.comparisons import Comparisons
from alignsim.data.matrices import Matrices
from alignsim.data.matrix_files import matrices_from_json, read_matrices
from alignsim.data.rating_files import read_ratings
from alignsim.data.ratings import Ratings
from alignsim.data.sources import PathLike, parse_json, read_text, suffix
from alignsim.data.tables import Table, read_table, table_from_records
from alignsim.errors import Argument, FileFormatError, InputError, listed, words


def read(path: PathLike, **options: Any) -> Ratings | Comparisons | Matrices:
    r"""Return what a file of preferences holds: ratings, pairwise votes, or matrices.

    ``.npy`` and ``.npz`` hold matrices, and so does JSON that is no list of records. A table
    holds votes if it has columns for two sides, else ratings if it has one for the response. An
    option that only one reader knows (``winner=``, ``attributes=``...) settles it.

    Parameters
    ----------
    path
        The file.
    **options
        Keywords of `read_ratings`, `read_comparisons` or `read_matrices`, passed on.

    Raises
    ------
    FileFormatError
        As the readers, and if a table looks like neither: lists its columns and the keywords.
    ValueError
        If an option is unknown, or options of several readers are mixed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import alignsim as asim
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = pathlib.Path(folder.name, "votes.csv")
    >>> _ = file.write_text("left,right,winner\ntea,coffee,left\n")
    >>> asim.data.read(file).labels
    ('coffee', 'tea')
    >>> folder.cleanup()
    """
    options = {name: value for name, value in options.items() if value is not None}
    fitting = _fitting_readers(options)
    if suffix(path) in (".npy", ".npz"):
        _matrices_fit(fitting, path)
        return read_matrices(path, **options)
    if suffix(path) == ".json":
        content = parse_json(path, read_text(path))
        if not (isinstance(content, list) and any(isinstance(item, dict) for item in content)):
            _matrices_fit(fitting, path)
            return matrices_from_json(path, content, **options)
        table = table_from_records(str(path), content)
    else:
        table = read_table(path)
    return _READERS[_kind_of_table(table, fitting)](table, **options)


_READERS: dict[str, Callable[..., Any]] = {
    "ratings": read_ratings,
    "votes": read_comparisons,
    "matrices": read_matrices,
}

_KEYWORDS = {
    kind: frozenset(inspect.signature(reader).parameters) - {"path"}
    for kind, reader in _READERS.items()
}


def _fitting_readers(options: dict[str, Any]) -> set[str]:
    """Return the kinds whose reader takes all the options."""
    known = set().union(*_KEYWORDS.values())
    for name in options:
        validation.choice(name, "option", known)
    fitting = {kind for kind, keywords in _KEYWORDS.items() if keywords.issuperset(options)}
    if not fitting:
        takes = [p for kind in _READERS for p in ("; ", f"{kind} take ", *_named(_KEYWORDS[kind]))]
        raise InputError("", [*_named(options), " do not go together: ", *takes[1:]])
    return fitting


def _matrices_fit(fitting: set[str], path: PathLike) -> None:
    if "matrices" not in fitting:
        others = f" and no option of {' or '.join(sorted(fitting))}"
        takes = ["holds matrices, which take ", *_named(_KEYWORDS["matrices"]), others]
        raise FileFormatError(str(path), takes, "leave those out")


def _named(keywords: Iterable[str]) -> list[str | Argument]:
    return [part for name in sorted(keywords) for part in (", ", Argument(name))][1:]


def _kind_of_table(table: Table, fitting: set[str]) -> str:
    if fitting == {"matrices"}:
        raise FileFormatError(table.path, words("holds a table, which has no {key}; leave it out"))
    possible = fitting - {"matrices"}
    if len(possible) == 1:
        return possible.pop()
    if find_pair(table) is not None:
        return "votes"
    if find_column(table, "response") is not None:
        return "ratings"
    told = f"neither votes nor ratings by its columns ({listed(table.columns)})"
    of_votes = "{left}, {right} and {winner} (or {judges}) for votes"
    of_ratings = "{prompt}, {response} and {attributes} (or {attribute} and {score}) for ratings"
    raise FileFormatError(table.path, told, words(f"name them: {of_votes}, {of_ratings}"))
