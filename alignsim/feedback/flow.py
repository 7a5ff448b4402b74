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

MOST_STEPS = 1_000
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
        slopes = np.empty((DOP853.n_stages, *logits.shape))
        for s in range(DOP853.n_stages):
            path = np.tensordot(DOP853.A[s, :s], slopes[:s], axes=1) if s else 0.0
            slopes[s] = self.velocity(logits + h * path, live)
        after = logits + h * np.tensordot(DOP853.B, slopes, axes=1)
        ends = np.concatenate([slopes, self.velocity(after, live)[None]])
        scale = TOLERANCE * (1.0 + np.maximum(np.abs(logits), np.abs(after)).max(axis=-1))
        fifth = (np.tensordot(DOP853.E5, ends, axes=1) ** 2).sum(axis=-1) / scale**2
        third = (np.tensordot(DOP853.E3, ends, axes=1) ** 2).sum(axis=-1) / scale**2
        size = np.sqrt((fifth + 0.01 * third) * logits.shape[-1])
        return after, np.where(fifth > 0.0, length * fifth / np.maximum(size, 1e-300), fifth)
