"""Files of many kinds, with the same options for every command."""

import pytest
from typer.testing import CliRunner

from alignsim.cli import app
from tests.cli.commands import SMALL

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
    notes = [line for line in result.output.splitlines() if line.startswith("note: ")]
    assert [note.split(" are ")[0] for note in notes] == ["note: The shares of votes"]
