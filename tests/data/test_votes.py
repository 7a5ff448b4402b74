import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsim.data.votes import count_wins, shares_of_wins
from alignsim.errors import MissingPairsError


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_count_wins_against_the_obvious_loop(seed):
    draw = np.random.default_rng(seed)
    scores = draw.integers(0, 3, size=(2, 4, 5)).astype(float)
    scores[draw.random(scores.shape) < 0.3] = np.nan
    wins = count_wins(scores)
    for n, i, j in np.ndindex(2, 4, 4):
        expected = sum(
            1.0 if a > b else 0.5 if a == b else 0.0
            for a, b in zip(scores[n, i], scores[n, j], strict=True)
        )
        assert wins[n, i, j] == expected


WINS = np.array([[0, 3, 0], [1, 0, 6], [0, 2, 0]], dtype=float)


def test_shares_with_a_prior():
    P = shares_of_wins(WINS, "abc", smoothing=2.0)
    assert P[0, 1] == pytest.approx((3 + 1) / (4 + 2))
    assert P[0, 2] == 0.5
    assert np.allclose(P + P.T, 1)


def test_missing_pairs_are_named_with_both_remedies():
    with pytest.raises(
        MissingPairsError,
        match=r"1 of 3 pairs has fewer than 1 vote: 'a' and 'c' \(0\); pass smoothing=1 \(a prior "
        r"of one vote, half to either side\), or see alignsim.data.posterior, which infers such",
    ):
        shares_of_wins(WINS, "abc")


def test_a_minimum_above_one_holds_with_a_prior_too():
    with pytest.raises(MissingPairsError, match=r"fewer than 5 votes: 'a' and 'b' \(4\)"):
        shares_of_wins(WINS, "abc", smoothing=1.0, min_votes=5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"smoothing": -1}, "smoothing is -1"),
        ({"smoothing": [1, 2]}, "smoothing has shape"),
        ({"min_votes": 0}, "min_votes is 0"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        shares_of_wins(WINS, "abc", **options)
