"""Measure what a sweep costs: a map, a store, an executor, a second process; and its memory.

python benchmarks/sweeps.py            # about 20 minutes; prints the tables
python benchmarks/sweeps.py --write    # and keeps them, in sweeps.md

Neighbours on the machine disturb clocks: seconds of a processor are given beside them.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import alignsim as asim
from alignsim.sweeps import plan

PAGE = Path(__file__).with_name("sweeps.md")

NODES, CORES = 8, 16
"""Of the cluster that the cost of a large study is told for, the one of docs/how-to/sweeps.md."""

REPEATS = 2
"""Times that a long sweep is run in each way, in turn; the shortest counts."""

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


def timed(P: np.ndarray, **given: Any) -> tuple[float, float]:
    """Return the seconds of a sweep by the clock and by the processor."""
    begun, used = time.perf_counter(), processor_seconds()
    asim.sweep(P, progress=False, **{**GRID, **given})
    return time.perf_counter() - begun, processor_seconds() - used


def cost_of_a_map() -> tuple[list[str], dict[str, float]]:
    """Return a table of microseconds a map against K and rounds, and seconds a map of IPO, K = 4.

    The seconds are by what a map is labelled by: stability, or an orbit of 3,000 rounds.
    """
    measured = {}
    rows = [
        "| responses | objective | by | rounds | µs a map (processor) | model |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
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
                each = measured[K, objective, rounds] = used / (count * 512)
                rows.append(
                    f"| {K} | {objective} | {by} | {rounds or 0} "
                    f"| {1e6 * each:.1f} | {1e6 * model:.1f} |"
                )
    told = [
        *rows,
        "",
        "Cost is proportional to the number of maps. A fixed point costs more than the model where "
        "K is small, because a map has a fixed cost beside its K³; orbits of few rounds do, "
        "because what decides their label takes rounds of its own. Resolution counts as maps: "
        "twice as many points a side are four times as many maps.",
    ]
    ways = {"stability": None, "orbits of 3,000 rounds": 3000}
    return told, {way: measured[4, "ipo", rounds] for way, rounds in ways.items()}


def large_study(each: dict[str, float], written: float) -> list[str]:
    """Return what 10⁹ maps would cost on a cluster, by seconds a map for a worker and a writer."""
    maps, workers = 10**9, NODES * CORES
    rows = [
        f"A study of 10⁹ maps of IPO at K = 4 on {workers} workers, one a core: {NODES} nodes of "
        f"{CORES} cores, in SLURM `--nodes={NODES} --ntasks-per-node={CORES} --cpus-per-task=1`, "
        "with a process beside them that writes the store. Extrapolated from the tables of this "
        "page, not measured: every core as fast as one here, workers that never wait for each "
        "other, and a writer that takes as long for a byte of results as in the largest of the "
        "stored sweeps.",
        "",
        "| by | core hours | minutes of the workers | minutes of the writer | minutes in all |",
        "| --- | --- | --- | --- | --- |",
    ]
    sizes = {
        by: asim.sweep(matrices(1, 4), by=by, beta=[1.0, 2.0], alpha=0.6, dry_run=True).bytes
        for by in ("stability", "orbit")
    }
    for (way, seconds), size in zip(each.items(), sizes.values(), strict=True):
        writing = maps * written * size / sizes["stability"] / 60
        computing = maps * seconds / workers / 60
        rows.append(
            f"| {way} | {maps * seconds / 3600:,.1f} | {computing:,.1f} | {writing:,.1f} "
            f"| {max(computing, writing):,.1f} |"
        )
    return rows


def overheads(P: np.ndarray) -> list[str]:
    """Return what a store, an executor and a second process change in one sweep by orbit."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
        ways: dict[str, dict[str, Any]] = {
            "one thread": {"threads": 1},
            "one thread of an executor, stored": {
                "executor": pool,
                "store": Path(folder, "a.zarr"),
            },
            "one worker process": {"executor": 1},
            "two worker processes": {"executor": 2},
        }
        clocks = dict.fromkeys(ways, np.inf)
        for given in ways.values():
            timed(P[:1], **{**given, "store": None})
        for turn in range(REPEATS):
            for way, given in ways.items():
                if "store" in given:
                    given = {**given, "store": Path(folder, f"{turn}.zarr")}
                clocks[way] = min(clocks[way], timed(P, **given)[0])
    alone, stored, one, two = clocks.values()
    return [
        f"{len(P) * 4096:,} maps by orbit, K = 4, 3,000 rounds:",
        "",
        "| way | seconds |",
        "| --- | --- |",
        *(f"| {way} | {seconds:.1f} |" for way, seconds in clocks.items()),
        "",
        f"A store and an executor change the time by {100 * (stored / alone - 1):+.1f} %; "
        f"two processes are {one / two:.2f} times as fast as one, "
        f"an efficiency of {100 * one / two / 2:.0f} %. Starting the processes counts. Each way "
        f"was run {REPEATS} times, in turn with the others; the shortest counts.",
    ]


def large() -> tuple[list[str], float]:
    """Return a table of stored sweeps by stability, up to 2·10⁷ maps, and seconds to write a map.

    The seconds are those of a processor of the process that writes, in the last sweep.
    """
    code = (
        "import resource, sys, tempfile, time; sys.path.insert(0, 'benchmarks')\n"
        "import sweeps, alignsim as asim\n"
        "P = sweeps.matrices(int(sys.argv[1]), 4)\n"
        "asim.sweep(P[:1], progress=False, by='stability', **sweeps.GRID)\n"
        "b, c = time.perf_counter(), time.process_time()\n"
        "with tempfile.TemporaryDirectory() as f:\n"
        "    asim.sweep(P, by='stability', store=f + '/a.zarr', executor=eval(sys.argv[2]), "
        "progress=False, **sweeps.GRID)\n"
        "    print(round(time.perf_counter() - b, 1), time.process_time() - c,"
        " resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)\n"
    )
    rows = [
        "| maps | processes | seconds | peak MiB |",
        "| --- | --- | --- | --- |",
    ]
    for count, executor in ((32, "None"), (2500, "None"), (32, "2"), (2500, "2"), (5000, "2")):
        done = subprocess.run(
            [sys.executable, "-c", code, str(count), executor],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        seconds, own, peak = done.stdout.split()
        ways = "this one" if executor == "None" else f"{executor} workers"
        rows.append(f"| {count * 4096:,} | {ways} | {seconds} | {peak} |")
    return rows, float(own) / (count * 4096)


def page() -> str:
    """Return the page of all tables."""
    costs, each = cost_of_a_map()
    tasks = overheads(matrices(200, 4))
    stored, written = large()
    blocks = (
        [
            f"Measured by `benchmarks/sweeps.py` on a machine of {os.cpu_count()} processors: "
            "random matrices, MRS, α = 0.6."
        ],
        costs,
        tasks,
        ["Stored sweeps by stability, K = 4, 64×64 points a matrix; memory of this process:"],
        stored,
        large_study(each, written),
    )
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="keep the tables")
    options = parser.parse_args()
    told = page()
    print(told)
    if options.write:
        PAGE.write_text(told, encoding="utf-8")
