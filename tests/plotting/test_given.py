"""What a picture is given instead of Axes, labels or an index: refused in one sentence."""

import numpy as np
import pytest

import alignsim as asim
from alignsim import plotting

P = asim.preferences.cyclic(3, advantage=0.4)
LOOP = asim.FeedbackMap(P, beta=8.0, alpha=0.6)
FOUR = asim.FeedbackMap(asim.preferences.cyclic(5, advantage=0.4), beta=1.0, alpha=0.6)


def swept():
    return asim.sweep(P, beta=[1.0, 2.0], lam=[0.5, 1.0], rounds=20, progress=False)


def many():
    stack = np.stack([P, 1.0 - P])
    return asim.sweep(stack, beta=[1.0, 2.0], lam=[0.5, 1.0], rounds=20, progress=False)


def reproduced():
    return asim.experiments.reproduce(P[None], beta=[1.0, 2.0], rounds=20)


def winner():
    return asim.experiments.winner_from_corners(P[None], objective="ipo", beta=[1.0], rounds=9)


def compared():
    return asim.compare(["mrs", "extragradient"], P, beta=1.0, rounds=20)


def watched():
    return asim.diagnostics(LOOP, LOOP.run(rounds=5))


def visited():
    return asim.sweeps.orbit_diagram(P, alpha=0.5, lam=1.0, points=3, visits=3, progress=False)


PICTURES = {
    "advice": lambda ax: plotting.advice(asim.advise(P, eta=10.0), ax=ax),
    "basins, 3": lambda ax: plotting.basins(asim.basins(LOOP, resolution=4), ax=ax),
    "basins, 5": lambda ax: plotting.basins(asim.basins(FOUR, samples=4), ax=ax),
    "compare": lambda ax: plotting.compare(compared(), ax=ax),
    "condorcet_winner": lambda ax: plotting.condorcet_winner(winner(), ax=ax),
    "diagnostics": lambda ax: plotting.diagnostics(watched(), ax=ax),
    "evolution": lambda ax: plotting.evolution(asim.experiments.evolution(P[None]), ax=ax),
    "animate": lambda ax: plotting.animate(LOOP.run(rounds=5), ax=ax),
    "motion": lambda ax: plotting.motion(LOOP.run(rounds=5), ax=ax),
    "orbit_diagram": lambda ax: plotting.orbit_diagram(visited(), ax=ax),
    "oscillation": lambda ax: plotting.oscillation(reproduced(), ax=ax),
    "phase_diagram": lambda ax: plotting.phase_diagram(swept(), ax=ax),
    "population": lambda ax: plotting.population(many(), ax=ax),
    "simplex, 3": lambda ax: plotting.simplex(LOOP.run(rounds=5), ax=ax),
    "simplex, 5": lambda ax: plotting.simplex(FOUR.run(rounds=5), ax=ax),
    "terminal_entropy": lambda ax: plotting.terminal_entropy(reproduced(), ax=ax),
    "timeline": lambda ax: plotting.timeline(LOOP.run(rounds=5), ax=ax),
}


def test_every_picture_is_here():
    assert {name.partition(",")[0] for name in PICTURES} == set(plotting.__all__) - {"save"}


@pytest.mark.parametrize("ax", ["text", 3, [], [None], object()], ids=lambda ax: type(ax).__name__)
@pytest.mark.parametrize("name", PICTURES)
def test_axes_that_are_none_are_refused(name, ax):
    with pytest.raises(ValueError, match=r"^ax (is of type|has shape) .*; .*(Axes|axes)"):
        PICTURES[name](ax)


@pytest.mark.parametrize("labels", ["abc", 3, ["a", "b"], None.__class__])
def test_labels_that_do_not_fit_are_refused(labels):
    with pytest.raises(ValueError, match=r"^labels names \d responses; orbit has 3"):
        plotting.simplex(LOOP.run(rounds=5), labels=labels)


@pytest.mark.parametrize("index", [None, slice(None), "a", 0.0, [0], np.zeros(2), (), 5])
def test_an_index_that_names_no_instance_is_refused(index):
    orbits = LOOP.broadcast_to((2,)).run(rounds=5)
    with pytest.raises(
        ValueError, match=r"^index is .*; the batch has shape \(2,\): give one number"
    ):
        plotting.simplex(orbits, index=index)


def test_numbers_are_no_axes():
    """They may be broadcast to more than memory holds."""
    wrong = np.broadcast_to(0.5, (10**6, 10**6))
    with pytest.raises(ValueError, match=r"^ax holds float64; give Axes"):
        plotting.advice(asim.advise(P, eta=2.0), ax=wrong)
