"""Exact local stability of a fixed point.

Where the score is linear and the payoffs zero-sum the multipliers are α ± iβλω_k, so
ρ² = α² + (βλω)² with ω = ‖J^½(P − ½)J^½‖₂, and stability can only be lost by a Neimark–Sacker
bifurcation (theory 6.3). Elsewhere they are α + βν_k with the eigenvalues ν_k of the derivative of
the score (theory 7), or those of the whole derivative where a round has no score.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import validation
from alignsim.analysis.equilibria import rest, symbol
from alignsim.analysis.equilibria.fixed_point import FixedPoint, fixed_point
from alignsim.analysis.equilibria.rotations import largest_rotation, rotations
from alignsim.analysis.equilibria.symbol import Leading
from alignsim.analysis.results import Result
from alignsim.codes import Code
from alignsim.feedback import FeedbackMap
from alignsim.preferences.payoffs import is_zero_sum
from alignsim.summary import Lines, numbers, tally
from alignsim.validation import FloatArray


class Verdict(Code):
    """Whether a fixed point is locally stable."""

    STABLE = "stable"
    UNSTABLE = "unstable"
    MARGINAL = "marginal"
    UNDECIDED = "undecided"


ROUNDING = 64.0 * np.finfo(np.float64).eps
"""Share of its terms that ρ² − 1 = (βλω)² − (1 − α²) may have and decide nothing."""

POINT_SHARE = 4.0
"""And this multiple of the fixed point's error moves (βλω)² relatively. Newton's inverse (I − cS)⁻¹
has norm at most 1, so a residual R leaves an error of its own size in the logits; a change of them
moves log ω by at most twice."""

NEAR = 1e-7
"""Relative error, times its condition number, that the moving part of a multiplier may have."""

WIDEST_DOUBT = 1e-4
"""The condition number is infinite at a defective multiplier; the doubt is not."""


@dataclass(frozen=True, eq=False, repr=False)
class Stability(Result):
    """Local stability of the fixed points of a batch of maps.

    Attributes
    ----------
    spectral_radius : (...)
        ρ, the largest modulus of a multiplier; NaN where there is no fixed point.
    fixed_point : FixedPoint
        Where it was computed.
    omega : (...)
        For linear scores and zero-sum payoffs the ω of ρ² = α² + (βλω)²; for other scores whose
        derivative is proved to have imaginary eigenvalues, as that of DPO at λ = 1, the ω of
        ρ² = α² + (βω)²; NaN elsewhere, where multipliers need not be of that form.
    angle : (...)
        Argument of the leading multiplier, in [0, π]: the rotation a round at the onset.
    margin : (...)
        1 − ρ, positive where stable, also where ρ is 1 to the last digit.
    verdict : (...)
        See :meth:`words`: 0 stable, 1 unstable, 2 marginal (ρ is 1 up to rounding; never to be
        decided by iteration), 3 undecided (no fixed point, or none was found).
    """

    WORDS: ClassVar = {"verdict": Verdict}
    _batch = "verdict"

    spectral_radius: FloatArray
    fixed_point: FixedPoint
    omega: FloatArray
    angle: FloatArray
    margin: FloatArray
    verdict: NDArray[np.int8]

    @property
    def stable(self) -> NDArray[np.bool_]:
        """Whether ρ < 1, (...); False where there is no fixed point."""
        return np.asarray(self.margin > 0.0)

    def _summary(self) -> Lines:
        yield "verdict", tally(self.words("verdict"))
        for name in ("spectral_radius", "margin", "omega", "angle"):
            yield name.replace("_", " "), numbers(getattr(self, name))
        yield "fixed point", tally(self.fixed_point.words("status"))


def stability(loop: FeedbackMap, start_logits: ArrayLike | None = None) -> Stability:
    """Return the exact stability of the fixed points that ``fixed_point`` finds: (...).

    Undecided at α = 1, where no fixed point is looked for: there one lies inside the simplex only
    by accident of P (see :func:`alignsim.analysis.boundary_equilibria`).

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.5)
    >>> loop = asim.FeedbackMap(P, beta=[2.9, 3.0, 3.1], alpha=0.5)  # critical at β = 3
    >>> local = asim.analysis.stability(loop)
    >>> local.words("verdict").tolist()
    ['stable', 'marginal', 'unstable']
    >>> local.omega.round(6).tolist(), local.angle.round(6).tolist()
    ([0.288675, 0.288675, 0.288675], [1.032395, 1.047198, 1.061278])
    """
    point = fixed_point(loop, start_logits).reshaped((loop.size,))
    state = point.state.reshape(loop.size, loop.width)
    found = _leading(loop.part(0, loop.size), state, point.residual)
    verdict = np.where(found.margin > 0.0, Verdict.STABLE, Verdict.UNSTABLE)
    verdict[np.abs(found.margin) <= found.doubt] = Verdict.MARGINAL
    verdict[np.isnan(found.radius)] = Verdict.UNDECIDED
    local = Stability(
        spectral_radius=found.radius,
        fixed_point=point,
        omega=found.omega,
        angle=found.angle,
        margin=found.margin,
        verdict=verdict.astype(np.int8),
    )
    return local.reshaped(loop.shape)


def spectral_radius(loop: FeedbackMap, logits: ArrayLike) -> FloatArray:
    """Return the largest modulus of a multiplier at fixed points with ``logits`` (..., K)."""
    flat, state, shape = states_at(loop, logits)
    return _leading(flat, state, np.zeros(len(state))).radius.reshape(shape)


def multipliers(loop: FeedbackMap, logits: ArrayLike) -> NDArray[np.complex128]:
    """Return all multipliers at fixed points with ``logits`` (..., K): (..., D·(K−1)).

    In the mean-zero basis, without the spurious one of the constants; of a scheme with D slots,
    for its whole state. By descending modulus, then by ascending argument; NaN where the logits
    are.

    Examples
    --------
    >>> import alignsim as asim
    >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=4.0, alpha=0.6)
    >>> asim.analysis.multipliers(loop, [0.0, 0.0, 0.0]).round(4).tolist()
    [(0.6-0.6928j), (0.6+0.6928j)]
    """
    flat, points, shape = states_at(loop, logits)
    values = all_multipliers(flat, points)
    return np.asarray(values.reshape(*shape, loop.scheme.size * (loop.responses - 1)))


def all_multipliers(flat: FeedbackMap, points: FloatArray) -> NDArray[np.complex128]:
    """Return :func:`multipliers` at states (n, D·K) of a flat batch: (n, D·(K−1))."""
    if not flat.mixes_references:
        return _ordered(symbol.multipliers(flat, points))
    values = np.full((flat.size, flat.responses - 1), np.nan + 0j)
    known = np.asarray(np.isfinite(points).all(axis=-1))
    skew = known & _on_a_line(flat)
    for which, of in ((skew, _on_the_line), (known & ~skew, _eigenvalues)):
        chosen = np.flatnonzero(which)
        if len(chosen):
            values[chosen] = of(flat.take(chosen), points[chosen])
    return _ordered(values)


def _ordered(values: NDArray[np.complex128]) -> NDArray[np.complex128]:
    order = np.lexsort((np.angle(values), -np.abs(values)), axis=-1)
    return np.asarray(np.take_along_axis(values, order, axis=-1))


def omega(P: ArrayLike, logits: ArrayLike) -> FloatArray:
    """Return ‖J^½(P − ½)J^½‖₂ with J = diag π − ππᵀ: P (..., K, K), logits (..., K) → (...).

    NaN where P + Pᵀ is not 1 up to constant rows and columns. No matrix root is taken and no
    eigenvalue routine used that would lose half the digits near a double zero, and a collapsed
    policy costs none: see ``rotations.skew_margins``.
    """
    matrices = validation.square_matrix(P, "P")
    K = matrices.shape[-1]
    z = validation.logits(logits, "logits", responses=K)
    shape = validation.batch_shape({"P": matrices.shape[:-2], "logits": z.shape[:-1]})
    which = np.arange(matrices[..., 0, 0].size).reshape(matrices.shape[:-2])
    rows = np.broadcast_to(z, (*shape, K)).reshape(-1, K)
    index = np.broadcast_to(which, shape).ravel()
    flat = matrices.reshape(-1, K, K)
    rotation = np.where(is_zero_sum(flat)[index], largest_rotation(flat, index, rows), np.nan)
    return rotation.reshape(shape)


def states_at(
    loop: FeedbackMap, logits: ArrayLike
) -> tuple[FeedbackMap, FloatArray, tuple[int, ...]]:
    """Return the maps and their states as flat batches, and their common shape."""
    validation.feedback_map(loop, "loop")
    K = loop.responses
    points = validation.logits(logits, "logits", responses=K, missing=True)
    shape = validation.batch_shape({"the map": loop.shape, "logits": points.shape[:-1]})
    which = np.broadcast_to(np.arange(loop.size).reshape(loop.shape), shape).ravel()
    flat, rows = loop.take(which), np.broadcast_to(points, (*shape, K)).reshape(-1, K)
    if loop.scheme.size == 1:
        return flat, rows, shape
    if not loop.has_score:
        raise ValueError(
            f"a round of {loop.objective} has no score, so the policy does not say where the other "
            f"slots of {loop.scheme.name!r} rest; use alignsim.stability(loop), which finds them"
        )
    return flat, rest.states_of_policies(flat, rows), shape


def _leading(flat: FeedbackMap, logits: FloatArray, residual: FloatArray) -> Leading:
    """Return what the multipliers at states (n, D·K) decide; NaN where these are."""
    found = Leading(*(np.full(flat.size, np.nan) for _ in Leading._fields))
    known = np.asarray(np.isfinite(logits).all(axis=-1))
    skew = known & _on_a_line(flat)
    ways: list[tuple[NDArray[np.bool_], Callable[..., Leading]]]
    ways = [(skew, _leading_on_the_line), (known & ~skew, _leading_eigenvalue)]
    if not flat.mixes_references:
        ways = [(known, symbol.leading)]
    for which, of in ways:
        chosen = np.flatnonzero(which)
        if len(chosen):
            part = flat if len(chosen) == flat.size else flat.take(chosen)
            for target, values in zip(
                found, of(part, logits[chosen], residual[chosen]), strict=True
            ):
                target[chosen] = values
    return found


def _on_a_line(flat: FeedbackMap) -> NDArray[np.bool_]:
    """Return where all multipliers are α ± iβλω_k, (n,)."""
    return np.asarray(flat.of_matrices(is_zero_sum) & flat.linear)


def _leading_on_the_line(flat: FeedbackMap, logits: FloatArray, residual: FloatArray) -> Leading:
    """Return it for multipliers α ± iβλω_k."""
    matrices, which = flat.matrix_table()
    rotation = largest_rotation(matrices, which, logits)
    with np.errstate(over="ignore", invalid="ignore"):
        imaginary = flat.beta * flat.lam * rotation
        radius = np.hypot(flat.alpha, imaginary)
        moving, held = imaginary**2, (1.0 - flat.alpha) * (1.0 + flat.alpha)
        margin = np.where(np.isinf(moving), 1.0 - radius, (held - moving) / (1.0 + radius))
        error = POINT_SHARE * residual * (1.0 + np.abs(logits).max(axis=-1))
        share = imaginary * (imaginary / (1.0 + radius))  # its square may overflow
        doubt = ROUNDING * (share + held / (1.0 + radius)) + error * share
        return Leading(radius, rotation, np.arctan2(imaginary, flat.alpha), margin, doubt)


def _leading_eigenvalue(flat: FeedbackMap, logits: FloatArray, residual: FloatArray) -> Leading:
    """Return it from the eigenvalues of the derivative; of conjugates the upper one leads."""
    del residual  # far smaller than the doubt
    parts = _moving_parts(flat, logits)
    imaginary = flat.holds(flat.facts.imaginary_from)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        modulus = np.abs(flat.alpha[:, None] + parts)
        leading = np.argmax(np.where(np.isnan(modulus), -1.0, modulus), axis=-1)[:, None]
        radius = np.take_along_axis(modulus, leading, axis=-1)[:, 0]
        part = np.take_along_axis(parts, leading, axis=-1)[:, 0]
        real = np.where(imaginary, 0.0, 2.0 * flat.alpha * part.real)
        held, square = (1.0 - flat.alpha) * (1.0 + flat.alpha), np.abs(part) ** 2
        margin = np.where(np.isinf(square), 1.0 - radius, (held - real - square) / (1.0 + radius))
        size = np.abs(part)
        unsure = np.where(imaginary, 0.0, 2.0 * flat.alpha * size)
        doubt = NEAR * (2.0 * size * (size / (1.0 + radius)) + unsure / (1.0 + radius))
        rotation = np.where(imaginary, np.abs(parts.imag).max(axis=-1) / flat.beta, np.nan)
    close = np.flatnonzero(np.abs(radius - 1.0) <= WIDEST_DOUBT)
    if len(close):
        condition = _condition(flat.take(close), logits[close])
        doubt[close] = np.minimum(doubt[close] * condition, WIDEST_DOUBT)
    return Leading(radius, rotation, np.abs(np.angle(flat.alpha + part)), margin, doubt)


def _condition(flat: FeedbackMap, logits: FloatArray) -> FloatArray:
    """Return the condition number 1/|⟨w, v⟩| of the leading multiplier, (n,)."""
    values, right = np.linalg.eig(flat.derivative(logits, "tangent"))
    condition = np.full(len(values), np.inf)
    for n, (vectors, leading) in enumerate(zip(right, np.abs(values).argmax(axis=-1), strict=True)):
        try:
            left = np.linalg.inv(vectors)[leading]
        except np.linalg.LinAlgError:  # a defective matrix: it stays infinite
            continue
        condition[n] = np.linalg.norm(left) * np.linalg.norm(vectors[:, leading])
    return condition


def _on_the_line(flat: FeedbackMap, logits: FloatArray) -> NDArray[np.complex128]:
    """Return all multipliers α ± iβλω_k, (n, K−1): the ω_k are the pairs of singular values."""
    pairs = (flat.responses - 1) // 2
    values = np.zeros((flat.size, flat.responses - 1), dtype=complex)
    values += flat.alpha[:, None]
    if pairs:
        rotation = (flat.beta * flat.lam)[:, None] * rotations(flat.P, logits)
        values[:, :pairs] += 1j * rotation
        values[:, pairs : 2 * pairs] -= 1j * rotation
    return values


def _eigenvalues(flat: FeedbackMap, logits: FloatArray) -> NDArray[np.complex128]:
    """Return all multipliers, (n, K−1)."""
    return np.asarray(flat.alpha[:, None] + _moving_parts(flat, logits))


def _moving_parts(flat: FeedbackMap, logits: FloatArray) -> NDArray[np.complex128]:
    """Return the multipliers less α, (n, K−1): β times the eigenvalues of the score's derivative.

    Apart from α they keep their digits where they are small.
    """
    scored = flat.has_score
    rest = flat.with_parameters(alpha=np.zeros(flat.size), beta=np.ones(flat.size))
    with np.errstate(invalid="ignore", over="ignore"):
        derivative = (rest if scored else flat).derivative(logits, "tangent")
    finite = np.asarray(np.isfinite(derivative).all(axis=(-2, -1)))[:, None]
    values = np.linalg.eigvals(np.where(finite[..., None], derivative, 0.0)).astype(complex)
    with np.errstate(invalid="ignore", over="ignore"):
        parts = flat.beta[:, None] * values if scored else values - flat.alpha[:, None]
    return np.where(finite, parts, np.nan)
