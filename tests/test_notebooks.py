"""The notebooks are run: no cell fails, and the outputs that are kept are what the code prints."""

import re
from decimal import Decimal
from itertools import zip_longest

import nbformat
import pytest

from notebooks.execute import HERE, NOTEBOOKS, PLAIN_METADATA, executed

NUMBER = re.compile(r"-?\d+(?:[,_]\d{3})*(?:\.\d*)?(?:e[-+]?\d+)?")
PLACES = re.compile(r"/home/|/Users/|/root/|/tmp/|site-packages|[A-Z]:\\")
"""Where files lie on somebody's machine."""

TOLERANCE = 0.05
"""Relative difference of a number on another processor, or else one in its last digit."""

LARGEST = 160_000
"""Bytes of a notebook with its outputs."""

WORDS_OF_THE_CODE = {
    word
    for path in (HERE.parent / "alignsim").rglob("*.py")
    for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))
} | {"asim"}

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def kept(path):
    return nbformat.read(path, as_version=4)


def printed(notebook):
    return "".join(
        output.text
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stdout"
    )


def pictures(notebook):
    return [
        sum("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
        for cell in notebook.cells
    ]


def assert_same_text(one, other):
    assert NUMBER.sub("#", one).split() == NUMBER.sub("#", other).split()
    for first, second in zip_longest(NUMBER.findall(one), NUMBER.findall(other)):
        a, b = (Decimal(re.sub("[,_]", "", number)) for number in (first, second))
        last_digit = Decimal(1).scaleb(b.as_tuple().exponent)
        assert abs(a - b) <= max(Decimal(TOLERANCE) * abs(b), last_digit), (first, second)


def test_they_are_numbered_without_a_gap():
    assert len(NOTEBOOKS) >= 9
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{i + 1:02}" for i in range(len(NOTEBOOKS))]


@each_notebook
def test_it_runs_and_shows_what_is_kept(path):
    """A cell that fails raises."""
    seen = executed(path)
    assert_same_text(printed(seen), printed(kept(path)))
    assert pictures(seen) == pictures(kept(path))
    assert sum(pictures(seen)) > 0


@each_notebook
def test_what_is_kept_is_small_and_tells_nothing_about_a_machine(path):
    text = path.read_text(encoding="utf-8")
    assert len(text) < LARGEST
    notebook = kept(path)
    nbformat.validate(notebook)
    assert notebook.metadata == PLAIN_METADATA
    assert not any(cell.metadata for cell in notebook.cells)
    words = re.sub(r'"image/png": "[^"]*"', "", text)
    assert not PLACES.search(words)
    assert str(HERE.parent) not in words
    assert '"stderr"' not in words


@each_notebook
def test_what_its_text_names_is_in_the_code(path):
    notebook = kept(path)
    code = "".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    known = set(re.findall(r"\w+", code)) | WORDS_OF_THE_CODE
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for name in re.findall(r"`([\w.]+)`", cell.source):
                assert known.issuperset(name.split(".")), name


@each_notebook
def test_it_was_run_from_top_to_bottom(path):
    counts = [cell.execution_count for cell in kept(path).cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


@pytest.mark.parametrize(
    "other", ["β = 2.0, 12,000 rounds", "β = 1.0 rounds", "α = 1.0, 12,000 rounds"]
)
def test_texts_that_differ_are_told_apart(other):
    assert_same_text("β = 1.1, 12,000 rounds", "β = 1.0, 12,100 rounds")
    with pytest.raises(AssertionError):
        assert_same_text("β = 1.0, 12,000 rounds", other)
