"""Verdicts on logs of all shares, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alignsim.analysis.evidence import Evidence
from alignsim.codes import Code
from alignsim.reports.diagnosis.cycles import cycles, explained, goes_one_way, period, spread
from alignsim.reports.diagnosis.estimates import Estimate, Interval
from alignsim.reports.diagnosis.horizon import more_rounds
from alignsim.reports.diagnosis.logs import Log
from alignsim.summary import settled


class LogVerdict(Code):
    """What a log says of its loop.

    ``damped`` and ``sustained oscillation`` are said of logs of one number a round; ``unstable`` of
    a rest point that repels, where the log is too short to tell what the loop does instead.
    """

    CONVERGING = "converging"
    LIMIT_CYCLE = "limit_cycle"
    MOVING_AWAY = "moving_away"
    UNSTABLE = "unstable"
    DRIFTING = "drifting"
    DAMPED = "damped"
    SUSTAINED = "sustained_oscillation"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True)
class Finding:
    """A verdict, its sentence, what would help, and its numbers; NaN where they are none."""

    verdict: LogVerdict
    sentence: str
    remedy: str = ""
    amplitude: float = np.nan
    more_rounds: float = np.nan


RESTING = 0.9
"""The share of draws that must have a rest point before a loop is said to converge."""

FEW_RESTING = 0.1
"""Where fewer have one, nothing is said but that the loop drifts."""

DRIFTING, REACH = 0.8, 1.5
"""The share of draws that rest out of reach, and the reach: times the log's own size."""

STILL_CHANCE = 0.01
"""Where equal policies would give as different shares with a greater chance, a log is at rest."""

MOSTLY_NOISE = -0.35
"""Median log q above which rounds are mostly training noise."""

ON_CYCLE, PERIODS = 0.7, 1.5
"""The share of the cycle's amplitude that the log's last part must have, and its periods."""

UNBOUNDED, AT_REST = 1e3, 1e-2
"""Amplitudes beyond which an orbit grows for ever, and below which it rests."""

AGREED = 0.8
"""The share of the draws that must agree on whether a log is on its cycle."""

EXPLAINED = 0.5
"""The share of how the states vary that a fit must predict, where rounds are noisy, for its
unstable rest point to be believed."""

STILL = np.radians(1.0)
"""A turn a round below it is none."""

NOISE_ONLY = "train each round on more comparisons, or log a quieter loop"
ELSEWHERE = "more rounds alone will not tell: start the loop away from rest, or take a larger n"
NOT_EXACT = (
    "if the shares were counted from samples, give n; if they are exact, the rounds have noise or "
    "another form than assumed: log more of them"
)
LONGER = "log more rounds: on its cycle the loop keeps its amplitude"
UNDETERMINED = "start the loop away from rest, or log several runs from different starts"


def verdict(estimate: Estimate, rng: np.random.Generator) -> Finding:
    """Return what a log of all shares says."""
    if estimate.log.exact and (repeats := period(estimate.log)) > 1:
        return _repeating(estimate, repeats)
    if estimate.evidence == Evidence.NOTHING:
        told = "Cannot tell: the log moves in too few directions to determine the round."
        return Finding(LogVerdict.CANNOT_TELL, told, UNDETERMINED)
    low, _, high = estimate.rho
    if not _moves(estimate.log):
        told = "Cannot tell: the log moves no more than its samples' noise."
        return Finding(LogVerdict.CANNOT_TELL, told, ELSEWHERE, more_rounds=np.inf)
    noisy = estimate.log_noise > MOSTLY_NOISE
    if noisy and not (low > 1.0 and explained(estimate) > EXPLAINED):
        told = "Cannot tell: rounds are mostly training noise."
        return Finding(LogVerdict.CANNOT_TELL, told, NOISE_ONLY)
    if _drifts(estimate):
        told = "Drifting: no rest point in reach of this log."
        return Finding(LogVerdict.DRIFTING, told, "a smaller α gives the loop a rest point")
    if estimate.found < RESTING:
        share = f"{100.0 * estimate.found:.0f} %"
        told = f"Cannot tell: only {share} of the fitted loops have a rest point."
        return Finding(LogVerdict.CANNOT_TELL, told, UNDETERMINED)
    if high < 1.0:
        return Finding(LogVerdict.CONVERGING, _converging(estimate))
    if low > 1.0:
        return _unstable(estimate)
    return _undecided(estimate, rng)


def _repeating(estimate: Estimate, repeats: int) -> Finding:
    """Return what an exact log says that repeats itself after some rounds."""
    told = f"On a limit cycle: the log repeats itself every {repeats} rounds."
    size = spread(estimate.log.states[estimate.log.longest][-repeats:])
    if estimate.evidence == Evidence.NOTHING:
        told += " ρ and θ of its rest point are beyond what such a log can tell."
        return Finding(LogVerdict.LIMIT_CYCLE, told, UNDETERMINED, size)
    told += f" Its rest point has ρ = {between(estimate.rho)}; {turning(estimate.theta)}."
    return Finding(LogVerdict.LIMIT_CYCLE, told, amplitude=size)


