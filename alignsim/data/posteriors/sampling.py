"""The evidence of many prompts for the spreads they share, by importance sampling.

Laplace's method errs by .02 to .1 nats a prompt, which adds up; a t distribution with 7 degrees of
freedom at each prompt's mode, with Sobol points, does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from alignsim.data.posteriors.pairs import SLAB, Pairs, log_shares, rule
from alignsim.data.posteriors.strengths import strengths
from alignsim.validation import FloatArray

FREEDOM = 7
"""Degrees of freedom of the proposal."""

FEW_POINTS, POINTS, MANY_PROMPTS = 128, 512, 300
"""Points of a prompt, and above how many prompts it is the larger number."""

CELLS = 96
REACH = 8.0
"""L(δ) is tabulated on that many points over 8 sd around its middle, then interpolated."""

DECREMENT = 1e-2
"""A proposal need not sit on the mode more exactly."""

AT_ONCE = 20_000_000
"""Terms of the likelihood that one call of the kernel computes, some tenths of a second."""


class Weighted(NamedTuple):
    """Points of each prompt: r = centre + root·z (B, S), with log weights (B, S)."""

    centre: FloatArray
    root: FloatArray
    points: FloatArray
    log_weight: FloatArray

    @property
    def log_evidence(self) -> FloatArray:
        """Of each prompt, (B,)."""
        from scipy.special import logsumexp

        return np.asarray(logsumexp(self.log_weight, axis=1) - np.log(len(self.points)))

    def pick(self, uniform: FloatArray) -> FloatArray:
        """Return the strengths (B, K) at a point of each prompt, drawn by its weight."""
        weight = np.exp(self.log_weight - self.log_weight.max(axis=1, keepdims=True))
        ladder = np.cumsum(weight, axis=1)
        place = (ladder < (uniform * ladder[:, -1])[:, None]).sum(axis=1)
        z = self.points[np.minimum(place, len(self.points) - 1)]
        return np.asarray(self.centre + (self.root @ z[..., None])[..., 0])


class Sampler:
    """Importance sampling of the strengths of some stacks of prompts."""

    def __init__(self, stacks: list[Pairs]) -> None:
        self.stacks = stacks
        count = sum(len(pairs.votes) for pairs in stacks)
        self.size = FEW_POINTS if count <= MANY_PROMPTS else POINTS
        cast = [np.stack([p.wins.ravel(), p.votes.ravel()], axis=1) for p in stacks]
        self.kinds, code = np.unique(np.concatenate(cast), axis=0, return_inverse=True)
        code = np.where(self.kinds[code.reshape(-1), 1] > 0, code.reshape(-1), -1)
        ends = np.cumsum([p.votes.size for p in stacks])[:-1]
        self.kind = [
            part.reshape(pairs.votes.shape)
            for pairs, part in zip(stacks, np.split(code, ends), strict=True)
        ]
        self.points = {
            pairs.responses: _student(pairs.responses - 1, self.size) for pairs in stacks
        }

    def evidence(self, taus: FloatArray, scales: FloatArray) -> FloatArray:
        """Return the log evidence of all prompts together, (T, S)."""
        return np.array(
            [
                [sum(part.log_evidence.sum() for part in node) for node in self.along(tau, scales)]
                for tau in taus.tolist()
            ]
        )

    def along(self, tau: float, scales: FloatArray) -> Iterator[list[Weighted]]:
        """Yield, for each s, the weighted points of each stack."""
        table = self._table(tau)
        starts: list[FloatArray | None] = [None] * len(self.stacks)
        for scale in scales.tolist():
            node = []
            for n, pairs in enumerate(self.stacks):
                start = starts[n]
                at = strengths(
                    pairs, tau, np.full(len(pairs.votes), scale), 0.0,
                    start=start, decrement=DECREMENT,
                )  # fmt: skip
                starts[n] = at.mode
                node.append(self._weighted(n, at.mode, at.hessian, scale, table))
            yield node

    def _weighted(
        self, n: int, mode: FloatArray, hessian: FloatArray, scale: float, table: _Table
    ) -> Weighted:
        from alignsim.kernels import prompt_votes as kernels

        pairs, kind = self.stacks[n], self.kind[n]
        K, B = pairs.responses, len(pairs.votes)
        points, log_density = self.points[K]
        basis = _contrasts(K)
        lower = np.linalg.cholesky(basis.T @ hessian @ basis)
        root = basis @ np.swapaxes(np.linalg.inv(lower), -1, -2)
        log = np.empty((B, len(points)))
        centre = mode - mode.mean(axis=1, keepdims=True)
        step = max(AT_ONCE // (len(points) * len(pairs.i)), 1)
        for first in range(0, B, step):
            part = slice(first, first + step)
            kernels.weigh(
                kind[part], table.values, table.low, table.step, pairs.i, pairs.j, centre[part],
                root[part], points, scale**-2, log[part],
            )  # fmt: skip
        log_root = -np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
        log_prior = -(K - 1) * (np.log(scale) + 0.5 * np.log(2.0 * np.pi))
        return Weighted(centre, root, points, log + log_prior + log_root[:, None] - log_density)

    def _table(self, tau: float) -> _Table:
        """Return L and L′ of every kind of pair that occurs."""
        from alignsim.kernels import votes as kernels

        wins, votes = self.kinds.T
        share = (wins + 0.5) / (votes + 1.0)
        middle = np.log(share / (1.0 - share))
        sd = np.sqrt(1.0 / ((votes + 1.0) * share * (1.0 - share)) + tau**2)
        low, step = middle - REACH * sd, 2.0 * REACH * sd / (CELLS - 1)
        delta = low[:, None] + step[:, None] * np.arange(CELLS)
        found = np.empty((delta.size, 3))
        y, n = np.repeat(wins, CELLS), np.repeat(votes, CELLS)
        kernels.integrals(y, n, delta.ravel(), tau, max(tau, SLAB), log_shares(0.0), rule(), found)
        return _Table(np.ascontiguousarray(found[:, :2]).reshape(-1, CELLS, 2), low, step)


class _Table(NamedTuple):
    values: FloatArray
    low: FloatArray
    step: FloatArray


def divided(stacks: list[Pairs], by: float) -> list[Pairs]:
    """Return stacks with wins and votes divided by a number."""
    return [replace(pairs, wins=pairs.wins / by, votes=pairs.votes / by) for pairs in stacks]


def _student(d: int, count: int) -> tuple[FloatArray, FloatArray]:
    """Return points of a t distribution in d dimensions (S, d), and its log density there (S,)."""
    from scipy.special import gammaln
    from scipy.stats import chi2, norm, qmc

    uniform = qmc.Sobol(d + 1, scramble=True, rng=np.random.default_rng(0)).random(count)
    uniform = np.clip(uniform, 1e-12, 1.0 - 1e-12)
    normal = norm.ppf(uniform[:, :d])
    z = normal * np.sqrt(FREEDOM / chi2.ppf(uniform[:, d:], FREEDOM))
    constant = gammaln(0.5 * (FREEDOM + d)) - gammaln(0.5 * FREEDOM)
    constant -= 0.5 * d * np.log(FREEDOM * np.pi)
    log_density = constant - 0.5 * (FREEDOM + d) * np.log1p((z**2).sum(axis=1) / FREEDOM)
    return np.ascontiguousarray(z), log_density


def _contrasts(K: int) -> FloatArray:
    """Return an orthonormal basis of the vectors that add up to 0: (K, K − 1)."""
    basis = np.zeros((K, K - 1))
    for k in range(1, K):
        basis[:k, k - 1] = 1.0 / np.sqrt(k * (k + 1.0))
        basis[k, k - 1] = -k / np.sqrt(k * (k + 1.0))
    return basis
