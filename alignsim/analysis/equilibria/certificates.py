"""Certificates that every orbit of IPO converges to the one fixed point (theory 6.5, schemes 6).

For MRS each is a closed-form condition on α, βλ and P. With b = βλ, m = ‖Π(P − ½)Π‖₂ and
D = max_ij span(P_i − P_j):

====  ==============================  ==========================================================
C1    α + (b/2)‖P − ½‖₂ < 1           contraction of the logits: the softmax has slope ≤ ½
C2    α² + (b/2)m < 1                 the same, the skew part of the Jacobian split off
C3    α + bD/4 < 1                    contraction in the span seminorm; dimension-free
C4    (bD)² < 32α(1 − α)              KL(π* ‖ π_t) decreases
C5    (bm)² < 8α(1 − α)               KL(π* ‖ π_t) decreases at a stated rate
U1    α + b/2 < 1                     C3 with the largest D there is, 2: for every P
U2    b² < 8α(1 − α)                  C4 with D = 2: for every P
====  ==============================  ==========================================================

C2, C4, C5 and the universal ones need P + Pᵀ = 1; C1 and C3 hold for every payoff matrix. Other
methods declare one condition, bD below a bound, or none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from alignsim import validation
from alignsim.analysis.equilibria.rest import interior_equilibrium
from alignsim.analysis.results import Result
from alignsim.feedback import FeedbackMap
from alignsim.preferences.payoffs import is_zero_sum, row_span
from alignsim.simplex import mean_zero_basis
from alignsim.summary import Lines, holding, settled, span, tally
from alignsim.validation import FloatArray

NAMES = ("C1", "C2", "C3", "C4", "C5", "U1", "U2")
"""The certificates of MRS."""

DECLARED = ("declared",)
"""The certificate of another method, from its file."""

WIDEST_ROWS = 2.0
"""The largest D of a preference matrix."""

ROUNDING = 1e-12
"""By so much the widest gap of two rows of a preference matrix may exceed 2."""


@dataclass(frozen=True, eq=False, repr=False)
class Certificates(Result):
    """Which certificates of global convergence hold, for a batch of maps.

    Attributes
    ----------
    holds : (..., 7)
        In the order of ``names``: C1 to C5, U1, U2; (..., 1) for methods other than MRS.
    slack : (..., 7)
        How far each condition is from failing, as 1 − left side/right side; negative if it fails.
    rate : (..., 7)
        Guaranteed factor a round where the certificate holds: of the distance of logits (C1, C2),
        of its span (C3, U1), of KL(π* ‖ π_t) (C5). NaN where none is known (C4, U2) or it fails.
    beta_limit : (..., 7)
        The condition holds for every smaller β at these parameters; 0 where it never does.
    names
        What the certificates are called.
    """

    AXES: ClassVar = {"holds": 1, "slack": 1, "rate": 1, "beta_limit": 1}
    _batch = "certified"

    holds: NDArray[np.bool_]
    slack: FloatArray
    rate: FloatArray
    beta_limit: FloatArray
    names: tuple[str, ...] = NAMES

    @property
    def certified(self) -> NDArray[np.bool_]:
        """Whether any certificate holds, (...)."""
        return np.asarray(self.holds.any(axis=-1))

    @property
    def sharpest(self) -> NDArray[np.str_]:
        """The name of the (first) certificate with the largest β limit, (...).

        ``"none"`` where no β is certified, as at α = 1. U1 and U2 are never sharper than C3 and C4.
        """
        best = np.array(self.names)[np.argmax(self.beta_limit, axis=-1)]
        return np.asarray(np.where(self.beta_limit.max(axis=-1) > 0.0, best, "none"))

    def rounds(self, tolerance: float = 1e-9) -> FloatArray:
        """Return the rounds (..., 7) after which each rate guarantees that factor; NaN if none.

        The factor is of the measure that the certificate contracts: see ``rate``.
        """
        small = validation.number(tolerance, "tolerance", low=1e-300, high=1.0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            rounds = np.ceil(np.log(small) / np.log(self.rate))
        return np.asarray(np.where(self.rate == 0.0, float(small < 1.0), rounds))

    def _summary(self) -> Lines:
        yield "holds", tally(np.where(self.holds, self.names, "")) or "none"
        yield "certified", holding(self.certified)
        yield "sharpest", tally(self.sharpest)
        yield "beta limit", span(self.beta_limit.max(axis=-1))
        yield "rate", span(settled(self.rate[~np.isnan(self.rate)]))


def certificates(loop: FeedbackMap) -> Certificates:
    """Return which certificates of global convergence hold for IPO maps.

    For MRS C1 to C5, U1 and U2, which need no fixed point; for other methods the one that they
    declare. Without an anchor it needs λ = 1 and an interior equilibrium.

    Raises
    ------
    ValueError
        For an objective whose score is not linear, as that of DPO, and for a method that declares
        none: none is known there.

    Examples
    --------
    >>> import alignsim as asim
    >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.5), beta=1.8, alpha=0.5)
    >>> found = asim.analysis.certificates(loop)
    >>> found.holds.tolist(), str(found.sharpest)
    ([False, False, False, True, False, False, False], 'C4')
    >>> found.beta_limit.round(3).tolist()
    [1.155, 1.732, 1.333, 1.886, 1.633, 1.0, 1.414]
    """
    validation.feedback_map(loop, "loop")
    if not loop.linear:
        raise ValueError(
            f"objective is {loop.objective.name!r}; certificates are proved for scores that are "
            "linear in the sampler, as that of 'ipo': use alignsim.analysis.stability(loop) for "
            "local stability"
        )
    if not loop.mixes_references:
        return _declared(loop)
    E = mean_zero_basis(loop.responses)
    skew = loop.P - 0.5
    norm = np.linalg.norm(skew, 2, axis=(-2, -1))
    m = np.linalg.norm(E.T @ skew @ E, 2, axis=(-2, -1))
    D = row_span(loop.P)
    rotates = is_zero_sum(loop.P)
    preference = rotates & (D <= WIDEST_ROWS * (1.0 + ROUNDING))
    alpha, b = loop.alpha, loop.beta * loop.lam
    free = 1.0 - alpha
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        limits = _stacked(
            2.0 * free / norm,
            np.where(rotates, 2.0 * free * (1.0 + alpha) / m, 0.0),
            4.0 * free / D,
            np.where(rotates, np.sqrt(32.0 * alpha * free) / D, 0.0),
            np.where(rotates, np.sqrt(8.0 * alpha * free) / m, 0.0),
            np.where(preference, 4.0 * free / WIDEST_ROWS, 0.0),
            np.where(preference, np.sqrt(32.0 * alpha * free) / WIDEST_ROWS, 0.0),
        )
        # 0/0: nothing to certify against (α = 1), or nothing that moves (βλ·P = const)
        limits = np.where(np.isnan(limits), 0.0, limits)
        use = b[..., None] / limits
        slack = 1.0 - np.where(b[..., None] == 0.0, np.where(free[..., None] > 0, 0.0, 1.0), use)
        holds = slack > 0.0
        half = 0.25 * b * m
        excess = (b * m) ** 2 / (4.0 * alpha * free) - 1.0
        kl = np.where(excess <= 0.0, alpha, alpha / (1.0 - excess * free))
        rates = _stacked(
            alpha + 0.5 * b * norm,
            np.hypot(alpha, half) + half,
            alpha + 0.25 * b * D,
            np.full(loop.shape, np.nan),
            kl,
            alpha + 0.25 * b * WIDEST_ROWS,
            np.full(loop.shape, np.nan),
        )
        per_beta = limits / loop.lam[..., None]
    unmoved = np.where(free[..., None] > 0, np.inf, 0.0)
    return Certificates(
        holds=holds,
        slack=slack,
        rate=np.where(holds, rates, np.nan),
        beta_limit=np.where(loop.lam[..., None] > 0, per_beta, unmoved),
    )


def _declared(loop: FeedbackMap) -> Certificates:
    """Return the certificate that a method declares: βλD below its bound."""
    method = loop.scheme.method
    fact = method.facts.attraction
    if fact is None:
        raise ValueError(
            f"the loop's scheme is {method.name!r}, for which no convergence from everywhere is "
            "proved: use alignsim.stability(loop) for local stability, or alignsim.basins(loop)"
        )
    bound = fact.value(**loop.scheme.parameters)
    anchored = loop.scheme.rest().anchored
    flat = loop.part(0, loop.size)
    inside = np.isfinite(interior_equilibrium(flat)).all(axis=-1).reshape(loop.shape)
    usable = is_zero_sum(loop.P) & (anchored | ((loop.lam == 1.0) & inside)) & ~np.isnan(bound)
    signal, limit = loop.beta * loop.lam * row_span(loop.P), np.where(usable, bound, 0.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        slack = np.where(limit > 0.0, 1.0 - signal / limit, -1.0)
        beta_limit = np.where(limit > 0.0, limit / (loop.lam * row_span(loop.P)), 0.0)
    holds = slack > 0.0
    rate = np.full(loop.shape, np.nan)
    if method.facts.attraction_rate is not None:
        guaranteed = method.facts.attraction_rate.value(**loop.scheme.parameters)
        rate = np.where(holds & (guaranteed < 1.0), guaranteed, np.nan)
    every = (holds, slack, rate, beta_limit)
    held, left, factor, largest = (np.broadcast_to(each, loop.shape)[..., None] for each in every)
    return Certificates(held, left, factor, largest, DECLARED)


def _stacked(*columns: FloatArray) -> FloatArray:
    return np.stack(np.broadcast_arrays(*columns), axis=-1)
