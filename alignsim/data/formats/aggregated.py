"""Two sides and how often each won, a pair a record."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alignsim import validation
from alignsim.data.columns import find_pair, named_column, plain, side_columns
from alignsim.data.comparisons import Comparisons
from alignsim.data.contents import Content
from alignsim.data.formats.contract import Format, Given
from alignsim.data.formats.voting import ASKED, SIDES, amounts, refuse_self, same_labels, votes_of
from alignsim.data.tables import Coded, Table
from alignsim.errors import FileFormatError, InputError, listed, quote, words

OPTIONS = SIDES | (ASKED - {"count"}) | {"wins"}

_PATTERNS = ("wins{}", "{}wins", "win{}", "votes{}", "{}votes", "wins{}s", "count{}", "n{}")
_TIES = ("ties", "tie", "draws", "draw", "winstie", "votestie", "nties", "ntie")
_SIDES = (("a", "b"), ("1", "2"), ("x", "y"), ("left", "right"), ("modela", "modelb"))


def recognises(content: Content, given: Given) -> bool:
    """Return whether there are two sides, and columns such as wins_a and wins_b."""
    if not isinstance(content, Table):
        return False
    return "wins" in given or (
        (find_pair(content) is not None or "left" in given) and _columns(content, given) is not None
    )


def read(table: Table, given: Given) -> Comparisons:
    """Return the votes: wins of the first, of the second, and ties, each counted."""
    columns = _columns(table, given)
    if columns is None:
        told = "no columns of wins such as wins_a and wins_b"
        remedy = words("name two of wins, and perhaps one of ties, with {wins=...}")
        raise FileFormatError(table.path, told, [*remedy, f" (columns: {listed(table.names)})"])
    left, right = (table.full(side) for side in side_columns(table, given))
    refuse_self(table, left, right)
    counted = np.stack([amounts(table, name) for name in columns], axis=-1)
    low, high = np.minimum(*_sides(left, right)), np.maximum(*_sides(left, right))
    again = len(table) - len(np.unique(np.stack([low, high]), axis=1).T)
    notes = [f"{again:,} records repeat a pair; their votes are added."] if again else []
    rows, outcome = np.nonzero(counted)
    share = np.array([1.0, 0.0, 0.5])[outcome]
    return votes_of(
        table, given, left, right, share, rows=rows, count=counted[rows, outcome], notes=notes
    )


def _sides(left: Coded, right: Coded) -> NDArray[np.int64]:
    """Return both sides in the same codes, (2, n)."""
    return same_labels(left, right)[1]


def _columns(table: Table, given: Given) -> Sequence[str] | None:
    """Return the columns of the first side's wins, the second's, and perhaps of ties."""
    if "wins" in given:
        names = validation.names(given["wins"], "wins")
        if len(names) not in (2, 3) or len(set(names)) < len(names):
            remedy = "name the columns of the first side's wins, of the second's, and of ties"
            raise InputError("wins", f"is {quote(given['wins'])}", remedy)
        return [named_column(table, "wins", name) for name in names]
    by_name = {plain(name): name for name in table.names}
    for one, other in _SIDES:
        for pattern in _PATTERNS:
            left, right = pattern.format(one), pattern.format(other)
            if left in by_name and right in by_name:
                ties = [by_name[name] for name in _TIES if name in by_name]
                return [by_name[left], by_name[right], *ties[:1]]
    return None


FORMAT = Format(
    name="aggregated",
    gives="votes",
    holds="two sides, how often each won, and perhaps the ties: wins_a, wins_b, ties",
    options=OPTIONS,
    recognises=recognises,
    read=read,
    suffix=".csv",
    example="model_a,model_b,wins_a,wins_b,ties\ntea,milk,5,1,2\n",
    labels=("milk", "tea"),
    P=((0.5, 0.25), (0.75, 0.5)),
)
