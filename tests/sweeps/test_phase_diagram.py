"""Phase diagrams: what the dense grid shows, from few points, with the boundary solved."""

import hashlib
import re
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

import alignsim as asim
from alignsim import progress
from alignsim.analysis import classify, stability
from alignsim.analysis.orbits.verdicts import Phase
from alignsim.sweeps import findings, lattice, plan
from alignsim.sweeps.phase_diagram import phase_diagram

module = import_module("alignsim.sweeps.phase_diagram")

RPS = asim.preferences.cyclic(3, advantage=0.3)
STABLE, UNSTABLE, MARGINAL, UNDECIDED = range(4)


def condorcet():
    """Theory 6.6: a Condorcet winner beside a cycle; stability is lost and regained in β."""
    margin = np.zeros((4, 4))
    margin[0, 1:] = 0.02
    margin[1, 2] = margin[2, 3] = margin[3, 1] = 0.5
    return 0.5 + margin - margin.T


def random_system(seed):
    rng = np.random.default_rng(seed)
    K = 3 + seed % 4
    upper = np.triu(rng.uniform(size=(K, K)), 1)
    P = upper + np.tril(1 - upper.T, -1)
    np.fill_diagonal(P, 0.5)
    return P, asim.simplex.softmax(2 * rng.normal(size=K))


def diagram(P=RPS, **given):
    if not {"alpha", "beta", "lam"} & set(given):
        given["alpha"] = 0.6
    return phase_diagram(P, **{"progress": False, "resolution": 64, **given})


def dense(P, ds, **given):
    """The maps at all points of a diagram."""
    up, across = ds.phase.dims
    Y, X = np.meshgrid(ds[up], ds[across], indexing="ij")
    (fixed,) = {"alpha", "beta", "lam"} - {up, across}
    return asim.FeedbackMap(P, **{up: Y, across: X, fixed: float(ds[fixed])}, **given)


PLANES = [
    {"x": ("beta", 0, 60), "y": ("lam", 0, 1), "alpha": 0.8},
    {"x": ("alpha", 0, 1), "y": ("beta", 0, 60), "lam": 1.0},
    {"x": ("lam", 0, 1), "y": ("alpha", 0, 0.99), "beta": 30.0},
    {"x": ("beta", 0.1, 200, "log"), "y": ("alpha", 0, 0.99), "lam": 0.9},
]


@pytest.mark.parametrize("plane", PLANES, ids=["beta-lam", "alpha-beta", "lam-alpha", "log"])
@pytest.mark.parametrize("seed", [None, 1, 3, 10])
def test_it_shows_what_the_dense_diagram_shows(plane, seed):
    P, reference = (condorcet(), None) if seed is None else random_system(seed)
    ds = diagram(P, reference=reference, resolution=256, **plane)
    local = stability(dense(P, ds, reference=reference))
    evaluated = ds.evaluated.values
    np.testing.assert_array_equal(
        ds.spectral_radius.values[evaluated], local.spectral_radius[evaluated]
    )
    assert np.isnan(ds.spectral_radius.values[~evaluated]).all()
    assert (ds.phase.values == local.verdict).mean() == 1.0
    assert ds.attrs["share"] == evaluated.mean() < 1 / 8


def test_a_diagram_of_a_million_points_evaluates_one_in_twenty_five():
    for P, given in ((RPS, {}), (condorcet(), {"x": ("beta", 0, 30), "alpha": 0.9})):
        ds = diagram(P, resolution=1024, **given)
        assert ds.phase.shape == (1025, 1025)
        assert ds.attrs["evaluations"] + ds.attrs["boundary_evaluations"] < 1025**2 / 25
        assert {STABLE, UNSTABLE} <= set(np.unique(ds.phase))


