"""What holds for every command: help, versions, signals, files that are whole or absent."""

from importlib import import_module, metadata
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import alignsim as asim
from alignsim.cli import app
from tests.cli.commands import PNG, listing

app_module = import_module("alignsim.cli.app")


@pytest.mark.parametrize("command", ["phase-diagram", "simulate", "inspect", "advise"])
def test_help_has_an_example(run, command):
    printed = " ".join(run(command, "--help").split())
    assert f"Example: alignsim {command} " in printed
    assert "--out" in printed
    for layout in ("[[0.5, 0.7], [0.3, 0.5]]", '{"P":', '"winner": "left"}', '"taste": 3}'):
        assert layout in printed.replace("│ │ ", "")


def test_help_tells_how_long_a_check_takes(run):
    printed = " ".join(run("verify", "--help").replace("│", "").split())
    assert "60 trials, some ten seconds." in printed
    assert "half a minute to a minute" in printed


def test_version(run):
    assert run("--version") == f"alignsim {asim.__version__}\n"


def test_without_a_command_there_is_help():
    result = CliRunner().invoke(app, [])
    assert "phase-diagram" in result.output


def test_unknown_command_and_option(refuse):
    assert "No such command 'nope' (see " in refuse("nope")
    assert "--nope" in refuse("--nope")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_run_that_stops_leaves_the_old_file(monkeypatch, tmp_path, error):
    from matplotlib.figure import Figure

    def stop(_, path, **__):
        path.write_bytes(b"half")
        raise error

    old = tmp_path / "orbit.png"
    old.write_bytes(b"old")
    monkeypatch.setattr(Figure, "savefig", stop)
    result = CliRunner().invoke(app, ["simulate", "--rounds", "5"])
    assert result.exit_code != 0
    assert listing(tmp_path) == {"orbit.png": b"old"}
    if isinstance(error, OSError):
        assert result.stderr == (
            "alignsim: 'orbit.png' cannot be written: No space left on device\n"
        )


def test_as_a_program(python, tmp_path):
    good = python("-m", "alignsim", "simulate", "--rounds", "5", "--out", "a.png")
    assert (good.returncode, good.stderr) == (0, "")
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)
    bad = python("-m", "alignsim", "simulate", "--alpha", "7")
    assert bad.returncode == 2
    assert bad.stderr == "alignsim: --alpha is 7; it must be in [0, 1]\n"


STOPPED = """
import os, signal, sys
from matplotlib.figure import Figure
from alignsim.cli import main

def half(figure, path, **_):
    path.write_bytes(b"half")
    os.kill(os.getpid(), signal.{name})
    raise AssertionError("the signal was not heeded")

Figure.savefig = half
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
sys.argv = ["alignsim", "simulate", "--rounds", "5"]
main()
"""


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [("SIGTERM", 128 + 15, ""), ("SIGINT", 130, "alignsim: interrupted\n")],
)
def test_a_signal_leaves_the_old_file_and_no_half_one(python, tmp_path, name, code, told):
    (tmp_path / "orbit.png").write_bytes(b"old")
    stopped = python("-c", STOPPED.format(name=name))
    assert (stopped.returncode, stopped.stdout, stopped.stderr) == (code, "", told)
    assert listing(tmp_path) == {"orbit.png": b"old"}


def test_a_command_does_not_search_all_that_it_imported_for_garbage_when_it_ends(python):
    last = "import atexit, gc, sys; atexit.register(lambda: print(gc.get_freeze_count() > 1000))"
    command = "sys.argv[1:] = ['--version']; from alignsim.cli import main; main()"
    assert python("-c", f"{last}; {command}").stdout.split("\n")[1:] == ["True", ""]


def test_no_garbage_is_looked_for_among_what_a_command_imports(python):
    imported = "numba, numba.np.arraymath, xarray, matplotlib.figure, alignsim.sweeps, rich.table"
    counted = (
        f"import gc; gc.disable(); import {imported}; from alignsim.cli.app import GARBAGE_AFTER; "
        "print(len(gc.get_objects()) < GARBAGE_AFTER)"
    )
    command = "import sys; sys.argv[1:] = ['--version']; from alignsim.cli import main"
    looked = "print(gc.get_threshold()[0] == GARBAGE_AFTER)"
    assert python("-c", counted).stdout == "True\n"
    done = python("-c", f"{command}; import atexit, gc; from alignsim.cli.app import GARBAGE_AFTER;"
                  f"atexit.register(lambda: {looked}); main()")  # fmt: skip
    assert done.stdout.split("\n")[1:] == ["True", ""]


