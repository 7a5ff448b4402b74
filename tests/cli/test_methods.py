"""Methods and their parameters on the command line."""

import numpy as np
import pytest
import xarray as xr

import alignsim as asim
from alignsim.feedback.methods.catalogue import METHODS

SOFT = ["--method", "soft_reference"]
COARSE = ["--x-points", "7", "--y-points", "5", "--by", "stability"]


def told(text):
    """Lines of a table, with what was folded joined."""
    return " ".join(text.split())


def test_methods_lists_all_at_80_columns(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    printed = run("methods")
    assert max(map(len, printed.splitlines())) <= 80
    for method in METHODS.values():
        assert f"\n{method.name}\n" in f"\n{printed}"
        for each in (*method.parameters, *method.aliases):
            assert each.name in printed
    text = told(printed)
    assert "mixup (from 0 to 1), alpha (from 0 to 1, by default 0)" in text
    assert "limit of stability (proved), convergence from every start (proved)" in text
    assert "TR-DPO, Gorbatovski et al. (2024), arXiv 2404.09656" in text


@pytest.mark.parametrize("name", ["soft_reference", "sync_ref_model", "Soft_Reference"])
def test_methods_tells_all_of_one(run, name):
    text = told(run("methods", name))
    assert METHODS["soft_reference"].update in text
    assert "m, share of the new policy in the new reference; from 0 to 1, must be given" in text
    assert "also tr_dpo_soft ref_model_mixup_alpha (from 0 to 1, by default 0.6)" in text
    assert "fastest parameters checked: schemes 5" in text
    assert ("also known as sync_ref_model" in text) == (name == "sync_ref_model")


def test_simulate_follows_the_loop_of_a_method(run, tmp_path):
    run(
        "simulate", *SOFT, "--mixup", "0.6", "--beta", "2", "--advantage", "0.4", "--rounds", "50",
        "--data", "orbit.nc", "-q",
    )  # fmt: skip
    loop = asim.method(
        "soft_reference", asim.preferences.cyclic(3, advantage=0.4), beta=2.0, mixup=0.6
    )
    with xr.open_dataset(tmp_path / "orbit.nc", engine="scipy") as saved:
        np.testing.assert_array_equal(saved.policy, loop.run(rounds=50).policies)


def test_simulate_takes_the_literatures_names_and_parameters(run, tmp_path):
    run("simulate", "--method", "omwu", "--eta", "2", "--tau", "0.1", "--data", "o.nc", "-q")
    P = asim.preferences.cyclic(3, advantage=0.3)
    loop = asim.method("omwu", P, eta=2.0, tau=0.1)
    with xr.open_dataset(tmp_path / "o.nc", engine="scipy") as saved:
        np.testing.assert_array_equal(saved.policy, loop.run(rounds=3000).policies)


def test_without_a_method_it_is_mrs_at_its_usual_alpha(run, tmp_path):
    run("simulate", "--rounds", "20", "--data", "o.nc", "-q")
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=8.0, alpha=0.6)
    with xr.open_dataset(tmp_path / "o.nc", engine="scipy") as saved:
        np.testing.assert_array_equal(saved.policy, loop.run(rounds=20).policies)


def test_a_phase_diagram_over_parameters_of_a_method(run, tmp_path):
    printed = run(
        "phase-diagram", *SOFT, "--x", "beta,0.1,9,log", "--y", "mixup,0.1,0.9", "--lam", "0.8",
        *COARSE, "--data", "d.nc",
    )  # fmt: skip
    assert "soft reference IPO, α = 0, pull = 0, λ = 0.8" in printed
    assert "a βλ that depends on mixup" in told(printed)
    ds = asim.sweep(
        asim.preferences.cyclic(3, advantage=0.3), method="soft_reference", lam=0.8,
        beta=np.geomspace(0.1, 9, 7), mixup=np.linspace(0.1, 0.9, 5), by="stability",
    )  # fmt: skip
    with xr.open_dataset(tmp_path / "d.nc", engine="scipy") as saved:
        np.testing.assert_allclose(saved.spectral_radius, ds.spectral_radius)
        assert saved.phase.dims == ("mixup", "beta")
        assert saved.beta.attrs["scale"] == "log"


