"""DPO schemes in lanes: the wirings of :mod:`alignsim.kernels.scheme_lanes` with another score.

u_i = βv(μ_i), S(v)μ = Pμ, μ_i = λ softmax(o_i) + (1−λ)π_off. The solves take nearly all of the
time: each stage starts from its own solution of the round before, by the means of
:mod:`alignsim.kernels.dpo_lanes`, and everything else is one loop over the rows of the scheme.
"""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part
from alignsim.kernels.dpo_lanes import extrapolate, load_gain, predict, sample, scratch_of
from alignsim.kernels.dpo_newton import (
    CODE,
    F0,
    FIGURES,
    INVERSE,
    LAM,
    LANES,
    M0,
    SMALL,
    SMALL_ROWS,
    V0,
    W0,
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
from alignsim.kernels.scheme_lanes import copy
from alignsim.kernels.status import OK


def code_for(K: int) -> tuple[tuple[int, ...] | None, int | None]:
    """Return the two arguments of :func:`run` that choose its code: for ``SMALL``, or for any K."""
    return ((0,) * SMALL, None) if K <= SMALL else (None, K)


def width(K: int, stages: int) -> int:
    """Return how many numbers a map carries from one call of :func:`run` to the next."""
    return 3 * K + 2 + 2 * stages * max(K, SMALL)


@kernel
def run(  # type: ignore[no-untyped-def]
    literal, general, matrices, which, parameters, rows, reference, opponents, state, frames, kept,
    rounds, sums, status, blocks,
):  # fmt: skip
    """Iterate the maps of some blocks over some of the rounds.

    As :func:`alignsim.kernels.dpo_lanes.run`, with

    Parameters
    ----------
    literal, general
        From :func:`code_for`.
    parameters : (n, 2)
        β and λ of each map.
    rows, state, frames
        As in :func:`alignsim.kernels.scheme_lanes.run`.
    reference : (n, K)
        log π_ref.
    sums : (m, width)
        Of :func:`width`: after the sums, what the next solves of each stage start from.
    """
    D, K = state.shape[1:]
    stages = rows.shape[1] - D
    size = frames.shape[2]
    burn_in, begin, end = rounds
    high = max(K, SMALL)
    pairs = high * (high - 1) // 2
    memory = _rows(max(SMALL_ROWS // LANES, FIGURES + 3 * high + pairs))
    memory[:] = 0.0
    w = memory.reshape(-1)
    code = w[CODE : CODE + LANES]
    target = memory[FIGURES + 3 * high : FIGURES + 3 * high + pairs]
    carried = _rows(3 * K + 2 + 2 * stages * high)
    streamed, solved = carried[: 3 * K + 2], carried[3 * K + 2 :].reshape((2, stages, high, LANES))
    scores, earlier = solved[0], solved[1]
    logits, fresh, held = _rows(D * K), _rows(D * K), _rows(HELD * size)
    fixed = _rows((stages + D) * K).reshape((stages + D, K, LANES))
    table = _rows((stages + D) * (stages + D)).reshape((stages + D, stages + D, LANES))
    row, figures = _rows(K), _rows(6)
    mixture, scratch, top = figures[:2], figures[2:5], figures[5]
    if literal is not None:
        weights, offline = memory[W0 // LANES :][:K], memory[F0 // LANES :][:K]
        inverse = memory[INVERSE // LANES]
        score, before = memory[V0 // LANES :][:SMALL], memory[M0 // LANES :][:SMALL]
        if stages == 1:
            scores, earlier = score.reshape(scores.shape), before.reshape(scores.shape)
    if general is not None:
        weights, inverse, offline = _rows(K), _rows(1)[0], _rows(K)
        sampler = memory[FIGURES + high : FIGURES + 2 * high]
        new_step = memory[FIGURES + 2 * high : FIGURES + 3 * high]
        base, step, system = scratch_of(high)
    first_frame = 0
    while kept[first_frame] < begin:
        first_frame += 1
    starts = state.reshape((-1, D * K))
    for start in range(blocks[0] * LANES, blocks[1] * LANES, LANES):
        load(starts, start, logits)
        load(opponents, start, offline)
        load(parameters, start, mixture)
        load_targets(matrices, which, start, target)
        on_policy = _load_rows(rows, D, reference, mixture[0], start, fixed, table)
        if literal is not None:
            load_gain(matrices, which, start, w)
            w[LAM : LAM + LANES] = mixture[1]
        carried[:] = 0.0
        code[:] = OK
        if begin > 0:
            load(sums, start - blocks[0] * LANES, carried)
            for b in range(LANES):
                code[b] = status[min(start + b, state.shape[0] - 1)]
        if literal is not None:
            copy(solved[0, stages - 1], score)
            copy(solved[1, stages - 1], before)
        softmax(logits[:K], top, weights, inverse)
        frame = sent = first_frame
        for t in range(begin, end):
            for i in range(stages if t > 0 else 0):
                if (i > 0) | (not on_policy):
                    _combine(fixed[i], table[i], logits, scores[:i], row)
                    softmax(row, top, weights, inverse)
                if literal is not None:
                    if stages > 1:
                        copy(scores[i], score)
                        copy(earlier[i], before)
                    predict(w)
                    solve_small(w)
                    if stages > 1:
                        copy(score, scores[i])
                        copy(before, earlier[i])
                if general is not None:
                    sample(weights, inverse, offline, mixture[1], sampler, w)
                    extrapolate(scores[i], earlier[i], scratch[0], t)
                    solve(w, target, sampler, scores[i], new_step, base, step, system)
            if t > 0:
                for d in range(D):
                    r = stages + d
                    _combine(fixed[r], table[r], logits, scores, fresh[d * K : d * K + K])
                for d in range(D):
                    own = slice(d * K, d * K + K)
                    _centre(fresh[own], code, scratch[0], logits[own])
                softmax(logits[:K], top, weights, inverse)
            if t == burn_in:
                begin_averages(weights, inverse, streamed)
            if t >= burn_in:
                update_averages(logits[:K], top, weights, inverse, scratch, streamed)
            if t == kept[frame]:
                hold(logits[:size], frame - sent, held)
                frame += 1
            if (frame - sent == HELD) | (t + 1 == end):
                release(held, sent, frame, start, frames)
                sent = frame
        if literal is not None:
            copy(score, solved[0, stages - 1])
            copy(before, solved[1, stages - 1])
        store(logits, start, starts)
        store(carried, start - blocks[0] * LANES, sums)
        for b in range(min(LANES, state.shape[0] - start)):
            status[start + b] = np.int8(code[b])


@part
def _rows(height):  # type: ignore[no-untyped-def]
    """Return ``height`` uninitialised rows of lanes."""
    return block(height * LANES).reshape((height, LANES))


@part
def _load_rows(rows, D, reference, beta, start, fixed, table):  # type: ignore[no-untyped-def]
    """Set ``fixed`` (s+D, K, lanes) to what the reference adds to each row.

    ``table`` (s+D, D+s, lanes) holds the coefficients of X and, times β, those of the scores.
    Return whether o_1 is the policy in every lane.
    """
    on_policy = True
    lines, K, _ = fixed.shape
    for b in range(LANES):
        map_ = min(start + b, rows.shape[0] - 1)
        for r in range(lines):
            for i in range(K):
                fixed[r, i, b] = rows[map_, r, 0] * reference[map_, i]
            for k in range(table.shape[1]):
                gain = 1.0 if k < D else beta[b]
                table[r, k, b] = gain * rows[map_, r, 1 + k]
        for k in range(rows.shape[2]):
            on_policy &= rows[map_, 0, k] == (1.0 if k == 1 else 0.0)
    return on_policy


@part
def _combine(fixed, table, logits, scores, row):  # type: ignore[no-untyped-def]
    """Set ``row`` (K, lanes) to a combination of X and the scores (stages, ≥ K, lanes) made yet."""
    K = row.shape[0]
    D = logits.shape[0] // K
    for i in range(K):
        own, constant = row[i], fixed[i]
        for b in range(LANES):
            own[b] = constant[b]
        for d in range(D):
            share, value = table[d], logits[d * K + i]
            for b in range(LANES):
                own[b] += share[b] * value[b]
        for k in range(scores.shape[0]):
            share, value = table[D + k], scores[k, i]
            for b in range(LANES):
                own[b] += share[b] * value[b]


@part
def _centre(fresh, code, mean, logits):  # type: ignore[no-untyped-def]
    """Set ``logits`` to ``fresh`` (K, lanes), centred; NaN in a failed lane."""
    K = fresh.shape[0]
    for b in range(LANES):
        mean[b] = 0.0 if code[b] == OK else np.nan
    for i in range(K):
        own = fresh[i]
        for b in range(LANES):
            mean[b] += own[b] * (1.0 / K)
    for i in range(K):
        own, new = fresh[i], logits[i]
        for b in range(LANES):
            new[b] = own[b] - mean[b]
