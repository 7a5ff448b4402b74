"""Damped Newton for the DPO score S(v)μ = Pμ in every lane (theory 3.6).

A lane that has converged is frozen, so that its neighbours cannot change its bits.
"""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import part
from alignsim.kernels.dpo_newton import (
    ACTIVE,
    B0,
    BEND,
    BEST,
    CODE,
    D0,
    GROUP,
    LANES,
    LAST,
    SHARE,
    SIZE,
    SMALL,
    SPREAD,
    TRUST,
    V0,
    WEIGHT,
    WORST,
    X0,
    step_general,
    step_small,
)
from alignsim.kernels.status import NOT_CONVERGED, NOT_FINITE, OK, SCORE_RANGE

STEP_CAP = 4.0  # the longest Newton step in any score
REMAINDER = 1e-14  # on the error that a step leaves, relative to 1 + the spread of v
STALL = 1e-9  # a step this short, after which the next does not shrink, has met rounding
ROUNDING = 4e-16  # of the largest residual, likewise; it may hide a smaller one that still falls
TRUSTED = 0.3  # a correction is used where it is at most this share of the Newton step
SMALLEST_SHARE = 1e-9  # of a step; a lane that halves further is lost
MAX_ITERATIONS = 200
MAX_SPREAD = 650.0  # of the scores: beyond it e^(v_i − v_j) leaves the range of float64


@part
def solve_small(w):  # type: ignore[no-untyped-def]
    """Solve S(v)μ = Pμ in every active lane; the score is start and result, K at most SMALL.

    A lane that gets lost on the way from the guess is started once more, from 0.
    """
    for attempt in range(2):
        _begin(w)
        for first in range(0, LANES, GROUP):
            group = w[first:]
            for _ in range(MAX_ITERATIONS):
                if not _any_active(group):
                    break
                step_small(group)
                _judge(group)
                _move_small(group)
        if not _end(w, w[V0 : V0 + SMALL * LANES].reshape((SMALL, LANES)), attempt):
            break


@part
def solve(w, target, sampler, score, new_step, base, step, system):  # type: ignore[no-untyped-def]
    """As :func:`solve_small`, for any K."""
    for attempt in range(2):
        _begin(w)
        for _ in range(MAX_ITERATIONS):
            step_general(w, target, sampler, score, new_step, system)
            moving = False
            for first in range(0, LANES, GROUP):
                _judge(w[first:])
                moving |= _any_active(w[first:])
            _move(w, score, new_step, base, step)
            if not moving:
                break
        if not _end(w, score, attempt):
            break


@part
def _begin(w):  # type: ignore[no-untyped-def]
    """Forget what the lanes know of an earlier solve."""
    for b in range(LANES):
        w[LAST + b] = np.inf
        w[BEST + b] = np.inf
        w[SHARE + b] = 1.0
        w[TRUST + b] = TRUSTED


@part
def _end(w, score, attempt):  # type: ignore[no-untyped-def]
    """Give up the lanes that failed, or after the first attempt return True and start them anew.

    A lane that failed has minus its code, and one that is still active did not converge.
    """
    failed = False
    for b in range(LANES):
        w[CODE + b] = -NOT_CONVERGED if w[ACTIVE + b] != 0.0 else w[CODE + b]
        failed |= w[CODE + b] < 0.0
    again = failed and attempt == 0
    for b in range(LANES if failed else 0):
        lost = w[CODE + b] < 0.0
        w[ACTIVE + b] = 1.0 if again and lost else 0.0
        w[CODE + b] = OK if again and lost else abs(w[CODE + b])
        for i in range(score.shape[0]):
            score[i, b] = 0.0 if again and lost else score[i, b]
    return again


@part
def _any_active(w):  # type: ignore[no-untyped-def]
    """Return whether a lane of the group is still being solved."""
    active = False
    for b in range(GROUP):
        active |= w[ACTIVE + b] != 0.0
    return active


