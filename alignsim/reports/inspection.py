"""What preference data hold, and at which β a loop on them starts to oscillate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np

from alignsim import validation
from alignsim.analysis.bifurcations.first_loss import ALPHA, critical_beta, free_scheme
from alignsim.data import Comparisons, Matrices, Ratings
from alignsim.data.comparisons import UNNAMED
from alignsim.data.rating_votes import rating_votes
from alignsim.data.scores import refuse_idle
from alignsim.errors import InputError, MissingPairsError, Words, quote, words
from alignsim.feedback.arguments import configured
from alignsim.feedback.methods.mrs import MRS
from alignsim.objectives import OBJECTIVES
from alignsim.objectives.samplers import SAMPLERS
from alignsim.preferences import Structure, structure
from alignsim.reports.populations import (
    Loop,
    Rows,
    matrix_population,
    share_in_percent,
    vote_population,
)
from alignsim.reports.votes import VoteSummary, vote_summary
from alignsim.summary import Lines, Summarised, numbers, span
from alignsim.validation import FloatArray

LISTED = 12
"""Populations up to this size are listed one by one."""

DEFAULTS = {
    "rng": 0, "recipe": "random-attribute", "temperature": 1.0, "smoothing": 0.0, "min_votes": 1,
}  # fmt: skip
"""What is chosen where nothing is given."""


@dataclass(frozen=True)
class Settings:
    """What was asked: the loop (its reference and offline policy are uniform) and how."""

    objective: str
    sampler: str
    method: str
    parameters: dict[str, float]
    lam: float
    beta_max: float
    seed: int
    recipe: str
    temperature: float
    subsets: int | None
    rounding: str | None
    exact: bool
    smoothing: float
    min_votes: int

    @property
    def loop(self) -> Loop:
        """The loop, as arguments of `critical_beta`."""
        return {
            "objective": self.objective, "sampler": self.sampler, "method": self.method,
            **self.parameters, "lam": self.lam, "beta_max": self.beta_max,
        }  # fmt: skip


@dataclass(frozen=True)
class MatrixSummary:
    """One preference matrix, taken as exact, in words and numbers.

    ``onset_beta`` is the smallest β at which the fixed point loses stability, infinite if none up
    to β_max, NaN if no fixed point was found.
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


@dataclass(frozen=True, repr=False)
class Inspection(Summarised):
    """What :func:`inspect` found.

    ``votes`` has what votes say of each problem, ``matrices`` what holds of each matrix;
    ``population`` is about all of them, ``facts`` about the data. Tables are tuples of rows.
    """

    kind: str
    facts: Rows
    votes: tuple[VoteSummary, ...]
    matrices: tuple[MatrixSummary, ...]
    population: Rows
    settings: Settings

    def _title(self) -> str:
        return f"Inspection of {self.kind}"

    def _summary(self) -> Lines:
        yield from self.facts
        for problem in self.votes[:1]:
            yield from problem.rows()
        yield "onset beta", numbers([matrix.onset_beta for matrix in self.matrices])
        yield from self.population


