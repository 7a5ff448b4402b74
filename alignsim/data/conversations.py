"""What a cell says: a text, a number, or a conversation of messages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

_ROLE, _CONTENT = ("role", "from"), ("content", "value")
"""Keys of a message: who speaks, and what is said."""

ASSISTANT = "\n\nAssistant:"
"""What begins an answer in a conversation that is one text."""


def is_conversation(cell: Any) -> bool:
    """Return whether a cell holds messages, each with a role and a content.

    >>> is_conversation([{"role": "user", "content": "hi"}]), is_conversation([{"rank": 1}])
    (True, False)
    """
    return (
        isinstance(cell, Sequence)
        and not isinstance(cell, str)
        and len(cell) > 0
        and all(
            isinstance(message, Mapping) and any(c in message for c in _CONTENT)
            and any(r in message for r in _ROLE)
            for message in cell
        )
    )  # fmt: skip


def broken_conversation(cells: Sequence[Any]) -> int | None:
    """Return which cell is a list but no conversation, where other cells are conversations.

    >>> said = [{"role": "user", "content": "hi"}]
    >>> broken_conversation([said, [{"": "user", "content": "hi"}], said])
    1
    >>> broken_conversation([[1], [2]])
    """
    lists = [row for row, cell in enumerate(cells) if isinstance(cell, list)]
    broken = [row for row in lists if not is_conversation(cells[row])]
    return broken[0] if broken and len(broken) < len(lists) else None


def text_of_cell(cell: Any) -> str | None:
    """Return a cell as text, the same text for equal cells; None if it is empty.

    >>> text_of_cell(2.0), text_of_cell("2.0 "), text_of_cell(float("nan")), text_of_cell([1])
    ('2', '2.0', None, '[1]')
    >>> text_of_cell([{"role": "user", "content": "hi"}])
    'hi'
    """
    if cell is None:
        return None
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, float):
        return None if cell != cell else f"{cell:.0f}" if cell.is_integer() else repr(cell)
    if is_conversation(cell):
        said = [_message(message) for message in cell]
        return said[0][1] if len(said) == 1 else "\n".join(f"{who}: {what}" for who, what in said)
    if isinstance(cell, list | dict):
        return json.dumps(cell, sort_keys=True, ensure_ascii=False, default=str)
    return str(cell)


def question_and_answer(cell: Any) -> tuple[str, str | None]:
    r"""Return what was asked before the last answer ("" if nothing says), and that answer.

    >>> question_and_answer("\n\nHuman: Tea?\n\nAssistant: Yes.")
    ('Human: Tea?', 'Yes.')
    >>> question_and_answer([{"role": "user", "content": "Tea?"},
    ...                      {"role": "assistant", "content": "Yes."}])
    ('Tea?', 'Yes.')
    >>> question_and_answer("Yes.")
    ('', 'Yes.')
    """
    if is_conversation(cell):
        before = text_of_cell(list(cell[:-1])) or ""
        return before, _message(cell[-1])[1] or None
    text = text_of_cell(cell)
    if text is not None and ASSISTANT in text:
        before, _, answer = text.rpartition(ASSISTANT)
        return before.strip(), answer.strip() or None
    return "", text


def _message(message: Mapping[str, Any]) -> tuple[str, str]:
    who = next(message[key] for key in _ROLE if key in message)
    what = next(message[key] for key in _CONTENT if key in message)
    return str(who), text_of_cell(what) or ""
