"""Sweeps under hostile conditions: kills, lost workers, odd surroundings. Nothing may change a bit.

Slow: processes are begun from scratch, and killed.
"""

import hashlib
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import alignsim as asim
from alignsim import progress
from alignsim.sweeps import plan
from alignsim.sweeps.store import Store
from tests.sweeps import studies
from tests.sweeps.studies import forked, study, values

pytest.importorskip("zarr")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

KILLS = 50

ROOT = Path(__file__).resolve().parents[2]

DIGEST = """
import hashlib, sys
from alignsim.sweeps import plan
from tests.sweeps import studies
plan.MOST_MAPS = studies.CHUNK
ds = studies.study(store=sys.argv[1])
for name in sorted(ds.data_vars):
    print(name, hashlib.sha256(ds[name].values.tobytes()).hexdigest())
"""
"""Prints what a sweep found, in a process of its own."""


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(plan, "MOST_MAPS", studies.CHUNK)


@pytest.fixture(scope="module")
def whole():
    return study()


def digests(ds):
    return {n: hashlib.sha256(ds[n].values.tobytes()).hexdigest() for n in ds.data_vars}


def test_fifty_kills_at_random_times_lose_and_change_nothing(tmp_path, whole):
    """The deaths are spread over the life of the sweep: whenever it ends, the next one begins."""
    rng = random.Random(0)
    kills = finished = 0
    while kills < KILLS:
        path = tmp_path / f"{finished}.zarr"
        process = forked(lambda path=path: study(store=path))
        process.join(rng.uniform(0.02, 1.2))
        if process.exitcode is None:
            process.kill()
            process.join()
            kills += 1
        else:
            assert process.exitcode == 0
            assert values(asim.open_sweep(path)).identical(whole)
            finished += 1
    assert values(study(store=path)).identical(whole)
    for n in range(finished):
        assert values(study(store=tmp_path / f"{n}.zarr")).identical(whole)


@pytest.mark.parametrize("kind", ["fork", "forkserver", "spawn"])
def test_processes_of_every_kind_give_the_same_bits(kind, whole):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(kind)) as pool:
        assert study(executor=pool).identical(whole)


def test_loky_gives_the_same_bits(whole):
    loky = pytest.importorskip("loky")
    pool = loky.get_reusable_executor(2)
    try:
        assert study(executor=pool).identical(whole)
    finally:
        pool.shutdown(wait=True)


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        distributed.Client(cluster) as made,
    ):
        yield made


def test_a_cluster_gives_the_same_bits_by_both_of_its_faces(client, whole):
    assert study(executor=client).identical(whole)
    assert study(executor=client.get_executor()).identical(whole)


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "file"])
@pytest.mark.parametrize("face", ["client", "executor"])
def test_a_bar_counts_what_a_cluster_has_done(face, terminal, client, capfd, monkeypatch):
    """One bar, of the maps that have come back; a worker writes nothing between its lines."""
    monkeypatch.setattr(progress, "_is_terminal", lambda: terminal)
    monkeypatch.setattr(progress, "DELAY" if terminal else "FIRST_LINE", 0.0)
    study(executor=client if face == "client" else client.get_executor(), progress=True)
    shown = capfd.readouterr()
    assert shown.out == ""
    lines = [line for line in shown.err.replace("\r", "\n").splitlines() if line.strip()]
    counts = [re.fullmatch(r"sweep: +\d+%\|.*\| (\d+)/90 \[.*maps.*\]", line) for line in lines]
    assert all(counts), lines
    done = [int(count[1]) for count in counts]
    assert done == sorted(done)
    assert done[-1] == 90
    assert ("\r" in shown.err) is terminal


def test_basins_have_the_same_bits_whoever_follows_the_orbits(client):
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.5), beta=[2.0, 12.0], alpha=0.5)
    whole = asim.basins(loop, resolution=6, progress=False)
    for executor in (client, client.get_executor(), 2):
        found = asim.basins(loop, resolution=6, progress=False, executor=executor)
        for field in fields(whole):
            np.testing.assert_array_equal(getattr(found, field.name), getattr(whole, field.name))


def test_a_cluster_gets_a_large_matrix_once(client):
    P = asim.preferences.cyclic(101, advantage=0.4)
    given = {"beta": np.linspace(0.5, 6.0, 12), "by": "stability", "progress": False}
    assert asim.sweep(P, executor=client, **given).identical(asim.sweep(P, **given))


@pytest.mark.parametrize("face", ["client", "executor"])
def test_a_worker_of_a_cluster_is_killed_in_mid_run(face, client, whole, tmp_path, monkeypatch):
    client.wait_for_workers(2)
    victim = next(iter(client.run(os.getpid).values()))
    plain, puts = Store.put, []

    def put(self, chunk, columns):
        puts.append(chunk)
        if len(puts) == 4:
            os.kill(victim, signal.SIGKILL)
        plain(self, chunk, columns)

    monkeypatch.setattr(Store, "put", put)
    executor = client if face == "client" else client.get_executor()
    found = study(executor=executor, store=tmp_path / "s.zarr")
    assert values(found).identical(whole)
    assert len(puts) >= 18
    with pytest.raises(ProcessLookupError):
        os.kill(victim, 0)


@pytest.mark.parametrize(
    "odd",
    [
        {"NUMBA_NUM_THREADS": "1"},
        {"NUMBA_CACHE_DIR": "/proc/nowhere"},
        {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0"},
        {"LC_ALL": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati"},
        {"SOURCE_DATE_EPOCH": "0", "OMP_NUM_THREADS": "7", "OPENBLAS_NUM_THREADS": "7"},
    ],
    ids=lambda odd: next(iter(odd)),
)
def test_odd_surroundings_change_nothing(odd, whole, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", DIGEST, str(tmp_path / "s.zarr")],
        env={**os.environ, "PYTHONPATH": str(ROOT), **odd},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = dict(line.split() for line in done.stdout.splitlines())
    assert found == digests(whole)


@pytest.mark.parametrize("workers", [(), ("--workers", "2")], ids=["here", "processes"])
def test_an_interrupt_ends_the_command_in_two_seconds_and_it_goes_on(workers, tmp_path):
    """Chunks take seconds here; counted is the processor's time, which no neighbour takes."""
    np.save(tmp_path / "m.npy", np.repeat(studies.STACK, 200, axis=0))
    command = [
        sys.executable, "-m", "alignsim", "sweep", "m.npy", "--beta", "0.5:12:40", "--lam",
        "0.2:1:20", "--rounds", "20000", "--store", "s.zarr", *workers,
    ]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE, text=True, preexec_fn=hear_interrupts, start_new_session=True,
    )  # fmt: skip
    with process:
        mask = tmp_path / "s.zarr" / "computed" / "c"
        while not list(mask.glob("**/0")) and process.poll() is None:
            time.sleep(0.1)
        stat = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        begun = sum(map(int, stat[11:13])) / os.sysconf("SC_CLK_TCK")
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        told = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 130
    assert "chunks are kept in 's.zarr'; the same call goes on from there" in told
    assert told.count("\n") == 1
    assert used.ru_utime + used.ru_stime - begun < 2.0
    assert 0 < int(asim.open_sweep(tmp_path / "s.zarr").computed.sum()) < 480_000


def hear_interrupts():
    signal.signal(signal.SIGINT, signal.default_int_handler)
