"""Sweeps: the grid with its names, and at every point what the map does there."""

import hashlib
import itertools

import numpy as np
import pytest

import alignsim as asim
from alignsim import progress
from alignsim.analysis import OSCILLATING, classify, collapsed, critical_signal, stability
from alignsim.analysis.orbits.verdicts import Phase
from alignsim.sweeps import labelling, plan

CYCLE = asim.preferences.cyclic(3, advantage=0.4)
STACK = np.stack(
    [CYCLE, asim.preferences.bradley_terry([0.0, 0.5, 1.5]),
     np.array([[0.5, 0.7, 0.4], [0.3, 0.5, 0.8], [0.6, 0.2, 0.5]])]
)  # fmt: skip
AXES = {"alpha": [0.0, 0.6, 1.0], "beta": [0.5, 2.0, 6.0, 9.0], "lam": [0.3, 1.0]}
VARIABLES = {
    "phase": "i", "collapsed": "b", "entropy": "f", "effective_support": "f", "entropy_mean": "f",
    "cycle_strength": "f", "likeliest": "i", "spectral_radius": "f", "fixed_point_status": "i",
    "status": "i",
}  # fmt: skip

objectives = pytest.mark.parametrize("objective", ["ipo", "dpo"])


def sweep(P=CYCLE, **given):
    return asim.sweep(P, **{"beta": 2.0, "rounds": 60, "progress": False, **given})


def test_every_swept_argument_is_a_dimension_in_a_fixed_order():
    order = ("matrix", "alpha", "beta", "lam")
    for size in range(5):
        for swept in itertools.combinations(order, size):
            given = {name: AXES[name] for name in swept if name in AXES}
            ds = sweep(STACK if "matrix" in swept else CYCLE, rounds=4, **given)
            assert tuple(ds.phase.dims) == swept
            for name in VARIABLES:
                assert ds[name].dims == swept, name
            for name, values in given.items():
                assert ds[name].values.tolist() == values
            if "matrix" in swept:
                assert ds["matrix"].values.tolist() == [0, 1, 2]
            else:
                assert "matrix" not in ds.coords


def test_arguments_given_in_another_order_do_not_change_the_order_of_the_dimensions():
    ds = asim.sweep(STACK, lam=[0.1, 1.0], beta=[1.0], alpha=[0.5], rounds=4, progress=False)
    assert dict(ds.sizes) == {"matrix": 3, "alpha": 1, "beta": 1, "lam": 2}


def test_what_is_not_swept_is_a_scalar_coordinate():
    ds = sweep(beta=[1.0, 2.0], alpha=0.25, lam=0.75)
    assert ds.alpha.shape == ds.lam.shape == ()
    assert (float(ds.alpha), float(ds.lam)) == (0.25, 0.75)
    assert ds.sel(beta=2.0).phase.shape == ()


def test_axes_keep_their_order_and_their_repetitions():
    ds = sweep(beta=[9.0, 0.5, 9.0], alpha=0.3)
    assert ds.beta.values.tolist() == [9.0, 0.5, 9.0]
    assert ds.entropy.values[0] == ds.entropy.values[2] != ds.entropy.values[1]


@objectives
def test_every_point_is_the_run_of_its_own_map(objective):
    ds = sweep(STACK, objective=objective, rounds=300, reference=[0.5, 0.3, 0.2], **AXES)
    assert set(ds.data_vars) == set(VARIABLES)
    assert dict(ds.sizes) == {"matrix": 3, "alpha": 3, "beta": 4, "lam": 2}
    for name, kind in VARIABLES.items():
        assert ds[name].dtype.kind == kind, name
    for m, a, b, k in np.ndindex(3, 3, 4, 2):
        loop = asim.FeedbackMap(
            STACK[m], objective=objective, alpha=AXES["alpha"][a], beta=AXES["beta"][b],
            lam=AXES["lam"][k], reference=[0.5, 0.3, 0.2],
        )  # fmt: skip
        orbit = loop.run(rounds=300)
        local = stability(loop, orbit.final_logits if objective == "dpo" else None)
        here = ds.isel(matrix=m, alpha=a, beta=b, lam=k)
        assert here.entropy == asim.simplex.entropy(orbit.final_logits)
        assert here.effective_support == pytest.approx(np.exp(orbit.entropy[-1]), rel=1e-14)
        assert here.entropy_mean == orbit.entropy_mean
        assert here.cycle_strength == orbit.cycle_strength
        assert here.likeliest == asim.simplex.likeliest(orbit.policy_mean)
        assert here.collapsed == collapsed(orbit.final_logits)
        assert here.status == orbit.status
        assert here.phase == classify(loop).code
        assert here.fixed_point_status == local.fixed_point.status
        if AXES["alpha"][a] == 1.0:
            assert np.isnan(here.spectral_radius)
        else:
            assert here.spectral_radius == pytest.approx(float(local.spectral_radius), rel=1e-9)