def inspect(
    data: Ratings | Comparisons | Matrices,
    *,
    objective: str = "ipo",
    sampler: str = "product",
    method: str | None = None,
    alpha: float | None = None,
    lam: float = 1.0,
    beta_max: float = 100.0,
    rng: int | None = None,
    recipe: str | None = None,
    temperature: float | None = None,
    subsets: int | None = None,
    rounding: str | None = None,
    exact: bool = False,
    smoothing: float | None = None,
    min_votes: int | None = None,
    **parameters: float,
) -> Inspection:
    """Return what preference data hold, and from which β a loop on them oscillates.

    Votes are a sample: what they say comes with probabilities, see
    :func:`alignsim.data.posterior`, and of several problems, one a prompt, also about all of them,
    see :func:`alignsim.data.prompt_posterior`. Ratings become a matrix a prompt; if responses
    recur between prompts, every score is a vote as well.

    Parameters
    ----------
    data
        From :func:`alignsim.data.read`.
    objective, sampler, method, lam
        The loop; reference and offline policy are uniform.
    alpha, parameters
        Those of the method, by default MRS, and those of the objective and the sampler. Where no
        method is named α is by default ½.
    beta_max
        How far β is searched.
    rng
        Seed of the draws and of the recipe, by default 0. Of ratings and votes.
    recipe, temperature, subsets, rounding
        How the ratings of a prompt become matrices: see
        :meth:`alignsim.data.Ratings.matrices`. Of ratings.
    exact
        Take the shares of wins for the preferences themselves, without error. Of ratings and votes.
    smoothing, min_votes
        How votes then become a matrix: see :meth:`alignsim.data.Comparisons.matrix`. Of
        exact shares.

    Raises
    ------
    ValueError
        For bad arguments, and for those that say nothing about ``data``.

    Examples
    --------
    >>> import alignsim as asim
    >>> game = ["rock", "paper", "scissors"]
    >>> votes = asim.data.Comparisons.from_names(
    ...     game * 4, ["scissors", "rock", "paper"] * 4, [1] * 9 + [0] * 3
    ... )
    >>> asim.reports.inspect(votes).votes[0].verdict
    'these votes cannot tell whether there is a cycle at the top (18 %)'
    >>> round(asim.reports.inspect(votes, exact=True).matrices[0].onset_beta, 6)
    6.0
    """
    validation.choice(objective, "objective", OBJECTIVES)
    validation.choice(sampler, "sampler", SAMPLERS)
    exact = validation.boolean(exact, "exact")
    of_ratings = {
        "recipe": recipe, "temperature": temperature, "subsets": subsets, "rounding": rounding,
    }  # fmt: skip
    of_votes = {"smoothing": smoothing, "min_votes": min_votes, "rng": rng}
    if isinstance(data, Matrices):
        idle = of_ratings | of_votes | {"exact": exact or None}
        _refuse_idle(idle, "data holds matrices")
    elif isinstance(data, Comparisons):
        _refuse_idle(of_ratings, "data holds votes")
    if not exact:
        of_shares = {"smoothing": smoothing, "min_votes": min_votes}
        _refuse_idle(of_shares, words("shares are not taken as exact, without {exact=...}"))
    given = {name: value for name, value in (of_ratings | of_votes).items() if value is not None}
    own = {"temperature": data.temperature} if isinstance(data, Ratings) else {}
    chosen: dict[str, Any] = DEFAULTS | own | given
    refuse_idle(chosen["recipe"], temperature=temperature)
    settings = Settings(
        objective=objective,
        sampler=sampler,
        method=method or MRS.name,
        parameters=_of_loop(objective, sampler, method, {"alpha": alpha, **parameters}),
        lam=validation.number(lam, "lam", high=1.0),
        beta_max=validation.number(beta_max, "beta_max", low=1e-6),
        seed=validation.integer(chosen["rng"], "rng", minimum=0),
        recipe=chosen["recipe"],
        temperature=chosen["temperature"],
        subsets=subsets,
        rounding=rounding,
        exact=exact,
        smoothing=validation.number(chosen["smoothing"], "smoothing"),
        min_votes=validation.integer(chosen["min_votes"], "min_votes", minimum=1),
    )
    return _inspect(data, settings)


def _of_loop(
    objective: str, sampler: str, method: str | None, given: dict[str, float | None]
) -> dict[str, float]:
    """Return the parameters that are given, checked; without a method an α in any case."""
    free_scheme(method or MRS.name, configured(objective, sampler, given)[2])
    chosen = {"alpha": ALPHA} if method is None else {}
    return chosen | {
        name: validation.number(value, name, low=-np.inf)
        for name, value in given.items()
        if value is not None
    }


def _refuse_idle(given: dict[str, Any], because: Words) -> None:
    """Refuse arguments that say nothing."""
    reason = [because] if isinstance(because, str) else because
    for name, value in given.items():
        if value is not None:
            raise InputError(name, [f"is {quote(value)}, but ", *reason], "leave it out")


@singledispatch
def _inspect(data: object, settings: Settings) -> Inspection:  # noqa: ARG001
    raise ValueError(
        f"data is a {type(data).__name__}; give Ratings, Comparisons or Matrices, as "
        "alignsim.data.read returns them"
    )


@_inspect.register
def _(data: Comparisons, settings: Settings) -> Inspection:
    facts = [
        ("votes", f"{data.votes:,.10g}"),
        ("responses", f"{len(data.labels):,}"),
        ("judges", _count(data.judges)),
        ("prompts", _count(data.prompts)),
        ("ties", share_in_percent(float(data.count[data.share == 0.5].sum() / data.votes))),
    ]
    if data.skipped:
        facts.append(("blank votes skipped", f"{data.skipped:,}"))
    votes: tuple[VoteSummary, ...] = ()
    matrices: tuple[MatrixSummary, ...] = ()
    count = len(np.unique(getattr(data, data.by))) if data.by else 1
    few = count <= LISTED
    problems = data.split() if few or settings.exact else {}
    problems = {name or "all votes": part for name, part in problems.items()}
    listed = problems if few else {}
    population: Rows = ()
    if settings.exact:
        how: dict[str, Any] = {"smoothing": settings.smoothing, "min_votes": settings.min_votes}
        complete, left_out = _complete(problems, how)
        facts += left_out
        if few:
            matrices = tuple(
                _summaries(P[None], (name,), (problems[name].labels,), settings)[0]
                for name, P in complete.items()
            )
        else:
            population = _stacks(list(complete.values()), settings)
    else:
        votes = tuple(
            vote_summary(part, name, rng=settings.seed, **settings.loop)
            for name, part in listed.items()
        )
        if count > 1:
            population = vote_population(data, settings.loop, rng=settings.seed)
    return Inspection("comparisons", tuple(facts), votes, matrices, population, settings)


