"""How results show themselves: a few lines of words and numbers, never a wall of digits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import notebook
from alignsim.errors import quote, writable

Lines = Iterator[tuple[str, str]]
"""Names and what there is to say of them; a line that says nothing is left out."""

NEGLIGIBLE = 1e-14
"""What rounding leaves of numbers of size one; a smaller result is shown as 0."""

LISTED = 3
"""The most numbers that are listed; of more the range is given."""


class Summarised(ABC):
    """An object whose repr is a title and a few lines; subclasses say in ``_summary`` which.

    ``print`` shows its tables too, in full. In a notebook it is a table that opens, with pictures
    where ``_pictures`` has any, and what the fields of a dataclass hold.
    """

    _batch: ClassVar[str] = "status"
    """The attribute that has one entry a map."""

    def _title(self) -> str:
        return f"{type(self).__name__} of {maps(np.shape(getattr(self, self._batch)))}"

    @abstractmethod
    def _summary(self) -> Lines:
        """Yield the lines."""

    def _tables(self) -> Iterable[notebook.Table]:
        """Return what is too long for a line."""
        return ()

    def _pictures(self) -> Iterable[notebook.Picture]:
        """Return what is better seen."""
        return ()

    def _meanings(self, _name: str) -> Mapping[int, str]:
        """Return the meanings of the codes in a field; none if it holds other things."""
        return {}

    def _lines(self) -> list[tuple[str, str]]:
        return [(name, text) for name, text in self._summary() if text]

    def __repr__(self) -> str:
        lines = self._lines()
        width = max((len(name) for name, _ in lines), default=0)
        shown = (self._title(), *(f"  {name:<{width}}  {text}" for name, text in lines))
        return writable("\n".join(shown))

    def __str__(self) -> str:
        parts = [repr(self)]
        for table in self._tables():
            parts.append(table.caption)
            for first, *rest in table.rows:
                told = (f"{h}: {t}" for h, t in zip(table.heads[1:], rest, strict=True) if t)
                parts += [f"  {first}", *(f"    {line}" for line in told)]
        return writable("\n".join(parts))

    def _repr_html_(self) -> str:
        names: list[str] = []
        if is_dataclass(self):
            names = [entry.name for entry in fields(self)]
        listed = [_field(name, getattr(self, name), self._meanings(name)) for name in names]
        return notebook.page(self._title(), self._lines(), self._pictures(), self._tables(), listed)


def _field(name: str, value: Any, meanings: Mapping[int, str]) -> tuple[str, str, str, str]:
    """Return a field's name, its type and shape, what it holds in words, and a picture of that."""
    if not isinstance(value, np.ndarray):
        told = value._title() if isinstance(value, Summarised) else quote(value)
        return name, type(value).__name__, told, ""
    kind = f"{value.dtype} {value.shape}"
    if meanings:
        return name, kind, tally(in_words(value, meanings)), ""
    if value.dtype.kind == "b" and value.size:
        return name, kind, holding(value), ""
    told = numbers(value) if value.dtype.kind in "iuf" and value.size <= notebook.LARGEST else ""
    return name, kind, told, notebook.histogram(value)


def maps(shape: tuple[int, ...], one: str = "map", several: str = "maps") -> str:
    """Return how many maps, or other things, a batch of this shape has, in words.

    >>> maps(()), maps((2, 3)), maps((4,), "policy", "policies")
    ('one map', '(2, 3) maps', '(4,) policies')
    """
    return f"{shape} {several}" if shape else f"one {one}"


def in_words(codes: NDArray[np.integer], meanings: Mapping[int, str]) -> NDArray[np.str_]:
    """Return the meanings of codes (...), with blanks for underscores; empty for no meaning.

    >>> import numpy as np
    >>> in_words(np.array([1, 0, -1]), {0: "open", 1: "half_open"}).tolist()
    ['half open', 'open', '']
    """
    present, place = np.unique(codes, return_inverse=True)
    words = [meanings.get(int(code), "").replace("_", " ") for code in present]
    return np.asarray(np.array(words, dtype=np.str_)[place.reshape(np.shape(codes))])


def settled(values: ArrayLike) -> NDArray[Any]:
    """Return results with 0 for those that are nothing but rounding.

    >>> settled([7.5e-52, -2e-16, 0.5]).tolist()
    [0.0, 0.0, 0.5]
    """
    array = np.asarray(values)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(array) < NEGLIGIBLE, 0, array)


def number(value: Any, digits: int = 6) -> str:
    """Return a result with some digits; 0 where it is nothing but rounding.

    >>> number(7.5e-52), number(0.123456789), number(2e-9, 3)
    ('0', '0.123457', '2e-09')
    """
    return f"{settled(value).item():.{digits}g}"


def probability(value: Any, digits: int = 6) -> str:
    """Return a probability with some digits, or its order where it is nearly 0.

    >>> probability(0.25), probability(3e-45), probability(0.0)
    ('0.25', 'below 1e-14', '0')
    """
    return f"below {NEGLIGIBLE:g}" if 0.0 < value < NEGLIGIBLE else f"{float(value):.{digits}g}"


def numbers(values: ArrayLike) -> str:
    """Return results if they are few, else their range; NaN are left out, and counted.

    What is nothing but rounding is 0.

    >>> numbers([0.5, 1 / 3]), numbers(range(100)), numbers([2.0, 2.0, float("nan")])
    ('0.5, 0.3333', '0 to 99', '2 (2 of 3)')
    """
    array = settled(np.ravel(values))
    known = array[~np.isnan(array)]
    if not len(known):
        return ""
    few = len(known) <= LISTED and (known != known[0]).any()
    text = ", ".join(map(_number, known)) if few else span(known)
    return text if len(known) == len(array) else f"{text} ({len(known):,} of {len(array):,})"


def span(values: ArrayLike) -> str:
    """Return the one number that there is, or the smallest and the largest.

    >>> span([2.0, 2.0]), span([0.1, 0.7, 0.3]), span([])
    ('2', '0.1 to 0.7', '')
    """
    array = np.ravel(values)
    if not len(array):
        return ""
    low, high = _number(array.min()), _number(array.max())
    return low if low == high else f"{low} to {high}"


def tally(words: ArrayLike) -> str:
    """Return the words that occur, the most frequent first, with their numbers if not all are 1.

    Empty words do not count.

    >>> tally(["cycle", "converged", "", "converged"]), tally(["stable"])
    ('2 converged, 1 cycle', 'stable')
    """
    counts = Counter(word for word in np.ravel(words).tolist() if word)
    if all(count == 1 for count in counts.values()):
        return ", ".join(counts)
    return ", ".join(f"{count:,} {word}" for word, count in counts.most_common())


def holding(mask: ArrayLike) -> str:
    """Return how many of several are true, or whether the one is.

    >>> holding([True, False, True]), holding(False)
    ('2 of 3', 'no')
    """
    array = np.ravel(mask)
    if len(array) == 1:
        return "yes" if array[0] else "no"
    return f"{int(array.sum()):,} of {len(array):,}"


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | np.integer) else f"{value:.4g}"
