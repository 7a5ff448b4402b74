"""Jacobians of MRS-DPO along orbits, whose own rounds tell the scores (theory 7)."""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part
from alignsim.kernels.dense import softmax, solve


@kernel
def jacobians(matrices, which, mixture, reference, offline, basis, frames, out):  # type: ignore[no-untyped-def]
    """Set the Jacobians αI + βλQ(diag π − ππᵀ) in the mean-zero basis.

    Q = (A + diag(A)μᵀ)⁻¹(P − S) needs the score v of the sampler μ. A round is
    z' = αz + (1−α)z_ref + βv, so two frames give it, up to a constant that does not matter.

    Parameters
    ----------
    matrices, which
        Table of matrices (m, K, K), and the row of it for each map, (n,).
    mixture : (n, 3)
        α, β, λ of each map.
    reference, offline : (n, K)
        Logits of the reference; the offline policy.
    basis : (K, K − 1)
        Orthonormal and mean-zero.
    frames : (n, T + 1, K)
        Logits of consecutive rounds.
    out : (n, T, K − 1, K − 1)
        Out: NaN where a frame is not finite.
    """
    n, length, K = frames.shape
    d = K - 1
    policy = np.empty(K)
    sampler = np.empty(K)
    score = np.empty(K)
    system = np.empty((K, K))
    misfit = np.empty((K, K))
    image = np.empty((K, d))
    for m in range(n):
        P = matrices[which[m]]
        alpha, beta, lam = mixture[m]
        for t in range(length - 1):
            z, after = frames[m, t], frames[m, t + 1]
            softmax(z, policy)
            for i in range(K):
                sampler[i] = lam * policy[i] + (1.0 - lam) * offline[m, i]
                gained = after[i] - alpha * z[i] - (1.0 - alpha) * reference[m, i]
                score[i] = gained / beta if beta > 0.0 else 0.0
            _linearise(P, sampler, score, system, misfit)
            for c in range(d):
                mean = 0.0
                for i in range(K):
                    mean += policy[i] * basis[i, c]
                for i in range(K):
                    image[i, c] = policy[i] * (basis[i, c] - mean)
            _apply(misfit, image)
            solve(system, image)
            for a in range(d):
                for c in range(d):
                    total = 0.0
                    for i in range(K):
                        total += basis[i, a] * image[i, c]
                    out[m, t, a, c] = -beta * lam * total + (alpha if a == c else 0.0)


@part
def _linearise(P, sampler, score, system, misfit):  # type: ignore[no-untyped-def]
    """Set A + diag(A)μᵀ and S − P; a P near 1 keeps its digits by its small counterpart."""
    K = P.shape[0]
    system[:] = 0.0
    for i in range(K):
        misfit[i, i] = 0.5 - P[i, i]
    for i in range(K):
        for j in range(i + 1, K):
            gap = score[i] - score[j]
            rest = np.exp(-abs(gap))
            high, low = 1.0 / (1.0 + rest), rest / (1.0 + rest)
            win, lose = (high, low) if gap >= 0.0 else (low, high)
            slope = win * lose
            system[i, j] -= slope * sampler[j]
            system[j, i] -= slope * sampler[i]
            system[i, i] += slope * sampler[j]
            system[j, j] += slope * sampler[i]
            misfit[i, j] = win - P[i, j] if P[i, j] <= 0.5 else P[j, i] - lose
            misfit[j, i] = lose - P[j, i] if P[j, i] <= 0.5 else P[i, j] - win
    for i in range(K):
        total = system[i, i]
        for j in range(K):
            system[i, j] += total * sampler[j]


@part
def _apply(matrix, columns):  # type: ignore[no-untyped-def]
    """Replace columns (K, d) by matrix @ columns."""
    K, d = columns.shape
    moved = np.empty(K)
    for c in range(d):
        for i in range(K):
            total = 0.0
            for j in range(K):
                total += matrix[i, j] * columns[j, c]
            moved[i] = total
        for i in range(K):
            columns[i, c] = moved[i]
