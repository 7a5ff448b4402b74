"""Which α to choose for a wanted fixed point, and what that fixed point costs.

A fixed point depends on η = β/(1−α) and λ only, so α is free: it decides whether the loop gets
there, and how fast. With ν_k the multipliers at α = 0, those at α are α + (1−α)ν_k (theory 6.9),
for every objective. So the stable α and the fastest one follow from one fixed point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import simplex, validation
from alignsim.analysis.bifurcations.criticality import Criticality, first_lyapunov_coefficient
from alignsim.analysis.equilibria.stability import multipliers
from alignsim.analysis.evidence import Evidence
from alignsim.analysis.results import Result
from alignsim.codes import Code
from alignsim.errors import InputError
from alignsim.feedback import FeedbackMap
from alignsim.objectives import Objective
from alignsim.reports.far_starts import FAR_STARTS, Convergence, convergence
from alignsim.reports.tradeoff import (
    ROUNDING,
    WANTED,
    Tradeoff,
    TradeoffRow,
    largest_eta,
    quantiles,
    radii,
    trade,
)
from alignsim.summary import Lines, numbers, span, tally
from alignsim.validation import FloatArray


class AdviceStatus(Code):
    """Whether an α can be advised."""

    ADVISED = "advised"
    NO_STABLE_ALPHA = "no_stable_alpha"
    NO_FIXED_POINT = "no_fixed_point"


SMALLEST_ETA, LARGEST_ETA = 1e-3, 1e6
"""The η that advice is given for."""

SMALLEST_TOLERANCE, LARGEST_TOLERANCE = 1e-300, 0.999
"""The factors by which a deviation may be wanted to shrink."""


class AtWanted:
    """What the trade-off of an advice says at the wanted η, (...)."""

    def __init__(self, doc: str) -> None:
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, advice: Advice | None, owner: type) -> FloatArray:
        if advice is None:
            return self  # type: ignore[return-value]
        return np.asarray(getattr(advice.tradeoff, self._name)[..., WANTED])


@dataclass(frozen=True, eq=False, repr=False)
class Advice(Result):
    """The α to choose for a wanted fixed point, and what else was found.

    Attributes
    ----------
    eta, lam : (...)
        What was wanted.
    status : (...)
        See :meth:`words`.
    policy : (..., K)
        The fixed point; NaN where none was found.
    tradeoff : Tradeoff
        Everything over a range of η around the wanted one.
    alphas : (a,)
        Other α that were asked about.
    radii : (..., a)
        The spectral radius at each of them: stable below 1.
    min_effective_support : float
        The entropy floor that was asked for; NaN if none.
    eta_largest : (...)
        The largest η such that it and all smaller ones keep that floor; infinite if all do up to
        ``SCANNED_ETA``, NaN if not even the reference does, or no floor was asked for.
    far_starts, arrived : (...)
        From how many far starts the loop was run at the advised α, and how many reached the fixed
        point. None is run where convergence is certified.
    probe_rounds : int
        How many rounds the longest of these runs took.
    evidence : (...)
        How convergence from everywhere is known, see :meth:`words`: certified, iterated (from the
        far starts) or none.
    tolerance : float
        What ``rounds`` refers to.
    objective : str
        The objective.
    warnings : tuple of str
        Where local stability is not the whole story.
    """

    WORDS: ClassVar = {"status": AdviceStatus, "evidence": Evidence}
    AXES: ClassVar = {"policy": 1, "alphas": None, "radii": 1}

    eta: FloatArray
    lam: FloatArray
    status: NDArray[np.int8]
    policy: FloatArray
    tradeoff: Tradeoff
    alphas: FloatArray
    radii: FloatArray
    min_effective_support: float
    eta_largest: FloatArray
    far_starts: NDArray[np.int64]
    arrived: NDArray[np.int64]
    probe_rounds: int
    evidence: NDArray[np.int8]
    tolerance: float
    objective: str
    warnings: tuple[str, ...]

    alpha_lowest = AtWanted("The stable α lie between this and 1, (...).")
    alpha = AtWanted("The fastest α, (...).")
    alpha_certified = AtWanted(
        "Above this α every orbit is certified to converge, (...); NaN for MRS-DPO."
    )
    beta = AtWanted("The β = η(1−α) that goes with it, (...).")
    rate = AtWanted("The spectral radius there, (...).")
    rounds = AtWanted("Rounds until a small deviation has shrunk by the tolerance, (...).")
    win_rate = AtWanted(
        "Probability that a response of the fixed point beats one of the reference, (...)."
    )
    entropy = AtWanted("Entropy of the fixed point in nats, (...).")
    effective_support = AtWanted("e^H of the fixed point, (...).")

    def alpha_safe(self, share: float = 0.95) -> FloatArray:
        """Return the α above which a share of the last batch axis is stable: (..., n) → (...).

        Of draws of P from a posterior, the share is a probability. NaN where fewer are stable at
        any α.

        Parameters
        ----------
        share
            In (0, 1].

        Raises
        ------
        InputError
            If ``share`` is outside, or there is no batch.

        Examples
        --------
        What twelve votes leave open, each pair with its own votes only or around a ranking:

        >>> import alignsim as asim
        >>> game = ["rock", "paper", "scissors"]
        >>> votes = asim.data.Comparisons.from_names(
        ...     game * 4, ["scissors", "rock", "paper"] * 4, [1] * 9 + [0] * 3
        ... )
        >>> found = asim.data.posterior(votes, draws=400)
        >>> advice = asim.advise(found.draws(400), eta=20.0)
        >>> bool((advice.alpha_safe() > advice.alpha_safe(0.5)).all())
        True
        """
        needed = validation.number(share, "share", low=np.finfo(np.float64).tiny, high=1.0)
        lowest = self.alpha_lowest
        if lowest.ndim == 0:
            told = "the advice is for one matrix"
            raise InputError("share", f"is {needed:g}, but {told}", "see alpha_lowest")
        ascending = np.sort(np.where(np.isnan(lowest), np.inf, lowest), axis=-1)
        found = ascending[..., int(np.ceil(needed * lowest.shape[-1])) - 1]
        return np.where(np.isfinite(found), found, np.nan)

    def table(self) -> tuple[TradeoffRow, ...]:
        """Return the trade-off, a row an η; of a batch the medians over what is not NaN."""
        columns = []
        for name in TradeoffRow._fields:
            values = getattr(self.tradeoff, name)
            columns.append(quantiles(values.reshape(-1, values.shape[-1]), (0.5,))[0])
        return tuple(TradeoffRow(*map(float, row)) for row in zip(*columns, strict=True))

    def _summary(self) -> Lines:
        yield "status", tally(self.words("status"))
        for name in ("alpha", "beta", "rate", "rounds"):
            yield name, numbers(getattr(self, name))
        yield "evidence", tally(self.words("evidence"))
        for sentence in self.warnings:
            yield "warning", sentence


def advise(
    P: ArrayLike,
    eta: ArrayLike,
    lam: ArrayLike = 1.0,
    objective: str | Objective = "ipo",
    *,
    reference: ArrayLike | None = None,
    offline: ArrayLike | None = None,
    min_effective_support: float | None = None,
    tolerance: float = 1e-6,
    alphas: ArrayLike | None = None,
) -> Advice:
    """Return the stable and the fastest α for wanted fixed points (...), and their trade-off.

    Parameters
    ----------
    P : (..., K, K)
        Preference matrices.
    eta : (...)
        The wanted η = β/(1−α), from ``SMALLEST_ETA`` to ``LARGEST_ETA``. It decides the fixed
        point together with ``lam``.
    lam, objective, reference, offline
        As in :class:`FeedbackMap`.
    min_effective_support
        An entropy floor: the e^H in [1, K] that the fixed point should keep. The largest η that
        does is found on a grid (``SCANNED_ETA``) and by bisection; a dip between two points of
        the grid is missed.
    tolerance
        By what factor a deviation should shrink, in (0, 1).
    alphas : (a,)
        Further α in [0, 1] of which to tell the spectral radius.

    Raises
    ------
    ValueError
        For bad arguments.

    Notes
    -----
    Stable ⇔ Re ν_k < 1 and 1−α < min_k 2(1−Re ν_k)/|1−ν_k|²; the fastest α minimises
    max_k |α + (1−α)ν_k|, a convex function. With ν = ±ic, c = ηλω (MRS-IPO; MRS-DPO at λ = 1),
    these are α > (c²−1)/(c²+1), α = c²/(1+c²) and rate c/√(1+c²) (theory 6.9). All this is local:
    where no certificate (theory 6.5) holds, the loop is run from far starts, and ``warnings``
    says what was seen. MRS-DPO below λ = 1 can have several fixed points; this is the one that is
    followed from small η.

    Examples
    --------
    >>> import alignsim as asim
    >>> found = asim.advise(asim.preferences.cyclic(3, advantage=0.3), eta=20.0)
    >>> [round(float(x), 4) for x in (found.alpha_lowest, found.alpha, found.rate)]
    [0.8462, 0.9231, 0.9608]
    >>> float(found.rounds)
    346.0
    """
    wanted = validation.parameter(eta, "eta", low=SMALLEST_ETA, high=LARGEST_ETA)
    loop = FeedbackMap(
        P, objective=objective, beta=wanted, lam=lam, reference=reference, offline=offline
    )
    if not loop.has_score:
        raise ValueError(
            f"objective is {loop.objective.name!r}, whose rounds have no score; η = β/(1−α) does "
            "not decide its fixed points, and no α can be advised: see alignsim.stability"
        )
    K, shape = loop.responses, loop.shape
    small = validation.number(
        tolerance, "tolerance", low=SMALLEST_TOLERANCE, high=LARGEST_TOLERANCE
    )
    others = np.empty(0)
    if alphas is not None:
        others = np.atleast_1d(validation.parameter(alphas, "alphas", high=1.0))
        if others.ndim > 1:
            raise ValueError(f"alphas has shape {others.shape}; give one list of numbers")
    floor = np.nan
    if min_effective_support is not None:
        floor = validation.number(
            min_effective_support, "min_effective_support", low=1.0, high=float(K)
        )
    flat = loop.part(0, loop.size)
    found, logits, several = trade(flat, small)
    gap = 1.0 - multipliers(flat, logits)
    largest = np.full(flat.size, np.nan) if np.isnan(floor) else largest_eta(flat, floor)
    alpha, beta = found.alpha[:, WANTED], found.beta[:, WANTED]
    status = np.where(np.isnan(alpha), AdviceStatus.NO_STABLE_ALPHA, AdviceStatus.ADVISED)
    status[np.isnan(logits).any(axis=-1)] = AdviceStatus.NO_FIXED_POINT
    seen = convergence(
        flat.replace(alpha=np.nan_to_num(alpha), beta=np.nan_to_num(beta)),
        logits,
        found.rate[:, WANTED],
        status == AdviceStatus.ADVISED,
    )
    findings = _Findings(flat, status, seen, several, logits, floor, largest, found)
    return Advice(
        eta=flat.beta,
        lam=flat.lam,
        status=status.astype(np.int8),
        policy=simplex.softmax(logits),
        tradeoff=found,
        alphas=others,
        radii=radii(gap, others),
        min_effective_support=floor,
        eta_largest=largest,
        far_starts=seen.starts,
        arrived=seen.arrived,
        probe_rounds=seen.rounds,
        evidence=seen.evidence,
        tolerance=small,
        objective=loop.objective.name,
        warnings=_warnings(findings),
    ).reshaped(shape)


class _Findings(NamedTuple):
    """What warnings are made of."""

    flat: FeedbackMap
    status: NDArray[np.intp]
    seen: Convergence
    several: NDArray[np.bool_]
    logits: FloatArray
    floor: float
    largest: FloatArray
    tradeoff: Tradeoff


def _warnings(found: _Findings) -> tuple[str, ...]:
    """Return sentences; of a batch, each with the number of instances that it holds for."""
    flat, seen = found.flat, found.seen
    advised = found.status == AdviceStatus.ADVISED
    missed = seen.starts - seen.arrived
    entropy = found.tradeoff.entropy[:, WANTED]
    with np.errstate(invalid="ignore"):
        below = np.exp(entropy) < found.floor * (1.0 - ROUNDING)
    runs = f"of {FAR_STARTS} far starts converged within {seen.rounds:,} rounds at the advised α"
    unproved = "No certificate of global convergence holds"
    tried = seen.starts > 0
    astray = tried & (missed > 0) & seen.decided
    slow = tried & (missed > 0) & ~seen.decided
    with_floor = not np.isnan(found.floor)
    said = [
        (
            found.status == AdviceStatus.NO_FIXED_POINT,
            "No fixed point was found; move P off 0 and 1.",
        ),
        (
            found.status == AdviceStatus.NO_STABLE_ALPHA,
            "No α makes this fixed point stable (a multiplier at α = 0 has real part 1 or more); "
            "choose another η or λ.",
        ),
        (tried & (missed == 0), f"{unproved}; {FAR_STARTS} {runs}."),
        (
            slow,
            f"{unproved}, and the loop is too slow to try; {span(seen.arrived[slow])} {runs}.",
        ),
        (
            astray,
            f"Local stability is not the whole story: {span(seen.arrived[astray])} {runs}, the "
            f"others went elsewhere. {_remedy(found, astray)}",
        ),
        (
            advised & found.several,
            "There may be several fixed points; this is the one that is followed from small η.",
        ),
        (
            _loses_stability_abruptly(found),
            "Below the lowest stable α stability is lost abruptly (a subcritical bifurcation), and "
            "near it another attractor may lie beside the fixed point. Keep away from it.",
        ),
        (
            below & ~np.isnan(found.largest),
            f"The wanted η leaves an effective support below {found.floor:g}"
            + (
                f" ({np.exp(entropy[0]):.3g}); η = {found.largest[0]:.4g} is the largest that "
                "keeps it."
                if flat.size == 1
                else "; see the largest η that keeps it."
            ),
        ),
        (
            np.isnan(found.largest) & with_floor & ~(found.status == AdviceStatus.NO_FIXED_POINT),
            f"Not even the reference has an effective support of {found.floor:g}.",
        ),
    ]
    return tuple(
        sentence if flat.size == 1 else f"{int(holds.sum()):,} of {flat.size:,}: {sentence}"
        for holds, sentence in said
        if holds.any()
    )


def _remedy(found: _Findings, astray: NDArray[np.bool_]) -> str:
    """Return what helps where far starts went elsewhere."""
    if not found.flat.linear:
        return "A larger α may help, at the price of rounds."
    safe = found.tradeoff.alpha_certified[astray, WANTED].max(initial=0.0)
    return f"Every orbit converges for α above {safe:.5g} (certified), at the price of rounds."


def _loses_stability_abruptly(found: _Findings) -> NDArray[np.bool_]:
    """Return where stability is lost in a subcritical bifurcation at the lowest stable α, (n,)."""
    flat, low = found.flat, found.tradeoff.alpha_lowest[:, WANTED]
    hard = np.zeros(flat.size, dtype=np.bool_)
    edge = np.flatnonzero((found.status == AdviceStatus.ADVISED) & (low > 0.0))
    if len(edge) and flat.objective.expansion is not None:
        alpha = low[edge]
        maps = flat.take(edge).with_parameters(alpha=alpha, beta=flat.beta[edge] * (1.0 - alpha))
        form = first_lyapunov_coefficient(maps, found.logits[edge])
        hard[edge] = form.criticality == Criticality.SUBCRITICAL
    return hard
