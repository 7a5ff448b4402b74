"""``alignsim sweep``: grids of one matrix or many, stores, tables, and what is refused."""

import re
import signal

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import alignsim as asim
from alignsim.cli import app
from alignsim.sweeps import plan

SMALL = ["--beta", "0:12:6", "--lam", "0.5,1", "--by", "stability", "--quiet"]


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("m.npy", np.stack([asim.preferences.cyclic(3, advantage=a) for a in (0.1, 0.3, 0.5)]))


def called(*arguments):
    return CliRunner().invoke(app, ["sweep", *map(str, arguments)])


def ran(*arguments):
    result = called(*arguments)
    assert result.exit_code == 0, result.output
    return result


def test_a_stack_is_swept_as_the_library_does():
    ran("m.npy", *SMALL, "--over", "alpha=0:0.8:3", "--data", "a.nc")
    expected = asim.sweep(
        np.load("m.npy"), beta=np.linspace(0, 12, 6), lam=[0.5, 1.0], alpha=[0.0, 0.4, 0.8],
        by="stability", progress=False,
    )  # fmt: skip
    with xr.open_dataset("a.nc") as found:
        xr.testing.assert_equal(found.load(), expected)


def test_the_usual_alpha_and_one_matrix_without_a_file():
    shown = ran("--beta", "2", "--rounds", 20, "--data", "a.nc").stdout
    assert "converged" in shown
    with xr.open_dataset("a.nc") as found:
        assert float(found.alpha) == 0.6
        assert found.phase.shape == ()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_long_table_has_a_row_a_map_in_words(kind, monkeypatch):
    pandas = pytest.importorskip("pandas")
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    monkeypatch.setattr("alignsim.sweeps.exporting.ROWS_AT_A_TIME", 13)
    ran("m.npy", *SMALL, "--data", f"a.{kind}")
    table = getattr(pandas, f"read_{kind}")(f"a.{kind}")
    expected = asim.sweep(
        np.load("m.npy"), beta=np.linspace(0, 12, 6), lam=[0.5, 1.0], alpha=0.6, by="stability",
        progress=False,
    )  # fmt: skip
    assert len(table) == 36
    assert set(table.phase) == {"stable", "unstable"}
    assert table.spectral_radius.tolist() == pytest.approx(expected.spectral_radius.values.ravel())
    assert table.matrix.tolist() == np.repeat([0, 1, 2], 12).tolist()
    assert table.beta[:4].tolist() == pytest.approx([0, 0, 2.4, 2.4])


def test_a_dry_run_writes_nothing(tmp_path):
    shown = ran("m.npy", *SMALL, "--dry-run", "--store", "s.zarr").stdout
    assert "36 in 1 chunks" in shown
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.npy"]


def test_a_store_is_gone_on_with_only_if_that_is_said(monkeypatch):
    pytest.importorskip("zarr")
    monkeypatch.setattr(plan, "MOST_MAPS", 6)
    from alignsim.sweeps.store import Store

    plain, puts = Store.put, []

    def stop(self, chunk, columns):
        if len(puts) == 2:
            raise KeyboardInterrupt
        puts.append(chunk)
        plain(self, chunk, columns)

    monkeypatch.setattr(Store, "put", stop)
    result = called("m.npy", *SMALL, "--store", "s.zarr")
    assert result.exit_code == 130
    assert result.stderr == (
        "alignsim: interrupted; 2 of 6 chunks are kept in 's.zarr'; the same call goes on from "
        "there\n"
    )
    again = called("m.npy", *SMALL, "--store", "s.zarr")
    assert again.exit_code == 2
    assert "--store is 's.zarr', which exists; pass --resume to go on" in again.stderr
    monkeypatch.setattr(Store, "put", plain)
    ran("m.npy", *SMALL, "--store", "s.zarr", "--resume")
    assert asim.open_sweep("s.zarr").computed.all()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--beta", "0:12"], "--beta is '0:12'; give a number, FROM:TO:COUNT or a,b,c"),
        (["--beta", "0:12:1"], "--beta is '0:12:1'; give a number"),
        (["--lam", "x", "--beta", "1"], "--lam is 'x'; give a number"),
        (["--beta", "1", "--over", "gamma=1"], "--over is 'gamma=1'; write NAME=FROM:TO:COUNT, of"),
        (["--beta", "1", "--over", "beta=1"], "--beta is '1', but --over runs over it; leave it"),
        (["--beta", "1", "--resume"], "--resume is given, but there is no --store to go on with"),
        (
            ["--beta", "1", "--scheduler", "tcp://x", "--workers", "2"],
            "--workers is 2, but",
        ),
        (
            ["--beta", "1", "--by", "stability", "--rounds", "9"],
            "--rounds is 9, but --by",
        ),
        (["--beta", "1", "--data", "a.txt"], "its name must end in .nc or .csv or .parquet"),
        ([], "beta is missing"),
    ],
)
def test_what_makes_no_sense_is_refused_on_one_line(arguments, told):
    result = called("m.npy", *arguments)
    assert result.exit_code == 2
    assert told in re.sub(r"\s+", " ", result.stderr)
    assert result.stderr.count("\n") == 1


def test_a_worker_that_dies_is_told_on_one_line(monkeypatch):
    from alignsim.sweeps import WorkersLostError

    def lost(*_, **__):
        error = WorkersLostError("4 workers died")
        error.add_note("3 of 9 chunks are kept")
        raise error

    monkeypatch.setattr("alignsim.sweeps.sweep", lost)
    result = called("m.npy", "--beta", "1", "--workers", "2")
    assert result.exit_code == 2
    assert result.stderr == "alignsim: 4 workers died; 3 of 9 chunks are kept\n"
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
