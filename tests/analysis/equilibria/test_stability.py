"""ω and the spectral radius: definitions, bounds and closed forms of theory.md 6.3, 6.6, 6.7, 7."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis import omega, spectral_radius, stability
from tests.feedback.systems import policy, preferences, system

STEP = 1e-5


def root(symmetric):
    """The positive root of a positive semidefinite matrix, from its eigenvectors."""
    values, vectors = np.linalg.eigh(symmetric)
    return vectors @ np.diag(np.sqrt(np.clip(values, 0, None))) @ vectors.T


def differences(loop, logits):
    return np.stack(
        [
            (loop.step_logits(logits + STEP * e) - loop.step_logits(logits - STEP * e)) / (2 * STEP)
            for e in np.eye(len(logits))
        ],
        axis=-1,
    )


@pytest.mark.parametrize("K", [2, 3, 4, 5, 8, 20])
def test_omega_is_the_norm_of_the_margins_between_two_roots_of_the_covariance(K):
    rng = np.random.default_rng(K)
    for _ in range(30):
        P, pi = preferences(rng, K, 0.0), policy(rng, K)
        J = root(np.diag(pi) - np.outer(pi, pi))
        expected = np.linalg.norm(J @ (P - 0.5) @ J, 2)
        # a root of a matrix with a zero is known to half of the digits only
        assert omega(P, np.log(pi)) == pytest.approx(expected, abs=1e-7)


def test_omega_is_the_closed_form_for_three_responses():
    """|P₁₂ + P₂₃ + P₃₁ − 3/2| √(π₁π₂π₃), to full precision, near a double zero too."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        P, logits = preferences(rng, 3, 0.0), rng.normal(size=3) * rng.choice([1.0, 10.0, 40.0])
        pi = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        curl = P[0, 1] + P[1, 2] + P[2, 0] - 1.5
        expected = abs(curl) * np.sqrt(pi.prod())
        assert omega(P, logits) == pytest.approx(expected, rel=1e-12, abs=1e-16)


def test_omega_vanishes_for_two_responses_and_for_additive_preferences():
    rng = np.random.default_rng(1)
    assert omega(preferences(rng, 2), rng.normal(size=2)) == 0.0
    for K in (3, 4, 6):
        P = asim.preferences.additive(rng.uniform(0, 0.5, K))
        assert omega(P, rng.normal(size=K)) < 1e-16


def test_omega_obeys_the_universal_bound():
    """Theory 6.3: ω ≤ 2·max|P − ½|/π for every K, P and policy."""
    rng = np.random.default_rng(2)
    for K in range(2, 13):
        P = np.array([preferences(rng, K, rng.uniform(0, 0.4)) for _ in range(200)])
        P[::2] = 0.5 + 0.5 * np.sign(P[::2] - 0.5)
        logits = rng.normal(size=(200, K)) * rng.uniform(0, 2, (200, 1))
        assert (omega(P, logits) <= 2 * np.abs(P - 0.5).max(axis=(-1, -2)) / np.pi).all()


def test_the_universal_bound_is_sharp():
    large = asim.preferences.cyclic(301, advantage=0.5)
    assert omega(large, np.zeros(301)) == pytest.approx(1 / np.pi, rel=1e-5)


def test_omega_is_largest_known_values():
    """Theory 10: the largest ω seen, K = 3 … 8; the odd circulant attains K = 3, 5 and 7."""
    for K, largest in ((3, 0.2887), (5, 0.3078), (7, 0.3129)):
        P = asim.preferences.cyclic(K, advantage=0.5)
        assert omega(P, np.zeros(K)) == pytest.approx(largest, abs=5e-5)


def test_omega_broadcasts():
    rng = np.random.default_rng(3)
    P = np.array([preferences(rng, 4) for _ in range(6)]).reshape(2, 3, 4, 4)
    logits = rng.normal(size=(5, 1, 3, 4))
    batch = omega(P, logits)
    assert batch.shape == (5, 2, 3)
    assert batch[4, 1, 2] == pytest.approx(omega(P[1, 2], logits[4, 0, 2]), rel=1e-14)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("K", [2, 3, 4, 5, 6])
def test_the_spectral_radius_is_that_of_the_finite_difference_jacobian(objective, K):
    rng = np.random.default_rng(K)
    E = asim.simplex.mean_zero_basis(K)
    for _ in range(12):
        loop = system(rng, K, alpha=rng.uniform(0, 0.9)).loop(objective)
        local = stability(loop)
        point = local.fixed_point
        assert point.status < 2
        values = np.linalg.eigvals(E.T @ differences(loop, point.logits) @ E)
        assert local.spectral_radius == pytest.approx(np.abs(values).max(), abs=2e-7)
        assert local.stable == (np.abs(values).max() < 1)


