"""Ratings of responses, and the preference matrices that they become."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb

import numpy as np

from alignsim import validation
from alignsim.data.matrices import Matrices, MatrixStacks
from alignsim.data.scores import RECIPES, from_scores, refuse_idle
from alignsim.data.votes import count_wins, shares_of_wins, square
from alignsim.errors import Argument, InputError, MissingPairsError, quote, words
from alignsim.preferences.seeds import Seed, generator
from alignsim.summary import Lines, Summarised, span
from alignsim.validation import FloatArray, affordable


@dataclass(frozen=True, eq=False, repr=False)
class Ratings(Summarised):
    """Ratings as they were given, prompt by prompt.

    Attributes
    ----------
    prompts
        Names of the prompts.
    responses, raters
        For each prompt, the labels of its responses and of its raters.
    attributes
        What was rated, the same for all prompts.
    scores
        For each prompt, (responses, raters, attributes), NaN where a rater gave no score.

    Raises
    ------
    ValueError
        If the parts do not fit together.

    Examples
    --------
    >>> import alignsim as asim
    >>> import numpy as np
    >>> ratings = asim.data.Ratings(
    ...     prompts=("tea",),
    ...     responses=(("green", "black"),),
    ...     raters=(("ann", "bob"),),
    ...     attributes=("taste",),
    ...     scores=(np.array([[[3.0], [4.0]], [[1.0], [5.0]]]),),
    ... )
    >>> ratings.aggregate()[0].tolist()
    [[3.5], [3.0]]
    >>> ratings.matrices("votes")[2].P[0].tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """

    prompts: tuple[str, ...]
    responses: tuple[tuple[str, ...], ...]
    raters: tuple[tuple[str, ...], ...]
    attributes: tuple[str, ...]
    scores: tuple[FloatArray, ...]

    def _title(self) -> str:
        return f"Ratings of {len(self.prompts):,} prompts"

    def _summary(self) -> Lines:
        yield "responses a prompt", span([len(labels) for labels in self.responses])
        yield "raters a prompt", span([len(labels) for labels in self.raters])
        yield "attributes", ", ".join(self.attributes)
        yield "scores", f"{sum(int(np.isfinite(scores).sum()) for scores in self.scores):,}"

    def __post_init__(self) -> None:
        for name in ("prompts", "attributes"):
            object.__setattr__(self, name, validation.names(getattr(self, name), name))
        for name in ("responses", "raters", "scores"):
            if not isinstance(getattr(self, name), tuple):
                told = f"is {quote(getattr(self, name))}"
                raise InputError(name, told, "give a tuple, one entry a prompt")
        if not len(self.prompts) == len(self.responses) == len(self.raters) == len(self.scores):
            raise ValueError(
                f"{len(self.prompts)} prompts, {len(self.responses)} tuples of responses, "
                f"{len(self.raters)} of raters and {len(self.scores)} arrays of scores; "
                "give one of each a prompt"
            )
        for p, scores in enumerate(self.scores):
            shape = (len(self.responses[p]), len(self.raters[p]), len(self.attributes))
            if np.shape(scores) != shape:
                raise ValueError(
                    f"scores[{p}] has shape {np.shape(scores)}; its labels ask for {shape} "
                    "(responses, raters, attributes)"
                )
            validation.names((*self.responses[p], *self.raters[p]), f"responses or raters of {p}")
            if not isinstance(scores, np.ndarray) or scores.dtype.kind not in "biuf":
                raise InputError("scores", f"is {quote(scores)}", "give numbers", index=(p,))
            if (np.abs(scores) > validation.LARGEST_LOGIT).any():
                told = f"holds a number beyond ±{validation.LARGEST_LOGIT:g}"
                raise InputError("scores", told, "divide them", index=(p,))

    def aggregate(
        self, raters: str = "mean", rounding: str | None = None
    ) -> tuple[FloatArray, ...]:
        """Return the scores without the raters: for each prompt (responses, attributes).

        Parameters
        ----------
        raters
            ``"mean"`` or ``"median"`` of those who gave a score, or the ``"first"`` of them.
        rounding
            None, or ``"nearest"``: to the nearest whole number, halves up (2.5 → 3, −2.5 → −2).

        Raises
        ------
        ValueError
            If nobody scored a response on an attribute, or a choice is unknown.
        """
        combine = _AGGREGATES[validation.choice(raters, "raters", _AGGREGATES)]
        if rounding is not None:
            validation.choice(rounding, "rounding", ["nearest"])
        self._check_all_scored()
        combined = [combine(scores) for scores in self.scores]
        if rounding is None:
            return tuple(combined)
        return tuple(np.floor(scores + 0.5) for scores in combined)

    def matrices(
        self,
        recipe: str = "random-attribute",
        *,
        temperature: float | None = None,
        subsets: int | None = None,
        raters: str | None = None,
        rounding: str | None = None,
        rng: Seed = None,
    ) -> MatrixStacks:
        """Return a preference matrix for each prompt, stacked by its number of responses K.

        Parameters
        ----------
        recipe
            As in `from_scores`, on aggregated scores; but ``"votes"`` counts every score that
            one rater gave on one attribute as a vote.
        temperature
            Divides score differences; above 0, by default 1. Not for "votes".
        subsets
            Take every set of this many responses instead of all of a prompt's: C(R, subsets)
            matrices a prompt, in lexicographic order.
        raters, rounding
            As in `aggregate`. Not for "votes".
        rng
            None, a seed, or a ``numpy.random.Generator``. For "random-attribute" only.

        Raises
        ------
        ValueError
            If an argument is outside its range or says nothing under the recipe, or no prompt has
            enough responses.
        MissingPairsError
            If, under "votes", two responses of a prompt share no rater.
        """
        validation.choice(recipe, "recipe", RECIPES)
        refuse_idle(recipe, temperature=temperature, raters=raters, rounding=rounding, rng=rng)
        least = 2 if subsets is None else validation.integer(subsets, "subsets", minimum=2)
        usable = [p for p, labels in enumerate(self.responses) if len(labels) >= least]
        if not usable:
            most = max(map(len, self.responses), default=0)
            if most < 2:
                raise ValueError("no prompt has two responses to compare; rate two or more of each")
            raise InputError(
                "subsets",
                f"is {least}, but no prompt has as many responses",
                ["pass ", Argument("subsets", most), " at most"],
            )
        chosen = self._only(usable)
        sizes = [(comb(len(r), subsets or len(r)), subsets or len(r)) for r in chosen.responses]
        many = f"there are {sum(count for count, _ in sizes):,} matrices to make, which"
        affordable(8.0 * sum(count * size**2 for count, size in sizes), "", many)
        by_votes = recipe == "votes"
        if by_votes:
            chosen._check_all_meet()
        values = chosen._votes() if by_votes else chosen.aggregate(raters or "mean", rounding)
        draw = generator(rng) if recipe == "random-attribute" else None
        stacks: dict[int, Matrices] = {}
        for size in sorted({subsets or len(labels) for labels in chosen.responses}):
            picked = list(chosen._picks(size, whole=subsets is None))
            stack = _stacked([values[p][rows] for p, rows in picked])
            P = (
                _shares(count_wins(stack))
                if by_votes
                else from_scores(stack, recipe=recipe, temperature=temperature, rng=draw)
            )
            stacks[size] = Matrices(
                P,
                labels=tuple(
                    tuple(chosen.responses[p][i] for i in row) for p, rows in picked for row in rows
                ),
                names=tuple(chosen.prompts[p] for p, rows in picked for _ in rows),
            )
        left_out = set(range(len(self.prompts))) - set(usable)
        return MatrixStacks(stacks, skipped=tuple(self.prompts[p] for p in sorted(left_out)))

    def pooled(
        self,
        *,
        responses: Sequence[str] | None = None,
        smoothing: float = 0.0,
        min_votes: int = 1,
    ) -> Matrices:
        """Return one matrix (K, K) over all prompts, from every rater's every score, ties half.

        Parameters
        ----------
        responses
            Labels of the responses to compare; by default those that recur, which are the ones
            of more than one prompt (all of them, if there is one prompt).
        smoothing
            Pseudo-votes given to each pair, half to either side; above 0, a pair without votes
            is ½.
        min_votes
            Votes that each pair needs (with smoothing, 1 asks for none).

        Raises
        ------
        ValueError
            If fewer than two responses are named or recur, or a prompt has a label twice.
        MissingPairsError
            If some pair has fewer votes: names pairs, the largest complete set, the remedies.
        """
        labels = self._recurring() if responses is None else _distinct(responses, self.responses)
        place = {label: i for i, label in enumerate(square(labels))}
        groups: dict[tuple[tuple[str, ...], int], list[FloatArray]] = {}
        for here, scores in zip(self.responses, self.scores, strict=True):
            groups.setdefault((here, scores.shape[1]), []).append(scores)
        wins = np.zeros((len(labels), len(labels)))
        for (here, _), group in groups.items():
            rows = [i for i, label in enumerate(here) if label in place]
            where = [place[here[i]] for i in rows]
            if len(set(where)) < len(where):
                raise ValueError(
                    f"one prompt has two responses of the same name ({quote(here)}); "
                    "pooling needs a name to mean one system: use matrices()"
                )
            votes = np.stack(group, axis=1)[rows].reshape(len(rows), -1)
            wins[np.ix_(where, where)] += count_wins(votes)
        P = shares_of_wins(
            wins, labels, smoothing=smoothing, min_votes=min_votes, keep_with="pooled(responses="
        )
        return Matrices(P, labels=(labels,), names=())

    def resample(self, rng: Seed = None) -> Ratings:
        """Return ratings whose raters were drawn, prompt by prompt, with replacement.

        One replicate of the bootstrap over raters: each prompt keeps its number of raters. Where
        raters skipped responses, a replicate may leave one without a score.
        """
        draw = generator(rng)
        picks = [draw.integers(len(labels), size=len(labels)) for labels in self.raters]
        return replace(
            self,
            raters=tuple(
                tuple(labels[i] for i in pick)
                for labels, pick in zip(self.raters, picks, strict=True)
            ),
            scores=tuple(scores[:, pick] for scores, pick in zip(self.scores, picks, strict=True)),
        )

    def _only(self, chosen: Sequence[int]) -> Ratings:
        return replace(
            self,
            prompts=tuple(self.prompts[p] for p in chosen),
            responses=tuple(self.responses[p] for p in chosen),
            raters=tuple(self.raters[p] for p in chosen),
            scores=tuple(self.scores[p] for p in chosen),
        )

    def _votes(self) -> tuple[FloatArray, ...]:
        """Return each prompt's scores as columns of votes: (responses, raters × attributes)."""
        return tuple(scores.reshape(len(scores), -1) for scores in self.scores)

    def _picks(self, size: int, *, whole: bool) -> Iterator[tuple[int, FloatArray]]:
        """Yield (prompt, rows (n, size)): its one whole set, or all subsets of that size."""
        for p, labels in enumerate(self.responses):
            if not whole or len(labels) == size:
                yield p, np.array(list(combinations(range(len(labels)), size)))

    def _recurring(self) -> tuple[str, ...]:
        prompts_of: dict[str, int] = {}
        for here in self.responses:
            for label in dict.fromkeys(here):
                prompts_of[label] = prompts_of.get(label, 0) + 1
        least = min(2, len(self.prompts))
        labels = tuple(label for label, count in prompts_of.items() if count >= least)
        if len(labels) < 2:
            raise ValueError(
                "no two responses recur between prompts; use matrices(), one matrix a prompt"
            )
        return labels

    def _check_all_scored(self) -> None:
        for p, scores in enumerate(self.scores):
            unscored = np.asarray(np.isnan(scores).all(axis=1))
            if unscored.any():
                i, a = validation.first_true(unscored)
                raise InputError(
                    "",
                    f"prompt {quote(self.prompts[p])}: nobody scored response "
                    f"{quote(self.responses[p][i])} on {quote(self.attributes[a])}",
                    words("leave the attribute out with {attributes=...}, or remove the response"),
                )

    def _check_all_meet(self) -> None:
        for p, scores in enumerate(self._votes()):
            given = (~np.isnan(scores)).astype(float)
            apart = given @ given.T == 0
            if apart.any():
                i, j = validation.first_true(apart)
                named = " and ".join(quote(self.responses[p][k]) for k in dict.fromkeys((i, j)))
                raise MissingPairsError(
                    f"prompt {quote(self.prompts[p])}: no rater scored {named} on the same "
                    "attribute, so the pair has no vote; remove one of the responses, or use "
                    "another recipe"
                )


