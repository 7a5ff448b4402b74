"""Compile the kernels that follow and judge orbits of MRS-IPO, in two processes at once.

Compiling is most of what a first command takes, and one process compiles on one processor.
"""

from __future__ import annotations

import atexit
import subprocess
import sys

import numpy as np

from alignsim.kernels import equilibrium, ipo_lanes, lanes, laps, orbits, rotation, tangents
from alignsim.kernels.compile import cached

NONE = np.empty(0, dtype=np.int64)


def compile_ahead(responses: int) -> None:
    """Compile those of the rounds, or load them, so that nothing else need be imported meanwhile.

    Where none is kept on disk yet, a process of its own compiles what judges. It ends by itself, or
    with this one. What it has not compiled when it is called here is compiled here too.
    """
    if sys.executable and cached(ipo_lanes.run) is False:
        command = [sys.executable, "-m", __spec__.name, str(responses)]
        nothing = subprocess.DEVNULL
        process = subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing)
        atexit.register(_end, process)
    compile_rounds(responses)


def compile_rounds(K: int) -> None:
    """Call the kernels of rounds, of laps and of fixed points for no maps."""
    matrices, maps, numbers = np.empty((0, K, K)), np.empty((0, K)), np.empty(0)
    code = lanes.code_for(K, ipo_lanes.UNROLLED)
    ipo_lanes.run(
        *code, matrices, NONE, np.empty((0, 2)), maps, maps, np.empty((0, 1, K)),
        np.zeros(1, dtype=np.int64), (0, 0, 0), np.empty((0, 3 * K + 2)), (0, 0),
    )  # fmt: skip
    equilibrium.judge(matrices, NONE, numbers, maps, maps, numbers)
    laps.around(
        *lanes.code_for(K, laps.SMALL), matrices, NONE, np.empty((0, 2)), maps,
        np.empty((K, K - 1)), NONE, NONE, maps, numbers, np.empty((0, K, K)), NONE,
    )  # fmt: skip


def compile_judging(K: int) -> None:
    """Call each kernel that judges orbits for no maps, in the order in which a sweep does."""
    matrices, frames, maps = np.empty((0, K, K)), np.empty((0, 1, K)), np.empty((0, K))
    numbers, weights = np.empty(0), np.ones(1)
    weights.flags.writeable = False
    rotation.classify(matrices, np.empty(0, dtype=np.int8))
    lanes.drifts(matrices, NONE, np.empty((0, 2)), maps, maps, maps)
    code = lanes.code_for(K, rotation.SMALL)
    rotation.rotations(*code, matrices, NONE, maps, numbers)
    orbits.examine(
        *lanes.code_for(K, orbits.SMALL), frames, NONE, maps, np.empty((0, 2, K)), weights,
        weights, 1, 1.0, np.empty((0, orbits.COLUMNS)),
    )  # fmt: skip
    code = lanes.code_for(K, tangents.SMALL)
    tangents.lead_along(
        *code, matrices, NONE, np.empty((0, 2)), np.ones(K), frames, NONE, np.empty((0, 0))
    )  # fmt: skip


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


if __name__ == "__main__":
    compile_judging(int(sys.argv[1]))
