"""What stands in memory, and files that are compressed or without a name."""

import bz2
import gzip
import io
import lzma
import sys
import zipfile
from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pytest

import alignsim as asim
from alignsim.errors import InputError

COLUMNS = {"left": ["a", "b", "a"], "right": ["b", "c", "c"], "winner": ["left", "tie", "right"]}
RECORDS = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]
ROWS = [tuple(record.values()) for record in RECORDS]
TEXT = "left,right,winner\n" + "".join(",".join(row) + "\n" for row in ROWS)
Vote = namedtuple("Vote", COLUMNS)


class Dataset:
    """As a Dataset of Hugging Face shows itself."""

    def __init__(self):
        self.features = {}
        self.column_names = list(COLUMNS)

    def __getitem__(self, name):
        return COLUMNS[name]


SOURCES = {
    "dict of lists": COLUMNS,
    "dict of arrays": {name: np.array(column) for name, column in COLUMNS.items()},
    "records": RECORDS,
    "iterator of records": RECORDS,
    "rows": ROWS,
    "rows with a header": [tuple(COLUMNS), *ROWS],
    "named tuples": [Vote(*row) for row in ROWS],
    "dataset": Dataset(),
}


@pytest.mark.parametrize("name", SOURCES)
def test_objects_are_read_as_files_are(name):
    source = iter(SOURCES[name]) if name.startswith("iterator") else SOURCES[name]
    found = asim.data.read(source)
    assert found.labels == ("a", "b", "c")
    assert found.share.tolist() == [1, 0.5, 0]


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames(library):
    module = pytest.importorskip(library)
    frame = module.table(COLUMNS) if library == "pyarrow" else module.DataFrame(COLUMNS)
    assert asim.data.read(frame).share.tolist() == [1, 0.5, 0]
    if library == "polars":
        assert asim.data.read(frame.lazy()).share.tolist() == [1, 0.5, 0]
    if library == "pandas":
        indexed = module.DataFrame([[0, 1], [3, 0]], index=["a", "b"], columns=["a", "b"])
        assert asim.data.read(indexed).matrix()[0, 1] == 0.25
        gap = module.DataFrame({**COLUMNS, "winner": ["left", None, float("nan")]})
        assert asim.data.read(gap).skipped == 2
        twins = module.DataFrame([[1, 2]], columns=["a", "a"])
        with pytest.raises(InputError, match="the frame: cannot be read"):
            asim.data.read(twins)


def test_parquet(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pandas.DataFrame(COLUMNS).to_parquet(tmp_path / "v.parquet")
    assert asim.data.read(tmp_path / "v.parquet").share.tolist() == [1, 0.5, 0]


def test_a_square_of_rows_and_an_array():
    P = [[0.5, 0.75], [0.25, 0.5]]
    assert asim.data.read(np.array(P)).P.tolist() == P
    assert asim.data.read(P).P.tolist() == P
    assert asim.data.read({"P": np.array(P), "labels": ["x", "y"]}).labels == (("x", "y"),)


ROCK = np.array([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]])


@pytest.mark.parametrize(
    "game",
    [
        SimpleNamespace(payoff_matrices=(ROCK, -ROCK)),
        SimpleNamespace(payoff_arrays=(ROCK, ROCK), players=()),
        SimpleNamespace(row_utilities=lambda: ROCK, col_utilities=lambda: -ROCK),
    ],
)
def test_games(game):
    found = asim.data.read(game)
    assert found.P.tolist() == [[0.5, 0, 1], [1, 0.5, 0], [0, 1, 0.5]]
    assert "sure win" in found.notes[0]


def test_a_game_of_nashpy_itself():
    nashpy = pytest.importorskip("nashpy")
    wanted = 0.5 + 0.5 * ROCK
    for game in (nashpy.Game(ROCK), nashpy.Game(ROCK, ROCK.T)):
        read = asim.data.read(game).P
        assert read == pytest.approx(wanted)
    with pytest.raises(ValueError, match="is not symmetric"):
        asim.data.read(nashpy.Game(ROCK, ROCK))


@pytest.mark.parametrize(
    ("payoffs", "message"),
    [
        ((ROCK, ROCK), "is not symmetric"),
        ((ROCK,), "has 1 players"),
        ((ROCK[:2], -ROCK[:2]), r"payoffs of shape \(2, 3\)"),
        ((3 * ROCK, -3 * ROCK), "payoffs up to 3"),
    ],
)
def test_games_that_are_no_preferences(payoffs, message):
    with pytest.raises(InputError, match=message):
        asim.data.read(SimpleNamespace(payoff_matrices=payoffs))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (3, "source is 3; give a path, a data frame"),
        ([], "source is empty"),
        (["v.csv"], r"source is \['v.csv'\]"),
        ([("a", "b"), ("a",)], "row 2: has 1 entries; the first row has 2"),
        ([("a", "b", "c", "d")], "rows of 4 entries without names"),
        ({"left": ["a"], "right": []}, "'left' has 1 entries and 'right' 0"),
        (SimpleNamespace(column_names={"train": []}), r"the splits 'train'; give one"),
    ],
)
def test_objects_that_are_none(source, message):
    with pytest.raises(InputError, match=message):
        asim.data.read(source)


def _zip(content, *names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("v.csv.gz", gzip.compress(TEXT.encode())),
        ("v.csv.xz", lzma.compress(TEXT.encode())),
        ("v.csv.bz2", bz2.compress(TEXT.encode())),
        ("v.csv.zip", _zip(TEXT, "v.csv")),
        ("v.zip", _zip(TEXT, "deep/votes.csv", "__MACOSX/v")),
    ],
    ids=["gz", "xz", "bz2", "zip", "folder"],
)
def test_compressed_files(write, name, content):
    assert asim.data.read(write(name, content)).share.tolist() == [1, 0.5, 0]
    with pytest.raises(InputError, match="truncated or damaged"):
        asim.data.read(write(name, content[:20]))


def test_an_archive_of_several_files(write):
    with pytest.raises(InputError, match=r"v.zip: the archive holds 2 files; unzip it"):
        asim.data.read(write("v.zip", _zip(TEXT, "a.csv", "b.csv")))


def test_a_bomb_is_refused_before_it_is_read(write, monkeypatch):
    bomb = gzip.compress(b"left,right,winner\n" + b"a,b,left\n" * 3_000_000)
    monkeypatch.setattr("csv.reader", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(InputError, match="unzips to more than 200 times its size"):
        asim.data.read(write("bomb.csv.gz", bomb))


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(TEXT.encode())))
    assert asim.data.read("-").share.tolist() == [1, 0.5, 0]
    line = b'{"left": "a", "right": "b", "winner": "left"}\n'
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(gzip.compress(line))))
    assert asim.data.read("-").share.tolist() == [1]
