"""Ratings of responses, and the preference matrices that they become."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, combinations
from math import comb
from typing import Any

import numpy as np

from alignsim import validation
from alignsim.data.matrices import Matrices, MatrixStacks
from alignsim.data.problems import Problem
from alignsim.data.scores import RECIPES, from_scores, refuse_idle
from alignsim.data.votes import count_wins, distinct_labels, shares_of_wins, square
from alignsim.errors import Argument, InputError, MissingPairsError, quote, words
from alignsim.preferences.logistic import positive_temperature
from alignsim.preferences.seeds import Seed, generator
from alignsim.summary import Lines, Summarised, span
from alignsim.validation import FloatArray, affordable

HELPSTEER_ATTRIBUTES = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
"""The attributes of nvidia/HelpSteer, integers 0 to 4."""

SCALES = ((1.0, 0.25, "0 to 1"), (5.0, 1.0, "1 to 5 or 0 to 4"), (7.0, 1.5, "1 to 7"),
          (10.0, 2.25, "1 to 10"), (100.0, 25.0, "0 to 100"))  # fmt: skip
"""Largest score, temperature, and name of the scales that people use.

The temperature is the span of the scale over that from 1 to 5, so that the best and the worst score
are as far apart in σ(difference/temperature) on each of them.
"""


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
    notes
        What was assumed when they were read, in sentences.
    temperature
        By what score differences are divided unless it is said otherwise; by default what suits
        the scale that the scores seem to be on, which is 1 for 1 to 5.

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
    notes: tuple[str, ...] = ()
    temperature: float | None = None

    def _title(self) -> str:
        return f"Ratings of {len(self.prompts):,} prompts"

    def _summary(self) -> Lines:
        yield "responses a prompt", span([len(labels) for labels in self.responses])
        yield "raters a prompt", span([len(labels) for labels in self.raters])
        yield "attributes", ", ".join(self.attributes)
        yield "scores", f"{sum(int(np.isfinite(scores).sum()) for scores in self.scores):,}"
        yield "scale", self.scale
        for note in self.notes:
            yield "note", note

    def __post_init__(self) -> None:
        for name in ("prompts", "attributes"):
            object.__setattr__(self, name, validation.names(getattr(self, name), name))
        for name in ("responses", "raters", "scores"):
            if not isinstance(getattr(self, name), tuple):
                told = f"is {quote(getattr(self, name))}"
                raise InputError(name, told, "give a tuple, one entry a prompt")
            if len(getattr(self, name)) != len(self.prompts):
                told = f"has {len(getattr(self, name))} entries for {len(self.prompts)} prompts"
                raise InputError(name, told, "give one a prompt")
        for p, scores in enumerate(self.scores):
            shape = (len(self.responses[p]), len(self.raters[p]), len(self.attributes))
            if np.shape(scores) != shape:
                remedy = f"its labels ask for {shape} (responses, raters, attributes)"
                raise InputError("scores", f"has shape {np.shape(scores)}", remedy, index=(p,))
            validation.names((*self.responses[p], *self.raters[p]), f"responses or raters of {p}")
            if not isinstance(scores, np.ndarray) or scores.dtype.kind not in "biuf":
                raise InputError("scores", f"is {quote(scores)}", "give numbers", index=(p,))
            if (np.abs(scores) > validation.LARGEST_LOGIT).any():
                told = f"holds a number beyond ±{validation.LARGEST_LOGIT:g}"
                raise InputError("scores", told, "divide them", index=(p,))
        warmth = self._recognised[0] if self.temperature is None else self.temperature
        object.__setattr__(self, "temperature", float(positive_temperature(warmth)))

    @cached_property
    def _recognised(self) -> tuple[float, str]:
        """The temperature that suits the scale, and what is said of the scale."""
        found = [scores[~np.isnan(scores)] for scores in self.scores]
        known = [scores for scores in found if len(scores)]
        if not known:
            return 1.0, ""
        low, high = min(float(s.min()) for s in known), max(float(s.max()) for s in known)
        seen = f"scores from {low:g} to {high:g}"
        for most, temperature, name in SCALES:
            if low >= 0.0 and high <= most:
                return temperature, f"{seen}, a scale of {name}: temperature {temperature:g}"
        temperature = (high - low) / 4.0
        return (
            temperature,
            f"{seen}, no known scale: temperature {temperature:.4g}, a quarter of it",
        )

    @property
    def scale(self) -> str:
        """The scale that the scores seem to be on, and their temperature."""
        own, name = self._recognised
        if own == self.temperature:
            return name
        return f"{name.partition(': temperature')[0]}: temperature {self.temperature:g}, as given"

    def problems(self, recipe: str = "random-attribute", **options: Any) -> list[Problem]:
        """Return the matrix of each prompt that has two responses, by the recipe of `matrices`."""
        if validation.choice(recipe, "recipe", RECIPES) == "random-attribute":
            options.setdefault("rng", 0)
        found = self.matrices(recipe, **options)
        each = [problem for stack in found.values() for problem in stack.problems()]
        order = {name: k for k, name in enumerate(self.prompts)}
        return sorted(each, key=lambda problem: order[problem.name])

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
        combined = tuple(combine(scores) for scores in self.scores)
        return combined if rounding is None else tuple(np.floor(s + 0.5) for s in combined)

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
            Divides score differences; above 0, by default what suits the scale (`temperature`),
            which is 1 for scores from 1 to 5. Not for "votes".
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
            told = f"is {least}, but no prompt has as many responses"
            raise InputError("subsets", told, ["pass ", Argument("subsets", most), " at most"])
        by_prompt = ("prompts", "responses", "raters", "scores")
        picked: dict[str, Any] = {
            name: tuple(getattr(self, name)[p] for p in usable) for name in by_prompt
        }
        chosen = replace(self, **picked)
        sizes = [(comb(len(r), subsets or len(r)), subsets or len(r)) for r in chosen.responses]
        many = f"there are {sum(count for count, _ in sizes):,} matrices to make, which"
        affordable(8.0 * sum(count * size**2 for count, size in sizes), "", many)
        by_votes = recipe == "votes"
        if by_votes:
            chosen._check_all_meet()
        pooled = "mean" if raters is None else raters
        values = chosen._votes() if by_votes else chosen.aggregate(pooled, rounding)
        draw = generator(rng) if recipe == "random-attribute" else None
        stacks: dict[int, Matrices] = {}
        for size in sorted({subsets or len(labels) for labels in chosen.responses}):
            picks = list(chosen._picks(size, whole=subsets is None))
            stack = _stacked([values[p][rows] for p, rows in picks])
            if by_votes:
                wins = count_wins(stack)
                P = wins / (wins + np.swapaxes(wins, -1, -2))
            else:
                warmth = self.temperature if temperature is None else temperature
                P = from_scores(stack, recipe=recipe, temperature=warmth, rng=draw)
            each = [(p, row) for p, rows in picks for row in rows]
            labels = tuple(tuple(chosen.responses[p][i] for i in row) for p, row in each)
            stacks[size] = Matrices(P, labels, tuple(chosen.prompts[p] for p, _ in each))
        sizes_and_names = zip(self.responses, self.prompts, strict=True)
        return MatrixStacks(stacks, tuple(n for r, n in sizes_and_names if len(r) < least))

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
        smoothing, min_votes
            As in `Comparisons.matrix`.

        Raises
        ------
        ValueError
            If fewer than two responses are named or recur, or a prompt has a label twice.
        MissingPairsError
            If some pair has fewer votes: names pairs and remedies.
        """
        every = chain.from_iterable(self.responses)
        named = None if responses is None else distinct_labels(responses, "responses", every)
        labels = named or self.recurring()
        place = {label: i for i, label in enumerate(square(labels))}
        groups: dict[tuple[tuple[str, ...], int], list[FloatArray]] = {}
        for here, scores in zip(self.responses, self.scores, strict=True):
            groups.setdefault((here, scores.shape[1]), []).append(scores)
        wins = np.zeros((len(labels), len(labels)))
        for (here, _), group in groups.items():
            rows = [i for i, label in enumerate(here) if label in place]
            where = [place[here[i]] for i in rows]
            if len(set(where)) < len(where):
                told = f"one prompt has two responses of the same name ({quote(here)})"
                remedy = "pooling needs a name to mean one system: use matrices()"
                raise InputError("", told, remedy)
            votes = np.stack(group, axis=1)[rows].reshape(len(rows), -1)
            wins[np.ix_(where, where)] += count_wins(votes)
        P = shares_of_wins(wins, labels, smoothing=smoothing, min_votes=min_votes)
        return Matrices(P, labels=(labels,), names=())

    def resample(self, rng: Seed = None) -> Ratings:
        """Return ratings whose raters were drawn, prompt by prompt, with replacement.

        One replicate of the bootstrap over raters: each prompt keeps its number of raters. Where
        raters skipped responses, a replicate may leave one without a score.
        """
        draw = generator(rng)
        picks = [draw.integers(len(labels), size=len(labels)) for labels in self.raters]
        people = zip(self.raters, picks, strict=True)
        return replace(
            self,
            raters=tuple(tuple(labels[i] for i in pick) for labels, pick in people),
            scores=tuple(scores[:, pick] for scores, pick in zip(self.scores, picks, strict=True)),
        )

    def _votes(self) -> tuple[FloatArray, ...]:
        """Return each prompt's scores as columns of votes: (responses, raters × attributes)."""
        return tuple(scores.reshape(len(scores), -1) for scores in self.scores)

    def _picks(self, size: int, *, whole: bool) -> Iterator[tuple[int, FloatArray]]:
        """Yield (prompt, rows (n, size)): its one whole set, or all subsets of that size."""
        for p, labels in enumerate(self.responses):
            if not whole or len(labels) == size:
                yield p, np.array(list(combinations(range(len(labels)), size)))

    def recurring(self) -> tuple[str, ...]:
        """Return the labels of more than one prompt; of all, if there is one prompt.

        Raises
        ------
        InputError
            If they are fewer than two.
        """
        prompts_of = Counter(label for here in self.responses for label in dict.fromkeys(here))
        least = min(2, len(self.prompts))
        labels = tuple(label for label, count in prompts_of.items() if count >= least)
        if len(labels) < 2:
            told = "no two responses recur between prompts"
            raise InputError("", told, "use matrices(), one matrix a prompt")
        return labels

    def _check_all_scored(self) -> None:
        for p, scores in enumerate(self.scores):
            unscored = np.asarray(np.isnan(scores).all(axis=1))
            if unscored.any():
                i, a = validation.first_true(unscored)
                unscored_one = f"{quote(self.responses[p][i])} on {quote(self.attributes[a])}"
                told = f"prompt {quote(self.prompts[p])}: nobody scored response {unscored_one}"
                remedy = "leave the attribute out with {attributes=...}, or remove the response"
                raise InputError("", told, words(remedy))

    def _check_all_meet(self) -> None:
        for p, scores in enumerate(self._votes()):
            given = (~np.isnan(scores)).astype(float)
            apart = given @ given.T == 0
            if apart.any():
                i, j = validation.first_true(apart)
                named = " and ".join(quote(self.responses[p][k]) for k in dict.fromkeys((i, j)))
                told = f"prompt {quote(self.prompts[p])}: no rater scored {named} on the same "
                remedy = "remove one of the responses, or use another recipe"
                raise MissingPairsError("", f"{told}attribute, so the pair has no vote", remedy)


def _first(scores: FloatArray) -> FloatArray:
    earliest = (~np.isnan(scores)).argmax(axis=1)
    return np.asarray(np.take_along_axis(scores, earliest[:, None, :], axis=1)[:, 0])


_AGGREGATES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "mean": lambda scores: np.asarray(np.nanmean(scores, axis=1)),
    "median": lambda scores: np.asarray(np.nanmedian(scores, axis=1)),
    "first": _first,
}


def _stacked(parts: Sequence[FloatArray]) -> FloatArray:
    """Return (n_p, K, V_p) arrays as one (Σ n_p, K, max V), padded with NaN."""
    widest = max(part.shape[-1] for part in parts)
    stacked = np.full((sum(map(len, parts)), parts[0].shape[1], widest), np.nan)
    begin = 0
    for part in parts:
        stacked[begin : begin + len(part), :, : part.shape[-1]] = part
        begin += len(part)
    return stacked
