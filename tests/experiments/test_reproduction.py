import os
import signal
import warnings
from pathlib import Path

import numpy as np
import pytest

import alignsim as asim
from alignsim import preferences as prefs
from alignsim.experiments import evolution, reproduce, winner_from_corners
from alignsim.experiments.findings import reproduction_findings
from alignsim.experiments.reproduction import OSCILLATES
from alignsim.sweeps.store import Store
from tests.sweeps.studies import forked

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "hanna_K4_int.npz"
SMALL = {"alpha": [0.0, 0.5], "beta": [0.5, 6.0, 40.0], "lam": [0.5, 1.0], "rounds": 400}
OPTIONS = {**SMALL, "progress": False}


@pytest.fixture(scope="module")
def population():
    """Matrices of all four classes."""
    return asim.data.synthetic_ratings(prompts=5000, rng=0).matrices(rng=0)[4].P


@pytest.fixture(scope="module")
def found(population):
    return reproduce(population, most=30, **OPTIONS)


@pytest.fixture(scope="module")
def hanna():
    if not DATA.is_file():
        pytest.skip(f"real data absent: {DATA} is no file")
    with np.load(DATA, allow_pickle=False) as archive:
        return {name: archive[f"{name}_P"] for name in ("cyclic", "sst_with_ties", "sst_strict")}


def _barely_crowned(advantage=0.5, by=0.02):
    """Response 0 beats the others by little; these are a cycle."""
    P = np.full((4, 4), 0.5)
    P[1:, 1:] = prefs.cyclic(3, advantage=advantage)
    P[0, 1:], P[1:, 0] = 0.5 + by, 0.5 - by
    return P


