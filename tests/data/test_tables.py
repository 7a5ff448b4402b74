import json
import sys

import numpy as np
import pytest

from alignsim.data.contents import content as read_table
from alignsim.errors import FileFormatError

RECORDS = [{"prompt": "a, b", "score": 1.5}, {"prompt": 'say "c"', "score": None}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", 'prompt,score\n"a, b",1.5\n"say ""c""",\n'),
        ("t.csv", 'prompt;score\r\n"a, b";1.5\r\n"say ""c""";NA\r\n'),
        ("t.tsv", 'prompt\tscore\na, b\t1.5\n"say ""c"""\tnan\n\n'),
        ("t.txt", ' prompt , score\n"a, b", 1.5 \n"say ""c""",null\n'),
        ("t.json", json.dumps(RECORDS)),
        ("t.jsonl", "\n".join(map(json.dumps, RECORDS)) + "\n"),
        ("t.ndjson", json.dumps(RECORDS[0]) + "\n\n" + '{"prompt": "say \\"c\\""}'),
    ],
)
def test_all_formats_hold_the_same(write, name, content):
    table = read_table(write(name, content))
    assert list(table.columns) == ["prompt", "score"]
    assert table.coded("prompt").texts == ["a, b", 'say "c"']
    assert np.array_equal(table.numbers("score"), [1.5, np.nan], equal_nan=True)


def test_records_know_their_line(write):
    table = read_table(write("t.csv", 'prompt,score\n"two\nlines",1\n\nb,x\n'))
    assert table.places == [2, 5]
    with pytest.raises(FileFormatError, match=r"t\.csv, line 5: column 'score' holds 'x', not"):
        table.numbers("score")


def test_an_index_column_is_no_column_with_a_name(write):
    assert read_table(write("t.csv", ",prompt\n0,a\n")).names == ("prompt",)


def test_line_separators_inside_json_strings_do_not_split(write):
    table = read_table(write("t.jsonl", '{"prompt": "a\u2028b"}\n'))
    assert table.coded("prompt").texts == ["a\u2028b"]


def test_chat_shaped_prompts_become_text(write):
    table = read_table(write("t.jsonl", '{"prompt": [{"role": "user", "content": "hi"}]}\n'))
    assert table.coded("prompt").texts == ["hi"]


@pytest.mark.parametrize("value", ["true", '"1,500"', "Infinity", "[1]", "1" + "0" * 400])
def test_what_is_no_number(write, value):
    table = read_table(write("t.jsonl", f'{{"score": 1}}\n{{"score": {value}}}\n'))
    with pytest.raises(FileFormatError, match=r"line 2: column 'score' holds .*not a finite"):
        table.numbers("score")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "prompt,score\na,1\nb\n", "line 3: has 1 fields; the header has 2"),
        ("t.csv", "prompt,score\na,1,2\n", "line 2: has 3 fields; the header has 2"),
        ("t.csv", 'prompt,score\na,1\n"b,2\n', "line 3: unexpected end of data; expected fields"),
        ("t.csv", "prompt,score,prompt\na,1,b\n", "line 1: two columns are called 'prompt'"),
        ("t.csv", "prompt,,score\na,1,b\n", "line 1: column 2 has no name"),
        ("t.csv", "prompt,score\n", "has a header but no records"),
        (
            "t.json",
            '{"data": [{"prompt": "a"}]}',
            "holds records under 'data'; read them with key='data'",
        ),
        ("t.json", '[{"prompt": "a"}, 3]', "record 2: is 3; expected an object"),
        ("t.json", "[]", "holds no records"),
        ("t.json", '[{"prompt": "a"}, {"pro', "line 1: not valid JSON"),
        ("t.jsonl", '{"prompt": "a"}\n{"prompt": ', "line 2: not valid JSON"),
        ("t.jsonl", '{"prompt": "a"}\n[1]\n', r"line 2: is \[1\]; expected an object"),
        ("t.h5", "HDF", r"unknown kind of file '\.h5'; known: \.csv"),
        ("t.xlsx", "PK", r"is a spreadsheet; save it as \.csv"),
        ("t.feather", "ARROW1", r"is an Arrow file; save it as \.parquet"),
        ("t.csv", "prompt,score\na,1\nprompt,score\nb,2\n", "line 3: repeats the header"),
    ],
)
def test_malformed_files(write, name, content, message):
    with pytest.raises(FileFormatError, match=rf"{name}.*{message}"):
        read_table(write(name, content))


def test_a_malformed_parquet_file(write):
    pytest.importorskip("pyarrow")
    with pytest.raises(FileFormatError, match=r"t\.parquet.*not a readable Parquet file"):
        read_table(write("t.parquet", "PAR1"))


def test_parquet_without_pyarrow_names_what_to_install(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(FileFormatError, match=r"needs pyarrow; install alignsim\[parquet\]"):
        read_table(write("t.parquet", "PAR1"))


def test_empty_label(write):
    table = read_table(write("t.csv", "prompt,score\na,1\n,2\n"))
    with pytest.raises(FileFormatError, match="line 3: column 'prompt' is empty"):
        table.full("prompt")