def test_it_agrees_with_the_closed_form():
    ds = diagram(resolution=512)
    signal = (ds.beta * ds.lam).transpose(*ds.phase.dims)
    assert ((ds.phase == UNSTABLE) == (signal > ds.critical_signal)).all()
    boundary = (ds.boundary_x * ds.boundary_y).values
    assert boundary == pytest.approx(float(ds.critical_signal), rel=1e-10)
    assert set(ds.boundary_curve.values) == {0}
    assert (ds.boundary_x.max(), ds.boundary_y.max()) == (12.0, 1.0)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_every_vertex_of_the_boundary_has_spectral_radius_1(objective):
    ds = diagram(condorcet() * 0.9 + 0.05, x=("beta", 1, 30, "log"), alpha=0.9, objective=objective)
    loop = asim.FeedbackMap(
        condorcet() * 0.9 + 0.05, objective=objective,
        beta=ds.boundary_x.values, lam=ds.boundary_y.values, alpha=0.9,
    )  # fmt: skip
    assert len(ds.vertex) > 30
    assert stability(loop).spectral_radius == pytest.approx(1.0, abs=1e-10)


def test_stability_that_is_lost_and_regained_is_two_crossings():
    ds = diagram(condorcet(), x=("beta", 1, 30), alpha=0.9, resolution=256)
    top = ds.phase.sel(lam=1.0).values
    changes = ds.beta.values[1:][np.diff(top) != 0]
    np.testing.assert_allclose(changes, [2.309, 17.197], atol=30 / 256)
    ends = ds.boundary_x.values[ds.boundary_y.values == 1.0]
    assert sorted(ends) == pytest.approx([2.309, 17.197], abs=1e-3)
    assert ds.boundary_curve.max() == 0


def test_at_alpha_1_there_is_no_verdict():
    ds = diagram(x=("alpha", 0, 1), y=("beta", 0.5, 9), lam=0.5)
    assert (ds.phase.sel(alpha=1.0) == UNDECIDED).all()
    assert (ds.phase.isel(alpha=slice(-1)) != UNDECIDED).all()
    assert ds.critical_signal.dims == ("alpha",)
    assert np.isfinite(ds.boundary_x).all()


def test_axes_and_their_coordinates():
    ds = diagram(x=("lam", 0.25, 1), y=("beta", 0.1, 100, "log"), alpha=0.3, resolution=32)
    assert ds.phase.dims == ("beta", "lam")
    np.testing.assert_allclose(ds.lam, np.linspace(0.25, 1, 33), rtol=1e-15)
    np.testing.assert_allclose(ds.beta, np.geomspace(0.1, 100, 33), rtol=1e-14)
    assert (ds.beta[0], ds.beta[-1], ds.lam[-1]) == (0.1, 100.0, 1.0)
    assert (ds.beta.attrs["scale"], ds.lam.attrs["scale"]) == ("log", "linear")
    assert float(ds.alpha) == 0.3
    swapped = diagram(y=("lam", 0.25, 1), x=("beta", 0.1, 100, "log"), alpha=0.3, resolution=32)
    assert (swapped.phase.transpose(*ds.phase.dims) == ds.phase).all()


def test_a_finer_diagram_contains_the_coarser_one():
    given = {"x": ("beta", 0.3, 40, "log"), "alpha": 0.9, "audit": 0.0}
    coarse = diagram(condorcet(), resolution=64, **given)
    fine = diagram(condorcet(), resolution=256, **given).isel(
        lam=slice(None, None, 4), beta=slice(None, None, 4)
    )
    for name in ("lam", "beta", "phase"):
        np.testing.assert_array_equal(fine[name], coarse[name])
    both = (fine.evaluated & coarse.evaluated).values
    assert both.sum() >= 33**2
    np.testing.assert_array_equal(
        fine.spectral_radius.values[both], coarse.spectral_radius.values[both]
    )


def test_one_seed_gives_one_diagram_whatever_the_chunks(monkeypatch):
    given = {"resolution": 128, "audit": 0.3}
    first = diagram(rng=3, **given)
    assert diagram(rng=np.random.default_rng(3), **given).identical(first)
    other = diagram(rng=4, **given)
    assert (other.evaluated != first.evaluated).any()
    assert (other.phase == first.phase).all()
    monkeypatch.setattr(plan, "MOST_MAPS", 100)
    assert diagram(rng=3, **given).identical(first)


