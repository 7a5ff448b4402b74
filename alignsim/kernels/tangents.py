"""Tangent vectors carried along rounds that were kept: those of MRS-IPO, or given Jacobians."""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part, unrolled
from alignsim.kernels.dense import log_volume, orthonormalise
from alignsim.kernels.lanes import (
    block,
    load_alike,
    load_apart,
    load_signal,
    multiply_alike,
    multiply_apart,
    one_matrix,
    softmax,
)
from alignsim.kernels.vectormath import ZERO, log, resolved

ABREAST = 16  # maps whose kept rounds are followed side by side
TURNS = 8  # rounds of a map that are taken from memory at a time
SMALL = 4  # the largest K with code of its own for :func:`lead_along`


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
            orthonormalise(image, growth)
            for c in range(k):
                for i in range(d):
                    vectors[m, c, i] = image[c, i]
            if batches[t] < 0:
                continue
            into = sums[m, batches[t]]
            for c in range(k):
                lost = -np.inf if growth[c] < ZERO else np.nan
                into[c] += np.log(growth[c]) if growth[c] >= max(noise[m], ZERO) else lost
            if k == d:
                into[k] += log_volume(D, upper)


@kernel
def lead_along(  # type: ignore[no-untyped-def]
    literal, general, matrices, which, parameters, first, frames, rows, growth
):
    """Take the log growth of one tangent vector along kept rounds of MRS-IPO, maps side by side.

    Parameters
    ----------
    literal, general
        From :func:`alignsim.kernels.lanes.code_for`.
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
    growth : (n, c)
        Out: of the last c of T rounds; −inf or NaN once a vector vanishes or a frame is not finite.
    """
    n, K = rows.shape[0], frames.shape[2]
    rounds, kept = frames.shape[1] - 1, growth.shape[1]
    w = block((K * K + 3 * K + 5) * ABREAST)
    memory = w.reshape((K * K + 3 * K + 5, ABREAST))
    pull = memory[: K * K].reshape((K, K, ABREAST))
    alpha = memory[K * K]
    share = memory[K * K + 1 : K * K + 1 + K]
    vector = memory[K * K + 1 + K : K * K + 1 + 2 * K]
    inverse, size = memory[K * K + 1 + 2 * K], memory[K * K + 2 + 2 * K]
    strength, mean = memory[K * K + 3 + 2 * K], memory[K * K + 4 + 2 * K]
    image = memory[K * K + 5 + 2 * K :]
    several = block((2 * K + 3) * TURNS * ABREAST).reshape((2 * K + 3, TURNS * ABREAST))
    several[:] = 0.0
    logits, shares = several[:K], several[K : 2 * K]
    tops, inverses, sizes = several[2 * K], several[2 * K + 1], several[2 * K + 2]
    margins = np.empty((K, K))
    kept_rounds = frames.reshape(frames.size)
    for start in range(0, n, ABREAST):
        for i in range(K):
            for b in range(ABREAST):
                vector[i, b] = first[i]
        if literal is not None:
            load_signal(matrices, which, parameters, start, pull, alpha)
        alike = False
        if general is not None:
            alike = one_matrix(which, start, ABREAST)
            load_alike(matrices, which, parameters, start, margins, alpha, strength)
            if not alike:
                load_apart(matrices, which, start, pull)
        for t in range(0, rounds, TURNS):
            turns = min(TURNS, rounds - t)
            for b in range(min(ABREAST, n - start)):
                own = kept_rounds[(rows[start + b] * (rounds + 1) + t) * K :]
                for i in range(K):
                    for s in range(turns):
                        logits[i, s * ABREAST + b] = own[s * K + i]
            softmax(logits, tops, shares, inverses)
            for s in range(turns):
                for b in range(ABREAST):
                    inverse[b] = inverses[s * ABREAST + b]
                for i in range(K):
                    for b in range(ABREAST):
                        share[i, b] = shares[i, s * ABREAST + b]
                if literal is not None:
                    _lead_small(w, literal)
                if general is not None:
                    if alike:
                        _lead_alike(
                            margins, strength, alpha, share, inverse, vector, size, mean, image
                        )  # fmt: skip
                    else:
                        _lead_apart(
                            pull, strength, alpha, share, inverse, vector, size, mean, image
                        )  # fmt: skip
                for b in range(ABREAST):
                    sizes[s * ABREAST + b] = size[b]
            _logarithms(sizes)
            skipped = rounds - kept - t
            for b in range(min(ABREAST, n - start)):
                for s in range(max(0, skipped), turns):
                    growth[start + b, s - skipped] = sizes[s * ABREAST + b]


