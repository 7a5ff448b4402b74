"""A few matrices of many, evenly spread."""

import numpy as np
import pytest

from alignsim import preferences as prefs


def numbered(count):
    """Matrices of two responses that tell their own place."""
    share = np.arange(count) / max(count, 1)
    P = np.full((count, 2, 2), 0.5)
    P[:, 0, 1], P[:, 1, 0] = share, 1.0 - share
    return P


def places(P, most):
    kept = prefs.spread(P, most)
    return [round(share * len(P)) for share in kept[:, 0, 1]]


@pytest.mark.parametrize("most", [5, 6, 10**9])
def test_all_are_kept_where_there_are_few(most):
    P = numbered(5)
    np.testing.assert_array_equal(prefs.spread(P, most), P)


@pytest.mark.parametrize(("count", "most"), [(501, 500), (1000, 500), (7, 3), (799, 200), (9, 1)])
def test_as_many_as_allowed_are_kept_and_their_gaps_differ_by_one_at_most(count, most):
    kept = places(numbered(count), most)
    assert len(kept) == most
    assert kept[0] == 0
    gaps = np.diff([*kept, count])
    assert gaps.min() >= 1
    assert np.ptp(gaps) <= 1


def test_of_none_there_is_none():
    assert prefs.spread(np.empty((0, 4, 4)), 3).shape == (0, 4, 4)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"P has shape \(3, 3\); give a stack of matrices"):
        prefs.spread(np.full((3, 3), 0.5), 2)
    with pytest.raises(ValueError, match="most is 0; it must be at least 1"):
        prefs.spread(numbered(3), 0)
