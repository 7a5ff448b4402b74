"""What a format must say of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from alignsim.data.comparisons import Comparisons
from alignsim.data.contents import Content
from alignsim.data.matrices import Matrices
from alignsim.data.ratings import Ratings

Given = Mapping[str, Any]
"""Options that were given, by name; none is None."""

Found = Comparisons | Ratings | Matrices

FAMILIES = {"ratings": Ratings, "votes": Comparisons, "matrices": Matrices}


@dataclass(frozen=True)
class Format:
    """A layout in which preferences are kept.

    Attributes
    ----------
    name
        What ``format=`` and ``--format`` call it.
    gives
        "votes", "ratings" or "matrices".
    holds
        What it recognises, in a phrase.
    options
        Names of the options that say something here.
    recognises
        Whether some content has this layout. It reads no more than it must, and raises nothing but
        InputError.
    read
        The data; InputError where the content has another layout or is damaged.
    suffix, example
        A small file of this layout, which is also its test.
    labels, P
        What the first problem of the example is.
    """

    name: str
    gives: str
    holds: str
    options: frozenset[str]
    recognises: Callable[[Content, Given], bool]
    read: Callable[[Any, Given], Found]
    suffix: str
    example: str
    labels: tuple[str, ...]
    P: tuple[tuple[float, ...], ...]
