"""Lyapunov spectra of MRS-IPO in lanes: tangent vectors carried along, made orthonormal each round.

The tangent map is J = α + βλM(diag π − ππᵀ) on logits modulo constants (theory 6.3). In the
coordinates u_i = q_i − q_n, n = K−1, it is the n×n matrix

    D_ij = αδ_ij + p_j (Γ_ij (1 − p_j) − Σ_{l≠j} Γ_il p_l),    1 − p_j = Σ_{l≠j} p_l,

with the first n probabilities p and Γ_ij = W_ij − W_nj − W_in + W_nn, W = βλM. In this form no
digits cancel at a collapsed policy. The vectors are kept as mean-zero rows of K numbers, so that
their lengths are those of logits and do not depend on which response comes last.

One round can shrink a direction by any factor, so vectors are made orthonormal every round, twice
(modified Gram–Schmidt). D is divided by a power of two first, so that squares stay in range. The
growth r of a vector is kept as a running product whose exponent is split off: a logarithm is
taken once a batch.
"""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part, unrolled
from alignsim.kernels.ipo_lanes import LANES, advance, advance_unrolled
from alignsim.kernels.lanes import block, load, load_signal, softmax, store
from alignsim.kernels.vectormath import (
    LN2_HIGH,
    LN2_LOW,
    ZERO,
    exponent,
    inverse_power,
    log,
    mantissa,
    resolved,
)

ROUNDING = 8.0 * 2.0**-52  # times K, relative to the largest D_ij: growth below it is noise
CANCELLED = 4.0 * 2.0**-52  # relative to the margins of a Γ_ij: it is zero
SMALL = 4  # the largest K with code of its own, which carries one or all K−1 vectors


@kernel
def run(  # type: ignore[no-untyped-def]
    literal,
    carried,
    general,
    matrices,
    which,
    parameters,
    drift,
    tangent,
    state,
    edges,
    sums,
    blocks,
):
    """Follow the maps of some blocks, and tangent vectors along them.

    Parameters
    ----------
    literal, carried, general
        K numbers, k numbers and None for K up to ``SMALL``: code is made for these alone. Or
        None, None and any number, for code that serves every other K.
    matrices, which, parameters, drift
        As for :func:`alignsim.kernels.ipo_lanes.run`.
    tangent : (k, n, K)
        Orthonormal mean-zero vectors, overwritten by their images; k is 1 or K−1 if K ≤ ``SMALL``.
    state : (n, K)
        Centred logits: the start, overwritten by the end.
    edges : (c + 1,)
        Ascending: batch i runs from round edges[i] to edges[i + 1]. The last one ends the run.
    sums : (n, c, k + 1)
        Out: over the rounds of each batch, the sum of log r of each vector and, if k = K−1, of
        log|det D|. −inf where a factor is below ``ZERO``, NaN where growth is lost in rounding.
    blocks
        (first, last) of LANES maps each; the last one is excluded.
    """
    K = state.shape[1]
    vectors = tangent.shape[0]
    n = K - 1
    base = K * K + 6 * K + 5  # the rows of a round, laid out as in ipo_lanes
    height = base + 2 * n * n + K + vectors * (K + 2) + 6
    w = block(height * LANES)
    memory = w.reshape((height, LANES))
    signal = memory[: K * K].reshape((K, K, LANES))
    constant = memory[K * K : K * K + K]
    logits = memory[K * K + K : K * K + 2 * K]
    weights = memory[K * K + 2 * K : K * K + 3 * K]
    alpha = memory[K * K + 3 * K]
    inverse = memory[K * K + 3 * K + 1]
    top = memory[K * K + 3 * K + 2]
    margins = memory[base : base + n * n].reshape((n, n, LANES))
    D = memory[base + n * n : base + 2 * n * n].reshape((n, n, LANES))
    rest = base + 2 * n * n
    policy = memory[rest : rest + K]
    Q = memory[rest + K : rest + K + vectors * K].reshape((vectors, K, LANES))
    rest += K + vectors * K
    product = memory[rest : rest + vectors + 1]
    order = memory[rest + vectors + 1 : rest + 2 * vectors + 2]
    rest += 2 * vectors + 2
    shift = memory[rest]
    scratch = memory[rest + 1 : rest + 4]
    for start in range(blocks[0] * LANES, blocks[1] * LANES, LANES):
        load(state, start, logits)
        load(drift, start, constant)
        load_signal(matrices, which, parameters, start, signal, alpha)
        softmax(logits, top, weights, inverse)
        _load_margins(signal, margins)
        for c in range(vectors):
            load(tangent[c], start, Q[c])
        batch = 0
        for t in range(edges[-1]):
            if (t == 0) | (t == edges[0]):
                _begin_batch(product, order, shift)
            if literal is not None:
                _carry_small(w, len(literal), len(carried))
                advance_unrolled(w, len(literal), LANES)
            if general is not None:
                _differentiate(weights, inverse, alpha, margins, policy, scratch, D, shift)
                _carry(D, Q, policy, scratch, product, order)
                if vectors == n:
                    _measure(D, scratch, product[n], order[n])
                advance(logits, weights, inverse, signal, constant, alpha, top, scratch)
            if t + 1 == edges[batch + 1]:
                _store_batch(product, order, shift, start, sums[:, batch])
                _begin_batch(product, order, shift)
                batch += 1
        store(logits, start, state)
        for c in range(vectors):
            store(Q[c], start, tangent[c])


