"""Importing the package is quick, and says what there is."""

import importlib.metadata
import importlib.resources
import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import alignsim
from alignsim.kernels import ahead

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("xarray", "scipy.optimize", "matplotlib", "mpltern", "numba", "tqdm", "typer", "pandas")


def run_python(code, *options):
    """What a fresh interpreter prints."""
    command = [
        sys.executable,
        *options,
        "-c",
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def loaded_after(code):
    return run_python(f"{code}; print(*[m for m in {HEAVY!r} if m in sys.modules])").split()


def test_the_bare_import_loads_nothing_heavy():
    assert loaded_after("import alignsim") == []


def test_nothing_is_compiled_before_a_map_is_run():
    code = "import alignsim; alignsim.FeedbackMap([[.5, .8], [.2, .5]], beta=1.0).step([.5, .5])"
    assert "numba" not in loaded_after(code)


@pytest.mark.parametrize(
    "code",
    [
        "import alignsim; alignsim.FeedbackMap",
        "import alignsim; alignsim.ipo_optimum; alignsim.dpo_optimum",
        "import alignsim; alignsim.preferences.cyclic(3, advantage=0.3)",
        "import alignsim; alignsim.sweep; alignsim.analysis; alignsim.simplex",
    ],
)
def test_the_rooms_load_neither_xarray_nor_matplotlib_before_they_are_used(code):
    assert not {"xarray", "scipy.optimize", "matplotlib", "mpltern"} & set(loaded_after(code))


FIRST = """
import sys
sys.modules["dask"] = None  # an extra, and where it is installed xarray imports much through it
from alignsim.cli import main
points = ["--x-points", "40", "--y-points", "30"]
sys.argv = ["alignsim", "phase-diagram", *points, "--quiet", "--out", {picture!r}]
try:
    main()
except SystemExit as end:
    assert not end.code
heavy = ("scipy.optimize", "scipy.special", "scipy.stats", "scipy.sparse", "scipy.integrate",
         "zarr", "tqdm", "mpltern", "alignsim.explorer", "alignsim.data", "alignsim.experiments",
         "alignsim.claims", "alignsim.reports.advice", "alignsim.feedback.flow",
         "alignsim.cli.advise", "alignsim.cli.sweep", "alignsim.cli.verify")
print("heavy", *[name for name in heavy if name in sys.modules])
for name, module in sys.modules.items():
    if name.startswith("alignsim.kernels."):
        for kernel in vars(module).values():
            if getattr(kernel, "signatures", ()) and kernel.py_func.__module__ == name:
                print(name.rpartition(".")[2], kernel.py_func.__name__)
"""

FIRST_KERNELS = {
    "dense": {"softmax"},
    "equilibrium": {"judge", "_residual", "_margin", "_largest_margin"},
    "ipo_lanes": {"run", "_advance_small", "_advance_group", "advance_unrolled", "_average_small"}
    | {"average_unrolled"},
    "lanes": {"block", "load", "store", "hold", "release", "load_signal", "softmax"}
    | {"begin_averages", "drifts"},
    "laps": {"around", "_advance"},
    "orbits": {"examine", "_extremes", "_project", "_spans", "_weighted"},
    "rotation": {"classify", "rotations", "policy", "project", "_skew_norm"},
    "tangents": {"lead_along", "_lead_small", "_lead_unrolled", "_logarithms"},
}
"""What the first command may compile, by file: each second of it is one that a newcomer waits."""


def test_the_first_command_loads_and_compiles_only_what_its_diagram_needs(tmp_path):
    heavy, *kernels = run_python(FIRST.format(picture=str(tmp_path / "p.png"))).split("\n")
    assert heavy == "heavy"
    allowed = {f"{file} {name}" for file, names in FIRST_KERNELS.items() for name in names}
    assert set(kernels) <= allowed
    assert {"ipo_lanes run", "orbits examine", "tangents lead_along"} <= set(kernels)


AHEAD = """
import sys
sys.modules["dask"] = None
from alignsim.kernels import ahead
ahead.compile_rounds(3), ahead.compile_judging(3)
def signatures():
    return {{(name, each): len(kernel.signatures) for name, module in sys.modules.items()
            if name.startswith("alignsim.kernels.") for each, kernel in vars(module).items()
            if getattr(kernel, "signatures", ())}}
before = signatures()
from alignsim.cli import main
sys.argv = ["alignsim", "phase-diagram", "--x-points", "40", "--y-points", "30", "--quiet",
            "--out", {picture!r}]
try:
    main()
except SystemExit as end:
    assert not end.code
after = signatures()
print(*[name for name in after if after[name] != before.get(name)])
"""


def test_what_is_compiled_ahead_is_all_that_the_first_command_calls(tmp_path):
    assert run_python(AHEAD.format(picture=str(tmp_path / "p.png"))) == ""


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="the JIT is off")
def test_a_second_process_compiles_where_nothing_is_kept_and_ends_with_the_first(
    monkeypatch, tmp_path
):
    begun = []
    monkeypatch.setattr(ahead.atexit, "register", lambda end, process: begun.append((end, process)))
    ahead.compile_rounds(3)
    ahead.compile_ahead(3)
    assert begun == []
    monkeypatch.setattr(ahead, "cached", lambda kernel: False)
    ahead.compile_ahead(3)
    ((end, process),) = begun
    assert process.args[1:] == ["-m", "alignsim.kernels.ahead", "3"]
    end(process)
    assert process.returncode is not None


