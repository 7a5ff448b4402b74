"""How much more, or less, votes vary than as many tosses of a coin."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim.data.posteriors.pairs import Pairs
from alignsim.data.posteriors.strengths import bradley_terry
from alignsim.preferences.logistic import sigmoid
from alignsim.validation import FloatArray

LEAST = 0.1
"""The factor never falls below it."""

FIT_SCALE = 2.0
"""Of the strengths' prior in the Bradley-Terry fit that the votes are held against."""

DIGITS = 9
"""Of the factor: sums in another order of rows must not change a digit of what follows."""


class Rows(NamedTuple):
    """Rows of votes that have a unit, a judge or a prompt: all arrays (n,).

    ``place`` is the row's pair, ``wins`` how often its response i won, of ``votes``.
    """

    unit: NDArray[np.intp]
    place: NDArray[np.intp]
    wins: FloatArray
    votes: FloatArray


def overdispersion(pairs: Pairs, tied: float, units: list[Rows]) -> float:
    """Return κ, by which the variance of votes exceeds that of independent ones without ties.

    Parameters
    ----------
    pairs
        All votes.
    tied
        Σ y(1 − y) over single votes y: a quarter of the number of ties.
    units
        The same votes by judge, by prompt, or both; κ is the largest. Without any, κ = 1 − c with
        c the share of the variance that ties take away.
    """
    P = sigmoid(pairs.gaps(bradley_terry(pairs, FIT_SCALE)))
    variance = pairs.votes * P * (1.0 - P)
    found = [spread for rows in units for spread in _of_units(pairs, P, variance, rows)]
    if not found:
        found = [1.0 - tied / variance.sum()]
    return float(f"{max(*found, LEAST):.{DIGITS}g}")


def _of_units(pairs: Pairs, P: FloatArray, variance: FloatArray, rows: Rows) -> tuple[float, ...]:
    """Return φ, from units within pairs, and the design effect, from units over all pairs."""
    from scipy import sparse

    units, m = int(rows.unit.max()) + 1, len(pairs.votes)
    cell, where = np.unique(rows.unit * m + rows.place, return_inverse=True)
    unit, place = np.divmod(cell, m)
    wins, votes = np.bincount(where, rows.wins), np.bincount(where, rows.votes)
    smoothed = (pairs.wins + 0.5) / (pairs.votes + 1.0)
    shared = np.bincount(place, votes**2, m) / pairs.votes**2
    expected = (pairs.votes * smoothed * (1.0 - smoothed) * (1.0 - shared)).sum()
    if units < 2 or expected <= 0.0:
        return ()
    phi = ((wins - votes * smoothed[place]) ** 2).sum() / expected
    off = wins - votes * P[place]
    shape = (units, pairs.responses)
    pull = sparse.csr_array((off, (unit, pairs.i[place])), shape)
    pull = pull - sparse.csr_array((off, (unit, pairs.j[place])), shape)
    laplacian = -pairs.square(variance)
    np.fill_diagonal(laplacian, -laplacian.sum(axis=1))
    scatter = (pull.T @ pull).toarray()
    trace = np.trace(np.linalg.pinv(laplacian, hermitian=True) @ scatter)
    return float(phi), float(units / (units - 1) * trace / (pairs.responses - 1))
