import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner

import alignsim as asim
from alignsim.analysis.orbits.verdicts import Phase
from alignsim.cli import app
from alignsim.codes import words_of
from alignsim.summary import in_words

PNG = b"\x89PNG\r\n\x1a\n"
_PAIR = "m.json"
GRID = ["--beta-points", "13", "--lam-points", "9"]
SMALL = [*GRID, "--rounds", "400"]


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
        before = _listing(tmp_path)
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == 2
        assert isinstance(result.exception, SystemExit)
        assert result.stdout == ""
        assert result.stderr.startswith("alignsim: ")
        assert result.stderr.count("\n") == 1
        assert _listing(tmp_path) == before
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


def _listing(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


# phase-diagram


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
        (["--objective", "ippo"], "--objective is 'ippo'; did you mean 'ipo'? known: 'dpo', 'ipo'"),
        (["--by", "orbits"], "--by is 'orbits'; did you mean 'orbit'?"),
        (["--by", "stability", "--value", "entropy"], "--value is 'entropy'; known: 'phase', 's"),
        (["--value", "fase"], "--value is 'fase'; did you mean 'phase'?"),
        (["--responses", "4"], "--responses is 4; a balanced cycle needs an odd number: use 5\n"),
        (["--key", "a"], "--key is 'a', but there is no FILE"),
        (["--left", "a"], "--left is 'a', but there is no FILE"),
        (["--judges", "a,b"], "--judges is 'a,b', but there is no FILE"),
        (["--index", "0"], "--index is 0, but there is no FILE"),
        (["none.csv"], "'none.csv' does not exist"),
        (["."], "'.' is a directory"),
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


# simulate


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
        ([_PAIR, "--picture", "simplex"], "the simplex of two responses is a line; use 'timeline'"),
        ([_PAIR, "--index", "1"], "--index is 1; m.json holds one matrix\n"),
        (["--picture", "pie"], "--picture is 'pie'; known: 'simplex', 'timeline'"),
        (["--time", "years"], "--time is 'years'"),
        (["--picture", "simplex", "--time", "log"], "--time is 'log', but --picture simplex"),
        (["--beta", "-1"], "--beta is -1"),
        (["--rounds", "0"], "--rounds is 0; it must be at least 1"),
        (["--beta", "1e308", "--alpha", "1", "--rounds", "300"], "the loop failed: "),
    ],
)
def test_simulate_refuses(refuse, tmp_path, arguments, message):
    _matrix(tmp_path)
    assert message in refuse("simulate", "--rounds", 20, *arguments)


# inspect


def test_inspect_votes(run, votes, tmp_path):
    columns = ["--left", "one", "--right", "other", "--winner", "won"]
    printed = run("inspect", votes, *columns, "--out", "found.json")
    assert "votes.csv: comparisons" in printed
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    (summary,) = found["votes"]
    assert found["matrices"] == []
    assert 0.8 < summary["no_winner"] < 0.95
    assert summary["onset"]["high"] == "inf"
    assert summary["onset"]["low"] <= 6.0
    flat = " ".join(printed.split())
    for words in (
        "rock",
        "probably a cycle at the top (8",
        "α = 0.5",
        "not below",
    ):
        assert words in flat


def test_inspect_votes_as_exact(run, votes, tmp_path):
    columns = ["--left", "one", "--right", "other", "--winner", "won"]
    printed = run("inspect", votes, *columns, "--exact", "--out", "found.json")
    (summary,) = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["matrices"]
    assert summary["cyclic"] is True
    assert summary["condorcet_winner"] == ""
    assert summary["onset_beta"] == pytest.approx(6.0)
    assert "majority cycles" in printed


def test_inspect_votes_with_codes_of_their_own(run, tmp_path):
    (tmp_path / "coded.csv").write_text("left,right,winner\na,b,W\na,b,L\na,b,W\n", "utf-8")
    printed = run("inspect", "coded.csv", "--codes", "left=W,right=L")
    assert "Condorcet winner" in printed


def test_inspect_ratings(run, ratings):
    printed = run("inspect", ratings, "--attribute", "taste", "--recipe", "mean")
    assert "ratings.csv: ratings" in printed
    assert "looks" not in printed
    assert "matrices with K = 3" in printed


