"""What votes say, in words."""

from dataclasses import replace

import numpy as np
import pytest

from alignsim.data import Comparisons, FitCheck, posterior
from alignsim.reports.votes import fit_in_words, verdict, vote_summary
from tests.data.posteriors.boards import GOLDEN, bradley_terry, counted

FOUND = posterior(counted(GOLDEN), draws=1000)
CYCLE = np.array([[0.5, 0.9, 0.1], [0.1, 0.5, 0.9], [0.9, 0.1, 0.5]])
RANKED = np.array([[0.5, 0.9, 0.9], [0.1, 0.5, 0.9], [0.1, 0.1, 0.5]])


def drawn(cyclic, unpooled):
    """Return a posterior with such shares of draws in a circle."""
    parts = [
        np.stack([CYCLE] * round(1000 * share) + [RANKED] * round(1000 * (1 - share)))
        for share in (cyclic, unpooled)
    ]
    return replace(FOUND, labels=("a", "b", "c"), P=parts[0], unpooled=parts[1])


@pytest.mark.parametrize(
    ("cyclic", "unpooled", "words"),
    [
        (1.0, 1.0, "a cycle at the top (over 99.9 %)"),
        (0.95, 1.0, "a cycle at the top (95 %)"),
        (0.88, 1.0, "probably a cycle at the top (88 %)"),
        (0.8, 0.2, "probably a cycle at the top (80 %)"),
        (0.52, 0.5, "these votes cannot tell whether there is a cycle at the top (52 %)"),
        (0.03, 0.19, "no cycle at the top; Condorcet winner a (97 %)"),
        (
            0.03,
            0.2,
            "these votes cannot tell whether there is a cycle at the top: it is unlikely (3 %) if "
            "they scatter around one ranking, but not (20 %) if every pair stands alone",
        ),
        (0.05, 0.1, "these votes cannot tell whether there is a cycle at the top (5 %)"),
    ],
)
def test_a_verdict_claims_no_more_than_its_bounds_allow(cyclic, unpooled, words):
    assert verdict(drawn(cyclic, unpooled)) == words


@pytest.mark.parametrize("seed", range(4))
def test_noise_on_a_ranking_is_not_called_a_cycle(seed):
    """Boards of votes.md, of which a plug-in estimate calls four in ten cyclic."""
    strength = np.random.default_rng(seed).normal(0.0, 0.4, 6)
    votes = bradley_terry(strength, 20, seed, ties=0.3, compared=0.8)
    told = vote_summary(votes, "x", beta_max=100.0, objective="ipo", alpha=0.5, lam=1.0)
    assert told.no_winner < 0.8
    assert "probably" not in told.verdict
    assert told.onset.high == np.inf


def test_what_says_nothing_of_cycles_is_refused():
    votes = counted([("a", "b", 8, 2)])
    told = vote_summary(votes, "x", beta_max=100.0)
    assert told.verdict == "these votes say nothing of cycles: a cycle needs three responses"
    assert told.onset is None
    rows = dict(told.rows())
    assert rows["Condorcet winner"].startswith("a 9")
    assert "oscillates, 95 % interval" not in rows


def test_few_judges_are_named_and_what_is_left_out_too():
    rows = [("a", "b"), ("b", "c"), ("a", "c"), ("x", "y")] * 6
    left, right = zip(*rows, strict=True)
    votes = Comparisons.from_names(left, right, [1, 1, 0.5, 0] * 6, judges=list("jkl") * 8)
    told = vote_summary(votes, "x", beta_max=100.0)
    assert "only 3 judges voted: the findings describe no others" in told.notes
    assert "no comparison connects these with the others: 'x', 'y'" in told.notes


def test_the_fit_in_words():
    assert fit_in_words(FitCheck(9.0, 0.004, 1, 0, 1)) == (
        "Bradley-Terry does not fit (p = 0.004); 1 cyclic triad, 0 to 1 expected from noise alone"
    )


def test_no_cyclic_triad_where_there_can_be_none():
    told = vote_summary(counted([("a", "b", 8, 2)]), "x", beta_max=100.0)
    assert dict(told.rows())["one ranking"].endswith("no cyclic triad, and none expected")
