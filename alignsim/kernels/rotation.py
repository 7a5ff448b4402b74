"""The rotation ω of MRS-IPO maps at given policies (theory 6.3), and which payoffs are skew.

With q = √π, ω is the norm of S = diag(q) M diag(q) projected off q, M = P − ½. S does not change
when M gains constant rows or columns. With those that empty the row and the column of the likeliest
response no entry cancels: ω keeps its digits at any collapse.
"""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part

SMALL = 4  # the largest K whose S has rank two

GENERAL, ZERO_SUM, SKEW = range(3)
ASYMMETRY = 1e-12  # of payoffs, relative to max(1, |P|), that is called rounding
ROUNDED = 8.0 * 2.0**-52  # that of a checked preference matrix

ROOT_STEPS = 100
ROUNDING = 2.0**-53


@part
def policy(logits, q, p):  # type: ignore[no-untyped-def]
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


@part
def project(P, top, q, p, S, rows, columns):  # type: ignore[no-untyped-def]
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
def rotations(small, large, matrices, which, logits, omega):  # type: ignore[no-untyped-def]
    """Set ``omega`` (n,) to ‖S‖₂ at ``logits`` (n, K), where S is skew: constants aside, M is.

    ``small, large`` come from :func:`alignsim.kernels.lanes.code_for`, for K up to ``SMALL``.
    """
    n, K = logits.shape
    work = np.empty((4, K))
    S = np.empty((K, K))
    for m in range(n):
        top = policy(logits[m], work[0], work[1])
        project(matrices[which[m]], top, work[0], work[1], S, work[2], work[3])
        omega[m] = _skew_norm(small, large, S, work[0], work[1])


@part
def _skew_norm(small, large, S, v, p):  # type: ignore[no-untyped-def]
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
    norm = 0.0
    if small is not None:
        for i in range(K):
            for j in range(i):
                norm += S[i, j] * S[i, j]
        norm = np.sqrt(norm)
    if large is not None:
        _tridiagonalise(S, v, p)
        norm = _largest_root(S)
    return largest * norm


@part
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


@part
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
