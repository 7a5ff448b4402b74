"""Shares of a population of matrices, from all of them or with the error of a sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alignsim.data import Comparisons, PromptPosterior, prompt_posterior
from alignsim.feedback.methods.mrs import MRS
from alignsim.feedback.naming import method_named
from alignsim.objectives import OBJECTIVES
from alignsim.objectives.samplers import Product
from alignsim.preferences import condorcet_winner, spread, structure
from alignsim.preferences.seeds import Seed, generator
from alignsim.reports.onsets import INTERVAL, draws_onset
from alignsim.validation import FloatArray

Rows = tuple[tuple[str, str], ...]
Loop = dict[str, Any]
"""Arguments of `critical_beta`."""

ONSET_WORK = 4_000_000
"""Entries of all matrices up to which every onset is computed, of linear scores some 25 s."""

HARDER = 40
"""By how much other scores take longer."""

SLOWER = 5
"""And methods other than MRS, whose multipliers are those of the symbol."""

Z = 1.959964
QUARTILES = (0.25, 0.5, 0.75)
INTERVAL_AND_MEDIAN = (INTERVAL[0], 0.5, INTERVAL[1])


def matrix_population(P: FloatArray, loop: Loop) -> Rows:
    """Return the shares of matrices (n, K, K) that have a property, and quartiles of the onset."""
    found = structure(P)
    alone = len(P) == 1
    sample = spread(P, onsets_computed(P.shape[-1], loop))
    onset = draws_onset(sample, **loop)
    oscillating, unknown = np.isfinite(onset), np.isnan(onset)
    rows = [
        (f"matrices with K = {P.shape[-1]}", f"{len(P):,}"),
        ("cyclic", _held(found.cyclic)),
        ("no Condorcet winner", _held(found.condorcet_winner < 0)),
        ("with ties", _held(found.ties > 0)),
        (
            "strongly transitive (ties allowed)",
            _held(found.strongly_transitive),
        ),
        (
            "strictly strongly transitive",
            _held(found.strictly_strongly_transitive),
        ),
        (
            f"lose stability at some β ≤ {loop['beta_max']:g}",
            _held(oscillating)
            if alone
            else sampled_share(int(oscillating.sum()), len(sample), len(P)),
        ),
    ]
    if unknown.any() and alone:
        rows[-1] = (rows[-1][0], "not known: no fixed point was found")
    elif unknown.any():
        rows.append(("… not known", sampled_share(int(unknown.sum()), len(sample), len(P))))
    if alone and oscillating.any():
        rows.append(("… at β", f"{onset[0]:.3g}"))
    elif oscillating.any():
        told = sampled_quartiles(onset[oscillating], complete=len(sample) == len(P))
        rows.append(("… at β (quartiles)", told))
    return tuple(rows)


def _held(holds: NDArray[np.bool_]) -> str:
    """Return of how many matrices something holds: a share, or yes or no of one."""
    if len(holds) == 1:
        return "yes" if holds[0] else "no"
    return share_in_percent(float(holds.mean()))


def vote_population(votes: Comparisons, loop: Loop, rng: Seed = 0) -> Rows:
    """Return what votes on many prompts say of the shares of them that oscillate."""
    found = prompt_posterior(votes, rng=rng)
    rows = [
        (f"{votes.by}s", f"{found.prompts:,}"),
        ("votes", f"{votes.votes:,.10g}"),
    ]
    if found.undetermined:
        return (*rows, ("cycles and onsets", f"not known: {found.undetermined}"))
    draws = len(found.tau)
    loses, none, unknown = np.zeros((3, draws))
    for P in found.P:
        K = P.shape[-1]
        none += (condorcet_winner(P, tolerance=0.0) < 0).sum(axis=1)
        if K > 2:
            onset = draws_onset(P.reshape(-1, K, K), **loop).reshape(draws, -1)
            loses += np.isfinite(onset).sum(axis=1)
            unknown += np.isnan(onset).sum(axis=1)
    draw = generator(rng)
    for name, tau in (
        ("spread around rankings (log-odds)", found.tau),
        ("… of strengths", found.scale),
    ):
        low, middle, high = np.quantile(tau, INTERVAL_AND_MEDIAN)
        rows.append((name, f"{middle:.2g} ({low:.2g} to {high:.2g})"))
    rows.append(("no Condorcet winner", _posterior_share(none, found, draw)))
    name = f"lose stability at some β ≤ {loop['beta_max']:g}"
    if (unknown == found.sampled).any():
        return (*rows, (name, "not known: no fixed point was found"))
    rows.append((name, _posterior_share(loses, found, draw)))
    if unknown.any():
        rows.append(("… not known", _posterior_share(unknown, found, draw)))
    return tuple(rows)


def _posterior_share(count: FloatArray, found: PromptPosterior, draw: np.random.Generator) -> str:
    """Return the median and 95 % of a share of prompts, of those counted in each draw (D,).

    Where the prompts are a sample, each draw's share also carries the error of that.
    """
    share = count / found.sampled
    rest = 1.0 - found.sampled / found.prompts
    error = np.sqrt(rest * share * (1.0 - share) / found.sampled)
    share = np.clip(share + error * draw.standard_normal(len(share)), 0.0, 1.0)
    low, middle, high = (100.0 * np.quantile(share, q) for q in INTERVAL_AND_MEDIAN)
    of = f", from {found.sampled:,} of {found.prompts:,} prompts" if rest else ""
    return f"{middle:.3g} % ({low:.3g} to {high:.3g} %{of})"


def onsets_computed(K: int, loop: Loop) -> int:
    """Return of how many matrices at most the onset is computed.

    >>> onsets_computed(4, {"objective": "ipo"}), onsets_computed(4, {"objective": "dpo"})
    (250000, 6250)
    """
    alike = loop.get("sampler", Product.name) == Product.name
    linear = alike and OBJECTIVES[loop["objective"]].facts.linear is not None
    method, _ = method_named(loop.get("method", MRS.name))
    work = K * K * (1 if linear else HARDER) * (1 if method == MRS else SLOWER)
    return max(ONSET_WORK // work, 1)


def sampled_share(count: int, of: int, population: int) -> str:
    """Return a share in percent, with a 95 % interval (Wilson's) if it is that of a sample.

    >>> sampled_share(9, 500, 123_410)
    '1.8 % (0.951 to 3.38 %, from 500 of 123,410)'
    >>> sampled_share(3345, 123_410, 123_410)
    '2.71 % (of all 123,410)'
    """
    share = count / of
    if of == population:
        return f"{share_in_percent(share)} (of all {population:,})"
    size = of * (population - 1) / (population - of)  # as if drawn with replacement
    middle = (share + Z**2 / (2 * size)) / (1 + Z**2 / size)
    half = Z / (1 + Z**2 / size) * np.sqrt(share * (1 - share) / size + Z**2 / (4 * size**2))
    bounds = f"{100 * max(middle - half, 0.0):.3g} to {100 * min(middle + half, 1.0):.3g} %"
    return f"{share_in_percent(share)} ({bounds}, from {of:,} of {population:,})"


def sampled_quartiles(values: FloatArray, *, complete: bool) -> str:
    """Return the quartiles, each with the 95 % interval of its order statistics for a sample.

    >>> sampled_quartiles(np.arange(1.0, 102.0), complete=True)
    '26, 51, 76'
    >>> sampled_quartiles(np.arange(1.0, 102.0), complete=False)
    '26 (17 to 35), 51 (41 to 61), 76 (67 to 85)'
    """
    from scipy.stats import binom  # it takes longer to import than all of alignsim

    told = []
    ordered = np.sort(values)
    for q in QUARTILES:
        text = f"{np.quantile(ordered, q):.3g}"
        if not complete:
            low, high = binom.ppf((0.025, 0.975), len(ordered), q).astype(int)
            ends = ordered[max(low - 1, 0)], ordered[min(high, len(ordered) - 1)]
            text += f" ({ends[0]:.3g} to {ends[1]:.3g})"
        told.append(text)
    return ", ".join(told)


def share_in_percent(share: float) -> str:
    """Return a share of things that were counted, in percent.

    >>> share_in_percent(0.027105)
    '2.71 %'
    """
    return f"{100.0 * share:.3g} %"