@objectives
@pytest.mark.parametrize("chunk", [1, 5, 64, 72])
def test_chunks_do_not_change_a_bit(objective, chunk, monkeypatch):
    given = {"objective": objective, "rounds": 80, "offline": [0.6, 0.0, 0.4], **AXES}
    whole = sweep(STACK, **given)
    monkeypatch.setattr(plan, "MOST_MAPS", chunk)
    assert sweep(STACK, **given).identical(whole)


@pytest.mark.parametrize("by", ["orbit", "stability"])
def test_a_chunk_of_a_stack_looks_at_its_own_matrices_only(by, monkeypatch):
    """Else the work would grow with the square of their number."""
    seen = []

    name = {"orbit": "classify", "stability": "stability"}[by]
    plain = getattr(labelling, name)

    def watched(loop, *start, **given):
        seen.append((len(loop.matrix_table()[0]), loop.size))
        return plain(loop, *start, **given)

    monkeypatch.setattr(labelling, name, watched)
    monkeypatch.setattr(plan, "MOST_MAPS", 8)
    rounds = 4 if by == "orbit" else None
    sweep(np.repeat(STACK, 20, axis=0), by=by, beta=[1.0, 2.0], rounds=rounds)
    assert sum(maps for _, maps in seen) == 120
    assert max(matrices for matrices, _ in seen) <= 8


@objectives
def test_threads_do_not_change_a_bit(objective):
    given = {"objective": objective, "beta": np.linspace(0, 8, 150), "lam": [0.5, 1.0]}
    assert sweep(threads=1, **given).identical(sweep(threads=3, **given))


@objectives
@pytest.mark.parametrize("lam", [0.5, 1.0])
def test_labels_change_at_the_boundary_that_the_dataset_carries(objective, lam):
    ds = sweep(
        alpha=[0.0, 0.5, 0.8], lam=lam, beta=np.linspace(0.2, 14.0, 40), rounds=4000,
        objective=objective,
    )  # fmt: skip
    assert ds.critical_signal.dims == ("alpha",)
    ratio = ds.beta * ds.lam / ds.critical_signal
    moving = ds.phase.isin(OSCILLATING)
    assert (moving == (ratio > 1)).where(abs(ratio - 1) > 0.01, True).all()
    assert ((ds.spectral_radius > 1) == (ratio > 1)).all()
    assert (ds.cycle_strength > 1e-6).where(ratio > 1.01, True).all()


def test_the_closed_form_coordinate_varies_along_matrix_and_alpha_only():
    ds = sweep(STACK, **AXES)
    assert ds.critical_signal.dims == ("matrix", "alpha")
    loop = asim.FeedbackMap(STACK[:, None], beta=1.0, alpha=AXES["alpha"])
    np.testing.assert_array_equal(ds.critical_signal, critical_signal(loop))
    assert np.isnan(ds.critical_signal[1:]).all()
    assert np.isfinite(ds.critical_signal[0]).all()
    assert sweep().critical_signal.shape == ()
    assert np.isnan(sweep(reference=[0.5, 0.3, 0.2]).critical_signal)


def test_flags_name_every_value_that_occurs():
    ds = sweep(STACK, rounds=400, **AXES)
    for name in ("phase", "fixed_point_status", "status"):
        values, meanings = ds[name].attrs["flag_values"], ds[name].attrs["flag_meanings"].split()
        assert len(values) == len(meanings)
        assert values.dtype == ds[name].dtype
        assert set(np.unique(ds[name])) <= set(values.tolist())
    assert ds.phase.flag_meanings == " ".join(Phase.words().values())
    assert ds.fixed_point_status.flag_meanings.split()[0] == "unique"
    assert {"units", "long_name"} <= set(ds.entropy.attrs)
    assert {Phase.CONVERGED, Phase.CIRCLE, Phase.LOCKED, Phase.DRIFTING} == set(np.unique(ds.phase))


def test_attributes_record_how_the_dataset_was_made():
    ds = sweep(rounds=77, burn_in=11)
    attrs = ds.attrs
    assert attrs["objective"] == "ipo"
    assert (attrs["responses"], attrs["rounds"], attrs["burn_in"]) == (3, 77, 11)
    assert attrs["alignsim_version"] == asim.__version__
    assert attrs["start_offset"] == 1e-2
    assert np.linalg.norm(attrs["start_direction"]) == pytest.approx(1)
    assert {"tolerance_arrived", "tolerance_fixed_point", "collapse_share"} <= set(attrs)
    expected = hashlib.sha256(np.ascontiguousarray(CYCLE, dtype=float).tobytes()).hexdigest()
    assert attrs["matrix_sha256"] == expected
    assert sweep(rounds=77).attrs["burn_in"] == 38
    assert sweep(STACK).attrs["matrix_sha256"] != expected


