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

import math

import numpy as np
from numba import njit

from alignsim.kernels.compile import kernel
from alignsim.kernels.ipo_lanes import LANES, UNROLLED, _advance, _advance_small
from alignsim.kernels.lanes import block, load, load_signal, softmax, store
from alignsim.kernels.vectormath import LN2_HIGH, LN2_LOW, MANTISSA, ONE, exp, log

ZERO = 1e-300  # growth below it is none
HUGE = 1e300  # growth beyond it has overflowed
ROUNDING = 8.0 * 2.0**-52  # times K, relative to the largest D_ij: growth below it is noise
CANCELLED = 4.0 * 2.0**-52  # relative to the margins of a Γ_ij: it is zero
ABREAST = 16  # maps whose kept rounds are followed side by side
LN2 = math.log(2.0)
SMALL = 4  # the largest K with code of its own, which carries one or all K−1 vectors


@kernel
def run(matrices, which, parameters, drift, tangent, state, edges, sums, first, last):  # type: ignore[no-untyped-def]
    """Follow the maps of blocks ``first`` to ``last``, and tangent vectors along them.

    Parameters
    ----------
    matrices, which, parameters, drift
        As for :func:`alignsim.kernels.ipo_lanes.run`.
    tangent : (k, K)
        Orthonormal mean-zero vectors, with which every orbit starts; k is 1 or K−1 if
        K ≤ ``SMALL``.
    state : (n, K)
        Centred logits: the start, overwritten by the end.
    edges : (c + 1,)
        Ascending: batch i runs from round edges[i] to edges[i + 1]. The last one ends the run.
    sums : (n, c, k + 1)
        Out: over the rounds of each batch, the sum of log r of each vector and, if k = K−1, of
        log|det D|. −inf where a factor is below ``ZERO``, NaN where growth is lost in rounding.
    first, last
        Blocks of LANES maps; ``last`` is excluded.
    """
    K = state.shape[1]
    vectors = tangent.shape[0]
    n = K - 1
    base = K * K + 6 * K + 5  # the rows of a round, laid out as in ipo_lanes
    memory = block(base + 2 * n * n + K + vectors * (K + 2) + 6, LANES)
    w = memory.reshape(memory.size)
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
    for start in range(first * LANES, last * LANES, LANES):
        load(state, start, logits)
        load(drift, start, constant)
        load_signal(matrices, which, parameters, start, signal, alpha)
        softmax(logits, top, weights, inverse)
        _load_margins(signal, margins)
        for c in range(vectors):
            for i in range(K):
                Q[c, i, :] = tangent[c, i]
        batch = 0
        for t in range(edges[-1]):
            if (t == 0) | (t == edges[0]):
                _begin_batch(product, order, shift)
            if K <= SMALL:
                _carry_small(w, K, vectors)
            else:
                _differentiate(weights, inverse, alpha, margins, policy, scratch, D, shift)
                _carry(D, Q, policy, scratch, product, order)
                if vectors == n:
                    _measure(D, scratch, product[n], order[n])
            if K <= UNROLLED:
                _advance_small(w, K)
            else:
                _advance(logits, weights, inverse, signal, constant, alpha, top, scratch)
            if t + 1 == edges[batch + 1]:
                _store_batch(product, order, shift, start, sums[:, batch])
                _begin_batch(product, order, shift)
                batch += 1
        store(logits, start, state)


@kernel
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


@kernel
def _begin_batch(product, order, shift):  # type: ignore[no-untyped-def]
    """Set the products to that of no factors."""
    product[:] = 1.0
    order[:] = 0.0
    shift[:] = 0.0


@kernel
def _store_batch(product, order, shift, start, sums):  # type: ignore[no-untyped-def]
    """Write the logarithms of the products to rows ``start`` on of ``sums`` (n, k + 1)."""
    vectors = product.shape[0] - 1
    for c in range(vectors + 1):
        divided = vectors if c == vectors else 1
        for b in range(min(LANES, sums.shape[0] - start)):
            twos = order[c, b] + divided * shift[b]
            sums[start + b, c] = twos * LN2_HIGH + (log(product[c, b]) + twos * LN2_LOW)


