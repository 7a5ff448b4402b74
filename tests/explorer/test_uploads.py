"""Bytes that are opened in the page, read by the package's readers."""

import io
import json

import numpy as np
import pytest

import alignsim as asim
from alignsim.explorer.answers import reply
from alignsim.explorer.uploads import LARGEST, MOST_PROBLEMS, read

VOTES = b"left,right,winner\na,b,left\nb,c,left\nc,a,left\na,b,tie\n"


def test_votes(write):
    found = read("votes.csv", VOTES, 40)
    wanted = asim.data.read(write("votes.csv", VOTES)).problems()[0]
    assert found["problems"][0]["labels"] == list(wanted.labels)
    assert found["problems"][0]["P"] == wanted.P.tolist()


def test_binary_files_too():
    file = io.BytesIO()
    np.save(file, asim.preferences.cyclic(3, advantage=0.2))
    found = read("P.npy", file.getvalue(), 40)
    assert found["problems"][0]["P"][0] == pytest.approx([0.5, 0.7, 0.3])


def test_many_problems_are_cut_and_that_is_said():
    one = [[0.5, 0.9], [0.1, 0.5]]
    many = {f"p{i}": {"P": one} for i in range(MOST_PROBLEMS + 3)}
    found = read("many.json", json.dumps(many).encode(), 40)
    assert len(found["problems"]) == MOST_PROBLEMS
    assert found["notes"][-1] == f"3 of {MOST_PROBLEMS + 3} problems are left out."


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "C:\\evil\\a.csv", "", ".", "\0.csv", "a" * 999]
)
def test_names_lead_nowhere(name):
    with pytest.raises(ValueError, match="has a header but no records") as error:
        read(name, b"of no use", 40)
    assert "/tmp" not in str(error.value)
    assert "/" not in str(error.value).partition(":")[0]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"0" * (LARGEST + 1), "at most"),
        (json.dumps({"P": (np.full((5, 5), 0.5)).tolist()}).encode(), "5 responses"),
    ],
)
def test_what_is_refused(content, told):
    with pytest.raises(ValueError, match=told):
        read("f.json", content, 4)


def test_a_file_that_was_broken_on_its_way():
    header, _ = reply({"id": 3, "kind": "read", "name": "a.csv", "content": "%%%"})
    assert header == {"id": 3, "error": "the file did not arrive whole; open it again"}
