"""A chosen and a rejected response a record, texts or conversations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alignsim.data.columns import find_column, need_column
from alignsim.data.comparisons import Comparisons
from alignsim.data.contents import Content
from alignsim.data.conversations import question_and_answer
from alignsim.data.formats.contract import Format, Given
from alignsim.data.formats.voting import ASKED, equal, votes_of
from alignsim.data.tables import Coded, Table
from alignsim.errors import quote, words

OPTIONS = ASKED | {"chosen", "rejected"}


def recognises(content: Content, given: Given) -> bool:
    """Return whether there are columns of chosen and rejected responses."""
    return isinstance(content, Table) and all(
        role in given or find_column(content, role) is not None for role in ("chosen", "rejected")
    )


def read(table: Table, given: Given) -> Comparisons:
    """Return a vote of each record for the chosen response.

    Without a column for the prompt, what both conversations share before their last answer is the
    prompt.
    """
    columns = [need_column(table, role, given.get(role)) for role in ("chosen", "rejected")]
    (asked, chosen), (also_asked, rejected) = (_sides(table, name) for name in columns)
    prompt_name = find_column(table, "prompt", given.get("prompt"))
    notes = []
    prompt = None
    if prompt_name is None and any(asked.values):
        differ = ~equal(asked, also_asked)
        if differ.any():
            told = "the conversations differ before their last answers"
            raise table.error(
                int(differ.argmax()), told, words("name the column of the prompt with {prompt=...}")
            )
        prompt = asked
        notes.append("The prompt is the conversation before the last answer.")
    rows = np.flatnonzero(~equal(chosen, rejected))
    if same := len(table) - len(rows):
        notes.append(f"{same:,} records of equal responses are left out.")
    on_rows = None if prompt is None else Coded(prompt.values, prompt.index[rows])
    return votes_of(
        table, given, chosen, rejected, 1.0, rows=rows, prompt=on_rows, skipped=same, notes=notes
    )


def _sides(table: Table, name: str) -> tuple[Coded, Coded]:
    """Return a column as what was asked and what was answered."""
    parts = [question_and_answer(cell) for cell in table.whole(name)]
    for row, (_, answer) in enumerate(parts):
        if answer is None:
            told = f"column {quote(name)} is empty"
            raise table.error(row, told, "give every record one, or remove it")
    return _coded([asked for asked, _ in parts]), _coded([answer or "" for _, answer in parts])


def _coded(texts: Sequence[str]) -> Coded:
    index: dict[str, int] = {}
    at = np.array([index.setdefault(text, len(index)) for text in texts], dtype=np.int64)
    return Coded(tuple(index), at)


FORMAT = Format(
    name="chosen-rejected",
    gives="votes",
    holds="a chosen and a rejected response, texts or conversations, with or without a prompt",
    options=OPTIONS,
    recognises=recognises,
    read=read,
    suffix=".jsonl",
    example="".join(
        f'{{"prompt": "What?", "chosen": "{chosen}", "rejected": "{rejected}"}}\n'
        for chosen, rejected in [("tea", "milk")] * 3 + [("milk", "tea")]
    ),
    labels=("milk", "tea"),
    P=((0.5, 0.25), (0.75, 0.5)),
)