@njit(inline="always")
def _exponent(x):  # type: ignore[no-untyped-def]
    """Return the exponent of two of a positive normal number, as an integer."""
    return (np.float64(x).view(np.int64) >> 52) - 1023


@njit(inline="always")
def _mantissa(x):  # type: ignore[no-untyped-def]
    """Return a positive normal number without its exponent, in [1, 2)."""
    bits = np.float64(x).view(np.int64)
    return np.int64((bits & MANTISSA) | ONE).view(np.float64)


@njit(inline="always")
def _resolved(value, size, least):  # type: ignore[no-untyped-def]
    """Return ``value``, but −inf where ``size`` is none, and NaN where it is out of range."""
    lost = -np.inf if size < ZERO else np.nan
    return np.float64(value) if (size >= least) & (size <= HUGE) else lost


@njit(inline="always")
def _inverse_power(size):  # type: ignore[no-untyped-def]
    """Return 2 to minus the exponent of ``size``, 0 where there is no size."""
    return np.int64((1023 - _exponent(size)) << 52).view(np.float64) if size >= ZERO else 0.0


# Up to SMALL responses


@kernel
def _carry_small(w, K, vectors):  # type: ignore[no-untyped-def]
    """Do what a round does to the vectors and their volume, by code unrolled for each K."""
    if K == 2:
        _differentiate_unrolled(w, 2, 1)
        _carry_unrolled(w, 2, 1, 0)
        _measure_unrolled(w, 2)
    elif K == 3:
        if vectors == 1:
            _differentiate_unrolled(w, 3, 1)
            _carry_unrolled(w, 3, 1, 0)
        else:
            _differentiate_unrolled(w, 3, 2)
            _carry_unrolled(w, 3, 2, 0)
            _carry_unrolled(w, 3, 2, 1)
            _measure_unrolled(w, 3)
    elif vectors == 1:
        _differentiate_unrolled(w, 4, 1)
        _carry_unrolled(w, 4, 1, 0)
    else:
        _differentiate_unrolled(w, 4, 3)
        _carry_unrolled(w, 4, 3, 0)
        _carry_unrolled(w, 4, 3, 1)
        _carry_unrolled(w, 4, 3, 2)
        _measure_unrolled(w, 4)


@njit(forceinline=True, nogil=True, fastmath={"contract"}, error_model="numpy")
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
        w[shift + b] += _resolved(_exponent(size), size, ZERO)
        factor = _inverse_power(size)
        for i in range(n * n):
            w[D + i * LANES + b] *= factor
        for i in range(n):
            own = w[D + i * (n + 1) * LANES + b]
            w[D + i * (n + 1) * LANES + b] = own if factor > 0.0 else 1.0


@njit(forceinline=True, nogil=True, fastmath={"contract"}, error_model="numpy")
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
        w[product + b] = _mantissa(grown)
        w[order + b] += _resolved(_exponent(grown), growth, ROUNDING * K)


@njit(forceinline=True, nogil=True, fastmath={"contract"}, error_model="numpy")
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
        w[product + b] = _mantissa(grown)
        w[order + b] += _resolved(_exponent(grown), volume, ZERO)


# Any number of responses


@kernel
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
        shift[b] += _resolved(_exponent(size[b]), size[b], ZERO)
        factor[b] = _inverse_power(size[b])
    for i in range(n):
        for j in range(n):
            for b in range(LANES):
                D[i, j, b] *= factor[b]
        for b in range(LANES):
            D[i, i, b] = D[i, i, b] if factor[b] > 0.0 else 1.0


@kernel
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


@kernel
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


