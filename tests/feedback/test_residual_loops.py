"""Loops of objectives without a score: their analysis, and any scheme."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.errors import InputError
from tests.objectives.test_contract import difference

LOOPS = ["cdpo", "robust_dpo", "dpo_sft", "stable_preference", "exo", "xpo"]
CYCLE = np.array([[0.5, 0.7, 0.35], [0.3, 0.5, 0.75], [0.65, 0.25, 0.5]])


@pytest.mark.parametrize("name", LOOPS)
def test_loops_pass_through_the_analysis(name):
    loop = asim.FeedbackMap(CYCLE, objective=name, beta=1.5, alpha=0.3, lam=0.5)
    rest = asim.fixed_points(loop)
    assert rest.count == 1
    policy = rest.policies[0]
    np.testing.assert_allclose(loop.step(policy), policy, rtol=0, atol=1e-12)
    slopes = difference(
        lambda z: loop.step_logits(z), np.log(policy) - np.log(policy).mean(), step=1e-3
    )
    jacobian = loop.jacobian(policy)
    inward = np.eye(3) - 1 / 3
    np.testing.assert_allclose(jacobian, slopes @ inward, rtol=0, atol=1e-8)
    radius = np.abs(np.linalg.eigvals(jacobian)).max()
    stable = asim.stability(loop)
    np.testing.assert_allclose(stable.spectral_radius, radius, rtol=1e-9)
    assert asim.classify(loop).phase == "converged"
    spectrum = asim.lyapunov_spectrum(loop, rounds=200, burn_in=100)
    np.testing.assert_allclose(spectrum.exponents[..., 0], np.log(radius), rtol=0.05)
    diagram = asim.phase_diagram(
        CYCLE, objective=name, beta=1.0, x=("alpha", 0.0, 0.8), y=("lam", 0.2, 1.0),
        resolution=4, progress=False,
    )  # fmt: skip
    assert diagram.phase.shape == (5, 5)


@pytest.mark.parametrize("name", [*LOOPS, "slic"])
def test_loops_are_wired_by_any_scheme(name):
    for method, given in (("nash_md", {"kappa": 0.3}), ("soft_reference", {"mixup": 0.5})):
        loop = asim.method(method, CYCLE, objective=name, beta=0.7, lam=0.8, **given)
        orbit = loop.run(rounds=5)
        assert orbit.status == 0
        if name != "slic":
            assert asim.stability(loop).words("verdict").item() == "stable"


def test_loops_without_derivatives_say_why():
    loop = asim.FeedbackMap(CYCLE, objective="slic", beta=1.0, alpha=0.3)
    assert loop.run(rounds=5).status == 0
    with pytest.raises(InputError, match="is 'slic', a loss whose optimum is not differentiable"):
        asim.stability(loop)


@pytest.mark.parametrize("name", [*LOOPS, "slic"])
def test_an_orbit_depends_neither_on_its_neighbours_nor_on_names(name):
    betas = np.array([0.05, 0.7, 2.0])
    loops = asim.FeedbackMap(CYCLE, objective=name, beta=betas, alpha=0.3, lam=0.6)
    start = np.array([0.5, 0.3, 0.2])
    whole = loops.run(start, rounds=6)
    alone = asim.FeedbackMap(CYCLE, objective=name, beta=0.7, alpha=0.3, lam=0.6)
    np.testing.assert_array_equal(whole.logits[1], alone.run(start, rounds=6).logits)
    order = [2, 0, 1]
    renamed = asim.FeedbackMap(
        CYCLE[np.ix_(order, order)], objective=name, beta=0.7, alpha=0.3, lam=0.6
    )
    moved = renamed.run(start[order], rounds=6).policies
    np.testing.assert_allclose(moved, whole.policies[1][:, order], rtol=0, atol=1e-12)
    if name == "slic":
        return
    one, other = asim.stability(alone), asim.stability(renamed)
    np.testing.assert_allclose(one.spectral_radius, other.spectral_radius, rtol=1e-10)