@part
def _load_margins(signal, margins):  # type: ignore[no-untyped-def]
    """Set Γ; what is left when all margins cancel, as for additive preferences, is zero."""
    n = margins.shape[0]
    for i in range(n):
        for j in range(n):
            for b in range(LANES):
                own, across = signal[i, j, b], signal[n, n, b]
                row, column = signal[n, j, b], signal[i, n, b]
                size = abs(own) + abs(across) + abs(row) + abs(column)
                gap = (own - row) - (column - across)
                margins[i, j, b] = gap if abs(gap) > CANCELLED * size else 0.0


@part
def _begin_batch(product, order, shift):  # type: ignore[no-untyped-def]
    """Set the products to that of no factors."""
    product[:] = 1.0
    order[:] = 0.0
    shift[:] = 0.0


@part
def _store_batch(product, order, shift, start, sums):  # type: ignore[no-untyped-def]
    """Write the logarithms of the products to rows ``start`` on of ``sums`` (n, k + 1)."""
    vectors = product.shape[0] - 1
    for c in range(vectors + 1):
        divided = vectors if c == vectors else 1
        for b in range(min(LANES, sums.shape[0] - start)):
            twos = order[c, b] + divided * shift[b]
            sums[start + b, c] = twos * LN2_HIGH + (log(product[c, b]) + twos * LN2_LOW)


# Up to SMALL responses


@part
def _carry_small(w, K, vectors):  # type: ignore[no-untyped-def]
    """Do what a round does to the vectors and their volume, with literal K and vectors."""
    _differentiate_unrolled(w, K, vectors)
    _carry_unrolled(w, K, vectors, 0)
    if vectors > 1:
        _carry_unrolled(w, K, vectors, 1)
    if vectors > 2:
        _carry_unrolled(w, K, vectors, 2)
    if vectors > K - 2:
        _measure_unrolled(w, K)


@unrolled
def _differentiate_unrolled(w, K, vectors):  # type: ignore[no-untyped-def]
    """As :func:`_differentiate`, with literal K and number of vectors."""
    n = K - 1
    weights = (K * K + 2 * K) * LANES
    alpha = weights + K * LANES
    inverse = alpha + LANES
    margins = (K * K + 6 * K + 5) * LANES
    D = margins + n * n * LANES
    policy = D + n * n * LANES
    shift = policy + (K + vectors * K + 2 * vectors + 2) * LANES
    for b in range(LANES):
        for i in range(K):
            w[policy + i * LANES + b] = w[weights + i * LANES + b] * w[inverse + b]
        size = 0.0
        for j in range(n):
            others = 0.0
            for i in range(K):
                others += w[policy + i * LANES + b] if i != j else 0.0
            for i in range(n):
                slope = w[margins + (i * n + j) * LANES + b] * others
                for m in range(n):
                    share = w[margins + (i * n + m) * LANES + b] * w[policy + m * LANES + b]
                    slope -= share if m != j else 0.0
                value = w[policy + j * LANES + b] * slope + (w[alpha + b] if i == j else 0.0)
                w[D + (i * n + j) * LANES + b] = value
                size = abs(value) if abs(value) > size else size
        w[shift + b] += resolved(exponent(size), size, ZERO)
        factor = inverse_power(size)
        for i in range(n * n):
            w[D + i * LANES + b] *= factor
        for i in range(n):
            own = w[D + i * (n + 1) * LANES + b]
            w[D + i * (n + 1) * LANES + b] = own if factor > 0.0 else 1.0


