"""The fixed point of a feedback map.

Where a round of MRS has a score it depends on β and α only through η = β/(1−α): it is the zero of
z_ref + ηv(μ(z)) − z, which is the same map at α = 0 with β = η. Other schemes with an anchor lead
to the same problem (:mod:`alignsim.analysis.equilibria.rest`). Whether there is one only is a fact
of the objective.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import simplex, validation
from alignsim.analysis.equilibria import rest
from alignsim.analysis.results import Result
from alignsim.codes import Code
from alignsim.feedback import FeedbackMap
from alignsim.kernels.status import OK
from alignsim.objectives.solvers import NewtonResult, damped_newton, solve_each
from alignsim.preferences.payoffs import kinds
from alignsim.summary import Lines, numbers, tally
from alignsim.validation import FloatArray


class PointStatus(Code):
    """What is known of the fixed point of a map."""

    UNIQUE = "unique"
    FOUND = "one_of_possibly_several"
    NONE = "none_at_alpha_1"
    NOT_FOUND = "not_found"
    NO_EQUILIBRIUM = "no_interior_equilibrium"
    SET_BY_START = "set_by_the_start"


TOLERANCE = 1e-9
"""Largest residual, relative to its scale, of a point that is called fixed."""

ROUNDED = 8.0 * 2.0**-53
"""Error of a score, relative to the largest signal, that rounding may leave."""

SOLVED = 4.0 * np.finfo(np.float64).eps
"""Residual of a start that is the fixed point already, as the uniform policy of a cycle."""

WIDEST_KERNEL = 64
"""The largest K that runs in a kernel; above, the linear systems are worth a call to LAPACK."""

CONTINUATION_START = 1.0
"""η from which the continuation starts: small enough for Newton from the reference."""

CONTINUATION_STRIDE = 0.4
"""Its first step in log η."""

CONTINUATION_STEPS = 300
"""Its longest path, in steps."""

ITERATION_BUDGET = 20_000
"""Steps of the guaranteed iteration before an instance is given up."""

Method = Callable[[FeedbackMap, FloatArray], tuple[FloatArray, FloatArray]]
"""From maps at α = 0 and starts (n, K): points (n, K) and their residuals (n,)."""


@dataclass(frozen=True, eq=False, repr=False)
class FixedPoint(Result):
    """Fixed points of a batch of maps.

    Attributes
    ----------
    state : (..., D, K)
        The whole state, the policy's centred logits first; NaN where there is none or none was
        found.
    status : (...)
        See :meth:`words`: 0 the only one, 1 found and possibly one of several, 2 none (α = 1),
        3 not found; 4 a scheme without an anchor, and no interior equilibrium or no isolated one:
        logits drift; 5 a scheme whose start decides where it rests.
    residual : (...)
        max |T(z) − z| at α = 0, β = η (without an anchor, or a score: of the state), over
        1 + max|z|. For linear scores the divisor also has
        9e-7·ηλ·max|P − ½|: ``TOLERANCE`` then allows what rounding of the score hides, which from
        η of 1e7 on is more than a fixed point leaves elsewhere.
    """

    WORDS: ClassVar = {"status": PointStatus}
    AXES: ClassVar = {"state": 2}

    state: FloatArray
    status: NDArray[np.int8]
    residual: FloatArray

    @property
    def logits(self) -> FloatArray:
        """The policies' centred logits, (..., K)."""
        return self.state[..., 0, :]

    @property
    def policy(self) -> FloatArray:
        """The fixed policies, (..., K)."""
        return simplex.softmax(self.logits)

    def _summary(self) -> Lines:
        yield "status", tally(self.words("status"))
        yield "policy", numbers(self.policy)
        yield "residual", numbers(self.residual)


def fixed_point(loop: FeedbackMap, start_logits: ArrayLike | None = None) -> FixedPoint:
    """Return the fixed points of a batch of maps, one each.

    Newton from ``start_logits`` (..., K), by default (and where NaN) the reference; then a
    continuation in η, and for linear scores last the damped iteration of theory 6.2, which cannot
    fail between preferences but may be slow (``ITERATION_BUDGET``).

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.3)
    >>> asim.analysis.fixed_point(asim.FeedbackMap(P, beta=9.0, alpha=0.5)).policy.round(6).tolist()
    [0.333333, 0.333333, 0.333333]
    """
    validation.feedback_map(loop, "loop")
    K = loop.responses
    flat = loop.part(0, loop.size)
    start = flat.reference_logits
    if start_logits is not None:
        given = validation.logits(start_logits, "start_logits", responses=K, missing=True)
        shape = validation.batch_shape({"the map": loop.shape, "start_logits": given.shape[:-1]})
        if shape != loop.shape:
            raise ValueError(
                f"start_logits has batch shape {given.shape[:-1]}; the map has {loop.shape}: "
                "give one start a map"
            )
        start = np.broadcast_to(given, (*loop.shape, K)).reshape(-1, K)
    if flat.mixes_references:
        state, status, residual = _of_mrs(flat, start)
    else:
        state, status, residual = _of_scheme(flat, start)
    found = state.reshape(flat.size, -1, K)
    return FixedPoint(found, status.astype(np.int8), residual).reshaped(loop.shape)


