"""IPO schemes in lanes: any wiring of linear scores, many small maps side by side.

In canonical form (Butcher's A, U, B, V; schemes section 1) a round of s stages is

    o_i = a combination of ref, X and u_1 … u_{i−1},   u_i = W softmax(o_i) + d   (i = 1 … s),
    X' = combinations of ref, X and u_1 … u_s,

with W = βλ(P − ½), d = β(1−λ)(P − ½)π_off and X = (x_1 … x_D), of which x_1 is the policy. What ref
and d add to a row is a constant of the map, made beforehand. A stage goes from softmax(o_i) to the
pull W softmax(o_i), from there to the row of o_{i+1}, and to its softmax. Pulls of stages before
the last one, which few schemes use, are added to the constant of the row.

Lanes are as in :mod:`alignsim.kernels.ipo_lanes`: no lane reads another one, and what is left out
because no lane of a block needs it would have changed no bit.
"""

from __future__ import annotations

import numpy as np

from alignsim.kernels.compile import kernel, part
from alignsim.kernels.ipo_lanes import LANES
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
from alignsim.kernels.scheme_unrolled import (
    average,
    begin_row,
    make_slot,
    move_ahead,
    move_one,
    move_two,
    multiply,
    next_row,
    replace_slots,
    weigh,
)

UNROLLED = 6  # the largest K with code of its own
SLOTS = 3  # the largest D that is worth a lane
STAGES = 8  # the largest s
SAME = 1e-15  # relative difference that is rounding


def code_for(
    K: int, D: int, stages: int
) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None, int | None, int | None]:
    """Return the four arguments of :func:`run` that choose its code.

    As :func:`alignsim.kernels.lanes.code_for`. K and D are both known, or neither (of one tuple of
    tuples the compiler would not take the lengths as known); the third is ``stages`` where that
    needs more code than one stage of two slots does.
    """
    if K > UNROLLED:
        return None, None, None, K
    return (0,) * K, (0,) * D, (stages if stages > 1 or D > 2 else None), None


@kernel
def constants(matrices, which, parameters, rows, slots, reference, offline, fixed):  # type: ignore[no-untyped-def]
    """Set ``fixed`` (n, s+D, K) to what the reference and the offline sampler add to each row.

    ``matrices``, ``which`` and ``rows`` are those of :func:`run`, ``slots`` is D, ``parameters``
    (n, 2) holds β and λ, ``reference`` and ``offline`` (n, K) log π_ref and π_off.
    """
    n, lines, K = fixed.shape
    drift = np.empty(K)
    for m in range(n):
        P = matrices[which[m]]
        gain = parameters[m, 0] * (1.0 - parameters[m, 1])
        for i in range(K):
            score = 0.0
            for j in range(K):
                score += (P[i, j] - 0.5) * offline[m, j]
            drift[i] = gain * score
        for r in range(lines):
            weight = 0.0
            for k in range(1 + slots, rows.shape[2]):
                weight += rows[m, r, k]
            for i in range(K):
                fixed[m, r, i] = rows[m, r, 0] * reference[m, i] + weight * drift[i]


