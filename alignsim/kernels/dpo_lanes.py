"""MRS-DPO in lanes: each round solves S(v)μ = Pμ for the score v, then mixes.

z ← centre(α z + d + β v(μ)), μ = λ softmax(z) + (1−λ) π_off, d = (1−α) log π_ref. The solve is
the damped Newton iteration of theory 3.6, started from the scores of the rounds before. A lane
that has converged is frozen, so that its neighbours cannot change its bits.
"""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part, unrolled
from alignsim.kernels.dpo_newton import (
    ACTIVE,
    ALPHA,
    B0,
    BETA,
    C0,
    CODE,
    E0,
    F0,
    FIGURES,
    INVERSE,
    LAM,
    LANES,
    M0,
    Q0,
    SMALL,
    SMALL_ROWS,
    TOP,
    V0,
    W0,
    Z0,
    load_targets,
)
from alignsim.kernels.dpo_solve import solve, solve_small
from alignsim.kernels.lanes import (
    HELD,
    begin_averages,
    block,
    hold,
    load,
    release,
    softmax,
    store,
    update_averages,
)
from alignsim.kernels.status import OK
from alignsim.kernels.vectormath import exp

SAME = 4e-16  # relative change of a sampler that is rounding


@kernel
def run(  # type: ignore[no-untyped-def]
    literal, general, matrices, which, parameters, drift, opponents, state, frames, kept, rounds,
    sums, status, blocks,
):  # fmt: skip
    """Iterate the maps of some blocks over some of the rounds.

    As :func:`alignsim.kernels.ipo_lanes.run`, with

    Parameters
    ----------
    literal, general
        From :func:`alignsim.kernels.lanes.code_for`, for K up to ``SMALL``.
    parameters : (n, 3)
        α, β and λ of each map.
    drift : (n, K)
        d = (1−α) log π_ref.
    opponents : (n, K)
        (1−λ) π_off.
    sums : (m, 3K + 2 + 2 max(K, SMALL))
        After the sums, what the next solve starts from.
    status : (n,)
        Out: a code of :mod:`alignsim.kernels.status`; a failed lane's logits are NaN.
    """
    K = state.shape[1]
    burn_in, begin, end = rounds
    rows = max(K, SMALL)
    pairs = rows * (rows - 1) // 2
    height = max(SMALL_ROWS // LANES, FIGURES + 3 * rows + pairs)
    w = block(height * LANES)
    memory = w.reshape((height, LANES))
    for entry in range(w.size):
        w[entry] = 0.0
    code = w[CODE : CODE + LANES]
    score = memory[FIGURES : FIGURES + rows]
    sampler = memory[FIGURES + rows : FIGURES + 2 * rows]
    target = memory[FIGURES + 3 * rows : FIGURES + 3 * rows + pairs]
    height = (11 + HELD) * rows + 13
    more = block(height * LANES).reshape((height, LANES))
    carried, streamed = more[: 3 * K + 2 + 2 * rows], more[: 3 * K + 2]
    old_score, old_sampler = carried[3 * K + 2 : 3 * K + 2 + rows], carried[3 * K + 2 + rows :]
    held = more[5 * rows + 2 : (5 + HELD) * rows + 2]
    spare = more[(5 + HELD) * rows + 2 :]
    scratch, mixture = spare[6 * rows : 6 * rows + 3], spare[6 * rows + 3 : 6 * rows + 6]
    if literal is not None:
        before = sampler
        weights, offline = memory[W0 // LANES :][:K], memory[F0 // LANES :][:K]
        logits, constant = memory[Z0 // LANES :][:K], memory[C0 // LANES :][:K]
        inverse, top = memory[INVERSE // LANES], memory[TOP // LANES]
    if general is not None:
        before = spare[:rows]
        weights, offline = spare[rows : 2 * rows], spare[2 * rows : 3 * rows]
        logits, constant = spare[3 * rows : 4 * rows], spare[4 * rows : 5 * rows]
        inverse, top = spare[6 * rows + 6], spare[6 * rows + 7]
        new_step = memory[FIGURES + 2 * rows : FIGURES + 3 * rows]
        base, step, system = scratch_of(rows)
    first_frame = 0
    while kept[first_frame] < begin:
        first_frame += 1
    for start in range(blocks[0] * LANES, blocks[1] * LANES, LANES):
        load(state, start, logits)
        load(drift, start, constant)
        load(opponents, start, offline)
        load(parameters, start, mixture)
        load_targets(matrices, which, start, target)
        if literal is not None:
            load_gain(matrices, which, start, w)
            for b in range(LANES):
                w[ALPHA + b], w[BETA + b], w[LAM + b] = mixture[0, b], mixture[1, b], mixture[2, b]
        softmax(logits, top, weights, inverse)
        if begin > 0:
            load(sums, start - blocks[0] * LANES, carried)
        for b in range(LANES):
            code[b] = status[min(start + b, state.shape[0] - 1)] if begin > 0 else OK
            for i in range(rows):
                score[i, b] = old_score[i, b] if begin > 0 else 0.0
                before[i, b] = old_sampler[i, b] if begin > 0 else 0.0
        frame = sent = first_frame
        for t in range(begin, end):
            if t > 0:
                if literal is not None:
                    predict(w)
                    solve_small(w)
                    _advance_unrolled(w, len(literal))
                if general is not None:
                    sample(weights, inverse, offline, mixture[2], sampler, w)
                    extrapolate(score, before, scratch[0], t)
                    solve(w, target, sampler, score, new_step, base, step, system)
                    _mix(logits, score, constant, mixture, code, scratch[0])
                    softmax(logits, top, weights, inverse)
            if t == burn_in:
                begin_averages(weights, inverse, streamed)
            if t >= burn_in:
                update_averages(logits, top, weights, inverse, scratch, streamed)
            if t == kept[frame]:
                hold(logits, frame - sent, held)
                frame += 1
            if (frame - sent == HELD) | (t + 1 == end):
                release(held, sent, frame, start, frames)
                sent = frame
        store(logits, start, state)
        for b in range(LANES):
            for i in range(rows):
                old_score[i, b] = score[i, b]
                old_sampler[i, b] = before[i, b]
        store(carried, start - blocks[0] * LANES, sums)
        for b in range(min(LANES, state.shape[0] - start)):
            status[start + b] = np.int8(code[b])


@part
def scratch_of(rows):  # type: ignore[no-untyped-def]
    """Return the scratch of :func:`solve` for K = ``rows``: base, step and system."""
    pairs = rows * (rows - 1) // 2
    square = rows * rows
    height = square + 3 * pairs + 4 * rows + 3
    large = block(height * LANES).reshape((height, LANES))
    slopes, vectors = large[square:], large[square + 3 * pairs :]
    figures = vectors[4 * rows :]
    system = (
        large[:square].reshape((rows, rows, LANES)),
        slopes[:pairs], slopes[pairs : 2 * pairs], slopes[2 * pairs : 3 * pairs],
        vectors[:rows], vectors[rows : 2 * rows], figures[0], figures[1], figures[2],
    )  # fmt: skip
    return vectors[2 * rows : 3 * rows], vectors[3 * rows : 4 * rows], system


@part
def load_gain(matrices, which, start, w):  # type: ignore[no-untyped-def]
    """Set the gain of the prediction to 4(P − ½), zero for responses that merely pad."""
    K = matrices.shape[1]
    for b in range(LANES):
        map_ = min(start + b, which.shape[0] - 1)
        for i in range(K):
            for j in range(K):
                w[Q0 + (SMALL * i + j) * LANES + b] = 4.0 * (matrices[which[map_], i, j] - 0.5)


@part
def predict(w):  # type: ignore[no-untyped-def]
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


@unrolled
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


@part
def sample(weights, inverse, offline, lam, sampler, w):  # type: ignore[no-untyped-def]
    """Set the sampler to λ π + (1−λ) π_off; every lane that has not failed is to be solved."""
    for b in range(LANES):
        w[ACTIVE + b] = 1.0 if w[CODE + b] == OK else 0.0
    for i in range(weights.shape[0]):
        own, other, mixed = weights[i], offline[i], sampler[i]
        for b in range(LANES):
            mixed[b] = lam[b] * (own[b] * inverse[b]) + other[b]


@part
def extrapolate(score, before, shift, t):  # type: ignore[no-untyped-def]
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


@part
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