def test_a_phase_diagram_over_whole_numbers_has_each(run, tmp_path):
    run("phase-diagram", "--method", "hard_reference", "--y", "every,1,4", *COARSE,
        "--data", "d.nc", "-q")  # fmt: skip
    with xr.open_dataset(tmp_path / "d.nc", engine="scipy") as saved:
        assert saved.every.values.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["simulate", "--method", "softref"], "--method is 'softref'; did you mean 'soft_ref"),
        (["simulate", "--method", "x"], "known: mrs, soft_reference, hard_reference"),
        (["simulate", "--mixup", "0.5"], "--mixup is no parameter of 'mrs'; its parameters: al"),
        (["simulate", *SOFT], "--mixup is missing; 'soft_reference' has the parameters mixup"),
        (["simulate", *SOFT, "--mixup", "1.5"], "--mixup is 1.5; it must be in [0, 1]"),
        (["simulate", "--method", "hard_reference", "--every", "0"], "--every is 0; it must be"),
        (["simulate", "--method", "omwu", "--eta", "1", "--beta", "2"], "--beta is no parameter"),
        (["simulate", "--mixop", "1"], "No such option: --mixop"),
        (["phase-diagram", "--x", "beta"], "--x is 'beta'; give a parameter and its range"),
        (["phase-diagram", "--x", "beta,0,a"], "--x is 'beta,0,a'; give a parameter and its range"),
        (["phase-diagram", "--x", "mixup,0,1"], "--x[0] is 'mixup'; "),
        (["phase-diagram", "--x", "alpha,0,2"], "--x[2] is 2; it must be in [0, 1]"),
        (["phase-diagram", "--x", "lam,0,1"], "--x and --y are both lam"),
        (["phase-diagram", "--y", "alpha,0,1", "--alpha", "0.5"], "but --y runs over it"),
        (["phase-diagram", "--x", "alpha,0,1"], "beta is missing"),
        (["phase-diagram", "--x", "beta,0,9", "--beta-max", "9"], "but --x says what is on this"),
        (["phase-diagram", *SOFT], "--mixup is missing"),
        (["advise", *SOFT, "--alpha", "0.3"], "--alpha is '0.3', but it belongs to the advice on"),
        (["advise", *SOFT, "--kappa", "0.3"], "--kappa is no parameter of 'soft_reference'"),
        (["advise", "--kappa", "0.1"], "--kappa is no parameter of 'mrs'"),
        (["methods", "soft"], "is 'soft'; "),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_method_is_named(refuse, arguments, message):
    assert message in refuse(*arguments)


VOTES = ("--left", "one", "--right", "other", "--winner", "won")


def test_inspect_takes_methods(refuse, run, votes):
    assert "--mixup is missing" in refuse("inspect", votes, *VOTES, *SOFT)
    told = run("inspect", votes, *VOTES, "--exact", *SOFT, "--mixup", "0.5")
    assert "soft reference IPO, mixup = 0.5" in told


def test_advise_takes_methods(run, votes):
    told = run("advise", *SOFT, "--mixup", "0.4")
    assert "soft_reference" in told
    assert "It rests at the wanted fixed point" in told
    told = run("advise", votes, *VOTES, *SOFT)
    assert "The advice is for the mean of 500 matrices" in told
    assert "of the 500 matrices" in told


@pytest.mark.parametrize("command", ["simulate", "phase-diagram", "inspect", "advise"])
def test_help_groups_the_parameters_of_methods(run, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    printed = run(command, "--help")
    own, _, others = printed.partition("Parameters of methods")[2].partition("of their other names")
    for method in METHODS.values():
        for each in method.parameters:
            assert f"--{each.name} " in (own if each.name != "alpha" else printed)
    assert "--ref-model-mixup-alpha" in others


def test_help_of_all_commands_imports_no_method(python):
    code = (
        "import sys; from alignsim.cli import main; sys.argv = ['alignsim', '--help']\n"
        "try: main()\nexcept SystemExit: sys.exit('numpy' in sys.modules)"
    )
    assert python("-c", code).returncode == 0