@unrolled
def _carry_unrolled(w, K, vectors, c):  # type: ignore[no-untyped-def]
    """As :func:`_carry` for vector ``c``, with literal K, number of vectors and ``c``."""
    n = K - 1
    D = (K * K + 6 * K + 5 + n * n) * LANES
    moved = D + n * n * LANES
    Q = moved + K * LANES
    q = Q + c * K * LANES
    product = Q + (vectors * K + c) * LANES
    order = product + (vectors + 1) * LANES
    for b in range(LANES):
        mean = 0.0
        for i in range(n):
            image = 0.0
            for j in range(n):
                gap = w[q + j * LANES + b] - w[q + n * LANES + b]
                image += w[D + (i * n + j) * LANES + b] * gap
            w[moved + i * LANES + b] = image
            mean += image * (1.0 / K)
        for i in range(n):
            w[q + i * LANES + b] = w[moved + i * LANES + b] - mean
        w[q + n * LANES + b] = -mean
        for _ in range(2):
            for a in range(c):
                unit = Q + a * K * LANES
                dot = 0.0
                for i in range(K):
                    dot += w[unit + i * LANES + b] * w[q + i * LANES + b]
                for i in range(K):
                    w[q + i * LANES + b] -= dot * w[unit + i * LANES + b]
        square = 0.0
        for i in range(K):
            square += w[q + i * LANES + b] * w[q + i * LANES + b]
        growth = np.sqrt(square)
        scale = 1.0 / growth if growth > 0.0 else 1.0
        for i in range(K):
            w[q + i * LANES + b] *= scale
        grown = w[product + b] * growth
        w[product + b] = mantissa(grown)
        w[order + b] += resolved(exponent(grown), growth, ROUNDING * K)


@unrolled
def _measure_unrolled(w, K):  # type: ignore[no-untyped-def]
    """Multiply up |det D|, by its definition: elimination would divide."""
    n = K - 1
    D = (K * K + 6 * K + 5 + n * n) * LANES
    product = D + (n * n + K + n * K + n) * LANES
    order = product + K * LANES
    for b in range(LANES):
        volume = w[D + b]
        if n == 2:
            volume = w[D + b] * w[D + 3 * LANES + b] - w[D + LANES + b] * w[D + 2 * LANES + b]
        elif n == 3:
            volume = 0.0
            for i in range(3):
                one, two = D + (i + 1) % 3 * 3 * LANES + b, D + (i + 2) % 3 * 3 * LANES + b
                minor = w[one + LANES] * w[two + 2 * LANES] - w[one + 2 * LANES] * w[two + LANES]
                volume += w[D + i * 3 * LANES + b] * minor
        volume = abs(volume)
        grown = w[product + b] * volume
        w[product + b] = mantissa(grown)
        w[order + b] += resolved(exponent(grown), volume, ZERO)


# Any number of responses


@part
def _differentiate(weights, inverse, alpha, margins, policy, scratch, D, shift):  # type: ignore[no-untyped-def]
    """Set ``D`` at the present policy, over a power of two whose exponent is added to ``shift``.

    A D that is zero becomes the identity, with exponent −inf.
    """
    K = weights.shape[0]
    n = K - 1
    total, size, factor = scratch[0], scratch[1], scratch[2]
    for i in range(K):
        for b in range(LANES):
            policy[i, b] = weights[i, b] * inverse[b]
    for i in range(n):
        total[:] = 0.0
        for j in range(n):
            for b in range(LANES):
                D[i, j, b] = total[b]
                total[b] += margins[i, j, b] * policy[j, b]
        total[:] = 0.0
        for j in range(n - 1, -1, -1):
            for b in range(LANES):
                D[i, j, b] += total[b]
                total[b] += margins[i, j, b] * policy[j, b]
    size[:] = 0.0
    for j in range(n):
        total[:] = 0.0
        for i in range(K):
            if i != j:
                for b in range(LANES):
                    total[b] += policy[i, b]
        for i in range(n):
            for b in range(LANES):
                slope = margins[i, j, b] * total[b] - D[i, j, b]
                value = policy[j, b] * slope + (alpha[b] if i == j else 0.0)
                D[i, j, b] = value
                size[b] = abs(value) if abs(value) > size[b] else size[b]
    for b in range(LANES):
        shift[b] += resolved(exponent(size[b]), size[b], ZERO)
        factor[b] = inverse_power(size[b])
    for i in range(n):
        for j in range(n):
            for b in range(LANES):
                D[i, j, b] *= factor[b]
        for b in range(LANES):
            D[i, i, b] = D[i, i, b] if factor[b] > 0.0 else 1.0


