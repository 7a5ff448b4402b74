"""A winner and a loser, by name, a record."""

from __future__ import annotations

from alignsim.data.columns import find_column, find_pair, need_column
from alignsim.data.comparisons import Comparisons
from alignsim.data.contents import Content
from alignsim.data.formats.contract import Format, Given
from alignsim.data.formats.voting import ASKED, refuse_self, votes_of
from alignsim.data.tables import Table

OPTIONS = ASKED | {"winner", "loser"}


def recognises(content: Content, given: Given) -> bool:
    """Return whether there is a loser, and the sides are not named otherwise."""
    if not isinstance(content, Table):
        return False
    return "loser" in given or (
        find_column(content, "loser") is not None and find_pair(content) is None
    )


def read(table: Table, given: Given) -> Comparisons:
    """Return a vote of each record for its winner."""
    winner = table.full(need_column(table, "winner", given.get("winner")))
    loser = table.full(need_column(table, "loser", given.get("loser")))
    refuse_self(table, winner, loser)
    return votes_of(table, given, winner, loser, 1.0)


FORMAT = Format(
    name="winner-loser",
    gives="votes",
    holds="a winner and a loser by name",
    options=OPTIONS,
    recognises=recognises,
    read=read,
    suffix=".csv",
    example="winner,loser\ntea,milk\ntea,milk\nmilk,tea\ntea,milk\n",
    labels=("milk", "tea"),
    P=((0.5, 0.25), (0.75, 0.5)),
)
