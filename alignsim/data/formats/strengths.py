"""Two sides and how much better one is: below 0 the first, above 0 the second."""

from __future__ import annotations

import numpy as np

from alignsim.data.columns import find_column, find_pair, need_column, side_columns
from alignsim.data.comparisons import Comparisons
from alignsim.data.contents import Content
from alignsim.data.formats import battles
from alignsim.data.formats.contract import Format, Given
from alignsim.data.formats.voting import ASKED, SIDES, refuse_self, votes_of
from alignsim.data.tables import Table

OPTIONS = SIDES | ASKED | {"strength", "codes"}


def recognises(content: Content, given: Given) -> bool:
    """Return whether there are two sides and a strength, and no winner."""
    return isinstance(content, Table) and (
        "strength" in given
        or (
            find_pair(content) is not None
            and find_column(content, "strength") is not None
            and find_column(content, "winner") is None
        )
    )


def read(table: Table, given: Given) -> Comparisons:
    """Return votes by the sign of the strength, or shares between the two ends in ``codes``."""
    name = need_column(table, "strength", given.get("strength"))
    if "codes" in given:
        return battles.read(table, {**given, "winner": name})
    left, right = (table.full(side) for side in side_columns(table, given))
    refuse_self(table, left, right)
    strength = table.numbers(name)
    rows = np.flatnonzero(~np.isnan(strength))
    size = float(np.nanmax(np.abs(strength), initial=0.0)) or 1.0
    note = (
        "Strengths count by their sign, below 0 for the first side; for shares that grow with "
        f"them pass --codes left={-size:g},right={size:g}, or "
        f"codes={{'left': [{-size:g}], 'right': [{size:g}]}}."
    )
    return votes_of(
        table, given, left, right, 0.5 - 0.5 * np.sign(strength[rows]), rows=rows,
        skipped=len(table) - len(rows), notes=[note],
    )  # fmt: skip


FORMAT = Format(
    name="strengths",
    gives="votes",
    holds="two sides and a preference strength: negative for the first, positive for the second",
    options=OPTIONS,
    recognises=recognises,
    read=read,
    suffix=".jsonl",
    example=(
        '{"response_1": "tea", "response_2": "milk", "preference_strength": -2}\n'
        '{"response_1": "milk", "response_2": "tea", "preference_strength": 0}\n'
    ),
    labels=("milk", "tea"),
    P=((0.5, 0.25), (0.75, 0.5)),
)
