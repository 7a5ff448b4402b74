"""Which α to choose for a wanted fixed point, and what that fixed point costs.

A fixed point depends on η = β/(1−α) and λ only, so α is free: it decides whether the loop gets
there, and how fast. With ν_k the multipliers at α = 0, those at α are α + (1−α)ν_k (theory 6.9),
for every objective. So the stable α and the fastest one follow from one fixed point.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import simplex, validation
from alignsim.analysis.certificates import NAMES, certificates
from alignsim.analysis.evidence import CERTIFIED, ITERATED, NOTHING
from alignsim.analysis.evidence import MEANINGS as EVIDENCE
from alignsim.analysis.fixed_point import FOUND, FixedPoint, fixed_point
from alignsim.analysis.results import Result
from alignsim.analysis.stability import multipliers
from alignsim.feedback import FeedbackMap
from alignsim.summary import Lines, maps, numbers, span, tally
from alignsim.validation import FloatArray

ADVISED, NO_STABLE_ALPHA, NO_FIXED_POINT = range(3)
MEANINGS = {
    ADVISED: "advised",
    NO_STABLE_ALPHA: "no_stable_alpha",
    NO_FIXED_POINT: "no_fixed_point",
}

TRADEOFF_STEPS = np.arange(-24, 9) / 4.0
"""Where the trade-off is computed, as log₂ of η over the wanted one."""

WANTED = int(np.flatnonzero(TRADEOFF_STEPS == 0.0)[0])
"""Position of the wanted η in the trade-off."""

SMALLEST_ETA, LARGEST_ETA = 1e-3, 1e6
"""The η that advice is given for."""

SCANNED_ETA = np.geomspace(0.1, 1e4, 41)
"""Where the entropy is looked at to find the largest η under a floor: steps of a third."""

BISECTIONS = 100
"""Halvings of an interval; so many reach the next float from anywhere in [0, 1]."""

ETA_BISECTIONS = 30
"""Of a step of the scan: to ten digits."""

ROUNDING = 1e-12
"""An entropy this much below a floor keeps it."""

SMALLEST_TOLERANCE, LARGEST_TOLERANCE = 1e-300, 0.999
"""The factors by which a deviation may be wanted to shrink."""

FAR_STARTS = 12
"""Starts from which a loop without a certificate is tried."""

VERTEX_STARTS = 6
"""At most so many of them lie near a vertex; the others are scattered."""

FAR = 4.0
"""How far a near-vertex logit stands out, beside log K (analysis C.2)."""

SCATTER = 5.0
"""Standard deviation of the logits of scattered starts."""

ARRIVED = 1e-3
"""Distance in logits, relative to 1 + span, at which a far start has reached the fixed point."""

PATIENCE = 2.0
"""Far starts are run for so many times the rounds that the local rate alone would need."""

LONGEST_PROBE = 10_000
"""Rounds that a probe takes at most."""

HARD_ONSET = np.sqrt(3.0) / 4.0
"""An advantage times λ from which MRS-DPO on a three-cycle loses stability abruptly (theory 7)."""


class TradeoffRow(NamedTuple):
    """One η, and what its fixed point is and costs at the fastest α; medians over a batch."""

    eta: float
    win_rate: float
    entropy: float
    effective_support: float
    alpha_lowest: float
    alpha: float
    beta: float
    rate: float
    rounds: float


@dataclass(frozen=True, repr=False)
class Tradeoff(Result):
    """Fixed points over a range of η, and the fastest way to each.

    NaN where there is no fixed point, or no α makes it stable.

    Attributes
    ----------
    eta : (..., m)
        Ascending; the wanted one stands at ``WANTED``.
    win_rate : (..., m)
        Probability πᵀPπ_ref that a response of the fixed point beats one of the reference.
    entropy : (..., m)
        Of the fixed point, in nats.
    alpha_lowest : (..., m)
        The fixed point is stable for every α between this and 1. 0 if α = 0 is stable too.
    alpha : (..., m)
        The α that converges fastest.
    beta : (..., m)
        The β = η(1−α) that goes with it.
    rate : (..., m)
        Spectral radius there: the factor by which a small deviation shrinks in a round.
    rounds : (..., m)
        Rounds until a small deviation has shrunk by the tolerance.
    alpha_certified : (..., m)
        For every α above this, a certificate proves that every orbit converges (theory 6.5): safe,
        but slower. NaN for MRS-DPO, for which none is known.
    """

    eta: FloatArray
    win_rate: FloatArray
    entropy: FloatArray
    alpha_lowest: FloatArray
    alpha: FloatArray
    beta: FloatArray
    rate: FloatArray
    rounds: FloatArray
    alpha_certified: FloatArray

    @property
    def effective_support(self) -> FloatArray:
        """e^H of the fixed point, (..., m)."""
        return np.asarray(np.exp(self.entropy))

    def _title(self) -> str:
        return f"Tradeoff of {maps(self.eta.shape[:-1])}"

    def _summary(self) -> Lines:
        for name in ("eta", "win_rate", "entropy", "alpha", "beta", "rate", "rounds"):
            values = getattr(self, name)
            yield name.replace("_", " "), span(values[~np.isnan(values)])


@dataclass(frozen=True, repr=False)
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

    WORDS: ClassVar = {"status": MEANINGS, "evidence": EVIDENCE}

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

    @property
    def alpha_lowest(self) -> FloatArray:
        """The stable α lie between this and 1, (...)."""
        return _wanted(self.tradeoff.alpha_lowest)

    @property
    def alpha(self) -> FloatArray:
        """The fastest α, (...)."""
        return _wanted(self.tradeoff.alpha)

    @property
    def alpha_certified(self) -> FloatArray:
        """Above this α every orbit is certified to converge, (...); NaN for MRS-DPO."""
        return _wanted(self.tradeoff.alpha_certified)

    @property
    def beta(self) -> FloatArray:
        """The β = η(1−α) that goes with it, (...)."""
        return _wanted(self.tradeoff.beta)

    @property
    def rate(self) -> FloatArray:
        """The spectral radius there, (...)."""
        return _wanted(self.tradeoff.rate)

    @property
    def rounds(self) -> FloatArray:
        """Rounds until a small deviation has shrunk by the tolerance, (...)."""
        return _wanted(self.tradeoff.rounds)

    @property
    def win_rate(self) -> FloatArray:
        """Probability that a response of the fixed point beats one of the reference, (...)."""
        return _wanted(self.tradeoff.win_rate)

    @property
    def entropy(self) -> FloatArray:
        """Entropy of the fixed point in nats, (...)."""
        return _wanted(self.tradeoff.entropy)

    @property
    def effective_support(self) -> FloatArray:
        """e^H of the fixed point, (...)."""
        return _wanted(self.tradeoff.effective_support)

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
        yield "warnings", f"{len(self.warnings)}"


def advise(
    P: ArrayLike,
    eta: ArrayLike,
    lam: ArrayLike = 1.0,
    objective: str = "ipo",
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
    K, shape = loop.responses, loop.shape
    small = _number(tolerance, "tolerance", SMALLEST_TOLERANCE, LARGEST_TOLERANCE)
    others = np.empty(0)
    if alphas is not None:
        others = np.atleast_1d(validation.parameter(alphas, "alphas", high=1.0))
        if others.ndim > 1:
            raise ValueError(f"alphas has shape {others.shape}; give one list of numbers")
    floor = np.nan
    if min_effective_support is not None:
        floor = _number(min_effective_support, "min_effective_support", 1.0, float(K))
    flat = loop.part(0, loop.size)
    tradeoff, logits, several = _trade(flat, small)
    gap = 1.0 - multipliers(flat, logits)
    largest = np.full(flat.size, np.nan) if np.isnan(floor) else _largest_eta(flat, floor)
    alpha, beta = tradeoff.alpha[:, WANTED], tradeoff.beta[:, WANTED]
    status = np.where(np.isnan(alpha), NO_STABLE_ALPHA, ADVISED)
    status[np.isnan(logits).any(axis=-1)] = NO_FIXED_POINT
    seen = _convergence(
        flat.replace(alpha=np.nan_to_num(alpha), beta=np.nan_to_num(beta)),
        logits,
        tradeoff.rate[:, WANTED],
        status == ADVISED,
    )
    findings = _Findings(flat, status, seen, several, floor, largest, tradeoff)
    return Advice(
        eta=loop.beta,
        lam=loop.lam,
        status=status.astype(np.int8).reshape(shape),
        policy=simplex.softmax(logits).reshape(*shape, K),
        tradeoff=_shaped(tradeoff, shape),
        alphas=others,
        radii=_radii(gap, others).reshape(*shape, len(others)),
        min_effective_support=floor,
        eta_largest=largest.reshape(shape),
        far_starts=seen.starts.reshape(shape),
        arrived=seen.arrived.reshape(shape),
        probe_rounds=seen.rounds,
        evidence=seen.evidence.reshape(shape),
        tolerance=small,
        objective=objective,
        warnings=_warnings(findings),
    )


def quantiles(values: ArrayLike, shares: tuple[float, ...]) -> FloatArray:
    """Return quantiles over the first axis, (n, ...) → (shares, ...); NaN are left out.

    >>> quantiles([1.0, 2.0, float("nan"), 4.0], (0.0, 0.5)).tolist()
    [1.0, 2.0]
    """
    array = np.sort(np.asarray(values, dtype=np.float64), axis=0)  # NaN come last
    count = (~np.isnan(array)).sum(axis=0)
    found = []
    for share in shares:
        place = share * np.maximum(count - 1, 0)
        low = np.floor(place).astype(int)
        high = np.ceil(place).astype(int)
        below = np.take_along_axis(array, low[None], axis=0)[0]
        above = np.take_along_axis(array, high[None], axis=0)[0]
        with np.errstate(invalid="ignore"):
            between = np.where(high > low, below + (place - low) * (above - below), below)
        found.append(np.where(above == below, below, between))
    return np.asarray(found)


# The fixed points and the speed towards them


def _trade(flat: FeedbackMap, tolerance: float) -> tuple[Tradeoff, FloatArray, NDArray[np.bool_]]:
    """Return the trade-off of a flat batch, the wanted fixed points, and which may be several."""
    grid = flat.beta[:, None] * 2.0**TRADEOFF_STEPS
    reference = simplex.softmax(flat.reference_logits)
    beaten = (flat.P @ reference[..., None])[..., 0]
    follow = _Follower(flat)
    courses: list[tuple[FloatArray, ...]] = []
    logits, several = flat.reference_logits, np.zeros(flat.size, dtype=bool)
    for step in range(grid.shape[1]):
        found = follow.to(grid[:, step])
        point = found.logits
        ahead = flat.replace(beta=grid[:, step])
        low, share, log_rate = _speed(1.0 - multipliers(ahead, point))
        courses.append((
            (simplex.softmax(point) * beaten).sum(axis=-1),
            simplex.entropy(point),
            low,
            1.0 - share,
            grid[:, step] * share,
            np.exp(log_rate),
            _rounds(log_rate, tolerance),
        ))  # fmt: skip
        if step == WANTED:
            logits, several = point, np.asarray(found.status == FOUND)
    columns = [*np.array(courses).transpose(1, 2, 0), _certified_alpha(flat, grid)]
    return Tradeoff(grid, *columns), logits, several


def _speed(gap: NDArray[np.complex128]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the lowest stable α, the fastest 1−α and its log rate, (n,), from w = 1−ν (n, m).

    |1 − sw_k|² = 1 − 2s·Re w_k + s²|w_k|² with s = 1−α: the largest of these parabolas is convex,
    and the sign of its slope is bisected.
    """
    real, square = gap.real, np.abs(gap) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        stable = (real > 0.0).all(axis=-1)
        longest = (2.0 * real / square).min(axis=-1)
    low, high = np.zeros(len(gap)), np.ones(len(gap))
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        rising = _slope(real, square, middle) > 0.0
        low, high = np.where(rising, low, middle), np.where(rising, middle, high)
    share = 0.5 * (low + high)
    excess = (square * share[:, None] - 2.0 * real).max(axis=-1) * share
    with np.errstate(divide="ignore", invalid="ignore"):
        log_rate = 0.5 * np.log1p(np.maximum(excess, -1.0))
    known = np.where(stable, 1.0, np.nan)
    return known * np.maximum(1.0 - longest, 0.0), known * share, known * log_rate


