"""Jacobians along orbits of MRS-DPO against those of single rounds."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.feedback.tangents import jacobians_along
from tests import naive
from tests.feedback.systems import policy, preferences


def maps(rng, K, n, **given):
    parameters = {
        "beta": 10 ** rng.uniform(-2, 1, n),
        "alpha": rng.uniform(0, 1, n),
        "lam": rng.uniform(0, 1, n),
        "reference": np.array([policy(rng, K) for _ in range(n)]),
        "offline": np.array([policy(rng, K) for _ in range(n)]),
    }
    P = np.array([preferences(rng, K, 1e-6) for _ in range(n)])
    return asim.FeedbackMap(P, **({"objective": "dpo"} | parameters | given))


@pytest.mark.parametrize("K", [2, 3, 4, 7])
def test_two_rounds_tell_the_jacobian_of_the_first(K):
    rng = np.random.default_rng(K)
    loop = maps(rng, K, 30)
    orbit = loop.run(np.array([policy(rng, K) for _ in range(30)]), rounds=12)
    along = jacobians_along(loop, orbit.logits)
    for t in range(12):
        expected = loop.derivative(orbit.logits[:, t], "tangent")
        scale = 1 + np.abs(expected).max(axis=(1, 2))
        assert (np.abs(along[:, t] - expected).max(axis=(1, 2)) / scale).max() < 1e-10


def test_without_a_signal_a_round_only_forgets():
    loop = maps(np.random.default_rng(0), 3, 2, beta=0.0, alpha=[0.3, 0.9])
    orbit = loop.run(rounds=2)
    along = jacobians_along(loop, orbit.logits)
    np.testing.assert_array_equal(along[:, 0], [0.3 * np.eye(2), 0.9 * np.eye(2)])


def test_nearly_certain_preferences_keep_their_digits():
    """P = 1 − 1e-12 is known by its counterpart 1e-12, not by 1 − P."""
    rng = np.random.default_rng(1)
    P = np.full((3, 3), 0.5)
    P[0, 1], P[1, 2], P[2, 0] = 1 - 1e-12, 1 - 1e-12, 1 - 1e-12
    P[1, 0], P[2, 1], P[0, 2] = 1e-12, 1e-12, 1e-12
    loop = asim.FeedbackMap(P[None], objective="dpo", beta=0.1, alpha=0.5)
    orbit = loop.run(policy(rng, 3), rounds=3)
    along = jacobians_along(loop, orbit.logits)
    expected = loop.derivative(orbit.logits[:, 1], "tangent")
    np.testing.assert_allclose(along[:, 1], expected, rtol=1e-8)


def nearly_sure():
    """Preferences of which two lie within 1e-10 of 1 but are no logistic ones, and a sampler."""
    P = np.array([[0.5, 1 - 1e-11, 1 - 4e-11], [1e-11, 0.5, 0.7], [4e-11, 0.3, 0.5]])
    return P, np.array([0.2, 0.5, 0.3])


def wide_score(P, mu):
    """The score by Newton's iteration in long doubles, from the log-odds against the last."""
    v = np.log(np.asarray(P[:, -1], dtype=naive.Wide) / P[-1])
    for _ in range(30):
        v = v + naive.dpo_correction(P, np.broadcast_to(mu, P.shape), v)
    return naive.centre(v)


@naive.needs_extended
def test_where_both_preference_and_fitted_chance_are_all_but_one_their_difference_has_digits():
    """P − S is of the size of 1e-11 there: from 1 − P and 1 − S, which are known to rounding.

    The truth is the naive score in long doubles, differentiated by nine points on a line.
    """
    P, mu = nearly_sure()
    stencil = np.arange(-4, 5)
    slopes = np.array([[naive.Wide(0.01 * t) ** k for t in stencil] for k in range(9)])
    weights = naive.solve(slopes, np.eye(9)[1])
    E = asim.simplex.mean_zero_basis(3)
    columns = [
        sum(
            w * wide_score(P, mu + naive.Wide(0.01 * t) * e)
            for w, t in zip(weights, stencil, strict=True)
        )
        for e in E.T
    ]
    truth = np.array(columns, dtype=float).T @ E.T
    score = wide_score(P, mu)
    chances = naive.win(score[:, None] - score)
    assert (chances[0, 1:] > 1 - 1e-10).all()
    assert (chances[0, 1:] < 1).all()
    assert np.abs(P - chances)[0, 1:].max() < 1e-10
    assert np.abs(truth).min() > 1e-3

    loop = asim.FeedbackMap(P[None], objective="dpo", beta=1.0)
    expected = E.T @ truth @ (np.diag(mu) - np.outer(mu, mu)) @ E
    np.testing.assert_allclose(loop.jacobian(mu, basis="tangent")[0], expected, rtol=1e-8)
    frames = np.array([[np.log(mu), score.astype(float)]])
    along = jacobians_along(loop, frames)
    np.testing.assert_allclose(along[0, 0], expected, rtol=1e-8)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_a_frame_that_is_not_finite_has_no_jacobian_and_spoils_no_other(objective):
    rng = np.random.default_rng(2)
    loop = maps(rng, 3, 2, objective=objective)
    frames = loop.run(rounds=4).logits.copy()
    whole = jacobians_along(loop, frames)
    frames[0, 3] = np.nan
    spoilt = jacobians_along(loop, frames)
    assert np.isnan(spoilt[0, 3]).all()
    np.testing.assert_array_equal(spoilt[1], whole[1])
    np.testing.assert_array_equal(spoilt[0, :2], whole[0, :2])
