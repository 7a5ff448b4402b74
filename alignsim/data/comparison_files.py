"""Reading pairwise votes: one winner a record, or several judges' marks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from alignsim import validation
from alignsim.data.codes import WORDS, guessed_codes, plain_mark, stated_codes
from alignsim.data.columns import find_column, find_pair, named_column, no_columns, plain
from alignsim.data.comparisons import Comparisons
from alignsim.data.sources import PathLike
from alignsim.data.tables import Table, read_table
from alignsim.errors import Argument, FileFormatError, InputError, Words, listed, quote, words

_SAY: Words = [
    "say what each means with ",
    Argument("codes", {"left": "...", "right": "...", "tie": "..."}),
]

_JUDGE = re.compile(r"(a|judge|rater|annotator|worker|assessor|human|vote|label)\d+")


def read_comparisons(
    path: PathLike | Table,
    *,
    left: str | None = None,
    right: str | None = None,
    winner: str | None = None,
    judges: Sequence[str] | None = None,
    codes: Mapping[str, object] | None = None,
    prompt: str | None = None,
    judge: str | None = None,
) -> Comparisons:
    r"""Return the pairwise votes in a CSV, TSV, JSON or JSON Lines file (each also ``.gz``).

    Each record names the two sides and holds one mark (``winner``) or one mark a judge
    (``judges``). An empty mark is a vote that was not cast: it is skipped and counted.

    Parameters
    ----------
    path
        The file.
    left, right
        Columns with the names of the two sides. Guessed, first come: left and right; model_a
        and model_b (or _1 and _2, _x and _y, _left and _right); the same for response, system,
        answer, output, completion, candidate; a and b.
    winner
        The column of the mark; guessed from winner, preference, choice, outcome, verdict...
    judges
        Several columns of marks, one a judge; guessed: a1, a2..., judge_1, rater_1...
    codes
        What the marks mean: ``{"left": ..., "right": ..., "tie": ...}``, each a mark or several.
        Known without it, in any case: left / right, a / b, model_a / model_b, first / second,
        tie, draw, both bad...; 1 / 2 with 0 or 3 for a tie; 1 / −1 / 0; 1 / 0 / 0.5; or the
        winner's own name.
    prompt, judge
        Columns that say what was asked and who voted.

    Raises
    ------
    FileFormatError
        If the file is missing, malformed or not UTF-8, if a column is absent or ambiguous (the
        keyword to pass is named), a mark is unknown or could mean two things, or a response
        meets itself.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import alignsim as asim
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = pathlib.Path(folder.name, "votes.csv")
    >>> _ = file.write_text("left,right,winner\ntea,coffee,left\ncoffee,tea,tie\n")
    >>> asim.data.read_comparisons(file).matrix().tolist()
    [[0.5, 0.25], [0.75, 0.5]]
    >>> folder.cleanup()
    """
    table = read_table(path)
    left, right = _side_columns(table, left, right)
    marked = _mark_columns(table, winner, judges, taken={left, right})
    prompt = find_column(table, "prompt", prompt)
    if judge is not None or len(marked) == 1:
        judge = find_column(table, "judge", judge)
    names = {"left": table.labels(left), "right": table.labels(right)}
    for row, (one, other) in enumerate(zip(names["left"], names["right"], strict=True)):
        if one == other:
            raise table.error(row, f"{quote(one)} is compared with itself", "remove the record")
    cast = [
        (row, column)
        for row in range(len(table))
        for column in marked
        if table.columns[column][row] is not None and plain_mark(table.columns[column][row])
    ]
    if not cast:
        raise FileFormatError(table.path, f"no vote in {listed(marked)}", "expected at least one")
    outcome = _outcomes(table, cast, names, codes)
    several = len(marked) > 1
    if several and judge is not None:
        complaint = f" says nothing, as {listed(marked)} are judges"
        raise FileFormatError(table.path, [Argument("judge", judge), complaint], "leave it out")
    voters = None if judge is None else table.labels(judge, blank="")
    asked = None if prompt is None else table.labels(prompt, blank="")
    return Comparisons.from_names(
        [names["left"][row] for row, _ in cast],
        [names["right"][row] for row, _ in cast],
        [0.5 * (1 + code) for code in outcome],
        judges=(
            [column for _, column in cast]
            if several
            else voters and [voters[row] for row, _ in cast]
        ),
        prompts=asked and [asked[row] for row, _ in cast],
        skipped=len(table) * len(marked) - len(cast),
    )


def _side_columns(table: Table, left: str | None, right: str | None) -> tuple[str, str]:
    named = [
        Argument(keyword, named_column(table, keyword, name))
        for keyword, name in (("left", left), ("right", right))
        if name is not None
    ]
    if not named:
        guess = find_pair(table)
        if guess is not None:
            return guess
        remedy = words("name both with {left=...} and {right=...}")
        raise no_columns(table, "no columns for the two sides", remedy)
    if len(named) == 1:
        missing = Argument("right" if right is None else "left", ...)
        raise no_columns(table, [*named, " is one side"], ["name the other one with ", missing])
    if named[0].value == named[1].value:
        one, other = named
        raise no_columns(table, [one, " and ", other, " are one column"], ["name two"])
    return named[0].value, named[1].value


def _mark_columns(
    table: Table, winner: str | None, judges: Sequence[str] | None, taken: set[str]
) -> tuple[str, ...]:
    if winner is not None and judges is not None:
        raise FileFormatError(table.path, words("pass {winner=...} or {judges=...}, not both"))
    if judges is not None:
        if not validation.names(judges, "judges"):
            raise InputError("judges", "is empty", "give a list of columns")
        return tuple(named_column(table, "judges", name) for name in judges)
    if winner is not None:
        return (named_column(table, "winner", winner),)
    single = find_column(table, "winner")
    panel = tuple(n for n in table.columns if _JUDGE.fullmatch(plain(n)) and n not in taken)
    if single and panel:
        told = f"both {quote(single)} and {listed(panel)} could hold the votes"
        one, many = Argument("winner", single), Argument("judges", list(panel))
        raise FileFormatError(table.path, told, ["pass ", one, " or ", many])
    if not single and not panel:
        remedy = words("name it with {winner=...} or {judges=...}")
        raise no_columns(table, "no column of votes", remedy)
    return (single,) if single else panel


def _outcomes(
    table: Table,
    cast: Sequence[tuple[int, str]],
    names: Mapping[str, Sequence[str]],
    codes: Mapping[str, object] | None,
) -> list[int]:
    """Return +1, 0 or −1 for each vote that was cast."""
    raw = [str(table.columns[column][row]).strip() for row, column in cast]
    marks = [plain_mark(mark) for mark in raw]
    if codes is not None:
        stated = stated_codes(codes)
        _refuse_unknown(table, cast, raw, [mark in stated for mark in marks], list(stated))
        return [stated[mark] for mark in marks]
    readings = [[reading[mark] for mark in marks] for reading in guessed_codes(marks)]
    ties = {plain: 0 for plain, outcome in WORDS.items() if outcome == 0}
    by_name = [
        {names["right"][row]: -1, names["left"][row]: 1}.get(mark, ties.get(plain))
        for mark, plain, (row, _) in zip(raw, marks, cast, strict=True)
    ]
    named = [outcome for outcome in by_name if outcome is not None]
    if len(named) == len(cast) and named not in readings:
        readings.append(named)
    if len(readings) > 1:
        told = f"the votes {listed(sorted(set(raw))[:4])} can be read in more than one way"
        raise FileFormatError(table.path, told, _SAY)
    if not readings:
        known = [
            bool(guessed_codes([mark])) or outcome is not None
            for mark, outcome in zip(marks, by_name, strict=True)
        ]
        _refuse_unknown(table, cast, raw, known, ["left", "right", "a", "b", "1", "2", "tie"])
        told = f"the votes {listed(sorted(set(raw))[:6])} mix several codes"
        raise FileFormatError(table.path, told, _SAY)
    return readings[0]


def _refuse_unknown(
    table: Table,
    cast: Sequence[tuple[int, str]],
    raw: Sequence[str],
    known: Sequence[bool],
    codes: Sequence[str],
) -> None:
    if not all(known):
        first = known.index(False)
        row, column = cast[first]
        told = f"column {quote(column)} holds {quote(raw[first])}, an unknown code"
        raise table.error(row, f"{told} (known: {listed(codes)})", _SAY)
