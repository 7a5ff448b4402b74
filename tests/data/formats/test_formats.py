"""Every layout: its own example, the files of all layouts with the right matrices, and frames."""

import json

import numpy as np
import pytest

import alignsim as asim
from alignsim.data import FORMATS
from alignsim.errors import InputError


def assert_same(problem, labels, P):
    """Assert that a problem has these labels, in any order, and this matrix to 1e-12."""
    assert sorted(problem.labels) == sorted(labels)
    place = [problem.labels.index(label) for label in labels]
    right = np.array([[np.nan if p is None else p for p in row] for row in P], dtype=float)
    assert np.allclose(problem.P[np.ix_(place, place)], right, rtol=0, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("named", [False, True])
def test_the_example_of_a_format_is_read_as_it_says(write, name, named):
    layout = FORMATS[name]
    path = write(f"example{layout.suffix}", layout.example)
    found = asim.data.read(path, format=name if named else None)
    problem = found.problems()[0]
    assert problem.labels == layout.labels
    assert np.allclose(problem.P, layout.P, rtol=0, atol=1e-12)


def test_what_a_format_is_not_is_refused_in_one_sentence(write):
    path = write("v.csv", "left,right,winner\na,b,left\n")
    for name, layout in FORMATS.items():
        if name != "battles":
            with pytest.raises(InputError) as refusal:
                asim.data.read(path, format=name)
            assert "\n" not in str(refusal.value), layout
    with pytest.raises(InputError, match="format is 'battle'; did you mean 'battles'"):
        asim.data.read(path, format="battle")


# the files of all layouts, which stand beside the repository


@pytest.fixture(scope="module")
def truth(data):
    return json.loads((data / "formats" / "truth.json").read_text(encoding="utf-8"))


def check(name, found, true):
    """Assert that a file of a layout was read as it is true."""
    problems = found.problems()
    if "P" in true:
        assert len(problems) == 1
        assert_same(problems[0], true["names"], true["P"])
    elif "by_prompt" in true:
        assert {problem.name for problem in problems} == set(true["by_prompt"])
        for problem in problems:
            labels = [f"{label} answer to {problem.name[-1]}" for label in true["names"]]
            assert_same(problem, labels, true["by_prompt"][problem.name])
    elif "by_prompt_sign" in true:
        assert len(problems) == 2
        for problem in problems:
            assert_same(problem, true["names"], true["by_prompt_sign"][problem.name])
        assert "pass --codes left=-3,right=3, or codes=" in found.notes[0]
    elif "scores" in true:
        scores = {
            f"{prompt}|{response}": dict(zip(found.attributes, row.tolist(), strict=True))
            for prompt, responses, block in zip(
                found.prompts, found.responses, found.aggregate(), strict=True
            )
            for response, row in zip(responses, block, strict=True)
        }
        assert scores == true["scores"]
    else:
        OTHERS[name](found, problems)


CYCLE = [[0.5, 1, 0], [0, 0.5, 1], [1, 0, 0.5]]


def _prompts(found, problems):
    assert [problem.name for problem in problems] == ["u1", "u2"]
    assert_same(problems[0], "ABC", CYCLE)
    assert_same(problems[1], "CBA", CYCLE)
    assert "separate problems" in found.notes[0]


def _judges(found, problems):
    assert len(problems) == 1
    assert_same(problems[0], "ABC", np.full((3, 3), 0.5))
    assert "judges are pooled" in found.notes[0]


def _unpaired(found, problems):
    assert isinstance(found, asim.data.Ratings)
    assert found.temperature == 0.25
    assert "no pairs" in found.notes[0]
    assert [len(problem.labels) for problem in problems] == [4]


def _board(found, problems):
    assert (len(found), len(problems), len(problems[0].labels)) == (len(found), 1, 20)


def _comma(found, problems):
    assert found.prompts == ("p0", "p1")
    assert found.scores[0][0, :, 0].tolist() == [4.0, 3.0]
    assert found.scores[0][1, :, 0].tolist() == [4.5, 4.0]


OTHERS = {
    "cycles_by_prompt.csv": _prompts,
    "cycles_by_judge.csv": _judges,
    "unpaired_labels.jsonl": _unpaired,
    "bradley_terry_board.csv": _board,
    "decimal_comma.csv": _comma,
}


def test_all_files_of_all_layouts_are_read_without_an_option(data, truth):
    assert len(truth) == 25
    for name, true in truth.items():
        check(name, asim.data.read(data / "formats" / name), true)


def _table(folder, name, library):
    """Return a file of a table as a frame of a library, None if it is no table."""
    path = folder / name
    if name.endswith(".csv"):
        mark, header = ";" if "comma" in name else ",", "bare" not in name
        if library.__name__ == "pandas":
            return library.read_csv(path, sep=mark, header=0 if header else None)
        return library.read_csv(path, separator=mark, has_header=header)
    if name.endswith(".jsonl") or name == "lines_named.json":
        if library.__name__ == "pandas":
            return library.read_json(path, lines=True)
        return library.read_ndjson(path)
    return library.read_json(path) if name == "graded_preference.json" else None


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_are_read_as_files_are(data, truth, library):
    module = pytest.importorskip(library)
    tables = {name: _table(data / "formats", name, module) for name in truth}
    frames = {name: table for name, table in tables.items() if table is not None}
    assert len(frames) == 22
    for name, frame in frames.items():
        check(name, asim.data.read(frame), truth[name])


def test_strengths_are_graded_by_the_option_that_their_note_names(data, truth):
    path = data / "formats" / "preference_strength.jsonl"
    found = asim.data.read(path, codes={"left": -3, "right": 3})
    true = truth["preference_strength.jsonl"]
    for problem in found.problems():
        assert_same(problem, true["names"], true["by_prompt_linear"][problem.name])


# options and what the messages name


@pytest.mark.parametrize(
    ("source", "message", "option"),
    [
        (
            [{"models": ["a", "b"], "winner": "left"}],
            "'models' seems to hold both: read them with pair='models'",
            {"pair": "models"},
        ),
        (
            [{"match": "a vs. b", "winner": "a"}, {"match": "c vs a", "winner": "c"}],
            "'match' seems to hold both: read them with pair='match'",
            {"pair": "match"},
        ),
        (
            [{"battle": {"model_a": "a", "model_b": "b"}, "winner": "model_a"}],
            "nested: read them with left='battle.model_a' and right='battle.model_b'",
            {"left": "battle.model_a", "right": "battle.model_b"},
        ),
        (
            {"votes": [{"left": "a", "right": "b", "winner": "left"}]},
            "holds records under 'votes'; read them with key='votes'",
            {"key": "votes"},
        ),
        (
            [{"left": "a", "right": "b", "preference": 0.8}],
            r"graded, say which number means which side with codes=\{'left'",
            {"codes": {"left": 1, "right": 0}},
        ),
    ],
)
def test_what_is_met_with_an_option_is_read_with_it(write, source, message, option):
    path = write("t.json", json.dumps(source))
    with pytest.raises(InputError, match=message):
        asim.data.read(path)
    found = asim.data.read(path, **option)
    assert found.wins[found.labels.index("a"), found.labels.index("b")] in (1.0, 0.8)


def test_counts_weigh_votes(write):
    path = write("v.csv", "winner,loser,count\na,b,3\nb,a,1\nb,c,0\n")
    found = asim.data.read(path)
    assert found.labels == ("a", "b")
    assert found.matrix()[0, 1] == 0.75


def test_two_columns_for_one_thing_are_one_if_they_divide_alike(write):
    text = "prompt,prompt_id,chosen,rejected\nx,1,a,b\nx,1,b,a\ny,2,a,b\ny,2,a,b\n"
    assert asim.data.read(write("v.csv", text)).prompts == ("x", "y")
    with pytest.raises(InputError, match="'prompt' and 'prompt_id' could each be the prompt"):
        asim.data.read(write("w.csv", text.replace("y,2,a,b\n", "y,3,a,b\n", 1)))


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        ([[0, 0.7], [0.3, 0]], "The diagonal is empty and is set to 1/2."),
        ([[50, 70.5], [29.5, 50]], "add up to 100 and are read as per cent"),
        ([[0, 0.4], [-0.4, 0]], "A payoff of 1 is read as a sure win"),
    ],
)
def test_squares_say_what_their_numbers_were_taken_for(cells, note):
    found = asim.data.read(np.array(cells))
    assert found.P[0, 1] in (0.7, 0.705)
    assert any(note in sentence for sentence in found.notes)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([[0, 3], [-3, 0]], "payoffs up to 3; divide them so that 1 is a sure win"),
        ([[1, 3], [2, 1]], "P"),
        ([[0.5, np.nan], [np.nan, 0.5]], r"P\[0, 1\] is nan"),
    ],
)
def test_squares_that_say_nothing_are_refused(cells, message):
    with pytest.raises(InputError, match=message):
        asim.data.read(np.array(cells, dtype=float))


