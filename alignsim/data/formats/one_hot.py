"""Two sides and a column for each outcome, of which one holds 1."""

from __future__ import annotations

import numpy as np

from alignsim.data.columns import find_pair, plain, side_columns
from alignsim.data.comparisons import Comparisons
from alignsim.data.contents import Content
from alignsim.data.formats.contract import Format, Given
from alignsim.data.formats.voting import ASKED, SIDES, refuse_self, votes_of
from alignsim.data.tables import Table
from alignsim.errors import FileFormatError, listed, quote

OPTIONS = SIDES | ASKED
_FLAGS = {"1": True, "0": False, "1.0": True, "0.0": False, "true": True, "false": False}


def recognises(content: Content, given: Given) -> bool:
    """Return whether there are columns such as winner_model_a and winner_model_b."""
    return isinstance(content, Table) and len(_columns(content, given)) >= 2


def read(table: Table, given: Given) -> Comparisons:
    """Return the votes; a record in which not just one outcome holds 1 is refused."""
    columns = _columns(table, given)
    if len(columns) < 2:
        told = "no columns of outcomes such as winner_model_a, winner_model_b and winner_tie"
        raise FileFormatError(table.path, told, f"columns: {listed(table.names)}")
    left, right = (table.full(side) for side in side_columns(table, given))
    refuse_self(table, left, right)
    flags = np.stack([_flags(table, name) for name in columns.values()], axis=-1)
    wrong = flags.sum(axis=1) != 1
    if wrong.any():
        told = f"{int(flags[wrong][0].sum())} of {listed(columns.values())} hold 1"
        raise table.error(int(wrong.argmax()), told, "expected just one")
    share = flags @ np.array([{"left": 1.0, "tie": 0.5, "right": 0.0}[side] for side in columns])
    return votes_of(table, given, left, right, share)


def _columns(table: Table, given: Given) -> dict[str, str]:
    """Return the columns of outcomes by what they mean: left, right and perhaps tie."""
    named = "left" in given and "right" in given
    pair = (given["left"], given["right"]) if named else find_pair(table)
    if pair is None:
        return {}
    by_name = {plain(name): name for name in table.names}
    wanted = {"left": plain(pair[0]), "right": plain(pair[1]), "tie": "tie"}
    return {
        side: by_name["winner" + stem]
        for side, stem in wanted.items()
        if "winner" + stem in by_name
    }


def _flags(table: Table, name: str) -> np.ndarray:
    column = table.full(name)
    found = [_FLAGS.get(text.lower()) for text in column.values]
    if None in found:
        cell = found.index(None)
        row = int((column.index == cell).argmax())
        told = f"column {quote(name)} holds {quote(column.values[cell])}"
        raise table.error(row, told, "expected 0 or 1")
    return np.array(found, dtype=np.int64)[column.index]


FORMAT = Format(
    name="one-hot",
    gives="votes",
    holds="two sides and a column of 0 and 1 for each outcome: winner_model_a, ..., winner_tie",
    options=OPTIONS,
    recognises=recognises,
    read=read,
    suffix=".csv",
    example=(
        "model_a,model_b,winner_model_a,winner_model_b,winner_tie\ntea,milk,1,0,0\nmilk,tea,0,0,1\n"
    ),
    labels=("milk", "tea"),
    P=((0.5, 0.25), (0.75, 0.5)),
)
