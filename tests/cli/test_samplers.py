"""Samplers on the command line."""

import numpy as np
import pytest
import xarray as xr
from rich.cells import cell_len

import alignsim as asim
from alignsim.objectives.samplers import SAMPLERS


def flat(text):
    return " ".join(text.split())


@pytest.fixture
def matrix(tmp_path):
    """A matrix of three responses that is no cycle and not Bradley–Terry."""
    (tmp_path / "m.json").write_text("[[0.5, 0.8, 0.4], [0.2, 0.5, 0.7], [0.6, 0.3, 0.5]]")
    return "m.json", np.array([[0.5, 0.8, 0.4], [0.2, 0.5, 0.7], [0.6, 0.3, 0.5]])


def test_samplers_lists_all_at_80_columns(run):
    printed = run("samplers")
    assert max(map(cell_len, printed.splitlines())) <= 80
    for of in SAMPLERS.values():
        assert f"\n{of.name}\n" in f"\n{printed}"


@pytest.mark.parametrize("name", ["Rejection", "two_policies", "fixed_pairs"])
def test_samplers_tells_all_of_one(run, name):
    of = SAMPLERS[name.lower()]
    text = flat(run("samplers", name))
    assert text.startswith(of.name)
    assert of.source in text
    for option in of.options():
        assert option in text


def test_an_unknown_sampler_is_refused(refuse):
    assert "did you mean 'pilaf'?" in refuse("samplers", "pilaff")
    assert "--sampler is 'pilaff'; did you mean 'pilaf'?" in refuse(
        "simulate", "--sampler", "pilaff"
    )


def test_help_names_samplers_and_their_parameters(run):
    for command in ("simulate", "phase-diagram", "sweep", "inspect", "advise", "explore"):
        text = flat(run(command, "--help").replace("│", ""))
        assert "another that alignsim samplers lists" in text
        assert "--reference-share" in text


def test_a_loop_takes_a_sampler_and_its_parameters(run, matrix, tmp_path):
    name, P = matrix
    own = ["--sampler", "Mixture", "--reference-share", "0.3", "--beta", "2"]
    printed = run("simulate", name, *own, "--rounds", 20, "--data", "o.nc")
    assert "MRS-IPO, sampler mixture, β = 2, α = 0.6" in flat(printed)
    loop = asim.FeedbackMap(P, sampler="mixture", reference_share=0.3, beta=2.0, alpha=0.6)
    with xr.open_dataset(tmp_path / "o.nc", engine="scipy") as saved:
        np.testing.assert_array_equal(saved.policy, loop.run(rounds=20).policies)
        assert saved.attrs["sampler"] == "mixture"


def test_a_sweep_runs_over_a_parameter_of_a_sampler(run, matrix, tmp_path):
    own = ["--sampler", "mixture", "--over", "reference_share=0:1:3", "--beta", "2"]
    run("sweep", matrix[0], *own, "--by", "stability", "--data", "s.nc", "-q")
    with xr.open_dataset(tmp_path / "s.nc") as saved:
        assert saved.attrs["sampler"] == "mixture"
        assert saved.spectral_radius.dims == ("reference_share",)
        loop = asim.FeedbackMap(
            matrix[1], sampler="mixture", reference_share=[0.0, 0.5, 1.0], beta=2.0, alpha=0.6
        )
        radius = asim.stability(loop).spectral_radius
        np.testing.assert_allclose(saved.spectral_radius, radius, rtol=1e-12)


def test_a_diagram_says_its_sampler(run, matrix):
    grid = ["--beta-points", 5, "--lam-points", 4, "--by", "stability", "--beta-max", 4]
    printed = run("phase-diagram", matrix[0], "--sampler", "pilaf", *grid)
    assert "MRS-IPO, sampler pilaf, α = 0.6" in flat(printed)


def test_an_onset_is_that_of_the_sampler_and_of_the_objective(run, matrix):
    own = ["--sampler", "mixture", "--objective", "psi", "--odds-smoothing", "0.2"]
    printed = flat(run("inspect", matrix[0], *own, "--reference-share", "0.3"))
    assert "MRS-PSI, sampler mixture" in printed
    loop = {"sampler": "mixture", "objective": "psi", "odds_smoothing": 0.2}
    found = asim.reports.inspect(asim.data.Matrices(matrix[1]), **loop, reference_share=0.3)
    onset = found.matrices[0].onset_beta
    P = matrix[1]
    assert np.isfinite(onset)
    at = asim.FeedbackMap(
        P, beta=onset * np.array([0.99, 1.01]), alpha=0.5, reference_share=0.3, **loop
    )
    assert asim.stability(at).words("verdict").tolist() == ["stable", "unstable"]
    assert f"{onset:.4g}" in printed


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["simulate", "--sampler", "mix_p", "--lam", "0.3"], "--lam is 0.3; sampler 'mix_p' draws"),
        (["simulate", "--reference-share", "0.3"], "--reference-share is no parameter of 'mrs'"),
        (["simulate", "--objective", "rlhf", "--sampler", "pilaf"], "compares no pairs"),
        (
            ["simulate", "--objective", "preference_matching", "--sampler", "mix_p"],
            "compares no pairs",
        ),
        (["simulate", "--sampler", "fixed_pairs"], "pair_weights is missing"),
        (["advise", "--sampler", "pilaf"], "--sampler is 'pilaf', but advice rests on scores"),
        (["explore", "--sampler", "pilaf"], "--sampler is 'pilaf', but the loops of the page"),
        (["phase-diagram", "--sampler", "mix_p"], "--y is missing"),
    ],
)
def test_a_sampler_that_would_do_nothing_is_refused(refuse, typed, told):
    assert told in refuse(*typed)


def test_the_known_loop_of_a_log_takes_a_sampler(refuse, run, matrix, tmp_path):
    name, P = matrix
    orbit = asim.FeedbackMap(P, sampler="mixture", beta=2.0, alpha=0.6).run(rounds=40)
    np.save(tmp_path / "log.npy", orbit.policies)
    known = ["--preferences", name, "--beta", 2, "--alpha", 0.6, "--n", "inf"]
    as_drawn = run("diagnose", "log.npy", *known, "--sampler", "mixture")
    assert as_drawn != run("diagnose", "log.npy", *known)
    assert "--sampler is 'mixture', but there are no --preferences" in refuse(
        "diagnose", "log.npy", "--sampler", "mixture"
    )
