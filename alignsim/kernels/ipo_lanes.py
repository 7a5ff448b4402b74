"""MRS-IPO in lanes: many small maps side by side, the lane index innermost.

One round is z ← centre(α z + d + W π), π = softmax(z), with W = βλ(P − ½) and the constant d made
beforehand (theory 6.1). Every array of a block is (K, LANES), so that each inner loop is a run of
SIMD instructions. No lane ever reads another one: an orbit has the same bits alone, in any batch
and on any number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from alignsim.kernels.compile import kernel
from alignsim.kernels.lanes import (
    HELD,
    begin_averages,
    block,
    keep,
    load,
    load_signal,
    softmax,
    store,
    store_averages,
    update_averages,
)
from alignsim.kernels.vectormath import exp, log

LANES = 64
UNROLLED = 6  # the largest K with code of its own


@kernel
def run(matrices, which, parameters, drift, state, frames, kept, burn_in, averages, first, last):  # type: ignore[no-untyped-def]
    """Iterate the maps of blocks ``first`` to ``last``.

    Parameters
    ----------
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
        Ascending; the last is the number of rounds.
    burn_in
        Averages run over the states after rounds burn_in, burn_in + 1, ..., kept[-1].
    averages : (n, 2K+2)
        Out: mean policy, variance of each coordinate, mean entropy, least entropy.
    first, last
        Blocks of LANES maps; ``last`` is excluded.
    """
    K = state.shape[1]
    memory = block(K * K + 6 * K + 5, LANES)
    w = memory.reshape(memory.size)
    signal = memory[: K * K].reshape((K, K, LANES))
    constant = memory[K * K : K * K + K]
    logits = memory[K * K + K : K * K + 2 * K]
    weights = memory[K * K + 2 * K : K * K + 3 * K]
    alpha, inverse, top = (
        memory[K * K + 3 * K],
        memory[K * K + 3 * K + 1],
        memory[K * K + 3 * K + 2],
    )
    sums = memory[K * K + 3 * K + 3 :]
    scratch = block(3, LANES)
    held = block(HELD * K, LANES).reshape((HELD, K, LANES))
    for start in range(first * LANES, last * LANES, LANES):
        load(state, start, logits)
        load(drift, start, constant)
        load_signal(matrices, which, parameters, start, signal, alpha)
        softmax(logits, top, weights, inverse)
        saved = 0
        for t in range(kept[-1] + 1):
            if t > 0:
                if K <= UNROLLED:
                    _advance_small(w, K)
                else:
                    _advance(logits, weights, inverse, signal, constant, alpha, top, scratch)
            if t == burn_in:
                begin_averages(weights, inverse, sums)
            if t >= burn_in and K <= UNROLLED:
                _average_small(w, K)
            elif t >= burn_in:
                update_averages(logits, top, weights, inverse, scratch, sums)
            if t == kept[saved]:
                keep(logits, saved, held, start, frames)
                saved += 1
        store(logits, start, state)
        store_averages(sums, kept[-1] + 1 - burn_in, start, averages)


@kernel
def _advance(logits, weights, inverse, signal, constant, alpha, top, scratch):  # type: ignore[no-untyped-def]
    """Do one round in place: new ``logits``, and their softmax in two factors."""
    K = logits.shape[0]
    pull = scratch[0]
    mean = scratch[1]
    for b in range(LANES):
        top[b] = -np.inf
        mean[b] = 0.0
    for i in range(K):
        for b in range(LANES):
            pull[b] = signal[i, 0, b] * weights[0, b] + signal[i, 1, b] * weights[1, b]
        for j in range(2, K - 1, 2):
            for b in range(LANES):
                pull[b] += signal[i, j, b] * weights[j, b] + signal[i, j + 1, b] * weights[j + 1, b]
        if K % 2 == 1:
            for b in range(LANES):
                pull[b] += signal[i, K - 1, b] * weights[K - 1, b]
        for b in range(LANES):
            moved = (alpha[b] * logits[i, b] + constant[i, b]) + pull[b] * inverse[b]
            logits[i, b] = moved
            mean[b] += moved
            top[b] = moved if moved > top[b] else top[b]
    for b in range(LANES):
        mean[b] *= 1.0 / K
        top[b] -= mean[b]
        inverse[b] = 0.0
    for i in range(K):
        for b in range(LANES):
            centred = logits[i, b] - mean[b]
            weight = exp(centred - top[b])
            logits[i, b] = centred
            weights[i, b] = weight
            inverse[b] += weight
    for b in range(LANES):
        inverse[b] = 1.0 / inverse[b]


@kernel
def _advance_small(w, K):  # type: ignore[no-untyped-def]
    """Do one round in place, by code unrolled for each K."""
    if K == 2:
        _advance_unrolled(w, 2)
    elif K == 3:
        _advance_unrolled(w, 3)
    elif K == 4:
        _advance_unrolled(w, 4)
    elif K == 5:
        _advance_unrolled(w, 5)
    else:
        _advance_unrolled(w, 6)


@njit(forceinline=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _advance_unrolled(w, K):  # type: ignore[no-untyped-def]
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
    for b in range(LANES):
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
    for b in range(LANES):
        total = 0.0
        for i in range(K):
            weight = exp(w[logits + i * LANES + b] - w[tops + b])
            w[weights + i * LANES + b] = weight
            total += weight
        w[inverse + b] = 1.0 / total


@kernel
def _average_small(w, K):  # type: ignore[no-untyped-def]
    """Add the present round to the averages, by code unrolled for each K."""
    if K == 2:
        _average_unrolled(w, 2)
    elif K == 3:
        _average_unrolled(w, 3)
    elif K == 4:
        _average_unrolled(w, 4)
    elif K == 5:
        _average_unrolled(w, 5)
    else:
        _average_unrolled(w, 6)


@njit(forceinline=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _average_unrolled(w, K):  # type: ignore[no-untyped-def]
    """As :func:`alignsim.kernels.lanes.update_averages`, with a literal K."""
    logits = (K * K + K) * LANES
    weights = logits + K * LANES
    inverse = weights + (K + 1) * LANES
    tops = inverse + LANES
    origin = tops + LANES
    sums = origin + K * LANES
    squares = sums + K * LANES
    entropies = squares + K * LANES
    for b in range(LANES):
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
