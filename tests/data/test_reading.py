import json

import numpy as np
import pytest

import alignsim as asim
from alignsim.errors import FileFormatError

PAIR = [[0.5, 0.75], [0.25, 0.5]]
VOTES = [{"left": "tea", "right": "coffee", "winner": "left"}]
RATINGS = [{"prompt": "p", "system": "tea", "taste": 3}, {"prompt": "p", "system": "x", "taste": 1}]


def test_every_kind_is_recognised(write, tmp_path):
    np.save(tmp_path / "p.npy", PAIR)
    assert isinstance(asim.data.read(tmp_path / "p.npy"), asim.data.Matrices)
    assert isinstance(asim.data.read(write("p.json", json.dumps(PAIR))), asim.data.Matrices)
    assert isinstance(asim.data.read(write("q.json", json.dumps({"P": PAIR}))), asim.data.Matrices)
    assert isinstance(asim.data.read(write("v.json", json.dumps(VOTES))), asim.data.Comparisons)
    assert isinstance(asim.data.read(write("v.csv", "a,b,winner\nx,y,a\n")), asim.data.Comparisons)
    assert isinstance(asim.data.read(write("r.json", json.dumps(RATINGS))), asim.data.Ratings)


def test_options_settle_it(write):
    path = write("t.csv", "prompt,answer,first,second,mark\np,z,x,y,2\n")
    assert isinstance(asim.data.read(path), asim.data.Ratings)
    votes = asim.data.read(path, left="first", right="second", winner="mark")
    assert votes.share.tolist() == [0]
    assert asim.data.read(path, attributes=["mark"], winner=None).attributes == ("mark",)


def test_a_key_is_passed_on(write):
    content = {"one": {"P": PAIR}, "two": {"P": np.full((3, 3), 0.5).tolist()}}
    assert asim.data.read(write("p.json", json.dumps(content)), key="two").responses == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {},
            r"by its columns \('who', 'what'\).*left, right and winner .*response",
        ),
        ({"key": "x"}, "a table, which has no key"),
        ({"wining": "x"}, "option is 'wining'; did you mean 'winner'"),
        (
            {"winner": "x", "attributes": ["y"]},
            "attributes, winner do not go together: ratings take .* matrices take key",
        ),
    ],
)
def test_refusals(write, options, message):
    with pytest.raises(ValueError, match=message):
        asim.data.read(write("t.csv", "who,what\na,1\n"), **options)


def test_options_of_another_kind_of_file(write, tmp_path):
    np.save(tmp_path / "p.npy", PAIR)
    for path in (tmp_path / "p.npy", write("p.json", json.dumps(PAIR))):
        with pytest.raises(FileFormatError, match="which take key and no option of votes"):
            asim.data.read(path, winner="x")


def test_the_projects_own_files(data):
    assert isinstance(asim.data.read(data / "hanna_ratings.csv"), asim.data.Ratings)
    assert isinstance(asim.data.read(data / "llmfao_crowd.csv"), asim.data.Comparisons)
    assert isinstance(asim.data.read(data / "pandalm_human.csv"), asim.data.Comparisons)
    assert isinstance(asim.data.read(data / "hanna_K4_int.npz", key="cyclic_P"), asim.data.Matrices)
