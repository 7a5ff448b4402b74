"""Slow, obvious twins of the kernels, the number of the equation in theory.md beside each.

One map at a time, in long doubles (64 bits of mantissa on x86), everything stored, nothing shared
with the package.
"""

from typing import NamedTuple

import numpy as np
import pytest

Wide = np.longdouble

needs_extended = pytest.mark.skipif(
    np.finfo(Wide).eps > 1e-18, reason="long double is no wider than double on this machine"
)


class Map(NamedTuple):
    """One feedback map: reference in logits, offline sampler as a policy (6.1, 7)."""

    objective: str
    P: np.ndarray
    alpha: float
    beta: float
    lam: float
    reference: np.ndarray
    offline: np.ndarray


# Policies


def centre(z):
    z = np.asarray(z, dtype=Wide)
    return z - z.sum() / len(z)


def softmax(z):
    z = np.asarray(z, dtype=Wide)
    weights = np.exp(z - max(z))
    return weights / weights.sum()


def surprise(z, i):
    """log 1/π_i = log Σ_j e^(z_j − z_i), the largest term taken out."""
    z = np.asarray(z, dtype=Wide)
    top = int(np.argmax(z)) if z[i] < max(z) else i
    rest = sum((np.exp(z[j] - z[top]) for j in range(len(z)) if j != top), Wide(0))
    return (z[top] - z[i]) + np.log1p(rest)


def entropy(z):
    """H = Σ_i π_i log 1/π_i."""
    policy = softmax(z)
    return sum(policy[i] * surprise(z, i) for i in range(len(z)))


def kl(z, reference):
    """KL = Σ_i π_i (log 1/ref_i − log 1/π_i)."""
    policy = softmax(z)
    return sum(policy[i] * (surprise(reference, i) - surprise(z, i)) for i in range(len(z)))


# One-shot scores


def ipo_score(P, mu):
    """v = Pμ (2.1)."""
    P, mu = np.asarray(P, dtype=Wide), np.asarray(mu, dtype=Wide)
    return np.array([sum(P[i] * mu) for i in range(len(mu))])


def laplacian_score(P, w):
    """L_w v = (w∘M)1 with mean v = 0 (2.2), w symmetric with zero diagonal."""
    P, w = np.asarray(P, dtype=Wide), np.asarray(w, dtype=Wide)
    K = len(P)
    laplacian = np.diag(w.sum(axis=1)) - w
    laplacian[0] = 1  # one equation is the sum of the others: mean v = 0 instead
    pull = np.array([sum(w[i] * (P[i] - Wide(0.5))) for i in range(K)])
    pull[0] = 0
    return solve(laplacian, pull)


