"""The convention of β on the command line, and the glossary."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import alignsim as asim
from alignsim.cli import app

FILE = "cycle.json"


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    P = asim.preferences.cyclic(3, advantage=0.3)
    (tmp_path / FILE).write_text(json.dumps(P.tolist()))


def ran(*arguments):
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result


def test_a_loop_is_the_same_in_either_convention():
    base = ["simulate", FILE, "--rounds", 40, "--data"]
    ran(*base, "ours.nc", "--beta", 10)
    ran(*base, "trl.nc", "--beta", 0.1, "--beta-convention", "TRL")
    with xr.open_dataset("ours.nc") as ours, xr.open_dataset("trl.nc") as trl:
        assert np.array_equal(ours.policy, trl.policy)


def test_every_command_with_a_beta_converts_it():
    trl = ["--beta-convention", "trl"]
    shown = [
        ran("simulate", FILE, "--rounds", 20, "--beta", 0.1, *trl).stdout,
        ran("advise", FILE, "--eta", 0.1, *trl).stdout,
    ]
    assert "β = 10," in shown[0]
    assert "η = 10," in shown[1]
    for words in shown:
        assert "β multiplies the preference signal; TRL's beta is one over it.\n" in words
    small = ["--beta-points", 5, "--lam-points", 3, "--by", "stability", "--data", "a.nc"]
    ran("phase-diagram", FILE, "--beta-max", 0.1, *small, *trl)
    with xr.open_dataset("a.nc") as found:
        assert found.beta.values.tolist() == [0.0, 2.5, 5.0, 7.5, 10.0]
    ran("inspect", FILE, "--beta-max", 1, *trl, "--out", "found.json")
    assert json.loads(Path("found.json").read_text())["settings"]["beta_max"] == 1.0


@pytest.mark.parametrize(
    ("arguments", "warned"),
    [
        ((FILE, "--objective", "dpo", "--beta", 0.1), True),
        ((FILE, "--objective", "dpo", "--beta", 0.1, "--beta-convention", "trl"), False),
        ((FILE, "--objective", "dpo", "--beta", 1), False),
        ((FILE, "--objective", "ipo", "--beta", 0.1), True),
        (("--objective", "dpo", "--beta", 0.1), False),
    ],
)
def test_a_small_beta_on_data_is_asked_about(arguments, warned):
    result = ran("simulate", *arguments, "--rounds", 20)
    expected = (
        "alignsim: --beta is 0.1; here a small β stays near the reference. If it is TRL's, pass "
        "--beta-convention trl (β = 10 here)\n"
    )
    assert result.stderr == (expected if warned else "")


def test_a_beta_of_zero_is_none_of_trls():
    result = CliRunner().invoke(app, ["simulate", "--beta", "0", "--beta-convention", "trl"])
    assert result.exit_code == 2
    assert "--beta is 0; in TRL's convention it must be above 0" in result.stderr


def test_the_glossary_names_trls_beta():
    shown = " ".join(ran("glossary").stdout.split())
    assert "DPOConfig.beta beta = 1 / TRL's" in shown
