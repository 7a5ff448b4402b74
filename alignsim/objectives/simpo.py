"""SimPO for responses of equal length: DPO with a uniform reference and a margin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.errors import NoOptimumError
from alignsim.objectives.comparison import Comparison, Push
from alignsim.objectives.contract import Field, laplacian
from alignsim.objectives.pair_fields import rows, rows_by_pairs
from alignsim.parameters import SMALLEST, Parameter
from alignsim.preferences.logistic import sigmoid
from alignsim.validation import FloatArray

MARGIN = Parameter("margin", "γ, by which the winner is to lead", 0.5, high=500.0)


@dataclass(frozen=True)
class SimPO(Field):
    """The descent direction of −log σ((θ_i − θ_j)/β − γ) of what won, without a reference.

    With γ = 0 it is DPO with a uniform reference. Responses of unequal length, whose
    log-probabilities SimPO divides by their lengths, have no such form: the normaliser of the
    policy does not cancel.

    Parameters
    ----------
    margin
        γ, (...), at least 0. The weights of the pairs are 2μ_iμ_j, or add up to 1.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 0.8], [0.2, 0.5]]
    >>> given = {"sampling": [0.5, 0.5], "rate": 1.0, "steps": 500, "keep": "last"}
    >>> asim.train("simpo", P, **given, margin=[0.0, 1.0]).final.round(4).tolist()
    [[0.8, 0.2], [0.896, 0.104]]
    """

    name: ClassVar[str] = "simpo"
    parameters: ClassVar[tuple[Parameter, ...]] = (MARGIN,)
    source: ClassVar[str] = "Meng, Xia and Chen (2024), arXiv 2405.14734"
    unanalysable: ClassVar[str] = "a loss whose optimum is not solved for here"

    margin: FloatArray | float = 0.5

    def force(self, logits: FloatArray, x: Comparison) -> FloatArray:
        """Return −∂L/∂θ (..., K)."""
        return rows(self._shares(logits, x)[0], x.pairs)

    def force_derivatives(self, logits: FloatArray, x: Comparison) -> Push:
        """Return ∂F/∂θ and ∂F/∂pairs; the reference does not matter."""
        shares, slopes = self._shares(logits, x)
        by_logits = laplacian(x.pairs.weights * slopes)
        return Push(by_logits, np.zeros(by_logits.shape), rows_by_pairs(shares, x.pairs))

    def _shares(self, logits: FloatArray, x: Comparison) -> tuple[FloatArray, FloatArray]:
        """Return c_ij and its derivative by θ_i − θ_j."""
        beta, margin = x.beta[..., None, None], np.asarray(self.margin)[..., None, None]
        short = sigmoid(margin - (logits[..., :, None] - logits[..., None, :]) / beta)
        ahead = np.swapaxes(short, -1, -2)
        losses = np.swapaxes(x.P, -1, -2)
        slopes = -(x.P * short * (1.0 - short) + losses * ahead * (1.0 - ahead)) / beta**2
        return (x.P * short - losses * ahead) / beta, slopes

    def _no_optimum(self, _: Comparison) -> NoOptimumError:
        return NoOptimumError(
            f"objective is {self.name!r}, {self.unanalysable}; follow it with "
            "alignsim.train, or for two responses with alignsim.objectives.simpo_gap"
        )


def simpo_gap(P: ArrayLike, *, beta: ArrayLike = 1.0, margin: ArrayLike = 0.5) -> FloatArray:
    """Return log(π_1/π_2) (...) of two responses at the optimum of SimPO, in closed form.

    Parameters
    ----------
    P
        How often the first wins (...), between 0 and 1: for 0 and 1 no optimum is finite.
    beta, margin
        As for SimPO, (...).

    Raises
    ------
    ValueError
        For bad arguments; :class:`~alignsim.errors.NoOptimumError` for a P of 0 or 1.

    Notes
    -----
    β(½ log(P/Q) + arsinh(e^γ(P − Q)/(2√(PQ)))), Q = 1 − P: the root of Qz² − A(P − Q)z = P,
    z = e^{gap/β}, A = e^γ.

    Examples
    --------
    >>> import alignsim as asim
    >>> asim.objectives.simpo_gap([0.5, 0.8], margin=[[0.0], [1.0]]).round(4).tolist()
    [[0.0, 1.3863], [0.0, 2.154]]
    """
    wins = validation.parameter(P, "P", high=1.0)
    strength, gamma = validation.parameter(beta, "beta"), MARGIN.checked(margin)
    validation.batch_shape({"P": wins.shape, "beta": strength.shape, "margin": gamma.shape})
    sure = (wins < SMALLEST) | (wins >= 1.0)
    if sure.any():
        place = validation.first_true(sure)
        raise NoOptimumError(
            f"P{validation.at(place)}", f"is {wins[place]:g}",
            "the optimum of SimPO is then infinite; move P off 0 and 1",
        )  # fmt: skip
    both = np.sqrt(wins) * np.sqrt(1.0 - wins)
    tilt = np.arcsinh(np.exp(gamma) * ((wins - 0.5) / both))
    return np.asarray(strength * (0.5 * (np.log(wins) - np.log1p(-wins)) + tilt))