def test_the_second_process_compiles_what_judges():
    command = [sys.executable, "-m", "alignsim.kernels.ahead", "3"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="the JIT is off")
def test_a_kernel_knows_whether_the_disk_holds_it(tmp_path):
    code = (
        "from alignsim.kernels import ahead, rotation\n"
        "from alignsim.kernels.compile import cached\n"
        "print(cached(rotation.classify), cached(rotation.classify.py_func)); import numpy as np\n"
        "rotation.classify(np.empty((0, 3, 3)), np.empty(0, dtype=np.int8))\n"
        "print(cached(rotation.classify))"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True,
        env=environment,
    )  # fmt: skip
    assert done.stdout.split() == ["False", "None", "True"]


def test_the_bare_import_warns_about_nothing():
    assert (
        run_python("import alignsim; print(alignsim.__version__)", "-W", "error")
        == alignsim.__version__
    )


def test_dir_lists_everything_public_and_everything_listed_is_there():
    assert set(dir(alignsim)) == {*alignsim.__all__, "__version__"}
    for name in dir(alignsim):
        assert getattr(alignsim, name) is not None, name


def test_star_import_gives_the_same_names():
    names = run_python("from alignsim import *; print(*sorted(n for n in dir() if n[0] != '_'))")
    assert set(alignsim.__all__) | {"sys"} == set(names.split())


@pytest.mark.parametrize(
    "room", [n for n in alignsim.__all__ if hasattr(getattr(alignsim, n), "__path__")]
)
def test_every_room_has_all_that_it_lists(room):
    module = getattr(alignsim, room)
    assert module.__doc__
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert getattr(module, name).__doc__ or name.isupper(), name


@pytest.mark.parametrize("name", ["feedbackmap", "utils", "__wrapped__", "Sweep"])
def test_an_unknown_attribute_raises_attribute_error(name):
    with pytest.raises(AttributeError, match=f"module 'alignsim' has no attribute '{name}'"):
        getattr(alignsim, name)
    assert not hasattr(alignsim, name)


def test_the_type_marker_is_shipped():
    assert (importlib.resources.files("alignsim") / "py.typed").is_file()


def test_the_version_is_that_of_the_installed_package():
    try:
        installed = importlib.metadata.version("alignsim")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("alignsim runs from its source tree here: there is no metadata to compare with")
    assert installed == alignsim.__version__
