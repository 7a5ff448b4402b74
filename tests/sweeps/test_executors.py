"""Whoever computes a sweep: the same to the bit, from small messages, on the same kind of site."""

import dataclasses
import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
import threadpoolctl

import alignsim as asim
from alignsim.claims import verify
from alignsim.sweeps import WrongWorkerError, batches, grid, orbit_diagram, plan, runner, site
from tests.sweeps import studies
from tests.sweeps.studies import study

THREE_THREADS = {"OPENBLAS_NUM_THREADS": "3", "MKL_NUM_THREADS": "3"}

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(plan, "MOST_MAPS", studies.CHUNK)


@pytest.fixture(scope="module")
def fork():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
        yield pool


@pytest.fixture(scope="module")
def threads():
    with ThreadPoolExecutor(3) as pool:
        yield pool


@pytest.mark.parametrize("name", ["fork", "threads"])
@pytest.mark.parametrize("given", [{}, {"objective": "dpo"}, {"by": "stability", "rounds": None}])
def test_a_sweep_is_the_same_to_the_bit_whoever_computes(name, given, request):
    pool = request.getfixturevalue(name)
    assert study(executor=pool, **given).identical(study(**given))


@pytest.mark.parametrize("name", ["fork", "threads"])
def test_a_sweep_of_wide_maps_is_too(name, request):
    """Above 64 responses rounds are matrix products, whose bits depend on their neighbours."""
    P = np.stack([asim.preferences.cyclic(65, advantage=a) for a in (0.2, 0.4)])
    given = {"beta": np.linspace(0.5, 6.0, 8), "rounds": 20, "progress": False}
    whole = asim.sweep(P, **given)
    pool = request.getfixturevalue(name)
    assert asim.sweep(P, executor=pool, **given).identical(whole)


@pytest.mark.parametrize("by", ["orbit", "stability"])
def test_a_diagram_is_too_level_by_level(by, fork, monkeypatch):
    monkeypatch.setattr(plan, "MOST_MAPS", 200)
    given = {"by": by, "resolution": 64, "alpha": 0.6, "progress": False}
    P = asim.preferences.cyclic(3, advantage=0.5)
    assert asim.phase_diagram(P, executor=fork, **given).identical(asim.phase_diagram(P, **given))


def bistable(**given):
    """Return the basins of four maps, of a circle beside a fixed point (theory 7) among others."""
    P = asim.preferences.cyclic(3, advantage=0.47)
    loop = asim.FeedbackMap(P, objective="dpo", beta=[[0.7, 0.79], [0.81, 2.0]], alpha=0.5)
    return asim.basins(loop, **{"resolution": 5, "progress": False, **given})


def same_basins(one, other):
    for field in dataclasses.fields(one):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


@pytest.mark.parametrize("name", ["fork", "threads"])
def test_basins_are_too(name, request):
    whole = bistable()
    assert whole.count.tolist() == [[1, 2], [1, 3]]
    same_basins(bistable(executor=request.getfixturevalue(name)), whole)


def test_basins_do_not_depend_on_where_they_are_cut(monkeypatch):
    whole = bistable()
    monkeypatch.setattr(plan, "MOST_MAPS", 1000)
    same_basins(bistable(), whole)


@pytest.mark.parametrize("name", ["fork", "threads"])
def test_an_orbit_diagram_is_too(name, request):
    given = {"alpha": 0.5, "lam": 1.0, "points": 20, "visits": 5, "progress": False}
    P, axis = asim.preferences.cyclic(3, advantage=0.5), ("beta", 2.0, 12.0)
    found = orbit_diagram(P, axis, executor=request.getfixturevalue(name), **given)
    assert found.identical(orbit_diagram(P, axis, **given))


def test_where_basins_are_cut_follows_from_the_recipe_alone(monkeypatch, threads):
    """By maps and starts; neither by who computes nor by how many threads there are."""
    monkeypatch.setattr(plan, "MOST_MAPS", 10)
    cuts = []

    def watched(jobs, receive, executor, bar):
        cuts.append([])
        for job in jobs:
            cuts[-1].append((job.number, job.shared.beta.tolist(), job.arguments[0].tolist()))
            receive(job.number, job.run())

    monkeypatch.setattr(batches, "run", watched)
    for given in ({}, {"executor": threads}, {"executor": 2}, {"threads": 1}):
        seen = bistable(**given)
    assert all(each == cuts[0] for each in cuts)
    assert [len(starts) for _, _, starts in cuts[0]] == [9, 9, 7] * 4
    assert [beta for _, beta, _ in cuts[0]] == [[b] for b in (0.7, 0.79, 0.81, 2.0) for _ in "abc"]
    assert [start for _, _, starts in cuts[0][:3] for start in starts] == seen.starts.tolist()


def test_a_message_holds_the_matrices_of_its_chunk_and_little_else(monkeypatch):
    monkeypatch.setattr(plan, "MOST_MAPS", 2000)
    sent = []

    def watched(jobs, receive, executor, bar):
        for job in jobs:
            sent.append(
                (len(pickle.dumps((job.shared, job.arguments))), job.shared.shape, job.units)
            )
            receive(job.number, job.run())

    monkeypatch.setattr(batches, "run", watched)
    P = np.stack([asim.preferences.cyclic(3, advantage=a) for a in np.linspace(0.1, 0.5, 40)])
    axes = {"beta": np.linspace(0.0, 9.0, 20), "lam": np.linspace(0.0, 1.0, 20)}
    asim.sweep(P, by="stability", progress=False, **axes)
    assert [shape[0] for _, shape, _ in sent] == [5] * 8, "each matrix travels once"
    assert max(size for size, _, _ in sent) < 4000
    assert sum(units for _, _, units in sent) == 40 * 400


