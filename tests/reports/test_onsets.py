"""Onsets of preferences that votes leave open."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis import critical_beta
from alignsim.data import posterior
from alignsim.reports.onsets import OnsetRange, condensed, draws_onset, onset_range
from tests.data.posteriors.boards import GOLDEN, counted


def golden(times, **loop):
    return onset_range(posterior(counted(GOLDEN, times)), beta_max=100.0, **loop)


def test_golden_onsets():
    """The page's numbers of 8,000 draws, with the spread that 2,000 add."""
    few = golden(1.0)
    assert few.low == pytest.approx(5.27, abs=0.35)  # the unpooled end, below the pooled 6.6
    assert few.high == np.inf
    assert few.never == pytest.approx(0.37, abs=0.05)
    ten = golden(10.0)
    assert ten.low == pytest.approx(6.6, abs=0.35)
    assert ten.high == pytest.approx(10.5, abs=0.6)
    assert ten.never == 0.0
    many = golden(5e4)
    assert (many.low, many.high) == pytest.approx((7.69, 7.74), abs=0.02)


def test_a_loop_that_never_samples_itself_has_none():
    assert str(golden(1.0, lam=0.0)) == "none up to β = 100 (over 99.9 %)"


def test_the_best_twenty_and_four_groups_have_the_onset_of_a_large_board():
    """A circle of three above others that lose to it; without the groups it errs by 3 %."""
    draw = np.random.default_rng(0)
    strength = np.concatenate([[1.0] * 3, draw.normal(0.0, 0.3, 37)])
    theta = np.broadcast_to(strength[:, None] - strength, (6, 40, 40)).copy()
    for i, j in ((0, 1), (1, 2), (2, 0)):
        gap = 0.5 + draw.random(6)
        theta[:, i, j], theta[:, j, i] = gap, -gap
    new = draw.permutation(40)
    P = (1.0 / (1.0 + np.exp(-theta)))[:, new][:, :, new]
    assert condensed(P)[0].shape == (6, 24, 24)
    exact = critical_beta(P)
    assert np.isfinite(exact).all()
    np.testing.assert_allclose(draws_onset(P), exact, rtol=2e-3)


@pytest.mark.parametrize(
    ("low", "high", "never", "words"),
    [
        (7.1, 11.04, 0.0, "from a β between 7.1 and 11"),
        (10.81, np.inf, 0.56, "not below β = 10.8; above it these votes cannot tell (56 % of the"),
        (np.inf, np.inf, 0.98, "none up to β = 100 (98 %)"),
    ],
)
def test_an_interval_in_words(low, high, never, words):
    assert str(OnsetRange(low, high, 9.0, never, 0.0, 100.0, 2000)).startswith(words)


def test_draws_that_are_not_known_are_counted():
    told = str(OnsetRange(7.1, 11.0, 9.0, 0.0, 0.25, 100.0, 1500))
    assert told == "from a β between 7.1 and 11; not known in 25 % of the draws"


def test_names_and_rows_do_not_change_a_digit():
    draw = np.random.default_rng(3)
    rows = [(a, b, int(draw.integers(1, 9)), 5) for a in "abcd" for b in "abcd" if a < b]
    other = [({"a": "z", "b": "y"}.get(b, b), {"a": "z", "b": "y"}.get(a, a), m, n)
             for a, b, n, m in rows[::-1]]  # fmt: skip
    ranges = [onset_range(posterior(counted(each), draws=200), beta_max=50.0)
              for each in (rows, other)]  # fmt: skip
    assert ranges[0] == ranges[1]


def test_the_package_takes_the_draws():
    found = posterior(counted(GOLDEN), draws=10)
    assert asim.analysis.critical_beta(found.P).shape == (10,)
