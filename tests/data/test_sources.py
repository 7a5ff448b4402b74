import gzip
import re

import pytest

import alignsim as asim
from alignsim.data.sources import parse_json, read_text
from alignsim.errors import FileFormatError


def test_plain_gzipped_and_marked_text_read_alike(write):
    text = "prompt,värde\n1,2\n"
    assert read_text(write("a.csv", text)) == text
    assert read_text(write("b.csv", b"\xef\xbb\xbf" + text.encode())) == text
    assert read_text(write("c.csv.gz", gzip.compress(text.encode()))) == text
    assert read_text(write("d.csv", gzip.compress(text.encode()))) == text


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileFormatError, match=r"absent\.csv: no such file"):
        read_text(tmp_path / "absent.csv")
    with pytest.raises(FileFormatError, match="is a folder"):
        read_text(tmp_path)
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_text("nul\0.csv")


@pytest.mark.parametrize("path", [3, None, b"votes.csv", ["votes.csv"]])
@pytest.mark.parametrize(
    "read",
    [
        asim.data.read,
        asim.data.read_ratings,
        asim.data.read_helpsteer,
        asim.data.read_comparisons,
        asim.data.read_matrices,
        read_text,
    ],
)
def test_what_is_no_path_is_refused_by_name(read, path):
    with pytest.raises(
        ValueError, match=f"(source|path) is {re.escape(repr(path))}; give (a path|the name)"
    ):
        read(path)


def test_other_encodings_name_the_line(write):
    content = "prompt,response\nun,deux\ntrois,café\n".encode("latin-1")
    with pytest.raises(FileFormatError, match=r"line 3: byte 0xe9 is not UTF-8; save"):
        read_text(write("latin.csv", content))


@pytest.mark.parametrize("content", [b"", b"\n  \n", gzip.compress(b"", mtime=0)])
def test_empty(write, content):
    with pytest.raises(FileFormatError, match="the file is empty"):
        read_text(write("empty.csv", content))


@pytest.mark.parametrize("damage", [lambda z: z[:-12], lambda z: b"\0" + z, lambda z: z[:8]])
def test_damaged_gzip(write, damage):
    with pytest.raises(FileFormatError, match="truncated or damaged gzip"):
        read_text(write("a.csv.gz", damage(gzip.compress(b"prompt,response\n" * 50))))


def test_broken_json_names_the_line():
    with pytest.raises(FileFormatError, match=r"a\.json, line 2: not valid JSON .*cut short"):
        parse_json("a.json", '{"P": [[0.5,\n')
    with pytest.raises(FileFormatError, match="line 7: not usable JSON"):
        parse_json("a.jsonl", "[" * 200_000, first_line=7)
