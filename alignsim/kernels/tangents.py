"""Tangent vectors carried along rounds that were kept: those of MRS-IPO, or given Jacobians."""

from __future__ import annotations

import math

import numpy as np

from alignsim.kernels.compile import kernel, part, unrolled
from alignsim.kernels.dense import log_volume, orthonormalise
from alignsim.kernels.lanes import block, load_margins, one_matrix, pull_alike, pull_apart
from alignsim.kernels.vectormath import ZERO, exp, exponent, log, mantissa, resolved

ABREAST = 16  # maps whose kept rounds are followed side by side
LN2 = math.log(2.0)
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
    literal, general, matrices, which, parameters, first, frames, rows, edges, sums
):
    """Sum the log growth of one tangent vector along kept rounds of MRS-IPO, maps side by side.

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
    edges : (c + 1,)
        Ascending, at most T: batch i runs from round edges[i] to edges[i + 1].
    sums : (n, c)
        Out: the sum of each batch; NaN once a vector vanishes or a frame is not finite.
    """
    n, K = rows.shape[0], frames.shape[2]
    w = block((K * K + 3 * K + 7) * ABREAST)
    memory = w.reshape((K * K + 3 * K + 7, ABREAST))
    pull = memory[: K * K].reshape((K, K, ABREAST))
    alpha = memory[K * K]
    weight = memory[K * K + 1 : K * K + 1 + K]
    vector = memory[K * K + 1 + K : K * K + 1 + 2 * K]
    product, twos = memory[K * K + 1 + 2 * K], memory[K * K + 2 + 2 * K]
    scratch = memory[K * K + 3 + 2 * K : -1]
    strength = memory[K * K + 3 * K + 6]
    margins = np.empty((K, K))
    own = np.empty(ABREAST, dtype=np.int64)
    for start in range(0, n, ABREAST):
        for b in range(ABREAST):
            m = min(start + b, n - 1)
            own[b] = rows[m]
            alpha[b] = parameters[m, 0]
            product[b], twos[b] = 1.0, 0.0
            for i in range(K):
                vector[i, b] = first[i]
                for j in range(K):
                    pull[i, j, b] = parameters[m, 1] * (matrices[which[m], i, j] - 0.5)
        alike = False
        if general is not None:
            alike = one_matrix(which, start, ABREAST)
            load_margins(matrices, which, parameters, start, margins, strength)
        batch = -1
        for t in range(edges[-1] + 1):
            if t == edges[batch + 1]:
                for b in range(ABREAST):
                    if batch >= 0 and start + b < n:
                        sums[start + b, batch] = twos[b] * LN2 + log(product[b])
                    product[b] = 1.0
                    twos[b] = 0.0
                batch += 1
                if t == edges[-1]:
                    break
            for b in range(ABREAST):
                for i in range(K):
                    weight[i, b] = frames[own[b], t, i]
            if literal is not None:
                _lead_unrolled(w, len(literal))
            if general is not None:
                if alike:
                    _lead_alike(margins, strength, alpha, weight, vector, product, twos, scratch)
                else:
                    _lead_apart(pull, alpha, weight, vector, product, twos, scratch)


@unrolled
def _lead_unrolled(w, K):  # type: ignore[no-untyped-def]
    """As :func:`_lead`, with literal K."""
    alpha = K * K * ABREAST
    weight = alpha + ABREAST
    vector = weight + K * ABREAST
    product = vector + K * ABREAST
    twos = product + ABREAST
    for b in range(ABREAST):
        top = w[weight + b]
        for i in range(1, K):
            top = w[weight + i * ABREAST + b] if w[weight + i * ABREAST + b] > top else top
        total = 0.0
        mean = 0.0
        for i in range(K):
            share = exp(w[weight + i * ABREAST + b] - top)
            w[weight + i * ABREAST + b] = share
            total += share
            mean += share * w[vector + i * ABREAST + b]
        inverse = 1.0 / total
        mean *= inverse
        for i in range(K):
            w[weight + i * ABREAST + b] *= (w[vector + i * ABREAST + b] - mean) * inverse
        mean = 0.0
        for i in range(K):
            moved = w[alpha + b] * w[vector + i * ABREAST + b]
            for j in range(K):
                moved += w[(i * K + j) * ABREAST + b] * w[weight + j * ABREAST + b]
            w[vector + i * ABREAST + b] = moved
            mean += moved * (1.0 / K)
        square = 0.0
        for i in range(K):
            moved = w[vector + i * ABREAST + b] - mean
            w[vector + i * ABREAST + b] = moved
            square += moved * moved
        growth = np.sqrt(square)
        scale = 1.0 / growth if growth > 0.0 else 1.0
        for i in range(K):
            w[vector + i * ABREAST + b] *= scale
        grown = w[product + b] * growth
        w[product + b] = mantissa(grown)
        w[twos + b] += resolved(exponent(grown), growth, ZERO)


@part
def _lead_apart(pull, alpha, weight, vector, product, twos, scratch):  # type: ignore[no-untyped-def]
    """Carry the vectors of maps whose matrices differ."""
    _lead(pull, None, None, alpha, weight, vector, product, twos, scratch)


@part
def _lead_alike(margins, strength, alpha, weight, vector, product, twos, scratch):  # type: ignore[no-untyped-def]
    """Carry the vectors of maps that share a matrix; the bits are the same."""
    _lead(None, margins, strength, alpha, weight, vector, product, twos, scratch)


@unrolled
def _lead(pull, margins, strength, alpha, weight, vector, product, twos, scratch):  # type: ignore[no-untyped-def]
    """Carry ``vector`` through the round at the logits ``weight``, and make it a unit again."""
    K = weight.shape[0]
    image, top, total, mean = scratch[:K], scratch[K], scratch[K + 1], scratch[K + 2]
    for b in range(ABREAST):
        top[b] = weight[0, b]
        total[b] = 0.0
        mean[b] = 0.0
    for i in range(1, K):
        for b in range(ABREAST):
            top[b] = weight[i, b] if weight[i, b] > top[b] else top[b]
    for i in range(K):
        for b in range(ABREAST):
            share = exp(weight[i, b] - top[b])
            weight[i, b] = share
            total[b] += share
            mean[b] += share * vector[i, b]
    for b in range(ABREAST):
        total[b] = 1.0 / total[b]
        mean[b] *= total[b]
    for i in range(K):
        for b in range(ABREAST):
            weight[i, b] *= (vector[i, b] - mean[b]) * total[b]
    for b in range(ABREAST):
        mean[b] = 0.0
    for i in range(K):
        if margins is not None:
            pull_alike(margins[i], strength, weight.reshape(weight.size), image[i], ABREAST)
        if pull is not None:
            pull_apart(pull[i], weight, image[i], ABREAST)
        for b in range(ABREAST):
            image[i, b] += alpha[b] * vector[i, b]
            mean[b] += image[i, b] * (1.0 / K)
    for b in range(ABREAST):
        total[b] = 0.0
    for i in range(K):
        for b in range(ABREAST):
            vector[i, b] = image[i, b] - mean[b]
            total[b] += vector[i, b] * vector[i, b]
    for b in range(ABREAST):
        growth = np.sqrt(total[b])
        top[b] = 1.0 / growth if growth > 0.0 else 1.0
        grown = product[b] * growth
        product[b] = mantissa(grown)
        twos[b] += resolved(exponent(grown), growth, ZERO)
    for i in range(K):
        for b in range(ABREAST):
            vector[i, b] *= top[b]
