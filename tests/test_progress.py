"""A progress bar comes late, counts what was done before it, and costs nothing until then."""

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


def test_work_that_is_over_before_the_delay_shows_nothing(clock, capfd):
    with progress.ProgressBar(True, "sweep", "maps", 2) as bar:
        bar.update(1)
        clock[0] += progress.DELAY - 0.1
        bar.update(1)
    assert capfd.readouterr() == ("", "")


def test_a_late_bar_counts_what_was_done_and_the_time_since_the_beginning(clock, capfd):
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


def test_without_a_total_the_bar_counts(clock, capfd):
    with progress.ProgressBar(True, "phase diagram", "maps") as bar:
        clock[0] += 20.0
        bar.update(40)
    assert "phase diagram: 40 maps" in capfd.readouterr().err


def test_a_bar_that_is_not_wanted_never_comes(clock, capfd):
    with progress.ProgressBar(False, "sweep", "maps", 2) as bar:
        clock[0] += 20.0
        bar.update(2)
    assert capfd.readouterr() == ("", "")


def test_a_bar_closes_when_its_work_fails(clock, capfd):
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
