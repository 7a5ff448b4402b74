"""Measure what a sweep costs: a map, a store, an executor, a second process; and its memory.

python benchmarks/sweeps.py            # a few minutes; prints a table
python benchmarks/sweeps.py --large    # and the sweeps of 10⁷ maps and more

Neighbours on the machine disturb clocks, so that most numbers are seconds of a processor.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import alignsim as asim
from alignsim.sweeps import plan

GRID = {"beta": np.linspace(0.1, 12.0, 64), "lam": np.linspace(0.0, 1.0, 64), "alpha": 0.6}


def matrices(count: int, responses: int) -> np.ndarray:
    """Return random preference matrices."""
    rng = np.random.default_rng(0)
    above = np.triu(rng.uniform(0.1, 0.9, (count, responses, responses)), 1)
    below = np.tril(1.0 - np.swapaxes(above, -1, -2), -1)
    return above + below + 0.5 * np.eye(responses)


def processor_seconds() -> float:
    """Return those of this process and of its children that have ended."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, kinds))


def timed(P: np.ndarray, **given: object) -> tuple[float, float]:
    """Return the seconds of a sweep by the clock and by the processor."""
    begun, used = time.perf_counter(), processor_seconds()
    asim.sweep(P, progress=False, **{**GRID, **given})
    return time.perf_counter() - begun, processor_seconds() - used


def cost_of_a_map() -> None:
    """Print microseconds a map against K and rounds."""
    print("| responses | objective | by | rounds | µs a map (processor) | model |")
    print("| --- | --- | --- | --- | --- | --- |")
    small = {"beta": np.linspace(0.1, 12.0, 32), "lam": np.linspace(0.1, 1.0, 16)}
    for K in (3, 4, 8, 16):
        for objective in ("ipo", "dpo"):
            for by, rounds in (("stability", None), ("orbit", 300), ("orbit", 3000)):
                if objective == "dpo" and by == "orbit" and (K > 4 or rounds == 3000):
                    continue
                count = 8 if by == "stability" and objective == "ipo" else 1
                given = {"by": by, "objective": objective, "rounds": rounds, "threads": None}
                timed(matrices(1, K), **{**given, **small})
                _, used = timed(matrices(count, K), **{**given, **small})
                model = plan.seconds_a_map(K, rounds or 0, objective == "ipo")
                each = 1e6 * used / (count * 512)
                print(
                    f"| {K} | {objective} | {by} | {rounds or 0} | {each:.1f} | {1e6 * model:.1f} |"
                )


def overheads() -> None:
    """Print what a store and an executor add to a sweep by orbit, in processor seconds."""
    from concurrent.futures import ThreadPoolExecutor

    P = matrices(12, 4)
    timed(P[:1])
    alone = min(timed(P, threads=1)[1] for _ in range(2))
    both = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
            both.append(timed(P, executor=pool, store=Path(folder, "a.zarr"))[1])
    more = 100 * (min(both) / alone - 1)
    print(f"{len(P) * 4096:,} maps by orbit: {alone:.2f} s of a processor alone,")
    print(f"{min(both):.2f} s with a store and an executor, {more:+.1f} %")


def processes() -> None:
    """Print by how much two processes are faster than one, both of our own."""
    P = matrices(24, 4)
    asim.sweep(P[:1], progress=False, executor=2, **GRID)
    for workers in (1, 2):
        clock, used = timed(P, executor=workers)
        print(f"{workers} processes: {clock:.1f} s by the clock, {used:.1f} s of processors")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


def large() -> None:
    """Print time and memory of 2·10⁷ maps by stability on two processes, stored."""
    code = (
        "import resource, sys, tempfile, time; sys.path.insert(0, 'benchmarks')\n"
        "import sweeps, alignsim as asim\n"
        "P = sweeps.matrices(int(sys.argv[1]), 4)\n"
        "asim.sweep(P[:1], progress=False, by='stability', **sweeps.GRID)\n"
        "b = time.perf_counter(), sweeps.processor_seconds()\n"
        "with tempfile.TemporaryDirectory() as f:\n"
        "    asim.sweep(P, by='stability', store=f + '/a.zarr', executor=eval(sys.argv[2]), "
        "progress=False, **sweeps.GRID)\n"
        "    used = sweeps.processor_seconds() - b[1]\n"
        "    print(round(time.perf_counter() - b[0], 1), round(used, 1),"
        " *[resource.getrusage(k).ru_maxrss // 1024 for k in (0, -1)])\n"
    )
    for count, executor in ((32, "None"), (2500, "None"), (32, "2"), (2500, "2"), (5000, "2")):
        done = subprocess.run(
            [sys.executable, "-c", code, str(count), executor],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        clock, used, peak, worker = done.stdout.split()
        print(f"{count * 4096:>10,} maps, executor {executor}: {clock} s, {used} s of processors; "
              f"peak {peak} MiB, of a worker {worker} MiB")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="run the large sweeps")
    chosen = parser.parse_args()
    if chosen.large:
        large()
    else:
        cost_of_a_map()
        overheads()
        processes()
