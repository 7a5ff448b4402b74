"""Laps of MRS-IPO orbits: where they end, and the derivative of all their rounds."""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part, unrolled
from alignsim.kernels.dense import softmax

SMALL = 4  # the largest K with code of its own
TINY = 1e-150  # entries of a derivative below it are none; where they vanish they would cost time


@kernel
def around(  # type: ignore[no-untyped-def]
    literal,
    general,
    matrices,
    which,
    parameters,
    drift,
    basis,
    rows,
    period,
    start,
    back,
    moved,
    least,
):
    """Follow maps for one period each, with all tangent vectors.

    Parameters
    ----------
    literal, general
        From :func:`alignsim.kernels.lanes.code_for`, for K up to ``SMALL``.
    matrices, which, parameters, drift
        As for :func:`alignsim.kernels.ipo_lanes.run`.
    basis : (K, K − 1)
        Orthonormal and mean-zero.
    rows : (n,)
        The map of each lap.
    period : (n,)
        Rounds of each lap.
    start : (n, K)
        Centred logits.
    back : (n,)
        Distance from the start, in any logit, at which a lap is back there.
    moved : (n, K, K)
        Out: the images of the basis in K − 1 columns, then the centred logits after the lap.
    least : (n,)
        Out: the smallest divisor of the period after which the lap is back at its start.
    """
    K = start.shape[1]
    signal, factors = np.empty((K, K)), np.empty((K, K))
    logits, policy, mean = np.empty(K), np.empty(K), np.empty(K)
    for n in range(rows.shape[0]):
        m = rows[n]
        strength, state = parameters[m, 1], moved[n]
        for i in range(K):
            logits[i] = start[n, i]
            for j in range(K):
                signal[i, j] = strength * (matrices[which[m], i, j] - 0.5)
                state[i, j] = basis[i, j] if j < K - 1 else logits[i]
        least[n] = period[n]
        for t in range(1, period[n] + 1):
            softmax(logits, policy)
            if literal is not None:
                _advance_small(
                    signal, parameters[m, 0], drift[m], policy, factors, mean, state, literal
                )
            if general is not None:
                _advance(signal, parameters[m, 0], drift[m], policy, factors, mean, state, K)
            near = 0
            for i in range(K):
                logits[i] = state[i, K - 1]
                near += 1 if abs(logits[i] - start[n, i]) <= back[n] else 0
            if (near == K) & (least[n] == period[n]) & (period[n] % t == 0):
                least[n] = t


@part
def _advance_small(signal, alpha, drift, policy, factors, mean, state, literal):  # type: ignore[no-untyped-def]
    _advance(signal, alpha, drift, policy, factors, mean, state, len(literal))


@unrolled
def _advance(signal, alpha, drift, policy, factors, mean, state, K):  # type: ignore[no-untyped-def]
    """Move ``state`` (K, K) one round on: tangent vectors in its columns, logits in the last.

    What the signal is multiplied with is π∘(v − π·v) of each vector v, and the policy π.
    """
    for c in range(K):
        mean[c] = 0.0
    for i in range(K):
        for c in range(K):
            mean[c] += policy[i] * state[i, c]
    for i in range(K):
        for c in range(K):
            factors[i, c] = policy[i] * (state[i, c] - mean[c])
        factors[i, K - 1] = policy[i]
    for c in range(K):
        mean[c] = 0.0
    for i in range(K):
        row = state[i]
        for c in range(K):
            row[c] *= alpha
        row[K - 1] += drift[i]
        for j in range(K):
            share = signal[i, j]
            for c in range(K):
                row[c] += share * factors[j, c]
        for c in range(K):
            mean[c] += row[c] * (1.0 / K)
    for i in range(K):
        for c in range(K):
            centred = state[i, c] - mean[c]
            state[i, c] = centred if not abs(centred) <= TINY else 0.0
