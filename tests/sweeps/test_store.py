"""Sweeps on disk: what is kept, what is refused, and what a damaged store does."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import alignsim as asim
from alignsim.objectives import RLHF
from alignsim.sweeps import plan, site, work
from alignsim.sweeps.lock import locked
from tests.sweeps import studies
from tests.sweeps.studies import forked, study, values

zarr = pytest.importorskip("zarr")
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(plan, "MOST_MAPS", studies.CHUNK)


@pytest.fixture(scope="module")
def whole():
    return study()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.zarr"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished store, of which tests take a copy each."""
    folder = tmp_path_factory.mktemp("finished") / "study.zarr"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "MOST_MAPS", studies.CHUNK)
        study(store=folder)
    return folder


@pytest.fixture
def stored(finished, path):
    return Path(shutil.copytree(finished, path))


@pytest.fixture
def puts(monkeypatch):
    """Let writes of Zarr be watched: ``before(n, path)`` is called before the n-th."""
    from zarr.storage import _local

    plain = _local._put
    state = {"calls": 0, "before": lambda n, path: None}

    def watched(path, value, **given):
        state["calls"] += 1
        state["before"](state["calls"], path)
        return plain(path, value, **given)

    monkeypatch.setattr(_local, "_put", watched)
    return state


def chunk_files(path, name="entropy"):
    return sorted(file for file in (path / name / "c").rglob("*") if file.is_file())


@pytest.mark.parametrize("by", ["orbit", "stability", "both"])
def test_what_comes_back_is_what_was_computed_with_every_attribute(by, path):
    given = {"by": by, "rounds": None if by == "stability" else 60}
    stored = study(store=path, **given)
    assert stored.computed.dims == stored.phase.dims
    assert stored.computed.all()
    assert values(stored).identical(study(**given))


def test_a_point_without_axes_can_be_stored(path):
    alone = {"beta": 2.0, "rounds": 20, "progress": False}
    stored = asim.sweep(studies.STACK[0], store=path, **alone)
    assert values(stored).identical(asim.sweep(studies.STACK[0], **alone))
    assert asim.sweep(studies.STACK[0], store=path, **alone).phase.shape == ()


def test_a_stored_sweep_is_read_when_it_is_used(path):
    stored = study(store=path)
    assert not any(v.variable._in_memory for v in stored.data_vars.values())
    for file in chunk_files(path):
        file.write_bytes(b"")
    assert stored.phase.isel(matrix=0).values.size == 30
    with pytest.raises(Exception, match=r"."):
        stored.entropy.load()


def test_the_same_call_computes_nothing_again(stored, monkeypatch, whole):
    monkeypatch.setattr("alignsim.sweeps.grid.compute", None)
    assert values(study(store=stored)).identical(whole)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"rounds": 62}, "rounds was 60 and is 62; burn_in was 30 and is 31"),
        ({"burn_in": 5}, "burn_in was 30 and is 5"),
        ({"by": "orbit"}, "by was both and is orbit"),
        ({"objective": "dpo"}, "objective was ipo and is dpo"),
        ({"beta": [0.5, 2.0, 6.0, 9.0, 11.0]}, "beta was 5 from 0.5 to 12"),
        ({"start": [0.5, 0.3, 0.2]}, "start was null and is 3 from 0.2 to 0.5"),
        ({"reference": [0.5, 0.3, 0.2]}, "reference was null and is 3 from 0.2 to 0.5"),
        ({"offline": [0.5, 0.3, 0.2]}, "offline was null and is 3 from 0.2 to 0.5"),
    ],
)
def test_another_sweep_in_the_same_store_is_refused_with_what_differs(stored, whole, changed, told):
    with pytest.raises(ValueError, match="holds another sweep: .*" + re.escape(told)):
        study(store=stored, **changed)
    assert values(asim.open_sweep(stored)).identical(whole)


