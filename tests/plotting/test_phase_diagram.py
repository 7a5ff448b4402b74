import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot

import alignsim as asim
from alignsim.analysis.orbits.verdicts import Phase
from alignsim.plotting import phase_diagram

CRITICAL = np.sqrt(3 * (1 - 0.6**2)) / 0.3


def _mesh(ax):
    return next(c for c in ax.collections if isinstance(c, matplotlib.collections.QuadMesh))


def _marked(ax, label):
    """Return the rectangles (left, bottom, right, top) under a label, none if it is absent."""
    found = [c for c in ax.collections if c.get_label() == label]
    return [
        (*path.vertices.min(axis=0), *path.vertices.max(axis=0))
        for collection in found
        for path in collection.get_paths()
    ]


def _boundary(ax):
    contours = [c for c in ax.collections if isinstance(c, matplotlib.contour.ContourSet)]
    return np.concatenate([path.vertices for c in contours for path in c.get_paths()])


def _entries(ax):
    return {text.get_text() for text in ax.get_legend().get_texts()}


def _closed_form(ax):
    (line,) = (line for line in ax.lines if line.get_label().startswith("closed form"))
    return np.array(
        [pair for pair in zip(*line.get_data(), strict=True) if np.isfinite(pair).all()]
    )


def test_ground_is_the_phase_over_beta_and_lam(cycle, axes):
    ax = phase_diagram(cycle, ax=axes)
    assert ax is axes
    assert (_mesh(ax).get_array() == cycle.phase.transpose("lam", "beta").values).all()
    assert ax.get_xlim() == (0, 12)
    assert ax.get_ylim() == (0, 1)
    assert ax.get_xlabel().startswith("β")
    assert ax.get_ylabel().startswith("λ")
    assert ax.get_title() == "MRS-IPO, α = 0.6"
    assert {"converged", "invariant circle", "locked"} <= _entries(ax)


def test_boundary_and_closed_form_are_the_same_curve(cycle, axes):
    ax = phase_diagram(cycle, ax=axes)
    assert _boundary(ax).prod(axis=1) == pytest.approx(CRITICAL, rel=5e-3)
    curve = _closed_form(ax)
    assert curve.prod(axis=1) == pytest.approx(CRITICAL)
    assert curve[:, 1].max() > 0.98
    assert curve[:, 0].max() == 12
    assert "closed form, βλ = 4.619" in _entries(ax)


def test_axes_can_be_swapped(cycle, axes):
    ax = phase_diagram(cycle, x="lam", y="beta", ax=axes)
    assert (_mesh(ax).get_array() == cycle.phase.transpose("beta", "lam").values).all()
    assert _closed_form(ax).prod(axis=1) == pytest.approx(CRITICAL)


@pytest.mark.parametrize(("x", "y"), [("alpha", "beta"), ("beta", "alpha")])
def test_alpha_can_be_an_axis(x, y, axes):
    P = asim.preferences.cyclic(3, advantage=0.3)
    alpha, beta = np.linspace(0, 1, 11), np.linspace(0, 12, 9)
    ds = asim.sweep(P, alpha=alpha, beta=beta, lam=0.8, rounds=100, progress=False)
    curve = _closed_form(phase_diagram(ds, x=x, y=y, ax=axes))
    on_alpha, on_beta = curve.T if x == "alpha" else curve.T[::-1]
    assert len(curve) > 5
    assert on_alpha**2 + (0.3 * 0.8 * on_beta) ** 2 / 3 == pytest.approx(1.0)


def test_undecided_is_hatched(cycle, axes):
    cycle.phase[10:13, 5:7] = Phase.UNDECIDED
    ax = phase_diagram(cycle, ax=axes)
    left, bottom, right, top = np.array(_marked(ax, "undecided")).T
    assert left.min() == pytest.approx(3.8)
    assert right.max() == pytest.approx(5.0)
    assert bottom == pytest.approx(0.225)
    assert top == pytest.approx(0.325)
    assert "undecided" in _entries(ax)


def test_failed_is_marked_and_has_no_phase(cycle, axes):
    cycle.status[4, 7] = 1
    cycle.phase[4, 7] = Phase.UNDECIDED
    ax = phase_diagram(cycle, ax=axes)
    assert len(_marked(ax, "failed")) == 1
    assert not _marked(ax, "undecided")
    assert _mesh(ax).get_array().mask[7, 4]
    assert "failed" in _entries(ax)


def test_collapsed_is_stippled(cycle, axes):
    assert not _marked(phase_diagram(cycle, ax=axes), "collapsed")
    cycle.collapsed[-1, :] = True
    ax = phase_diagram(cycle, ax=axes)
    assert _marked(ax, "collapsed") == [pytest.approx((11.8, 0.0, 12.0, 1.0))]


def test_what_does_not_occur_is_not_in_the_legend(cycle, axes):
    calm = cycle.sel(beta=slice(0, 4))
    assert _entries(phase_diagram(calm, ax=axes)) == {"converged"}


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_closed_form_where_none_is_known(cycle, value, axes):
    ax = phase_diagram(cycle.assign_coords(critical_signal=value), ax=axes)
    assert not ax.lines
    assert "boundary, ρ = 1" in _entries(ax)


