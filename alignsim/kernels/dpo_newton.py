"""One Newton step, bent to third order, for the DPO score S(v)μ = Pμ in every lane (theory 3.6).

Two kernels with one contract: :func:`step_small` keeps a system of four responses in registers,
:func:`step_general` runs over rows in memory. From ``target`` (pairs, lanes) of
:func:`load_targets`, the sampler μ and the score v (K, lanes) both set

- ``step`` (K, lanes): δ + c, the Newton step δ and Chebyshev's correction c = −½ A⁻¹F''[δ, δ]
  (left out where it is more than TRUST of δ);
- SIZE, BEND, WORST, SPREAD of the workspace: max |δ|, max |c|, the largest residual, and
  max v − min v.

With e_i = e^(v_i − max v), σ(v_i − v_j) = e_i/(e_i + e_j): K exponentials, one division a pair.
The score of the response with the largest μ is pinned by a huge entry on its diagonal; what is
left is a strictly diagonally dominant M-matrix, which needs no pivoting.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from alignsim.kernels.compile import kernel, part
from alignsim.kernels.vectormath import exp

LANES = 64
GROUP = 8  # lanes that are solved together: fewer wait for the slowest
SMALL = 4
PINNED = 1e30  # large enough to pin, small enough to keep the products out of the denormals
LEAST = 1e-300  # stands for a preference of exactly 0

# Offsets into the workspace. For every K, one row a quantity of the lane ...
(CODE, ACTIVE, LAST, BEST, WEIGHT, SIZE, BEND, WORST, SPREAD, TRUST, SHARE) = (
    row * LANES for row in range(11)
)
FIGURES = 11
# ... and for systems of four: score, sampler, step, targets; then scratch, powers and for each
# pair σ', σ'' and misfit; what the solver keeps, the accepted score and the step from it; the
# gain 4(P − ½) of the prediction; weights and 1/Σ of the policy, offline part and λ of the sampler;
# logits, the constant of the round, α, β and the largest logit.
V0, V1, V2, V3, M0, M1, M2, M3, D0, D1, D2, D3 = (row * LANES for row in range(11, 23))
T01, T02, T03, T12, T13, T23 = (row * LANES for row in range(23, 29))
E0, E1, E2, E3 = (row * LANES for row in range(29, 33))
S01, S02, S03, S12, S13, S23 = (row * LANES for row in range(33, 39))
H01, H02, H03, H12, H13, H23 = (row * LANES for row in range(39, 45))
G01, G02, G03, G12, G13, G23 = (row * LANES for row in range(45, 51))
B0, X0, Q0, W0, F0, INVERSE, LAM = (row * LANES for row in (51, 55, 59, 75, 79, 83, 84))
Z0, C0, ALPHA, BETA, TOP, SMALL_ROWS = (row * LANES for row in (85, 89, 93, 94, 95, 96))


@kernel
def load_targets(matrices, which, start, target):  # type: ignore[no-untyped-def]
    """Set one row a pair i < j: P_ij where that is at most ½, else −P_ji.

    σ(x) − P_ij is then σ(x) − target, or −(σ(−x) + target): a P near 1 keeps its digits. A zero
    of the second kind needs its sign, so zeros become ``LEAST``. Pairs with a response that a
    system of four merely pads are ties.
    """
    K = matrices.shape[1]
    rows = max(K, SMALL)
    for b in range(target.shape[1]):
        map_ = min(start + b, which.shape[0] - 1)
        pair = 0
        for i in range(rows):
            for j in range(i + 1, rows):
                forward = matrices[which[map_], i, j] if j < K else 0.5
                backward = matrices[which[map_], j, i] if j < K else 0.5
                target[pair, b] = max(forward, LEAST) if forward <= 0.5 else -max(backward, LEAST)
                pair += 1


@njit(inline="always")
def _larger(a, b):  # type: ignore[no-untyped-def]
    return a if a > b else b


@njit(inline="always")
def _smaller(a, b):  # type: ignore[no-untyped-def]
    return a if a < b else b


@njit(inline="always")
def _pair(power_i, power_j, aim):  # type: ignore[no-untyped-def]
    """Return σ', σ'' and σ − P_ij at v_i − v_j."""
    inverse = 1.0 / (power_i + power_j)
    win = power_i * inverse
    lose = power_j * inverse
    slope = win * lose
    return slope, slope * (lose - win), win - aim if aim > 0.0 else -(lose + aim)


