"""Which β would calm a loop: the scale of u at which ρ has a wanted value."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignsim.analysis.evidence import Evidence
from alignsim.reports.diagnosis.estimates import STRETCH_RHO, Estimate, limits
from alignsim.reports.diagnosis.multipliers import Fits, leading
from alignsim.validation import FloatArray

WANTED = 0.9
"""The ρ that is called calm."""

SCALES = np.geomspace(0.05, 8.0, 41)
"""Multiples of β that are tried."""

BISECTIONS, BISECTIONS_OF_DRAWS = 40, 12
"""Halvings of the step between two of them: to rounding where the map is known, and to 3e-5, far
within their spread, for draws."""

MOST_DRAWS = 100

MOST_KEEPING = 0.5
"""The share of draws that must have such a scale."""


class Scale(NamedTuple):
    """Multiples of β at which ρ rises through a wanted value: lower limit, median, upper limit.

    ``several`` says whether it does so at several multiples; this is the first.
    """

    low: float
    middle: float
    high: float
    several: bool


NO_SCALE = Scale(np.nan, np.nan, np.nan, False)


def calming_scale(estimate: Estimate, reference_logits: FloatArray | None = None) -> Scale:
    """Return by what β may be multiplied for a ρ of ``WANTED``; NaN where none is known.

    It takes the reference for uniform unless its centred logits (K,) are given.
    """
    if estimate.memory or estimate.evidence == Evidence.NOTHING:
        return NO_SCALE
    fits = estimate.fits
    if len(fits) > MOST_DRAWS:
        fits = fits.taken(np.linspace(0, len(fits) - 1, MOST_DRAWS).astype(np.intp))
    held = np.zeros_like(fits.u)
    if reference_logits is not None:
        K = len(reference_logits)
        i, j = np.triu_indices(K, 1)
        held = (1.0 - fits.a)[:, None] * (reference_logits[i] - reference_logits[j])
    start = estimate.states.mean(axis=0)
    rho = _radii(fits, np.broadcast_to(SCALES, (len(fits), len(SCALES))), held, start)
    rises = (rho[:, :-1] < WANTED) & (rho[:, 1:] >= WANTED)
    crossing = rises.any(axis=1)
    if crossing.mean() <= MOST_KEEPING:
        return NO_SCALE
    first = rises[crossing].argmax(axis=1)
    low, high = SCALES[first], SCALES[first + 1]
    fits, held = fits.taken(np.flatnonzero(crossing)), held[crossing]
    for _ in range(BISECTIONS if len(rho) == 1 else BISECTIONS_OF_DRAWS):
        middle = np.sqrt(low * high)
        below = _radii(fits, middle[:, None], held, start)[:, 0] < WANTED
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    stretch = STRETCH_RHO if estimate.stretched else 1.0
    lower, median, upper = np.exp(limits(np.log(low), stretch))
    several = bool(np.median(rises[crossing].sum(axis=1)) > 1.0)
    return Scale(float(lower), float(median), float(upper), several)


def _radii(fits: Fits, scales: FloatArray, held: FloatArray, start: FloatArray) -> FloatArray:
    """Return ρ of each map with β times each of its scales (n, s): (n, s)."""
    n, s = scales.shape
    which = np.repeat(np.arange(n), s)
    maps = fits.taken(which).scaled(scales.ravel(), held[which])
    return leading(maps, start).rho.reshape(n, s)
