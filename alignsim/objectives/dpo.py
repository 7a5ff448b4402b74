"""DPO: the logistic pair loss, solved by a row-normalised damped Newton iteration (theory 3).

β multiplies the score here: it is the inverse of the β of Rafailov et al. (2023); see
:func:`alignsim.preferences.beta_from_rafailov`.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from alignsim.kernels.status import NO_OPTIMUM
from alignsim.objectives.contract import Comparison, ScoreObjective, Solution
from alignsim.objectives.existence import (
    has_finite_scores,
    require_connected,
    require_finite_pair_scores,
    require_finite_scores,
)
from alignsim.objectives.solvers import damped_newton
from alignsim.validation import FloatArray


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
        score = self.score(x).value
        win = _logistic(score[..., :, None] - score[..., None, :])
        misfit = _misfit(score, x.P)
        matrix = _newton_matrix(win, x.sampler[..., None, :], x.sampler)
        return np.asarray(-np.linalg.solve(matrix, misfit))

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
    """Solve Σ_j rows_ij (σ(v_i − v_j) − P_ij) = 0, gauge·v = 0, for a flat batch."""
    score = np.full(P.shape[:-1], np.nan)
    status = np.full(len(P), NO_OPTIMUM, dtype=np.int8)
    live = np.flatnonzero(solvable)

    def system(v: FloatArray, which: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        own = live[which]
        misfit = _misfit(v, P[own])
        win = _logistic(v[..., :, None] - v[..., None, :])
        return (rows[own] * misfit).sum(axis=-1), _newton_matrix(win, rows[own], gauge[own])

    result = damped_newton(system, np.zeros((len(live), P.shape[-1])))
    shift = (gauge[live] * result.point).sum(axis=-1, keepdims=True)
    status[live] = result.status
    score[live] = np.where((result.status == 0)[:, None], result.point - shift, np.nan)
    return score, status


def _logistic(x: FloatArray) -> FloatArray:
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1.0, small) / (1.0 + small))


def _misfit(score: FloatArray, P: FloatArray) -> FloatArray:
    """Return σ(v_i − v_j) − P_ij, computed on the side where P is at most ½ to keep its digits."""
    gap = score[..., :, None] - score[..., None, :]
    mirrored = np.swapaxes(P, -1, -2)
    return np.asarray(np.where(P <= 0.5, _logistic(gap) - P, mirrored - _logistic(-gap)))


def _newton_matrix(win: FloatArray, rows: FloatArray, gauge: FloatArray) -> FloatArray:
    """Return diag((rows∘D)1) − rows∘D + 1·gaugeᵀ with D = σ'."""
    pull = rows * win * np.swapaxes(win, -1, -2)
    diagonal = pull.sum(axis=-1)[..., None] * np.eye(win.shape[-1])
    return np.asarray(diagonal - pull + gauge[..., None, :])
