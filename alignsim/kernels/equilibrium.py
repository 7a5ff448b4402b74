"""Fixed points of MRS-IPO maps by damped Newton, and the rotation ω there (theory 6.2, 6.3).

A fixed point is the zero of R(z) = d + cMπ − z, where π = softmax(z), c = ηλ, M = P − ½ and
d = log π_ref + η(1−λ)Mπ_off. With q = √π and x = q∘(δ − ⟨π, δ⟩) the Newton equation
(I − cMJ)δ = R becomes (I − cS)x = q∘(R − ⟨π, R⟩), where S is diag(q) M diag(q) projected off q,
and δ = R + cM(q∘x), all modulo constants. Entries of S have the size of q_i q_j, so that a
collapsed policy leaves a system that is well scaled.

S does not change when M gains constant rows or columns. With those that empty the row and the
column of the likeliest response no entry cancels: ω keeps its digits at any collapse.

A skew M of at most four responses has an S of rank two, with S³ = −ω²S, ω² = ½‖S‖_F². Then
(I − cS)⁻¹ = I + (cS + c²S²)/(1 + c²ω²) is a formula, and such maps run in lanes.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from alignsim.kernels.compile import kernel
from alignsim.kernels.lanes import block, load
from alignsim.kernels.vectormath import exp

LANES = 16
SMALL = 4  # the largest K that runs in lanes

STEP_CAP = 4.0  # largest change of a logit in one step
TOLERANCE = 1e-12  # of a step, relative to 1 + max|z|
STALL = 1e-9  # a step this short that does not reduce the residual has met rounding
SMALLEST_SHARE = 1e-8  # of a step; what is halved further makes no progress
PASSES = 40  # evaluations of the residual
DIRECT_PASSES = 20  # the same outside the lanes, before the path is followed

ACCEPTED = 1e-9  # largest residual, relative to 1 + max|z|, of a fixed point
FIRST_STRIDE = 1.0  # of the continuation, in log s
SHORTEST_STRIDE = 4e-4
GROWTH, SHRINKAGE = 2.0, 0.4  # of the stride after a success and a failure
STRIDES = 300
CORRECTIONS = 8  # passes after a prediction
LOOSE = 1e-2  # step and residual of a point on the path that is not its end

GENERAL, ZERO_SUM, SKEW = range(3)
ASYMMETRY = 1e-12  # of payoffs, relative to max(1, |P|), that is called rounding
ROUNDED = 8.0 * 2.0**-52  # that of a checked preference matrix

ROOT_STEPS = 100
ROUNDING = 2.0**-53

# rows of the workspace of the lanes; a vector over responses has four rows
TRIAL, BASE, STEP, DRIFT = 0, 4 * LANES, 8 * LANES, 12 * LANES
M01, M02, M03, M12, M13, M23 = (16 * LANES + i * LANES for i in range(6))
PULL, SIZE, SHARE, LENGTH, OPEN, RESIDUAL = (22 * LANES + i * LANES for i in range(6))
ROWS = 28


@kernel
def solve_small(matrices, which, pull, drift, state, residual):  # type: ignore[no-untyped-def]
    """Find the fixed points of maps with a skew M of 2 to 4 responses.

    Parameters
    ----------
    matrices : (m, K, K)
        P; only the entries above the diagonal are read.
    which : (n,)
        The matrix of each map.
    pull : (n,)
        c = ηλ.
    drift : (n, K)
        d, centred.
    state : (n, K)
        Centred logits: the start, overwritten by the fixed point.
    residual : (n,)
        Out: max|R| / (1 + max|z|), R centred; infinite where Newton did not end in rounding.
    """
    n, K = state.shape
    memory = block(ROWS, LANES)
    w = memory.reshape(memory.size)
    for start in range(0, n, LANES):
        load(state, start, memory[:K])
        load(drift, start, memory[DRIFT // LANES : DRIFT // LANES + K])
        for b in range(LANES):
            map_ = min(start + b, n - 1)
            P = matrices[which[map_]]
            w[PULL + b] = pull[map_]
            w[SIZE + b] = np.inf
            w[SHARE + b] = 1.0
            w[LENGTH + b] = np.inf
            w[OPEN + b] = 1.0
            w[M01 + b] = P[0, 1] - 0.5
            if K > 2:
                w[M02 + b] = P[0, 2] - 0.5
                w[M12 + b] = P[1, 2] - 0.5
            if K > 3:
                w[M03 + b] = P[0, 3] - 0.5
                w[M13 + b] = P[1, 3] - 0.5
                w[M23 + b] = P[2, 3] - 0.5
        for _ in range(PASSES):
            _pass_small(w, K)
            going = 0.0
            for b in range(LANES):
                going += w[OPEN + b]
            if going == 0.0:
                break
        for i in range(K):
            for b in range(LANES):
                w[TRIAL + i * LANES + b] = w[BASE + i * LANES + b]
        for b in range(min(LANES, n - start)):
            residual[start + b] = np.inf if w[OPEN + b] > 0.0 else 0.0
        for b in range(LANES):
            w[OPEN + b] = 0.0
        _pass_small(w, K)
        for b in range(min(LANES, n - start)):
            residual[start + b] += w[RESIDUAL + b]
            for i in range(K):
                state[start + b, i] = w[BASE + i * LANES + b]


@kernel
def _pass_small(w, K):  # type: ignore[no-untyped-def]
    """Do one pass, by code unrolled for each K."""
    if K == 2:
        _pass_unrolled(w, 2)
    elif K == 3:
        _pass_unrolled(w, 3)
    else:
        _pass_unrolled(w, 4)


@njit(forceinline=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _pass_unrolled(w, K):  # type: ignore[no-untyped-def]
    """Judge the trial point of every lane, then set its next one, with a literal K.

    A trial that does not raise max|R| becomes the base of the next Newton step; else the step is
    halved. A lane that is not open keeps its base.
    """
    for b in range(LANES):
        z0 = w[TRIAL + b]
        z1 = w[TRIAL + LANES + b]
        z2 = w[TRIAL + 2 * LANES + b] if K > 2 else 0.0
        z3 = w[TRIAL + 3 * LANES + b] if K > 3 else 0.0
        m01 = w[M01 + b]
        m02 = w[M02 + b] if K > 2 else 0.0
        m12 = w[M12 + b] if K > 2 else 0.0
        m03 = w[M03 + b] if K > 3 else 0.0
        m13 = w[M13 + b] if K > 3 else 0.0
        m23 = w[M23 + b] if K > 3 else 0.0
        c = w[PULL + b]

        top = z0 if z0 > z1 else z1
        if K > 2:
            top = z2 if z2 > top else top
        if K > 3:
            top = z3 if z3 > top else top
        q0 = exp(0.5 * (z0 - top))
        q1 = exp(0.5 * (z1 - top))
        q2 = exp(0.5 * (z2 - top)) if K > 2 else 0.0
        q3 = exp(0.5 * (z3 - top)) if K > 3 else 0.0
        inverse = 1.0 / np.sqrt(q0 * q0 + q1 * q1 + q2 * q2 + q3 * q3)
        q0 *= inverse
        q1 *= inverse
        q2 *= inverse
        q3 *= inverse
        p0 = q0 * q0
        p1 = q1 * q1
        p2 = q2 * q2
        p3 = q3 * q3

        r0 = w[DRIFT + b] + c * (m01 * p1 + m02 * p2 + m03 * p3) - z0
        r1 = w[DRIFT + LANES + b] + c * (m12 * p2 + m13 * p3 - m01 * p0) - z1
        r2 = w[DRIFT + 2 * LANES + b] + c * (m23 * p3 - m02 * p0 - m12 * p1) - z2 if K > 2 else 0.0
        r3 = w[DRIFT + 3 * LANES + b] - c * (m03 * p0 + m13 * p1 + m23 * p2) - z3 if K > 3 else 0.0
        mean = (r0 + r1 + r2 + r3) / K
        r0 -= mean
        r1 -= mean
        r2 = r2 - mean if K > 2 else 0.0
        r3 = r3 - mean if K > 3 else 0.0
        norm = max(max(abs(r0), abs(r1)), max(abs(r2), abs(r3)))
        scale = 1.0 + max(max(abs(z0), abs(z1)), max(abs(z2), abs(z3)))

        # S_ij = q_i q_j Σ_k π_k (M_ij + M_jk + M_ki): sums over triangles, nothing cancels
        c012 = m01 + m12 - m02
        c013 = m01 + m13 - m03
        c023 = m02 + m23 - m03
        c123 = m12 + m23 - m13
        s01 = q0 * q1 * (p2 * c012 + p3 * c013)
        s02 = q0 * q2 * (p3 * c023 - p1 * c012)
        s03 = -q0 * q3 * (p1 * c013 + p2 * c023)
        s12 = q1 * q2 * (p0 * c012 + p3 * c123)
        s13 = q1 * q3 * (p0 * c013 - p2 * c123)
        s23 = q2 * q3 * (p0 * c023 + p1 * c123)
        square = s01 * s01 + s02 * s02 + s03 * s03 + s12 * s12 + s13 * s13 + s23 * s23
        w[RESIDUAL + b] = norm / scale

        # x = y + (cSy + c²S²y) / (1 + c²ω²), y = q∘(R − ⟨π, R⟩)
        mean = p0 * r0 + p1 * r1 + p2 * r2 + p3 * r3
        y0 = q0 * (r0 - mean)
        y1 = q1 * (r1 - mean)
        y2 = q2 * (r2 - mean)
        y3 = q3 * (r3 - mean)
        u0 = c * (s01 * y1 + s02 * y2 + s03 * y3)
        u1 = c * (s12 * y2 + s13 * y3 - s01 * y0)
        u2 = c * (s23 * y3 - s02 * y0 - s12 * y1)
        u3 = -c * (s03 * y0 + s13 * y1 + s23 * y2)
        share = 1.0 / (1.0 + c * c * square)
        x0 = y0 + share * (u0 + c * (s01 * u1 + s02 * u2 + s03 * u3))
        x1 = y1 + share * (u1 + c * (s12 * u2 + s13 * u3 - s01 * u0))
        x2 = y2 + share * (u2 + c * (s23 * u3 - s02 * u0 - s12 * u1))
        x3 = y3 + share * (u3 - c * (s03 * u0 + s13 * u1 + s23 * u2))
        x0 *= q0
        x1 *= q1
        x2 *= q2
        x3 *= q3
        d0 = r0 + c * (m01 * x1 + m02 * x2 + m03 * x3)
        d1 = r1 + c * (m12 * x2 + m13 * x3 - m01 * x0)
        d2 = r2 + c * (m23 * x3 - m02 * x0 - m12 * x1) if K > 2 else 0.0
        d3 = r3 - c * (m03 * x0 + m13 * x1 + m23 * x2) if K > 3 else 0.0
        mean = (d0 + d1 + d2 + d3) / K
        d0 -= mean
        d1 -= mean
        d2 = d2 - mean if K > 2 else 0.0
        d3 = d3 - mean if K > 3 else 0.0
        length = max(max(abs(d0), abs(d1)), max(abs(d2), abs(d3)))
        cap = STEP_CAP / length if length > STEP_CAP else 1.0

        size = w[SIZE + b]
        short = w[LENGTH + b] <= STALL * scale
        accepted = norm < size if short else norm <= size
        converged = accepted and length <= TOLERANCE * scale
        halved = 0.5 * w[SHARE + b]
        stuck = not accepted and (short or not halved > SMALLEST_SHARE)
        open_ = w[OPEN + b] > 0.0
        moved = open_ and accepted
        part = 1.0 if accepted else halved
        b0 = z0 if moved else w[BASE + b]
        b1 = z1 if moved else w[BASE + LANES + b]
        e0 = cap * d0 if moved else w[STEP + b]
        e1 = cap * d1 if moved else w[STEP + LANES + b]
        last = open_ and converged
        w[TRIAL + b] = b0 + part * e0
        w[TRIAL + LANES + b] = b1 + part * e1
        w[BASE + b] = b0 + e0 if last else b0
        w[BASE + LANES + b] = b1 + e1 if last else b1
        w[STEP + b] = e0
        w[STEP + LANES + b] = e1
        if K > 2:
            b2 = z2 if moved else w[BASE + 2 * LANES + b]
            e2 = cap * d2 if moved else w[STEP + 2 * LANES + b]
            w[TRIAL + 2 * LANES + b] = b2 + part * e2
            w[BASE + 2 * LANES + b] = b2 + e2 if last else b2
            w[STEP + 2 * LANES + b] = e2
        if K > 3:
            b3 = z3 if moved else w[BASE + 3 * LANES + b]
            e3 = cap * d3 if moved else w[STEP + 3 * LANES + b]
            w[TRIAL + 3 * LANES + b] = b3 + part * e3
            w[BASE + 3 * LANES + b] = b3 + e3 if last else b3
            w[STEP + 3 * LANES + b] = e3
        w[SIZE + b] = norm if accepted else size
        w[LENGTH + b] = length if accepted else w[LENGTH + b]
        w[SHARE + b] = part
        w[OPEN + b] = 0.0 if converged or stuck else w[OPEN + b]


@kernel
def judge(matrices, which, pull, drift, state, residual):  # type: ignore[no-untyped-def]
    """Set ``residual`` (n,) to max|R| / (1 + max|z|) at ``state``; arguments as elsewhere."""
    n, K = state.shape
    work = np.empty((3, K))
    for m in range(n):
        _policy(state[m], work[0], work[1])
        size, scale = _residual(matrices[which[m]], pull[m], drift[m], state[m], work[1], work[2])
        residual[m] = size / scale


@kernel
def solve(matrices, which, pull, anchor, drift, state, residual):  # type: ignore[no-untyped-def]
    """Find fixed points of maps with any payoffs: Newton, else a continuation.

    The path is z(s) of s in (0, 1], the fixed point for c → sc and d → anchor + s(d − anchor):
    that of ηs, if ``anchor`` (n, K) is log π_ref. Other arguments as in :func:`solve_small`.
    """
    n, K = state.shape
    work = np.empty((8, K))
    path = np.empty((4, K))
    S = np.empty((K, K))
    system = np.empty((K, K))
    for m in range(n):
        P = matrices[which[m]]
        residual[m] = _follow(P, pull[m], anchor[m], drift[m], state[m], path, work, S, system)


@kernel
def _follow(P, c, anchor, drift, state, path, work, S, system):  # type: ignore[no-untyped-def]
    """Set ``state`` to the fixed point and return its residual; infinite if it was not reached.

    The first trial is Newton at s = 1 from ``state``, unless that is NaN. If it fails the path is
    followed from a small s by tangent prediction and Newton: far out the logits of vanishing
    responses grow in proportion to s, which the tangent predicts exactly.
    """
    K = len(anchor)
    reach, point, target, slope = path
    largest = 1.0
    for i in range(K):
        reach[i] = drift[i] - anchor[i]
        largest = max(largest, abs(reach[i]))
        for j in range(K):
            largest = max(largest, abs(c * (P[i, j] - 0.5)))
    first = 1.0 / largest
    s, ahead, stride = 0.0, 1.0, FIRST_STRIDE
    direct = state[0] == state[0]
    point[:] = state
    if not direct:
        ahead = first
        point[:] = anchor
    for _ in range(STRIDES):
        for i in range(K):
            target[i] = drift[i] if ahead == 1.0 else anchor[i] + ahead * reach[i]
        last = ahead == 1.0
        passes = DIRECT_PASSES if s == 0.0 else PASSES if last else CORRECTIONS
        tolerance = TOLERANCE * (1.0 + np.max(np.abs(point))) if last else LOOSE
        cap = STEP_CAP if s == 0.0 else np.inf
        left, scale = _newton(P, ahead * c, target, point, passes, cap, tolerance, work, S, system)
        if left <= (ACCEPTED * scale if last else LOOSE):
            state[:] = point
            if last:
                return left / scale
            stride *= GROWTH if s > 0.0 else 1.0
            s = ahead
        elif direct:
            direct = False
            ahead = first
            point[:] = anchor
            continue
        else:
            stride *= SHRINKAGE
            if s == 0.0 or stride < SHORTEST_STRIDE:
                break
        top = _policy(state, work[0], work[1])
        _project(P, top, work[0], work[1], S, work[2], work[3])
        for i in range(K):
            slope[i] = reach[i] + c * _margin(P, i, work[1])
        _correct(P, s * c, slope, work, S, system)
        ahead = min(1.0, s * np.exp(stride))
        for i in range(K):
            point[i] = state[i] + (ahead - s) * work[5, i]
    return np.inf


@kernel
def _newton(P, c, drift, point, passes, cap, tolerance, work, S, system):  # type: ignore[no-untyped-def]
    """Move ``point`` (K,) to a zero of R by damped Newton; return max|R| and 1 + max|z| there.

    The first is infinite where the last step was neither below ``tolerance`` nor so short that
    rounding stopped it. A trial that does not raise max|R| becomes the base of the next step; else
    the step is halved.
    """
    K = len(point)
    q, p, residual, base, step = work[0], work[1], work[4], work[6], work[7]
    size, length, share = np.inf, np.inf, 1.0
    base[:] = point
    for _ in range(passes):
        top = _policy(point, q, p)
        norm, scale = _residual(P, c, drift, point, p, residual)
        short = length <= STALL * scale
        if norm < size or (norm == size and not short):
            base[:] = point
            size = norm
            _project(P, top, q, p, S, work[2], work[3])
            _correct(P, c, residual, work, S, system)
            length = 0.0
            for i in range(K):
                length = max(length, abs(work[5, i]))
            if not length < np.inf:
                break
            shrink = cap / length if length > cap else 1.0
            for i in range(K):
                step[i] = shrink * work[5, i]
            share = 1.0
            if length <= tolerance:
                for i in range(K):
                    base[i] += step[i]
                break
        else:
            share *= 0.5
            if short or not share > SMALLEST_SHARE:
                break
        for i in range(K):
            point[i] = base[i] + share * step[i]
    else:
        length = np.inf
    point[:] = base
    _policy(point, q, p)
    norm, scale = _residual(P, c, drift, point, p, residual)
    return norm if length <= max(tolerance, STALL * scale) else np.inf, scale


@kernel
def _policy(logits, q, p):  # type: ignore[no-untyped-def]
    """Set ``p`` to the softmax and ``q`` to its root; return the likeliest response."""
    K = len(logits)
    top = 0
    for i in range(1, K):
        if logits[i] > logits[top]:
            top = i
    total = 0.0
    for i in range(K):
        q[i] = np.exp(0.5 * (logits[i] - logits[top]))
        total += q[i] * q[i]
    inverse = 1.0 / np.sqrt(total)
    for i in range(K):
        q[i] *= inverse
        p[i] = q[i] * q[i]
    return top


@kernel
def _margin(P, i, weights):  # type: ignore[no-untyped-def]
    """Return Σ_j (P_ij − ½) weights_j."""
    total = 0.0
    for j in range(len(weights)):
        total += (P[i, j] - 0.5) * weights[j]
    return total


@kernel
def _residual(P, c, drift, logits, p, residual):  # type: ignore[no-untyped-def]
    """Set ``residual`` to R, centred; return max|R| and 1 + max|z|."""
    K = len(logits)
    mean = 0.0
    largest = 0.0
    for i in range(K):
        residual[i] = drift[i] + c * _margin(P, i, p) - logits[i]
        mean += residual[i]
        largest = max(largest, abs(logits[i]))
    mean /= K
    norm = 0.0
    for i in range(K):
        residual[i] -= mean
        norm = norm if abs(residual[i]) <= norm else abs(residual[i])
    return norm, 1.0 + largest


@kernel
def _project(P, top, q, p, S, rows, columns):  # type: ignore[no-untyped-def]
    """Set ``S`` to diag(q) M diag(q) projected off q on both sides.

    ``rows`` and ``columns`` are left with Mπ and Mᵀπ, for the M whose row and column ``top`` are
    emptied.
    """
    K = len(q)
    corner = P[top, top]
    mean = 0.0
    for j in range(K):
        columns[j] = 0.0
    for i in range(K):
        rows[i] = 0.0
        for j in range(K):
            margin = (P[i, j] - P[i, top]) - (P[top, j] - corner)
            S[i, j] = margin
            rows[i] += margin * p[j]
            columns[j] += margin * p[i]
        mean += p[i] * rows[i]
    for i in range(K):
        for j in range(K):
            S[i, j] = q[i] * q[j] * (S[i, j] - rows[i] - columns[j] + mean)


@kernel
def _correct(P, c, residual, work, S, system):  # type: ignore[no-untyped-def]
    """Set ``work[5]`` to the δ of (I − cMJ)δ = ``residual``, centred."""
    K = len(residual)
    q, p, x, delta = work[0], work[1], work[2], work[5]
    mean = 0.0
    for i in range(K):
        mean += p[i] * residual[i]
    for i in range(K):
        x[i] = q[i] * (residual[i] - mean)
        for j in range(K):
            system[i, j] = -c * S[i, j]
        system[i, i] += 1.0
    _eliminate(system, x)
    for i in range(K):
        x[i] *= q[i]
    mean = 0.0
    for i in range(K):
        delta[i] = residual[i] + c * _margin(P, i, x)
        mean += delta[i]
    for i in range(K):
        delta[i] -= mean / K


@kernel
def _eliminate(system, x):  # type: ignore[no-untyped-def]
    """Overwrite ``x`` with the solution of ``system`` x; partial pivoting, ``system`` is lost."""
    K = len(x)
    for k in range(K):
        pivot = k
        for i in range(k + 1, K):
            if abs(system[i, k]) > abs(system[pivot, k]):
                pivot = i
        if pivot != k:
            for j in range(k, K):
                system[k, j], system[pivot, j] = system[pivot, j], system[k, j]
            x[k], x[pivot] = x[pivot], x[k]
        inverse = 1.0 / system[k, k]
        for i in range(k + 1, K):
            factor = system[i, k] * inverse
            for j in range(k + 1, K):
                system[i, j] -= factor * system[k, j]
            x[i] -= factor * x[k]
    for k in range(K - 1, -1, -1):
        total = x[k]
        for j in range(k + 1, K):
            total -= system[k, j] * x[j]
        x[k] = total / system[k, k]


@kernel
def classify(matrices, kinds):  # type: ignore[no-untyped-def]
    """Set ``kinds`` (m,) to SKEW, ZERO_SUM or GENERAL, from ``matrices`` (m, K, K) of payoffs.

    SKEW: P_ij + P_ji = 1. ZERO_SUM: P − ½ is skew once constant rows and columns are taken off,
    which change neither fixed points nor multipliers.
    """
    K = matrices.shape[1]
    for m in range(len(matrices)):
        P = matrices[m]
        largest, excess, twist = 1.0, 0.0, 0.0
        for i in range(K):
            for j in range(i + 1):
                largest = max(largest, abs(P[i, j]), abs(P[j, i]))
                excess = max(excess, abs(P[i, j] + P[j, i] - 1.0))
                left = (P[i, j] - P[i, 0]) - (P[0, j] - P[0, 0])
                right = (P[j, i] - P[j, 0]) - (P[0, i] - P[0, 0])
                twist = max(twist, abs(left + right))
        kinds[m] = ZERO_SUM if twist <= ASYMMETRY * largest else GENERAL
        if excess <= ROUNDED * largest:
            kinds[m] = SKEW


@kernel
def rotations(matrices, which, logits, omega):  # type: ignore[no-untyped-def]
    """Set ``omega`` (n,) to ‖S‖₂ at ``logits`` (n, K), where S is skew: constants aside, M is."""
    n, K = logits.shape
    work = np.empty((4, K))
    S = np.empty((K, K))
    for m in range(n):
        top = _policy(logits[m], work[0], work[1])
        _project(matrices[which[m]], top, work[0], work[1], S, work[2], work[3])
        omega[m] = _skew_norm(S, work[0], work[1])


@kernel
def _skew_norm(S, v, p):  # type: ignore[no-untyped-def]
    """Return the largest singular value of a skew ``S``, which is lost; it annihilates a vector.

    Of the entries only those below the diagonal are read.
    """
    K = len(v)
    largest = 0.0
    for i in range(K):
        for j in range(i):
            largest = max(largest, abs(S[i, j]))
    if not largest > 0.0 or K == 2:
        return largest * 0.0
    for i in range(K):
        S[i, i] = 0.0
        for j in range(i):
            S[i, j] /= largest
            S[j, i] = -S[i, j]
    if K <= SMALL:
        square = 0.0
        for i in range(K):
            for j in range(i):
                square += S[i, j] * S[i, j]
        return largest * np.sqrt(square)
    _tridiagonalise(S, v, p)
    return largest * _largest_root(S)


@kernel
def _tridiagonalise(S, v, p):  # type: ignore[no-untyped-def]
    """Reduce a skew ``S`` to tridiagonal form in place, by Householder reflections on both sides.

    With H = I − 2vvᵀ, |v| = 1: HSH = S + vpᵀ − pvᵀ, p = 2Sv, because vᵀSv = 0.
    """
    K = len(v)
    for k in range(K - 2):
        square = 0.0
        for i in range(k + 1, K):
            square += S[i, k] * S[i, k]
        norm = np.sqrt(square)
        if norm == 0.0:
            continue
        head = S[k + 1, k]
        end = -norm if head > 0.0 else norm
        size = np.sqrt(2.0 * norm * (norm + abs(head)))
        for i in range(k + 1, K):
            v[i] = S[i, k] / size
        v[k + 1] = (head - end) / size
        for i in range(k + 1, K):
            total = 0.0
            for j in range(k + 1, K):
                total += S[i, j] * v[j]
            p[i] = 2.0 * total
        for i in range(k + 1, K):
            for j in range(k + 1, K):
                S[i, j] += v[i] * p[j] - p[i] * v[j]
        S[k + 1, k] = end
        S[k, k + 1] = -end


@kernel
def _largest_root(S):  # type: ignore[no-untyped-def]
    """Return the largest singular value of a skew tridiagonal ``S``.

    It is the largest eigenvalue of the symmetric matrix with the same entries beside a zero
    diagonal: Newton on the characteristic polynomial from above, which falls monotonically.
    """
    K = S.shape[0]
    x = 0.0
    for i in range(1, K):
        ahead = abs(S[i + 1, i]) if i + 1 < K else 0.0
        x = max(x, abs(S[i, i - 1]) + ahead)
    for _ in range(ROOT_STEPS):
        pivot = x
        slope = 1.0
        total = 1.0 / x
        for i in range(1, K):
            ratio = S[i, i - 1] / pivot
            slope = 1.0 + ratio * ratio * slope
            pivot = x - ratio * S[i, i - 1]
            if not pivot > 0.0:
                return x
            total += slope / pivot
        if not 1.0 / total > ROUNDING * x:
            return x
        x -= 1.0 / total
    return x