def _mean(scores: FloatArray) -> FloatArray:
    return np.asarray(np.nanmean(scores, axis=1))


def _median(scores: FloatArray) -> FloatArray:
    return np.asarray(np.nanmedian(scores, axis=1))


def _first(scores: FloatArray) -> FloatArray:
    earliest = (~np.isnan(scores)).argmax(axis=1)
    return np.asarray(np.take_along_axis(scores, earliest[:, None, :], axis=1)[:, 0])


_AGGREGATES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "mean": _mean,
    "median": _median,
    "first": _first,
}


def _stacked(parts: Sequence[FloatArray]) -> FloatArray:
    """Return (n_p, K, V_p) arrays as one (Σ n_p, K, max V), padded with NaN."""
    widest = max(part.shape[-1] for part in parts)
    padded = [
        np.pad(part, ((0, 0), (0, 0), (0, widest - part.shape[-1])), constant_values=np.nan)
        if part.shape[-1] < widest
        else part
        for part in parts
    ]
    return np.concatenate(padded)


def _shares(wins: FloatArray) -> FloatArray:
    return np.asarray(wins / (wins + np.swapaxes(wins, -1, -2)))


def _distinct(wanted: Sequence[str], known: Sequence[Sequence[str]]) -> tuple[str, ...]:
    every = {label for labels in known for label in labels}
    named = validation.names(wanted, "responses", letters=True)
    labels = tuple(validation.choice(label, "responses", every) for label in named)
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise ValueError(f"responses is {quote(labels)}; name at least two, each once")
    return labels