def test_inspect_matrices_side_by_side(run, tmp_path):
    P = np.stack([asim.preferences.cyclic(3, advantage=a) for a in (0.1, 0.2, 0.3, 0.4)])
    np.savez("stack.npz", cycles=P, ties=np.full((1, 2, 2), 0.5))
    printed = run("inspect", "stack.npz", "--key", "cycles", "--out", "found.json")
    assert all(f"matrix {i}" in printed for i in range(4))
    assert "7.5" in printed
    text = run("inspect", "stack.npz", "--key", "ties", "--beta-max", 50, "--out", "found.json")
    assert "above 50" in text
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert found["matrices"][0]["onset_beta"] == "inf"
    run("inspect", "stack.npz", "--key", "ties", "--alpha", 1, "--out", "found.json")
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert found["matrices"][0]["onset_beta"] is None


def test_inspect_refuses(refuse, votes, tmp_path):
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe")
    (tmp_path / "empty.csv").write_bytes(b"")
    assert "Missing argument 'FILE' (see" in refuse("inspect")
    assert "is not UTF-8" in refuse("inspect", "bytes.csv")
    assert "empty.csv" in refuse("inspect", "empty.csv")
    assert "neither votes nor ratings" in refuse("inspect", votes)
    assert "--left is 'nobody'; known: 'one'" in refuse(
        "inspect", votes, "--left", "nobody", "--right", "other"
    )
    assert "--codes is 'x'; write it as" in refuse("inspect", votes, "--codes", "x")
    assert "must end in .json" in refuse("inspect", votes, "--out", "found.txt")
    assert "the file that is read" in refuse("inspect", "m.json", "--out", _matrix(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["m.json", "--smoothing", "1"], "--smoothing is 1.0, but data holds matrices"),
        (["m.json", "--recipe", "mean"], "--recipe is 'mean', but data holds matrices"),
        (["m.json", "--seed", "0"], "--seed is 0, but data holds matrices"),
        (["few.csv", "--subsets", "2"], "--subsets is 2, but data holds votes"),
        (["few.csv", "--temperature", "2"], "--temperature is 2.0, but there are no ratings"),
        (
            ["ratings.csv", "--recipe", "votes", "--rounding", "nearest"],
            "--rounding is 'nearest', but the recipe 'votes' does not use it; leave it out",
        ),
        (["few.csv", "--min-votes", "3"], "--min-votes is 3, but shares are not taken as exact, w"),
        (
            ["few.csv", "--min-votes", "3", "--exact"],
            "3 of 3 pairs have fewer than 3 votes: 'a'",
        ),
        (["ratings.csv", "--subsets", "4"], "--subsets is 4, but no prompt has as many respons"),
        (["ratings.csv", "--subsets", "4"], "responses; pass --subsets 3 at most"),
        (
            ["ratings.csv", "--exact", "--smoothing", "-1"],
            "--smoothing is -1; it must be at least 0",
        ),
        (["ratings.csv", "--exact", "--min-votes", "0"], "--min-votes is 0; it must be at"),
        (["lone.csv"], "alignsim: lone.csv: no prompt has two responses to compare; rate two or"),
        (["table.parquet"], "table.parquet: "),
    ],
)
@pytest.mark.usefixtures("ratings")
def test_inspect_refuses_what_says_nothing(refuse, tmp_path, arguments, message):
    _matrix(tmp_path)
    (tmp_path / "few.csv").write_text("left,right,winner\na,b,left\na,b,left\nb,c,left\n", "utf-8")
    (tmp_path / "lone.csv").write_text("prompt,response,good\np,a,1\nq,b,2\n", "utf-8")
    (tmp_path / "table.parquet").write_text("PAR1", "utf-8")
    assert message in refuse("inspect", *arguments)


def test_ratings_that_do_not_recur_are_said_to_in_plain_words(run, tmp_path):
    rows = [f"{prompt},{prompt}{i},{i}" for prompt in "pq" for i in range(3)]
    (tmp_path / "texts.csv").write_text("\n".join(["prompt,response,good", *rows]), "utf-8")
    printed = " ".join(run("inspect", "texts.csv").split())
    assert "pooled over prompts no: no two responses recur between prompts as" in printed


def test_pairs_that_no_rater_saw_are_counted_in_plain_words(run, tmp_path):
    rows = ["p,a,1", "p,b,2", "q,a,1", "q,c,2", "r,b,1", "r,d,1", "s,c,1", "s,d,2"]
    (tmp_path / "thin.csv").write_text("\n".join(["prompt,response,good", *rows]), "utf-8")
    printed = " ".join(run("inspect", "thin.csv", "--exact").split())
    assert "no: 2 of 6 pairs have fewer than 1 vote: 'a' and 'd' (0), 'b' and 'c' (0)" in printed
    assert "pooled(" not in printed
    assert "smoothing" not in printed


