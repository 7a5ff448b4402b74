"""``alignsim verify``, and when a bar is shown."""

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import alignsim as asim
from alignsim.cli import app
from tests.cli.commands import SMALL

ONE = ["verify", "ipo-closed-form", "--trials", "20"]


def test_verify_says_what_a_margin_is(run):
    for words in (run(*ONE), run("verify", "--help")):
        told = " ".join(words.split())
        assert "1 is exact agreement and 0 the tolerance; for an inequality" in told
    assert "1 of 1 claims passed" in run(*ONE)


def test_verify_saves_instances_and_replays_them(run, tmp_path):
    printed = run(*ONE, "ipo-sensitivity", "--worst", "worst")
    assert "saved 2 instances in worst" in printed
    assert "saved 1 instance in worst" in run(*ONE, "--worst", "worst")
    names = sorted(path.name for path in (tmp_path / "worst").iterdir())
    assert names == ["ipo-closed-form.json", "ipo-sensitivity.json"]
    assert "1 of 1 claims passed" in run("verify", "--replay", "worst/ipo-closed-form.json")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "CLAIM is 'nothing'; known: "),
        (["--trials", "0"], "--trials is 0"),
        (["--quick", "--trials", "-5"], "--trials is -5, but --quick means 60 trials"),
        (["--replay", "bare.json", "--trials", "5"], "--trials is 5, but --replay names the one"),
        (["--replay", "bare.json", "--seed", "0"], "--seed is 0, but --replay names the one"),
        (["--replay", "bare.json", "--quick"], "--quick is given, but --replay names the one"),
        (["--worst", "file.json"], "--worst is 'file.json', which is a file; name a folder"),
        (["--worst", "no/where"], "there is no folder 'no'; make it"),
        (["--replay", "."], "Invalid value for '--replay': "),
        (["--replay", "."], "'.' is a directory"),
        (["--replay", "none.json"], "'none.json' does not exist"),
        (["--replay", "file.json"], "alignsim: 'file.json' is not a saved instance"),
        (["--replay", "bare.json"], "'bare.json': the instance of 'ipo-closed-form' lacks 'P', "),
        (["--replay", "other.json"], "'other.json': its claim is \"nobody's\"; known: "),
        (["--replay", "deep.json"], "deep.json, line 1: not usable JSON"),
        (["ipo-*", "--replay", "bare.json"], "CLAIM is 'ipo-*', but --replay names the one"),
    ],
)
def test_verify_refuses(refuse, tmp_path, arguments, message):
    claims = {"bare": "ipo-closed-form", "other": "nobody's"}
    for name, claim in claims.items():
        content = json.dumps({"claim": claim, "instance": {}})
        (tmp_path / f"{name}.json").write_text(content, encoding="utf-8")
    (tmp_path / "file.json").write_text("[]", encoding="utf-8")
    (tmp_path / "deep.json").write_text("[" * 100_000, encoding="utf-8")
    assert message in refuse("verify", *arguments)


@pytest.mark.parametrize(
    ("command", "place"),
    [(ONE, "claims.verify"), (["phase-diagram", *SMALL], "sweeps.sweep")],
)
@pytest.mark.parametrize("terminal", [True, False])
def test_a_bar_is_shown_on_a_terminal_only(monkeypatch, command, place, terminal):
    room, name = place.split(".")
    owner = getattr(asim, room)
    wanted, called = [], getattr(owner, name)

    def noted(*arguments, progress, **keywords):
        wanted.append(progress)
        return called(*arguments, progress=False, **keywords)

    monkeypatch.setattr(owner, name, noted)
    monkeypatch.setattr("alignsim.cli.options.sys", SimpleNamespace(stderr=_Stream(terminal)))
    assert CliRunner().invoke(app, command).exit_code == 0
    assert CliRunner().invoke(app, [*command, "--quiet"]).exit_code == 0
    assert wanted == [terminal, False]


class _Stream:
    def __init__(self, terminal):
        self.isatty = lambda: terminal
