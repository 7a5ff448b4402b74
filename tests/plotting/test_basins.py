from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_hex

import alignsim as asim
from alignsim.plotting.basins import COLOURS, basins
from alignsim.sweeps.basins import basins as find

ROCK = asim.preferences.cyclic(3, advantage=0.5)
COPIES = asim.FeedbackMap(ROCK, beta=12.0, alpha=0.5)
"""Three cycles of period 5, each a third of the starts."""


def cells(ax):
    return {c.get_label(): c for c in ax.collections if isinstance(c, PolyCollection)}


def entries(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def marks(ax):
    return [line for line in ax.lines if line.get_linestyle() == "None"]


@pytest.fixture(scope="module")
def copies():
    return find(COPIES, resolution=9)


@pytest.fixture(scope="module")
def even():
    """Two maps of four responses, with one attractor each."""
    P = 0.5 * np.ones((4, 4))
    return find(asim.FeedbackMap(P, beta=[1.0, 2.0], alpha=0.5), samples=32)


@pytest.fixture(scope="module")
def corners():
    """Four attractors, one near each corner."""
    return find(asim.FeedbackMap.from_payoffs(np.eye(4), beta=8.0), samples=64)


def test_cells_tile_the_triangle_and_have_the_colour_of_their_attractor(copies, ternary):
    ax = basins(copies, ax=ternary)
    assert ax is ternary
    drawn = cells(ax)
    assert sorted(drawn) == ["basin 0", "basin 1", "basin 2"]
    area = 0.0
    for a in range(3):
        paths = drawn[f"basin {a}"].get_paths()
        assert len(paths) == (copies.label == a).sum()
        corners = np.array([path.vertices[:3] for path in paths])
        centres = ax.transProjection.transform(copies.starts[copies.label == a])
        np.testing.assert_allclose(corners.mean(axis=1), centres, atol=1e-12)
        (x1, y1), (x2, y2) = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
        area += 0.5 * np.abs(x1 * y2 - x2 * y1).sum()
    corner = ax.transProjection.transform(np.eye(3))
    sides = corner[1:] - corner[0]
    assert area == pytest.approx(0.5 * abs(np.linalg.det(sides)))
    colours = {to_hex(c.get_facecolor()[0]) for c in drawn.values()}
    assert len(colours) == 3


def test_cycles_are_drawn_as_the_policies_that_they_visit(copies, ternary):
    ax = basins(copies, ax=ternary)
    assert len(marks(ax)) == 3
    for a, line in enumerate(marks(ax)):
        expected = ax.transProjection.transform(copies.attractor_points[a, :5])
        np.testing.assert_allclose(line.get_xydata(), expected, atol=1e-12)
        assert line.get_marker() == "o"
    assert entries(ax) == ["locked cycle of period 5, 33.3 %"] * 3


def test_a_fixed_point_is_a_diamond_and_a_circle_its_orbit(ternary):
    P = asim.preferences.cyclic(3, advantage=0.3)
    found = find(asim.FeedbackMap(P, beta=[2.0, 5.5], alpha=0.5), resolution=3)
    (diamond,) = marks(basins(found, index=0, ax=ternary))
    assert diamond.get_marker() == "D"
    assert len(diamond.get_xydata()) == 1
    ternary.clear()
    (circle,) = marks(basins(found, index=(1,), ax=ternary))
    assert len(circle.get_xydata()) == found.orbit_logits.shape[-2]
    assert entries(ternary) == ["invariant circle, 100 %"]


def test_random_starts_are_dots(ternary):
    found = find(COPIES, samples=50)
    ax = basins(found, labels=["rock", "paper", "scissors"], ax=ternary)
    dots = [c for c in ax.collections if isinstance(c, PathCollection)]
    assert sum(len(c.get_offsets()) for c in dots) == 50
    first = ax.transProjection.transform(found.starts[found.label == 0])
    np.testing.assert_allclose(dots[0].get_offsets(), first, atol=1e-12)
    assert [text.get_text() for text in ax.texts] == ["rock", "paper", "scissors"]
    assert ax.get_title() == "basins of attraction, 50 starts"


def test_undecided_is_hatched(copies, ternary, tmp_path):
    label = copies.label.copy()
    label[:9] = -1
    ax = basins(replace(copies, label=label, undecided=np.array(9 / 81)), ax=ternary)
    assert cells(ax)["basin -1"].get_hatch()
    assert len(cells(ax)["basin -1"].get_paths()) == 9
    assert entries(ax)[-1] == "undecided, 11.1 %"
    ax.figure.savefig(tmp_path / "undecided.png")


def test_where_nothing_is_decided_there_is_no_attractor(ternary):
    ax = basins(find(COPIES, resolution=3, rounds=3), ax=ternary)
    assert entries(ax) == ["undecided, 100 %"]
    assert not marks(ax)


def test_orbits_that_drift_have_a_basin_and_no_mark(ternary):
    ax = basins(find(asim.FeedbackMap(ROCK, beta=2.0, alpha=1.0), resolution=3), ax=ternary)
    assert entries(ax) == ["drifting, 100 %"]
    assert not marks(ax)


def test_of_many_attractors_the_largest_have_colours(copies, ternary):
    many = len(COLOURS) + 3
    share = np.arange(1, many + 1) / np.arange(1, many + 1).sum()
    table = {
        name: np.resize(getattr(copies, name), (many, *getattr(copies, name).shape[1:]))
        for name in ("code", "period", "orbit_logits", "share_low", "share_high")
    }
    crowd = replace(copies, count=np.array(many), share=share, **table)
    shown = entries(basins(crowd, ax=ternary))
    assert len(shown) == len(COLOURS) + 1
    assert shown[-1] == f"3 more, {100 * share[:3].sum():.3g} %"


def test_other_numbers_of_responses_make_bars_with_intervals(corners, axes):
    ax = basins(corners, labels=["a", "b", "c", "d"], ax=axes)
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(corners.share)
    for a, line in enumerate(ax.lines):
        assert line.get_xdata() == pytest.approx([corners.share_low[a], corners.share_high[a]])
    texts = [text.get_text() for text in ax.get_yticklabels()]
    for a, text in enumerate(texts):
        top = int(corners.policies[a].argmax())
        assert text == f"fixed point\nmostly {'abcd'[top]}, {100 * corners.policies[a, top]:.3g} %"
    assert [text.get_text() for text in ax.texts] == [f"{100 * s:.3g} %" for s in corners.share]


def test_bars_show_what_is_undecided(even, axes):
    part = replace(even, undecided=np.array([0.0, 0.25]), share=np.array([[1.0], [0.75]]))
    ax = basins(part, index=1, ax=axes)
    assert [bar.get_width() for bar in ax.patches] == [0.75, 0.25]
    assert ax.patches[1].get_hatch()
    assert ax.get_yticklabels()[1].get_text() == "undecided"


def test_keywords_reach_the_basins(copies, even, ternary, axes):
    assert all(
        c.get_alpha() == 0.25 for c in cells(basins(copies, ax=ternary, alpha=0.25)).values()
    )
    assert basins(even, index=0, ax=axes, height=0.3).patches[0].get_height() == 0.3


def test_makes_a_figure_by_itself(copies, corners, tmp_path):
    for found in (copies, corners):
        ax = basins(found)
        assert pyplot.fignum_exists(ax.figure.number)
        ax.figure.savefig(tmp_path / "picture.png")


def test_changes_no_settings(copies, ternary):
    before = dict(matplotlib.rcParams)
    basins(copies, ax=ternary)
    assert dict(matplotlib.rcParams) == before
    assert not pyplot.get_fignums()


def test_bad_input_is_named(copies, even, axes):
    with pytest.raises(ValueError, match="result is of type ndarray; give the Basins"):
        basins(copies.label, ax=axes)
    with pytest.raises(ValueError, match=r"index is \(\); the batch has shape \(2,\)"):
        basins(even, ax=axes)
    with pytest.raises(ValueError, match=r"index is 2; the batch has shape \(2,\)"):
        basins(even, index=2, ax=axes)
    with pytest.raises(ValueError, match="labels names 2 responses"):
        basins(even, index=0, labels=["a", "b"], ax=axes)
    with pytest.raises(ValueError, match=r"ax is of type Axes; .*ternary"):
        basins(copies, ax=axes)