def _matrix(folder):
    (folder / _PAIR).write_text("[[0.5, 0.7], [0.3, 0.5]]", encoding="utf-8")
    return _PAIR


# advise


def test_advise_tells_the_trade_off(run, tmp_path):
    printed = run("advise", "--eta", 20, "--alpha", 0.5, "--alpha", 0.95)
    assert (tmp_path / "advice.png").read_bytes().startswith(PNG)
    for words in ("0.9231", "0.9608", "rate at α = 0.5", "rate at α = 0.95"):
        assert words in printed


def test_an_alpha_close_to_one_can_be_used(run):
    printed = run("advise", "--objective", "dpo", "--eta", 500, "--advantage", 0.5)
    told = dict(
        line.strip().split("  ", 1) for line in printed.split("\n") if line.strip().count("  ")
    )
    assert told["stable"].strip() == "for α above 0.999994"
    assert told["fastest α"].strip() == "0.999997"
    assert told["rate a round"].strip() == "0.9999985"
    wanted = next(line for line in printed.split("\n") if line.strip().startswith("η = 500"))
    assert "> 1−6e-06 " in wanted
    assert " 1−3e-06 " in wanted


def test_advise_takes_as_many_matrices_of_a_population_as_are_allowed(run, tmp_path):
    P = np.broadcast_to(asim.preferences.cyclic(3, advantage=0.3), (501, 3, 3))
    np.save(tmp_path / "many.npy", P)
    assert "500 of 501 matrices with K = 3" in run("advise", "many.npy")


def test_advise_on_a_stack_and_on_one_of_it(run):
    np.save("stack.npy", np.stack([asim.preferences.cyclic(3, advantage=a) for a in (0.1, 0.4)]))
    assert "2 matrices with K = 3" in run("advise", "stack.npy")
    assert "stack 1: MRS-IPO" in run("advise", "stack.npy", "--index", 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--alpha", "0.5", "--alpha", "2"], "alignsim: --alpha is 2; it must be in [0, 1]\n"),
        (["--eta", "-1"], "--eta is -1"),
        (
            ["ratings.csv", "--index", "99"],
            "--index is 99; ratings.csv holds 2 problems, coun",
        ),
        (["votes.csv", "--left", "one", "--right", "other", "--index", "9"], "holds one problem"),
        (["--recipe", "mean"], "--recipe is 'mean', but there is no FILE"),
        (["ratings.csv", "--responses", "3"], "--responses is 3, but the matrices are in"),
        (
            ["ratings.csv", "--recipe", "mean", "--seed", "1"],
            "--seed is 1, but the recipe 'mean' does not use it; leave it out",
        ),
    ],
)
@pytest.mark.usefixtures("ratings", "votes")
def test_advise_refuses(refuse, arguments, message):
    named = ["--winner", "won"] if "votes.csv" in arguments else []
    assert message in refuse("advise", *arguments, *named)


