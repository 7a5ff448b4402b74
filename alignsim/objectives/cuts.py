"""Whether a loss with labels beyond [0, 1], or with a push away from a policy, has a minimum.

Along θ + t·1_S the loss rises in the end as t·F(S), and in any other direction as a sum of such
terms over nested sets. With C_ij = W_ij P̃_ij of labels P̃, and a push c away from a policy p::

    F(S) = Σ_{i∈S, j∉S} C_ij − c·p(S)

The loss is coercive if and only if F > 0 on every proper subset.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignsim.validation import FloatArray

BoolArray = NDArray[np.bool_]

LISTED = 12
"""The most responses whose subsets are tried one by one; above, linear programs find the least."""

ROUNDING = 1e-14  # of the sizes that F is a difference of

BLOCK = 2**22


def least_cut(
    won: FloatArray, push: FloatArray, support: BoolArray
) -> tuple[FloatArray, BoolArray]:
    """Return the least F over the subsets that part the support, (n,), and that subset (n, K).

    F stands beside the size of its terms: it is −1 to 1, and above ``ROUNDING`` where it is surely
    positive; infinite where no subset parts the support.

    Parameters
    ----------
    won : (n, K, K)
        C.
    push : (n, K)
        c·p.
    support : (n, K)
        Subsets that hold all or nothing of it do not count.
    """
    n, K = push.shape
    if K > LISTED:
        return _by_programs(won, push, support)
    subsets = (np.arange(1, 2**K - 1)[:, None] >> np.arange(K)) & 1 == 1
    least, which = np.full(n, np.inf), np.zeros((n, K), dtype=np.bool_)
    block = max(1, BLOCK // (len(subsets) * K))
    inside = subsets.astype(np.float64)
    for first in range(0, n, block):
        own = slice(first, first + block)
        pushed = push[own] @ inside.T
        value = _across(inside, won[own]) - pushed
        size = _across(inside, np.abs(won[own])) + pushed
        held = support[own].astype(np.float64) @ inside.T
        parts = (held > 0.5) & (held < support[own].sum(axis=-1)[:, None] - 0.5)
        ratio = np.where(parts, value / np.where(size > 0.0, size, 1.0), np.inf)
        best = ratio.argmin(axis=-1)
        least[own] = np.take_along_axis(ratio, best[:, None], axis=-1)[:, 0]
        which[own] = subsets[best]
    return least, which


def _across(inside: FloatArray, terms: FloatArray) -> FloatArray:
    """Return Σ_{i∈S, j∉S} terms_ij for subsets (s, K): (n, s)."""
    return np.asarray(((inside @ terms) * (1.0 - inside)).sum(axis=-1))


def _by_programs(
    won: FloatArray, push: FloatArray, support: BoolArray
) -> tuple[FloatArray, BoolArray]:
    """Return the same by linear programs: min Σ C_ij max(0, x_i − x_j) − c·p·x, 0 ≤ x ≤ 1.

    One response of the support has x = 1 and another x = 0. C_ij + C_ji ≥ 0, so that F is
    submodular and a vertex is a subset. Where each C_ij is above c·p_i none is needed.
    """
    n, K = push.shape
    least, which = np.full(n, np.inf), np.zeros((n, K), dtype=np.bool_)
    others = np.where(np.eye(K, dtype=np.bool_), np.inf, won).min(axis=-1)
    clear = support.all(axis=-1) & (others > push).all(axis=-1)
    for place in np.flatnonzero(~clear):
        least[place], which[place] = _least_vertex(won[place], push[place], support[place])
    return least, which


def _least_vertex(won: FloatArray, push: FloatArray, support: BoolArray) -> tuple[float, BoolArray]:
    from scipy.optimize import linprog
    from scipy.sparse import coo_array, hstack, vstack

    K = len(push)
    joined = won + won.T
    i, j = np.nonzero(np.triu(joined, 1))
    m = len(i)
    ends = coo_array(
        (np.repeat([1.0, -1.0], m), (np.tile(np.arange(m), 2), np.concatenate([i, j]))), (m, K)
    )
    gaps = coo_array((-np.ones(m), (np.arange(m), np.arange(m))), (m, m))
    limits = vstack([hstack([ends, gaps]), hstack([-ends, gaps])]).tocsr()
    lean = 0.5 * (won - won.T).sum(axis=-1) - push
    cost = np.concatenate([lean, 0.5 * joined[i, j]])
    held = np.flatnonzero(support)
    least, which = np.inf, np.zeros(K, dtype=np.bool_)
    for other in held[1:]:
        for one, zero in ((held[0], other), (other, held[0])):
            bounds = np.tile([0.0, 1.0], (K + m, 1))
            bounds[one], bounds[zero, 1] = 1.0, 0.0
            bounds[K:, 1] = np.inf
            found = linprog(cost, A_ub=limits, b_ub=np.zeros(2 * m), bounds=bounds)
            subset = found.x[:K] > 0.5
            terms, pushed = won[np.ix_(subset, ~subset)], push[subset].sum()
            ratio = (terms.sum() - pushed) / max(np.abs(terms).sum() + pushed, 1e-300)
            if ratio < least:
                least, which = float(ratio), subset
    return least, which
