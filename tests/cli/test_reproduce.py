import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import alignsim as asim
from alignsim import preferences as prefs
from alignsim.cli import app

FEW = ["--rounds", "60", "--most", "5"]
SMALL = [*FEW, "--draws", "2"]
PICTURES = ("policy_evolution", "oscillation", "condorcet_winner", "terminal_entropy")


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    """Every command runs in a folder of its own, on a wide terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def run():
    def _run(*arguments):
        result = CliRunner().invoke(app, ["reproduce", *map(str, arguments)])
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        return result.stdout

    return _run


@pytest.fixture
def refuse(tmp_path):
    def _refuse(*arguments):
        before = sorted(tmp_path.rglob("*"))
        result = CliRunner().invoke(app, ["reproduce", *map(str, arguments)])
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr.startswith("alignsim: ")
        assert result.stderr.count("\n") == 1
        assert sorted(tmp_path.rglob("*")) == before
        return result.stderr

    return _refuse


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What the command printed and saved about 2,500 made-up prompts, seed 3."""
    folder = tmp_path_factory.mktemp("made") / "first"
    arguments = ["reproduce", *SMALL, "--prompts", "2500", "--seed", "3", "--out", str(folder)]
    result = CliRunner(env={"COLUMNS": "160"}).invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout, {path.name: path for path in folder.iterdir()}


def test_without_data_it_makes_ratings(made):
    printed, files = made
    names = {f"{name}.{kind}" for name in PICTURES for kind in ("png", "csv")}
    assert set(files) == names | {"classes.csv"}
    assert "made-up ratings, seed 3" in printed
    assert "cyclic, without a Condorcet winner" in printed
    assert "rises with βλ" in printed
    assert "first/oscillation.png" in printed.replace("\n", "")


def test_helpsteer_layout_gives_the_same_numbers_to_the_byte(run, made, tmp_path):
    asim.data.write_helpsteer(
        asim.data.synthetic_ratings(prompts=2500, rng=3), tmp_path / "a.jsonl.gz"
    )
    printed = run("a.jsonl.gz", *SMALL, "--seed", 3, "--out", "read")
    assert "a.jsonl.gz, seed 3" in printed
    for name, path in made[1].items():
        if path.suffix == ".csv":
            assert (tmp_path / "read" / name).read_bytes() == path.read_bytes()


def test_pictures_are_stable_to_the_byte(run, made, tmp_path):
    run(*SMALL, "--prompts", 2500, "--seed", 3, "--out", "again", "--quiet")
    again = {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()}
    assert again == {name: path.read_bytes() for name, path in made[1].items()}


def test_numbers_are_those_of_the_library(made):
    ratings = asim.data.synthetic_ratings(prompts=2500, rng=3)
    P = ratings.matrices(rng=3)[4].P
    classes = pd.read_csv(made[1]["classes.csv"]).set_index("class")
    counts = {name: int(mask.sum()) for name, mask in asim.experiments.split_classes(P).items()}
    assert classes["matrices"].to_dict() == counts
    rates = asim.experiments.class_rates(ratings, seed=3, draws=2)
    assert classes["share"].tolist() == pytest.approx(rates.share, rel=1e-5)
    assert classes["share_error_over_draws"].tolist() == pytest.approx(
        rates.standard_error, rel=1e-4
    )
    found = asim.experiments.reproduce(P, rounds=60, most=5, progress=False)
    table = pd.read_csv(made[1]["oscillation.csv"])
    assert len(table) == found.cycle_strength.size
    assert table["cycle_strength"].to_numpy() == pytest.approx(
        found.cycle_strength.values.ravel(), rel=1e-5, abs=1e-9, nan_ok=True
    )
    assert (table["completed"] == table["run"]).all()
    entropy = pd.read_csv(made[1]["terminal_entropy.csv"])
    assert set(entropy["class"]) == {"strongly_transitive", "strictly_strongly_transitive"}


def test_matrices_of_several_entries(run, tmp_path):
    np.savez(
        tmp_path / "two.npz",
        cycles=np.stack([prefs.cyclic(3, advantage=a) for a in (0.2, 0.4)]),
        orders=prefs.bradley_terry([1.0, 0.5, 0.0])[None],
    )
    printed = run("two.npz", "--key", "cycles", "--key", "orders", *FEW, "--out", "here")
    assert "two.npz, cycles, orders" in printed
    classes = pd.read_csv(tmp_path / "here" / "classes.csv").set_index("class")
    assert classes["matrices"].tolist() == [2, 0, 1, 1]
    assert classes["share"].isna().all()
    made = {path.stem for path in (tmp_path / "here").glob("*.png")}
    assert made == {"policy_evolution", "oscillation", "terminal_entropy"}


