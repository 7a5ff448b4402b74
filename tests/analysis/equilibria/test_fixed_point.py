"""Fixed points: golden, unique where theory says so, found where collapse has set in."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis.equilibria.fixed_point import TOLERANCE, PointStatus, fixed_point
from tests.feedback.systems import policy, preferences

GOLDEN = asim.FeedbackMap(
    [[0.5, 0.7, 0.4], [0.3, 0.5, 0.8], [0.6, 0.2, 0.5]], beta=3.0, alpha=0.5, lam=0.8,
    reference=[0.2, 0.3, 0.5], offline=[0.4, 0.4, 0.2],
)  # fmt: skip


def systems(rng, n, K, *, strength, objective="ipo", lam=None, margin=0.02):
    """n random maps of K responses, with η log-uniform up to ``strength``."""
    alpha = rng.choice([0.0, 0.3, 0.6, 0.9, 0.99], n)
    return asim.FeedbackMap(
        np.array([preferences(rng, K, margin) for _ in range(n)]),
        objective=objective,
        alpha=alpha,
        beta=(1.0 - alpha) * strength ** rng.uniform(0.0, 1.0, n),
        lam=rng.choice([0.0, 0.3, 0.7, 1.0], n) if lam is None else lam,
        reference=np.array([policy(rng, K) for _ in range(n)]),
        offline=np.array([policy(rng, K) for _ in range(n)]),
    )


def assert_fixed(loop, point):
    """A round moves the points by no more than rounding, magnified by η."""
    moved = loop.advance(point.logits).value
    scale = (1.0 + np.abs(point.logits).max(axis=-1)) * (1.0 + loop.beta / 50.0)
    assert (np.abs(moved - point.logits).max(axis=-1) <= 1e-9 * scale).all()


def test_the_golden_fixed_point_and_its_stability():
    point = asim.analysis.fixed_point(GOLDEN)
    expected = [0.2891415589259641, 0.38529407499575186, 0.3255643660782841]
    assert np.abs(point.policy - expected).max() < 1e-12
    assert point.status == PointStatus.UNIQUE
    assert asim.analysis.omega(GOLDEN.P, point.logits) == pytest.approx(
        0.11426707403143468, abs=1e-12
    )
    local = asim.analysis.stability(GOLDEN)
    assert local.spectral_radius == pytest.approx(0.5702702112476006, abs=1e-12)
    assert local.stable
    assert local.margin == pytest.approx(1 - 0.5702702112476006, abs=1e-12)


@pytest.mark.parametrize("K", [2, 3, 4, 5, 6, 12])
def test_ipo_has_one_fixed_point_from_every_start(K):
    """Theory 6.2; 60 systems × 5 starts each, up to η = 300."""
    rng = np.random.default_rng(K)
    loop = systems(rng, 60, K, strength=300.0)
    first = asim.analysis.fixed_point(loop)
    assert (first.status == PointStatus.UNIQUE).all()
    assert_fixed(loop, first)
    starts = [rng.normal(size=(60, K)) * scale for scale in (0.5, 2.0, 5.0)]
    starts.append((np.log(K) + 4) * np.eye(K)[rng.integers(0, K, 60)])
    for start in starts:
        other = asim.analysis.fixed_point(loop, start)
        assert (other.status == PointStatus.UNIQUE).all()
        assert np.abs(other.policy - first.policy).max() < 1e-9


@pytest.mark.parametrize("K", [3, 4, 6])
def test_dpo_that_samples_the_current_policy_only_has_one_fixed_point(K):
    """Theory 7: λ = 1 and P in (0, 1)."""
    rng = np.random.default_rng(K)
    loop = systems(rng, 40, K, strength=20.0, objective="dpo", lam=1.0, margin=0.1)
    first = asim.analysis.fixed_point(loop)
    assert (first.status == PointStatus.UNIQUE).all()
    assert_fixed(loop, first)
    for scale in (0.5, 2.0):
        other = asim.analysis.fixed_point(loop, rng.normal(size=(40, K)) * scale)
        assert np.abs(other.policy - first.policy).max() < 1e-8


@pytest.mark.parametrize("strength", [1e2, 1e3, 1e4, 1e5])
@pytest.mark.parametrize("K", [2, 3, 4, 6])
def test_no_ipo_fixed_point_is_missed_however_far_it_has_collapsed(K, strength):
    rng = np.random.default_rng(K)
    n = 60
    loop = asim.FeedbackMap(
        np.array([preferences(rng, K, 0.0) for _ in range(n)]),
        beta=strength,
        lam=rng.choice([0.3, 0.7, 1.0], n),
        reference=np.array([policy(rng, K) for _ in range(n)]),
    )
    point = asim.analysis.fixed_point(loop)
    assert (point.status == PointStatus.UNIQUE).all()
    assert (point.residual <= TOLERANCE).all()
    assert_fixed(loop, point)


@pytest.mark.parametrize("strength", [1e2, 1e3])
def test_no_dpo_fixed_point_is_missed(strength):
    rng = np.random.default_rng(0)
    loop = asim.FeedbackMap(
        np.array([preferences(rng, 4) for _ in range(30)]), objective="dpo", beta=strength
    )
    point = asim.analysis.fixed_point(loop)
    assert (point.status == PointStatus.UNIQUE).all()
    assert_fixed(loop, point)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_the_fixed_point_depends_on_beta_and_alpha_through_eta_only(objective):
    alpha = np.array([0.0, 0.2, 0.5, 0.9, 0.999])
    loop = GOLDEN.replace(alpha=alpha, beta=4.0 * (1 - alpha))
    if objective == "dpo":
        loop = asim.FeedbackMap(GOLDEN.P, objective="dpo", beta=loop.beta, alpha=alpha)
    point = asim.analysis.fixed_point(loop)
    assert np.ptp(point.policy, axis=0).max() < 1e-12
    assert_fixed(loop, point)


def test_at_alpha_one_there_is_none():
    point = asim.analysis.fixed_point(GOLDEN.replace(alpha=[0.5, 1.0]))
    assert point.status.tolist() == [PointStatus.UNIQUE, PointStatus.NONE]
    assert np.isnan(point.logits[1]).all()
    assert np.isnan(point.residual[1])
    local = asim.analysis.stability(GOLDEN.replace(alpha=1.0))
    assert np.isnan(local.spectral_radius)
    assert not local.stable


def test_at_beta_zero_it_is_the_reference():
    point = asim.analysis.fixed_point(GOLDEN.replace(beta=0.0))
    assert np.abs(point.policy - [0.2, 0.3, 0.5]).max() < 1e-15


def test_two_responses_have_it_in_closed_form():
    loop = asim.FeedbackMap([[0.5, 0.9], [0.1, 0.5]], beta=3.0, alpha=0.25, reference=[0.3, 0.7])
    gap = np.log(3 / 7) + 4.0 * 0.4
    assert asim.analysis.fixed_point(loop).policy[0] == pytest.approx(1 / (1 + np.exp(-gap)), 1e-13)


def test_a_dpo_map_may_have_several_and_says_so():
    """Theory 7, λ < 1: two attractors and a saddle at p, for the same map."""
    P = np.array([[0.5, 0.02, 0.16], [0.98, 0.5, 0.07], [0.84, 0.93, 0.5]])
    p = np.array([0.64, 0.357, 0.003])
    p /= p.sum()
    mu = 0.5 * p + 0.5 / 3
    score = np.log(asim.dpo_optimum(P, mu, beta=1.0))
    z = np.log(p) - 8.0 * score
    reference = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    loop = asim.FeedbackMap(
        P, objective="dpo", beta=8.0 * 0.1, alpha=0.9, lam=0.5, reference=reference
    )
    attractors = [[0.8604, 0.1396, 0.0], [0.6028, 0.3916, 0.0056]]
    starts = np.log([*np.add(attractors, 1e-9), p])
    point = asim.analysis.fixed_point(loop.replace(beta=[0.8] * 3), starts)
    assert point.status.tolist() == [PointStatus.FOUND] * 3
    assert np.abs(point.policy[:2] - attractors).max() < 6e-5
    assert np.abs(point.policy[2] - p).max() < 1e-9
    radius = asim.analysis.spectral_radius(loop.replace(beta=[0.8] * 3), point.logits)
    assert (radius < 1).tolist() == [True, True, False]
    for attractor in attractors:
        assert (
            np.abs(loop.run(np.add(attractor, 1e-4) / 1.0003, 3000).final - attractor).max() < 6e-5
        )


def test_a_fixed_point_that_cannot_be_found_is_reported_as_such():
    """Theory 3.3: no round of DPO has an optimum here."""
    P = np.array([[0.5, 1.0, 1.0], [0.0, 0.5, 0.7], [0.0, 0.3, 0.5]])
    other = asim.preferences.cyclic(3, advantage=0.3)
    point = asim.analysis.fixed_point(
        asim.FeedbackMap(np.stack([P, other]), objective="dpo", beta=1.0)
    )
    assert point.status.tolist() == [PointStatus.NOT_FOUND, PointStatus.UNIQUE]
    assert np.isnan(point.logits[0]).all()
    assert np.abs(point.policy[1] - 1 / 3).max() < 1e-15


def test_the_collapse_of_the_fixed_point_follows_its_asymptotics():
    """Theory 6.7: H ≈ Σ εⱼ(1 − log εⱼ) with εⱼ = e^(−ηgⱼ)."""
    M = np.array([[0.0, 0.1, 0.2], [-0.1, 0.0, 0.15], [-0.2, -0.15, 0.0]])
    for lam in (0.0, 0.4, 1.0):
        loop = asim.FeedbackMap(0.5 + M, beta=120.0, lam=lam)
        rate = lam * M[0, 1:] + (1 - lam) * (M[0] - M[1:]).mean(axis=-1)
        small = np.exp(-120.0 * rate)
        expected = (small * (1 - np.log(small))).sum()
        entropy = asim.simplex.entropy(asim.analysis.fixed_point(loop).logits)
        assert entropy == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_batches_keep_their_shape_and_do_not_mix(objective):
    rng = np.random.default_rng(7)
    P = np.array([preferences(rng, 3), preferences(rng, 3)])[:, None]
    loop = asim.FeedbackMap(P, objective=objective, beta=[1.0, 3.0, 9.0], alpha=0.4)
    point = asim.analysis.fixed_point(loop)
    assert point.logits.shape == point.policy.shape == (2, 3, 3)
    assert point.status.shape == point.residual.shape == (2, 3)
    for i, b in np.ndindex(2, 3):
        one = asim.FeedbackMap(P[i, 0], objective=objective, beta=loop.beta[i, b], alpha=0.4)
        assert np.abs(asim.analysis.fixed_point(one).policy - point.policy[i, b]).max() < 1e-12


def test_one_fixed_point_of_dpo_is_claimed_only_where_a_theorem_says_so():
    """At λ = 1 with P inside (0, 1); or where nothing pulls."""
    sure = np.array([[0.5, 1.0, 0.0], [0.0, 0.5, 1.0], [1.0, 0.0, 0.5]])
    P = np.array([sure, asim.preferences.cyclic(3, advantage=0.3)])
    loop = asim.FeedbackMap(P[:, None], objective="dpo", beta=0.5, alpha=0.5, lam=[0.0, 0.5, 1.0])
    point = asim.analysis.fixed_point(loop)
    assert point.status.tolist() == [
        [PointStatus.UNIQUE, PointStatus.FOUND, PointStatus.FOUND],
        [PointStatus.UNIQUE, PointStatus.FOUND, PointStatus.UNIQUE],
    ]
    several = asim.analysis.fixed_points(loop)
    assert ((several.words("status") == "unique") == (point.status == PointStatus.UNIQUE)).all()


@pytest.mark.parametrize("K", [2, 3, 4, 5, 8, 70])
@pytest.mark.parametrize("eta", [1e8, 1e12, 1e15])
def test_the_one_fixed_point_is_found_however_strong_the_signal(K, eta):
    """Rounding of ηPπ hides residuals below 1e-16·η; the policy is that of a maximal lottery."""
    rng = np.random.default_rng(K)
    P = np.array([preferences(rng, K) for _ in range(20)])
    reference = np.array([policy(rng, K) for _ in range(20)])
    found = fixed_point(asim.FeedbackMap(P, beta=eta, reference=reference))
    known = found.status == PointStatus.UNIQUE
    assert known.all() | ((eta > 1e8) & (K > 3))  # centred logits lose the odds of survivors
    assert np.isnan(found.policy[~known]).all()
    against = (P @ found.policy[..., None])[..., 0][known]
    # no response beats it by more than a share that its log-odds of order log η allow
    assert against.max(initial=0.5) <= 0.5 + 100.0 / eta + 1e-9


def test_near_alpha_one_the_fixed_point_is_that_of_eta():
    """(α, β) = (1 − 1e-9, .18) is η = 1.8e8."""
    P = asim.preferences.cyclic(3, advantage=0.5)
    loop = asim.FeedbackMap(P, beta=0.18, alpha=1 - 1e-9, reference=[0.2, 0.3, 0.5])
    found = fixed_point(loop)
    assert found.status == PointStatus.UNIQUE
    assert found.policy == pytest.approx([1 / 3] * 3, abs=1e-7)
