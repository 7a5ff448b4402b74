"""Preferences as a game: who is chosen more often wins; maximal lotteries and exploitability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import validation
from alignsim.errors import InputError
from alignsim.simplex import centred_logits, log_softmax
from alignsim.summary import Lines, Summarised, holding, maps, numbers
from alignsim.validation import FloatArray

LARGEST_PROGRAM = 400
"""Responses of the largest linear program that is solved: seconds; the time grows as K⁴."""

SLACK = 1e-7
"""Probabilities and scores below this are 0: as accurate as HiGHS solves a program."""


@dataclass(frozen=True, eq=False, repr=False)
class MaximalLottery(Summarised):
    """Maximal lotteries, the Nash equilibria of a preference game, for a batch of matrices.

    Attributes
    ----------
    policy : (..., K)
        A lottery π that no other policy beats: (Pπ)_i ≤ ½ for every i. Where there are several, it
        is that of largest entropy, to 1e-6, to which quantal response equilibria tend as τ → 0.
    unique : (...)
        Whether it is the only one, to within 1e-7 in probabilities and in P: ties allow several.
    lowest, highest : (..., K)
        The least and the largest probability of each response in any maximal lottery.
    exploitability : (...)
        By how much the best answer to ``policy`` wins more than half: 0 but for rounding.
    """

    policy: FloatArray
    unique: NDArray[np.bool_]
    lowest: FloatArray
    highest: FloatArray
    exploitability: FloatArray

    def _title(self) -> str:
        return f"Maximal lottery of {maps(self.unique.shape, 'matrix', 'matrices')}"

    def _summary(self) -> Lines:
        yield "policy", numbers(self.policy)
        yield "the only one", holding(self.unique)
        yield "exploitability", numbers(self.exploitability)


def maximal_lottery(P: ArrayLike) -> MaximalLottery:
    """Return the maximal lotteries of preference matrices: (..., K, K) → fields (..., K).

    They are the Nash equilibria of the game in which two policies draw one response each, and that
    of the preferred response wins: what loops without an anchor circle around, and what COMAL and
    other Nash methods look for. A Condorcet winner is the only one.

    Raises
    ------
    ValueError
        For more than ``LARGEST_PROGRAM`` responses.

    Notes
    -----
    A linear program each, by HiGHS, and another one that decides whether there are several: another
    lottery than the vertex found has weight on a response or a slack that is 0 there. Where there
    are several, 2K programs find the ends.

    References
    ----------
    Fishburn (1984); Brandl, Brandt and Seedig (2016).

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 0.9, 0.3], [0.1, 0.5, 0.7], [0.7, 0.3, 0.5]]
    >>> asim.maximal_lottery(P).policy.round(6).tolist()
    [0.25, 0.25, 0.5]
    >>> tied = asim.maximal_lottery([[0.5, 0.5, 0.9], [0.5, 0.5, 0.9], [0.1, 0.1, 0.5]])
    >>> bool(tied.unique), tied.lowest.tolist(), tied.highest.tolist()
    (False, [0.0, 0.0, 0.0], [1.0, 1.0, 0.0])
    """
    matrices = validation.preference_matrix(P)
    batch, K = matrices.shape[:-2], matrices.shape[-1]
    policy, unique = np.empty((*batch, K)), np.empty(batch, dtype=np.bool_)
    lowest, highest = np.empty((*batch, K)), np.empty((*batch, K))
    for index in np.ndindex(batch):
        skew = matrices[index] - 0.5
        _, lottery = best_mixture(-skew)
        unique[index] = _alone(skew, lottery)
        low = high = lottery
        if not unique[index]:
            extremes = [_extreme(skew, sign * row) for row in np.eye(K) for sign in (1.0, -1.0)]
            found = np.stack([lottery, *extremes])
            low, high = found.min(axis=0), found.max(axis=0)
            lottery = _most_even(skew, found.mean(axis=0))
        policy[index], lowest[index], highest[index] = lottery, low, high
    gains = np.asarray((matrices @ policy[..., None])[..., 0].max(axis=-1) - 0.5)
    return MaximalLottery(policy, unique, lowest, highest, gains)


def exploitability(
    P: ArrayLike,
    policy: ArrayLike,
    *,
    tau: ArrayLike = 0.0,
    reference: ArrayLike | None = None,
) -> FloatArray:
    """Return by how much the best answer to policies (..., K) does better than they: (...), ≥ 0.

    It is 0 at a Nash equilibrium only, with ``tau`` at a quantal response equilibrium only. The
    duality gap, the sum over both players, is twice as large.

    Parameters
    ----------
    P : (..., K, K)
        Preferences.
    policy : (..., K)
        What is judged; of full support if ``tau`` is above 0 anywhere.
    tau : (...)
        The weight of KL penalties, at least 0: each player pays τ·KL(own policy ‖ reference).
    reference : (..., K)
        Uniform by default.

    Notes
    -----
    max_i (Pπ)_i − ½; with τ > 0, max_x [⟨x, Pπ⟩ − τKL(x‖ref)] − ½ + τKL(π‖ref) =
    τ·KL(π ‖ ref·e^{Pπ/τ}), normalised.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.3)
    >>> asim.exploitability(P, [[1/3, 1/3, 1/3], [1.0, 0.0, 0.0]]).round(12).tolist()
    [0.0, 0.3]
    >>> asim.exploitability(P, [0.5, 0.3, 0.2], tau=[0.1, 1.0]).round(6).tolist()
    [0.02453, 0.071031]
    """
    matrices = validation.preference_matrix(P)
    K = matrices.shape[-1]
    weight = validation.parameter(tau, "tau")
    judged = validation.policy(
        policy, "policy", responses=K, full_support=bool((weight > 0.0).any())
    )
    base = np.zeros(K)
    if reference is not None:
        base = centred_logits(
            validation.policy(reference, "reference", responses=K, full_support=True)
        )
    shapes = {"P": matrices.shape[:-2], "policy": judged.shape[:-1], "tau": weight.shape}
    validation.batch_shape(shapes | {"reference": base.shape[:-1]})
    return best_answer(matrices, judged, weight, base)


def best_answer(
    P: FloatArray, policy: FloatArray, tau: FloatArray, reference_logits: FloatArray
) -> FloatArray:
    """Return :func:`exploitability` of checked arguments: (...)."""
    wins = (P @ policy[..., None])[..., 0]
    plain = np.maximum(wins.max(axis=-1) - 0.5, 0.0)
    if not (tau > 0.0).any():
        return np.asarray(np.broadcast_to(plain, np.broadcast_shapes(plain.shape, tau.shape)))
    used = np.where(tau > 0.0, tau, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        answer = log_softmax(reference_logits + wins / used[..., None])
        terms = np.where(policy > 0.0, policy * (np.log(policy) - answer), 0.0)
    return np.where(tau > 0.0, used * np.maximum(terms.sum(axis=-1), 0.0), plain)


def best_mixture(gains: FloatArray) -> tuple[float, FloatArray]:
    """Return the value and an optimal q of max_q min_i (gains·q)_i over the simplex (HiGHS)."""
    rows, columns = gains.shape
    if columns > LARGEST_PROGRAM:
        raise InputError(
            "P",
            f"needs a linear program of {columns} responses, which would take minutes",
            f"give at most {LARGEST_PROGRAM}, or raise alignsim.preferences.games.LARGEST_PROGRAM",
        )
    found = _solved(
        np.append(np.zeros(columns), -1.0),
        A_ub=np.hstack([-gains, np.ones((rows, 1))]),
        b_ub=np.zeros(rows),
        A_eq=np.append(np.ones(columns), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0.0, 1.0)] * columns + [(None, None)],
    )
    return float(found[-1]), _lottery(found[:columns])


def _extreme(skew: FloatArray, cost: FloatArray) -> FloatArray:
    """Return the maximal lottery of least cost."""
    K = len(skew)
    found = _solved(
        cost, A_ub=skew, b_ub=np.zeros(K), A_eq=np.ones((1, K)), b_eq=[1.0], bounds=(0.0, 1.0)
    )
    return _lottery(found)


def _alone(skew: FloatArray, lottery: FloatArray) -> bool:
    """Return whether no other lottery q has skew·q ≤ 0.

    In q and the slacks s = −skew·q all constraints are equations. If the columns of those that
    are above 0 are independent, another solution has one above 0 that is 0 here.
    """
    K = len(skew)
    point = np.concatenate([lottery, -skew @ lottery])
    equations = np.vstack([np.hstack([skew, np.eye(K)]), np.append(np.ones(K), np.zeros(K))[None]])
    zero = point <= SLACK
    basic = equations[:, ~zero]
    if np.linalg.matrix_rank(basic, tol=SLACK) < basic.shape[1]:
        return False
    sides = np.append(np.zeros(K), 1.0)
    cost = np.where(zero, -1.0, 0.0)
    other = _solved(cost, A_eq=equations, b_eq=sides, bounds=(0.0, None))
    return bool(other[zero].sum() <= SLACK * K)


def _most_even(skew: FloatArray, inside: FloatArray) -> FloatArray:
    """Return the maximal lottery of largest entropy, from one that has every response of any.

    All of them solve skew·q = 0 on these responses, and what others gain against q is at most 0.
    """
    from scipy.linalg import null_space
    from scipy.optimize import minimize

    own = inside > SLACK
    free = null_space(np.vstack([skew[np.ix_(own, own)], np.ones(own.sum())]), rcond=SLACK)
    start, others = inside[own], skew[np.ix_(~own, own)]

    def loss(z: FloatArray) -> tuple[float, FloatArray]:
        q = np.maximum(start + free @ z, SLACK)
        return float((q * np.log(q)).sum()), (np.log(q) + 1.0) @ free

    limits = np.vstack([np.eye(own.sum()), -others])
    room: Any = {"type": "ineq", "fun": lambda z: limits @ (start + free @ z)}
    found: Any = minimize(
        loss, np.zeros(free.shape[1]), jac=True, method="SLSQP", constraints=[room],
        options={"ftol": 1e-14, "maxiter": 500},
    )  # fmt: skip
    lottery = np.zeros(len(skew))
    lottery[own] = start + free @ found.x
    return _lottery(lottery)


def _lottery(found: FloatArray) -> FloatArray:
    lottery = np.where(found > SLACK, found, 0.0)
    return np.asarray(lottery / lottery.sum())


def _solved(cost: FloatArray, **constraints: Any) -> FloatArray:
    """Return the solution of a linear program, by the simplex method, so that it is a vertex."""
    from scipy.optimize import linprog

    solved: Any = linprog(cost, method="highs-ds", **constraints)
    if not solved.success:
        raise ArithmeticError(f"the linear program was not solved: {solved.message}")
    return np.asarray(solved.x, dtype=np.float64)
