"""What a judge's mark means: left wins (+1), tie (0), right wins (−1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alignsim import validation
from alignsim.errors import InputError, quote

OUTCOMES = {"left": 1, "tie": 0, "right": -1}

_STEMS = ("", "model", "system", "response", "answer", "output", "option", "assistant")

WORDS = {
    **{stem + side: 1 for stem in _STEMS for side in ("a", "left")},
    **{stem + side: -1 for stem in _STEMS for side in ("b", "right")},
    **{stem + side: 1 for stem in _STEMS[1:] for side in ("1",)},
    **{stem + side: -1 for stem in _STEMS[1:] for side in ("2",)},
    **{"l": 1, "first": 1, "r": -1, "second": -1},
    **dict.fromkeys(
        ("tie", "tied", "draw", "equal", "same", "both", "neither", "bothgood", "bothbad"), 0
    ),
    "tie(bothbad)": 0,
}
"""Marks in words, after `plain_mark`."""

NUMBERINGS = (
    {"1": 1, "2": -1, "0": 0},
    {"1": 1, "2": -1, "3": 0},
    {"1": 1, "-1": -1, "0": 0},
    {"1": 1, "0": -1, "0.5": 0},
)
"""Marks in numbers, one system an entry; two systems that disagree on a file are an error."""


def plain_mark(mark: object) -> str:
    """Return a mark in the form in which marks are compared.

    >>> plain_mark(" Model_A "), plain_mark(2.0), plain_mark("1.0"), plain_mark("Both bad")
    ('modela', '2', '1', 'bothbad')
    """
    text = str(mark).strip().lower()
    try:
        return f"{float(text):g}"
    except ValueError:
        return text.replace(" ", "").replace("_", "").replace("-", "")


def stated_codes(codes: Mapping[str, object]) -> dict[str, int]:
    """Return the outcome of each mark that a caller's ``codes`` name, each under one of the keys.

    >>> stated_codes({"left": "W", "right": ("L", "lost")})
    {'w': 1, 'l': -1, 'lost': -1}
    """
    if not isinstance(codes, Mapping):
        raise InputError("codes", f"is {quote(codes)}", "give a dict of left, right and tie")
    outcome_of: dict[str, int] = {}
    for side, marks in codes.items():
        outcome = OUTCOMES[validation.choice(side, "codes", OUTCOMES)]
        listed = marks if isinstance(marks, list | tuple | set | frozenset) else (marks,)
        for mark in map(plain_mark, listed):
            if outcome_of.setdefault(mark, outcome) != outcome:
                told = f"gives {quote(mark)} two meanings"
                raise InputError("codes", told, "name each mark once")
    return outcome_of


def guessed_codes(marks: Iterable[str]) -> list[dict[str, int]]:
    """Return the readings of some marks by the well-known codes: none, one, or rival ones.

    >>> guessed_codes(["left", "tie"])
    [{'left': 1, 'tie': 0}]
    >>> guessed_codes(["0", "1"])
    [{'0': 0, '1': 1}, {'0': -1, '1': 1}]
    """
    seen = sorted(set(marks))
    readings: list[dict[str, int]] = []
    for numbering in NUMBERINGS:
        known = WORDS | numbering
        reading = {mark: known[mark] for mark in seen if mark in known}
        if len(reading) == len(seen) and reading not in readings:
            readings.append(reading)
    return readings
