"""A batch of feedback maps: parameters and matrices, without checks and without orbits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex
from alignsim.batching import Batched
from alignsim.objectives import Comparison, Objective, ProductPairs, ScoreObjective, Solution
from alignsim.objectives.facts import Fact, OfMatrices
from alignsim.validation import FloatArray

START_OFFSET = 1e-2
"""How far the default start lies from the reference, along ``simplex.asymmetric_direction``."""


@dataclass(frozen=True, eq=False, repr=False)
class MapBatch(Batched):
    """Feedback maps of any batch shape, with their round and its derivative; nothing is checked.

    Attributes
    ----------
    objective
        What a round optimises.
    matrices : (m, K, K)
        A table of preference matrices.
    which : (...)
        The matrix of each map.
    beta, alpha, lam : (...)
        Parameters.
    reference_logits, offline_policy : (..., K)
        The fixed reference, as centred logits, and the fixed sampler.
    """

    AXES: ClassVar = {"matrices": None, "reference_logits": 1, "offline_policy": 1}

    objective: Objective
    matrices: FloatArray
    which: NDArray[np.intp]
    beta: FloatArray
    alpha: FloatArray
    lam: FloatArray
    reference_logits: FloatArray
    offline_policy: FloatArray

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the batch."""
        return self.which.shape

    @property
    def size(self) -> int:
        """The number of maps."""
        return self.which.size

    @property
    def responses(self) -> int:
        """K."""
        return int(self.matrices.shape[-1])

    @property
    def P(self) -> FloatArray:
        """The preference matrices; they broadcast to (..., K, K)."""
        return self.matrices[0] if len(self.matrices) == 1 else self.matrices[self.which]

    @property
    def eta(self) -> FloatArray:
        """η = β/(1−α), which with λ decides the fixed points (theory 6.2): (...); inf at α = 1."""
        held = 1.0 - self.alpha
        with np.errstate(over="ignore"):
            return np.divide(self.beta, held, where=held > 0.0, out=np.full(self.shape, np.inf))

    # What is known

    @property
    def linear(self) -> bool:
        """Whether the score is proved to be (P − ½)μ."""
        return self.objective.facts.linear is not None

    @property
    def has_score(self) -> bool:
        """Whether a round is ref + β·v(μ): then η and λ decide the fixed points."""
        return isinstance(self.objective, ScoreObjective)

    def of_matrices(self, question: Callable[[FloatArray], NDArray[Any]]) -> NDArray[Any]:
        """Return what is asked of the matrix of each map, asked once a matrix: (..., *answer)."""
        answer = np.asarray(question(self.matrices))
        return (
            answer[self.which]
            if len(answer) > 1
            else np.broadcast_to(answer[0], (*self.shape, *answer.shape[1:]))
        )

    def holds(self, least_lam: Fact[OfMatrices] | None) -> NDArray[np.bool_]:
        """Return where a fact holds that is proved from a least λ on, (...)."""
        if least_lam is None:
            return np.zeros(self.shape, dtype=np.bool_)
        return np.asarray(self.lam >= self.of_matrices(least_lam.value))

    def matrix_table(self) -> tuple[FloatArray, NDArray[np.intp]]:
        """Return the matrices (m, K, K) and which of them each map has, (size,), for kernels."""
        return self.matrices, np.array(self.which).ravel()

    # A round

    def advance(self, logits: FloatArray) -> Solution:
        """Return the centred logits after one round with a status each; nothing is checked."""
        value, status = self.objective.optimum(self.comparison(logits))
        return Solution(simplex.centre(value), status)

    def derivative(self, logits: FloatArray, basis: str = "logits") -> FloatArray:
        """Return the Jacobian at logits (..., K); nothing is checked, and it may overflow."""
        return self.linearise(logits, basis)[1]

    def linearise(self, logits: FloatArray, basis: str = "logits") -> tuple[Solution, FloatArray]:
        """Return :meth:`advance` and :meth:`derivative`, from one solve."""
        E = simplex.mean_zero_basis(self.responses)
        slope = simplex.covariance(simplex.softmax(logits))
        with np.errstate(over="ignore", invalid="ignore"):
            (value, status), tangent = self.objective.linearise(self.comparison(logits))
            full = self.alpha[..., None, None] * tangent.reference + (
                self.lam[..., None, None] * tangent.pairs @ slope
            )
            if tangent.start is not None:
                full = full + tangent.start
            reduced = E.T @ full @ E
        moved = Solution(simplex.centre(value), status)
        return moved, np.asarray(reduced if basis == "tangent" else E @ reduced @ E.T)

    def comparison(self, logits: FloatArray) -> Comparison:
        """Return the one-shot problem of the round from ``logits`` (..., K)."""
        alpha, lam = self.alpha[..., None], self.lam[..., None]
        sampler = lam * simplex.softmax(logits) + (1.0 - lam) * self.offline_policy
        return Comparison(
            P=self.P,
            reference_logits=alpha * logits + (1.0 - alpha) * self.reference_logits,
            beta=self.beta,
            pairs=ProductPairs(sampler),
            start_logits=logits,
        )

    def default_start_logits(self) -> FloatArray:
        """Return the reference's logits, moved by ``START_OFFSET``: (..., K)."""
        direction = simplex.asymmetric_direction(self.responses)
        return np.asarray(self.reference_logits + START_OFFSET * direction)

    # Other batches

    def part(self, first: int, last: int) -> Self:
        """Return maps ``first`` to ``last`` (excluded) of the flattened batch, as a flat batch."""
        if len(self.shape) == 1:
            return self.taken(slice(first, last))._compact()
        return self.take(np.arange(first, min(last, self.size)))

    def take(self, which: NDArray[np.intp]) -> Self:
        """Return the maps at positions ``which`` (n,) of the flattened batch, as a flat batch."""
        if not self.shape:
            return self.repeated((1,)).taken(which)
        return self.taken(np.unravel_index(which, self.shape))._compact()

    def broadcast_to(self, shape: tuple[int, ...]) -> Self:
        """Return the maps repeated to a batch shape that theirs broadcasts to."""
        return self if shape == self.shape else self.repeated(shape)

    def with_parameters(self, **values: FloatArray) -> Self:
        """Return the maps with other parameters, broadcast with them; nothing is checked."""
        shape = np.broadcast_shapes(self.shape, *(value.shape for value in values.values()))
        spread = {name: np.broadcast_to(value, shape) for name, value in values.items()}
        return self.broadcast_to(shape)._with(**spread)

    def _compact(self) -> Self:
        """Return the flat maps with a table that is no longer than they are many."""
        if self.size >= len(self.matrices):
            return self
        return self._with(matrices=self.matrices[self.which], which=np.arange(self.size))

    def __eq__(self, other: object) -> bool:
        """Whether all fields are equal, to the bit."""
        if type(other) is not type(self):
            return NotImplemented
        return self.objective == other.objective and all(
            np.array_equal(one, two)
            for one, two in zip(self._values(), other._values(), strict=True)
        )

    def __hash__(self) -> int:
        return hash((self.objective, *(value.tobytes() for value in self._values())))

    def _values(self) -> list[NDArray[Any]]:
        """Return the arrays that tell maps apart, the matrix of each map in place of the table."""
        kept = [getattr(self, entry.name) for entry in fields(self)[3:]]
        return [np.broadcast_to(self.P, (*self.shape, *self.matrices.shape[1:])), *kept]
