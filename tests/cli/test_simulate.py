"""``alignsim simulate``."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner

import alignsim as asim
from alignsim.cli import app
from tests.cli.commands import PAIR, PNG, matrix


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--beta", "2"], ["converged", "stable, spectral radius 0.6928", "final policy: rock"]),
        (["--beta", "8"], ["invariant circle", "0.16055 turns a round", "unstable"]),
        (["--beta", "8", "--objective", "DPO"], ["locked", "6 rounds", "0.166667 turns a round"]),
        (["--beta", "8", "--alpha", "1"], ["drifting", "none found"]),
    ],
)
def test_simulate_tells_the_long_run(run, options, words):
    printed = run("simulate", "--rounds", 50, *options)
    assert "in the long run" in printed
    assert [word for word in words if word not in printed] == []
    rests = "final policy: rock" in words
    assert ("final policy" in printed) is rests
    for moving in ("policy in the last round: rock", "time average: rock", "entropy in the last"):
        assert (moving in printed) is not rests


def test_what_is_nothing_but_rounding_is_printed_as_0(run, tmp_path):
    still = run("simulate", "--beta", 2, "--rounds", 900)
    assert re.search(r"cycle strength +0 \(variance", still)
    assert re.search(r"final KL to the reference +0 nats", still)
    (tmp_path / "sure.json").write_text("[[0.5, 1.0], [0.0, 0.5]]", encoding="utf-8")
    collapsed = run("simulate", "sure.json", "--beta", 200, "--rounds", 300)
    assert re.search(r"final entropy +0 nats", collapsed)
    assert re.search(r"final policy: response 1 +below 1e-14", collapsed)


def test_simulate_averages_over_the_second_half(run):
    printed = run("simulate", "--rounds", 60)
    P = asim.preferences.cyclic(3, advantage=0.3)
    orbit = asim.FeedbackMap(P, beta=8.0, alpha=0.6).run(rounds=60)
    lines = [line for line in printed.split("\n") if "time average: paper" in line]
    assert f"{orbit.policy_mean[1]:.6g}" in lines[0]


def test_an_undecided_orbit_says_why(run):
    printed = " ".join(run("simulate", "--beta", "4.618802153517", "--rounds", 20).split())
    P = asim.preferences.cyclic(3, advantage=0.3)
    loop = asim.FeedbackMap(P, beta=4.618802153517, alpha=0.6)
    reason, _, remedy = asim.analysis.classify(loop).reason().partition("; ")
    assert "undecided after" in printed
    assert f"rounds: {reason} " in printed
    assert remedy == "give more rounds"
    assert remedy not in printed


def test_names_in_pictures_are_those_in_the_text(run, monkeypatch, tmp_path):
    seen = []
    draw = asim.plotting.timeline
    monkeypatch.setattr(
        asim.plotting,
        "timeline",
        lambda orbit, **kw: [seen.append(kw["labels"]), draw(orbit, **kw)],
    )
    cycle = asim.preferences.cyclic(3, advantage=0.3).tolist()
    (tmp_path / "plain.json").write_text(json.dumps(cycle), encoding="utf-8")
    printed = run("simulate", "plain.json", "--rounds", 20)
    assert seen == [["response 0", "response 1", "response 2"]]
    assert all(name in printed for name in seen[0])


def test_simulate_follows_one_orbit(run, tmp_path):
    printed = run("simulate", "--rounds", 200, "--start", "0.8,0.1,0.1", "--data", "orbit.csv")
    assert (tmp_path / "orbit.png").read_bytes().startswith(PNG)
    P = asim.preferences.cyclic(3, advantage=0.3)
    orbit = asim.FeedbackMap(P, beta=8.0, alpha=0.6).run([0.8, 0.1, 0.1], rounds=200)
    for value in (*orbit.final, orbit.entropy[-1], orbit.effective_support[-1]):
        assert f"{value:.6g}" in printed
    assert f"{orbit.cycle_strength:.6g} (variance since round 100)" in printed
    saved = pd.read_csv(tmp_path / "orbit.csv")
    assert saved["policy"].values == pytest.approx(orbit.policies.ravel())


def test_simulate_saves_the_names_of_responses(run, tmp_path):
    for kind in ("csv", "nc"):
        run("simulate", "--rounds", 5, "--data", f"orbit.{kind}", "-q")
    names = ["rock", "paper", "scissors"]
    saved = pd.read_csv(tmp_path / "orbit.csv")
    assert saved["response"].tolist() == names * 6
    assert set(saved["status"]) == {"ok"}
    with xr.open_dataset(tmp_path / "orbit.nc", engine="scipy") as data:
        assert data["response"].values.astype(str).tolist() == names


def test_a_bad_start_is_named_before_the_rounds_are_laid_out(refuse, monkeypatch):
    def fail(*_):
        raise AssertionError

    monkeypatch.setattr("alignsim.cli.inputs.kept_rounds", fail)
    assert "--start has 2 responses; P has 3" in refuse(
        "simulate", "--rounds", 10**9, "--start", "0.5,0.5"
    )


def test_of_very_many_rounds_a_sample_is_kept_in_which_a_cycle_moves(run, tmp_path, monkeypatch):
    monkeypatch.setattr("alignsim.cli.inputs.KEPT_NUMBERS", 6000)
    monkeypatch.setattr("alignsim.cli.inputs.LEAST_KEPT", 1000)
    run("simulate", "--rounds", 60_000, "--objective", "dpo", "--data", "orbit.csv")
    saved = pd.read_csv(tmp_path / "orbit.csv").query("response == 'rock'")
    kept = saved["round"].to_numpy()
    assert (kept[0], kept[-1]) == (0, 60_000)
    assert 1000 < len(kept) <= 2000
    assert np.diff(kept).max() <= 62
    P = asim.preferences.cyclic(3, advantage=0.3)
    whole = asim.FeedbackMap(P, objective="dpo", beta=8.0, alpha=0.6)
    orbit = whole.run(rounds=60_000)
    assert saved["policy"].to_numpy() == pytest.approx(orbit.policies[kept, 0])
    late = saved.query("round > 30_000")["policy"]
    assert late.min() == pytest.approx(orbit.policies[30_000:, 0].min(), abs=1e-3)
    assert late.max() == pytest.approx(orbit.policies[30_000:, 0].max(), abs=1e-3)


def test_characters_that_the_font_lacks_are_told_in_one_sentence(tmp_path):
    content = {"P": [[0.5, 0.7], [0.3, 0.5]], "labels": ["模型", "模a"]}
    (tmp_path / "models.json").write_text(json.dumps(content), encoding="utf-8")
    result = CliRunner().invoke(app, ["simulate", "models.json", "--rounds", "20"])
    assert result.exit_code == 0
    assert result.stderr.startswith("alignsim: 'orbit.png' shows boxes for characters that its")
    assert "(模型)" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("responses", [3, 5])
def test_simulate_draws_the_simplex(run, tmp_path, responses):
    run("simulate", "--rounds", 50, "--picture", "simplex", "--responses", responses, "-q")
    assert (tmp_path / "orbit.png").read_bytes().startswith(PNG)


def test_simulate_names_the_responses_of_a_file(run, votes):
    lines = votes.read_text(encoding="utf-8").replace("one,other,won", "left,right,winner")
    votes.write_text(lines, encoding="utf-8")
    assert "policy in the last round: scissors" in run("simulate", votes, "--rounds", 20)


def test_simulate_lists_the_most_probable_of_many(run):
    printed = run("simulate", "--responses", 21, "--rounds", 20)
    assert printed.count("policy in the last round: response") == 12
    assert printed.count("time average: response") == 12
    assert printed.count("9, each less probable") == 2


def test_markup_in_a_file_is_text(run, tmp_path):
    content = {"P": [[0.5, 0.7], [0.3, 0.5]], "labels": ["[red]x[/red]", "[/]"]}
    (tmp_path / "odd.json").write_text(json.dumps(content), encoding="utf-8")
    printed = run("simulate", "odd.json", "--rounds", 20)
    assert "[red]x[/red]" in printed
    assert "final policy: [/]" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--start", "a,b"], "--start is 'a,b'; give probabilities separated by commas"),
        (["--start", "0.5,0.5"], "--start has 2 responses; P has 3"),
        (["--start", "1,0,0"], "number 2 of --start is 0, and its logit is -inf; give every resp"),
        ([PAIR, "--picture", "simplex"], "the simplex of two responses is a line; use 'timeline'"),
        ([PAIR, "--index", "1"], "--index is 1; m.json holds one matrix\n"),
        (["--picture", "pie"], "--picture is 'pie'; known: 'simplex', 'timeline'"),
        (["--time", "years"], "--time is 'years'"),
        (["--picture", "simplex", "--time", "log"], "--time is 'log', but --picture simplex"),
        (["--beta", "-1"], "--beta is -1"),
        (["--rounds", "0"], "--rounds is 0; it must be at least 1"),
        (["--beta", "1e308", "--alpha", "1", "--rounds", "300"], "the loop failed: "),
    ],
)
def test_simulate_refuses(refuse, tmp_path, arguments, message):
    matrix(tmp_path)
    assert message in refuse("simulate", "--rounds", 20, *arguments)
