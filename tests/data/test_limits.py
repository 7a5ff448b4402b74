"""What a file or its votes may take: refused early, in a sentence, by a limit that can be moved."""

import gzip
import io
import json
import os
import warnings
import zipfile

import numpy as np
import pytest

import alignsim as asim
from alignsim.data import tables
from alignsim.errors import FileFormatError, InputError
from alignsim.validation import MEMORY

PAIR = [[0.5, 0.75], [0.25, 0.5]]
MEBIBYTE = 2**20


@pytest.fixture
def little(monkeypatch):
    """Let a call take 4 MiB, so that a file may hold 1."""
    monkeypatch.setenv(MEMORY, str(4 / 1024))


@pytest.mark.usefixtures("little")
def test_a_gzip_bomb_is_unzipped_no_further_than_the_limit(write, monkeypatch):
    path = write("votes.csv.gz", gzip.compress(bytes(64 * MEBIBYTE)))
    read, sizes = gzip.GzipFile.read, []

    def counted(stream, size=-1):
        piece = read(stream, size)
        sizes.append(len(piece))
        return piece

    monkeypatch.setattr(gzip.GzipFile, "read", counted)
    with pytest.raises(FileFormatError, match=r"votes.csv.gz: has .* when unzipped, which would"):
        asim.data.read(path)
    assert sum(sizes) < 32 * MEBIBYTE
    monkeypatch.setenv(MEMORY, "1")
    with pytest.raises(FileFormatError, match="the file is empty"):
        asim.data.read(write("blank.csv.gz", gzip.compress(b" " * 2 * MEBIBYTE)))


@pytest.mark.usefixtures("little")
def test_a_large_file_is_not_read(write, monkeypatch):
    path = write("votes.csv", b" " * 2 * MEBIBYTE)
    monkeypatch.setattr(type(path), "read_bytes", lambda _: pytest.fail("it was read"))
    with pytest.raises(FileFormatError, match=r"votes\.csv: has 2,097,152 bytes, which would take"):
        asim.data.read(path)


@pytest.mark.usefixtures("little")
def test_of_an_archive_only_the_array_that_is_asked_for_must_fit(tmp_path):
    path = tmp_path / "p.npz"
    np.savez_compressed(path, pair=PAIR, large=np.zeros(MEBIBYTE))
    assert asim.data.read_matrices(path, key="pair").P.tolist() == PAIR
    for key in ("large", None):
        with pytest.raises(FileFormatError, match=r"array 'large' has .* bytes when unzipped"):
            asim.data.read_matrices(path, key=key)


def test_what_is_no_array_in_an_archive_is_passed_over(tmp_path):
    path = tmp_path / "p.npz"
    np.savez(path, pair=PAIR)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("README.txt", "pairs")
    assert asim.data.read_matrices(path).P.tolist() == PAIR
    with pytest.raises(
        FileFormatError, match=r"p.npz: README.txt has dtype \|S5; give real numbers"
    ):
        asim.data.read_matrices(path, key="README.txt")


def test_a_warning_of_numpy_on_an_old_header_does_not_leak(write):
    buffer = io.BytesIO()
    np.save(buffer, np.array(PAIR))
    old = buffer.getvalue().replace(b"(2, 2)", b"(2L,2)")
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        np.load(io.BytesIO(old))
    assert raised
    assert asim.data.read_matrices(write("p.npy", old)).P.tolist() == PAIR


def test_a_header_that_promises_terabytes_is_refused(write):
    buffer = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**7, 10**7)}
    np.lib.format.write_array_header_1_0(buffer, header)
    with pytest.raises(FileFormatError, match=r"p.npy: not a readable NumPy file \(.*; it is dam"):
        asim.data.read_matrices(write("p.npy", buffer.getvalue() + bytes(64)))


@pytest.mark.parametrize("source", ["device", "pipe"])
def test_what_never_ends_is_not_read(tmp_path, source):
    path = tmp_path / "votes.csv"
    if source == "device":
        path.symlink_to("/dev/zero")
    else:
        os.mkfifo(path)
    with pytest.raises(FileFormatError, match=r"votes\.csv: is a device, a pipe or a socket; save"):
        asim.data.read(path)


@pytest.mark.usefixtures("little")
def test_records_that_share_no_key_make_no_table(write):
    lines = "\n".join(json.dumps({f"key {i}": 1}) for i in range(1000))
    with pytest.raises(FileFormatError, match="has 1,000 different keys in 1,000 records, which"):
        asim.data.read(write("r.jsonl", lines))


def test_votes_on_texts_that_never_recur_make_no_table():
    texts = [f"text {i}" for i in range(40_000)]
    votes = asim.data.Comparisons.from_names(texts[::2], texts[1::2], [1] * 20_000)
    for table in (lambda: votes.wins, votes.matrix, lambda: asim.data.posterior(votes)):
        with pytest.raises(InputError, match=r"there are 40,000 different responses, .* texts"):
            table()
    assert votes.restrict(texts[:2]).matrix()[0, 1] == 1


def test_ratings_of_one_prompt_by_very_many_texts_make_no_matrix():
    count = 20_000
    ratings = asim.data.Ratings(
        ("p",), (tuple(map(str, range(count))),), (("",),), ("a",), (np.ones((count, 1, 1)),)
    )
    for make in (ratings.matrices, ratings.pooled):
        with pytest.raises(InputError, match=r"would take some .* GiB"):
            make()


def test_subsets_are_counted_before_they_are_listed():
    ratings = asim.data.synthetic_ratings(prompts=2, responses=60, rng=0)
    with pytest.raises(InputError, match=r"there are 236,52.* matrices to make, which would take"):
        ratings.matrices(subsets=30)
    assert len(ratings.matrices(subsets=2, rng=0)[2]) == 2 * 60 * 59 // 2


class _Counted(str):
    """A name that counts how often it is compared."""

    compared = 0

    def __eq__(self, other):
        _Counted.compared += 1
        return str(self) == str(other)

    __hash__ = str.__hash__


def test_a_wide_header_is_checked_in_one_pass():
    names = [_Counted(f"c{i}") for i in range(2000)]
    _Counted.compared = 0
    assert tables.checked_header("t.csv", names) == names
    assert _Counted.compared <= 2 * len(names)


def test_a_lone_surrogate_is_read_as_a_question_mark_and_can_be_shown_and_written(write, tmp_path):
    content = json.dumps({"P": PAIR, "labels": ["\ud800tea", "caf\u00e9 \U0001f375"]})
    assert asim.data.read(write("p.json", content)).labels == (("?tea", "café 🍵"),)
    lone = asim.data.Matrices(PAIR, labels=(("\ud800", "b"),))
    assert "?, b" in repr(lone)
    ratings = asim.data.Ratings(("\ud800",), (("a", "b"),), (("",),), ("x",), (np.ones((2, 1, 1)),))
    asim.data.write_helpsteer(ratings, tmp_path / "r.jsonl")
    assert asim.data.read_ratings(tmp_path / "r.jsonl", attributes=["x"]).prompts == ("?",)


def test_a_judge_beside_columns_of_judges_says_nothing(write):
    path = write("v.csv", "left,right,a1,a2,who\nx,y,1,2,ann\n")
    with pytest.raises(FileFormatError, match="judge='who' says nothing, as 'a1', 'a2' are judges"):
        asim.data.read_comparisons(path, judge="who")