def win(x):
    """σ(x)."""
    x = np.asarray(x, dtype=Wide)
    small = np.exp(-abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def dpo_rows(P, rows, v):
    """f_i = Σ_j rows_ij g_ij and its derivative (3.6); g = S − P, on the side with P ≤ ½."""
    P, rows, v = (np.asarray(a, dtype=Wide) for a in (P, rows, v))
    K = len(v)
    f, A = np.zeros(K, dtype=Wide), np.zeros((K, K), dtype=Wide)
    for i in range(K):
        S, T = win(v[i] - v), win(v - v[i])
        f[i] = sum(rows[i] * np.where(P[i] <= 0.5, S - P[i], P[:, i] - T))
        A[i] = -rows[i] * S * T
        A[i, i] = sum(rows[i] * S * T) - rows[i, i] * S[i] * T[i]
    return f, A


def dpo_correction(P, rows, v):
    """The Newton step at v, mean zero: how far v is from the score, to second order."""
    f, A = dpo_rows(P, rows, v)
    anchor = int(np.argmax(np.asarray(rows).sum(axis=0)))
    others = [i for i in range(len(f)) if i != anchor]
    step = np.zeros(len(f), dtype=Wide)
    step[others] = solve(A[np.ix_(others, others)], -f[others])
    return centre(step)


def dpo_score(P, mu):
    """S(v)μ = Pμ (3.2) by damped Newton from 0 (3.6), mean v = 0."""
    return pair_score(P, np.broadcast_to(mu, np.shape(P)))


def pair_score(P, w):
    """Σ_j w_ij (σ(v_i − v_j) − P_ij) = 0 (3.2), mean v = 0."""
    w = np.asarray(w, dtype=Wide)
    rows = w / w.sum(axis=1, keepdims=True)
    v = np.zeros(len(P), dtype=Wide)
    for _ in range(1000):
        step = dpo_correction(P, rows, v)
        if max(abs(step)) <= 8 * np.finfo(Wide).eps * (1 + max(abs(v))):
            return v + step
        step = step * min(Wide(1), 4 / max(abs(step)))
        before = max(abs(dpo_rows(P, rows, v)[0]))
        for _ in range(60):
            if max(abs(dpo_rows(P, rows, v + step)[0])) <= before:
                break
            step = step / 2
        else:
            return v  # rounding is met
        v = v + step
    raise AssertionError("the naive Newton iteration did not converge")


def solve(A, b):
    """Gaussian elimination with row exchanges."""
    A, b = np.array(A, dtype=Wide), np.array(b, dtype=Wide)
    K = len(b)
    for k in range(K):
        pivot = k + int(np.argmax(abs(A[k:, k])))
        A[[k, pivot]], b[[k, pivot]] = A[[pivot, k]], b[[pivot, k]]
        for i in range(k + 1, K):
            factor = A[i, k] / A[k, k]
            A[i, k:] -= factor * A[k, k:]
            b[i] -= factor * b[k]
    x = np.zeros(K, dtype=Wide)
    for i in reversed(range(K)):
        x[i] = (b[i] - sum(A[i, i + 1 :] * x[i + 1 :])) / A[i, i]
    return x


SCORES = {"ipo": ipo_score, "dpo": dpo_score}


# Rounds


def sampler(map_, z):
    """μ = λπ + (1−λ)π_off (6.1)."""
    return map_.lam * softmax(z) + (1 - Wide(map_.lam)) * np.asarray(map_.offline, dtype=Wide)


def one_round(map_, z):
    """z' = αz + (1−α)z_ref + βv(μ), centred (6.1 for IPO, 7 for DPO)."""
    z = np.asarray(z, dtype=Wide)
    alpha = Wide(map_.alpha)
    score = SCORES[map_.objective](map_.P, sampler(map_, z))
    return centre(alpha * z + (1 - alpha) * map_.reference + Wide(map_.beta) * score)


def orbit(map_, z, rounds):
    """The states after rounds 0, 1, ..., ``rounds``: (rounds + 1, K)."""
    states = [centre(z)]
    for _ in range(rounds):
        states.append(one_round(map_, states[-1]))
    return np.array(states)


class Wiring(NamedTuple):
    """The rows R, O (s, 1+D+s) and N (D, 1+D+s) over ref, x_1 … x_D, t_1 … t_s (schemes 1)."""

    reference: np.ndarray
    opponent: np.ndarray
    update: np.ndarray


def scheme_round(map_, wiring, X):
    """X' = N·V, t_i = r_i + βv(μ(o_i)), r_i = R_i·V, o_i = O_i·V (schemes 1); X is (D, K)."""
    wiring = [np.asarray(rows, dtype=Wide) for rows in wiring]
    vocabulary = [np.asarray(map_.reference, dtype=Wide), *np.asarray(X, dtype=Wide)]

    def combined(row):
        return sum(c * v for c, v in zip(row[: len(vocabulary)], vocabulary, strict=True))

    for own, opponent in zip(*wiring[:2], strict=True):
        score = SCORES[map_.objective](map_.P, sampler(map_, combined(opponent)))
        vocabulary.append(combined(own) + Wide(map_.beta) * score)
    return np.array([centre(combined(row)) for row in wiring[2]])


def scheme_orbit(map_, wiring, X, rounds):
    """The states after rounds 0, 1, ..., ``rounds``: (rounds + 1, D, K)."""
    states = [np.array([centre(x) for x in X])]
    for _ in range(rounds):
        states.append(scheme_round(map_, wiring, states[-1]))
    return np.array(states)


def averages(states):
    """Mean policy, variance of each coordinate, mean entropy, least entropy: (2K+2,)."""
    policies = np.array([softmax(z) for z in states])
    mean = sum(policies) / len(states)
    variance = sum((policies - mean) ** 2) / len(states)
    entropies = [entropy(z) for z in states]
    return np.concatenate([mean, variance, [sum(entropies) / len(states), min(entropies)]])


# Inputs


def random_preferences(rng, K, *, p_min=0.02):
    """P with P_ij uniform on [p_min, 1 − p_min], P_ji = 1 − P_ij and ½ on the diagonal."""
    P = np.full((K, K), 0.5)
    for i in range(K):
        for j in range(i + 1, K):
            P[i, j] = rng.uniform(p_min, 1 - p_min)
            P[j, i] = 1 - P[i, j]
    return P


def extreme_preferences(rng, K, *, p_min):
    """P whose smaller entries are log-uniform on [p_min, ½], on a random side."""
    P = np.full((K, K), 0.5)
    for i in range(K):
        for j in range(i + 1, K):
            small = np.exp(rng.uniform(np.log(p_min), np.log(0.5)))
            P[i, j], P[j, i] = (small, 1 - small) if rng.random() < 0.5 else (1 - small, small)
    return P


def log_likelihood(shares, counts, a, U, q, *, steps=60):
    """The Laplace-Kalman filter of one run, its Newton steps taken until they stand still."""
    T, K = shares.shape
    B = np.linalg.svd(np.eye(K) - 1.0 / K)[0][:, : K - 1]
    total, x, V = 0.0, None, None
    for t in range(T):
        mean, S = np.zeros(K - 1), 6.0 * np.eye(K - 1)
        if t:
            p = softmax(B @ x).astype(float)
            J = np.diag(p) - np.outer(p, p)
            F = a * np.eye(K - 1) + B.T @ U @ J @ B
            mean = a * x + B.T @ U @ p
            S = F @ V @ F.T + q**2 * B.T @ np.diag(1.0 / (K * p + 0.05)) @ B
        n, precision, x = counts[t], np.linalg.inv(S), mean
        for _ in range(steps):
            p = softmax(B @ x).astype(float)
            H = precision + n * B.T @ (np.diag(p) - np.outer(p, p)) @ B
            step = np.linalg.solve(H, n * B.T @ (shares[t] - p) - precision @ (x - mean))
            x = x + step * min(1.0, 1.5 / np.linalg.norm(step))
            if np.linalg.norm(step) < 1e-11:
                break
        V = np.linalg.inv(H)
        gap = x - mean
        total += n * shares[t] @ np.log(softmax(B @ x)) - 0.5 * gap @ precision @ gap
        total -= 0.5 * (np.linalg.slogdet(S)[1] + np.linalg.slogdet(H)[1])
    return total


def scalar_log_likelihood(y, noise, a1, a2, c, q1, q2):
    """The density of a two-slot linear log as one normal vector of all its rounds."""
    T = len(y)
    A, start = np.array([[a1, 1.0], [a2, 0.0]]), 6.0 * np.eye(2)
    powers = [np.linalg.matrix_power(A, k) for k in range(T)]
    mean = np.array([sum((powers[k] @ [c, 0.0])[0] for k in range(t)) for t in range(T)])
    cov = np.empty((T, T))
    for s in range(T):
        for t in range(T):
            between = powers[s] @ start @ powers[t].T
            for k in range(1, min(s, t) + 1):
                between = between + powers[s - k] @ np.diag([q1, q2]) @ powers[t - k].T
            cov[s, t] = between[0, 0]
    cov += np.diag(noise)
    gap = y - mean
    return -0.5 * (gap @ np.linalg.solve(cov, gap) + np.linalg.slogdet(2.0 * np.pi * cov)[1])


# Training


def descent_step(objective, P, weights, theta, reference, beta, rate):
    """θ − rate·∂L/∂θ of L = Σ_{i<j} w_ij ℓ: IPO (2.2) or DPO (3.2), pair by pair."""
    P, weights = np.asarray(P, dtype=Wide), np.asarray(weights, dtype=Wide)
    moved = np.array(theta, dtype=Wide)
    u = np.asarray(theta, dtype=Wide) - np.asarray(reference, dtype=Wide)
    for i in range(len(u)):
        for j in range(len(u)):
            gap = u[i] - u[j]
            if objective == "ipo":
                pull = 2 * (beta * (P[i, j] - Wide(0.5)) - gap)
            else:
                pull = (P[i, j] - 1 / (1 + np.exp(-gap / beta))) / beta
            if i != j:
                moved[i] += rate * weights[i, j] * pull
    return moved