@kernel
def run(  # type: ignore[no-untyped-def]
    literal, wired, several, general, matrices, which, gains, rows, fixed, state, frames, kept,
    rounds, sums, blocks,
):  # fmt: skip
    """Iterate the maps of some blocks over some of the rounds.

    As :func:`alignsim.kernels.ipo_lanes.run`, with

    Parameters
    ----------
    literal, wired, several, general
        From :func:`code_for`.
    gains : (n,)
        βλ of each map.
    rows : (n, s+D, 1+D+s)
        The coefficients of o_1 … o_s, x_1' … x_D' over ref, x_1 … x_D, u_1 … u_s.
    fixed : (n, s+D, K)
        Of :func:`constants`.
    state : (n, D, K)
        Centred logits of every slot: the start, overwritten by the end.
    frames : (n, f, K) or (n, f, DK)
        Out: centred logits of the policy, or of every slot, after each of the rounds ``kept``.
    """
    D, K = state.shape[1:]
    width = frames.shape[2]
    stages = rows.shape[1] - D
    burn_in, begin, end = rounds
    height = K * K + (2 * D + 6) * K + D + 4
    w = block(height * LANES)
    memory = w.reshape((height, LANES))
    logits = memory[K * K : K * K + D * K]
    after = memory[K * K + D * K :]
    weights, pull, row = after[:K], after[K : 2 * K], after[2 * K : 3 * K]
    inverse, top = after[3 * K], after[3 * K + 1]
    streamed = after[3 * K + 2 + D + D * K :]
    depth = (K + D + 2) * LANES
    tables = block((stages + D) * depth)
    base = block((stages + D) * K * LANES).reshape(((stages + D) * K, LANES))
    earlier = block((stages + D) * stages * LANES).reshape((stages + D, stages, LANES))
    pulls = block(stages * K * LANES).reshape((stages, K, LANES))
    spare = block((D * K + 3) * LANES).reshape((D * K + 3, LANES))
    held = block(HELD * width * LANES).reshape((HELD * width, LANES))
    starts, constant = state.reshape((-1, D * K)), fixed.reshape((-1, (stages + D) * K))
    first_frame = 0
    while kept[first_frame] < begin:
        first_frame += 1
    for start in range(blocks[0] * LANES, blocks[1] * LANES, LANES):
        load(starts, start, logits)
        load(constant, start, base)
        _load_signal(matrices, which, gains, start, memory, pull, row)
        on_policy, mixed = _load_rows(rows, start, base, tables, earlier)
        softmax(logits[:K], top, weights, inverse)
        if begin > burn_in:
            load(sums, start - blocks[0] * LANES, streamed)
        frame = sent = first_frame
        ready = False
        for t in range(begin, end):
            for i in range(0 if t > 0 else stages + 1, stages + 1):
                table = tables[i * depth :]
                if several is not None and mixed & (i > 0):
                    _multiply(w, literal, wired)
                    _mix(i, base, earlier, pull, pulls, tables)
                if general is not None and i > 0:
                    _pull(memory, weights, inverse, pull)
                    if mixed:
                        _mix(i, base, earlier, pull, pulls, tables)
                if i == stages:
                    needed = on_policy | (t >= burn_in)
                    ready = False
                    if literal is not None:
                        if several is None:
                            ready = (D == 1) & (not needed)
                        if ready:
                            _move_ahead(w, table, tables, literal)
                        else:
                            _move_small(w, table, literal, wired, several, needed)
                    if general is not None:
                        _move(table, logits, pull, row, spare)
                        if needed:
                            softmax(logits[:K], top, weights, inverse)
                elif i > 0:
                    if several is not None:
                        _next_row(w, table, literal, wired)
                    if general is not None:
                        _row(table, logits, pull, row, spare[:K])
                        copy(spare[:K], row)
                        softmax(row, top, weights, inverse)
                elif (not on_policy) & (not ready):
                    if literal is not None:
                        _begin_row(w, table, literal, wired)
                    if general is not None:
                        _row(table, logits, pull, row, spare[:K])
                        copy(spare[:K], row)
                        softmax(row, top, weights, inverse)
            if t == burn_in:
                begin_averages(weights, inverse, streamed)
            if t >= burn_in:
                if literal is not None:
                    _average(w, literal, wired)
                if general is not None:
                    scratch = spare[:3]
                    update_averages(logits[:K], top, weights, inverse, scratch, streamed)
            if t == kept[frame]:
                hold(logits[:width], frame - sent, held)
                frame += 1
            if (frame - sent == HELD) | (t + 1 == end):
                release(held, sent, frame, start, frames)
                sent = frame
        store(logits, start, starts)
        if end > burn_in:
            store(streamed, start - blocks[0] * LANES, sums)


# Inlined into the loop over rounds, the loops over lanes would be a tenth slower.


@part
def _begin_row(w, table, literal, wired):  # type: ignore[no-untyped-def]
    begin_row(w, table, len(literal), len(wired))


