"""A model and a baseline that meet in two games, with sides swapped in the second."""

from __future__ import annotations

import numpy as np

from alignsim.data.codes import guessed_codes, plain_mark
from alignsim.data.columns import find_pair, plain, side_columns
from alignsim.data.comparisons import Comparisons
from alignsim.data.contents import Content
from alignsim.data.formats.contract import Format, Given
from alignsim.data.formats.voting import ASKED, SIDES, refuse_self, votes_of
from alignsim.data.tables import Table
from alignsim.errors import FileFormatError, listed, quote

OPTIONS = SIDES | ASKED

_VERDICTS = ("score", "winner", "verdict", "result", "judgment", "judgement")


def recognises(content: Content, given: Given) -> bool:
    """Return whether records hold lists of games, each with a verdict such as A>B."""
    return (
        isinstance(content, Table)
        and content.record is not None
        and (find_pair(content) is not None or "left" in given)
        and _verdict(content) is not None
    )


def read(table: Table, given: Given) -> Comparisons:
    """Return the votes; A is the baseline in the first game and the model in the second."""
    name = _verdict(table)
    if name is None or table.record is None:
        told = "holds no lists of games with verdicts such as A>B"
        raise FileFormatError(table.path, told, f"columns: {listed(table.names)}")
    model, baseline = (table.full(side) for side in side_columns(table, given))
    refuse_self(table, model, baseline)
    first = np.r_[True, np.diff(table.record) != 0]
    games = np.diff(np.r_[np.flatnonzero(first), len(table)])
    if (games != 2).any():
        row = int(np.flatnonzero(first)[(games != 2).argmax()])
        raise table.error(row, f"holds {games[games != 2][0]} games", "expected two, swapped")
    marks = table.full(name)
    readings = guessed_codes(plain_mark(text) for text in marks.values)
    if len(readings) != 1:
        unknown = [text for text in marks.values if not guessed_codes([plain_mark(text)])]
        if not unknown:
            told = f"column {quote(name)} mixes several codes ({listed(sorted(marks.values)[:6])})"
            raise FileFormatError(table.path, told, "expected A>B, A=B, B>A")
        row = int((marks.index == marks.values.index(unknown[0])).argmax())
        told = f"column {quote(name)} holds {quote(unknown[0])}"
        raise table.error(row, told, "expected A>B, A=B, B>A")
    share_of_a = np.array([readings[0][plain_mark(text)] for text in marks.values])[marks.index]
    share = np.where(first, 1.0 - share_of_a, share_of_a)
    note = "A is the baseline in the first game and the model in the second; >> counts as >."
    return votes_of(table, given, model, baseline, share, notes=[note])


def _verdict(table: Table) -> str | None:
    """Return the column of verdicts by its name, if one at least of them compares A and B."""
    for name in table.names:
        if plain(name) in _VERDICTS:
            marks = [plain_mark(text) for text in table.coded(name).values]
            if any((mark[:1] == "a" and mark[-1:] == "b") or mark[:1] == "b" for mark in marks):
                return name
    return None


FORMAT = Format(
    name="two-games",
    gives="votes",
    holds="a model, a baseline and a list of two games with swapped sides, each A>B, A=B or B>A",
    options=OPTIONS,
    recognises=recognises,
    read=read,
    suffix=".jsonl",
    example=(
        '{"model": "tea", "baseline": "milk", "games": [{"score": "B>A"}, {"score": "A>>B"}]}\n'
        '{"model": "tea", "baseline": "milk", "games": [{"score": "B>A"}, {"score": "B>A"}]}\n'
    ),
    labels=("milk", "tea"),
    P=((0.5, 0.25), (0.75, 0.5)),
)