@kernel
def _project(unit, q, dot):  # type: ignore[no-untyped-def]
    """Take from ``q`` its part along ``unit``."""
    dot[:] = 0.0
    for i in range(q.shape[0]):
        for b in range(LANES):
            dot[b] += unit[i, b] * q[i, b]
    for i in range(q.shape[0]):
        for b in range(LANES):
            q[i, b] -= dot[b] * unit[i, b]


@kernel
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


@kernel
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


@kernel
def _multiply(growth, least, product, order):  # type: ignore[no-untyped-def]
    """Multiply ``product`` by ``growth``; its exponent moves to ``order``."""
    for b in range(LANES):
        grown = product[b] * growth[b]
        product[b] = _mantissa(grown)
        order[b] += _resolved(_exponent(grown), growth[b], least)


# Along rounds that were kept


@kernel
def lead_along(  # type: ignore[no-untyped-def]
    matrices, which, parameters, first, frames, rows, edges, sums, literal, scratch
):
    """Sum the log growth of one tangent vector along kept rounds of MRS-IPO, maps side by side.

    Parameters
    ----------
    matrices, which : (m, K, K), (n,)
        Table of matrices, and the row of it for each map.
    parameters : (n, 2)
        α and βλ of each map.
    first : (K,)
        A unit mean-zero vector, with which every orbit starts.
    frames : (r, T + 1, K)
        Logits of consecutive rounds.
    rows : (n,)
        Which of them each map has.
    edges : (c + 1,)
        Ascending, at most T: batch i runs from round edges[i] to edges[i + 1].
    sums : (n, c)
        Out: the sum of each batch; NaN once a vector vanishes or a frame is not finite.
    literal, scratch
        One of the two, the other None, whose branch is then not compiled. A tuple of K numbers: its
        type tells the compiler what K is, and code is made for that K alone. Or (K + 3, ABREAST),
        for code that serves every K.
    """
    n, K = rows.shape[0], frames.shape[2]
    memory = block(K * K + 2 * K + 3, ABREAST)
    w = memory.reshape(memory.size)
    pull = memory[: K * K].reshape((K, K, ABREAST))
    alpha = memory[K * K]
    weight = memory[K * K + 1 : K * K + 1 + K]
    vector = memory[K * K + 1 + K : K * K + 1 + 2 * K]
    product, twos = memory[K * K + 1 + 2 * K], memory[K * K + 2 + 2 * K]
    flat, base = frames.ravel(), np.empty(ABREAST, dtype=np.int64)
    for start in range(0, n, ABREAST):
        for b in range(ABREAST):
            m = min(start + b, n - 1)
            base[b] = rows[m] * frames.shape[1] * K
            alpha[b] = parameters[m, 0]
            for i in range(K):
                vector[i, b] = first[i]
                for j in range(K):
                    pull[i, j, b] = parameters[m, 1] * (matrices[which[m], i, j] - 0.5)
        product[:] = 1.0
        twos[:] = 0.0
        batch = -1
        for t in range(edges[-1] + 1):
            if t == edges[batch + 1]:
                for b in range(min(ABREAST, n - start)):
                    if batch >= 0:
                        sums[start + b, batch] = twos[b] * LN2 + log(product[b])
                product[:] = 1.0
                twos[:] = 0.0
                batch += 1
                if t == edges[-1]:
                    break
            _load_frame(flat, base, t, K, w, (K * K + 1) * ABREAST)
            if literal is not None:
                _lead_unrolled(w, len(literal))
            if scratch is not None:
                _lead(pull, alpha, weight, vector, product, twos, scratch)


@njit(forceinline=True, nogil=True, error_model="numpy")
def _load_frame(flat, base, round_, K, w, weight):  # type: ignore[no-untyped-def]
    """Copy the frame of each lane from ``flat``, where its map's frames begin at ``base``."""
    for b in range(ABREAST):
        place = base[b] + round_ * K
        for i in range(K):  # unsigned: no index wraps around
            w[np.uint64(weight + i * ABREAST + b)] = flat[np.uint64(place + i)]


