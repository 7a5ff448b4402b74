"""Print by how many bytes one call makes its process grow at its peak, as JSON.

Run by speed.py in a process of its own: ``python memory.py run|sweep ROUNDS``. The peak is the
kernel's VmHWM, which begins anew with each program; getrusage on Linux begins with the parent's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
from rivals import random_problem

import alignsim as asim

STATUS = Path("/proc/self/status")
MAPS = 200_000
GRID = 450  # points along each axis of the sweep
WARM_UP = 16  # maps, or points along an axis, that load the kernels before the count starts


def main() -> None:
    work, rounds = sys.argv[1], int(sys.argv[2])
    print(json.dumps({"run": measure_run, "sweep": measure_sweep}[work](rounds)))


def measure_run(rounds: int) -> dict[str, int]:
    """Many different maps, of which only the last state is kept."""
    problem = random_problem(MAPS, 4)
    inputs = (problem.matrices, problem.alpha, problem.beta, problem.lam, problem.logits)

    def call(maps: int) -> asim.Trajectory:
        P, alpha, beta, lam, logits = (array[:maps] for array in inputs)
        loop = asim.FeedbackMap(P, beta=beta, alpha=alpha, lam=lam)
        return loop.run(start_logits=logits, rounds=rounds, keep="last")

    def size(orbit: asim.Trajectory) -> int:
        given = sum(array.nbytes for array in inputs)
        return given + sum(np.asarray(getattr(orbit, field.name)).nbytes for field in fields(orbit))

    call(WARM_UP)
    return growth(lambda: call(MAPS), size)


def measure_sweep(rounds: int) -> dict[str, int]:
    """Rock-paper-scissors preferences over a grid of β and λ."""
    P = asim.preferences.cyclic(3, advantage=0.3)

    def call(points: int):
        beta, lam = np.linspace(0.0, 12.0, points), np.linspace(0.0, 1.0, points)
        return asim.sweep(P, beta=beta, lam=lam, alpha=0.6, rounds=rounds, progress=False)

    call(WARM_UP)
    return growth(lambda: call(GRID), lambda dataset: P.nbytes + dataset.nbytes)


def growth(call: Callable[[], object], size: Callable[[object], int]) -> dict[str, int]:
    """Return the bytes by which ``call`` raised the peak, and those of its input and output."""
    before = resident("VmRSS")
    result = call()
    return {"grown": resident("VmHWM") - before, "data": size(result)}


def resident(field: str) -> int:
    """Return a figure of this process in bytes: VmRSS now, VmHWM at its peak."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
