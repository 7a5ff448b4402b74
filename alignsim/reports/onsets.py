"""From which β a loop oscillates, on preferences that votes leave open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from alignsim.analysis.bifurcations.first_loss import critical_beta
from alignsim.data import Posterior
from alignsim.objectives.samplers import Product, sampler_named
from alignsim.validation import FloatArray

INTERVAL = (0.025, 0.975)
"""Quantiles that bound an interval of 95 %."""

POINTS, TOLERANCE = 30, 1e-5
"""Scan and digits of an onset that is one of many draws."""

KEPT, GROUPS, WHOLE = 20, 4, 24
"""Of more than 24 responses the 20 with the highest mean P are kept, the others in four groups.
Behind a circle above a ranking the onset then errs by at most .5 % (K up to 100)."""


@dataclass(frozen=True)
class OnsetRange:
    """A 95 % interval of the smallest β at which the fixed point loses stability.

    Attributes
    ----------
    low, high
        From the draws with and without pooling whichever end lies farther out; infinite where
        there is no onset up to ``beta_max``, NaN where no fixed point was found. ``low`` is no
        guarantee: behind a symmetric cycle on top, 5 to 10 % of the true onsets lie below it.
    median
        Of the pooled draws.
    never
        Share of the pooled draws without an onset up to ``beta_max``.
    unknown
        Share of the pooled draws without a known fixed point; they are left out of the rest.
    beta_max, draws
        How far β was searched, and of how many pooled draws.
    """

    low: float
    high: float
    median: float
    never: float
    unknown: float
    beta_max: float
    draws: int

    def __str__(self) -> str:
        if np.isnan(self.low):
            return "not known: no fixed point was found"
        missing = f"; not known in {percent(self.unknown)} of the draws" if self.unknown else ""
        return self._told() + missing

    def _told(self) -> str:
        if np.isinf(self.low):
            return f"none up to β = {self.beta_max:g} ({chance(self.never, self.draws)})"
        if np.isfinite(self.high):
            return f"from a β between {self.low:.3g} and {self.high:.3g}"
        rest = f"{chance(self.never, self.draws)} of the draws have none up to {self.beta_max:g}"
        return f"not below β = {self.low:.3g}; above it these votes cannot tell ({rest})"


def onset_range(votes: Posterior, *, beta_max: float, **loop: Any) -> OnsetRange:
    """Return where the onset lies, given the other arguments of `critical_beta`.

    Reference and sampler are uniform.

    Examples
    --------
    >>> import alignsim as asim
    >>> game = ["rock", "paper", "scissors"]
    >>> votes = asim.data.Comparisons.from_names(
    ...     game, ["scissors", "rock", "paper"], [1, 1, 1], count=[9e4, 9e4, 9e4]
    ... )
    >>> found = onset_range(asim.data.posterior(votes, draws=100), beta_max=100.0, alpha=0.5)
    >>> round(found.median, 2)
    3.0
    """
    P = np.concatenate([votes.P, votes.unpooled])[:, votes.order][:, :, votes.order]
    found = draws_onset(P, beta_max=beta_max, **loop)
    pooled, apart = (part[~np.isnan(part)] for part in np.split(found, [len(votes.P)]))
    unknown = 1.0 - len(pooled) / len(votes.P)
    if not len(pooled) or not len(apart):
        return OnsetRange(np.nan, np.nan, np.nan, np.nan, unknown, beta_max, 0)
    ends = [np.quantile(part, INTERVAL, method="inverted_cdf") for part in (pooled, apart)]
    return OnsetRange(
        low=float(min(ends[0][0], ends[1][0])),
        high=float(max(ends[0][1], ends[1][1])),
        median=float(np.quantile(pooled, 0.5, method="inverted_cdf")),
        never=float(np.isinf(pooled).mean()),
        unknown=unknown,
        beta_max=beta_max,
        draws=len(pooled),
    )


def draws_onset(P: FloatArray, **loop: Any) -> FloatArray:
    """Return the onset of each of many matrices that are known to a few digits only: (n,).

    Reference and sampler are uniform over the K responses.
    """
    grouped, weight = condensed(P)
    drawn = sampler_named(loop.get("sampler", Product.name))
    return critical_beta(
        grouped, reference=weight, offline=weight if "offline" in drawn.takes else None,
        points=POINTS, tolerance=TOLERANCE, **loop,
    )  # fmt: skip


def condensed(P: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return matrices of at most 24 responses, and the share of the K that each stands for.

    The best 20 are kept, and the others, which hardly decide an onset, become four groups of
    like strength, each with its mean P.

    >>> P, weight = condensed(np.full((2, 36, 36), 0.5))
    >>> P.shape, weight[[0, -1]].round(4).tolist()
    ((2, 24, 24), [0.0278, 0.1111])
    """
    K = P.shape[-1]
    if K <= WHOLE:
        return P, np.full(K, 1.0 / K)
    best = np.argsort(-P.mean(axis=-1), axis=-1, kind="stable")
    rows = np.take_along_axis(P, best[:, :, None], axis=1)
    ordered = np.take_along_axis(rows, best[:, None, :], axis=2)
    first = np.append(np.arange(KEPT), KEPT + np.arange(GROUPS) * (K - KEPT) // GROUPS)
    size = np.diff(first, append=K)
    total = np.add.reduceat(np.add.reduceat(ordered, first, axis=1), first, axis=2)
    return total / (size[:, None] * size), size / K


def chance(share: float, draws: int) -> str:
    """Return a probability that was estimated from draws, never as certain.

    >>> chance(0.563, 2000), chance(1.0, 2000), chance(1.0, 400), chance(0.0, 400)
    ('56 %', 'over 99.9 %', 'over 99 %', 'under 1 %')
    """
    least = 0.1 if draws >= 1000 else 1.0
    if share <= 0.01 * least:
        return f"under {least:g} %"
    if share >= 1.0 - 0.01 * least:
        return f"over {100.0 - least:g} %"
    return percent(share)


def percent(share: float) -> str:
    """Return a share in percent, near 0 and 1 with a decimal.

    >>> percent(0.563), percent(0.012), percent(1.0)
    ('56 %', '1.2 %', '100 %')
    """
    return f"{100.0 * share:.{0 if 0.02 < share < 0.98 else 1}f}".removesuffix(".0") + " %"
