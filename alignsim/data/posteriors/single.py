"""What votes say about the preferences behind them, noise and missing pairs carried along."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from alignsim import validation
from alignsim.data.comparisons import Comparisons
from alignsim.data.posteriors.board import Board, board
from alignsim.data.posteriors.drawing import fitted, pooled_draws, unpooled_draws
from alignsim.data.posteriors.fit_check import FitCheck, checked
from alignsim.data.posteriors.ordering import Order
from alignsim.errors import InputError, quote
from alignsim.preferences.seeds import Seed, generator
from alignsim.preferences.structure import condorcet_winner
from alignsim.preferences.thinning import spread
from alignsim.summary import Lines, Summarised
from alignsim.validation import FloatArray

DRAWS = ((10, 2000), (30, 1000), (200, 400), (np.inf, 100))
"""The largest number of responses, and how many draws it gets."""

NODES = 100
"""More than the grid of spreads has, each with a matrix of its own."""

FEW_JUDGES = 5
"""With fewer, a posterior describes these judges and no others."""


@dataclass(frozen=True, eq=False, repr=False)
class Posterior(Summarised):
    """Preference matrices drawn from what votes leave open: D draws among K responses.

    Attributes
    ----------
    labels
        Names of the K responses, in the order of ``P``.
    P
        (D, K, K), draws from the hierarchical model, in which log-odds scatter around a ranking.
    unpooled
        (D, K, K), draws in which each compared pair has its own votes only.
    tau
        (D,), draws of the standard deviation of log-odds around the ranking.
    overdispersion
        κ: the variance of the votes as a multiple of independent ones without ties.
    fit
        How well a ranking alone (Bradley-Terry) fits: see :class:`FitCheck`.
    votes
        How many votes there are among the K responses.
    judges
        How many judges, 0 if they are not named.
    left_out
        Labels that no chain of comparisons connects with the others.
    undetermined
        Why the votes say nothing of cycles, whatever the draws; empty if they do.
    order
        (K,), an order of the responses that does not depend on their names: what is computed from
        ``P[:, order][:, :, order]`` does not either, to the last bit.
    """

    _batch: ClassVar[str] = "tau"

    labels: tuple[str, ...]
    P: FloatArray
    unpooled: FloatArray
    tau: FloatArray
    overdispersion: float
    fit: FitCheck
    votes: float
    judges: int
    left_out: tuple[str, ...]
    undetermined: str
    order: Order

    def _title(self) -> str:
        return f"Posterior of {len(self.labels):,} responses from {self.votes:,.10g} votes"

    def _summary(self) -> Lines:
        yield "draws", f"{len(self.P):,}"
        best = int(self.winner.argmax())
        unpooled = f"unpooled {self.no_winner_unpooled:.3g}"
        yield "no Condorcet winner", f"{self.no_winner:.3g} ({unpooled})"
        yield "likeliest winner", f"{self.labels[best]} ({self.winner[best]:.3g})"
        low, middle, high = np.quantile(self.tau, (0.025, 0.5, 0.975))
        yield "tau", f"{middle:.3g} ({low:.3g} to {high:.3g})"
        yield "overdispersion", f"{self.overdispersion:.3g}"
        yield "Bradley-Terry fits", f"p = {self.fit.p_value:.3g}"
        yield "left out", ", ".join(self.left_out[:12])
        yield "undetermined", self.undetermined

    @cached_property
    def _winners(self) -> Order:
        return condorcet_winner(self.P, tolerance=0.0)

    @cached_property
    def winner(self) -> FloatArray:
        """Probability that each response is the Condorcet winner, (K,)."""
        found = self._winners
        return np.bincount(found[found >= 0], minlength=len(self.labels)) / len(self.P)

    @cached_property
    def no_winner(self) -> float:
        """Probability that no response beats all others: a cycle at the top."""
        return float((self._winners < 0).mean())

    @cached_property
    def no_winner_unpooled(self) -> float:
        """Share of the unpooled draws without a Condorcet winner."""
        return float((condorcet_winner(self.unpooled, tolerance=0.0) < 0).mean())

    def draws(self, most: int) -> FloatArray:
        """Return up to ``most`` draws of either kind, pooled and unpooled: (2, n, K, K).

        >>> import alignsim as asim
        >>> game = ["rock", "paper", "scissors"]
        >>> votes = asim.data.Comparisons.from_names(
        ...     game * 4, ["scissors", "rock", "paper"] * 4, [1] * 9 + [0] * 3
        ... )
        >>> asim.data.posterior(votes, draws=400).draws(100).shape
        (2, 100, 3, 3)
        """
        return np.stack([spread(self.P, most), spread(self.unpooled, most)])


def posterior(votes: Comparisons, *, draws: int | None = None, rng: Seed = 0) -> Posterior:
    """Return what votes say about the preferences behind them: draws of P (D, K, K).

    The log-odds of a pair are r_i − r_j + e_ij. Strengths r are normal, and so is the scatter e,
    but for a few pairs that may lie far from any ranking; the votes decide how wide both are. A tie
    is half a vote to each. Pairs that were never compared need no votes: the others tell how far
    a ranking can be trusted. Judges and prompts that agree among themselves make votes count less.

    All votes count as one problem, whatever ``votes.by`` says: see :func:`prompt_posterior` for
    several. Of a board in parts that no comparison connects the largest is taken. Neither names
    nor the order of rows change a digit.

    Parameters
    ----------
    votes
        From :func:`alignsim.data.read` or :meth:`Comparisons.from_names`.
    draws
        D, at least 2; by default 2,000 of up to 10 responses, 1,000 of up to 30, 400 of up to
        200, 100 of more.
    rng
        None, a seed or a ``numpy.random.Generator``.

    Raises
    ------
    InputError
        If ``votes`` are no votes, or the draws take too much memory.

    Examples
    --------
    Twelve votes go round, which may be chance:

    >>> import alignsim as asim
    >>> game = ["rock", "paper", "scissors"]
    >>> votes = asim.data.Comparisons.from_names(
    ...     game * 4, ["scissors", "rock", "paper"] * 4, [1] * 9 + [0] * 3
    ... )
    >>> found = asim.data.posterior(votes)
    >>> bool(0.1 < found.no_winner < 0.25), found.labels, found.P.shape
    (True, ('paper', 'rock', 'scissors'), (2000, 3, 3))
    """
    if not isinstance(votes, Comparisons):
        told = f"is a {type(votes).__name__}"
        raise InputError("votes", told, "give Comparisons, as alignsim.data.read returns them")
    draw = generator(rng)
    found = board(votes)
    K = len(found.labels)
    usual = next(count for most, count in DRAWS if most >= K)
    count = usual if draws is None else validation.integer(draws, "draws", minimum=2)
    what = f"is {quote(count)}, and as many matrices of {K:,} responses"
    validation.affordable(8.0 * max(count, NODES) * K * K, "draws", what)
    pairs = found.scaled
    pool = pooled_draws(pairs, fitted(pairs), count, draw)
    apart = unpooled_draws(pairs, count, draw)
    fit = checked(found.pairs, found.overdispersion, draw)
    back = np.argsort(found.order)
    return Posterior(
        labels=found.labels,
        P=pool.P[:, back][:, :, back],
        unpooled=apart[:, back][:, :, back],
        tau=pool.tau,
        overdispersion=found.overdispersion,
        fit=fit,
        votes=float(found.pairs.votes.sum()),
        judges=found.judges,
        left_out=found.left_out,
        undetermined=_undetermined(found),
        order=found.order,
    )


def _undetermined(found: Board) -> str:
    """Return why a board says nothing of cycles."""
    if len(found.labels) < 3:
        return "a cycle needs three responses"
    if found.pairs.votes.max() < 2.0:
        return "no pair of responses has two votes"
    if len(found.pairs.votes) < len(found.labels):
        return "the pairs that were compared do not close a circle"
    return ""
