"""Which column plays which part: named by the caller, or guessed from well-known names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alignsim import validation
from alignsim.data.tables import Table
from alignsim.errors import Argument, FileFormatError, InputError, Part, Words, listed, quote, words

SYSTEMS = ("system", "model", "generator", "player", "team", "policy", "item", "alternative")
"""What may be compared by its name."""

TEXTS = ("response", "answer", "output", "completion", "candidate")
"""What may be compared where nothing has a name."""

ROLES: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt", "question", "instruction", "query", "context", "story"),
    "response": (*SYSTEMS, *TEXTS),
    "rater": ("rater", "annotator", "worker", "judge", "evaluator", "assessor", "voter", "user"),
    "judge": ("judge", "rater", "annotator", "worker", "evaluator", "assessor", "voter", "user"),
    "attribute": ("attribute", "criterion", "dimension", "aspect", "metric"),
    "score": ("score", "rating", "grade"),
    "winner": ("winner", "preference", "preferred", "choice", "outcome", "result", "verdict"),
    "strength": ("preferencestrength", "strength", "overallpreference", "margin"),
    "rank": ("rank", "ranking", "position", "place"),
    "count": ("count", "counts", "weight", "weights", "nvotes", "multiplicity", "times"),
    "label": ("label", "labels", "desirable", "thumb", "thumbs", "thumbsup", "liked"),
    "loser": ("loser", "lost", "defeated"),
    "chosen": ("chosen", "preferredresponse", "accepted"),
    "rejected": ("rejected", "dispreferredresponse", "nonpreferredresponse", "refused"),
}
"""Names by which a column is known; each also with ``_id``, ``_name``, in any case."""

GROUPS = ("prompt", "rater", "judge")
"""Roles whose columns only say which records belong together."""

BOOKKEEPING = {
    "", "id", "idx", "index", "row", "number", "timestamp", "time", "date", "tstamp", "turn",
    "unnamed0", "indexlevel0", "rank", "year",
}  # fmt: skip
"""Columns of numbers that are never taken for an attribute unasked."""

_SIDES = (("a", "b"), ("1", "2"), ("x", "y"), ("left", "right"), ("one", "two"))

PAIRS = (
    ("left", "right"),
    *((stem + x, stem + y) for stem in (*SYSTEMS, *TEXTS, "text") for x, y in _SIDES),
    ("a", "b"),
    ("model", "baseline"),
)
"""Pairs of names for the two sides of a comparison; the first that a file has is taken."""


def plain(name: str) -> str:
    """Return a column's name without case, blanks and punctuation.

    >>> plain("Model_A")
    'modela'
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def known_names(role: str) -> set[str]:
    """Return the plain names by which the column of a role is known."""
    return {word + ending for word in ROLES[role] for ending in ("", "id", "name")}


def named_column(table: Table, keyword: str, name: str) -> str:
    """Return ``name`` if the table has such a column; else refuse it, with the nearest one."""
    try:
        return validation.choice(name, keyword, table.names)
    except InputError as error:
        raise FileFormatError.within(table.path, error, "no such column: ") from None


def find_column(table: Table, role: str, name: str | None = None) -> str | None:
    """Return the column that plays a role, as named or as guessed; None if none does.

    An unknown name is refused, and so are several columns that could be meant, unless they say the
    same of all records; names of systems go before texts.
    """
    if name is not None:
        return named_column(table, role, name)
    known = known_names(role)
    candidates = [column for column in table.names if plain(column) in known]
    if role == "response":
        systems = [c for c in candidates if re.sub("(id|name)$", "", plain(c)) in SYSTEMS]
        candidates = systems or candidates
    candidates = [
        c for k, c in enumerate(candidates) if not k or not _alike(table, candidates[0], c)
    ]
    if len(candidates) > 1:
        raise FileFormatError(
            table.path,
            f"{' and '.join(map(quote, candidates[:3]))} could each be the {role}",
            ["say which with ", Argument(role, candidates[0])],
        )
    return candidates[0] if candidates else None


