"""The picture of an adaptive phase diagram: the labels below, the solved boundary above."""

import matplotlib
import numpy as np
import pytest
import xarray as xr

import alignsim as asim
from alignsim.plotting import phase_diagram as draw
from alignsim.sweeps.phase_diagram import phase_diagram

CRITICAL = np.sqrt(3 * (1 - 0.6**2)) / 0.3


@pytest.fixture(scope="module")
def _diagram():
    return phase_diagram(
        asim.preferences.cyclic(3, advantage=0.3), alpha=0.6, resolution=64, progress=False
    )


@pytest.fixture
def diagram(_diagram):
    """A diagram of rock-paper-scissors, to change at will."""
    return _diagram.copy(deep=True)


def _mesh(ax):
    return next(c for c in ax.collections if isinstance(c, matplotlib.collections.QuadMesh))


def _line(ax, start):
    (line,) = (line for line in ax.lines if line.get_label().startswith(start))
    return np.array(line.get_data())


def _entries(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def _with_phases(diagram, names):
    diagram.phase.attrs.update(
        flag_values=np.arange(len(names), dtype=np.int8), flag_meanings=" ".join(names)
    )
    diagram.phase[:] = np.arange(diagram.phase.size).reshape(diagram.phase.shape) % len(names)


def test_the_ground_is_the_phase_over_the_axes_of_the_diagram(diagram, axes):
    ax = draw(diagram, ax=axes)
    np.testing.assert_array_equal(_mesh(ax).get_array(), diagram.phase)
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 12), (0, 1))
    assert (ax.get_xlabel()[0], ax.get_ylabel()[0]) == ("β", "λ")
    assert ax.get_title() == "MRS-IPO, α = 0.6"
    assert {"stable", "unstable", "boundary, ρ = 1", "closed form, βλ = 4.619"} == set(_entries(ax))


def test_the_boundary_is_the_solved_curve(diagram, axes):
    x, y = _line(draw(diagram, ax=axes), "boundary")
    np.testing.assert_array_equal(x, diagram.boundary_x)
    assert x * y == pytest.approx(CRITICAL, rel=1e-9)


def test_curves_are_drawn_apart(diagram, axes):
    diagram.boundary_curve[20:] = 1
    x, y = _line(draw(diagram, ax=axes), "boundary")
    assert np.flatnonzero(np.isnan(x)).tolist() == np.flatnonzero(np.isnan(y)).tolist() == [20]
    np.testing.assert_array_equal(np.delete(y, 20), diagram.boundary_y)


@pytest.mark.parametrize("given", [{"x": "lam"}, {"y": "beta"}, {"x": "lam", "y": "beta"}])
def test_axes_can_be_swapped(diagram, axes, given):
    ax = draw(diagram, ax=axes, **given)
    np.testing.assert_array_equal(_mesh(ax).get_array(), diagram.phase.values.T)
    assert (ax.get_xlabel()[0], ax.get_ylabel()[0]) == ("λ", "β")
    np.testing.assert_array_equal(_line(ax, "boundary")[0], diagram.boundary_y)


def test_the_axes_of_the_diagram_and_its_scales_are_taken(axes):
    ds = phase_diagram(
        asim.preferences.cyclic(3, advantage=0.3), progress=False,
        x=("beta", 0.5, 50, "log"), y=("alpha", 0, 1), lam=0.5, resolution=64,
    )  # fmt: skip
    ax = draw(ds, ax=axes)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    assert (ax.get_xlim(), ax.get_ylabel()[0]) == ((0.5, 50), "α")
    x, y = _line(ax, "boundary")
    assert y**2 + (0.3 * 0.5 * x) ** 2 / 3 == pytest.approx(1.0)
    assert "undecided" in _entries(ax)


def test_disagreement_is_hatched(diagram, axes):
    assert "orbit and stability disagree" not in _entries(draw(diagram, ax=axes))
    diagram["disagreement"] = xr.zeros_like(diagram.evaluated)
    diagram.disagreement[10:13, 5:7] = True
    ax = draw(diagram, ax=axes)
    assert "orbit and stability disagree" in _entries(ax)
    (marked,) = (c for c in ax.collections if c.get_label() == "orbit and stability disagree")
    corners = np.concatenate([path.vertices for path in marked.get_paths()])
    assert corners.min(axis=0) == pytest.approx([4.5 * 12 / 64, 9.5 / 64])
    assert corners.max(axis=0) == pytest.approx([6.5 * 12 / 64, 12.5 / 64])


def test_every_label_has_a_colour_of_its_own_that_is_light_or_dark_in_grey_too(diagram, axes):
    names = ["converged", "cycle", "invariant_circle", "locked", "chaotic", "drifting", "undecided"]
    _with_phases(diagram, names)
    ax = draw(diagram, ax=axes)
    assert [name for name in _entries(ax) if "circle" in name] == ["invariant circle"]
    colours = _mesh(ax).cmap(np.arange(len(names)))[:, :3]
    grey = np.sort(colours @ [0.2126, 0.7152, 0.0722])
    assert np.diff(grey).min() > 0.02
    moving = colours[1:5] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(moving) < -0.1).all()


