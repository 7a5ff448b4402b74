"""Loops of every objective and sampler answer alike whatever responses are called."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.objectives import OBJECTIVES
from alignsim.objectives.configured import Configured
from alignsim.objectives.samplers import SAMPLERS

CYCLE = np.array([[0.5, 0.7, 0.35], [0.3, 0.5, 0.75], [0.65, 0.25, 0.5]])
PAIRS = np.array([[0.0, 3.0, 1.0], [3.0, 0.0, 2.0], [1.0, 2.0, 0.0]])
POLICY = np.array([0.5, 0.3, 0.2])
START = np.array([0.3, 0.6, 0.1])
ORDER = np.array([2, 0, 1])

VECTORS = {"rewards": [0.3, 0.0, -0.4], "sampler_rewards": [0.2, -0.3, 0.1]}
LOOPS = [name for name, each in OBJECTIVES.items() if each.analysable or name == "slic"]


def filled(thing: Configured, order):
    """Return an objective or a sampler with all its arrays, in an order of the responses."""
    given = {name: np.array(VECTORS[name])[order] for name in thing.vectors}
    given |= dict.fromkeys(thing.policies, POLICY[::-1][order])
    if "pair_weights" in thing.AXES:
        given["pair_weights"] = PAIRS[np.ix_(order, order)]
    return thing.configured(**given)


def loops(objective, sampler, order, beta):
    """Return the loops with P, policies and arrays in an order of the responses."""
    takes = SAMPLERS[sampler].takes
    given = {"lam": 0.6} if "lam" in takes else {}
    given |= {"offline": POLICY[order]} if "offline" in takes else {}
    return asim.FeedbackMap(
        CYCLE[np.ix_(order, order)], objective=filled(OBJECTIVES[objective], order),
        sampler=filled(SAMPLERS[sampler], order), reference=POLICY[[1, 2, 0]][order],
        beta=beta, alpha=0.3, **given,
    )  # fmt: skip


CASES = [(name, "product") for name in LOOPS]
CASES += [
    (name, sampler)
    for name in ("ipo", "dpo", "dpo_sft")
    for sampler in SAMPLERS
    if sampler != "product"
]


@pytest.mark.parametrize(("objective", "sampler"), CASES)
def test_names_and_neighbours_do_not_matter(objective, sampler):
    betas, straight = np.array([0.4, 0.9, 1.5]), np.arange(3)
    whole = loops(objective, sampler, straight, betas)
    alone = loops(objective, sampler, straight, betas[1])
    renamed = loops(objective, sampler, ORDER, betas[1])
    orbits = whole.run(START, rounds=6)
    assert (orbits.status == 0).all()
    own = alone.run(START, rounds=6)
    np.testing.assert_array_equal(orbits.logits[1], own.logits)
    moved = renamed.run(START[ORDER], rounds=6)
    np.testing.assert_allclose(moved.logits, own.logits[:, ORDER], rtol=0, atol=1e-10)
    if not OBJECTIVES[objective].analysable:
        return
    radius = asim.stability(whole).spectral_radius[1]
    for other in (alone, renamed):
        np.testing.assert_allclose(asim.stability(other).spectral_radius, radius, atol=1e-9)
    jacobian, turned = alone.jacobian(START), renamed.jacobian(START[ORDER])
    np.testing.assert_allclose(turned, jacobian[np.ix_(ORDER, ORDER)], rtol=0, atol=1e-9)
