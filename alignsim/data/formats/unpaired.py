"""Responses that were each found good or bad, without a pair."""

from __future__ import annotations

import numpy as np

from alignsim.data.columns import find_column, find_pair, need_column
from alignsim.data.comparisons import groups
from alignsim.data.contents import Content
from alignsim.data.formats.contract import Format, Given
from alignsim.data.ratings import Ratings
from alignsim.data.tables import Coded, Table
from alignsim.errors import quote

OPTIONS = frozenset({"prompt", "response", "label"})

_GOOD = {
    **dict.fromkeys(("true", "1", "yes", "good", "up", "desirable"), 1.0),
    **dict.fromkeys(("false", "0", "no", "bad", "down", "undesirable"), 0.0),
}
"""Labels, in lower case."""


def recognises(content: Content, given: Given) -> bool:
    """Return whether there are responses with labels that are true or false, and no pairs."""
    if not isinstance(content, Table) or find_pair(content) is not None:
        return False
    name = given.get("label") or find_column(content, "label")
    if name not in content.names or find_column(content, "response", given.get("response")) is None:
        return False
    return "label" in given or {t.lower() for t in content.coded(name).values} <= set(_GOOD)


def read(table: Table, given: Given) -> Ratings:
    """Return ratings with the label as a score, 0 or 1; of several of a response, the mean."""
    name = need_column(table, "label", given.get("label"))
    marks = table.full(name)
    scores = [_GOOD.get(text.lower()) for text in marks.values]
    if None in scores:
        cell = scores.index(None)
        row = int((marks.index == cell).argmax())
        told = f"column {quote(name)} holds {quote(marks.values[cell])}"
        raise table.error(row, told, "expected true or false, 1 or 0")
    score = np.array(scores, dtype=np.float64)[marks.index]
    response = table.full(need_column(table, "response", given.get("response")))
    asked = find_column(table, "prompt", given.get("prompt"))
    nothing = Coded(("",), np.zeros(len(table), dtype=np.int64))
    prompt = nothing if asked is None else table.full(asked)
    prompts, responses, means = [], [], []
    for text, rows in zip(prompt.values, groups(prompt.index), strict=True):
        here, at = np.unique(response.index[rows], return_inverse=True)
        total = np.bincount(at, score[rows]) / np.bincount(at)
        prompts.append(text)
        responses.append(tuple(response.values[r] for r in here.tolist()))
        means.append(total[:, None, None])
    notes = (
        *table.notes,
        "There are no pairs: a label is a score, 1 or 0, and of several of a response the mean.",
    )
    return Ratings(
        tuple(prompts), tuple(responses), (("",),) * len(prompts), (name,), tuple(means), notes
    )


FORMAT = Format(
    name="unpaired",
    gives="ratings",
    holds="responses with a label that is true or false, read as ratings",
    options=OPTIONS,
    recognises=recognises,
    read=read,
    suffix=".jsonl",
    example="".join(
        f'{{"prompt": "What?", "completion": "{text}", "label": {label}}}\n'
        for text, label in (("milk", "false"), ("tea", "true"), ("tea", "false"))
    ),
    labels=("milk", "tea"),
    P=((0.5, 0.11920292202211755), (0.8807970779778824, 0.5)),
)