@pytest.mark.parametrize("told", [None, "2"])
def test_openblas_has_one_thread_unless_it_is_told_otherwise(python, monkeypatch, told):
    if told is None:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", told)
    seen = (
        "import atexit, os, sys; sys.argv[1:] = ['methods', 'mrs']; from alignsim.cli import main\n"
        "def tell():\n"
        "    import threadpoolctl; pools = threadpoolctl.threadpool_info()\n"
        "    print({p['num_threads'] for p in pools if p['internal_api'] == 'openblas'} - {1})\n"
        "    print('numpy' in sys.modules, os.environ['OPENBLAS_NUM_THREADS'])\n"
        "atexit.register(tell); main()"
    )
    *_, others, state, end = python("-c", seen).stdout.split("\n")
    assert (state, end) == (f"True {told or 1}", "")
    if told is None:
        assert others == "set()"


def test_the_commands_are_the_files_that_register_one():
    folder = Path(app_module.__file__).parent
    files = [path.stem for path in folder.glob("*.py") if "@app.command(" in path.read_text()]
    assert sorted(name.replace("_", "-") for name in files) == list(app_module.COMMANDS)
    built = get_command(app).commands
    assert [command.name for command in built.values()] == list(built) == list(app_module.COMMANDS)


def test_a_command_imports_no_other(python):
    code = (
        "import sys; from alignsim.cli import main; sys.argv = ['alignsim', 'glossary']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(*sorted(name for name in sys.modules if name.startswith('alignsim.cli.')))"
    )
    *_, imported = python("-c", code).stdout.strip().split("\n")
    shared = {"app", "errors", "reports"}
    assert {name.rpartition(".")[2] for name in imported.split()} - shared == {"glossary"}


@pytest.mark.parametrize("columns", ["0", "1", "-5", "wide", "9" * 5000, "1000000000"])
def test_a_width_that_holds_nothing_is_no_width(python, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    shown = python("-m", "alignsim", "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "phase-diagram" in shown.stdout
    assert max(map(len, shown.stdout.split("\n"))) <= 200


def test_a_name_that_no_file_can_hold_is_shown_with_question_marks(run, tmp_path):
    odd = tmp_path / "te\udcffa.json"
    odd.write_text("[[0.5, 0.7], [0.3, 0.5]]", encoding="utf-8")
    assert "te?a: MRS-IPO" in run("simulate", odd, "--rounds", 20)
    assert "te?a" in run("inspect", odd)


def test_a_message_does_not_repeat_what_was_typed_at_length(refuse, tmp_path):
    long = "x" * 10_000
    for option in ("--objective", "--start", "--codes", "--alpha", "--picture"):
        assert len(refuse("simulate", option, long)) < 500
    (tmp_path / "wide.csv").write_text(",".join(f"c{i}" for i in range(5000)) + "\n" + "1," * 4999)
    assert len(refuse("inspect", "wide.csv")) < 1000


def test_memory_that_runs_out_is_one_sentence(refuse, monkeypatch):
    def fail(*_, **__):
        raise MemoryError("Unable to allocate 7 TiB")

    monkeypatch.setattr(asim.FeedbackMap, "run", fail)
    assert refuse("simulate") == "alignsim: Unable to allocate 7 TiB\n"


def test_help_needs_no_heavy_import(python):
    code = (
        "import sys, alignsim.cli; "
        "sys.exit(bool({'numpy', 'scipy', 'numba', 'matplotlib', 'xarray'} & set(sys.modules)))"
    )
    assert python("-c", code).returncode == 0


def test_entry_point_is_installed():
    names = {point.name: point.value for point in metadata.entry_points(group="console_scripts")}
    if "alignsim" not in names:
        pytest.skip("alignsim is not installed here, only importable")
    assert names["alignsim"] == "alignsim.cli:main"
