"""Fixed points of MRS-IPO maps by damped Newton (theory 6.2).

A fixed point is the zero of R(z) = d + cMπ − z, where π = softmax(z), c = ηλ, M = P − ½ and
d = log π_ref + η(1−λ)Mπ_off. With q = √π and x = q∘(δ − ⟨π, δ⟩) the Newton equation
(I − cMJ)δ = R becomes (I − cS)x = q∘(R − ⟨π, R⟩), where S is diag(q) M diag(q) projected off q,
and δ = R + cM(q∘x), all modulo constants. Entries of S have the size of q_i q_j, so that a
collapsed policy leaves a system that is well scaled.
"""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part
from alignsim.kernels.dense import solve as solve_system
from alignsim.kernels.rotation import policy, project

STEP_CAP = 4.0  # largest change of a logit in one step
TOLERANCE = 1e-12  # of a step, relative to 1 + max|z|
STALL = 1e-9  # a step this short that does not reduce the residual has met rounding
SMALLEST_SHARE = 1e-8  # of a step; what is halved further makes no progress
PASSES = 40  # evaluations of the residual
DIRECT_PASSES = 20  # the same outside the lanes, before the path is followed

ACCEPTED = 1e-9  # largest residual, relative to its scale, of a fixed point
UNRESOLVED = 8.0 * 2.0**-53 / ACCEPTED  # times c max|M|: rounding of cMπ hides what is accepted
FIRST_STRIDE = 1.0  # of the continuation, in log s
SHORTEST_STRIDE = 4e-4
GROWTH, SHRINKAGE = 2.0, 0.4  # of the stride after a success and a failure
STRIDES = 300
CORRECTIONS = 8  # passes after a prediction
LOOSE = 1e-2  # step and residual of a point on the path that is not its end


@kernel
def judge(matrices, which, pull, drift, state, residual):  # type: ignore[no-untyped-def]
    """Set ``residual`` (n,) at ``state``; arguments as elsewhere."""
    n, K = state.shape
    work = np.empty((3, K))
    for m in range(n):
        P = matrices[which[m]]
        policy(state[m], work[0], work[1])
        size, scale = _residual(P, pull[m], drift[m], state[m], work[1], work[2])
        residual[m] = size / (scale + UNRESOLVED * pull[m] * _largest_margin(P))


@kernel
def solve(matrices, which, pull, anchor, drift, state, residual):  # type: ignore[no-untyped-def]
    """Find fixed points of maps with any payoffs: Newton, else a continuation.

    The path is z(s) of s in (0, 1], the fixed point for c → sc and d → anchor + s(d − anchor):
    that of ηs, if ``anchor`` (n, K) is log π_ref. Other arguments as in
    :func:`alignsim.kernels.equilibrium_lanes.solve`.
    """
    n, K = state.shape
    work = np.empty((8, K))
    path = np.empty((4, K))
    S = np.empty((K, K))
    system = np.empty((K, K))
    for m in range(n):
        P = matrices[which[m]]
        residual[m] = _follow(P, pull[m], anchor[m], drift[m], state[m], path, work, S, system)


@part
def _follow(P, c, anchor, drift, state, path, work, S, system):  # type: ignore[no-untyped-def]
    """Set ``state`` to the fixed point and return its residual; infinite if it was not reached.

    The first trial is Newton at s = 1 from ``state``, unless that is NaN. If it fails the path is
    followed from a small s by tangent prediction and Newton: far out the logits of vanishing
    responses grow in proportion to s, which the tangent predicts exactly.
    """
    K = len(anchor)
    reach, point, target, slope = path
    signal = c * _largest_margin(P)
    largest = max(1.0, signal)
    for i in range(K):
        reach[i] = drift[i] - anchor[i]
        largest = max(largest, abs(reach[i]))
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
        scale += UNRESOLVED * ahead * signal
        if left <= (ACCEPTED * scale if last else max(LOOSE, ACCEPTED * scale)):
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
        top = policy(state, work[0], work[1])
        project(P, top, work[0], work[1], S, work[2], work[3])
        for i in range(K):
            slope[i] = reach[i] + c * _margin(P, i, work[1])
        _correct(P, s * c, slope, work, S, system)
        ahead = min(1.0, s * np.exp(stride))
        for i in range(K):
            point[i] = state[i] + (ahead - s) * work[5, i]
    return np.inf


@part
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
        top = policy(point, q, p)
        norm, scale = _residual(P, c, drift, point, p, residual)
        short = length <= STALL * scale
        if norm < size or (norm == size and not short):
            base[:] = point
            size = norm
            project(P, top, q, p, S, work[2], work[3])
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
    policy(point, q, p)
    norm, scale = _residual(P, c, drift, point, p, residual)
    return norm if length <= max(tolerance, STALL * scale) else np.inf, scale


@part
def _largest_margin(P):  # type: ignore[no-untyped-def]
    """Return max|M|."""
    largest = 0.0
    for i in range(P.shape[0]):
        for j in range(P.shape[1]):
            largest = max(largest, abs(P[i, j] - 0.5))
    return largest


@part
def _margin(P, i, weights):  # type: ignore[no-untyped-def]
    """Return Σ_j (P_ij − ½) weights_j."""
    total = 0.0
    for j in range(len(weights)):
        total += (P[i, j] - 0.5) * weights[j]
    return total


@part
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


@part
def _correct(P, c, residual, work, S, system):  # type: ignore[no-untyped-def]
    """Set ``work[5]`` to the δ of (I − cMJ)δ = ``residual``, centred."""
    K = len(residual)
    q, p, x, delta = work[0], work[1], work[2], work[5]
    columns = x.reshape((K, 1))
    mean = 0.0
    for i in range(K):
        mean += p[i] * residual[i]
    for i in range(K):
        x[i] = q[i] * (residual[i] - mean)
        for j in range(K):
            system[i, j] = -c * S[i, j]
        system[i, i] += 1.0
    solve_system(system, columns)
    for i in range(K):
        x[i] *= q[i]
    mean = 0.0
    for i in range(K):
        delta[i] = residual[i] + c * _margin(P, i, x)
        mean += delta[i]
    for i in range(K):
        delta[i] -= mean / K
