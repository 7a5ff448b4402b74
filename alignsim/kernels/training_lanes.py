"""Gradient descent on pair losses in lanes: a step moves each pair of logits apart or together.

θ_i ← θ_i + Σ_j s_ij pull_ij with s_ij = rate·scale(β)·w_ij. With h = θ − ref the pull is
P_ij − ½ − (h_i − h_j)/β for IPO and P_ij − σ((h_i − h_j)/β) for DPO (theory 2, 3). What one
response of a pair gains the other one loses, so logits stay centred up to rounding, and a response
that is in no pair keeps its bits. A lane never reads another one.
"""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part, unrolled
from alignsim.kernels.ipo_lanes import LANES, average_unrolled
from alignsim.kernels.lanes import (
    HELD,
    begin_averages,
    block,
    hold,
    load,
    release,
    softmax,
    store,
    update_averages,
)
from alignsim.kernels.vectormath import exp

UNROLLED = 5  # the largest K with code of its own


@kernel
def run(  # type: ignore[no-untyped-def]
    literal, general, logistic, problem, parameters, state, frames, kept, rounds, sums, blocks
):
    """Train the problems of some blocks for some of the steps.

    As :func:`alignsim.kernels.ipo_lanes.run`, with

    Parameters
    ----------
    literal, general
        From :func:`alignsim.kernels.lanes.code_for`, for K up to ``UNROLLED``.
    logistic
        None for IPO, a number for DPO.
    problem
        Matrices (m, K, K), which of them each problem has (n,), weights of the pairs (m', K, K),
        which of them each problem has (n,), and the logits of the references (n, K).
    parameters : (n, 2)
        rate·scale(β), and 1/β.
    """
    K = state.shape[1]
    pairs = K * (K - 1) // 2
    burn_in, begin, end = rounds
    rows = 2 * pairs + 7 * K + 5
    w = block((rows + 4 + HELD * K) * LANES)
    memory = w.reshape((rows + 4 + HELD * K, LANES))
    strength, target = memory[:pairs], memory[pairs : 2 * pairs]
    small = memory[2 * pairs :]
    reference, moves = small[:K], small[K : 2 * K]
    logits, weights = small[2 * K : 3 * K], small[3 * K : 4 * K]
    inverse, top = small[4 * K], small[4 * K + 1]
    streamed = small[4 * K + 2 : 7 * K + 4]
    temper = small[7 * K + 4]
    scratch = memory[rows : rows + 4]
    held = memory[rows + 4 :]
    first_frame = 0
    while kept[first_frame] < begin:
        first_frame += 1
    for start in range(blocks[0] * LANES, blocks[1] * LANES, LANES):
        load(state, start, logits)
        load(problem[4], start, reference)
        load_pairs(problem, parameters, start, logistic, strength, target, temper)
        if begin > burn_in:
            load(sums, start - blocks[0] * LANES, streamed)
        frame = sent = first_frame
        for t in range(begin, end):
            if t > 0:
                if literal is not None:
                    _step_small(w, literal, logistic)
                if general is not None:
                    step(logits, reference, strength, target, temper, moves, scratch[3], logistic)
            if t >= burn_in:
                if literal is not None:
                    _softmax_small(w, literal)
                if general is not None:
                    softmax(logits, top, weights, inverse)
                if t == burn_in:
                    begin_averages(weights, inverse, streamed)
                if literal is not None:
                    _average_small(w, literal)
                if general is not None:
                    update_averages(logits, top, weights, inverse, scratch, streamed)
            if t == kept[frame]:
                hold(logits, frame - sent, held)
                frame += 1
            if (frame - sent == HELD) | (t + 1 == end):
                release(held, sent, frame, start, frames)
                sent = frame
        store(logits, start, state)
        if end > burn_in:
            store(streamed, start - blocks[0] * LANES, sums)


