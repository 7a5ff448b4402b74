"""Commands that run in a folder of their own."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import alignsim as asim
from alignsim.cli import app
from tests.cli.commands import listing


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    """Every command runs in a folder of its own, on a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def python(monkeypatch):
    """Run Python in a process of its own, in which this alignsim can be imported."""
    monkeypatch.setenv("PYTHONPATH", str(Path(asim.__file__).parents[1]))

    def _python(*arguments):
        command = [sys.executable, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return _python


@pytest.fixture
def run():
    """Run a command that must succeed, and return what it printed."""

    def _run(*arguments):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        return result.stdout

    return _run


@pytest.fixture
def refuse(tmp_path):
    """Run a command that must fail; return its one line after checking that it left no file."""

    def _refuse(*arguments):
        before = listing(tmp_path)
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == 2
        assert isinstance(result.exception, SystemExit)
        assert result.stdout == ""
        assert result.stderr.startswith("alignsim: ")
        assert result.stderr.count("\n") == 1
        assert listing(tmp_path) == before
        return result.stderr

    return _refuse


@pytest.fixture
def votes(tmp_path):
    """Votes in which rock beats scissors beats paper beats rock, three to one."""
    rows = [("rock", "scissors"), ("scissors", "paper"), ("paper", "rock")]
    lines = [f"{a},{b},{w}" for a, b in rows for w in ("left", "left", "left", "right") * 5]
    path = tmp_path / "votes.csv"
    path.write_text("\n".join(["one,other,won", *lines]), encoding="utf-8")
    return path


@pytest.fixture
def panel(tmp_path):
    """Marks of three judges, as in the README, one of whom sees no cycle."""
    rows = ["x,y,1,1,1", "y,z,1,1,1", "x,z,2,2,1"]
    path = tmp_path / "panel.csv"
    path.write_text("\n".join(["model_1,model_2,a1,a2,a3", *rows]), encoding="utf-8")
    return path


@pytest.fixture
def ratings(tmp_path):
    """Two raters' scores of three drinks on two prompts."""
    rng = np.random.default_rng(0)
    lines = [
        f"{prompt},{drink},{rater},{rng.integers(1, 6)},{rng.integers(1, 6)}"
        for prompt in ("morning", "noon")
        for drink in ("tea", "coffee", "water")
        for rater in ("ann", "bob")
    ]
    path = tmp_path / "ratings.csv"
    path.write_text("\n".join(["prompt,response,rater,taste,looks", *lines]), encoding="utf-8")
    return path
