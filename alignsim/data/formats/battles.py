"""Two sides and a winner, or the marks of several judges, a record."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from alignsim import validation
from alignsim.data.codes import WORDS, graded_codes, guessed_codes, plain_mark, stated_codes
from alignsim.data.columns import (
    find_column,
    find_pair,
    named_column,
    no_columns,
    plain,
    side_columns,
)
from alignsim.data.comparisons import Comparisons
from alignsim.data.contents import Content
from alignsim.data.formats.contract import Format, Given
from alignsim.data.formats.voting import ASKED, SIDES, equal, refuse_self, votes_of
from alignsim.data.tables import Coded, Table
from alignsim.errors import Argument, FileFormatError, InputError, Words, listed, quote, words
from alignsim.validation import FloatArray

_SAY: Words = [
    "say what each means with ",
    Argument("codes", {"left": "...", "right": "...", "tie": "..."}),
]

_GRADED: Words = [
    "if they are graded, say which number means which side with ",
    Argument("codes", {"left": "...", "right": "..."}),
]

_JUDGE = re.compile(r"(a|judge|rater|annotator|worker|assessor|human|vote|label)\d+")


def recognises(content: Content, given: Given) -> bool:
    """Return whether there are two sides and marks, or what only votes have is named."""
    if not isinstance(content, Table):
        return False
    if {"left", "right", "winner", "judges", "pair"} & set(given):
        return True
    pair = find_pair(content)
    return pair is not None and bool(_guessed_marks(content, set(pair)))


def read(table: Table, given: Given) -> Comparisons:
    """Return a vote for each mark that was cast; ties are half a win for either side."""
    left_name, right_name = side_columns(table, given)
    marked = mark_columns(table, given, taken={left_name, right_name})
    left, right = table.full(left_name), table.full(right_name)
    refuse_self(table, left, right)
    several = len(marked) > 1
    if several and given.get("judge") is not None:
        complaint = f" says nothing, as {listed(marked)} are judges"
        named: Words = [Argument("judge", given["judge"]), complaint]
        raise FileFormatError(table.path, named, "leave it out")
    marks = [table.coded(name) for name in marked]
    cast = np.stack([column.index for column in marks], axis=-1) >= 0
    if not cast.any():
        raise FileFormatError(table.path, f"no vote in {listed(marked)}", "expected at least one")
    rows, column = np.nonzero(cast)
    share = shares(table, marked, marks, (left, right), given.get("codes"))[rows, column]
    judge = Coded(marked, column) if several else None
    skipped = int((~cast).sum())
    return votes_of(table, given, left, right, share, rows=rows, judge=judge, skipped=skipped)


def mark_columns(table: Table, given: Given, taken: set[str]) -> tuple[str, ...]:
    """Return the columns of the marks: one, or one a judge."""
    winner, judges = given.get("winner"), given.get("judges")
    if winner is not None and judges is not None:
        raise FileFormatError(table.path, words("pass {winner=...} or {judges=...}, not both"))
    if judges is not None:
        if not validation.names(judges, "judges"):
            raise InputError("judges", "is empty", "give a list of columns")
        return tuple(named_column(table, "judges", name) for name in judges)
    if winner is not None:
        return (named_column(table, "winner", winner),)
    found = _guessed_marks(table, taken)
    if not found:
        remedy = words("name it with {winner=...} or {judges=...}")
        raise no_columns(table, "no column of votes", remedy)
    return found


def _guessed_marks(table: Table, taken: set[str]) -> tuple[str, ...]:
    single = find_column(table, "winner")
    panel = tuple(n for n in table.names if _JUDGE.fullmatch(plain(n)) and n not in taken)
    if single and panel:
        told = f"both {quote(single)} and {listed(panel)} could hold the votes"
        one, many = Argument("winner", single), Argument("judges", list(panel))
        raise FileFormatError(table.path, told, ["pass ", one, " or ", many])
    return (single,) if single else panel


def shares(
    table: Table,
    marked: Sequence[str],
    marks: Sequence[Coded],
    sides: tuple[Coded, Coded],
    codes: Mapping[str, object] | None,
) -> FloatArray:
    """Return the share of left in each mark, (rows, columns); NaN where none was cast."""
    texts = tuple(dict.fromkeys(text for column in marks for text in column.values))
    plains = [plain_mark(text) for text in texts]
    if codes is not None:
        stated = graded_codes(stated_codes(codes), plains)
        _refuse_unknown(
            table,
            marked,
            marks,
            {t for t, m in zip(texts, plains, strict=True) if m in stated},
            list(stated),
        )
        return _told(marks, {t: stated[m] for t, m in zip(texts, plains, strict=True)})
    readings = [
        _told(marks, {t: reading[m] for t, m in zip(texts, plains, strict=True)})
        for reading in guessed_codes(plains)
    ]
    ties = {mark: 0.5 for mark, share in WORDS.items() if share == 0.5}
    named = _told(marks, {t: ties.get(m, np.nan) for t, m in zip(texts, plains, strict=True)})
    for k, column in enumerate(marks):
        for side, share in ((sides[0], 1.0), (sides[1], 0.0)):
            named[equal(column, side), k] = share
    cast = np.stack([column.index for column in marks], axis=-1) >= 0
    known_by_name = ~np.isnan(named)
    if known_by_name[cast].all() and not any(
        np.array_equal(named, r, equal_nan=True) for r in readings
    ):
        readings.append(named)
    if len(readings) > 1:
        told = f"the votes {listed(sorted(texts)[:4])} can be read in more than one way"
        raise FileFormatError(table.path, told, _SAY)
    if not readings:
        by_code = {t for t, m in zip(texts, plains, strict=True) if guessed_codes([m])}
        by_name = {
            column.values[i]
            for k, column in enumerate(marks)
            for i in np.unique(column.index[known_by_name[:, k] & cast[:, k]]).tolist()
        }
        known = ["left", "right", "a", "b", "1", "2", "tie"]
        _refuse_unknown(table, marked, marks, by_code | by_name, known)
        told = f"the votes {listed(sorted(texts)[:6])} mix several codes"
        raise FileFormatError(table.path, told, _SAY)
    return readings[0]


def _told(marks: Sequence[Coded], share_of: Mapping[str, float]) -> FloatArray:
    columns = [
        np.array([*(share_of[text] for text in column.values), np.nan])[column.index]
        for column in marks
    ]
    return np.stack(columns, axis=-1)


def _refuse_unknown(
    table: Table,
    marked: Sequence[str],
    marks: Sequence[Coded],
    known: set[str],
    codes: Sequence[str],
) -> None:
    unknown = np.stack(
        [np.array([*(t not in known for t in c.values), False])[c.index] for c in marks], axis=-1
    )
    if unknown.any():
        row, k = divmod(int(unknown.argmax()), len(marks))
        text = marks[k].values[marks[k].index[row]]
        told = f"column {quote(marked[k])} holds {quote(text)}, an unknown code"
        try:
            float(text)
            remedy = _GRADED
        except ValueError:
            remedy = _SAY
        raise table.error(row, f"{told} (known: {listed(codes)})", remedy)


OPTIONS = SIDES | ASKED | {"winner", "judges", "codes"}

FORMAT = Format(
    name="battles",
    gives="votes",
    holds="two sides and a winner (left, model_a, 1, tie, or a name), or one mark a judge",
    options=OPTIONS,
    recognises=recognises,
    read=read,
    suffix=".csv",
    example="model_a,model_b,winner\ntea,milk,model_a\nmilk,tea,tie\n",
    labels=("milk", "tea"),
    P=((0.5, 0.25), (0.75, 0.5)),
)
