"""Loops of every objective and sampler go through the analysis, or say why they do not."""

import re

import numpy as np
import pytest

import alignsim as asim
from alignsim.objectives import OBJECTIVES
from alignsim.objectives.samplers import SAMPLERS
from tests.objectives.test_contract import difference

CYCLE = np.array([[0.5, 0.7, 0.35], [0.3, 0.5, 0.75], [0.65, 0.25, 0.5]])
PAIRS = np.array([[0.0, 2.0, 1.0], [2.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
REWARDS = [0.3, 0.0, -0.4]

ANALYSABLE = [name for name, each in OBJECTIVES.items() if each.analysable]
OTHERS = [name for name in OBJECTIVES if name not in ANALYSABLE]


def diagram(**loop):
    """Return the coarsest diagram by stability."""
    return asim.phase_diagram(
        CYCLE, x=("alpha", 0.0, 0.8), y=("beta", 0.5, 1.5), resolution=2, progress=False, **loop
    )


def passes(loop, drawn):
    """Check that the whole analysis agrees with itself and with finite differences."""
    rest = asim.fixed_points(loop)
    assert rest.count == 1
    policy = rest.policies[0]
    np.testing.assert_allclose(loop.step(policy), policy, rtol=0, atol=1e-11)
    centred = np.log(policy) - np.log(policy).mean()
    slopes = difference(lambda z: loop.step_logits(z), centred, step=1e-3)
    inward = np.eye(3) - 1.0 / 3.0
    np.testing.assert_allclose(loop.jacobian(policy), slopes @ inward, rtol=0, atol=1e-7)
    radius = np.abs(np.linalg.eigvals(slopes @ inward)).max()
    local = asim.stability(loop)
    np.testing.assert_allclose(local.spectral_radius, radius, rtol=0, atol=1e-7)
    assert local.words("verdict").item() == "stable"
    assert asim.classify(loop).phase == "converged"
    spectrum = asim.lyapunov_spectrum(loop, rounds=120, burn_in=60)
    if radius < 1e-12:
        assert spectrum.exponents[..., 0] == -np.inf
    else:
        np.testing.assert_allclose(spectrum.exponents[..., 0], np.log(radius), rtol=0.08)
    found = diagram(**drawn)
    assert np.isfinite(found.spectral_radius.values[found.evaluated.values]).all()


def test_the_table_says_of_each_whether_and_why_not():
    rows = {row["name"]: row["analysable"] for row in asim.objectives_table().rows()}
    assert {name for name, told in rows.items() if told == "yes"} == set(ANALYSABLE)
    assert set(OTHERS) == {"slic", "simpo", "alpha_dpo", "orpo", "kto", "two_gain"}
    for name in OTHERS:
        assert rows[name] == f"no: {OBJECTIVES[name].unanalysable}"


@pytest.mark.parametrize("name", ANALYSABLE)
def test_every_analysable_objective_passes_through_the_analysis(name):
    objective = OBJECTIVES[name]
    if not objective.compares:
        objective = objective.configured(rewards=REWARDS)
    loop = {"objective": objective}
    passes(asim.FeedbackMap(CYCLE, beta=1.0, alpha=0.3, lam=0.5, **loop), {"lam": 0.5, **loop})


@pytest.mark.parametrize("objective", ["ipo", "dpo_sft"])
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_passes_through_the_analysis(name, objective):
    share = {"lam": 0.5} if "lam" in SAMPLERS[name].takes else {}
    sampler = SAMPLERS[name]
    if name == "fixed_pairs":
        sampler = sampler.configured(pair_weights=PAIRS)
    loop = {"objective": objective, "sampler": sampler, **share}
    passes(asim.FeedbackMap(CYCLE, beta=1.0, alpha=0.3, **loop), loop)


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_refuses_with_the_reason_of_the_table(name):
    loop = asim.FeedbackMap(CYCLE, objective=name, beta=1.0, alpha=0.3)
    reason = re.escape(f"is {name!r}, {OBJECTIVES[name].unanalysable}")
    for question in (
        asim.fixed_points, asim.stability, asim.lyapunov_spectrum,
        lambda loop: diagram(objective=loop.objective.name),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=reason):
            question(loop)