def test_a_worker_of_another_version_or_processor_is_refused_in_words(monkeypatch, threads):
    here = site.site()
    assert set(here) == {"alignsim", "numba", "numpy", "scipy", "processor"}
    for name, other in (("alignsim", "9.9"), ("processor", "x86_64 abacus")):
        home = site.Home({**here, name: other}, site.place())
        monkeypatch.setattr(runner.Home, "here", lambda home=home: home)
        with pytest.raises(WrongWorkerError, match=f"has {name} .*, not {other}: its last digits"):
            study(executor=threads)
        with pytest.raises(WrongWorkerError, match=f"has {name} .*, not {other}: its last digits"):
            asim.phase_diagram(studies.STACK[0], alpha=0.5, resolution=8, executor=threads)


def test_processes_of_another_version_are_refused_and_what_is_done_is_kept(tmp_path):
    pytest.importorskip("zarr")
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(2, fork, initializer=studies.of_another_version) as pool:
        here = site.site()["alignsim"]
        with pytest.raises(
            WrongWorkerError, match=rf"has alignsim 9\.9, not {here}: its last"
        ) as e:
            study(executor=pool, store=tmp_path / "s.zarr")
        assert e.value.__notes__[0].startswith("0 of 18 chunks are kept")
        with pytest.raises(WrongWorkerError, match=r"has alignsim 9\.9, not"):
            verify("ipo-closed-form", trials=20, progress=False, executor=pool)
    assert study(store=tmp_path / "s.zarr").computed.all()


def test_matrix_products_keep_to_one_thread_and_get_them_back(monkeypatch, threads):
    def counts():
        found = threadpoolctl.threadpool_info()
        return {pool["num_threads"] for pool in found if pool["user_api"] == "blas"}

    before, inside = counts(), []
    plain = grid.Labelling.columns

    def seen(self, maps, workers):
        inside.append((counts(), workers))
        return plain(self, maps, workers)

    monkeypatch.setattr(grid.Labelling, "columns", seen)
    study(executor=threads)
    assert all(found == {1} and workers == 1 for found, workers in inside)
    assert counts() == before


LIBRARY_THAT_COMES_LATER = """
import sys
from alignsim.sweeps.runner import plain_products
with plain_products():
    assert "scipy.linalg" not in sys.modules
import scipy.linalg, threadpoolctl
with plain_products():
    pools = threadpoolctl.threadpool_info()
    print({pool["num_threads"] for pool in pools if pool["user_api"] == "blas"})
"""


def test_a_library_that_multiplies_and_is_loaded_later_keeps_to_one_thread_too():
    done = subprocess.run(
        [sys.executable, "-c", LIBRARY_THAT_COMES_LATER], env=os.environ | THREE_THREADS,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == "{1}\n", done.stderr


def test_a_sweep_of_stored_matrices_reads_them_part_by_part(tmp_path, monkeypatch):
    zarr = pytest.importorskip("zarr")
    whole = study()
    np.save(tmp_path / "P.npy", studies.STACK)
    mapped = np.load(tmp_path / "P.npy", mmap_mode="r")
    array = zarr.create_array(
        str(tmp_path / "P.zarr"), shape=(3, 3, 3), chunks=(1, 3, 3), dtype="f8"
    )
    array[...] = studies.STACK
    given = {**studies.GRID, "by": "both", "rounds": 60, "progress": False}
    for P in (mapped, array):
        assert asim.sweep(P, **given).identical(whole)
    bad = np.array(studies.STACK)
    bad[2, 0, 1] = 0.9
    array[...] = bad
    with pytest.raises(ValueError, match=r"P\[2, 0, 1\] \+ P\[2, 1, 0\] is 1.2"):
        asim.sweep(array, **given)


def test_a_large_result_is_refused_in_memory_with_the_remedy(monkeypatch):
    monkeypatch.setenv("ALIGNSIM_MEMORY", "1e-6")
    monkeypatch.setattr("alignsim.sweeps.stack.validation.preference_matrix", lambda P: P)
    with pytest.raises(ValueError, match=r"give a store, or sweep less"):
        grid.Study.in_memory(_study_of(10**4), {}, None, None, False)


def _study_of(count):
    labelling = grid.Labelling("stability", None, 0, 0)
    loops = grid.family("mrs")
    axes = {"alpha": np.array(0.5), "beta": np.linspace(0, 1, count), "lam": np.array(1.0)}
    stack = grid.Stack(studies.STACK[0])
    return grid.Study(stack, loops, axes, {"objective": "ipo"}, labelling)


def test_a_dry_run_says_what_a_sweep_would_take():
    found = study(dry_run=True)
    assert (found.maps, found.chunks, found.rounds) == (90, 18, 90 * 60)
    assert found.bytes == sum(v.nbytes for v in study().data_vars.values())
    assert found.sample == 90
    assert found.seconds > 0
    assert "90 in 18 chunks" in repr(found)
    assert study(dry_run=True, executor=2).threads == 1
    with pytest.raises(ValueError, match="dry_run"):
        study(dry_run="yes")


@pytest.mark.parametrize("name", ["fork", "threads"])
def test_claims_are_put_to_the_test_by_any_executor(name, request):
    whole = verify("ipo-closed-*", trials=20, progress=False)
    pool = request.getfixturevalue(name)
    found = verify("ipo-closed-*", trials=20, progress=False, executor=pool)
    assert len(found.results) == len(whole.results) > 0
    for one, other in zip(found.results, whole.results, strict=True):
        assert (one.name, one.status, one.worst_margin) == (
            other.name, other.status, other.worst_margin,
        )  # fmt: skip
