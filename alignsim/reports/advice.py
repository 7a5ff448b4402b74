"""Which α to choose for a wanted fixed point, and what that fixed point costs.

A fixed point depends on η = β/(1−α) and λ only, so α is free: it decides whether the loop gets
there, and how fast. With ν_k the multipliers at α = 0, those at α are α + (1−α)ν_k (theory 6.9),
for every objective. So the stable α and the fastest one follow from one fixed point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import simplex, validation
from alignsim.analysis.equilibria.stability import multipliers
from alignsim.analysis.evidence import Evidence
from alignsim.analysis.results import Result
from alignsim.errors import InputError
from alignsim.feedback import FeedbackMap
from alignsim.objectives import Objective
from alignsim.reports.caution import AdviceStatus, Findings, sentences
from alignsim.reports.far_starts import convergence
from alignsim.reports.method_advice import MethodAdvice, method_advice
from alignsim.reports.tradeoff import (
    Tradeoff,
    TradeoffRow,
    largest_eta,
    quantiles,
    radii,
    trade,
)
from alignsim.summary import Lines, numbers, tally
from alignsim.validation import FloatArray

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
        return np.asarray(getattr(advice.tradeoff, self._name)[..., advice.tradeoff.wanted])


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


@overload
def advise(
    P: ArrayLike,
    eta: ArrayLike,
    lam: ArrayLike = 1.0,
    objective: str | Objective = "ipo",
    *,
    method: None = None,
    reference: ArrayLike | None = None,
    offline: ArrayLike | None = None,
    min_effective_support: float | None = None,
    tolerance: float = 1e-6,
    alphas: ArrayLike | None = None,
) -> Advice: ...


@overload
def advise(
    P: ArrayLike,
    eta: ArrayLike | None = None,
    lam: ArrayLike = 1.0,
    objective: str | Objective = "ipo",
    *,
    method: str,
    reference: ArrayLike | None = None,
    offline: ArrayLike | None = None,
    tolerance: float = 1e-6,
    **parameters: float | None,
) -> MethodAdvice: ...


def advise(
    P: ArrayLike,
    eta: ArrayLike | None = None,
    lam: ArrayLike = 1.0,
    objective: str | Objective = "ipo",
    *,
    method: str | None = None,
    reference: ArrayLike | None = None,
    offline: ArrayLike | None = None,
    min_effective_support: float | None = None,
    tolerance: float = 1e-6,
    alphas: ArrayLike | None = None,
    **parameters: float | None,
) -> Advice | MethodAdvice:
    """Return the stable and the fastest α for wanted fixed points (...), and their trade-off.

    With a ``method``: the fastest stable parameters of that method, or of all of them.

    Parameters
    ----------
    P : (..., K, K)
        Preference matrices. With a method, several are a sample of what the preferences may be, or
        of the problems that one loop is to solve: the advice is for their mean, and says for how
        many of them it is stable.
    eta : (...)
        The wanted η = β/(1−α), from ``SMALLEST_ETA`` to ``LARGEST_ETA``. It decides the fixed
        point together with ``lam``; so it does for every method that a fixed reference anchors.
        Infinite, or left out with a method: the Nash equilibrium, where loops without an anchor
        rest.
    lam, objective, reference, offline
        As in :class:`FeedbackMap`.
    method
        A name that :func:`alignsim.methods` lists, another name of it, or ``"all"``. Rates are then
        ranked by one-shot optimum, of which a round of some methods has several, and apart for
        each fixed point.
    min_effective_support
        An entropy floor: the e^H in [1, K] that the fixed point should keep. The largest η that
        does is found on a grid (``SCANNED_ETA``) and by bisection; a dip between two points of
        the grid is missed.
    tolerance
        By what factor a deviation should shrink, in (0, 1).
    alphas : (a,)
        Further α in [0, 1] of which to tell the spectral radius.
    parameters
        Those of the method that are to stay as they are.

    Returns
    -------
    Advice or MethodAdvice
        The second with a method.

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

    Of other methods the largest multiplier is minimised over the method's parameters, β included;
    where all ω_k are one, the closed form is taken if there is none faster.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.3)
    >>> found = asim.advise(P, eta=20.0)
    >>> [round(float(x), 4) for x in (found.alpha_lowest, found.alpha, found.rate)]
    [0.8462, 0.9231, 0.9608]
    >>> float(found.rounds)
    346.0

    Optimism gets to the same fixed point much faster:

    >>> best = asim.advise(P, eta=20.0, method="optimistic").best
    >>> print(best.setting, "at a rate of", round(best.rate, 4))
    beta = 2.82899, optimism = 0.752158, kappa = 0.14145 at a rate of 0.6071
    """
    if method is not None:
        given = {"min_effective_support": min_effective_support, "alphas": alphas}
        for name, value in given.items():
            if value is not None:
                raise InputError(name, "is given beside method", "leave one of them out")
        return method_advice(
            P, _finite(eta), lam, objective, method, reference=reference, offline=offline,
            tolerance=_factor(tolerance), parameters=parameters,
        )  # fmt: skip
    if parameters:
        raise InputError(next(iter(parameters)), "is given without method", "name the method")
    if eta is None:
        raise InputError("eta", "is missing", "give the wanted η = β/(1−α), or a method")
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
    small = _factor(tolerance)
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
    asked = np.empty((flat.size, 0))
    if others.size:
        asked = radii(1.0 - multipliers(flat, logits), others)
    largest = np.full(flat.size, np.nan) if np.isnan(floor) else largest_eta(flat, floor)
    alpha, beta = found.alpha[:, found.wanted], found.beta[:, found.wanted]
    status = np.where(np.isnan(alpha), AdviceStatus.NO_STABLE_ALPHA, AdviceStatus.ADVISED)
    status[np.isnan(logits).any(axis=-1)] = AdviceStatus.NO_FIXED_POINT
    seen = convergence(
        flat.replace(alpha=np.nan_to_num(alpha), beta=np.nan_to_num(beta)),
        logits,
        found.rate[:, found.wanted],
        status == AdviceStatus.ADVISED,
    )
    findings = Findings(flat, status, seen, several, logits, floor, largest, found)
    return Advice(
        eta=flat.beta,
        lam=flat.lam,
        status=status.astype(np.int8),
        policy=simplex.softmax(logits),
        tradeoff=found,
        alphas=others,
        radii=asked,
        min_effective_support=floor,
        eta_largest=largest,
        far_starts=seen.starts,
        arrived=seen.arrived,
        probe_rounds=seen.rounds,
        evidence=seen.evidence,
        tolerance=small,
        objective=loop.objective.name,
        warnings=sentences(findings),
    ).reshaped(shape)


def _finite(eta: ArrayLike | None) -> FloatArray | None:
    """Return a wanted η, checked; None where it is infinite."""
    if eta is None or (np.ndim(eta) == 0 and eta == np.inf):
        return None
    return validation.parameter(eta, "eta", low=SMALLEST_ETA, high=LARGEST_ETA)


def _factor(tolerance: float) -> float:
    return validation.number(tolerance, "tolerance", low=SMALLEST_TOLERANCE, high=LARGEST_TOLERANCE)
