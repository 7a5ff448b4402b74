"""The search for all zeros of T(z) − z: Newton's method from many starts, until none seems left.

It ends when the number of roots that were hit once or twice says that none is left (Chao's
estimator) and the signs of det(I − T') add up to 1, or when a budget is spent.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex
from alignsim.analysis.equilibria.fixed_point import TOLERANCE, newton
from alignsim.feedback import FeedbackMap
from alignsim.validation import FloatArray

SAME = 1e-7
"""Points whose logits differ by a span below this times 1 + max|z| are one."""

ERROR_FACTOR = 10.0
"""Or by this times the estimated error of a root."""

FARTHEST_SAME = 1e-3
"""But not above this times 1 + max|z|."""

NEWTON_STEPS = 60

STEP_CAP = 20.0
"""Largest change of a logit in a step: roots of strong games lie far from every start."""

VERTEX_MARGIN = 4.0
"""A start near a vertex has logit log K + 4 there and 0 elsewhere."""

SCALES = (0.5, 2.0, 5.0)
"""Standard deviations of the logits of random starts, in turn."""

FIRST_RANDOM = 12
"""Random starts of the first round of a search."""

STARTS_PER_ROOT = 20
"""Starts for every root found, before a search may end."""

UNSEEN = 0.5
"""Estimated number of roots not seen below which a search may end."""

INDEX_BUDGET = 1024
"""Starts within which a search goes on until the signs of det(I − T') add up to 1."""

BUDGET = 20_000
"""Largest number of starts a map, up to ``BUDGET_RESPONSES``; then less, as K⁻³."""

BUDGET_RESPONSES = 10

SMALLEST_BUDGET = 64

MOST_ROOTS = 2048
"""Roots after which a search ends."""

CHUNK = 2**22
"""Entries of all Jacobians that are held at a time."""


class Roots:
    """The roots of T(z) − z seen so far, and how often.

    Attributes
    ----------
    logits : (n, F, K)
        NaN where a map has fewer.
    hits : (n, F)
        Starts that led there.
    reach : (n, F)
        How far a computed point may lie from a root and still be it.
    index : (n, F)
        Sign of det(I − T').
    starts : (n,)
        Starts used.
    """

    def __init__(self, anchored: FeedbackMap) -> None:
        n, K = anchored.size, anchored.width
        self.anchored = anchored
        self.logits = np.empty((n, 0, K))
        self.hits = np.empty((n, 0), dtype=np.int64)
        self.reach = np.empty((n, 0))
        self.index = np.empty((n, 0), dtype=np.int64)
        self.starts = np.zeros(n, dtype=np.int64)

    @property
    def count(self) -> NDArray[np.int64]:
        """The number of roots, (n,)."""
        return np.asarray((self.hits > 0).sum(axis=-1))

    @property
    def unseen(self) -> FloatArray:
        """Chao's estimate of the number of roots not seen, (n,)."""
        once, twice = ((self.hits == k).sum(axis=-1).astype(np.float64) for k in (1, 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            classic = once * once / (2.0 * twice)
        return np.where(twice > 0, classic, 0.5 * once * np.maximum(once - 1.0, 0.0))

    def add(self, active: NDArray[np.intp], points: FloatArray) -> None:
        """Count where ``points`` (m, S, K) of the maps ``active`` (m,) lie; NaN counts as a start.

        A point that is none of the roots known becomes one.
        """
        self.starts[active] += points.shape[1]
        left = np.asarray(np.isfinite(points).all(axis=-1))
        for f in range(MOST_ROOTS):
            pending = np.flatnonzero(left.any(axis=-1))
            if not len(pending):
                break
            if f == self.hits.shape[1]:
                self._widen()
            rows = active[pending]
            vacant = np.flatnonzero(self.hits[rows, f] == 0)
            chosen = pending[vacant]
            self._set(rows[vacant], f, points[chosen, left[chosen].argmax(axis=-1)])
            gap = np.ptp(points[pending] - self.logits[rows, f][:, None], axis=-1)
            same = left[pending] & (gap <= self.reach[rows, f][:, None])
            self.hits[rows, f] += same.sum(axis=-1)
            left[pending] &= ~same

    def _widen(self) -> None:
        self.logits = np.pad(self.logits, ((0, 0), (0, 1), (0, 0)), constant_values=np.nan)
        one = ((0, 0), (0, 1))
        self.hits = np.pad(self.hits, one)
        self.reach = np.pad(self.reach, one)
        self.index = np.pad(self.index, one)

    def _set(self, rows: NDArray[np.intp], place: int, roots: FloatArray) -> None:
        """Enter new roots (m, K).

        Near a degenerate root Newton's method ends at some distance from it: about the residual,
        or the rounding of T, times ‖(I − T')⁻¹‖.
        """
        if not len(rows):
            return
        here = self.anchored.take(rows)
        scale = 1.0 + np.abs(roots).max(axis=-1)
        residual = np.abs(here.advance(roots).value - roots).max(axis=-1)
        gap = slope(here, roots)
        least = np.linalg.svd(gap, compute_uv=False)[:, -1]
        with np.errstate(divide="ignore", over="ignore"):
            error = ERROR_FACTOR * (residual + np.finfo(np.float64).eps * scale) / least
        self.logits[rows, place] = roots
        self.index[rows, place] = np.linalg.slogdet(gap).sign
        self.reach[rows, place] = np.clip(error, SAME * scale, FARTHEST_SAME * scale)


def search(anchored: FeedbackMap, begin: FloatArray, source: np.random.Generator) -> Roots:
    """Return the roots reached from ``begin`` (n, S, K), from landmarks and from random logits.

    Every map sees the same random starts in the same rounds, whatever the others need.
    """
    n, K = anchored.size, anchored.responses
    budget = int(np.clip(BUDGET * (BUDGET_RESPONSES / K) ** 3, SMALLEST_BUDGET, BUDGET))
    landmarks = np.concatenate([_landmarks(K)[:budget], _random_logits(FIRST_RANDOM, K, source)])
    block = np.concatenate([begin, np.broadcast_to(landmarks, (n, *landmarks.shape))], axis=1)
    block = _begun(anchored, block)
    roots = Roots(anchored)
    active = np.arange(n)
    used = 0
    while True:
        roots.add(active, _newton_from_all(anchored.take(active), block))
        used += block.shape[1]
        enough = (roots.unseen < UNSEEN) & (used >= STARTS_PER_ROOT * roots.count)
        enough &= (roots.index.sum(axis=-1) == 1) | (used >= INDEX_BUDGET)
        active = active[~(enough | (roots.count >= MOST_ROOTS))[active]]
        if not len(active) or used >= budget:
            return roots
        fresh = _random_logits(min(used, budget - used), K, source)
        block = np.broadcast_to(fresh, (len(active), *fresh.shape))
        block = _begun(anchored.take(active), block)


def _begun(maps: FeedbackMap, logits: FloatArray) -> FloatArray:
    """Return the states (n, S, D·K) that begin at logits (n, S, K)."""
    n, S, K = logits.shape
    if maps.scheme.size == 1:
        return logits
    each = maps.take(np.repeat(np.arange(n), S))
    return each.begin(logits.reshape(-1, K)).reshape(n, S, maps.width)


def _landmarks(K: int) -> FloatArray:
    """Return logits near the vertices, opposite to them, and near the midpoints of edges."""
    vertices = (np.log(K) + VERTEX_MARGIN) * np.eye(K)
    first, second = np.triu_indices(K, 1)
    edges = vertices[first] + vertices[second]
    return simplex.centre(np.concatenate([vertices, -vertices, edges]))


def _random_logits(size: int, K: int, source: np.random.Generator) -> FloatArray:
    scales = np.resize(SCALES, size)[:, None]
    return simplex.centre(scales * source.standard_normal((size, K)))


def _newton_from_all(anchored: FeedbackMap, starts: FloatArray) -> FloatArray:
    """Return the roots that Newton's method reaches: starts (n, S, D·K) → (n, S, D·K)."""
    n, S, K = starts.shape
    which = np.repeat(np.arange(n), S)
    begin = starts.reshape(-1, K)
    roots = np.empty_like(begin)
    stride = max(1, CHUNK // K**2)
    for first in range(0, len(begin), stride):
        part = slice(first, first + stride)
        roots[part] = _newton(anchored.take(which[part]), begin[part])
    return roots.reshape(n, S, K)


def _newton(anchored: FeedbackMap, start: FloatArray) -> FloatArray:
    """Return the zeros of T(z) − z reached from ``start`` (n, K), NaN where none was reached."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        result = newton(anchored, start, NEWTON_STEPS, STEP_CAP)
        reached = result.residual <= TOLERANCE * (1.0 + np.abs(result.point).max(axis=-1))
    return np.where(reached[:, None], result.point, np.nan)


def slope(anchored: FeedbackMap, roots: FloatArray) -> FloatArray:
    """Return I − T' at roots (n, D·K), in the tangent basis: (n, D(K−1), D(K−1))."""
    derivative = anchored.derivative(roots, "tangent")
    return np.asarray(np.eye(derivative.shape[-1]) - derivative)
