"""Random instances that claims share, the edges of their hypotheses, and terms of statements."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alignsim.claims.contract import Instances
from alignsim.feedback import FeedbackMap
from alignsim.preferences import cyclic
from alignsim.validation import FloatArray

Rng = np.random.Generator
IntArray = NDArray[np.int64]


def preferences(rng: Rng, trials: int, responses: int, *, smallest: float = 0.0) -> FloatArray:
    """Return preference matrices (n, K, K) of mixed kinds with entries in [smallest, 1 − smallest].

    In turn: margins uniform in the whole range, tiny margins, margins at the range's ends, a cycle
    with noise, and a strictly transitive order with noise.
    """
    K = responses
    reach = 0.5 - smallest
    i, j = np.triu_indices(K, 1)
    upper = rng.uniform(-1.0, 1.0, (trials, len(i)))
    kind = np.arange(trials) % 5
    upper[kind == 1] *= 1e-3
    upper[kind == 2] = np.sign(upper[kind == 2])
    beats = np.where((j - i) <= (K - 1) // 2, 1.0, -1.0)
    upper[kind == 3] = beats * (0.5 + 0.5 * np.abs(upper[kind == 3]))
    upper[kind == 4] = (j - i) / K + (1.0 - (K - 1) / K) * np.abs(upper[kind == 4])
    margins = np.zeros((trials, K, K))
    margins[:, i, j] = reach * upper
    return np.asarray(0.5 + margins - np.swapaxes(margins, -1, -2))


def with_winner(rng: Rng, trials: int, responses: int, *, most: float) -> FloatArray:
    """Return preferences (n, K, K) whose first response beats each by .55 to ``most``."""
    P = preferences(rng, trials, responses, smallest=1.0 - most)
    P[:, 0, 1:] = rng.uniform(0.55, most, (trials, responses - 1))
    P[:, 1:, 0] = 1.0 - P[:, 0, 1:]
    return P


def with_equilibrium(rng: Rng, policy: FloatArray) -> FloatArray:
    """Return preferences (n, K, K), K odd, of which policies (n, K) are the Nash equilibria."""
    K = policy.shape[-1]
    drawn = rng.normal(size=(len(policy), K, K))
    unit = policy / np.linalg.norm(policy, axis=-1, keepdims=True)
    away = np.eye(K) - unit[:, :, None] * unit[:, None, :]
    skew = away @ (drawn - np.swapaxes(drawn, -1, -2)) @ away
    skew = 0.5 * (skew - np.swapaxes(skew, -1, -2))
    largest = np.abs(skew).max(axis=(-2, -1))
    size = rng.uniform(0.2, 1.0, len(policy)) * 0.49 / largest
    return np.asarray(0.5 + size[:, None, None] * skew)


def policies(rng: Rng, trials: int, responses: int, *, smallest: float = 0.0) -> FloatArray:
    """Return policies (n, K): in turn Dirichlet(1), nearly uniform, and concentrated ones."""
    K = responses
    drawn = rng.dirichlet(np.ones(K), trials)
    kind = np.arange(trials) % 3
    drawn[kind == 1] = (1.0 + 0.01 * (drawn[kind == 1] - 1.0 / K)) / K
    drawn[kind == 2] = rng.dirichlet(np.full(K, 0.2), (kind == 2).sum())
    drawn = np.maximum(drawn, max(smallest, 1e-12))
    return np.asarray(drawn / drawn.sum(axis=-1, keepdims=True))


def log_uniform(rng: Rng, trials: int, low: float, high: float) -> FloatArray:
    """Return numbers (n,) whose logarithm is uniform; the first two are the ends."""
    values = np.exp(rng.uniform(np.log(low), np.log(high), trials))
    values[:2] = (low, high)[:trials]
    return values


def shares(rng: Rng, trials: int, *, high: float = 1.0) -> FloatArray:
    """Return numbers (n,) uniform in [0, high]; the first two are the ends."""
    values = rng.uniform(0.0, high, trials)
    values[:2] = (0.0, high)[:trials]
    return values


def far_logits(
    rng: Rng, trials: int, responses: int, starts: int, *, reach: float = 30.0
) -> FloatArray:
    """Return logits (n, starts, K) of every size up to ±``reach``; a tenth lie at that size."""
    size = reach * rng.uniform(0.0, 1.0, (trials, starts, 1)) ** 2
    size[rng.uniform(size=size.shape) < 0.1] = reach
    return np.asarray(size * rng.uniform(-1.0, 1.0, (trials, starts, responses)))


def feedback_maps(
    rng: Rng, trials: int, responses: int, *, largest_beta: float = 30.0
) -> Instances:
    """Return P, β, α in [0, 1), λ, reference and offline sampler of n maps of MRS-IPO."""
    return {
        "P": preferences(rng, trials, responses),
        "beta": log_uniform(rng, trials, 0.1, largest_beta),
        "alpha": shares(rng, trials, high=0.95),
        "lam": shares(rng, trials)[::-1],
        "reference": policies(rng, trials, responses, smallest=1e-4),
        "offline": policies(rng, trials, responses)[::-1],
    }


def feedback_map(
    x: Instances, objective: str = "ipo", **changes: FloatArray | float
) -> FeedbackMap:
    """Return the maps (n,) of the fields of a map among ``x`` and ``changes``; β may stand as η.

    P may be any payoff matrices of MRS-IPO, so that a claim can break P + Pᵀ = 1.
    """
    given = {**x, **changes}
    if "beta" not in given:
        given["beta"] = given["eta"] * (1.0 - given.get("alpha", 0.0))
    names = ("beta", "alpha", "lam", "reference", "offline")
    parts: dict[str, Any] = {name: given[name] for name in names if name in given}
    if objective == "ipo":
        return FeedbackMap.from_payoffs(given["P"], **parts)
    return FeedbackMap(given["P"], objective=objective, **parts)


def three_cycle(x: Instances, kappa: FloatArray | float, objective: str = "ipo") -> FeedbackMap:
    """Return the three-cycles of margin a with multipliers α ± iκ at the uniform policy: (n,).

    κ is aβλ/√3 of MRS-IPO and four times that of MRS-DPO.
    """
    slope = 1.0 if objective == "ipo" else 4.0
    strength = slope * x["advantage"] * x.get("lam", 1.0)
    P = cyclic(3, advantage=x["advantage"])
    return feedback_map(x, objective, P=P, beta=np.sqrt(3.0) * kappa / strength)


def curl(P: FloatArray) -> FloatArray:
    """Return P_12 + P_23 + P_31 − 3/2 of three responses: (n,)."""
    return np.asarray(P[:, 0, 1] + P[:, 1, 2] + P[:, 2, 0] - 1.5)


def against_first(x: Instances) -> FloatArray:
    """Return the sampler λe_1 + (1 − λ)π_off, which a collapsed policy has in the end: (n, K)."""
    first = np.eye(x["P"].shape[-1])[0]
    return np.asarray(x["lam"][:, None] * first + (1.0 - x["lam"])[:, None] * x["offline"])


def each_start(x: Instances) -> Instances:
    """Return the instances with an axis of starts after that of the trials: (n, ...) → (n, 1, ...).

    So maps (n, 1) broadcast with starts (n, s, K).
    """
    return {name: values[:, None] for name, values in x.items()}


def orders(rng: Rng, trials: int, responses: int) -> IntArray:
    """Return orders of the responses (n, K), drawn at random; the first leaves them as they are."""
    drawn = rng.permuted(np.tile(np.arange(responses), (trials, 1)), axis=-1)
    drawn[0] = np.arange(responses)
    return drawn


def relabelled(P: FloatArray, order: IntArray) -> FloatArray:
    """Return one matrix (K, K) with its responses in the orders (n, K): (n, K, K).

    What a map does does not depend on the order of its responses.
    """
    return np.asarray(P[order[:, :, None], order[:, None, :]])


def gaps(values: FloatArray) -> FloatArray:
    """Return v_i − v_j: (..., K) → (..., K, K)."""
    return np.asarray(values[..., :, None] - values[..., None, :])


def row_gaps(P: FloatArray) -> FloatArray:
    """Return P_ik − P_jk: (n, K, K) → (n, K, K, K), axes i, j, k."""
    return np.asarray(P[:, :, None, :] - P[:, None, :, :])


def product(matrices: FloatArray, vectors: FloatArray) -> FloatArray:
    """Return Av of every trial, such as the scores Pμ: (n, m, K), (n, K) → (n, m)."""
    return np.asarray((matrices @ vectors[..., None])[..., 0])


def laplacian(weights: FloatArray) -> FloatArray:
    """Return diag(w1) − w: (n, K, K) → (n, K, K)."""
    degree = weights.sum(axis=-1)
    return np.asarray(degree[:, :, None] * np.eye(weights.shape[-1]) - weights)
