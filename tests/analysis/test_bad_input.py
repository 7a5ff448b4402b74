"""The questions of this room take lists as well as arrays, and refuse the rest by name."""

import inspect
import re

import numpy as np
import pytest

import alignsim as asim
from alignsim import analysis, validation
from alignsim.analysis import (
    collapsed,
    critical_beta,
    fixed_point,
    omega,
    spectral_radius,
    stability,
)

P = asim.preferences.cyclic(3, advantage=0.3)
LOOP = asim.FeedbackMap(P, beta=[1.0, 2.0, 3.0], alpha=0.5)


def test_lists_are_as_good_as_arrays():
    assert omega(P.tolist(), [0.0, 1.0, 2.0]) == omega(P, np.array([0.0, 1.0, 2.0]))
    assert collapsed([900.0, 0.0, 0.0])
    assert spectral_radius(LOOP, [0, 0, 0]).shape == (3,)
    assert np.abs(fixed_point(LOOP, [1, 2, 3]).policy - 1 / 3).max() < 1e-12
    expected = LOOP.jacobian_at(np.array([0.0, 1.0, 2.0]))
    assert np.array_equal(LOOP.jacobian_at([0, 1, 2]), expected)


@pytest.mark.parametrize(
    "question",
    [
        question
        for question in map(analysis.__dict__.get, analysis.__all__)
        if inspect.isfunction(question) and "loop" in inspect.signature(question).parameters
    ],
)
@pytest.mark.parametrize("given", [P, P.tolist(), None], ids=["matrix", "list", "nothing"])
def test_what_is_no_map_is_refused_by_its_type_with_the_remedy(question, given):
    required = [p for p in inspect.signature(question).parameters.values() if p.default is p.empty]
    message = re.escape(
        f"loop is of type {type(given).__name__}; make a FeedbackMap of it: "
        "alignsim.FeedbackMap(P, beta=...)"
    )
    with pytest.raises(TypeError, match=message):
        question(given, *[None] * (len(required) - 1))


def test_a_map_of_a_subclass_is_a_map():
    class Tuned(asim.FeedbackMap):
        pass

    validation.feedback_map(Tuned(P, beta=1.0), "loop")


@pytest.mark.parametrize("call", [fixed_point, stability])
@pytest.mark.parametrize(
    "start",
    [np.zeros(4), np.zeros((2, 3)), ["a", "b", "c"], [0j, 0j, 0j]],
    ids=["length", "batch", "text", "complex"],
)
def test_starts_of_the_search_are_checked(call, start):
    with pytest.raises(ValueError, match="start_logits"):
        call(LOOP, start)


@pytest.mark.parametrize("call", [lambda z: omega(P, z), lambda z: spectral_radius(LOOP, z),
                                  LOOP.jacobian_at])  # fmt: skip
@pytest.mark.parametrize("bad", [np.zeros(4), ["a", "b", "c"]], ids=["length", "text"])
def test_logits_are_checked_where_they_are_given(call, bad):
    with pytest.raises(ValueError, match="logits"):
        call(bad)


@pytest.mark.parametrize("beta_max", [-1.0, 0.0, np.nan, np.inf, "100", [1.0, 2.0], None])
def test_the_end_of_the_search_for_an_onset_is_one_positive_number(beta_max):
    with pytest.raises(ValueError, match="beta_max"):
        critical_beta(P, beta_max=beta_max)


def test_an_onset_takes_the_arguments_of_a_map_and_refuses_them_alike():
    for arguments, message in (
        ({"alpha": 1.5}, "alpha is 1.5"),
        ({"lam": [0.5, -1]}, "lam[1] is -1"),
        ({"objective": "kto"}, "objective is 'kto'"),
        ({"reference": [0.5, 0.5]}, "reference has 2 responses"),
        ({"alpha": [0.1, 0.2], "lam": [0.1, 0.2, 0.3]}, "do not broadcast"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            critical_beta(P, **arguments)
    with pytest.raises(ValueError, match="symmetrise"):
        critical_beta(P + 0.1)


def test_extreme_strengths_neither_warn_nor_pretend():
    """Warnings are errors in this suite."""
    for objective in ("ipo", "dpo"):
        loop = asim.FeedbackMap(
            [[0.5, 0.8, 0.7], [0.2, 0.5, 0.6], [0.3, 0.4, 0.5]], objective=objective,
            beta=[0.0, 5e-324, 1e300, 1.7e308], alpha=[[0.0], [0.999], [1 - 1e-16]],
        )  # fmt: skip
        local = stability(loop)
        found = local.fixed_point.status < 2
        assert (np.isfinite(local.fixed_point.logits).all(axis=-1) == found).all()
        assert not np.isfinite(local.spectral_radius[~found]).any()


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_no_question_warns_at_extreme_strengths(objective, alpha):
    """Warnings are errors in this suite; on a cycle logits swing as far as β drives them."""
    for beta in (1e-300, 1e100, 1e200, 1.7e308):
        P = asim.preferences.cyclic(3, advantage=0.3)
        loop = asim.FeedbackMap(P, objective=objective, beta=beta, alpha=alpha)
        for answer in (
            analysis.classify(loop, rounds=3000),
            analysis.collapse(loop, rounds=50),
            asim.basins(loop, samples=4, rounds=200),
            analysis.lyapunov_spectrum(loop, rounds=50),
            analysis.fixed_points(loop),
            analysis.capture_region(loop, analysis.fixed_point(loop)),
            analysis.bifurcations(loop),
            analysis.transient_growth(loop),
        ):
            assert repr(answer)
