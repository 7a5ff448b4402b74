"""The Jacobian is exact: finite differences, in both bases, for both objectives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alignsim as asim
from tests.feedback.systems import policy, preferences, system

STEP = 1e-5

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(2, 6)
objectives = pytest.mark.parametrize("objective", ["ipo", "dpo"])
examples = settings(deadline=None, max_examples=60, derandomize=True)


def differences(loop, logits):
    """Central differences of the round, column j for logit j."""
    columns = [
        (loop.step_logits(logits + STEP * e) - loop.step_logits(logits - STEP * e)) / (2 * STEP)
        for e in np.eye(len(logits))
    ]
    return np.stack(columns, axis=-1)


@objectives
@given(seed=seeds, K=sizes)
@examples
def test_it_agrees_with_central_differences(objective, seed, K):
    s = system(np.random.default_rng(seed), K)
    loop = s.loop(objective)
    expected = differences(loop, np.log(s.start))
    assert np.abs(loop.jacobian(s.start) - expected).max() < 1e-8
    E = asim.simplex.mean_zero_basis(K)
    tangent = loop.jacobian(s.start, basis="tangent")
    assert tangent.shape == (K - 1, K - 1)
    assert np.abs(tangent - E.T @ expected @ E).max() < 1e-8


@objectives
@given(seed=seeds, K=sizes)
@examples
def test_constants_go_in_and_come_out_as_zero(objective, seed, K):
    s = system(np.random.default_rng(seed), K)
    jacobian = s.loop(objective).jacobian(s.start)
    assert np.abs(jacobian.sum(axis=-1)).max() < 1e-12
    assert np.abs(jacobian.sum(axis=-2)).max() < 1e-12


@objectives
@given(seed=seeds, K=sizes)
@examples
def test_the_tangent_basis_has_the_multipliers_and_the_logits_one_zero_more(objective, seed, K):
    s = system(np.random.default_rng(seed), K)
    loop = s.loop(objective)
    full = np.linalg.eigvals(loop.jacobian(s.start))
    tangent = np.linalg.eigvals(loop.jacobian(s.start, basis="tangent"))
    traces = [np.sum(full**k) - np.sum(tangent**k) for k in (1, 2, 3)]
    assert np.abs(traces).max() < 1e-9 * (1 + np.abs(tangent).max() ** 3)
    assert np.abs(full).min() < 1e-7


@objectives
def test_at_alpha_one_and_beta_zero_it_is_the_identity_of_the_tangent_space(objective):
    s = system(np.random.default_rng(0), 4, beta=0.0, alpha=1.0)
    assert np.abs(s.loop(objective).jacobian(s.start, basis="tangent") - np.eye(3)).max() < 1e-15


@pytest.mark.parametrize("signal", [4.0, 3.0])
def test_at_the_uniform_policy_of_a_cycle_the_multipliers_are_alpha_and_the_rotation(signal):
    """Theory 6.4: α ± iaβλ/√3; and for DPO four times the rotation (theory 7)."""
    P = asim.preferences.cyclic(3, advantage=0.3)
    for objective, gain in (("ipo", 1.0), ("dpo", 4.0)):
        loop = asim.FeedbackMap(P, objective=objective, beta=signal / 0.75, alpha=0.6, lam=0.75)
        values = np.linalg.eigvals(loop.jacobian([1 / 3] * 3, basis="tangent"))
        rotation = gain * 0.3 * signal / np.sqrt(3)
        expected = [0.6 - 1j * rotation, 0.6 + 1j * rotation]
        assert np.sort_complex(values) == pytest.approx(expected, abs=1e-12)


@objectives
def test_it_stays_finite_where_policies_have_all_but_vanished(objective):
    rng = np.random.default_rng(1)
    loop = asim.FeedbackMap(
        preferences(rng, 4), objective=objective, beta=2.0, alpha=0.5, offline=policy(rng, 4)
    )
    assert np.isfinite(loop.jacobian([1 - 2e-300, 1e-300, 5e-301, 5e-301])).all()
    collapsed = loop.jacobian_at(np.array([900.0, -300.0, -300.0, -300.0]), basis="tangent")
    assert np.abs(collapsed - 0.5 * np.eye(3)).max() < 1e-12


def test_the_basis_is_made_once_and_cannot_be_changed():
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=1.0)
    assert loop.basis is loop.basis
    with pytest.raises(ValueError, match="read-only"):
        loop.basis[0, 0] = 1.0
