"""Names of columns, and errors that speak of options."""

import json

import numpy as np
import pytest

from tests.cli.commands import SMALL


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
