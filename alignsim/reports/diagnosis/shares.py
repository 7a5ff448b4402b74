"""Logs of all shares: the free model, the model of a known P, and where their searches begin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex
from alignsim.analysis.evidence import Evidence
from alignsim.reports.diagnosis.estimates import Estimate
from alignsim.reports.diagnosis.logs import Log
from alignsim.reports.diagnosis.multipliers import Fits, leading
from alignsim.reports.diagnosis.posterior import Model, draws, mode
from alignsim.validation import FloatArray

LARGEST_ENTRY = 300.0
"""Of U, in the search of the mode."""

GUESSED_SCALE, GUESSED_SCALE_OF_A, GUESSED_LOG_NOISE = 0.5, 0.1, -2.0
"""Where walks and searches begin."""

SMALLEST_BETA = 0.05

USUAL_A = 0.6
"""The a from which a second search of the mode begins."""

MOST_FOR_TWO_SEARCHES = 4
"""Responses up to which it is worth one."""


def pair_columns(policies: FloatArray, basis: FloatArray) -> FloatArray:
    """Return BᵀUπ as a linear map of the entries of U: (t, K−1, m)."""
    K = policies.shape[1]
    i, j = np.triu_indices(K, 1)
    columns: FloatArray = basis[i].T * policies[:, None, j] - basis[j].T * policies[:, None, i]
    return columns


def model_of(
    shares: FloatArray,
    counts: FloatArray,
    first: NDArray[np.bool_],
    skew: FloatArray | None = None,
) -> Model:
    """Return the model of rounds (T, K), with a known ``skew`` = P − ½ (K, K) or without."""
    from alignsim.kernels import log_filter

    K = shares.shape[1]
    i, j = np.triu_indices(K, 1)
    basis = simplex.mean_zero_basis(K)
    return Model(
        code=log_filter.FREE if skew is None else log_filter.KNOWN,
        basis=basis,
        shares=np.ascontiguousarray(shares),
        counts=counts.astype(np.float64),
        first=first,
        known=np.zeros(len(i)) if skew is None else np.ascontiguousarray(skew[i, j]),
        design=np.ascontiguousarray(basis[i] - basis[j]),
    )


def sampled_estimate(
    log: Log,
    rng: np.random.Generator,
    skew: FloatArray | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> Estimate:
    """Return what a sampled log says, with a known ``skew`` = P − ½ (K, K) or without."""
    from alignsim.kernels import log_filter

    model = model_of(log.values, log.counts, log.first, skew)
    starts = _starts(log, model)
    bounds = np.tile([-LARGEST_ENTRY, LARGEST_ENTRY], (len(starts[0]), 1))
    bounds[0], bounds[-1] = log_filter.MULTIPLIER, log_filter.LOG_NOISE
    top = mode(model, starts, bounds)
    scales = np.full(len(top), GUESSED_SCALE)
    scales[0] = GUESSED_SCALE_OF_A
    found = draws(model, top, scales, bounds, rng, told)
    u = found[:, 1:-1]
    if skew is not None:
        u = np.exp(u[:, :1]) * model.known + u[:, 1:] @ model.design.T
    fits = Fits(found[:, 0].copy(), np.zeros(len(found)), u)
    middle = np.median(found, axis=0)
    states = model.filtered(middle)
    point = Fits(*(np.median(each, axis=0)[None] for each in (fits.a, fits.memory, fits.u)))
    return Estimate(
        log=log,
        fits=fits,
        point=point,
        seen=leading(fits, states.mean(axis=0)),
        states=states,
        evidence=Evidence.ESTIMATED,
        model=model,
        log_noise=float(middle[-1]),
        points=found,
    )


def _starts(log: Log, model: Model) -> list[FloatArray]:
    """Return where the searches of the mode begin: the least-squares fit to the logits."""
    from alignsim.kernels import log_filter

    x = log.states
    used = ~log.first[1:]
    columns = pair_columns(simplex.softmax(log.logits[:-1]), model.basis)
    if model.code == log_filter.KNOWN:
        columns = np.concatenate([(columns @ model.known)[..., None], columns @ model.design], 2)
    target, last = x[1:][used], x[:-1][used]
    A = columns[used].reshape(-1, columns.shape[2])
    both = np.concatenate([last.reshape(-1, 1), A], axis=1)
    free = np.linalg.lstsq(both, target.ravel(), rcond=None)[0]
    found = [free]
    if log.values.shape[1] <= MOST_FOR_TWO_SEARCHES:
        rest = np.linalg.lstsq(A, (target - USUAL_A * last).ravel(), rcond=None)[0]
        found.append(np.append(USUAL_A, rest))
    for start in found:
        start[0] = np.clip(start[0], 0.0, 1.0)
        if model.code == log_filter.KNOWN:
            start[1] = np.log(max(start[1], SMALLEST_BETA))
    return [np.append(start, GUESSED_LOG_NOISE) for start in found]
