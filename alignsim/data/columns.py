"""Which column plays which part: named by the caller, or guessed from well-known names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from alignsim import validation
from alignsim.data.tables import Table
from alignsim.errors import Argument, FileFormatError, InputError, Part, Words, listed, quote

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
    """Return ``name`` if the table has such a column; else refuse it, with the nearest one."""
    try:
        return validation.choice(name, keyword, table.columns)
    except InputError as error:
        raise FileFormatError.within(table.path, error, "no such column: ") from None


def find_column(table: Table, role: str, name: str | None = None) -> str | None:
    """Return the column that plays a role, as named or as guessed; None if none does.

    An unknown name is refused, and so are several columns that could be meant.
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
    """Return the column that plays a role; if there is none, name the keyword to pass."""
    column = find_column(table, role, name)
    if column is None:
        remedy: list[Part] = ["name it with ", Argument(role, ...)]
        raise no_columns(table, f"no column for the {role}", remedy)
    return column


def no_columns(table: Table, complaint: Words, remedy: Sequence[Part]) -> FileFormatError:
    """Return a complaint that lists the columns that there are."""
    return FileFormatError(table.path, complaint, [*remedy, f" (columns: {listed(table.columns)})"])


def find_pair(table: Table) -> tuple[str, str] | None:
    """Return the columns of the two sides of a comparison, guessed by `PAIRS`; None if absent."""
    by_name = {plain(column): column for column in table.columns}
    for left, right in PAIRS:
        if left in by_name and right in by_name:
            return by_name[left], by_name[right]
    return None