@njit(forceinline=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _lead_unrolled(w, K):  # type: ignore[no-untyped-def]
    """As :func:`_lead`, with literal K."""
    alpha = K * K * ABREAST
    weight = alpha + ABREAST
    vector = weight + K * ABREAST
    product = vector + K * ABREAST
    twos = product + ABREAST
    for b in range(ABREAST):
        top = w[weight + b]
        for i in range(1, K):
            top = w[weight + i * ABREAST + b] if w[weight + i * ABREAST + b] > top else top
        total = 0.0
        mean = 0.0
        for i in range(K):
            share = exp(w[weight + i * ABREAST + b] - top)
            w[weight + i * ABREAST + b] = share
            total += share
            mean += share * w[vector + i * ABREAST + b]
        inverse = 1.0 / total
        mean *= inverse
        for i in range(K):
            w[weight + i * ABREAST + b] *= (w[vector + i * ABREAST + b] - mean) * inverse
        mean = 0.0
        for i in range(K):
            moved = w[alpha + b] * w[vector + i * ABREAST + b]
            for j in range(K):
                moved += w[(i * K + j) * ABREAST + b] * w[weight + j * ABREAST + b]
            w[vector + i * ABREAST + b] = moved
            mean += moved * (1.0 / K)
        square = 0.0
        for i in range(K):
            moved = w[vector + i * ABREAST + b] - mean
            w[vector + i * ABREAST + b] = moved
            square += moved * moved
        growth = np.sqrt(square)
        scale = 1.0 / growth if growth > 0.0 else 1.0
        for i in range(K):
            w[vector + i * ABREAST + b] *= scale
        grown = w[product + b] * growth
        w[product + b] = _mantissa(grown)
        w[twos + b] += _resolved(_exponent(grown), growth, ZERO)


@kernel
def _lead(pull, alpha, weight, vector, product, twos, scratch):  # type: ignore[no-untyped-def]
    """Carry ``vector`` through the round at the logits ``weight``, and make it a unit again."""
    K = weight.shape[0]
    image, top, total, mean = scratch[:K], scratch[K], scratch[K + 1], scratch[K + 2]
    top[:] = weight[0]
    for i in range(1, K):
        for b in range(ABREAST):
            top[b] = weight[i, b] if weight[i, b] > top[b] else top[b]
    total[:] = 0.0
    mean[:] = 0.0
    for i in range(K):
        for b in range(ABREAST):
            share = exp(weight[i, b] - top[b])
            weight[i, b] = share
            total[b] += share
            mean[b] += share * vector[i, b]
    for b in range(ABREAST):
        total[b] = 1.0 / total[b]
        mean[b] *= total[b]
    for i in range(K):
        for b in range(ABREAST):
            weight[i, b] *= (vector[i, b] - mean[b]) * total[b]
    mean[:] = 0.0
    for i in range(K):
        for b in range(ABREAST):
            image[i, b] = alpha[b] * vector[i, b]
        for j in range(K):
            for b in range(ABREAST):
                image[i, b] += pull[i, j, b] * weight[j, b]
        for b in range(ABREAST):
            mean[b] += image[i, b] * (1.0 / K)
    total[:] = 0.0
    for i in range(K):
        for b in range(ABREAST):
            vector[i, b] = image[i, b] - mean[b]
            total[b] += vector[i, b] * vector[i, b]
    for b in range(ABREAST):
        growth = np.sqrt(total[b])
        top[b] = 1.0 / growth if growth > 0.0 else 1.0
        grown = product[b] * growth
        product[b] = _mantissa(grown)
        twos[b] += _resolved(_exponent(grown), growth, ZERO)
    for i in range(K):
        for b in range(ABREAST):
            vector[i, b] *= top[b]
