"""DPO: the logistic pair loss, solved by a row-normalised damped Newton iteration (theory 3).

β multiplies the score here: it is the inverse of the β of Rafailov et al. (2023); see
:func:`alignsim.preferences.signal_strength`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from alignsim.kernels.status import NO_OPTIMUM, OK
from alignsim.objectives.comparison import Comparison, ProductPairs, Solution, WeightedPairs
from alignsim.objectives.contract import BoolArray, PairLoss
from alignsim.objectives.dpo_derivatives import LogisticScore
from alignsim.objectives.existence import (
    has_finite_pair_scores,
    has_finite_scores,
    require_connected,
    require_finite_pair_scores,
    require_finite_scores,
)
from alignsim.objectives.facts import NEVER, Fact, Facts
from alignsim.objectives.solvers import damped_newton, potentials
from alignsim.preferences.logistic import log_odds, sigmoid
from alignsim.validation import FloatArray

ROUNDING = 4e-16  # of the largest residual; it may hide a smaller one that still falls
LAST_STEP = 1e-9  # relative to 1 + max|v|; a step δ leaves an error of at most 2Kδ²


def _inside(P: FloatArray) -> FloatArray:
    within = ((P > 0.0) & (P < 1.0)).all(axis=(-2, -1))
    return np.where(within, 1.0, NEVER)


def _on_policy(P: FloatArray) -> FloatArray:
    return np.ones(P.shape[:-2])


def _span(P: FloatArray) -> FloatArray:
    """Return (K−1)·max logit P: along a chain of responses no score gap is wider than that."""
    return np.asarray((P.shape[-1] - 1) * log_odds(P).max(axis=(-2, -1)))


def _every_span(P: FloatArray) -> FloatArray:
    return np.broadcast_to(_span(P)[..., None, None], P.shape)


def _odd_one(P: FloatArray) -> NDArray[np.int64]:
    """Return 1 for an even number of responses: P − S is skew and takes two vectors to 0 then."""
    return np.full(P.shape[:-2], 1 - P.shape[-1] % 2)


@dataclass(frozen=True)
class DPO(PairLoss):
    """The score solves Σ_j w_ij (P_ij − σ(v_i − v_j)) = 0; for product pairs S(v)μ = Pμ."""

    name: ClassVar[str] = "dpo"
    source: ClassVar[str] = "Rafailov et al. (2023), arXiv 2305.18290"
    expansion = LogisticScore
    facts = Facts(
        win_gain=Fact(4.0, "theory 3.5"),
        uniform_gain=Fact(4.0, "theory 7"),
        unique_from=Fact(_inside, "theory 7"),
        imaginary_from=Fact(_on_policy, "theory 7"),
        score_gaps=Fact(_every_span, "theory 3.3"),
        score_span=Fact(_span, "theory 3.3"),
        forgotten=Fact(_odd_one, "theory 7: P − S is skew and takes the sampler to 0"),
    )

    def score(self, x: Comparison) -> Solution:
        """Return the score (..., K) with μ·v = 0, or mean zero for weighted pairs."""
        K = x.P.shape[-1]
        if isinstance(x.pairs, ProductPairs):
            sampler = x.pairs.sampler
            batch = np.broadcast_shapes(x.P.shape[:-2], sampler.shape[:-1])
            gauge = np.broadcast_to(sampler, (*batch, K))
            rows = np.broadcast_to(gauge[..., None, :], (*batch, K, K))
            solvable = np.broadcast_to(has_finite_scores(x.P, sampler), batch)
        else:
            weights = x.pairs.weights
            batch = np.broadcast_shapes(x.P.shape[:-2], weights.shape[:-2])
            rows = np.broadcast_to(weights / weights.sum(axis=-1, keepdims=True), (*batch, K, K))
            gauge = np.full((*batch, K), 1.0 / K)
            solvable = np.ones(batch, dtype=np.bool_)
        P = np.broadcast_to(x.P, (*batch, K, K))
        score, status = _solve(
            P.reshape(-1, K, K), rows.reshape(-1, K, K), gauge.reshape(-1, K), solvable.ravel()
        )
        return Solution(score.reshape(*batch, K), status.reshape(batch))

    def pull(self, gaps: FloatArray, P: FloatArray) -> FloatArray:
        """Return P_ij − σ(v_i − v_j)."""
        return _pull(sigmoid(gaps), P)

    def slope(self, gaps: FloatArray) -> FloatArray:
        """Return σ'(v_i − v_j)."""
        return _slope(sigmoid(gaps))

    def scale(self, beta: FloatArray) -> FloatArray:
        """Return 1/β: the loss of a won pair is −log σ((u_i − u_j)/β), u = βv."""
        return np.asarray(1.0 / beta)

    def exists(self, x: Comparison) -> BoolArray:
        """Return where some response neither always wins nor always loses (theory 3.3)."""
        if isinstance(x.pairs, ProductPairs):
            return has_finite_scores(x.P, x.pairs.sampler)
        return has_finite_pair_scores(x.P, x.pairs.weights)

    def check(self, x: Comparison) -> None:
        """Raise where no finite, unique minimiser exists: before Newton, which would not notice."""
        if isinstance(x.pairs, WeightedPairs):
            require_connected(x.pairs.weights)
            require_finite_pair_scores(x.P, x.pairs.weights)
        else:
            require_finite_scores(x.P, x.pairs.sampler)


def _solve(
    P: FloatArray, rows: FloatArray, gauge: FloatArray, solvable: NDArray[np.bool_]
) -> tuple[FloatArray, NDArray[np.int8]]:
    """Solve Σ_j rows_ij (σ(v_i − v_j) − P_ij) = 0, gauge·v = 0, for a flat batch.

    Responses are sorted by their share in the gauge, the largest first.
    """
    score = np.full(P.shape[:-1], np.nan)
    status = np.full(len(P), NO_OPTIMUM, dtype=np.int8)
    live = np.flatnonzero(solvable)
    order = np.argsort(-gauge[live], axis=-1, kind="stable")
    rank = np.argsort(order, axis=-1)
    own = live[:, None, None], order[:, :, None], order[:, None, :]
    P, rows = P[own], rows[own]

    def system(v: FloatArray, which: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        win = sigmoid(v[..., :, None] - v[..., None, :])
        weights = rows[which, None] * np.stack([_slope(win), -_pull(win, P[which])], axis=1)
        return weights[:, 1].sum(axis=-1), weights

    def solve(weights: FloatArray, _: FloatArray) -> FloatArray:
        return potentials(weights[:, 0], weights[:, 1])

    start = np.zeros((len(live), P.shape[-1]))
    result = damped_newton(system, start, solve=solve, tolerance=LAST_STEP, rounding=ROUNDING)
    point = np.take_along_axis(result.point, rank, axis=-1)
    shift = (gauge[live] * point).sum(axis=-1, keepdims=True)
    status[live] = result.status
    score[live] = np.where((result.status == OK)[:, None], point - shift, np.nan)
    return score, status


def _slope(win: FloatArray) -> FloatArray:
    """Return σ' from σ of antisymmetric gaps."""
    return np.asarray(win * np.swapaxes(win, -1, -2))


def _pull(win: FloatArray, P: FloatArray) -> FloatArray:
    """Return P − σ, from the side where P is at most ½: so a P near 1 keeps its digits."""
    lose, mirrored = np.swapaxes(win, -1, -2), np.swapaxes(P, -1, -2)
    return np.asarray(np.where(P <= 0.5, P - win, lose - mirrored))
