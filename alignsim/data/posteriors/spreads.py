"""The grid of the two spreads: τ of log-odds around any ranking, s of the strengths."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim.validation import FloatArray

TAU_PRIOR = 0.5
"""τ is half-normal with this scale, s half-Cauchy with scale 1."""

Index = NDArray[np.intp]

FIRST, RATIO, STEPS = 0.02, 1.6, 11
TAUS = np.concatenate([[0.0], FIRST * RATIO ** np.arange(STEPS)])
SCALES = np.array([0.1, 0.2, 0.4, 0.8, 1.6, 3.2])

RELEVANT = 1e-3
"""Posterior share from which a node counts."""

FEW, FINE = 5, 13
"""With fewer relevant nodes the grid is drawn anew around them, with this many."""


Evidence = Callable[[FloatArray, FloatArray], FloatArray]
"""Maps τ (T,) and s (S,) to log evidence (T, S)."""


class Grid(NamedTuple):
    """Nodes, and the posterior share of each.

    ``tau`` (T,) and ``scale`` (S,) are geometric, but for a first τ of 0; ``weight`` (T, S)
    adds up to 1.
    """

    tau: FloatArray
    scale: FloatArray
    weight: FloatArray

    def draws(self, count: int, draw: np.random.Generator) -> tuple[Index, FloatArray]:
        """Return nodes (count,), each as often as its weight wants, and a τ in the cell of each."""
        node = draw.permutation(systematic(self.weight.ravel(), count, draw))
        tau = self.tau[node // len(self.scale)]
        cell = _step(self.tau[self.tau > 0.0])
        return node, tau * np.exp(cell * (draw.random(count) - 0.5))


def weighed(tau: FloatArray, scale: FloatArray, evidence: FloatArray) -> Grid:
    """Return the grid with its posterior, from log evidence (T, S)."""
    from scipy.special import erf

    with np.errstate(divide="ignore"):
        log_tau = np.log(tau * _step(tau[tau > 0.0])) - 0.5 * (tau / TAU_PRIOR) ** 2
    density = np.sqrt(2.0 / np.pi) / TAU_PRIOR
    below = tau[tau > 0.0][0] / np.sqrt(RATIO)
    of_zero = np.log(erf(below / (TAU_PRIOR * np.sqrt(2.0))))
    log_tau = np.where(tau > 0.0, log_tau + np.log(density), of_zero)
    return Grid(tau, scale, shares(evidence + log_tau[:, None], scale))


def shares(log: FloatArray, scale: FloatArray) -> FloatArray:
    """Return e^log (..., S) times the prior of s, made to add up to 1."""
    log = log + np.log(scale) - np.log1p(scale**2)
    weight = np.exp(log - log.max())
    return np.asarray(weight / weight.sum())


def explored(evidence: Evidence) -> Grid:
    """Return the posterior on the coarse grid, or on a finer one in τ where few nodes matter."""
    grid = weighed(TAUS, SCALES, evidence(TAUS, SCALES))
    finer = closer(grid.tau, grid.weight.sum(axis=1))
    return grid if finer is None else weighed(finer, SCALES, evidence(finer, SCALES))


def closer(nodes: FloatArray, weight: FloatArray) -> FloatArray | None:
    """Return finer nodes over the few that matter and a neighbour each side; None if many do.

    >>> closer(np.array([0.0, 1.0, 2.0, 4.0, 8.0]), np.array([0.0, 0.0, 0.5, 0.5, 0.0]))[[0, -1]]
    array([1., 8.])
    """
    matter = np.flatnonzero(weight > RELEVANT)
    if nodes[matter[0]] == 0.0 or len(matter) >= FEW:
        return None
    ratio = np.exp(_step(nodes[nodes > 0.0]))
    return np.geomspace(nodes[matter[0]] / ratio, nodes[matter[-1]] * ratio, FINE)


def systematic(weight: FloatArray, count: int, draw: np.random.Generator) -> Index:
    """Return indices (count,), ascending, each as often as its weight wants, to within one."""
    ladder = np.cumsum(weight)
    levels = (draw.random() + np.arange(count)) / count * ladder[-1]
    return np.minimum(np.searchsorted(ladder, levels, side="right"), len(weight) - 1)


def _step(nodes: FloatArray) -> float:
    return float(np.log(nodes[-1] / nodes[0]) / (len(nodes) - 1))
