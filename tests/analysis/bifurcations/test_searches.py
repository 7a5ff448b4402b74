"""Zeros and minima of many functions at once: what is known is not asked, what is odd is shown."""

import numpy as np
import pytest

from alignsim.analysis.bifurcations.searches import minima, roots

AT = np.linspace(0.01, 0.99, 50)


def powers(power):
    """Functions that are 0 at ``AT``, their intervals and values there, and what is asked."""
    asked = []

    def test(x, which):
        asked.extend(zip(x, which, strict=True))
        apart = x - AT[which]
        return np.sign(apart) * abs(apart) ** power

    ends = np.stack([np.zeros(50), np.ones(50)])
    values = np.stack([test(end, np.arange(50)) for end in ends])
    asked.clear()
    return test, ends, values, asked


@pytest.mark.parametrize("power", [1, 3, 9, 0.7])
def test_roots_of_straight_and_crooked_functions(power):
    test, ends, values, _ = powers(power)
    found = roots(test, ends, values, fatol=1e-11, xatol=1e-12)
    assert (abs(found.x - AT) < np.maximum(1e-12, 1e-11 ** (1 / power))).all()
    assert (abs(found.f_x) <= np.maximum(1e-11, 1e-12**power)).all()


def test_known_values_are_not_asked_for_again_and_the_others_are_counted():
    test, ends, values, asked = powers(3)
    found = roots(test, ends, values, fatol=1e-11, xatol=1e-12)
    assert len(asked) == len(set(asked)) == found.nfev.sum()
    assert not {x for x, _ in asked} & {0.0, 1.0}


def test_an_end_that_is_zero_is_the_root_and_costs_nothing():
    found = roots(lambda x, which: 1 / 0, np.array([[0.0], [1.0]]), np.array([[-1.0], [0.0]]))
    assert (found.x, found.nfev) == ([1.0], [0])


def test_a_jump_is_found_and_shown_as_one():
    found = roots(
        lambda x, which: np.where(x < 0.3, -1.0, 1.0),
        np.array([[0.0], [1.0]]), np.array([[-1.0], [1.0]]), xatol=1e-12,
    )  # fmt: skip
    assert found.x == pytest.approx([0.3], abs=1e-12)
    assert abs(found.f_x) == [1.0]


def test_what_is_not_finite_ends_one_search_and_no_other():
    def test(x, which):
        return np.where(which == 1, np.nan, x - 0.3)

    found = roots(test, np.array([[0.0] * 3, [1.0] * 3]), np.array([[-0.3] * 3, [0.7] * 3]))
    assert np.isnan(found.x).tolist() == [False, True, False]
    assert found.x[[0, 2]] == pytest.approx(0.3)


def test_minima_of_parabolas_and_kinks():
    def test(x, which):
        apart = abs(x - AT[which])
        return np.where(which % 2, apart, apart**2) - 0.1

    points = np.stack([np.full(50, -1.0), AT + 0.007, np.full(50, 2.0)])
    values = np.stack([test(x, np.arange(50)) for x in points])
    found = minima(test, points, values)
    assert found.x == pytest.approx(AT, abs=1e-7)
    assert found.f_x == pytest.approx(-0.1)


def test_of_nothing_nothing_is_found():
    empty = np.empty((3, 0))
    assert len(minima(lambda x, which: x, empty, empty).x) == 0
    assert len(roots(lambda x, which: x, empty[:2], empty[:2]).x) == 0
