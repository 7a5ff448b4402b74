"""What votes say of cycles and winners, in no more than they can bear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from alignsim.data import Comparisons, FitCheck, Posterior, posterior
from alignsim.data.posteriors.single import FEW_JUDGES
from alignsim.errors import listed
from alignsim.preferences.seeds import Seed
from alignsim.reports.onsets import INTERVAL, OnsetRange, chance, onset_range

SURE, LIKELY = 0.95, 0.8
"""Probabilities of a cycle at the top from which it is called one, or probably one."""

RARE, RARE_UNPOOLED = 0.05, 0.2
"""Below these, with and without pooling, there is called none."""

LEADING, LEAST_LEADING = 5, 0.005
"""The most winners that are named, and how probable they must be."""

DOUBTFUL = 0.05
"""A p-value below it: the votes do not fit."""


@dataclass(frozen=True)
class VoteSummary:
    """What the votes of one problem say; shares are of draws from their posterior.

    Attributes
    ----------
    name, responses, votes
        Of which problem, the number of responses, and of votes among them.
    verdict
        Whether there is a cycle at the top, in a sentence.
    no_winner, no_winner_unpooled
        Probability that no response beats all others, with and without pooling.
    winners
        The likeliest Condorcet winners with their probabilities, at most five.
    draws
        From how many draws the probabilities come.
    fit
        Whether a ranking alone, Bradley-Terry, explains the votes.
    tau
        Standard deviation of log-odds around the ranking: 2.5 %, 50 % and 97.5 % quantiles.
    overdispersion
        By what the variance of votes exceeds that of independent ones without ties.
    onset
        Where the loop starts to oscillate; None where the votes say nothing of it.
    notes
        What else to know.
    """

    name: str
    responses: int
    votes: float
    verdict: str
    no_winner: float
    no_winner_unpooled: float
    winners: tuple[tuple[str, float], ...]
    draws: int
    fit: FitCheck
    tau: tuple[float, float, float]
    overdispersion: float
    onset: OnsetRange | None
    notes: tuple[str, ...]

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Return names and what there is to say of them."""
        told = [f"{label} {chance(share, self.draws)}" for label, share in self.winners]
        if self.onset is not None:
            told.append(f"none {chance(self.no_winner, self.draws)}")
        low, middle, high = self.tau
        onset = [] if self.onset is None else [("oscillates, 95 % interval", str(self.onset))]
        if self.onset is not None and np.isfinite(self.onset.median):
            onset.append(("its median", f"β = {self.onset.median:.3g}"))
        return (
            ("responses (K)", f"{self.responses}"),
            ("votes", f"{self.votes:,.10g}"),
            ("cycle", self.verdict),
            ("Condorcet winner", ", ".join(told)),
            ("one ranking", fit_in_words(self.fit)),
            ("spread around it (log-odds)", f"{middle:.2g} ({low:.2g} to {high:.2g})"),
            *onset,
            *(("note", note) for note in self.notes),
        )


def vote_summary(
    votes: Comparisons, name: str, *, beta_max: float, rng: Seed = 0, **loop: Any
) -> VoteSummary:
    """Return what the votes of one problem say of cycles, winners and the onset."""
    found = posterior(votes, rng=rng)
    judged = not found.undetermined
    order = (-found.winner).argsort(kind="stable")[:LEADING]
    low, middle, high = np.quantile(found.tau, (INTERVAL[0], 0.5, INTERVAL[1]))
    return VoteSummary(
        name=name,
        responses=len(found.labels),
        votes=found.votes,
        verdict=verdict(found),
        no_winner=found.no_winner,
        no_winner_unpooled=found.no_winner_unpooled,
        winners=tuple(
            (found.labels[i], float(found.winner[i]))
            for i in order.tolist()
            if found.winner[i] >= LEAST_LEADING
        ),
        draws=len(found.P),
        fit=found.fit,
        tau=(float(low), float(middle), float(high)),
        overdispersion=found.overdispersion,
        onset=onset_range(found, beta_max=beta_max, **loop) if judged else None,
        notes=tuple(_notes(found)),
    )


def verdict(found: Posterior) -> str:
    """Return whether there is a cycle at the top, with its probability."""
    if found.undetermined:
        return f"these votes say nothing of cycles: {found.undetermined}"
    cycle, draws = found.no_winner, len(found.P)
    told = chance(cycle, draws)
    if cycle >= SURE:
        return f"a cycle at the top ({told})"
    if cycle >= LIKELY:
        return f"probably a cycle at the top ({told})"
    undecided = "these votes cannot tell whether there is a cycle at the top"
    if cycle >= RARE:
        return f"{undecided} ({told})"
    if found.no_winner_unpooled >= RARE_UNPOOLED:
        alone = chance(found.no_winner_unpooled, draws)
        ranked = f"it is unlikely ({told}) if they scatter around one ranking"
        return f"{undecided}: {ranked}, but not ({alone}) if every pair stands alone"
    best = int(found.winner.argmax())
    named = f"{found.labels[best]} ({chance(float(found.winner[best]), draws)})"
    return f"no cycle at the top; Condorcet winner {named}"


def fit_in_words(fit: FitCheck) -> str:
    """Return whether Bradley-Terry fits, and what becomes of the cyclic triads.

    >>> fit_in_words(FitCheck(3.1, 0.42, 17, 7, 28))
    'Bradley-Terry fits (p = 0.42); 17 cyclic triads, 7 to 28 expected from noise alone'
    """
    fits = "does not fit" if fit.p_value < DOUBTFUL else "fits"
    if not fit.expected_high and not fit.cyclic_triads:
        return f"Bradley-Terry {fits} (p = {fit.p_value:.2g}); no cyclic triad, and none expected"
    triads = f"{fit.cyclic_triads:,} cyclic {'triad' if fit.cyclic_triads == 1 else 'triads'}"
    bounds = f"{fit.expected_low:,} to {fit.expected_high:,}"
    expected = f"{bounds} expected from noise alone"
    return f"Bradley-Terry {fits} (p = {fit.p_value:.2g}); {triads}, {expected}"


def _notes(found: Posterior) -> list[str]:
    notes = []
    if found.left_out:
        notes.append(f"no comparison connects these with the others: {listed(found.left_out)}")
    if 0 < found.judges < FEW_JUDGES:
        judges = "1 judge" if found.judges == 1 else f"{found.judges} judges"
        notes.append(f"only {judges} voted: the findings describe no others")
    if found.overdispersion > 1.0 and f"{found.overdispersion:.2g}" != "1":
        what = f"{found.overdispersion:.2g} of these votes weigh as much as one independent vote"
        notes.append(what)
    return notes
