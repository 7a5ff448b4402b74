"""A progress bar comes late, counts what was done before it, and costs nothing until then."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from alignsim import progress
from tests.test_import import loaded_after

SHORT_SWEEP = (
    "import alignsim, alignsim.progress; alignsim.progress.DELAY = 600; "
    "P = alignsim.preferences.cyclic(3, advantage=0.3); "
    "alignsim.sweep(P, beta=[1.0], rounds=10, progress={shown})"
)


@pytest.fixture
def clock(monkeypatch):
    """The time that the module reads, in a list of one number."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    return now


@pytest.fixture
def terminal(monkeypatch):
    """Make standard error a terminal."""
    monkeypatch.setattr(progress, "_is_terminal", lambda: True)


def test_work_that_is_over_before_the_delay_shows_nothing(clock, terminal, capfd):
    with progress.ProgressBar(True, "sweep", "maps", 2) as bar:
        bar.update(1)
        clock[0] += progress.DELAY - 0.1
        bar.update(1)
    assert capfd.readouterr() == ("", "")


def test_a_late_bar_counts_what_was_done_and_the_time_since_the_beginning(clock, terminal, capfd):
    with progress.ProgressBar(True, "sweep", "maps", 8) as bar:
        bar.update(3)
        clock[0] += 20.0
        bar.update(1)
        shown = capfd.readouterr()
        bar.update(4)
    assert shown.out == ""
    assert "sweep:  50%" in shown.err
    assert "4/8 [00:20<00:20,  5.00s/ maps]" in shown.err
    assert "0/8" not in shown.err
    assert "8/8" in capfd.readouterr().err


def test_without_a_total_the_bar_counts(clock, terminal, capfd):
    with progress.ProgressBar(True, "phase diagram", "maps") as bar:
        clock[0] += 20.0
        bar.update(40)
    assert "phase diagram: 40 maps" in capfd.readouterr().err


def test_a_bar_that_is_not_wanted_never_comes(clock, capfd):
    with progress.ProgressBar(False, "sweep", "maps", 2) as bar:
        clock[0] += 20.0
        bar.update(2)
    assert capfd.readouterr() == ("", "")


def test_a_bar_closes_when_its_work_fails(clock, terminal, capfd):
    def work():
        with progress.ProgressBar(True, "sweep", "maps", 2) as bar:
            clock[0] += 20.0
            bar.update(1)
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        work()
    assert capfd.readouterr().err.endswith("\n")


@pytest.mark.parametrize("shown", [True, False])
def test_a_short_sweep_does_not_import_tqdm(shown):
    """Its import warns in a notebook without ipywidgets."""
    assert "tqdm" not in loaded_after(SHORT_SWEEP.format(shown=shown))


# Where there is no terminal


def test_a_file_gets_a_line_now_and_then_ever_more_rarely_and_one_at_the_end(clock, capfd):
    with progress.ProgressBar(True, "sweep", "maps", 1000) as bar:
        for _ in range(1000):
            clock[0] += 1.0
            bar.update(1)
    shown = capfd.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert [line.partition("%")[0].split()[-1] for line in lines] == [
        "3", "6", "12", "24", "48", "96", "100",
    ]  # fmt: skip
    assert "30/1000 [00:30<16:10,  1.00 maps/s]" in lines[0]
    assert all(line.startswith("sweep: ") and len(line) < 80 for line in lines)
    assert "\r" not in shown.err


def test_short_work_writes_nothing_into_a_file(clock, capfd):
    with progress.ProgressBar(True, "sweep", "maps", 2) as bar:
        clock[0] += progress.FIRST_LINE - 1.0
        bar.update(2)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("stream", [None, SimpleNamespace()])
def test_without_standard_error_nothing_fails(clock, monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.ProgressBar(True, "sweep", "maps", 2) as bar:
        clock[0] += 10.0
        bar.update(1)


@pytest.fixture
def kernel(monkeypatch):
    """Make this look like a kernel, as ipykernel's shell does."""
    module = ModuleType("IPython")
    module.get_ipython = lambda: SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", module)


def test_a_notebook_without_widgets_gets_one_line_that_is_written_anew(
    clock, kernel, capfd, monkeypatch
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with progress.ProgressBar(True, "sweep", "maps", 8) as bar:
        clock[0] += 20.0
        bar.update(4)
    shown = capfd.readouterr().err
    assert "sweep:  50%" in shown
    assert shown.count("\n") == 1
    assert all(len(part) < 80 for part in shown.replace("\n", "\r").split("\r"))


def test_a_shell_that_is_no_kernel_is_a_terminal(monkeypatch):
    module = ModuleType("IPython")
    module.get_ipython = lambda: SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", module)
    assert not progress.in_kernel()
    module.get_ipython = lambda: None
    assert not progress.in_kernel()


def test_a_real_kernel_shows_a_bar_and_warns_of_nothing():
    import nbformat
    from nbclient import NotebookClient

    code = (
        "import warnings; warnings.simplefilter('error')\n"
        "from alignsim import progress; progress.DELAY = 0.0\n"
        "with progress.ProgressBar(True, 'sweep', 'maps', 2) as bar:\n"
        "    bar.update(1); bar.update(1)\n"
        "print(progress.in_kernel())"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=120).execute()
    texts = {"stdout": "", "stderr": ""}
    widgets = ""  # where ipywidgets is installed the bar is one
    for output in notebook.cells[0].outputs:
        if output.output_type == "stream":
            texts[output.name] += output.text
        else:
            widgets += output["data"]["text/plain"]
    assert texts["stdout"] == "True\n"
    assert "sweep: " in widgets if widgets else "sweep: 100%" in texts["stderr"]
    assert "Warning" not in texts["stderr"]
