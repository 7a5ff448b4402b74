"""Dense algebra of small systems: softmax, centring, elimination, volume, orthonormal vectors."""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part


@part
def softmax(logits, policy):  # type: ignore[no-untyped-def]
    """Set ``policy`` (K,) to the softmax of ``logits``; return the likeliest response."""
    K = logits.shape[0]
    top = 0
    for i in range(1, K):
        top = i if logits[i] > logits[top] else top
    total = 0.0
    for i in range(K):
        policy[i] = np.exp(logits[i] - logits[top])
        total += policy[i]
    for i in range(K):
        policy[i] /= total
    return top


@part
def centre(values):  # type: ignore[no-untyped-def]
    """Take from ``values`` (K,) their mean."""
    mean = 0.0
    for i in range(values.shape[0]):
        mean += values[i]
    mean /= values.shape[0]
    for i in range(values.shape[0]):
        values[i] -= mean


@part
def pivot(matrix, column):  # type: ignore[no-untyped-def]
    """Return the row from ``column`` on with the largest entry in that column."""
    best = column
    for i in range(column + 1, matrix.shape[0]):
        best = i if abs(matrix[i, column]) > abs(matrix[best, column]) else best
    return best


@part
def exchange(matrix, a, b):  # type: ignore[no-untyped-def]
    """Exchange two rows of ``matrix``."""
    for j in range(matrix.shape[1]):
        matrix[a, j], matrix[b, j] = matrix[b, j], matrix[a, j]


@part
def solve(matrix, columns):  # type: ignore[no-untyped-def]
    """Overwrite ``columns`` (K, d) by matrix⁻¹ columns, with partial pivoting; False if singular.

    ``matrix`` (K, K) is lost.
    """
    K, d = columns.shape
    for k in range(K):
        best = pivot(matrix, k)
        if not abs(matrix[best, k]) > 0.0:
            return False
        if best != k:
            exchange(matrix, k, best)
            exchange(columns, k, best)
        for i in range(k + 1, K):
            factor = matrix[i, k] / matrix[k, k]
            for j in range(k + 1, K):
                matrix[i, j] -= factor * matrix[k, j]
            for j in range(d):
                columns[i, j] -= factor * columns[k, j]
    for k in range(K - 1, -1, -1):
        for j in range(d):
            total = columns[k, j]
            for i in range(k + 1, K):
                total -= matrix[k, i] * columns[i, j]
            columns[k, j] = total / matrix[k, k]
    return True


@kernel
def orthonormalise(vectors, growth):  # type: ignore[no-untyped-def]
    """Make vectors (k, d) orthonormal, one after the other; set what each was divided by."""
    k, d = vectors.shape
    for c in range(k):
        for _ in range(2):
            for a in range(c):
                dot = 0.0
                for i in range(d):
                    dot += vectors[a, i] * vectors[c, i]
                for i in range(d):
                    vectors[c, i] -= dot * vectors[a, i]
        square = 0.0
        for i in range(d):
            square += vectors[c, i] * vectors[c, i]
        growth[c] = np.sqrt(square)
        if growth[c] > 0.0:
            for i in range(d):
                vectors[c, i] /= growth[c]


@kernel
def log_volume(D, upper):  # type: ignore[no-untyped-def]
    """Return log|det D| by elimination in ``upper``."""
    d = D.shape[0]
    for i in range(d):
        for j in range(d):
            upper[i, j] = D[i, j]
    total = 0.0
    for c in range(d):
        best = pivot(upper, c)
        if upper[best, c] == 0.0:
            return -np.inf
        if best != c:
            exchange(upper, c, best)
        total += np.log(abs(upper[c, c]))
        for r in range(c + 1, d):
            factor = upper[r, c] / upper[c, c]
            for j in range(c + 1, d):
                upper[r, j] -= factor * upper[c, j]
    return total
