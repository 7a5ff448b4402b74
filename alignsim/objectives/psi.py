"""ΨPO: IPO with a function Ψ of the preferences in their place (theory 11.4; Azar et al. 2023)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from alignsim.errors import InputError, NoOptimumError
from alignsim.objectives.comparison import Comparison, Solution
from alignsim.objectives.contract import BoolArray, PairLoss
from alignsim.objectives.facts import Fact, Facts, always
from alignsim.objectives.ipo import IPO
from alignsim.objectives.score_expansion import LinearScore
from alignsim.parameters import Parameter
from alignsim.validation import FloatArray, at, first_true

Transform = Callable[[FloatArray], FloatArray]
"""From preferences to payoffs, elementwise."""

GRID = np.linspace(0.0625, 0.9375, 15)
"""Where Ψ is checked to be odd about ½."""

ODD = 1e-9
"""How far from odd rounding may leave it, relative to its largest value there."""


@dataclass(frozen=True)
class PsiPO(PairLoss):
    """The score is v = Ψ(P)μ, Ψ by default the smoothed log-odds; with pair weights, IPO's of Ψ(P).

    Parameters
    ----------
    odds_smoothing
        The s of Ψ(p) = log((p + s)/(1 − p + s)), (...), at least 0. With 0 no P may be 0 or 1, and
        for Bradley–Terry preferences the optimum is that of RLHF. As s grows, (s + ½)Ψ/2 tends to
        p − ½, which is IPO.
    transform
        Another Ψ, a function of arrays, which must be odd about ½: Ψ(p) + Ψ(1−p) = 2Ψ(½). Then
        training on pairs reaches the optimum of E Ψ − KL/β; other Ψ are not Smith-consistent
        either.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 0.7, 0.4], [0.3, 0.5, 0.8], [0.6, 0.2, 0.5]]
    >>> asim.optimum("psi", P, [0.5, 0.3, 0.2], beta=1.0, odds_smoothing=0.1).round(4).tolist()
    [0.3993, 0.3056, 0.2952]
    >>> cubic = asim.objectives.PsiPO(transform=lambda p: (p - 0.5) ** 3)
    >>> asim.optimum(cubic, P, [0.5, 0.3, 0.2], beta=100.0).round(4).tolist()
    [0.4351, 0.4016, 0.1633]
    """

    name: ClassVar[str] = "psi"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("odds_smoothing", "s, by which both odds are smoothed", 0.0, 0.0, np.inf),
    )
    source: ClassVar[str] = "Azar et al. (2023), arXiv 2310.12036"
    form: ClassVar[str] = "a"
    expansion = LinearScore
    facts = Facts(
        unique_from=Fact(always, "theory 11.4: as of IPO, for skew payoffs Ψ(P)"),
        imaginary_from=Fact(always, "theory 11.4: as of IPO, for skew payoffs Ψ(P)"),
    )

    odds_smoothing: FloatArray | float = 0.0
    transform: Transform | None = None

    def __post_init__(self) -> None:
        """Check the fields."""
        super().__post_init__()
        if self.transform is None:
            return
        with np.errstate(all="ignore"):
            values = np.asarray(self.transform(GRID), dtype=np.float64)
        if values.shape != GRID.shape or not np.isfinite(values).all():
            raise InputError(
                "transform",
                "does not give one finite number for each preference inside (0, 1)",
                "give a function of arrays, such as numpy.arctanh of 2p − 1",
            )
        gap = np.abs(values + values[::-1] - 2.0 * values[len(GRID) // 2])
        worst = int(gap.argmax())
        if gap[worst] > ODD * np.abs(values).max():
            p = GRID[worst]
            raise InputError(
                "transform",
                f"is not odd about ½: Ψ({p:g}) + Ψ({1 - p:g}) differs from 2Ψ(½) by "
                f"{gap[worst]:.3g}",
                "give a Ψ with Ψ(p) + Ψ(1 − p) = 2Ψ(½)",
            )

    def payoffs(self, P: FloatArray) -> FloatArray:
        """Return Ψ(P) − Ψ(½), skew: (..., K, K)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.transform is not None:
                values = np.asarray(self.transform(P), dtype=np.float64)
                return np.asarray(0.5 * (values - np.swapaxes(values, -1, -2)))
            log = np.log(P + np.asarray(self.odds_smoothing)[..., None, None])
            return np.asarray(log - np.swapaxes(log, -1, -2))

    def score(self, x: Comparison) -> Solution:
        """Return Ψ(P)μ for product pairs, the least-squares score of Ψ(P) for weighted ones."""
        return _IPO.score(self._as_ipo(x))

    def score_derivative(self, x: Comparison, score: FloatArray) -> FloatArray:
        """Return Ψ(P) for product pairs, whatever the policy."""
        return _IPO.score_derivative(self._as_ipo(x), score)

    def pull(self, gaps: FloatArray, P: FloatArray) -> FloatArray:
        """Return Ψ(P_ij) − Ψ(½) − (v_i − v_j)."""
        return np.asarray(self.payoffs(P) - gaps)

    def slope(self, gaps: FloatArray) -> FloatArray:
        """Return 1."""
        return _IPO.slope(gaps)

    def scale(self, beta: FloatArray) -> FloatArray:
        """Return 2β: the loss of a pair is (u_i − u_j − βΨ(P_ij))², u = βv."""
        return _IPO.scale(beta)

    def exists(self, x: Comparison) -> BoolArray:
        """Return where Ψ(P) is finite and the pairs connect all responses."""
        finite = np.isfinite(self.payoffs(x.P)).all(axis=(-2, -1))
        return np.asarray(finite & _IPO.exists(x))

    def check(self, x: Comparison) -> None:
        """Raise where Ψ(P) is infinite, or the pair weights do not connect the responses."""
        infinite = ~np.isfinite(self.payoffs(x.P)).all(axis=(-2, -1))
        if infinite.any():
            raise NoOptimumError(
                f"Ψ(P{at(first_true(infinite))}) is infinite, as P has preferences of 0 or 1; "
                "raise odds_smoothing above 0"
            )
        _IPO.check(x)

    def __str__(self) -> str:
        """Return the name as it is written in text."""
        return "ΨPO"

    def _as_ipo(self, x: Comparison) -> Comparison:
        return replace(x, P=0.5 + self.payoffs(x.P))


_IPO = IPO()
