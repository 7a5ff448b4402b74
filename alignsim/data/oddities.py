"""What may be a slip of the pen in data that can be read: sentences for the notes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from alignsim.data.codes import WORDS, plain_mark
from alignsim.data.comparisons import Comparisons
from alignsim.data.matrices import Matrices
from alignsim.data.ratings import SCALES, Ratings
from alignsim.errors import listed, quote
from alignsim.validation import FloatArray

LONGEST = 200
"""Characters of a name; longer ones are texts, whose spelling is not looked at."""

NAMED = 3
"""Odd names that a sentence lists."""

FEW = 0.1
"""Largest share of the scores that may stand outside a smaller scale and be odd."""

_NO_NAMES = {
    "-", "--", "?", ".", "\\n", "#n/a", "#n/a n/a", "#value!", "n/a", "na", "<na>", "nan", "-nan",
    "1.#qnan", "null", "none", "nil", "undefined", "missing", "total", "sum",
}  # fmt: skip
"""What programs write where nothing is known, or below a table; in lower case."""

_MARKS = {mark for mark, share in WORDS.items() if share == 0.5} - {"same", "both", "neither"}
"""Outcomes that are hardly the name of a response."""


def oddities(found: Comparisons | Ratings | Matrices) -> Iterator[str]:
    """Yield what is odd about the names in data, and about the scores."""
    if isinstance(found, Comparisons):
        yield from odd_names(found.labels, "response", _NO_NAMES | _MARKS)
        yield from odd_names(found.prompts, "prompt", _NO_NAMES, spelt=False)
    elif isinstance(found, Ratings):
        names = dict.fromkeys(name for labels in found.responses for name in labels)
        yield from odd_names(names, "response", _NO_NAMES)
        yield from odd_names(found.prompts, "prompt", _NO_NAMES, spelt=False)
        yield from _odd_scales(found)


def odd_names(
    names: Iterable[str], what: str, no_names: set[str], *, spelt: bool = True
) -> Iterator[str]:
    """Yield what is odd about names: two spellings of one, and what is no name.

    >>> print(*odd_names(["Tea", "tea ", "NaN"], "drink", {"nan"}), sep=chr(10))
    'Tea' and 'tea ': taken for different drinks, though their spelling alone differs.
    A drink is called 'NaN': mend the records where that stands for something else.
    """
    short = [name for name in names if len(name) <= LONGEST]
    if spelt:
        alike: dict[str, list[str]] = {}
        for name in short:
            alike.setdefault(_folded(name), []).append(name)
        twins = [group for group in alike.values() if len(group) > 1]
        if twins:
            pairs = ", ".join(f"{quote(one)} and {quote(two)}" for one, two, *_ in twins[:NAMED])
            more = f" and {len(twins) - NAMED:,} more" if len(twins) > NAMED else ""
            yield (
                f"{pairs}{more}: taken for different {what}s, though their spelling alone differs."
            )
    none = [name for name in short if name.lower() in no_names or plain_mark(name) in no_names]
    if none:
        called = f"A {what} is" if len(none) == 1 else f"{len(none):,} {what}s are"
        yield (
            f"{called} called {listed(none[:NAMED])}: mend the records where that stands for "
            "something else."
        )


def _folded(name: str) -> str:
    """Return a name without what spellings differ in.

    >>> _folded("GPT 4."), _folded("gpt-4"), _folded("3.0"), _folded("-3")
    ('gpt4', 'gpt4', '3', '-3')
    """
    try:
        return f"{float(name):.12g}"
    except ValueError:
        text = unicodedata.normalize("NFKC", name).casefold()
        return re.sub("[\\s_\\-\u200b-\u200d\ufeff\"'‘’“”`]+", "", text).rstrip(".,;:")


def _odd_scales(found: Ratings) -> Iterator[str]:
    """Yield whether attributes are on several scales, and whether few scores make the scale."""
    width = len(found.attributes)
    every = np.concatenate([scores.reshape(-1, width) for scores in found.scores])
    columns = [own[~np.isnan(own)] for own in every.T]
    spans = [(float(own.min()), float(own.max())) if len(own) else (0.0, 0.0) for own in columns]
    scales = {_scale(span) for span, own in zip(spans, columns, strict=True) if len(own)}
    few = tuple(_few_outside(np.concatenate(columns)))
    yield from few
    if len(scales) > 1 and not few:
        order = sorted(range(width), key=lambda k: spans[k][1] - spans[k][0])
        told = " and ".join(
            f"{quote(found.attributes[k])} (from {spans[k][0]:g} to {spans[k][1]:g})"
            for k in (order[0], order[-1])
        )
        yield (
            f"The attributes seem to be on several scales, such as {told}, and one temperature "
            "divides all: name those that are meant with --attribute, or attributes=[...]."
        )


def _scale(span: tuple[float, float]) -> float:
    """Return the largest score of the scale that a span of scores seems to be on."""
    low, high = span
    return next((most for most, _, _ in SCALES if low >= 0.0 and high <= most), np.inf)


def _few_outside(scores: FloatArray) -> Iterator[str]:
    if not len(scores):
        return
    own = _scale((float(scores.min()), float(scores.max())))
    smaller: Sequence[float] = [most for most, _, _ in SCALES if most < own]
    for most in smaller:
        outside = (scores < 0.0) | (scores > most)
        if 0.0 < outside.mean() <= FEW:
            yield (
                f"{int(outside.sum()):,} of {len(scores):,} scores lie outside 0 to {most:g}, and "
                "the temperature rests on them: mend them if they are slips or on another scale."
            )
            return
