import json

import pytest

import alignsim as asim
from alignsim.errors import FileFormatError, InputError


def _file(marks, header="left,right,winner"):
    return "\n".join([header, *(f"x,y,{mark}" for mark in marks)]) + "\n"


@pytest.mark.parametrize(
    "marks",
    [
        ("left", "tie", "RIGHT"),
        ("A", "Tie", "B"),
        ("model_a", "tie (bothbad)", "model_b"),
        ("response_1", "both bad", "response_2"),
        ("1", "0", "2"),
        ("1.0", "3", "2.0"),
        ("1", "0", "-1"),
        ("1", "0.5", "0"),
        ("x", "draw", "y"),
    ],
)
def test_common_codes(write, marks):
    votes = asim.data.read_comparisons(write("v.csv", _file(marks)))
    assert votes.labels == ("x", "y")
    assert votes.share.tolist() == [1, 0.5, 0]


def test_stated_codes(write):
    codes = {"left": "W", "right": ("L", "lost"), "tie": ["="]}
    votes = asim.data.read_comparisons(write("v.csv", _file(["w", "lost", "=", "L"])), codes=codes)
    assert votes.share.tolist() == [1, 0, 0.5, 0]
    zero_one = asim.data.read_comparisons(
        write("w.csv", _file(["0", "1"])), codes={"left": 0, "right": 1}
    )
    assert zero_one.share.tolist() == [1, 0]


def test_several_judges_and_blank_marks(write):
    text = "model_1,model_2,a1,a2,a3\nx,y,1,2,\ny,z,0,2,2\n"
    votes = asim.data.read_comparisons(write("v.csv", text))
    assert votes.share.tolist() == [1, 0, 0.5, 0, 0]
    assert [votes.judges[j] for j in votes.judge] == ["a1", "a2", "a1", "a2", "a3"]
    assert votes.skipped == 1
    two = asim.data.read_comparisons(write("w.csv", text), judges=["a1", "a2"])
    assert len(two) == 4


def test_names_before_other_sides_and_who_and_what(write):
    text = "prompt,model_x,model_y,worker,winner,left,right\n8,97,98,58,left,tea,coffee\n"
    votes = asim.data.read_comparisons(write("v.csv", text))
    assert votes.labels == ("coffee", "tea")
    assert votes.left.tolist() == [1]
    assert (votes.judges, votes.prompts) == (("58",), ("8",))
    by_number = asim.data.read_comparisons(write("w.csv", text), left="model_x", right="model_y")
    assert by_number.labels == ("97", "98")


def test_json_lines(write):
    records = [{"model_a": "x", "model_b": "y", "winner": "model_a", "judge": "j"}] * 2
    votes = asim.data.read_comparisons(write("v.jsonl", "\n".join(map(json.dumps, records))))
    assert votes.share.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (_file(["left", "lef"]), {}, r"line 3: column 'winner' holds 'lef', an .*known: .*codes="),
        (
            _file(["w", "q"]),
            {"codes": {"left": "w"}},
            r"line 3: column 'winner' holds 'q'",
        ),
        (_file(["0", "1"]), {}, "can be read in more than one way; say .*codes="),
        (_file(["1", "-1", "2"]), {}, "mix several codes; say what"),
        ("left,right,winner\nb,a,a\n", {}, "more than one way"),
        (_file([""]), {}, "no vote in 'winner'"),
        ("left,right,winner\nx,x,tie\n", {}, "line 2: 'x' is compared with itself"),
        ("left,right,winner\nx,,tie\n", {}, "line 2: column 'right' is empty"),
        ("one,two,winner\nx,y,tie\n", {}, "name both with left=... and right=.*'one', 'two'"),
        (_file(["tie"]), {"left": "right"}, "left='right' is one side; .* other one with right="),
        (_file(["tie"]), {"right": "left"}, "right='left' is one side; .* other one with left="),
        (_file(["tie"]), {"left": "rihgt"}, "left is 'rihgt'; did you mean 'right'"),
        (
            _file(["tie"]),
            {"left": "left", "right": "left"},
            "right='left' are one column",
        ),
        (
            _file(["tie"], "left,right,mark"),
            {},
            r"no column of votes; name it with winner=.*'mark'",
        ),
        (_file(["tie"]), {"winner": "wins"}, "winner is 'wins'; did you mean 'winner'"),
        (_file(["tie"]), {"judges": ["winner"], "winner": "winner"}, "not both"),
        ("left,right,winner,a1\nx,y,tie,0\n", {}, r"pass winner='winner' or judges=\['a1'\]"),
        ("left,right,winner,result\nx,y,tie,0\n", {}, "'winner' and 'result' could each"),
    ],
)
def test_refusals(write, text, options, message):
    with pytest.raises(FileFormatError, match=rf"v\.csv.*{message}"):
        asim.data.read_comparisons(write("v.csv", text), **options)


def test_refused_code_tables(write):
    path = write("v.csv", _file(["tie"]))
    with pytest.raises(ValueError, match="codes is 'lefft'; did you mean 'left'"):
        asim.data.read_comparisons(path, codes={"lefft": 1})
    with pytest.raises(ValueError, match="codes gives '1' two meanings"):
        asim.data.read_comparisons(path, codes={"left": 1, "right": "1"})


@pytest.mark.parametrize("judges", ["winner", [], 3, [1]])
def test_judges_are_a_list_of_columns(write, judges):
    with pytest.raises(InputError, match=r"judges(\[0\])? is .*; (give a list|a name must)"):
        asim.data.read_comparisons(write("v.csv", _file(["tie"])), judges=judges)
