"""Exact logs: least squares, with an interval for what the form of the round leaves over."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex
from alignsim.analysis.evidence import Evidence
from alignsim.reports.diagnosis.cycles import period
from alignsim.reports.diagnosis.estimates import Estimate
from alignsim.reports.diagnosis.logs import Log
from alignsim.reports.diagnosis.multipliers import Fits, Leading, leading
from alignsim.reports.diagnosis.shares import pair_columns
from alignsim.validation import FloatArray

FITS = 1e-9
"""Root mean square of what is left over up to which a form of the round is exact."""

SURE = 1e-7
"""Standard error of a coefficient up to which an exact fit is one."""

ROUNDING = 1e-15
"""Least error of a logit, relative to the largest."""

SINGULAR = 1e-11
"""Relative singular value below which a log does not determine its fit."""

DRAWS = 2000

KEPT = (-0.02, 1.02)
"""What a round may keep of the states before it, all told."""

BEYOND = 0.3
"""Times ρ − 1: standard deviation that an unstable ρ has besides. A cycle holds the loop away from
its rest point, and ρ there is extrapolated by a form of the round that is not exact."""

EXACT = 100.0
"""Times rounding: what an exact form leaves over at most, however unsure its coefficients."""

LARGEST_AUTOCORRELATION = 0.9


class _Fit(NamedTuple):
    """Coefficients of a least-squares fit, their covariance per unit variance, and what is left.

    ``pushes`` are what the rounds add to the part of the last state that they keep.
    """

    coefficients: FloatArray
    inverse: FloatArray
    left_over: FloatArray
    pushes: FloatArray
    freedom: int
    determined: bool

    @property
    def residual(self) -> float:
        return float(np.sqrt(np.mean(self.left_over**2)))

    @property
    def model_error(self) -> float:
        """Return the standard deviation of ρ, and of θ, that the form of the round leaves open.

        It is what the form does not explain of how the pushes vary, relative to how they do: on a
        cycle, far from its rest point, no other part of the log tells of it.
        """
        varied = float(((self.pushes - self.pushes.mean(axis=0)) ** 2).sum())
        wrong = float((self.left_over**2).sum()) * self.left_over.size / self.freedom
        return float(np.sqrt(wrong / varied)) if varied > 0.0 else np.inf


def exact_estimate(log: Log, rng: np.random.Generator) -> Estimate:
    """Return what an exact log says: of width 0 where a form of the round fits it exactly.

    Two forms are tried, z' = αz + Uπ and the same with memory of the round before.
    """
    x, policies = log.states, simplex.softmax(log.logits)
    repeats = period(log) if int(log.first.sum()) == 1 else 0
    if repeats:  # what comes again tells nothing new
        x, policies = x[: repeats + 1], policies[: repeats + 1]
    first = log.first[: len(x)]
    fit = _fit(x, policies, first, memory=False)
    memory = False
    if fit.residual > FITS:
        other = _fit(x, policies, first, memory=True)
        if other.determined and _is_exact(other, x) and _keeps(other):
            fit, memory = other, True
    point = _maps(fit.coefficients[None], memory)
    start = x.mean(axis=0)
    seen = leading(point, start)
    if fit.determined and _is_exact(fit, x):
        return Estimate(
            log, point, point, seen, log.states, evidence=Evidence.ANALYTIC, memory=memory
        )
    if not fit.determined:
        return Estimate(
            log, point, point, seen, log.states, evidence=Evidence.NOTHING, memory=memory
        )
    chi = np.sqrt(rng.chisquare(fit.freedom, DRAWS) / fit.freedom)
    drawn = _maps(_student(fit, chi, rng), memory)
    spread = leading(drawn, start)
    error = fit.model_error * rng.standard_normal((2, DRAWS)) / chi
    form = 0.0 if fit.residual <= EXACT * _rounding(x) else BEYOND
    beyond = form * max(float(seen.rho[0]) - 1.0, 0.0) * rng.standard_normal(DRAWS)
    rho = np.abs(spread.rho + error[0] + beyond)
    theta = np.clip(spread.theta + error[1], 0.0, np.pi)
    return Estimate(
        log,
        drawn,
        point,
        Leading(rho, theta, spread.states),
        log.states,
        evidence=Evidence.ESTIMATED,
    )


def _is_exact(fit: _Fit, x: FloatArray) -> bool:
    level = max(fit.residual, _rounding(x))
    errors = level * np.sqrt(np.diag(fit.inverse))
    return fit.residual <= FITS and bool((errors <= SURE).all())


def _rounding(x: FloatArray) -> float:
    return ROUNDING * float(np.abs(x).max())


def _keeps(fit: _Fit) -> bool:
    """Return whether a fit with memory keeps from nothing to all of what went before.

    Else it may be the recurrence that any log of a short period obeys.
    """
    low, high = KEPT
    a, memory = float(fit.coefficients[0]), float(fit.coefficients[-1])
    return a >= low and low <= a + memory <= high


def _fit(x: FloatArray, policies: FloatArray, first: NDArray[np.bool_], *, memory: bool) -> _Fit:
    """Return the least-squares fit of each state on the one before."""
    basis = simplex.mean_zero_basis(policies.shape[1])
    columns = [x[:-1, :, None], pair_columns(policies[:-1], basis)]
    used = ~first[1:]
    if memory:
        before = np.concatenate([np.zeros_like(x[:1]), x[:-2]])
        columns.append(before[:, :, None])
        used = used & ~first[:-1]
    A = np.concatenate(columns, axis=2)[used]
    width = A.shape[2]
    flat, target = A.reshape(-1, width), x[1:][used].ravel()
    if len(flat) <= width:  # it would fit anything
        nothing = np.full((width, width), np.inf)
        endless = np.full((1, 1), np.inf)
        return _Fit(np.full(width, np.nan), nothing, endless, endless, 0, False)
    left, values, right = np.linalg.svd(flat, full_matrices=False)
    determined = bool(values[-1] > SINGULAR * values[0])
    kept = np.where(values > SINGULAR * values[0], values, np.inf)
    coefficients = (right.T / kept) @ (left.T @ target)
    over = (target - flat @ coefficients).reshape(A.shape[:2])
    inverse = (right.T / kept**2) @ right
    freedom = max(1, len(flat) - width)
    pushes = x[1:][used] - coefficients[0] * x[:-1][used]
    return _Fit(coefficients, inverse, over, pushes, freedom, determined)


def _student(fit: _Fit, chi: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return draws of the coefficients, wider where what is left over is autocorrelated."""
    over = fit.left_over
    ahead, behind = over[1:].ravel(), over[:-1].ravel()
    r = float(ahead @ behind / max(float((over**2).sum()), 1e-300))
    r = min(max(r, 0.0), LARGEST_AUTOCORRELATION)
    scale = np.sqrt((over**2).sum() / fit.freedom * (1.0 + r) / (1.0 - r))
    values, vectors = np.linalg.eigh(fit.inverse)
    factor = vectors * np.sqrt(np.maximum(values, 0.0))
    normal = rng.standard_normal((DRAWS, len(values))) @ factor.T
    return np.asarray(fit.coefficients + scale * normal / chi[:, None])


def _maps(coefficients: FloatArray, memory: bool) -> Fits:
    a = coefficients[:, 0].copy()
    if memory:
        return Fits(a, coefficients[:, -1].copy(), coefficients[:, 1:-1])
    return Fits(a, np.zeros_like(a), coefficients[:, 1:])
