"""What kind of preferences a matrix holds: winners, cycles, transitivity, curl.

Every function takes (..., K, K), checks it, and answers for each matrix of the batch. Numbers
closer than ``tolerance`` count as equal, so a pair within it of ½ is a tie; the default suits
tables rounded to ten digits.

References
----------
``docs/theory.md`` sections 4 (winners, orders), 9 (cycles), 2.3 and 3.4 (residuals); Smith (1973);
Jiang et al. (2011), HodgeRank, for the residuals and the curl.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import validation
from alignsim.preferences.graphs import reachable
from alignsim.preferences.logistic import log_odds
from alignsim.summary import Lines, Summarised, holding, maps, numbers
from alignsim.validation import FloatArray

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

SMALL = 64
"""Responses up to which closing a relation is faster for a batch than one matrix after another."""

TOLERANCE = 1e-9
"""Probabilities closer than this are equal, unless the caller says otherwise."""


@dataclass(frozen=True, eq=False, repr=False)
class Structure(Summarised):
    """All that this module can say about a batch of matrices; each field is named as its function.

    Attributes
    ----------
    condorcet_winner
        (...), −1 where there is none.
    smith_set
        (..., K), True for members.
    cyclic, weakly_transitive, strongly_transitive, strictly_strongly_transitive
        (...), bool.
    bradley_terry_residual, additive_residual, curl_share
        (...).
    ties
        (...), number of tied pairs.
    tolerance
        What decided ties.
    """

    condorcet_winner: IntArray
    smith_set: BoolArray
    cyclic: BoolArray
    weakly_transitive: BoolArray
    strongly_transitive: BoolArray
    strictly_strongly_transitive: BoolArray
    bradley_terry_residual: FloatArray
    additive_residual: FloatArray
    curl_share: FloatArray
    ties: IntArray
    tolerance: float

    def _title(self) -> str:
        return f"Structure of {maps(self.ties.shape, 'matrix', 'matrices')}"

    def _summary(self) -> Lines:
        yield "cyclic", holding(self.cyclic)
        yield "Condorcet winner", holding(self.condorcet_winner >= 0)
        yield "Smith set", numbers(self.smith_set.sum(axis=-1)) + " responses"
        for name in ("weakly", "strongly", "strictly_strongly"):
            transitive = getattr(self, f"{name}_transitive")
            yield f"{name.replace('_', ' ')} transitive", holding(transitive)
        yield "with ties", holding(self.ties > 0)
        for name in ("bradley_terry_residual", "additive_residual", "curl_share"):
            yield name.replace("_", " "), numbers(getattr(self, name))


def structure(P: ArrayLike, *, tolerance: float = TOLERANCE) -> Structure:
    """Return the `Structure` of preference matrices: (..., K, K) → fields (...).

    >>> import alignsim as asim
    >>> found = asim.preferences.structure([[0.5, 0.8, 0.2], [0.2, 0.5, 0.8], [0.8, 0.2, 0.5]])
    >>> bool(found.cyclic), int(found.condorcet_winner), found.smith_set.tolist()
    (True, -1, [True, True, True])
    """
    array = validation.preference_matrix(P)
    return Structure(
        condorcet_winner=condorcet_winner(array, tolerance=tolerance),
        smith_set=smith_set(array, tolerance=tolerance),
        cyclic=is_cyclic(array, tolerance=tolerance),
        weakly_transitive=is_weakly_transitive(array, tolerance=tolerance),
        strongly_transitive=is_strongly_transitive(array, tolerance=tolerance),
        strictly_strongly_transitive=is_strictly_strongly_transitive(array, tolerance=tolerance),
        bradley_terry_residual=bradley_terry_residual(array),
        additive_residual=additive_residual(array),
        curl_share=curl_share(array),
        ties=ties(array, tolerance=tolerance),
        tolerance=float(tolerance),
    )


def condorcet_winner(P: ArrayLike, *, tolerance: float = TOLERANCE) -> IntArray:
    """Return the response that beats every other (P_cj > ½), −1 if none: (..., K, K) → (...).

    >>> import alignsim as asim
    >>> int(asim.preferences.condorcet_winner([[0.5, 0.4, 0.3], [0.6, 0.5, 0.7], [0.7, 0.3, 0.5]]))
    1
    """
    beats = _beats(P, tolerance)
    wins_all = beats.sum(axis=-1) == beats.shape[-1] - 1
    return np.asarray(np.where(wins_all.any(axis=-1), wins_all.argmax(axis=-1), -1))


def smith_set(P: ArrayLike, *, tolerance: float = TOLERANCE) -> BoolArray:
    """Return the smallest nonempty S with P_ij > ½ for all i in S, j outside: (..., K) bool.

    >>> import alignsim as asim
    >>> asim.preferences.smith_set([[0.5, 0.5, 0.9], [0.5, 0.5, 0.9], [0.1, 0.1, 0.5]]).tolist()
    [True, True, False]
    """
    beats = _beats(P, tolerance)
    K = beats.shape[-1]
    wins = beats.sum(axis=-1)
    order = (-wins).argsort(axis=-1, kind="stable")  # members win more often than the others
    ordered = np.take_along_axis(beats, order[..., :, None], axis=-2)
    ordered = np.take_along_axis(ordered, order[..., None, :], axis=-1)
    within = np.diagonal(ordered.cumsum(axis=-1).cumsum(axis=-2), axis1=-2, axis2=-1)
    size = np.arange(1, K + 1)
    beaten = np.take_along_axis(wins, order, axis=-1).cumsum(axis=-1) - within
    smallest = (beaten == size * (K - size)).argmax(axis=-1)
    return np.asarray(order.argsort(axis=-1) <= smallest[..., None])


def is_cyclic(P: ArrayLike, *, tolerance: float = TOLERANCE) -> BoolArray:
    """Return whether some directed cycle of P_ij > ½ exists: (..., K, K) → (...).

    A Condorcet winner may stand above the cycle.

    >>> import alignsim as asim
    >>> bool(asim.preferences.is_cyclic([[0.5, 0.6, 0.4], [0.4, 0.5, 0.6], [0.6, 0.4, 0.5]]))
    True
    """
    beats = _beats(P, tolerance)
    if beats.shape[-1] <= SMALL:
        return np.asarray(np.diagonal(reachable(beats), axis1=-2, axis2=-1).any(axis=-1))
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    found = np.empty(beats.shape[:-2], dtype=bool)
    for index in np.ndindex(found.shape):
        parts, _ = connected_components(csr_array(beats[index]), connection="strong")
        found[index] = parts < beats.shape[-1]
    return found


def is_weakly_transitive(P: ArrayLike, *, tolerance: float = TOLERANCE) -> BoolArray:
    """Return whether P_ij ≥ ½ and P_jk ≥ ½ imply P_ik ≥ ½: (..., K, K) → (...).

    Ties count on both sides, so a chain of ties that ends in a defeat is not weakly transitive,
    though it may be strongly transitive in the sense of `is_strongly_transitive`.

    >>> import alignsim as asim
    >>> P = [[0.5, 0.5, 0.8], [0.5, 0.5, 0.5], [0.2, 0.5, 0.5]]
    >>> bool(asim.preferences.is_weakly_transitive(P))
    False
    """
    unbeaten = ~np.swapaxes(_beats(P, tolerance), -1, -2)
    rank = unbeaten.sum(axis=-1)  # "unbeaten by" is complete: an order, or it contradicts the ranks
    ranked = rank[..., :, None] >= rank[..., None, :]
    return np.asarray((unbeaten == ranked).all(axis=(-2, -1)))


def is_strongly_transitive(P: ArrayLike, *, tolerance: float = TOLERANCE) -> BoolArray:
    """Return whether an order exists with i above j ⇒ P_ik ≥ P_jk for all k: (...) bool.

    Weak row dominance, ties allowed; without ties the classical P_ik ≥ max(P_ij, P_jk).

    >>> import alignsim as asim
    >>> P = [[0.5, 0.5, 0.8], [0.5, 0.5, 0.5], [0.2, 0.5, 0.5]]
    >>> bool(asim.preferences.is_strongly_transitive(P))
    True
    """
    return _ordered_rows(P, np.greater_equal, -_tolerance(tolerance))


def is_strictly_strongly_transitive(P: ArrayLike, *, tolerance: float = TOLERANCE) -> BoolArray:
    """Return whether an order exists with i above j ⇒ P_ik > P_jk for all k: (...) bool.

    Strict row dominance; more than strong transitivity without ties.

    >>> import alignsim as asim
    >>> P = [[0.5, 0.6, 0.8], [0.4, 0.5, 0.7], [0.2, 0.3, 0.5]]
    >>> bool(asim.preferences.is_strictly_strongly_transitive(P))
    True
    >>> P = [[0.5, 0.7, 0.7], [0.3, 0.5, 0.6], [0.3, 0.4, 0.5]]
    >>> bool(asim.preferences.is_strictly_strongly_transitive(P))
    False
    """
    return _ordered_rows(P, np.greater, _tolerance(tolerance))


def bradley_terry_residual(P: ArrayLike) -> FloatArray:
    """Return max |logit P_ij − (r_i − r_j)| for the least-squares r: (..., K, K) → (...).

    r_i is the mean of logit P_ij over all K entries of its row (every pair weighs the same);
    0 exactly for Bradley-Terry preferences, inf where some P is 0 or 1.

    >>> import alignsim as asim
    >>> even = [[0.5, 0.75], [0.25, 0.5]]
    >>> float(asim.preferences.bradley_terry_residual(even))
    0.0
    """
    logit, certain = _finite_log_odds(P)
    residual = np.abs(_curl(logit)).max(axis=(-2, -1))
    return np.asarray(np.where(certain.any(axis=(-2, -1)), np.inf, residual))


def additive_residual(P: ArrayLike) -> FloatArray:
    """Return max |P_ij − ½ − (r_i − r_j)| for the least-squares r: (..., K, K) → (...).

    >>> import alignsim as asim
    >>> cycle = [[0.5, 0.75, 0.25], [0.25, 0.5, 0.75], [0.75, 0.25, 0.5]]
    >>> float(asim.preferences.additive_residual(cycle))
    0.25
    """
    return np.asarray(np.abs(_curl(validation.preference_matrix(P) - 0.5)).max(axis=(-2, -1)))


def curl_share(P: ArrayLike) -> FloatArray:
    """Return the share of ‖logit P‖² that no rewards explain, in [0, 1]: (..., K, K) → (...).

    0 for Bradley-Terry preferences (and where all is ½), 1 for a pure cycle. Where some P are
    0 or 1 it is the limit in which these approach certainty together: they alone count.

    >>> import alignsim as asim
    >>> cycle = [[0.5, 0.75, 0.25], [0.25, 0.5, 0.75], [0.75, 0.25, 0.5]]
    >>> float(asim.preferences.curl_share(cycle))
    1.0
    """
    logit, certain = _finite_log_odds(P)
    decided = np.asarray(certain.any(axis=(-2, -1)))[..., None, None]
    logit = np.where(decided, certain, logit)
    total = (logit**2).sum(axis=(-2, -1))
    curl = (_curl(logit) ** 2).sum(axis=(-2, -1))
    return np.asarray(curl / np.where(total > 0, total, 1.0))


def ties(P: ArrayLike, *, tolerance: float = TOLERANCE) -> IntArray:
    """Return the number of pairs with |P_ij − ½| ≤ tolerance: (..., K, K) → (...).

    >>> import alignsim as asim
    >>> int(asim.preferences.ties([[0.5, 0.5, 0.9], [0.5, 0.5, 0.9], [0.1, 0.1, 0.5]]))
    1
    """
    beats = _beats(P, tolerance)
    count = beats.shape[-1]
    return np.asarray(count * (count - 1) // 2 - beats.sum(axis=(-2, -1)))


def _tolerance(tolerance: float) -> float:
    return validation.number(tolerance, "tolerance")


def _beats(P: ArrayLike, tolerance: float) -> BoolArray:
    return np.asarray(validation.preference_matrix(P) - 0.5 > _tolerance(tolerance))


def _ordered_rows(P: ArrayLike, exceeds: np.ufunc, margin: float) -> BoolArray:
    """Return whether each row, in the order of their sums, ``exceeds`` all later ones by a margin.

    Without a tolerance no other order can do: a row that dominates another has the larger sum.
    """
    array = validation.preference_matrix(P)
    order = (-array.sum(axis=-1)).argsort(axis=-1, kind="stable")
    rows = np.take_along_axis(array, order[..., None], axis=-2)
    least = np.minimum.accumulate(rows[..., :-1, :], axis=-2)
    return np.asarray(exceeds(least - rows[..., 1:, :], margin).all(axis=(-2, -1)))


def _curl(skew: FloatArray) -> FloatArray:
    """Return what is left of a skew matrix after the best r_i − r_j: (..., K, K)."""
    r = skew.mean(axis=-1)
    return np.asarray(skew - (r[..., :, None] - r[..., None, :]))


def _finite_log_odds(P: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return logit P with 0 for its infinities, and these as ±1: (..., K, K) each."""
    logit = log_odds(validation.preference_matrix(P))
    certain = np.isinf(logit)
    return np.where(certain, 0.0, logit), np.where(certain, np.sign(logit), 0.0)
