"""What a judge's mark means: the share of the vote that goes to left."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from alignsim import validation
from alignsim.errors import InputError, quote

SHARES = {"left": 1.0, "tie": 0.5, "right": 0.0}

_STEMS = ("", "model", "system", "response", "answer", "output", "option", "assistant", "generator")

_ARROWS = {"a>>b": 1.0, "a>b": 1.0, "a=b": 0.5, "a~=b": 0.5, "a<b": 0.0, "a<<b": 0.0,
           "b<<a": 1.0, "b<a": 1.0, "b=a": 0.5, "b~=a": 0.5, "b>a": 0.0, "b>>a": 0.0}  # fmt: skip

WORDS: dict[str, float] = {
    **{stem + side: 1.0 for stem in _STEMS for side in ("a", "left")},
    **{stem + side: 0.0 for stem in _STEMS for side in ("b", "right")},
    **{stem + side: 1.0 for stem in _STEMS[1:] for side in ("1",)},
    **{stem + side: 0.0 for stem in _STEMS[1:] for side in ("2",)},
    **{"l": 1.0, "first": 1.0, "r": 0.0, "second": 0.0},
    **dict.fromkeys(
        ("tie", "tied", "draw", "equal", "same", "both", "neither", "bothgood", "bothbad"), 0.5
    ),
    "tie(bothbad)": 0.5,
    "tie(bothgood)": 0.5,
    **_ARROWS,
}
"""Marks in words, after `plain_mark`."""

NUMBERINGS = (
    {"1": 1.0, "2": 0.0, "0": 0.5},
    {"1": 1.0, "2": 0.0, "3": 0.5},
    {"1": 1.0, "2": 0.0, "1.5": 0.5},
    {"1": 1.0, "-1": 0.0, "0": 0.5},
    {"1": 1.0, "0": 0.0, "0.5": 0.5},
)
"""Marks in numbers, one system an entry; two systems that disagree on a file are an error."""


def plain_mark(mark: object) -> str:
    """Return a mark in the form in which marks are compared.

    >>> plain_mark(" Model_A "), plain_mark(2.0), plain_mark("1.0"), plain_mark("Both bad")
    ('modela', '2', '1', 'bothbad')
    >>> plain_mark("[[A>>B]]")
    'a>>b'
    """
    text = str(mark).strip().lower()
    try:
        return f"{float(text):.12g}"
    except ValueError:
        return re.sub(r"^\[\[(.*)\]\]$", r"\1", re.sub("[ _-]", "", text))


def stated_codes(codes: Mapping[str, object]) -> dict[str, float]:
    """Return the share of each mark that a caller's ``codes`` name, each under one of the keys.

    >>> stated_codes({"left": "W", "right": ("L", "lost")})
    {'w': 1.0, 'l': 0.0, 'lost': 0.0}
    """
    if not isinstance(codes, Mapping):
        raise InputError("codes", f"is {quote(codes)}", "give a dict of left, right and tie")
    share_of: dict[str, float] = {}
    for side, marks in codes.items():
        share = SHARES[validation.choice(side, "codes", SHARES)]
        listed = marks if isinstance(marks, list | tuple | set | frozenset) else (marks,)
        for mark in map(plain_mark, listed):
            if share_of.setdefault(mark, share) != share:
                told = f"gives {quote(mark)} two meanings"
                raise InputError("codes", told, "name each mark once")
    return share_of


def graded_codes(codes: Mapping[str, float], marks: Iterable[str]) -> dict[str, float]:
    """Return ``codes`` with the numbers that lie between one number for left and one for right.

    >>> graded_codes({"1": 1.0, "2": 0.0}, ["1", "1.25", "tie"])
    {'1': 1.0, '2': 0.0, '1.25': 0.75}
    """
    ends = {
        share: [
            value
            for mark, own in codes.items()
            if own == share and (value := value_of(mark)) is not None
        ]
        for share in (1.0, 0.0)
    }
    if any(len(numbers) != 1 for numbers in ends.values()):
        return dict(codes)
    left, right = ends[1.0][0], ends[0.0][0]
    between = {
        mark: (value - right) / (left - right)
        for mark in marks
        if mark not in codes and (value := value_of(mark)) is not None
        if min(left, right) <= value <= max(left, right)
    }
    return {**codes, **between}


def value_of(mark: str) -> float | None:
    """Return the finite number that a plain mark is, or None."""
    try:
        value = float(mark)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def _is_number(mark: str) -> bool:
    return value_of(mark) is not None


def guessed_codes(marks: Iterable[str]) -> list[dict[str, float]]:
    """Return the readings of some marks by the well-known codes: none, one, or rival ones.

    >>> guessed_codes(["left", "tie"])
    [{'left': 1.0, 'tie': 0.5}]
    >>> guessed_codes(["0", "1"])
    [{'0': 0.5, '1': 1.0}, {'0': 0.0, '1': 1.0}]
    """
    seen = sorted(set(marks))
    readings: list[dict[str, float]] = []
    if any(WORDS.get(mark, 0.5) != 0.5 for mark in seen) and any(map(_is_number, seen)):
        return []  # sides by words and by numbers are two codes
    for numbering in NUMBERINGS:
        known = WORDS | numbering
        reading = {mark: known[mark] for mark in seen if mark in known}
        if len(reading) == len(seen) and reading not in readings:
            readings.append(reading)
    return readings
