"""Where and how stability is lost: theory 6.3, 6.4, 6.6 and 7."""

from functools import cache
from importlib import import_module

import numpy as np
import pytest

import alignsim as asim
from alignsim import simplex
from alignsim.analysis import fixed_point, spectral_radius, stability
from alignsim.analysis.bifurcations.criticality import (
    BifurcationKind,
    Criticality,
    bifurcations,
    first_lyapunov_coefficient,
)
from alignsim.analysis.bifurcations.normal_form import (
    TaylorMap,
    leading,
    neimark_sacker_coefficient,
)
from alignsim.objectives import DPO
from tests.feedback.systems import policy, preferences

GOLDEN = [[0.5, 0.7, 0.4], [0.3, 0.5, 0.8], [0.6, 0.2, 0.5]]
GAIN = {"ipo": 1.0, "dpo": 4.0}
objectives = pytest.mark.parametrize("objective", ["ipo", "dpo"])


def condorcet():
    """Theory 6.6: response 0 beats the others by .02; they form a cycle with a = ½."""
    M = np.zeros((4, 4))
    M[0, 1:] = 0.02
    M[1, 2] = M[2, 3] = M[3, 1] = 0.5
    return 0.5 + M - M.T


def three_cycle(objective, a, alpha, lam=1.0, excess=0.0):
    """The three-cycle whose fixed point has ρ = 1 + ``excess``."""
    kappa = np.sqrt((1 + excess) ** 2 - np.square(alpha))
    beta = kappa * np.sqrt(3) / (a * lam * GAIN[objective])
    P = asim.preferences.cyclic(3, advantage=a)
    return asim.FeedbackMap(P, objective=objective, beta=beta, alpha=alpha, lam=lam), kappa


def random_maps(objective, K, n, beta=1.0):
    """Random maps with references and offline samplers of their own, λ = .9."""
    rng = np.random.default_rng(K)
    return asim.FeedbackMap(
        [preferences(rng, K, 0.15) for _ in range(n)],
        objective=objective,
        beta=beta,
        alpha=rng.uniform(0.3, 0.8, n),
        lam=0.9,
        reference=[policy(rng, K) for _ in range(n)],
        offline=[policy(rng, K) for _ in range(n)],
    )


# Thresholds and coefficients in closed form


@objectives
@pytest.mark.parametrize("K", [3, 5, 7, 9])
def test_circulants_cross_where_the_closed_form_says(objective, K):
    """α² + (gβλ·cot(π/2K)/K)² = 1, g the advantage, or four times it for DPO (theory 6.4, 7)."""
    P = asim.preferences.cyclic(K, advantage=0.3)
    alpha, lam = np.array([0.0, 0.5, 0.9])[:, None], np.array([0.6, 1.0])
    found = bifurcations(asim.FeedbackMap(P, objective=objective, beta=1.0, alpha=alpha, lam=lam))
    rate = 0.3 * lam * GAIN[objective] / np.tan(np.pi / (2 * K)) / K
    assert found.at.shape == (3, 2, 1)
    np.testing.assert_allclose(found.at[..., 0], np.sqrt(1 - alpha**2) / rate, rtol=1e-13)
    np.testing.assert_allclose(np.cos(found.angle[..., 0]), alpha + 0 * lam, atol=1e-13)
    assert (found.kind == BifurcationKind.NEIMARK_SACKER).all()
    assert (found.direction == 1).all()
    assert (found.criticality == Criticality.SUPERCRITICAL).all()
    slope = (1 - alpha**2) / found.at[..., 0]  # of √(α² + κ²) with κ ∝ β
    np.testing.assert_allclose(found.multiplier_slope[..., 0], slope, rtol=1e-12)


