"""Who computes: this process, or any executor; what is lost with a worker is computed again.

Results come in any order and are handed over one by one, so that few are held at a time.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from alignsim import validation
from alignsim.feedback.threads import available_threads
from alignsim.progress import ProgressBar
from alignsim.sweeps.site import Home, settle

AHEAD = 2
"""Jobs that are with an executor at a time, a worker: one runs while the next waits."""

TRIES = 4
"""How often a job is given to a worker before its loss is not an accident any more."""

PULSE = 0.2
"""Seconds between two looks at whether the user interrupts; results are awaited meanwhile."""

WORTH_SENDING_ONCE = 2**16
"""Bytes of shared input from which on a cluster gets it once, instead of with every job."""

GENTLE_END = 1.0
"""Seconds that processes of our own have to end by themselves."""

IMPORTED_ONCE = ("__main__", "alignsim.sweeps", "numba")
"""Modules that our processes have from the server that forks them, instead of each by itself."""

UNGUARDED = 78
"""Exit status of a worker process in which the user's script begins the sweep once more."""

Receive = Callable[[int, Any], None]
"""Takes the number of a job and its result."""


@dataclass(frozen=True)
class Job:
    """A call ``function(shared, *arguments)`` that can be pickled.

    Attributes
    ----------
    number
        By which the result is known.
    units
        By how much it moves the progress bar.
    shared
        Input that neighbouring jobs have in common.
    """

    number: int
    units: int
    function: Callable[..., Any]
    shared: Any
    arguments: tuple[Any, ...]

    def run(self) -> Any:
        """Return the result, computed here."""
        return self.function(self.shared, *self.arguments)


class WorkersLostError(RuntimeError):
    """Workers ended before their work was done, again and again, or for good."""


def run(
    jobs: Iterable[Job], receive: Receive, executor: Any = None, bar: ProgressBar | None = None
) -> None:
    """Run all jobs and hand each result over as it comes, in this thread.

    Parameters
    ----------
    jobs
        Taken a few at a time.
    receive
        Is given the number and the result of each.
    executor
        None for this process; a number, for as many processes of our own; a
        :class:`concurrent.futures.Executor`; or a ``dask.distributed.Client``.
    bar
        Moved by the units of what is done.

    Raises
    ------
    WorkersLostError
        If workers of an executor that cannot be renewed have died.
    BaseException
        Whatever a job raises, and an interrupt: what had been computed by then is handed over
        first, and what had not begun is cancelled.
    """

    def done(job: Job, result: Any) -> None:
        receive(job.number, result)
        if bar is not None:
            bar.update(job.units)

    with plain_products():
        if executor is None:
            for job in jobs:
                done(job, job.run())
            return
        with _crew(executor) as crew:
            _Run(crew, iter(jobs), done).finish()


def threads_each(executor: Any, threads: int | None) -> int | None:
    """Return the threads of a job: all there are in this process, one on a worker, or as told."""
    return 1 if threads is None and executor is not None else threads


def _elsewhere(home: Home, function: Callable[..., Any], *arguments: Any) -> Any:
    """Return the result of a job on a worker, if it is one that keeps the bits."""
    settle(home)
    return function(*arguments)


_held = threading.Lock()
_inside = 0
_limits: Any = None


@cache
def _libraries(_with_scipy: bool) -> Any:
    """Return the libraries of this process that multiply; to look for them takes milliseconds.

    NumPy's is there from the start, SciPy brings one of its own.
    """
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def plain_products() -> Iterator[None]:
    """Keep matrix products of this process to one thread while anything runs.

    Their last bits may depend on the number of threads, and threads would meet on the cores.
    OpenBLAS listens to the main thread only, which is why workers do not call this. To set limits
    takes a while: what runs jobs again and again holds this around them all.
    """
    global _inside, _limits
    with _held:
        if not _inside:
            _limits = _libraries("scipy.linalg" in sys.modules).limit(limits=1, user_api="blas")
        _inside += 1
    try:
        yield
    finally:
        with _held:
            _inside -= 1
            if not _inside:
                _limits.restore_original_limits()


