"""Training by steps: the step itself, rounds that take a number of them, the largest rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.errors import InputError, NoOptimumError, quote
from alignsim.kernels.status import NOT_FINITE, OK
from alignsim.objectives.catalogue import OBJECTIVES
from alignsim.objectives.comparison import Comparison, Solution, Tangent
from alignsim.objectives.contract import Objective, Trainable, named
from alignsim.objectives.one_shot import check_policies, comparison, require_solved
from alignsim.parameters import SMALLEST, Parameter
from alignsim.preferences.conventions import signal_strength
from alignsim.simplex import mean_zero_basis
from alignsim.validation import FloatArray

RATE = Parameter("rate", "learning rate", low=SMALLEST, high=np.inf)

SKEW = 1e-8
"""What is rounding beside the largest: asymmetry and negative eigenvalues of a Gram matrix."""


@dataclass(frozen=True)
class GradientSteps(Objective):
    """Gradient descent on the logits, ``count`` steps of length ``rate``.

    A step moves logits θ to θ + rate·G·force(θ). Training starts at the reference; in a loop each
    round starts from the current policy. Nothing is proved for it.

    Parameters
    ----------
    objective
        The loss or field, such as ``IPO()`` or ``DPO()``.
    count
        Steps, at least 1.
    rate
        The learning rate (...), above 0. Pairs have the weights 2μ_iμ_j, which add up to 1 − Σμ².
    coupling
        The Gram matrix G (..., K, K), symmetric and positive semidefinite, of responses that share
        parameters: G = ΦΦᵀ if θ = Φw and the weights w are trained. By default the identity.

    Raises
    ------
    ValueError
        For another count, rate or coupling.
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

    AXES: ClassVar[Mapping[str, int | None]] = {"coupling": 2}

    name: ClassVar[str] = "gradient_steps"
    parameters: ClassVar[tuple[Parameter, ...]] = (RATE,)

    objective: Trainable
    count: int
    rate: FloatArray
    coupling: FloatArray | None = None

    def __post_init__(self) -> None:
        """Check the fields, and make arrays of the rate and the coupling."""
        if not isinstance(self.objective, Trainable):
            raise TypeError(
                f"objective is of type {type(self.objective).__name__}, whose gradient is not "
                "known; give a loss or a field, such as DPO()"
            )
        validation.integer(self.count, "count", minimum=1)
        super().__post_init__()
        if self.coupling is not None:
            object.__setattr__(self, "coupling", gram_matrix(self.coupling, "coupling"))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that its arrays and those of its objective broadcast to."""
        shapes = {"its rate and coupling": super().shape, "its objective": self.objective.shape}
        return validation.batch_shape(shapes)

    def velocity(self, logits: FloatArray, x: Comparison) -> FloatArray:
        """Return G·force at logits θ (..., K), the flow that the steps follow: (..., K)."""
        force = self.objective.force(logits, x)
        if self.coupling is None:
            return force
        return np.asarray((self.coupling @ force[..., None])[..., 0])

    def step(self, logits: FloatArray, x: Comparison) -> FloatArray:
        """Return the logits after one step from logits (..., K): (..., K)."""
        return np.asarray(logits + self.rate[..., None] * self.velocity(logits, x))

    def optimum(self, x: Comparison) -> Solution:
        """Return where the steps end."""
        logits = self._start(x)
        for _ in range(self.count):
            logits = self.step(logits, x)
        return _judged(logits)

    def linearise(self, x: Comparison) -> tuple[Solution, Tangent]:
        """Return where the steps end, and the product of their derivatives."""
        logits = self._start(x)
        identity = np.broadcast_to(np.eye(logits.shape[-1]), (*logits.shape, logits.shape[-1]))
        gain = self.rate[..., None, None] * (identity if self.coupling is None else self.coupling)
        by_start, by_reference, by_pairs = identity, np.zeros(identity.shape), None
        for _ in range(self.count):
            push = self.objective.force_derivatives(logits, x)
            logits = self.step(logits, x)
            step = identity + gain @ push.logits
            by_start = step @ by_start
            by_reference = step @ by_reference + gain @ push.reference
            flat = gain @ push.pairs.reshape(*identity.shape[:-1], -1)
            by_pairs = flat + (0.0 if by_pairs is None else step @ by_pairs)
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
        shape = np.broadcast_shapes(x.shape, self.shape)
        return np.broadcast_to(start, (*shape, x.P.shape[-1]))


def _judged(logits: FloatArray) -> Solution:
    finite = np.isfinite(logits).all(axis=-1)
    return Solution(logits, np.where(finite, OK, NOT_FINITE).astype(np.int8))


def trainable(objective: str | Objective, **parameters: ArrayLike | None) -> Trainable:
    """Return the objective of that name, or the one given, if training can follow its force.

    Raises
    ------
    ValueError
        For another name, bad parameters, and an objective without a force; names those with one.
    """
    found = named(objective, OBJECTIVES, **parameters)
    if not isinstance(found, Trainable):
        known = [name for name, each in OBJECTIVES.items() if isinstance(each, Trainable)]
        raise InputError(
            "objective", f"is {quote(found.name)}, which has no force on the logits",
            f"train one of {', '.join(known)}, or take alignsim.optimum",
        )  # fmt: skip
    return found


def gram_matrix(value: ArrayLike, name: str) -> FloatArray:
    """Return Gram matrices (..., K, K), checked to be symmetric and positive semidefinite."""
    matrix = validation.square_matrix(value, name)
    size = np.maximum(np.abs(matrix).max(axis=(-2, -1)), SMALLEST)
    skew = np.abs(matrix - np.swapaxes(matrix, -1, -2)).max(axis=(-2, -1)) / size
    validation.refuse_where(
        skew > SKEW, name, skew, "give ΦΦᵀ for features Φ (K, p)",
        "is asymmetric by {:.3g} of its largest entry",
    )  # fmt: skip
    symmetric = 0.5 * (matrix + np.swapaxes(matrix, -1, -2))
    least = np.linalg.eigvalsh(symmetric / size[..., None, None])[..., 0]
    validation.refuse_where(
        least < -SKEW, name, least * size, "it must be positive semidefinite, as ΦΦᵀ is",
        "has the eigenvalue {:.6g}",
    )  # fmt: skip
    return np.asarray(symmetric)


def largest_rate(
    objective: str | Objective,
    P: ArrayLike,
    sampling: ArrayLike | None = None,
    *,
    pair_weights: ArrayLike | None = None,
    reference: ArrayLike | None = None,
    beta: ArrayLike = 1.0,
    beta_convention: str = "signal",
    coupling: ArrayLike | None = None,
    **parameters: ArrayLike | None,
) -> FloatArray:
    """Return the learning rates (...) below which gradient descent settles at the optimum.

    Parameters
    ----------
    objective, P, sampling, pair_weights, reference, beta, beta_convention, parameters
        As for :func:`alignsim.optimum`.
    coupling
        As for :func:`alignsim.train`.

    Raises
    ------
    ValueError
        For bad input, and ``NoOptimumError`` where there is no optimum.

    Notes
    -----
    The least of −2 Re λ/|λ|² over the eigenvalues λ of the derivative of the force at the optimum
    that are not 0: for a loss 2/λ_max of the Hessian (theory 11.2). Descent from near by
    settles below this rate and not above it; from afar nothing is said. Infinite where nothing
    moves, 0 where the optimum repels the flow itself.

    Examples
    --------
    A pair that is judged 3 : 1, DPO: β²·rate·P(1 − P) < 1.

    >>> import alignsim as asim
    >>> pair = [[0.5, 0.75], [0.25, 0.5]]
    >>> asim.objectives.largest_rate("dpo", pair, pair_weights=[[0, 1], [1, 0]]).round(6).tolist()
    5.333333
    """
    maker = trainable(objective, **parameters)
    x = comparison(P, sampling, pair_weights, reference, signal_strength(beta, beta_convention))
    K = x.P.shape[-1]
    check_policies(maker, K)
    gram = np.eye(K) if coupling is None else gram_matrix(coupling, "coupling")
    shapes = {"the problem": x.shape, f"the parameters of {maker}": maker.shape}
    validation.batch_shape({**shapes, "coupling": gram.shape[:-2]})
    validation.refuse_where(x.beta == 0, "beta", x.beta, "training needs a β above 0")
    maker.check(x)
    E = mean_zero_basis(K)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        solution = maker.optimum(x)
        require_solved(maker, solution)
        slope = E.T @ gram @ maker.force_derivatives(solution.value, x).logits @ E
        largest = np.abs(slope).max(axis=(-2, -1))
    if not np.isfinite(largest).all():
        raise NoOptimumError("the derivative of the force overflows float64; raise beta")
    scale = np.where(largest > 0.0, largest, 1.0)
    rates = np.linalg.eigvals(slope / scale[..., None, None])
    size = np.abs(rates)
    moving = size > SKEW * size.max(axis=-1, keepdims=True)
    limits = np.divide(-2.0 * rates.real, size**2, out=np.full(size.shape, np.inf), where=moving)
    return np.asarray(np.maximum(limits.min(axis=-1), 0.0) / scale)
