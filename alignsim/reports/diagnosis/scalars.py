"""Logs of one number a round: a share, a win rate, an entropy or a margin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from alignsim import simplex
from alignsim.reports.diagnosis.estimates import STRETCH_RHO, STRETCH_THETA, Interval, limits
from alignsim.reports.diagnosis.logs import COUNTED, Log
from alignsim.reports.diagnosis.posterior import Model, draws, mode
from alignsim.reports.diagnosis.verdicts import Finding, LogVerdict, between, turning
from alignsim.validation import FloatArray

STARTS = (1.2, -0.7)
"""Coefficients from which a second search of the mode begins."""

LARGEST_START = 1.4
"""Modulus of the multipliers that a search begins from."""

DAMPED, RATIO = 0.5, (0.6, 1.7)
"""Late over early amplitude of a damped loop at most, and of a sustained oscillation."""

LEAST_TURN, PERIODS = np.radians(2.0), 2.5
"""What a sustained oscillation turns a round at least, and the periods that the log must have."""

SIMILAR, LAGS = 0.8, (0.4, 0.7)
"""Its autocorrelation somewhere at lags of so much of the length of the last two thirds."""

SUSTAINED = 0.93
"""ρ's upper limit must be above it."""

AT_REST = ("entropy", "margin")
"""Quantities that have double the frequency about a uniform rest point."""


@dataclass(frozen=True)
class ScalarEstimate:
    """Draws of the effective leading multiplier at the amplitude that was logged.

    ``seen`` (T,) is the log on the scale that is fitted, ``noise`` the variance of its noise there.
    """

    log: Log
    rho_draws: FloatArray
    theta_draws: FloatArray
    seen: FloatArray
    noise: FloatArray

    @property
    def rho(self) -> Interval:
        """The effective modulus; only its lower limit bounds that at rest too."""
        low, middle, high = limits(self.rho_draws, STRETCH_RHO)
        return max(low, 0.0), middle, high

    @property
    def theta(self) -> Interval:
        """The effective argument, in radians."""
        low, middle, high = limits(self.theta_draws, STRETCH_THETA)
        return max(low, 0.0), middle, min(high, np.pi)


def scalar_estimate(
    log: Log, rng: np.random.Generator, told: Callable[[int], None] = lambda _: None
) -> ScalarEstimate:
    """Return what a log of one number a round says."""
    from alignsim.kernels import log_filter

    y = log.values[:, 0]
    counted = log.quantity in COUNTED
    seen = 2.0 * np.arcsin(np.sqrt(y)) if counted else y
    size = float(seen.std())
    seen = (seen - seen.mean()) / size
    counts = log.counts * size**2 if counted else np.ones(log.rounds)
    model = Model(
        code=log_filter.SCALAR,
        basis=simplex.mean_zero_basis(2),
        shares=np.ascontiguousarray(seen[:, None]),
        counts=counts,
        first=log.first,
        known=np.zeros(1),
        design=np.zeros((1, 1)),
    )
    noises = 2 if counted else 3
    bounds = np.array([[-3.0, 3.0], [-2.5, 2.5], [-5.0, 5.0], *[log_filter.LOG_NOISE] * noises])
    starts = [np.append(start, np.full(noises, -1.5)) for start in _starts(seen, log)]
    top = mode(model, starts, bounds)
    scales = np.append([0.2, 0.2, 0.1], np.full(noises, 0.5))
    found = draws(model, top, scales, bounds, rng, told)
    inner = (found[:, 0] ** 2 + 4.0 * found[:, 1]).astype(complex)
    roots = 0.5 * (found[:, 0, None] + np.sqrt(inner)[:, None] * [1.0, -1.0])
    which = np.abs(roots).argmax(axis=1)[:, None]
    first = np.take_along_axis(roots, which, axis=1)[:, 0]
    noise = 1.0 / counts if counted else np.full(log.rounds, np.exp(2.0 * np.median(found[:, 5])))
    return ScalarEstimate(log, np.abs(first), np.abs(np.angle(first)), seen, noise)


def _starts(seen: FloatArray, log: Log) -> list[FloatArray]:
    """Return coefficients (a₁, a₂, c) from which searches begin."""
    used = ~(log.first[2:] | log.first[1:-1])
    A = np.column_stack([seen[1:-1], seen[:-2], np.ones(len(seen) - 2)])[used]
    fit = np.linalg.lstsq(A, seen[2:][used], rcond=None)[0]
    size = float(np.abs(np.roots([1.0, -fit[0], -fit[1]])).max(initial=0.0))
    if size > LARGEST_START:
        fit[:2] *= (LARGEST_START / size) ** np.array([1, 2])
    return [fit, np.array([*STARTS, 0.0])]


def scalar_verdict(estimate: ScalarEstimate, uniform: bool) -> Finding:
    """Return what a log of one number says; ``uniform`` hides the frequency of some."""
    run = estimate.log.longest
    seen, noise = estimate.seen[run], estimate.noise[run]
    _, middle, high = estimate.rho
    third = len(seen) // 3
    early = _excess(seen[:third], noise[:third], seen)
    late = _excess(seen[-third:], noise[-third:], seen)
    effective = f"the effective ρ is {between(estimate.rho)} at the logged amplitude"
    hidden = estimate.log.quantity in AT_REST and uniform
    turn = "" if hidden else f"; {turning(estimate.theta)}"
    if high < 1.0 and (late < DAMPED * early or _within_noise(seen[-third:], noise[-third:])):
        told = (
            f"Damped: {effective}, a half-life of {np.log(0.5) / np.log(middle):.2g} rounds{turn}."
        )
        return Finding(LogVerdict.DAMPED, told)
    turns = estimate.theta[1] * len(seen) / (2.0 * np.pi)
    lasting = early > 0.0 and RATIO[0] < late / early < RATIO[1] and high > SUSTAINED
    if (
        lasting
        and estimate.theta[0] > LEAST_TURN
        and turns >= PERIODS
        and _recurs(seen[-2 * third :], noise[-2 * third :])
    ):
        told = f"Sustained oscillation: the amplitude lasts, and {effective}{turn}."
        return Finding(LogVerdict.SUSTAINED, told)
    told = f"Cannot tell: {effective}{turn}."
    remedy = "log the shares of all responses, which say more, or more rounds"
    return Finding(LogVerdict.CANNOT_TELL, told, remedy)


def _excess(part: FloatArray, noise: FloatArray, whole: FloatArray) -> float:
    """Return the root mean square distance from where the log ends up, less that of noise."""
    centre = whole[len(whole) // 2 :].mean()
    return float(np.sqrt(max(((part - centre) ** 2).mean() - noise.mean(), 0.0)))


def _within_noise(part: FloatArray, noise: FloatArray) -> bool:
    """Return whether a part varies no more than its noise may, with two standard deviations."""
    return bool(part.var() <= noise.mean() * (1.0 + 2.0 * np.sqrt(2.0 / len(part))))


def _recurs(seen: FloatArray, noise: FloatArray) -> bool:
    """Return whether the log resembles itself about half its length later."""
    moved = seen - seen.mean()
    square = moved.var() - noise.mean()
    if square <= 0.0:
        return False
    lags = range(round(LAGS[0] * len(seen)), round(LAGS[1] * len(seen)) + 1)
    return any((moved[lag:] * moved[:-lag]).mean() > SIMILAR * square for lag in lags if lag)
