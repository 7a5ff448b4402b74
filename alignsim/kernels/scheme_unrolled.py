"""The parts of a round of :mod:`alignsim.kernels.scheme_lanes` with literal K and D.

The rows of the workspace ``w``, and of a table, then lie at offsets known to the compiler, which
unrolls all but the loop over lanes. Pulls go through memory: one loop from softmax to row would be
too long to unroll, and so would one that moves three slots at a time.
"""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import unrolled
from alignsim.kernels.ipo_lanes import LANES, average_unrolled
from alignsim.kernels.vectormath import exp


@unrolled
def multiply(w, K, D):  # type: ignore[no-untyped-def]
    """Set the pull to W softmax(o)."""
    weights = (K * K + D * K) * LANES
    pulls = weights + K * LANES
    inverse = pulls + 2 * K * LANES
    for b in range(LANES):
        for i in range(K):
            pull = w[i * K * LANES + b] * w[weights + b]
            for j in range(1, K):
                pull += w[(i * K + j) * LANES + b] * w[weights + j * LANES + b]
            w[pulls + i * LANES + b] = pull * w[inverse + b]


@unrolled
def combine(w, table, K, D):  # type: ignore[no-untyped-def]
    """Set the row to the combination of a table, and its softmax."""
    logits = K * K * LANES
    pulls = logits + (D + 1) * K * LANES
    row = pulls + K * LANES
    tops = row + (K + 1) * LANES
    for b in range(LANES):
        top = -np.inf
        for i in range(K):
            moved = table[i * LANES + b]
            for d in range(D):
                moved += table[(K + d) * LANES + b] * w[logits + (d * K + i) * LANES + b]
            moved += table[(K + D) * LANES + b] * w[row + i * LANES + b]
            moved += table[(K + D + 1) * LANES + b] * w[pulls + i * LANES + b]
            w[row + i * LANES + b] = moved
            top = moved if moved > top else top
        w[tops + b] = top
    weigh(w, row, K, D)


@unrolled
def move(w, table, K, D):  # type: ignore[no-untyped-def]
    """Set every slot to the combination of its table, centred, response by response."""
    logits = K * K * LANES
    pulls = logits + (D + 1) * K * LANES
    row = pulls + K * LANES
    tops = row + (K + 1) * LANES
    means = tops + LANES
    fresh = means + D * LANES
    size = (K + D + 2) * LANES
    for b in range(LANES):
        top = -np.inf
        for d in range(D):
            w[means + d * LANES + b] = 0.0
        for i in range(K):
            for d in range(D):
                moved = table[d * size + i * LANES + b]
                for e in range(D):
                    share = table[d * size + (K + e) * LANES + b]
                    moved += share * w[logits + (e * K + i) * LANES + b]
                moved += table[d * size + (K + D) * LANES + b] * w[row + i * LANES + b]
                moved += table[d * size + (K + D + 1) * LANES + b] * w[pulls + i * LANES + b]
                w[fresh + d * LANES + b] = moved
                w[means + d * LANES + b] += moved
            top = w[fresh + b] if w[fresh + b] > top else top
            for d in range(D):
                w[logits + (d * K + i) * LANES + b] = w[fresh + d * LANES + b]
        for d in range(D):
            mean = w[means + d * LANES + b] * (1.0 / K)
            for i in range(K):
                w[logits + (d * K + i) * LANES + b] -= mean
            if d == 0:
                w[tops + b] = top - mean


@unrolled
def make_slot(w, table, K, D, d):  # type: ignore[no-untyped-def]
    """Set what slot ``d`` becomes to the combination of its table, and its mean."""
    logits = K * K * LANES
    pulls = logits + (D + 1) * K * LANES
    row = pulls + K * LANES
    tops = row + (K + 1) * LANES
    means = tops + LANES
    fresh = means + (D + d * K) * LANES
    first = d * (K + D + 2) * LANES
    for b in range(LANES):
        total = 0.0
        top = -np.inf
        for i in range(K):
            moved = table[first + i * LANES + b]
            for e in range(D):
                share = table[first + (K + e) * LANES + b]
                moved += share * w[logits + (e * K + i) * LANES + b]
            moved += table[first + (K + D) * LANES + b] * w[row + i * LANES + b]
            moved += table[first + (K + D + 1) * LANES + b] * w[pulls + i * LANES + b]
            w[fresh + i * LANES + b] = moved
            total += moved
            top = moved if moved > top else top
        w[means + d * LANES + b] = total * (1.0 / K)
        if d == 0:
            w[tops + b] = top - total * (1.0 / K)


@unrolled
def replace_slots(w, K, D):  # type: ignore[no-untyped-def]
    """Set every slot to what it becomes, centred."""
    logits = K * K * LANES
    means = logits + ((D + 3) * K + 2) * LANES
    fresh = means + D * LANES
    for d in range(D):
        for b in range(LANES):
            mean = w[means + d * LANES + b]
            for i in range(K):
                moved = w[fresh + (d * K + i) * LANES + b]
                w[logits + (d * K + i) * LANES + b] = moved - mean


@unrolled
def weigh(w, source, K, D):  # type: ignore[no-untyped-def]
    """Set the softmax of the K rows at ``source``, whose largest is known, in two factors."""
    weights = (K * K + D * K) * LANES
    inverse = weights + 3 * K * LANES
    tops = inverse + LANES
    for b in range(LANES):
        total = 0.0
        for i in range(K):
            weight = exp(w[source + i * LANES + b] - w[tops + b])
            w[weights + i * LANES + b] = weight
            total += weight
        w[inverse + b] = 1.0 / total


@unrolled
def average(w, K, D):  # type: ignore[no-untyped-def]
    """As :func:`alignsim.kernels.lanes.update_averages`, with literal K and D."""
    logits = K * K * LANES
    weights = logits + D * K * LANES
    inverse = weights + 3 * K * LANES
    origin = inverse + (2 + D + D * K) * LANES
    average_unrolled(w, K, logits, weights, inverse, origin)
