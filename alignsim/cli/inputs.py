"""From what stands on the command line to what the library takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alignsim import preferences
from alignsim.cli.options import refuse
from alignsim.validation import FloatArray

CYCLE = 3
ADVANTAGE = 0.3
"""Without a file: rock-paper-scissors, in which a winner beats ½ by so much."""


class Subject(NamedTuple):
    """One preference matrix, what it is called and, if known, its responses."""

    name: str
    P: FloatArray
    labels: Sequence[str] | None


def subject(
    file: Path | None,
    key: str | None,
    index: int | None,
    smoothing: float | None,
    responses: int | None,
    advantage: float | None,
) -> Subject:
    """Return the matrix in a file of matrices or votes, or the cycle that stands in for it.

    Raises
    ------
    ValueError
        If the file cannot be read, holds something else, or holds many matrices of which
        ``index`` picks none; or if an option does not go with the others.
    """
    if file is None:
        given = {"--key": key, "--index": index, "--smoothing": smoothing}
        refuse(given, "there is no FILE")
        return _cycle(responses, advantage)
    refuse({"--responses": responses, "--advantage": advantage}, f"the matrix is in {file}")
    found = preferences.read(file, key=key)
    name = file.stem if key is None else key
    if isinstance(found, preferences.Comparisons):
        return Subject(name, found.matrix(smoothing=smoothing or 0.0), found.labels)
    if isinstance(found, preferences.Matrices):
        refuse({"--smoothing": smoothing}, f"{file} holds no votes")
        return _picked(found, name, file, index)
    raise ValueError(
        f"{file}: holds ratings, which make a matrix a prompt; see alignsim inspect, or save one "
        "matrix as .npy"
    )


def _cycle(responses: int | None, advantage: float | None) -> Subject:
    size = CYCLE if responses is None else responses
    P = preferences.cyclic(size, advantage=ADVANTAGE if advantage is None else advantage)
    if size == CYCLE:
        return Subject("rock-paper-scissors", P, ("rock", "paper", "scissors"))
    return Subject(f"cycle of {size}", P, None)


def _picked(found: preferences.Matrices, name: str, file: Path, index: int | None) -> Subject:
    count, size = len(found), found.responses
    if index is None and count > 1:
        raise ValueError(f"{file}: holds {count} matrices; pick one with --index 0 to {count - 1}")
    place = index or 0
    if not 0 <= place < count:
        raise ValueError(f"--index is {index}; {file} holds {count} matrices, counted from 0")
    if found.names:
        name = found.names[place]
    elif count > 1:
        name = f"{name} {place}"
    labels = found.labels[place] if found.labels else None
    return Subject(name, found.P.reshape(count, size, size)[place], labels)


def axis(most: float, option: str, points: int, *, limit: float = np.inf) -> FloatArray:
    """Return evenly spaced numbers from 0 to ``most``, which must be above 0 and within limits."""
    if not (0.0 < most <= limit and np.isfinite(most)):
        bounds = "finite and above 0" if np.isinf(limit) else f"above 0 and at most {limit:g}"
        raise ValueError(f"{option} is {most}; it must be {bounds}")
    return np.linspace(0.0, most, points)


def probabilities(text: str) -> list[float]:
    """Return numbers that are separated by commas.

    >>> probabilities("0.5, 0.3,0.2")
    [0.5, 0.3, 0.2]
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            f"--start is {text!r}; give probabilities separated by commas, such as 0.5,0.3,0.2"
        ) from None


def codes(text: str) -> dict[str, list[str]]:
    """Return what marks mean.

    >>> codes("left=1,right=2,tie=0,tie=3")
    {'left': ['1'], 'right': ['2'], 'tie': ['0', '3']}
    """
    marks_of: dict[str, list[str]] = {}
    for part in text.split(","):
        side, equals, mark = part.partition("=")
        if not equals:
            raise ValueError(f"--codes is {text!r}; write it as left=1,right=2,tie=0")
        marks_of.setdefault(side.strip(), []).append(mark.strip())
    return marks_of