def _votes(path, rows, times=1):
    lines = [f"{left},{right},left" for left, right in rows] * times
    path.write_text("left,right,winner\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path.name


def _safe(printed):
    name = "stable with a probability of 95 %"
    line = next(line for line in printed.splitlines() if name in line)
    return float(line.split("α above")[1])


ROUND = (("a", "b"), ("b", "c"), ("c", "a"))


def test_the_more_votes_there_are_the_closer_the_safe_alpha_is_to_that_of_their_shares(
    run, tmp_path
):
    """Half as many votes go the other way: P = 2/3 around a cycle, and c = ηω with ω = 1/(3√3)."""
    rows = [*ROUND, *ROUND, *((right, left) for left, right in ROUND)]
    few, many = _votes(tmp_path / "few.csv", rows, 2), _votes(tmp_path / "many.csv", rows, 20_000)
    strength = 20.0 / (6.0 * np.sqrt(3.0))
    exact = (strength**2 - 1.0) / (strength**2 + 1.0)
    assert f"for α above {exact:.4g}" in run("advise", many, "--exact")
    assert _safe(run("advise", many)) == pytest.approx(exact, abs=0.01)
    assert _safe(run("advise", few)) > exact + 0.02


def test_advice_on_votes_does_not_depend_on_names_or_on_the_order_of_rows(run, tmp_path):
    names = dict(zip("abc", "zxy", strict=True))
    other = [(names[left], names[right]) for left, right in reversed(ROUND)]
    first = run("advise", _votes(tmp_path / "votes.csv", ROUND, 5))
    second = run("advise", _votes(tmp_path / "votes.csv", other, 5))
    assert first == second


def test_advice_on_too_few_votes_says_that_the_prior_decides(run, tmp_path):
    printed = run("advise", _votes(tmp_path / "votes.csv", ROUND))
    told = "These votes say nothing of cycles: no pair of responses has two votes. The prior"
    assert told in " ".join(printed.split())


def test_advice_names_what_no_comparison_connects(run, tmp_path):
    printed = run("advise", _votes(tmp_path / "votes.csv", [*ROUND, ("d", "e")], 5))
    told = "No comparison connects 'd', 'e' with the others: left out."
    assert told in " ".join(printed.split())


def test_advice_on_many_prompts_needs_votes_enough(refuse, run, tmp_path):
    lines = [f"p{p},{a},{b},left" for p in range(30) for a, b in ROUND for _ in range(6)]
    path = tmp_path / "prompts.csv"
    path.write_text("prompt,left,right,winner\n" + "\n".join(lines[:90]) + "\n")
    assert "too few votes for 5 prompts" in refuse("advise", path.name)
    assert "5 matrices with K = 3" in run("advise", path.name, "--exact")
    path.write_text("prompt,left,right,winner\n" + "\n".join(lines * 2) + "\n")
    printed = run("advise", path.name)
    assert "500 draws for 30 problems with K = 3" in printed
    assert "stable for 95 % of them" in printed


# verify

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


# Columns


@pytest.mark.parametrize("judges", [["--judges", "a1,a2"], ["--judges", "a1", "--judges", "a2"]])
def test_judges_by_commas_or_one_by_one(run, panel, tmp_path, judges):
    columns = ["--left", "model_1", "--right", "model_2", *judges]
    run("inspect", panel, *columns, "--out", "found.json")
    facts = dict(json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["facts"])
    assert (facts["votes"], facts["judges"]) == ("6", "2")


@pytest.mark.parametrize("command", ["inspect", "advise", "simulate", "phase-diagram"])
def test_every_command_takes_the_names_of_columns(run, refuse, votes, command):
    few = {"simulate": ["--rounds", 20], "phase-diagram": SMALL}
    columns = ["--left", "one", "--right", "other", "--winner", "won", "--codes", "left=left"]
    message = "column 'won' holds 'right', an unknown code (known: 'left'); say what each"
    told = refuse(command, votes, *columns)
    assert message in told
    assert "with --codes left=...,right=...,tie=..." in told
    columns[-1] = "left=right,right=left"
    assert "votes" in run(command, votes, *columns, *few.get(command, []))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["votes.csv"],
            "name them: --left, --right and --winner (or --judges) for votes, --prompt",
        ),
        (
            ["votes.csv", "--left", "onee"],
            "--left is 'onee'; did you mean 'one'? known: 'one', 'other'",
        ),
        (["votes.csv", "--left", "one"], "--left one is one side; name the other one with --right"),
        (["panel.csv", "--judges", "a1,b"], "--judges is 'b'; known: 'a1'"),
        (
            ["panel.csv", "--judges", "a1", "--winner", "a2"],
            "pass --winner ... or --judges ..., not",
        ),
        (["ratings.csv", "--attribute", "taste,lok"], "--attribute is 'lok'; did you mean 'looks'"),
        (
            ["ratings.csv", "--attribute-column", "taste", "--score-column", "loks"],
            "--score-column is 'loks'; did you mean 'looks'",
        ),
        (["few.csv"], "pass --smoothing 1 (a prior of one vote, half to either side), or see"),
        (["few.csv", "--left", "left", "--response", "x"], "--left, --response do not go together"),
        (["two.npz"], "pick one with --key ... ('a', 'b')"),
        (["two.npz", "--key", "a", "--left", "a"], "which take --key and no option of votes"),
    ],
)
@pytest.mark.usefixtures("votes", "panel", "ratings")
def test_errors_speak_of_options(refuse, tmp_path, arguments, message):
    (tmp_path / "few.csv").write_text("left,right,winner\na,b,left\nb,c,left\n", encoding="utf-8")
    np.savez(tmp_path / "two.npz", a=np.full((2, 2), 0.5), b=np.full((3, 3), 0.5))
    assert message in refuse("simulate", *arguments)


