"""What both optima share: what is sampled, broadcasting, symmetries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alignsim as asim
from tests import naive
from tests.oracles import closed_forms

OPTIMA = {"ipo": asim.ipo_optimum, "dpo": asim.dpo_optimum}
OBJECTIVES = pytest.mark.parametrize("objective", ["ipo", "dpo"])
SEEDS = st.integers(0, 10_000)
COMMON = settings(deadline=None, derandomize=True, max_examples=60)


def problem(seed, K=None):
    """P, a sampler, a reference and β at random."""
    rng = np.random.default_rng(seed)
    K = K or int(rng.integers(2, 7))
    P = naive.random_preferences(rng, K)
    return rng, P, rng.dirichlet(np.ones(K)), rng.dirichlet(np.ones(K)), rng.uniform(0, 4)


@OBJECTIVES
@COMMON
@given(seed=SEEDS)
def test_optima_are_policies_of_full_support(objective, seed):
    _, P, mu, reference, beta = problem(seed)
    policy = OPTIMA[objective](P, mu, reference=reference, beta=beta)
    assert (policy > 0).all()
    assert abs(policy.sum() - 1) < 1e-14


@OBJECTIVES
@COMMON
@given(seed=SEEDS)
def test_relabelling_the_responses_relabels_the_optimum(objective, seed):
    rng, P, mu, reference, beta = problem(seed)
    w = rng.uniform(0.1, 1, P.shape)
    order = rng.permutation(len(P))
    for data, moved in [
        ({"sampling": mu}, {"sampling": mu[order]}),
        ({"pair_weights": w}, {"pair_weights": w[np.ix_(order, order)]}),
    ]:
        policy = OPTIMA[objective](P, **data, reference=reference, beta=beta)
        other = OPTIMA[objective](
            P[np.ix_(order, order)], **moved, reference=reference[order], beta=beta
        )
        np.testing.assert_allclose(other, policy[order], rtol=1e-11, atol=1e-14)


@OBJECTIVES
@COMMON
@given(seed=SEEDS)
def test_pairs_of_equal_responses_carry_no_information(objective, seed):
    _, P, mu, reference, beta = problem(seed)
    distinct = np.outer(mu, mu) * (1 - np.eye(len(P)))
    policy = OPTIMA[objective](P, mu, reference=reference, beta=beta)
    for pairs in (np.outer(mu, mu), distinct, distinct / distinct.sum(), 1e6 * distinct):
        other = OPTIMA[objective](P, pair_weights=pairs, reference=reference, beta=beta)
        np.testing.assert_allclose(other, policy, rtol=0, atol=1e-11)


@OBJECTIVES
@COMMON
@given(seed=SEEDS)
def test_only_the_symmetric_part_of_pair_weights_counts_and_not_the_diagonal(objective, seed):
    rng, P, _, reference, beta = problem(seed)
    K = len(P)
    w = rng.uniform(0.1, 1, (K, K))
    policy = OPTIMA[objective](P, pair_weights=w, reference=reference, beta=beta)
    one_sided = np.triu(w + w.T, 1)
    with_diagonal = w + np.diag(rng.uniform(0, 1e6, K))
    for other in ((w + w.T) / 2, one_sided, one_sided.T, with_diagonal):
        again = OPTIMA[objective](P, pair_weights=other, reference=reference, beta=beta)
        np.testing.assert_allclose(again, policy, rtol=0, atol=1e-12)


@OBJECTIVES
@COMMON
@given(seed=SEEDS)
def test_without_preference_signal_the_reference_is_kept(objective, seed):
    _, P, mu, reference, _ = problem(seed)
    policy = OPTIMA[objective](P, mu, reference=reference, beta=0.0)
    np.testing.assert_allclose(policy, reference, rtol=1e-13)


@COMMON
@given(seed=SEEDS, factor=st.floats(0.1, 1.0))
def test_ipo_depends_on_beta_and_the_margins_through_their_product(seed, factor):
    _, P, mu, reference, beta = problem(seed)
    faint = 0.5 + factor * (P - 0.5)
    policy = asim.ipo_optimum(P, mu, reference=reference, beta=beta)
    other = asim.ipo_optimum(faint, mu, reference=reference, beta=beta / factor)
    np.testing.assert_allclose(other, policy, rtol=1e-12)


@COMMON
@given(seed=SEEDS)
def test_ipo_rounds_ignore_what_every_row_gains_alike(seed):
    rng, P, mu, reference, beta = problem(seed)
    loops = [
        asim.FeedbackMap.from_payoffs(payoffs, beta=beta, alpha=0.3, lam=0.7, reference=reference)
        for payoffs in (P, P + rng.normal(size=len(P)))
    ]
    first, second = (loop.step(mu) for loop in loops)
    np.testing.assert_allclose(second, first, rtol=1e-12)
    first, second = (loop.run(mu, rounds=5).final_logits for loop in loops)
    np.testing.assert_allclose(second, first, rtol=0, atol=1e-12)


@COMMON
@given(seed=SEEDS)
def test_ipo_on_an_additive_preference_ignores_what_is_sampled(seed):
    rng, _, mu, reference, beta = problem(seed)
    rewards = rng.uniform(-0.25, 0.25, len(mu))
    P = closed_forms.additive(rewards)
    expected = closed_forms.tilted(reference, beta * rewards)
    pairs = rng.uniform(0.1, 1, P.shape)
    for data in ({"sampling": mu}, {"pair_weights": pairs}):
        policy = asim.ipo_optimum(P, **data, reference=reference, beta=beta)
        np.testing.assert_allclose(policy, expected, rtol=1e-12)


@COMMON
@given(seed=SEEDS)
def test_dpo_on_a_bradley_terry_preference_ignores_what_is_sampled(seed):
    rng, _, mu, reference, beta = problem(seed)
    rewards = rng.normal(size=len(mu))
    P = closed_forms.bradley_terry(rewards)
    expected = closed_forms.tilted(reference, beta * rewards)
    pairs = rng.uniform(0.1, 1, P.shape)
    for data in ({"sampling": mu}, {"pair_weights": pairs}):
        policy = asim.dpo_optimum(P, **data, reference=reference, beta=beta)
        np.testing.assert_allclose(policy, expected, rtol=1e-11)


def test_sampling_matters_to_ipo_on_bradley_terry_and_to_dpo_on_additive_preferences():
    rewards = np.array([0.3, 0.0, -0.15])
    samplers = [[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]]
    for optimum, P in (
        (asim.ipo_optimum, closed_forms.bradley_terry(5 * rewards)),
        (asim.dpo_optimum, closed_forms.additive(rewards)),
    ):
        first, second = optimum(P, samplers, beta=2.0)
        assert np.abs(first - second).max() > 1e-3


@OBJECTIVES
def test_sampling_never_matters_between_two_responses(objective):
    P, samplers = np.array([[0.5, 0.8], [0.2, 0.5]]), [[0.5, 0.5], [0.99, 0.01], [1e-9, 1 - 1e-9]]
    policies = OPTIMA[objective](P, samplers, beta=1.5)
    margin = 0.3 if objective == "ipo" else np.log(4)
    expected = 1 / (1 + np.exp(-1.5 * margin))
    np.testing.assert_allclose(policies[:, 0], expected, rtol=1e-12)


@COMMON
@given(seed=SEEDS)
def test_two_samplers_have_the_closed_form_of_their_pairs(seed):
    rng, P, first, reference, beta = problem(seed)
    second = rng.dirichlet(np.ones(len(P)))
    u = closed_forms.two_samplers(P, first, second, beta)
    policy = asim.ipo_optimum(
        P, pair_weights=np.outer(first, second), reference=reference, beta=beta
    )
    np.testing.assert_allclose(policy, closed_forms.tilted(reference, u), rtol=1e-9, atol=1e-14)


# Shapes


@OBJECTIVES
def test_arguments_broadcast_and_every_instance_is_solved_on_its_own(objective):
    rng = np.random.default_rng(0)
    P = np.array([naive.random_preferences(rng, 4) for _ in range(3)])[:, None]  # (3, 1, 4, 4)
    mu = rng.dirichlet(np.ones(4), 5)  # (5, 4)
    reference = rng.dirichlet(np.ones(4), (2, 1, 1))  # (2, 1, 1, 4)
    beta = rng.uniform(0, 2, (3, 5))
    whole = OPTIMA[objective](P, mu, reference=reference, beta=beta)
    assert whole.shape == (2, 3, 5, 4)
    for a, b, c in np.ndindex(2, 3, 5):
        one = OPTIMA[objective](P[b, 0], mu[c], reference=reference[a, 0, 0], beta=beta[b, c])
        np.testing.assert_allclose(whole[a, b, c], one, rtol=1e-12)


@OBJECTIVES
def test_pair_weights_broadcast_too(objective):
    rng = np.random.default_rng(1)
    P = np.array([naive.random_preferences(rng, 3) for _ in range(2)])
    w = rng.uniform(0.1, 1, (4, 1, 3, 3))
    whole = OPTIMA[objective](P, pair_weights=w, beta=1.5)
    assert whole.shape == (4, 2, 3)
    for a, b in np.ndindex(4, 2):
        one = OPTIMA[objective](P[b], pair_weights=w[a, 0], beta=1.5)
        np.testing.assert_allclose(whole[a, b], one, rtol=1e-12)


@OBJECTIVES
def test_a_batch_over_beta_alone_has_its_shape(objective):
    policies = OPTIMA[objective]([[0.5, 0.8], [0.2, 0.5]], [0.5, 0.5], beta=[[0.0], [1.0]])
    assert policies.shape == (2, 1, 2)
    assert policies[0, 0].tolist() == [0.5, 0.5]


@OBJECTIVES
def test_a_big_batch_is_the_same_as_its_parts(objective):
    rng = np.random.default_rng(2)
    P = np.array([naive.random_preferences(rng, 3) for _ in range(2000)])
    mu = rng.dirichlet(np.ones(3), 2000)
    whole = OPTIMA[objective](P, mu, beta=2.0)
    for part in (slice(0, 1), slice(700, 703), slice(1999, 2000)):
        np.testing.assert_allclose(OPTIMA[objective](P[part], mu[part], beta=2.0), whole[part])


def test_three_hundred_responses():
    rng = np.random.default_rng(3)
    P = naive.random_preferences(rng, 300)
    mu, reference = rng.dirichlet(np.ones(300), 2)
    policy = asim.ipo_optimum(P, mu, reference=reference, beta=5.0)
    expected = naive.softmax(np.log(reference) + 5 * naive.ipo_score(P, mu))
    np.testing.assert_allclose(policy, np.float64(expected), rtol=1e-12)

    policy = asim.dpo_optimum(P, mu, beta=1.0)
    v = np.log(policy)
    residual = (1 / (1 + np.exp(v[None, :] - v[:, None])) - P) @ mu
    assert np.abs(residual).max() < 1e-14

    w = rng.uniform(size=(300, 300))
    w = w + w.T
    for optimum, slope in ((asim.ipo_optimum, None), (asim.dpo_optimum, 1)):
        u = np.log(optimum(P, pair_weights=w, beta=1.0))
        gap = u[:, None] - u[None, :]
        fitted = 0.5 + gap if slope is None else 1 / (1 + np.exp(-gap))
        assert np.abs((w * (P - fitted)).sum(axis=1)).max() < 1e-11


def test_list_input_and_integers_are_welcome():
    policy = asim.ipo_optimum([[0.5, 1], [0, 0.5]], [1, 0], beta=2)
    np.testing.assert_allclose(policy, closed_forms.tilted(np.array([0.5, 0.5]), [1.0, 0.0]))


# Weights of very different size


@pytest.mark.parametrize(
    ("objective", "small"),
    [
        ("dpo", 1e-6),
        ("dpo", 1e-13),
        ("dpo", 1e-200),
        ("ipo", 1e-2),
        ("ipo", 1e-9),
        ("ipo", 1e-13),
        ("ipo", 1e-200),
    ],
)
def test_a_chain_of_comparisons_is_solved_link_by_link_whatever_the_weights(objective, small):
    P = naive.random_preferences(np.random.default_rng(0), 3)
    w = np.zeros((3, 3))
    w[0, 1], w[1, 2] = 1.0, small
    policy = OPTIMA[objective](P, pair_weights=w, beta=1.0)
    if objective == "ipo":
        v = np.array([0.0, 0.5 - P[0, 1], 1.0 - P[0, 1] - P[1, 2]])
    else:
        v = -np.log([1.0, P[0, 1] / P[1, 0], P[0, 1] * P[1, 2] / (P[1, 0] * P[2, 1])])
    expected = closed_forms.tilted(np.full(3, 1 / 3), v)
    np.testing.assert_allclose(policy, expected, rtol=0, atol=1e-12)


def weakly_joined(small):
    """Weights of order 1 within the groups {0, 1, 2} and {3, 4}, of order ``small`` across."""
    w = np.random.default_rng(1).uniform(0.2, 1, (5, 5))
    group = np.arange(5) > 2
    w = np.triu(np.where(group[:, None] == group, w, small * w), 1)
    return w + w.T, np.flatnonzero(~group), np.flatnonzero(group)


def joined_score(P, w, first, second, misfit):
    """The score of two groups that are joined ever more weakly: each on its own, then the gap."""
    solve = naive.laplacian_score if misfit is additive_misfit else naive.pair_score
    one, other = (solve(P[np.ix_(g, g)], w[np.ix_(g, g)]) for g in (first, second))
    across = np.ix_(first, second)
    low, high = -60.0, 60.0
    for _ in range(200):
        gap = 0.5 * (low + high)
        left = (w[across] * misfit(one[:, None] + gap - other[None, :], P[across])).sum()
        low, high = (low, gap) if left > 0 else (gap, high)
    return np.concatenate([one + gap, other])


def additive_misfit(x, P):
    return x - (P - 0.5)


def logistic_misfit(x, P):
    return naive.win(x) - P


@pytest.mark.parametrize("small", [1e-18, 1e-30, 1e-250])
@pytest.mark.parametrize("p_min", [0.02, 1e-4])
@pytest.mark.parametrize(
    ("objective", "misfit"), [("ipo", additive_misfit), ("dpo", logistic_misfit)]
)
def test_groups_that_hardly_any_comparison_joins_keep_their_distance(
    objective, misfit, p_min, small
):
    P = naive.extreme_preferences(np.random.default_rng(2), 5, p_min=p_min)
    w, first, second = weakly_joined(small)
    policy = OPTIMA[objective](P, pair_weights=w, beta=1.0)
    v = np.float64(naive.centre(joined_score(P, w, first, second, misfit)))
    np.testing.assert_allclose(np.log(policy) - np.log(policy).mean(), v, rtol=0, atol=1e-12)
