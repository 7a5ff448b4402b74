"""Runs fuzzed calls in worker processes, with a limit on time and memory, and says what broke."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.fuzz import values
from tests.fuzz.calls import draw

ROOT = Path(__file__).resolve().parents[2]

HANG = 10.0
"""Seconds of processor time that a call may take, compiling apart."""

LOST = 60.0
"""Seconds after which a call counts as hanging; other processes may keep it from running."""

STARTING = 120.0
"""Seconds that a process may take to start, or a kernel to compile."""

PATIENCE = 2.0
"""Seconds after which a call that asks for hours of work is interrupted, and may go on for."""

MEMORY = 2 * 2**30
"""Bytes that may be resident."""


class Finding(NamedTuple):
    """A call and what is wrong with it."""

    number: int
    source: str
    kind: str
    said: str
    where: str = ""

    def __str__(self):
        said = " ".join(self.said[:400].split())
        return f"[{self.number}] {self.kind}: {said}\n    {self.where}\n    {self.source}"


class _Worker:
    """One process that answers calls, started anew when it is lost."""

    def __init__(self, folder, files):
        self._folder, self._files = Path(folder), files
        self._process = None

    def _start(self):
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "PYTHONFAULTHANDLER": "1",
            "MPLBACKEND": "Agg",
            "COLUMNS": "80",
            values.FOLDER_VARIABLE: self._files,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker"], cwd=self._folder, env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        os.set_blocking(self._process.stdout.fileno(), False)
        self._unread = b""
        self._send("1")
        self._answer(STARTING)

    def ask(self, source, long):
        """Return the answer to a call; None after a hang, the exit code if the process died."""
        if self._process is None:
            self._start()
        self._send(source)
        answer = self._answer(PATIENCE if long else LOST)
        if answer is None and long and self._process.poll() is None:
            begun = time.perf_counter()
            os.killpg(self._process.pid, signal.SIGINT)
            answer = self._answer(HANG)
            if answer:
                answer["late"] = time.perf_counter() - begun > PATIENCE
        if answer is None:
            code = self._process.poll()
            self.stop()
            return code
        return answer

    def _send(self, source):
        self._process.stdin.write(json.dumps(source).encode() + b"\n")
        self._process.stdin.flush()

    def _answer(self, patience):
        """Return the next answer; None if there is none in that many seconds, compiling apart."""
        while True:
            line = self._line(patience)
            if line == "compiling":
                line = self._line(STARTING)
            if line != "compiled":
                return line

    def _line(self, patience):
        end = time.perf_counter() + patience
        while b"\n" not in self._unread:
            left = end - time.perf_counter()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                return None
            part = self._process.stdout.read()
            if not part:
                self._process.wait()
                return None
            self._unread += part
        line, self._unread = self._unread.split(b"\n", 1)
        return json.loads(line)

    def stop(self):
        """End the process."""
        if self._process is not None:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
            self._process = None


def _judged(number, call, answer, memory):
    """Return the findings about an answer."""

    def finding(kind, said="", where=""):
        return Finding(number, call.source, kind, said, where)

    if answer is None:
        told = f"an interrupt after {PATIENCE:g} s had" if call.long else f"in {LOST:g} s there was"
        return [finding("hang", f"{told} no answer")]
    if isinstance(answer, int):
        return [finding("crash", f"the process ended with {answer}")]
    found = []
    if answer["outcome"] == "raw":
        found.append(finding("raw", answer["said"], answer["where"]))
    spent = answer["seconds"]
    if answer["outcome"] == "interrupted" and not call.long:
        found.append(finding("raw", "raises KeyboardInterrupt", answer["where"]))
    if answer.get("late"):
        found.append(finding("deaf", f"an interrupt had no effect for more than {PATIENCE:g} s"))
    elif spent > HANG:
        found.append(finding("slow", f"took {spent:.1f} s", answer["where"]))
    if answer["peak"] > memory:
        found.append(finding("memory", f"took {answer['peak'] / 2**20:,.0f} MiB"))
    if any(word in answer["printed"] for word in ("Warning", "Traceback", "Exception ignored")):
        found.append(finding("printed", answer["printed"]))
    return found


class Outcome(NamedTuple):
    """What came of all calls."""

    findings: list
    counts: dict
    slowest: list
    peak: int
    seconds: float


def run(count, seed, workers=2, report=lambda finding: None):
    """Return the outcome of ``count`` calls, drawn from a seed."""
    return run_calls(draw(count, seed), workers, report)


def run_calls(calls, workers=2, report=lambda finding: None, memory=MEMORY):
    """Return the outcome of calls."""
    begun = time.perf_counter()
    folder = tempfile.mkdtemp(prefix="alignsim-fuzz-")
    files = Path(folder, "files")
    files.mkdir()
    values.write_files(files)
    numbered = iter(enumerate(calls))  # taking the next one is atomic
    findings, counts, times, peaks = [], {}, [], [0]

    def work(which):
        place = Path(folder, f"worker-{which}")
        place.mkdir()
        worker = _Worker(place, str(files))
        try:
            for number, call in numbered:
                answer = worker.ask(call.source, call.long)
                outcome = answer["outcome"] if isinstance(answer, dict) else "lost"
                counts[outcome] = counts.get(outcome, 0) + 1
                if isinstance(answer, dict):
                    times.append((answer["seconds"], number, call.source))
                    peaks.append(answer["peak"])
                for finding in _judged(number, call, answer, memory):
                    findings.append(finding)
                    report(finding)
        finally:
            worker.stop()

    try:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, range(workers)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    slowest = sorted(times, reverse=True)[:10]
    return Outcome(sorted(findings), counts, slowest, max(peaks), time.perf_counter() - begun)
