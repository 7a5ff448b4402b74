"""What can be said of an orbit in the long run, as codes, and what has been said of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex
from alignsim.analysis.evidence import Evidence
from alignsim.batching import Batched
from alignsim.codes import Code
from alignsim.validation import FloatArray


class Phase(Code):
    """What an orbit does in the long run."""

    CONVERGED = "converged"
    CYCLE = "cycle"
    CIRCLE = "invariant_circle"
    LOCKED = "locked"
    CHAOTIC = "chaotic"
    DRIFTING = "drifting"
    UNDECIDED = "undecided"


OSCILLATING = (Phase.CYCLE, Phase.CIRCLE, Phase.LOCKED, Phase.CHAOTIC)
"""The phases of attractors that move."""


class Reason(Code):
    """Why an orbit is undecided."""

    DECIDED = "decided"
    TRANSIENT = "the transient has not ended; give more rounds"
    AT_REST = "it rests on a fixed point that repels; start elsewhere"
    IRREGULAR = (
        "it is neither regular nor is its Lyapunov exponent positive beyond three standard "
        "errors; give more rounds"
    )
    FAILED = "the run failed numerically; see FeedbackMap.run(...).reason"
    UNSETTLED = "a cycle attracts it, but it has not settled there; give more rounds"


NUMBERS = (
    "turns", "digits", "strength", "amplitude", "multiplier", "entropy_mean", "entropy_min",
    "exponent", "exponent_error",
)  # fmt: skip
"""The fields of :class:`Verdicts` that hold one real number an orbit."""


@dataclass
class Verdicts(Batched):
    """What was found of a flat batch of n orbits, filled in as they are decided.

    Attributes
    ----------
    state : (n, D·K)
        Where the orbits are, or a point of their attractors: whole states.
    responses : int
        K.
    code, reason, evidence : (n,)
        As ``code``, ``reason_code`` and ``evidence`` of :class:`~alignsim.analysis.Orbit`.
    period, turns, digits, strength, amplitude, multiplier : (n,)
        Period, rotation number and its decimal digits, cycle strength, amplitude, spectral radius.
    entropy_mean, entropy_min, exponent, exponent_error : (n,)
        Mean and least entropy; the leading Lyapunov exponent and its standard error.
    wild : (n,)
        Whether neighbours parted when the orbit was judged last.
    """

    AXES: ClassVar = {"state": 1}

    state: FloatArray
    responses: int
    code: NDArray[np.int8]
    reason: NDArray[np.int8]
    evidence: NDArray[np.int8]
    period: NDArray[np.int64]
    turns: FloatArray
    digits: FloatArray
    strength: FloatArray
    amplitude: FloatArray
    multiplier: FloatArray
    entropy_mean: FloatArray
    entropy_min: FloatArray
    exponent: FloatArray
    exponent_error: FloatArray
    wild: NDArray[np.bool_]

    @classmethod
    def none(cls, start: FloatArray, responses: int) -> Self:
        """Return the verdicts on orbits from states (n, D·K) of which nothing is known."""
        n = len(start)
        return cls(
            state=np.array(start),
            responses=responses,
            code=np.full(n, Phase.UNDECIDED, dtype=np.int8),
            reason=np.full(n, Reason.TRANSIENT, dtype=np.int8),
            evidence=np.full(n, Evidence.NOTHING, dtype=np.int8),
            period=np.zeros(n, dtype=np.int64),
            **{name: np.full(n, np.nan) for name in NUMBERS},
            wild=np.zeros(n, dtype=bool),
        )

    @property
    def open(self) -> NDArray[np.bool_]:
        """Which orbits more rounds may decide, (n,)."""
        return np.asarray(self.reason == Reason.TRANSIENT.value)

    def drift(self, rows: NDArray[np.intp], proof: int) -> None:
        """Say of the orbits ``rows`` that nothing anchors them."""
        self.code[rows] = Phase.DRIFTING
        self.reason[rows] = Reason.DECIDED
        self.evidence[rows] = proof

    def rest(
        self, rows: NDArray[np.intp], point: FloatArray, radius: FloatArray, proof: int
    ) -> None:
        """Say of the orbits ``rows`` that they converge to the fixed points ``point`` (m, D·K)."""
        if not len(rows):
            return
        self.code[rows] = Phase.CONVERGED
        self.reason[rows] = Reason.DECIDED
        self.evidence[rows] = proof
        self.period[rows] = 1
        self.strength[rows] = self.amplitude[rows] = 0.0
        entropy = simplex.entropy(point[:, : self.responses])
        self.entropy_mean[rows] = self.entropy_min[rows] = entropy
        self.multiplier[rows] = radius
        self.state[rows] = point

    def move(self, rows: NDArray[np.intp], code: int, averages: FloatArray) -> None:
        """Say of the orbits ``rows`` how they move; ``averages`` (m, 2K+2) are a record's."""
        if not len(rows):
            return
        K = self.responses
        self.code[rows] = code
        self.reason[rows] = Reason.DECIDED
        self.evidence[rows] = Evidence.ITERATED
        variance = averages[:, K : 2 * K]
        self.strength[rows] = variance.sum(axis=-1) / K  # NumPy's mean takes twice as long
        self.amplitude[rows] = np.sqrt(variance.max(axis=-1))
        self.entropy_mean[rows], self.entropy_min[rows] = averages[:, 2 * K :].T