@kernel
def step_small(w):  # type: ignore[no-untyped-def]
    """Set the step of systems of four responses (fewer are padded, with μ = 0).

    ``w`` is the workspace from the first lane of a group on: with offsets known to the compiler
    no loop has to check whether its rows overlap. Three passes, each short enough for the
    processor to work on the chains of several lanes at a time.
    """
    for b in range(GROUP):
        v0, v1, v2, v3 = w[V0 + b], w[V1 + b], w[V2 + b], w[V3 + b]
        top = _larger(_larger(v0, v1), _larger(v2, v3))
        e0, e1, e2, e3 = exp(v0 - top), exp(v1 - top), exp(v2 - top), exp(v3 - top)
        w[E0 + b], w[E1 + b], w[E2 + b], w[E3 + b] = e0, e1, e2, e3
    for b in range(GROUP):
        e0, e1, e2, e3 = w[E0 + b], w[E1 + b], w[E2 + b], w[E3 + b]
        w[S01 + b], w[H01 + b], w[G01 + b] = _pair(e0, e1, w[T01 + b])
        w[S02 + b], w[H02 + b], w[G02 + b] = _pair(e0, e2, w[T02 + b])
        w[S03 + b], w[H03 + b], w[G03 + b] = _pair(e0, e3, w[T03 + b])
        w[S12 + b], w[H12 + b], w[G12 + b] = _pair(e1, e2, w[T12 + b])
        w[S13 + b], w[H13 + b], w[G13 + b] = _pair(e1, e3, w[T13 + b])
        w[S23 + b], w[H23 + b], w[G23 + b] = _pair(e2, e3, w[T23 + b])
    for b in range(GROUP):
        m0, m1, m2, m3 = w[M0 + b], w[M1 + b], w[M2 + b], w[M3 + b]
        s01, h01, g01 = w[S01 + b], w[H01 + b], w[G01 + b]
        s02, h02, g02 = w[S02 + b], w[H02 + b], w[G02 + b]
        s03, h03, g03 = w[S03 + b], w[H03 + b], w[G03 + b]
        s12, h12, g12 = w[S12 + b], w[H12 + b], w[G12 + b]
        s13, h13, g13 = w[S13 + b], w[H13 + b], w[G13 + b]
        s23, h23, g23 = w[S23 + b], w[H23 + b], w[G23 + b]
        r0 = -(m1 * g01 + m2 * g02 + m3 * g03)
        r1 = m0 * g01 - m2 * g12 - m3 * g13
        r2 = m0 * g02 + m1 * g12 - m3 * g23
        r3 = m0 * g03 + m1 * g13 + m2 * g23
        w[WORST + b] = _larger(_larger(abs(r0), abs(r1)), _larger(abs(r2), abs(r3)))

        pin = _larger(_larger(m0, m1), _larger(m2, m3))
        a01, a02, a03 = s01 * m1, s02 * m2, s03 * m3
        a10, a12, a13 = s01 * m0, s12 * m2, s13 * m3
        a20, a21, a23 = s02 * m0, s12 * m1, s23 * m3
        a30, a31, a32 = s03 * m0, s13 * m1, s23 * m2
        p0, p1, p2 = m0 == pin, m1 == pin, m2 == pin  # of several largest, the first is pinned
        d0 = a01 + a02 + a03 + (PINNED if p0 else 0.0)
        d1 = a10 + a12 + a13 + (PINNED if p1 & (not p0) else 0.0)
        d2 = a20 + a21 + a23 + (PINNED if p2 & (not p0) & (not p1) else 0.0)
        d3 = a30 + a31 + a32 + (0.0 if p0 | p1 | p2 else PINNED)

        # elimination; off-diagonal entries carry a flipped sign, a_ij with i > j becomes a factor
        d0 = 1.0 / d0
        a10, a20, a30 = a10 * d0, a20 * d0, a30 * d0
        d1, a12, a13 = d1 - a10 * a01, a12 + a10 * a02, a13 + a10 * a03
        a21, d2, a23 = a21 + a20 * a01, d2 - a20 * a02, a23 + a20 * a03
        a31, a32, d3 = a31 + a30 * a01, a32 + a30 * a02, d3 - a30 * a03
        d1 = 1.0 / d1
        a21, a31 = a21 * d1, a31 * d1
        d2, a23 = d2 - a21 * a12, a23 + a21 * a13
        a32, d3 = a32 + a31 * a12, d3 - a31 * a13
        d2 = 1.0 / d2
        a32 = a32 * d2
        d3 = 1.0 / (d3 - a32 * a23)

        r1 += a10 * r0
        r2 += a20 * r0 + a21 * r1
        r3 += a30 * r0 + a31 * r1 + a32 * r2
        x3 = r3 * d3
        x2 = (r2 + a23 * x3) * d2
        x1 = (r1 + a12 * x2 + a13 * x3) * d1
        x0 = (r0 + a01 * x1 + a02 * x2 + a03 * x3) * d0
        w[SIZE + b] = _larger(_larger(abs(x0), abs(x1)), _larger(abs(x2), abs(x3)))

        h01 *= 0.5 * (x0 - x1) * (x0 - x1)
        h02 *= 0.5 * (x0 - x2) * (x0 - x2)
        h03 *= 0.5 * (x0 - x3) * (x0 - x3)
        h12 *= 0.5 * (x1 - x2) * (x1 - x2)
        h13 *= 0.5 * (x1 - x3) * (x1 - x3)
        h23 *= 0.5 * (x2 - x3) * (x2 - x3)
        r0 = -(m1 * h01 + m2 * h02 + m3 * h03)
        r1 = m0 * h01 - m2 * h12 - m3 * h13 + a10 * r0
        r2 = m0 * h02 + m1 * h12 - m3 * h23 + a20 * r0 + a21 * r1
        r3 = m0 * h03 + m1 * h13 + m2 * h23 + a30 * r0 + a31 * r1 + a32 * r2
        y3 = r3 * d3
        y2 = (r2 + a23 * y3) * d2
        y1 = (r1 + a12 * y2 + a13 * y3) * d1
        y0 = (r0 + a01 * y1 + a02 * y2 + a03 * y3) * d0
        w[BEND + b] = _larger(_larger(abs(y0), abs(y1)), _larger(abs(y2), abs(y3)))
        use = 1.0 if w[BEND + b] <= w[TRUST + b] * w[SIZE + b] else 0.0
        w[D0 + b] = x0 + use * y0
        w[D1 + b] = x1 + use * y1
        w[D2 + b] = x2 + use * y2
        w[D3 + b] = x3 + use * y3
    for b in range(GROUP):
        v0, v1, v2, v3 = w[V0 + b], w[V1 + b], w[V2 + b], w[V3 + b]
        low = _smaller(_smaller(v0, v1), _smaller(v2, v3))
        w[SPREAD + b] = _larger(_larger(v0, v1), _larger(v2, v3)) - low