@pytest.mark.parametrize(("cell", "told"), [("NaN", True), ("0", False)])
def test_an_empty_count_is_no_win_and_said_to_be(write, cell, told):
    """Tables that pandas pivots have NaN where the one never beat the other."""
    found = asim.data.read(write("w.json", f"[[0, 3, {cell}], [1, 0, 2], [4, 5, 0]]"))
    assert found.wins.tolist() == [[0, 3, 0], [1, 0, 2], [4, 5, 0]]
    assert ("An empty cell, or NaN, counts as no win." in found.notes) == told
    diagonal = asim.data.read(write("d.json", "[[NaN, 3], [1, NaN]]"))
    assert len(diagonal.notes) == 1


def test_pairs_that_never_met_are_nan_in_problems(write):
    found = asim.data.read(write("c.csv", ",a,b,c\na,0,1,0\nb,3,0,1\nc,0,1,0\n"))
    (problem,) = found.problems()
    assert problem.labels == ("a", "b", "c")
    assert np.isnan(problem.P[0, 2])
    assert problem.P[0, 1] == 0.25


def test_labels_in_an_archive_are_used(tmp_path):
    P = np.array([[[0.5, 0.7], [0.3, 0.5]]] * 2)
    np.savez(tmp_path / "p.npz", P=P, labels=np.array(["tea", "milk"]), names=np.array(["x", "y"]))
    found = asim.data.read(tmp_path / "p.npz")
    assert found.labels == (("tea", "milk"),) * 2
    assert [problem.name for problem in found.problems()] == ["x", "y"]


