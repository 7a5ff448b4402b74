import numpy as np
import pytest
from matplotlib.colors import to_hex

import alignsim as asim
from alignsim.plotting import orbit_diagram

P = asim.preferences.cyclic(3, advantage=0.5)


@pytest.fixture(scope="module")
def ds():
    axis = ("beta", 0, 24)
    return asim.sweeps.orbit_diagram(P, axis, alpha=0.5, lam=1, points=49, progress=False)


def test_every_visit_is_a_dot_in_the_colour_of_its_phase(ds, axes):
    ax = orbit_diagram(ds, response=1, ax=axes)
    names = ds.phase.attrs["flag_meanings"].split()
    for dots in ax.collections:
        here = ds.phase.values == names.index(dots.get_label().replace(" ", "_"))
        x, y = np.asarray(dots.get_offsets()).T
        np.testing.assert_array_equal(np.unique(x), ds.beta.values[here])
        np.testing.assert_array_equal(y, ds.policy.values[here, :, 1].ravel())
    assert len({to_hex(dots.get_facecolor()[0]) for dots in ax.collections}) > 3
    assert ax.get_ylabel() == "probability of $π_{1}$"
    assert ax.get_title() == "MRS-IPO, α = 0.5, λ = 1"
    assert ax.get_xlim() == (0, 24)


def test_the_onset_is_where_the_closed_form_says(ds, axes):
    (line,) = orbit_diagram(ds, ax=axes).lines
    assert line.get_xdata()[0] == pytest.approx(ds.critical_signal.item(), rel=1e-3)


def test_a_log_axis_and_names_are_taken(axes):
    axis = ("beta", 0.5, 8, "log")
    few = asim.sweeps.orbit_diagram(P, axis, alpha=0.5, lam=1, points=5, progress=False)
    ax = orbit_diagram(few, labels=["a", "b", "c"], colors={"converged": "black"}, ax=axes)
    assert ax.get_xscale() == "log"
    assert ax.get_ylabel() == "probability of a"
    assert to_hex(ax.collections[0].get_facecolor()[0]) == "#000000"


def test_survives_a_file_and_makes_a_figure_by_itself(ds, tmp_path):
    import xarray as xr

    ds.to_netcdf(tmp_path / "orbits.nc", engine="scipy")
    with xr.open_dataset(tmp_path / "orbits.nc", engine="scipy") as again:
        orbit_diagram(again).figure.savefig(tmp_path / "orbits.png")


def test_bad_input_is_named(ds):
    with pytest.raises(ValueError, match=r"no variable 'policy'.*sweeps\.orbit_diagram"):
        orbit_diagram(asim.sweep(P, beta=[1.0, 2.0], rounds=3, progress=False))
    with pytest.raises(ValueError, match=r"response is 3; the batch has shape \(3,\)"):
        orbit_diagram(ds, response=3)
