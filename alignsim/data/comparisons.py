"""Pairwise votes, and the preference matrices that they become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import validation
from alignsim.data.problems import Problem
from alignsim.data.votes import distinct_labels, shares_of_wins, square
from alignsim.errors import InputError, quote
from alignsim.preferences.seeds import Seed, generator
from alignsim.summary import Lines, Summarised, holding
from alignsim.validation import FloatArray

UNNAMED = ("",)
"""The judges or the prompts where nothing says who voted or on what."""

APART = ("prompt", "judge", "")
"""What may make votes separate problems; the empty text: nothing, they are one problem."""

LEAST_COUNT, LARGEST_COUNT = 1e-9, 1e12
"""Votes that a row may stand for; sums of such numbers keep their digits."""

_ROWS = ("left", "right", "share", "count", "judge", "prompt")


@dataclass(frozen=True, eq=False, repr=False)
class Comparisons(Summarised):
    """Votes between pairs of responses: n rows, each one vote or several alike.

    Attributes
    ----------
    labels
        Names of the K responses.
    left, right
        (n,), indices into ``labels`` of the two that were compared.
    share
        (n,) in [0, 1], what goes to left: 1 where left won, ½ for a tie, 0 where right won; a
        graded vote lies between.
    count
        (n,), above 0: how many votes the row stands for, or its weight.
    judges, prompts
        The different names of who voted and of what was asked; ``("",)`` if nothing says.
    judge, prompt
        (n,), indices into ``judges`` and ``prompts``.
    skipped
        How many votes the source left blank.
    by
        What makes the votes separate problems: ``"prompt"``, ``"judge"``, or ``""`` for nothing.
    notes
        What was assumed when they were read, in sentences.

    Raises
    ------
    ValueError
        If the arrays differ in length, an index, a share or a count is out of range, or a response
        is compared with itself.

    Examples
    --------
    >>> import alignsim as asim
    >>> Comparisons = asim.data.Comparisons
    >>> votes = Comparisons.from_names(["tea", "tea"], ["coffee", "coffee"], [1, 0.5])
    >>> votes.labels, votes.matrix().tolist()
    (('coffee', 'tea'), [[0.5, 0.25], [0.75, 0.5]])
    """

    labels: tuple[str, ...]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    share: FloatArray
    count: FloatArray
    judges: tuple[str, ...]
    judge: NDArray[np.int64]
    prompts: tuple[str, ...]
    prompt: NDArray[np.int64]
    skipped: int = 0
    by: str = "prompt"
    notes: tuple[str, ...] = ()

    def _title(self) -> str:
        return f"Comparisons of {len(self.labels):,} responses"

    def _summary(self) -> Lines:
        yield "votes", f"{self.votes:,.10g}"
        yield "ties", holding(self.share == 0.5)
        yield "judges", "" if self.judges == UNNAMED else f"{len(self.judges):,}"
        yield "prompts", "" if self.prompts == UNNAMED else f"{len(self.prompts):,}"
        yield "skipped", f"{self.skipped:,}" if self.skipped else ""
        for note in self.notes:
            yield "note", note

    def __post_init__(self) -> None:
        rows = len(self.left)
        for name in _ROWS[1:]:
            if (entries := np.size(getattr(self, name))) != rows:
                told = f"has {entries} entries; left has {rows}"
                raise InputError(name, told, "give one a row")
        if rows == 0:
            raise InputError("left", "is empty", "give at least one vote")
        validation.choice(self.by, "by", APART)
        for name, known in (
            ("left", self.labels), ("right", self.labels),
            ("judge", self.judges), ("prompt", self.prompts),
        ):  # fmt: skip
            index = getattr(self, name)
            outside = (index < 0) | (index >= len(known))
            among = f"indices run from 0 to {len(known) - 1}"
            validation.refuse_where(outside, name, index, among, "is {}")
        for name in ("share", "count"):
            numbers = np.atleast_1d(validation.real_array(getattr(self, name), name))
            object.__setattr__(self, name, numbers)
        known_shares = "a share is 1 (left won), 0.5 (tie), 0 (right won) or between"
        outside = ~((self.share >= 0) & (self.share <= 1))
        validation.refuse_where(outside, "share", self.share, known_shares, "is {:.12g}")
        weight = (self.count >= LEAST_COUNT) & (self.count <= LARGEST_COUNT)
        within = f"a count is above 0, from {LEAST_COUNT:g} to {LARGEST_COUNT:g}"
        validation.refuse_where(~weight, "count", self.count, within, "is {:.12g}")
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
        share: ArrayLike,
        *,
        count: ArrayLike | None = None,
        judges: Sequence[str] | None = None,
        prompts: Sequence[str] | None = None,
        skipped: int = 0,
        by: str = "prompt",
    ) -> Comparisons:
        """Return the votes between named responses; ``labels`` are the names, sorted.

        ``share`` is 1 where left won, 0.5 for a tie and 0 where right won. Each of the other
        sequences has one entry a vote; without ``count`` a row is one vote.
        """
        left = validation.names(left, "left", letters=True)
        right = validation.names(right, "right", letters=True)
        labels = tuple(sorted({*left, *right}))
        index = {label: i for i, label in enumerate(labels)}
        voters, judge = coded(judges, len(left), "judges")
        asked, prompt = coded(prompts, len(left), "prompts")
        ones = [1.0] * len(left)
        return cls(
            labels=labels,
            left=np.array([index[name] for name in left], dtype=np.int64),
            right=np.array([index[name] for name in right], dtype=np.int64),
            share=np.atleast_1d(validation.real_array(share, "share")),
            count=np.atleast_1d(validation.real_array(ones if count is None else count, "count")),
            judges=voters,
            judge=judge,
            prompts=asked,
            prompt=prompt,
            skipped=skipped,
            by=by,
        )

    def __len__(self) -> int:
        """Return the number of rows; `votes` counts the votes that they stand for."""
        return len(self.left)

    @property
    def votes(self) -> float:
        """Number of votes, or the sum of their weights."""
        return float(self.count.sum())

    @property
    def wins(self) -> FloatArray:
        """Votes that i won against j, a tie half: (K, K)."""
        K = len(square(self.labels))
        pair = self.left * K + self.right
        won, lost = self.count * self.share, self.count * (1.0 - self.share)
        by_left = np.bincount(pair, won, K * K).reshape(K, K)
        by_right = np.bincount(pair, lost, K * K).reshape(K, K)
        return np.asarray(by_left + by_right.T)

    def by_prompt(self) -> dict[str, Comparisons]:
        """Return the votes on each prompt, with the labels of its responses only."""
        return self._divided("prompt")

    def by_judge(self) -> dict[str, Comparisons]:
        """Return the votes of each judge, with the labels of the responses judged only."""
        return self._divided("judge")

    def problems(self) -> list[Problem]:
        """Return the shares of wins of each separate problem; NaN where a pair never met.

        One a prompt or a judge, as ``by`` says, each with the labels that occur in it; a tie is
        half a win for either side.
        """
        found = []
        for name, part in self.split().items():
            wins = part.wins
            with np.errstate(invalid="ignore"):
                P = wins / (wins + wins.T)
            np.fill_diagonal(P, 0.5)
            found.append(Problem(name, part.labels, P))
        return found

    def split(self) -> dict[str, Comparisons]:
        """Return the votes of each separate problem, as ``by`` says; one problem is called ""."""
        return self._divided(self.by) if self.by else {"": self}

    def matrix(self, *, smoothing: float = 0.0, min_votes: int = 1) -> FloatArray:
        """Return P, the shares of all votes with a tie half: (K, K), in the order of ``labels``.

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
            If some pair has fewer votes: names pairs and remedies.
        """
        return shares_of_wins(self.wins, self.labels, smoothing=smoothing, min_votes=min_votes)

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
        rows = np.flatnonzero(inside)
        return self._rows(rows, labels=kept, left=left[rows], right=right[rows])

    def resample(self, rng: Seed = None, *, within_pairs: bool = False) -> Comparisons:
        """Return as many votes drawn with replacement: one replicate of the bootstrap.

        A row is drawn as often as the votes that it stands for; rows that were not drawn are gone.

        Parameters
        ----------
        rng
            None, a seed, or a ``numpy.random.Generator``.
        within_pairs
            Draw each pair's votes from its own, so that every pair keeps its number of votes.
            Without it a pair with few votes may lose them all, and `matrix` then needs
            ``smoothing``.
        """
        draw = generator(rng)
        if not validation.boolean(within_pairs, "within_pairs"):
            count = _redrawn(self.count, draw)
        else:
            low, high = np.minimum(self.left, self.right), np.maximum(self.left, self.right)
            count = np.zeros(len(self))
            for rows in groups(low * len(self.labels) + high):
                count[rows] = _redrawn(self.count[rows], draw)
        drawn = np.flatnonzero(count)
        return self._rows(drawn, count=count[drawn])

    def _divided(self, by: str) -> dict[str, Comparisons]:
        code, names = getattr(self, by), getattr(self, f"{by}s")
        parts: dict[str, Comparisons] = {}
        for rows in groups(code):
            present, sides = np.unique(
                np.stack([self.left[rows], self.right[rows]]), return_inverse=True
            )
            sides = sides.reshape(2, -1)
            labels = tuple(self.labels[i] for i in present.tolist())
            name = names[code[rows[0]]]
            one = {f"{by}s": (name,), by: np.zeros(len(rows), dtype=np.int64), "by": ""}
            parts[name] = self._rows(rows, labels=labels, left=sides[0], right=sides[1], **one)
        return parts

    def _rows(self, rows: NDArray[np.int64], **changed: Any) -> Comparisons:
        """Return some rows; a column that is given as changed is of those rows already."""
        kept = {name: getattr(self, name)[rows] for name in _ROWS if name not in changed}
        part = object.__new__(type(self))  # unchecked, as these rows were checked before
        part.__dict__.update(vars(self) | kept | changed)
        return part


def coded(
    names: Sequence[str] | None, rows: int, argument: str
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the different names in order of appearance, and the index of each row's.

    >>> coded(["b", "a", "b"], 3, "judges")
    (('b', 'a'), array([0, 1, 0]))
    >>> coded(None, 2, "judges")
    (('',), array([0, 0]))
    """
    if names is None:
        return UNNAMED, np.zeros(rows, dtype=np.int64)
    index: dict[str, int] = {}
    each = validation.names(names, argument, letters=True)
    codes = [index.setdefault(name, len(index)) for name in each]
    return tuple(index), np.array(codes, dtype=np.int64)


def groups(code: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the rows of each different code, codes ascending, rows in their order.

    >>> groups(np.array([4, 2, 4]))
    [array([1]), array([0, 2])]
    """
    order = np.argsort(code, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(code[order])) + 1)


def _redrawn(count: FloatArray, draw: np.random.Generator) -> FloatArray:
    """Return how often each of some rows is drawn, (n,): the same sum in whole draws."""
    total = float(count.sum())
    draws = max(1, round(total))
    return np.asarray(draw.multinomial(draws, count / total) * (total / draws))
