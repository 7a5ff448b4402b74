"""What preference data hold, and at which β a loop on them starts to oscillate."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np

from alignsim import validation
from alignsim.analysis.bifurcations.onset import critical_beta
from alignsim.data import Comparisons, Matrices, Ratings
from alignsim.data.comparisons import UNNAMED
from alignsim.data.scores import refuse_idle
from alignsim.errors import Argument, InputError, MissingPairsError, quote
from alignsim.objectives import OBJECTIVES
from alignsim.preferences import Structure, spread, structure
from alignsim.summary import Lines, Summarised, numbers, span
from alignsim.validation import FloatArray

INTERVAL = 0.95
"""Share of the resamples that an interval covers."""

ONSET_SAMPLE = 500
"""The most matrices of a population whose onset is computed."""

LISTED = 12
"""Populations up to this size are listed matrix by matrix."""

DEFAULTS = {
    "resamples": 200, "rng": 0, "recipe": "random-attribute", "temperature": 1.0,
    "smoothing": 0.0, "min_votes": 1,
}  # fmt: skip
"""What is chosen where nothing is given."""

Resample = Callable[[np.random.Generator], FloatArray]
Rows = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Settings:
    """What was asked: the loop (objective, α, λ, uniform reference and sampler) and how."""

    objective: str
    alpha: float
    lam: float
    beta_max: float
    resamples: int
    seed: int
    recipe: str
    temperature: float
    subsets: int | None
    rounding: str | None
    smoothing: float
    min_votes: int


@dataclass(frozen=True)
class MatrixSummary:
    """One preference matrix in words and numbers.

    ``onset_beta`` is the smallest β at which the fixed point loses stability, infinite if none up
    to β_max; ``onset_low`` and ``onset_high`` bound 95 % of the bootstrap, NaN without one.
    """

    name: str
    responses: int
    ties: int
    cyclic: bool
    condorcet_winner: str
    smith_set: tuple[str, ...]
    transitivity: str
    bradley_terry_residual: float
    onset_beta: float
    onset_low: float
    onset_high: float
    onset_note: str


@dataclass(frozen=True, repr=False)
class Inspection(Summarised):
    """What :func:`inspect` found; every table is a tuple of rows."""

    kind: str
    facts: Rows
    matrices: tuple[MatrixSummary, ...]
    population: Rows
    settings: Settings

    def _title(self) -> str:
        return f"Inspection of {self.kind}"

    def _summary(self) -> Lines:
        yield from self.facts
        yield "onset beta", numbers([matrix.onset_beta for matrix in self.matrices])


def inspect(
    data: Ratings | Comparisons | Matrices,
    *,
    objective: str = "ipo",
    alpha: float = 0.5,
    lam: float = 1.0,
    beta_max: float = 100.0,
    resamples: int | None = None,
    rng: int | None = None,
    recipe: str | None = None,
    temperature: float | None = None,
    subsets: int | None = None,
    rounding: str | None = None,
    smoothing: float | None = None,
    min_votes: int | None = None,
) -> Inspection:
    """Return what preference data hold, and from which β a loop on them oscillates.

    Parameters
    ----------
    data
        From :func:`alignsim.data.read`. Votes that leave pairs uncompared are inspected on
        the largest complete set of responses, which the facts name.
    objective, alpha, lam
        The loop; reference and offline sampler are uniform.
    beta_max
        How far β is searched.
    resamples
        Bootstrap resamples of the votes (within each pair) or of each prompt's raters, by default
        200; 0 for none. Of ratings and votes.
    rng
        Seed of the bootstrap and of the recipe, by default 0. Of ratings and votes.
    recipe, temperature, subsets, rounding
        How the ratings of a prompt become matrices: see :meth:`Ratings.matrices`. Of ratings.
    smoothing, min_votes
        How votes become a matrix: see :meth:`Comparisons.matrix`. Of ratings and votes.

    Raises
    ------
    ValueError
        For bad arguments, and for those that say nothing about ``data``.

    Examples
    --------
    >>> import alignsim as asim
    >>> votes = asim.data.Comparisons.from_names(
    ...     ["rock", "paper", "scissors"] * 4, ["scissors", "rock", "paper"] * 4, [1] * 9 + [0] * 3
    ... )
    >>> found = asim.reports.inspect(votes, resamples=0)
    >>> found.matrices[0].cyclic, round(found.matrices[0].onset_beta, 6)
    (True, 6.0)
    """
    validation.choice(objective, "objective", OBJECTIVES)
    of_ratings = {
        "recipe": recipe, "temperature": temperature, "subsets": subsets, "rounding": rounding,
    }  # fmt: skip
    of_votes = {
        "smoothing": smoothing, "min_votes": min_votes, "resamples": resamples, "rng": rng,
    }  # fmt: skip
    if isinstance(data, Matrices):
        _refuse_idle(of_ratings | of_votes, "matrices")
    elif isinstance(data, Comparisons):
        _refuse_idle(of_ratings, "votes")
    given = {name: value for name, value in (of_ratings | of_votes).items() if value is not None}
    own = {"temperature": data.temperature} if isinstance(data, Ratings) else {}
    chosen: dict[str, Any] = DEFAULTS | own | given
    refuse_idle(chosen["recipe"], temperature=temperature)
    settings = Settings(
        objective=objective,
        alpha=validation.number(alpha, "alpha", high=1.0),
        lam=validation.number(lam, "lam", high=1.0),
        beta_max=validation.number(beta_max, "beta_max", low=1e-6),
        resamples=validation.integer(chosen["resamples"], "resamples", minimum=0),
        seed=validation.integer(chosen["rng"], "rng", minimum=0),
        recipe=chosen["recipe"],
        temperature=chosen["temperature"],
        subsets=subsets,
        rounding=rounding,
        smoothing=validation.number(chosen["smoothing"], "smoothing"),
        min_votes=validation.integer(chosen["min_votes"], "min_votes", minimum=1),
    )
    return _inspect(data, settings)


def _refuse_idle(given: dict[str, Any], what: str) -> None:
    """Refuse arguments that say nothing about what the data hold."""
    for name, value in given.items():
        if value is not None:
            raise InputError(name, f"is {quote(value)}, but data holds {what}", "leave it out")


@singledispatch
def _inspect(data: object, settings: Settings) -> Inspection:  # noqa: ARG001
    raise ValueError(
        f"data is a {type(data).__name__}; give Ratings, Comparisons or Matrices, as "
        "alignsim.data.read returns them"
    )


@_inspect.register
def _(data: Comparisons, settings: Settings) -> Inspection:
    options: dict[str, Any] = {"smoothing": settings.smoothing, "min_votes": settings.min_votes}
    facts = [
        ("votes", f"{data.votes:,.10g}"),
        ("responses", f"{len(data.labels)}"),
        ("judges", _count(data.judges)),
        ("prompts", _count(data.prompts)),
        ("ties", _percent(float(data.count[data.share == 0.5].sum() / data.votes))),
    ]
    if data.skipped:
        facts.append(("blank votes skipped", f"{data.skipped:,}"))
    chosen, name = data, "all votes"
    try:
        P = data.matrix(**options)
    except MissingPairsError as missing:
        together = missing.complete
        if together is None:
            raise
        count = len(data.labels) * (len(data.labels) - 1) // 2
        thin = int((np.triu(data.wins + data.wins.T < settings.min_votes, 1)).sum())
        if len(together) < 2:
            most = int((data.wins + data.wins.T).max())
            raise InputError(
                "min_votes",
                f"is {settings.min_votes}, but no pair of responses has that many votes",
                ["pass ", Argument("min_votes", most), " at most"],
            ) from None
        chosen = data.restrict(together)
        P = chosen.matrix(**options)
        facts.append((f"pairs with under {settings.min_votes} votes", f"{thin:,} of {count:,}"))
        facts.append(("largest complete set", ", ".join(chosen.labels)))
        name = f"largest complete set ({len(chosen.labels)})"

    def resample(draw: np.random.Generator) -> FloatArray:
        return chosen.resample(draw, within_pairs=True).matrix(**options)

    summary = _summaries(P[None], (name,), (chosen.labels,), settings, resample)
    return Inspection("comparisons", tuple(facts), summary, (), settings)


@_inspect.register
def _(data: Ratings, settings: Settings) -> Inspection:
    facts: Rows = (
        ("prompts", f"{len(data.prompts):,}"),
        ("responses a prompt", span([len(labels) for labels in data.responses])),
        ("raters a prompt", span([len(r) for r in data.raters])),
        ("attributes", ", ".join(data.attributes)),
        ("scores", f"{sum(int(np.isfinite(s).sum()) for s in data.scores):,}"),
    )
    summaries: tuple[MatrixSummary, ...] = ()
    options: dict[str, Any] = {"smoothing": settings.smoothing, "min_votes": settings.min_votes}
    try:
        pooled = data.pooled(**options)
    except ValueError as error:
        reason, _, _ = str(error).partition("; ")  # what follows is for those who write Python
        facts = (*facts, ("pooled over prompts", f"no: {reason}"))
    else:
        labels = pooled.labels[0]

        def resample(draw: np.random.Generator) -> FloatArray:
            return data.resample(draw).pooled(responses=labels, **options).P

        votes = ("all prompts, every score a vote",)
        summaries = _summaries(pooled.P[None], votes, (labels,), settings, resample)
    drawn = settings.recipe == "random-attribute"
    stacks = data.matrices(
        settings.recipe, temperature=None if settings.recipe == "votes" else settings.temperature,
        subsets=settings.subsets, rounding=settings.rounding, rng=settings.seed if drawn else None,
    )  # fmt: skip
    population: Rows = ()
    for stack in stacks.values():
        population += _population(stack.P, settings)
    return Inspection("ratings", facts, summaries, population, settings)


@_inspect.register
def _(data: Matrices, settings: Settings) -> Inspection:
    K = data.responses
    P = data.P.reshape(-1, K, K)
    facts: Rows = (("matrices", f"{len(P):,}"), ("responses", f"{K}"))
    shown = P[: LISTED if len(P) <= LISTED else 0]
    names = data.names or tuple(f"matrix {i}" for i in range(len(shown)))
    labels = data.labels or tuple(tuple(map(str, range(K))) for _ in shown)
    summaries = _summaries(shown, names[: len(shown)], labels[: len(shown)], settings, None)
    population = _population(P, settings) if len(P) > LISTED else ()
    return Inspection("matrices", facts, summaries, population, settings)


def _summaries(
    P: FloatArray,
    names: tuple[str, ...],
    labels: tuple[tuple[str, ...], ...],
    settings: Settings,
    resample: Resample | None,
) -> tuple[MatrixSummary, ...]:
    if not len(P):
        return ()
    found = structure(P)
    onset = _onset(P, settings)
    low, high, note = np.nan, np.nan, ""
    if resample is not None and settings.resamples:
        low, high, note = _bootstrap(resample, settings)
    return tuple(
        MatrixSummary(
            name=names[m],
            responses=P.shape[-1],
            ties=int(found.ties[m]),
            cyclic=bool(found.cyclic[m]),
            condorcet_winner=labels[m][w] if (w := int(found.condorcet_winner[m])) >= 0 else "",
            smith_set=tuple(np.array(labels[m])[found.smith_set[m]].tolist()),
            transitivity=_transitivity(found, m),
            bradley_terry_residual=float(found.bradley_terry_residual[m]),
            onset_beta=float(onset[m]),
            onset_low=low,
            onset_high=high,
            onset_note=note,
        )
        for m in range(len(P))
    )


def _bootstrap(resample: Resample, settings: Settings) -> tuple[float, float, str]:
    """Return the bounds of the interval of the onset, NaN where there is none, and a note."""
    draw = np.random.default_rng(settings.seed)
    drawn = []
    for _ in range(settings.resamples):
        with contextlib.suppress(MissingPairsError):
            drawn.append(resample(draw))
    onset = _onset(np.stack(drawn), settings) if drawn else np.empty(0)
    known = np.sort(onset[~np.isnan(onset)])
    note = []
    if len(drawn) < settings.resamples:
        lost = settings.resamples - len(drawn)
        note.append(f"{lost:,} of {settings.resamples:,} resamples leave a pair without votes")
    if len(known) < len(drawn):
        note.append(f"not known in {_percent(1.0 - len(known) / len(drawn))} of resamples")
    if not len(known):
        return np.nan, np.nan, "; ".join(note)
    never = _percent(float(np.mean(np.isinf(known))))
    note.append(f"stable up to β = {settings.beta_max:g} in {never} of resamples")
    tail, last = 0.5 * (1.0 - INTERVAL), len(known) - 1
    low, high = known[int(np.floor(tail * last))], known[int(np.ceil((1.0 - tail) * last))]
    return float(low), float(high), "; ".join(note)


def _population(P: FloatArray, settings: Settings) -> Rows:
    """Return the shares of a population of matrices that have a property."""
    found = structure(P)
    sample = spread(P, ONSET_SAMPLE)
    onset = _onset(sample, settings)
    oscillating, unknown = np.isfinite(onset), np.isnan(onset)
    rows = [
        (f"matrices with K = {P.shape[-1]}", f"{len(P):,}"),
        ("cyclic", _percent(float(found.cyclic.mean()))),
        ("no Condorcet winner", _percent(float((found.condorcet_winner < 0).mean()))),
        ("with ties", _percent(float((found.ties > 0).mean()))),
        ("strongly transitive (ties allowed)", _percent(float(found.strongly_transitive.mean()))),
        (
            "strictly strongly transitive",
            _percent(float(found.strictly_strongly_transitive.mean())),
        ),
        (
            f"lose stability at some β ≤ {settings.beta_max:g}",
            f"{_percent(float(oscillating.mean()))} (of {len(sample):,} computed)",
        ),
    ]
    if unknown.any():
        rows.append(("… not known", _percent(float(unknown.mean()))))
    if oscillating.any():
        quartiles = np.quantile(onset[oscillating], [0.25, 0.5, 0.75])
        rows.append(("… at β (quartiles)", ", ".join(f"{q:.3g}" for q in quartiles)))
    return tuple(rows)


def _onset(P: FloatArray, settings: Settings) -> FloatArray:
    return critical_beta(
        P, objective=settings.objective, alpha=settings.alpha, lam=settings.lam,
        beta_max=settings.beta_max,
    )  # fmt: skip


def _transitivity(found: Structure, m: int) -> str:
    classes: dict[str, Any] = {
        "strict strong": found.strictly_strongly_transitive,
        "strong": found.strongly_transitive,
        "weak": found.weakly_transitive,
    }
    return next((name for name, holds in classes.items() if holds[m]), "none")


def _count(names: tuple[str, ...]) -> str:
    return "not named" if names == UNNAMED else f"{len(names):,}"


def _percent(share: float) -> str:
    return f"{100.0 * share:.3g} %"
