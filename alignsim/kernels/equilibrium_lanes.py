"""Fixed points of MRS-IPO maps with a skew M of 2 to 4 responses, by damped Newton in lanes.

In the notation of :mod:`alignsim.kernels.equilibrium`, S has rank two, S³ = −ω²S, ω² = ½‖S‖_F²:
then (I − cS)⁻¹ = I + (cS + c²S²)/(1 + c²ω²) is a formula.
"""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, unrolled
from alignsim.kernels.equilibrium import (
    PASSES,
    SMALLEST_SHARE,
    STALL,
    STEP_CAP,
    TOLERANCE,
    UNRESOLVED,
)
from alignsim.kernels.lanes import block, load
from alignsim.kernels.vectormath import exp

LANES = 16
SMALL = 4  # the largest K

# rows of the workspace of the lanes; a vector over responses has four rows
TRIAL, BASE, STEP, DRIFT = 0, 4 * LANES, 8 * LANES, 12 * LANES
M01, M02, M03, M12, M13, M23 = (16 * LANES + i * LANES for i in range(6))
PULL, SIZE, SHARE, LENGTH, OPEN, RESIDUAL = (22 * LANES + i * LANES for i in range(6))
ROWS = 28


@kernel
def solve(literal, matrices, which, pull, drift, state, residual):  # type: ignore[no-untyped-def]
    """Find the fixed points of maps with a skew M of 2 to 4 responses.

    Parameters
    ----------
    literal
        K numbers, whose type tells the compiler what K is.
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
        Out: max|R|, R centred, over 1 + max|z| + UNRESOLVED·c·max|M|; infinite where Newton did
        not end in rounding.
    """
    n, K = state.shape
    w = block(ROWS * LANES + 0 * n)  # a literal would make another signature of block
    memory = w.reshape((ROWS, LANES))
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
            _pass_unrolled(w, len(literal))
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
        _pass_unrolled(w, len(literal))
        for b in range(min(LANES, n - start)):
            residual[start + b] += w[RESIDUAL + b]
            for i in range(K):
                state[start + b, i] = w[BASE + i * LANES + b]


@unrolled
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
        margin = max(max(abs(m01), abs(m23)), max(abs(m12), abs(m03)))
        margin = max(margin, max(abs(m02), abs(m13)))
        w[RESIDUAL + b] = norm / (scale + UNRESOLVED * c * margin)

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