def test_failed_runs_are_columns_of_their_own(run, tmp_path):
    certain = np.triu(np.ones((3, 3)), 1) + 0.5 * np.eye(3)
    np.save(tmp_path / "both.npy", np.stack([certain, prefs.bradley_terry([1.0, 0.5, 0.0])]))
    printed = run("both.npy", *FEW, "--out", "here")
    table = pd.read_csv(tmp_path / "here" / "terminal_entropy.csv")
    counts = table.groupby("objective")[["completed", "run", "failed_no_optimum"]].max()
    assert counts.loc["dpo"].tolist() == [1, 2, 1]
    assert counts.loc["ipo"].tolist() == [2, 2, 0]
    assert "entropy_error_over_matrices" in table
    assert "MRS-DPO, 1 of 2 strongly transitive" in printed
    assert "runs that failed: no_optimum" in printed


def test_without_an_oscillation_there_is_no_example(run, tmp_path):
    np.save(tmp_path / "weak.npy", prefs.cyclic(3, advantage=1e-4)[None])
    run("weak.npy", *FEW, "--out", "weak", "--quiet")
    assert {path.stem for path in (tmp_path / "weak").glob("*.png")} == {"oscillation"}


def test_the_folder_may_exist_and_other_files_stay(run, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "notes.txt").write_text("mine", encoding="utf-8")
    np.save(tmp_path / "one.npy", prefs.bradley_terry([1.0, 0.5, 0.0]))
    assert run("one.npy", *FEW, "--out", "there", "--quiet") == ""
    assert (tmp_path / "there" / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert (tmp_path / "there" / "terminal_entropy.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "no/where"], "there is no folder 'no'"),
        (["--out", "votes.csv"], "'votes.csv', which is a file; name a folder"),
        (["none.jsonl"], "'none.jsonl' does not exist"),
        (["."], "'.' is a folder"),
        (["own.csv"], "no column for the prompt; name it with --prompt ..."),
        (["own.csv", "--prompt", "itm"], "--prompt is 'itm'; did you mean 'item'"),
        (["votes.csv"], "holds votes on one set of responses"),
        (["three.npy", "--prompts", "5"], "--prompts is 5, but the prompts are in three.npy"),
        (["three.npy", "--responses", "3"], "--responses is 3, but the matrices are in"),
        (["pairs.csv"], "no prompt has more than 2; rate 3 or more a prompt"),
        (["triples.csv"], "triples.csv: a matrix takes 4 responses, but no prompt has more than"),
        (["triples.csv"], "take --responses 3"),
        (["three.npy", "--seed", "1"], "--seed is 1, but the matrices are in three.npy"),
        (["three.npy", "--draws", "3"], "--draws is 3, but the matrices are in three.npy"),
        (["--key", "a"], "--key is 'a', but there is no DATA"),
        (["--prompts", "0"], "'--prompts'"),
        (["--draws", "0"], "'--draws'"),
        (["--seed", "-1"], "'--seed'"),
        (["--most", "many"], "'--most'"),
        (["mixed.npz", "--key", "a", "--key", "b"], "matrices of 3, 4 responses"),
    ],
)
def test_refusals(refuse, tmp_path, arguments, message):
    votes = "left,right,winner\na,b,left\nb,c,left\nc,a,left\n"
    (tmp_path / "votes.csv").write_text(votes, encoding="utf-8")
    (tmp_path / "own.csv").write_text("item,response,good\np,a,1\np,b,2\n", encoding="utf-8")
    (tmp_path / "pairs.csv").write_text("prompt,response,good\np,a,1\np,b,2\n", encoding="utf-8")
    triples = "prompt,response,good\np,a,1\np,b,2\np,c,2\n"
    (tmp_path / "triples.csv").write_text(triples, encoding="utf-8")
    np.save(tmp_path / "three.npy", prefs.cyclic(3, advantage=0.3))
    np.savez(
        tmp_path / "mixed.npz",
        a=prefs.cyclic(3, advantage=0.3),
        b=prefs.nearest_neighbour_cycle(4, advantage=0.3),
    )
    assert message in refuse(*arguments)
