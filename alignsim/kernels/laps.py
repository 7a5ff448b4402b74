"""Laps of MRS-IPO orbits: where they end, and the derivative of all their rounds."""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part
from alignsim.kernels.dense import centre, softmax

TINY = 1e-150  # entries of a derivative below it are none; where they vanish they would cost time


@kernel
def around(  # type: ignore[no-untyped-def]
    matrices, which, parameters, drift, basis, rows, period, start, back, end, product, least
):
    """Follow maps for one period each, with all tangent vectors.

    Parameters
    ----------
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
    end : (n, K)
        Out: centred logits after the lap.
    product : (n, K − 1, K − 1)
        Out: the derivative of the lap in the basis.
    least : (n,)
        Out: the smallest divisor of the period after which the lap is back at its start.
    """
    K = start.shape[1]
    signal = np.empty((K, K))
    factors = np.empty((K, K))
    policy = np.empty(K)
    tangents = np.empty((K, K - 1))
    for n in range(rows.shape[0]):
        m = rows[n]
        alpha, strength = parameters[m]
        z = end[n]
        for i in range(K):
            z[i] = start[n, i]
            for j in range(K):
                signal[i, j] = strength * (matrices[which[m], i, j] - 0.5)
            for c in range(K - 1):
                tangents[i, c] = basis[i, c]
        least[n] = period[n]
        for t in range(1, period[n] + 1):
            softmax(z, policy)
            _advance(signal, alpha, drift[m], policy, factors, tangents, z)
            if (least[n] == period[n]) & (period[n] % t == 0):
                near = 0
                for i in range(K):
                    near += 1 if abs(z[i] - start[n, i]) <= back[n] else 0
                least[n] = t if near == K else period[n]
        for a in range(K - 1):
            for c in range(K - 1):
                product[n, a, c] = 0.0
        for i in range(K):
            for a in range(K - 1):
                for c in range(K - 1):
                    product[n, a, c] += basis[i, a] * tangents[i, c]


@part
def _advance(signal, alpha, drift, policy, factors, tangents, z):  # type: ignore[no-untyped-def]
    """Move logits ``z`` (K,) and mean-zero ``tangents`` (K, K − 1) one round on.

    The policy is one more column of what the signal is multiplied with.
    """
    K = z.shape[0]
    mean = factors[0]
    for c in range(K):
        mean[c] = 0.0
    for i in range(K):
        for c in range(K - 1):
            mean[c] += policy[i] * tangents[i, c]
    for i in range(K - 1, -1, -1):  # the means lie in row 0, which goes last
        for c in range(K - 1):
            factors[i, c] = policy[i] * (tangents[i, c] - mean[c])
        factors[i, K - 1] = policy[i]
    for i in range(K):
        own = tangents[i]
        for c in range(K - 1):
            own[c] *= alpha
        z[i] = alpha * z[i] + drift[i]
        for j in range(K):
            share, row = signal[i, j], factors[j]
            for c in range(K - 1):
                own[c] += share * row[c]
            z[i] += share * row[K - 1]
    centre(z)
    for c in range(K):
        mean[c] = 0.0
    for i in range(K):
        for c in range(K - 1):
            mean[c] += tangents[i, c] * (1.0 / K)
    for i in range(K):
        for c in range(K - 1):
            moved = tangents[i, c] - mean[c]
            tangents[i, c] = moved if abs(moved) > TINY else 0.0
