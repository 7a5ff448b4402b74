import numpy as np
import pytest
from matplotlib import pyplot

import alignsim as asim
from alignsim.plotting import simplex


def _dots(ax):
    return next(c for c in ax.collections if c.get_array() is not None)


def _ends(ax):
    return {line.get_label(): line for line in ax.lines if line.get_label() in ("start", "end")}


def test_three_responses_are_ternary(run, ternary):
    orbit = run(start=[0.8, 0.1, 0.1])
    ax = simplex(orbit, labels=["rock", "paper", "scissors"], ax=ternary)
    assert ax is ternary
    assert (_dots(ax).get_array() == orbit.rounds).all()
    height = _dots(ax).get_offsets()[:, 1]
    top = orbit.policies[:, 0]
    assert np.corrcoef(height, top)[0, 1] == pytest.approx(1.0)
    assert [text.get_text() for text in ax.texts] == ["rock", "paper", "scissors"]
    assert ax.get_title() == "MRS-IPO, 300 rounds"


def test_more_responses_are_projected_on_a_polygon(run, axes):
    orbit = run(5)
    ax = simplex(orbit, ax=axes)
    angles = 2 * np.pi * np.arange(5) / 5
    corners = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    assert np.asarray(_dots(ax).get_offsets()) == pytest.approx(orbit.policies @ corners)
    assert [text.get_text() for text in ax.texts] == [f"$π_{{{i}}}$" for i in range(5)]


def test_start_and_end_are_marked(run, axes):
    orbit = run(5, start=[0.9, 0.025, 0.025, 0.025, 0.025])
    ends = _ends(simplex(orbit, ax=axes))
    path = _dots(axes).get_offsets()
    assert np.ravel(ends["start"].get_data()) == pytest.approx(path[0])
    assert np.ravel(ends["end"].get_data()) == pytest.approx(path[-1])


def test_start_is_not_marked_where_it_was_not_kept(run, axes):
    assert set(_ends(simplex(run(5, keep="last"), ax=axes))) == {"end"}


def test_artist_keywords_reach_the_dots(run, axes):
    assert _dots(simplex(run(5), ax=axes, s=3.0)).get_sizes() == [3.0]


def test_one_of_a_batch(axes):
    P = asim.preferences.cyclic(5, advantage=0.3)
    orbits = asim.FeedbackMap(P, beta=[[1.0, 8.0]], alpha=0.6).run(rounds=20)
    ax = simplex(orbits, index=(0, 1), ax=axes)
    assert np.ravel(_ends(ax)["end"].get_data()) == pytest.approx(_dots(ax).get_offsets()[-1])
    with pytest.raises(ValueError, match=r"index is \(\); the batch has shape \(1, 2\): give"):
        simplex(orbits, ax=axes)
    with pytest.raises(ValueError, match=r"index is \(0, 2\); the batch has shape \(1, 2\)"):
        simplex(orbits, index=(0, 2), ax=axes)
    with pytest.raises(ValueError, match=r"index is \(0, 1.5\)"):
        simplex(orbits, index=(0, 1.5), ax=axes)


def test_long_labels_are_cut_and_dollars_are_dollars(run, axes):
    names = ["x" * 50, "$1$", "c", "d", "e"]
    shown = [text.get_text() for text in simplex(run(5), labels=names, ax=axes).texts]
    assert shown == ["x" * 21 + "…", r"\$1\$", "c", "d", "e"]


def test_failed_orbit_says_why(run, ternary, tmp_path):
    ax = simplex(run(beta=1e308, alpha=1.0), ax=ternary)
    assert any("failed: " in text.get_text() for text in ax.texts)
    ax.figure.savefig(tmp_path / "failed.png")


@pytest.mark.parametrize("responses", [3, 5])
def test_makes_a_figure_by_itself(run, responses, tmp_path):
    ax = simplex(run(responses))
    assert pyplot.fignum_exists(ax.figure.number)
    ax.figure.savefig(tmp_path / "orbit.png")


def test_bad_input_is_named(run, axes):
    two = asim.FeedbackMap([[0.5, 0.7], [0.3, 0.5]], beta=1.0).run(rounds=3)
    with pytest.raises(ValueError, match=r"2 responses.*timeline"):
        simplex(two, ax=axes)
    with pytest.raises(ValueError, match=r"ax is of type Axes; .*ternary"):
        simplex(run(), ax=axes)
    with pytest.raises(ValueError, match="labels names 2 responses; orbit has 5"):
        simplex(run(5), labels=["a", "b"], ax=axes)
    with pytest.raises(ValueError, match="orbit is of type ndarray"):
        simplex(run(5).policies, ax=axes)
