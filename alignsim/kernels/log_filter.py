"""Filters over the logged rounds of a loop: their log posterior.

The full model logs all K shares: x' = a x + BᵀUπ(Bx) + w, with x in a mean-zero basis B, U
antisymmetric, Cov w = q² Bᵀ diag(1/(Kπ + .05)) B, and n multinomial draws a round. Its filter is
Kalman's with Laplace's update. The scalar model logs one number: x' = a₁x + s + c + w₁,
s' = a₂x + w₂, seen with Gaussian noise; its filter is Kalman's.
"""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part

FREE, KNOWN, SCALAR = range(3)
"""The models: U free; U = e^b·(P − ½) up to constant rows and columns; one number a round."""

SPREAD = 6.0
"""Variance of a first state."""

RARE = 0.05
"""Training noise grows as 1/(Kπ + RARE): rare responses are judged less often."""

NEWTON_STEPS, LONGEST_STEP = 12, 1.5

ROUGHLY, EXACTLY = 0.1, 1e-7
"""After a step of this length Newton's update ends. The first is enough to sample; it leaves some
0.002 in the log likelihood, which is then not smooth enough to be differentiated."""

TINY = 1e-300

MULTIPLIER = (-0.02, 1.02)
LOG_NOISE = (-9.0, 1.0)
"""Where the priors of a and log q are uniform."""

TAIL_SCALE = 4.0
"""The prior of u is (1 + |u|²/TAIL_SCALE)^{−(m+1)/4}, of m numbers."""

LOG_BETA, SHIFT = (1.5, 2.0), (0.0, 2.0)
"""Mean and standard deviation of log b, and of free constants, where P is known."""

LARGEST_RADIUS = 1.6
"""Multipliers of the scalar model are no larger."""


@part
def _factor(A, over):  # type: ignore[no-untyped-def]
    """Turn a positive matrix into its Cholesky factor, and set ``over`` to 1/diagonal.

    Return log|A|, NaN if the matrix is not positive.
    """
    d = A.shape[0]
    product = 1.0
    for i in range(d):
        for j in range(i):
            value = A[i, j]
            for k in range(j):
                value -= A[i, k] * A[j, k]
            A[i, j] = value * over[j]
        value = A[i, i]
        for k in range(i):
            value -= A[i, k] * A[i, k]
        if not value > 0.0:
            return np.nan
        product *= value
        A[i, i] = np.sqrt(value)
        over[i] = 1.0 / A[i, i]
    return np.log(product)


@part
def _invert(A, over, out):  # type: ignore[no-untyped-def]
    """Set ``out`` to the inverse of the matrix whose Cholesky factor is ``A``."""
    d = A.shape[0]
    for c in range(d):
        for i in range(c, d):
            value = 1.0 if i == c else 0.0
            for k in range(c, i):
                value -= A[i, k] * out[k, c]
            out[i, c] = value * over[i]
        for i in range(d - 1, c - 1, -1):
            value = out[i, c]
            for k in range(i + 1, d):
                value -= A[k, i] * out[k, c]
            out[i, c] = value * over[i]
        for i in range(c, d):
            out[c, i] = out[i, c]


@part
def policy(basis, x, pi):  # type: ignore[no-untyped-def]
    """Set ``pi`` to softmax(Bx); return the log of its normaliser.

    Column j of Helmert's basis B is constant down to row j, and empty below row j + 1.
    """
    K, d = basis.shape
    top = -np.inf
    above = 0.0
    for i in range(K - 1, -1, -1):
        if i < d:
            above += basis[0, i] * x[i]
        pi[i] = above + basis[i, i - 1] * x[i - 1] if i > 0 else above
        top = max(top, pi[i])
    total = 0.0
    for i in range(K):
        pi[i] = np.exp(pi[i] - top)
        total += pi[i]
    for i in range(K):
        pi[i] /= total
    return top + np.log(total)


@part
def _project(basis, weights, inner):  # type: ignore[no-untyped-def]
    """Set ``inner`` to Bᵀw."""
    above = 0.0
    for j in range(basis.shape[1]):
        above += weights[j]
        inner[j] = basis[0, j] * above + basis[j + 1, j] * weights[j + 1]


@part
def _add_inside(basis, weights, mean, scale, inner, out):  # type: ignore[no-untyped-def]
    """Add scale·Bᵀ(diag w − mean·wwᵀ)B to the lower triangle of ``out``; ``inner`` becomes Bᵀw."""
    _project(basis, weights, inner)
    above = 0.0
    for j in range(basis.shape[1]):
        above += weights[j]
        for k in range(j):
            out[j, k] += scale * (basis[0, j] - mean * inner[j]) * inner[k]
        square = basis[0, j] ** 2 * above + basis[j + 1, j] ** 2 * weights[j + 1]
        out[j, j] += scale * (square - mean * inner[j] * inner[j])


@part
def turn(basis, U, W):  # type: ignore[no-untyped-def]
    """Set ``W`` (K−1, K) to BᵀU."""
    K, d = basis.shape
    for j in range(d):
        for k in range(K):
            W[j, k] = 0.0
            for i in range(K):
                W[j, k] += basis[i, j] * U[i, k]


