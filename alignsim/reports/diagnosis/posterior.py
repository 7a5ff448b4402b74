"""The posterior of a log's model: its mode by L-BFGS-B, its draws by an adaptive random walk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim.validation import FloatArray

WARM_UP, STEPS, KEPT_EVERY = 1500, 4500, 6
"""Steps of the walk that adapt it, those that are kept, and every which of them is."""

BLOCK = 100
"""Steps after which the walk adapts."""

MOST_ROUNDS_AT_ONCE = 100_000
"""Rounds times steps of one call of the kernel: well below a second."""

KNOWN_FROM = 600
"""Steps after which the walk has seen enough of the posterior to learn its spread."""

WORTH = 50
"""Of one parameter: how many steps of the walk know as much as the curvature at the mode."""

BENT, WIDEST = 0.1, 4.0
"""Steps of the numerical curvature, and the widest spread that is taken from it, in guesses."""

ACCEPTED = 0.25
"""The share of moves that should be accepted."""

DIFFERENCE = 1e-5
"""Step of numerical gradients. The mode is then half of it off, which the walk does not notice."""

IMPROVED, SEARCHED = 0.01, 60
"""A search of the mode ends when a step gains less, or after a number of steps."""

IMPOSSIBLE = 1e12
"""What a search hears where the posterior vanishes."""

JITTER = 1e-6
"""Least variance of a move along any parameter, relative to 1."""


class Ends(NamedTuple):
    """The last states (p, K−1) of a filter at p points, and their covariances."""

    states: FloatArray
    spreads: FloatArray

    def copied(self) -> Ends:
        """Return copies, from which a filter may go on."""
        return Ends(self.states.copy(), self.spreads.copy())


@dataclass(frozen=True)
class Model:
    """What a kernel of the filter takes: the rounds of all runs and the form of the parameters.

    Attributes
    ----------
    code : int
        ``FREE``, ``KNOWN`` or ``SCALAR`` of the kernel.
    basis : (K, K−1)
        Of the states.
    shares : (T, K)
        The rounds of all runs, one run after another.
    counts : (T,)
        How many samples each was counted from.
    first : (T,)
        Whether a run begins there.
    known : (m,)
        P − ½ of the pairs where P is known.
    design : (m, K−1)
        What constants add to U.
    """

    code: int
    basis: FloatArray
    shares: FloatArray
    counts: FloatArray
    first: NDArray[np.bool_]
    known: FloatArray
    design: FloatArray

    @property
    def arrays(self) -> tuple[object, ...]:
        """The leading arguments of the kernels."""
        return (
            self.code,
            self.basis,
            self.shares,
            self.counts,
            self.first,
            self.known,
            self.design,
        )

    def states(self) -> FloatArray:
        """Return room for the filtered states, (T, K−1)."""
        return np.empty((len(self.shares), self.basis.shape[1]))

    def ends(self, points: int) -> Ends:
        """Return room for the last states at some points."""
        d = self.basis.shape[1]
        return Ends(np.zeros((points, d)), np.zeros((points, d, d)))

    def heights(
        self, points: FloatArray, *, rough: bool = False, ends: Ends | None = None
    ) -> FloatArray:
        """Return the log posterior at points (p, D): (p,).

        ``ends`` are left with the last states; from them go on rounds that begin no run.
        """
        from alignsim.kernels import log_filter

        out, states = np.empty(len(points)), self.states()
        lasts = self.ends(len(points)) if ends is None else ends
        close = log_filter.ROUGHLY if rough else log_filter.EXACTLY
        size = max(1, MOST_ROUNDS_AT_ONCE // max(1, len(self.shares)))
        for begin in range(0, len(points), size):
            part = slice(begin, begin + size)
            some = np.ascontiguousarray(points[part])
            left = (lasts.states[part], lasts.spreads[part])
            log_filter.log_posteriors(*self.arrays, some, close, out[part], states, *left)
        return out

    def filtered(self, point: FloatArray) -> FloatArray:
        """Return the filtered states at a point (D,): (T, K−1)."""
        from alignsim.kernels import log_filter

        states, close = self.states(), log_filter.EXACTLY
        some, out = point[None].copy(), np.empty(1)
        log_filter.log_posteriors(*self.arrays, some, close, out, states, *self.ends(1))
        return states

    def slope(self, point: FloatArray, bounds: FloatArray) -> tuple[float, FloatArray]:
        """Return the log posterior at a point (D,), and its numerical gradient there."""
        moves = np.where(point + DIFFERENCE > bounds[:, 1], -DIFFERENCE, DIFFERENCE)
        values = self.heights(point + np.concatenate([np.zeros((1, len(point))), np.diag(moves)]))
        if not np.isfinite(values[0]):
            return -np.inf, np.zeros(len(point))
        slope = (values[1:] - values[0]) / moves
        return float(values[0]), np.where(np.isfinite(slope), slope, 0.0)


def mode(model: Model, starts: list[FloatArray], bounds: FloatArray) -> FloatArray:
    """Return about where the log posterior is highest, of several searches: (D,)."""
    from scipy.optimize import minimize

    def depth(point: FloatArray) -> tuple[float, FloatArray]:
        height, slope = model.slope(point, bounds)
        return min(-height, IMPOSSIBLE), -slope

    best, least = starts[0], np.inf
    for start in starts:
        inside = np.clip(start, bounds[:, 0], bounds[:, 1])
        gain = IMPROVED / max(1.0, abs(float(model.heights(inside[None])[0])))
        options = {"ftol": gain, "maxiter": SEARCHED}
        found = minimize(depth, inside, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        if found.fun < least:
            best, least = found.x, found.fun
    return np.clip(best, bounds[:, 0], bounds[:, 1])


def around(point: FloatArray, steps: FloatArray) -> FloatArray:
    """Return a point (D,) and those of which :func:`bend` takes second derivatives: (p, D).

    They are moved along the first s coordinates, by ``steps`` (s,).
    """
    D, s = len(point), len(steps)
    i, j = np.triu_indices(s, 1)
    moves = np.zeros((s, D))
    moves[:, :s] = np.diag(steps)
    offsets = np.concatenate([np.zeros((1, D)), moves, -moves, moves[i] + moves[j]])
    return np.asarray(point + offsets)


def bend(heights: FloatArray, steps: FloatArray) -> FloatArray:
    """Return the second derivatives (s, s) of heights at the points :func:`around` one."""
    s = len(steps)
    i, j = np.triu_indices(s, 1)
    centre, up, down, both = np.split(heights, np.cumsum([1, s, s]))
    bent = np.diag(up + down - 2.0 * centre)
    bent[i, j] = bent[j, i] = both - up[i] - up[j] + centre
    return np.asarray(bent / np.outer(steps, steps))


def _laplace(model: Model, top: FloatArray, scales: FloatArray, bounds: FloatArray) -> FloatArray:
    """Return a covariance (D, D) from the curvature at the mode: at most ``WIDEST`` scales wide."""
    steps = BENT * scales
    inside = np.clip(top, bounds[:, 0] + steps, bounds[:, 1] - steps)
    bent = bend(model.heights(around(inside, steps)), steps) * np.outer(scales, scales)
    if not np.isfinite(bent).all():
        return np.diag(scales**2)
    values, vectors = np.linalg.eigh(-bent)
    root = scales[:, None] * vectors / np.sqrt(np.maximum(values, WIDEST**-2.0))
    return np.asarray(root @ root.T)


def draws(
    model: Model,
    start: FloatArray,
    scales: FloatArray,
    bounds: FloatArray,
    rng: np.random.Generator,
    told: Callable[[int], None] = lambda _: None,
) -> FloatArray:
    """Return draws (n, D) of the posterior by a walk from its mode ``start`` (D,).

    ``scales`` are guesses of the standard deviations; ``told`` hears of the steps that are done.
    """
    from alignsim.kernels import log_walk

    D = len(start)
    here, height = start.copy(), model.heights(start[None], rough=True)
    guess = _laplace(model, start, scales, bounds)
    factor, reach, centre = np.linalg.cholesky(guess), 2.4 / np.sqrt(D), start
    root = np.linalg.inv(factor)
    states, history = model.states(), np.empty((WARM_UP + STEPS, D))
    size = max(1, min(BLOCK, MOST_ROUNDS_AT_ONCE // len(model.shares)))
    block = seen = accepted = 0
    for begin in range(0, WARM_UP + STEPS, size):
        end = min(begin + size, WARM_UP + STEPS)
        moves = reach * rng.standard_normal((end - begin, D)) @ factor.T
        chances = np.log(rng.random((end - begin, 2)))
        chain = history[begin:end]
        accepted += log_walk.walk(
            *model.arrays, here, height, centre, root, moves, chances, chain, states
        )
        seen += end - begin
        told(end - begin)
        if end <= WARM_UP and seen >= BLOCK:
            block += 1
            reach *= np.exp(min(1.0, 3.0 / np.sqrt(block)) * (accepted / seen - ACCEPTED) * 2.0)
            seen = accepted = 0
            if end >= KNOWN_FROM:
                last = history[end // 3 : end]
                factor = _spread(last, guess)
                centre, root = last.mean(axis=0), np.linalg.inv(factor)
    return history[WARM_UP + KEPT_EVERY - 1 :: KEPT_EVERY].copy()


def _spread(history: FloatArray, guess: FloatArray) -> FloatArray:
    """Return a factor of the covariance of what the walk has seen, drawn to a guess (D, D)."""
    weight = WORTH * len(guess) / (len(history) + WORTH * len(guess))
    drawn = _covariance(history) * (1.0 - weight) + weight * guess
    return np.asarray(np.linalg.cholesky(drawn + JITTER * np.diag(np.diag(drawn) + 1e-12)))


def _covariance(history: FloatArray) -> FloatArray:
    """Return the covariance of rows (n, D): of a few at a time, or else BLAS wakes its threads.

    To wake them takes a hundred times as long as the product of 2,000 rows of 17.
    """
    moved = history - history.mean(axis=0)
    parts = (moved[begin : begin + BLOCK] for begin in range(0, len(moved), BLOCK))
    return np.asarray(sum(part.T @ part for part in parts) / (len(moved) - 1))