def _moves(log: Log) -> bool:
    """Return whether a sampled log, or the first third of its runs, moves beyond its noise.

    Where it does not, what the posterior says of ρ comes from the prior of the first state alone.
    """
    if log.exact:
        return True
    begins = np.flatnonzero(log.first)
    age = np.arange(log.rounds) - np.repeat(begins, np.diff(np.append(begins, log.rounds)))
    early = age <= age.max() // 3
    return min(_same(log, np.ones_like(early)), _same(log, early)) < STILL_CHANCE


def _same(log: Log, which: NDArray[np.bool_]) -> float:
    """Return the chance of shares that differ as much in some rounds, if the policy is the same."""
    from scipy.special import chdtrc

    counts = log.values[which] * log.counts[which, None]
    pooled = counts.sum(axis=0)
    used = pooled > 0.0
    expected = np.outer(log.counts[which], pooled[used] / pooled.sum())
    square = float(((counts[:, used] - expected) ** 2 / expected).sum())
    return float(chdtrc((len(counts) - 1) * (int(used.sum()) - 1), square))


def _drifts(estimate: Estimate) -> bool:
    """Return whether the log heads for no rest point: none there, or one out of reach."""
    seen = estimate.seen
    centre = estimate.states.mean(axis=0)
    farthest = float(np.linalg.norm(estimate.states - centre, axis=1).max())
    with np.errstate(invalid="ignore"):
        near = np.linalg.norm(seen.states - centre, axis=1) <= REACH * farthest
    if (~near).mean() <= DRIFTING or not goes_one_way(estimate.states[estimate.log.longest]):
        return False
    if estimate.found < FEW_RESTING:
        return True
    return estimate.theta[1] < STILL and estimate.rho[2] >= 1.0


def _converging(estimate: Estimate) -> str:
    rho = estimate.rho[1]
    told = f"Converging: each round keeps {between(estimate.rho)} of the deviation"
    if 0.0 < rho < 1.0:
        told += f", a half-life of {np.log(0.5) / np.log(rho):.2g} rounds"
    return f"{told}; {turning(estimate.theta)}. Wobble that stays is noise."


def turning(theta: Interval) -> str:
    """Return how a deviation turns, in words."""
    angle = theta[1]
    if np.isnan(angle) or angle < STILL:
        return "it does not turn"
    if angle > np.pi - STILL:
        return "it changes sides every round"
    period = 2.0 * np.pi / angle
    low, middle, high = (float(np.degrees(end)) for end in theta)
    turn = between((low, middle, high), "{:.3g}°")
    return f"it turns {turn} a round, a period of {period:.3g} rounds"


def between(interval: Interval, form: str = "{:.3g}") -> str:
    """Return a number with its limits of 95 %, or alone where they are one.

    >>> between((0.8, 0.9, 0.95)), between((0.6, 0.6, 0.6))
    ('0.9 (0.8 to 0.95)', '0.6')
    """
    low, middle, high = map(form.format, settled(interval).tolist())
    return middle if low == high else f"{middle} ({low} to {high})"


def _unstable(estimate: Estimate) -> Finding:
    """Return what a loop whose rest point repels does instead."""
    T, theta = len(estimate.states[estimate.log.longest]), estimate.theta[1]
    window = T // 3
    if theta > STILL:
        window = max(window, int(np.ceil(PERIODS * 2.0 * np.pi / theta)))
    found = cycles(estimate, min(window, T))
    size = float(np.median(found.sizes))
    told = (
        f"The rest point is unstable, with ρ = {between(estimate.rho)}; {turning(estimate.theta)}."
    )
    if (found.sizes > UNBOUNDED).mean() >= AGREED:
        return Finding(LogVerdict.MOVING_AWAY, f"Growing without bound. {told}", amplitude=size)
    if (found.sizes < AT_REST).mean() >= AGREED:
        told = f"Moving away from one rest point to another. {told}"
        return Finding(LogVerdict.MOVING_AWAY, told, amplitude=size)
    if window > T:
        told = f"Unstable, and the log is shorter than {PERIODS} periods. {told}"
        return Finding(
            LogVerdict.UNSTABLE, told, f"log at least {window - T} more rounds", size, window - T
        )
    there = float((found.late >= ON_CYCLE * found.sizes).mean())
    if there >= AGREED:
        return Finding(LogVerdict.LIMIT_CYCLE, f"On a limit cycle. {told}", amplitude=size)
    if there <= 1.0 - AGREED:
        told = f"Moving away; the cycle it heads for has amplitude {size:.3g} in logits. {told}"
        return Finding(LogVerdict.MOVING_AWAY, told, amplitude=size)
    told = f"Unstable; the log does not tell whether it has reached its cycle. {told}"
    return Finding(LogVerdict.UNSTABLE, told, LONGER, size)


def _undecided(estimate: Estimate, rng: np.random.Generator) -> Finding:
    told = f"Cannot tell: ρ is {between(estimate.rho)}, on either side of 1."
    if estimate.model is None:
        return Finding(LogVerdict.CANNOT_TELL, told, NOT_EXACT)
    rounds = more_rounds(estimate, rng)
    remedy = f"log at least {rounds:,.0f} more rounds" if np.isfinite(rounds) else ELSEWHERE
    return Finding(LogVerdict.CANNOT_TELL, told, remedy, more_rounds=rounds)