def test_levels_are_cut_by_the_recipe_and_by_no_clock(monkeypatch):
    given = {"x": ("beta", 2, 9), "by": "orbit", "rounds": 1200, "resolution": 32}
    whole, sizes = diagram(**given), []

    def seen(self, maps, threads):
        sizes.append(maps.size)
        return columns(self, maps, threads)

    columns = module._Labeller.columns
    monkeypatch.setattr(module._Labeller, "columns", seen)
    assert diagram(**given).identical(whole)
    assert sizes == [33**2]
    sizes.clear()
    monkeypatch.setattr(plan, "MOST_MAPS", 500)
    clock = SimpleNamespace(perf_counter=lambda: 1e3 * sum(sizes))
    monkeypatch.setattr("alignsim.progress.time", clock)
    assert diagram(**given).identical(whole)
    assert sizes == [363, 363, 363]


# Orbits

BISTABLE = np.array(
    [[0.5, 0.624, 0.619, 0.969], [0.376, 0.5, 0.942, 0.269],
     [0.381, 0.058, 0.5, 0.454], [0.031, 0.731, 0.546, 0.5]]
)  # fmt: skip
"""Theory 6.6: at α = .35, β = 30 a cycle of period five beside a stable fixed point."""

BESIDE = {
    "reference": asim.simplex.softmax(np.array([-5.3686, -0.6416, 0.9502, 5.06])),
    "start": asim.simplex.softmax(
        np.log([0.732, 0.251, 0.008, 0.009]) + 3.0 * np.array([1, -1, 1, -1])
    ),
}


def test_by_orbit_every_evaluated_point_is_its_own_classification():
    ds = diagram(x=("beta", 2, 9), y=("lam", 0.8, 1), by="orbit", rounds=2000)
    assert set(ds.data_vars) == {
        "phase", "period", "rotation_number", "evaluated", "spectral_radius",
        "boundary_x", "boundary_y", "boundary_curve",
    }  # fmt: skip
    row, column = np.nonzero(ds.evaluated.values)
    some = np.random.default_rng(0).choice(len(row), 300, replace=False)
    row, column = row[some], column[some]
    loop = asim.FeedbackMap(RPS, beta=ds.beta.values[column], lam=ds.lam.values[row], alpha=0.6)
    orbit = classify(loop, rounds=2000)
    for name in ("code", "period", "rotation_number"):
        values = ds[name if name != "code" else "phase"].values[row, column]
        np.testing.assert_array_equal(values, getattr(orbit, name))
    assert ds.phase.flag_meanings.split() == list(Phase.words().values())
    assert ds.evaluated.mean() < 1
    by_stability = diagram(x=("beta", 2, 9), y=("lam", 0.8, 1))
    np.testing.assert_allclose(ds.boundary_x[0], by_stability.boundary_x[0])
    converged = (ds.phase == Phase.CONVERGED).values
    decided = (ds.phase != Phase.UNDECIDED).values
    np.testing.assert_array_equal(converged[decided], by_stability.phase.values[decided] == STABLE)


TONGUES = {"x": ("beta", 2, 9), "y": ("alpha", 0, 0.3), "lam": 1.0, "by": "orbit"}
"""Of ``cyclic(3, advantage=0.5)``: slivers of locking among circles."""


def largest_patch(wrong):
    """How many connected points of a plane are wrong at most."""
    found, _ = ndimage.label(wrong, np.ones((3, 3)))
    return np.bincount(found.ravel())[1:].max(initial=0)