class _Crew:
    """An executor, how many jobs it can take at a time, and how it is replaced if it breaks."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor

    @property
    def capacity(self) -> int:
        """How many jobs it is given at a time."""
        workers = getattr(self.executor, "_max_workers", None)
        client = getattr(self.executor, "_client", None)  # dask's executor
        if client is not None:
            workers = sum(client.nthreads().values())
        return AHEAD * max(1, workers or available_threads())

    def submit(self, job: Job) -> Future[Any]:
        """Return the future of a job."""
        return self._submit(job, job.shared)

    def _submit(self, job: Job, shared: Any) -> Future[Any]:
        return self.executor.submit(_elsewhere, Home.here(), job.function, shared, *job.arguments)

    def unguarded(self) -> bool:
        """Return whether workers broke because the script begins the sweep in each of them."""
        return False

    def renew(self) -> None:
        """Replace what is broken, if that is ours to do."""
        raise WorkersLostError(
            "a worker process died, and its executor is broken for good; start a new executor, "
            "with more memory a worker if the system ended it for lack of that"
        )


class _Cluster(_Crew):
    """A dask cluster, which gets shared input once, by its content."""

    def __init__(self, client: Any) -> None:
        super().__init__(client.get_executor(pure=False))
        self._client = client
        self._sent: tuple[Any, Any] = (None, None)

    def submit(self, job: Job) -> Future[Any]:
        if getattr(job.shared, "nbytes", 0) < WORTH_SENDING_ONCE:
            return super().submit(job)
        if self._sent[0] is not job.shared:
            self._sent = job.shared, self._client.scatter(job.shared, hash=True)
        return self._submit(job, self._sent[1])


class _Processes(_Crew):
    """Processes of our own: a broken pool is replaced, and all of them end with this one."""

    def __init__(self, workers: int) -> None:
        if getattr(multiprocessing.current_process(), "_inheriting", False):
            os._exit(UNGUARDED)  # in a worker, which imports the script: its parent says why
        self._workers = workers
        super().__init__(self._pool())

    def _pool(self) -> Executor:
        kind = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
        context = multiprocessing.get_context(kind)
        context.set_forkserver_preload(list(IMPORTED_ONCE))
        return ProcessPoolExecutor(self._workers, mp_context=context, initializer=_live_as_long)

    def unguarded(self) -> bool:
        own = (getattr(self.executor, "_processes", None) or {}).values()
        return any(process.exitcode == UNGUARDED for process in own)

    def renew(self) -> None:
        self.end()
        self.executor = self._pool()

    def end(self) -> None:
        """End the processes, by force if they do not want to."""
        own = list((getattr(self.executor, "_processes", None) or {}).values())
        self.executor.shutdown(wait=False, cancel_futures=True)
        for process in own:
            process.terminate()
        for process in own:
            process.join(GENTLE_END)
            if process.is_alive():
                process.kill()


def _live_as_long() -> None:
    """Let a worker end with its parent, however that ends, and leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


@contextmanager
def _crew(executor: Any) -> Iterator[_Crew]:
    """Yield the workers that ``executor`` stands for."""
    distributed = sys.modules.get("distributed")
    if isinstance(executor, Executor):
        yield _Crew(executor)
    elif distributed is not None and isinstance(executor, distributed.Client):
        yield _Cluster(executor)
    elif isinstance(executor, int):
        processes = _Processes(validation.integer(executor, "executor", minimum=1))
        try:
            yield processes
        finally:
            processes.end()
    else:
        raise TypeError(
            f"executor is of type {type(executor).__name__}; give a number of processes, a "
            "concurrent.futures.Executor, a dask.distributed.Client or None"
        )


class _Run:
    """Jobs on their way."""

    def __init__(self, crew: _Crew, jobs: Iterator[Job], done: Callable[[Job, Any], None]) -> None:
        self._crew = crew
        self._jobs = jobs
        self._done = done
        self._out: dict[Future[Any], Job] = {}
        self._again: list[Job] = []
        self._tries: dict[int, int] = {}

    def finish(self) -> None:
        """Give out all jobs and take in their results; see :func:`run`."""
        try:
            while self._give_out():
                for future in wait(self._out, PULSE, FIRST_COMPLETED).done:
                    self._take_in(future)
        except BaseException:
            self._stop()
            raise

    def _give_out(self) -> bool:
        """Keep the workers busy; return whether anything is on its way."""
        room = self._crew.capacity - len(self._out)
        while room > 0 and (job := self._again.pop() if self._again else next(self._jobs, None)):
            self._tries[job.number] = self._tries.get(job.number, 0) + 1
            try:
                self._out[self._crew.submit(job)] = job
            except BrokenExecutor:
                self._broken(job)
            room -= 1
        return bool(self._out)

    def _take_in(self, future: Future[Any]) -> None:
        job = self._out.pop(future, None)
        if job is None:  # given back when its pool broke
            return
        try:
            result = future.result()
        except BrokenExecutor:
            self._broken(job)
        except CancelledError:
            self._lost(job)
        except Exception as error:
            if type(error).__name__ != "KilledWorker":  # dask's: some workers died of it
                raise
            self._lost(job)
        else:
            self._tries.pop(job.number, None)
            self._done(job, result)

    def _broken(self, job: Job) -> None:
        if self._crew.unguarded():
            raise WorkersLostError(
                "each worker process imports the script that begins this sweep, and would begin it "
                'once more; in the script, start it under if __name__ == "__main__":'
            ) from None
        self._lost(job)
        self._renew()

    def _lost(self, job: Job) -> None:
        if self._tries[job.number] >= TRIES:
            raise WorkersLostError(
                f"{TRIES} workers died one after the other of chunk {job.number}; give each more "
                "memory, look at their logs, and in a script of your own start the sweep under "
                'if __name__ == "__main__":'
            )
        self._again.append(job)

    def _renew(self) -> None:
        """Take in what a broken pool had done, and let a new one do the rest."""
        for future, job in list(self._out.items()):
            if future.done() and not future.cancelled() and future.exception() is None:
                self._take_in(future)
            else:
                del self._out[future]
                self._lost(job)
        self._crew.renew()

    def _stop(self) -> None:
        """Cancel what has not begun, and hand over what is done."""
        for future in self._out:
            future.cancel()
        for future, job in self._out.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                with suppress(Exception):  # the disk may be what is full
                    self._done(job, future.result())