@kernel
def step_general(w, target, sampler, score, step, system):  # type: ignore[no-untyped-def]
    """Set the step of systems of any size; ``system`` is scratch.

    Each loop runs over named rows and touches few of them, which is what lets the compiler prove
    that they do not overlap.
    """
    K, lanes = score.shape
    matrix, slopes, bends, misfits, powers, newton, top, pin, diagonal = system
    size, bend = w[SIZE : SIZE + LANES], w[BEND : BEND + LANES]
    worst, spread = w[WORST : WORST + LANES], w[SPREAD : SPREAD + LANES]
    trust = w[TRUST : TRUST + LANES]
    for b in range(lanes):
        top[b] = score[0, b]
        spread[b] = score[0, b]
        pin[b] = sampler[0, b]
        worst[b] = 0.0
    for i in range(1, K):
        own, share = score[i], sampler[i]
        for b in range(lanes):
            top[b] = _larger(own[b], top[b])
            spread[b] = _smaller(own[b], spread[b])
            pin[b] = _larger(share[b], pin[b])
    for b in range(lanes):
        spread[b] = top[b] - spread[b]
    for i in range(K):
        own, power = score[i], powers[i]
        for b in range(lanes):
            power[b] = exp(own[b] - top[b])
    pair = 0
    for i in range(K):
        for j in range(i + 1, K):
            slope, curve, misfit, aim = slopes[pair], bends[pair], misfits[pair], target[pair]
            power_i, power_j = powers[i], powers[j]
            for b in range(lanes):
                slope[b], curve[b], misfit[b] = _pair(power_i[b], power_j[b], aim[b])
            pair += 1
    for i in range(K):
        share, own = sampler[i], matrix[i, i]
        for b in range(lanes):
            pinned = share[b] == pin[b]
            diagonal[b] = PINNED if pinned else 0.0
            pin[b] = np.inf if pinned else pin[b]
        for j in range(K):
            if i != j:
                slope, opponent, entry = slopes[_row(i, j, K)], sampler[j], matrix[i, j]
                for b in range(lanes):
                    pull = slope[b] * opponent[b]
                    diagonal[b] += pull
                    entry[b] = -pull
        for b in range(lanes):
            own[b] = diagonal[b]
    _gather(misfits, sampler, newton)
    for i in range(K):
        minus = newton[i]
        for b in range(lanes):
            worst[b] = _larger(abs(minus[b]), worst[b])
    _factorise(matrix, powers, diagonal)
    _substitute(matrix, newton, diagonal)
    _largest(newton, size)
    for i in range(K):
        for j in range(i + 1, K):
            curve, step_i, step_j = bends[_row(i, j, K)], newton[i], newton[j]
            for b in range(lanes):
                gap = step_i[b] - step_j[b]
                curve[b] *= 0.5 * gap * gap
    _gather(bends, sampler, step)
    _substitute(matrix, step, diagonal)
    _largest(step, bend)
    for i in range(K):
        own, first = step[i], newton[i]
        for b in range(lanes):
            use = 1.0 if bend[b] <= trust[b] * size[b] else 0.0
            own[b] = first[b] + use * own[b]