def test_the_recorded_start_is_the_start():
    """Either the attributes rebuild the default start, or they hold the one that was given."""
    reference = [0.5, 0.3, 0.2]
    ds = sweep(reference=reference)
    logits = np.log(reference) + ds.attrs["start_offset"] * ds.attrs["start_direction"]
    start = np.exp(logits) / np.exp(logits).sum()
    again = sweep(reference=reference, start=start)
    assert again.entropy == pytest.approx(float(ds.entropy), abs=1e-14)
    assert again.attrs["start"] == pytest.approx(start)
    assert again.attrs["start_offset"] == 0.0
    other = sweep(reference=reference, start=[0.1, 0.2, 0.7], rounds=3)
    assert abs(other.entropy - sweep(reference=reference, rounds=3).entropy) > 1e-3


def test_the_default_start_leaves_the_fixed_point_of_a_symmetric_cycle():
    assert sweep(beta=20.0, alpha=0.5, rounds=2000).cycle_strength > 1e-2
    still = sweep(beta=20.0, alpha=0.5, rounds=20, start=[1 / 3] * 3)
    assert still.cycle_strength < 1e-12


@objectives
def test_a_point_that_fails_is_marked_and_leaves_the_others_alone(objective):
    dominated = np.array([[0.5, 1.0, 1.0], [0.0, 0.5, 0.7], [0.0, 0.3, 0.5]])
    healthy = sweep(STACK, objective=objective, beta=[1.0, 2.0])
    ds = sweep(np.insert(STACK, 1, dominated, axis=0), objective=objective, beta=[1.0, 2.0])
    rest = ds.isel(matrix=[0, 2, 3]).drop_vars("matrix")
    assert rest.equals(healthy.drop_vars("matrix"))
    failed = ds.isel(matrix=1)
    if objective == "ipo":
        assert (failed.status == 0).all()
    else:
        names = dict(zip(ds.status.flag_values, ds.status.flag_meanings.split(), strict=True))
        assert [names[int(code)] for code in failed.status] == ["no_optimum", "no_optimum"]
        assert (failed.phase == Phase.UNDECIDED).all()
        for name in ("entropy", "effective_support", "cycle_strength", "entropy_mean",
                     "spectral_radius"):  # fmt: skip
            assert np.isnan(failed[name]).all(), name


def test_an_overflow_is_marked_without_a_warning():
    ds = sweep(beta=[1.0, 1e308], alpha=[0.5, 1.0], rounds=200)
    assert ds.status.values[:, 0].tolist() == [0, 0]
    assert ds.status.values[1, 1] != 0
    assert np.isnan(ds.entropy.values[1, 1])
    assert ds.phase.values[1, 1] == Phase.UNDECIDED
    assert sweep(beta=1.7e308, alpha=0.999, rounds=5).spectral_radius.shape == ()


def test_of_several_dpo_fixed_points_the_one_near_the_final_state_is_judged():
    """Theory 7, λ < 1: two attractors of one map, each with a spectral radius of its own."""
    P = np.array([[0.5, 0.02, 0.16], [0.98, 0.5, 0.07], [0.84, 0.93, 0.5]])
    saddle = np.array([0.64, 0.357, 0.003])
    score = np.log(asim.dpo_optimum(P, 0.5 * saddle + 0.5 / 3, beta=1.0))
    reference = asim.simplex.softmax(np.log(saddle) - 8.0 * score)
    given = {"objective": "dpo", "beta": 0.8, "alpha": 0.9, "lam": 0.5, "reference": reference}
    loop = asim.FeedbackMap(P, **given)
    radii = []
    for start in ([0.859, 0.139, 0.002], [0.6, 0.39, 0.01]):
        ds = sweep(P, rounds=3000, start=start, **given)
        final = loop.run(start, rounds=3000).final
        expected = np.linalg.eigvals(loop.jacobian(final, basis="tangent"))
        assert ds.spectral_radius == pytest.approx(np.abs(expected).max(), rel=1e-6)
        assert (ds.phase, ds.fixed_point_status) == (0, 1)
        radii.append(float(ds.spectral_radius))
    assert abs(radii[0] - radii[1]) > 5e-3


