"""Batches of maps, cut into chunks and computed: in memory, or into a store that keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from alignsim.progress import ProgressBar
from alignsim.sweeps.plan import Plan, maps_a_chunk
from alignsim.sweeps.runner import Job, run, threads_each
from alignsim.sweeps.store import Store
from alignsim.sweeps.work import Chunk, Columns, compute
from alignsim.validation import FloatArray

Jobs = Callable[[Iterable[int]], Iterator[Job]]
"""Yields the work of the chunks of these numbers; the results are columns."""


class Gathered:
    """Columns that fill up, chunk by chunk."""

    def __init__(self, plan: Plan) -> None:
        self.columns: Columns = {}
        self._plan = plan

    def put(self, number: int, found: Columns) -> None:
        """Take in the columns of a chunk."""
        first, last = self._plan.span(number)
        for name, values in found.items():
            if name not in self.columns:
                shape = (self._plan.size, *values.shape[1:])
                self.columns[name] = np.empty(shape, dtype=values.dtype)
            self.columns[name][first:last] = values


def in_memory(plan: Plan, jobs: Jobs, executor: Any, bar: ProgressBar) -> Columns:
    """Return the columns (n, ...) of all maps of a plan, flat."""
    found = Gathered(plan)
    run(jobs(plan), found.put, executor, bar)
    return found.columns


def complete(kept: Store, jobs: Jobs, executor: Any, bar: ProgressBar) -> None:
    """Compute what a store lacks; if that fails, the error says what is kept."""
    try:
        run(jobs(kept.left), kept.put, executor, bar)
    except BaseException as error:
        error.add_note(
            f"{kept.done:,} of {len(kept.sums):,} chunks are kept in '{kept.path}'; the same call "
            "goes on from there"
        )
        raise


def columns_of_points(
    P: FloatArray,
    chunk: Chunk,
    rounds: int,
    linear: bool,
    bar: ProgressBar,
    executor: Any = None,
    threads: int | None = None,
    keep: Callable[[Plan], Store] | None = None,
) -> Columns:
    """Return the columns (n, ...) of maps whose parameters are numbers or (n,).

    Parameters
    ----------
    P : (K, K)
        The matrix of all maps.
    chunk
        All of them; it is cut further.
    rounds, linear
        As of :func:`~alignsim.sweeps.plan.maps_a_chunk`.
    bar, executor
        As of :func:`~alignsim.sweeps.runner.run`.
    threads
        Of each job.
    keep
        Gives the store that keeps the chunks of a plan, if there is to be one.
    """
    given = {name: np.asarray(values) for name, values in chunk.values.items()}
    size = max(values.size for values in given.values())
    plan = Plan.of((size,), maps_a_chunk(len(P), rounds, linear))
    each = threads_each(executor, threads)

    def jobs(numbers: Iterable[int]) -> Iterator[Job]:
        for number in numbers:
            first, last = plan.span(number)
            values = {name: v[first:last] if v.ndim else v for name, v in given.items()}
            part = Chunk(chunk.method, values, chunk.further, chunk.labeller)
            yield Job(number, last - first, compute, P, (part, each))

    if keep is None:
        return in_memory(plan, jobs, executor, bar)
    kept = keep(plan)
    bar.update(size - kept.maps_left)
    complete(kept, jobs, executor, bar)
    return kept.columns()