@part
def _logarithms(sizes):  # type: ignore[no-untyped-def]
    for b in range(sizes.shape[0]):
        sizes[b] = resolved(log(sizes[b]), sizes[b], ZERO)


@part
def _lead_small(w, literal):  # type: ignore[no-untyped-def]
    _lead_unrolled(w, len(literal))


@unrolled
def _lead_unrolled(w, K):  # type: ignore[no-untyped-def]
    """As :func:`_lead`, with literal K."""
    alpha = K * K * ABREAST
    share = alpha + ABREAST
    vector = share + K * ABREAST
    inverse = vector + K * ABREAST
    sizes = inverse + ABREAST
    for b in range(ABREAST):
        mean = 0.0
        for i in range(K):
            mean += w[share + i * ABREAST + b] * w[vector + i * ABREAST + b]
        mean *= w[inverse + b]
        for i in range(K):
            w[share + i * ABREAST + b] *= (w[vector + i * ABREAST + b] - mean) * w[inverse + b]
        mean = 0.0
        for i in range(K):
            moved = w[alpha + b] * w[vector + i * ABREAST + b]
            for j in range(K):
                moved += w[(i * K + j) * ABREAST + b] * w[share + j * ABREAST + b]
            w[vector + i * ABREAST + b] = moved
            mean += moved * (1.0 / K)
        square = 0.0
        for i in range(K):
            moved = w[vector + i * ABREAST + b] - mean
            w[vector + i * ABREAST + b] = moved
            square += moved * moved
        size = np.sqrt(square)
        scale = 1.0 / size if size > 0.0 else 1.0
        for i in range(K):
            w[vector + i * ABREAST + b] *= scale
        w[sizes + b] = size


@part
def _lead_apart(pull, strength, alpha, share, inverse, vector, size, mean, image):  # type: ignore[no-untyped-def]
    """Carry the vectors of maps whose matrices differ."""
    _lead(pull, None, strength, alpha, share, inverse, vector, size, mean, image)


@part
def _lead_alike(margins, strength, alpha, share, inverse, vector, size, mean, image):  # type: ignore[no-untyped-def]
    """Carry the vectors of maps that share a matrix; the bits are the same."""
    _lead(None, margins, strength, alpha, share, inverse, vector, size, mean, image)


@unrolled
def _lead(pull, margins, strength, alpha, share, inverse, vector, size, mean, image):  # type: ignore[no-untyped-def]
    """Carry ``vector`` through the round at the policy share·inverse, and make it a unit again.

    ``size`` is its length before.
    """
    K = share.shape[0]
    for b in range(ABREAST):
        mean[b] = 0.0
    for i in range(K):
        for b in range(ABREAST):
            mean[b] += share[i, b] * vector[i, b]
    for b in range(ABREAST):
        mean[b] *= inverse[b]
    for i in range(K):
        for b in range(ABREAST):
            share[i, b] *= (vector[i, b] - mean[b]) * inverse[b]
    if margins is not None:
        multiply_alike(margins, share, image, ABREAST)
    for b in range(ABREAST):
        mean[b] = 0.0
        size[b] = 0.0
    for i in range(K):
        if pull is not None:
            multiply_apart(pull[i], share, image[i], ABREAST)
        for b in range(ABREAST):
            image[i, b] = strength[b] * image[i, b] + alpha[b] * vector[i, b]
            mean[b] += image[i, b] * (1.0 / K)
    for i in range(K):
        for b in range(ABREAST):
            vector[i, b] = image[i, b] - mean[b]
            size[b] += vector[i, b] * vector[i, b]
    for b in range(ABREAST):
        size[b] = np.sqrt(size[b])
        mean[b] = 1.0 / size[b] if size[b] > 0.0 else 1.0
    for i in range(K):
        for b in range(ABREAST):
            vector[i, b] *= mean[b]