@pytest.mark.parametrize("rounds", range(3000, 3005))
def test_a_cycle_beside_a_stable_fixed_point_is_seen_whatever_the_number_of_rounds(rounds):
    """Theory 6.6: ρ = .9457, and a cycle of period five from far away."""
    P = [[0.5, 0.624, 0.619, 0.969], [0.376, 0.5, 0.942, 0.269],
         [0.381, 0.058, 0.5, 0.454], [0.031, 0.731, 0.546, 0.5]]  # fmt: skip
    reference = asim.simplex.softmax(np.array([-5.3686, -0.6416, 0.9502, 5.06]))
    point = np.log([0.7320, 0.2510, 0.0080, 0.0090])
    given = {"beta": 30.0, "alpha": 0.35, "reference": reference, "rounds": rounds}
    near = sweep(P, start=asim.simplex.softmax(point), **given)
    far = sweep(P, start=asim.simplex.softmax(point + 3.0 * np.array([1, -1, 1, -1])), **given)
    assert near.spectral_radius == far.spectral_radius == pytest.approx(0.9457, abs=1e-4)
    assert (near.phase, far.phase) == (0, 1)


def test_collapse_is_a_boolean_beside_the_label():
    P = asim.preferences.bradley_terry([0.0, 1.0, 3.0])
    ds = sweep(P, beta=[0.1, 30.0], alpha=[0.5, 1.0], rounds=2000)
    assert ds.collapsed.values.tolist() == [[False, True], [True, True]]
    assert ds.phase.values.tolist() == [[Phase.CONVERGED] * 2, [Phase.DRIFTING] * 2]
    assert ds.effective_support.values[1, 1] == 1.0


def test_two_and_many_responses_can_be_swept():
    small = sweep([[0.5, 0.9], [0.1, 0.5]], beta=[0.0, 1.0], lam=[0.0, 1.0])
    assert (small.phase == 0).all()
    assert (small.spectral_radius == 0).all()
    large = sweep(asim.preferences.cyclic(71, advantage=0.5), beta=[1.0, 5.0], rounds=800)
    assert large.phase.values.tolist() == [Phase.CONVERGED, Phase.CIRCLE]


@pytest.mark.parametrize("engine", ["scipy", "netcdf4"])
@pytest.mark.parametrize("start", [None, [0.5, 0.3, 0.2]])
def test_the_dataset_survives_a_file(engine, start, tmp_path):
    import xarray

    pytest.importorskip({"scipy": "scipy", "netcdf4": "netCDF4"}[engine])
    ds = sweep(STACK, start=start, **AXES)
    ds.to_netcdf(tmp_path / "sweep.nc", engine=engine)
    with xarray.open_dataset(tmp_path / "sweep.nc", engine=engine) as back:
        back.load()
        xarray.testing.assert_equal(back, ds)
        assert set(back.attrs) == set(ds.attrs)
        for name, value in ds.attrs.items():
            np.testing.assert_array_equal(back.attrs[name], value, err_msg=name)
        for name in ds.data_vars:
            assert set(ds[name].attrs) <= set(back[name].attrs), name


def test_a_sweep_that_takes_no_time_shows_no_progress_bar(capfd):
    sweep(progress=True)
    assert capfd.readouterr() == ("", "")


def test_a_long_sweep_shows_its_progress_on_stderr_unless_silenced(capfd, monkeypatch):
    monkeypatch.setattr("alignsim.progress._is_terminal", lambda: True)
    monkeypatch.setattr(progress, "DELAY", 0)
    monkeypatch.setattr(plan, "MOST_MAPS", 2)
    sweep(beta=np.arange(1.0, 7.0), progress=True)
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "sweep" in shown.err
    assert "6/6" in shown.err
    sweep(beta=np.arange(1.0, 7.0), progress=False)
    assert capfd.readouterr() == ("", "")


@objectives
def test_a_sweep_and_a_diagram_label_the_same_map_alike(objective):
    """All 9 × 9 points of the diagram are evaluated: its lattice is no coarser."""
    gain = {"ipo": 1.0, "dpo": 4.0}[objective]
    given = {"objective": objective, "by": "both", "reference": [0.5, 0.3, 0.2], "progress": False}
    diagram = asim.phase_diagram(
        CYCLE, x=("beta", 1.0 / gain, 30.0 / gain), y=("alpha", 0.0, 1.0), lam=1.0, resolution=8,
        rounds=None, **given,
    )  # fmt: skip
    assert diagram.evaluated.all()
    swept = asim.sweep(
        CYCLE, beta=diagram.beta.values, alpha=diagram.alpha.values, rounds=100, **given
    )
    for name in ("phase", "stability", "disagreement"):
        np.testing.assert_array_equal(swept[name], diagram[name], name)
    assert len(np.unique(swept.phase)) > 3
