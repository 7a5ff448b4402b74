"""The JIT: when it compiles, where it caches, and what happens where it cannot."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import alignsim
from alignsim.kernels import compile

PACKAGE = Path(alignsim.__file__).parent

IMPORT_AND_RUN = """
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import alignsim
    from alignsim.kernels import dpo_lanes, ipo_lanes, wide
import numpy as np
weights = np.empty((1, 2))
wide.policies(np.array([[0.0, -1000.0]]), weights)
print(weights.tolist()[0])
print(len(caught), *(f"{w.category.__name__}: {w.message}" for w in caught))
"""

COUNT_COMPILED = """
import importlib, pkgutil
import alignsim, alignsim.kernels, alignsim.feedback, alignsim.objectives
from numba.core.dispatcher import Dispatcher
found = [
    kernel
    for name in pkgutil.iter_modules(alignsim.kernels.__path__)
    for kernel in vars(importlib.import_module(f"alignsim.kernels.{name.name}")).values()
    if isinstance(kernel, Dispatcher)
]
print(len(found), sum(len(kernel.signatures) for kernel in found))
"""


def python(script, root, **environment):
    """Run ``script`` in a fresh process that imports the package from ``root``."""
    inherited = {name: v for name, v in os.environ.items() if not name.startswith("NUMBA_")}
    result = subprocess.run(
        [sys.executable, "-c", script],
        env=inherited | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"} | environment,
        cwd=root,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


@pytest.fixture
def copy(tmp_path):
    """A copy of the package whose kernels' own cache folder cannot be made."""
    root = tmp_path / "copy"
    shutil.copytree(PACKAGE, root / "alignsim", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "alignsim" / "kernels" / "__pycache__").write_text("not a folder")
    return root


def cached(folder):
    return {path.name.split(".")[0] for path in Path(folder).rglob("*.nbi")}


def test_nothing_is_compiled_at_import():
    dispatchers, compiled = map(int, python(COUNT_COMPILED, PACKAGE.parent)[0].split())
    assert dispatchers > 20
    assert compiled == 0


def test_kernels_fall_back_to_the_cache_of_the_user_without_a_word(copy, tmp_path):
    user = tmp_path / "user"
    policy, warned = python(IMPORT_AND_RUN, copy, XDG_CACHE_HOME=str(user), HOME=str(user))
    assert policy.startswith("[1.0, ")
    assert warned == "0"
    assert "wide" in cached(user)


def test_a_cache_folder_that_is_a_file_falls_back_to_the_next(copy, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.write_text("not a folder")
    user = tmp_path / "user"
    _, warned = python(
        IMPORT_AND_RUN,
        copy,
        NUMBA_CACHE_DIR=str(blocked),
        XDG_CACHE_HOME=str(user),
        HOME=str(user),
    )
    assert warned == "0"
    assert "wide" in cached(user)


def test_without_any_cache_folder_the_kernels_run_after_one_warning(copy, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.write_text("not a folder")
    policy, warned = python(
        IMPORT_AND_RUN, copy, NUMBA_CACHE_DIR=str(blocked), XDG_CACHE_HOME=str(blocked),
        HOME=str(blocked),
    )  # fmt: skip
    assert policy.startswith("[1.0, ")
    assert warned.startswith("1 RuntimeWarning: no folder for compiled kernels can be written")
    assert "NUMBA_CACHE_DIR" in warned
    assert cached(tmp_path) == set()


def test_a_kernel_is_compiled_anew_when_what_it_calls_has_changed(copy, tmp_path):
    user = {"XDG_CACHE_HOME": str(tmp_path / "user"), "HOME": str(tmp_path / "user")}
    before = python(IMPORT_AND_RUN, copy, **user)[0]
    callee = copy / "alignsim" / "kernels" / "vectormath.py"
    source = callee.read_text(encoding="utf-8")
    callee.write_text(source.replace("EXP_FLOOR = -708.0", "EXP_FLOOR = -1.0"), encoding="utf-8")
    after = python(IMPORT_AND_RUN, copy, **user)[0]
    assert before.startswith("[1.0, ")
    assert after.startswith("[0.731")


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_kernels_ask_for_vectors_as_wide_as_registers():
    @compile.part
    def twice(x):
        return 2.0 * x

    @numba.njit(**compile.OPTIONS)
    def four_times(x):
        return twice(twice(x))

    assert four_times(1.0) == 4.0
    for jitted in (twice, four_times):
        (code,) = jitted.inspect_llvm().values()
        assert '"prefer-vector-width"="512"' in code
