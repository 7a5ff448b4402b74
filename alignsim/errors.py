"""Errors with fields: what is wrong with which argument, and what to do about it.

A message that mentions other arguments is made of text and of :class:`Argument`, so that the
library can spell them as Python does (``smoothing=1``) and the command line as options
(``--smoothing 1``).
"""

from __future__ import annotations

import reprlib
import string
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

LONGEST = 60
"""Characters of a value that a message quotes; of more, the beginning and the end."""

LISTED = 40
"""Names that a message lists."""

_shortener = reprlib.Repr()
_shortener.maxstring = _shortener.maxother = _shortener.maxlong = LONGEST


@dataclass(frozen=True)
class Argument:
    """An argument that a message mentions, alone or with what to pass; ``...`` is anything.

    >>> print(Argument("beta", index=(1, 0)), Argument("smoothing", 1), Argument("winner", ...))
    beta[1, 0] smoothing=1 winner=...
    """

    name: str
    value: Any = None
    index: tuple[int, ...] = ()

    def __str__(self) -> str:
        value = "..." if self.value is ... else quote(self.value)
        return f"{self.name}{at(self.index)}" + ("" if self.value is None else f"={value}")


@dataclass(frozen=True)
class InPython:
    """What a message says to those who write Python, and what it says elsewhere instead."""

    text: str
    elsewhere: str = ""

    def __str__(self) -> str:
        return self.text


Part = str | Argument | InPython

Words = str | Sequence[Part]
"""A text, or its parts."""


def words(text: str) -> list[Part]:
    """Return the parts of a text in which ``{name}`` and ``{name=...}`` are arguments.

    >>> print(*words("pass {winner=...}, not {judges}"), sep="|")
    pass |winner=...|, not |judges
    """
    parts: list[Part] = []
    for literal, field, *_ in string.Formatter().parse(text):
        parts.append(literal)
        if field:
            name, valued, _ = field.partition("=")
            parts.append(Argument(name, ... if valued else None))
    return parts


class InputError(ValueError):
    """Something that was given and cannot be used.

    Parameters
    ----------
    argument, index
        Its name, and which of its entries it is; a whole message may stand alone.
    complaint, remedy
        What is wrong with it, beginning with a verb, and what to do about it.

    Examples
    --------
    >>> error = InputError("rounds", "is 3", ["give at least ", Argument("burn_in")], index=(0,))
    >>> print(error)
    rounds[0] is 3; give at least burn_in
    >>> print(error.told(lambda part: f"--{part.name.replace('_', '-')}"))
    --rounds is 3; give at least --burn-in
    """

    _LINK = " "

    def __init__(
        self, argument: str, complaint: Words = "", remedy: Words = "", *, index: Iterable[int] = ()
    ) -> None:
        super().__init__(argument, complaint, remedy)  # as given: errors are pickled so
        if not complaint:
            argument, complaint = "", argument
        self.argument = argument
        self.index = tuple(index)
        self.complaint = complaint
        self.remedy = remedy

    def told(self, spell: Callable[[Argument | InPython], str] = str) -> str:
        """Return the message, in which an interface spells arguments in its own way."""

        def text(words: Words) -> str:
            parts = (words,) if isinstance(words, str) else words
            return "".join(part if isinstance(part, str) else spell(part) for part in parts)

        subject = text([Argument(self.argument, index=self.index)] if self.argument else "")
        what = self._LINK.join(filter(None, (subject, text(self.complaint))))
        return writable("; ".join(filter(None, (what, text(self.remedy)))))

    def __str__(self) -> str:
        return self.told()


class NoOptimumError(InputError):
    """The one-shot problem has no finite or no unique solution; the message says why."""


class MissingPairsError(InputError):
    """Some pairs of responses were never compared; the message names them and the remedies."""


class FileFormatError(InputError):
    """A file could not be read; ``argument`` is its name, with the line or record if known."""

    _LINK = ": "

    @classmethod
    def within(cls, place: object, error: InputError, before: str = "") -> FileFormatError:
        """Return a complaint about an argument as one about a place in a file."""
        parts = (error.complaint,) if isinstance(error.complaint, str) else error.complaint
        named = Argument(error.argument, index=error.index)
        return cls(str(place), [before, named, " ", *parts], error.remedy)


def at(index: Iterable[Any]) -> str:
    """Return an index as it is written in Python, ``[2, 0]``, and nothing for a scalar."""
    numbers = [int(i) for i in index]
    return f"[{', '.join(map(str, numbers))}]" if numbers else ""


def quote(value: object) -> str:
    r"""Return a value as it stands in a message: on one line, and of at most some 60 characters.

    >>> quote("two" + chr(10) + "lines"), quote("x" * 1000)[-6:], quote(10**9999)
    ("'two\\nlines'", "xxxxx'", 'a value of type int')
    """
    if isinstance(value, bytes | bytearray):
        value = bytes(value[:LONGEST])
    try:
        text = " ".join(_shortener.repr(value).split())
    except Exception:  # of a repr that fails: the message is about something else
        return f"a value of type {type(value).__name__}"
    return shortened(text, 3 * LONGEST)


def shortened(text: object, most: int = 3 * LONGEST) -> str:
    """Return a text on one line, and of a long one the beginning.

    >>> shortened("a long" + chr(10) + "story", 7)
    'a long …'
    """
    line = " ".join(str(text).split())
    return line if len(line) <= most else f"{line[:most]}…"


def writable(text: str) -> str:
    r"""Return a text with a question mark for each lone surrogate, which no file can hold.

    >>> writable("tea" + chr(0xD800))
    'tea?'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def listed(names: Iterable[Any]) -> str:
    """Return names as a message lists them, the first 40 of many.

    >>> listed(["a", "b"]), listed(range(1000))[-15:]
    ("'a', 'b'", '37, 38, 39, ...')
    """
    every = list(names)
    return ", ".join([*map(quote, every[:LISTED]), *["..."] * (len(every) > LISTED)])
