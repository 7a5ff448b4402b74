"""Every command understands a file alike, and says alike what it cannot."""

import json

import numpy as np
import pytest

import alignsim as asim
from alignsim.data import FORMATS

SHORT = {
    "simulate": ("--rounds", 20),
    "phase-diagram": ("--x-points", 3, "--y-points", 2, "--rounds", 20),
    "sweep": ("--beta", "0:4:2", "--rounds", 20),
}
TAKING = ("inspect", "advise", *SHORT)
VOTES = "prompt,left,right,winner\n" + "".join(
    f"{prompt},{one},{two},left\n" * 4
    for prompt in "pq"
    for one, two in ("ab", "bc", "ca" if prompt == "p" else "ac")
)


@pytest.fixture
def two(tmp_path):
    """Two prompts, a cycle and an order."""
    (tmp_path / "two.csv").write_text(VOTES)
    return "two.csv"


def test_one_problem_is_picked_in_every_command(run, refuse, two):
    for command in TAKING:
        printed = run(command, two, "--index", 1, *SHORT.get(command, ()))
        assert "q" in printed
        message = refuse(command, two, "--index", 2, *SHORT.get(command, ()))
        assert message == "alignsim: --index is 2; two.csv holds 2 problems, counted from 0\n"


def test_inspect_of_one_problem_is_about_it_alone(run, two, tmp_path):
    run("inspect", two, "--out", "both.json")
    run("inspect", two, "--index", 1, "--out", "one.json")
    both, one = (json.loads((tmp_path / name).read_text()) for name in ("both.json", "one.json"))
    assert [problem["name"] for problem in one["votes"]] == ["q"]
    assert one["votes"][0] == both["votes"][1]
    assert one["population"] == []


def test_inspect_of_one_prompt_of_ratings_is_about_the_matrix_of_simulate(run, tmp_path):
    rows = "prompt,response,taste,looks\n" + "".join(
        f"{prompt},{response},{(k * 7) % 5 + 1},{(k * 3) % 5 + 1}\n"
        for k, (prompt, response) in enumerate((p, r) for p in "pq" for r in "abc")
    )
    (tmp_path / "r.csv").write_text(rows)
    run("inspect", "r.csv", "--index", 1, "--out", "found.json")
    (found,) = json.loads((tmp_path / "found.json").read_text())["matrices"]
    P = asim.data.read("r.csv").problems()[1].P
    assert found["name"] == "q"
    assert found["bradley_terry_residual"] == pytest.approx(
        float(asim.preferences.structure(P).bradley_terry_residual)
    )


@pytest.mark.parametrize("command", TAKING)
def test_a_convention_that_is_none_is_refused_without_a_beta_too(refuse, command, two):
    if command != "sweep":
        message = refuse(command, two, "--beta-convention", "dpo")
        assert message == "alignsim: --beta-convention is 'dpo'; known: 'signal', 'trl'\n"


@pytest.mark.parametrize("command", SHORT)
def test_shares_that_are_taken_as_exact_are_said_to_be(run, two, command):
    printed = " ".join(run(command, two, "--index", 0, *SHORT[command]).split())
    assert "The shares of votes are taken as exact" in printed
    np.save("P.npy", asim.preferences.cyclic(3, advantage=0.3))
    assert "taken as exact" not in run(command, "P.npy", *SHORT[command])


def test_advise_takes_the_most_common_size(run, tmp_path):
    more = "".join(f"r,{one},{two},left\n" * 4 for one, two in ("ab", "bc", "ac", "ad", "bd", "cd"))
    (tmp_path / "three.csv").write_text(VOTES + more)
    printed = " ".join(run("advise", "three.csv", "--exact").split())
    assert "three, 2 matrices with K = 3" in printed
    told = "1 of 3 problems are left out: their number of responses is not 3, the most common one."
    assert told in printed


def test_blank_votes_are_told(run, tmp_path):
    (tmp_path / "v.csv").write_text("left,right,winner\na,b,left\na,b,right\na,b,\n")
    assert "1 blank vote is skipped." in run("simulate", "v.csv", "--rounds", 20)


@pytest.mark.parametrize("name", [n for n, f in FORMATS.items() if f.gives != "ratings"])
def test_a_file_of_preferences_is_no_log(refuse, write, name):
    layout = FORMATS[name]
    path = write(f"v{layout.suffix}", layout.example)
    assert "not the log of a loop; ask alignsim inspect about it" in refuse("diagnose", path)


def test_an_archive_and_a_labelled_square_are_no_logs(refuse, write):
    np.savez("P.npz", P=np.full((2, 2), 0.5), Q=np.full((2, 2), 0.5))
    assert "P.npz: holds an archive of arrays, not the log of a loop" in refuse("diagnose", "P.npz")
    square = write("s.csv", ",a,b\na,0.5,0.7\nb,0.3,0.5\n")
    assert "holds matrices, not the log of a loop" in refuse("diagnose", square)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("folder", "is a folder; name a file in it"),
        ("stored", "is the folder of a Hugging Face dataset; load it in Python and pass the Data"),
        ("book.xlsx", "book.xlsx: is a spreadsheet; save it as .csv"),
    ],
)
def test_what_is_no_file_of_preferences(refuse, tmp_path, name, told):
    if "." in name:
        (tmp_path / name).write_bytes(b"PK\x03\x04")
    else:
        (tmp_path / name).mkdir()
        (tmp_path / "stored").mkdir(exist_ok=True)
        (tmp_path / "stored" / "state.json").write_text("{}")
    for command in TAKING:
        assert told in refuse(command, name)