@part
def one_round(basis, W, a, pi, pull, F):  # type: ignore[no-untyped-def]
    """Set ``pull`` to BᵀUπ and ``F`` to aI + BᵀU(diag π − ππᵀ)B, for W = BᵀU."""
    K, d = basis.shape
    for j in range(d):
        pull[j] = 0.0
        for i in range(K):
            pull[j] += W[j, i] * pi[i]
        for k in range(d):
            value = a if j == k else 0.0
            for i in range(k + 2):
                value += (W[j, i] - pull[j]) * pi[i] * basis[i, k]
            F[j, k] = value


@part
def _predict(F, V, H, S):  # type: ignore[no-untyped-def]
    """Set the lower triangle of ``S`` to FVFᵀ, by way of ``H``."""
    d = F.shape[0]
    for j in range(d):
        for k in range(d):
            value = 0.0
            for i in range(d):
                value += F[j, i] * V[i, k]
            H[j, k] = value
    for j in range(d):
        for k in range(j + 1):
            value = 0.0
            for i in range(d):
                value += H[j, i] * F[k, i]
            S[j, k] = value


@part
def _step(H, over, gradient):  # type: ignore[no-untyped-def]
    """Turn a gradient into Newton's step H⁻¹g, of a Cholesky factor; return its length."""
    d = len(gradient)
    square = 0.0
    for i in range(d):
        for k in range(i):
            gradient[i] -= H[i, k] * gradient[k]
        gradient[i] *= over[i]
    for i in range(d - 1, -1, -1):
        for k in range(i + 1, d):
            gradient[i] -= H[k, i] * gradient[k]
        gradient[i] *= over[i]
        square += gradient[i] * gradient[i]
    return np.sqrt(square)


@part
def _all_shares(basis, shares, counts, first, W, a, q, close, x, V, states):  # type: ignore[no-untyped-def]
    """Return the log likelihood of logs of all shares; ``states`` are left with the modes.

    ``x`` and ``V`` are the last state, in and out, and its covariance.
    """
    T, K = shares.shape
    d = K - 1
    mean, gap, seen = np.zeros(d), np.zeros(d), np.zeros(d)
    gradient, pull, inner, pi, noise = np.zeros(d), np.zeros(d), np.zeros(d), np.ones(K), np.ones(K)
    over = np.zeros(d)
    F, H, S, inverse = np.zeros((d, d)), np.zeros((d, d)), np.zeros((d, d)), np.zeros((d, d))
    total = 0.0
    policy(basis, x, pi)
    for t in range(T):
        if first[t]:
            for j in range(d):
                mean[j] = 0.0
                for k in range(d):
                    S[j, k] = SPREAD if j == k else 0.0
        else:
            one_round(basis, W, a, pi, pull, F)
            for j in range(d):
                mean[j] = a * x[j] + pull[j]
            _predict(F, V, H, S)
            for i in range(K):
                noise[i] = 1.0 / (K * pi[i] + RARE)
            _add_inside(basis, noise, 0.0, q * q, inner, S)
        size = _factor(S, over)
        _invert(S, over, inverse)
        n = counts[t]
        for j in range(d):
            x[j] = mean[j]
        _project(basis, shares[t], seen)
        value = curvature = 0.0
        settled = False
        for step in range(NEWTON_STEPS + 1):
            log_of_all = policy(basis, x, pi)
            value = -n * log_of_all
            for j in range(d):
                gap[j] = x[j] - mean[j]
                value += n * seen[j] * x[j]
                for k in range(j + 1):
                    H[j, k] = inverse[j, k]
            _add_inside(basis, pi, 1.0, n, inner, H)
            for j in range(d):
                held = 0.0
                for k in range(d):
                    held += inverse[j, k] * gap[k]
                value -= 0.5 * held * gap[j]
                gradient[j] = n * (seen[j] - inner[j]) - held
            curvature = _factor(H, over)
            if settled or step == NEWTON_STEPS:
                break
            length = _step(H, over, gradient)
            settled = length < close
            scale = min(1.0, LONGEST_STEP / max(length, TINY))
            for j in range(d):
                x[j] += scale * gradient[j]
        _invert(H, over, V)
        for j in range(d):
            states[t, j] = x[j]
        total += value - 0.5 * (size + curvature)
    return total


@part
def _one_number(seen, counts, first, a1, a2, c, q1, q2, states):  # type: ignore[no-untyped-def]
    """Return the log likelihood of a scalar log; ``states`` (T, 1) are left with its filter's."""
    T = seen.shape[0]
    x = s = 0.0
    vxx = vxs = vss = 0.0
    total = 0.0
    for t in range(T):
        if first[t]:
            x = s = 0.0
            vxx, vxs, vss = SPREAD, 0.0, SPREAD
        else:
            x, s = a1 * x + s + c, a2 * x
            pxx = a1 * a1 * vxx + 2.0 * a1 * vxs + vss + q1
            pxs = a2 * (a1 * vxx + vxs)
            vss = a2 * a2 * vxx + q2
            vxx, vxs = pxx, pxs
        width = vxx + 1.0 / counts[t]
        gap = seen[t, 0] - x
        total -= 0.5 * (np.log(2.0 * np.pi * width) + gap * gap / width)
        gx, gs = vxx / width, vxs / width
        x += gx * gap
        s += gs * gap
        vss -= gs * vxs
        vxs -= gs * vxx
        vxx -= gx * vxx
        states[t, 0] = x
    return total


