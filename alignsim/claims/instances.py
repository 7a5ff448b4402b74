"""Random instances that claims share, and the edges of their hypotheses."""

from __future__ import annotations

import numpy as np

from alignsim.claims.contract import Instances
from alignsim.feedback import FeedbackMap
from alignsim.validation import FloatArray

Rng = np.random.Generator


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


def feedback_map(x: Instances) -> FeedbackMap:
    """Return the maps of instances with the names of :func:`feedback_maps`: (n,).

    P may be any payoff matrices, so that a claim can break P + Pᵀ = 1.
    """
    names = ("beta", "alpha", "lam", "reference", "offline")
    return FeedbackMap.from_payoffs(x["P"], **{name: x[name] for name in names})


def each_start(x: Instances) -> Instances:
    """Return the instances with an axis of starts after that of the trials: (n, ...) → (n, 1, ...).

    So maps (n, 1) broadcast with starts (n, s, K).
    """
    return {name: values[:, None] for name, values in x.items()}
