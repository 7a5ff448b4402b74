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
from alignsim.data import FORMATS, Comparisons, Matrices

VARIANTS, MOST_VARIANTS = 300, 3000
"""Damaged files; more of those layouts of which all were refused."""

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


# a slow, obvious reading of what stands in a file: wins by prompt and pair, or scores

MARKS = {"model_a": 1, "model_b": 0, "tie": 0.5, "tie (bothbad)": 0.5}
VERDICTS = {"A>>B": 1, "A>B": 1, "A=B": 0.5, "B>A": 0, "B>>A": 0}


def _battle(row):
    yield row["model_a"], row["model_b"], MARKS[row["winner"]], 1


def _winner_loser(row):
    assert row["winner"] or not row["loser"]
    if row["winner"]:
        yield row["winner"], row["loser"], 1, 1


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


def _chosen(row):
    answers = row["chosen"], row["rejected"]
    if isinstance(answers[0], list):
        answers = [turn["content"].strip() for (turn,) in answers]
    if answers[0] != answers[1]:
        yield *answers, 1, 1


def _graded(row):
    assert 1 <= row["preference"] <= 2
    yield row["generator_1"], row["generator_2"], 2 - row["preference"], 1


def _strength(row):
    if row["preference_strength"] is not None:
        share = 0.5 - 0.5 * np.sign(float(row["preference_strength"]))
        yield row["response_1"], row["response_2"], share, 1


def _ranked(row):
    ranks = [(answer["model"].strip(), answer["rank"]) for answer in row["answers"]]
    assert len(dict(ranks)) == len(ranks)
    for (one, first), (other, second) in itertools.combinations(ranks, 2):
        if None not in (first, second):
            yield one, other, 0.5 + 0.5 * np.sign(second - first), 1


def _games(row):
    first, second = (VERDICTS[game["score"].strip()] for game in row["games"])
    yield row["baseline"], row["model"], first, 1
    yield row["model"], row["baseline"], second, 1


ROWS = {
    "battles_with_texts.csv": (_battle, "prompt"),
    "bradley_terry_board.csv": (_battle, None),
    "cycles_by_judge.csv": (_battle, None),
    "cycles_by_prompt.csv": (_battle, "prompt"),
    "lines_named.json": (_battle, None),
    "winner_by_name.csv": (_by_name, None),
    "one_hot_winner.csv": (_one_hot, "prompt"),
    "aggregated.csv": (_aggregated, None),
    "winner_loser.csv": (_winner_loser, None),
    "chosen_rejected.jsonl": (_chosen, "prompt"),
    "chosen_rejected_conversational.jsonl": (_chosen, "prompt"),
    "graded_preference.json": (_graded, "instruction"),
    "preference_strength.jsonl": (_strength, "prompt"),
    "ranked_answers.jsonl": (_ranked, "prompt"),
    "two_games.jsonl": (_games, "question_id"),
}
"""Votes of one record: sides, the share of the first, how many; and the column of the prompt."""


def _votes(name, text):
    if name == "graded_preference.json":
        rows = json.loads(text)
    elif "json" in name:
        rows = _lines(text)
    else:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    votes, asked = ROWS[name]
    wins = Counter()
    for row in rows:
        cells = {k: cell.strip() if isinstance(cell, str) else cell for k, cell in row.items()}
        prompt = cells[asked] if asked else ""
        if isinstance(prompt, list):
            prompt = "\n".join(turn["content"].strip() for turn in prompt)
        for left, right, share, count in votes(cells):
            wins[prompt, left, right] += share * count
            wins[prompt, right, left] += (1 - share) * count
    return wins


def _lines(text):
    return [json.loads(line) for line in text.split("\n") if line.strip()]


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
            wins["", one, other] += (first < second) + (first == second) / 2
    return wins


def _orders(text):
    names, wins = {}, Counter()
    for line in text.splitlines():
        if line.startswith("# ALTERNATIVE NAME "):
            number, name = line.removeprefix("# ALTERNATIVE NAME ").split(":", 1)
            names[int(number)] = name.strip()
        elif line.strip() and not line.startswith("#"):
            voters, order = line.split(":")
            places = [
                (names[int(number)], place)
                for place, tied in enumerate(re.findall(r"\{.*?\}|\d+", order))
                for number in re.findall(r"\d+", tied)
            ]
            for (one, first), (other, second) in itertools.permutations(places, 2):
                wins["", one, other] += int(voters) * ((first < second) + (first == second) / 2)
    return wins


