"""Ratings: one score a record, or one attribute a column; higher is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alignsim import validation
from alignsim.data.columns import (
    BOOKKEEPING,
    find_column,
    find_pair,
    named_column,
    need_column,
    no_columns,
    plain,
)
from alignsim.data.contents import Content
from alignsim.data.formats.contract import Format, Given
from alignsim.data.ratings import Ratings
from alignsim.data.tables import Table
from alignsim.errors import FileFormatError, listed, quote, words
from alignsim.validation import FloatArray

OPTIONS = frozenset({"prompt", "response", "rater", "attributes", "attribute", "score"})


def recognises(content: Content, given: Given) -> bool:
    """Return whether there are responses and numbers, or what only ratings have is named."""
    if not isinstance(content, Table):
        return False
    if {"rater", "attributes", "attribute", "score"} & set(given):
        return True
    response = find_column(content, "response", given.get("response"))
    prompt = find_column(content, "prompt", given.get("prompt"))
    if response is None or find_pair(content) is not None:
        return False
    others = [name for name in content.names if name not in (prompt, response)]
    return any(map(content.looks_numeric, others)) or content.record is None


def read(table: Table, given: Given) -> Ratings:
    """Return the ratings.

    *Wide*: one record holds a rater's scores of a response, one column of numbers an attribute.
    *Long*: one record holds one score, with a column for the attribute and one for the score;
    a table is read so when it has both. Records of a prompt need not be adjacent; prompts,
    responses and raters keep the order in which they first appear. An empty cell (or NA, NaN,
    null) is a score that was not given.

    Without a column for the rater, each record of a wide table is a response of its own, even
    when a prompt has the same text twice (HelpSteer's ``train.jsonl`` is such a file).
    """
    attributes = given.get("attributes")
    if attributes is not None:
        attributes = validation.names(attributes, "attributes")
    prompt = need_column(table, "prompt", given.get("prompt"))
    response = need_column(table, "response", given.get("response"))
    rater = find_column(table, "rater", given.get("rater"))
    long = _long_columns(table, given.get("attribute"), given.get("score"))
    responses = table.full(response).texts
    one_each = long is None and rater is None
    notes = list(table.notes)
    if long is None:
        names, left_out = _wide_attributes(table, attributes, {prompt, response, rater})
        kinds = None
        values = np.stack([table.numbers(name) for name in names], axis=-1)
        if left_out:
            notes.append(f"Left out of the attributes, unless they are named: {listed(left_out)}.")
    else:
        kinds = table.full(long[0]).texts
        names, values = _long_attributes(table, attributes, kinds), table.numbers(long[1])[:, None]
    records = _Records(
        prompts=table.full(prompt).texts,
        responses=responses,
        identities=list(map(str, range(len(table)))) if one_each else responses,
        raters=[""] * len(table) if rater is None else table.full(rater).texts,
        attributes=kinds or [""] * len(table),
        values=values,
    )
    return _gathered(table, records, names, tuple(notes))


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
) -> tuple[tuple[str, ...], list[str]]:
    """Return the columns of scores, and other columns of numbers that were left out."""
    left_out: list[str] = []
    if attributes is not None:
        names = tuple(named_column(table, "attributes", name) for name in attributes)
    else:
        left = [name for name in table.names if name not in taken]
        names = tuple(n for n in left if plain(n) not in BOOKKEEPING and table.looks_numeric(n))
        if nested := tuple(name for name in names if name in table.scores):
            left_out = [name for name in names if name not in nested]
            names = nested
    if not names:
        raise no_columns(table, "no column of scores", words("name them with {attributes=...}"))
    return names, left_out


def _long_attributes(
    table: Table, attributes: Sequence[str] | None, kinds: Sequence[str]
) -> tuple[str, ...]:
    present = tuple(dict.fromkeys(kinds))
    for name in attributes or ():
        if name not in present:
            told = [*words("{attributes}"), f" names {quote(name)}, which no record rates"]
            raise FileFormatError(table.path, told, f"known: {listed(present)}")
    return present if attributes is None else tuple(attributes)


def _gathered(
    table: Table, records: _Records, names: tuple[str, ...], notes: tuple[str, ...]
) -> Ratings:
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
    return Ratings(tuple(rows_of), tuple(responses), tuple(raters), names, tuple(scores), notes)


_TWICE = words(
    "remove one, or name the column that tells them apart with {response=...} or {rater=...}"
)

FORMAT = Format(
    name="ratings",
    gives="ratings",
    holds="responses to prompts with scores, an attribute a column or one score a record; "
    "higher is better",
    options=OPTIONS,
    recognises=recognises,
    read=read,
    suffix=".csv",
    example="prompt,response,taste\nWhat?,milk,3\nWhat?,tea,4\n",
    labels=("milk", "tea"),
    P=((0.5, 0.2689414213699951), (0.7310585786300049, 0.5)),
)