def test_the_ipo_multipliers_lie_on_the_vertical_line_through_alpha():
    """Theory 6.3: α ± iβλω_k, so an IPO loop can only lose stability by starting to rotate."""
    rng = np.random.default_rng(4)
    for K in (3, 4, 6):
        loop = system(rng, K, alpha=0.4).loop()
        point = asim.analysis.fixed_point(loop)
        values = np.linalg.eigvals(loop.jacobian_at(point.logits, basis="tangent"))
        assert np.abs(values.real - 0.4).max() < 1e-9
        rotation = loop.beta * loop.lam * omega(loop.P, point.logits)
        assert np.abs(values.imag).max() == pytest.approx(rotation, rel=1e-9)


def test_dpo_at_lam_one_has_the_closed_form_for_three_responses():
    """Theory 7: ρ² = α² + (βω_D)²."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        s = system(rng, 3, alpha=0.3, lam=1.0)
        loop = s.loop("dpo")
        local = stability(loop)
        pi = local.fixed_point.policy
        z, reference = local.fixed_point.logits, np.log(s.reference)
        v = (0.7 * (z - reference)) / s.beta
        S = 1 / (1 + np.exp(v[None, :] - v[:, None]))
        D = S * S.T
        excess = (s.P[0, 1] - S[0, 1]) / pi[2]
        trees = pi[0] * D[0, 1] * D[0, 2] + pi[1] * D[0, 1] * D[1, 2] + pi[2] * D[0, 2] * D[1, 2]
        rotation = abs(excess) * np.sqrt(pi.prod() / trees)
        assert local.spectral_radius == pytest.approx(np.hypot(0.3, s.beta * rotation), rel=1e-9)


def test_the_best_alpha_is_the_one_of_the_theory():
    """Theory 6.9: at fixed η, ρ is least at α = c²/(1+c²), c = ηλω, where it is c/√(1+c²)."""
    P = asim.preferences.cyclic(3, advantage=0.4)
    c = 30.0 * 0.4 / np.sqrt(3)
    alpha = np.append(np.linspace(0, 0.999, 400), c**2 / (1 + c**2))
    radius = stability(asim.FeedbackMap(P, beta=30.0 * (1 - alpha), alpha=alpha)).spectral_radius
    assert radius.argmin() == 400
    assert radius[-1] == pytest.approx(c / np.sqrt(1 + c**2), rel=1e-12)
    assert np.array_equal(radius < 1, alpha > (c**2 - 1) / (c**2 + 1))


def condorcet_winner_over_a_cycle():
    """Theory 6.6: response 0 beats the others by .02; they form an a = ½ cycle."""
    M = np.zeros((4, 4))
    M[0, 1:] = 0.02
    M[1, 2] = M[2, 3] = M[3, 1] = 0.5
    return 0.5 + M - M.T


def test_raising_alpha_can_restabilise():
    loop = asim.FeedbackMap(condorcet_winner_over_a_cycle(), beta=5.0, alpha=[0.3, 0.8, 0.95, 0.97])
    assert stability(loop).spectral_radius == pytest.approx([1.085, 1.228, 1.037, 0.980], abs=5e-4)


def test_raising_beta_can_restabilise():
    P = condorcet_winner_over_a_cycle()
    beta = np.array([1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 30.0])
    local = stability(asim.FeedbackMap(P, beta=beta, alpha=0.9))
    assert local.stable.tolist() == [True, True, False, False, False, False, True, True]
    assert local.spectral_radius[6] == pytest.approx(0.949, abs=5e-4)
    assert local.fixed_point.policy[6, 0] == pytest.approx(0.948, abs=5e-4)


def test_strict_strong_transitivity_does_not_rule_out_instability():
    """Theory 6.7, K = 3 with a skewed reference."""
    M = 0.5 * np.array([[0.0, 0.9, 1.0], [-0.9, 0.0, 0.91], [-1.0, -0.91, 0.0]])
    z = -40.0 * M.sum(axis=1) / 3
    reference = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    loop = asim.FeedbackMap(0.5 + M, beta=40.0, reference=reference)
    assert stability(loop).spectral_radius == pytest.approx(3.12, abs=5e-3)
    orbit = loop.run(rounds=4000, keep="last")
    assert orbit.cycle_strength > 1e-3


def test_strict_strong_transitivity_with_uniform_references_oscillates_at_twelve_responses():
    """Theory 6.7: groups of 1, 4 and 7; ρ = 1.069, cycle variance 9.8e-3."""
    group = np.repeat([0, 1, 2], [1, 4, 7])
    M = np.zeros((12, 12))
    for i in range(12):
        for k in range(i + 1, 12):
            M[i, k] = 0.4995 * ((group[i] == 0) & (group[k] == 2)) + 1e-5 * (k - i)
    M = M - M.T
    P = 0.5 + M * (0.5 / M.max())
    assert asim.preferences.is_strictly_strongly_transitive(P)
    loop = asim.FeedbackMap(P, beta=21.846)
    assert stability(loop).spectral_radius == pytest.approx(1.069, abs=5e-4)
    orbit = loop.run(rounds=20_000, keep="last")
    assert orbit.policy_variance.max() == pytest.approx(9.8e-3, rel=1e-3)


def test_beyond_preference_matrices_the_radius_comes_from_the_eigenvalues():
    """P = I, K = 3 (analysis.md 0.2): at η = 5 the uniform point has ν = 5/3 > 1: unstable."""
    loop = asim.FeedbackMap.from_payoffs(np.eye(3), beta=2.5, alpha=0.5)
    assert spectral_radius(loop, np.zeros(3)) == pytest.approx(0.5 + 0.5 * 5 / 3, rel=1e-12)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_a_cycle_is_unstable_however_strong_the_signal(objective, alpha):
    """The square of a multiplier beyond 1e154 overflows."""
    P = asim.preferences.cyclic(3, advantage=0.3)
    loop = asim.FeedbackMap(P, objective=objective, alpha=alpha, beta=[1e100, 1e200, 1e306])
    assert stability(loop).words("verdict").tolist() == 3 * ["unstable"]


def test_where_there_is_no_fixed_point_the_radius_is_not_a_number():
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=[1.0, 2.0])
    logits = np.array([[0.0, 0.0, 0.0], [np.nan] * 3])
    radius = spectral_radius(loop, logits)
    assert radius[0] == pytest.approx(0.3 / np.sqrt(3))
    assert np.isnan(radius[1])
    assert np.isnan(spectral_radius(loop, np.full((2, 3), np.nan))).all()


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_a_margin_near_alpha_one_is_known_to_more_than_its_size(objective):
    """The multipliers of a symmetric cycle are α ± iκ, so that 1 − ρ is known to the last digit."""
    slack = 1e-9
    gain = {"ipo": 1.0, "dpo": 4.0}[objective] * 0.3 / np.sqrt(3.0)
    critical = np.sqrt(slack * (2.0 - slack)) / gain
    loop = asim.FeedbackMap(
        asim.preferences.cyclic(3, advantage=0.3),
        objective=objective, beta=critical * np.array([0.5, 0.999, 1.001, 2.0]), alpha=1 - slack,
    )  # fmt: skip
    local = asim.stability(loop)
    assert local.words("verdict").tolist() == ["stable", "stable", "unstable", "unstable"]
    held = (1.0 - loop.alpha) * (1.0 + loop.alpha)
    exact = (held - (gain * loop.beta) ** 2) / (1.0 + local.spectral_radius)
    np.testing.assert_allclose(local.margin, exact, rtol=1e-6 if objective == "ipo" else 1e-3)


def multipliers_of(matrix, alpha=0.5):
    """A map whose derivative at its uniform fixed point is α + ``matrix``, K = 3."""
    E = asim.simplex.mean_zero_basis(3)
    return asim.FeedbackMap.from_payoffs(3.0 * E @ np.array(matrix) @ E.T, beta=1.0, alpha=alpha)


@pytest.mark.parametrize("coupling", [1e-10, 1e-14, 0.0])
def test_a_nearly_defective_multiplier_near_one_is_marginal(coupling):
    """Its condition number, 1/(2√coupling), times rounding is larger than its distance from 1."""
    split = np.sqrt(coupling)
    for distance, verdicts in ((5e-5, ("marginal",) * 2), (5e-4, ("stable", "unstable"))):
        for side, verdict in zip((-1, 1), verdicts, strict=True):
            own = 0.5 + side * distance - split
            local = asim.stability(multipliers_of([[own, 1.0], [coupling, own]]))
            assert abs(local.spectral_radius - 1.0 - side * distance) < 1e-5
            assert local.words("verdict") == verdict


def test_a_multiplier_as_near_to_one_that_is_well_conditioned_is_decided():
    for side, verdict in ((-1, "stable"), (1, "unstable")):
        local = asim.stability(multipliers_of([[0.5 + side * 5e-5, 0.0], [0.0, 0.2]]))
        assert local.words("verdict") == verdict
