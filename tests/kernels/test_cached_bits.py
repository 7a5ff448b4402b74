"""A kernel that was compiled in this process and one from the cache on disk have the same bits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import alignsim as asim

RUN = """
import hashlib
import numpy as np
import alignsim as asim

K = {responses}
P = asim.preferences.cyclic(K, advantage=0.3)
P[0, 1], P[1, 0] = 0.77, 0.23
beta = np.linspace(0.5, 3.0, 5)
start = np.arange(1.0, K + 1) / np.arange(1.0, K + 1).sum()
found = []
for objective in {objectives}:
    loop = asim.method("soft_reference", P, objective=objective, beta=beta, mixup=0.5)
    found.append(loop.run(start, rounds=20))
    loop = asim.FeedbackMap(P, objective=objective, beta=beta, alpha=0.5)
    found.append(loop.run(start, rounds=20))
    found.append(asim.train(objective, P, start, beta=beta, rate=0.3, steps=20))
for path in found:
    print(hashlib.sha256(path.logits.tobytes() + path.policy_variance.tobytes()).hexdigest())
"""


def runs(folder, **given):
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(folder),
        "PYTHONPATH": str(Path(asim.__file__).parents[1]),
    }
    command = [sys.executable, "-c", RUN.format(**given)]
    for _ in range(2):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        yield done.stdout


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled")
def test_a_kernel_from_the_cache_has_the_bits_of_the_one_that_was_compiled(tmp_path):
    compiled, cached = runs(tmp_path, responses=7, objectives=["ipo"])
    assert compiled == cached


@pytest.mark.slow
@pytest.mark.parametrize("responses", [3, 5, 9])
def test_so_has_every_kernel(tmp_path, responses):
    compiled, cached = runs(tmp_path, responses=responses, objectives=["ipo", "dpo"])
    assert compiled == cached
