"""The README is run: its Python blocks work, its commands exist, its figures are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_python_blocks_run(block, tmp_path, monkeypatch):
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})


def test_there_is_a_python_block():
    assert BLOCKS


def test_figures_exist():
    figures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert figures
    assert [figure for figure in figures if not (ROOT / figure).is_file()] == []


def test_readme_is_short():
    assert len(README.splitlines()) < 120


def test_every_command_of_the_readme_is_known():
    from typer.main import get_command

    from alignsim.cli import app

    named = set(re.findall(r"alignsim ([a-z][a-z-]+)", README))
    assert named
    assert named <= set(get_command(app).commands)
