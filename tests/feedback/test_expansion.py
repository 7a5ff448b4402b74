"""The Taylor series of a round, against its Jacobian and differences of what is an order lower."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alignsim as asim
from alignsim.feedback.expansion import Expansion
from alignsim.objectives import DPO
from tests.feedback.systems import system

COMMON = settings(deadline=None, derandomize=True, max_examples=25)
objectives = pytest.mark.parametrize("objective", ["ipo", "dpo"])
WEIGHTS = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
"""The central difference of sixth order, f' ≈ Σ w_k (f(kh) − f(−kh))/h."""


def slope(function, h):
    return sum(w * (function(k * h) - function(-k * h)) for k, w in WEIGHTS.items()) / h


def centred(vectors):
    return vectors - vectors.mean(axis=-1, keepdims=True)


def case(seed, objective):
    rng = np.random.default_rng(seed)
    K = int(rng.integers(2, 7))
    directions = rng.normal(size=(3, K)) + 1j * rng.normal(size=(3, K))
    return system(rng, K).loop(objective), centred(rng.normal(size=K)), centred(directions)


@objectives
@COMMON
@given(seed=st.integers(0, 10_000))
def test_each_order_is_the_derivative_of_the_one_below(objective, seed):
    loop, z, (u, v, w) = case(seed, objective)
    series = Expansion(loop, z)
    scale = 1e-12 * (1 + np.abs(series.first(u)).max())
    np.testing.assert_allclose(series.first(u), loop.derivative(z) @ u, rtol=0, atol=scale)
    w = w.real
    moved = slope(lambda t: Expansion(loop, z + t * w).first(u), 0.02)
    scale = 1e-6 * (1 + np.abs(moved).max())
    np.testing.assert_allclose(series.second(u, w), moved, rtol=0, atol=scale)
    moved = slope(lambda t: Expansion(loop, z + t * w).second(u, v), 0.02)
    scale = 1e-6 * (1 + np.abs(moved).max())
    np.testing.assert_allclose(series.third(u, v, w), moved, rtol=0, atol=scale)


@objectives
@COMMON
@given(seed=st.integers(0, 10_000))
def test_its_forms_are_symmetric_and_linear_in_complex_directions(objective, seed):
    loop, z, (u, v, w) = case(seed, objective)
    series = Expansion(loop, z)
    second, third = series.second, series.third
    scale = 1e-12 * (1 + np.abs(second(u, v)).max() + np.abs(third(u, v, w)).max())
    np.testing.assert_allclose(second(u, v), second(v, u), rtol=0, atol=scale)
    for swapped in (third(v, u, w), third(w, v, u), third(u, w, v)):
        np.testing.assert_allclose(third(u, v, w), swapped, rtol=0, atol=scale)
    split = third(u.real, v, w) + 1j * third(u.imag, v, w)
    np.testing.assert_allclose(third(u, v, w), split, rtol=0, atol=scale)


@pytest.mark.parametrize("along", ["beta", "alpha", "lam"])
@objectives
def test_the_derivatives_by_the_parameters_are_those_of_differences(objective, along):
    rng = np.random.default_rng(5)
    for K in (2, 3, 5):
        loop = system(rng, K, beta=1.3, alpha=0.4, lam=0.6).loop(objective)
        z, u = centred(rng.normal(size=(2, K)))
        here = float(getattr(loop, along))
        moved = slope(lambda t: loop.replace(**{along: here + t}).advance(z).value, 0.02)  # noqa: B023
        np.testing.assert_allclose(Expansion(loop, z).by_parameter(along), moved, atol=1e-9)
        turned = slope(lambda t: loop.replace(**{along: here + t}).derivative(z) @ u, 0.02)  # noqa: B023
        np.testing.assert_allclose(
            Expansion(loop, z).first_by_parameter(along, u), turned, rtol=0, atol=1e-9
        )


@objectives
def test_batches_are_expanded_each_on_its_own(objective):
    rng = np.random.default_rng(6)
    systems = [system(rng, 4) for _ in range(6)]
    arguments = {
        name: np.array([getattr(s, name) for s in systems]).reshape(
            2, 3, *np.shape(getattr(systems[0], name))
        )
        for name in ("P", "beta", "alpha", "lam", "reference", "offline")
    }
    loop = asim.FeedbackMap(objective=objective, **arguments)
    z, u, v, w = centred(rng.normal(size=(4, 2, 3, 4)))
    whole = Expansion(loop, z).third(u, v, w)
    assert whole.shape == (2, 3, 4)
    for at, s in zip(np.ndindex(2, 3), systems, strict=True):
        one = Expansion(s.loop(objective), z[at]).third(u[at], v[at], w[at])
        np.testing.assert_allclose(whole[at], one, rtol=1e-10, atol=1e-13)


def test_an_objective_without_derivatives_is_refused_by_name(monkeypatch):
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), objective="dpo", beta=1.0)
    monkeypatch.setattr(DPO, "expansion", None)
    with pytest.raises(ValueError, match=r"objective is 'dpo'.*they are for 'ipo'.*expansion"):
        Expansion(loop, np.zeros(3))
