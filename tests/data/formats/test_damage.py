"""Damaged files are refused in one sentence, or read as what still stands in them."""

import csv
import io
import itertools
import json
import random
import re
import warnings
from collections import Counter

import numpy as np
import pytest

import alignsim as asim
from alignsim.data import FORMATS, Comparisons

VARIANTS = 300
LONGEST = 700
"""Characters of a sentence that refuses, the path apart."""

JUNK = ["", "NaN", "null", "[]", "{}", "1e999", "-1", "true", "x" * 500, "🍵", "2.5", "tie", "a,b"]


def truncated(content, rng):
    return content[: rng.randrange(1, len(content))]


def replaced(content, rng):
    begin, end = rng.choice([m.span() for m in re.finditer(rb"[A-Za-z0-9_.\-]+", content)])
    return content[:begin] + rng.choice(JUNK).encode() + content[end:]


def scrambled(content, rng):
    place = rng.randrange(len(content))
    noise = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9)))
    return content[:place] + noise + content[place + rng.randrange(4) :]


def without_a_mark(content, rng):
    place = rng.choice([k for k, byte in enumerate(content) if byte in b',;:{}[]"'])
    return content[:place] + content[place + 1 :]


def with_a_mark(content, rng):
    place = rng.randrange(len(content))
    return content[:place] + rng.choice([b",", b";", b"{", b"]", b'"', b":"]) + content[place:]


def with_a_line_twice(content, rng):
    lines = content.split(b"\n")
    lines.insert(rng.randrange(len(lines)), rng.choice(lines))
    return b"\n".join(lines)


def without_a_line(content, rng):
    lines = content.split(b"\n")
    del lines[rng.randrange(len(lines))]
    return b"\n".join(lines)


def with_a_key_twice(content, rng):
    return re.sub(rb'"(\w+)": ', lambda found: found[0] + b"1, " + found[0], content, count=1)


def with_columns_swapped(content, rng):
    mark = ";" if b";" in content[:40] else ","
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=mark))
    width = min(map(len, rows))
    one, other = rng.sample(range(width), 2) if width > 1 else (0, 0)
    for row in rows[1:]:
        row[one], row[other] = row[other], row[one]
    text = io.StringIO()
    csv.writer(text, delimiter=mark).writerows(rows)
    return text.getvalue().encode()


def with_a_zero(content, rng):
    place = rng.randrange(len(content))
    return content[:place] + b"\0" + content[place:]


def in_utf_16(content, rng):
    return content.decode("utf-8-sig").encode("utf-16")


def with_latin_1(content, rng):
    place = rng.randrange(len(content) + 1)
    return content[:place] + "é".encode("latin-1") + content[place:]


def emptied(content, rng):
    return rng.choice([b"", b"\n\n", b"  ", b"{}", b"[]", b"null", b"[[]]", b'""', b",", b"3"])


MAY_BE_READ = (
    truncated, replaced, scrambled, without_a_mark, with_a_mark, with_a_line_twice,
    without_a_line, with_a_key_twice, with_columns_swapped,
)  # fmt: skip
REFUSED = (with_a_zero, in_utf_16, with_latin_1, emptied)


def _refusal(path):
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


# a slow, obvious reading of what stands in a table of votes

MARKS = {"model_a": 1, "model_b": 0, "tie": 0.5, "tie (bothbad)": 0.5}


def _battle(row):
    yield row["model_a"], row["model_b"], MARKS[row["winner"]], 1


def _by_name(row):
    sides = row["left"], row["right"]
    assert row["winner"] in sides
    yield *sides, float(row["winner"] == sides[0]), 1


def _one_hot(row):
    flags = [int(row[f"winner_{what}"]) for what in ("model_a", "tie", "model_b")]
    assert sorted(flags) == [0, 0, 1]
    yield row["model_a"], row["model_b"], flags[0] + flags[1] / 2, 1


def _aggregated(row):
    for what, share in (("wins_a", 1), ("wins_b", 0), ("ties", 0.5)):
        yield row["model_a"], row["model_b"], share, float(row[what])


NAIVE = {
    "battles_with_texts.csv": _battle,
    "bradley_terry_board.csv": _battle,
    "cycles_by_judge.csv": _battle,
    "cycles_by_prompt.csv": _battle,
    "lines_named.json": _battle,
    "winner_by_name.csv": _by_name,
    "one_hot_winner.csv": _one_hot,
    "aggregated.csv": _aggregated,
    "winner_loser.csv": lambda row: [(row["winner"], row["loser"], 1, 1)],
}


def _rankings(text):
    orders = {}
    for row in csv.DictReader(io.StringIO(text, newline=""), strict=True):
        voter, item, rank = (row[name].strip() for name in ("voter", "item", "rank"))
        assert voter
        assert item
        assert item not in orders.setdefault(voter, {})
        orders[voter][item] = float(rank)
    wins = Counter()
    for ranks in orders.values():
        for (one, first), (other, second) in itertools.permutations(ranks.items(), 2):
            wins[one, other] += (first < second) + (first == second) / 2
    return wins


