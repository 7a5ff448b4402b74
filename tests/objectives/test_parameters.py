"""Parameters of objectives: checked, broadcast with the batch, kept when a batch is cut."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import alignsim as asim
from alignsim.errors import InputError
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.kernels.status import OK
from alignsim.objectives import OBJECTIVES, ScoreObjective, Solution
from alignsim.parameters import Parameter


@dataclass(frozen=True)
class Leaning(ScoreObjective):
    """v = boost·Pμ + a lean towards a policy."""

    name = "leaning"
    parameters: ClassVar = (Parameter("boost", "factor of the score", 1.0, high=9.0),)
    policies: ClassVar = ("lean",)

    boost: float = 1.0
    lean: object = None

    def score(self, x):
        value = self.boost[..., None] * (x.P @ x.sampler[..., None])[..., 0]
        if self.lean is not None:
            value = value + self.lean
        return Solution(value, np.zeros(value.shape[:-1], np.int8) + OK)

    def score_derivative(self, x, score):
        slope = self.boost[..., None, None] * x.P
        return np.broadcast_to(slope, (*score.shape, score.shape[-1]))


P = asim.preferences.cyclic(3, advantage=0.3)
MU = np.array([0.5, 0.3, 0.2])
BOOSTS = np.array([0.5, 1.0, 4.0])


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setitem(OBJECTIVES, "leaning", Leaning())


def test_parameters_broadcast_as_beta_does():
    together = asim.optimum("leaning", P, MU, beta=[[1.0], [2.0]], boost=BOOSTS)
    assert together.shape == (2, 3, 3)
    for (i, j), beta in np.ndenumerate(np.array([[1.0] * 3, [2.0] * 3])):
        alone = asim.ipo_optimum(P, MU, beta=beta * BOOSTS[j])
        np.testing.assert_allclose(together[i, j], alone, rtol=1e-14)


def test_loops_over_a_parameter_are_the_loops_one_by_one():
    loops = asim.FeedbackMap(P, objective="leaning", beta=2.0, alpha=0.5, boost=BOOSTS)
    assert loops.shape == (3,)
    np.testing.assert_array_equal(loops.parameters["boost"], BOOSTS)
    orbits = loops.run(MU, rounds=20)
    radius = asim.stability(loops).spectral_radius
    for i, boost in enumerate(BOOSTS):
        ipo = asim.FeedbackMap(P, beta=2.0 * boost, alpha=0.5)
        alone = ipo.run(MU, rounds=20).final_logits
        np.testing.assert_allclose(orbits.final_logits[i], alone, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(radius[i], asim.stability(ipo).spectral_radius, rtol=1e-9)
        assert loops.take(np.array([i])).objective.boost == boost
        np.testing.assert_array_equal(loops.replace(boost=boost).objective.boost, [boost] * 3)


def test_methods_sweeps_and_diagrams_take_the_parameters_of_the_objective():
    loop = asim.method("soft_reference", P, objective="leaning", beta=2.0, mixup=0.5, boost=BOOSTS)
    assert loop.shape == (3,)
    swept = asim.sweep(P, objective="leaning", beta=2.0, alpha=0.5, boost=BOOSTS, by="stability")
    ipo = asim.sweep(P, beta=2.0 * BOOSTS, alpha=0.5, by="stability")
    assert swept.phase.dims == ("boost",)
    np.testing.assert_array_equal(swept.phase, ipo.phase)
    diagram = asim.phase_diagram(
        P, objective="leaning", beta=2.0, x=("boost", 0.5, 4.0), y=("lam", 0.1, 1.0), resolution=8
    )
    assert set(diagram.phase.dims) == {"boost", "lam"}


def test_a_policy_among_the_parameters_has_the_axes_of_the_batch():
    leans = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
    loops = asim.FeedbackMap(P, objective="leaning", beta=1.0, lean=leans)
    assert loops.shape == (2,)
    np.testing.assert_allclose(loops.take(np.array([1])).objective.lean, leans[1:], rtol=1e-15)
    expected = asim.simplex.softmax(P @ MU + leans)
    np.testing.assert_allclose(loops.step(MU), expected, rtol=1e-14)


def test_maps_are_equal_only_if_the_parameters_are():
    loops = [asim.FeedbackMap(P, objective="leaning", beta=1.0, boost=b) for b in (1.0, 2.0, 2.0)]
    assert loops[0] != loops[1]
    assert loops[1] == loops[2]
    assert hash(loops[1]) == hash(loops[2])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"boost": 10.0}, r"boost is 10; it must be in \[0, 9\]"),
        ({"boots": 1.0}, "boots is no parameter of 'leaning'; its parameters: boost"),
        ({"lean": [0.5, 0.5]}, "lean"),
    ],
)
def test_bad_parameters_are_named(given, told):
    with pytest.raises(ValueError, match=told):
        asim.optimum("leaning", P, MU, beta=1.0, **given)
    with pytest.raises(ValueError, match=told):
        asim.FeedbackMap(P, objective="leaning", beta=1.0, **given)


def test_no_name_is_a_parameter_of_a_method_and_of_an_objective():
    of_methods = {each.name for method in METHODS.values() for each in method.parameters}
    of_methods |= {
        each.name for m in METHODS.values() for alias in m.aliases for each in alias.parameters
    }
    for objective in OBJECTIVES.values():
        assert not of_methods & set(objective.options())


def test_the_parameters_of_one_objective_are_not_those_of_another():
    with pytest.raises(InputError, match="boost is no parameter of 'ipo'"):
        asim.optimum("ipo", P, MU, beta=1.0, boost=1.0)
