"""What an orbit did: a first label, and whether its policy collapsed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import simplex, validation
from alignsim.analysis.stability import Stability
from alignsim.feedback import FeedbackMap, Trajectory
from alignsim.validation import FloatArray

CONVERGED, OSCILLATING, DRIFTING, UNDECIDED = range(4)
MEANINGS = {
    CONVERGED: "converged",
    OSCILLATING: "oscillating",
    DRIFTING: "drifting",
    UNDECIDED: "undecided",
}

ARRIVED = 1e-6
"""Distance in logits, relative to 1 + span, at which an orbit is at a stable fixed point."""

MOVING = 1e-12
"""Cycle strength (a policy variance) above which an orbit moves: a deviation of 1e-6."""

NEAR = 0.1
"""Distance from the fixed point, as a deviation in logits, within which its multipliers rule."""

NEAR_SPAN = 1.0
"""And the span of logits within which a response that vanishes at the fixed point may lie."""

ROUNDING = 1e-12
"""A spectral radius this close to 1 decides nothing."""

WINDOW = 16
"""Rounds over which a distance is maximised, so that the position on a cycle does not matter."""

COLLAPSE_SHARE = 0.05
"""Collapsed is an effective support below 1 + 0.05(K − 1)."""


def phase_rounds(rounds: int, burn_in: int) -> list[int]:
    """Return the rounds that :func:`phases` looks at: a window after the burn-in, and the last."""
    early = range(burn_in, min(burn_in + WINDOW, rounds + 1))
    return sorted({*early, *range(max(burn_in, rounds - WINDOW + 1), rounds + 1)})


def phases(loop: FeedbackMap, orbit: Trajectory, local: Stability) -> NDArray[np.int8]:
    """Return a label for every orbit, (...): one of ``MEANINGS``.

    An orbit has converged when it is at a stable fixed point, or is near one and came closer by
    at least half of what the spectral radius promises since the burn-in. It oscillates when it
    moves and did not come closer although there was time. At α = 1 every orbit that moves is
    drifting. What fits none of these is undecided. A small step alone decides nothing.

    Raises
    ------
    ValueError
        If ``orbit`` did not keep its burn-in round; best keep all of :func:`phase_rounds`.
    """
    first, last = orbit.burn_in, int(orbit.rounds[-1])
    if first not in orbit.rounds:
        raise ValueError(
            f"orbit did not keep its burn-in round {first}; run it with "
            "keep=alignsim.analysis.phase_rounds(rounds, burn_in)"
        )
    window = min(WINDOW, (last - first) // 2 + 1)
    early = orbit.logits[..., (orbit.rounds >= first) & (orbit.rounds < first + window), :]
    late = orbit.logits[..., orbit.rounds > last - window, :]
    radius, fixed = local.spectral_radius, local.fixed_point.logits
    elapsed = last - window + 1 - first
    converged = approaches(early, late, fixed, radius, elapsed)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        before = _distance(early, fixed[..., None, :]).max(axis=-1)
        after = _distance(late, fixed[..., None, :]).max(axis=-1)
        stays = (radius**elapsed < 0.5) & (after > 0.9 * before)
        moving = orbit.cycle_strength > MOVING
        oscillating = moving & ~converged & (stays | (radius > 1.0 + ROUNDING))
        still = _span(late[..., -1, :] - early[..., 0, :]) == 0.0
    label = np.where(converged, CONVERGED, np.where(oscillating, OSCILLATING, UNDECIDED))
    resting = still & (last > first)
    label = np.where(loop.alpha < 1.0, label, np.where(resting, CONVERGED, DRIFTING))
    return np.where(orbit.failed, UNDECIDED, label).astype(np.int8)


def approaches(
    early: FloatArray, late: FloatArray, fixed: FloatArray, radius: FloatArray, elapsed: int
) -> NDArray[np.bool_]:
    """Return where an orbit converges to the stable fixed point ``fixed`` (..., K), (...).

    ``early`` and ``late`` (..., w, K) are windows of its logits, ``elapsed`` rounds apart;
    ``radius`` (...) is the spectral radius. An orbit has converged when it is there, or when it
    is near and came closer by at least half of what the radius promises.
    """
    from alignsim.kernels import orbits

    K = fixed.shape[-1]
    report = np.empty((radius.size, 4))
    windows = [np.ascontiguousarray(part).reshape(-1, *part.shape[-2:]) for part in (early, late)]
    orbits.approach(*windows, np.ascontiguousarray(fixed).reshape(-1, K), report)
    before, after, wide, span = np.moveaxis(report, -1, 0).reshape(4, *radius.shape)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        arrived = span <= ARRIVED * (1.0 + _span(fixed))
        closer = (before <= NEAR) & (wide <= NEAR_SPAN)
        closer &= after < before
        closer &= after <= 0.5 * (1.0 + radius**elapsed) * before
        return np.asarray((radius < 1.0) & (arrived | closer))


def collapsed(logits: ArrayLike) -> NDArray[np.bool_]:
    """Return where a policy with ``logits`` (..., K) has collapsed, (...)."""
    checked = validation.logits(logits, "logits", missing=True)
    K = checked.shape[-1]
    with np.errstate(invalid="ignore"):
        return np.asarray(simplex.effective_support(checked) < 1.0 + COLLAPSE_SHARE * (K - 1))


def _span(logits: FloatArray) -> FloatArray:
    return np.asarray(logits.max(axis=-1) - logits.min(axis=-1))


def _distance(logits: FloatArray, fixed: FloatArray) -> FloatArray:
    """Return the standard deviation of z − z* under π*.

    In this norm MRS-IPO's Jacobian is a normal matrix (α plus a skew part), so that near z* a
    round shrinks every distance by at most the spectral radius, without transients.
    """
    policy = simplex.softmax(fixed)
    gap = logits - fixed
    gap = gap - (policy * gap).sum(axis=-1, keepdims=True)
    return np.asarray(np.sqrt((policy * gap * gap).sum(axis=-1)))
