"""How much judges who agree with themselves, and ties, change what votes weigh."""

import numpy as np
import pytest

from alignsim.data import Comparisons, posterior
from alignsim.data.posteriors.board import board
from alignsim.data.posteriors.pairs import compared
from alignsim.data.posteriors.strengths import bradley_terry as fit
from tests.data.posteriors.boards import bradley_terry

PAIRS = [(0, 1), (0, 2), (1, 2)]


def by_judges(count, votes, sd, seed):
    """Votes of judges whose tastes differ: each casts ``votes`` on random pairs of three."""
    draw = np.random.default_rng(seed)
    taste = draw.normal(0.0, sd, (count, 3))
    rows = []
    for judge in range(count):
        for i, j in draw.choice(PAIRS, votes):
            won = draw.random() < 1 / (1 + np.exp(taste[judge, j] - taste[judge, i]))
            rows.append(("abc"[i], "abc"[j], float(won), f"j{judge}"))
    left, right, share, judges = zip(*rows, strict=True)
    return Comparisons.from_names(left, right, share, judges=judges)


def naive(votes):
    """φ and the design effect of votes.md, section 1, by loops over judges and pairs."""
    wins = votes.wins
    N, K = wins + wins.T, len(wins)
    r = fit(compared(wins), 2.0)
    p_hat = 1 / (1 + np.exp(r - r[:, None]))
    p_soft = (wins + 0.5) / (N + 1)
    own = np.zeros((len(votes.judges), K, K))
    for k in range(len(votes)):
        own[votes.judge[k], votes.left[k], votes.right[k]] += votes.share[k]
        own[votes.judge[k], votes.right[k], votes.left[k]] += 1 - votes.share[k]
    top = bottom = 0.0
    H, scatter = np.zeros((K, K)), np.zeros((K, K))
    pulls = np.zeros((len(own), K))
    for i, j in PAIRS:
        e = np.eye(K)[i] - np.eye(K)[j]
        H += N[i, j] * p_hat[i, j] * p_hat[j, i] * np.outer(e, e)
        squares = 0.0
        for u, mine in enumerate(own):
            n = mine[i, j] + mine[j, i]
            squares += n**2
            top += (mine[i, j] - n * p_soft[i, j]) ** 2
            pulls[u] += (mine[i, j] - n * p_hat[i, j]) * e
        bottom += N[i, j] * p_soft[i, j] * p_soft[j, i] * (1 - squares / N[i, j] ** 2)
    for pull in pulls:
        scatter += np.outer(pull, pull)
    J = len(own)
    return top / bottom, J / (J - 1) * np.trace(np.linalg.pinv(H) @ scatter) / (K - 1)


@pytest.mark.parametrize(("count", "votes"), [(20, 30), (5, 120)])
def test_judges_of_different_taste_are_the_two_formulas(count, votes):
    given = by_judges(count, votes, 0.7, 1)
    assert board(given).overdispersion == pytest.approx(max(naive(given)), rel=1e-6)
    assert board(given).overdispersion > 1.5


def test_judges_without_taste_of_their_own_change_little():
    assert board(by_judges(60, 30, 0.0, 2)).overdispersion == pytest.approx(1.0, abs=0.35)


def test_a_vote_that_is_cast_five_times_by_one_judge_is_one():
    votes = by_judges(200, 1, 0.0, 3)
    five = votes._rows(np.repeat(np.arange(len(votes)), 5))
    assert board(five).overdispersion == pytest.approx(5 * board(votes).overdispersion, rel=0.05)


def test_prompts_are_units_as_judges_are():
    votes = by_judges(20, 30, 0.7, 1)
    prompts = [votes.judges[k] for k in votes.judge]
    names = ([votes.labels[k] for k in side] for side in (votes.left, votes.right))
    asked = Comparisons.from_names(*names, votes.share, prompts=prompts)
    assert board(asked).overdispersion == board(votes).overdispersion
    assert (board(asked).judges, board(votes).judges) == (0, 20)


def test_one_judge_is_no_unit():
    votes = by_judges(1, 60, 0.7, 1)
    assert board(votes).overdispersion == 1.0


def test_ties_take_their_share_of_the_variance():
    """All pairs near ½ and a third of the votes ties: two thirds are left."""
    votes = bradley_terry(np.zeros(5), 600, 8, ties=1 / 3)
    assert board(votes).overdispersion == pytest.approx(2 / 3, abs=0.03)


def test_votes_that_weigh_less_leave_more_open():
    votes = by_judges(5, 120, 0.7, 1)
    names = ([votes.labels[k] for k in side] for side in (votes.left, votes.right))
    unnamed = Comparisons.from_names(*names, votes.share)
    wide, narrow = (posterior(each).P[:, 0, 1].std() for each in (votes, unnamed))
    assert wide > 1.3 * narrow
