"""The recipes of docs/architecture.md, followed to the letter: a file and a line in a table."""

import importlib
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import alignsim as asim
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.objectives import OBJECTIVES, optimum_derivative, samplers
from alignsim.objectives.samplers import SAMPLERS
from tests import naive

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
RECIPE = PAGE[PAGE.index("## How to add an objective") :].split("\n## ")[0]
BLOCKS = re.findall(r"```python\n(.*?)```", RECIPE, flags=re.DOTALL)

SHOWN = re.findall(r"<!-- source: (\S+) (\S+) -->\n+```python\n(.*?)```", RECIPE, flags=re.DOTALL)

METHOD = PAGE[PAGE.index("## How to add a method") :].split("\n## ")[0]
METHOD_BLOCKS = re.findall(r"```python\n(.*?)```", METHOD, flags=re.DOTALL)
FILES = re.findall(r"<!-- file: (\S+) -->\n+```python\n(.*?)```", METHOD, flags=re.DOTALL)


SAMPLER = PAGE[PAGE.index("## How to add a sampler") :].split("\n## ")[0]
SAMPLER_BLOCKS = re.findall(r"```python\n(.*?)```", SAMPLER, flags=re.DOTALL)


@pytest.fixture
def method(monkeypatch):
    """The new method, as the page registers it."""
    table = dict(METHODS)
    source = next(block for block in METHOD_BLOCKS if 'METHODS["lagged"]' in block)
    exec(source, {"__name__": "recipe"})
    added = METHODS.pop("lagged")
    assert table == METHODS
    monkeypatch.setitem(METHODS, "lagged", added)
    return "lagged"


@pytest.fixture
def objective(monkeypatch):
    """The third objective, as the page registers it."""
    table = dict(OBJECTIVES)
    source = next(block for block in BLOCKS if "class SmoothedLogOdds" in block)
    exec(source, {"__name__": "recipe"})
    name = "smoothed_log_odds"
    added = OBJECTIVES.pop(name)
    assert table == OBJECTIVES
    monkeypatch.setitem(OBJECTIVES, name, added)
    return name


