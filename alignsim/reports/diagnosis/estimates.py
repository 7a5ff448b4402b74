"""What a log says of its loop's multipliers: draws, intervals, and where they came from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alignsim.analysis.evidence import Evidence
from alignsim.reports.diagnosis.logs import Log
from alignsim.reports.diagnosis.multipliers import Fits, Leading
from alignsim.reports.diagnosis.posterior import Model
from alignsim.validation import FloatArray

STRETCH_RHO, STRETCH_THETA = 1.3, 1.5
"""Each side of an interval of a sampled log is stretched so: calibrated, not derived."""

BEYOND_RHO, BEYOND_THETA = 0.2, float(np.radians(3.0))
"""Times ρ − 1: standard deviations that an unstable ρ and θ of a sampled log have besides. Samples
do not tell whether the form of the round is exact, as of IPO, or near its rest point only, as of
DPO, from which a cycle holds the loop away. Calibrated with ρ up to 2.5, not derived."""

PERCENTS = (2.5, 50.0, 97.5)

NORMAL = 1.96
"""Standard deviations of a normal distribution within which 95 % of it lie."""

Interval = tuple[float, float, float]
"""Lower limit, median, upper limit."""


@dataclass(frozen=True)
class Estimate:
    """Draws of the fitted map and of its leading multiplier.

    Attributes
    ----------
    log : Log
        What was fitted.
    fits : Fits
        The draws.
    point : Fits
        One map in their middle.
    seen : Leading
        The leading multiplier of each draw.
    states : (T, K−1)
        The states that the log went through.
    evidence : Evidence
        Analytic, estimated, or nothing where the log does not determine the map.
    memory : bool
        Whether the map has memory of the round before.
    model : Model
        The filter of sampled logs.
    log_noise : float
        Median of log q, of sampled logs.
    points : (n, D)
        The draws as the filter's parameters, of sampled logs.
    """

    log: Log
    fits: Fits
    point: Fits
    seen: Leading
    states: FloatArray
    evidence: Evidence
    memory: bool = False
    model: Model | None = None
    log_noise: float = np.nan
    points: FloatArray | None = None

    @property
    def found(self) -> float:
        """Which share of the draws has a rest point that was found."""
        return float(self.seen.found.mean())

    @property
    def stretched(self) -> bool:
        """Whether intervals are stretched: those of sampled logs."""
        return self.model is not None

    @property
    def rho(self) -> Interval:
        """The modulus of the leading multiplier."""
        low, mid, high = self._limits(self.seen.rho, STRETCH_RHO, BEYOND_RHO)
        return max(low, 0.0), mid, high

    @property
    def theta(self) -> Interval:
        """Its argument, in radians."""
        low, mid, high = self._limits(self.seen.theta, STRETCH_THETA, BEYOND_THETA)
        return max(low, 0.0), mid, min(high, np.pi)

    def _limits(self, draws: FloatArray, stretch: float, beyond: float) -> Interval:
        """Return limits of 95 %, of a sampled log stretched, and wider beyond the onset."""
        if not self.stretched:
            return limits(draws, 1.0)
        low, mid, high = limits(draws, stretch)
        form = NORMAL * beyond * max(limits(self.seen.rho, 1.0)[1] - 1.0, 0.0)
        return mid - float(np.hypot(mid - low, form)), mid, mid + float(np.hypot(high - mid, form))

    @property
    def alpha(self) -> Interval:
        """The share of the last policy in the reference."""
        low, mid, high = limits(self.fits.a, STRETCH_RHO if self.stretched else 1.0)
        return max(low, 0.0), mid, high


def limits(draws: FloatArray, stretch: float) -> Interval:
    """Return the limits of 95 % of the draws, each side stretched, and their median."""
    known = draws[np.isfinite(draws)]
    if not len(known):
        return np.nan, np.nan, np.nan
    low, mid, high = (float(value) for value in np.percentile(known, PERCENTS))
    return mid - stretch * (mid - low), mid, mid + stretch * (high - mid)
