"""Votes of one pair whose log-odds are normal around a difference of strengths.

The likelihood of θ is exp(yθ − n log(1 + e^θ)), its prior a mixture of two normals around δ with
spreads τ (narrow) and a wider one, the slab.
"""

from __future__ import annotations

import math

import numpy as np

from alignsim.kernels.compile import kernel, part

NODES = 11
"""Points of the Gauss-Hermite rule."""

MODE_TOLERANCE = 1e-10
"""Last step of Newton's method towards a mode."""

MOST_STEPS = 100
"""A bisection alone would need fewer."""

CELLS = 24
REACH = 5.0
"""θ is drawn from a piecewise linear density on that many cells, over its mode ± 5 sd."""


@kernel
def integrals(wins, votes, delta, tau, slab, logs, rule, found):  # type: ignore[no-untyped-def]
    """Compute L(δ) = log ∫ Lik(θ) prior(θ; δ) dθ and its first two derivatives.

    Parameters
    ----------
    wins, votes, delta : (n,)
        y, n and δ.
    tau, slab
        Spreads of the two parts of the prior; 0 is a point.
    logs : (2,)
        Logarithms of their shares; −inf for a part that is absent.
    rule : (2, 11)
        Nodes and log weights (times e^{x²}) of the Gauss-Hermite rule.
    found : (n, 3)
        Out: L, L′, L″ ≤ 0.
    """
    for p in range(wins.shape[0]):
        y, n, d = wins[p], votes[p], delta[p]
        value, slope, bend = _part(y, n, d, tau, rule)
        if slab > tau and logs[1] > -np.inf:
            other, tilt, curve = _part(y, n, d, slab, rule)
            share = 1.0 / (1.0 + math.exp(min(logs[1] + other - logs[0] - value, 700.0)))
            rest = 1.0 - share
            gap = slope - tilt
            top = max(logs[0] + value, logs[1] + other)
            value = top + math.log(
                math.exp(logs[0] + value - top) + math.exp(logs[1] + other - top)
            )
            bend = share * bend + rest * curve + share * rest * gap * gap
            slope = share * slope + rest * tilt
        found[p, 0] = value
        found[p, 1] = slope
        found[p, 2] = min(bend, 0.0)


@kernel
def draws(wins, votes, delta, tau, slab, logs, rule, uniform, found):  # type: ignore[no-untyped-def]
    """Draw θ from its posterior, given δ.

    Parameters
    ----------
    wins, votes : (m,)
        y and n of each pair.
    delta : (D, m)
        δ of each draw and pair.
    tau, slab : (D,)
        Spreads of the parts.
    logs, rule
        As for :func:`integrals`.
    uniform : (2, D, m)
        Numbers in [0, 1) that choose the part and the quantile.
    found : (D, m)
        Out: θ.
    """
    density = np.empty(CELLS + 1)
    for d in range(delta.shape[0]):
        for p in range(delta.shape[1]):
            y, n, middle = wins[p], votes[p], delta[d, p]
            spread = tau[d]
            if slab[d] > tau[d] and logs[1] > -np.inf:
                own = logs[0] + _part(y, n, middle, tau[d], rule)[0]
                other = logs[1] + _part(y, n, middle, slab[d], rule)[0]
                if uniform[0, d, p] * (1.0 + math.exp(min(own - other, 700.0))) < 1.0:
                    spread = slab[d]
            found[d, p] = _draw(y, n, middle, spread, uniform[1, d, p], density)


@part
def _part(y, n, d, tau, rule):  # type: ignore[no-untyped-def]
    """Return L, L′ and L″ of one part of the prior."""
    if n == 0.0:
        return 0.0, 0.0, 0.0
    if tau == 0.0:
        chance = _sigmoid(d)
        return y * d - n * _softplus(d), y - n * chance, -n * chance * (1.0 - chance)
    precision = 1.0 / (tau * tau)
    mode = _mode(y, n, d, precision)
    chance = _sigmoid(mode)
    width = math.sqrt(2.0 / (n * chance * (1.0 - chance) + precision))
    centre = precision * (mode - d)  # ℓ′ at the mode
    best = y * mode - n * _softplus(mode) - 0.5 * precision * (mode - d) ** 2
    total, first, second, inner = 0.0, 0.0, 0.0, 0.0
    for k in range(rule.shape[1]):
        theta = mode + width * rule[0, k]
        chance = _sigmoid(theta)
        log = y * theta - n * _softplus(theta) - 0.5 * precision * (theta - d) ** 2
        weight = math.exp(log - best + rule[1, k])
        pull = y - n * chance - centre
        total += weight
        first += weight * pull
        second += weight * pull * pull
        inner += weight * n * chance * (1.0 - chance)
    first /= total
    value = best + math.log(total * width / (tau * math.sqrt(2.0 * math.pi)))
    return value, centre + first, second / total - first * first - inner / total


@part
def _mode(y, n, d, precision):  # type: ignore[no-untyped-def]
    """Return the mode of θ: safeguarded Newton within the bracket that its equation gives."""
    low = d + (y - n) / precision
    high = d + y / precision
    guess = (y + 0.5) / (n + 1.0)
    weight = n * guess * (1.0 - guess)
    theta = (weight * math.log(guess / (1.0 - guess)) + precision * d) / (weight + precision)
    for _ in range(MOST_STEPS):
        if not low <= theta <= high:
            theta = 0.5 * (low + high)
        chance = _sigmoid(theta)
        slope = y - n * chance - precision * (theta - d)
        if slope > 0.0:
            low = theta
        else:
            high = theta
        step = slope / (n * chance * (1.0 - chance) + precision)
        theta += step
        if abs(step) < MODE_TOLERANCE:
            break
    return theta


@part
def _draw(y, n, d, tau, quantile, density):  # type: ignore[no-untyped-def]
    """Return a quantile of the posterior of θ under one part."""
    if tau == 0.0:
        return d
    precision = 1.0 / (tau * tau)
    mode = _mode(y, n, d, precision)
    chance = _sigmoid(mode)
    sd = 1.0 / math.sqrt(n * chance * (1.0 - chance) + precision)
    best = y * mode - n * _softplus(mode) - 0.5 * precision * (mode - d) ** 2
    step = 2.0 * REACH * sd / CELLS
    total = 0.0
    for k in range(CELLS + 1):
        theta = mode - REACH * sd + k * step
        density[k] = math.exp(
            y * theta - n * _softplus(theta) - 0.5 * precision * (theta - d) ** 2 - best
        )
        if k > 0:
            total += 0.5 * (density[k - 1] + density[k])
    left = quantile * total
    for k in range(CELLS):
        mass = 0.5 * (density[k] + density[k + 1])
        if left <= mass or k == CELLS - 1:
            rise = density[k + 1] - density[k]
            root = math.sqrt(max(density[k] * density[k] + 2.0 * rise * left, 0.0))
            share = 2.0 * left / (density[k] + root) if left > 0.0 else 0.0
            return mode - REACH * sd + (k + min(share, 1.0)) * step
        left -= mass
    return mode


@part
def _sigmoid(x):  # type: ignore[no-untyped-def]
    tail = math.exp(-abs(x))
    return (1.0 if x >= 0.0 else tail) / (1.0 + tail)


@part
def _softplus(x):  # type: ignore[no-untyped-def]
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))
