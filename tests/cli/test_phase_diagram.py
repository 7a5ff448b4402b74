"""``alignsim phase-diagram``."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import alignsim as asim
from alignsim.analysis.orbits.verdicts import Phase
from alignsim.codes import words_of
from alignsim.summary import in_words
from tests.cli.commands import GRID, PNG, SMALL


def test_phase_diagram_draws_and_tells(run, tmp_path):
    printed = run("phase-diagram", *SMALL)
    assert (tmp_path / "phase-diagram.png").read_bytes().startswith(PNG)
    assert [path.name for path in tmp_path.iterdir()] == ["phase-diagram.png"]
    assert "rock-paper-scissors: MRS-IPO, α = 0.6" in printed
    assert "117 (13 β × 9 λ), 400 rounds each" in printed
    assert "stable up to βλ = 4.6188" in printed
    assert printed.count("agree at all") == 2
    assert "saved phase-diagram.png" in printed


@pytest.mark.parametrize("kind", ["nc", "csv"])
def test_phase_diagram_saves_its_numbers(run, tmp_path, kind):
    run("phase-diagram", *SMALL, "--data", f"sweep.{kind}", "--out", "sweep.PDF", "--quiet")
    P = asim.preferences.cyclic(3, advantage=0.3)
    beta, lam = np.linspace(0, 12, 13), np.linspace(0, 1, 9)
    ds = asim.sweep(P, beta=beta, lam=lam, alpha=0.6, rounds=400, progress=False)
    if kind == "nc":
        with xr.open_dataset(tmp_path / "sweep.nc", engine="scipy") as saved:
            assert saved.phase.identical(ds.phase)
            assert (saved.entropy == ds.entropy).all()
    else:
        saved = pd.read_csv(tmp_path / "sweep.csv")
        words = in_words(ds.phase.values.ravel(), words_of(Phase)).tolist()
        assert saved["phase"].tolist() == words
        assert {"converged", "invariant circle"} <= set(words)
        assert set(saved["status"]) == {"ok"}
        assert saved["fixed_point_status"].map(type).eq(str).all()
    assert (tmp_path / "sweep.PDF").read_bytes().startswith(b"%PDF")


def test_phase_diagram_of_a_matrix_without_closed_form(run, tmp_path):
    P = asim.preferences.bradley_terry([1.0, 0.0, 0.5])
    (tmp_path / "tea.json").write_text(json.dumps({"P": P.tolist()}), encoding="utf-8")
    printed = run("phase-diagram", "tea.json", *SMALL, "--out", "tea.svg", "--value", "entropy")
    assert "tea: MRS-IPO" in printed
    assert "none known for this matrix" in printed
    assert b"<svg" in (tmp_path / "tea.svg").read_bytes()


def test_phase_diagram_picks_from_a_stack(run, refuse):
    P = np.stack([asim.preferences.cyclic(3, advantage=a) for a in (0.1, 0.4)])
    np.save("stack.npy", P)
    assert "stack 1: MRS-IPO" in run("phase-diagram", "stack.npy", *SMALL, "--index", 1)
    assert "holds 2 matrices; pick one with --index 0 to 1" in refuse("phase-diagram", "stack.npy")
    assert "--index is 2; stack.npy holds 2" in refuse("phase-diagram", "stack.npy", "--index", 2)


def test_phase_diagram_of_votes(run, refuse, tmp_path):
    (tmp_path / "few.csv").write_text("left,right,winner\na,b,left\nb,c,left\n", encoding="utf-8")
    assert "fewer than 1 vote: 'a' and 'c'" in refuse("phase-diagram", "few.csv")
    assert "few: MRS-IPO" in run("phase-diagram", "few.csv", "--smoothing", 1, *SMALL)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "a.gif"], "--out is 'a.gif'; its name must end in .png or .pdf or .svg"),
        (["--data", "a.xls"], "--data is 'a.xls'; its name must end in .nc or .csv"),
        (["--out", "no/a.png"], "there is no folder 'no'"),
        (["--alpha", "2"], "--alpha is 2; it must be in [0, 1]"),
        (["--alpha", "nan"], "--alpha is nan"),
        (["--alpha", "much"], "Invalid value for '--alpha'"),
        (["--alpha", "much"], "'much'"),
        (["--beta-max", "inf"], "--beta-max is inf; every entry must be finite"),
        (["--beta-max", "1e308"], "--beta-max is 1e+308; it must be above 0 and at most 1e+06"),
        (["--value", "status"], "--value is 'status'; known: 'cycle_strength', 'effective_sup"),
        (["--value", "collapsed"], "--value is 'collapsed'; known: 'cycle_strength', 'eff"),
        (["--by", "stability", "--rounds", "9"], "--rounds is 9, but --by stability runs no roun"),
        (["--beta-max", "0"], "--beta-max is 0.0"),
        (["--lam-max", "2"], "--lam-max is 2.0; it must be above 0 and at most 1"),
        (["--beta-points", "1"], "'--beta-points'"),
        (["--rounds", "-1"], "--rounds is -1; it must be at least 1"),
        (["--objective", "ippo"], "--objective is 'ippo'; did you mean 'ipo'? known: '"),
        (["--by", "orbits"], "--by is 'orbits'; did you mean 'orbit'?"),
        (["--by", "stability", "--value", "entropy"], "--value is 'entropy'; known: 'phase', 's"),
        (["--value", "fase"], "--value is 'fase'; did you mean 'phase'?"),
        (["--responses", "4"], "--responses is 4; a balanced cycle needs an odd number: use 5\n"),
        (["--key", "a"], "--key is 'a', but there is no FILE"),
        (["--left", "a"], "--left is 'a', but there is no FILE"),
        (["--judges", "a,b"], "--judges is 'a,b', but there is no FILE"),
        (["--index", "0"], "--index is 0, but there is no FILE"),
        (["none.csv"], "'none.csv' does not exist"),
        (["."], "'.' is a folder"),
        (["--beta-points", "3", "--nonsense"], "--nonsense"),
    ],
)
def test_phase_diagram_refuses(refuse, arguments, message):
    assert message in refuse("phase-diagram", *arguments)


def test_nothing_is_computed_before_the_output_is_checked(refuse, monkeypatch, tmp_path):
    def fail(*_, **__):
        raise AssertionError

    monkeypatch.setattr(asim.sweeps, "sweep", fail)
    (tmp_path / "folder.png").mkdir()
    assert "is a folder" in refuse("phase-diagram", "--out", "folder.png")
    assert ".gif" in refuse("phase-diagram", "--out", "a.gif")


def test_phase_diagram_by_stability_runs_nothing(run, tmp_path):
    printed = run("phase-diagram", *GRID, "--by", "Stability", "--data", "sweep.csv")
    assert "rounds each" not in printed
    assert "unstable" in printed
    assert "entropy" not in pd.read_csv(tmp_path / "sweep.csv").columns


def test_phase_diagram_by_both_tells_where_they_disagree(run, tmp_path):
    run("phase-diagram", *SMALL, "--by", "both", "--data", "sweep.csv", "--quiet")
    saved = pd.read_csv(tmp_path / "sweep.csv")
    assert {"entropy", "stability", "disagreement"} <= set(saved.columns)


def test_ratings_of_recurring_responses_make_one_matrix(run, ratings):
    printed = run("simulate", ratings, "--attribute", "taste,looks", "--rounds", 20)
    pooled = asim.data.read(ratings).pooled()
    orbit = asim.FeedbackMap(pooled.P, beta=8.0, alpha=0.6).run(rounds=20)
    assert "ratings, every score a vote" in printed
    for name, value in zip(("tea", "coffee", "water"), orbit.final, strict=True):
        assert any(f": {name} " in line and f"{value:.6g}" in line for line in printed.split("\n"))


def test_ratings_that_make_no_one_matrix_are_sent_elsewhere(refuse, tmp_path):
    rows = [f"{prompt},{prompt}{i},{i}" for prompt in "pq" for i in range(3)]
    (tmp_path / "texts.csv").write_text("\n".join(["prompt,response,good", *rows]), "utf-8")
    assert "see alignsim inspect or alignsim advise" in refuse("phase-diagram", "texts.csv")
