"""What the site is made of: figures for light and dark pages, and the reference's pages."""

import re
from collections import Counter

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from docs import both_themes, names, reference


@pytest.fixture
def figure():
    """A plain panel, and one that is coloured all over."""
    figure = Figure()
    plain, coloured = figure.subplots(2)
    plain.plot([0, 1], color="black", label="line")
    plain.plot([1, 0], color="tab:orange")
    plain.text(0.5, 0.5, "boxed", bbox={"facecolor": "white", "alpha": 0.5})
    plain.legend()
    coloured.pcolormesh(np.eye(3))
    coloured.plot([0, 1], color="black")
    return figure


def test_what_is_black_on_white_is_light_on_dark(figure):
    both_themes.darken(figure)
    plain, coloured = figure.axes
    assert [line.get_color() for line in plain.lines] == [both_themes.INK, "tab:orange"]
    assert plain.xaxis.label.get_color() == both_themes.INK
    paper = both_themes.mpl.colors.to_rgb(both_themes.PAPER)
    box = plain.texts[0].get_bbox_patch()
    for part in (figure.patch, plain.patch, plain.get_legend().get_frame(), box):
        assert part.get_facecolor()[:3] == paper
    assert box.get_facecolor()[3] == 0.5
    assert coloured.lines[0].get_color() == "black"


def test_a_line_with_a_ground_of_its_own_keeps_it(figure):
    plain = figure.axes[0]
    (dashes,) = plain.plot([1, 1], color="white", path_effects=[withStroke(foreground="black")])
    both_themes.darken(figure)
    assert dashes.get_color() == "white"


def test_the_pictures_of_both_themes_differ_and_are_the_same_again(figure):
    found = both_themes.pictures(figure)
    assert list(found) == ["light", "dark"]
    assert found["light"] != found["dark"]
    assert all(png.startswith(b"\x89PNG") for png in found.values())


def test_the_reference_lists_every_public_name_once(tmp_path):
    reference.write(tmp_path)
    listed = Counter()
    for page in tmp_path.glob("alignsim*.rst"):
        table = page.read_text(encoding="utf-8").partition(":nosignatures:")[2]
        listed.update(f"{page.stem}.{name}" for name in re.findall(r"^   (\w+)$", table, re.M))
    assert set(listed.values()) == {1}
    assert set(listed) == {f"{room}.{name}" for room, own in names.rooms().items() for name in own}
    index = (tmp_path / "index.rst").read_text(encoding="utf-8")
    assert re.findall(r"^   (alignsim\S*)$", index, re.M) == list(names.rooms())


def test_pages_that_have_not_changed_are_not_written_again(tmp_path):
    reference.write(tmp_path)
    before = {page: page.stat().st_mtime_ns for page in tmp_path.iterdir()}
    reference.write(tmp_path)
    assert {page: page.stat().st_mtime_ns for page in tmp_path.iterdir()} == before
