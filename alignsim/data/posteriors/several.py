"""What votes on many prompts say together: preferences that scatter alike around their rankings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alignsim import validation
from alignsim.data.comparisons import Comparisons
from alignsim.data.posteriors.drawing import log_odds, matrices
from alignsim.data.posteriors.narrowing import Plane, narrowed
from alignsim.data.posteriors.pairs import Pairs
from alignsim.data.posteriors.sampling import POINTS, Sampler, Weighted, divided
from alignsim.data.posteriors.spreads import Index
from alignsim.data.posteriors.stacks import (
    INFORMATIVE,
    chosen,
    information,
    overdispersion,
    placed,
    stacked,
)
from alignsim.errors import InputError, quote
from alignsim.preferences.logistic import sigmoid
from alignsim.preferences.seeds import Seed, generator
from alignsim.summary import Lines, Summarised
from alignsim.validation import FloatArray

DRAWS = 120

WORK = 3_300_000
"""Points times pairs of all prompts that are computed on; of more prompts a sample is."""

ROUGH = 200
"""Prompts that tell where the spreads lie."""


@dataclass(frozen=True, eq=False, repr=False)
class PromptPosterior(Summarised):
    """Preference matrices of many prompts, drawn from what their votes leave open: D draws.

    Attributes
    ----------
    P
        For each number of responses K that occurs, (D, B, K, K): D draws for each of B prompts.
        Of very many prompts these are a sample, spread evenly over all.
    tau, scale
        (D,), draws of the standard deviation of log-odds around the rankings, and of strengths.
    prompts
        How many prompts there are.
    overdispersion
        κ: the variance of the votes as a multiple of independent ones without ties.
    information
        How much the votes say of ``tau``; below 25 too little to speak of cycles.
    undetermined
        Why the votes say nothing of cycles; empty if they do. Then ``P`` is, too.
    """

    _batch: ClassVar[str] = "tau"

    P: tuple[FloatArray, ...]
    tau: FloatArray
    scale: FloatArray
    prompts: int
    overdispersion: float
    information: float
    undetermined: str

    @property
    def sampled(self) -> int:
        """Of how many prompts matrices were drawn."""
        return sum(part.shape[1] for part in self.P)

    def _title(self) -> str:
        return f"Posterior of {self.prompts:,} prompts"

    def _summary(self) -> Lines:
        yield "drawn for", f"{self.sampled:,} prompts, {len(self.tau):,} times"
        for name in ("tau", "scale"):
            if len(self.tau):
                low, middle, high = np.quantile(getattr(self, name), (0.025, 0.5, 0.975))
                yield name, f"{middle:.3g} ({low:.3g} to {high:.3g})"
        yield "overdispersion", f"{self.overdispersion:.3g}"
        yield "information", f"{self.information:.3g}"
        yield "undetermined", self.undetermined


def prompt_posterior(votes: Comparisons, *, draws: int = DRAWS, rng: Seed = 0) -> PromptPosterior:
    """Return what votes say about the preferences on each of many prompts.

    Every prompt, or judge, as ``votes.by`` says, is a problem with a ranking of its own. The
    scatter of log-odds around the rankings is common to all. If a part of the prompts differs in
    kind, shares of oscillating ones at small β come out too low.

    Parameters
    ----------
    votes
        From :func:`alignsim.data.read` or :meth:`Comparisons.from_names`.
    draws
        D, at least 2.
    rng
        None, a seed or a ``numpy.random.Generator``.

    Raises
    ------
    InputError
        If ``votes`` are no votes or one problem.

    Examples
    --------
    Four votes on each of three pairs are too few to tell:

    >>> import alignsim as asim
    >>> game, lost = ["rock", "paper", "scissors"] * 4, ["scissors", "rock", "paper"] * 4
    >>> votes = asim.data.Comparisons.from_names(
    ...     game * 2, lost * 2, [1] * 12 + [0] * 12, prompts=["hands"] * 12 + ["feet"] * 12
    ... )
    >>> asim.data.prompt_posterior(votes).undetermined
    'too few votes for 2 prompts: about 105 prompts with as many votes each are needed'
    """
    if not isinstance(votes, Comparisons):
        told = f"is a {type(votes).__name__}"
        raise InputError("votes", told, "give Comparisons, as alignsim.data.read returns them")
    if not votes.by:
        raise InputError("votes", "are one problem", "use posterior(votes)")
    draw = generator(rng)
    count = validation.integer(draws, "draws", minimum=2)
    places = placed(votes)
    stacks = stacked(votes, places)
    spread = overdispersion(votes, places, stacks)
    known = information(stacks, spread)
    prompts = len(places.sizes)
    reason = _undetermined(known, prompts, votes.by)
    P: tuple[FloatArray, ...] = ()
    tau = scale = np.empty(0)
    if not reason:
        pairs_a_prompt = np.mean(np.concatenate([[len(s.i)] * len(s.votes) for s in stacks]))
        most = max(int(WORK / (POINTS * pairs_a_prompt)), 1)
        some = divided(chosen(stacks, most), spread)
        what = f"is {quote(count)}, and as many matrices of all prompts"
        size = sum(8.0 * len(part.votes) * part.responses**2 for part in some)
        validation.affordable(count * size, "draws", what)
        P, tau, scale = _drawn(some, count, draw)
    return PromptPosterior(P, tau, scale, prompts, spread, known, reason)


def _drawn(
    stacks: list[Pairs], count: int, draw: np.random.Generator
) -> tuple[tuple[FloatArray, ...], FloatArray, FloatArray]:
    """Return P for each stack (D, B, K, K), and the spreads τ and s (D,)."""
    sampler = Sampler(stacks)
    _, bounds = narrowed(Sampler(chosen(stacks, ROUGH)).evidence)
    plane, _ = narrowed(sampler.evidence, bounds)
    row, column = plane.draws(count, draw)
    tau, scale = plane.tau[row], plane.scale[column]
    theta = [np.empty((count, *pairs.votes.shape)) for pairs in stacks]
    for which, each in _visited(sampler, plane, row, column):
        for n, (pairs, points) in enumerate(zip(stacks, each, strict=True)):
            for d in which.tolist():
                delta = pairs.gaps(points.pick(draw.random(len(pairs.votes))))
                theta[n][d] = log_odds(
                    pairs.wins.ravel(), pairs.votes.ravel(), delta.reshape(1, -1), tau[d : d + 1],
                    0.0, draw,
                ).reshape(delta.shape)  # fmt: skip
    P = tuple(
        matrices(sigmoid(each.reshape(-1, each.shape[-1])), pairs.responses).reshape(
            count, -1, pairs.responses, pairs.responses
        )
        for each, pairs in zip(theta, stacks, strict=True)
    )
    return P, tau, scale


def _visited(
    sampler: Sampler, plane: Plane, row: Index, column: Index
) -> Iterator[tuple[Index, list[Weighted]]]:
    """Yield which draws have the same spreads, and the weighted points of the stacks there."""
    for own in np.unique(row):
        scales = np.unique(column[row == own])
        along = sampler.along(float(plane.tau[own]), plane.scale[scales])
        for place, weighted in zip(scales, along, strict=True):
            yield np.flatnonzero((row == own) & (column == place)), weighted


def _undetermined(known: float, prompts: int, by: str) -> str:
    """Return why votes on prompts say nothing of cycles."""
    if known >= INFORMATIVE:
        return ""
    if known == 0.0:
        return f"no {by} has votes that close a circle of pairs with two votes each"
    needed = int(np.ceil(prompts * INFORMATIVE / known))
    few = f"too few votes for {prompts:,} {by}s"
    return f"{few}: about {needed:,} {by}s with as many votes each are needed"
