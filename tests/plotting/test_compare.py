import numpy as np
import pytest
from matplotlib.figure import Figure

import alignsim as asim

P = asim.preferences.cyclic(3, advantage=0.3)


@pytest.fixture(scope="module")
def ds():
    return asim.compare(["mrs", "extragradient"], P, beta=2.0, rounds=30, mrs={"alpha": 0.6})


def test_lines_are_distances_over_optima(ds):
    top, table = asim.plotting.compare(ds, ax=Figure().subplots(2))
    assert [line.get_label() for line in top.lines] == ["mrs", "extragradient"]
    x, y = top.lines[1].get_data()
    assert np.array_equal(x, 2 * ds["round"])
    assert np.array_equal(y, ds["distance_to_rest"].sel(loop="extragradient"))
    assert top.get_yscale() == "log"
    colours = [line.get_color() for line in top.lines]
    assert [line.get_color() for line in table.lines] == colours


def test_the_table_has_limits_and_rates(ds):
    _, table = asim.plotting.compare(ds, ax=Figure().subplots(2))
    texts = [text.get_text() for text in table.texts]
    assert texts[:4] == ["method", "optima/e-fold", "stable to β", "long run"]
    rate = 1 / -np.log(float(ds["spectral_radius"][0]))
    assert texts[4:7] == ["mrs", f"{rate:.3g}", f"{0.8 / (0.3 / np.sqrt(3)):.3g}"]


def test_colours_and_bad_input(ds):
    top, _ = asim.plotting.compare(ds, colors={"mrs": "red"}, ax=Figure().subplots(2))
    assert top.lines[0].get_color() == "red"
    batch = asim.compare(["mrs"], P, beta=[1.0, 2.0], rounds=3)
    with pytest.raises(ValueError, match=r"ds is of a batch.*ds.isel\(map_0=0\)"):
        asim.plotting.compare(batch)
    asim.plotting.compare(batch.isel(map_0=1), ax=Figure().subplots(2))
    with pytest.raises(ValueError, match=r"alignsim\.compare returns"):
        asim.plotting.compare(ds["policy"])
