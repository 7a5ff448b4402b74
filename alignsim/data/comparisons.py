"""Pairwise votes, and the preference matrix that they become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alignsim import validation
from alignsim.data.cliques import BUDGET, largest_clique
from alignsim.data.votes import distinct_labels, shares_of_wins, square
from alignsim.errors import InputError, quote
from alignsim.preferences.seeds import Seed, generator
from alignsim.summary import Lines, Summarised, holding
from alignsim.validation import FloatArray

OUTCOMES = (1, 0, -1)
"""Left won, a tie, right won."""


@dataclass(frozen=True, eq=False, repr=False)
class Comparisons(Summarised):
    """Votes between pairs of responses, one an entry.

    Attributes
    ----------
    labels
        Names of the K responses.
    left, right
        (n,), indices into ``labels`` of the two that were compared.
    outcome
        (n,), +1 where left won, 0 for a tie, −1 where right won.
    judges, prompts
        (n,), who voted and on what; empty strings where the file does not say.
    skipped
        How many votes the file left blank.

    Raises
    ------
    ValueError
        If the arrays differ in length, an index or an outcome is out of range, or a response is
        compared with itself.

    Examples
    --------
    >>> import alignsim as asim
    >>> Comparisons = asim.data.Comparisons
    >>> votes = Comparisons.from_names(["tea", "tea"], ["coffee", "coffee"], [1, 0])
    >>> votes.labels, votes.matrix().tolist()
    (('coffee', 'tea'), [[0.5, 0.25], [0.75, 0.5]])
    """

    labels: tuple[str, ...]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    outcome: NDArray[np.int64]
    judges: NDArray[np.str_]
    prompts: NDArray[np.str_]
    skipped: int = 0

    def _title(self) -> str:
        return f"Comparisons of {len(self.labels):,} responses"

    def _summary(self) -> Lines:
        yield "votes", f"{len(self):,}"
        yield "ties", holding(self.outcome == 0)
        yield "judges", _distinct(self.judges)
        yield "prompts", _distinct(self.prompts)
        yield "skipped", f"{self.skipped:,}" if self.skipped else ""

    def __post_init__(self) -> None:
        count = len(self.left)
        for name in ("right", "outcome", "judges", "prompts"):
            if (entries := len(getattr(self, name))) != count:
                told = f"has {entries} entries; left has {count}"
                raise InputError(name, told, "give one a vote")
        if count == 0:
            raise InputError("left", "is empty", "give at least one vote")
        among = f"indices run from 0 to {len(self.labels) - 1}"
        for name, side in (("left", self.left), ("right", self.right)):
            outside = (side < 0) | (side >= len(self.labels))
            validation.refuse_where(outside, name, side, among, "is {}")
        unknown = ~np.isin(self.outcome, OUTCOMES)
        if unknown.any():
            n = int(unknown.argmax())
            known = "an outcome is 1 (left won), 0 (tie) or -1 (right won)"
            raise InputError("outcome", f"is {quote(self.outcome.tolist()[n])}", known, index=(n,))
        object.__setattr__(self, "outcome", np.asarray(self.outcome, dtype=np.int64))
        same = self.left == self.right
        if same.any():
            n = int(same.argmax())
            told = f"left[{n}] and right[{n}] are both {quote(self.labels[self.left[n]])}"
            raise InputError("", told, "remove votes of a response against itself")

    @classmethod
    def from_names(
        cls,
        left: Sequence[str],
        right: Sequence[str],
        outcome: Sequence[int],
        *,
        judges: Sequence[str] | None = None,
        prompts: Sequence[str] | None = None,
        skipped: int = 0,
    ) -> Comparisons:
        """Return the votes between named responses; ``labels`` are the names, sorted."""
        left = validation.names(left, "left", letters=True)
        right = validation.names(right, "right", letters=True)
        labels = tuple(sorted({*left, *right}))
        index = {label: i for i, label in enumerate(labels)}
        return cls(
            labels=labels,
            left=np.array([index[name] for name in left], dtype=np.int64),
            right=np.array([index[name] for name in right], dtype=np.int64),
            outcome=np.atleast_1d(np.asarray(outcome)),
            judges=np.array([""] * len(left) if judges is None else list(judges), dtype=np.str_),
            prompts=np.array([""] * len(left) if prompts is None else list(prompts), dtype=np.str_),
            skipped=skipped,
        )

    def __len__(self) -> int:
        """Return the number of votes."""
        return len(self.left)

    @property
    def wins(self) -> FloatArray:
        """Votes that i won against j, a tie half: (K, K)."""
        count = len(square(self.labels))
        share = 0.5 * (1.0 + self.outcome)
        pair = self.left * count + self.right
        by_left = np.bincount(pair, share, count * count).reshape(count, count)
        by_right = np.bincount(pair, 1.0 - share, count * count).reshape(count, count)
        return np.asarray(by_left + by_right.T)

    def matrix(self, *, smoothing: float = 0.0, min_votes: int = 1) -> FloatArray:
        """Return P, the shares of wins with a tie half: (K, K), in the order of ``labels``.

        Parameters
        ----------
        smoothing
            Pseudo-votes given to each pair, half to either side; above 0, a pair that was never
            compared is ½.
        min_votes
            Votes that each pair needs (with smoothing, 1 asks for none).

        Raises
        ------
        ValueError
            If ``smoothing`` < 0 or ``min_votes`` < 1.
        MissingPairsError
            If some pair has fewer votes: names pairs, the largest complete set, the remedies.
        """
        return shares_of_wins(
            self.wins, self.labels, smoothing=smoothing, min_votes=min_votes, keep_with="restrict("
        )

    def largest_clique(self, min_votes: int = 1, *, budget: int = BUDGET) -> tuple[str, ...]:
        """Return a largest set of labels in which every pair has ``min_votes`` votes.

        Exact; where several sets are largest, one of them.

        Raises
        ------
        InputError
            If ``min_votes`` or ``budget`` < 1, or the search takes more than ``budget`` steps.
        """
        needed = validation.integer(min_votes, "min_votes", minimum=1)
        budget = validation.integer(budget, "budget", minimum=1)
        wins = self.wins
        found = largest_clique(wins + wins.T >= needed, budget)
        if found is None:
            search = f"the search for the largest complete set of {len(self.labels)} responses"
            told = f"is {budget:,} steps, and {search} takes more"
            remedy = "raise it, or restrict the votes to fewer responses first"
            raise InputError("budget", told, remedy)
        return tuple(self.labels[i] for i in found)

    def restrict(self, labels: Sequence[str]) -> Comparisons:
        """Return the votes among some labels only, which keep the order given.

        Raises
        ------
        ValueError
            If a label is unknown or repeated, fewer than two are given, or no vote is left.
        """
        kept = distinct_labels(labels, "labels", self.labels)
        new = {label: i for i, label in enumerate(kept)}
        place = np.array([new.get(label, -1) for label in self.labels])
        left, right = place[self.left], place[self.right]
        inside = (left >= 0) & (right >= 0)
        if not inside.any():
            told = f"is {quote(kept)}; no vote compares two of them"
            raise InputError("labels", told, "name others")
        votes = self._rows(np.flatnonzero(inside))
        return replace(votes, labels=kept, left=left[inside], right=right[inside])

    def resample(self, rng: Seed = None, *, within_pairs: bool = False) -> Comparisons:
        """Return as many votes drawn with replacement: one replicate of the bootstrap.

        Parameters
        ----------
        rng
            None, a seed, or a ``numpy.random.Generator``.
        within_pairs
            Draw each pair's votes from its own, so that every pair keeps its number of votes.
            Without it a pair with few votes may lose them all, and `matrix` then needs
            ``smoothing``.
        """
        draw, count = generator(rng), len(self)
        if not validation.boolean(within_pairs, "within_pairs"):
            return self._rows(draw.integers(count, size=count))
        low, high = np.minimum(self.left, self.right), np.maximum(self.left, self.right)
        pair = low * len(self.labels) + high
        by_pair = np.argsort(pair, kind="stable")
        _, first, group, votes = np.unique(
            pair[by_pair], return_index=True, return_inverse=True, return_counts=True
        )
        return self._rows(by_pair[first[group] + draw.integers(votes[group])])

    def _rows(self, rows: NDArray[np.int64]) -> Comparisons:
        columns = ("left", "right", "outcome", "judges", "prompts")
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})


def _distinct(names: NDArray[np.str_]) -> str:
    """Return how many names there are, or nothing if there is none."""
    known = set(names.tolist()) - {""}
    return f"{len(known):,}" if known else ""
