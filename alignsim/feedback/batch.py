"""A batch of feedback maps: parameters and matrices, without checks and without orbits."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex
from alignsim.objectives import OBJECTIVES, Comparison, Solution
from alignsim.validation import FloatArray

START_OFFSET = 1e-2
"""How far the default start lies from the reference, along ``simplex.asymmetric_direction``."""


class MapBatch:
    """Feedback maps of any batch shape, with their round and its derivative; nothing is checked.

    Attributes
    ----------
    objective, responses, shape
        The objective's name, K, and the batch shape.
    beta, alpha, lam : (...)
        Parameters.
    reference_logits, offline_policy : (..., K)
        The fixed reference, as centred logits, and the fixed sampler.
    """

    def _assign(
        self,
        objective: str,
        arrays: dict[str, FloatArray],
        shape: tuple[int, ...],
        which: NDArray[np.intp] | None = None,
    ) -> None:
        """Set the fields; with ``which`` (n,), P is a table of which each map has one row."""
        K = arrays["P"].shape[-1]
        self.objective = objective
        self.shape = shape
        self.responses = K
        self._P = arrays["P"]
        self._which = which
        self.beta = np.broadcast_to(arrays["beta"], shape)
        self.alpha = np.broadcast_to(arrays["alpha"], shape)
        self.lam = np.broadcast_to(arrays["lam"], shape)
        self.reference_logits = np.broadcast_to(arrays["reference"], (*shape, K))
        self.offline_policy = np.broadcast_to(arrays["offline"], (*shape, K))

    @property
    def P(self) -> FloatArray:
        """The preference matrices; they broadcast to (..., K, K)."""
        if self._which is None:
            return self._P
        return self._P[0] if len(self._P) == 1 else self._P[self._which]

    @property
    def eta(self) -> FloatArray:
        """η = β/(1−α), which with λ decides the fixed points (theory 6.2): (...); inf at α = 1."""
        held = 1.0 - self.alpha
        with np.errstate(over="ignore"):
            return np.divide(self.beta, held, where=held > 0.0, out=np.full(self.shape, np.inf))

    def advance(self, logits: FloatArray) -> Solution:
        """Return the centred logits after one round with a status each; nothing is checked."""
        value, status = OBJECTIVES[self.objective].optimum(self._comparison(logits))
        return Solution(simplex.centre(value), status)

    def derivative(self, logits: FloatArray, basis: str = "logits") -> FloatArray:
        """Return the Jacobian at logits (..., K); nothing is checked, and it may overflow."""
        E = simplex.mean_zero_basis(self.responses)
        slope = simplex.covariance(simplex.softmax(logits))
        with np.errstate(over="ignore", invalid="ignore"):
            tangent = OBJECTIVES[self.objective].tangent(self._comparison(logits))
            full = self.alpha[..., None, None] * tangent.reference + (
                self.lam[..., None, None] * tangent.sampler @ slope
            )
            reduced = E.T @ full @ E
        return np.asarray(reduced if basis == "tangent" else E @ reduced @ E.T)

    @property
    def size(self) -> int:
        """The number of maps."""
        return int(np.prod(self.shape))

    def part(self, first: int, last: int) -> Self:
        """Return maps ``first`` to ``last`` (excluded) of the flattened batch, as a flat batch."""
        if len(self.shape) == 1:
            return self._chosen(slice(first, last))
        return self.take(np.arange(first, min(last, self.size)))

    def take(self, which: NDArray[np.intp]) -> Self:
        """Return the maps at positions ``which`` (n,) of the flattened batch, as a flat batch.

        Matrices are shared with this map, not copied.
        """
        return self._chosen(which, np.unravel_index(which, self.shape or (1,)))

    def _chosen(
        self,
        which: NDArray[np.intp] | slice,
        where: tuple[NDArray[np.intp], ...] | slice | None = None,
    ) -> Self:
        """Return maps ``which`` of the flat batch; ``where`` they lie, if it is not flat."""
        place = which if where is None else where
        shape = self.shape or (1,)

        def flat(values: FloatArray, *trailing: int) -> FloatArray:
            return np.broadcast_to(values, (*shape, *trailing))[place]

        matrices, index = self.matrix_table()
        chosen = index[which]
        K = self.responses
        arrays = {
            "P": matrices,
            "beta": flat(self.beta),
            "alpha": flat(self.alpha),
            "lam": flat(self.lam),
            "reference": flat(self.reference_logits, K),
            "offline": flat(self.offline_policy, K),
        }
        loop = type(self).__new__(type(self))
        loop._assign(self.objective, arrays, chosen.shape, chosen)
        return loop

    def broadcast_to(self, shape: tuple[int, ...]) -> Self:
        """Return the maps repeated to a batch shape that theirs broadcasts to."""
        if shape == self.shape:
            return self
        arrays = {
            "P": self._P,
            "beta": self.beta,
            "alpha": self.alpha,
            "lam": self.lam,
            "reference": self.reference_logits,
            "offline": self.offline_policy,
        }
        return self._copy(arrays, shape)

    def matrix_table(self) -> tuple[FloatArray, NDArray[np.intp]]:
        """Return the matrices (m, K, K) and which of them each map has, (size,)."""
        if self._which is not None:
            return self._P, self._which
        matrices = np.ascontiguousarray(self._P.reshape(-1, self.responses, self.responses))
        which = np.arange(len(matrices)).reshape(self._P.shape[:-2])
        return matrices, np.ascontiguousarray(np.broadcast_to(which, self.shape).ravel())

    def default_start_logits(self) -> FloatArray:
        """Return the reference's logits, moved by ``START_OFFSET``: (..., K)."""
        direction = simplex.asymmetric_direction(self.responses)
        return np.asarray(self.reference_logits + START_OFFSET * direction)

    def _comparison(self, logits: FloatArray) -> Comparison:
        """Return the one-shot problem of the round from ``logits``."""
        alpha, lam = self.alpha[..., None], self.lam[..., None]
        return Comparison(
            P=self.P,
            reference=alpha * logits + (1.0 - alpha) * self.reference_logits,
            beta=self.beta,
            sampler=lam * simplex.softmax(logits) + (1.0 - lam) * self.offline_policy,
        )

    def _copy(self, arrays: dict[str, FloatArray], shape: tuple[int, ...]) -> Self:
        which = self._which
        if which is not None and shape != self.shape:
            arrays, which = {**arrays, "P": self.P}, None
        loop = type(self).__new__(type(self))
        loop._assign(self.objective, arrays, shape, which)
        return loop
