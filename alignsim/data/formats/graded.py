"""Two sides and a preference from 1 (the first) to 2 (the second), also between."""

from __future__ import annotations

from dataclasses import replace

from alignsim.data.codes import plain_mark, value_of
from alignsim.data.columns import find_column, find_pair
from alignsim.data.comparisons import Comparisons
from alignsim.data.contents import Content
from alignsim.data.formats import battles
from alignsim.data.formats.contract import Format, Given
from alignsim.data.tables import Table

ENDS = {"left": 1, "right": 2}


def recognises(content: Content, given: Given) -> bool:
    """Return whether most marks are numbers from 1 to 2, some between, but not only 1.5."""
    if not isinstance(content, Table) or "codes" in given:
        return False
    name = given.get("winner") or find_column(content, "winner")
    if name not in content.names or (find_pair(content) is None and "left" not in given):
        return False
    marks = {plain_mark(text) for text in content.coded(name).values}
    values = [value for mark in marks if (value := value_of(mark)) is not None]
    within = {value for value in values if 1.0 <= value <= 2.0}
    return 2 * len(within) > len(marks) and not within <= {1.0, 2.0, 1.5}


def read(table: Table, given: Given) -> Comparisons:
    """Return votes of which 2 − preference goes to the first side."""
    votes = battles.read(table, {**given, "codes": ENDS})
    note = "A preference of 1 favours the first side, 2 the second; values between are graded."
    return replace(votes, notes=(*votes.notes, note))


FORMAT = Format(
    name="graded",
    gives="votes",
    holds="two sides and a preference from 1 (the first) to 2 (the second), graded in between",
    options=battles.OPTIONS - {"codes", "judges"},
    recognises=recognises,
    read=read,
    suffix=".csv",
    example="generator_1,generator_2,preference\ntea,milk,1.25\nmilk,tea,1.75\n",
    labels=("milk", "tea"),
    P=((0.5, 0.25), (0.75, 0.5)),
)