def _slope(real: FloatArray, square: FloatArray, share: FloatArray) -> FloatArray:
    """Return the slope of the largest parabola at ``share`` (n,)."""
    top = (square * share[:, None] - 2.0 * real).argmax(axis=-1)
    each = np.arange(len(share))
    return np.asarray(square[each, top] * share - real[each, top])


def _rounds(log_rate: FloatArray, tolerance: float) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.maximum(np.ceil(np.log(tolerance) / log_rate), 1.0))


def _radii(gap: NDArray[np.complex128], alphas: FloatArray) -> FloatArray:
    """Return max_k |α + (1−α)ν_k|: (n, m), (a,) → (n, a)."""
    return np.asarray(np.abs(1.0 - (1.0 - alphas)[:, None] * gap[:, None, :]).max(axis=-1))


def _largest_eta(flat: FeedbackMap, support: float) -> FloatArray:
    """Return the largest η below which e^H never falls under ``support``, (n,)."""
    least = np.log(support) - ROUNDING
    largest = np.where(simplex.entropy(flat.reference_logits) >= least, np.inf, np.nan)
    lower, upper = np.zeros(flat.size), np.full(flat.size, np.inf)
    going = np.flatnonzero(~np.isnan(largest))
    if not len(going):
        return largest
    follow = _Follower(flat.take(going))
    for eta in SCANNED_ETA:
        entropy = simplex.entropy(follow.to(np.full(len(going), eta)).logits)
        keeps = entropy >= least
        upper[going[entropy < least]] = eta
        largest[going[np.isnan(entropy)]] = np.nan
        lower[going[keeps]] = eta
        going = going[keeps]
        if not len(going):
            break
        follow = follow.only(keeps)
    crossed = np.flatnonzero(np.isfinite(upper))
    if len(crossed):
        follow = _Follower(flat.take(crossed))
        low, high = lower[crossed], upper[crossed]
        for _ in range(ETA_BISECTIONS):
            middle = 0.5 * (low + high)
            keeps = simplex.entropy(follow.to(middle).logits) >= least
            low, high = np.where(keeps, middle, low), np.where(keeps, high, middle)
        largest[crossed] = low
    return largest


