"""How figures are measured, and the lines of the table that they go into."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ONE_CORE = 1.2  # processor time per second above which a contestant ran on several threads

Times = dict[str, np.ndarray]


@dataclass(frozen=True)
class Row:
    """A line of the table; ``reached`` is None where nothing is required or nothing ran."""

    work: str
    measured: str
    required: str = "–"
    reached: bool | None = None

    def __str__(self) -> str:
        verdict = {None: "–", True: "yes", False: "no"}[self.reached]
        return f"| {self.work} | {self.measured} | {self.required} | {verdict} |"


@dataclass(frozen=True)
class Effort:
    """How many turns each contestant gets, and how many fresh processes a figure takes."""

    turns: int
    processes: int


def interleave(
    contestants: dict[str, Callable[[int], object]],
    effort: Effort,
    *,
    rounds: int,
    one_thread: bool = True,
) -> Times:
    """Return the seconds of each contestant in each turn, (turns,)."""
    for run in contestants.values():
        run(rounds)
    times = {name: np.empty(effort.turns) for name in contestants}
    cores = {name: np.empty(effort.turns) for name in contestants}
    for turn in range(effort.turns):
        for name, run in contestants.items():
            wall, processor = time.perf_counter(), time.process_time()
            run(rounds)
            times[name][turn] = time.perf_counter() - wall
            cores[name][turn] = (time.process_time() - processor) / times[name][turn]
    for name, used in cores.items():
        if one_thread and np.median(used) > ONE_CORE:
            raise SystemExit(f"{name} ran on {np.median(used):.1f} processors instead of one")
    return times


def ratio(times: Times, numerator: str, denominator: str) -> float:
    """Return how many times as long the first takes as the second."""
    return float(np.median(times[numerator] / times[denominator]))


def at_least(required: float | None) -> str:
    """Return the words for a requirement."""
    return "–" if required is None else f"≥ {required:g}×"


def child(arguments: list[str], environment: dict[str, str] | None = None) -> str:
    """Return what a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stderr}")
    return done.stdout
