"""Maximal lotteries and exploitability: certificates, ties, known games."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.errors import InputError
from alignsim.preferences import games
from tests import naive

UNIFORM4 = np.full(4, 0.25)


def gaps(P, policy):
    """The exploitability by definition: the best pure answer, by hand."""
    return max(sum(P[i, j] * policy[j] for j in range(len(P))) for i in range(len(P))) - 0.5


@pytest.mark.parametrize("K", [2, 3, 4, 5, 8])
def test_nobody_beats_a_maximal_lottery(K):
    rng = np.random.default_rng(K)
    P = np.array([naive.random_preferences(rng, K) for _ in range(20)])
    found = asim.maximal_lottery(P)
    for i in range(20):
        assert abs(gaps(P[i], found.policy[i])) < 1e-12
    assert found.unique.all()  # almost surely, and its support is odd
    assert (found.policy > 0).sum(axis=-1).tolist() == [
        int((row > 0).sum()) | 1 for row in found.policy
    ]
    np.testing.assert_array_equal(found.lowest, found.highest)
    np.testing.assert_allclose(found.exploitability, 0.0, atol=1e-12)


def test_three_responses_have_the_lottery_of_the_opposite_margins():
    a, b, c = 0.4, 0.3, 0.2
    P = 0.5 + np.array([[0, a, -c], [-a, 0, b], [c, -b, 0]])
    expected = np.array([b, c, a]) / (a + b + c)
    np.testing.assert_allclose(asim.maximal_lottery(P).policy, expected, atol=1e-14)


def test_a_condorcet_winner_is_the_only_one():
    P = [[0.5, 0.51, 0.9, 0.51], [0.49, 0.5, 0.9, 0.1], [0.1, 0.1, 0.5, 0.9], [0.49, 0.9, 0.1, 0.5]]
    found = asim.maximal_lottery(P)
    np.testing.assert_array_equal(found.policy, [1.0, 0.0, 0.0, 0.0])
    assert found.unique


@pytest.mark.parametrize(
    ("P", "policy", "lowest", "highest"),
    [
        (np.full((4, 4), 0.5), UNIFORM4, [0] * 4, [1] * 4),
        (
            asim.preferences.nearest_neighbour_cycle(4, advantage=0.2),
            UNIFORM4, [0] * 4, [0.5] * 4,
        ),
        ([[0.5, 0.5, 0.9], [0.5, 0.5, 0.9], [0.1, 0.1, 0.5]], [0.5, 0.5, 0], [0, 0, 0], [1, 1, 0]),
        ([[0.5, 0.5], [0.5, 0.5]], [0.5, 0.5], [0, 0], [1, 1]),
    ],
)  # fmt: skip
def test_ties_allow_several_and_the_most_even_is_given(P, policy, lowest, highest):
    found = asim.maximal_lottery(P)
    assert not found.unique
    np.testing.assert_allclose(found.policy, policy, atol=1e-6)
    np.testing.assert_allclose(found.lowest, lowest, atol=1e-9)
    np.testing.assert_allclose(found.highest, highest, atol=1e-9)


def test_the_most_even_lottery_is_what_equilibria_tend_to():
    rng = np.random.default_rng(5)
    seen = 0
    for _ in range(12):
        P = np.round(4 * naive.random_preferences(rng, 4)) / 4  # many ties
        P = (P + 1 - P.T) / 2
        found = asim.maximal_lottery(P)
        seen += int(not found.unique)
        near = asim.qre(P, tau=1e-5).policy
        np.testing.assert_allclose(found.policy, near, atol=1e-3)
        assert (found.lowest <= found.policy + 1e-7).all()
        assert (found.policy <= found.highest + 1e-7).all()
        assert gaps(P, found.policy) < 1e-6
    assert 2 <= seen <= 11


def test_names_do_not_matter():
    rng = np.random.default_rng(6)
    order = rng.permutation(5)
    for P in (naive.random_preferences(rng, 5), np.full((5, 5), 0.5)):
        here, there = asim.maximal_lottery(P), asim.maximal_lottery(P[np.ix_(order, order)])
        np.testing.assert_allclose(there.policy, here.policy[order], atol=1e-6)


def test_the_exploitability_is_that_of_the_best_answer():
    """With penalties the best answer is found by scipy, from the definition."""
    from scipy.optimize import minimize

    rng = np.random.default_rng(7)
    P = naive.random_preferences(rng, 4)
    pi, ref = rng.dirichlet(np.ones(4), 2)
    assert asim.exploitability(P, pi) == pytest.approx(gaps(P, pi), abs=1e-15)
    for tau in (0.05, 0.7):

        def payoff(x, y, tau=tau):
            own = (x * np.log(x / ref)).sum()
            other = (y * np.log(y / ref)).sum()
            return x @ P @ y - tau * own + tau * other

        def loss(z, payoff=payoff):
            return -payoff(naive_policy(z), pi)

        best = -minimize(loss, np.zeros(3), tol=1e-12).fun
        found = asim.exploitability(P, pi, tau=tau, reference=ref)
        assert found == pytest.approx(best - payoff(pi, pi), abs=1e-8)


def naive_policy(free):
    z = np.append(free, 0.0)
    return np.exp(z) / np.exp(z).sum()


def test_exploitability_broadcasts_and_vanishes_at_equilibria():
    P = asim.preferences.cyclic(3, advantage=0.3)
    taus = np.array([[0.0], [0.1]])
    policies = np.array([[1 / 3] * 3, [0.5, 0.3, 0.2]])
    found = asim.exploitability(P, policies, tau=taus)
    assert found.shape == (2, 2)
    np.testing.assert_allclose(found[:, 0], 0.0, atol=1e-15)
    assert found[0, 1] == asim.exploitability(P, policies[1])
    rng = np.random.default_rng(8)
    skewed = np.array([naive.random_preferences(rng, 5) for _ in range(4)])
    ref = rng.dirichlet(np.ones(5))
    rest = asim.qre(skewed, tau=0.05, reference=ref)
    gap = asim.exploitability(skewed, rest.policy, tau=0.05, reference=ref)
    np.testing.assert_allclose(gap, 0.0, atol=1e-14)
    assert (asim.exploitability(skewed, ref, tau=0.05, reference=ref) > 1e-4).all()


def test_bad_arguments_are_named(monkeypatch):
    P = asim.preferences.cyclic(3, advantage=0.3)
    with pytest.raises(ValueError, match=r"policy\[0\] is 0, and its logit"):
        asim.exploitability(P, [0.0, 0.5, 0.5], tau=0.1)
    assert asim.exploitability(P, [0.0, 0.5, 0.5]) == pytest.approx(0.15)
    with pytest.raises(ValueError, match="tau is -1"):
        asim.exploitability(P, [0.2, 0.3, 0.5], tau=-1.0)
    with pytest.raises(ValueError, match="policy has 2 responses"):
        asim.exploitability(P, [0.5, 0.5])
    monkeypatch.setattr(games, "LARGEST_PROGRAM", 2)
    with pytest.raises(InputError, match="P needs a linear program of 3 responses"):
        asim.maximal_lottery(P)


def test_it_says_what_it_found():
    told = str(asim.maximal_lottery(np.full((2, 3, 3), 0.5)))
    assert "Maximal lottery of (2,) matrices" in told
    assert "the only one    0 of 2" in told
