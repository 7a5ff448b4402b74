"""Slips that leave a file readable: refused in one sentence, read as meant, or noted."""

import csv
import gzip
import io
import json
import lzma
import random
import warnings

import pytest

import alignsim as asim
from alignsim.errors import InputError
from tests.data.formats.test_damage import LONGEST, assert_read, layouts, naive_reading

VARIANTS = 300

NAMES = ("delta", "birch", "heron", "fjord", "m13")
UNREAD = ("id", "winner", "loser", "overall_score")
"""Columns of numbers that are none, or are left out."""

MISSING = ("#N/A", "\\N", "?", "NULL", "nan", "None", "-nan", "1.#QNAN", "undefined", "-")
NUMBERS = ("1,234.5", "1 234", "1_000", "12%", "$3", "3x", "1.234,5", "1'234")
OUTCOMES = ("zebra", "model_c", "skip", "none", "tie.", "left|right")


def cells_of(name, content):
    """Return the records of a table, and (record, key, column, value) of every cell."""
    text = content.decode("utf-8-sig")
    if name.endswith(".csv"):
        rows = list(csv.reader(io.StringIO(text), delimiter=";" if "comma" in name else ","))
        head = rows[0]
        return rows, [(row, k, head[k], row[k]) for row in rows[1:] for k in range(len(head))]
    if name == "graded_preference.json":
        records = json.loads(text)
    elif name.endswith(".jsonl") or name == "lines_named.json":
        records = [json.loads(line) for line in text.splitlines() if line.strip()]
    else:
        return None, []
    found, open_ones = [], list(records)
    while open_ones:
        record = open_ones.pop()
        pairs = record.items() if isinstance(record, dict) else enumerate(record)
        for key, value in pairs:
            if isinstance(value, dict | list):
                open_ones.append(value)
            else:
                found.append((record, key, str(key), value))
    return records, found


def written(name, records):
    if name.endswith(".csv"):
        text = io.StringIO()
        mark = ";" if "comma" in name else ","
        csv.writer(text, delimiter=mark, lineterminator="\n").writerows(records)
        return text.getvalue().encode()
    if name == "graded_preference.json":
        return json.dumps(records).encode()
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def _is_number(value):
    try:
        float(str(value).replace(",", "."))
    except ValueError:
        return False
    return not isinstance(value, bool)


def one_cell(choose, values):
    """Return a damage that puts one of some values into a cell that is chosen."""

    def damaged(name, content, rng):
        records, cells = cells_of(name, content)
        fitting = [cell for cell in cells if choose(*cell[2:])]
        if not fitting:
            return None
        record, key, _, value = rng.choice(fitting)
        made = rng.choice(values)
        record[key] = made(value) if callable(made) else made
        return written(name, records)

    return damaged


def _named(column, value):
    return value in NAMES and not column.isdigit()


SPELLINGS = (str.upper, str.title, "{}\u200b".format, "'{}'".format, "{}.".format)

misspelt = one_cell(_named, SPELLINGS)
padded = one_cell(_named, (" {}".format, "{} ".format, "{}\u00a0".format))
missing_name = one_cell(_named, MISSING)
no_number = one_cell(lambda column, value: _is_number(value) and column not in UNREAD, NUMBERS)
no_outcome = one_cell(
    lambda column, value: column in ("winner", "score") and not _is_number(value), OUTCOMES
)
below_zero = one_cell(lambda column, _: column in ("wins_a", "wins_b", "ties"), ("-3", "1e30"))
no_rank = one_cell(lambda column, _: column == "rank", ("1st", "=1", "1-2"))
two_flags = one_cell(lambda column, value: column.startswith("winner_") and value == "0", ("1",))


def with_its_header_again(name, content, rng):
    if not name.endswith(".csv") or "bare" in name:
        return None
    lines = content.splitlines(keepends=True)
    lines.insert(rng.randrange(2, len(lines) + 1), lines[0].removeprefix(b"\xef\xbb\xbf"))
    return b"".join(lines)


