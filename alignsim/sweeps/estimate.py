"""What a sweep would take, from a sample of its maps that is computed here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from alignsim.feedback.threads import thread_count
from alignsim.summary import Lines, Summarised
from alignsim.sweeps.plan import Plan
from alignsim.sweeps.work import Chunk, compute
from alignsim.validation import FloatArray

ENOUGH = 0.5
"""Seconds of a sample that is large enough to go by."""

FIRST_SAMPLE = 64
GROWTH = 4
LARGEST_SAMPLE = 2**12
"""Maps of the sample: from the first number on it grows until it takes long enough."""

Sample = Callable[[np.ndarray], tuple[FloatArray, Chunk]]


@dataclass(frozen=True, repr=False)
class Estimate(Summarised):
    """What a sweep would take.

    Attributes
    ----------
    maps, chunks
        How many, in all.
    rounds
        Rounds of all maps together, without those that decide what an orbit does.
    bytes
        Of the results, before compression.
    threads
        By which the sample was computed.
    seconds
        As long as all maps would take here, by as many threads.
    sample
        Maps by which this was measured, evenly spread over the grid.
    """

    maps: int
    chunks: int
    rounds: int
    bytes: int
    threads: int
    seconds: float
    sample: int

    def _title(self) -> str:
        return "Estimate of a sweep"

    def _summary(self) -> Lines:
        yield "maps", f"{self.maps:,} in {self.chunks:,} chunks"
        yield "rounds", f"{self.rounds:,}"
        yield "results", f"{self.bytes / 2**20:,.1f} MiB before compression"
        yield "time", f"{_time(self.seconds)} here, on {self.threads} thread(s)"
        yield "measured on", f"{self.sample:,} maps, evenly spread over the grid"


def measured(
    sample: Sample, plan: Plan, rounds: int, bytes_a_map: int, threads: int | None
) -> Estimate:
    """Return the estimate for a plan.

    Parameters
    ----------
    sample
        Gives the matrices and the maps at places of the flat grid.
    plan
        The grid.
    rounds, bytes_a_map
        Of each map, and of its results.
    threads
        As of :func:`~alignsim.sweeps.work.compute`.
    """
    size = min(FIRST_SAMPLE, plan.size)
    _seconds(sample, _spread(plan.size, min(2, plan.size)), threads)  # compiles
    while True:
        taken = _seconds(sample, _spread(plan.size, size), threads)
        if taken >= ENOUGH or size >= min(plan.size, LARGEST_SAMPLE):
            break
        size = min(size * GROWTH, plan.size, LARGEST_SAMPLE)
    return Estimate(
        maps=plan.size,
        chunks=len(plan),
        rounds=rounds * plan.size,
        bytes=bytes_a_map * plan.size,
        threads=thread_count(threads),
        seconds=taken * plan.size / size,
        sample=size,
    )


def _spread(size: int, count: int) -> np.ndarray:
    """Return places in the middle of equal parts, (count,)."""
    return np.asarray((2 * np.arange(count) + 1) * size // (2 * count), dtype=np.intp)


def _seconds(sample: Sample, places: np.ndarray, threads: int | None) -> float:
    P, chunk = sample(places)
    begun = time.perf_counter()
    compute(P, chunk, threads)
    return time.perf_counter() - begun


def _time(seconds: float) -> str:
    for size, name in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= size:
            return f"about {seconds / size:.3g} {name}"
    return f"about {seconds:.2g} seconds"
