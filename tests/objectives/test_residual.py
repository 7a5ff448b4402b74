"""Objectives with more than a pair loss: against scipy, against differences, and in loops."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog, lsq_linear, minimize
from scipy.special import expit, logsumexp

import alignsim as asim
from alignsim.errors import InputError, NoOptimumError
from alignsim.kernels.status import NO_OPTIMUM
from alignsim.objectives import (
    DPO,
    EXO,
    XPO,
    Comparison,
    ConservativeDPO,
    DPOWithSFT,
    ProductPairs,
    RobustDPO,
    SLiC,
    StablePreference,
    WeightedPairs,
)
from alignsim.simplex import softmax
from tests import naive
from tests.objectives.test_contract import centred, changed, check_by_pairs, difference, problem

ANCHOR = np.array([0.4, 0.1, 0.3, 0.2])
BARE = [
    ConservativeDPO(0.1),
    RobustDPO(0.05),
    DPOWithSFT(0.3, ANCHOR),
    DPOWithSFT(0.3),
    StablePreference(0.02, ANCHOR),
    StablePreference(0.02),
    StablePreference(5.0),
    XPO(0.02),
    EXO(),
    EXO(0.1),
]
MEMBERS = pytest.mark.parametrize("objective", BARE, ids=lambda o: o.name)
PAIRS = pytest.mark.parametrize("kind", [ProductPairs, WeightedPairs])
K, TRIALS = 4, 200


def drawn(seed):
    """Problems with their pair weights, references, anchors and β: all of n = TRIALS."""
    rng = np.random.default_rng(seed)
    P = np.array([naive.random_preferences(rng, K) for _ in range(TRIALS)])
    mu, reference, anchor = rng.dirichlet(np.ones(K), (3, TRIALS)) * 0.98 + 0.02 / K
    beta, weight = np.exp(rng.uniform(-1.2, 0.7, (2, TRIALS)))
    pairs = 2 * mu[:, :, None] * mu[:, None, :] * (1 - np.eye(K))
    return P, mu, reference, anchor, beta, weight, pairs


def minimised(labels, pairs, reference, beta, weight, anchor):
    """The policy that scipy finds at the least loss of logits, the last one kept at 0."""

    def parts(free):
        theta = np.append(free, 0.0)
        u = (theta - np.log(reference)) / beta
        gap, win = u[:, None] - u, expit(u[:, None] - u)
        loss = (
            0.5 * pairs * (np.logaddexp(0, -gap) * labels + np.logaddexp(0, gap) * labels.T)
        ).sum()
        pi = np.exp(theta - logsumexp(theta))
        slope = -(pairs * (labels - win)).sum(axis=1) / beta + weight * (pi - anchor)
        bend = pairs * win * win.T / beta**2 + weight * np.outer(pi, pi)
        hess = np.diag(bend.sum(axis=1) - bend.diagonal()) - bend * (1 - np.eye(K))
        return loss + weight * (logsumexp(theta) - anchor @ theta), slope[:-1], hess[:-1, :-1]

    found = minimize(
        lambda z: parts(z)[0], np.zeros(K - 1), jac=lambda z: parts(z)[1],
        hess=lambda z: parts(z)[2], method="trust-exact", options={"gtol": 1e-11},
    )  # fmt: skip
    return softmax(np.append(found.x, 0.0))


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize("name", ["cdpo", "robust_dpo", "dpo_sft"])
def test_convex_optima_are_those_that_scipy_finds(name):
    P, mu, reference, anchor, beta, weight, pairs = drawn(0)
    given = {"reference": reference, "beta": beta}
    labels, extra = P, np.zeros(TRIALS)
    if name == "dpo_sft":
        given |= {"sft_weight": weight, "anchor": anchor}
        extra = weight
    elif name == "cdpo":
        given["label_smoothing"] = share = 0.2 * mu[:, 0]
        labels = P + share[:, None, None] * (np.swapaxes(P, 1, 2) - P)
    else:
        P = 0.5 + 0.9 * (P - 0.5)
        given["flip_rate"] = 0.04
        labels = (P - 0.04) / 0.92
    found = asim.optimum(name, P, mu, **given)
    expected = [
        minimised(*each) for each in zip(labels, pairs, reference, beta, extra, anchor, strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7)


SURE = np.where(np.triu(np.ones((K, K)), 1) > 0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("P", "count"), [(None, 16), (SURE, 16), pytest.param(None, TRIALS, marks=pytest.mark.slow)]
)
def test_the_ball_gives_what_a_constrained_solver_finds(P, count):
    drawn_P, mu, reference, anchor, beta, _, pairs = drawn(1)
    for i, radius in enumerate(np.tile([0.003, 0.02, 0.1, 0.5], count // 4)):
        labels = drawn_P[i] if P is None else P + 0.5 * np.eye(K)

        def loss(theta, i=i, labels=labels):
            u = (theta - np.log(reference[i])) / beta[i]
            gap = u[:, None] - u
            slope = -(pairs[i] * (labels - expit(gap))).sum(axis=1) / beta[i]
            return (pairs[i] * labels * np.logaddexp(0, -gap)).sum(), slope

        def room(theta, i=i, radius=radius):
            return radius - anchor[i] @ (np.log(anchor[i]) - theta + logsumexp(theta))

        slack = {
            "type": "ineq",
            "fun": room,
            "jac": lambda theta, i=i: anchor[i] - softmax(theta),
        }
        found = minimize(
            loss, np.log(anchor[i]), jac=True, method="SLSQP", constraints=[slack],
            options={"ftol": 1e-17, "maxiter": 500},
        )  # fmt: skip
        own = asim.optimum(
            "stable_preference", labels, mu[i], reference=reference[i], beta=beta[i],
            kl_radius=radius, anchor=anchor[i],
        )  # fmt: skip
        np.testing.assert_allclose(own, softmax(found.x), rtol=0, atol=1e-8)


@MEMBERS
@PAIRS
def test_value_and_derivatives_come_from_one_solve_and_agree_with_differences(objective, kind):
    x, _ = problem(kind, seed=2)
    (value, status), tangent = objective.linearise(x)
    assert status == 0
    np.testing.assert_array_equal(value, objective.optimum(x).value)

    def end(**values):
        moved = objective.optimum(changed(x, **values)).value
        return moved - moved.mean()

    by_reference = difference(lambda ref: end(reference=ref), x.reference_logits)
    np.testing.assert_allclose(centred(tangent.reference), by_reference, rtol=0, atol=1e-8)
    check_by_pairs(centred(tangent.pairs), lambda data: end(data=data), x)


@pytest.mark.parametrize(
    "objective", [o for o in BARE if hasattr(o, "force")], ids=lambda o: o.name
)
@PAIRS
def test_the_force_vanishes_at_the_optimum_and_has_its_derivatives(objective, kind):
    x, logits = problem(kind, seed=1)
    np.testing.assert_allclose(objective.force(objective.optimum(x).value, x), 0.0, atol=1e-14)
    by_logits, by_reference, by_pairs = objective.force_derivatives(logits, x)
    expected = difference(lambda theta: objective.force(theta, x), logits)
    np.testing.assert_allclose(by_logits, expected, rtol=0, atol=1e-9)
    expected = difference(
        lambda ref: objective.force(logits, changed(x, reference=ref)), x.reference_logits
    )
    np.testing.assert_allclose(by_reference, expected, rtol=0, atol=1e-9)
    check_by_pairs(by_pairs, lambda data: objective.force(logits, changed(x, data=data)), x)


@MEMBERS
@PAIRS
def test_a_batch_is_solved_as_its_members_are(objective, kind):
    problems = [problem(kind, seed=seed)[0] for seed in (3, 4)]
    data = [getattr(x.pairs, "weights" if kind is WeightedPairs else "sampler") for x in problems]
    both = Comparison(
        np.array([x.P for x in problems]),
        np.array([x.reference_logits for x in problems]),
        np.array([[0.4], [1.7]]),
        kind(np.array(data)),
    )
    found = objective.optimum(both)
    tangent = objective.linearise(both)[1]
    assert found.value.shape == (2, 2, 4)
    for i, beta in enumerate((0.4, 1.7)):
        for j, x in enumerate(problems):
            one = replace(x, beta=np.array(beta))
            np.testing.assert_allclose(found.value[i, j], objective.optimum(one).value, rtol=1e-11)
            alone = objective.linearise(one)[1]
            np.testing.assert_allclose(tangent.pairs[i, j], alone.pairs, rtol=1e-9, atol=1e-12)


# What each objective is


def test_labels_of_0_and_1_have_finite_optima_where_a_policy_holds_them():
    P = np.array([[0.5, 1.0, 1.0], [0.0, 0.5, 1.0], [0.0, 0.0, 0.5]])
    anchor = [0.2, 0.3, 0.5]
    one = asim.optimum("dpo_sft", P, [0.3, 0.3, 0.4], beta=[0.1, 1.0, 30.0], sft_weight=1e-6)
    assert (one > 0.0).all()
    near = asim.optimum(
        "stable_preference", P, [0.3, 0.3, 0.4], beta=1.0, kl_radius=0.3, anchor=anchor
    )
    divergence = anchor @ (np.log(anchor) - np.log(near))
    np.testing.assert_allclose(divergence, 0.3, rtol=1e-13)


def test_without_their_parameter_they_are_dpo():
    x, _ = problem(ProductPairs, seed=5)
    expected = DPO().optimum(x).value
    for objective in (ConservativeDPO(0.0), RobustDPO(0.0), DPOWithSFT(0.0), XPO(0.0)):
        found = objective.optimum(x).value
        np.testing.assert_allclose(
            found - found.mean(), expected - expected.mean(), rtol=0, atol=1e-14
        )
    wide = StablePreference(100.0)
    assert wide.multipliers(x) == 0.0
    found = wide.optimum(x).value
    np.testing.assert_allclose(found - found.mean(), expected - expected.mean(), atol=1e-14)


@pytest.mark.parametrize("kind", [DPOWithSFT, StablePreference])
def test_a_response_that_is_never_compared_is_that_of_the_anchor_or_refused(kind):
    P = naive.random_preferences(np.random.default_rng(0), 3)
    mu, anchor = [0.0, 0.4, 0.6], [0.25, 0.35, 0.4]
    if kind is StablePreference:
        with pytest.raises(NoOptimumError, match="give beta above 0 and sampling full support"):
            asim.optimum("stable_preference", P, mu, beta=1.0)
        return
    found = asim.optimum("dpo_sft", P, mu, beta=2.0, sft_weight=0.1, anchor=anchor)
    np.testing.assert_allclose(found[0], 0.25, rtol=1e-14)


def test_the_multiplier_is_the_weight_of_the_sft_term():
    x, _ = problem(WeightedPairs, seed=6)
    radii = np.array([1e-6, 1e-3, 0.1])
    ball = StablePreference(radii, ANCHOR)
    weights = ball.multipliers(x)
    assert (np.diff(weights) < 0).all()
    expected = DPOWithSFT(weights, ANCHOR).optimum(x).value
    np.testing.assert_allclose(softmax(ball.optimum(x).value), softmax(expected), atol=1e-15)


@pytest.mark.parametrize(("share", "finite"), [(0.8, True), (1.2, False)])
def test_exploration_is_bounded_by_a_cut(share, finite):
    P = naive.random_preferences(np.random.default_rng(3), 3)
    mu, reference = np.array([0.5, 0.3, 0.2]), np.array([0.3, 0.3, 0.4])
    won = 2 * np.outer(mu, mu) * P
    subsets = [[0], [1], [2], [0, 1], [0, 2], [1, 2]]
    cuts = [won[np.ix_(s, [j for j in range(3) if j not in s])].sum() for s in subsets]
    limit = min(cut / reference[s].sum() for cut, s in zip(cuts, subsets, strict=True))
    given = {"reference": reference, "beta": 1.0, "exploration": share * limit}
    x = Comparison(P, np.log(reference), np.array(1.0), ProductPairs(mu))
    loss = XPO(share * limit)
    if finite:
        policy = asim.optimum("xpo", P, mu, **given)
        np.testing.assert_allclose(loss.force(np.log(policy), x), 0.0, atol=1e-15)
        return
    with pytest.raises(NoOptimumError, match=r"probability of responses \[\d.*lower exploration"):
        asim.optimum("xpo", P, mu, **given)
    assert loss.optimum(x).status == NO_OPTIMUM
    theta = np.zeros(3)
    for _ in range(4_000):
        theta = theta + 20.0 * loss.force(theta, x)
    assert theta.max() - theta.min() > 100.0


def test_exploration_can_have_two_minima_and_says_so():
    fair = np.full((2, 2), 0.5)
    found = asim.objectives.minima("xpo", fair, [0.5, 0.5], beta=4.0, exploration=0.1)
    assert len(found.policy) == 2
    assert found.reached == -1
    np.testing.assert_allclose(found.policy[0], found.policy[1][::-1], rtol=1e-10)
    with pytest.raises(NoOptimumError, match="ends between several minima"):
        asim.optimum("xpo", fair, [0.5, 0.5], beta=4.0, exploration=0.1)


def test_exo_has_three_minima_where_pairs_contradict_each_other():
    P = expit(np.array([[0.0, 2.0, -5.0], [-2.0, 0.0, 2.0], [5.0, -2.0, 0.0]]))
    found = asim.objectives.minima("exo", P, pair_weights=np.ones((3, 3)), beta=1.0)
    np.testing.assert_allclose(found.loss, [0.7027, 0.7027, 0.7178], atol=5e-5)
    own = asim.optimum("exo", P, pair_weights=np.ones((3, 3)), beta=1.0)
    np.testing.assert_allclose(own, found.policy[found.reached], rtol=1e-12)
    x = Comparison(P, np.zeros(3), np.array(1.0), WeightedPairs((1 - np.eye(3)) / 3))
    for policy in found.policy:
        np.testing.assert_allclose(EXO().force(np.log(policy), x), 0.0, atol=1e-15)
        assert np.linalg.eigvalsh(EXO().force_derivatives(np.log(policy), x).logits)[-1] < 1e-12


def test_exo_is_dpo_where_pairs_agree():
    strengths = np.array([0.3, -1.2, 0.5, 2.0])
    P = expit(strengths[:, None] - strengths)
    mu = np.array([0.1, 0.2, 0.3, 0.4])
    found = asim.optimum("exo", P, mu, beta=[0.5, 2.0])
    np.testing.assert_allclose(found, asim.dpo_optimum(P, mu, beta=[0.5, 2.0]), rtol=1e-12)


def test_hinges_are_least_where_a_linear_solver_finds_them():
    P, mu, reference, anchor, beta, weight, pairs = drawn(2)
    found = asim.optimum(
        "slic", P, mu, reference=reference, beta=beta, sft_weight=weight, anchor=anchor
    )
    bare = asim.optimum("slic", P, mu, reference=reference, beta=beta, sft_weight=0.0)
    i, j = np.nonzero(1 - np.eye(K))
    for n in range(TRIALS):
        ends = np.zeros((len(i), K))
        ends[np.arange(len(i)), i], ends[np.arange(len(i)), j] = -1.0, 1.0
        cost = (pairs[n] * P[n])[i, j]
        if n < 20:
            programme = linprog(
                np.concatenate([np.zeros(K), cost]),
                bounds=[(0, 0)] + [(-K, K)] * (K - 1) + [(0, None)] * len(i),
                A_ub=np.hstack([ends, -np.eye(len(i))]), b_ub=-np.ones(len(i)),
            )  # fmt: skip
            scores = reference[n] * np.exp(beta[n] * programme.x[:K])
            np.testing.assert_allclose(bare[n], scores / scores.sum(), rtol=0, atol=1e-9)
        # the excess over the anchor is held by pulls with slopes in [0, 1], free where margins meet
        u = (np.log(found[n]) - np.log(reference[n])) / beta[n]
        margin = u[i] - u[j]
        met = np.abs(margin - 1) < 1e-9
        excess = beta[n] * weight[n] * (found[n] - anchor[n])
        left = excess + ends.T @ (cost * (margin < 1) * ~met)
        if met.any():
            left = lsq_linear(-(ends.T * cost)[:, met], left, bounds=(0, 1), tol=1e-14).fun
        np.testing.assert_allclose(left, 0.0, atol=1e-9)


def test_a_hinge_does_not_see_how_strong_a_preference_is_and_is_refused_where_it_is_flat():
    for p in (0.51, 0.99):
        shares = asim.optimum("slic", [[0.5, p], [1 - p, 0.5]], [0.5, 0.5], beta=2.0, sft_weight=0)
        np.testing.assert_allclose(shares[0], expit(2.0), rtol=1e-14)
    for flat in (0.5, 1.0):
        P = [[0.5, flat], [1 - flat, 0.5]]
        with pytest.raises(NoOptimumError, match=r"responses \[0\] may move against the others"):
            asim.optimum("slic", P, [0.5, 0.5], beta=2.0, sft_weight=0.0)
        assert np.isfinite(asim.optimum("slic", P, [0.5, 0.5], beta=2.0, sft_weight=0.1)).all()


# Refusals


@pytest.mark.parametrize(
    ("objective", "P", "given", "told"),
    [
        ("cdpo", [[0.5, 1], [0, 0.5]], {"label_smoothing": 0.0}, r"responses \[0\] never lose"),
        ("robust_dpo", [[0.5, 0.95], [0.05, 0.5]], {"flip_rate": 0.1}, r"responses \[1\] win"),
        ("dpo_sft", [[0.5, 1], [0, 0.5]], {"sft_weight": 0.0}, "give sft_weight and beta above 0"),
        ("exo", [[0.5, 1], [0, 0.5]], {"label_smoothing": 0.0}, "give label_smoothing above 0"),
        ("xpo", [[0.5, 0.6], [0.4, 0.5]], {"exploration": 3.0}, "lower exploration or beta"),
    ],
)
def test_what_has_no_optimum_is_refused_with_reason_and_remedy(objective, P, given, told):
    with pytest.raises(NoOptimumError, match=told):
        asim.optimum(objective, P, [0.5, 0.5], beta=1.0, **given)


def test_what_cannot_be_asked_is_refused_in_words():
    x, logits = problem(ProductPairs)
    with pytest.raises(InputError, match="is 'slic', a loss whose optimum is not differentiable"):
        SLiC().linearise(x)
    with pytest.raises(InputError, match="is 'slic'"):
        SLiC().force_derivatives(logits, x)
    with pytest.raises(InputError, match="is 'dpo', not 'exo' or 'xpo'"):
        asim.objectives.minima("dpo", x.P, [0.25] * 4, beta=1.0)
    with pytest.raises(InputError, match="give one problem"):
        asim.objectives.minima("exo", x.P, [0.25] * 4, beta=[1.0, 2.0])
