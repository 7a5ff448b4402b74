"""Who iterates a map: the table of fused kernels, and the generic path for everything else.

An engine takes a flat batch and a :class:`Schedule` and fills a :class:`Record`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex
from alignsim.feedback import kernel_arrays, samples
from alignsim.feedback.batch import MapBatch
from alignsim.feedback.methods.contract import Method
from alignsim.feedback.methods.mrs import MRS
from alignsim.feedback.samples import Sampling
from alignsim.feedback.threads import in_threads
from alignsim.kernels.status import NO_OPTIMUM, NOT_FINITE, OK
from alignsim.objectives import DPO, IPO, Objective, Solution
from alignsim.objectives.existence import has_finite_scores
from alignsim.progress import ProgressBar
from alignsim.validation import LARGEST_LOGIT, FloatArray

WIDEST_LANE = 64
"""The largest K that runs in lanes; above, a round is a matrix product."""

WIDE_BLOCK = 128
"""Maps of many responses that are iterated together: fewer make slower matrix products."""

SLICE = 10**9
"""Operations in one call of a kernel, which cannot be interrupted: under a second of them."""

SUMS = 2**14
"""Entries of sums in one call: larger arrays would be new memory from the system each time."""


@dataclass(frozen=True)
class Schedule:
    """Which rounds to keep (ascending, the last ends the run) and from which to average.

    ``whole``: frames are whole states, not the policies' logits alone. They lie in ``memory``,
    which is as large or larger, by default in new one.
    """

    kept: NDArray[np.int64]
    burn_in: int
    threads: int
    bar: ProgressBar | None = None
    whole: bool = False
    memory: FloatArray | None = None


@dataclass(frozen=True)
class Record:
    """What an engine fills: the state (n, D·K), averages (n, 2K+2) of the policy, status (n,).

    And frames (n, f, K) of the policy's logits, or (n, f, D·K) of the state.
    """

    state: FloatArray
    frames: FloatArray
    averages: FloatArray
    status: NDArray[np.int8]


Engine = Callable[[MapBatch, Schedule, Record], None]
Rounds = tuple[int, int, int]


def iterate(
    loop: MapBatch, start: FloatArray, schedule: Schedule, plan: Sampling | None = None
) -> Record:
    """Return the record of the flat batch ``loop`` from the centred states ``start`` (n, D·K).

    With a ``plan``, every round learns from finitely many comparisons.
    """
    engine = _engine(loop) if plan is None else partial(_sampled, plan)
    return recorded(partial(engine, loop), start, schedule, loop.responses)


def recorded(
    run: Callable[[Schedule, Record], None], start: FloatArray, schedule: Schedule, responses: int
) -> Record:
    """Return what ``run`` records from the centred states ``start`` (n, D·K)."""
    n, width = start.shape
    shape = n, len(schedule.kept), width if schedule.whole else responses
    record = Record(
        state=np.array(start, dtype=np.float64, order="C"),
        frames=np.ndarray(shape, buffer=schedule.memory),
        averages=np.empty((n, 2 * responses + 2)),
        status=np.zeros(n, dtype=np.int8),
    )
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        run(schedule, record)
    _mark_failures(record)
    return record


def _engine(loop: MapBatch) -> Engine:
    objective, K = type(loop.objective), loop.responses
    if not loop.samples_alike:
        return _generic
    fused = FUSED.get((objective, loop.scheme.method))
    if fused is not None:
        return fused(K)
    wired = WIRED.get(objective)
    return _generic if wired is None or K > WIDEST_LANE else partial(_by_stages, wired)


def ipo_arrays(
    loop: MapBatch,
) -> tuple[FloatArray, NDArray[np.intp], FloatArray, FloatArray]:
    """Return the matrices, which of them each map has, (α, βλ) and the drift of flat IPO maps."""
    from alignsim.kernels import lanes

    matrices, which = loop.matrix_table()
    mixture = np.stack([loop.alpha, loop.beta, loop.lam], axis=-1)
    drift = np.empty((loop.size, loop.responses))
    reference, offline = (
        np.array(part, order="C") for part in (loop.reference_logits, loop.offline_policy)
    )  # owned and contiguous, as one signature needs
    lanes.drifts(matrices, which, mixture, reference, offline, drift)
    return matrices, which, np.stack([loop.alpha, loop.beta * loop.lam], axis=-1), drift


def _ipo_lanes(loop: MapBatch, schedule: Schedule, record: Record) -> None:
    from alignsim.kernels import ipo_lanes, lanes

    K = loop.responses
    arrays = (*lanes.code_for(K, ipo_lanes.UNROLLED), *ipo_arrays(loop))

    def run(rounds: Rounds, sums: FloatArray, blocks: tuple[int, int]) -> None:
        ipo_lanes.run(*arrays, record.state, record.frames, schedule.kept, rounds, sums, blocks)

    in_slices(run, schedule, record, ipo_lanes.LANES, cost=K * K + 20, width=3 * K + 2)


def _dpo_lanes(loop: MapBatch, schedule: Schedule, record: Record) -> None:
    from alignsim.kernels import dpo_lanes, lanes
    from alignsim.kernels.dpo_newton import LANES, SMALL

    K = loop.responses
    matrices, which = loop.matrix_table()
    arrays = (
        *lanes.code_for(K, SMALL), matrices, which,
        np.stack([loop.alpha, loop.beta, loop.lam], axis=-1),
        np.ascontiguousarray((1.0 - loop.alpha)[:, None] * loop.reference_logits),
        np.ascontiguousarray((1.0 - loop.lam)[:, None] * loop.offline_policy),
    )  # fmt: skip

    def run(rounds: Rounds, sums: FloatArray, blocks: tuple[int, int]) -> None:
        dpo_lanes.run(
            *arrays, record.state, record.frames, schedule.kept, rounds, sums, record.status, blocks
        )

    width = 3 * K + 2 + 2 * max(K, SMALL)
    in_slices(run, schedule, record, LANES, cost=20 * K * K + 4 * K**3, width=width)
    _mark_unsolvable(loop, schedule, record)


def _mark_unsolvable(loop: MapBatch, schedule: Schedule, record: Record) -> None:
    """Give maps without a finite DPO score the status that says so."""
    if schedule.kept[-1] > 0 and not (loop.matrices > 0).all():
        sampled = np.where(loop.lam[:, None] > 0, 1.0, loop.offline_policy)
        unsolvable = np.flatnonzero(~has_finite_scores(loop.P, sampled))
        record.status[unsolvable] = NO_OPTIMUM
        record.frames[np.ix_(unsolvable, schedule.kept > 0)] = np.nan


def _by_stages(engine: Engine, loop: MapBatch, schedule: Schedule, record: Record) -> None:
    """Run a scheme in lanes, apart for each number of stages that reach the new state.

    A map then has the bits that it has alone. What is too large for the lanes is run by steps.
    """
    from alignsim.kernels.scheme_lanes import SLOTS, STAGES

    needed = loop.scheme.needed
    for stages in np.unique(needed):
        own = np.flatnonzero(needed == stages)
        fits = stages <= STAGES and loop.scheme.size <= SLOTS
        run = engine if fits else _generic
        if len(own) == len(needed):
            run(loop, schedule, record)
            return
        part = Record(*(getattr(record, field.name)[own] for field in fields(Record)))
        run(loop.take(own), schedule, part)
        for field in fields(Record):
            getattr(record, field.name)[own] = getattr(part, field.name)


def _ipo_scheme_lanes(loop: MapBatch, schedule: Schedule, record: Record) -> None:
    from alignsim.kernels import ipo_lanes, scheme_lanes

    K, D = loop.responses, loop.scheme.size
    arrays = kernel_arrays.ipo_scheme_arrays(loop)
    state = record.state.reshape(-1, D, K)

    def run(rounds: Rounds, sums: FloatArray, blocks: tuple[int, int]) -> None:
        scheme_lanes.run(*arrays, state, record.frames, schedule.kept, rounds, sums, blocks)

    stages = int(loop.scheme.needed.max())
    cost = stages * (K * K + 20) + 4 * D * D * K
    in_slices(run, schedule, record, ipo_lanes.LANES, cost=cost, width=3 * K + 2)


def _dpo_scheme_lanes(loop: MapBatch, schedule: Schedule, record: Record) -> None:
    from alignsim.kernels import scheme_dpo_lanes
    from alignsim.kernels.dpo_newton import LANES

    K = loop.responses
    arrays = kernel_arrays.dpo_scheme_arrays(loop)
    state = record.state.reshape(-1, loop.scheme.size, K)

    def run(rounds: Rounds, sums: FloatArray, blocks: tuple[int, int]) -> None:
        scheme_dpo_lanes.run(
            *arrays, state, record.frames, schedule.kept, rounds, sums, record.status, blocks
        )

    stages = int(loop.scheme.needed.max())
    cost, width = stages * (20 * K * K + 4 * K**3), scheme_dpo_lanes.width(K, stages)
    in_slices(run, schedule, record, LANES, cost=cost, width=width)
    _mark_unsolvable(loop, schedule, record)


def in_slices(
    run: Callable[[Rounds, FloatArray, tuple[int, int]], None],
    schedule: Schedule,
    record: Record,
    lanes: int,
    *,
    cost: int,
    width: int,
) -> None:
    """Run a lane kernel over all blocks and rounds, by calls that are short enough to interrupt.

    What a call leaves in its sums (maps, ``width``) the next one goes on with, with the same bits
    as in one go. A round of a map costs about ``cost`` operations.
    """
    total = int(schedule.kept[-1]) + 1
    blocks = -(-len(record.state) // lanes)

    def work(first: int, last: int) -> Iterator[int]:
        abreast = max(1, min(SLICE // (cost * total), SUMS // width) // lanes)
        stretch = max(1, SLICE // (cost * lanes))
        for low in range(first, last, abreast):
            high = min(low + abreast, last)
            own = slice(low * lanes, high * lanes)
            sums = np.empty((len(record.state[own]), width))
            for begin in range(0, total, stretch):
                end = min(begin + stretch, total)
                run((schedule.burn_in, begin, end), sums, (low, high))
                yield (end - begin) * len(sums)
            _store_averages(sums, schedule, record.averages[own])

    in_threads(work, blocks, schedule.threads, schedule.bar)


def _store_averages(sums: FloatArray, schedule: Schedule, averages: FloatArray) -> None:
    """Set ``averages`` (n, 2K+2) from the first 3K + 2 columns of ``sums``.

    They hold an origin, and over its distance from the policies Σ and Σ of squares, Σ of the
    entropy and its minimum.
    """
    K = (averages.shape[1] - 2) // 2
    count = schedule.kept[-1] + 1 - schedule.burn_in
    rows = np.ascontiguousarray(sums[:, : 3 * K + 2].T)  # NumPy would loop over the K of each map
    rows[K:-1] /= count
    mean, variance = rows[K : 2 * K], rows[2 * K : 3 * K]
    variance -= mean * mean
    np.maximum(variance, 0.0, out=variance)
    mean += rows[:K]
    averages[:] = rows[K:].T


def _ipo_wide(loop: MapBatch, schedule: Schedule, record: Record) -> None:
    """Iterate maps of many responses: one matrix product a round for all that share a matrix.

    A product rounds by its shape and by the threads of the BLAS, so blocks of one size are
    iterated apart, each on one thread: the orbits do not depend on how many there are.
    """
    from threadpoolctl import threadpool_limits

    from alignsim.kernels import wide

    matrices, which = loop.matrix_table()
    transposed = np.ascontiguousarray(np.swapaxes(matrices, -1, -2)) - 0.5
    parameters = np.stack([loop.alpha, loop.beta * loop.lam], axis=-1)
    drift = kernel_arrays.drift(loop)

    def iterate_block(own: slice) -> Iterator[int]:
        part = Record(
            record.state[own], record.frames[own], record.averages[own], record.status[own]
        )
        weights, pull = np.empty_like(part.state), np.empty_like(part.state)
        wide.policies(part.state, weights)

        def advance() -> None:
            if len(matrices) == 1:
                np.matmul(weights, transposed[0], out=pull)
            else:
                wide.products(transposed, which[own], weights, pull)
            wide.advance(pull, parameters[own], drift[own], part.state, weights)

        with np.errstate(over="ignore", invalid="ignore"):  # it does not reach other threads
            yield from step_by_step(advance, schedule, part, lambda: weights)

    def run(first: int, last: int) -> Iterator[int]:
        for start in range(first * WIDE_BLOCK, last * WIDE_BLOCK, WIDE_BLOCK):
            yield from iterate_block(slice(start, start + WIDE_BLOCK))

    with threadpool_limits(1, user_api="blas"):
        in_threads(run, -(-len(record.state) // WIDE_BLOCK), schedule.threads, schedule.bar)


def _generic(loop: MapBatch, schedule: Schedule, record: Record) -> None:
    """Iterate any objective through its one-shot optimum: correct first."""
    _by_steps(loop.advance, schedule, record)


def _sampled(plan: Sampling, loop: MapBatch, schedule: Schedule, record: Record) -> None:
    """Iterate rounds of finitely many comparisons."""
    rounds = itertools.count()

    def spread(work: Callable[[int, int], Iterable[int]], maps: int) -> None:
        in_threads(work, maps, schedule.threads)

    _by_steps(
        lambda logits: samples.advance(loop, logits, next(rounds), plan, spread), schedule, record
    )


def _by_steps(step: Callable[[FloatArray], Solution], schedule: Schedule, record: Record) -> None:
    def advance() -> None:
        record.state[:], status = step(record.state)
        record.status[:] = np.where(record.status == OK, status, record.status)

    def run(*_: int) -> Iterator[int]:
        return step_by_step(advance, schedule, record, policies)

    def policies() -> FloatArray:
        return simplex.softmax(record.state[:, : _responses(record)])

    in_threads(run, 1, 1, schedule.bar)


FUSED: dict[tuple[type[Objective], Method], Callable[[int], Engine]] = {
    (IPO, MRS): lambda K: _ipo_lanes if K <= WIDEST_LANE else _ipo_wide,
    (DPO, MRS): lambda K: _dpo_lanes if K <= WIDEST_LANE else _generic,
}
"""Fused engines by objective and method, chosen by the number of responses."""

WIRED: dict[type[Objective], Engine] = {IPO: _ipo_scheme_lanes, DPO: _dpo_scheme_lanes}
"""Engines for every scheme by objective, for as many responses, slots and stages as fit a lane."""


def step_by_step(
    advance: Callable[[], None],
    schedule: Schedule,
    record: Record,
    policies: Callable[[], FloatArray],
) -> Iterator[int]:
    """Call ``advance`` once a round; keep frames and stream averages as the lanes do.

    Yield after each round how many maps there are.
    """
    from alignsim.kernels import wide

    n, K = len(record.state), _responses(record)
    kept = record.frames.shape[-1]
    saved = 0
    sums = np.zeros((n, 3 * K + 2))
    sums[:, -1] = np.inf
    for t in range(schedule.kept[-1] + 1):
        if t > 0:
            advance()
        if t == schedule.burn_in:
            sums[:, :K] = policies()
        if t >= schedule.burn_in:
            wide.average(np.ascontiguousarray(record.state[:, :K]), policies(), sums)
        if t == schedule.kept[saved]:
            record.frames[:, saved] = record.state[:, :kept]
            saved += 1
        yield n
    _store_averages(sums, schedule, record.averages)


def _responses(record: Record) -> int:
    """Return K."""
    return (record.averages.shape[1] - 2) // 2


def mark_failures(state: FloatArray, status: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Mark in ``status`` (n,) the rows of ``state`` that are beyond the largest logit.

    Return which have failed, for this or another reason.
    """
    within = np.abs(state) < LARGEST_LOGIT
    if not within.all():  # asked for each row, NumPy would take ten times as long
        status[~within.all(axis=-1) & (status == OK)] = NOT_FINITE
    return np.asarray(status != OK)


def _mark_failures(record: Record) -> None:
    """Give a failed instance a status, NaN frames from the failure on, and NaN averages."""
    failed = mark_failures(record.state, record.status)
    if failed.any():
        record.state[failed] = np.nan
        record.averages[failed] = np.nan
        frames = record.frames[failed]
        lost = ~(np.abs(frames) < LARGEST_LOGIT).all(axis=-1)
        frames[np.logical_or.accumulate(lost, axis=-1)] = np.nan
        record.frames[failed] = frames
