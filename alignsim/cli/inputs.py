"""From what stands on the command line to what the library takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignsim import preferences
from alignsim.cli import options
from alignsim.errors import MissingPairsError, quote, writable
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    from alignsim import data

CYCLE = 3
ADVANTAGE = 0.3
"""Without a file: the size of the cycle, and by how much a winner beats ½."""

KEPT_NUMBERS = 300_000
"""Probabilities of an orbit that are kept, rounds times responses; of more rounds a sample."""

LEAST_KEPT = 10**4
"""Rounds that are kept in any case, however many responses there are."""


ONE_OF = {"matrices": "matrix", "problems": "problem"}


class Subject(NamedTuple):
    """One preference matrix or many, what it is called, and the names of its responses.

    ``notes`` say what was assumed when it was read.
    """

    name: str
    P: FloatArray
    labels: Sequence[str]
    notes: tuple[str, ...] = ()


def read(
    file: Path, key: str | None, columns: options.Columns
) -> data.Ratings | data.Comparisons | data.Matrices:
    """Return what a file holds, if two of its responses at least can be compared."""
    from alignsim import data

    found = data.read(
        str(file) if str(file) == "-" else file,
        key=key,
        format=columns.format,
        prompt=columns.prompt,
        response=columns.response,
        rater=columns.rater,
        attributes=_separate(columns.attribute),
        attribute=columns.attribute_column,
        score=columns.score_column,
        label=columns.label,
        temperature=columns.temperature,
        left=columns.left,
        right=columns.right,
        pair=columns.pair,
        winner=columns.winner,
        loser=columns.loser,
        chosen=columns.chosen,
        rejected=columns.rejected,
        strength=columns.strength,
        wins=_separate(columns.wins),
        rank=columns.rank,
        count=columns.count,
        judges=_separate(columns.judges),
        judge=columns.judge,
        codes=None if columns.codes is None else codes(columns.codes),
        split_by=columns.split_by,
        pool=columns.pool or None,
    )
    if isinstance(found, data.Ratings) and max(map(len, found.responses)) < 2:
        raise ValueError(f"{file}: no prompt has two responses to compare; rate two or more of one")
    return found


def subject(file: Path | None, source: options.Source, cycle: options.Cycle) -> Subject:
    """Return the one matrix that a file holds or ``--index`` picks, or the cycle without a file.

    Without an index, every score of ratings counts as a vote, as in the one matrix of
    ``alignsim inspect``.
    """
    if file is None:
        options.refuse(options.given(source), "there is no FILE")
        return _cycle(cycle.responses, cycle.advantage)
    options.refuse(options.given(cycle), f"the matrix is in {file}")
    found = read(file, source.key, source)
    return one(found, file, source)._replace(notes=(*notes(found), *_as_exact(found, source)))


def picked(
    found: data.Ratings | data.Comparisons | data.Matrices, file: Path, source: options.Source
) -> data.Comparisons | data.Matrices:
    """Return the one problem that ``--index`` picks: its votes, or else its matrix."""
    from alignsim import data

    if isinstance(found, data.Comparisons):
        parts = list(found.split().values())
        part = parts[index(source.index, len(parts), file, "problems")]
        return replace(part, by=found.by, notes=found.notes)
    taken = one(found, file, source)
    return data.Matrices(taken.P, (tuple(taken.labels),), (taken.name,), taken.notes)


def one(
    found: data.Ratings | data.Comparisons | data.Matrices, file: Path, source: options.Source
) -> Subject:
    """Return the one matrix of what a file holds, or that ``--index`` picks."""
    from alignsim import data

    name = writable(source.key or file.stem)
    recipe = {"--recipe": source.recipe, "--subsets": source.subsets}
    if isinstance(found, data.Matrices):
        options.refuse(recipe, f"{file} holds no ratings")
        options.refuse({"--smoothing": source.smoothing}, f"{file} holds no votes")
        return _picked(found, name, file, source.index)
    if isinstance(found, data.Comparisons):
        options.refuse(recipe, f"{file} holds no ratings")
        return _of_votes(found, name, file, source)
    if source.index is None:
        options.refuse(recipe, "without --index every score counts as a vote")
        pooled = _pooled(found, file, source.smoothing or 0.0)
        return Subject(f"{name}, every score a vote", pooled.P, pooled.labels[0], found.notes)
    options.refuse({"--smoothing": source.smoothing}, "--index picks a prompt of ratings")
    problems = found.problems(source.recipe or "random-attribute", subsets=source.subsets)
    place = index(source.index, len(problems), file, "problems")
    picked = problems[place]
    return Subject(writable(picked.name) or name, picked.P, picked.labels, notes(found))


def notes(found: data.Ratings | data.Comparisons | data.Matrices) -> tuple[str, ...]:
    """Return what was assumed; of votes what is blank, of ratings a scale with a temperature."""
    from alignsim import data

    if isinstance(found, data.Ratings) and found.temperature != 1.0:
        return (*found.notes, f"The ratings: {found.scale}.")
    if isinstance(found, data.Comparisons) and found.skipped:
        blank = "1 blank vote is" if found.skipped == 1 else f"{found.skipped:,} blank votes are"
        return (*found.notes, f"{blank} skipped.")
    return found.notes


def _as_exact(
    found: data.Ratings | data.Comparisons | data.Matrices, source: options.Source
) -> tuple[str, ...]:
    """Return a sentence where the shares of a sample are taken for the preferences themselves."""
    from alignsim import data

    if isinstance(found, data.Matrices) or (
        isinstance(found, data.Ratings) and source.index is not None
    ):
        return ()
    what = "votes" if isinstance(found, data.Comparisons) else "votes that scores cast"
    told = f"The shares of {what} are taken as exact, and what follows knows nothing of their error"
    return (f"{told}; alignsim inspect and alignsim advise say what they leave open.",)


def index(given: int | None, count: int, file: Path, what: str) -> int:
    """Return which one of several is meant; one alone needs no saying."""
    if given is None and count > 1:
        raise ValueError(f"{file}: holds {count:,} {what}; pick one with --index 0 to {count - 1}")
    place = given or 0
    if not 0 <= place < count:
        holds = f"one {ONE_OF[what]}" if count == 1 else f"{count} {what}, counted from 0"
        raise ValueError(f"--index is {given}; {file} holds {holds}")
    return place


def _of_votes(found: data.Comparisons, name: str, file: Path, source: options.Source) -> Subject:
    parts = found.split()
    if len(parts) > 1 and source.index is None:
        told = f"holds {len(parts):,} separate problems, one a {found.by}"
        remedy = f"pick one with --index 0 to {len(parts) - 1}, or make them one with --pool"
        raise ValueError(f"{file}: {told}; {remedy}")
    of, part = list(parts.items())[index(source.index, len(parts), file, "problems")]
    P = part.matrix(smoothing=source.smoothing or 0.0)
    return Subject(writable(of) or name if len(parts) > 1 else name, P, part.labels, found.notes)


def response_names(count: int) -> list[str]:
    """Return names for responses that have none.

    >>> response_names(2)
    ['response 0', 'response 1']
    """
    return [f"response {i}" for i in range(count)]


def _pooled(ratings: data.Ratings, file: Path, smoothing: float) -> data.Matrices:
    try:
        return ratings.pooled(smoothing=smoothing)
    except MissingPairsError:
        raise
    except ValueError:
        told = "holds ratings of responses that do not recur, which make a matrix a prompt"
        remedy = "pick one with --index, or see alignsim inspect or alignsim advise"
        raise ValueError(f"{file}: {told}; {remedy}") from None


def _cycle(responses: int | None, advantage: float | None) -> Subject:
    size = CYCLE if responses is None else responses
    P = preferences.cyclic(size, advantage=ADVANTAGE if advantage is None else advantage)
    if size == CYCLE:
        return Subject("rock-paper-scissors", P, ("rock", "paper", "scissors"))
    return Subject(f"cycle of {size}", P, response_names(size))


def _picked(found: data.Matrices, name: str, file: Path, given: int | None) -> Subject:
    count, size = len(found), found.responses
    place = index(given, count, file, "matrices")
    if found.names:
        name = found.names[place]
    elif count > 1:
        name = f"{name} {place}"
    labels = found.labels[place] if found.labels else response_names(size)
    return Subject(name, found.P.reshape(count, size, size)[place], labels, found.notes)


def require_end(most: float, option: str, *, limit: float) -> None:
    """Refuse an end of an axis from 0 that is not above it, or beyond a limit."""
    if not 0.0 < most <= limit:
        raise ValueError(f"{option} is {most}; it must be above 0 and at most {limit:g}")


def kept_rounds(rounds: int, responses: int) -> list[int] | str:
    """Return which rounds of an orbit are kept: "all", or a sample of very many.

    Half of the sample is evenly spread over the rounds, half over their logarithm. As its steps
    differ, no cycle looks as if it stood still.

    >>> kept_rounds(3000, 3), kept_rounds(10**9, 100)[:4], kept_rounds(10**9, 100)[-1]
    ('all', [0, 1, 2, 3], 1000000000)
    """
    room = max(KEPT_NUMBERS // responses, LEAST_KEPT)
    if rounds < room:
        return "all"
    even, early = np.linspace(0, rounds, room // 2), np.geomspace(1, rounds, room // 2)
    chosen: list[int] = np.unique(np.concatenate([even, early]).round().astype(int)).tolist()
    return chosen


def _separate(names: list[str] | None) -> list[str] | None:
    """Return names that are separated by commas or repeated one by one; None if there are none."""
    return [name.strip() for text in names for name in text.split(",")] if names else None


def probabilities(text: str) -> list[float]:
    """Return numbers that are separated by commas.

    >>> probabilities("0.5, 0.3,0.2")
    [0.5, 0.3, 0.2]
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        remedy = "give probabilities separated by commas, such as 0.5,0.3,0.2"
        raise ValueError(f"--start is {quote(text)}; {remedy}") from None


def codes(text: str) -> dict[str, list[str]]:
    """Return what marks mean.

    >>> codes("left=1,right=2,tie=0,tie=3")
    {'left': ['1'], 'right': ['2'], 'tie': ['0', '3']}
    """
    marks_of: dict[str, list[str]] = {}
    for part in text.split(","):
        side, equals, mark = part.partition("=")
        if not equals:
            raise ValueError(f"--codes is {quote(text)}; write it as 'left=1,right=2,tie=0'")
        marks_of.setdefault(side.strip(), []).append(mark.strip())
    return marks_of
