import gzip
import json

import numpy as np
import pytest

import alignsim as asim
from alignsim.errors import FileFormatError

WIDE = (
    "Prompt ID,model,annotator,id,taste,smell\n"
    "tea,green,ann,1,3,1\n"
    "tea,black,ann,2,4,\n"
    "tea,green,bob,3,2,2\n"
    "milk,oat,ann,4,5,5\n"
)
LONG = (
    "question,system,worker,criterion,rating\n"
    "tea,green,ann,taste,3\n"
    "milk,oat,ann,taste,5\n"
    "tea,green,ann,smell,1\n"
    "tea,black,ann,taste,4\n"
    "tea,green,bob,taste,2\n"
    "tea,green,bob,smell,2\n"
    "milk,oat,ann,smell,5\n"
)


def test_wide_and_long_agree(write):
    wide = asim.data.read_ratings(write("wide.csv", WIDE))
    long = asim.data.read_ratings(write("long.csv", LONG))
    for ratings in (wide, long):
        assert ratings.prompts == ("tea", "milk")
        assert ratings.responses == (("green", "black"), ("oat",))
        assert ratings.raters == (("ann", "bob"), ("ann",))
        assert ratings.attributes == ("taste", "smell")
    for one, other in zip(wide.scores, long.scores, strict=True):
        assert np.array_equal(one, other, equal_nan=True)
    assert np.array_equal(
        wide.scores[0], [[[3, 1], [2, 2]], [[4, np.nan], [np.nan, np.nan]]], equal_nan=True
    )


def test_columns_can_be_named_and_attributes_picked(write):
    text = "where,who,what,smell,taste,note\nx,a,ann,1,2,n\nx,b,ann,3,4,n\n"
    ratings = asim.data.read_ratings(
        write("r.csv", text), prompt="where", response="who", rater="what", attributes=["taste"]
    )
    assert ratings.attributes == ("taste",)
    assert ratings.scores[0].tolist() == [[[2]], [[4]]]
    picked = asim.data.read_ratings(write("long.csv", LONG), attributes=["smell"])
    assert picked.attributes == ("smell",)
    assert picked.scores[1].tolist() == [[[5]]]


def test_text_columns_are_no_attributes(write):
    text = "prompt,system,rater,taste,comment\ntea,a,1,3,fine\ntea,b,1,4,\n"
    assert asim.data.read_ratings(write("r.csv", text)).attributes == ("taste",)


HELPSTEER = [
    {"prompt": "Q1", "response": "same", "helpfulness": 4, "correctness": 3, "coherence": 4,
     "complexity": 1, "verbosity": 1},
    {"prompt": "Q1", "response": "same", "helpfulness": 0, "correctness": 1, "coherence": 2,
     "complexity": 1, "verbosity": 0},
    {"prompt": "Q1", "response": "other\ntext", "helpfulness": 2, "correctness": 2,
     "coherence": 2, "complexity": 2, "verbosity": 2},
    {"prompt": "Q2", "response": "alone", "helpfulness": 1, "correctness": 1, "coherence": 1,
     "complexity": 1, "verbosity": 1},
]  # fmt: skip


@pytest.mark.parametrize("name", ["train.jsonl", "train.jsonl.gz"])
@pytest.mark.parametrize("read", [asim.data.read_helpsteer, asim.data.read_ratings, asim.data.read])
def test_helpsteer_layout(write, read, name):
    content = "\n".join(map(json.dumps, HELPSTEER)).encode()
    ratings = read(write(name, gzip.compress(content) if name.endswith("gz") else content))
    assert ratings.prompts == ("Q1", "Q2")
    assert ratings.responses == (("same", "same", "other\ntext"), ("alone",))
    assert ratings.attributes == (
        "helpfulness", "correctness", "coherence", "complexity", "verbosity"
    )  # fmt: skip
    assert ratings.scores[0][:, 0].tolist() == [[4, 3, 4, 1, 1], [0, 1, 2, 1, 0], [2] * 5]
    stacks = ratings.matrices("mean-score")
    assert list(stacks) == [3]
    assert stacks.skipped == ("Q2",)
    assert stacks[3].P[0, 0, 1] == pytest.approx(1 / (1 + np.exp(-9 / 5)))


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("system,taste\na,1\n", {}, r"no column for the prompt; name it with prompt=.*'taste'"),
        ("prompt,taste\na,1\n", {}, "no column for the response; name it with response="),
        ("prompt,system,model,t\na,b,c,1\n", {}, "'system' and 'model' could each.*response='sys"),
        ("prompt,system,t\na,b,1\n", {"rater": "who"}, "no such column: rater is 'who'"),
        ("prompt,system,t\na,b,x\n", {}, r"no column of scores; name them with attributes="),
        (
            "prompt,system,t\na,b,1\na,c,2\na,d,x\n",
            {},
            "line 4: column 't' holds 'x', not a",
        ),
        ("prompt,system,t\n,b,1\n", {}, "line 2: column 'prompt' is empty"),
        ("prompt,system,rater,t\na,b,1,2\na,b,1,3\n", {}, "line 3: .*'b' is rated twice by '1'"),
        ("prompt,system,aspect,score\na,b,t,1\na,b,t,2\n", {}, "line 3: .*rated twice on 't'"),
        ("prompt,system,aspect,score\na,b,t,1\n", {"attributes": ["u"]}, "no record rates"),
        ("prompt,system,aspect,mark\na,b,t,1\n", {"attribute": "aspect"}, "for the score; name"),
    ],
)
def test_refusals(write, text, options, message):
    with pytest.raises(FileFormatError, match=rf"r\.csv.*{message}"):
        asim.data.read_ratings(write("r.csv", text), **options)
