"""Codes that results hold in arrays, with their words."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Self


class Code(IntEnum):
    """Numbers 0, 1, 2, … with a word each; an underscore in a word is read as a blank.

    >>> class Verdict(Code):
    ...     STABLE = "stable"
    ...     UNSTABLE = "unstable"
    >>> int(Verdict.UNSTABLE), Verdict(0).word, Verdict.words()
    (1, 'stable', {0: 'stable', 1: 'unstable'})
    """

    word: str

    def __new__(cls, word: str) -> Self:
        """Return the next number, with its word."""
        member = int.__new__(cls, len(cls.__members__))
        member._value_ = len(cls.__members__)
        member.word = word
        return member

    @classmethod
    def words(cls) -> dict[int, str]:
        """Return the word of every number."""
        return {member.value: member.word for member in cls}


Words = type[Code] | Mapping[int, str]
"""What tells the words of codes."""


def words_of(codes: Words) -> Mapping[int, str]:
    """Return the word of every code."""
    return codes.words() if isinstance(codes, type) else codes
