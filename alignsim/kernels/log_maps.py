"""The map x' = ax + BᵀUπ(Bx) that a log is fitted with: its rest points and orbits."""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part
from alignsim.kernels.log_filter import RARE, one_round, policy, turn

REST_STEPS, REST_STEP, REST_CLOSE = 200, 1.0, 1e-9
"""Newton's steps from a start to a rest point: how many, how long, and when they end."""

FAR = 1e6
"""A state beyond it never comes back."""


@part
def _solve(A, b):  # type: ignore[no-untyped-def]
    """Solve A x = b in place, with pivots; a singular A gives what is not finite."""
    d = len(b)
    for k in range(d):
        top = k
        for i in range(k + 1, d):
            if abs(A[i, k]) > abs(A[top, k]):
                top = i
        if top != k:
            for j in range(k, d):
                A[k, j], A[top, j] = A[top, j], A[k, j]
            b[k], b[top] = b[top], b[k]
        for i in range(k + 1, d):
            factor = A[i, k] / A[k, k]
            for j in range(k, d):
                A[i, j] -= factor * A[k, j]
            b[i] -= factor * b[k]
    for i in range(d - 1, -1, -1):
        for j in range(i + 1, d):
            b[i] -= A[i, j] * b[j]
        b[i] /= A[i, i]


@kernel
def rest_points(basis, a, memory, matrices, start, points, slopes):  # type: ignore[no-untyped-def]
    """Find rest points x = (a + memory)x + BᵀUπ(Bx) by Newton's method.

    Parameters
    ----------
    basis : (K, K−1)
        Helmert's (:func:`alignsim.simplex.mean_zero_basis`).
    a, memory : (n,)
        The multipliers of the last state and of the one before it.
    matrices : (n, K, K)
        U.
    start : (K−1,)
        Where each search begins.
    points : (n, K−1)
        Out: the rest points; NaN where none was found.
    slopes : (n, K−1, K−1)
        Out: BᵀU(diag π − ππᵀ)B there.
    """
    K, d = basis.shape
    pi, pull, x = np.zeros(K), np.zeros(d), np.zeros(d)
    F, W = np.zeros((d, d)), np.zeros((d, K))
    for n in range(len(a)):
        turn(basis, matrices[n], W)
        for j in range(d):
            x[j] = start[j]
        found = False
        for _ in range(REST_STEPS):
            policy(basis, x, pi)
            one_round(basis, W, 0.0, pi, pull, F)
            for j in range(d):
                pull[j] += (a[n] + memory[n] - 1.0) * x[j]
                for k in range(d):
                    F[j, k] = (1.0 - a[n] - memory[n] if j == k else 0.0) - F[j, k]
            _solve(F, pull)
            length = 0.0
            for j in range(d):
                length += pull[j] * pull[j]
            length = np.sqrt(length)
            if not np.isfinite(length):
                break
            scale = min(1.0, REST_STEP / max(length, 1e-300))
            for j in range(d):
                x[j] += scale * pull[j]
            if length <= REST_CLOSE:
                found = True
                break
        policy(basis, x, pi)
        one_round(basis, W, 0.0, pi, pull, slopes[n])
        for j in range(d):
            points[n, j] = x[j] if found else np.nan


@kernel
def orbit(basis, a, memory, matrix, here, before, noise, states):  # type: ignore[no-untyped-def]
    """Follow x' = ax + memory·x₋ + BᵀUπ(Bx) + noise; rounds from where it is lost on are infinite.

    Parameters
    ----------
    basis : (K, K−1)
        Helmert's (:func:`alignsim.simplex.mean_zero_basis`).
    a, memory
        The multipliers of the last state and of the one before it.
    matrix : (K, K)
        U.
    here, before : (K−1,)
        The state that it begins from and the one before it; overwritten.
    noise : (rounds, K)
        Training noise, which is added divided by √(Kπ + RARE); (0, K) for none.
    states : (rounds, K−1)
        Out: the states after each round.
    """
    K, d = basis.shape
    pi, pull, ahead = np.zeros(K), np.zeros(d), np.zeros(d)
    F, W = np.zeros((d, d)), np.zeros((d, K))
    turn(basis, matrix, W)
    for t in range(len(states)):
        policy(basis, here, pi)
        one_round(basis, W, 0.0, pi, pull, F)
        largest = 0.0
        for j in range(d):
            ahead[j] = a * here[j] + memory * before[j] + pull[j]
            if len(noise):
                for i in range(K):
                    ahead[j] += basis[i, j] * noise[t, i] / np.sqrt(K * pi[i] + RARE)
            largest = max(largest, abs(ahead[j]))
        if not largest < FAR:
            states[t:] = np.inf
            return
        for j in range(d):
            before[j], here[j] = here[j], ahead[j]
            states[t, j] = here[j]
