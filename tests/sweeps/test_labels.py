"""The ways to label a sweep: by orbit, by stability, by both, and where they disagree."""

import re
from functools import partial

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis import stability
from alignsim.sweeps import findings, labels

CYCLE = asim.preferences.cyclic(3, advantage=0.4)
AXES = {"alpha": [0.0, 0.6, 1.0], "beta": [0.5, 2.0, 6.0, 9.0], "lam": [0.3, 1.0]}
STABLE, UNSTABLE, MARGINAL, UNDECIDED = range(4)

objectives = pytest.mark.parametrize("objective", ["ipo", "dpo"])


def sweep(P=CYCLE, **given):
    return asim.sweep(P, **{"rounds": 200, "progress": False, **AXES, **given})


def verdicts(P=CYCLE, **given):
    return asim.sweep(P, by="stability", progress=False, **{**AXES, **given})


@objectives
def test_by_stability_a_sweep_is_the_verdict_and_iterates_nothing(objective):
    ds = verdicts(objective=objective)
    assert set(ds.data_vars) == {
        "phase", "spectral_radius", "fixed_point_status", "likeliest",
    }  # fmt: skip
    loop = asim.FeedbackMap(
        CYCLE, objective=objective, alpha=np.reshape(AXES["alpha"], (-1, 1, 1)),
        beta=np.reshape(AXES["beta"], (-1, 1)), lam=AXES["lam"],
    )  # fmt: skip
    local = stability(loop)
    np.testing.assert_array_equal(ds.phase, local.verdict)
    np.testing.assert_array_equal(ds.spectral_radius, local.spectral_radius)
    policy = asim.simplex.softmax(local.fixed_point.logits)
    np.testing.assert_array_equal(ds.likeliest, asim.simplex.likeliest(policy))
    assert ds.phase.flag_meanings == "stable unstable marginal undecided"
    assert (ds.phase.sel(alpha=1.0) == UNDECIDED).all()
    assert (ds.attrs["by"], ds.attrs["rounds"]) == ("stability", 0)
    assert "start" not in ds.attrs


@objectives
def test_by_both_a_sweep_is_what_it_is_by_either(objective):
    given = {"objective": objective, "rounds": 2000}
    both, orbit = sweep(by="both", **given), sweep(**given)
    for name in orbit.data_vars:
        np.testing.assert_allclose(both[name], orbit[name], rtol=1e-12, err_msg=name)
    verdict = verdicts(objective=objective)
    np.testing.assert_array_equal(both.stability, verdict.phase)
    assert both.phase.flag_meanings == orbit.phase.flag_meanings
    assert not both.disagreement.any()
    assert {STABLE, UNSTABLE} <= set(np.unique(both.stability))


def test_by_orbit_is_the_default():
    assert sweep().identical(sweep(by="orbit"))
    assert sweep().attrs["by"] == "orbit"


def test_a_cycle_beside_a_stable_fixed_point_is_a_disagreement():
    """Theory 6.6: ρ = .9457, and a cycle of period five from far away."""
    P = [[0.5, 0.624, 0.619, 0.969], [0.376, 0.5, 0.942, 0.269],
         [0.381, 0.058, 0.5, 0.454], [0.031, 0.731, 0.546, 0.5]]  # fmt: skip
    point = np.log([0.7320, 0.2510, 0.0080, 0.0090])
    given = {
        "reference": asim.simplex.softmax(np.array([-5.3686, -0.6416, 0.9502, 5.06])),
        "alpha": 0.35, "beta": 30.0, "lam": 1.0, "rounds": 3000, "by": "both",
    }  # fmt: skip
    far = sweep(P, start=asim.simplex.softmax(point + 3.0 * np.array([1, -1, 1, -1])), **given)
    near = sweep(P, start=asim.simplex.softmax(point), **given)
    assert (far.stability, far.disagreement) == (STABLE, True)
    assert (near.stability, near.disagreement) == (STABLE, False)
    assert dict(findings(far.expand_dims("beta")))["disagreement"] == "100.00%"


def test_convergence_to_another_fixed_point_is_a_disagreement():
    """Theory 7, λ < 1: two attractors of one MRS-DPO map."""
    P = np.array([[0.5, 0.02, 0.16], [0.98, 0.5, 0.07], [0.84, 0.93, 0.5]])
    saddle = np.array([0.64, 0.357, 0.003])
    score = np.log(asim.dpo_optimum(P, 0.5 * saddle + 0.5 / 3, beta=1.0))
    given = {
        "reference": asim.simplex.softmax(np.log(saddle) - 8.0 * score),
        "objective": "dpo", "beta": 0.8, "alpha": 0.9, "lam": 0.5, "rounds": 3000, "by": "both",
    }  # fmt: skip
    ends = [sweep(P, start=start, **given) for start in ([0.859, 0.139, 0.002], [0.6, 0.39, 0.01])]
    assert [int(ds.phase) for ds in ends] == [0, 0]
    assert sorted(bool(ds.disagreement) for ds in ends) == [False, True]
    assert ends[0].spectral_radius == ends[1].spectral_radius


