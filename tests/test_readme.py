"""The README is run: its Python blocks work, its commands exist, its figures are there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_python_blocks_run_one_after_the_other(tmp_path, monkeypatch):
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    assert BLOCKS
    exec(compile("\n".join(BLOCKS), "README.md", "exec"), {})


def test_figures_exist():
    figures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert figures
    assert [figure for figure in figures if not (ROOT / figure).is_file()] == []


def test_readme_is_short():
    assert len(README.splitlines()) < 200


def test_every_command_of_the_readme_is_known():
    from typer.main import get_command

    from alignsim.cli import app

    shell = re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
    quoted = re.findall(r"`(alignsim [^`]+)`", README)
    named = set(re.findall(r"\balignsim ([a-z][a-z-]+)", "\n".join(shell + quoted)))
    assert named
    assert named <= set(get_command(app).commands)
