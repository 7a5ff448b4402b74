"""MRS-IPO for many responses: what is left of a round once the matrix product is done."""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part
from alignsim.kernels.vectormath import exp


@kernel
def policies(logits, weights):  # type: ignore[no-untyped-def]
    """Set ``weights`` (n, K) to the softmax of ``logits`` (n, K)."""
    for n in range(logits.shape[0]):
        _softmax(logits[n], weights[n])


@kernel
def advance(pull, parameters, drift, logits, weights):  # type: ignore[no-untyped-def]
    """Set logits to centre(α z + d + βλ·pull) and ``weights`` to their softmax, row by row.

    ``pull`` (n, K) holds (P − ½)π of each map; ``parameters`` (n, 2) its α and βλ.
    """
    instances, K = logits.shape
    for n in range(instances):
        alpha = parameters[n, 0]
        signal = parameters[n, 1]
        own, constant, push = logits[n], drift[n], pull[n]
        for i in range(K):
            own[i] = (alpha * own[i] + constant[i]) + signal * push[i]
        mean = _total(own) / K
        for i in range(K):
            own[i] -= mean
        _softmax(own, weights[n])


@kernel
def products(matrices, which, weights, pull):  # type: ignore[no-untyped-def]
    """Set ``pull`` to (P − ½)π for maps that do not share a matrix; ``matrices`` holds Pᵀ − ½.

    Adds up scaled rows of the transpose: contiguous, and vectorised without reassociation.
    """
    K = weights.shape[1]
    for n in range(weights.shape[0]):
        total = pull[n]
        for i in range(K):
            total[i] = 0.0
        for j in range(K):
            row, share = matrices[which[n], j], weights[n, j]
            for i in range(K):
                total[i] += share * row[i]


@kernel
def average(logits, weights, sums):  # type: ignore[no-untyped-def]
    """Add the present round to ``sums`` (n, 3K+2), as :func:`lanes.update_averages` does.

    ``weights`` (n, K) are the policies, whose entropy is computed as there.
    """
    instances, K = logits.shape
    for n in range(instances):
        own, share, shift = logits[n], weights[n], sums[n]
        total, square = shift[K:], shift[2 * K :]
        first = 0
        for i in range(K):
            first = i if own[i] > own[first] else first
        top = own[first]
        inverse = 1.0 / share[first]
        ties = 0.0
        rest = 0.0
        dot = 0.0
        for i in range(K):
            below = own[i] - top
            weight = share[i] * inverse
            ties += 0.0 if below < 0.0 else 1.0
            rest += weight if below < 0.0 else 0.0
            dot += weight * below
            distance = share[i] - shift[i]
            total[i] += distance
            square[i] += distance * distance
        whole = ties + rest
        entropy = np.log(whole) + (rest - (whole - ties) - dot) / whole
        shift[3 * K] += entropy
        shift[3 * K + 1] = min(shift[3 * K + 1], entropy)


@part
def _total(values):  # type: ignore[no-untyped-def]
    """Return Σ values in four partial sums, which a processor can overlap."""
    size = values.shape[0]
    a = b = c = d = 0.0
    for i in range(0, size - 3, 4):
        a += values[i]
        b += values[i + 1]
        c += values[i + 2]
        d += values[i + 3]
    for i in range(size - size % 4, size):
        a += values[i]
    return (a + b) + (c + d)


@part
def _softmax(logits, weights):  # type: ignore[no-untyped-def]
    K = logits.shape[0]
    top = logits[0]
    for i in range(K):
        top = logits[i] if logits[i] > top else top
    for i in range(K):
        weights[i] = exp(logits[i] - top)
    inverse = 1.0 / _total(weights)
    for i in range(K):
        weights[i] *= inverse