def _square(labels, table):
    assert len(set(labels)) == len(labels) == len(table)
    return Counter(
        {
            (one, other): np.nan_to_num(float(cell))  # NaN is no win, as the output says
            for one, row in zip(labels, table, strict=True)
            for other, cell in zip(labels, row, strict=True)
            if one != other
        }
    )


def _counts(text):
    (_, *labels), *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert [row[0] for row in rows] == labels
    return _square(labels, [row[1:] for row in rows])


def _counts_in_json(text):
    found = json.loads(text)
    return _square(found["labels"], found["wins"])


def _scores(text):
    scores = {}
    for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=";", strict=True):
        key = tuple(row[name].strip() for name in ("prompt", "response", "rater"))
        assert all(key)
        assert key not in scores
        scores[key] = float(row["quality"].replace(",", "."))
    return scores


WHOLE = {
    "rankings_long.csv": _rankings,
    "counts_square.csv": _counts,
    "counts.json": _counts_in_json,
    "decimal_comma.csv": _scores,
}
"""Readings of whole files: wins, or scores by prompt, response and rater."""


def told_by(found):
    """Return what was read as the naive readings say it."""
    if isinstance(found, Comparisons):
        pairs = np.argwhere(found.wins > 0).tolist()
        return {(found.labels[i], found.labels[j]): found.wins[i, j] for i, j in pairs}
    return {
        (prompt, response, rater): scores[i, j, 0]
        for prompt, responses, raters, scores in zip(
            found.prompts, found.responses, found.raters, found.scores, strict=True
        )
        for (i, response), (j, rater) in itertools.product(enumerate(responses), enumerate(raters))
        if np.isfinite(scores[i, j, 0])
    }


def naive_wins(name, content):
    """Return the wins of each over each, or None where this reading does not understand it."""
    try:
        text = content.decode("utf-8-sig")
        if name in WHOLE:
            return {key: value for key, value in WHOLE[name](text).items() if value}
        if name.endswith(".json"):
            rows = [json.loads(line) for line in text.split("\n") if line.strip()]
        else:
            rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
        wins = Counter()
        for row in rows:
            cells = {key: cell.strip() for key, cell in row.items()}
            for left, right, share, count in NAIVE[name](cells):
                wins[left, right] += share * count
                wins[right, left] += (1 - share) * count
    except Exception:
        return None
    return {pair: won for pair, won in wins.items() if won}


def test_damaged_files_are_refused_or_read_right(data, tmp_path):
    rng = random.Random(0)
    files = sorted({p.name for p in (data / "formats").iterdir()} - {"truth.json"})
    compared = refused = 0
    for _ in range(VARIANTS):
        name, damage = rng.choice(files), rng.choice(MAY_BE_READ + REFUSED)
        if damage is with_columns_swapped and not name.endswith(".csv"):
            continue
        content = damage((data / "formats" / name).read_bytes(), rng)
        (tmp_path / name).write_bytes(content)
        found = _refusal(tmp_path / name)
        refused += found is None
        assert found is None or damage not in REFUSED, (name, damage)
        if found is None or name not in {*NAIVE, *WHOLE}:
            continue
        expected = naive_wins(name, content)
        if expected is not None:
            assert told_by(found) == pytest.approx(expected), (name, damage)
            compared += 1
    assert compared > 20
    assert refused > 100


@pytest.mark.parametrize("name", FORMATS)
def test_the_examples_damaged(write, name):
    """The same without the folder of files: on the example of each format."""
    layout, rng = FORMATS[name], random.Random(name)
    for damage in (*MAY_BE_READ, *REFUSED) * 2:
        if damage is not with_columns_swapped or layout.suffix == ".csv":
            content = damage(layout.example.encode(), rng)
            found = _refusal(write(f"v{layout.suffix}", content))
            assert found is None or damage not in REFUSED, (damage, content)


@pytest.mark.parametrize("change", ["bom", "returns", "shuffled", "columns"])
def test_what_changes_nothing(data, write, change):
    rng = random.Random(1)
    for name in NAIVE:
        content = (data / "formats" / name).read_bytes()
        head, *lines = content.replace(b"\r\n", b"\n").rstrip().split(b"\n")
        if change == "bom":
            content = b"\xef\xbb\xbf" + content
        elif change == "returns":
            content = b"\r\n".join([head, *lines, b""])
        elif change == "shuffled":
            rng.shuffle(lines)
            content = b"\n".join([head, *lines, b""])
        elif name.endswith(".csv"):
            table = [line.split(b",")[::-1] for line in [head, *lines]]
            content = b"\n".join(b",".join(row) for row in [*table, [b""]])
        before = asim.data.read(data / "formats" / name)
        after = asim.data.read(write(name, content))
        assert after.labels == before.labels
        assert np.array_equal(after.wins, before.wins)
