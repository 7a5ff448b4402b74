"""What an orbit did: a first label, and whether its policy collapsed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex
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

COLLAPSE_SHARE = 0.05
"""Collapsed is an effective support below 1 + 0.05(K − 1)."""


def phases(loop: FeedbackMap, orbit: Trajectory, local: Stability) -> NDArray[np.int8]:
    """Return a label for every orbit, (...): one of ``MEANINGS``.

    ``orbit`` must have kept its burn-in round. An orbit has converged when it is at a stable
    fixed point, or came closer to one by at least half of what the spectral radius promises since
    the burn-in. It oscillates when it moves and did not come closer although there was time. At
    α = 1 every orbit that moves is drifting. What fits none of these is undecided. A small step
    alone decides nothing.
    """
    early = orbit.logits[..., int(np.searchsorted(orbit.rounds, orbit.burn_in)), :]
    late = orbit.final_logits
    rounds = int(orbit.rounds[-1]) - orbit.burn_in
    radius, fixed = local.spectral_radius, local.fixed_point.logits
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        before, after = _distance(early, fixed), _distance(late, fixed)
        contraction = radius**rounds
        arrived = _span(late - fixed) <= ARRIVED * (1.0 + _span(fixed))
        closer = after <= 0.5 * (1.0 + contraction) * before
        converged = (radius < 1.0) & (arrived | closer)
        stays = (contraction < 0.5) & (after > 0.9 * before)
        moving = orbit.cycle_strength > MOVING
        oscillating = moving & ~converged & (stays | ~(radius < 1.0))
    still = _span(late - early) == 0.0
    label = np.where(converged, CONVERGED, np.where(oscillating, OSCILLATING, UNDECIDED))
    label = np.where(loop.alpha < 1.0, label, np.where(still, CONVERGED, DRIFTING))
    return np.where(orbit.failed, UNDECIDED, label).astype(np.int8)


def collapsed(logits: FloatArray) -> NDArray[np.bool_]:
    """Return where a policy with ``logits`` (..., K) has collapsed, (...)."""
    K = logits.shape[-1]
    with np.errstate(invalid="ignore"):
        return np.asarray(simplex.effective_support(logits) < 1.0 + COLLAPSE_SHARE * (K - 1))


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
