"""Plain threads over chunks of kernels that hold no lock.

A parallel kernel would compile twice as long and abort when two callers meet inside it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from alignsim import validation
from alignsim.progress import ProgressBar


def available_threads() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_count(threads: int | None) -> int:
    """Return how many threads to use: as many as asked for, checked, or all that there are."""
    if threads is None:
        return available_threads()
    return validation.integer(threads, "threads", minimum=1)


def in_threads(
    run: Callable[[int, int], Iterable[int] | None],
    blocks: int,
    threads: int,
    bar: ProgressBar | None = None,
) -> None:
    """Run all blocks, in contiguous chunks on ``threads`` threads.

    A ``run`` that yields how much it has done moves the ``bar``, and is stopped between two
    yields when another thread fails or the user interrupts.
    """
    workers = min(threads, blocks)
    chunks = iter(_chunks(blocks, workers))  # taking the next one is atomic
    stopped = threading.Event()
    alone = threading.Lock()

    def work() -> None:
        for first, last in chunks:
            for units in run(first, last) or ():
                if bar is not None:
                    with alone:
                        bar.update(units)
                if stopped.is_set():
                    return
            if stopped.is_set():
                return

    others = [_helpers().submit(work) for _ in range(workers - 1)]
    try:
        work()
        for other in others:
            if not other.cancel():  # one that has not begun has nothing left to do
                other.result()
    finally:
        stopped.set()


@cache
def _helpers() -> ThreadPoolExecutor:
    """Return the threads that help a caller: starting new ones would take a twentieth of a run."""
    return ThreadPoolExecutor(max(1, available_threads() - 1), thread_name_prefix="alignsim")


if hasattr(os, "register_at_fork"):  # threads do not survive a fork
    os.register_at_fork(after_in_child=_helpers.cache_clear)


def _chunks(blocks: int, workers: int) -> list[tuple[int, int]]:
    """Return contiguous chunks, each a share of what is left, so that all workers end together."""
    chunks = []
    first = 0
    shares = 2 * workers if workers > 1 else 1
    while first < blocks:
        last = first + max(1, (blocks - first) // shares)
        chunks.append((first, last))
        first = last
    return chunks
