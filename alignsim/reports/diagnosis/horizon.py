"""How many more rounds a log needs before it can tell whether its loop converges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from alignsim import simplex
from alignsim.reports.diagnosis.estimates import Estimate
from alignsim.reports.diagnosis.multipliers import Fits, leading
from alignsim.reports.diagnosis.orbits import orbit
from alignsim.reports.diagnosis.posterior import Model
from alignsim.validation import FloatArray

TIMES = (0.5, 1.0, 2.0, 4.0, 7.0)
"""By how many times its length a log is extended."""

SIMULATIONS, MOST_SIMULATIONS = 3, 2
"""Extended logs of each length, and how many of them must be long enough."""

STANDARD_DEVIATIONS = 2.55
"""Of ρ, 1.96 times what its interval is stretched by: it must be nearer to its middle than 1."""

STEP = 0.2
"""Of numerical derivatives, in standard deviations of the draws."""

MOST_ROUNDS = 4000
"""Of an extended log."""


def more_rounds(estimate: Estimate, rng: np.random.Generator) -> float:
    """Return how many more rounds would tell a ρ of the middle from 1; ∞ where not 7 times as many.

    At least that many: of logs that were so extended 48 % were decided.
    """
    model = estimate.model
    assert model is not None
    log, rho = estimate.log, estimate.rho[1]
    run = log.longest
    lengths = [max(1, round(times * log.rounds)) for times in TIMES]
    lengths = [N for N in lengths if log.rounds + N <= MOST_ROUNDS] or lengths[:1]
    extended = [_extended(estimate, run, lengths[-1], rng) for _ in range(SIMULATIONS)]
    phi = np.concatenate([estimate.point.a, estimate.point.u[0], [estimate.log_noise]])
    slope, steps = _slope(estimate)
    if not np.isfinite(slope).all():
        return float("inf")
    for N in lengths:
        shrunk = steps * np.sqrt(log.rounds / (log.rounds + N))
        enough = 0
        for tried, longer in enumerate(extended):
            part = _cut(longer, run.stop, run.stop + N, lengths[-1])
            enough += STANDARD_DEVIATIONS * _spread(part, phi, slope, shrunk) < abs(1.0 - rho)
            if enough >= MOST_SIMULATIONS or tried - enough + 1 >= MOST_SIMULATIONS:
                break
        if enough >= MOST_SIMULATIONS:
            return float(N)
    return float("inf")


def _extended(estimate: Estimate, run: slice, rounds: int, rng: np.random.Generator) -> Model:
    """Return the model of the log whose longest run goes on for some rounds, simulated."""
    from alignsim.kernels.log_filter import FREE

    model = estimate.model
    assert model is not None
    noise = float(np.exp(estimate.log_noise))
    last = estimate.states[run.stop - 1]
    states = orbit(estimate.point, last, rounds, noise=noise, rng=rng)
    policies = simplex.softmax(np.clip(states, -700.0, 700.0) @ model.basis.T)
    n = float(np.median(model.counts))
    shares = rng.multinomial(max(1, round(n)), policies) / max(1, round(n))

    def joined(own: FloatArray, new: FloatArray) -> FloatArray:
        return np.concatenate([own[: run.stop], new, own[run.stop :]])

    return replace(
        model,
        code=FREE,
        shares=joined(model.shares, shares),
        counts=joined(model.counts, np.full(rounds, n)),
        first=joined(model.first, np.zeros(rounds, dtype=np.bool_)),  # type: ignore[arg-type]
    )


def _cut(model: Model, stop: int, reach: int, longest: int) -> Model:
    """Return the model with fewer of the new rounds."""
    kept = np.r_[0:reach, stop + longest : len(model.shares)]
    return replace(
        model, shares=model.shares[kept], counts=model.counts[kept], first=model.first[kept]
    )


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


def _spread(model: Model, phi: FloatArray, slope: FloatArray, steps: FloatArray) -> float:
    """Return the standard deviation of ρ by the log posterior's curvature; ∞ at no maximum."""
    information = -model.hessian(phi, steps)
    if not np.isfinite(information).all():
        return float("inf")
    values, vectors = np.linalg.eigh(information)
    along = vectors.T @ slope
    if (values <= 0.0).any():
        return float("inf")
    return float(np.sqrt((along**2 / values).sum()))
