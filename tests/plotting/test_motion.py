import numpy as np
import pytest
from matplotlib import pyplot

import alignsim as asim
from alignsim.plotting import animate, basins, motion, save

CYCLE = asim.preferences.cyclic(3, advantage=0.3)
FIELD = asim.FeedbackMap(CYCLE, beta=4.0, alpha=0.6).run(asim.simplex.lattice(6), rounds=1)


def _arrows(ax):
    return next(c for c in ax.collections if hasattr(c, "U"))


def test_an_arrow_points_where_the_round_goes(ternary):
    arrows = _arrows(motion(FIELD, ax=ternary))
    corners = ternary.transProjection.transform(np.eye(3))
    here, there = (FIELD.policies[:, f] @ corners for f in (0, 1))
    np.testing.assert_allclose(arrows.get_offsets(), here, atol=1e-12)
    step, drawn = there - here, np.stack([arrows.U, arrows.V], axis=-1)
    length = np.linalg.norm(step, axis=-1)
    moving = length > 1e-9
    cosine = (step * drawn).sum(axis=-1) / (length * np.linalg.norm(drawn, axis=-1))
    np.testing.assert_allclose(cosine[moving], 1.0)
    assert (np.linalg.norm(drawn, axis=-1) <= length + 1e-12).all()
    assert np.linalg.norm(drawn, axis=-1).max() < 0.15
    moved = 0.5 * np.abs(np.diff(FIELD.policies, axis=1)[:, 0]).sum(axis=-1)
    np.testing.assert_allclose(arrows.get_array(), moved)


def test_short_ways_are_drawn_as_long_as_they_are(ternary):
    calm = asim.FeedbackMap(CYCLE, beta=0.1, alpha=0.99).run(asim.simplex.lattice(3), rounds=1)
    arrows = _arrows(motion(calm, ax=ternary))
    corners = ternary.transProjection.transform(np.eye(3))
    step = np.diff(calm.policies @ corners, axis=1)[:, 0]
    np.testing.assert_allclose(np.stack([arrows.U, arrows.V], axis=-1), step, atol=1e-15)


def test_one_orbit_has_an_arrow_a_round(run, axes):
    arrows = _arrows(motion(run(5, rounds=12), ax=axes))
    assert len(arrows.get_offsets()) == 12


def test_arrows_of_one_colour_lie_over_basins(ternary):
    ax = basins(asim.basins(asim.FeedbackMap(CYCLE, beta=4.0), resolution=6), ax=ternary)
    motion(FIELD, color="black", ax=ax)
    assert len(ax.figure.axes) == 1
    assert ax.get_title() == "basins of attraction, 36 starts"
    assert len(ax.texts) == 3


def test_what_fails_has_no_arrow(ternary):
    broken = asim.FeedbackMap(CYCLE, beta=1e308, alpha=1.0).run(asim.simplex.lattice(2), rounds=2)
    arrows = _arrows(motion(broken, ax=ternary))
    assert len(arrows.get_offsets()) < 8


def test_bad_input_is_named(run):
    with pytest.raises(ValueError, match="orbits is of type FeedbackMap"):
        motion(asim.FeedbackMap(CYCLE, beta=1.0))
    with pytest.raises(ValueError, match="orbits keeps 2 of 301 rounds"):
        motion(run(keep=300))
    two = asim.FeedbackMap([[0.5, 0.7], [0.3, 0.5]], beta=1.0).run(rounds=3)
    with pytest.raises(ValueError, match=r"orbits has 2 responses.*timeline"):
        motion(two)
    with pytest.raises(ValueError, match=r"orbit has 2 responses.*timeline"):
        animate(two)
    with pytest.raises(ValueError, match="frames is 0"):
        animate(run(), frames=0)


def test_a_film_shows_a_round_a_frame_with_its_trail(run, ternary, tmp_path):
    from PIL import Image

    orbit = run(rounds=20)
    film = animate(orbit, labels=["a", "b", "c"], frames=12, trail=4, ax=ternary)
    path = save(film, tmp_path / "film.gif", dpi=40)
    with Image.open(path) as image:
        assert image.n_frames == 12
    corners = ternary.transProjection.transform(np.eye(3))
    past = orbit.policies[7:12] @ corners
    (dots,) = ternary.collections
    np.testing.assert_allclose(dots.get_offsets(), past)
    assert (np.diff(dots.get_alpha()) > 0).all()
    np.testing.assert_allclose(np.ravel(ternary.lines[-1].get_data()), past[-1])
    assert ternary.get_title() == "MRS-IPO, round 11"
    assert not pyplot.get_fignums()
    assert [each.name for each in tmp_path.iterdir()] == ["film.gif"]