@part
def _next_row(w, table, literal, wired):  # type: ignore[no-untyped-def]
    next_row(w, table, len(literal), len(wired))


@part
def _multiply(w, literal, wired):  # type: ignore[no-untyped-def]
    multiply(w, len(literal), len(wired))


@part
def _move_small(w, table, literal, wired, several, needed):  # type: ignore[no-untyped-def]
    """Set every slot to the combination of its table; the softmax of the policy where needed."""
    K, D = len(literal), len(wired)
    if several is None:
        if D == 1:
            move_one(w, table, False, K)
        else:
            move_two(w, table, K)
    if several is not None:
        if D == 1:
            move_one(w, table, True, K)
        else:
            multiply(w, K, D)
            for d in range(D):
                make_slot(w, table, K, D, d)
            replace_slots(w, K, D)
    if needed:
        weigh(w, K * K * LANES, K, D)


@part
def _move_ahead(w, table, first, literal):  # type: ignore[no-untyped-def]
    move_ahead(w, table, first, len(literal))


@part
def _average(w, literal, wired):  # type: ignore[no-untyped-def]
    average(w, len(literal), len(wired))


@part
def copy(source, target):  # type: ignore[no-untyped-def]
    """Copy some rows of lanes: an assignment of slices takes seconds to compile."""
    for i in range(source.shape[0]):
        old, new = source[i], target[i]
        for b in range(LANES):
            new[b] = old[b]


@part
def _load_signal(matrices, which, gains, start, memory, pull, row):  # type: ignore[no-untyped-def]
    """Set the first K² rows of ``memory`` to βλ(P − ½), the pull and the row of no stage to 0."""
    K = pull.shape[0]
    for b in range(LANES):
        map_ = min(start + b, which.shape[0] - 1)
        for i in range(K):
            pull[i, b] = row[i, b] = 0.0
            for j in range(K):
                memory[i * K + j, b] = gains[map_] * (matrices[which[map_], i, j] - 0.5)


@part
def _load_rows(rows, start, base, tables, earlier):  # type: ignore[no-untyped-def]
    """Set a table for each row, and ``earlier`` (s+D, s, lanes) to its use of earlier pulls.

    A table holds the constant (K rows of lanes), the coefficients of X (D), that of the row of the
    stage before and that of its pull. Where the earlier pulls of a row are at most as many as in
    the row before it, and in the same proportions, that row stands for them; ``base``, the
    constants, is changed to match. Return whether o_1 is the policy in every lane, and whether
    earlier pulls are left in any.
    """
    n, lines, columns = rows.shape
    stages = earlier.shape[1]
    D, K = lines - stages, base.shape[0] // lines
    depth = (K + D + 2) * LANES
    on_policy, mixed = True, False
    for b in range(LANES):
        map_ = min(start + b, n - 1)
        for k in range(columns):
            on_policy &= rows[map_, 0, k] == (1.0 if k == 1 else 0.0)
        for r in range(lines - 1, -1, -1):
            own, last = rows[map_, r], min(r, stages)
            before = rows[map_, max(last - 1, 0)]
            carried = _carried(own, before, D + 1, D + last)
            table = tables[r * depth :]
            for i in range(K):
                base[r * K + i, b] -= carried * base[max(last - 1, 0) * K + i, b]
                table[i * LANES + b] = base[r * K + i, b]
            for d in range(D):
                table[(K + d) * LANES + b] = own[1 + d] - carried * before[1 + d]
            table[(K + D) * LANES + b] = carried
            table[(K + D + 1) * LANES + b] = own[D + last] if last > 0 else 0.0
            for k in range(stages):
                left = (k < last - 1) & (carried == 0.0)
                earlier[r, k, b] = own[1 + D + k] if left else 0.0
                mixed |= earlier[r, k, b] != 0.0
    return on_policy, mixed


