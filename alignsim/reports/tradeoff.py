"""What fixed points along η are and cost, and the fastest way to each.

With ν_k the multipliers of a fixed point at α = 0, those at α are α + (1−α)ν_k (theory 6.9), for
every objective: the α at which it is stable, and the fastest one, follow from one spectrum.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex
from alignsim.analysis.equilibria.certificates import NAMES, certificates
from alignsim.analysis.equilibria.fixed_point import FixedPoint, PointStatus, fixed_point
from alignsim.analysis.equilibria.stability import multipliers, spectral_radius
from alignsim.analysis.results import Result
from alignsim.feedback import FeedbackMap
from alignsim.summary import Lines, maps, settled, span
from alignsim.validation import FloatArray

OCTAVES_BELOW, OCTAVES_ABOVE = 6, 2
"""How often η is halved and doubled from the wanted one."""

FINE, COARSE = 4, 1
"""Steps an octave. The second where fixed points are unique, so that any step leads to them, and
their number times K³, the work of each, is more than"""
FINE_WORK = 2e7

SCANNED_ETA = np.geomspace(0.1, 1e4, 41)
"""Where the entropy is looked at to find the largest η under a floor: steps of a third."""

BISECTIONS = 100
"""Halvings of an interval, enough to reach the next float from anywhere in [0, 1]."""

ETA_BISECTIONS = 30
"""Of a step of the scan: to ten digits."""

ROUNDING = 1e-12
"""An entropy this much below a floor keeps it."""


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


@dataclass(frozen=True, eq=False, repr=False)
class Tradeoff(Result):
    """Fixed points over a range of η, and the fastest way to each.

    NaN where there is no fixed point, or no α makes it stable.

    Attributes
    ----------
    eta : (..., m)
        Ascending, 33 from 1/64 to 4 times the wanted one, which stands at ``wanted``; of many wide
        matrices 9.
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
        but slower. NaN where none is known, as for MRS-DPO.
    """

    AXES: ClassVar = dict.fromkeys(
        ("eta", "win_rate", "entropy", "alpha_lowest", "alpha", "beta", "rate", "rounds",
         "alpha_certified"), 1
    )  # fmt: skip

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
    def octave(self) -> int:
        """How many steps double η."""
        return (self.eta.shape[-1] - 1) // (OCTAVES_BELOW + OCTAVES_ABOVE)

    @property
    def wanted(self) -> int:
        """Position of the wanted η."""
        return OCTAVES_BELOW * self.octave

    @property
    def effective_support(self) -> FloatArray:
        """e^H of the fixed point, (..., m)."""
        return np.asarray(np.exp(self.entropy))

    def _title(self) -> str:
        return f"Tradeoff of {maps(self.eta.shape[:-1])}"

    def _summary(self) -> Lines:
        for name in ("eta", "win_rate", "entropy", "alpha", "beta", "rate", "rounds"):
            values = getattr(self, name)
            yield name.replace("_", " "), span(settled(values[~np.isnan(values)]))


def trade(flat: FeedbackMap, tolerance: float) -> tuple[Tradeoff, FloatArray, NDArray[np.bool_]]:
    """Return the trade-off of a flat batch, the wanted fixed points, and which may be several."""
    octave = _steps_an_octave(flat)
    wanted = OCTAVES_BELOW * octave
    grid = flat.beta[:, None] * 2.0 ** (np.arange(-wanted, OCTAVES_ABOVE * octave + 1) / octave)
    reference = simplex.softmax(flat.reference_logits)
    beaten = (flat.P @ reference[..., None])[..., 0]
    follow = _Follower(flat)
    courses: list[tuple[FloatArray, ...]] = []
    logits, several = flat.reference_logits, np.zeros(flat.size, dtype=bool)
    for step in range(grid.shape[1]):
        found = follow.to(grid[:, step])
        point = found.logits
        ahead = flat.replace(beta=grid[:, step])
        low, share, log_rate = _speed(_gap(ahead, point))
        courses.append((
            (simplex.softmax(point) * beaten).sum(axis=-1),
            simplex.entropy(point),
            low,
            1.0 - share,
            grid[:, step] * share,
            np.exp(log_rate),
            _rounds(log_rate, tolerance),
        ))  # fmt: skip
        if step == wanted:
            logits, several = point, np.asarray(found.status == PointStatus.FOUND)
    columns = [*np.array(courses).transpose(1, 2, 0), certified_alpha(flat, grid)]
    return Tradeoff(grid, *columns), logits, several


def _steps_an_octave(flat: FeedbackMap) -> int:
    many = flat.size * flat.responses**3 > FINE_WORK
    return COARSE if many and flat.holds(flat.facts.unique_from).all() else FINE


def _gap(flat: FeedbackMap, logits: FloatArray) -> NDArray[np.complex128]:
    """Return 1−ν of the multipliers at α = 0 that decide, (n, m): of imaginary ones the largest."""
    imaginary = flat.holds(flat.facts.imaginary_from)
    if not imaginary.any():
        return np.asarray(1.0 - multipliers(flat, logits))
    rows, rest = np.flatnonzero(imaginary), np.flatnonzero(~imaginary)
    largest = 1.0 - 1j * spectral_radius(flat.take(rows), logits[rows])[:, None]
    if not rest.size:
        return np.asarray(largest)
    others = 1.0 - multipliers(flat.take(rest), logits[rest])
    gap = np.empty((flat.size, others.shape[1]), dtype=np.complex128)
    gap[rows], gap[rest] = largest, others
    return gap


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


def radii(gap: NDArray[np.complex128], alphas: FloatArray) -> FloatArray:
    """Return max_k |α + (1−α)ν_k|: (n, m), (a,) → (n, a)."""
    return np.asarray(np.abs(1.0 - (1.0 - alphas)[:, None] * gap[:, None, :]).max(axis=-1))


def largest_eta(flat: FeedbackMap, support: float) -> FloatArray:
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


def certified_alpha(flat: FeedbackMap, eta: FloatArray) -> FloatArray:
    """Return the α above which a certificate holds at each η (n, m); NaN if none is known.

    At a fixed η, β = η(1−α) makes C1 and C3 hold for every α or for none, and turns C2, C4 and C5
    into lower limits of α. They are written in the limits of β at α = ½.
    """
    if not flat.linear:
        return np.full(eta.shape, np.nan)
    limits = certificates(flat.replace(alpha=0.5)).beta_limit
    C1, C2, C3, C4, C5 = (
        eta / limits[:, NAMES.index(name), None] for name in ("C1", "C2", "C3", "C4", "C5")
    )
    quadratic = np.minimum(C4, C5) ** 2
    lowest = np.minimum(quadratic / (4.0 + quadratic), np.maximum(0.75 * C2 - 1.0, 0.0))
    return np.where(np.minimum(C1, C3) < 2.0, 0.0, lowest)


def quantiles(values: FloatArray, shares: tuple[float, ...]) -> FloatArray:
    """Return quantiles over the first axis, (n, ...) → (shares, ...); NaN are left out.

    >>> quantiles(np.array([1.0, 2.0, np.nan, 4.0]), (0.0, 0.5)).tolist()
    [1.0, 2.0]
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of NaN alone, and of infinities
        below = np.nanquantile(values, shares, axis=0, method="lower")
        between = np.nanquantile(values, shares, axis=0)
        above = np.nanquantile(values, shares, axis=0, method="higher")
    return np.where(above == below, below, between)
