"""The picture of what is watched: which line is where, signals, refusals."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import alignsim as asim

P = asim.preferences.cyclic(3, advantage=0.3)
LOOP = asim.FeedbackMap(P, beta=[4.0, 1.0], alpha=0.6)


@pytest.fixture(scope="module")
def batch():
    return asim.diagnostics(LOOP, LOOP.run([0.5, 0.3, 0.2], rounds=60))


def panels():
    return Figure().subplots(3)


def test_every_number_has_a_line_in_its_panel(batch):
    ds = batch.isel(map_0=0)
    axes = asim.plotting.diagnostics(ds, ax=panels())
    likelihoods, nats, probabilities = axes
    for ax, names in (
        (likelihoods, ["chosen_log_likelihood", "rejected_log_likelihood", "margin"]),
        (nats, ["entropy", "top_entropy", "kl_to_reference"]),
        (
            probabilities,
            ["top_mass", "uncompared_mass", "win_rate_reference", "win_rate_offline",
             "duality_gap"],
        ),
    ):  # fmt: skip
        for line, name in zip(ax.lines, names, strict=False):
            np.testing.assert_array_equal(line.get_ydata(), ds[name])
            np.testing.assert_array_equal(line.get_xdata(), ds["round"])
    assert axes[-1].get_xlabel() == "round"


def test_signals_are_marked_where_they_sound(batch):
    ds = batch.isel(map_0=0)
    axes = asim.plotting.diagnostics(ds, ax=panels())
    for ax, name in ((axes[1], "entropy_alarm"), (axes[2], "mass_alarm")):
        assert ax.lines[-1].get_xdata() == [int(ds[name])] * 2
        assert ax.lines[-1].get_label() in ("entropy falls", "mass shrinks")
    quiet = ds.assign(entropy_alarm=-1, mass_alarm=-1)
    axes = asim.plotting.diagnostics(quiet, ax=panels())
    assert [len(ax.lines) for ax in axes] == [3, 3, 5]


def test_pairs_without_an_offline_policy(batch):
    ds = asim.diagnostics(P, LOOP.run(rounds=5), pair_weights=np.ones((3, 3))).isel(map_0=1)
    axes = asim.plotting.diagnostics(ds, ax=panels(), colors={"duality gap": "#123456"})
    labels = {line.get_label(): line.get_color() for line in axes[2].lines}
    assert "beats offline" not in labels
    assert labels["duality gap"] == "#123456"


def test_what_is_no_dataset_of_one_map_is_refused(batch):
    with pytest.raises(ValueError, match=r"ds is of a batch.*ds.isel\(map_0=0\)"):
        asim.plotting.diagnostics(batch)
    with pytest.raises(ValueError, match=r"alignsim\.diagnostics returns"):
        asim.plotting.diagnostics(batch["margin"])
    with pytest.raises(ValueError, match="time is 'root'"):
        asim.plotting.diagnostics(batch.isel(map_0=0), time="root")
