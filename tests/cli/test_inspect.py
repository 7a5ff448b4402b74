"""``alignsim inspect``."""

import json

import numpy as np
import pytest

import alignsim as asim
from tests.cli.commands import matrix


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
    assert "the file that is read" in refuse("inspect", "m.json", "--out", matrix(tmp_path))


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
    matrix(tmp_path)
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