@_inspect.register
def _(data: Ratings, settings: Settings) -> Inspection:
    facts: Rows = (
        ("prompts", f"{len(data.prompts):,}"),
        ("responses a prompt", span([len(labels) for labels in data.responses])),
        ("raters a prompt", span([len(r) for r in data.raters])),
        ("attributes", ", ".join(data.attributes)),
        ("scores", f"{sum(int(np.isfinite(s).sum()) for s in data.scores):,}"),
    )
    votes: tuple[VoteSummary, ...] = ()
    matrices: tuple[MatrixSummary, ...] = ()
    name = "all prompts, every score a vote"
    try:
        if settings.exact:
            pooled = data.pooled(smoothing=settings.smoothing, min_votes=settings.min_votes)
            matrices = _summaries(pooled.P[None], (name,), pooled.labels, settings)
        else:
            pool = rating_votes(data)
            votes = (vote_summary(pool, name, rng=settings.seed, **settings.loop),)
    except ValueError as error:
        reason, _, _ = str(error).partition("; ")  # what follows is for those who write Python
        facts = (*facts, ("pooled over prompts", f"no: {reason}"))
    drawn = settings.recipe == "random-attribute"
    stacks = data.matrices(
        settings.recipe, temperature=None if settings.recipe == "votes" else settings.temperature,
        subsets=settings.subsets, rounding=settings.rounding, rng=settings.seed if drawn else None,
    )  # fmt: skip
    population: Rows = ()
    for stack in stacks.values():
        population += matrix_population(stack.P, settings.loop)
    return Inspection("ratings", facts, votes, matrices, population, settings)


@_inspect.register
def _(data: Matrices, settings: Settings) -> Inspection:
    K = data.responses
    P = data.P.reshape(-1, K, K)
    facts: Rows = (("matrices", f"{len(P):,}"), ("responses", f"{K}"))
    shown = P[: LISTED if len(P) <= LISTED else 0]
    names = data.names or tuple(f"matrix {i}" for i in range(len(shown)))
    labels = data.labels or (tuple(f"response {k}" for k in range(K)),) * len(shown)
    matrices = _summaries(shown, names[: len(shown)], labels[: len(shown)], settings)
    population = matrix_population(P, settings.loop) if len(P) > LISTED else ()
    return Inspection("matrices", facts, (), matrices, population, settings)


def _summaries(
    P: FloatArray, names: Sequence[str], labels: Sequence[tuple[str, ...]], settings: Settings
) -> tuple[MatrixSummary, ...]:
    if not len(P):
        return ()
    found = structure(P)
    onset = critical_beta(P, **settings.loop)
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
        )
        for m in range(len(P))
    )


def _complete(
    problems: dict[str, Comparisons], how: dict[str, Any]
) -> tuple[dict[str, FloatArray], Rows]:
    """Return the matrices of problems in which every two responses met, and how many are not.

    Raises
    ------
    MissingPairsError
        If there is none; it is about the first.
    """
    found: dict[str, FloatArray] = {}
    missing: dict[str, MissingPairsError] = {}
    for name, part in problems.items():
        try:
            found[name] = part.matrix(**how)
        except MissingPairsError as error:
            missing[name] = error
    if not missing:
        return found, ()
    first, why = next(iter(missing.items()))
    if not found:
        raise why
    told = f"{len(missing):,} of {len(problems):,}: pairs without enough votes, first in {first}"
    return found, (("incomplete, left out", told),)


def _stacks(matrices: list[FloatArray], settings: Settings) -> Rows:
    """Return the rows on matrices of each size."""
    rows: Rows = ()
    for K in sorted({len(P) for P in matrices}):
        rows += matrix_population(np.stack([P for P in matrices if len(P) == K]), settings.loop)
    return rows


def _transitivity(found: Structure, m: int) -> str:
    classes: dict[str, Any] = {
        "strict strong": found.strictly_strongly_transitive,
        "strong": found.strongly_transitive,
        "weak": found.weakly_transitive,
    }
    return next((name for name, holds in classes.items() if holds[m]), "none")


def _count(names: tuple[str, ...]) -> str:
    return "not named" if names == UNNAMED else f"{len(names):,}"
