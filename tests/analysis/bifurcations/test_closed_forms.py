"""Thresholds in closed form, met from both sides by the exact criterion and by simulation."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis import classify, critical_signal, stability
from alignsim.analysis.orbits.verdicts import Phase

SIDES = np.array([0.98, 1.02])
GAIN = {"ipo": 1.0, "dpo": 4.0}

objectives = pytest.mark.parametrize("objective", ["ipo", "dpo"])


def cot(x):
    return 1.0 / np.tan(x)


def assert_the_boundary_is_at(signal, loop_at, alpha):
    """Two per cent below ``signal`` = βλ a loop converges, two per cent above it oscillates."""
    loop = loop_at(signal * SIDES)
    local = stability(loop)
    assert local.stable.tolist() == [True, False]
    below, above = classify(loop).code
    assert below == Phase.CONVERGED
    assert above in (Phase.CIRCLE, Phase.LOCKED)
    assert critical_signal(loop) == pytest.approx([signal, signal], rel=1e-12)


@objectives
@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("advantage", [0.1, 0.3])
@pytest.mark.parametrize("lam", [1.0, 0.6])
def test_the_three_cycle(objective, alpha, advantage, lam):
    """Theory 6.4 and 7: α² + a²β²λ²/3 = 1 for IPO, α² + 16a²β²λ²/3 = 1 for DPO."""
    signal = np.sqrt(3 * (1 - alpha**2)) / (GAIN[objective] * advantage)
    P = asim.preferences.cyclic(3, advantage=advantage)
    assert_the_boundary_is_at(
        signal,
        lambda s: asim.FeedbackMap(P, objective=objective, beta=s / lam, alpha=alpha, lam=lam),
        alpha,
    )


@objectives
@pytest.mark.parametrize("K", [5, 7, 9])
def test_the_odd_circulants(objective, K):
    """Theory 6.4: α² + (aβλ cot(π/2K)/K)² = 1; β four times smaller for DPO."""
    alpha, advantage = 0.6, 0.2
    signal = np.sqrt(1 - alpha**2) * K / (GAIN[objective] * advantage * cot(np.pi / (2 * K)))
    P = asim.preferences.cyclic(K, advantage=advantage)
    assert_the_boundary_is_at(
        signal, lambda s: asim.FeedbackMap(P, objective=objective, beta=s, alpha=alpha), alpha
    )


@objectives
@pytest.mark.parametrize("K", [3, 4, 5, 6, 8])
def test_the_nearest_neighbour_cycles(objective, K):
    """Theory 6.4: ω = 2a·max_k sin(2πk/K)/K."""
    alpha, advantage = 0.3, 0.2
    omega = 2 * advantage * max(np.sin(2 * np.pi * k / K) for k in range(K)) / K
    signal = np.sqrt(1 - alpha**2) / (GAIN[objective] * omega)
    P = asim.preferences.nearest_neighbour_cycle(K, advantage=advantage)
    assert asim.analysis.omega(P, np.zeros(K)) == pytest.approx(omega, rel=1e-12)
    assert_the_boundary_is_at(
        signal, lambda s: asim.FeedbackMap(P, objective=objective, beta=s, alpha=alpha), alpha
    )


@objectives
def test_general_circulants(objective):
    """Theory 6.4: ω = (1/K)·max_k |2Σ c_m sin(2πkm/K)|."""
    rng = np.random.default_rng(0)
    for K in (5, 6, 7, 10):
        c = np.zeros(K)
        half = (K - 1) // 2
        c[1 : half + 1] = rng.uniform(-0.3, 0.3, half)
        c[K - half :] = -c[half:0:-1]
        P = 0.5 + np.array([np.roll(c, i) for i in range(K)])
        waves = [2 * sum(c[m] * np.sin(2 * np.pi * k * m / K) for m in range(1, half + 1))
                 for k in range(K)]  # fmt: skip
        omega = np.abs(waves).max() / K
        loop = asim.FeedbackMap(P, objective=objective, beta=1.0, alpha=0.6)
        assert critical_signal(loop) == pytest.approx(0.8 / (GAIN[objective] * omega), rel=1e-10)


def test_the_boundary_broadcasts_over_matrices_and_alpha():
    P = asim.preferences.cyclic(3, advantage=np.array([0.1, 0.2, 0.4]))[:, None]
    loop = asim.FeedbackMap(P, beta=1.0, alpha=[0.0, 0.6])
    expected = np.sqrt(3) * np.array([1.0, 0.8]) / np.array([[0.1], [0.2], [0.4]])
    assert critical_signal(loop) == pytest.approx(expected, rel=1e-12)


def test_where_no_closed_form_is_known_the_boundary_is_not_a_number():
    P = asim.preferences.cyclic(3, advantage=0.3)
    tilted = P.copy()
    tilted[0, 1], tilted[1, 0] = 0.7, 0.3
    skewed = [0.4, 0.3, 0.3]
    assert np.isnan(critical_signal(asim.FeedbackMap(tilted, beta=1.0)))
    assert np.isnan(critical_signal(asim.FeedbackMap(P, beta=1.0, reference=skewed)))
    assert np.isnan(critical_signal(asim.FeedbackMap(P, beta=1.0, lam=0.5, offline=skewed)))
    assert np.isnan(critical_signal(asim.FeedbackMap.from_payoffs(np.eye(3), beta=1.0)))
    mixed = asim.FeedbackMap(np.stack([P, tilted]), beta=1.0, reference=[[1 / 3] * 3, [1 / 3] * 3])
    assert np.isnan(critical_signal(mixed)).tolist() == [False, True]


def test_indifference_never_loses_stability_and_alpha_one_has_lost_it_already():
    flat = asim.FeedbackMap(np.full((4, 4), 0.5), beta=1.0, alpha=[0.0, 0.9, 1.0])
    assert (critical_signal(flat) == np.inf).all()
    P = asim.preferences.cyclic(5, advantage=0.3)
    assert critical_signal(asim.FeedbackMap(P, beta=1.0, alpha=1.0)) == 0.0