def _square(labels, table):
    assert len(set(labels)) == len(labels) == len(table)
    return Counter(
        {
            ("", one, other): np.nan_to_num(float(cell))  # NaN is no win, as the output says
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


def _bare(text):
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    return _square([str(k) for k in range(len(rows))], rows)


def _scores(text):
    scores = {}
    for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=";", strict=True):
        key = tuple(row[name].strip() for name in ("prompt", "response", "rater"))
        assert all(key)
        assert key not in scores
        scores[key] = float(row["quality"].replace(",", "."))
    return Counter((*key, "quality", score) for key, score in scores.items())


def _labels(text):
    found = {}
    for row in _lines(text):
        assert row["label"] in (0, 1)
        key = row["prompt"].strip(), row["completion"].strip(), "", "label"
        found.setdefault(key, []).append(int(row["label"]))
    return Counter((*key, sum(labels) / len(labels)) for key, labels in found.items())


def _nested(text):
    return Counter(
        (row["instruction"].strip(), each["model"].strip(), "", name, float(said["Rating"]))
        for row in _lines(text)
        for each in row["completions"]
        for name, said in each["annotations"].items()
        if said["Rating"] not in ("", "NaN", "null", None)
    )


WHOLE = {
    "rankings_long.csv": _rankings,
    "rankings.soc": _orders,
    "rankings.toc": _orders,
    "counts_square.csv": _counts,
    "counts.json": _counts_in_json,
    "matrix_square.csv": _counts,
    "matrix_bare.csv": _bare,
    "decimal_comma.csv": _scores,
    "unpaired_labels.jsonl": _labels,
    "nested_ratings.jsonl": _nested,
}
"""Readings of whole files."""


def told_by(found):
    """Return what was read as the naive readings say it."""
    told = Counter()
    if isinstance(found, Comparisons):
        for left, right, share, count, prompt in zip(
            found.left, found.right, found.share, found.count, found.prompt, strict=True
        ):
            one, other = found.labels[left], found.labels[right]
            asked = found.prompts[prompt].strip()
            told[asked, one, other] += share * count
            told[asked, other, one] += (1 - share) * count
        return told
    if isinstance(found, Matrices):
        (problem,) = found.problems()
        return _square(problem.labels, problem.P)
    for prompt, responses, raters, scores in zip(
        found.prompts, found.responses, found.raters, found.scores, strict=True
    ):
        for (i, j, k), score in np.ndenumerate(scores):
            if np.isfinite(score):
                told[prompt, responses[i], raters[j], found.attributes[k], score] += 1
    return told


def naive_reading(name, content):
    """Return wins or scores by what they are of, None where this reading does not understand."""
    try:
        text = content.decode("utf-8-sig")
        found = WHOLE[name](text) if name in WHOLE else _votes(name, text)
    except Exception:
        return None
    return {key: value for key, value in found.items() if value}


def assert_read(name, found, expected, damage=None):
    """Assert that what was read is what stands in the file."""
    told = {key: value for key, value in told_by(found).items() if value}
    assert told == pytest.approx(expected), (name, damage)


def layouts(data):
    names = sorted({p.name for p in (data / "formats").iterdir()} - {"truth.json"})
    assert names == sorted({*ROWS, *WHOLE})
    assert len(names) == 25
    return names


def test_naive_readings_of_all_layouts_are_right(data):
    for name in layouts(data):
        path = data / "formats" / name
        expected = naive_reading(name, path.read_bytes())
        assert expected
        assert_read(name, asim.data.read(path), expected)


def test_damaged_files_are_refused_or_read_right(data, tmp_path):
    rng = random.Random(0)
    files = layouts(data)
    refused, compared, unknown = 0, set(), 0
    for k in range(MOST_VARIANTS):
        name, damage = files[k % len(files)], rng.choice(MAY_BE_READ + REFUSED)
        if k >= VARIANTS and name in compared:
            continue
        if damage is with_columns_swapped and not name.endswith(".csv"):
            damage = with_a_line_twice
        content = damage((data / "formats" / name).read_bytes(), rng)
        (tmp_path / name).write_bytes(content)
        found = _refusal(tmp_path / name)
        refused += found is None
        assert found is None or damage not in REFUSED, (name, damage)
        expected = naive_reading(name, content)
        if found is not None and expected is not None:
            assert_read(name, found, expected, damage)
            compared.add(name)
        unknown += found is not None and expected is None
    assert sorted(compared) == files
    assert refused > 100
    assert unknown < 0.1 * VARIANTS


@pytest.mark.parametrize("name", FORMATS)
def test_the_examples_damaged(write, name):
    """The same without the folder of files: on the example of each format."""
    layout, rng = FORMATS[name], random.Random(name)
    for damage in (*MAY_BE_READ, *REFUSED) * 2:
        if damage is not with_columns_swapped or layout.suffix == ".csv":
            content = damage(layout.example.encode(), rng)
            found = _refusal(write(f"v{layout.suffix}", content))
            assert found is None or damage not in REFUSED, (damage, content)


CHANGED = (
    "battles_with_texts.csv", "bradley_terry_board.csv", "cycles_by_judge.csv",
    "cycles_by_prompt.csv", "lines_named.json", "winner_by_name.csv", "one_hot_winner.csv",
    "aggregated.csv", "winner_loser.csv",
)  # fmt: skip


@pytest.mark.parametrize("change", ["bom", "returns", "shuffled", "columns"])
def test_what_changes_nothing(data, write, change):
    rng = random.Random(1)
    for name in CHANGED:
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
