"""Diagrams whose levels are kept: what is killed goes on, and ends the same to the bit."""

import os
import signal

import numpy as np
import pytest

import alignsim as asim
from alignsim.sweeps import batches, plan
from alignsim.sweeps.store import Store
from tests.sweeps import studies
from tests.sweeps.studies import forked

pytest.importorskip("zarr")
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

P = asim.preferences.cyclic(3, advantage=0.5)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(plan, "MOST_MAPS", 200)


def diagram(**given):
    usual = {"alpha": 0.6, "resolution": 64, "audit": 0.1, "progress": False}
    return asim.phase_diagram(P, **{**usual, **given})


@pytest.fixture(scope="module")
def whole():
    """Without a store, of chunks of the usual size: no value depends on that here."""
    return {by: diagram(by=by) for by in ("stability", "both")}


def computed(monkeypatch):
    """Return a list that fills up with the sizes of the chunks that are computed."""
    seen, plain = [], batches.run

    def run(jobs, receive, executor, bar):
        def counted():
            for job in jobs:
                seen.append(job.units)
                yield job

        plain(counted(), receive, executor, bar)

    monkeypatch.setattr(batches, "run", run)
    return seen


@pytest.mark.parametrize("by", ["stability", "both"])
def test_a_kept_diagram_is_that_in_memory_and_is_computed_once(by, whole, tmp_path, monkeypatch):
    seen = computed(monkeypatch)
    assert diagram(by=by, store=tmp_path / "d").identical(whole[by])
    assert sum(seen) == whole[by].attrs["evaluations"]
    seen.clear()
    assert diagram(by=by, store=tmp_path / "d").identical(whole[by])
    assert seen == []


def test_killed_in_mid_run_it_goes_on_and_ends_the_same_to_the_bit(whole, tmp_path, monkeypatch):
    def to_its_death(puts):
        plain, done = Store.put, []

        def put(self, chunk, columns):
            if len(done) == puts:
                os.kill(os.getpid(), signal.SIGKILL)
            done.append(chunk)
            plain(self, chunk, columns)

        Store.put = put
        diagram(store=tmp_path / "d")

    for puts in (0, 1, 6):
        process = forked(to_its_death, puts)
        process.join()
        assert process.exitcode == -signal.SIGKILL
    assert len(list((tmp_path / "d").iterdir())) > 1, "it died beyond the first level"
    seen = computed(monkeypatch)
    assert diagram(store=tmp_path / "d").identical(whole["stability"])
    assert 0 < sum(seen) < whole["stability"].attrs["evaluations"]


def test_an_error_says_what_is_kept_and_how_to_go_on(tmp_path, monkeypatch):
    plain = Store.put

    def put(self, chunk, columns):
        if chunk == 2:
            raise KeyboardInterrupt
        plain(self, chunk, columns)

    monkeypatch.setattr(Store, "put", put)
    with pytest.raises(KeyboardInterrupt) as raised:
        diagram(store=tmp_path / "d")
    (note,) = raised.value.__notes__
    assert note.startswith(f"2 of 6 chunks are kept in '{tmp_path / 'd' / 'level-00'}'")


def test_a_level_is_an_ordinary_sweep_of_points(whole, tmp_path):
    diagram(store=tmp_path / "d")
    levels = [asim.open_sweep(path) for path in sorted((tmp_path / "d").iterdir())]
    assert sum(level.sizes["point"] for level in levels) == whole["stability"].attrs["evaluations"]
    for n, level in enumerate(levels):
        assert level.attrs["level"] == n
        assert bool(level.computed.all())
        there = whole["stability"].sel(lam=level.lam, beta=level.beta)
        assert bool(there.evaluated.all())
        np.testing.assert_array_equal(there.phase, level.phase)
        np.testing.assert_array_equal(there.spectral_radius, level.spectral_radius)
    with pytest.raises(ValueError, match=r"no stored sweep is; open one of its parts, such as '"):
        asim.open_sweep(tmp_path / "d")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"resolution": 128}, "resolution was 64 and is 128"),
        ({"audit": 0.2}, r"audit was 0\.1 and is 0\.2"),
        ({"rng": 1}, "rng was 0 and is 1"),
        ({"rng": np.random.default_rng(0)}, "rng was 0 and is {"),
        ({"by": "orbit"}, "by was stability and is orbit"),
        ({"alpha": 0.5}, r"alpha was 0\.6 and is 0\.5"),
        ({"x": ("beta", 0.0, 11.0)}, "x was .* and is "),
        ({"method": "nash_md", "alpha": None, "kappa": 0.5}, "method was mrs and is nash_md"),
        ({"reference": [0.2, 0.3, 0.5]}, "reference was null and is 3 from"),
    ],
)
def test_another_diagram_is_refused_with_what_differs(given, told, tmp_path):
    diagram(resolution=64, store=tmp_path / "d")
    with pytest.raises(ValueError, match=rf"holds another sweep: .*{told}"):
        diagram(**given, store=tmp_path / "d")


def test_what_is_no_diagram_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    studies.study(store=tmp_path / "s.zarr")
    for name in ("mine", "s.zarr"):
        before = sorted((tmp_path / name).rglob("*"))
        with pytest.raises(ValueError, match="where something else is; name a folder"):
            diagram(store=tmp_path / name)
        assert sorted((tmp_path / name).rglob("*")) == before
    diagram(store=tmp_path / "d")
    with pytest.raises(ValueError, match="where something else is; name a folder"):
        studies.study(store=tmp_path / "d")


def test_a_second_one_is_refused_at_once_though_the_first_is_at_a_later_level(
    tmp_path, monkeypatch
):
    plain, heard = Store.put, []

    def put(self, chunk, columns):
        if self.path.name == "level-01" and not heard:
            with pytest.raises(ValueError, match="level-00', which another sweep is writing"):
                diagram(store=tmp_path / "d")
            heard.append(True)
        plain(self, chunk, columns)

    monkeypatch.setattr(Store, "put", put)
    diagram(store=tmp_path / "d")
    assert heard