def test_no_boundary_without_fixed_points(cycle, axes):
    cycle["spectral_radius"] = cycle.spectral_radius * np.nan
    assert "boundary, ρ = 1" not in _entries(phase_diagram(cycle, ax=axes))


def test_order_of_the_sweep_does_not_matter(cycle, axes):
    shuffled = cycle.isel(beta=slice(None, None, -1)).transpose("lam", "beta")
    ax = phase_diagram(shuffled, ax=axes)
    assert (_mesh(ax).get_array() == cycle.phase.transpose("lam", "beta").values).all()


def test_numbers_have_a_bar_and_nan_is_hatched(cycle, axes):
    cycle.spectral_radius[0, :] = np.nan
    ax = phase_diagram(cycle, value="spectral_radius", ax=axes, vmax=2.0)
    drawn = _mesh(ax).get_array()
    assert drawn.mask[:, 0].all()
    assert (drawn[:, 1:] == cycle.spectral_radius.values.T[:, 1:]).all()
    assert _mesh(ax).get_clim()[1] == 2.0
    assert _marked(ax, "no value") == [pytest.approx((0.0, 0.0, 0.2, 1.0))]
    assert ax.figure.axes[1].get_ylabel() == "spectral radius ρ at the fixed point"


def test_a_bar_is_labelled_in_words(cycle, axes):
    ax = phase_diagram(cycle, value="entropy_mean", ax=axes)
    assert ax.figure.axes[-1].get_ylabel() == "entropy, averaged over time (nats)"


def test_a_variable_of_ones_own_is_labelled_by_its_long_name(cycle, axes):
    rate = cycle.entropy.assign_attrs(long_name="rate of loss", units="nats a round")
    ax = phase_diagram(cycle.assign(rate=rate), value="rate", ax=axes)
    assert ax.figure.axes[-1].get_ylabel() == "rate of loss (nats a round)"


@pytest.mark.parametrize("value", ["status", "fixed_point_status", "collapsed"])
def test_codes_are_not_drawn_as_numbers(cycle, axes, value):
    with pytest.raises(ValueError, match=f"value is '{value}', which holds codes.*draw one of ph"):
        phase_diagram(cycle, value=value, ax=axes)


def test_unknown_phases_get_colours_of_their_own(cycle, axes):
    names = cycle.phase.attrs["flag_meanings"].split()
    names[Phase.CIRCLE] = "quasiperiodic"
    cycle.phase.attrs["flag_meanings"] = " ".join(names)
    ax = phase_diagram(cycle, ax=axes)
    assert "quasiperiodic" in _entries(ax)
    assert len(set(map(tuple, _mesh(ax).cmap(np.arange(4))))) == 4


def test_survives_a_file(cycle, axes, tmp_path):
    cycle.to_netcdf(tmp_path / "sweep.nc", engine="scipy")
    with xr.open_dataset(tmp_path / "sweep.nc", engine="scipy") as again:
        ax = phase_diagram(again, ax=axes)
    assert (_mesh(ax).get_array() == cycle.phase.values.T).all()


def test_draws_to_the_end_without_a_warning(cycle, axes, tmp_path):
    cycle.status[3:5, 3:9] = 1
    cycle.phase[10:13, 5:7] = Phase.UNDECIDED
    cycle.collapsed[-3:, 4:] = True
    for kind in ("png", "svg", "pdf"):
        phase_diagram(cycle, ax=axes).figure.savefig(tmp_path / f"picture.{kind}")


def test_given_axes_leave_pyplot_alone(cycle, axes):
    before = dict(matplotlib.rcParams)
    phase_diagram(cycle, ax=axes)
    assert pyplot.get_fignums() == []
    assert dict(matplotlib.rcParams) == before


def test_makes_a_figure_by_itself(cycle):
    assert pyplot.fignum_exists(phase_diagram(cycle).figure.number)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda ds: ds.phase, {}, "ds is of type DataArray"),
        (lambda ds: ds.drop_vars("phase"), {}, "ds has no variable 'phase'"),
        (lambda ds: ds, {"value": "entropi"}, "ds has no variable 'entropi'"),
        (lambda ds: ds.isel(lam=0), {}, "y is 'lam', which ds does not sweep .*: beta"),
        (lambda ds: ds.isel(lam=[0]), {}, "y is 'lam', of which ds has one value"),
        (lambda ds: ds.isel(lam=[0, 0]), {}, "y is 'lam', of which ds has 0 twice"),
        (lambda ds: ds.expand_dims(matrix=2), {}, "'matrix' of size 2; .*population"),
        (
            lambda ds: ds.drop_vars("alpha").expand_dims(alpha=2),
            {},
            r"'alpha' of size 2; .*ds.isel\(alpha=0\)",
        ),
        (lambda ds: ds, {"x": "gamma"}, "x is 'gamma'"),
        (lambda ds: ds, {"x": "lam", "y": "lam"}, "x and y are both 'lam'"),
    ],
)
def test_bad_input_is_named(cycle, change, options, message, axes):
    with pytest.raises(ValueError, match=message):
        phase_diagram(change(cycle), ax=axes, **options)


def test_lost_flags_are_named(cycle, axes):
    cycle.phase.attrs.clear()
    with pytest.raises(ValueError, match="keep_attrs"):
        phase_diagram(cycle, ax=axes)
