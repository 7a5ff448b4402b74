"""Does a ranking explain the votes?"""

import numpy as np
import pytest

from alignsim.data.posteriors.board import board
from alignsim.data.posteriors.fit_check import checked
from tests.data.posteriors.boards import bradley_terry, counted


def check(votes, seed=0):
    found = board(votes)
    return checked(found.pairs, found.overdispersion, np.random.default_rng(seed))


@pytest.mark.parametrize("ties", [0.0, 0.4])
def test_p_values_of_rankings_are_uniform(ties):
    strength = np.linspace(-0.6, 0.6, 5)
    found = [check(bradley_terry(strength, 12, seed, ties=ties)) for seed in range(60)]
    p = np.array([each.p_value for each in found])
    assert 0.35 < p.mean() < 0.65
    assert (p < 0.05).mean() < 0.15
    inside = [each.expected_low <= each.cyclic_triads <= each.expected_high for each in found]
    assert np.mean(inside) > 0.85


def test_a_circle_does_not_fit():
    rows = [("a", "b", 60, 20), ("b", "c", 60, 20), ("c", "a", 60, 20)]
    found = check(counted(rows))
    assert found.p_value == pytest.approx(1 / 1000)
    assert found.cyclic_triads == 1


def test_cyclic_triads_are_counted():
    draw = np.random.default_rng(6)
    K = 7
    rows, beats = [], np.zeros((K, K))
    for i in range(K):
        for j in range(i + 1, K):
            won = int(draw.integers(0, 4))
            rows.append((f"m{i}", f"m{j}", won, 3 - won))
            beats[i, j], beats[j, i] = won > 1, won < 2
    triads = sum(
        beats[a, b] and beats[b, c] and beats[c, a]
        for a in range(K) for b in range(K) for c in range(K)
    )  # fmt: skip
    assert check(counted(rows)).cyclic_triads == triads / 3


def test_votes_that_agree_by_judge_are_no_cycle():
    """The same circle from three judges who each repeat themselves is weaker evidence."""
    votes = bradley_terry(np.zeros(4), 10, 3)
    rare = check(votes)
    found = board(votes)
    wide = checked(found.pairs, 4.0, np.random.default_rng(0))
    assert wide.p_value > rare.p_value
    assert wide.deviance == rare.deviance
