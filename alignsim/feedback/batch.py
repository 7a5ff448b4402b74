"""A batch of feedback maps: parameters and matrices, without checks and without orbits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex
from alignsim.batching import Batched
from alignsim.feedback.methods.mrs import MRS
from alignsim.feedback.methods.scheme import Scheme
from alignsim.kernels.status import NO_OPTIMUM, OK
from alignsim.objectives import (
    Comparison,
    Fact,
    Facts,
    Objective,
    ScoreObjective,
    Solution,
    WeightedPairs,
)
from alignsim.objectives.facts import OfMatrices
from alignsim.objectives.samplers import Product, Sampler, Stage
from alignsim.objectives.score_expansion import ScoreExpansion
from alignsim.validation import FloatArray

START_OFFSET = 1e-2
"""How far the default start lies from the reference, along ``simplex.asymmetric_direction``."""


Solve = Callable[[int, Comparison], Solution]
"""From a stage and its problem to the optimum."""


class _StageSlopes(NamedTuple):
    """Derivatives of an optimum by the logits of reference, opponent and start, (..., K, K)."""

    reference: FloatArray
    opponent: FloatArray
    start: FloatArray | None


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
    beta, lam : (...)
        Strength of the preference signal, and share of the opponent in the sampler.
    reference_logits, offline_policy : (..., K)
        The fixed reference, as centred logits, and the fixed sampler.
    scheme
        How a round is wired. Its state has D slots; flat, it is (..., D·K), the policy first.
    sampler
        Which pairs a stage compares.
    """

    AXES: ClassVar = {"matrices": None, "reference_logits": 1, "offline_policy": 1}

    objective: Objective
    matrices: FloatArray
    which: NDArray[np.intp]
    beta: FloatArray
    lam: FloatArray
    reference_logits: FloatArray
    offline_policy: FloatArray
    scheme: Scheme
    sampler: Sampler

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
    def width(self) -> int:
        """D·K, the length of a state."""
        return self.scheme.size * self.responses

    @property
    def mixes_references(self) -> bool:
        """Whether the rounds are those of MRS, with all that is proved for them alone."""
        return self.scheme.method == MRS

    @property
    def alpha(self) -> FloatArray:
        """Weight of the policy in the reference of MRS, (...); other schemes have none."""
        if not self.mixes_references:
            raise AttributeError(
                f"the loop's scheme is {self.scheme.name!r}, not 'mrs', so it has no alpha of "
                "MRS; its own parameters are in scheme.parameters"
            )
        return self.scheme.values[..., 0]

    @property
    def eta(self) -> FloatArray:
        """η, which with λ decides the fixed points of a loop with an anchor: (...).

        For MRS β/(1−α) (theory 6.2); in general β times the gain of the scheme's
        ``Rest``. Infinite without an anchor.
        """
        if not self.mixes_references:
            return np.nan_to_num(self.beta * self.scheme.rest().gain, nan=np.inf, posinf=np.inf)
        held = 1.0 - self.alpha
        with np.errstate(over="ignore"):
            return np.divide(self.beta, held, where=held > 0.0, out=np.full(self.shape, np.inf))

    @property
    def parameters(self) -> dict[str, FloatArray]:
        """All parameters by name, (...) each: of method, objective and sampler, β and λ."""
        own = {**self.scheme.parameters, **self.objective.values, **self.sampler.values}
        return {"beta": self.beta, **own, "lam": self.lam}

    # What is known

    @property
    def samples_alike(self) -> bool:
        """Whether both responses of a pair are drawn from μ = λπ + (1−λ)π_off, as theory has it."""
        return isinstance(self.sampler, Product)

    @property
    def facts(self) -> Facts:
        """What is proved for the rounds: of the objective, and nothing for other samplers."""
        return self.objective.facts if self.samples_alike else Facts()

    @property
    def expansion(self) -> type[ScoreExpansion] | None:
        """The round's score as a Taylor series, None where it has none."""
        return self.objective.expansion if self.samples_alike else None

    @property
    def linear(self) -> bool:
        """Whether the score is proved to be (P − ½)μ."""
        return self.facts.linear is not None

    @property
    def has_score(self) -> bool:
        """Whether a round is ref + β·v(μ): then η and λ decide the fixed points."""
        return isinstance(self.objective, ScoreObjective) and self.samples_alike

    def of_matrices(self, question: Callable[[FloatArray], NDArray[Any]]) -> NDArray[Any]:
        """Return what is asked of the matrix of each map, once a matrix: ``(..., *answer)``."""
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

    def advance(self, state: FloatArray, solve: Solve | None = None) -> Solution:
        """Return the centred state (..., D·K) after one round; nothing is checked.

        ``solve`` gives the optimum of a stage, by default exactly. The status is that of the first
        stage that failed.
        """
        vocabulary, status = self._stages(state, solve or self._solve)
        slots = [simplex.centre(row.of(vocabulary)) for row in self.scheme.wired().updates]
        return Solution(slots[0] if len(slots) == 1 else np.concatenate(slots, axis=-1), status)

    def derivative(self, state: FloatArray, basis: str = "logits") -> FloatArray:
        """Return the Jacobian at states (..., D·K); nothing is checked, and it may overflow."""
        return self.linearise(state, basis)[1]

    def linearise(self, state: FloatArray, basis: str = "logits") -> tuple[Solution, FloatArray]:
        """Return :meth:`advance` and :meth:`derivative`, from one solve a stage."""
        if self.mixes_references:
            return self._linearise_mrs(state, basis)
        K = self.responses
        E = simplex.mean_zero_basis(K)
        D = self.scheme.size
        identity = np.zeros((D, K - 1, D * (K - 1)))
        for d in range(D):
            identity[d, :, d * (K - 1) : (d + 1) * (K - 1)] = np.eye(K - 1)
        known: list[Any] = [None, *identity]  # the derivatives of the vocabulary by the state

        def solve(stage: int, x: Comparison) -> Solution:
            solution, by = self._linearised(x)
            by_opponent = by.opponent if by.start is None else by.opponent + by.start
            moved: Any = 0.0
            for full, row in (
                (by.reference, wiring.references[stage]),
                (by_opponent, wiring.opponents[stage]),
            ):
                inner = row.of(known, axes=2)
                if inner is not None:
                    moved = moved + E.T @ full @ E @ inner
            known.append(moved)
            return solution

        wiring = self.scheme.wired()
        with np.errstate(over="ignore", invalid="ignore"):
            vocabulary, status = self._stages(state, solve)
            rows = [row.of(known, axes=2) for row in wiring.updates]
            shape = (*status.shape, K - 1, D * (K - 1))
            reduced = np.concatenate(
                [np.broadcast_to(0.0 if row is None else row, shape) for row in rows], axis=-2
            )
        slots = [simplex.centre(row.of(vocabulary)) for row in wiring.updates]
        moved = Solution(np.concatenate(slots, axis=-1), status)
        if basis == "tangent":
            return moved, reduced
        whole = self.basis
        return moved, whole @ reduced @ whole.T

    def _linearise_mrs(self, logits: FloatArray, basis: str) -> tuple[Solution, FloatArray]:
        E = simplex.mean_zero_basis(self.responses)
        with np.errstate(over="ignore", invalid="ignore"):
            (value, status), by = self._linearised(self.comparison(logits))
            full = self.alpha[..., None, None] * by.reference + by.opponent
            if by.start is not None:
                full = full + by.start
            reduced = E.T @ full @ E
        moved = Solution(simplex.centre(value), status)
        return moved, np.asarray(reduced if basis == "tangent" else E @ reduced @ E.T)

    def _linearised(self, x: Comparison) -> tuple[Solution, _StageSlopes]:
        """Return the optimum of a stage, and its derivatives."""
        solution, tangent = self.objective.linearise(x)
        opponent, drawn = self.sampler.chained(tangent, self._stage(x), x.pairs)
        reference = tangent.reference if drawn is None else tangent.reference + drawn
        if opponent is None:
            opponent = np.zeros(tangent.reference.shape)
        return self._judged(x, solution), _StageSlopes(reference, opponent, tangent.start)

    @property
    def basis(self) -> FloatArray:
        """The mean-zero basis of a flat state, (D·K, D·(K−1))."""
        return _basis(self.scheme.size, self.responses)

    def _stages(self, state: FloatArray, solve: Solve) -> tuple[list[FloatArray], NDArray[np.int8]]:
        """Return the vocabulary of the round from ``state``, and a status each."""
        wiring = self.scheme.wired()
        vocabulary = [self.reference_logits, *np.split(state, self.scheme.size, axis=-1)]
        status: NDArray[np.int8] | None = None
        for stage, (r, o) in enumerate(zip(wiring.references, wiring.opponents, strict=True)):
            optimum, own = solve(stage, self.problem(r.of(vocabulary), o.of(vocabulary)))
            vocabulary.append(optimum)
            status = own if status is None else np.where(status == OK, own, status)
        assert status is not None
        return vocabulary, status

    def _solve(self, _: int, x: Comparison) -> Solution:
        return self._judged(x, self.objective.optimum(x))

    def _judged(self, x: Comparison, solution: Solution) -> Solution:
        """Return the solution; with a status where weighted pairs compare too little for one."""
        if not isinstance(x.pairs, WeightedPairs):
            return solution
        apart = x.pairs.weights + np.eye(self.responses)
        if (apart > 0.0).all() and (self.matrices > 0.0).all():
            return solution
        value, status = solution
        there = np.asarray(self.objective.exists(x))
        return Solution(value, np.where(there, status, NO_OPTIMUM).astype(np.int8))

    def comparison(self, logits: FloatArray) -> Comparison:
        """Return the one-shot problem of the first stage of the round from a state."""
        wiring = self.scheme.wired()
        vocabulary = [self.reference_logits, *np.split(logits, self.scheme.size, axis=-1)]
        return self.problem(wiring.references[0].of(vocabulary), wiring.opponents[0].of(vocabulary))

    def problem(self, reference: FloatArray, opponent: FloatArray) -> Comparison:
        """Return the one-shot problem of reference and opponent logits (..., K)."""
        P = self.P
        stage = Stage(P, reference, opponent, self.offline_policy, self.beta, self.lam)
        return Comparison(
            P=P,
            reference_logits=reference,
            beta=self.beta,
            pairs=self.sampler.pairs(stage),
            start_logits=opponent,
        )

    def _stage(self, x: Comparison) -> Stage:
        """Return what the pairs of a problem were made of."""
        assert x.start_logits is not None
        return Stage(
            x.P, x.reference_logits, x.start_logits, self.offline_policy, self.beta, self.lam
        )

    # States

    def begin(self, logits: FloatArray) -> FloatArray:
        """Return the states (..., D·K) that begin at logits (..., K)."""
        starts = self.scheme.starts
        if len(starts) == 1:
            return logits
        shape = np.broadcast_shapes(logits.shape, (*self.shape, self.responses))
        slots = {"start": logits, "reference": self.reference_logits}
        if "zero" in starts:
            slots["zero"] = np.zeros(self.responses)
        if "score" in starts:
            x = self.problem(np.zeros(self.responses), logits)
            slots["score"] = simplex.centre(self.objective.optimum(x).value)
        return np.concatenate([np.broadcast_to(slots[word], shape) for word in starts], axis=-1)

    def policy_logits(self, state: FloatArray) -> FloatArray:
        """Return the policies' logits (..., K) of states (..., D·K)."""
        return state[..., : self.responses]

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
        index = which if len(self.shape) == 1 else np.unravel_index(which, self.shape)
        return self.taken(index)._compact()

    def broadcast_to(self, shape: tuple[int, ...]) -> Self:
        """Return the maps repeated to a batch shape that theirs broadcasts to."""
        return self if shape == self.shape else self.repeated(shape)

    def with_parameters(self, **values: FloatArray) -> Self:
        """Return the maps with other parameters, broadcast with them; nothing is checked.

        A parameter is β, λ, or one of the scheme's method, of the objective or of the sampler.
        """
        shape = np.broadcast_shapes(self.shape, *(value.shape for value in values.values()))
        spread: dict[str, Any] = {
            name: np.broadcast_to(value, shape) for name, value in values.items()
        }
        whole = self.broadcast_to(shape)
        theirs, drawn = (
            {name: spread.pop(name) for name in list(spread) if name in part.values}
            for part in (self.objective, self.sampler)
        )
        own = {name: spread.pop(name) for name in list(spread) if name not in ("beta", "lam")}
        if theirs:
            spread["objective"] = whole.objective._with(**theirs)
        if drawn:
            spread["sampler"] = whole.sampler._with(**drawn)
        if own:
            spread["scheme"] = whole.scheme.with_parameters(**own)
        return whole._with(**spread)

    def with_matrices(self, matrices: FloatArray) -> Self:
        """Return a single map with each of the matrices (n, K, K); nothing is checked."""
        n = len(matrices)
        return self.reshaped(()).repeated((n,))._with(matrices=matrices, which=np.arange(n))

    def with_scheme(self, scheme: Scheme) -> Self:
        """Return the maps with another scheme of the same batch shape; nothing is checked."""
        return self._with(scheme=scheme)

    def _compact(self) -> Self:
        """Return the flat maps with a table that is no longer than they are many."""
        if self.size >= len(self.matrices):
            return self
        return self._with(matrices=self.matrices[self.which], which=np.arange(self.size))

    def __eq__(self, other: object) -> bool:
        """Whether all fields are equal, to the bit."""
        if type(other) is not type(self):
            return NotImplemented
        alike = self._parts() == other._parts()
        return alike and all(
            np.array_equal(one, two)
            for one, two in zip(self._values(), other._values(), strict=True)
        )

    def __hash__(self) -> int:
        return hash((*self._parts(), *(value.tobytes() for value in self._values())))

    def _parts(self) -> tuple[Objective, Scheme, Sampler]:
        return self.objective, self.scheme, self.sampler

    def _values(self) -> list[NDArray[Any]]:
        """Return the arrays that tell maps apart, the matrix of each map in place of the table."""
        kept = [getattr(self, entry.name) for entry in fields(self)[3:-2]]
        return [np.broadcast_to(self.P, (*self.shape, *self.matrices.shape[1:])), *kept]


@lru_cache(maxsize=1)
def _basis(slots: int, responses: int) -> FloatArray:
    basis = np.kron(np.eye(slots), simplex.mean_zero_basis(responses))
    basis.flags.writeable = False
    return np.asarray(basis)