@objectives
def test_the_coefficient_of_the_three_cycle(objective):
    """−¾κ² for MRS-IPO (theory 6.4), κ²(4a²λ² − ¾) for MRS-DPO (theory 7), α = 0 included."""
    rng = np.random.default_rng(0)
    a, lam = rng.uniform(0.1, 0.43, 40), rng.uniform(0.2, 1.0, 40)
    alpha = np.append([0.0, 0.0], rng.uniform(0.0, 0.98, 38))
    P = np.array([asim.preferences.cyclic(3, advantage=x) for x in a])
    loop = asim.FeedbackMap(P, objective=objective, beta=1.0, alpha=alpha, lam=lam)
    found = bifurcations(loop, high=500.0)
    bend = -0.75 if objective == "ipo" else 4 * (a * lam) ** 2 - 0.75
    np.testing.assert_allclose(
        found.first_lyapunov_coefficient[:, 0], (1 - alpha**2) * bend, rtol=1e-9, atol=1e-13
    )
    assert (found.criticality == Criticality.SUPERCRITICAL).all()


def test_the_onset_of_dpo_is_hard_beyond_root_three_quarters():
    """Theory 7: supercritical if and only if aλ < √3/4."""
    limit = np.sqrt(3) / 4
    a, lam = np.array([0.43, limit, 0.44, 0.49, 0.49]), np.array([1.0, 1.0, 1.0, 0.87, 0.89])
    P = np.array([asim.preferences.cyclic(3, advantage=x) for x in a])
    loop = asim.FeedbackMap(P, objective="dpo", beta=1.0, alpha=0.5, lam=lam)
    gentle, hard = Criticality.SUPERCRITICAL, Criticality.SUBCRITICAL
    expected = [gentle, Criticality.DEGENERATE, hard, gentle, hard]
    assert bifurcations(loop).criticality[:, 0].tolist() == expected


def test_the_oracle_of_the_analysis_page():
    found = bifurcations(asim.FeedbackMap(GOLDEN, beta=1.0, alpha=0.6))
    assert found.at.tolist() == [pytest.approx(7.667301445478, abs=1e-11)]
    assert found.angle.tolist() == [pytest.approx(np.arccos(0.6), abs=1e-12)]
    assert found.criticality.tolist() == [Criticality.SUPERCRITICAL]


# Several crossings


def test_the_condorcet_system_regains_stability_the_hard_way():
    """Theory 6.6: unstable for β in a window; at its upper end a large cycle coexists."""
    found = bifurcations(asim.FeedbackMap(condorcet(), beta=1.0, alpha=0.9))
    assert found.direction.tolist() == [1, -1]
    assert 2.0 < found.at[0] < 3.0
    assert 15.0 < found.at[1] < 20.0
    assert found.criticality.tolist() == [Criticality.SUPERCRITICAL, Criticality.SUBCRITICAL]
    assert np.sign(found.multiplier_slope).tolist() == [1.0, -1.0]
    loop = asim.FeedbackMap(condorcet(), beta=20.0, alpha=0.9)
    start = 1e-3 * np.array([0.0, 1.0, -0.5, -0.5])
    assert stability(loop).stable
    orbit = loop.run(start_logits=start, rounds=5000, keep="last")
    assert orbit.policy_variance.mean() > 0.05
    assert orbit.policy_mean[0] < 1e-2


def test_raising_alpha_can_restabilise():
    loop = asim.FeedbackMap(condorcet(), beta=5.0)
    found = bifurcations(loop, along="alpha")
    assert found.direction[-1] == -1
    assert 0.95 < found.at[-1] < 0.97
    moved = loop.replace(alpha=found.at)
    assert spectral_radius(moved, found.logits) == pytest.approx(1.0, abs=1e-10)


def test_batches_are_padded_after_the_last_crossing():
    P = np.array([condorcet(), asim.preferences.bradley_terry([0.0, 1.0, 2.0, 3.0])])
    loop = asim.FeedbackMap(P[:, None], beta=1.0, alpha=[0.0, 0.9, 0.95])
    found = bifurcations(loop)
    assert found.at.shape == (2, 3, 2)
    assert found.logits.shape == (2, 3, 2, 4)
    crossed = found.direction != 0
    assert crossed[0].any()
    assert not crossed[1].any()
    assert (np.isfinite(found.at) == crossed).all()
    assert (found.kind[~crossed] == BifurcationKind.NO_CROSSING).all()
    assert (found.criticality[~crossed] == Criticality.NONE).all()
    for values in (found.angle, found.coefficient, found.multiplier_slope, found.angle_slope):
        assert (np.isfinite(values) == crossed).all()
    one = bifurcations(loop.take(np.array([1])))
    np.testing.assert_allclose(one.coefficient[0], found.coefficient[0, 1], rtol=1e-9)


