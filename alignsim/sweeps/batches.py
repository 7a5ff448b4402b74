"""Points of one matrix, cut into chunks and computed: what diagrams are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from alignsim.progress import ProgressBar
from alignsim.sweeps import plan
from alignsim.sweeps.runner import Job, run, threads_each
from alignsim.sweeps.work import Chunk, Columns, compute
from alignsim.validation import FloatArray


class Gathered:
    """Columns that fill up, chunk by chunk."""

    def __init__(self, size: int, spans: Mapping[int, tuple[int, int]]) -> None:
        self.columns: Columns = {}
        self._size = size
        self._spans = spans

    def put(self, number: int, found: Columns) -> None:
        """Take in the columns of a chunk."""
        first, last = self._spans[number]
        for name, values in found.items():
            if name not in self.columns:
                self.columns[name] = np.empty((self._size, *values.shape[1:]), dtype=values.dtype)
            self.columns[name][first:last] = values


def columns_of_points(
    P: FloatArray,
    chunk: Chunk,
    rounds: int,
    linear: bool,
    bar: ProgressBar,
    executor: Any = None,
    threads: int | None = None,
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
    """
    given = {name: np.asarray(values) for name, values in chunk.values.items()}
    size = max(values.size for values in given.values())
    spans = dict(enumerate(plan.runs(size, plan.maps_a_chunk(len(P), rounds, linear))))
    found = Gathered(size, spans)
    each = threads_each(executor, threads)

    def jobs() -> Iterator[Job]:
        for number, (first, last) in spans.items():
            values = {name: v[first:last] if v.ndim else v for name, v in given.items()}
            part = Chunk(chunk.method, values, chunk.further, chunk.labeller)
            yield Job(number, last - first, compute, P, (part, each))

    run(jobs(), found.put, executor, bar)
    return found.columns
