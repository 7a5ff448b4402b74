"""The command ``alignsim diagnose``."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import alignsim as asim
from alignsim.cli import app

P = np.array([[0.5, 0.8, 0.3], [0.2, 0.5, 0.9], [0.7, 0.1, 0.5]])
LOOP = asim.FeedbackMap(P, beta=5.0, alpha=0.6, lam=0.8)
EXACT = LOOP.run([0.5, 0.3, 0.2], rounds=20).policies


def call(*arguments):
    return CliRunner().invoke(app, ["diagnose", *map(str, arguments)])


@pytest.fixture
def run():
    """Run a command that must succeed, and return what it printed, on one line."""

    def _run(*arguments):
        result = call(*arguments)
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        return " ".join(result.stdout.split())

    return _run


@pytest.fixture
def refuse():
    """Run a command that must be refused on one line, and return the line."""

    def _refuse(*arguments):
        result = call(*arguments)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        return result.stderr

    return _refuse


def write(path, shares, names="abc", **more):
    heads = [*more, "round", *names]
    rows = [[*(v[t] for v in more.values()), t, *row] for t, row in enumerate(shares)]
    path.write_text("\n".join(",".join(map(str, row)) for row in [heads, *rows]))
    return path


@pytest.fixture
def exact(tmp_path):
    return write(tmp_path / "exact.csv", EXACT)


@pytest.fixture
def sampled(tmp_path):
    shares = np.random.default_rng(0).multinomial(400, EXACT) / 400
    return write(tmp_path / "sampled.csv", shares)


def test_one_log(run, exact):
    printed = run(exact, "--n", "inf")
    rho = float(asim.stability(LOOP).spectral_radius)
    assert f"ρ {rho:.4g} " in printed
    assert "verdict converging" in printed
    assert "exact.csv" in printed


def test_files_are_runs_of_one_loop_unless_each_is_one(run, sampled, exact):
    assert "rounds 42 in 2 runs" in run(sampled, sampled, "--n", 400)
    apart = run(sampled, sampled.parent / "exact.csv", "--each", "--n", "inf", "--quiet")
    assert apart == ""
    apart = run(exact, exact, "--n", "inf")
    assert "rounds 42 in 2 runs" in apart
    several = write(exact.parent / "b.csv", EXACT)
    assert run(exact, several, "--each", "--n", "inf").count("rounds 21") == 2


def test_findings_are_written(run, exact, tmp_path):
    out = tmp_path / "found.json"
    assert f"saved {out}" in run(exact, "--n", "inf", "--out", out)
    (found,) = json.loads(out.read_text())
    local = asim.stability(LOOP)
    assert found["rho"] == pytest.approx(float(local.spectral_radius), abs=1e-9)
    assert found["theta_degrees"] == pytest.approx(np.degrees(float(local.angle)), abs=1e-7)
    assert found["rho_interval"] == [found["rho"]] * 2
    assert found["verdict"] == "converging"
    assert found["more_rounds"] is None


def test_theory_is_compared(run, exact, tmp_path):
    (tmp_path / "P.json").write_text(json.dumps(P.tolist()))
    known = ("--n", "inf", "--preferences", tmp_path / "P.json", "--alpha", 0.6, "--lam", 0.8)
    assert "lie in the intervals" in run(exact, *known, "--beta", 5)
    assert "contradicts the map's" in run(exact, *known, "--beta", 6)
    trl = ("--beta", 0.2, "--beta-convention", "trl")
    assert "lie in the intervals" in run(exact, *known, *trl)


def test_preferences_may_have_another_order_of_responses(run, sampled, tmp_path):
    printed = set()
    for order in ([0, 1, 2], [2, 0, 1], [1, 0, 2]):
        matrix = {"P": P[order][:, order].tolist(), "labels": [list("abc")[i] for i in order]}
        (tmp_path / "P.json").write_text(json.dumps(matrix))
        printed.add(run(sampled, "--n", 400, "--preferences", tmp_path / "P.json"))
    assert len(printed) == 1
    assert printed != {run(sampled, "--n", 400)}


def test_a_column_of_loops(run, tmp_path):
    twice = np.concatenate([EXACT, EXACT])
    path = tmp_path / "both.csv"
    rows = [("loop", "round", "a", "b", "c")]
    rows += [("xy"[t // 21], t % 21, *row) for t, row in enumerate(twice)]
    path.write_text("\n".join(",".join(map(str, row)) for row in rows))
    printed = run(path, "--n", "inf")
    assert printed.count("verdict converging") == 2
    assert printed.startswith("x ")


def test_one_number_a_round(run, sampled):
    printed = run(sampled, "--n", 400, "--quantity", "Share", "--response", "a")
    assert "effective ρ" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give the samples a round as --n, or infinity for exact policies"),
        (("--n", "0"), "number 1 of --n is 0; it must be at least 1"),
        (
            ("--n", "400", "--response", "a"),
            "--response is 'a', but all shares are fitted; pass --q",
        ),
        (("--n", "400", "--quantity", "share"), "say which with --response"),
        (("--n", "400", "--beta", "3"), "--beta is 3.0, but there are no --preferences"),
        (("--out", "found.txt"), "its name must end in .json"),
    ],
)
def test_refusals(refuse, sampled, arguments, message):
    assert message in refuse(sampled, *arguments)


def test_preferences_of_other_responses_are_refused(refuse, exact, tmp_path):
    matrix = {"P": P.tolist(), "labels": ["x", "y", "z"]}
    (tmp_path / "P.json").write_text(json.dumps(matrix))
    given = (exact, "--n", "inf", "--preferences", tmp_path / "P.json")
    assert "call the responses alike" in refuse(*given)
    assert "needs both --beta and --alpha" in refuse(*given, "--beta", 3)