class _Follower:
    """The fixed points of a flat batch from one η to the next.

    The start is z_ref + (η′/η)(z − z_ref): exact if the scores did not change.
    """

    def __init__(self, flat: FeedbackMap) -> None:
        self.flat = flat
        self.score = np.zeros((flat.size, flat.responses))

    def to(self, eta: FloatArray) -> FixedPoint:
        """Return the fixed points at ``eta`` (n,)."""
        reference = self.flat.reference_logits
        found = fixed_point(
            self.flat.replace(beta=eta), reference + eta[:, None] * np.nan_to_num(self.score)
        )
        self.score = (found.logits - reference) / eta[:, None]
        return found

    def only(self, which: NDArray[np.bool_]) -> _Follower:
        """Return the part of the batch where ``which`` (n,) holds."""
        part = _Follower(self.flat.take(np.flatnonzero(which)))
        part.score = self.score[which]
        return part


# Convergence from everywhere


class _Convergence(NamedTuple):
    """What is known about far starts: (n,) each, and the rounds of the probe."""

    evidence: NDArray[np.int8]
    starts: NDArray[np.int64]
    arrived: NDArray[np.int64]
    decided: NDArray[np.bool_]
    rounds: int


def _certified_alpha(flat: FeedbackMap, eta: FloatArray) -> FloatArray:
    """Return the α above which a certificate holds at each η (n, m); NaN for MRS-DPO.

    At a fixed η, β = η(1−α) makes C1 and C3 hold for every α or for none, and turns C2, C4 and C5
    into lower limits of α. They are written in the limits of β at α = ½.
    """
    if flat.objective != "ipo":
        return np.full(eta.shape, np.nan)
    limits = certificates(flat.replace(alpha=0.5)).beta_limit
    C1, C2, C3, C4, C5 = (
        eta / limits[:, NAMES.index(name), None] for name in ("C1", "C2", "C3", "C4", "C5")
    )
    quadratic = np.minimum(C4, C5) ** 2
    lowest = np.minimum(quadratic / (4.0 + quadratic), np.maximum(0.75 * C2 - 1.0, 0.0))
    return np.where(np.minimum(C1, C3) < 2.0, 0.0, lowest)


