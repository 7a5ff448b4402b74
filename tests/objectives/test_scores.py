"""ΨPO, RLHF, preference matching and curation: optima, derivatives, forces, refusals, loops."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize

import alignsim as asim
from alignsim.errors import InputError, NoOptimumError
from alignsim.objectives import (
    RLHF,
    Comparison,
    Curation,
    PreferenceMatching,
    ProductPairs,
    PsiPO,
    WeightedPairs,
)
from alignsim.simplex import centre, softmax
from tests import naive
from tests.objectives.test_contract import centred, changed, check_by_pairs, difference

REWARDS = np.array([0.7, -0.4, 1.3, 0.1])
ALL = [
    PsiPO(),
    PsiPO(odds_smoothing=0.2),
    PsiPO(transform=lambda p: np.sin(3.0 * (p - 0.5))),
    RLHF(rewards=REWARDS),
    PreferenceMatching(rewards=REWARDS),
    Curation(),
]
CASES = pytest.mark.parametrize("objective", ALL, ids=lambda o: o.name)
TRIALS = 40


def problem(seed=0, K=4, kind=ProductPairs):
    rng = np.random.default_rng(seed)
    P = naive.random_preferences(rng, K, p_min=0.05)
    weights = rng.uniform(0.2, 1.0, (K, K))
    weights = (weights + weights.T) * (1 - np.eye(K))
    pairs = {ProductPairs: rng.dirichlet(np.ones(K)), WeightedPairs: weights}[kind]
    reference, logits = centre(rng.normal(size=(2, K)))
    return Comparison(P, reference, np.array(rng.uniform(0.2, 2.0)), kind(pairs), None), logits


def by_definition(objective, x):
    """The score, response by response, from the definitions of methods.md."""
    P, mu = x.P, x.sampler
    K = len(P)
    if isinstance(objective, RLHF | PreferenceMatching):
        return objective.rewards
    if isinstance(objective, Curation):
        return np.array([np.log(2 * sum(P[i, j] * mu[j] for j in range(K))) for i in range(K)])
    s = float(objective.odds_smoothing)
    psi = objective.transform or (lambda p: np.log((p + s) / (1 - p + s)))
    return np.array([sum(psi(P[i, j]) * mu[j] for j in range(K)) for i in range(K)])


def maximised(payoffs, reference):
    """The policy at the maximum of E_π payoffs − KL(π‖reference), found by scipy."""

    def loss(free):
        pi = softmax(np.append(free, 0.0))
        gain = payoffs - np.log(pi / reference)
        value = (pi * gain).sum()
        return -value, -(pi * (gain - value))[:-1]

    found = minimize(loss, np.zeros(3), jac=True, method="BFGS", options={"gtol": 1e-11})
    return softmax(np.append(found.x, 0.0))


@CASES
def test_the_optimum_is_the_one_that_scipy_finds(objective):
    """It maximises E_π v − KL(π‖ref)/β; of preference matching, with the entropy."""
    for seed in range(TRIALS):
        x, _ = problem(seed)
        v = by_definition(objective, x)
        free = isinstance(objective, PreferenceMatching)
        ref = softmax(0.0 * x.reference_logits if free else x.reference_logits)

        found = asim.optimum(
            objective, x.P, x.sampler, reference=softmax(x.reference_logits), beta=x.beta
        )
        np.testing.assert_allclose(found, maximised(x.beta * v, ref), rtol=0, atol=1e-7)


@pytest.mark.parametrize("objective", ALL[:3], ids=["log-odds", "smoothed", "sine"])
@pytest.mark.parametrize("kind", [ProductPairs, WeightedPairs])
def test_psi_on_pairs_is_the_least_squares_fit(objective, kind):
    for seed in range(TRIALS):
        x, _ = problem(seed, kind=kind)
        psi = objective.transform or (
            lambda p, s=float(objective.odds_smoothing): np.log((p + s) / (1 - p + s))
        )
        rows, sides = [], []
        for i in range(4):
            for j in range(i):
                root = np.sqrt(x.pairs.weights[i, j])
                rows.append(root * (np.eye(4)[i] - np.eye(4)[j]))
                sides.append(root * x.beta * (psi(x.P[i, j]) - psi(np.array(0.5))))
        u = np.linalg.lstsq(np.array(rows), np.array(sides), rcond=None)[0]
        found = objective.optimum(x).value - x.reference_logits
        np.testing.assert_allclose(centre(found), centre(u), rtol=0, atol=1e-10)
        np.testing.assert_allclose(objective.force(objective.optimum(x).value, x), 0, atol=1e-13)


def test_psi_lies_between_rlhf_and_ipo():
    P = asim.preferences.bradley_terry(REWARDS)
    mu = np.array([0.1, 0.2, 0.3, 0.4])
    rlhf = asim.optimum("rlhf", P, mu, beta=0.7)
    np.testing.assert_allclose(asim.optimum("psi", P, mu, beta=0.7), rlhf, atol=1e-14)
    ipo, s = asim.ipo_optimum(P, mu, beta=0.7), 1e5
    near = asim.optimum("psi", P, mu, beta=0.7 * (s + 0.5) / 2, odds_smoothing=s)
    np.testing.assert_allclose(near, ipo, atol=1e-9)
    same = asim.optimum(PsiPO(transform=lambda p: p), P, mu, beta=0.7)
    np.testing.assert_allclose(same, ipo, atol=1e-15)


def test_rlhf_is_dpo_between_bradley_terry_preferences():
    P = asim.preferences.bradley_terry(REWARDS)
    mu, ref = [0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]
    found = asim.optimum("rlhf", P, mu, reference=ref, beta=1.7)
    np.testing.assert_allclose(found, asim.dpo_optimum(P, mu, reference=ref, beta=1.7), atol=1e-13)
    np.testing.assert_allclose(found, softmax(np.log(ref) + 1.7 * REWARDS), atol=1e-14)


def test_preference_matching_has_the_odds_of_the_preferences():
    P = asim.preferences.bradley_terry(REWARDS)
    pi = asim.optimum("preference_matching", P, [0.25] * 4, reference=[0.7, 0.1, 0.1, 0.1], beta=1)
    np.testing.assert_allclose(pi[:, None] / (pi[:, None] + pi), P, atol=1e-14)


def test_curation_is_the_replicator_of_winners():
    """A winner of two draws from π is i with probability Σ_j 2π_iπ_jP_ij, self-pairs included."""
    x, _ = problem(3)
    pi, P = x.sampler, x.P
    kept = np.zeros(4)
    for i in range(4):
        for j in range(4):
            kept[i] += pi[i] * pi[j] * P[i, j]
            kept[j] += pi[i] * pi[j] * P[j, i]
    found = asim.optimum("curation", P, pi, reference=pi, beta=1.0)
    np.testing.assert_allclose(found, kept, rtol=1e-13)
    loop = asim.FeedbackMap(P, objective="curation", beta=1.0, alpha=1.0)
    np.testing.assert_allclose(loop.step(pi), kept, rtol=1e-13)


@CASES
@pytest.mark.parametrize("kind", [ProductPairs, WeightedPairs])
def test_derivatives_are_those_of_differences(objective, kind):
    if objective.name == "curation" and kind is WeightedPairs:
        pytest.skip("curation draws both responses")
    x, _ = problem(5, kind=kind)
    (value, status), tangent = objective.linearise(x)
    assert status == 0
    np.testing.assert_array_equal(value, objective.optimum(x).value)
    by_reference = difference(
        lambda ref: centre(objective.optimum(changed(x, reference=ref)).value), x.reference_logits
    )
    np.testing.assert_allclose(centred(tangent.reference), by_reference, rtol=0, atol=1e-8)
    check_by_pairs(
        centred(tangent.pairs), lambda d: centre(objective.optimum(changed(x, data=d)).value), x
    )


@CASES
@pytest.mark.parametrize("kind", [ProductPairs, WeightedPairs])
def test_derivatives_of_the_force_are_those_of_differences(objective, kind):
    if objective.name == "curation" and kind is WeightedPairs:
        pytest.skip("curation draws both responses")
    x, logits = problem(6, kind=kind)
    push = objective.force_derivatives(logits, x)
    by_logits = difference(lambda theta: objective.force(theta, x), logits)
    np.testing.assert_allclose(push.logits, by_logits, rtol=0, atol=1e-8)
    by_reference = difference(
        lambda ref: objective.force(logits, changed(x, reference=ref)), x.reference_logits
    )
    np.testing.assert_allclose(push.reference, by_reference, rtol=0, atol=1e-8)
    check_by_pairs(push.pairs, lambda d: objective.force(logits, changed(x, data=d)), x)


@CASES
def test_the_force_climbs_what_it_says_and_ends_at_the_optimum(objective):
    x, logits = problem(7)
    v, beta = by_definition(objective, x), x.beta
    ref = 0.0 if isinstance(objective, PreferenceMatching) else x.reference_logits
    target = softmax(ref + beta * v)

    def rewarded(theta):
        pi = softmax(theta)
        return (pi * (v - (np.log(pi) - ref) / beta)).sum()

    def likelihood(theta):
        return (target * np.log(softmax(theta))).sum()

    def fit(theta):
        u = theta - ref
        gaps = (u[:, None] - u) - beta * objective.payoffs(x.P)
        return -0.25 * (x.pairs.weights * gaps**2).sum() * 2.0

    value = {"curation": likelihood, "psi": fit}.get(objective.name, rewarded)
    np.testing.assert_allclose(
        objective.force(logits, x), approx_fprime(logits, value, 1e-7), atol=1e-5
    )
    np.testing.assert_allclose(objective.force(np.log(target), x), 0.0, atol=1e-13)
    steps = asim.objectives.GradientSteps(objective, 4000, 0.2)
    np.testing.assert_allclose(softmax(steps.optimum(x).value), target, atol=1e-6)


@pytest.mark.parametrize("name", ["rlhf", "preference_matching"])
def test_rewards_are_those_of_bradley_terry_preferences_or_given(name):
    P = asim.preferences.nearest_neighbour_cycle(4, advantage=0.2)
    given = {"sampling": [0.25] * 4, "beta": 1.0}
    with pytest.raises(NoOptimumError, match=r"P is no Bradley-Terry matrix.*give rewards="):
        asim.optimum(name, P, **given)
    with pytest.raises(NoOptimumError, match="no Bradley-Terry"):
        asim.optimum(name, [[0.5, 1.0], [0.0, 0.5]], sampling=[0.5, 0.5], beta=1.0)
    found = asim.optimum(name, P, rewards=REWARDS, **given)
    np.testing.assert_allclose(found, softmax(REWARDS), atol=1e-14)
    with pytest.raises(ValueError, match="rewards has 3 responses"):
        asim.optimum(name, P, rewards=REWARDS[:3], **given)
    with pytest.raises(ValueError, match="rewards"):
        asim.optimum(name, P, rewards=[np.nan, 0, 0, 0], **given)
    batch = asim.optimum(name, P, rewards=np.stack([REWARDS, -REWARDS]), **given)
    np.testing.assert_allclose(batch[1], softmax(-REWARDS), atol=1e-14)


def test_a_loop_without_rewards_fails_and_says_so():
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), objective="rlhf", beta=1.0)
    assert loop.run(rounds=3).failed


def test_odd_transforms_only():
    with pytest.raises(InputError, match=r"transform is not odd about ½: Ψ\(0"):
        PsiPO(transform=lambda p: p**2)
    with pytest.raises(InputError, match="one finite number"):
        PsiPO(transform=lambda p: np.log(p - 0.5))
    with pytest.raises(NoOptimumError, match="raise odds_smoothing above 0"):
        asim.optimum("psi", [[0.5, 1.0], [0.0, 0.5]], [0.5, 0.5], beta=1.0)
    sure = asim.optimum("psi", [[0.5, 1.0], [0.0, 0.5]], [0.5, 0.5], beta=1.0, odds_smoothing=1.0)
    assert sure[0] == pytest.approx(2.0 / 3.0, rel=1e-14)
    weights = np.zeros((3, 3))
    weights[0, 1] = 1.0
    P = asim.preferences.cyclic(3, advantage=0.3)
    with pytest.raises(NoOptimumError, match="never compares"):
        asim.optimum("psi", P, pair_weights=weights, beta=1.0)


def test_curation_needs_wins_and_draws_both_responses():
    P = [[0.5, 1.0, 0.6], [0.0, 0.5, 0.3], [0.4, 0.7, 0.5]]
    with pytest.raises(NoOptimumError, match="response 1 of P loses surely to all"):
        asim.optimum("curation", P, [1.0, 0.0, 0.0], beta=1.0)
    assert asim.optimum("curation", P, [0.8, 0.0, 0.2], beta=1.0).min() > 0
    with pytest.raises(InputError, match="pair_weights is given, but curation draws both"):
        asim.optimum("curation", P, pair_weights=np.ones((3, 3)), beta=1.0)
    loop = asim.FeedbackMap(P, objective="curation", beta=1.0)
    with pytest.raises(InputError, match="not estimated from votes"):
        loop.run(rounds=2, samples_per_round=10)


def test_samples_of_votes():
    """RLHF fits its rewards, as DPO does; ΨPO takes the smoothed log-odds of the votes."""
    P = asim.preferences.bradley_terry(REWARDS)
    arguments = {"rounds": 3, "samples_per_round": 500, "rng": 0, "smoothing": 1.0}
    orbits = {
        name: asim.FeedbackMap(P, objective=name, beta=[0.3, 0.5]).run(**arguments)
        for name in ("rlhf", "dpo")
    }
    np.testing.assert_array_equal(orbits["rlhf"].logits, orbits["dpo"].logits)
    psi = asim.FeedbackMap(P, objective="psi", beta=0.5, odds_smoothing=[0.1, 0.5])
    rare = psi.run(rounds=40, samples_per_round=5, rng=1)
    assert rare.failed.any()  # some samples connect nothing
    many = psi.run(rounds=40, samples_per_round=4000, rng=1)
    assert not many.failed.any()
    exact = psi.run(rounds=40)
    assert np.abs(many.final - exact.final).max() < 0.1


@pytest.mark.parametrize("name", ["psi", "rlhf", "preference_matching", "curation"])
def test_training_ends_at_the_optimum(name):
    P, mu, ref = asim.preferences.bradley_terry(REWARDS), [0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]
    path = asim.train(name, P, mu, reference=ref, beta=0.8, rate=0.3, steps=4000, keep="last")
    found = asim.optimum(name, P, mu, reference=ref, beta=0.8)
    np.testing.assert_allclose(path.final, found, atol=1e-9)


def test_samplers_with_weights_are_refused_for_curation():
    P = asim.preferences.cyclic(3, advantage=0.3)
    for sampler in ("two_policies", "pilaf"):
        with pytest.raises(InputError, match="curation draws both"):
            asim.FeedbackMap(P, objective="curation", beta=1.0, sampler=sampler)
    past = asim.FeedbackMap(P, objective="curation", beta=1.0, sampler="mixture")
    assert not past.run(rounds=3).failed


LOOPS = {
    "psi": (asim.preferences.cyclic(3, advantage=0.3), {"odds_smoothing": 0.1}),
    "rlhf": (asim.preferences.bradley_terry([1.0, 0.0, -0.5]), {}),
    "preference_matching": (asim.preferences.bradley_terry([1.0, 0.0, -0.5]), {}),
    "curation": (asim.preferences.cyclic(3, advantage=0.3), {}),
}


@pytest.mark.parametrize("name", LOOPS)
def test_loops_pass_through_the_whole_analysis(name):
    P, own = LOOPS[name]
    loop = asim.FeedbackMap(P, objective=name, beta=[0.5, 4.0], alpha=0.5, lam=0.9, **own)
    found = asim.fixed_points(loop)
    rest = asim.analysis.fixed_point(loop)
    np.testing.assert_allclose(loop.step_logits(rest.logits), rest.logits, atol=1e-9)
    J = np.stack(
        [
            difference(
                lambda z, i=i: asim.FeedbackMap(
                    P, objective=name, beta=[0.5, 4.0][i], alpha=0.5, lam=0.9, **own
                ).step_logits(centre(z)),
                rest.logits[i],
            )
            for i in range(2)
        ]
    )
    radius = np.abs(np.linalg.eigvals(J)).max(axis=-1)
    np.testing.assert_allclose(asim.stability(loop).spectral_radius, radius, atol=1e-7)
    cyclic = name in ("psi", "curation")
    phases = ["converged", "invariant circle" if cyclic else "converged"]
    assert list(asim.classify(loop).phase) == phases
    exponents = asim.lyapunov_spectrum(loop, rounds=400).exponents
    np.testing.assert_allclose(np.exp(exponents[0, 0]), radius[0], atol=1e-3)
    assert found.count.tolist() == [1, 1]
    sole = {"curation": "several possible"}.get(name, "unique")
    assert list(found.words("status")) == [sole] * 2
    diagram = asim.phase_diagram(
        P, objective=name, x=("beta", 0.5, 8.0), y=("alpha", 0.1, 0.9), resolution=8, **own
    )
    assert len(np.unique(diagram.phase)) == (2 if cyclic else 1)


def test_onsets_of_curated_cycles_have_a_closed_form():
    """The multipliers at the uniform policy are α ± i·2β·aλ/√3 for margins a."""
    P = asim.preferences.cyclic(3, advantage=0.3)
    beta = np.sqrt((1 - 0.25) * 3) / (2 * 0.3)
    loop = asim.FeedbackMap(P, objective="curation", beta=[0.99 * beta, 1.01 * beta], alpha=0.5)
    assert list(asim.stability(loop).words("verdict")) == ["stable", "unstable"]
    found = asim.analysis.critical_beta(P, objective="curation", alpha=0.5)
    assert found == pytest.approx(beta, rel=1e-9)
    assert asim.bifurcations(loop.take(np.array([0])), "beta", 1.0, 8.0).count == 1


def test_expansions_are_those_of_differences():
    x, _ = problem(8)
    rng = np.random.default_rng(0)
    a, b, c = centre(rng.normal(size=(3, 4)))
    for objective in (Curation(), PsiPO(), RLHF(rewards=REWARDS)):

        def first(mu, d, objective=objective):
            return objective.expansion(objective, replace(x, pairs=ProductPairs(mu))).first(d)

        def second(mu, d, e, objective=objective):
            at = objective.expansion(objective, replace(x, pairs=ProductPairs(mu)))
            return at.second(d, e)

        h = 1e-5
        mu, at = x.sampler, objective.expansion(objective, x)
        np.testing.assert_allclose(
            at.second(a, b), (first(mu + h * b, a) - first(mu - h * b, a)) / (2 * h), atol=1e-6
        )
        moved = (second(mu + h * c, a, b) - second(mu - h * c, a, b)) / (2 * h)
        np.testing.assert_allclose(at.third(a, b, c), moved, atol=1e-5)


def test_the_bounds_of_curated_scores_hold():
    rng = np.random.default_rng(2)
    for _ in range(200):
        P = naive.random_preferences(rng, 5, p_min=0.02)
        x = Comparison(P, np.zeros(5), np.array(1.0), ProductPairs(rng.dirichlet(np.full(5, 0.3))))
        v = Curation().score(x).value
        gaps = v[:, None] - v
        wins = (P @ x.sampler)[:, None] - P @ x.sampler
        bounds = Curation.facts.score_gaps.value(P)
        assert (gaps <= bounds + 1e-12).all()
        assert gaps.max() <= Curation.facts.score_span.value(P) + 1e-12
        assert (np.where(wins >= 0, gaps - wins, 0.0) >= -1e-12).all()


def test_scores_that_are_certain_have_no_bound():
    P = np.array([[0.5, 1.0, 1.0], [0.0, 0.5, 1.0], [0.0, 0.0, 0.5]])
    bounds = Curation.facts.score_gaps.value(P)
    np.testing.assert_array_equal(bounds[0, 1:], np.inf)
    assert bounds[1, 0] == bounds[0, 0] == 0.0
    assert np.isinf(Curation.facts.score_span.value(P))
