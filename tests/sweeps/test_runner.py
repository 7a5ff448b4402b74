"""Who computes: every executor gives every result once; what is lost is computed again."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import (
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from pathlib import Path

import pytest

from alignsim.progress import ProgressBar
from alignsim.sweeps import runner
from alignsim.sweeps.runner import Job, WorkersLostError, run, threads_each
from tests.sweeps import studies

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def jobs(function, count=20, shared=100):
    return [Job(n, 1, function, shared, (n,)) for n in range(count)]


class Found(dict):
    def put(self, number, result):
        assert number not in self, "handed over twice"
        self[number] = result


class Inline(Executor):
    """Computes at once; ``fails`` says with what, by the number of the call."""

    def __init__(self, fails=None):
        self.fails = fails or {}
        self.calls = 0
        self.most = 0

    def submit(self, function, *arguments):
        future = Future()
        self.calls += 1
        if self.calls in self.fails:
            future.set_exception(self.fails[self.calls])
        else:
            future.set_result(function(*arguments))
        return future


def pools():
    yield "none", lambda: None
    yield "number", lambda: 2
    yield "threads", lambda: ThreadPoolExecutor(2)
    yield "fork", lambda: ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork"))


@pytest.mark.parametrize("make", [p for _, p in pools()], ids=[n for n, _ in pools()])
def test_every_result_is_handed_over_once_and_moves_the_bar(make):
    found, executor = Found(), make()
    bar = ProgressBar(False, "", "")
    run(jobs(studies.added), found.put, executor, bar)
    assert found == {n: 100 + n for n in range(20)}
    assert bar._done == 20
    if isinstance(executor, Executor):
        assert executor.submit(studies.added, 1, 2).result() == 3, "it is the caller's to end"
        executor.shutdown()


def test_a_number_means_so_many_processes_that_are_gone_afterwards():
    found = Found()
    run(jobs(studies.added_in), found.put, 2)
    seen = {process for _, process in found.values()}
    assert len(seen) <= 2
    assert os.getpid() not in seen
    for process in seen:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_few_jobs_are_taken_before_their_turn():
    """Else millions of chunks, or their results, would be held at a time."""
    taken, gate = [], threading.Event()

    def source():
        for job in jobs(lambda shared, n: gate.wait() and n, 100):
            taken.append(job.number)
            if len(taken) > 2 * runner.AHEAD:
                gate.set()
            yield job

    with ThreadPoolExecutor(2) as pool:
        waiting = []

        def receive(number, result):
            waiting.append(len(taken) - len(waiting))

        timer = threading.Timer(0.0, gate.set)
        timer.start()
        run(source(), receive, pool)
    assert len(waiting) == 100
    assert max(waiting) <= 2 * runner.AHEAD


def test_processes_of_our_own_that_die_are_replaced(tmp_path):
    found = Found()
    run(jobs(studies.dying_once, 8, tmp_path), found.put, 2)
    assert found == {n: n for n in range(8)}
    assert len(list(tmp_path.iterdir())) == 2


def test_a_job_that_ends_every_worker_ends_the_run_in_words():
    with pytest.raises(WorkersLostError, match=r"4 workers died one after the other of chunk \d"):
        run(jobs(studies.dying, 2), Found().put, 1)


def test_a_pool_of_the_caller_that_breaks_is_named_and_what_was_done_is_kept():
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork"))
    found = Found()
    work = [*jobs(studies.added, 3), Job(3, 1, studies.dying, 0, (3,)), *jobs(studies.added, 9)[4:]]
    with pytest.raises(WorkersLostError, match="a worker process died"):
        run(work, found.put, pool)
    assert found == {n: 100 + n for n in range(3)}
    pool.shutdown()


class KilledWorker(Exception):
    """By its name it is dask's."""


@pytest.mark.parametrize("loss", [KilledWorker(), CancelledError()])
def test_what_a_cluster_loses_is_given_out_again(loss):
    found, pool = Found(), Inline({3: loss, 7: loss})
    run(jobs(studies.added), found.put, pool)
    assert found == {n: 100 + n for n in range(20)}
    assert pool.calls == 22


def test_what_a_job_raises_ends_the_run_and_keeps_what_is_done():
    work = [
        *jobs(studies.added, 5),
        Job(5, 1, studies.failing, 0, (5,)),
        *jobs(studies.added, 99)[6:],
    ]
    for executor in (None, Inline()):
        found = Found()
        with pytest.raises(ValueError, match="no 5"):
            run(work, found.put, executor)
        assert set(found) >= set(range(5 if executor is None else 1))
        assert len(found) < 50


def test_an_interrupt_hands_over_what_is_done_and_cancels_the_rest():
    pool = ThreadPoolExecutor(1)
    gate = threading.Event()
    found = Found()

    def receive(number, result):
        found.put(number, result)
        if number == 0:
            gate.wait()
            raise KeyboardInterrupt

    work = [
        Job(0, 1, lambda _: 0, None, ()),
        Job(1, 1, lambda _: gate.set() or 1, None, ()),
        *jobs(studies.added, 40)[2:],
    ]
    with pytest.raises(KeyboardInterrupt):
        run(work, receive, pool)
    assert len(found) <= 2
    pool.shutdown()


def test_an_interrupt_of_the_user_is_heard_while_workers_are_busy():
    gate = threading.Event()
    heard = []

    def busy(_):
        os.kill(os.getpid(), signal.SIGINT)
        gate.wait(30)

    with ThreadPoolExecutor(1) as pool:
        try:
            run([Job(0, 1, busy, None, ())], heard.append, pool)
        except KeyboardInterrupt:
            heard.append("interrupt")
        gate.set()
    assert heard == ["interrupt"]


def test_workers_use_one_thread_unless_told_otherwise():
    assert threads_each(None, None) is None
    assert threads_each(None, 3) == 3
    assert threads_each(2, None) == 1
    assert threads_each(2, 3) == 3


@pytest.mark.parametrize("executor", ["processes", 2.5, [2], threading.Thread])
def test_what_cannot_compute_is_refused(executor):
    with pytest.raises(TypeError, match=r"executor is of type \w+; give a number of processes"):
        run(jobs(studies.added), Found().put, executor)


@pytest.mark.parametrize("executor", [0, -1, True])
def test_a_number_of_processes_is_at_least_one(executor):
    with pytest.raises(ValueError, match="executor is"):
        run(jobs(studies.added), Found().put, executor)


def test_a_script_without_the_main_guard_is_told_so_in_one_sentence(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from alignsim.sweeps.runner import Job, run\nrun([Job(0, 1, max, 1, (2,))], print, 2)\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, str(script)], env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1
    told = done.stderr.splitlines()[-1]
    assert told.startswith("alignsim.sweeps.runner.WorkersLostError: each worker process imports")
    assert told.endswith('in the script, start it under if __name__ == "__main__":')
