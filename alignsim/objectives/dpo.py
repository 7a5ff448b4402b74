"""DPO: the logistic pair loss, solved by a row-normalised damped Newton iteration (theory 3).

β multiplies the score here: it is the inverse of the β of Rafailov et al. (2023); see
:func:`alignsim.preferences.beta_from_rafailov`.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from alignsim.kernels.status import NO_OPTIMUM, OK
from alignsim.objectives.contract import Comparison, ScoreObjective, Solution
from alignsim.objectives.existence import (
    has_finite_scores,
    require_connected,
    require_finite_pair_scores,
    require_finite_scores,
)
from alignsim.objectives.solvers import damped_newton, potentials
from alignsim.preferences.logistic import sigmoid
from alignsim.validation import FloatArray

ROUNDING = 4e-16  # of the largest residual; it may hide a smaller one that still falls
LAST_STEP = 1e-9  # relative to 1 + max|v|; a step δ leaves an error of at most 2Kδ²


class DPO(ScoreObjective):
    """The score solves Σ_j w_ij (P_ij − σ(v_i − v_j)) = 0; for a product sampler S(v)μ = Pμ."""

    name: ClassVar[str] = "dpo"

    def score(self, x: Comparison) -> Solution:
        """Return the score (..., K) with μ·v = 0, or mean zero for pair weights."""
        K = x.P.shape[-1]
        if x.sampler is not None:
            batch = np.broadcast_shapes(x.P.shape[:-2], x.sampler.shape[:-1])
            gauge = np.broadcast_to(x.sampler, (*batch, K))
            rows = np.broadcast_to(gauge[..., None, :], (*batch, K, K))
            solvable = np.broadcast_to(has_finite_scores(x.P, x.sampler), batch)
        else:
            assert x.pair_weights is not None
            batch = np.broadcast_shapes(x.P.shape[:-2], x.pair_weights.shape[:-2])
            totals = x.pair_weights.sum(axis=-1, keepdims=True)
            rows = np.broadcast_to(x.pair_weights / totals, (*batch, K, K))
            gauge = np.full((*batch, K), 1.0 / K)
            solvable = np.ones(batch, dtype=np.bool_)
        P = np.broadcast_to(x.P, (*batch, K, K))
        score, status = _solve(
            P.reshape(-1, K, K), rows.reshape(-1, K, K), gauge.reshape(-1, K), solvable.ravel()
        )
        return Solution(score.reshape(*batch, K), status.reshape(batch))

    def score_derivative(self, x: Comparison) -> FloatArray:
        """Return Q = (A + 1μᵀ)⁻¹(P − S), A = diag(Dμ) − D diag(μ), D = σ'(v_i − v_j)."""
        assert x.sampler is not None
        slope, misfit = _slope_and_misfit(self.score(x).value, x.P)
        pull = slope * x.sampler[..., None, :]
        diagonal = pull.sum(axis=-1)[..., None] * np.eye(x.P.shape[-1])
        return np.asarray(-np.linalg.solve(diagonal - pull + x.sampler[..., None, :], misfit))

    def check(self, x: Comparison) -> None:
        """Raise where no finite, unique minimiser exists: before Newton, which would not notice."""
        if x.pair_weights is not None:
            require_connected(x.pair_weights)
            require_finite_pair_scores(x.P, x.pair_weights)
        elif x.sampler is not None:
            require_finite_scores(x.P, x.sampler)


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
        slope, misfit = _slope_and_misfit(v, P[which])
        weights = rows[which, None] * np.stack([slope, misfit], axis=1)
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


def _slope_and_misfit(score: FloatArray, P: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return σ'(v_i − v_j), and σ(v_i − v_j) − P_ij from the side where P is at most ½.

    So a P near 1 keeps its digits.
    """
    win = sigmoid(score[..., :, None] - score[..., None, :])
    lose, mirrored = np.swapaxes(win, -1, -2), np.swapaxes(P, -1, -2)
    return win * lose, np.asarray(np.where(P <= 0.5, win - P, mirrored - lose))
