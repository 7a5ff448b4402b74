"""How results show themselves in a notebook: tables that open, with small pictures in them.

Everything is plain HTML and SVG in the text's own colour, so that it is read on light and on dark,
without styles and without anything from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim.errors import writable

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
"""Of Okabe and Ito (2008), those that are seen on light and on dark."""

WIDTH, HEIGHT = 240, 60
"""Size of a picture in pixels."""

BINS = 24
"""Columns of a histogram."""

FEWEST = 8
"""Numbers from which on there is a histogram of them."""

LARGEST = 10**6
"""Numbers of an array of which a histogram is made; of more there is none."""

_STYLE = (
    "<style>.asim table{border-collapse:collapse;margin:.3em 0;color:inherit;font:inherit}"
    ".asim td,.asim th{text-align:left;vertical-align:top;padding:.1em .8em .1em 0;background:none}"
    ".asim td:first-child{opacity:.75;white-space:nowrap}"
    ".asim summary{cursor:pointer}.asim svg{display:block;overflow:visible}</style>"
)


@dataclass(frozen=True)
class Table:
    """A table under a caption, with a row a thing."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """SVG, and what it shows in words."""

    caption: str
    svg: str


def page(
    title: str,
    lines: Iterable[tuple[str, str]],
    pictures: Iterable[Picture] = (),
    tables: Iterable[Table] = (),
    fields: Iterable[tuple[str, str, str, str]] = (),
) -> str:
    """Return a result as HTML: lines in a table, pictures, tables and fields that open.

    >>> page("Tea & cake", [("price", "< 3")]).partition("</style>")[2]
    '<b>Tea &amp; cake</b><table><tr><td>price</td><td>&lt; 3</td></tr></table></div>'
    """
    parts = [f'<div class="asim">{_STYLE}<b>{escape(title)}</b>']
    parts.append(_table([[escape(name), escape(text)] for name, text in lines]))
    parts += [f"<div>{escape(p.caption)}{p.svg}</div>" for p in pictures]
    for table in tables:
        rows = [[escape(text) for text in row] for row in table.rows]
        parts.append(_opened(table.caption, _table(rows, table.heads)))
    listed = [[*map(escape, row[:3]), row[3] or ""] for row in fields]
    if listed:
        parts.append(_opened("fields", _table(listed, ("name", "type", "values", ""))))
    return writable("".join([*parts, "</div>"]))


def _opened(caption: str, content: str) -> str:
    return f"<details><summary>{escape(caption)}</summary>{content}</details>"


def _table(rows: Sequence[Sequence[str]], heads: Sequence[str] = ()) -> str:
    """Return a table of cells that are HTML already."""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"


def lines(courses: ArrayLike, names: Sequence[str]) -> str:
    """Return courses (n, f) as lines over their index, the first in colours, others grey: SVG.

    What is not finite is left out.
    """
    values = np.asarray(courses, dtype=np.float64)
    known = values[np.isfinite(values)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
    x = np.linspace(0.0, WIDTH, values.shape[1])
    y = HEIGHT * (1.0 - (values - low) / ((high - low) or 1.0))
    drawn = []
    for i, course in reversed(list(enumerate(y))):
        colour = COLOURS[i] if i < len(COLOURS) else "gray"
        points = [f"{a:.1f},{b:.1f}" for a, b in zip(x, course, strict=True) if np.isfinite(b)]
        line = f'<polyline fill="none" stroke="{colour}" points="{" ".join(points)}">'
        drawn.append(f"{line}<title>{escape(names[i])}</title></polyline>")
    return _svg("".join(drawn), WIDTH, HEIGHT)


def shares(parts: ArrayLike, names: Sequence[str]) -> str:
    """Return shares (n,) of a whole as one bar; what is left of it is not filled: SVG."""
    edges = np.concatenate([[0.0], np.cumsum(np.asarray(parts, dtype=np.float64))]) * WIDTH
    drawn = [
        f'<rect x="{a:.1f}" y="0" width="{b - a:.1f}" height="14" fill="{COLOURS[i % 6]}">'
        f"<title>{escape(names[i])}</title></rect>"
        for i, (a, b) in enumerate(pairwise(edges))
    ]
    frame = f'<rect width="{WIDTH}" height="14" fill="none" stroke="currentColor"/>'
    return _svg("".join(drawn) + frame, WIDTH, 14)


def histogram(values: NDArray[np.generic]) -> str:
    """Return how numbers are distributed as SVG; nothing where there are few or all are one.

    >>> histogram(np.zeros(9)), histogram(np.arange(9.0)).count("<rect")
    ('', 9)
    """
    if not FEWEST <= values.size <= LARGEST or values.dtype.kind not in "iuf":
        return ""
    known = values[np.isfinite(values)].astype(np.float64)
    with np.errstate(over="ignore"):
        span = np.ptp(known) if known.size >= FEWEST else 0.0
    if span == 0.0 or not np.isfinite(span):
        return ""
    counts, _ = np.histogram((known - known.min()) / span, bins=BINS, range=(0.0, 1.0))
    wide, high = 120 / BINS, 16 / counts.max()
    drawn = "".join(
        f'<rect x="{i * wide:g}" y="{16 - n * high:.1f}" width="{wide - 1:g}" '
        f'height="{n * high:.1f}" fill="currentColor"/>'
        for i, n in enumerate(counts)
        if n
    )
    return _svg(drawn, 120, 16)


def _svg(content: str, width: int, height: int) -> str:
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f'<svg role="img" {size}>{content}</svg>'
