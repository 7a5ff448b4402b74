"""MRS-IPO in lanes: many small maps side by side, the lane index innermost.

One round is z ← centre(α z + d + W π), π = softmax(z), with W = βλ(P − ½) and the constant d made
beforehand (theory 6.1). Every array of a block is (K, LANES), so that each inner loop is a run of
SIMD instructions. No lane ever reads another one: an orbit has the same bits alone, in any batch
and on any number of threads.
"""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel
from alignsim.kernels.lanes import (
    begin_averages,
    block,
    load,
    load_signal,
    softmax,
    store,
    store_averages,
    update_averages,
)
from alignsim.kernels.vectormath import exp

LANES = 64


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
    signal = block(K * K, LANES).reshape((K, K, LANES))
    logits = block(K, LANES)
    constant = block(K, LANES)
    weights = block(K, LANES)
    sums = block(3 * K + 2, LANES)
    scratch = block(3, LANES)
    alpha = block(1, LANES)[0]
    top = block(1, LANES)[0]
    inverse = block(1, LANES)[0]
    for start in range(first * LANES, last * LANES, LANES):
        load(state, start, logits)
        load(drift, start, constant)
        load_signal(matrices, which, parameters, start, signal, alpha)
        softmax(logits, top, weights, inverse)
        saved = 0
        for t in range(kept[-1] + 1):
            if t > 0:
                _advance(logits, weights, inverse, signal, constant, alpha, top, scratch)
            if t == burn_in:
                begin_averages(weights, inverse, sums)
            if t >= burn_in:
                update_averages(logits, top, weights, inverse, scratch, sums)
            if t == kept[saved]:
                store(logits, start, frames[:, saved])
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