@part
def _carried(own, before, first, last):  # type: ignore[no-untyped-def]
    """Return what to multiply a row by to get another from ``first`` to before ``last``, or 0.

    It is 0 also where that would be a multiple, and so could lose digits.
    """
    if last <= first or own[last - 1] == 0.0 or abs(own[last - 1]) > abs(before[last - 1]):
        return 0.0
    share = own[last - 1] / before[last - 1]
    for k in range(first, last):
        if not abs(own[k] - share * before[k]) <= SAME * abs(own[k]):
            return 0.0
    return share


@part
def _mix(stage, base, earlier, pull, pulls, tables):  # type: ignore[no-untyped-def]
    """Keep the pull of a stage; add earlier ones to the constants of the rows that come next.

    A pull that a lane does not use adds 0, even one that is not finite.
    """
    stages, K, _ = pulls.shape
    lines = earlier.shape[0]
    depth = tables.shape[0] // lines
    copy(pull, pulls[stage - 1])
    for r in range(stage, stage + 1 if stage < stages else lines):
        for i in range(K):
            constant, own = tables[r * depth + i * LANES :][:LANES], base[r * K + i]
            for b in range(LANES):
                constant[b] = own[b]
            for k in range(stage - 1):
                share, old = earlier[r, k], pulls[k, i]
                for b in range(LANES):
                    constant[b] += share[b] * old[b] if share[b] != 0.0 else 0.0


@part
def _pull(signal, weights, inverse, pull):  # type: ignore[no-untyped-def]
    """Set ``pull`` (K, lanes) to W softmax(o), from the softmax in two factors.

    Every addition has one product, so that there is one way to contract it: this function is
    compiled by itself and into :func:`run`, and which of the two a process calls depends on the
    cache.
    """
    K = pull.shape[0]
    for i in range(K):
        own = pull[i]
        for b in range(LANES):
            own[b] = (0.0 + signal[i * K, b] * weights[0, b]) + signal[i * K + 1, b] * weights[1, b]
        for j in range(2, K - 1, 2):
            one, two = signal[i * K + j], signal[i * K + j + 1]
            first, second = weights[j], weights[j + 1]
            for b in range(LANES):
                own[b] = (own[b] + one[b] * first[b]) + two[b] * second[b]
        if K % 2 == 1:
            one, first = signal[i * K + K - 1], weights[K - 1]
            for b in range(LANES):
                own[b] += one[b] * first[b]
        for b in range(LANES):
            own[b] *= inverse[b]


@part
def _row(table, logits, pull, row, fresh):  # type: ignore[no-untyped-def]
    """Set ``fresh`` (K, lanes) to the combination of a table; it may be ``row`` itself."""
    K = pull.shape[0]
    D = logits.shape[0] // K
    carried, gain = table[(K + D) * LANES :][:LANES], table[(K + D + 1) * LANES :][:LANES]
    for i in range(K):
        own, last, before, constant = fresh[i], pull[i], row[i], table[i * LANES :][:LANES]
        for b in range(LANES):
            own[b] = (constant[b] + carried[b] * before[b]) + gain[b] * last[b]
        for d in range(D):
            x, share = logits[d * K + i], table[(K + d) * LANES :][:LANES]
            for b in range(LANES):
                own[b] += share[b] * x[b]


@part
def _move(table, logits, pull, row, spare):  # type: ignore[no-untyped-def]
    """Set ``logits`` (DK, lanes) to the combinations of D tables, centred; ``spare`` is scratch."""
    K = pull.shape[0]
    D = logits.shape[0] // K
    mean = spare[D * K]
    for d in range(D):
        _row(table[d * (K + D + 2) * LANES :], logits, pull, row, spare[d * K : d * K + K])
    for d in range(D):
        for b in range(LANES):
            mean[b] = 0.0
        for i in range(K):
            fresh = spare[d * K + i]
            for b in range(LANES):
                mean[b] += fresh[b]
        for b in range(LANES):
            mean[b] *= 1.0 / K
        for i in range(K):
            fresh, own = spare[d * K + i], logits[d * K + i]
            for b in range(LANES):
                own[b] = fresh[b] - mean[b]