def test_what_a_file_holds_is_never_taken_for_an_option(refuse, tmp_path):
    text = "left,right,winner\na,b,alpha is 3 beta=2\n"
    (tmp_path / "odd.csv").write_text(text, encoding="utf-8")
    assert "column 'winner' holds 'alpha is 3 beta=2', an" in refuse("simulate", "odd.csv")


# All commands


@pytest.mark.parametrize("command", ["phase-diagram", "simulate", "inspect", "advise"])
def test_help_has_an_example(run, command):
    printed = " ".join(run(command, "--help").split())
    assert f"Example: alignsim {command} " in printed
    assert "--out" in printed
    for layout in ("[[0.5, 0.7], [0.3, 0.5]]", '{"P":', '"winner": "left"}', '"taste": 3}'):
        assert layout in printed.replace("│ │ ", "")


def test_help_tells_how_long_a_check_takes(run):
    printed = " ".join(run("verify", "--help").replace("│", "").split())
    assert "60 trials, some ten seconds." in printed
    assert "half a minute to a minute" in printed


def test_version(run):
    assert run("--version") == f"alignsim {asim.__version__}\n"


def test_without_a_command_there_is_help():
    result = CliRunner().invoke(app, [])
    assert "phase-diagram" in result.output


def test_unknown_command_and_option(refuse):
    assert "No such command 'nope' (see " in refuse("nope")
    assert "--nope" in refuse("--nope")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_run_that_stops_leaves_the_old_file(monkeypatch, tmp_path, error):
    from matplotlib.figure import Figure

    def stop(_, path, **__):
        path.write_bytes(b"half")
        raise error

    old = tmp_path / "orbit.png"
    old.write_bytes(b"old")
    monkeypatch.setattr(Figure, "savefig", stop)
    result = CliRunner().invoke(app, ["simulate", "--rounds", "5"])
    assert result.exit_code != 0
    assert _listing(tmp_path) == {"orbit.png": b"old"}
    if isinstance(error, OSError):
        assert result.stderr == (
            "alignsim: 'orbit.png' cannot be written: No space left on device\n"
        )


def test_as_a_program(python, tmp_path):
    good = python("-m", "alignsim", "simulate", "--rounds", "5", "--out", "a.png")
    assert (good.returncode, good.stderr) == (0, "")
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)
    bad = python("-m", "alignsim", "simulate", "--alpha", "7")
    assert bad.returncode == 2
    assert bad.stderr == "alignsim: --alpha is 7; it must be in [0, 1]\n"


STOPPED = """
import os, signal, sys
from matplotlib.figure import Figure
from alignsim.cli import main

def half(figure, path, **_):
    path.write_bytes(b"half")
    os.kill(os.getpid(), signal.{name})
    raise AssertionError("the signal was not heeded")

Figure.savefig = half
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
sys.argv = ["alignsim", "simulate", "--rounds", "5"]
main()
"""


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [("SIGTERM", 128 + 15, ""), ("SIGINT", 130, "alignsim: interrupted\n")],
)
def test_a_signal_leaves_the_old_file_and_no_half_one(python, tmp_path, name, code, told):
    (tmp_path / "orbit.png").write_bytes(b"old")
    stopped = python("-c", STOPPED.format(name=name))
    assert (stopped.returncode, stopped.stdout, stopped.stderr) == (code, "", told)
    assert _listing(tmp_path) == {"orbit.png": b"old"}


