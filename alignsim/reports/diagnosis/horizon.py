"""How many more rounds a log needs before it can tell whether its loop converges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex
from alignsim.reports.diagnosis.estimates import Estimate
from alignsim.reports.diagnosis.multipliers import Fits, leading
from alignsim.reports.diagnosis.orbits import orbit
from alignsim.reports.diagnosis.posterior import Ends, Model, around, bend
from alignsim.validation import FloatArray

TIMES = (0.5, 1.0, 2.0, 4.0, 7.0)
"""By how many times its length a log is extended."""

SIMULATIONS, MOST_SIMULATIONS = 3, 2
"""Extended logs of each length, and how many of them must be long enough."""

STANDARD_DEVIATIONS = 2.55
"""Of ρ, 1.96 times what its interval is stretched by: it must be nearer to its middle than 1."""

STEP = 0.2
"""Of numerical derivatives: of ρ in standard deviations of the draws, and of the log posterior in
those that the longest extension should leave."""

MOST_ROUNDS = 4000
"""Of an extended log."""


def more_rounds(estimate: Estimate, rng: np.random.Generator) -> float:
    """Return how many more rounds would tell a ρ of the middle from 1; ∞ where not 7 times as many.

    At least that many: of logs that were so extended 48 % were decided.
    """
    from alignsim.kernels.log_filter import FREE

    assert estimate.model is not None
    log, rho, run = estimate.log, estimate.rho[1], estimate.log.longest
    slope, steps = _slope(estimate)
    if not np.isfinite(slope).all():
        return float("inf")
    model = _with_rounds(
        replace(estimate.model, code=FREE), np.r_[: run.start, run.stop : log.rounds, run]
    )
    steps /= np.sqrt(1.0 + TIMES[-1])
    phi = np.concatenate([estimate.point.a, estimate.point.u[0], [estimate.log_noise]])
    points = around(phi, steps)
    ends = model.ends(len(points))
    heights = model.heights(points, ends=ends)
    lengths = [max(1, round(times * log.rounds)) for times in TIMES]
    lengths = [N for N in lengths if log.rounds + N <= MOST_ROUNDS] or lengths[:1]
    longer = [
        _Longer(_extension(estimate, model, lengths[-1], rng), points, heights, ends)
        for _ in range(SIMULATIONS)
    ]
    for N in lengths:
        enough = 0
        for tried, each in enumerate(longer):
            spread = _spread(each.reaching(N), slope, steps)
            enough += STANDARD_DEVIATIONS * spread < abs(1.0 - rho)
            if enough >= MOST_SIMULATIONS:
                return float(N)
            if tried - enough + 1 >= MOST_SIMULATIONS:
                break
    return float("inf")


class _Longer:
    """The log posterior at some points (p, D) of a log that goes on with its longest run."""

    def __init__(self, extension: Model, points: FloatArray, heights: FloatArray, ends: Ends):
        self.extension, self.points = extension, points
        self.heights, self.ends, self.rounds = heights, ends.copied(), 0
        self.prior = _with_rounds(extension, np.arange(0)).heights(points)

    def reaching(self, rounds: int) -> FloatArray:
        """Return it after a number of further rounds, no smaller than in the last call: (p,)."""
        part = _with_rounds(self.extension, np.arange(self.rounds, rounds))
        self.heights = self.heights + part.heights(self.points, ends=self.ends) - self.prior
        self.rounds = rounds
        return self.heights


def _with_rounds(model: Model, which: NDArray[np.intp]) -> Model:
    """Return the model of some of its rounds."""
    shares, counts, first = model.shares[which], model.counts[which], model.first[which]
    return replace(model, shares=shares, counts=counts, first=first)


def _extension(estimate: Estimate, model: Model, rounds: int, rng: np.random.Generator) -> Model:
    """Return the model of simulated rounds with which the longest run goes on."""
    noise, last = float(np.exp(estimate.log_noise)), estimate.states[estimate.log.longest.stop - 1]
    states = orbit(estimate.point, last, rounds, noise=noise, rng=rng)
    policies = simplex.softmax(np.clip(states, -700.0, 700.0) @ model.basis.T)
    n = float(np.median(model.counts))
    shares = rng.multinomial(max(1, round(n)), policies) / max(1, round(n))
    begins = np.zeros(rounds, dtype=np.bool_)
    return replace(model, shares=shares, counts=np.full(rounds, n), first=begins)


def _slope(estimate: Estimate) -> tuple[FloatArray, FloatArray]:
    """Return the derivative of ρ by a and u, and steps for numerical derivatives."""
    fits = estimate.fits
    spread = np.column_stack([fits.a, fits.u]).std(axis=0)
    steps = STEP * np.maximum(spread, 1e-4)
    point = np.append(estimate.point.a, estimate.point.u)
    moved = point + np.concatenate([np.diag(steps), -np.diag(steps)])
    D = len(steps)
    rho = leading(
        Fits(moved[:, 0].copy(), np.zeros(2 * D), moved[:, 1:]), estimate.states.mean(axis=0)
    ).rho
    slope = (rho[:D] - rho[D:]) / (2.0 * steps)
    return slope, steps


def _spread(heights: FloatArray, slope: FloatArray, steps: FloatArray) -> float:
    """Return the standard deviation of ρ by the log posterior's curvature; ∞ at no maximum.

    ``heights`` are those of the points :func:`around`.
    """
    information = -bend(heights, steps)
    if not np.isfinite(information).all():
        return float("inf")
    values, vectors = np.linalg.eigh(information)
    along = vectors.T @ slope
    if (values <= 0.0).any():
        return float("inf")
    return float(np.sqrt((along**2 / values).sum()))