HEAD = FORMATS["preflib"].example


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("3: 2,1", "2: 2,1", "holds 3 votes; its head says 4; the file is cut short"),
        ("3: 2,1", "3: 2,2", "ranks 2 twice"),
        ("3: 2,1", "3: 2,5", "ranks 5, which has no name"),
        ("3: 2,1", "3: 2;1", "expected an order such as 3: 1,2"),
        ("toi\n# NUM", "soc\n# NUM", "line 6: ranks 1 of 2 alternatives"),
        ("toi\n# NUM", "soi\n# NUM", "line 7: has a tie, but the orders are strict"),
        ("NAME 2: tea", "NAME 2:", "alternative 2 has no name"),
        ("NAME 2: tea", "NAME 2: milk", "names 'milk' twice"),
    ],
)
def test_orders_that_are_damaged(write, old, new, message):
    text = HEAD.replace(old, new)
    if "soc" in new:
        text = text.replace("3: 2,1", "3: 2")
    if "soi" in new:
        text = text.replace("1: 1,2", "1: {1,2}")
    with pytest.raises(InputError, match=message):
        asim.data.read(write("v.toi", text))


def test_a_key_that_stands_twice_is_refused(write):
    text = '{"left": "a", "right": "b", "left": "c", "winner": "left"}\n'
    with pytest.raises(InputError, match=r"line 1: not usable JSON .the key 'left' appears twice"):
        asim.data.read(write("v.jsonl", text))


# prompts and judges


def _votes(rows, **columns):
    left, right, winner = zip(*rows, strict=True)
    return {"left": list(left), "right": list(right), "winner": list(winner), **columns}


