"""What the lane kernels share: loading and storing a block, the softmax, streamed averages.

A block holds ``lanes`` maps side by side: row i of a (K, lanes) array is response i of every map.
Lanes past the end of the batch repeat its last map and are never stored.
"""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part, unrolled
from alignsim.kernels.vectormath import exp, log

CACHE_LINE = 8  # float64 in 64 bytes, the widest SIMD load
HELD = 8  # frames that go to memory at a time


@kernel
def block(size):  # type: ignore[no-untyped-def]
    """Return ``size`` uninitialised numbers that start on a cache line.

    An unaligned 64-byte load touches two lines, which costs about 40 % of the speed.
    """
    memory = np.empty(size + CACHE_LINE)
    skip = (-(memory.ctypes.data // 8)) % CACHE_LINE
    return memory[skip : skip + size]


@kernel
def load(source, start, target):  # type: ignore[no-untyped-def]
    """Copy rows ``start`` on of ``source`` (n, K) into the lanes of ``target`` (K, lanes)."""
    K, lanes = target.shape
    for b in range(lanes):
        map_ = min(start + b, source.shape[0] - 1)
        for i in range(K):
            target[i, b] = source[map_, i]


@kernel
def store(source, start, target):  # type: ignore[no-untyped-def]
    """Copy the lanes of ``source`` (K, lanes) to rows ``start`` on of ``target`` (n, K)."""
    K, lanes = source.shape
    for b in range(min(lanes, target.shape[0] - start)):
        for i in range(K):
            target[start + b, i] = source[i, b]


def code_for(K: int, largest: int) -> tuple[tuple[int, ...] | None, int | None]:
    """Return the two arguments of a kernel that choose its code: one of them is None.

    Up to the ``largest`` K with code of its own, the first is K numbers: its type tells the
    compiler what K is, and code is made for that K alone. The branch of None is not compiled.
    """
    return ((0,) * K, None) if largest >= K else (None, K)


@part
def hold(logits, place, held):  # type: ignore[no-untyped-def]
    """Take the lanes ``logits`` (K, lanes) as the frame ``place`` of ``held`` (HELD·K, lanes).

    Frames wait there so that those of a map go to memory side by side. Singly, each would wait for
    a cache line.
    """
    K, lanes = logits.shape
    for i in range(K):
        for b in range(lanes):
            held[place * K + i, b] = logits[i, b]


@part
def release(held, first, last, start, frames):  # type: ignore[no-untyped-def]
    """Write what is ``held`` to the frames (n, f, K) from ``first`` to ``last``.

    ``start`` is the map in the first lane.
    """
    K, lanes = frames.shape[2], held.shape[1]
    source, size = held.reshape(held.size), frames.shape[1] * K
    target = frames.reshape(frames.size)
    for b in range(min(lanes, frames.shape[0] - start)):
        own = target[(start + b) * size + first * K :]
        for i in range((last - first) * K):
            own[i] = source[i * lanes + b]


@kernel
def load_signal(matrices, which, parameters, start, signal, alpha):  # type: ignore[no-untyped-def]
    """Set ``signal`` (K, K, lanes) to βλ(P − ½) and ``alpha`` (lanes,) from (α, βλ)."""
    K, _, lanes = signal.shape
    for b in range(lanes):
        map_ = min(start + b, which.shape[0] - 1)
        alpha[b] = parameters[map_, 0]
        for i in range(K):
            for j in range(K):
                signal[i, j, b] = parameters[map_, 1] * (matrices[which[map_], i, j] - 0.5)


@part
def one_matrix(which, start, lanes):  # type: ignore[no-untyped-def]
    """Return whether the maps from ``start`` on that fill ``lanes`` have one matrix."""
    alike = True
    for m in range(start, min(start + lanes, which.shape[0])):
        alike &= which[m] == which[start]
    return alike


@part
def load_alike(matrices, which, parameters, start, margins, alpha, strength):  # type: ignore[no-untyped-def]
    """Set ``margins`` (K, K) to P − ½ of the map ``start``, (α, βλ) of each lane (lanes,)."""
    K = margins.shape[0]
    for i in range(K):
        for j in range(K):
            margins[i, j] = matrices[which[start], i, j] - 0.5
    for b in range(strength.shape[0]):
        map_ = min(start + b, which.shape[0] - 1)
        alpha[b], strength[b] = parameters[map_, 0], parameters[map_, 1]


@part
def load_apart(matrices, which, start, margins):  # type: ignore[no-untyped-def]
    """Set ``margins`` (K, K, lanes) to P − ½ of the map in each lane."""
    K, _, lanes = margins.shape
    for b in range(lanes):
        map_ = min(start + b, which.shape[0] - 1)
        for i in range(K):
            for j in range(K):
                margins[i, j, b] = matrices[which[map_], i, j] - 0.5


@unrolled
def multiply_alike(margins, weights, pulls, lanes):  # type: ignore[no-untyped-def]
    """Set ``pulls`` (K, lanes) to margins·weights, of a matrix (K, K) that all lanes share.

    Weights are read once for two rows. Each sum is taken in the order of j, as where the matrices
    of the lanes differ.
    """
    K = margins.shape[0]
    flat = weights.reshape(weights.size)
    fours = K - K % 4
    for row in range(0, K, 2):
        i = min(row, K - 2)
        above, below = pulls[i], pulls[i + 1]
        for b in range(lanes):
            above[b] = 0.0
            below[b] = 0.0
        for j in range(0, fours, 4):
            m, n, w = margins[i, j : j + 4], margins[i + 1, j : j + 4], flat[j * lanes :]
            m0, m1, m2, m3 = m[0], m[1], m[2], m[3]
            n0, n1, n2, n3 = n[0], n[1], n[2], n[3]
            for b in range(lanes):
                first, second = above[b], below[b]
                first += m0 * w[b]
                second += n0 * w[b]
                first += m1 * w[lanes + b]
                second += n1 * w[lanes + b]
                first += m2 * w[2 * lanes + b]
                second += n2 * w[2 * lanes + b]
                first += m3 * w[3 * lanes + b]
                second += n3 * w[3 * lanes + b]
                above[b], below[b] = first, second
        for j in range(fours, K):
            m0, n0, w = margins[i, j], margins[i + 1, j], flat[j * lanes :]
            for b in range(lanes):
                above[b] += m0 * w[b]
                below[b] += n0 * w[b]


@unrolled
def multiply_apart(margins, weights, pull, lanes):  # type: ignore[no-untyped-def]
    """Set ``pull`` (lanes,) to Σ_j margins_j·weights_j, (K, lanes) both."""
    K = margins.shape[0]
    for b in range(lanes):
        pull[b] = 0.0
    for j in range(0, K - 1, 2):
        for b in range(lanes):
            total = pull[b]
            total += margins[j, b] * weights[j, b]
            total += margins[j + 1, b] * weights[j + 1, b]
            pull[b] = total
    if K % 2 == 1:
        for b in range(lanes):
            pull[b] += margins[K - 1, b] * weights[K - 1, b]


@kernel
def softmax(logits, top, weights, inverse):  # type: ignore[no-untyped-def]
    """Set ``top`` to the largest logit, ``weights`` to e^(z−top), ``inverse`` to 1/Σ weights.

    The policy is weights·inverse; it is left in two factors to spare a pass over memory.
    """
    K, lanes = logits.shape
    for b in range(lanes):
        top[b] = logits[0, b]
        inverse[b] = 0.0
    for i in range(1, K):
        for b in range(lanes):
            top[b] = logits[i, b] if logits[i, b] > top[b] else top[b]
    for i in range(K):
        for b in range(lanes):
            weight = exp(logits[i, b] - top[b])
            weights[i, b] = weight
            inverse[b] += weight
    for b in range(lanes):
        inverse[b] = 1.0 / inverse[b]


@kernel
def begin_averages(weights, inverse, sums):  # type: ignore[no-untyped-def]
    """Empty ``sums`` (3K+2, lanes) and set its first K rows to the present policy.

    Sums run over the distance from that policy, so that an orbit which settles keeps the digits
    of its tiny variance.
    """
    K, lanes = weights.shape
    for i in range(K):
        for b in range(lanes):
            sums[i, b] = weights[i, b] * inverse[b]
            sums[K + i, b] = 0.0
            sums[2 * K + i, b] = 0.0
    for b in range(lanes):
        sums[3 * K, b] = 0.0
        sums[3 * K + 1, b] = np.inf


@kernel
def update_averages(logits, top, weights, inverse, scratch, sums):  # type: ignore[no-untyped-def]
    """Add the present round to ``sums``; ``scratch`` is (3, lanes).

    The entropy log Σw − Σwy/Σw, y = z − top, splits Σw into the ties at the top and the rest, and
    keeps what rounding loses from their sum: it is exact after collapse too.
    """
    K, lanes = logits.shape
    ties = scratch[0]
    rest = scratch[1]
    dot = scratch[2]
    for b in range(lanes):
        ties[b] = 0.0
        rest[b] = 0.0
        dot[b] = 0.0
    for i in range(K):
        for b in range(lanes):
            weight = weights[i, b]
            below = logits[i, b] - top[b]
            rest[b] += weight if below < 0.0 else 0.0
            ties[b] += 0.0 if below < 0.0 else 1.0
            dot[b] += weight * below
            distance = weight * inverse[b] - sums[i, b]
            sums[K + i, b] += distance
            sums[2 * K + i, b] += distance * distance
    for b in range(lanes):
        total = ties[b] + rest[b]
        lost = rest[b] - (total - ties[b])
        entropy = log(total) + (lost - dot[b]) / total
        sums[3 * K, b] += entropy
        sums[3 * K + 1, b] = min(sums[3 * K + 1, b], entropy)


@kernel
def drifts(matrices, which, parameters, reference, offline, drift):  # type: ignore[no-untyped-def]
    """Set ``drift`` (n, K) to (1−α) log π_ref + β(1−λ)(P − ½) π_off, centred.

    ``parameters`` (n, 3) holds α, β and λ; ``reference`` and ``offline`` are (n, K).
    """
    instances, K = drift.shape
    for n in range(instances):
        P = matrices[which[n]]
        anchor = 1.0 - parameters[n, 0]
        pull = parameters[n, 1] * (1.0 - parameters[n, 2])
        mean = 0.0
        for i in range(K):
            score = 0.0
            for j in range(K):
                score += (P[i, j] - 0.5) * offline[n, j]
            drift[n, i] = anchor * reference[n, i] + pull * score
            mean += drift[n, i]
        mean /= K
        for i in range(K):
            drift[n, i] -= mean