def _convergence(
    loop: FeedbackMap, logits: FloatArray, rate: FloatArray, advised: NDArray[np.bool_]
) -> _Convergence:
    """Look for a certificate, and else run the flat batch ``loop`` from far starts."""
    certified = np.zeros(loop.size, dtype=bool)
    if loop.objective == "ipo":
        certified = advised & certificates(loop).certified
    probed = np.flatnonzero(advised & ~certified)
    evidence = np.where(certified, CERTIFIED, NOTHING).astype(np.int8)
    starts = np.zeros(loop.size, dtype=np.int64)
    arrived = np.zeros(loop.size, dtype=np.int64)
    decided = np.ones(loop.size, dtype=bool)
    if not len(probed):
        return _Convergence(evidence, starts, arrived, decided, 0)
    target = logits[probed]
    begin = _far_starts(target)
    distance = _span(begin - target[:, None, :]).max(axis=-1)
    near = ARRIVED * (1.0 + _span(target))
    needed = PATIENCE * np.log(distance / near) / -np.log(np.maximum(rate[probed], 0.1))
    rounds = np.minimum(2.0 ** np.ceil(np.log2(needed + 1.0)), LONGEST_PROBE).astype(np.int64)
    end = np.empty_like(begin)
    for wanted in np.unique(rounds):  # not as many as the slowest of the batch needs
        own = np.flatnonzero(rounds == wanted)
        orbit = loop.take(np.repeat(probed[own], FAR_STARTS)).run(
            start_logits=begin[own].reshape(-1, loop.responses),
            rounds=int(wanted), keep="last", burn_in=int(wanted),
        )  # fmt: skip
        end[own] = orbit.final_logits.reshape(-1, *begin.shape[1:])
    there = _span(end - target[:, None, :]) <= near[:, None]
    evidence[probed], starts[probed] = ITERATED, FAR_STARTS
    arrived[probed] = there.sum(axis=-1)
    decided[probed] = needed <= rounds
    return _Convergence(evidence, starts, arrived, decided, int(rounds.max()))


