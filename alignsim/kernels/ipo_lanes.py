"""MRS-IPO in lanes: many small maps side by side, the lane index innermost.

One round is z ← centre(α z + d + W π), π = softmax(z), with W = βλ(P − ½) and the constant d made
beforehand (theory 6.1). Every array of a block is (K, LANES), so that each inner loop is a run of
SIMD instructions. No lane ever reads another one: an orbit has the same bits alone, in any batch
and on any number of threads.
"""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part, unrolled
from alignsim.kernels.lanes import (
    HELD,
    begin_averages,
    block,
    hold,
    load,
    load_alike,
    load_apart,
    load_signal,
    multiply_alike,
    multiply_apart,
    one_matrix,
    release,
    softmax,
    store,
    update_averages,
)
from alignsim.kernels.vectormath import exp, log

LANES = 64
GROUP = 8  # lanes that go alone where a block has few
FEW = 4  # groups up to which that is faster than the whole block
NARROW = 8  # lanes of a block for more responses are a multiple of it
UNROLLED = 6  # the largest K with code of its own


@kernel
def run(  # type: ignore[no-untyped-def]
    literal, general, matrices, which, parameters, drift, state, frames, kept, rounds, sums, blocks
):
    """Iterate the maps of some blocks over some of the rounds.

    Parameters
    ----------
    literal, general
        From :func:`alignsim.kernels.lanes.code_for`, for K up to ``UNROLLED``.
    matrices : (m, K, K)
        Preference matrices, P[i, j] = Pr(i beats j).
    which : (n,)
        The matrix of each map.
    parameters : (n, 2)
        α and βλ of each map.
    drift : (n, K)
        d = (1−α) log π_ref + β(1−λ) P π_off.
    state : (n, K)
        Centred logits: the start, overwritten by the end.
    frames : (n, f, K)
        Out: centred logits after each of the rounds ``kept``.
    kept : (f,)
        Ascending.
    rounds
        (burn-in, first, last): the states after rounds first, ..., last − 1 are computed; that
        after round first − 1 is given, round 0 being the start. Sums run from burn-in on.
    sums : (m, 3K+2)
        Of :func:`alignsim.kernels.lanes.update_averages`, a row for each map of ``blocks``. What
        one part of a run leaves there the next one goes on with.
    blocks
        (first, last) of LANES maps each; the last one is excluded.
    """
    K = state.shape[1]
    burn_in, begin, end = rounds
    rows = K * K + 6 * K + 5
    lanes = LANES
    if general is not None:
        left = state.shape[0] - blocks[0] * LANES
        lanes = min(LANES, -(-left // NARROW) * NARROW)
    w = block((rows + 4 + (HELD + 1) * K) * lanes)
    memory = w.reshape((rows + 4 + (HELD + 1) * K, lanes))
    signal = memory[: K * K].reshape((K, K, lanes))
    constant = memory[K * K : K * K + K]
    logits = memory[K * K + K : K * K + 2 * K]
    weights = memory[K * K + 2 * K : K * K + 3 * K]
    alpha = memory[K * K + 3 * K]
    inverse = memory[K * K + 3 * K + 1]
    top = memory[K * K + 3 * K + 2]
    streamed = memory[K * K + 3 * K + 3 : rows]
    scratch = memory[rows : rows + 3]
    strength = memory[rows + 3]
    held = memory[rows + 4 : -K]
    pulls = memory[-K:]
    margins = np.empty((K, K))
    first_frame = 0
    while kept[first_frame] < begin:
        first_frame += 1
    for start in range(blocks[0] * LANES, blocks[1] * LANES, LANES):
        load(state, start, logits)
        load(drift, start, constant)
        if literal is not None:
            load_signal(matrices, which, parameters, start, signal, alpha)
        alike = False
        if general is not None:
            alike = one_matrix(which, start, lanes)
            load_alike(matrices, which, parameters, start, margins, alpha, strength)
            if not alike:
                load_apart(matrices, which, start, signal)
        softmax(logits, top, weights, inverse)
        if begin > burn_in:
            load(sums, start - blocks[0] * LANES, streamed)
        frame = sent = first_frame
        groups = -(-(state.shape[0] - start) // GROUP)
        for t in range(begin, end):
            if t > 0:
                if literal is not None:
                    if groups <= FEW:
                        for g in range(groups):
                            _advance_group(w[g * GROUP :], literal)
                    else:
                        _advance_small(w, literal)
                if general is not None:
                    if alike & (lanes == LANES):
                        _advance_alike(
                            logits, weights, inverse, margins, strength, constant, alpha, top,
                            scratch, pulls,
                        )  # fmt: skip
                    elif alike:
                        _advance_alike_narrow(
                            logits, weights, inverse, margins, strength, constant, alpha, top,
                            scratch, pulls,
                        )  # fmt: skip
                    elif lanes < LANES:
                        _advance_narrow(
                            logits, weights, inverse, signal, strength, constant, alpha, top,
                            scratch,
                        )  # fmt: skip
                    else:
                        _advance_apart(
                            logits, weights, inverse, signal, strength, constant, alpha, top,
                            scratch,
                        )  # fmt: skip
            if t == burn_in:
                begin_averages(weights, inverse, streamed)
            if t >= burn_in:
                if literal is not None:
                    if groups <= FEW:
                        for g in range(groups):
                            _average_group(w[g * GROUP :], literal)
                    else:
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


@unrolled
def _advance(  # type: ignore[no-untyped-def]
    logits, weights, inverse, signal, margins, strength, constant, alpha, top, scratch, pulls, lanes
):
    """Do one round of ``lanes`` in place, as many as there are or the literal number.

    Every lane has a ``signal`` of its own, or all have the ``margins`` (K, K) of one matrix, and
    what either does is multiplied by the ``strength``; what is not given is None. Bits are the same
    with one matrix as with several.
    """
    K = logits.shape[0]
    pull = scratch[0]
    mean = scratch[1]
    if margins is not None:
        multiply_alike(margins, weights, pulls, lanes)
    for b in range(lanes):
        top[b] = -np.inf
        mean[b] = 0.0
    for i in range(K):
        if margins is not None:
            pull = pulls[i]
        if signal is not None:
            multiply_apart(signal[i], weights, pull, lanes)
        if strength is not None:
            for b in range(lanes):
                pull[b] *= strength[b]
        for b in range(lanes):
            moved = (alpha[b] * logits[i, b] + constant[i, b]) + pull[b] * inverse[b]
            logits[i, b] = moved
            mean[b] += moved
            top[b] = moved if moved > top[b] else top[b]
    for b in range(lanes):
        mean[b] *= 1.0 / K
        top[b] -= mean[b]
        inverse[b] = 0.0
    for i in range(K):
        for b in range(lanes):
            centred = logits[i, b] - mean[b]
            weight = exp(centred - top[b])
            logits[i, b] = centred
            weights[i, b] = weight
            inverse[b] += weight
    for b in range(lanes):
        inverse[b] = 1.0 / inverse[b]


@part
def advance(logits, weights, inverse, signal, constant, alpha, top, scratch):  # type: ignore[no-untyped-def]
    """Do one round in place, of the ``signal`` βλ(P − ½): new ``logits`` and their softmax."""
    _advance(
        logits, weights, inverse, signal, None, None, constant, alpha, top, scratch, None, LANES
    )  # fmt: skip


@part
def _advance_apart(  # type: ignore[no-untyped-def]
    logits, weights, inverse, margins, strength, constant, alpha, top, scratch
):
    """As :func:`advance`, of margins (K, K, lanes) and strengths apart."""
    _advance(
        logits, weights, inverse, margins, None, strength, constant, alpha, top, scratch, None,
        LANES,
    )  # fmt: skip


@part
def _advance_narrow(  # type: ignore[no-untyped-def]
    logits, weights, inverse, margins, strength, constant, alpha, top, scratch
):
    """As :func:`_advance_apart`, of a block that has fewer lanes."""
    lanes = logits.shape[1]
    _advance(
        logits, weights, inverse, margins, None, strength, constant, alpha, top, scratch, None,
        lanes,
    )  # fmt: skip


@part
def _advance_alike(  # type: ignore[no-untyped-def]
    logits, weights, inverse, margins, strength, constant, alpha, top, scratch, pulls
):
    """As :func:`_advance_apart`, of maps that share a matrix: it stays near."""
    _advance(
        logits, weights, inverse, None, margins, strength, constant, alpha, top, scratch, pulls,
        LANES,
    )  # fmt: skip


@part
def _advance_alike_narrow(  # type: ignore[no-untyped-def]
    logits, weights, inverse, margins, strength, constant, alpha, top, scratch, pulls
):
    """As :func:`_advance_alike`, of a block that has fewer lanes."""
    lanes = logits.shape[1]
    _advance(
        logits, weights, inverse, None, margins, strength, constant, alpha, top, scratch, pulls,
        lanes,
    )  # fmt: skip


@part
def _advance_small(w, literal):  # type: ignore[no-untyped-def]
    """As :func:`advance_unrolled`: inlined into the loop over rounds it is a tenth slower."""
    advance_unrolled(w, len(literal), LANES)


@part
def _advance_group(w, literal):  # type: ignore[no-untyped-def]
    advance_unrolled(w, len(literal), GROUP)


@unrolled
def advance_unrolled(w, K, lanes):  # type: ignore[no-untyped-def]
    """Do one round in place, with a K that is a literal in the caller.

    Rows of the workspace then lie at offsets known to the compiler: the loops over i and j
    unroll, no loop over lanes has to check whether its rows overlap, and sums stay in registers.
    """
    constant = K * K * LANES
    logits = constant + K * LANES
    weights = logits + K * LANES
    alpha = weights + K * LANES
    inverse = alpha + LANES
    tops = inverse + LANES
    for b in range(lanes):
        mean = 0.0
        top = -np.inf
        for i in range(K):
            pull = w[i * K * LANES + b] * w[weights + b]
            for j in range(1, K):
                pull += w[(i * K + j) * LANES + b] * w[weights + j * LANES + b]
            moved = w[alpha + b] * w[logits + i * LANES + b] + w[constant + i * LANES + b]
            moved += pull * w[inverse + b]
            w[logits + i * LANES + b] = moved
            mean += moved
            top = moved if moved > top else top
        mean *= 1.0 / K
        w[tops + b] = top - mean
        for i in range(K):
            w[logits + i * LANES + b] -= mean
    for b in range(lanes):
        total = 0.0
        for i in range(K):
            weight = exp(w[logits + i * LANES + b] - w[tops + b])
            w[weights + i * LANES + b] = weight
            total += weight
        w[inverse + b] = 1.0 / total


@part
def _average_small(w, literal):  # type: ignore[no-untyped-def]
    _average(w, len(literal), LANES)


@part
def _average_group(w, literal):  # type: ignore[no-untyped-def]
    _average(w, len(literal), GROUP)


@unrolled
def _average(w, K, lanes):  # type: ignore[no-untyped-def]
    logits = (K * K + K) * LANES
    weights = logits + K * LANES
    inverse = weights + (K + 1) * LANES
    average_unrolled(w, K, logits, weights, inverse, inverse + 2 * LANES, lanes)


@unrolled
def average_unrolled(w, K, logits, weights, inverse, origin, lanes):  # type: ignore[no-untyped-def]
    """As :func:`alignsim.kernels.lanes.update_averages`, with a literal K.

    The rows of the workspace begin at the offsets given, that of the tops after the inverse.
    """
    tops = inverse + LANES
    sums = origin + K * LANES
    squares = sums + K * LANES
    entropies = squares + K * LANES
    for b in range(lanes):
        rest = 0.0
        ties = 0.0
        dot = 0.0
        for i in range(K):
            weight = w[weights + i * LANES + b]
            below = w[logits + i * LANES + b] - w[tops + b]
            rest += weight if below < 0.0 else 0.0
            ties += 0.0 if below < 0.0 else 1.0
            dot += weight * below
            distance = weight * w[inverse + b] - w[origin + i * LANES + b]
            w[sums + i * LANES + b] += distance
            w[squares + i * LANES + b] += distance * distance
        total = ties + rest
        lost = rest - (total - ties)
        entropy = log(total) + (lost - dot) / total
        w[entropies + b] += entropy
        w[entropies + LANES + b] = min(w[entropies + LANES + b], entropy)