def _alike(table: Table, one: str, other: str) -> bool:
    """Return whether two columns divide the records alike, of which there are several."""
    first, second = table.coded(one), table.coded(other)
    return len(first.values) > 1 and np.array_equal(first.index, second.index)


def need_column(table: Table, role: str, name: str | None = None) -> str:
    """Return the column that plays a role; if there is none, name the keyword to pass."""
    column = find_column(table, role, name)
    if column is None:
        remedy: list[Part] = ["name it with ", Argument(role, ...)]
        raise no_columns(table, f"no column for the {role}", remedy)
    return column


def no_columns(table: Table, complaint: Words, remedy: Sequence[Part]) -> FileFormatError:
    """Return a complaint that lists the columns that there are."""
    return FileFormatError(table.path, complaint, [*remedy, f" (columns: {listed(table.names)})"])


def find_pair(table: Table) -> tuple[str, str] | None:
    """Return the columns of the two sides of a comparison, guessed by `PAIRS`; None if absent."""
    by_name = {plain(column): column for column in table.names}
    for left, right in PAIRS:
        if left in by_name and right in by_name:
            return by_name[left], by_name[right]
    return None


def side_columns(table: Table, given: Mapping[str, Any]) -> tuple[str, str]:
    """Return the columns of the two sides, as named (both of them) or as guessed."""
    named = [
        Argument(keyword, named_column(table, keyword, given[keyword]))
        for keyword in ("left", "right")
        if given.get(keyword) is not None
    ]
    if not named:
        guess = find_pair(table)
        if guess is not None:
            return guess
        raise no_columns(table, "no columns for the two sides", pair_remedy(table))
    if len(named) == 1:
        missing = Argument("left" if named[0].name == "right" else "right", ...)
        raise no_columns(table, [*named, " is one side"], ["name the other one with ", missing])
    if named[0].value == named[1].value:
        one, other = named
        raise no_columns(table, [one, " and ", other, " are one column"], ["name two"])
    return named[0].value, named[1].value


SEPARATORS = re.compile(r"\s+(?:vs\.?|versus|v\.)\s+|\s*[|]\s*", re.IGNORECASE)
"""What stands between the two sides of a pair in one cell."""


def pair_of(cell: Any) -> tuple[str, str] | None:
    """Return the two sides that one cell holds, or None.

    >>> pair_of(["a", "b"]), pair_of("a vs. b"), pair_of("a")
    (('a', 'b'), ('a', 'b'), None)
    """
    parts = SEPARATORS.split(cell) if isinstance(cell, str) else cell
    if not isinstance(parts, list | tuple) or len(parts) != 2:
        return None
    one, other = parts
    return (
        (str(one), str(other)) if all(isinstance(p, str | int) and str(p) for p in parts) else None
    )


def pair_remedy(table: Table) -> list[Part]:
    """Return how to name the sides; points at a column that seems to hold both."""
    for name in table.names:
        cells = table.columns[name]
        if all(pair_of(cell) is not None for cell in cells):
            return [
                f"column {quote(name)} seems to hold both: read them with ",
                Argument("pair", name),
            ]
    ends = {plain(name.rpartition(".")[2]): name for name in table.names if "." in name}
    for left, right in PAIRS:
        if left in ends and right in ends:
            one, other = Argument("left", ends[left]), Argument("right", ends[right])
            return ["they seem to be nested: read them with ", one, " and ", other]
    return words("name both with {left=...} and {right=...}")


def looks_like_header(cells: Sequence[Any]) -> bool:
    """Return whether the cells of a first row are names of columns that are known.

    >>> looks_like_header(["left", "right", "winner"]), looks_like_header(["tea", "milk", "tea"])
    (True, False)
    """
    if not all(isinstance(cell, str) for cell in cells) or len(set(cells)) < len(cells):
        return False
    names = [plain(cell) for cell in cells]
    known = set().union(*(known_names(role) for role in ROLES))
    named = [pair for pair in PAIRS if pair != ("a", "b")]
    paired = any(left in names and right in names for left, right in named)
    return paired or sum(name in known for name in names) >= 2 or "" in names[:1]
