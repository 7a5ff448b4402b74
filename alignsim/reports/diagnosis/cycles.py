"""Loops whose rest point repels: the cycle that each fitted map heads for, and where the log is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignsim import simplex
from alignsim.reports.diagnosis.estimates import Estimate
from alignsim.reports.diagnosis.logs import Log
from alignsim.reports.diagnosis.orbits import amplitude
from alignsim.reports.diagnosis.shares import pair_columns
from alignsim.validation import FloatArray

MAPS = 30
"""Draws of a sampled log whose cycles are compared with it."""

REPEATS, FEWEST = 1e-6, 2
"""How far, relative to its size, an exact log may miss itself a period before, and how many
periods it must hold."""


class Cycles(NamedTuple):
    """Of each of n fitted maps: the amplitude that its orbit settles at, and that of the log's end.

    ``sizes`` and ``late`` (n,) are root mean square distances from a mean, in logits.
    """

    sizes: FloatArray
    late: FloatArray


def cycles(estimate: Estimate, window: int) -> Cycles:
    """Return where fitted maps go from the end of the longest run, and the last rounds' size.

    The state of a sampled log is what the filter of the same draw takes it for.
    """
    run = estimate.log.longest
    if estimate.model is None or estimate.points is None:
        states = estimate.states[run]
        size = amplitude(estimate.point, states[-1], states[-2])
        return Cycles(np.array([size]), np.array([spread(states[-window:])]))
    sizes, late = [], []
    for draw in np.linspace(0, len(estimate.fits) - 1, MAPS).astype(np.intp):
        states = estimate.model.filtered(estimate.points[draw])[run]
        sizes.append(amplitude(estimate.fits.taken(slice(draw, draw + 1)), states[-1]))
        late.append(spread(states[-window:]))
    return Cycles(np.array(sizes), np.array(late))


def spread(states: FloatArray) -> float:
    """Return the root mean square distance of states (t, d) from their mean."""
    return float(np.sqrt(((states - states.mean(axis=0)) ** 2).sum(axis=1).mean()))


def goes_one_way(states: FloatArray) -> bool:
    """Return whether the last third of states (t, d) lies farther from the first than both reach.

    An orbit that swings about a point does not, however far that point is said to be.
    """
    third = max(1, len(states) // 3)
    first, last = states[:third], states[-third:]
    apart = float(np.linalg.norm(last.mean(axis=0) - first.mean(axis=0)))
    return apart > spread(first) + spread(last)


def explained(estimate: Estimate) -> float:
    """Return which share of how the states vary the fitted map predicts a round ahead."""
    basis = simplex.mean_zero_basis(estimate.log.values.shape[1])
    fit, x, goes_on = estimate.point, estimate.states, ~estimate.log.first[1:]
    pushes = pair_columns(simplex.softmax(x @ basis.T), basis) @ fit.u[0]
    missed = (x[1:] - fit.a[0] * x[:-1] - pushes[:-1])[goes_on]
    varied = (x[1:] - x.mean(axis=0))[goes_on]
    return float(1.0 - (missed**2).sum() / max(float((varied**2).sum()), 1e-300))


def period(log: Log) -> int:
    """Return after how many rounds an exact log repeats itself, 0 where it does not."""
    states = log.states[log.longest]
    near = REPEATS * spread(states)
    for rounds in range(1, len(states) // FEWEST + 1):
        if (np.abs(states[rounds:] - states[:-rounds]) <= near).all():
            return rounds
    return 0