def test_objectives_that_look_alike_are_told_apart(path):
    def sweep(rewards):
        objective = RLHF(rewards=np.array(rewards))
        asim.sweep(studies.STACK[0], objective=objective, beta=1.0, by="stability", store=path)

    sweep([0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match=r"holds another sweep: objective was rlhf\(rewards=3 "):
        sweep([0.1, 0.2, 0.3 + 1e-15])


def test_other_matrices_and_another_site_are_refused(stored, monkeypatch):
    with pytest.raises(
        ValueError, match=r"matrices was \(3, 3, 3\), SHA-256 .* and is \(3, 3, 3\)"
    ):
        asim.sweep(
            studies.STACK[::-1], store=stored, by="both", rounds=60, progress=False, **studies.GRID
        )
    here = site.site()
    monkeypatch.setattr(
        "alignsim.sweeps.grid.site", lambda: {**here, "numba": "0.1", "processor": "abacus"}
    )
    told = f"numba was {here['numba']} and is 0.1; processor was {here['processor']} and is abacus"
    with pytest.raises(ValueError, match=re.escape(told)):
        study(store=stored)


def test_what_is_no_store_is_left_alone(tmp_path):
    for place in (tmp_path / "file", tmp_path / "folder"):
        if place.name == "file":
            place.write_text("precious")
        else:
            place.mkdir()
            (place / "thesis.tex").write_text("precious")
        with pytest.raises(ValueError, match="where something else is; name a folder"):
            study(store=place)
        with pytest.raises(ValueError, match="where no stored sweep is"):
            asim.open_sweep(place)
    assert (tmp_path / "folder" / "thesis.tex").read_text() == "precious"
    with pytest.raises(ValueError, match="where no stored sweep is"):
        asim.open_sweep(tmp_path / "nowhere")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_a_store_of_another_format_is_refused(stored):
    meta = json.loads((stored / "zarr.json").read_text())
    meta["attributes"]["alignsim_store"] = 99
    (stored / "zarr.json").write_text(json.dumps(meta))
    with pytest.raises(ValueError, match="a sweep stored in format 99; this version reads and"):
        study(store=stored)


def test_an_interrupted_sweep_says_how_to_go_on_and_can_be_read(path, puts, whole):
    def stop(n, file):
        if n == 130:
            os.kill(os.getpid(), signal.SIGINT)

    puts["before"] = stop
    with pytest.raises(KeyboardInterrupt) as caught:
        study(store=path)
    (note,) = caught.value.__notes__
    kept = int(re.match(r"(\d+) of 18 chunks are kept in", note)[1])
    assert 0 < kept < 18
    assert note.endswith("the same call goes on from there")
    puts["before"] = lambda n, file: None
    part = asim.open_sweep(path)
    maps = sum(([6, 6, 3] * 6)[:kept])
    assert int(part.computed.sum()) == maps
    assert part.entropy.where(part.computed).notnull().sum() == maps
    done = part.computed.load()
    for name in whole.data_vars:
        np.testing.assert_array_equal(part[name].values[done], whole[name].values[done])
    assert asim.sweeps.findings(part)[0] == (
        "maps",
        "90 (3 matrices × 2 α × 5 β × 3 λ), 60 rounds each",
    )
    assert values(study(store=path)).identical(whole)


@pytest.mark.parametrize("write", [1, 2, 20, 47, 60, 61, 199])
def test_a_kill_at_any_write_loses_nothing_and_changes_nothing(path, puts, whole, write):
    """Before a file is renamed into its place, or among those of a chunk, or at its checksum."""

    def killed():
        def before(n, file):
            if n == write:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.with_suffix(".0.partial").write_bytes(b"half")
                os.kill(os.getpid(), signal.SIGKILL)

        puts["before"] = before
        study(store=path)

    process = forked(killed)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert values(study(store=path)).identical(whole)
    assert not list(path.rglob("*.partial"))


def test_a_full_disk_is_named_and_what_was_done_is_kept(path, puts, whole):
    def full(n, file):
        if n > 120:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    puts["before"] = full
    with pytest.raises(OSError, match=r"the store '.*' cannot be written: No space left") as caught:
        study(store=path)
    assert caught.value.errno == errno.ENOSPC
    assert re.match(r"[1-9]\d* of 18 chunks are kept", caught.value.__notes__[0])
    kept = int(asim.open_sweep(path).computed.sum())
    assert kept > 0
    puts["before"] = lambda n, file: None
    assert values(study(store=path)).identical(whole)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named(tmp_path, path):
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(OSError, match=r"the store '.*study.zarr' cannot be written"):
            study(store=path)
    finally:
        tmp_path.chmod(0o755)


def test_a_folder_that_refuses_is_named(path, monkeypatch):
    """As a read-only one does, also to those whom no permission holds back."""

    def refuse(self, *given, **further):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(OSError, match=r"the store '.*study.zarr' cannot be written: Permission"):
        study(store=path)


@pytest.mark.parametrize(
    ("name", "harm"),
    [*((n, h) for n in ("entropy", "computed") for h in ("flip", "gone")),
     *(("phase", h) for h in ("cut", "empty", "swap"))],
)  # fmt: skip
def test_a_damaged_chunk_is_found_and_computed_again(stored, whole, name, harm):
    one, other = chunk_files(stored, name)[3:5]
    content = bytearray(one.read_bytes())
    if harm == "gone":
        one.unlink()
    elif harm == "swap":
        one.write_bytes(other.read_bytes())
    else:
        content[len(content) // 2] ^= 4
        one.write_bytes({"flip": content, "cut": content[:-3], "empty": b""}[harm])
    if harm == "gone":
        with pytest.raises(ValueError, match=f"files of '{name}' are missing; run the sweep again"):
            asim.open_sweep(stored)
    elif harm == "flip":
        with pytest.raises(ValueError, match="checksum"):
            asim.open_sweep(stored)[name].load()
    assert values(study(store=stored)).identical(whole)


def test_only_the_damaged_chunk_is_computed_again(stored, monkeypatch):
    chunk_files(stored)[3].write_bytes(b"noise")
    plain, seen = work.compute, []
    monkeypatch.setattr(
        "alignsim.sweeps.grid.compute", lambda *given: seen.append(given) or plain(*given)
    )
    study(store=stored)
    assert len(seen) == 1


def test_a_second_process_is_refused_while_the_first_writes(stored):
    with locked(stored / "checksum" / "lock"):
        message = "which another sweep is writing; wait until it has ended"
        with pytest.raises(ValueError, match=message):
            study(store=stored)

        def second():
            try:
                study(store=stored)
            except ValueError as error:
                os._exit(7 if message in str(error) else 1)
            os._exit(0)

        other = forked(second)
        other.join()
        assert other.exitcode == 7
        assert asim.open_sweep(stored).computed.all(), "reading needs no lock"
    study(store=stored)


def test_the_lock_ends_with_its_process_even_if_children_live_on(tmp_path):
    file = tmp_path / "lock"
    script = (
        "import os, sys; from pathlib import Path; from alignsim.sweeps.lock import locked\n"
        f"with locked(Path({str(file)!r})):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        sys.stdin.read(); os._exit(0)\n"
        "    print(child, flush=True); os.kill(os.getpid(), 9)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        child = int(holder.stdout.readline())
        assert holder.wait() == -signal.SIGKILL
        os.kill(child, 0)
        with locked(file):
            pass


def test_without_zarr_the_remedy_is_said(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    for call in (lambda: study(store=path), lambda: asim.open_sweep(path)):
        with pytest.raises(ImportError, match=r"pip install 'alignsim\[store\]'"):
            call()