def below_a_comment(name, content, rng):
    return b"# by a tool\n" + content if name.endswith(".csv") else None


def on_two_scales(name, content, rng):
    records, cells = cells_of(name, content)
    fitting = [cell for cell in cells if cell[2] in ("quality", "Rating")]
    if not fitting:
        return None
    record, key, _, value = rng.choice(fitting)
    record[key] = "87" if value != "87" else "88"
    return written(name, records)


def noted_as(told):
    return lambda found: any(told in note for note in found.notes)


SLIPS = {
    "misspelt": (misspelt, noted_as("spelling alone differs")),
    "padded": (padded, None),
    "missing name": (missing_name, noted_as("mend the records where that stands for")),
    "number": (no_number, False),
    "outcome": (no_outcome, False),
    "below zero": (below_zero, False),
    "rank": (no_rank, False),
    "flags": (two_flags, False),
    "header": (with_its_header_again, False),
    "comment": (below_a_comment, False),
    "scales": (on_two_scales, noted_as("temperature")),
}
"""Kind → the damage, and what makes it good: False, that it is refused; None, that it changes
nothing; else what must hold of what is read, if it is."""


def reading(path):
    """Return what a file gives, or None if it is refused, in one sentence."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = asim.data.read(path)
            found.problems()
        except ValueError as refusal:
            text = str(refusal)
            assert "\n" not in text
            assert len(text) < LONGEST + len(str(path))
            return None
    return found


def test_slips_are_refused_or_read_right_or_noted(data, tmp_path):
    rng = random.Random(4)
    files, kinds = layouts(data), sorted(SLIPS)
    for k in range(VARIANTS):
        kind = kinds[k % len(kinds)]
        damage, expected = SLIPS[kind]
        content = None
        while content is None:
            name = rng.choice(files)
            whole = (data / "formats" / name).read_bytes()
            content = damage(name, whole, rng)
        (tmp_path / name).write_bytes(content)
        found = reading(tmp_path / name)
        if expected is None:
            assert found is not None, (name, kind)
            assert_read(name, found, naive_reading(name, whole), kind)
        elif expected is False:
            assert found is None, (name, kind, content)
        else:
            assert found is None or expected(found), (name, kind, content)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_archives_that_are_cut_or_flipped(data, tmp_path, pack):
    rng = random.Random(4)
    ending = "gz" if pack is gzip.compress else "xz"
    for name in layouts(data):
        content = (data / "formats" / name).read_bytes()
        packed = bytearray(pack(content))
        packed[rng.randrange(20, len(packed) - 10)] ^= 1 << rng.randrange(8)
        cut = bytes(packed[: rng.randrange(12, len(packed) - 1)])
        for damaged in (cut, bytes(packed)):
            (tmp_path / f"{name}.{ending}").write_bytes(damaged)
            found = reading(tmp_path / f"{name}.{ending}")
            if found is not None:  # a bit of the head that says nothing
                assert_read(name, found, naive_reading(name, content))


# the sentences themselves


def test_two_spellings_and_what_is_no_name_are_noted():
    rows = [("Tea", "tea", "left"), ("3", "3.0", "left"), ("NaN", "tie", "left")]
    left, right, winner = zip(*rows, strict=True)
    found = asim.data.read({"left": left, "right": right, "winner": winner})
    assert found.notes[:2] == (
        "'3' and '3.0', 'Tea' and 'tea': taken for different responses, though their spelling "
        "alone differs.",
        "2 responses are called 'NaN', 'tie': mend the records where that stands for something "
        "else.",
    )
    fine = asim.data.read(
        {"left": ["gpt-4", "-1"], "right": ["answer 1", "1"], "winner": ["left"] * 2}
    )
    assert fine.notes == ()


def test_attributes_on_several_scales_are_noted():
    rows = {"prompt": ["p"] * 3, "response": list("abc"), "taste": [1, 4, 5], "words": [9, 80, 300]}
    found = asim.data.read(rows)
    assert found.notes == (
        "The attributes seem to be on several scales, such as 'taste' (from 1 to 5) and 'words' "
        "(from 9 to 300), and one temperature divides all: name those that are meant with "
        "--attribute, or attributes=[...].",
    )
    assert asim.data.read(rows, attributes=["taste"]).notes == ()


def test_a_slip_that_makes_the_scale_is_noted():
    scores = [1, 2, 3, 4, 5] * 4
    rows = {"prompt": ["p"] * 20, "response": list(map(str, range(20))), "taste": scores}
    assert asim.data.read(rows).notes == ()
    found = asim.data.read({**rows, "taste": [*scores[:-1], 55]})
    assert found.temperature == 25.0
    assert found.notes == (
        "1 of 20 scores lie outside 0 to 5, and the temperature rests on them: mend them if they "
        "are slips or on another scale.",
    )
    tens = asim.data.read({**rows, "taste": [2 * score for score in scores]})
    assert tens.notes == ()


def test_a_nested_attribute_is_read_by_its_name(data):
    path = data / "formats" / "nested_ratings.jsonl"
    whole = asim.data.read(path)
    found = asim.data.read(path, attributes=["honesty", "truthfulness"])
    assert found.attributes == ("honesty", "truthfulness")
    assert all(
        (own == of[..., [1, 3]]).all() for own, of in zip(found.scores, whole.scores, strict=True)
    )
    assert asim.data.read(path, attributes=["overall_score"]).temperature == 2.25
    with pytest.raises(InputError, match="attributes is 'honest'; did you mean 'honesty'"):
        asim.data.read(path, attributes=["honest"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rank": "winner"}, "no column for the response; name it with response="),
        ({"loser": "right", "winner": "left"}, None),
        ({"label": "winner"}, "column 'winner' holds 'left'; expected true or false"),
        ({"strength": "winner"}, "column 'winner' holds 'left', not a finite number"),
        ({"wins": ["left", "right"]}, "column 'left' holds 'a'"),
    ],
)
def test_an_option_of_one_format_is_heeded(options, message):
    columns = {"left": ["a", "b"], "right": ["b", "c"], "winner": ["left", "right"]}
    if message is None:
        assert asim.data.read(columns, **options).wins.tolist() == [[0, 1, 0], [0, 0, 1], [0] * 3]
    else:
        with pytest.raises(InputError, match=message):
            asim.data.read(columns, **options)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("v.csv", ",a,b,c\na,0,1,2\nb,3,0,1\n", "a square of 2 rows and 3 columns, and 'c' stands"),
        ("v.csv", ",a,b\na,0,1\nb,3,0\na,0,1\n", "a square of 3 rows and 2 columns; name rows"),
        (
            "v.csv",
            "left,right,preference\na,b,1.25\nb,a,1.5\na,b,1 75\n",
            "line 4: column 'preference' holds '1 75'",
        ),
        (
            "v.jsonl",
            '{"model": "a", "baseline": "b", "games": [{"score": "A>B"}, {"score": "C>A"}]}\n',
            "column 'score' holds 'C>A'; expected A>B",
        ),
    ],
)
def test_the_cell_that_is_wrong_is_the_one_that_is_named(write, name, content, message):
    with pytest.raises(InputError, match=message):
        asim.data.read(write(name, content))


def test_bars_between_cells_and_a_file_that_was_unzipped_on_the_way(write):
    text = "left|right|winner\na|b|left\nb|a|left\n"
    for name in ("v.csv", "v.csv.gz", "v.csv.xz", "v.csv.zip"):
        assert asim.data.read(write(name, text)).wins.tolist() == [[0, 1], [1, 0]]


def test_a_column_of_counts_that_is_guessed_is_noted():
    columns = {"winner": ["a", "b"], "loser": ["b", "a"], "weight": [3, 1]}
    told = "Column 'weight' is taken for how many votes a record is."
    assert told in asim.data.read(columns).notes
    assert told not in asim.data.read(columns, count="weight").notes
