"""Several orbits on one axis, in one call or one after the other."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

import alignsim as asim
from alignsim.plotting import simplex, timeline


def _dots(ax):
    return [c for c in ax.collections if c.get_gid() == "dots"]


def _entries(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.fixture
def two(run):
    return [run(rounds=60), run(rounds=40, beta=2.0)]


def test_each_orbit_has_one_colour_and_its_name(two, ternary):
    ax = simplex(two, names=["β = 8", "β = 2"], ax=ternary)
    first, second = _dots(ax)
    assert to_hex(first.get_facecolor()[0]) != to_hex(second.get_facecolor()[0])
    corners = ax.transProjection.transform(np.eye(3))
    for dots, orbit in zip((first, second), two, strict=True):
        np.testing.assert_allclose(dots.get_offsets(), orbit.policies @ corners, atol=1e-12)
    assert _entries(ax) == ["β = 8", "β = 2", "start", "end"]
    assert len(ax.figure.axes) == 1
    assert ax.get_title() == "MRS-IPO, up to 60 rounds"


def test_one_call_after_the_other_adds_orbits_and_repeats_nothing(two, run, ternary):
    ax = simplex(two[0], ax=ternary)
    simplex(two[1], ax=ternary)
    simplex(run(rounds=9), names=["third"], ax=ternary)
    assert len(_dots(ax)) == 3
    assert len(ax.texts) == 3
    assert len(ax.figure.axes) == 2  # one bar, that of the first
    assert _entries(ax) == ["orbit 2", "third", "start", "end"]
    assert ax.get_title() == "MRS-IPO, 60 rounds"


def test_a_colour_of_ones_own_needs_no_bar(two, axes, run):
    ax = simplex(run(5), color="red", label="mine", ax=axes)
    assert len(ax.figure.axes) == 1
    assert to_hex(_dots(ax)[0].get_facecolor()[0]) == "#ff0000"
    assert _entries(ax) == ["mine", "start", "end"]


def test_a_timeline_tells_orbits_by_their_dashes(two):
    top, bottom = timeline(two, names=["β = 8", "β = 2"], inset=False)
    policies = [line for line in top.lines if line.get_label().startswith("$π")]
    assert len(policies) == 6
    assert len({line.get_color() for line in policies}) == 3
    styles = [line.get_linestyle() for line in bottom.lines if line.get_gid() == "orbit"]
    assert len(set(styles)) == 2
    assert {line.get_linestyle() for line in policies} == set(styles)
    assert _entries(top) == ["$π_{0}$", "$π_{1}$", "$π_{2}$", "β = 8", "β = 2"]
    assert top.get_xlim() == (0, 60)


def test_timelines_one_after_the_other(two):
    axes = timeline(two[1])
    top, bottom = timeline(two[0], ax=axes)
    entropies = [line for line in bottom.lines if line.get_gid() == "orbit"]
    assert [line.get_label() for line in entropies] == ["orbit 1", "orbit 2"]
    assert len({line.get_linestyle() for line in entropies}) == 2
    assert _entries(top)[3:5] == ["orbit 1", "orbit 2"]
    assert top.get_xlim() == (0, 60)


def test_the_inset_shows_the_last_rounds_of_what_oscillates(run):
    orbit = run(rounds=2000)
    top, _ = timeline(orbit)
    (inset,) = top.child_axes
    for i, line in enumerate(sorted(inset.lines, key=lambda line: top_order(line, orbit))):
        rounds, values = line.get_data()
        assert rounds[-1] == 2000
        assert np.array_equal(values, orbit.policies[rounds, i])
    assert inset.get_title() == f"last {len(rounds)} rounds"
    turns = np.diff(values > values.mean()).sum() / 2
    assert 2 <= turns <= 6


def top_order(line, orbit):
    """Return which response a line of an inset is."""
    rounds, values = line.get_data()
    return int(np.argmin([np.abs(orbit.policies[rounds, i] - values).max() for i in range(3)]))


@pytest.mark.parametrize("options", [{"beta": 1.0}, {"keep": 7}, {"rounds": 50}])
def test_there_is_no_inset_of_what_rests_or_is_not_dense_or_leaves_out_rounds(run, options):
    top, _ = timeline(run(**{"rounds": 2000, **options}))
    assert not top.child_axes


def test_an_inset_can_be_left_out(run):
    assert not timeline(run(rounds=2000), inset=False)[0].child_axes


def test_bad_input_is_named(two, run):
    with pytest.raises(ValueError, match="names names 1 orbits; orbit has 2; give one name for"):
        simplex(two, names=["one"])
    with pytest.raises(ValueError, match=r"orbit has runs of \[3, 5\] responses"):
        simplex([run(), run(5)])
    with pytest.raises(ValueError, match="orbit is of type list"):
        simplex([])
    with pytest.raises(ValueError, match="orbit is of type float"):
        timeline([run(), 3.0])
    with pytest.raises(ValueError, match="inset is 'yes'; give True or False"):
        timeline(run(), inset="yes")
    with pytest.raises(ValueError, match=r"index is 1; the batch has shape \(\)"):
        simplex(two, index=1)
    batch = asim.FeedbackMap(
        asim.preferences.cyclic(3, advantage=0.3), beta=[1.0, 8.0], alpha=0.5
    ).run(rounds=9)
    assert len(_dots(simplex([batch, batch], index=1))) == 2