def test_tongues_thinner_than_the_coarse_cells_are_not_missed(monkeypatch):
    monkeypatch.setattr(lattice, "COARSE_CELLS", 8)
    P = asim.preferences.cyclic(3, advantage=0.5)
    ds = diagram(P, **TONGUES)
    orbit = classify(dense(P, ds))
    wrong = (ds.phase.values != orbit.code) | (ds.period.values != orbit.period)
    assert not (wrong & ds.evaluated.values).any()
    assert wrong.mean() < 0.005
    assert largest_patch(wrong) < 6
    assert ds.attrs["share"] < 0.5
    assert len(np.unique(orbit.period)) > 10
    turns, known = ds.rotation_number.values, ~wrong
    np.testing.assert_array_equal(np.isnan(turns[known]), np.isnan(orbit.rotation_number[known]))
    assert np.nanmax(abs(turns - orbit.rotation_number)[known]) < 5e-3


def test_where_a_locked_cycle_doubles_the_period_changes_and_not_the_phase(monkeypatch):
    """Golden P: a cycle of period 5 doubles inside its tongue."""
    monkeypatch.setattr(lattice, "COARSE_CELLS", 4)
    P = np.array([[0.5, 0.7, 0.4], [0.3, 0.5, 0.8], [0.6, 0.2, 0.5]])
    ds = diagram(P, x=("beta", 26, 31), y=("alpha", 0.45, 0.49), lam=1.0, by="orbit", resolution=32)
    orbit = classify(dense(P, ds))
    assert (ds.phase == Phase.LOCKED).all()
    assert set(np.unique(orbit.period)) == {5, 10}
    np.testing.assert_array_equal(ds.period, orbit.period)
    assert ds.attrs["share"] < 0.5


def test_an_orbit_diagram_decides_what_classify_decides():
    """At α = .97 a transient outlasts 3,000 rounds."""
    plane = {"x": ("beta", 3, 9), "y": ("alpha", 0.9, 0.999), "lam": 1.0}
    ds = diagram(by="orbit", resolution=8, **plane)
    assert ds.evaluated.all()
    np.testing.assert_array_equal(ds.phase, classify(dense(RPS, ds)).code)
    short = diagram(by="orbit", resolution=8, rounds=3000, **plane)
    undecided = Phase.UNDECIDED
    assert (ds.phase == undecided).sum() < (short.phase == undecided).sum()
    assert ds.attrs["rounds"] == "as many as needed"


def test_by_both_a_cycle_beside_a_stable_fixed_point_is_a_disagreement():
    plane = {"x": ("beta", 20, 60, "log"), "y": ("alpha", 0.2, 0.6), "lam": 1.0, "resolution": 32}
    ds = diagram(BISTABLE, by="both", **plane, **BESIDE)
    here = ds.sel(beta=30.0, alpha=0.35, method="nearest")
    assert (here.stability, here.phase) == (STABLE, Phase.CYCLE)
    assert here.disagreement
    assert ds.disagreement.dtype == bool
    stable = ds.stability == STABLE
    assert stable.where(ds.disagreement, True).all()
    np.testing.assert_array_equal(
        ds.disagreement,
        stable & ~ds.phase.isin([Phase.CONVERGED, Phase.UNDECIDED]),
    )
    alone = diagram(BISTABLE, reference=BESIDE["reference"], **plane)
    np.testing.assert_array_equal(ds.stability, alone.phase)
    np.testing.assert_array_equal(ds.boundary_x, alone.boundary_x)


def test_a_supercritical_plane_has_no_disagreement():
    ds = diagram(by="both", rounds=1200, resolution=32)
    assert not ds.disagreement.any()
    assert {STABLE, UNSTABLE} <= set(np.unique(ds.stability))


def test_threads_do_not_change_an_orbit_diagram():
    given = {"x": ("beta", 2, 9), "by": "both", "rounds": 1200, "resolution": 32}
    assert diagram(threads=1, **given).identical(diagram(threads=2, **given))


# The record