def _far_starts(target: FloatArray) -> FloatArray:
    """Return starts near vertices and scattered around fixed points (n, K): (n, starts, K)."""
    n, K = target.shape
    vertices = (np.log(K) + FAR) * np.eye(K)[:VERTEX_STARTS]
    scattered = np.random.default_rng(0).normal(scale=SCATTER, size=(FAR_STARTS - len(vertices), K))
    near_vertices = np.broadcast_to(vertices, (n, *vertices.shape))
    return simplex.centre(np.concatenate([near_vertices, target[:, None, :] + scattered], axis=1))


def _span(logits: FloatArray) -> FloatArray:
    return np.asarray(logits.max(axis=-1) - logits.min(axis=-1))


# In words


class _Findings(NamedTuple):
    """What warnings are made of."""

    flat: FeedbackMap
    status: NDArray[np.intp]
    seen: _Convergence
    several: NDArray[np.bool_]
    floor: float
    largest: FloatArray
    tradeoff: Tradeoff


def _warnings(found: _Findings) -> tuple[str, ...]:
    """Return sentences; of a batch, each with the number of instances that it holds for."""
    flat, seen = found.flat, found.seen
    advised = found.status == ADVISED
    missed = seen.starts - seen.arrived
    entropy = found.tradeoff.entropy[:, WANTED]
    low = found.tradeoff.alpha_lowest[:, WANTED]
    with np.errstate(invalid="ignore"):
        below = np.exp(entropy) < found.floor * (1.0 - ROUNDING)
        hard = advised & (low > 0.0) & (_advantage(flat.P) * flat.lam > HARD_ONSET)
    runs = f"of {FAR_STARTS} far starts converged within {seen.rounds:,} rounds at the advised α"
    unproved = "No certificate of global convergence holds"
    tried = seen.starts > 0
    astray = tried & (missed > 0) & seen.decided
    slow = tried & (missed > 0) & ~seen.decided
    with_floor = not np.isnan(found.floor)
    said = [
        (found.status == NO_FIXED_POINT, "No fixed point was found; move P off 0 and 1."),
        (
            found.status == NO_STABLE_ALPHA,
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
            "MRS-DPO below λ = 1 can have several fixed points; this is the one that is followed "
            "from small η.",
        ),
        (
            hard & (flat.objective == "dpo"),
            "MRS-DPO can lose stability abruptly here: near the lowest stable α, another "
            "attractor may lie beside the fixed point. Keep away from it.",
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
            np.isnan(found.largest) & with_floor & ~(found.status == NO_FIXED_POINT),
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
    if found.flat.objective != "ipo":
        return "A larger α may help, at the price of rounds."
    safe = found.tradeoff.alpha_certified[astray, WANTED].max(initial=0.0)
    return f"Every orbit converges for α above {safe:.5g} (certified), at the price of rounds."


def _advantage(P: FloatArray) -> FloatArray:
    return np.asarray(np.abs(P - 0.5).max(axis=(-2, -1)))


def _wanted(values: FloatArray) -> FloatArray:
    return np.asarray(values[..., WANTED])


def _shaped(flat: Tradeoff, shape: tuple[int, ...]) -> Tradeoff:
    return Tradeoff(*(getattr(flat, f.name).reshape(*shape, -1) for f in fields(flat)))


def _number(value: float, name: str, low: float, high: float) -> float:
    array = validation.parameter(value, name, low=low, high=high)
    if array.ndim:
        raise ValueError(f"{name} has shape {array.shape}; give one number")
    return float(array)
