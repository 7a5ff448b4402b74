"""Rounds that train for a number of gradient steps instead of to the optimum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alignsim import validation
from alignsim.kernels.status import NOT_FINITE, OK
from alignsim.objectives.comparison import Comparison, Solution, Tangent
from alignsim.objectives.contract import Objective, Trainable
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class GradientSteps(Objective):
    """Gradient descent on the logits, ``count`` steps of length ``rate``.

    Training starts at the reference; in a loop each round starts from the current policy. Nothing
    is proved for it.

    Parameters
    ----------
    objective
        The loss, such as ``IPO()`` or ``DPO()``.
    count
        Steps, at least 1.
    rate
        The learning rate, above 0. Pairs have the weights 2μ_iμ_j, which add up to 1 − Σμ².

    Raises
    ------
    ValueError
        For another count or rate.
    TypeError
        If the objective has no force that is known.

    Examples
    --------
    >>> import alignsim as asim
    >>> from alignsim.objectives import DPO, GradientSteps
    >>> P = asim.preferences.cyclic(3, advantage=0.4)
    >>> exact = asim.FeedbackMap(P, objective="dpo", beta=3.0, alpha=0.5)
    >>> few = asim.FeedbackMap(P, objective=GradientSteps(DPO(), 5, 1.0), beta=3.0, alpha=0.5)
    >>> asim.stability(exact).words("verdict").item(), asim.stability(few).words("verdict").item()
    ('unstable', 'stable')
    """

    name: ClassVar[str] = "gradient_steps"

    objective: Trainable
    count: int
    rate: float

    def __post_init__(self) -> None:
        """Check the fields."""
        if not isinstance(self.objective, Trainable):
            raise TypeError(
                f"objective is of type {type(self.objective).__name__}, whose gradient is not "
                "known; give a loss or a field, such as DPO()"
            )
        validation.integer(self.count, "count", minimum=1)
        validation.number(self.rate, "rate", low=np.finfo(np.float64).tiny)

    def optimum(self, x: Comparison) -> Solution:
        """Return where the steps end."""
        logits = self._start(x)
        for _ in range(self.count):
            logits = logits + self.rate * self.objective.force(logits, x)
        return _judged(logits)

    def linearise(self, x: Comparison) -> tuple[Solution, Tangent]:
        """Return where the steps end, and the product of their derivatives."""
        logits = self._start(x)
        identity = np.broadcast_to(np.eye(logits.shape[-1]), (*logits.shape, logits.shape[-1]))
        by_start, by_reference, by_pairs = identity, np.zeros(identity.shape), None
        for _ in range(self.count):
            push = self.objective.force_derivatives(logits, x)
            logits = logits + self.rate * self.objective.force(logits, x)
            step = identity + self.rate * push.logits
            by_start = step @ by_start
            by_reference = step @ by_reference + self.rate * push.reference
            flat = push.pairs.reshape(*identity.shape[:-1], -1)
            by_pairs = self.rate * flat + (0.0 if by_pairs is None else step @ by_pairs)
        assert by_pairs is not None
        if x.start_logits is None:
            by_reference = by_reference + by_start
        tangent = Tangent(by_reference, by_pairs.reshape(push.pairs.shape), by_start)
        return _judged(logits), tangent

    def __str__(self) -> str:
        """Return how long is trained on what."""
        return f"{self.objective} ({self.count} steps)"

    def _start(self, x: Comparison) -> FloatArray:
        start = x.reference_logits if x.start_logits is None else x.start_logits
        shape = np.broadcast_shapes(start.shape[:-1], x.P.shape[:-2], x.beta.shape)
        return np.broadcast_to(start, (*shape, x.P.shape[-1]))


def _judged(logits: FloatArray) -> Solution:
    finite = np.isfinite(logits).all(axis=-1)
    return Solution(logits, np.where(finite, OK, NOT_FINITE).astype(np.int8))
