"""Cases whose answer is a formula, the section of theory.md beside each."""

import numpy as np


def additive(rewards):
    """P_ij = ½ + r_i − r_j: then the IPO optimum is ∝ ref·e^(βr) whatever is sampled (2.3)."""
    return 0.5 + rewards[:, None] - rewards[None, :]


def bradley_terry(rewards):
    """P_ij = σ(r_i − r_j): then the DPO optimum is ∝ ref·e^(βr) whatever is sampled (3.1, 3.4)."""
    return 1.0 / (1.0 + np.exp(rewards[None, :] - rewards[:, None]))


def tilted(reference, exponent):
    """The policy ∝ ref·e^exponent."""
    weights = reference * np.exp(exponent)
    return weights / weights.sum()


def two_samplers(P, first, second, beta):
    """u = b + s2·c with first·u = 0, for y ~ first and y' ~ second, drawn apart (2.2)."""
    M = P - 0.5
    both = first + second
    b = beta * (first * (M @ second) + second * (M @ first)) / both
    c = first / both
    return b + (second @ b) / (1.0 - second @ c) * c


def vertex_score(P, c):
    """v_i − v_c = logit P_ic, where only response c is sampled (3.6)."""
    return np.log(P[:, c]) - np.log(P[c, :])