@part
def _tail(u):  # type: ignore[no-untyped-def]
    square = 0.0
    for value in u:
        square += value * value
    return -0.25 * (len(u) + 1.0) * np.log1p(square / TAIL_SCALE)


@part
def log_posterior(  # type: ignore[no-untyped-def]
    model, basis, shares, counts, first, known, design, phi, close, u, U, W, x, V, states
):  # fmt: skip
    """Return log prior + log likelihood at ``phi``, −inf where either vanishes or fails."""
    D = len(phi)
    if model == SCALAR:
        a1, a2 = phi[0], phi[1]
        inner = a1 * a1 + 4.0 * a2
        radius = np.sqrt(-a2) if inner < 0.0 else 0.5 * (abs(a1) + np.sqrt(inner))
        if not (0.0 < radius <= LARGEST_RADIUS):
            return -np.inf
        for k in range(3, D):
            if not (LOG_NOISE[0] <= phi[k] <= LOG_NOISE[1]):
                return -np.inf
        prior = 2.0 * np.log(radius) - 0.5 * phi[2] * phi[2]
        if D > 5:
            for t in range(len(counts)):
                counts[t] = np.exp(-2.0 * phi[5])
        q1, q2 = np.exp(2.0 * phi[3]), np.exp(2.0 * phi[4])
        value = prior + _one_number(shares, counts, first, a1, a2, phi[2], q1, q2, states)
        return value if np.isfinite(value) else -np.inf
    a, log_q = phi[0], phi[D - 1]
    if not (MULTIPLIER[0] <= a <= MULTIPLIER[1] and LOG_NOISE[0] <= log_q <= LOG_NOISE[1]):
        return -np.inf
    prior = _interaction(model, known, design, phi, u)
    K = basis.shape[0]
    place = 0
    for i in range(K):
        for j in range(i + 1, K):
            U[i, j] = u[place]
            U[j, i] = -u[place]
            place += 1
    turn(basis, U, W)
    seen = _all_shares(basis, shares, counts, first, W, a, np.exp(log_q), close, x, V, states)
    value = prior + seen
    return value if np.isfinite(value) else -np.inf


@part
def _interaction(model, known, design, phi, u):  # type: ignore[no-untyped-def]
    """Set ``u`` to the pairs' entries of U; return the log prior of what they are made of."""
    D = len(phi)
    if model == FREE:
        for k in range(len(u)):
            u[k] = phi[1 + k]
        return _tail(u)
    strength = np.exp(phi[1])
    prior = -0.5 * ((phi[1] - LOG_BETA[0]) / LOG_BETA[1]) ** 2
    for k in range(len(u)):
        u[k] = strength * known[k]
        for c in range(D - 3):
            u[k] += design[k, c] * phi[2 + c]
    for c in range(D - 3):
        prior -= 0.5 * ((phi[2 + c] - SHIFT[0]) / SHIFT[1]) ** 2
    return prior


@kernel
def log_posteriors(  # type: ignore[no-untyped-def]
    model, basis, shares, counts, first, known, design, points, close, out, states, ends, spreads
):  # fmt: skip
    """Set ``out`` to the log posterior at each of several points.

    Parameters
    ----------
    model
        FREE, KNOWN or SCALAR.
    basis : (K, K−1)
        Helmert's (:func:`alignsim.simplex.mean_zero_basis`).
    shares : (T, K)
        The rounds of all runs, one run after another; (T, 1) for scalars.
    counts : (T,)
        The n of each round; for scalars one over the variance of the noise, overwritten where that
        is a parameter.
    first : (T,)
        Whether a run begins there.
    known : (m,)
        P − ½ of the pairs i < j, row by row.
    design : (m, K−1)
        What constants add to the entries of U.
    points : (p, D)
        Parameters: (a, u, log q); (a, log b, constants, log q); or
        (a₁, a₂, c, log q₁, log q₂[, log r]).
    close
        ROUGHLY or EXACTLY.
    out : (p,)
        Out: the log posterior, up to a constant.
    states : (T, K−1)
        Out: the filtered states at the last point.
    ends, spreads : (p, K−1), (p, K−1, K−1)
        Out: the last state and its covariance at each point, and in where the rounds go on with a
        run, which ``first`` does not begin; not for scalars.
    """
    m, K = len(known), basis.shape[0]
    u, U, W = np.zeros(m), np.zeros((K, K)), np.zeros((K - 1, K))
    for p in range(len(points)):
        out[p] = log_posterior(
            model, basis, shares, counts, first, known, design, points[p], close, u, U, W, ends[p],
            spreads[p], states
        )  # fmt: skip
