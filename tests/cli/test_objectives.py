"""Objectives on the command line."""

import numpy as np
import pytest
import xarray as xr
from rich.cells import cell_len

import alignsim as asim
from alignsim.objectives import OBJECTIVES


def flat(text):
    return " ".join(text.split())


def test_objectives_lists_all_at_80_columns(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    printed = run("objectives")
    assert max(map(cell_len, printed.splitlines())) <= 80
    for of in OBJECTIVES.values():
        assert f"\n{of.name}\n" in f"\n{printed}"
    assert "odds_smoothing (from 0 on, by default 0)" in flat(printed)


@pytest.mark.parametrize("name", ["psi", "RLHF", "preference_matching"])
def test_objectives_tells_all_of_one(run, name):
    of = OBJECTIVES[name.lower()]
    text = flat(run("objectives", name))
    assert text.startswith(of.name)
    assert of.source in text
    assert "proved: theory 11.4" in text
    assert ("vector rewards" in text) == bool(of.vectors)


def test_an_unknown_objective_is_refused(refuse):
    assert "did you mean 'rlhf'?" in refuse("objectives", "rlhff")


def test_loops_take_their_parameters(run, tmp_path):
    own = ["--objective", "psi", "--odds-smoothing", "0.2", "--beta", "2"]
    run("simulate", *own, "--rounds", "20", "--data", "o.nc", "-q")
    P = asim.preferences.cyclic(3, advantage=0.3)
    loop = asim.FeedbackMap(P, objective="psi", odds_smoothing=0.2, beta=2.0, alpha=0.6)
    with xr.open_dataset(tmp_path / "o.nc", engine="scipy") as saved:
        np.testing.assert_array_equal(saved.policy, loop.run(rounds=20).policies)
