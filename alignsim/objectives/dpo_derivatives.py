"""Higher derivatives of the DPO score v(μ), by differentiating S(v)μ = Pμ implicitly.

Row i of the system is Σ_j μ_j(σ(v_i − v_j) − P_ij) = 0, linear in μ. Write v_a for the derivative
v'[a], v_ab for v''[a, b], and Δx_ij = x_i − x_j. Each further derivative solves the Newton matrix
A = diag(σ'μ) − σ' diag(μ) of theory 3.6 for one more right side, made of the lower ones::

    A v_ab  = −Σ_j [σ'(a_jΔv_b + b_jΔv_a) + μ_jσ''Δv_aΔv_b]
    A v_abc = −Σ_j [a_j(σ''Δv_bΔv_c + σ'Δv_bc) + ... + μ_j(σ'''Δv_aΔv_bΔv_c + σ''(Δv_aΔv_bc + ...))]

where ... are the terms with a, b and c exchanged.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alignsim.objectives.comparison import Comparison
from alignsim.objectives.contract import ScoreObjective, gauged, laplacian
from alignsim.objectives.score_expansion import Directions, ScoreExpansion
from alignsim.objectives.solvers import solve_each
from alignsim.preferences.logistic import sigmoid

Matrices = NDArray[Any]


class LogisticScore(ScoreExpansion):
    """The DPO score and its derivatives."""

    def __init__(self, objective: ScoreObjective, x: Comparison) -> None:
        super().__init__(objective, x)
        win = sigmoid(_gaps(self.score))
        lose = np.swapaxes(win, -1, -2)
        self._columns = x.sampler[..., None, :]
        self._slope = win * lose
        self._bend = self._slope * (lose - win)
        self._twist = self._slope * (1.0 - 6.0 * self._slope)
        self._matrix = gauged(laplacian(self._slope * self._columns), self._columns)

    def second(self, a: Directions, b: Directions) -> Directions:
        """Return v''[a, b], with μ·v''[a, b] = 0."""
        at_a, at_b = _gaps(self.first(a)), _gaps(self.first(b))
        moved = self._slope * (_row(a) * at_b + _row(b) * at_a)
        return self._solve(moved + self._columns * self._bend * at_a * at_b)

    def third(self, a: Directions, b: Directions, c: Directions) -> Directions:
        """Return v'''[a, b, c], with μ·v'''[a, b, c] = 0."""
        at_a, at_b, at_c = (_gaps(self.first(direction)) for direction in (a, b, c))
        at_bc, at_ac, at_ab = (_gaps(self.second(*pair)) for pair in ((b, c), (a, c), (a, b)))
        moved = (
            _row(a) * (self._bend * at_b * at_c + self._slope * at_bc)
            + _row(b) * (self._bend * at_a * at_c + self._slope * at_ac)
            + _row(c) * (self._bend * at_a * at_b + self._slope * at_ab)
        )
        mixed = at_a * at_bc + at_b * at_ac + at_c * at_ab
        curved = self._twist * at_a * at_b * at_c + self._bend * mixed
        return self._solve(moved + self._columns * curved)

    def _solve(self, terms: Matrices) -> Directions:
        """Return x with Ax = −Σ_j terms_ij and μ·x = 0."""
        right = -terms.sum(axis=-1)
        K = right.shape[-1]
        matrices = np.broadcast_to(self._matrix, (*right.shape, K)).reshape(-1, K, K)
        return solve_each(matrices, right.reshape(-1, K)).reshape(right.shape)


def _row(direction: Directions) -> Matrices:
    return direction[..., None, :]


def _gaps(x: Directions) -> Matrices:
    return x[..., :, None] - x[..., None, :]
