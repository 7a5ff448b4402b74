"""What a board of votes leaves open."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.data import Comparisons, posterior
from tests.data.posteriors.boards import GOLDEN, bradley_terry, counted

FOUND = posterior(counted(GOLDEN), draws=4000)


def test_golden_probabilities():
    """Tolerances of the page and three standard errors of 4,000 draws."""
    assert FOUND.no_winner == pytest.approx(0.63, abs=0.04)
    assert FOUND.winner == pytest.approx([0.06, 0.12, 0.195, 0.0], abs=0.035)
    low, middle, high = np.quantile(FOUND.tau, [0.025, 0.5, 0.975])
    assert (low, middle, high) == pytest.approx((0.067, 0.57, 1.25), rel=0.08)
    assert FOUND.fit.deviance == pytest.approx(10.87, abs=0.01)
    assert FOUND.fit.p_value == pytest.approx(0.015, abs=0.012)
    assert FOUND.fit.cyclic_triads == 1
    assert FOUND.undetermined == ""


def test_golden_probabilities_of_more_and_fewer_votes():
    assert posterior(counted(GOLDEN, 10.0)).no_winner == 1.0
    assert posterior(counted(GOLDEN, 0.25)).no_winner == pytest.approx(0.19, abs=0.03)
    sure = posterior(counted(GOLDEN, 5e4))
    assert np.ptp(sure.P, axis=0).max() < 0.01


def test_every_draw_is_a_preference_matrix():
    for P in (FOUND.P, FOUND.unpooled):
        assert (P + np.swapaxes(P, -1, -2) == 1.0).all()
        assert ((P > 0.0) & (P < 1.0)).all()


def test_unpooled_draws_have_the_mean_and_spread_of_their_own_votes():
    for i, j, wins, votes in [(0, 1, 14, 20), (1, 2, 13, 20), (0, 2, 5, 20)]:
        mean = (wins + 0.5) / (votes + 1.0)
        drawn = FOUND.unpooled[:, i, j]
        assert drawn.mean() == pytest.approx(mean, abs=0.01)
        assert drawn.std() == pytest.approx(np.sqrt(mean * (1 - mean) / (votes + 2)), rel=0.05)


def test_names_and_rows_do_not_change_a_bit():
    votes = bradley_terry(np.linspace(-0.5, 0.5, 5), 7, 3, ties=0.2, judges=list("xyzyx") * 14)
    first = posterior(votes, draws=50)
    shuffled = votes._rows(np.random.default_rng(1).permutation(len(votes)))
    swapped = Comparisons.from_names(
        [f"n{9 - int(votes.labels[k][1:])}" for k in shuffled.right],
        [f"n{9 - int(votes.labels[k][1:])}" for k in shuffled.left],
        1.0 - shuffled.share,
        judges=[f"judge {shuffled.judges[k]}" for k in shuffled.judge],
    )
    second = posterior(swapped, draws=50)
    own = [second.labels.index(f"n{9 - int(label[1:])}") for label in first.labels]
    assert (second.P[:, own][:, :, own] == first.P).all()
    assert (second.unpooled[:, own][:, :, own] == first.unpooled).all()
    assert (second.overdispersion, second.fit) == (first.overdispersion, first.fit)
    assert (second.winner[own] == first.winner).all()


@pytest.mark.parametrize("times", [1, 4])
def test_a_circle_is_the_same_whichever_of_its_responses_comes_first(times):
    """Which of the alike is first is open; everything else is the same to the bit."""
    rows = [("a", "b", 3, 1), ("b", "c", 3, 1), ("c", "a", 3, 1)]
    renamed = [("b", "a", 3, 1), ("a", "c", 3, 1), ("c", "b", 3, 1)]
    first, second = (posterior(counted(each, times), draws=40) for each in (rows, renamed))
    own, other = (each.P[:, each.order][:, :, each.order] for each in (first, second))
    assert (own == other).all()
    assert second.no_winner == first.no_winner


def test_pairs_never_compared_are_carried_by_the_ranking():
    strength = np.linspace(-2.0, 2.0, 6)
    votes = bradley_terry(strength, 200, 4, compared=0.6)
    pairs = votes.wins + votes.wins.T
    missing = np.argwhere(np.triu(pairs == 0, 1))
    assert len(missing) >= 3
    found = posterior(votes, draws=400)
    for i, j in missing:
        truth = 1.0 / (1.0 + np.exp(strength[j] - strength[i]))
        low, high = np.quantile(found.P[:, i, j], [0.005, 0.995])
        assert low < truth < high
        pooled, apart = (np.log(P[:, i, j] / P[:, j, i]) for P in (found.P, found.unpooled))
        assert pooled.std() < 0.85 < 0.95 < apart.std()


def test_of_a_board_in_parts_the_largest_is_taken():
    rows = [("a", "b", 3, 1), ("b", "c", 3, 1), ("c", "a", 3, 1), ("x", "y", 90, 2)]
    found = posterior(counted(rows), draws=20)
    assert (found.labels, found.left_out) == (("a", "b", "c"), ("x", "y"))
    assert found.votes == 12.0
    alone = posterior(counted(rows[:3]), draws=20)
    assert (alone.P == found.P).all()


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([("a", "b", 8, 2)], "a cycle needs three responses"),
        ([("a", "b", 1, 0), ("b", "c", 1, 0), ("c", "a", 1, 0)], "no pair of responses has two"),
        ([("a", "b", 8, 2), ("b", "c", 9, 4)], "do not close a circle"),
        ([("a", "b", 8, 2), ("b", "c", 9, 4), ("c", "a", 1, 1)], ""),
    ],
)
def test_what_says_nothing_of_cycles_is_named(rows, reason):
    found = posterior(counted(rows), draws=20).undetermined
    assert reason in found if reason else found == ""


def test_all_ties_leave_every_response_alike():
    rows = [(a, b, 25, 25) for a, b in ("ab", "ac", "bc")]
    ties = Comparisons.from_names(list("aab") * 50, list("bcc") * 50, [0.5] * 150)
    toss, tied = posterior(counted(rows)), posterior(ties)
    assert tied.overdispersion == 0.1
    assert toss.overdispersion == 1.0
    assert tied.P[:, 0, 1].std() < 0.5 * toss.P[:, 0, 1].std()
    assert np.ptp(tied.winner) < 0.06


def test_only_votes_are_taken():
    with pytest.raises(ValueError, match=r"^votes is a list; give Comparisons"):
        posterior([[0, 1], [1, 0]])
    with pytest.raises(ValueError, match="draws is 1"):
        posterior(counted(GOLDEN), draws=1)
    with pytest.raises(asim.errors.InputError, match="GiB"):
        posterior(counted(GOLDEN), draws=10**10)