Found = tuple[FloatArray, NDArray[np.int_], FloatArray]
"""States (n, D·K), statuses and residuals (n,)."""


def _of_mrs(flat: FeedbackMap, start: FloatArray) -> Found:
    interior = np.asarray(flat.alpha < 1.0)
    logits, residual = _searched(rest.at_alpha_zero(flat), start, interior)
    sole = flat.holds(flat.facts.unique_from) | unmoved(flat)
    status = np.where(sole, PointStatus.UNIQUE, PointStatus.FOUND)
    status = np.where(residual <= TOLERANCE, status, PointStatus.NOT_FOUND)
    return logits, np.where(interior, status, PointStatus.NONE), residual


def _of_scheme(flat: FeedbackMap, start: FloatArray) -> Found:
    """Return where a scheme rests; what is proved of one policy needs stages that all see it."""
    held, loose, free = rest.kind(flat)
    n = flat.size
    state, residual = np.full((n, flat.width), np.nan), np.full(n, np.nan)
    balanced = flat.facts.win_gain is not None
    if held.any():
        which = np.flatnonzero(held)
        part = flat.take(which)
        opponent, residual[which] = _searched(
            rest.at_alpha_zero(part), rest.opponents(part, start[which]), np.ones(len(which), bool)
        )
        state[which] = rest.states(part, opponent)
    if loose.any() and balanced:
        which = np.flatnonzero(loose)
        part = flat.take(which)
        state[which] = rest.states(part, rest.interior_equilibrium(part))
        residual[which] = _state_residual(part, state[which])
    other = ~held & ~free & ~(loose & balanced)
    if other.any():
        which = np.flatnonzero(other)
        part = flat.take(which)
        begin = np.where(np.isfinite(start[which]), start[which], part.reference_logits)
        state[which] = newton(part, part.begin(begin)).point
        residual[which] = _state_residual(part, state[which])
    good = residual <= TOLERANCE
    state[~good] = np.nan
    one = rest.on_one_policy(flat)
    proved = flat.holds(flat.facts.unique_from) | unmoved(flat)
    sole = one & ((held & proved) | (loose & balanced))
    status = np.where(sole, PointStatus.UNIQUE, PointStatus.FOUND)
    lost = np.where(loose & balanced, PointStatus.NO_EQUILIBRIUM, PointStatus.NOT_FOUND)
    status = np.where(good, status, lost)
    return state, np.where(free, PointStatus.SET_BY_START, status), residual


