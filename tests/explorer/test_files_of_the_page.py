"""The page as files, its links, the widget and the command."""

import gc
import gzip
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import alignsim as asim
from alignsim.cli import app
from alignsim.cli.app import GARBAGE_AFTER
from alignsim.explorer import explore, export, page
from alignsim.explorer.links import link

BUDGET = 40 * 1024
"""Bytes, compressed."""


def test_a_folder_and_a_file(tmp_path):
    export(tmp_path / "folder")
    names = {each.name for each in (tmp_path / "folder").iterdir()}
    assert names == {"index.html", "explorer.js", "style.css"}
    whole = export(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "src=" not in whole
    assert '<link rel="stylesheet"' not in whole
    assert asim.__version__ in whole


def test_the_page_is_small(tmp_path):
    folder = export(tmp_path / "folder")
    sizes = [len(gzip.compress(each.read_bytes())) for each in folder.iterdir()]
    assert sum(sizes) <= BUDGET


def test_the_module_is_one_and_asks_nobody_else():
    text = page.module()
    assert "import {" not in text
    assert "import *" not in text
    assert "http" not in text.replace("http://www.w3.org", "").replace("/^http/", "")
    assert text.count("export ") == 2


def test_what_is_written_fails_with_the_place(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        export(tmp_path / "file" / "page.html")


def test_what_the_page_cannot_compute_is_not_exported(tmp_path):
    path = tmp_path / "page.html"
    with pytest.raises(ValueError, match=r"objective is 'dpo'.*leave --export out"):
        export(path, objective="dpo")
    with pytest.raises(ValueError, match="P has 7 responses; the exported page computes IPO"):
        export(path, np.full((7, 7), 0.5))
    with pytest.raises(ValueError, match="beta"):
        export(path, beta=-1.0)
    assert not path.exists()


def test_links():
    P = np.array([[0.5, 0.75], [0.25, 0.5]])
    told = link(P, ["a b", "c~d"], method="nash_md", values={"kappa": 0.3, "beta": 2})
    assert told == "#p=0.75&l=a%2520b~c%257Ed&a=nash_md*ipo*beta*lam*kappa~0.3*beta~2*lam~1"
    smoothed = link(P, ["a", "b"], objective="cdpo", values={"label_smoothing": 0.25})
    assert "&a=mrs*cdpo*beta*lam*" in smoothed
    assert "*label_smoothing~0.25*" in smoothed
    with pytest.raises(ValueError, match="label_smoothing"):
        link(P, ["a", "b"], objective="dpo", values={"label_smoothing": 0.25})
    with pytest.raises(ValueError, match="41 responses"):
        link(np.full((41, 41), 0.5), ["x"] * 41)
    with pytest.raises(ValueError, match="another name of 'optimistic'"):
        link(P, ["a", "b"], method="omwu")


def test_the_widget_answers():
    pytest.importorskip("anywidget", reason="anywidget is not installed")
    P = asim.preferences.cyclic(3, advantage=0.2)
    widget = explore(P, labels=["a", "b", "c"], beta=6.0, alpha=0.5)
    assert "alpha~0.5*beta~6*lam~1" in widget.link
    assert widget._esm.startswith("const _methods")
    sent = []
    widget.send = lambda content, buffers=None: sent.append((content, buffers))
    question = {
        "id": 7, "kind": "local", "P": P.tolist(), "method": "mrs", "objective": "ipo",
        "values": {"alpha": 0.5, "beta": 6.0, "lam": 1.0}, "responses": [0, 1, 2],
    }  # fmt: skip
    widget._handle_custom_msg(question, [])
    (header, (payload,)) = sent[0]
    assert header["id"] == 7
    wanted = asim.stability(asim.FeedbackMap(P, beta=6.0, alpha=0.5)).spectral_radius
    assert header["answer"]["rho"] == wanted
    assert len(payload) == 4 * sum(count for _, _, count in header["arrays"])
    widget.close()


def test_the_widget_refuses_what_the_library_refuses():
    pytest.importorskip("anywidget", reason="anywidget is not installed")
    with pytest.raises(ValueError, match="labels"):
        explore([[0.5, 0.9], [0.1, 0.5]], labels=["a"])
    with pytest.raises(ValueError, match="P"):
        explore([[0.5, 0.9], [0.3, 0.5]])
    with pytest.raises(ValueError, match="no parameter"):
        explore(alpha=0.5, method="nash_md")
    with pytest.raises(ValueError, match="sampler is given; leave it out: the page has"):
        explore(sampler="one_policy")


def test_without_anywidget_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(ModuleNotFoundError, match=r"alignsim\[notebook\]"):
        explore()


def test_the_command_exports(tmp_path, write):
    page = tmp_path / "e.html"
    result = CliRunner().invoke(app, ["explore", "--export", str(page)])
    assert result.exit_code == 0, result.output
    assert "data-start=" not in page.read_text(encoding="utf-8")
    votes = write("votes.csv", "left,right,winner\na,b,left\nb,c,left\nc,a,left\n")
    given = [str(votes), "--method", "nash_md", "--kappa", "0.5", "--export", str(page)]
    result = CliRunner().invoke(app, ["explore", *given])
    assert result.exit_code == 0, result.output
    told = page.read_text(encoding="utf-8")
    opened = 'data-start="#p=1~0~1&amp;l=a~b~c&amp;a=nash_md*ipo*beta*lam*kappa~0.5*beta~10*lam~1"'
    assert opened in told
    assert '"link":"#p=1~0~1&l=a~b~c&a=nash_md*' in told


def test_without_starlette_the_extra_is_named(monkeypatch):
    for name in [each for each in sys.modules if each.startswith("alignsim.explorer.")]:
        if name.endswith(("running", "server")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = CliRunner().invoke(app, ["explore", "--no-browser"])
    assert result.exit_code == 2
    assert "alignsim[explore]" in result.stderr


def test_a_server_looks_for_garbage_more_often_than_a_command(monkeypatch):
    running = pytest.importorskip("alignsim.explorer.running", reason="Uvicorn is not installed")
    often = []
    monkeypatch.setattr(running, "serve", lambda *_, **__: often.append(gc.get_threshold()[0]))
    before = gc.get_threshold()
    try:
        gc.set_threshold(GARBAGE_AFTER)
        assert CliRunner().invoke(app, ["explore", "--no-browser"]).exit_code == 0
    finally:
        gc.set_threshold(*before)
    assert 0 < often[0] < GARBAGE_AFTER


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["nope.csv"], ["--method", "nope"]])
def test_the_command_refuses(arguments):
    result = CliRunner().invoke(app, ["explore", "--no-browser", *arguments])
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1


def test_the_command_serves_a_file_until_it_is_interrupted(write):
    pytest.importorskip("uvicorn", reason="Uvicorn is not installed")
    votes = write("votes.csv", "left,right,winner\na,b,left\nb,c,left\nc,a,left\n")
    command = [
        sys.executable,
        "-m",
        "alignsim",
        "explore",
        str(votes),
        "--no-browser",
        "--port",
        "0",
    ]
    root = str(Path(asim.__file__).parents[1])
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as running:  # fmt: skip
        told = running.stdout.readline()
        address = next(word for word in told.split() if word.startswith("http"))
        assert "#p=1~0~1&l=a~b~c" in address
        with urllib.request.urlopen(address.partition("#")[0], timeout=60) as reply:
            assert b"data-socket" in reply.read()
        running.send_signal(signal.SIGINT)
        _, complaints = running.communicate(timeout=60)
    assert running.returncode in (0, 130)
    assert complaints == ""