def test_no_boundary_where_there_is_none(diagram, axes):
    calm = diagram.isel(vertex=slice(0, 0))
    assert "boundary, ρ = 1" not in _entries(draw(calm, ax=axes))


def test_survives_a_file_and_draws_to_the_end(diagram, axes, tmp_path):
    diagram.to_netcdf(tmp_path / "diagram.nc", engine="scipy")
    with xr.open_dataset(tmp_path / "diagram.nc", engine="scipy") as again:
        ax = draw(again, ax=axes)
    np.testing.assert_array_equal(_mesh(ax).get_array(), diagram.phase)
    for kind in ("png", "svg", "pdf"):
        ax.figure.savefig(tmp_path / f"picture.{kind}")


def test_a_sweep_by_stability_can_be_drawn(axes):
    ds = asim.sweep(
        asim.preferences.cyclic(3, advantage=0.3), beta=np.linspace(0, 12, 9), lam=[0.0, 0.5, 1.0],
        alpha=0.6, by="stability", progress=False,
    )  # fmt: skip
    assert {"stable", "unstable", "boundary, ρ = 1"} <= set(_entries(draw(ds, ax=axes)))


def test_a_parameter_that_is_on_no_axis_is_named(diagram, axes):
    with pytest.raises(ValueError, match="x is 'alpha', which ds does not sweep"):
        draw(diagram, x="alpha", ax=axes)


# By orbit: periods and rotation numbers


@pytest.fixture(scope="module")
def _orbits():
    return phase_diagram(
        asim.preferences.cyclic(3, advantage=0.3), x=("beta", 0, 48), y=("alpha", 0, 0.96), lam=1.0,
        by="orbit", resolution=32, progress=False,
    )  # fmt: skip


@pytest.fixture
def orbits(_orbits):
    """A diagram of tongues, to change at will."""
    return _orbits.copy(deep=True)


def _phase(ds, name):
    return (ds.phase == ds.phase.flag_meanings.split().index(name)).values


def test_the_commonest_periods_have_colours_of_their_own(orbits, axes):
    ax = draw(orbits, value="period", ax=axes)
    bar = ax.figure.axes[1]
    names = [text.get_text() for text in bar.get_yticklabels()]
    assert (names[:2], names[-1], bar.get_ylabel()) == (["none", "1"], "other", "period (rounds)")
    moving = orbits.period.values[orbits.period.values > 1]
    values, counts = np.unique(moving, return_counts=True)
    assert len(names) == 10 < len(values)
    shown = [int(name) for name in names[2:-1]]
    assert shown == sorted(shown)
    assert {3, 6} <= set(shown)
    assert counts[np.isin(values, shown)].min() >= counts[~np.isin(values, shown)].max()
    drawn = np.array(names)[_mesh(ax).get_array()]
    expected = np.where(orbits.period == 0, "none", orbits.period.astype(int).astype(str))
    own = np.isin(expected, names)
    np.testing.assert_array_equal(drawn[own], expected[own])
    assert (drawn[~own] == "other").all()
    colours = _mesh(ax).cmap(np.arange(len(names)))
    assert len(np.unique(colours, axis=0)) == len(names)


def test_an_undecided_period_is_hatched_and_has_no_colour(orbits, axes):
    orbits.phase[4:6, 20:23] = orbits.phase.flag_meanings.split().index("undecided")
    orbits.period[4:6, 20:23] = 0
    ax = draw(orbits, value="period", ax=axes)
    assert "undecided" in _entries(ax)
    assert _mesh(ax).get_array().mask[4:6, 20:23].all()
    assert _mesh(ax).get_array().mask.sum() == 6


def test_rotation_numbers_are_drawn_over_the_phases_of_what_does_not_turn(orbits, axes):
    orbits.phase[4, 20] = orbits.phase.flag_meanings.split().index("undecided")
    orbits.rotation_number[4, 20] = np.nan
    ax = draw(orbits, value="rotation_number", ax=axes)
    numbers, ground = (c for c in ax.collections if isinstance(c, matplotlib.collections.QuadMesh))
    still = np.isnan(orbits.rotation_number.values)
    assert still[_phase(orbits, "converged")].all()
    np.testing.assert_array_equal(numbers.get_array().mask, still)
    np.testing.assert_array_equal(ground.get_array().mask, ~still)
    np.testing.assert_array_equal(ground.get_array()[still], orbits.phase.values[still])
    assert {"converged", "undecided"} <= set(_entries(ax))
    assert "locked" not in _entries(ax)
    assert ax.figure.axes[1].get_ylabel() == "rotation number (turns a round)"


@pytest.mark.parametrize("value", ["phase", "period", "rotation_number"])
def test_a_small_picture_keeps_room_for_the_plane(orbits, value, tmp_path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.3, 2.4), layout="constrained")
    ax = draw(orbits, value=value, ax=figure.add_subplot())
    figure.savefig(tmp_path / "small.png")
    box = ax.get_position()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("β", "α")
    assert box.width > 0.5
    assert box.height > 0.35