@part
def _judge(w):  # type: ignore[no-untyped-def]
    """Decide for each lane of a group: take the new step, or mend the last one, or stop.

    Leaves in WORST whether the new step is taken, in SIZE its factor, in WEIGHT that of the move.

    A bent step that did not help is taken back, and the lane goes on unbent; an unbent one is
    halved, which must help in the end. A step with Newton part δ and correction c leaves an error
    of about 2c²/δ, or δ³ where the curvature happens to vanish, or c if c is left out. A lane has
    converged when that is below REMAINDER, or when a short step meets rounding.
    """
    for b in range(GROUP):
        length, previous, residual, lowest = w[SIZE + b], w[LAST + b], w[WORST + b], w[BEST + b]
        bend, trust, unit = w[BEND + b], w[TRUST + b], 1.0 + w[SPREAD + b]
        curvature = bend / length
        curvature = curvature if curvature > length else length
        bent = bend <= trust * length
        left = 2.0 * curvature * curvature * length if bent else bend + curvature * length
        short = left <= REMAINDER * unit
        better = (residual <= lowest) | (residual <= ROUNDING * unit)
        stuck = (previous <= STALL * unit) & ((not better) | (length >= 0.5 * previous))
        w[BEND + b] = 1.0 if (better & short) | stuck else 0.0
        w[WORST + b] = 1.0 if better else 0.0
        w[SPREAD + b] = w[SPREAD + b] if residual + length < np.inf else np.inf
        w[LAST + b] = length if better else previous
        w[BEST + b] = residual if better else lowest
    for b in range(GROUP):
        span, status, running = w[SPREAD + b], w[CODE + b], w[ACTIVE + b]
        better, done, share = w[WORST + b] != 0.0, w[BEND + b] != 0.0, w[SHARE + b]
        unbend = (not better) & (w[TRUST + b] > 0.0)
        lost = NOT_CONVERGED if share < SMALLEST_SHARE else OK
        failure = lost if span <= MAX_SPREAD else SCORE_RANGE if span < np.inf else NOT_FINITE
        failed = (failure != OK) & (running != 0.0)
        over = done | failed
        w[CODE + b] = -failure if failed else status
        w[ACTIVE + b] = 0.0 if over else running
        w[WEIGHT + b] = running if better | ((not over) & (not unbend)) else 0.0
        w[WORST + b] = 1.0 if better | (running == 0.0) else 0.0
        w[SHARE + b] = 1.0 if better | unbend else 0.5 * share
        w[TRUST + b] = -1.0 if unbend else w[TRUST + b]
    for b in range(GROUP):
        length = w[SIZE + b]
        w[SIZE + b] = STEP_CAP / length if length > STEP_CAP else 1.0


@part
def _move_small(w):  # type: ignore[no-untyped-def]
    """Move the scores of a group of systems of four as :func:`_judge` decided."""
    for b in range(GROUP):
        taken = w[WORST + b] != 0.0
        for i in range(SMALL):
            now, old = w[V0 + i * LANES + b], w[B0 + i * LANES + b]
            fresh, stale = w[SIZE + b] * w[D0 + i * LANES + b], 0.5 * w[X0 + i * LANES + b]
            start = now if taken else old
            move = fresh if taken else stale
            w[B0 + i * LANES + b] = start
            w[X0 + i * LANES + b] = move
            w[V0 + i * LANES + b] = start + w[WEIGHT + b] * move


@part
def _move(w, score, new_step, base, step):  # type: ignore[no-untyped-def]
    """Move the scores of systems of any size as :func:`_judge` decided."""
    better, size = w[WORST : WORST + LANES], w[SIZE : SIZE + LANES]
    weight = w[WEIGHT : WEIGHT + LANES]
    for i in range(score.shape[0]):
        own, new, origin, kept = score[i], new_step[i], base[i], step[i]
        for b in range(LANES):
            taken = better[b] != 0.0
            now, old, fresh, stale = own[b], origin[b], size[b] * new[b], 0.5 * kept[b]
            start = now if taken else old
            move = fresh if taken else stale
            origin[b] = start
            kept[b] = move
            own[b] = start + weight[b] * move