def test_the_cases_of_a_disagreement():
    loop = asim.FeedbackMap(CYCLE, beta=[1.0, 9.0], alpha=0.5)
    local = stability(loop)
    assert local.verdict.tolist() == [STABLE, UNSTABLE]
    fixed = local.fixed_point.logits
    far, near = np.array([1.0, -1.0, 0.0]), np.array([1e-6, 0.0, 0.0])
    none, every = np.zeros(2, dtype=bool), np.ones(2, dtype=bool)
    for converged, restless, end, expected in (
        (every, none, fixed, [False, True]),
        (every, none, fixed + far, [True, False]),
        (none, every, fixed, [True, False]),
        (none, none, fixed, [False, False]),
        (every, none, fixed + near, [False, True]),
        (none, every, np.full_like(fixed, np.nan), [True, False]),
    ):
        assert labels.disagreement(local, converged, restless, end).tolist() == expected


@pytest.mark.parametrize("by", ["orbit", "stability", "both"])
def test_chunks_do_not_change_a_bit(by, monkeypatch):
    label = verdicts if by == "stability" else partial(sweep, by=by)
    whole = label()
    monkeypatch.setattr("alignsim.sweeps.plan.MOST_MAPS", 5)
    assert label().identical(whole)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"by": "stabilty"}, "by is 'stabilty'; did you mean 'stability'?"),
        ({"by": None}, "by is None; known: 'both', 'orbit', 'stability'"),
    ],
)
def test_bad_arguments_are_refused_by_name(given, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        sweep(**given)


@pytest.mark.parametrize(
    "idle", [{"start": [0.2, 0.3, 0.5]}, {"rounds": 10}, {"burn_in": 2}, {"threads": 1}]
)
def test_what_is_given_for_orbits_is_refused_where_none_is_run(idle):
    message = f"{next(iter(idle))} is given, but by='stability' iterates nothing; leave it out, or"
    with pytest.raises(ValueError, match=re.escape(message)):
        verdicts(**idle)
    plane = {"x": ("beta", 0, 9), "y": ("lam", 0, 1), "alpha": 0.5, "resolution": 2}
    if "burn_in" not in idle:
        with pytest.raises(ValueError, match=re.escape(message)):
            asim.phase_diagram(CYCLE, by="stability", **plane, **idle)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ds: [1.0], "found is of type list; give the xarray.Dataset that alignsim.sweep"),
        (lambda ds: ds.phase, "found is of type DataArray"),
        (lambda ds: ds.drop_vars("phase"), "found has no variable 'phase' (it has 'spectral_r"),
        (lambda ds: ds.drop_vars("beta"), "found has no variable 'beta'"),
        (
            lambda ds: ds.assign(phase=ds.phase.drop_attrs()),
            "found has a phase without the meanings of its flags; keep the attributes",
        ),
    ],
)
def test_findings_of_something_else_are_refused(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        findings(change(verdicts(alpha=0.6, lam=1.0)))


def test_findings_of_a_stack_compare_each_matrix_with_its_own_closed_form():
    stack = np.stack([CYCLE, asim.preferences.cyclic(3, advantage=0.1)])
    ds = verdicts(stack, alpha=[0.0, 0.6], lam=1.0)
    rows = dict(findings(ds))
    assert rows["maps"] == "16 (2 matrices × 2 α × 4 β)"
    assert rows["closed form"] == "stable up to a βλ that depends on the matrix and α"
    assert rows["labels and closed form"] == "agree at all 16 decided points"
    ds.critical_signal.values[:] = ds.critical_signal.values[::-1]
    assert dict(findings(ds))["labels and closed form"].startswith("differ at ")
    ordered = np.stack([asim.preferences.bradley_terry([1.0, 0.5, 0.0])] * 2)
    rows = dict(findings(verdicts(ordered, alpha=0.0)))
    assert rows["closed form"] == "none known for these matrices"


def test_findings_of_one_map_name_no_axes():
    assert dict(findings(sweep(alpha=0.0, beta=2.0, lam=1.0)))["maps"] == "1, 200 rounds each"


def test_findings_are_the_same_from_a_file(tmp_path):
    import xarray

    ds = sweep(alpha=0.6)
    ds.to_netcdf(tmp_path / "sweep.nc", engine="scipy")
    with xarray.open_dataset(tmp_path / "sweep.nc", engine="scipy") as back:
        assert findings(back.load()) == findings(ds)
    assert dict(findings(ds))["maps"] == "8 (4 β × 2 λ), 200 rounds each"


def test_findings_tell_the_verdicts():
    rows = dict(findings(verdicts(alpha=0.6)))
    assert rows["maps"] == "8 (4 β × 2 λ)"
    assert float(rows["stable"][:-1]) + float(rows["unstable"][:-1]) == 100
    assert rows["labels and closed form"] == "agree at all 8 decided points"
