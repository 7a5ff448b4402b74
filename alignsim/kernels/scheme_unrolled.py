"""The parts of a round of :mod:`alignsim.kernels.scheme_lanes` with literal K and D.

The rows of the workspace ``w``, and of a table, then lie at offsets known to the compiler, which
unrolls all but the loop over lanes. One loop goes from the softmax of a stage to the row of the
next one, or to the new state. Where it would be too long to unroll, pulls go through memory.
"""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import unrolled
from alignsim.kernels.ipo_lanes import LANES, average_unrolled
from alignsim.kernels.vectormath import exp

FUSED = 4  # the largest K at which one loop makes the pull and moves two slots


@unrolled
def pull_on(w, i, b, K, D):  # type: ignore[no-untyped-def]
    """Return what W softmax(o) adds to response i of lane b."""
    weights = (K * K + D * K) * LANES
    inverse = weights + 3 * K * LANES
    pull = w[i * K * LANES + b] * w[weights + b]
    for j in range(1, K):
        pull += w[(i * K + j) * LANES + b] * w[weights + j * LANES + b]
    return pull * w[inverse + b]


@unrolled
def combined(w, table, pull, carries, i, b, K, D):  # type: ignore[no-untyped-def]
    """Return response i of lane b in the combination of a table.

    Where no table ``carries`` the row of the stage before, its coefficient is not looked at.
    """
    row = (K * K + (D + 2) * K) * LANES
    moved = without_pull(w, table, i, b, K, D)
    if carries:
        moved += table[(K + D) * LANES + b] * w[row + i * LANES + b]
    moved += table[(K + D + 1) * LANES + b] * pull
    return moved


@unrolled
def without_pull(w, table, i, b, K, D):  # type: ignore[no-untyped-def]
    """Return response i of lane b in the combination of a table with the slots alone."""
    logits = K * K * LANES
    moved = table[i * LANES + b]
    for d in range(D):
        moved += table[(K + d) * LANES + b] * w[logits + (d * K + i) * LANES + b]
    return moved


@unrolled
def multiply(w, K, D):  # type: ignore[no-untyped-def]
    """Set the pull to W softmax(o)."""
    pulls = (K * K + (D + 1) * K) * LANES
    for b in range(LANES):
        for i in range(K):
            w[pulls + i * LANES + b] = pull_on(w, i, b, K, D)


@unrolled
def begin_row(w, table, K, D):  # type: ignore[no-untyped-def]
    """Set the row of the first stage, and its softmax."""
    row = (K * K + (D + 2) * K) * LANES
    tops = row + (K + 1) * LANES
    for b in range(LANES):
        top = -np.inf
        for i in range(K):
            moved = without_pull(w, table, i, b, K, D)
            w[row + i * LANES + b] = moved
            top = moved if moved > top else top
        w[tops + b] = top
    weigh(w, row, K, D)


@unrolled
def next_row(w, table, K, D):  # type: ignore[no-untyped-def]
    """Set the row of the next stage from the softmax of this one, and its softmax."""
    row = (K * K + (D + 2) * K) * LANES
    tops = row + (K + 1) * LANES
    for b in range(LANES):
        top = -np.inf
        for i in range(K):
            moved = combined(w, table, pull_on(w, i, b, K, D), True, i, b, K, D)
            w[row + i * LANES + b] = moved
            top = moved if moved > top else top
        w[tops + b] = top
    weigh(w, row, K, D)


@unrolled
def move_one(w, table, carries, K):  # type: ignore[no-untyped-def]
    """Set the one slot, from the softmax of the last stage, to its combination, centred."""
    logits = K * K * LANES
    tops = logits + (4 * K + 1) * LANES
    for b in range(LANES):
        top = -np.inf
        mean = 0.0
        for i in range(K):
            moved = combined(w, table, pull_on(w, i, b, K, 1), carries, i, b, K, 1)
            w[logits + i * LANES + b] = moved
            mean += moved
            top = moved if moved > top else top
        mean *= 1.0 / K
        w[tops + b] = top - mean
        for i in range(K):
            w[logits + i * LANES + b] -= mean


@unrolled
def move_ahead(w, table, first, K):  # type: ignore[no-untyped-def]
    """As :func:`move_one`, and set the row of the next round's stage, by the table ``first``.

    What follows is then the softmax of that row; the policy's own is left out.
    """
    logits = K * K * LANES
    row = logits + 3 * K * LANES
    tops = row + (K + 1) * LANES
    for b in range(LANES):
        mean = 0.0
        for i in range(K):
            moved = combined(w, table, pull_on(w, i, b, K, 1), False, i, b, K, 1)
            w[logits + i * LANES + b] = moved
            mean += moved
        mean *= 1.0 / K
        top = -np.inf
        for i in range(K):
            w[logits + i * LANES + b] -= mean
            opponent = without_pull(w, first, i, b, K, 1)
            w[row + i * LANES + b] = opponent
            top = opponent if opponent > top else top
        w[tops + b] = top
    weigh(w, row, K, 1)


@unrolled
def move_two(w, table, K):  # type: ignore[no-untyped-def]
    """Set both slots, from the softmax of the only stage, to their combinations, centred."""
    logits = K * K * LANES
    others = logits + K * LANES
    pulls = others + 2 * K * LANES
    tops = pulls + (2 * K + 1) * LANES
    other = table[(K + 4) * LANES :]
    if K > FUSED:
        multiply(w, K, 2)
    for b in range(LANES):
        top = -np.inf
        mean = 0.0
        other_mean = 0.0
        for i in range(K):
            pull = pull_on(w, i, b, K, 2) if K <= FUSED else w[pulls + i * LANES + b]
            moved = combined(w, table, pull, False, i, b, K, 2)
            other_moved = combined(w, other, pull, False, i, b, K, 2)
            w[logits + i * LANES + b] = moved
            w[others + i * LANES + b] = other_moved
            mean += moved
            other_mean += other_moved
            top = moved if moved > top else top
        mean *= 1.0 / K
        other_mean *= 1.0 / K
        w[tops + b] = top - mean
        for i in range(K):
            w[logits + i * LANES + b] -= mean
            w[others + i * LANES + b] -= other_mean


@unrolled
def make_slot(w, table, K, D, d):  # type: ignore[no-untyped-def]
    """Set what slot ``d`` becomes to the combination of its table, and its mean."""
    logits = K * K * LANES
    pulls = logits + (D + 1) * K * LANES
    tops = pulls + (2 * K + 1) * LANES
    means = tops + LANES
    fresh = means + (D + d * K) * LANES
    own = table[d * (K + D + 2) * LANES :]
    for b in range(LANES):
        total = 0.0
        top = -np.inf
        for i in range(K):
            moved = combined(w, own, w[pulls + i * LANES + b], True, i, b, K, D)
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
    average_unrolled(w, K, logits, weights, inverse, origin, LANES)
