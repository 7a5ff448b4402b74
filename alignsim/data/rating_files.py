"""Reading ratings: one score a row, or one attribute a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alignsim import validation
from alignsim.data.columns import (
    BOOKKEEPING,
    find_column,
    named_column,
    need_column,
    no_columns,
    plain,
)
from alignsim.data.ratings import Ratings
from alignsim.data.sources import PathLike
from alignsim.data.tables import Table, read_table
from alignsim.errors import FileFormatError, listed, quote, words
from alignsim.validation import FloatArray

HELPSTEER_ATTRIBUTES = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
"""The attributes of nvidia/HelpSteer, integers 0 to 4."""


def read_ratings(
    path: PathLike | Table,
    *,
    prompt: str | None = None,
    response: str | None = None,
    rater: str | None = None,
    attributes: Sequence[str] | None = None,
    attribute: str | None = None,
    score: str | None = None,
) -> Ratings:
    r"""Return the ratings in a CSV, TSV, JSON or JSON Lines file (each also ``.gz``).

    *Wide*: one record holds a rater's scores of a response, one column of numbers an attribute.
    *Long*: one record holds one score, with a column for the attribute and one for the score;
    a file is read so when it has both. Records of a prompt need not be adjacent; prompts,
    responses and raters keep the order in which they first appear. An empty cell (or NA, NaN,
    null) is a score that was not given.

    Without a column for the rater, each record of a wide file is a response of its own, even
    when a prompt has the same text twice (HelpSteer's ``train.jsonl`` is such a file).

    Parameters
    ----------
    path
        The file.
    prompt, response, rater
        Names of the columns; guessed from well-known ones (prompt, question, instruction...;
        response, system, model, answer...; rater, annotator, worker, judge...).
    attributes
        Wide: the columns of scores; by default every column of numbers that plays no other part
        and is no bookkeeping (id, index, timestamp...). Long: the attributes to keep.
    attribute, score
        Long: names of those two columns.

    Raises
    ------
    FileFormatError
        If the file is missing, malformed or not UTF-8, if a column is absent or ambiguous (the
        keyword to pass is named), a cell is no number, or a response was rated twice.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import alignsim as asim
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = pathlib.Path(folder.name, "ratings.csv")
    >>> _ = file.write_text("prompt,system,rater,taste\ntea,a,1,3\ntea,b,1,4\n")
    >>> asim.data.read_ratings(file).responses
    (('a', 'b'),)
    >>> folder.cleanup()
    """
    table = read_table(path)
    if attributes is not None:
        attributes = validation.names(attributes, "attributes")
    prompt = need_column(table, "prompt", prompt)
    response = need_column(table, "response", response)
    rater = find_column(table, "rater", rater)
    long = _long_columns(table, attribute, score)
    responses = table.labels(response)
    one_each = long is None and rater is None
    if long is None:
        names, kinds = _wide_attributes(table, attributes, {prompt, response, rater}), None
        values = np.stack([table.numbers(name) for name in names], axis=-1)
    else:
        kinds = table.labels(long[0])
        names, values = _long_attributes(table, attributes, kinds), table.numbers(long[1])[:, None]
    records = _Records(
        prompts=table.labels(prompt),
        responses=responses,
        identities=list(map(str, table.places)) if one_each else responses,
        raters=[""] * len(table) if rater is None else table.labels(rater),
        attributes=kinds or [""] * len(table),
        values=values,
    )
    return _gathered(table, records, names)


def read_helpsteer(path: PathLike) -> Ratings:
    """Return the ratings of HelpSteer's ``train.jsonl`` or ``train.jsonl.gz``.

    One record a response, no raters; five attributes, integers 0 to 4.

    Raises
    ------
    FileFormatError
        As `read_ratings`.
    """
    return read_ratings(path, prompt="prompt", response="response", attributes=HELPSTEER_ATTRIBUTES)


@dataclass(frozen=True, eq=False)
class _Records:
    """Equally long columns; the attribute "" stands for all at once, ``values`` then (n, A)."""

    prompts: Sequence[str]
    responses: Sequence[str]
    identities: Sequence[str]
    raters: Sequence[str]
    attributes: Sequence[str]
    values: FloatArray


def _long_columns(table: Table, attribute: str | None, score: str | None) -> tuple[str, str] | None:
    """Return the attribute's and the score's column of a long file, None for a wide one."""
    if attribute is None and score is None:
        attribute = find_column(table, "attribute")
        score = None if attribute is None else find_column(table, "score")
        return None if attribute is None or score is None else (attribute, score)
    return need_column(table, "attribute", attribute), need_column(table, "score", score)


def _wide_attributes(
    table: Table, attributes: Sequence[str] | None, taken: set[str | None]
) -> tuple[str, ...]:
    if attributes is not None:
        names = tuple(named_column(table, "attributes", name) for name in attributes)
    else:
        left = [name for name in table.columns if name not in taken]
        names = tuple(n for n in left if plain(n) not in BOOKKEEPING and table.looks_numeric(n))
    if not names:
        raise no_columns(table, "no column of scores", words("name them with {attributes=...}"))
    return names


def _long_attributes(
    table: Table, attributes: Sequence[str] | None, kinds: Sequence[str]
) -> tuple[str, ...]:
    present = tuple(dict.fromkeys(kinds))
    for name in attributes or ():
        if name not in present:
            told = [*words("{attributes}"), f" names {quote(name)}, which no record rates"]
            raise FileFormatError(table.path, told, f"known: {listed(present)}")
    return present if attributes is None else tuple(attributes)


def _gathered(table: Table, records: _Records, names: tuple[str, ...]) -> Ratings:
    """Return the records by prompt, response, rater and attribute."""
    columns = {name: slice(a, a + 1) for a, name in enumerate(names)}
    if records.values.shape[1] == len(names):
        columns[""] = slice(None)
    rows_of: dict[str, list[int]] = {}
    for row, name in enumerate(records.prompts):
        if records.attributes[row] in columns:
            rows_of.setdefault(name, []).append(row)
    responses: list[tuple[str, ...]] = []
    raters: list[tuple[str, ...]] = []
    scores: list[FloatArray] = []
    for rows in rows_of.values():
        label_of = {records.identities[row]: records.responses[row] for row in rows}
        response_at = {identity: i for i, identity in enumerate(label_of)}
        people = dict.fromkeys(records.raters[row] for row in rows)
        rater_at = {rater: i for i, rater in enumerate(people)}
        block = np.full((len(response_at), len(rater_at), len(names)), np.nan)
        seen: set[tuple[str, str, str]] = set()
        for row in rows:
            cell = records.identities[row], records.raters[row], records.attributes[row]
            if cell in seen:
                told = f"prompt {quote(records.prompts[row])}, response {quote(cell[0])}"
                by = f" by {quote(cell[1])}" if cell[1] else ""
                on = f" on {quote(cell[2])}" if cell[2] else ""
                raise table.error(row, f"{told} is rated twice{by}{on}", _TWICE)
            seen.add(cell)
            place = response_at[cell[0]], rater_at[cell[1]], columns[cell[2]]
            block[place] = records.values[row]
        responses.append(tuple(label_of.values()))
        raters.append(tuple(people))
        scores.append(block)
    return Ratings(tuple(rows_of), tuple(responses), tuple(raters), names, tuple(scores))


_TWICE = words(
    "remove one, or name the column that tells them apart with {response=...} or {rater=...}"
)