def test_the_page_says_what_is_printed_of_the_new_sampler(monkeypatch, capsys):
    monkeypatch.setattr(samplers, "SAMPLERS", SAMPLERS.copy())
    source, usage = SAMPLER_BLOCKS
    exec(source, {"__name__": "recipe"})
    monkeypatch.setitem(SAMPLERS, "tempered", samplers.SAMPLERS["tempered"])
    exec(usage, {"__name__": "usage"})
    promised = re.findall(r"print\(.*\)  # (.*)$", usage, flags=re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == promised


@pytest.mark.parametrize(("module", "name", "text"), SHOWN)
def test_the_page_shows_the_objectives_as_they_are(module, name, text):
    source = inspect.getsource(getattr(importlib.import_module(module), name))
    assert text == source, f"paste {module}.{name} into docs/architecture.md again"


def test_the_page_shows_two_objectives():
    assert [name for _, name, _ in SHOWN] == ["IPO", "DPO"]


def test_the_page_says_what_is_printed(objective, capsys):
    usage = next(block for block in BLOCKS if f'objective="{objective}"' in block)
    exec(usage, {"__name__": "usage"})
    printed = capsys.readouterr().out.splitlines()
    promised = re.findall(r"print\(.*\)  # (.*)$", usage, flags=re.MULTILINE)
    assert printed == promised


def test_everything_works_for_it(objective):
    """Its score is Ψ(P)μ: the loop is that of IPO for the payoffs ½ + Ψ(P), which is fused."""
    rng = np.random.default_rng(0)
    P = np.array([naive.random_preferences(rng, 4) for _ in range(5)])
    payoffs = 0.5 + np.log((P + 0.1) / (1.1 - P))
    arguments = {"beta": np.array([0.3, 1.0, 2.0, 3.0, 4.0]), "alpha": 0.5, "lam": 0.8}
    loop = asim.FeedbackMap(P, objective=objective, **arguments)
    twin = asim.FeedbackMap.from_payoffs(payoffs, **arguments)
    start = rng.dirichlet(np.ones(4))
    np.testing.assert_allclose(loop.step(start), twin.step(start), rtol=1e-12)
    np.testing.assert_allclose(loop.jacobian(start), twin.jacobian(start), atol=1e-12)
    ours, theirs = loop.run(start, 60), twin.run(start, 60)
    np.testing.assert_allclose(ours.logits, theirs.logits, atol=1e-9)
    radius = asim.stability(twin).spectral_radius
    np.testing.assert_allclose(asim.stability(loop).spectral_radius, radius, rtol=1e-9)
    found = asim.fixed_points(loop)
    np.testing.assert_allclose(found.policies[:, 0], asim.fixed_points(twin).policies[:, 0])
    exponents = [asim.lyapunov_spectrum(each, rounds=200).exponents for each in (loop, twin)]
    np.testing.assert_allclose(*exponents, atol=1e-6)
    phases = [asim.classify(each).phase for each in (loop, twin)]
    assert (phases[0] == phases[1]).all()
    sampled = optimum_derivative(P, start, objective=objective, beta=1.0)
    assert np.isfinite(sampled).all()
    ds = asim.phase_diagram(
        P[0], objective=objective, alpha=0.5, x=("beta", 0, 10), y=("lam", 0, 1), resolution=32
    )
    assert np.isnan(ds.critical_signal)
    assert asim.sweep(P, objective=objective, beta=[1.0, 4.0], rounds=200).phase.shape == (5, 2)
    assert asim.basins(loop, samples=8).count.shape == (5,)


def test_nothing_is_claimed_of_it(objective):
    loop = asim.FeedbackMap(
        asim.preferences.cyclic(3, advantage=0.3), objective=objective, beta=1.0, alpha=0.5
    )
    assert asim.fixed_points(loop).words("status") == "several possible"
    assert asim.fixed_points(loop).words("evidence") == "iterated"
    assert np.isnan(asim.analysis.critical_signal(loop))
    assert np.isnan(asim.analysis.entropy_floor(loop))
    with pytest.raises(ValueError, match="certificates are proved for scores that are linear"):
        asim.certificates(loop)
    with pytest.raises(ValueError, match="objective is 'smoothed_log_odds', whose second"):
        asim.bifurcations(loop)


def test_the_page_shows_a_method_as_it_is():
    assert len(FILES) == 1
    for path, text in FILES:
        assert text == (ROOT / path).read_text(encoding="utf-8"), f"paste {path} again"


def test_the_page_says_what_is_printed_of_the_new_method(method, capsys):
    usage = next(block for block in METHOD_BLOCKS if f'asim.method("{method}"' in block)
    exec(usage, {"__name__": "usage"})
    printed = capsys.readouterr().out.splitlines()
    assert printed == re.findall(r"print\(.*\)  # (.*)$", usage, flags=re.MULTILINE)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_everything_works_for_the_new_method(method, objective):
    rng = np.random.default_rng(1)
    P = naive.random_preferences(rng, 4)
    reference, start = rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(4))
    loop = asim.method(method, P, objective=objective, beta=0.5, kappa=0.3, reference=reference)
    optimum = asim.ipo_optimum if objective == "ipo" else asim.dpo_optimum
    behind, policy = start, start
    for found in loop.run(start, rounds=12).policies[1:]:
        held = reference**0.3 * policy**0.7
        new = optimum(P, behind, reference=held / held.sum(), beta=0.5)
        behind, policy = policy, new
        np.testing.assert_allclose(found, policy, rtol=1e-9)
    found = asim.stability(loop)
    state = loop.run(start, rounds=3000, keep="last").final_state
    values = np.linalg.eigvals(loop.jacobian_at(state, basis="tangent"))
    np.testing.assert_allclose(found.spectral_radius, np.abs(values).max(), rtol=1e-7)
    assert found.words("verdict") == "stable"