def test_attributes_record_how_it_was_made():
    ds = diagram(audit=0.1)
    assert ds.attrs["by"] == "stability"
    assert (ds.attrs["resolution"], ds.attrs["audit"], ds.attrs["rounds"]) == (64, 0.1, 0)
    assert ds.attrs["evaluations"] == ds.evaluated.sum()
    assert ds.attrs["boundary_evaluations"] >= len(ds.vertex)
    assert (ds.attrs["objective"], ds.attrs["responses"]) == ("ipo", 3)
    assert ds.attrs["alignsim_version"] == asim.__version__
    assert ds.attrs["matrix_sha256"] == hashlib.sha256(RPS.tobytes()).hexdigest()
    assert ds.phase.flag_meanings == "stable unstable marginal undecided"
    assert "start" not in ds.attrs
    assert (ds.phase.dtype, ds.evaluated.dtype) == (np.int8, bool)
    orbit = diagram(by="orbit", rounds=900, resolution=2)
    assert (orbit.attrs["rounds"], orbit.attrs["start_offset"]) == (900, 1e-2)
    swept = asim.sweep(RPS, beta=1.0, rounds=2, progress=False)
    assert swept.attrs["matrix_sha256"] == ds.attrs["matrix_sha256"]


def test_findings_tell_what_it_shows():
    ds = diagram()
    rows = dict(findings(ds))
    assert rows["points"].startswith("4,225 (65 λ × 65 β); those not computed take the label")
    count = ds.attrs["evaluations"]
    assert count < 4225
    assert rows["maps"] == f"{count:,} computed, {count / 4225:.2%} of the points"
    assert float(rows["stable"][:-1]) + float(rows["unstable"][:-1]) == pytest.approx(100, abs=0.02)
    assert rows["closed form"] == "stable up to βλ = 4.6188"
    decided = int((ds.evaluated & ds.phase.isin([STABLE, UNSTABLE])).sum())
    assert rows["labels and closed form"] == f"agree at all {decided:,} decided points"
    ds = diagram(x=("alpha", 0, 1), y=("beta", 0, 9), lam=1.0)
    decided = int((ds.evaluated & ds.phase.isin([STABLE, UNSTABLE])).sum())
    assert decided < ds.attrs["evaluations"]
    agreement = dict(findings(ds))["labels and closed form"]
    assert agreement == f"agree at all {decided:,} decided points"
    assert "depends on α" in dict(findings(ds))["closed form"]


def test_findings_do_not_compare_labels_that_were_taken_from_a_cell():
    ds = diagram()
    ds["phase"] = (
        ds.phase.where(ds.evaluated, UNSTABLE).astype(np.int8).assign_attrs(ds.phase.attrs)
    )
    assert (ds.phase == UNSTABLE).mean() > 0.5
    assert dict(findings(ds))["labels and closed form"].startswith("agree at all")


def test_findings_tell_how_long_orbits_were_at_most():
    rows = dict(findings(diagram(by="orbit", rounds=1200, resolution=2)))
    assert rows["maps"] == "9 computed, 100.00% of the points, at most 1,200 rounds each"
    endless = dict(findings(diagram(by="orbit", rounds=None, resolution=2)))
    assert endless["maps"] == "9 computed, 100.00% of the points"


@pytest.mark.parametrize("by", ["stability", "both"])
def test_the_dataset_survives_a_file(by, tmp_path):
    import xarray

    rounds = {"rounds": 600} if by == "both" else {}
    ds = diagram(by=by, resolution=16, **rounds)
    ds.to_netcdf(tmp_path / "diagram.nc", engine="scipy")
    with xarray.open_dataset(tmp_path / "diagram.nc", engine="scipy") as back:
        back.load()
        xarray.testing.assert_equal(back, ds)
        assert set(back.attrs) == set(ds.attrs)
        assert back.beta.attrs["scale"] == "linear"


def test_a_stable_plane_has_no_boundary():
    ds = diagram([[0.5, 0.9], [0.1, 0.5]])
    assert (ds.phase == STABLE).all()
    assert ds.sizes["vertex"] == 0


