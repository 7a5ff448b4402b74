"""Counting votes, and turning the counts into shares of wins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from alignsim import validation
from alignsim.errors import Argument, InputError, InPython, MissingPairsError, quote, words
from alignsim.validation import FloatArray

PAIRS_NAMED = 3
"""How many of the missing pairs an error names."""


def square(labels: Sequence[str]) -> Sequence[str]:
    """Return the labels of a table (K, K), if that is of a size that a call may take."""
    many = f"there are {len(labels):,} different responses, and a table of all pairs"
    systems = words("compare systems, not texts, by naming {left} and {right}, or {response}")
    validation.affordable(8.0 * len(labels) ** 2, "", many, systems)
    return labels


def distinct_labels(wanted: Sequence[str], name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the labels that a caller wants, if all are known, and two or more distinct."""
    every = set(known)
    named = validation.names(wanted, name, letters=True)
    labels = tuple(validation.choice(label, name, every) for label in named)
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise InputError(name, f"is {quote(labels)}", "name at least two, each once")
    return labels


def count_wins(scores: FloatArray) -> FloatArray:
    """Return how often i scores above j, a tie half: (..., K, V) → (..., K, K).

    Each of the V columns is one vote between every two responses; a NaN is no vote.

    >>> count_wins(np.array([[3.0, 1.0, 2.0], [1.0, 1.0, np.nan]])).tolist()
    [[1.5, 1.5], [0.5, 1.0]]
    """
    wins = np.empty((*scores.shape[:-1], scores.shape[-2]))
    for i in range(scores.shape[-2]):
        row = scores[..., i : i + 1, :]
        higher = np.count_nonzero(row > scores, axis=-1)
        wins[..., i, :] = higher + 0.5 * np.count_nonzero(row == scores, axis=-1)
    return wins


def shares_of_wins(
    wins: FloatArray,
    labels: Sequence[str],
    *,
    smoothing: float = 0.0,
    min_votes: int = 1,
) -> FloatArray:
    """Return P from a table of wins (ties half): (K, K) → (K, K).

    Parameters
    ----------
    wins
        (K, K); wins[i, j] + wins[j, i] is the number of votes of a pair.
    smoothing
        Pseudo-votes given to each pair, half to either side.
    min_votes
        How many votes a pair needs. With smoothing, 1 asks for none: the prior stands in.
    labels
        The K names, for the error message.

    >>> wins = np.array([[0.0, 3.0], [1.0, 0.0]])
    >>> shares_of_wins(wins, ["a", "b"])[0, 1].item()
    0.75
    """
    prior = validation.number(smoothing, "smoothing")
    needed = validation.integer(min_votes, "min_votes", minimum=1)
    votes = wins + wins.T
    short = votes < (0 if prior > 0 and needed == 1 else needed)
    np.fill_diagonal(short, False)
    if short.any():
        raise _shortage(votes, short, labels, needed)
    np.fill_diagonal(votes, 1.0)
    P = (wins + 0.5 * prior) / (votes + prior)
    np.fill_diagonal(P, 0.5)
    return np.asarray(P)


def _shortage(
    votes: FloatArray, short: NDArray[np.bool_], labels: Sequence[str], needed: int
) -> MissingPairsError:
    pairs = np.argwhere(np.triu(short))
    few = pairs[:PAIRS_NAMED]
    named = [f"{quote(labels[i])} and {quote(labels[j])} ({votes[i, j]:g})" for i, j in few]
    named += ["..."] * (len(pairs) > PAIRS_NAMED)
    total = len(labels) * (len(labels) - 1) // 2
    have = "pair has" if total == 1 else "pairs has" if len(pairs) == 1 else "pairs have"
    votes_needed, remedy = f"{needed} votes", words("lower {min_votes}")
    if needed == 1:
        prior = Argument("smoothing", 1)
        votes_needed = "1 vote"
        remedy = ["pass ", prior, " (a prior of one vote, half to either side)"]
    model = InPython("alignsim.data.posterior, which infers", "alignsim inspect, which infers")
    told = f"{len(pairs)} of {total} {have} fewer than {votes_needed}: {', '.join(named)}"
    return MissingPairsError("", told, [*remedy, ", or see ", model, " such pairs from the others"])
