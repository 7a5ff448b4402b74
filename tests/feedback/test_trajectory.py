"""The result of a run: what its properties say, and its Dataset."""

import dataclasses

import numpy as np
import pytest

import alignsim as asim
from alignsim.feedback.status import MEANINGS, REASONS
from alignsim.kernels import status

P = asim.preferences.cyclic(3, advantage=0.3)
REFERENCE = [0.5, 0.3, 0.2]


@pytest.fixture(scope="module")
def orbit():
    loop = asim.FeedbackMap(P, beta=[[2.0], [5.0]], alpha=[0.1, 0.6, 0.8], reference=REFERENCE)
    return loop.run(rounds=20, keep=5)


def test_its_measures_are_what_their_names_say(orbit):
    pi = orbit.policies
    assert (
        np.abs(pi - np.exp(orbit.logits) / np.exp(orbit.logits).sum(-1, keepdims=True)).max()
        < 1e-15
    )
    entropy = -(pi * np.log(pi)).sum(axis=-1)
    assert orbit.entropy.shape == (2, 3, 5)
    assert np.abs(orbit.entropy - entropy).max() < 1e-14
    assert np.abs(orbit.effective_support - np.exp(entropy)).max() < 1e-13
    divergence = (pi * np.log(pi / REFERENCE)).sum(axis=-1)
    assert np.abs(orbit.kl_to_reference - divergence).max() < 1e-14
    assert (orbit.kl_to_reference >= 0).all()
    assert np.array_equal(orbit.final, pi[..., -1, :])
    assert np.array_equal(orbit.final_logits, orbit.logits[..., -1, :])
    assert np.array_equal(orbit.cycle_strength, orbit.policy_variance.mean(axis=-1))
    assert not orbit.failed.any()


def test_measures_of_a_collapsed_orbit_stay_exact():
    loop = asim.FeedbackMap([[0.5, 0.9], [0.1, 0.5]], beta=1.0, alpha=1.0)
    orbit = loop.run(start_logits=[60.0, -60.0], rounds=1)
    assert orbit.entropy[0] == pytest.approx(np.exp(-120.0) * 121.0, rel=1e-12)
    assert orbit.kl_to_reference[0] == pytest.approx(np.log(2.0), rel=1e-12)
    assert orbit.effective_support[0] == 1.0


def test_it_cannot_be_changed_by_assignment(orbit):
    with pytest.raises(dataclasses.FrozenInstanceError):
        orbit.burn_in = 3


def test_every_status_code_has_a_name_and_a_reason():
    codes = {value for name, value in vars(status).items() if name.isupper()}
    assert set(MEANINGS) == set(REASONS) == codes
    assert all(" " not in name for name in MEANINGS.values())


def test_reason_names_the_instance(orbit):
    assert "[1, 2]" in orbit.reason((1, 2))
    assert "ran to the end" in orbit.reason((1, 2))
    alone = asim.FeedbackMap(P, beta=1.0).run(rounds=1)
    assert alone.reason() == "ran to the end"


@pytest.mark.parametrize("index", [(), (2, 0), (0, 0, 0)])
def test_reason_asks_for_an_index_that_there_is(orbit, index):
    with pytest.raises((ValueError, IndexError), match=r"index|indices|instance"):
        orbit.reason(index)


def test_the_dataset_holds_what_the_trajectory_holds(orbit):
    ds = orbit.to_xarray()
    assert dict(ds.sizes) == {"map_0": 2, "map_1": 3, "round": 5, "response": 3}
    assert ds["round"].values.tolist() == [0, 5, 10, 15, 20]
    same = {
        "policy": orbit.policies, "logits": orbit.logits, "entropy": orbit.entropy,
        "kl_to_reference": orbit.kl_to_reference, "policy_mean": orbit.policy_mean,
        "policy_variance": orbit.policy_variance, "cycle_strength": orbit.cycle_strength,
        "entropy_mean": orbit.entropy_mean, "entropy_min": orbit.entropy_min,
        "status": orbit.status,
    }  # fmt: skip
    assert set(ds.data_vars) == set(same)
    for name, values in same.items():
        assert np.array_equal(ds[name].values, values), name
    assert ds.policy.dims == ("map_0", "map_1", "round", "response")
    assert ds.policy_mean.dims == ("map_0", "map_1", "response")
    assert ds.cycle_strength.dims == ("map_0", "map_1")
    assert ds.attrs == {
        "objective": "ipo", "scheme": "mrs", "sampler": "product", "burn_in": 10,
    }  # fmt: skip
    flags = dict(zip(ds.status.attrs["flag_values"], ds.status.attrs["flag_meanings"].split(),
                     strict=True))  # fmt: skip
    assert flags[0] == "ok"


def test_the_dataset_of_a_single_map_has_no_batch_dimension():
    ds = asim.FeedbackMap(P, beta=1.0).run(rounds=4, keep="last").to_xarray()
    assert dict(ds.sizes) == {"round": 1, "response": 3}


@pytest.mark.parametrize("engine", ["scipy", "netcdf4"])
def test_the_dataset_survives_a_file(orbit, engine, tmp_path):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip({"scipy": "scipy", "netcdf4": "netCDF4"}[engine])
    ds = orbit.to_xarray()
    ds.to_netcdf(tmp_path / "orbit.nc", engine=engine)
    with xarray.open_dataset(tmp_path / "orbit.nc", engine=engine) as back:
        xarray.testing.assert_equal(back.load(), ds)
        assert back.attrs["objective"] == "ipo"