@njit(inline="always")
def _row(i, j, K):  # type: ignore[no-untyped-def]
    """Return the row of the pair {i, j} among the pairs of K responses."""
    low, high = min(i, j), max(i, j)
    return low * K - low * (low + 1) // 2 + high - low - 1


@part
def _gather(values, sampler, target):  # type: ignore[no-untyped-def]
    """Set target_i to −Σ_j μ_j g_ij, from the rows g_ij = −g_ji of the pairs i < j."""
    K, lanes = target.shape
    for i in range(K):
        total = target[i]
        for b in range(lanes):
            total[b] = 0.0
        for j in range(K):
            if i != j:
                value, opponent = values[_row(i, j, K)], sampler[j]
                sign = -1.0 if i < j else 1.0
                for b in range(lanes):
                    total[b] += sign * (opponent[b] * value[b])


@part
def _largest(vector, size):  # type: ignore[no-untyped-def]
    """Set ``size`` to max_i |vector_i|."""
    K, lanes = vector.shape
    for b in range(lanes):
        size[b] = 0.0
    for i in range(K):
        own = vector[i]
        for b in range(lanes):
            size[b] = _larger(abs(own[b]), size[b])


@part
def _factorise(matrix, pivots, factor):  # type: ignore[no-untyped-def]
    """Replace the matrix by its LU factors, no pivoting; the diagonal holds inverse pivots."""
    K = matrix.shape[0]
    lanes = matrix.shape[2]
    for k in range(K):
        for j in range(k, K):
            pivot, entry = pivots[j], matrix[k, j]
            for b in range(lanes):
                pivot[b] = entry[b]
        inverse, pivot = matrix[k, k], pivots[k]
        for b in range(lanes):
            inverse[b] = 1.0 / pivot[b]
        for i in range(k + 1, K):
            below = matrix[i, k]
            for b in range(lanes):
                factor[b] = below[b] * inverse[b]
            for b in range(lanes):
                below[b] = factor[b]
            for j in range(k + 1, K):
                entry, pivot = matrix[i, j], pivots[j]
                for b in range(lanes):
                    entry[b] -= factor[b] * pivot[b]


@part
def _substitute(matrix, vector, total):  # type: ignore[no-untyped-def]
    """Solve with the factors of :func:`_factorise`; the solution replaces ``vector``."""
    K, lanes = vector.shape
    for i in range(1, K):
        own = vector[i]
        for k in range(i):
            factor, known = matrix[i, k], vector[k]
            for b in range(lanes):
                total[b] = factor[b] * known[b]
            for b in range(lanes):
                own[b] -= total[b]
    for i in range(K - 1, -1, -1):
        own, inverse = vector[i], matrix[i, i]
        for b in range(lanes):
            total[b] = own[b]
        for j in range(i + 1, K):
            entry, known = matrix[i, j], vector[j]
            for b in range(lanes):
                total[b] -= entry[b] * known[b]
        for b in range(lanes):
            own[b] = total[b] * inverse[b]
