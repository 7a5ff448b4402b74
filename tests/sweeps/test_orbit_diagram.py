"""Orbit diagrams hold rounds on the attractor that classify finds."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.sweeps import orbit_diagram

P = asim.preferences.cyclic(3, advantage=0.5)
AXIS = ("beta", 0.0, 24.0)


@pytest.fixture(scope="module")
def ds():
    return orbit_diagram(P, AXIS, alpha=0.5, lam=1.0, points=49, visits=60, progress=False)


def test_visits_follow_one_another_by_the_map(ds):
    loop = asim.FeedbackMap(P, beta=ds.beta.values, alpha=0.5)
    last = ds.policy.values[:, -2]
    good = np.isfinite(last).all(axis=-1) & (last > 0).all(axis=-1)
    after = loop.take(np.flatnonzero(good)).run(last[good], 1).final
    np.testing.assert_allclose(ds.policy.values[good, -1], after, atol=1e-9)


def test_a_label_is_that_of_classify_and_its_visits_repeat_so(ds):
    seen = asim.classify(asim.FeedbackMap(P, beta=ds.beta.values, alpha=0.5))
    np.testing.assert_array_equal(ds.phase, seen.code)
    np.testing.assert_array_equal(ds.period, seen.period)
    for one in range(49):
        if period := int(ds.period[one]):
            visits = ds.policy.values[one]
            np.testing.assert_allclose(visits[period:], visits[:-period], atol=1e-6)
    assert len(np.unique(ds.period)) > 3


def test_a_converged_orbit_has_no_transient(ds):
    """At β = 2.5, near the onset at 3, thousands of rounds would be needed."""
    calm = ds.sel(beta=slice(0.5, 2.5)).policy
    np.testing.assert_allclose(calm, 1 / 3, atol=1e-9)


@pytest.mark.parametrize(("name", "fixed"), [("alpha", {"beta": 4.0, "lam": 1.0}),
                                             ("lam", {"beta": 8.0, "alpha": 0.5})])  # fmt: skip
def test_every_parameter_can_be_the_axis(name, fixed):
    ds = orbit_diagram(P, (name, 0.1, 0.9), **fixed, points=5, visits=4, progress=False)
    assert ds.policy.dims == (name, "visit", "response")
    assert ds.policy.shape == (5, 4, 3)
    assert {n: ds[n].item() for n in fixed} == fixed
    assert ds.critical_signal.dims == (("alpha",) if name == "alpha" else ())
    signal = np.sqrt(3 * (1 - ds.alpha.values**2)) / 0.5
    np.testing.assert_allclose(ds.critical_signal, signal)


def test_the_result_does_not_depend_on_threads_or_on_other_points(ds):
    one = orbit_diagram(P, AXIS, alpha=0.5, lam=1.0, points=49, visits=60, threads=1,
                        progress=False)  # fmt: skip
    np.testing.assert_array_equal(one.policy, ds.policy)
    half = orbit_diagram(P, AXIS, alpha=0.5, lam=1.0, points=25, visits=60, progress=False)
    np.testing.assert_array_equal(half.policy, ds.policy[::2])


def test_what_fails_is_nan():
    ds = orbit_diagram(P, ("beta", 1.0, 1e308), alpha=1.0, lam=1.0, points=3, visits=2,
                       progress=False)  # fmt: skip
    assert np.isfinite(ds.policy.values[0]).all()
    assert np.isin(ds.phase.values[1:], [5, 6]).all()


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="beta is missing; give a number, or an axis for it"):
        orbit_diagram(P, ("alpha", 0, 1))
    with pytest.raises(ValueError, match="beta is given twice, as a number and on x"):
        orbit_diagram(P, AXIS, alpha=0.5, beta=1.0, lam=1.0)
    with pytest.raises(ValueError, match="points is 1"):
        orbit_diagram(P, AXIS, alpha=0.5, lam=1.0, points=1)
    with pytest.raises(ValueError, match=r"P has shape \(1, 3, 3\); an orbit diagram takes one"):
        orbit_diagram(P[None], AXIS, alpha=0.5, lam=1.0)
    with pytest.raises(ValueError, match="visits"):
        orbit_diagram(P, AXIS, alpha=0.5, lam=1.0, visits=10**9)
