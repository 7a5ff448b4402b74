"""The random walk that samples the posterior of a log's filter."""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part
from alignsim.kernels.log_filter import ROUGHLY, log_posterior

FREEDOM = 8.0
"""Degrees of freedom of the walk's stand-in for the posterior, whose tails must not be lighter."""


@part
def _log_stand_in(centre, root, point):  # type: ignore[no-untyped-def]
    """Return the log density of Student's t about ``centre``, up to a constant; 0 if root is 0."""
    square = 0.0
    for i in range(len(point)):
        value = 0.0
        for j in range(i + 1):
            value += root[i, j] * (point[j] - centre[j])
        square += value * value
    return -0.5 * (FREEDOM + len(point)) * np.log1p(square / FREEDOM)


@kernel
def walk(  # type: ignore[no-untyped-def]
    model, basis, shares, counts, first, known, design, here, height, centre, root, moves, chances,
    chain, states
):  # fmt: skip
    """Go on with a random walk of Metropolis; return how many moves were accepted.

    A move must first be accepted for a stand-in of the posterior, which is quickly computed, and
    then for what the posterior differs from it (Christen and Fox, 2005, Markov chain Monte Carlo
    using an approximation, J. Comput. Graph. Stat. 14). The draws are the posterior's whatever the
    stand-in; a good one spares most filters of moves that are rejected.

    Parameters
    ----------
    model, basis, shares, counts, first, known, design, states
        As for :func:`log_posteriors`.
    here : (D,)
        Where the walk stands; overwritten by where it ends.
    height : (1,)
        The log posterior there; overwritten.
    centre : (D,)
        Of the stand-in, Student's t.
    root : (D, D)
        The inverse of a lower triangular factor of its scale; zeros for no stand-in.
    moves : (s, D)
        The proposed moves.
    chances : (s, 2)
        Logarithms of uniform numbers.
    chain : (s, D)
        Out: where it stood after each move.
    """
    m, K, D = len(known), basis.shape[0], len(here)
    u, U, W, there = np.zeros(m), np.zeros((K, K)), np.zeros((K - 1, K)), np.zeros(D)
    x, V = np.zeros(K - 1), np.zeros((K - 1, K - 1))
    stand_in = _log_stand_in(centre, root, here)
    accepted = 0
    for s in range(len(moves)):
        for k in range(D):
            there[k] = here[k] + moves[s, k]
        told = _log_stand_in(centre, root, there)
        if chances[s, 0] < told - stand_in:
            value = log_posterior(
                model, basis, shares, counts, first, known, design, there, ROUGHLY, u, U, W, x, V,
                states
            )  # fmt: skip
            if chances[s, 1] < (value - height[0]) - (told - stand_in):
                height[0], stand_in = value, told
                accepted += 1
                for k in range(D):
                    here[k] = there[k]
        for k in range(D):
            chain[s, k] = here[k]
    return accepted