def _searched(
    anchored: FeedbackMap, start: FloatArray, wanted: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Return points (n, K) and residuals (n,) of maps at α = 0, NaN where none was found."""
    logits = np.full(start.shape, np.nan)
    residual = np.full(anchored.size, np.nan)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for method in _methods(anchored):
            missing = np.flatnonzero(wanted & ~(residual <= TOLERANCE))
            if not len(missing):
                break
            found, size = method(_select(anchored, missing), start[missing])
            good = (size <= TOLERANCE) & (np.abs(found).max(axis=-1) <= validation.LARGEST_LOGIT)
            logits[missing[good]] = found[good]
            residual[missing[good]] = size[good]
    return logits, residual


def _state_residual(flat: FeedbackMap, state: FloatArray) -> FloatArray:
    known = np.asarray(np.isfinite(state).all(axis=-1))
    usable = np.where(known[:, None], state, 0.0)
    moved = np.abs(flat.advance(usable).value - usable).max(axis=-1)
    return np.where(known, moved / (1.0 + np.abs(usable).max(axis=-1)), np.nan)


def unmoved(flat: FeedbackMap) -> NDArray[np.bool_]:
    """Return where the sampler or its score does not matter, so that a round is affine: (n,)."""
    return np.asarray((flat.beta * flat.lam == 0.0) & flat.has_score)


def _methods(loop: FeedbackMap) -> tuple[Method, ...]:
    """Return the searches for a fixed point, in the order in which they are tried."""
    if not loop.has_score:
        return (_newton,)
    if not loop.linear:
        return _newton, _continue
    if loop.responses <= WIDEST_KERNEL:
        return _solve, _iterate
    return _newton, _continue, _iterate


def _solve(anchored: FeedbackMap, start: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Newton and the continuation for MRS-IPO, in kernels."""
    from alignsim.kernels import equilibrium, equilibrium_lanes, lanes, rotation

    matrices, which = anchored.matrix_table()
    reference = np.array(anchored.reference_logits, order="C")
    offline = np.array(anchored.offline_policy, order="C")
    given = np.isfinite(start).all(axis=-1, keepdims=True)
    point = simplex.centre(np.where(given, start, reference))
    drift = np.empty_like(point)
    mixture = np.stack([anchored.alpha, anchored.beta, anchored.lam], axis=-1)
    lanes.drifts(matrices, which, mixture, reference, offline, drift)
    pull = anchored.beta * anchored.lam
    residual = np.empty(len(point))
    equilibrium.judge(matrices, which, pull, drift, point, residual)
    residual = np.where(residual <= SOLVED, residual, np.inf)
    if anchored.responses <= equilibrium_lanes.SMALL:
        skew = kinds(matrices)[which] == rotation.SKEW
        part = np.flatnonzero(skew & (residual > SOLVED))
        if len(part):
            found, size = point[part], residual[part]
            problem = matrices, which[part], pull[part], drift[part]
            equilibrium_lanes.solve((0,) * anchored.responses, *problem, found, size)
            point[part] = np.where((size <= TOLERANCE)[:, None], found, np.nan)
            residual[part] = size
    part = np.flatnonzero(~(residual <= TOLERANCE))
    if len(part):
        found, size = point[part], residual[part]
        equilibrium.solve(
            matrices, which[part], pull[part], reference[part], drift[part], found, size
        )
        point[part], residual[part] = found, size
    return point, residual


def _newton(anchored: FeedbackMap, start: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Damped Newton on T(z) − z."""
    point = newton(anchored, start).point
    return point, _residual(anchored, point)


def newton(
    anchored: FeedbackMap, start: FloatArray, max_iterations: int = 60, step_cap: float = 4.0
) -> NewtonResult:
    """Return where damped Newton on T(z) − z leads from states (n, D·K); NaN is the reference."""
    identity = np.eye(anchored.width)

    def system(z: FloatArray, which: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        (moved, status), slope = _select(anchored, which).linearise(z)
        moved = np.where((status == OK)[:, None], moved, np.nan)
        return moved - z, slope - identity

    usable = np.where(np.isfinite(start), start, anchored.begin(anchored.reference_logits))
    return damped_newton(system, usable, step_cap=step_cap, max_iterations=max_iterations)


def _continue(anchored: FeedbackMap, start: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Follow the solution from a small η by tangent prediction and Newton, each at its own pace.

    dz/dη = (I − ηλ·∂v/∂μ·J)⁻¹ v(μ); the step in log η grows after a success and shrinks after a
    failure. Far out the logits of vanishing responses grow in proportion to η, which the tangent
    predicts exactly.
    """
    del start
    target = anchored.beta
    eta = np.minimum(CONTINUATION_START, target)
    point = newton(anchored.with_parameters(beta=eta), anchored.reference_logits).point
    stride = np.full(len(eta), CONTINUATION_STRIDE)
    for _ in range(CONTINUATION_STEPS):
        going = np.flatnonzero((eta < target) & (stride > CONTINUATION_STRIDE * 1e-3))
        if not len(going):
            break
        here = anchored.take(going).with_parameters(beta=eta[going])
        ahead = np.minimum(eta[going] * np.exp(stride[going]), target[going])
        (moved, _), slope = here.linearise(point[going])
        score = (moved - here.reference_logits) / eta[going, None]
        tangent = -solve_each(slope - np.eye(anchored.responses), score)
        guess = point[going] + (ahead - eta[going])[:, None] * tangent
        there = here.with_parameters(beta=ahead)
        found = newton(there, guess, max_iterations=12).point
        good = _residual(there, found) <= TOLERANCE
        point[going[good]] = found[good]
        eta[going[good]] = ahead[good]
        stride[going] *= np.where(good, 1.4, 0.3)
    return point, _residual(anchored, point)


def _iterate(anchored: FeedbackMap, start: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Z ← z + s(T(z) − z) with the step s of theory 6.2, then Newton."""
    point = np.where(np.isfinite(start), start, anchored.reference_logits)
    strength = anchored.beta * anchored.lam * np.linalg.norm(anchored.P - 0.5, 2, axis=(-2, -1))
    hopeful = np.flatnonzero(strength**2 <= ITERATION_BUDGET)  # a step gains 1 − s at best
    if len(hopeful):
        part, here = anchored.take(hopeful), point[hopeful]
        step = (4.0 / (8.0 + strength[hopeful] ** 2))[:, None]
        for _ in range(ITERATION_BUDGET):
            move = step * (part.advance(here).value - here)
            here += move
            if not (np.abs(move) > 1e-6 * step).any():
                break
        point[hopeful] = here
    return _newton(anchored, point)


def _residual(anchored: FeedbackMap, logits: FloatArray) -> FloatArray:
    moved = anchored.advance(logits).value
    scale = 1.0 + np.abs(logits).max(axis=-1)
    if anchored.linear:
        signal = anchored.beta * anchored.lam * np.abs(anchored.P - 0.5).max(axis=(-2, -1))
        scale += ROUNDED / TOLERANCE * signal
    return np.asarray(np.abs(moved - logits).max(axis=-1) / scale)


def _select(loop: FeedbackMap, which: NDArray[np.intp]) -> FeedbackMap:
    return loop if len(which) == loop.size else loop.take(which)