@part
def load_pairs(problem, parameters, start, logistic, strength, target, temper):  # type: ignore[no-untyped-def]
    """Set the strength s_ij and the target of each pair i > j, and 1/β.

    The target of IPO is P_ij − ½. That of DPO is the smaller of P_ij and P_ji, which keeps its
    digits next to 0, and the strength is negative where it is P_ji.
    """
    matrices, which, weights, whose, _ = problem
    K = matrices.shape[1]
    for b in range(LANES):
        own = min(start + b, which.shape[0] - 1)
        P, w = matrices[which[own]], weights[whose[own]]
        temper[b] = parameters[own, 1]
        for i in range(K):
            for j in range(i):
                pair = i * (i - 1) // 2 + j
                step = parameters[own, 0] * w[i, j]
                strength[pair, b] = step
                if logistic is None:
                    target[pair, b] = P[i, j] - 0.5
                if logistic is not None:
                    target[pair, b] = min(P[i, j], P[j, i])
                    strength[pair, b] = step if P[i, j] <= P[j, i] else -step


@unrolled
def pushed(gap, step, wanted, logistic):  # type: ignore[no-untyped-def]
    """Return by how much a step moves the first of a pair up."""
    if logistic is None:
        push = step * (wanted - gap)
    if logistic is not None:
        lead = gap if step >= 0.0 else -gap
        tail = exp(-abs(lead))
        share = (1.0 if lead >= 0.0 else tail) / (1.0 + tail)
        push = step * (wanted - share)
    return push


@part
def step(logits, reference, strength, target, temper, moves, gaps, logistic):  # type: ignore[no-untyped-def]
    """Do one step in place."""
    K = logits.shape[0]
    for i in range(K):
        for b in range(LANES):
            moves[i, b] = 0.0
    for i in range(K):
        own, mine, first = logits[i], reference[i], moves[i]
        for j in range(i):
            other, theirs, second = logits[j], reference[j], moves[j]
            pair = i * (i - 1) // 2 + j
            steps, targets = strength[pair], target[pair]
            for b in range(LANES):
                gaps[b] = ((own[b] - mine[b]) - (other[b] - theirs[b])) * temper[b]
            for b in range(LANES):
                gaps[b] = pushed(gaps[b], steps[b], targets[b], logistic)
            for b in range(LANES):
                first[b] += gaps[b]
                second[b] -= gaps[b]
    for i in range(K):
        for b in range(LANES):
            logits[i, b] += moves[i, b]


@part
def _step_small(w, literal, logistic):  # type: ignore[no-untyped-def]
    step_unrolled(w, len(literal), logistic)


@unrolled
def step_unrolled(w, K, logistic):  # type: ignore[no-untyped-def]
    """As :func:`step`, with a K that is a literal in the caller."""
    pairs = K * (K - 1) // 2
    target = pairs * LANES
    reference = 2 * pairs * LANES
    moves = reference + K * LANES
    logits = moves + K * LANES
    temper = logits + (5 * K + 4) * LANES
    for b in range(LANES):
        for i in range(K):
            w[moves + i * LANES + b] = 0.0
        for i in range(K):
            own = w[logits + i * LANES + b] - w[reference + i * LANES + b]
            for j in range(i):
                other = w[logits + j * LANES + b] - w[reference + j * LANES + b]
                pair = (i * (i - 1) // 2 + j) * LANES + b
                gap = (own - other) * w[temper + b]
                push = pushed(gap, w[pair], w[target + pair], logistic)
                w[moves + i * LANES + b] += push
                w[moves + j * LANES + b] -= push
        for i in range(K):
            w[logits + i * LANES + b] += w[moves + i * LANES + b]


@part
def _softmax_small(w, literal):  # type: ignore[no-untyped-def]
    softmax_unrolled(w, len(literal))


@unrolled
def softmax_unrolled(w, K):  # type: ignore[no-untyped-def]
    """As :func:`alignsim.kernels.lanes.softmax`, with a literal K."""
    logits = (K * (K - 1) + 2 * K) * LANES
    weights = logits + K * LANES
    inverse = weights + K * LANES
    tops = inverse + LANES
    for b in range(LANES):
        top = -np.inf
        for i in range(K):
            own = w[logits + i * LANES + b]
            top = own if own > top else top
        total = 0.0
        for i in range(K):
            weight = exp(w[logits + i * LANES + b] - top)
            w[weights + i * LANES + b] = weight
            total += weight
        w[tops + b] = top
        w[inverse + b] = 1.0 / total


@part
def _average_small(w, literal):  # type: ignore[no-untyped-def]
    K = len(literal)
    logits = (K * (K - 1) + 2 * K) * LANES
    weights = logits + K * LANES
    inverse = weights + K * LANES
    average_unrolled(w, K, logits, weights, inverse, inverse + 2 * LANES, LANES)
