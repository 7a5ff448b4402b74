"""Which column plays which part: named by the caller, or guessed from well-known names."""

from __future__ import annotations

import re

from alignsim import validation
from alignsim.data.tables import Table
from alignsim.errors import Argument, FileFormatError, InputError, listed, quote

ROLES: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt", "question", "instruction", "query", "context", "story"),
    "response": ("response", "system", "model", "answer", "output", "completion", "candidate"),
    "rater": ("rater", "annotator", "worker", "judge", "evaluator", "assessor"),
    "judge": ("judge", "rater", "annotator", "worker", "evaluator", "assessor"),
    "attribute": ("attribute", "criterion", "dimension", "aspect", "metric"),
    "score": ("score", "rating", "grade"),
    "winner": ("winner", "preference", "preferred", "choice", "outcome", "result", "verdict"),
}
"""Names by which a column is known; each also with ``_id``, ``_name``, in any case."""

BOOKKEEPING = {"id", "idx", "index", "row", "number", "timestamp", "time", "date"}
"""Columns of numbers that are never taken for an attribute unasked."""

_SIDES = (("a", "b"), ("1", "2"), ("x", "y"), ("left", "right"))

PAIRS = (
    ("left", "right"),
    *((stem + x, stem + y) for stem in ROLES["response"] for x, y in _SIDES),
    ("a", "b"),
)
"""Pairs of names for the two sides of a comparison; the first that a file has is taken."""


def plain(name: str) -> str:
    """Return a column's name without case, blanks and punctuation.

    >>> plain("Model_A")
    'modela'
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def named_column(table: Table, keyword: str, name: str) -> str:
    """Return ``name`` if the table has such a column.

    Raises
    ------
    FileFormatError
        If not: names the file, the keyword and the nearest column.
    """
    try:
        return validation.choice(name, keyword, table.columns)
    except InputError as error:
        raise FileFormatError.within(table.path, error, "no such column: ") from None


def find_column(table: Table, role: str, name: str | None = None) -> str | None:
    """Return the column that plays a role, as named or as guessed; None if none does.

    Raises
    ------
    FileFormatError
        If the name is unknown, or several columns could be meant.
    """
    if name is not None:
        return named_column(table, role, name)
    known = {word + ending for word in ROLES[role] for ending in ("", "id", "name")}
    candidates = [column for column in table.columns if plain(column) in known]
    if len(candidates) > 1:
        raise FileFormatError(
            table.path,
            f"{' and '.join(map(quote, candidates[:3]))} could each be the {role}",
            ["say which with ", Argument(role, candidates[0])],
        )
    return candidates[0] if candidates else None


def need_column(table: Table, role: str, name: str | None = None) -> str:
    """Return the column that plays a role.

    Raises
    ------
    FileFormatError
        As `find_column`, and if there is none: lists the columns and the keyword to pass.
    """
    column = find_column(table, role, name)
    if column is None:
        raise FileFormatError(
            table.path,
            f"no column for the {role}",
            ["name it with ", Argument(role, ...), f" (columns: {listed(table.columns)})"],
        )
    return column


def find_pair(table: Table) -> tuple[str, str] | None:
    """Return the columns of the two sides of a comparison, guessed by `PAIRS`; None if absent."""
    by_name = {plain(column): column for column in table.columns}
    for left, right in PAIRS:
        if left in by_name and right in by_name:
            return by_name[left], by_name[right]
    return None
