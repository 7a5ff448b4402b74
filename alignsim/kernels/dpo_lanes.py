"""MRS-DPO in lanes: each round solves S(v)μ = Pμ for the score v, then mixes.

z ← centre(α z + d + β v(μ)), μ = λ softmax(z) + (1−λ) π_off, d = (1−α) log π_ref. The solve is
the damped Newton iteration of theory 3.6, started from the scores of the rounds before. A lane
that has converged is frozen, so that its neighbours cannot change its bits.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from alignsim.kernels.compile import kernel
from alignsim.kernels.dpo_newton import (
    ACTIVE,
    ALPHA,
    B0,
    BEND,
    BEST,
    BETA,
    C0,
    CODE,
    D0,
    E0,
    F0,
    FIGURES,
    GROUP,
    INVERSE,
    LAM,
    LANES,
    LAST,
    M0,
    Q0,
    SHARE,
    SIZE,
    SMALL,
    SMALL_ROWS,
    SPREAD,
    TOP,
    TRUST,
    V0,
    W0,
    WEIGHT,
    WORST,
    X0,
    Z0,
    load_targets,
    step_general,
    step_small,
)
from alignsim.kernels.lanes import (
    HELD,
    begin_averages,
    block,
    keep,
    load,
    softmax,
    store,
    store_averages,
    update_averages,
)
from alignsim.kernels.status import NOT_CONVERGED, NOT_FINITE, OK, SCORE_RANGE
from alignsim.kernels.vectormath import exp

STEP_CAP = 4.0  # the longest Newton step in any score
REMAINDER = 1e-14  # on the error that a step leaves, relative to 1 + the spread of v
STALL = 1e-9  # a step this short, after which the next does not shrink, has met rounding
ROUNDING = 4e-16  # of the largest residual, likewise; it may hide a smaller one that still falls
TRUSTED = 0.3  # a correction is used where it is at most this share of the Newton step
SAME = 4e-16  # relative change of a sampler that is rounding
SMALLEST_SHARE = 1e-9  # of a step; a lane that halves further is lost
MAX_ITERATIONS = 200
MAX_SPREAD = 650.0  # of the scores: beyond it e^(v_i − v_j) leaves the range of float64


@kernel
def run(  # type: ignore[no-untyped-def]
    matrices, which, parameters, drift, opponents, state, frames, kept, burn_in, averages,
    status, first, last,
):  # fmt: skip
    """Iterate the maps of blocks ``first`` to ``last``.

    As :func:`alignsim.kernels.ipo_lanes.run`, with

    Parameters
    ----------
    parameters : (n, 3)
        α, β and λ of each map.
    drift : (n, K)
        d = (1−α) log π_ref.
    opponents : (n, K)
        (1−λ) π_off.
    status : (n,)
        Out: a code of :mod:`alignsim.kernels.status`; a failed lane's logits are NaN.
    """
    K = state.shape[1]
    rows = max(K, SMALL)
    pairs = rows * (rows - 1) // 2
    small = K <= SMALL
    memory = block(max(SMALL_ROWS // LANES, FIGURES + 3 * rows + pairs + 3 * K + 1), LANES)
    memory[:] = 0.0
    w = memory.reshape(memory.size)
    code = w[CODE : CODE + LANES]
    score = memory[FIGURES : FIGURES + rows]
    sampler = memory[FIGURES + rows : FIGURES + 2 * rows]
    new_step = memory[FIGURES + 2 * rows : FIGURES + 3 * rows]
    target = memory[FIGURES + 3 * rows : FIGURES + 3 * rows + pairs]
    rest = (W0 // LANES) if small else FIGURES + 3 * rows + pairs
    weights = memory[rest : rest + K]
    offline = memory[rest + rows : rest + rows + K] if small else memory[rest + K : rest + 2 * K]
    inverse = memory[rest + 2 * rows if small else rest + 2 * K]
    rest = Z0 // LANES if small else rest + 2 * K + 1
    logits = memory[rest : rest + K]
    constant = memory[rest + SMALL : rest + SMALL + K] if small else block(K, LANES)
    sums = block(3 * K + 2, LANES)
    scratch = block(3, LANES)
    held = block(HELD * K, LANES).reshape((HELD, K, LANES))
    mixture = block(3, LANES)
    top = memory[TOP // LANES] if small else block(1, LANES)[0]
    before, base, step = block(rows, LANES), block(rows, LANES), block(rows, LANES)
    system = (
        block(rows * rows, LANES).reshape((rows, rows, LANES)), block(pairs, LANES),
        block(pairs, LANES), block(pairs, LANES), block(rows, LANES), block(rows, LANES),
        block(1, LANES)[0], block(1, LANES)[0], block(1, LANES)[0],
    )  # fmt: skip
    for start in range(first * LANES, last * LANES, LANES):
        load(state, start, logits)
        load(drift, start, constant)
        load(opponents, start, offline)
        load(parameters, start, mixture)
        load_targets(matrices, which, start, target)
        if small:
            _load_gain(matrices, which, start, w)
            w[ALPHA : ALPHA + LANES] = mixture[0]
            w[BETA : BETA + LANES] = mixture[1]
            w[LAM : LAM + LANES] = mixture[2]
            sampler[:] = 0.0
        softmax(logits, top, weights, inverse)
        score[:] = 0.0
        before[:] = 0.0
        code[:] = OK
        saved = 0
        for t in range(kept[-1] + 1):
            if t > 0:
                if small:
                    _predict(w)
                else:
                    _sample(weights, inverse, offline, mixture, sampler, w)
                    _extrapolate(score, before, scratch[0], t)
                _solve(w, target, sampler, score, new_step, base, step, system)
                if small:
                    _advance_small(w, K)
                else:
                    _mix(logits, score, constant, mixture, code, scratch[0])
                    softmax(logits, top, weights, inverse)
            if t == burn_in:
                begin_averages(weights, inverse, sums)
            if t >= burn_in:
                update_averages(logits, top, weights, inverse, scratch, sums)
            if t == kept[saved]:
                keep(logits, saved, held, start, frames)
                saved += 1
        store(logits, start, state)
        store_averages(sums, kept[-1] + 1 - burn_in, start, averages)
        for b in range(min(LANES, state.shape[0] - start)):
            status[start + b] = np.int8(code[b])


@kernel
def _load_gain(matrices, which, start, w):  # type: ignore[no-untyped-def]
    """Set the gain of the prediction to 4(P − ½), zero for responses that merely pad."""
    K = matrices.shape[1]
    for b in range(LANES):
        map_ = min(start + b, which.shape[0] - 1)
        for i in range(K):
            for j in range(K):
                w[Q0 + (SMALL * i + j) * LANES + b] = 4.0 * (matrices[which[map_], i, j] - 0.5)


@kernel
def _predict(w):  # type: ignore[no-untyped-def]
    """Move the sampler to λ π + (1−λ) π_off, and the scores by 4(P − ½) times its change.

    That is what the scores do to first order where preferences are weak (theory 3.5). A lane
    whose sampler has not moved since it was solved keeps its score, and is not solved again. The
    first score is taken off all, or rounding would drift along constants.
    """
    for b in range(LANES):
        farthest = 0.0
        for i in range(SMALL):
            old = w[M0 + i * LANES + b]
            own = w[LAM + b] * (w[W0 + i * LANES + b] * w[INVERSE + b])
            new = own + w[F0 + i * LANES + b]
            change = new - old
            w[B0 + i * LANES + b] = new
            w[E0 + i * LANES + b] = change
            excess = abs(change) - SAME * old
            farthest = excess if excess > farthest else farthest
        moved = 1.0 if farthest > 0.0 else 0.0
        w[ACTIVE + b] = moved if w[CODE + b] == OK else 0.0
        gauge = w[V0 + b] * moved
        for i in range(SMALL):
            old, new = w[M0 + i * LANES + b], w[B0 + i * LANES + b]
            w[E0 + i * LANES + b] *= moved
            w[M0 + i * LANES + b] = new if moved != 0.0 else old
        for i in range(SMALL):
            guess = w[V0 + i * LANES + b] - gauge
            for j in range(SMALL):
                guess += w[Q0 + (SMALL * i + j) * LANES + b] * w[E0 + j * LANES + b]
            w[V0 + i * LANES + b] = guess


@kernel
def _advance_small(w, K):  # type: ignore[no-untyped-def]
    """Mix and take the softmax, by code unrolled for each K."""
    if K == 2:
        _advance_unrolled(w, 2)
    elif K == 3:
        _advance_unrolled(w, 3)
    else:
        _advance_unrolled(w, 4)


@njit(forceinline=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _advance_unrolled(w, K):  # type: ignore[no-untyped-def]
    """Set logits to centre(α z + d + β v), NaN in a failed lane, and their softmax."""
    for b in range(LANES):
        mean = 0.0 if w[CODE + b] == OK else np.nan
        top = -np.inf
        for i in range(K):
            moved = w[ALPHA + b] * w[Z0 + i * LANES + b] + w[C0 + i * LANES + b]
            moved += w[BETA + b] * w[V0 + i * LANES + b]
            w[Z0 + i * LANES + b] = moved
            mean += moved * (1.0 / K)
            top = moved if moved > top else top
        w[TOP + b] = top - mean
        for i in range(K):
            w[Z0 + i * LANES + b] -= mean
    for b in range(LANES):
        total = 0.0
        for i in range(K):
            weight = exp(w[Z0 + i * LANES + b] - w[TOP + b])
            w[W0 + i * LANES + b] = weight
            total += weight
        w[INVERSE + b] = 1.0 / total


@kernel
def _sample(weights, inverse, offline, mixture, sampler, w):  # type: ignore[no-untyped-def]
    """Set the sampler to λ π + (1−λ) π_off; every lane that has not failed is to be solved."""
    lam = mixture[2]
    for b in range(LANES):
        w[ACTIVE + b] = 1.0 if w[CODE + b] == OK else 0.0
    for i in range(weights.shape[0]):
        own, other, mixed = weights[i], offline[i], sampler[i]
        for b in range(LANES):
            mixed[b] = lam[b] * (own[b] * inverse[b]) + other[b]


@kernel
def _extrapolate(score, before, shift, t):  # type: ignore[no-untyped-def]
    """Guess this round's score from the line through the last two, and move them down.

    The last score is first moved to the gauge v_0 = 0, or rounding would drift along constants.
    """
    ahead = 1.0 if t > 2 else 0.0
    first = score[0]
    for b in range(LANES):
        shift[b] = first[b]
    for i in range(score.shape[0]):
        own, old = score[i], before[i]
        for b in range(LANES):
            now = own[b] - shift[b]
            own[b] = now + ahead * (now - old[b])
            old[b] = now


@kernel
def _mix(logits, score, constant, mixture, code, mean):  # type: ignore[no-untyped-def]
    """Set logits to centre(α z + d + β v); NaN in a failed lane."""
    K = logits.shape[0]
    alpha, beta = mixture[0], mixture[1]
    for b in range(LANES):
        mean[b] = 0.0 if code[b] == OK else np.nan
    for i in range(K):
        own, drift, pull = logits[i], constant[i], score[i]
        for b in range(LANES):
            own[b] = (alpha[b] * own[b] + drift[b]) + beta[b] * pull[b]
        for b in range(LANES):
            mean[b] += own[b] * (1.0 / K)
    for i in range(K):
        own = logits[i]
        for b in range(LANES):
            own[b] -= mean[b]


@kernel
def _solve(w, target, sampler, score, new_step, base, step, system):  # type: ignore[no-untyped-def]
    """Solve S(v)μ = Pμ in every active lane; the score is start and result.

    A lane that gets lost on the way from the guess is started once more, from 0.
    """
    if _iterate(w, target, sampler, score, new_step, base, step, system):
        return
    for b in range(LANES):
        w[ACTIVE + b] = 1.0 if w[CODE + b] < 0.0 else 0.0
        w[CODE + b] = OK if w[CODE + b] < 0.0 else w[CODE + b]
    for i in range(score.shape[0]):
        for b in range(LANES):
            score[i, b] = 0.0 if w[ACTIVE + b] != 0.0 else score[i, b]
    _iterate(w, target, sampler, score, new_step, base, step, system)
    for b in range(LANES):
        w[CODE + b] = abs(w[CODE + b])


@kernel
def _iterate(w, target, sampler, score, new_step, base, step, system):  # type: ignore[no-untyped-def]
    """Iterate the active lanes to the end; those that fail get minus their code. True if none."""
    for b in range(LANES):
        w[LAST + b] = np.inf
        w[BEST + b] = np.inf
        w[SHARE + b] = 1.0
        w[TRUST + b] = TRUSTED
    if score.shape[0] == SMALL:
        for first in range(0, LANES, GROUP):
            group = w[first:]
            for _ in range(MAX_ITERATIONS):
                if not _any_active(group):
                    break
                step_small(group)
                _judge(group)
                _move_small(group)
    else:
        for _ in range(MAX_ITERATIONS):
            step_general(w, target, sampler, score, new_step, system)
            moving = False
            for first in range(0, LANES, GROUP):
                _judge(w[first:])
                moving |= _any_active(w[first:])
            _move(w, score, new_step, base, step)
            if not moving:
                break
    failed = False
    for b in range(LANES):
        w[CODE + b] = -NOT_CONVERGED if w[ACTIVE + b] != 0.0 else w[CODE + b]
        failed |= w[CODE + b] < 0.0
    return not failed


@kernel
def _any_active(w):  # type: ignore[no-untyped-def]
    """Return whether a lane of the group is still being solved."""
    active = False
    for b in range(GROUP):
        active |= w[ACTIVE + b] != 0.0
    return active


@kernel
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


@kernel
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


@kernel
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
