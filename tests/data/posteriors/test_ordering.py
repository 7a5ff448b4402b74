"""An order of responses that no renaming changes."""

import numpy as np
import pytest

from alignsim.data.posteriors.ordering import canonical


def tables():
    """Random tables with many ties, circles, all alike, and two that only others tell apart."""
    draw = np.random.default_rng(0)
    for K in (2, 3, 4, 5, 6, 7):
        for most in (1, 2, 2, 3, 9):
            wins = draw.integers(0, most + 1, (K, K)).astype(float)
            wins[0, 1] += 1.0
            np.fill_diagonal(wins, 0.0)
            yield wins
        yield 2.0 * np.roll(np.eye(K), 1, axis=0)
        yield 3.0 * (1.0 - np.eye(K))
    upper = np.zeros((4, 4))
    upper[np.triu_indices(4, 1)] = [3, 3, 4, 4, 3, 4]
    yield upper + np.tril(6.0 - upper.T, -1)


@pytest.mark.parametrize("wins", list(tables()))
def test_a_renamed_table_becomes_the_same_table(wins):
    order = canonical(wins)
    assert sorted(order.tolist()) == list(range(len(wins)))
    draw = np.random.default_rng(1)
    for _ in range(5):
        new = draw.permutation(len(wins))
        renamed = wins[np.ix_(new, new)]
        again = canonical(renamed)
        assert (renamed[np.ix_(again, again)] == wins[np.ix_(order, order)]).all()


def test_the_strongest_come_first():
    wins = np.array([[0.0, 1.0, 5.0], [9.0, 0.0, 9.0], [5.0, 1.0, 0.0]])
    assert canonical(wins)[0] == 1


def test_very_many_alike_are_no_trouble():
    assert len(canonical(2.0 * (1.0 - np.eye(300)))) == 300