def _members(P, name, most=30):
    """The matrices that are run, picked one by one."""
    members = P[asim.experiments.split_classes(P)[name]]
    count = min(most, len(members))
    return np.stack([members[i * len(members) // count] for i in range(count)])


def test_classes_are_counted(population, found):
    counts = [mask.sum() for mask in asim.experiments.split_classes(population).values()]
    assert found.matrices.values.tolist() == counts
    assert found.run.values.tolist() == [min(30, count) for count in counts]
    assert (found.failed == 0).all()
    assert (found.completed == found.run).all()
    assert found.attrs["rounds"] == 400
    assert found.attrs["burn_in"] == 200


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("name", asim.experiments.classes.CLASSES)
def test_means_are_those_of_single_runs(population, found, objective, name):
    """Cycle strength a matrix, then averaged; never the variance of an averaged orbit."""
    for alpha, beta, lam in [(0.0, 40.0, 1.0), (0.5, 6.0, 0.5)]:
        runs = [
            asim.FeedbackMap(P, objective=objective, alpha=alpha, beta=beta, lam=lam).run(
                rounds=400
            )
            for P in _members(population, name)
        ]
        strength = np.array([run.policies[200:].var(axis=0).mean() for run in runs])
        entropy = np.array([run.entropy[-1] for run in runs])
        cell = found.sel({"class": name}, drop=True).sel(
            objective=objective, alpha=alpha, beta=beta, lam=lam
        )
        assert cell.cycle_strength == pytest.approx(strength.mean(), rel=1e-9, abs=1e-15)
        assert cell.entropy == pytest.approx(entropy.mean(), abs=1e-12)
        assert cell.oscillating == pytest.approx((strength > OSCILLATES).mean())
        for kind, values in (("cycle_strength", strength), ("entropy", entropy)):
            error = values.std(ddof=1) / np.sqrt(len(values))
            assert cell[f"{kind}_error"] == pytest.approx(error, rel=1e-6, abs=1e-12)


def test_exact_instability(population, found):
    P = _members(population, "cyclic")
    radius = asim.stability(asim.FeedbackMap(P, alpha=0.5, beta=40.0, lam=1.0)).spectral_radius
    place = {"alpha": 0.5, "beta": 40.0, "lam": 1.0}
    cell = found.sel({"class": "cyclic"}).sel(objective="ipo", **place)
    assert 0.5 < cell.unstable == pytest.approx((radius > 1.0).mean())
    strength = asim.FeedbackMap(P, alpha=0.5, beta=40.0).run(rounds=400).cycle_strength
    assert cell.bistable == pytest.approx(((radius < 0.99) & (strength > 1e-5)).mean())
    assert cell.bistable < 0.1 < 0.5 < cell.oscillating
    assert found.unstable.sel(objective="dpo").isnull().all()


def test_a_loop_may_cycle_beside_a_stable_fixed_point():
    """Theory 6.6: a winner by .02 above a cycle."""
    ds = reproduce(
        _barely_crowned()[None],
        objective="ipo",
        alpha=0.9,
        beta=[1.0, 20.0],
        lam=1.0,
        progress=False,
    )
    cell = ds.sel({"class": "cyclic_winner"}).squeeze()
    assert cell.bistable.values.tolist() == [0.0, 1.0]
    assert cell.unstable.values.tolist() == [0.0, 0.0]


def test_entropy_ends_at_the_ties_at_the_top():
    tied = prefs.additive([0.2, 0.2, 0.0, -0.1])
    P = np.stack([tied, prefs.bradley_terry([3.0, 2.0, 1.0, 0.0])])
    ds = reproduce(P, objective="ipo", alpha=0.0, beta=2e3, lam=1.0, progress=False)
    weak, strict = (
        ds.sel({"class": name}).squeeze()
        for name in ("strongly_transitive", "strictly_strongly_transitive")
    )
    assert weak.entropy_limit == pytest.approx(np.log(2) / 2)
    assert weak.entropy == pytest.approx(np.log(2) / 2, abs=1e-6)
    assert (strict.entropy_limit, strict.run) == (0.0, 1)
    assert np.isnan(strict.entropy_error)
    assert np.isnan(ds.entropy_limit.sel({"class": "cyclic"}))


def test_every_average_is_over_the_matrices_without_a_failed_run():
    """MRS-DPO has no optimum where one side never wins: that matrix is in no DPO average."""
    certain = prefs.additive([0.5, 0.5, 0.0, 0.0])
    fair = np.stack([prefs.additive(r) for r in ([0.2, 0.2, 0.0, -0.1], [0.3, 0.2, 0.1, 0.0])])
    P = np.concatenate([fair, certain[None]])
    both, less = reproduce(P, **OPTIONS), reproduce(fair, **OPTIONS)
    both, less = (ds.sel({"class": "strongly_transitive"}) for ds in (both, less))
    assert both.completed.values.tolist() == [3, 2]
    limits = np.log([2, 1, 2])
    assert both.entropy_limit.values == pytest.approx([limits.mean(), limits[:2].mean()])
    for name in ("cycle_strength", "cycle_strength_error", "entropy", "entropy_error"):
        np.testing.assert_array_equal(
            both[name].sel(objective="dpo"), less[name].sel(objective="dpo")
        )
        assert (both[name] != less[name]).sel(objective="ipo").any()
    failed = both.failed.sel(objective="dpo")
    assert (failed.sel(status="no_optimum") == 1).all()
    assert failed.sum() == failed.sel(status="no_optimum").sum()
    assert (both.failed.sel(objective="ipo") == 0).all()


def test_a_matrix_that_fails_in_one_cell_is_in_none(monkeypatch, population):
    """Curves over β are of the same matrices."""
    from alignsim.feedback import FeedbackMap

    run = FeedbackMap.run

    def spoiled(self, *arguments, **options):
        orbit = run(self, *arguments, **options)
        orbit.status[0, ..., -1, -1] = 2
        return orbit

    P = population[asim.experiments.split_classes(population)["cyclic"]][:4]
    whole = reproduce(P[1:], objective="ipo", **OPTIONS).sel({"class": "cyclic"})
    monkeypatch.setattr(FeedbackMap, "run", spoiled)
    less = reproduce(P, objective="ipo", **OPTIONS).sel({"class": "cyclic"})
    assert (less.run, less.completed) == (4, 3)
    for name in ("cycle_strength", "entropy", "oscillating", "unstable", "bistable"):
        np.testing.assert_array_equal(less[name], whole[name], err_msg=name)
    assert less.failed.sum() == 2
    assert (less.failed.isel(beta=-1, lam=-1).sel(status="no_optimum") == 1).all()


def test_results_do_not_depend_on_chunks(monkeypatch, population, found):
    monkeypatch.setattr("alignsim.sweeps.plan.MOST_MAPS", 50)
    again = reproduce(population, most=30, **OPTIONS)
    assert again.identical(found)


def test_numbers_and_empty_classes_are_allowed():
    P = prefs.bradley_terry([1.0, 0.5, 0.0])[None]
    ds = reproduce(P, objective="dpo", alpha=0.5, beta=2.0, lam=1.0, rounds=50, progress=False)
    assert ds.entropy.sizes == {"class": 4, "objective": 1, "alpha": 1, "beta": 1, "lam": 1}
    assert ds.matrices.values.tolist() == [0, 0, 1, 1]
    assert ds.cycle_strength.sel({"class": "cyclic"}).isnull().all()


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_winner_from_corners_is_the_worst_of_all_starts(objective):
    P = asim.data.synthetic_ratings(prompts=4000, rng=0).matrices(rng=0)[4].P
    ds = winner_from_corners(P, objective=objective, alpha=0.5, beta=[1.0, 30.0], lam=1.0,
                             rounds=200)  # fmt: skip
    members = P[asim.experiments.split_classes(P)["cyclic_winner"]]
    assert ds.matrices == ds.run == ds.completed == len(members) > 2
    worst, most = [], 0.0
    for matrix in members:
        c = int(prefs.condorcet_winner(matrix))
        shares = []
        for corner in np.eye(4) * 0.96 + 0.01:
            run = asim.FeedbackMap(matrix, objective=objective, alpha=0.5, beta=30.0).run(
                corner, 200
            )
            shares.append(run.policies[100:, c].mean())
            most = max(most, run.cycle_strength)
        worst.append(min(shares))
    cell = ds.squeeze().sel(beta=30.0)
    assert cell.winner == pytest.approx(np.mean(worst))
    assert cell.winner_least == pytest.approx(np.min(worst))
    assert cell.cycle_strength_most == pytest.approx(most, rel=1e-9, abs=1e-20)
    tops = prefs.condorcet_winner(members)
    least = min(np.sort(row[c])[0] for row, c in zip(_others(members), tops, strict=True))
    assert ds.least_margin.values == pytest.approx(least - 0.5)


def test_one_corner_from_which_the_winner_is_not_found_decides():
    """From its own corner the winner keeps .948 (theory 6.6); from the others it gets nothing."""
    ds = winner_from_corners(_barely_crowned()[None], objective="ipo", alpha=0.9, beta=20.0,
                             lam=1.0)  # fmt: skip
    loop = asim.FeedbackMap(_barely_crowned(), alpha=0.9, beta=20.0)
    own = loop.run([0.97, 0.01, 0.01, 0.01], 3000)
    assert own.policy_mean[0] == pytest.approx(0.948, abs=1e-3)
    assert own.cycle_strength < 1e-12
    assert ds.winner_least.item() == ds.winner.item() < 0.01
    assert ds.cycle_strength_most.item() > 0.05
    assert ds.least_margin.item() == pytest.approx(0.02)


def _others(P):
    """The matrices without their diagonal."""
    return np.where(np.eye(P.shape[-1], dtype=bool), 1.0, P)


def test_the_example_is_stable_at_first_and_its_median_is_kept(population):
    ds = evolution(population, rounds=60)
    assert ds.policy.shape == (2, 3, 61, 4)
    assert np.array_equal(ds.policy.values[0, 0], ds.policy.values[1, 0])
    radius = ds.spectral_radius.values
    assert (radius[:, 0] < 1).all()
    assert (radius[:, -1] > 1).all()
    assert (np.diff(radius, axis=1) > 0).all()
    cyclic = population[asim.experiments.split_classes(population)["cyclic"]]
    onsets = np.sort(asim.analysis.critical_beta(cyclic, alpha=0.5))
    onsets = onsets[np.isfinite(onsets)]
    assert ds.attrs["critical_beta"] == onsets[(len(onsets) - 1) // 2]
    late = ds.policy.isel(round=slice(30, None)).var("round").mean("response")
    assert (late.isel(step=0) < 1e-6).all()
    assert (late.isel(step=-1) > 1e-2).all()


def test_findings_of_all_classes(population, found):
    winner = winner_from_corners(population, **OPTIONS)
    rows = dict(reproduction_findings(found, winner))
    assert rows["MRS-IPO, 30 cyclic without a winner"] == "at λ = 1"
    assert rows[f"MRS-DPO, {found.run.values[1]} cyclic below a winner"] == "at every λ"
    assert "MRS-DPO, 30 strongly transitive" in rows
    assert rows["– falls with η, whatever α"] == "at every step"
    assert not any(name.startswith("runs that failed") for name in rows)
    found = found.copy(deep=True)
    found.failed.loc[{"status": "no_optimum"}][0, 0, 0, 0, 0] = 3
    found.completed.loc[{"class": "cyclic", "objective": "dpo"}] = 27
    winner = winner.copy(deep=True)
    winner.failed.loc[{"status": "no_optimum"}][0, 0, 0, 0] = 2
    rows = dict(reproduction_findings(found, winner))
    assert rows["runs that failed: no_optimum"] == "5"
    assert rows["MRS-DPO, 27 of 30 cyclic without a winner"] == "at λ = 1"


def test_findings_tell_what_does_not_rise(found, population):
    fallen = found.copy(deep=True)
    fallen.cycle_strength.loc[{"class": "cyclic", "beta": 40.0}] = 0.0
    fallen.cycle_strength.loc[{"class": "cyclic", "alpha": 0.5}] = 0.0
    rows = dict(reproduction_findings(fallen, winner_from_corners(population, **OPTIONS)))
    assert rows["– rises with βλ"].startswith("but for steps back of at most 0.")
    assert rows["– rises with α"] == "at no βλ"


def _certain(*beats):
    """Response i beats those after it for certain; where (i, j) is given, j does."""
    P = np.triu(np.ones((4, 4)), 1) + 0.5 * np.eye(4)
    for i, j in beats:
        P[i, j], P[j, i] = 0.0, 1.0
    return P


@pytest.mark.parametrize("beats", [[], [(1, 3)]])
def test_where_a_run_of_every_matrix_failed_nothing_is_known(beats):
    P = _certain(*beats)[None]
    grid = OPTIONS | {"objective": "dpo", "rounds": 20}
    rows = reproduction_findings(reproduce(P, **grid), winner_from_corners(P, **grid))
    assert rows[0][0].startswith("MRS-DPO, 0 of 1 ")
    assert rows[1] == ("– what they do", "not known: in every matrix a run failed")
    assert rows[-1][0] == "runs that failed: no_optimum"
    assert "nan" not in str(rows)


def test_corners_from_which_runs_fail_leave_their_matrix_out():
    P = np.stack([_barely_crowned(0.3), _certain((1, 3))])
    grid = OPTIONS | {"objective": "dpo", "rounds": 20}
    both, fair = winner_from_corners(P, **grid), winner_from_corners(P[:1], **grid)
    assert (both.run, both.completed, fair.completed) == (2, 1, 1)
    for name in ("winner", "winner_least", "cycle_strength_most", "least_margin"):
        np.testing.assert_array_equal(both[name], fair[name], err_msg=name)
    assert (both.failed.sel(status="no_optimum") == 4).all()
    fails = np.stack([_barely_crowned(0.3, by=0.05), _barely_crowned()])
    margin = winner_from_corners(fails, **grid).least_margin.item()
    assert margin == pytest.approx(0.05)
    failed = winner_from_corners(P[1:], **grid)
    assert failed.winner.isnull().all()
    assert failed.least_margin.isnull().all()


def test_findings_do_not_depend_on_the_order_of_the_grid(found, population):
    winner = winner_from_corners(population, **OPTIONS)
    turned = {name: slice(None, None, -1) for name in ("alpha", "beta", "lam")}
    mixed = {"beta": [1, 2, 0]}
    rows = reproduction_findings(found, winner)
    assert reproduction_findings(found.isel(turned), winner.isel(turned)) == rows
    assert reproduction_findings(found.isel(mixed), winner.isel(mixed)) == rows


def test_findings_of_one_value_tell_of_no_step(population):
    grid = {"objective": "ipo", "alpha": 0.5, "beta": 40.0, "lam": 1.0, "rounds": 100, "most": 5,
            "progress": False}  # fmt: skip
    rows = dict(
        reproduction_findings(
            reproduce(population, **grid), winner_from_corners(population, **grid)
        )
    )
    for name in ("– rises with βλ", "– rises with α", "– falls with η, whatever α"):
        assert rows[name] == "not known: there is one value only"


def test_hanna_cycle_strength_rises_with_signal_and_alpha(hanna):
    """Over βλ from 2.5 to 100 and, up to 10, with α (λ = 1)."""
    beta = [1.0, 2.512, 3.981, 6.31, 10.0, 25.12, 100.0]
    ds = reproduce(
        hanna["cyclic"], objective="ipo", beta=beta, lam=1.0, rounds=3000, progress=False
    )
    assert ds.run.values[:2].tolist() == [799, 100]
    strength = ds.cycle_strength.sel({"class": "cyclic"}).squeeze()
    assert (strength.diff("beta") > -1e-9).all()
    assert (strength.sel(beta=slice(2.512, 10.0)).diff("alpha") > -1e-9).all()
    assert strength.sel(beta=10.0).values == pytest.approx(
        [0.0324, 0.0437, 0.0606, 0.0772], abs=1e-4
    )
    assert (ds.cycle_strength.sel({"class": "cyclic_winner"}) < 1e-12).all()


def test_hanna_winners_are_found_from_every_corner(hanna):
    ds = winner_from_corners(
        hanna["cyclic"], objective="ipo", alpha=[0.0, 0.9], beta=[1.0, 100.0], lam=1.0
    )
    assert ds.completed == 100
    assert (ds.cycle_strength_most < 1e-12).all()
    assert (ds.winner_least.sel(beta=100.0) > 0.999).all()


def test_hanna_entropy_falls_with_eta_whatever_alpha(hanna):
    P = np.concatenate([hanna["sst_with_ties"], hanna["sst_strict"]])
    ds = reproduce(P, objective="ipo", alpha=[0.0, 0.9], beta=np.geomspace(0.5, 50.0, 9),
                   lam=1.0, most=300, progress=False)  # fmt: skip
    weak = ds.entropy.sel({"class": "strongly_transitive"}).squeeze()
    assert (weak.diff("beta") < 0).all()
    # β = 0.5 at α = .9 is η = 5; β = 5 at α = 0 is the same fixed point
    assert weak.sel(alpha=0.9, beta=0.5) == pytest.approx(
        weak.sel(alpha=0.0).sel(beta=5.0, method="nearest").item(), abs=1e-9
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": "ppo"}, "objective is 'ppo'"),
        ({"objective": ()}, r"objective is \(\); name at least one"),
        ({"objective": ["ipo", "ipo"]}, "objective is .*each once"),
        ({"beta": [1.0, 2.0, 1.0]}, "beta holds 1 twice"),
        ({"alpha": 1.2}, r"alpha is 1.2; it must be in \[0, 1\]"),
        ({"beta": -1.0}, "beta is -1"),
        ({"lam": [0.5, 2.0]}, r"lam\[1\] is 2"),
        ({"rounds": 0}, "rounds is 0"),
        ({"most": 0}, "most is 0"),
    ],
)
@pytest.mark.parametrize("experiment", [reproduce, winner_from_corners])
def test_bad_input_is_named(experiment, options, message):
    with pytest.raises(ValueError, match=message):
        experiment(prefs.cyclic(3, advantage=0.2)[None], **options)


def test_a_stack_is_needed_and_a_cycle_for_the_example():
    for experiment in (reproduce, winner_from_corners, evolution):
        with pytest.raises(ValueError, match=r"P has shape \(3, 3\); give a stack"):
            experiment(prefs.cyclic(3, advantage=0.2))
    with pytest.raises(ValueError, match="no oscillation to show"):
        evolution(prefs.bradley_terry([1.0, 0.5, 0.0])[None])
    with pytest.raises(ValueError, match="no oscillation to show"):
        evolution(prefs.cyclic(3, advantage=1e-4)[None])


def test_findings_of_something_else_are_refused():
    P = asim.preferences.cyclic(3, advantage=0.5)
    grid = {"objective": "ipo", "alpha": 0.5, "beta": [1.0, 2.0], "lam": 1.0, "rounds": 2}
    found, winner = reproduce(P[None], **grid), winner_from_corners(P[None], **grid)
    swept = asim.sweep(P, beta=[1.0, 2.0], by="stability")
    for given, message in (
        ((3, winner), r"found is of type int; give the .* alignsim.experiments.reproduce returns"),
        ((swept, winner), "found has no variable 'class'"),
        ((winner, winner), "found has no variable 'class'"),
        ((found, found), r"winner has no .* 'winner_least' .*experiments.winner_from_corners"),
    ):
        with pytest.raises(ValueError, match=message):
            reproduction_findings(*given)


# Whoever computes, killed or not


@pytest.fixture
def chunks(monkeypatch):
    """Small chunks, as those of every run of this module are not."""
    monkeypatch.setattr("alignsim.sweeps.plan.MOST_MAPS", 50)


def test_the_values_do_not_depend_on_who_computes(chunks, population, found):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        assert reproduce(population, most=30, executor=pool, **OPTIONS).identical(found)
        given = {"most": 4, **OPTIONS}
        corners = winner_from_corners(population, executor=pool, **given)
    assert corners.identical(winner_from_corners(population, **given))


@pytest.mark.slow
def test_nor_on_processes_of_our_own(chunks, population, found):
    assert reproduce(population, most=30, executor=2, **OPTIONS).identical(found)


def test_killed_in_mid_run_it_goes_on_and_ends_the_same_to_the_bit(
    chunks, population, found, tmp_path, monkeypatch
):
    pytest.importorskip("zarr")
    place = tmp_path / "kept"
    given = {"most": 30, "store": place, **OPTIONS}
    plain, left = Store.put, [6]

    def put(self, chunk, columns):
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        plain(self, chunk, columns)

    with monkeypatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a fork beside threads
        patch.setattr(Store, "put", put)
        process = forked(lambda: reproduce(population, **given))
        process.join()
    assert process.exitcode == -signal.SIGKILL
    dims = ("matrix", "alpha", "beta", "lam")
    partial = asim.open_sweep(place / "ipo")
    assert partial.cycle_strength.dims == dims
    assert 0 < int(partial.computed.sum()) < partial.computed.size
    assert reproduce(population, **given).identical(found)
    whole = asim.open_sweep(place / "dpo")
    assert bool(whole.computed.all())
    first = whole.cycle_strength[: int(found.run[0])].values
    assert first.mean(axis=0) == pytest.approx(found.cycle_strength[0].sel(objective="dpo").values)

    def none(*_):
        raise AssertionError("computed again")

    monkeypatch.setattr(Store, "put", none)
    assert reproduce(population, **given).identical(found)
    with pytest.raises(ValueError, match="holds another sweep: rounds was 400 and is 399"):
        reproduce(population, **{**given, "rounds": 399})
    with pytest.raises(ValueError, match=r"holds another sweep: .*starts was null and is 16 from"):
        winner_from_corners(population, **given)


def test_a_class_without_matrices_needs_no_store(tmp_path):
    P = prefs.bradley_terry([3.0, 2.0, 1.0, 0.0])[None]
    ds = winner_from_corners(P, store=tmp_path / "kept", **OPTIONS)
    assert ds.winner.isnull().all()
