"""Commands that take long say who computes, and keep what is finished."""

import re

import pytest
from typer.testing import CliRunner

import alignsim as asim
from alignsim.cli import app


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def called(*arguments):
    return CliRunner(env={"COLUMNS": "160"}).invoke(app, [str(a) for a in arguments])


COMMANDS = {
    "alignsim.sweeps.sweep": ("phase-diagram", "--quiet"),
    "alignsim.experiments.reproduce": ("reproduce", "--prompts", "300", "--draws", "1"),
    "alignsim.experiments.winner_from_corners": (
        "reproduce", "--prompts", "300", "--draws", "1", "--rounds", "1",
    ),
    "alignsim.claims.verify": ("verify", "--quick"),
}  # fmt: skip


class Asked(Exception):
    """What the command asked for is known; the rest does not matter."""


@pytest.mark.parametrize("function", COMMANDS)
def test_workers_compute_if_they_are_asked_for(function, monkeypatch):
    if function == "alignsim.experiments.winner_from_corners":
        monkeypatch.setattr("alignsim.experiments.reproduce", lambda *_, **__: None)
    seen = []

    def asked(*_, executor, **__):
        seen.append(executor)
        raise Asked

    monkeypatch.setattr(function, asked)
    for arguments in ((), ("--workers", 3)):
        assert isinstance(called(*COMMANDS[function], *arguments).exception, Asked)
    assert seen == [None, 3]


@pytest.mark.parametrize("command", ["phase-diagram", "reproduce", "verify", "sweep"])
def test_workers_of_two_kinds_are_refused(command):
    result = called(command, "--workers", 2, "--scheduler", "tcp://x")
    assert result.exit_code == 2
    told = "alignsim: --workers is 2, but --scheduler has workers of its own"
    assert re.sub(r"\s+", " ", result.stderr).startswith(told)


def test_a_reproduction_is_kept_and_gone_on_with(tmp_path, monkeypatch):
    pytest.importorskip("zarr")
    given = ("reproduce", "--prompts", 2500, "--rounds", 30, "--most", 3, "--draws", 1, "--seed", 3)
    assert called(*given, "--out", "plain").exit_code == 0
    kept = called(*given, "--out", "kept", "--store", "s")
    assert kept.exit_code == 0, kept.output
    assert "s" in kept.stdout.splitlines()[-1]
    for part in ("classes/ipo", "classes/dpo", "corners/ipo", "corners/dpo"):
        assert bool(asim.open_sweep(tmp_path / "s" / part).computed.all())
    refused = called(*given, "--store", "s")
    assert (refused.exit_code, refused.stderr) == (
        2, "alignsim: --store is 's', which exists; pass --resume to go on\n",
    )  # fmt: skip
    refused = called(*given, "--resume")
    assert refused.stderr.startswith("alignsim: --resume is given, but there is no --store")

    def none(*_):
        raise AssertionError("computed again")

    monkeypatch.setattr("alignsim.sweeps.store.Store.put", none)
    again = called(*given, "--out", "again", "--store", "s", "--resume")
    assert again.exit_code == 0, again.output
    tables = sorted(path.name for path in (tmp_path / "plain").glob("*.csv"))
    assert len(tables) == 5
    for folder in ("kept", "again"):
        for name in tables:
            same = (tmp_path / folder / name).read_bytes()
            assert same == (tmp_path / "plain" / name).read_bytes()