@pytest.mark.parametrize("columns", ["0", "1", "-5", "wide", "9" * 5000, "1000000000"])
def test_a_width_that_holds_nothing_is_no_width(python, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    shown = python("-m", "alignsim", "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "phase-diagram" in shown.stdout
    assert max(map(len, shown.stdout.split("\n"))) <= 200


def test_a_name_that_no_file_can_hold_is_shown_with_question_marks(run, tmp_path):
    odd = tmp_path / "te\udcffa.json"
    odd.write_text("[[0.5, 0.7], [0.3, 0.5]]", encoding="utf-8")
    assert "te?a: MRS-IPO" in run("simulate", odd, "--rounds", 20)
    assert "te?a" in run("inspect", odd)


def test_a_message_does_not_repeat_what_was_typed_at_length(refuse, tmp_path):
    long = "x" * 10_000
    for option in ("--objective", "--start", "--codes", "--alpha", "--picture"):
        assert len(refuse("simulate", option, long)) < 500
    (tmp_path / "wide.csv").write_text(",".join(f"c{i}" for i in range(5000)) + "\n" + "1," * 4999)
    assert len(refuse("inspect", "wide.csv")) < 1000


def test_memory_that_runs_out_is_one_sentence(refuse, monkeypatch):
    def fail(*_, **__):
        raise MemoryError("Unable to allocate 7 TiB")

    monkeypatch.setattr(asim.FeedbackMap, "run", fail)
    assert refuse("simulate") == "alignsim: Unable to allocate 7 TiB\n"


def test_help_needs_no_heavy_import(python):
    code = (
        "import sys, alignsim.cli; "
        "sys.exit(bool({'numpy', 'scipy', 'numba', 'matplotlib', 'xarray'} & set(sys.modules)))"
    )
    assert python("-c", code).returncode == 0


def test_entry_point_is_installed():
    names = {point.name: point.value for point in metadata.entry_points(group="console_scripts")}
    if "alignsim" not in names:
        pytest.skip("alignsim is not installed here, only importable")
    assert names["alignsim"] == "alignsim.cli:main"


# files of many kinds, with the same options for all commands

BY_PROMPT = "prompt,left,right,winner\n" + "".join(
    f"{prompt},{left},{right},left\n" * 2
    for prompt, pairs in (("one", ("ab", "bc", "ca")), ("two", ("ba", "cb", "ac")))
    for left, right in pairs
)
FEW = {"simulate": ["--rounds", 20], "phase-diagram": SMALL}


@pytest.mark.parametrize("command", ["simulate", "phase-diagram"])
def test_one_matrix_of_several_prompts_is_picked_or_pooled(run, refuse, tmp_path, command):
    (tmp_path / "prompts.csv").write_text(BY_PROMPT)
    few = FEW[command]
    told = refuse(command, "prompts.csv", *few)
    assert "holds 2 separate problems, one a prompt; pick one with --index 0 to 1, or" in told
    assert "two: MRS" in run(command, "prompts.csv", "--index", 1, *few) or command != "simulate"
    assert "note: The 2 prompts" in run(command, "prompts.csv", "--index", 0, *few)
    run(command, "prompts.csv", "--pool", *few, "-q")
    assert "problems, counted from 0" in refuse(command, "prompts.csv", "--index", 2, *few)


def test_advise_takes_the_prompts_of_votes_as_a_population(run, tmp_path):
    (tmp_path / "prompts.csv").write_text(BY_PROMPT)
    assert "2 matrices with K = 3" in run("advise", "prompts.csv", "--exact")
    judged = BY_PROMPT.replace("prompt", "judge")
    (tmp_path / "judges.csv").write_text(judged)
    assert "2 judges are pooled" in run("advise", "judges.csv")
    split = run("advise", "judges.csv", "--split-by", "judge", "--exact")
    assert "2 matrices with K = 3" in split


HUNDRED = "prompt,response,taste\np,a,20\np,b,95\nq,a,88\nq,b,3\n"


@pytest.mark.parametrize("command", ["inspect", "advise", "simulate", "phase-diagram"])
def test_every_command_names_the_scale_and_takes_a_temperature(run, tmp_path, command):
    (tmp_path / "hundred.csv").write_text(HUNDRED)
    pick = [*FEW.get(command, []), *([] if command in ("inspect", "advise") else ["--index", 0])]
    printed = " ".join(run(command, "hundred.csv", *pick).split())
    assert "scores from 3 to 95, a scale of 0 to 100: temperature 25" in printed
    printed = " ".join(run(command, "hundred.csv", "--temperature", 40, *pick).split())
    assert "scores from 3 to 95, a scale of 0 to 100: temperature 40, as given" in printed


def test_a_format_is_named_and_an_unknown_one_is_met_with_all(run, refuse, tmp_path):
    (tmp_path / "counts.csv").write_text(",a,b\na,0,1\nb,3,0\n")
    run("simulate", "counts.csv", "--format", "counts", "--rounds", 5, "-q")
    told = refuse("simulate", "counts.csv", "--format", "count")
    assert "--format is 'count'; did you mean 'counts'" in told
    assert "is not of the format battles" in refuse("simulate", "counts.csv", "--format", "battles")


def test_standard_input_is_read(tmp_path):
    result = CliRunner().invoke(
        app, ["simulate", "-", "--rounds", "5", "--out", str(tmp_path / "o.png")],
        input="left,right,winner\na,b,left\nb,c,left\nc,a,left\n",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "note: " not in result.output
