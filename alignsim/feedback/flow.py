"""The flow that gradient descent follows for small rates, by Dormand and Prince's eighth order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import DOP853

from alignsim.kernels.status import NOT_FINITE, OK, STIFF
from alignsim.validation import FloatArray

TOLERANCE = 1e-12
"""Of one step: its error beside 1 + the largest logit."""

REACH = 0.25
"""A step times how fast the velocity changes, at most: an estimated error may vanish by chance."""

ROUNDING = 1e-10
"""Moves, beside 1 + the largest logit, from which no change of the velocity is read."""

MOST_STEPS = 2_000
"""Steps, taken or refused, between two frames; a flow that needs more is stiff."""

SAFETY, LEAST, MOST = 0.9, 0.2, 8.0
"""How much of the step that the error allows is taken, and by how much a step may change."""

Velocity = Callable[[FloatArray, NDArray[np.intp]], FloatArray]
"""From logits (m, K) and which instances of the batch they are to velocities (m, K)."""


class Flow:
    """Logits (n, K) carried along a velocity; every instance has steps of its own."""

    def __init__(self, velocity: Velocity, times: FloatArray) -> None:
        self.velocity = velocity
        self.times = times
        self.steps = times.copy()

    def advance(self, logits: FloatArray, status: NDArray[np.int8]) -> FloatArray:
        """Return the logits one of the ``times`` (n,) later; what fails gets a status and NaN."""
        moved = logits.copy()
        left = np.where(status == OK, self.times, 0.0)
        for _ in range(MOST_STEPS):
            live = np.flatnonzero(left > 0.0)
            if not len(live):
                return moved
            length = np.minimum(self.steps[live], left[live])
            after, error = self._try(moved[live], live, length)
            with np.errstate(divide="ignore"):
                factor = np.clip(SAFETY * error ** (-1.0 / 8.0), LEAST, MOST)
            lost = ~np.isfinite(error)
            taken = error <= 1.0
            moved[live[taken]] = after[taken]
            last = length >= left[live]
            left[live] -= np.where(taken, length, 0.0)
            left[live[taken & last]] = 0.0
            grown = np.where(
                taken & last, np.maximum(self.steps[live], length * factor), length * factor
            )
            self.steps[live] = np.where(lost, LEAST * length, grown)
            gone = lost & (length < 1e-12 * self.times[live])
            status[live[gone]] = NOT_FINITE
            moved[live[gone]] = np.nan
            left[live[gone]] = 0.0
        stiff = left > 0.0
        status[stiff] = STIFF
        moved[stiff] = np.nan
        return moved

    def _try(
        self, logits: FloatArray, live: NDArray[np.intp], length: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return where a step of these lengths leads, and its error beside what is tolerated."""
        h = length[:, None]
        slopes = np.empty((DOP853.n_stages + 1, *logits.shape))
        size = 1.0 + np.abs(logits).max(axis=-1)
        change = np.zeros(len(live))
        for s in range(DOP853.n_stages + 1):
            weights = DOP853.A[s, :s] if s < DOP853.n_stages else DOP853.B
            path = h * np.tensordot(weights, slopes[:s], axes=1) if s else np.zeros(logits.shape)
            slopes[s] = self.velocity(logits + path, live)
            bent = np.linalg.norm(slopes[s] - slopes[0], axis=-1)
            away = np.linalg.norm(path, axis=-1)
            change = np.maximum(change, bent / np.where(away <= ROUNDING * size, np.inf, away))
        after = logits + path
        scale = TOLERANCE * np.maximum(size, 1.0 + np.abs(after).max(axis=-1))
        fifth = np.linalg.norm(np.tensordot(DOP853.E5, slopes, axes=1), axis=-1) / scale
        third = np.linalg.norm(np.tensordot(DOP853.E3, slopes, axes=1), axis=-1) / scale
        both = np.maximum(np.hypot(fifth, 0.1 * third), 1e-300)
        error = length * fifth * (fifth / both) / np.sqrt(logits.shape[-1])
        return after, np.maximum(error, (length * change / REACH) ** 8)