@pytest.mark.parametrize("K", [2, 3])
@objectives
def test_maps_that_never_cross_have_none(objective, K):
    P = asim.preferences.bradley_terry(np.arange(float(K)))
    loop = asim.FeedbackMap(P, objective=objective, beta=1.0, lam=[0.0, 1.0], alpha=0.5)
    found = bifurcations(loop)
    assert found.at.shape == found.coefficient.shape == (2, 0)
    assert found.amplitude(2.0).shape == (2, 0)
    assert bifurcations(loop.take(np.array([0])), "lam", 0.0, 1.0).at.shape == (1, 0)


# Slopes


@pytest.mark.parametrize("along", ["beta", "alpha", "lam"])
@objectives
def test_the_slopes_are_those_of_the_multiplier_on_the_branch(objective, along):
    """By central differences of sixth order."""
    loop = random_maps(objective, 4, 16, beta=25.0 / GAIN[objective])
    found = bifurcations(loop, along, high=60.0 if along == "beta" else None)
    which = np.argwhere((found.direction != 0) & (found.at < 0.99 if along != "beta" else True))
    assert len(which) >= 3
    i, j = which.T
    step = 1e-4
    steps = step * np.arange(-3, 4)[:, None]
    near = loop.take(np.tile(i, 7)).replace(**{along: (found.at[i, j] + steps).ravel()})
    logits = fixed_point(near, np.tile(found.logits[i, j], (7, 1))).logits
    m = first_lyapunov_coefficient(near, logits).multiplier.reshape(7, -1)
    weights = np.array([-1 / 60, 3 / 20, -3 / 4, 0.0, 3 / 4, -3 / 20, 1 / 60]) / step
    growth, turn = found.multiplier_slope[i, j], found.angle_slope[i, j]
    np.testing.assert_allclose(weights @ np.abs(m), growth, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(weights @ np.angle(m), turn, rtol=1e-8, atol=1e-8)
    assert (np.sign(growth) == found.direction[i, j]).all()


# Independent twins of the coefficient


def differences(loop, z, h):
    """The Taylor series of a round from its values alone, by tensor differences of 4th order."""
    E = simplex.mean_zero_basis(loop.responses)
    d = loop.responses - 1
    steps, weights = h * np.array([-2, -1, 1, 2]), np.array([1, -8, 8, -1]) / (12 * h)

    def tensor(order):
        """∂ⁿT_k/∂x_i∂x_j..., the component k last: (d, ..., d)."""
        axes = np.array(list(np.ndindex(*(d,) * order)))
        taken = np.array(list(np.ndindex(*(4,) * order)))
        shifts = np.einsum("sn,and->asd", steps[taken], np.eye(d)[axes])
        values = (loop.advance(z + shifts @ E.T).value - z) @ E
        derivatives = np.einsum("s,asd->ad", weights[taken].prod(axis=-1), values)
        return derivatives.reshape((d,) * (order + 1))

    A, B, C = (tensor(order) for order in (1, 2, 3))
    return TaylorMap(
        A.T[None],
        lambda u, v: np.einsum("ijk,ni,nj->nk", B, u, v),
        lambda u, v, w: np.einsum("ijlk,ni,nj,nl->nk", C, u, v, w),
    )


def rebuilt(loop, i, beta, order=slice(None)):
    """Map i of a flat batch on its own, with another β, the responses in another order."""
    return asim.FeedbackMap(
        loop.P[i][order][:, order],
        objective=loop.objective,
        beta=beta,
        alpha=loop.alpha[i],
        lam=loop.lam[i],
        reference=simplex.softmax(loop.reference_logits[i])[order],
        offline=loop.offline_policy[i][order],
    )


@cache
def crossing_maps(objective, K):
    """Random maps, each at its first crossing, and what was found there."""
    loop = random_maps(objective, K, 12)
    found = bifurcations(loop, high=40.0)
    crossed = np.flatnonzero(found.direction[:, 0] != 0)[:2]
    assert len(crossed) == 2
    return [(rebuilt(loop, i, found.at[i, 0]), found, i) for i in crossed]


@objectives
@pytest.mark.parametrize("K", [3, 4, 5])
def test_the_coefficient_is_that_of_differences_of_rounds(objective, K):
    for loop, found, i in crossing_maps(objective, K):
        coarse, fine = (differences(loop, found.logits[i, 0], h) for h in (0.04, 0.02))
        lead = leading(fine.A, length=np.sqrt(K))
        values = [neimark_sacker_coefficient(series, lead).value[0] for series in (coarse, fine)]
        expected = (16 * values[1] - values[0]) / 15  # Richardson
        assert found.coefficient[i, 0] == pytest.approx(expected, rel=1e-5)


@objectives
@pytest.mark.parametrize("K", [3, 4])
def test_the_coefficient_is_that_of_slow_decay_at_the_crossing(objective, K):
    """At ρ = 1, |ζ|' = Re d·|ζ|³: so 1/|ζ|² grows by −2 Re d a round."""
    for loop, found, i in crossing_maps(objective, K):
        z = found.logits[i, 0]
        E = simplex.mean_zero_basis(K)
        lead = leading(loop.derivative(z, "tangent")[None], length=np.sqrt(K))
        start = z + E @ np.real(0.02 * lead.right[0])
        orbit = loop.run(start_logits=start, rounds=10_000)
        inverse = np.abs((orbit.logits - z) @ E @ np.conj(lead.left[0])) ** -2
        half = len(inverse) // 2
        growth = (inverse[half : 2 * half].mean() - inverse[:half].mean()) / half
        assert growth == pytest.approx(-2.0 * found.first_lyapunov_coefficient[i, 0], rel=2e-3)


# Predictions beyond the crossing


def simulated(loop, rounds=20_000):
    """The mean variance of the policy's coordinates, and the mean angle a round."""
    orbit = loop.run(rounds=rounds, burn_in=rounds // 2)
    cycle = orbit.logits[rounds // 2 :] @ np.exp(2j * np.pi * np.arange(3) / 3)
    turns = np.unwrap(np.angle(cycle))
    return orbit.policy_variance.mean(), abs(turns[-1] - turns[0]) / (len(turns) - 1)


def test_the_three_cycle_swings_as_predicted():
    """Theory 6.4 at ε = .01, α = .5: variance 8ε/(27κ²), rotation 1.0491."""
    loop, kappa = three_cycle("ipo", 0.5, 0.5, excess=0.01)
    found = bifurcations(loop)
    variance, rotation = simulated(loop)
    assert variance == pytest.approx(3.869e-3, abs=1e-6)
    assert 8 * 0.01 / (27 * kappa**2) == pytest.approx(3.848e-3, abs=1e-6)
    assert found.amplitude(loop.beta)[0] == pytest.approx(variance, rel=0.01)
    assert rotation == pytest.approx(1.0491, abs=5e-5)
    assert found.rotation(loop.beta)[0] == pytest.approx(rotation, abs=1e-4)


def test_the_prediction_is_that_of_theory_to_first_order():
    for epsilon in (1e-3, 1e-4):
        loop, kappa = three_cycle("ipo", 0.3, 0.7, lam=0.8, excess=epsilon)
        found = bifurcations(loop)
        expected = 8 * epsilon / (27 * kappa**2)
        assert found.amplitude(loop.beta)[0] == pytest.approx(expected, rel=6 * epsilon)
        theta = np.arctan2(kappa, 0.7)
        turn = theta + epsilon * (-1 / np.tan(1.5 * theta) / 3 - 2 * 0.7 / (3 * kappa))
        assert found.rotation(loop.beta)[0] == pytest.approx(turn, abs=30 * epsilon**2)


def test_dpo_swings_as_predicted():
    """Theory 7 at a = .2, α = .5, ε = .005: 2.472e-3 against 2.478e-3."""
    loop, kappa = three_cycle("dpo", 0.2, 0.5, excess=0.005)
    variance, _ = simulated(loop)
    formula = (2 / 9) * 0.005 / (kappa**2 * (0.75 - 4 * 0.2**2))
    assert variance == pytest.approx(2.472e-3, abs=1e-6)
    assert formula == pytest.approx(2.478e-3, abs=1e-6)
    assert bifurcations(loop).amplitude(loop.beta)[0] == pytest.approx(variance, rel=0.01)


@objectives
def test_random_systems_swing_as_predicted(objective):
    """Twice as near, twice as right: the prediction is of first order."""
    for loop, found, i in crossing_maps(objective, 4):
        assert found.criticality[i, 0] == Criticality.SUPERCRITICAL
        beta = loop.beta + np.array([2e-3, 1e-3]) / found.multiplier_slope[i, 0]
        orbit = loop.replace(beta=beta).run(rounds=16_000, burn_in=12_000, keep="last")
        predicted = found.amplitude(beta[:, None, None])[:, i, 0]
        errors = predicted / orbit.policy_variance.mean(axis=-1) - 1
        assert abs(errors[1]) < 0.02
        assert errors[1] / errors[0] == pytest.approx(0.5, abs=0.15)


def test_there_is_no_circle_on_the_other_side():
    loop, _ = three_cycle("ipo", 0.5, 0.5)
    found = bifurcations(loop)
    beta = np.array([[2.9], [3.1]])
    assert found.amplitude(beta).shape == (2, 1)
    assert np.isnan(found.amplitude(beta)[:, 0]).tolist() == [True, False]
    assert np.isnan(found.rotation(beta)[:, 0]).tolist() == [True, False]
    hard, _ = three_cycle("dpo", 0.47, 0.5)
    circle = bifurcations(hard).amplitude([0.999 * hard.beta, 1.001 * hard.beta])
    assert np.isnan(circle).tolist() == [False, True]  # shape (m,) = (1,) broadcast with (2,)


# Hysteresis


def test_dpo_starts_hard_and_keeps_swinging_below_its_threshold():
    """Theory 7: a = .47, α = .5, ρ = .995 has two attractors."""
    loop, _ = three_cycle("dpo", 0.47, 0.5, excess=-0.005)
    assert bifurcations(loop).criticality[0] == Criticality.SUBCRITICAL
    near, far = np.array([[1e-2, 0.0, -1e-2], [3.0, 0.0, -3.0]])
    small = loop.run(start_logits=near, rounds=4000, keep="last").policy_variance.mean()
    large = loop.run(start_logits=far, rounds=4000, keep="last").policy_variance.mean()
    assert small < 1e-12
    assert large > 0.05


def test_subcritical_crossings_of_random_systems_have_hysteresis():
    """K = 4: below the crossing the orbit from above goes on, and the fixed point is stable."""
    rng = np.random.default_rng(0)
    n = 200
    loop = asim.FeedbackMap(
        [preferences(rng, 4, 0.02) for _ in range(n)],
        beta=1.0,
        alpha=rng.uniform(0.05, 0.95, n),
        reference=0.98 * rng.dirichlet(np.full(4, 0.5), n) + 0.005,
    )
    found = bifurcations(loop, high=60.0)
    hard = found.criticality == Criticality.SUBCRITICAL
    strong = hard & (found.coefficient.real > 0.3 * np.abs(found.coefficient))
    assert strong.any()
    kick = 1e-2 * simplex.asymmetric_direction(4)
    for i, j in np.argwhere(strong):
        own, at, direction = loop.take(np.array([i])), found.at[i, j], found.direction[i, j]
        above, below = (
            own.replace(beta=at * (1 + 0.01 * direction)),
            own.replace(beta=at * (1 - 0.002 * direction)),
        )
        z = found.logits[i, j]
        swing = above.run(start_logits=(z + kick)[None], rounds=4000, keep="last")
        assert stability(below).stable.all()
        start = fixed_point(below).logits + 1e-5 * kick
        near = below.run(start_logits=start, rounds=4000, keep="last")
        far = below.run(start_logits=swing.final_logits, rounds=8000, keep="last")
        assert near.policy_variance.mean() < 1e-9
        assert far.policy_variance.mean() > 1e-3


# Where the coefficient decides nothing


def test_strong_resonance_is_refused_without_the_symmetry():
    """α = 0 has θ = π/2. Only the symmetric cycle keeps its coefficient (theory 6.4)."""
    found = bifurcations(asim.FeedbackMap(GOLDEN, beta=1.0, alpha=[0.0, 1e-5, 0.1]))
    assert found.criticality[:, 0].tolist() == [
        Criticality.RESONANT,
        Criticality.RESONANT,
        Criticality.SUPERCRITICAL,
    ]
    assert np.isnan(found.coefficient[:2]).all()
    assert np.isnan(found.amplitude(found.at * 1.01)[:2]).all()
    symmetric, _ = three_cycle("ipo", 0.4, np.array([0.0, 1e-5]))
    assert bifurcations(symmetric).criticality[:, 0].tolist() == [Criticality.SUPERCRITICAL] * 2


def test_two_pairs_at_once_are_multiple():
    """Two equal cycles that do not meet: every pair of one is a pair of the other."""
    M = np.zeros((6, 6))
    for i, j in ((0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)):
        M[i, j], M[j, i] = 0.4, -0.4
    found = bifurcations(asim.FeedbackMap(0.5 + M, beta=1.0, alpha=0.5))
    assert found.criticality.tolist() == [Criticality.MULTIPLE]
    assert found.kind.tolist() == [BifurcationKind.NEIMARK_SACKER]
    assert np.isnan(found.coefficient).all()


# Payoffs that are no preferences


def test_anticoordination_flips():
    """K = 2, payoffs −cI: x' = αx − βc·tanh(x/2) for x = z₁ − z₂."""
    alpha = np.array([0.0, 0.5])
    loop = asim.FeedbackMap.from_payoffs(-0.7 * np.eye(2), beta=1.0, alpha=alpha)
    found = bifurcations(loop)
    np.testing.assert_allclose(found.at[:, 0], 2 * (1 + alpha) / 0.7, rtol=1e-12)
    assert (found.kind == BifurcationKind.FLIP).all()
    assert found.angle == pytest.approx(np.pi)
    assert (found.criticality == Criticality.SUPERCRITICAL).all()
    np.testing.assert_allclose(found.coefficient[:, 0], (1 + alpha) / 3, rtol=1e-9)
    np.testing.assert_allclose(found.multiplier_slope[:, 0], 0.35, rtol=1e-9)
    assert np.isnan(found.first_lyapunov_coefficient).all()
    beta = found.at[:, 0] * 1.003
    orbit = loop.replace(beta=beta).run(rounds=20_000, keep="last")
    predicted = found.amplitude(beta[:, None])[:, 0]
    np.testing.assert_allclose(predicted, orbit.policy_variance.mean(axis=-1), rtol=0.01)
    assert found.rotation(beta[:, None]) == pytest.approx(np.pi)


def test_coordination_of_two_is_a_pitchfork():
    found = bifurcations(asim.FeedbackMap.from_payoffs(np.eye(2), beta=1.0, alpha=0.5))
    assert found.at[0] == pytest.approx(1.0, rel=1e-9)
    assert found.kind[0] == BifurcationKind.FOLD
    assert found.criticality[0] == Criticality.DEGENERATE
    assert found.coefficient[0] == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(found.multiplier_slope[0])


def test_coordination_of_three_is_multiple():
    found = bifurcations(asim.FeedbackMap.from_payoffs(np.eye(3), beta=1.0, alpha=0.5))
    assert found.at[0] == pytest.approx(1.5, rel=1e-9)
    assert found.criticality[0] == Criticality.MULTIPLE


def test_a_transcritical_crossing_has_a_quadratic_coefficient():
    """Payoffs vvᵀ, v = (1, 1, −2)/√6: uniform is fixed, q = √3·v, a = ½b⟨v/√3, q-terms⟩."""
    v = np.array([1.0, 1.0, -2.0]) / np.sqrt(6)
    found = bifurcations(asim.FeedbackMap.from_payoffs(np.outer(v, v), beta=1.0, alpha=0.5))
    q = np.sqrt(3) * v
    expected = 0.5 * found.at[0] * (v @ q / 3) * (v @ ((q * q - (q * q).mean()) / 3))
    assert found.at[0] == pytest.approx(1.5, rel=1e-9)
    assert found.kind[0] == BifurcationKind.FOLD
    assert found.criticality[0] == Criticality.NONE
    assert abs(found.coefficient[0]) == pytest.approx(abs(expected), rel=1e-6)


# Symmetries


@objectives
def test_the_order_of_the_responses_does_not_matter(objective):
    _, found, i = crossing_maps(objective, 4)[0]
    order = np.array([2, 0, 3, 1])
    moved = bifurcations(rebuilt(found.loop, i, 1.0, order), high=40.0)
    np.testing.assert_allclose(moved.at[0], found.at[i, 0], rtol=1e-10)
    np.testing.assert_allclose(moved.coefficient[0], found.coefficient[i, 0], rtol=1e-7)
    np.testing.assert_allclose(moved.logits[0], found.logits[i, 0][order], rtol=0, atol=1e-8)


def test_only_the_product_of_strength_and_payoffs_counts():
    plain = bifurcations(asim.FeedbackMap.from_payoffs(GOLDEN, beta=1.0, alpha=0.6))
    tripled = bifurcations(
        asim.FeedbackMap.from_payoffs(
            3.0 * np.array(GOLDEN) + [0.1, 2.0, -1.0], beta=1.0, alpha=0.6
        )
    )
    np.testing.assert_allclose(3.0 * tripled.at, plain.at, rtol=1e-10)
    np.testing.assert_allclose(tripled.coefficient, plain.coefficient, rtol=1e-8)


# One fixed point


def test_the_coefficient_at_given_fixed_points():
    loop, kappa = three_cycle("ipo", 0.3, np.array([[0.2], [0.6]]))
    form = first_lyapunov_coefficient(loop, np.zeros((2, 1, 3)))
    assert form.coefficient.shape == (2, 1)
    np.testing.assert_allclose(form.coefficient.real, -0.75 * kappa**2, rtol=1e-12)
    single = first_lyapunov_coefficient(loop.take(np.array([0])), [5.0, 5.0, 5.0])
    np.testing.assert_allclose(single.coefficient, form.coefficient[0], rtol=1e-12)


def test_the_chunks_of_a_large_batch_do_not_matter(monkeypatch):
    loop, _ = three_cycle("dpo", 0.3, np.linspace(0.1, 0.9, 7))
    whole = first_lyapunov_coefficient(loop, np.zeros(3))
    monkeypatch.setattr(
        import_module("alignsim.analysis.bifurcations.criticality"), "CHUNK_ENTRIES", 20
    )
    parts = first_lyapunov_coefficient(loop, np.zeros(3))
    np.testing.assert_allclose(parts.coefficient, whole.coefficient, rtol=1e-13)


def test_what_is_no_fixed_point_is_undecided_alone():
    loop, _ = three_cycle("ipo", 0.3, 0.5)
    logits = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [np.nan] * 3])
    form = first_lyapunov_coefficient(loop, logits)
    assert form.criticality.tolist() == [
        Criticality.SUPERCRITICAL,
        Criticality.UNDECIDED,
        Criticality.UNDECIDED,
    ]
    assert form.kind.tolist() == [
        BifurcationKind.NEIMARK_SACKER,
        BifurcationKind.NO_CROSSING,
        BifurcationKind.NO_CROSSING,
    ]
    assert np.isnan(form.coefficient).tolist() == [False, True, True]
    assert np.isnan(form.amplitude[1:]).all()


# Bad input


def test_arguments_are_refused_by_name(monkeypatch):
    loop, _ = three_cycle("dpo", 0.3, 0.5)
    with pytest.raises(ValueError, match=r"along is 'gamma'.*'alpha', 'beta', 'lam'"):
        bifurcations(loop, along="gamma")
    with pytest.raises(ValueError, match="logits has 4 responses"):
        first_lyapunov_coefficient(loop, np.zeros(4))
    found = bifurcations(loop)
    with pytest.raises(ValueError, match="parameter is -1"):
        found.amplitude(-1.0)
    with pytest.raises(ValueError, match="batch axes do not broadcast"):
        bifurcations(loop.replace(alpha=[0.1, 0.2, 0.3])).rotation([[1.0], [2.0]])
    monkeypatch.setattr(DPO, "expansion", None)
    for call in (bifurcations, lambda x: first_lyapunov_coefficient(x, np.zeros(3))):
        with pytest.raises(ValueError, match=r"objective is 'dpo'.*derivatives are not known"):
            call(loop)