def test_prompts_are_separate_problems_where_they_say_something():
    rows = [("a", "b", "a"), ("a", "b", "b"), ("b", "c", "b"), ("a", "c", "c")] * 2
    votes = _votes(rows, prompt=["p"] * 4 + ["q"] * 4, judge=["j", "k"] * 4)
    found = asim.data.read(votes)
    assert [problem.name for problem in found.problems()] == ["p", "q"]
    assert len(asim.data.read(votes, pool=True).problems()) == 1
    by_judge = asim.data.read(votes, split_by="judge")
    assert [problem.name for problem in by_judge.problems()] == ["j", "k"]
    apart = _votes(rows, prompt=list("stuvwxyz"))
    assert len(asim.data.read(apart).problems()) == 1
    assert "8 prompts are pooled" in asim.data.read(apart).notes[-1]
    assert len(asim.data.read(apart, split_by="prompt").problems()) == 8


def test_texts_that_do_not_recur_are_never_pooled():
    rows = [("a", "b", "a"), ("c", "d", "c"), ("e", "f", "e")]
    assert len(asim.data.read(_votes(rows, prompt=list("xyz"))).problems()) == 3


def test_what_cannot_be_split_is_refused():
    votes = _votes([("a", "b", "a")])
    with pytest.raises(InputError, match="nothing says which judge a vote belongs to"):
        asim.data.read(votes, split_by="judge")
    with pytest.raises(InputError, match="split_by is 'rater'"):
        asim.data.read(votes, split_by="rater")
    with pytest.raises(InputError, match="pool is given, and so is what divides"):
        asim.data.read(_votes([("a", "b", "a")], judge=["j"]), split_by="judge", pool=True)
    with pytest.raises(InputError, match="temperature is 2, but there are no ratings"):
        asim.data.read(votes, temperature=2)


def test_a_broken_conversation_among_others_is_refused(write):
    """Taken for a text it would be a prompt, or a response, of its own."""
    names = ("prompt", "chosen", "rejected")
    row = json.dumps({name: [{"role": "user", "content": name[0]}] for name in names}) + "\n"
    for column in names:
        start = row.index("content", row.index(column))
        broken = row[:start] + "cont" + row[start + len("content") :]
        with pytest.raises(InputError, match=f"line 2: column '{column}' holds a message without"):
            asim.data.read(write("v.jsonl", row + broken + row))


def test_a_vote_without_a_prompt_is_noted(write):
    text = "prompt,left,right,winner\np,a,b,left\np,b,c,left\np,c,a,left\n"
    read = asim.data.read
    one, two = (
        read(write("v.csv", text + ",a,b,left\n")),
        read(write("w.csv", text + ",a,b,left\n" * 2)),
    )
    assert "1 vote has no prompt and is a problem of its own." in one.notes
    assert "2 votes have no prompt and are a problem of their own." in two.notes


def test_slips_of_the_pen_are_noted(write):
    text = "left,right,winner\n" + "a,b,left\n" * 9 + "a,bb,left\n"
    assert any(
        "'bb' occurs only once" in note for note in asim.data.read(write("v.csv", text)).notes
    )
    short = asim.data.read(write("w.csv", "left,right,winner\na,b,left\na,b,left"))
    assert short.notes == ("The last line has no end: the file may be cut short.",)


# scales


@pytest.mark.parametrize(
    ("scores", "temperature"),
    [
        ([1, 5], 1.0),
        ([0, 4], 1.0),
        ([0.2, 0.9], 0.25),
        ([2, 7], 1.5),
        ([1, 10], 2.25),
        ([3, 88], 25.0),
        ([-3, 5], 2.0),
    ],
)
def test_a_scale_is_recognised_and_divides_the_differences(scores, temperature):
    rows = {"prompt": ["p", "p"], "response": ["a", "b"], "taste": scores}
    found = asim.data.read(rows)
    assert found.temperature == temperature
    assert f"temperature {temperature:g}" in repr(found)
    gap = (scores[0] - scores[1]) / temperature
    assert found.problems()[0].P[0, 1] == pytest.approx(1 / (1 + np.exp(-gap)))
    given = asim.data.read(rows, temperature=3.0)
    assert given.matrices(rng=0)[2].P[0, 0, 1] == pytest.approx(
        1 / (1 + np.exp(-(scores[0] - scores[1]) / 3.0))
    )
