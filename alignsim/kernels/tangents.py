"""Tangent vectors carried along Jacobians that are given, for any objective."""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel
from alignsim.kernels.lyapunov import ZERO


@kernel
def carry_along(jacobians, batches, noise, vectors, sums):  # type: ignore[no-untyped-def]
    """Carry vectors along rounds whose derivatives are given.

    Parameters
    ----------
    jacobians : (n, T, d, d)
        The derivatives of T rounds.
    batches : (T,)
        The batch that each round counts for; negative for none.
    noise : (n,)
        Growth below it is lost in rounding.
    vectors : (n, k, d)
        Orthonormal vectors, overwritten by their images, made orthonormal.
    sums : (n, c, k + 1)
        The logarithms of the growth, and of |det| if k = d, are added to those of the batch.
    """
    n, rounds, d = jacobians.shape[:3]
    k = vectors.shape[1]
    image = np.empty((k, d))
    growth = np.empty(k)
    upper = np.empty((d, d))
    for m in range(n):
        for t in range(rounds):
            D = jacobians[m, t]
            for c in range(k):
                for i in range(d):
                    total = 0.0
                    for j in range(d):
                        total += D[i, j] * vectors[m, c, j]
                    image[c, i] = total
            _orthonormalise(image, growth)
            vectors[m] = image
            if batches[t] < 0:
                continue
            into = sums[m, batches[t]]
            for c in range(k):
                lost = -np.inf if growth[c] < ZERO else np.nan
                into[c] += np.log(growth[c]) if growth[c] >= max(noise[m], ZERO) else lost
            if k == d:
                into[k] += _log_volume(D, upper)


@kernel
def _orthonormalise(vectors, growth):  # type: ignore[no-untyped-def]
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
def _log_volume(D, upper):  # type: ignore[no-untyped-def]
    """Return log|det D| by elimination in ``upper``."""
    d = D.shape[0]
    upper[:] = D
    total = 0.0
    for c in range(d):
        best = c
        for r in range(c + 1, d):
            best = r if abs(upper[r, c]) > abs(upper[best, c]) else best
        if upper[best, c] == 0.0:
            return -np.inf
        for j in range(c, d):
            held = upper[c, j]
            upper[c, j] = upper[best, j]
            upper[best, j] = held
        total += np.log(abs(upper[c, c]))
        for r in range(c + 1, d):
            factor = upper[r, c] / upper[c, c]
            for j in range(c + 1, d):
                upper[r, j] -= factor * upper[c, j]
    return total
