"""Where convergence to a stable fixed point of MRS-IPO is proved.

With h = z − z*, w = π/π*, b = βλ and the norm ‖h‖² = Var_π*(h) a round is h' = αh + bMJ(w − 1),
J = diag π* − π*π*ᵀ. In this norm αI + bMJ is normal and has norm ρ, MJ has norm ω (theory 6.3).

1. Let E h = 0 under π*, span(h) ≤ H and x = e^H − 1. Then w = e^y with y = h − k, where
   0 ≤ k = log E e^h ≤ H²/8, and |y| ≤ Y = log(1 + (1 − min π*)x). From −k to y the function
   f = e^y − y rises with a mean slope of at most ε = Y/2 + Y²/4 if Y ≤ 1; as w − 1 − h is f up to a
   constant, its norm is at most ε‖h‖, and ‖h'‖ ≤ (ρ + bωε)‖h‖.
2. Where ρ + bωε < 1 the ball ‖h‖ ≤ H/√(1/π_i + 1/π_j), i and j the rarest responses, has spans up
   to H only: it is mapped into itself, and every orbit in it converges.
3. span(h') ≤ α·span(h) + bD/2·E|w − 1| with D = max_ij span(P_i − P_j), and E|w − 1| ≤ (1 + ε)‖h‖.
   So the h with span(h) ≤ H and ‖h‖ ≤ 2(1 − α)H/(bD(1 + ε)) stay so, and converge too. No power of
   min π* makes this set small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import simplex, validation
from alignsim.analysis.equilibria.fixed_point import FixedPoint
from alignsim.analysis.equilibria.stability import omega
from alignsim.analysis.results import Result
from alignsim.feedback import FeedbackMap
from alignsim.preferences.payoffs import antisymmetric_part, is_zero_sum, row_span
from alignsim.summary import Lines, numbers
from alignsim.validation import FloatArray

LARGEST_LOG_RATIO = 1.0
"""Largest Y, the bound on |log π/π*|, up to which the bound ε of the remainder is proved."""

SHARE = 0.99
"""Of the ε at which the proof stops to promise a contraction."""


@dataclass(frozen=True, eq=False, repr=False)
class CaptureRegion(Result):
    """Sets of logits from which convergence to a fixed point is proved, for a batch of maps.

    A set holds the z with deviation(z) ≤ ``radius`` and span(z − z*) ≤ ``span``.

    Attributes
    ----------
    radius : (...)
        Largest standard deviation of z − z* under π*. 0 where nothing is proved, infinite where
        every orbit converges.
    span : (...)
        Largest max − min of z − z*. 0 and infinite as above.
    rate : (...)
        Factor, below 1, by which a round shrinks the deviation at least; NaN where nothing is
        proved.
    logits : (..., K)
        The fixed points.
    """

    AXES: ClassVar = {"logits": 1}
    _batch = "radius"

    radius: FloatArray
    span: FloatArray
    rate: FloatArray
    logits: FloatArray

    def contains(self, logits: ArrayLike) -> NDArray[np.bool_]:
        """Return whether convergence is proved from ``logits`` (..., K), (...); NaN is not."""
        z = validation.logits(logits, "logits", responses=self.logits.shape[-1], missing=True)
        validation.batch_shape({"the map": self.radius.shape, "logits": z.shape[:-1]})
        with np.errstate(invalid="ignore", over="ignore"):
            near = deviation(z, self.logits) <= self.radius
            near &= np.ptp(z - self.logits, axis=-1) <= self.span
            return np.asarray(near & (self.radius > 0.0))

    @property
    def ball(self) -> FloatArray:
        """The radius (...) of a ball around the fixed point that lies in the region.

        In the standard deviation of z − z* under π*. The region is larger, much so where a
        response has all but vanished.
        """
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(self.span > 0.0, self.span / _widest(self.logits), 0.0))

    def _summary(self) -> Lines:
        for name in ("radius", "span", "rate"):
            yield name, numbers(getattr(self, name))


def capture_region(loop: FeedbackMap, point: FixedPoint) -> CaptureRegion:
    """Return the sets in which convergence to stable fixed points of MRS-IPO is proved.

    Empty (radius 0) where the point is not stable or missing, where the score is not linear, for
    payoffs that are not zero-sum, and for schemes other than MRS.

    Raises
    ------
    TypeError
        If ``point`` is no :class:`FixedPoint`.
    ValueError
        If it does not fit the map.

    Examples
    --------
    >>> import alignsim as asim
    >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=[4, 5], alpha=0.6)
    >>> region = asim.analysis.capture_region(loop, asim.analysis.fixed_point(loop))
    >>> region.radius.round(3).tolist()  # unstable from β = 4.6 on
    [0.126, 0.0]
    """
    validation.feedback_map(loop, "loop")
    found = _present(loop, point)
    logits = np.broadcast_to(point.logits, (*found.shape, loop.responses))
    usable = np.where(found[..., None], logits, 0.0)
    if not loop.mixes_references:
        nothing = np.zeros(found.shape)
        return CaptureRegion(radius=nothing, span=nothing, rate=nothing + np.nan, logits=logits)
    strength = loop.beta * loop.lam
    free = 1.0 - loop.alpha
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        turn = strength * omega(0.5 + antisymmetric_part(loop.P), usable)
        rho = np.hypot(loop.alpha, turn)
        proved = found & (rho < 1.0) & is_zero_sum(loop.P) & loop.linear
        remainder = SHARE * (1.0 - rho) / turn
        log_ratio = np.minimum(np.sqrt(1.0 + 4.0 * remainder) - 1.0, LARGEST_LOG_RATIO)
        remainder = 0.5 * log_ratio + 0.25 * log_ratio**2
        span = np.log1p(np.expm1(log_ratio) / (1.0 - simplex.softmax(usable).min(axis=-1)))
        steady = 2.0 * free * span / (strength * row_span(loop.P) * (1.0 + remainder))
        radius = np.maximum(steady, span / _widest(usable))
        rate = rho + turn * remainder
    linear = turn == 0.0
    return CaptureRegion(
        radius=np.where(proved, np.where(linear, np.inf, radius), 0.0),
        span=np.where(proved, np.where(linear, np.inf, span), 0.0),
        rate=np.where(proved, np.where(linear, loop.alpha, rate), np.nan),
        logits=logits,
    )


def deviation(logits: FloatArray, fixed: FloatArray) -> FloatArray:
    """Return the standard deviation of z − z* under π*: (..., K), (..., K) → (...)."""
    policy = simplex.softmax(fixed)
    gap = logits - fixed
    gap = gap - (policy * gap).sum(axis=-1, keepdims=True)
    return np.asarray(np.sqrt((policy * gap * gap).sum(axis=-1)))


def _present(loop: FeedbackMap, point: FixedPoint) -> NDArray[np.bool_]:
    """Return where there is a fixed point, in the batch shape of both."""
    if not isinstance(point, FixedPoint):
        raise TypeError(
            f"point is of type {type(point).__name__}; give alignsim.analysis.fixed_point(loop)"
        )
    validation.logits(point.logits, "point.logits", responses=loop.responses, missing=True)
    shape = validation.batch_shape(
        {"the map": loop.shape, "the fixed point": point.logits.shape[:-1]}
    )
    return np.broadcast_to(np.isfinite(point.logits).all(axis=-1), shape)


def _widest(logits: FloatArray) -> FloatArray:
    """Return the largest span of an h with ‖h‖ = 1: √(1/π_i + 1/π_j) of the rarest two."""
    rarest = np.sort(simplex.log_softmax(logits), axis=-1)[..., :2]
    with np.errstate(over="ignore"):
        return np.asarray(np.sqrt(np.exp(-rarest).sum(axis=-1)))