def test_progress_is_shown_on_stderr_unless_silenced(capfd, monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 0)
    monkeypatch.setattr(progress, "_is_terminal", lambda: True)
    diagram(progress=True)
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "phase diagram" in shown.err
    diagram()
    assert capfd.readouterr() == ("", "")


BAD = [
    ({"x": "beta"}, "x is 'beta'; give (name, low, high)"),
    ({"x": ("beta", 1)}, "x is ('beta', 1); give (name, low, high)"),
    ({"x": ("betta", 0, 1)}, "x[0] is 'betta'; did you mean 'beta'?"),
    ({"x": ("beta", 0, 12, "lin")}, "x[3] is 'lin'; did you mean 'linear'?"),
    ({"x": ("beta", 0, np.inf)}, "x[2] is inf"),
    ({"x": ("beta", -1, 3)}, "x[1] is -1; it must be at least 0"),
    ({"y": ("lam", 0, 2)}, "y[2] is 2; it must be in [0, 1]"),
    ({"y": ("lam", [0, 1], 1)}, "y[1] has shape (2,); give one number"),
    ({"x": ("beta", 3, 3)}, "x runs from 3 to 3; the lower end comes first"),
    ({"x": ("beta", 0, 3, "log")}, "x starts at 0; a log axis starts above 0"),
    ({"y": ("beta", 0, 3)}, "x and y are both 'beta'; choose two of alpha, beta, lam"),
    (
        {"y": ("alpha", 0, 1), "x": ("lam", 0, 1), "alpha": None},
        "beta is missing; give a number, or an axis",
    ),
    ({"beta": 3.0}, "beta is given twice, as a number and on x; leave one out"),
    ({"lam": 0.3}, "lam is given twice, as a number and on y; leave one out"),
    ({"alpha": 1.5}, "alpha is 1.5; it must be in [0, 1]"),
    ({"alpha": [0.1, 0.2]}, "alpha has shape (2,); give one number"),
    ({"resolution": 100}, "resolution is 100; it counts cells a side and must be a power of two"),
    ({"resolution": 100}, "take 128"),
    ({"resolution": 2**20}, "at most 8192: take 8192"),
    ({"resolution": 1}, "resolution is 1; it must be at least 2"),
    ({"resolution": 64.0}, "resolution is 64.0; it must be a whole number"),
    ({"by": "orbits"}, "by is 'orbits'; did you mean 'orbit'?"),
    ({"start": [0.2, 0.3, 0.5]}, "start is given, but by='stability' iterates nothing"),
    ({"start": [[0.2, 0.3, 0.5]], "by": "orbit"}, "start has shape (1, 3)"),
    ({"reference": [[0.2, 0.3, 0.5]]}, "reference has shape (1, 3); a phase diagram takes one"),
    ({"offline": [0.2, 0.3]}, "offline has 2 responses"),
    ({"objective": "kto"}, "objective is 'kto'"),
    ({"audit": 2}, "audit is 2; it must be in [0, 1]"),
    ({"audit": [0.1]}, "audit has shape (1,)"),
    ({"rng": "seed"}, "rng is 'seed'"),
    ({"rounds": -1, "by": "orbit"}, "rounds is -1"),
    ({"threads": 0, "by": "orbit"}, "threads is 0; it must be at least 1"),
    ({"P": np.stack([RPS, RPS])}, "P has shape (2, 3, 3); a phase diagram takes one matrix"),
    ({"P": RPS + 0.1}, "symmetrise"),
]


@pytest.mark.parametrize(("given", "message"), BAD)
def test_bad_arguments_are_refused_by_name(given, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        phase_diagram(**{"P": RPS, "alpha": 0.6, "resolution": 4, "progress": False, **given})


def test_no_input_is_changed():
    arrays = {"P": RPS.copy(), "reference": np.array([0.5, 0.3, 0.2])}
    before = {name: array.copy() for name, array in arrays.items()}
    diagram(resolution=4, **arrays)
    assert all(np.array_equal(arrays[name], before[name]) for name in arrays)