@part
def _carry(D, Q, moved, scratch, product, order):  # type: ignore[no-untyped-def]
    """Replace the vectors by their images, made orthonormal, and multiply up their growth.

    ``moved`` is (K, LANES).
    """
    vectors, K, _ = Q.shape
    growth = scratch[0]
    for c in range(vectors):
        _push(D, Q[c], moved, scratch[0])
        for _ in range(2):
            for a in range(c):
                _project(Q[a], Q[c], scratch[0])
        _normalise(Q[c], growth)
        _multiply(growth, ROUNDING * K, product[c], order[c])


@part
def _push(D, q, moved, mean):  # type: ignore[no-untyped-def]
    """Replace the mean-zero vector ``q`` (K, LANES) by its image."""
    n = D.shape[0]
    mean[:] = 0.0
    for i in range(n):
        for b in range(LANES):
            moved[i, b] = D[i, 0, b] * (q[0, b] - q[n, b])
        for j in range(1, n):
            for b in range(LANES):
                moved[i, b] += D[i, j, b] * (q[j, b] - q[n, b])
        for b in range(LANES):
            mean[b] += moved[i, b] * (1.0 / (n + 1))
    for i in range(n):
        for b in range(LANES):
            q[i, b] = moved[i, b] - mean[b]
    for b in range(LANES):
        q[n, b] = -mean[b]


@part
def _project(unit, q, dot):  # type: ignore[no-untyped-def]
    """Take from ``q`` its part along ``unit``."""
    dot[:] = 0.0
    for i in range(q.shape[0]):
        for b in range(LANES):
            dot[b] += unit[i, b] * q[i, b]
    for i in range(q.shape[0]):
        for b in range(LANES):
            q[i, b] -= dot[b] * unit[i, b]


@part
def _normalise(q, length):  # type: ignore[no-untyped-def]
    """Divide ``q`` by its ``length``; a vector of no length stays."""
    length[:] = 0.0
    for i in range(q.shape[0]):
        for b in range(LANES):
            length[b] += q[i, b] * q[i, b]
    for b in range(LANES):
        length[b] = np.sqrt(length[b])
    for i in range(q.shape[0]):
        for b in range(LANES):
            q[i, b] /= length[b] if length[b] > 0.0 else 1.0


@part
def _measure(D, scratch, product, order):  # type: ignore[no-untyped-def]
    """Multiply up |det D| by elimination in place, rows exchanged in pairs."""
    n = D.shape[0]
    swap, factor, pivot = scratch[0], scratch[1], scratch[2]
    for c in range(n):
        for r in range(c + 1, n):
            for b in range(LANES):
                own, other = D[c, c, b], D[r, c, b]
                swap[b] = 1.0 if abs(other) > abs(own) else 0.0
                high, low = (other, own) if abs(other) > abs(own) else (own, other)
                factor[b] = low / high if high != 0.0 else 0.0
            for j in range(c, n):
                for b in range(LANES):
                    own, other = D[c, j, b], D[r, j, b]
                    high, low = (other, own) if swap[b] != 0.0 else (own, other)
                    D[c, j, b] = high
                    D[r, j, b] = low - factor[b] * high
        for b in range(LANES):
            pivot[b] = abs(D[c, c, b])
        _multiply(pivot, ZERO, product, order)


@part
def _multiply(growth, least, product, order):  # type: ignore[no-untyped-def]
    """Multiply ``product`` by ``growth``; its exponent moves to ``order``."""
    for b in range(LANES):
        grown = product[b] * growth[b]
        product[b] = mantissa(grown)
        order[b] += resolved(exponent(grown), growth[b], least)
