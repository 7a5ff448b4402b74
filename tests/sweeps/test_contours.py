"""Curves on which a test function is 0: every vertex solved, in order, one curve at a time."""

import numpy as np
import pytest

from alignsim.sweeps.contours import zero_curves
from alignsim.sweeps.lattice import Lattice


def curves(side, test):
    lattice = Lattice(side)
    while len(points := lattice.ask()):
        values = test(*(place.astype(float) for place in lattice.places(points)))
        lattice.tell(points, values < 0, values)
    return zero_curves(lattice, test)


def each(found):
    return [
        (found.row[found.curve == k], found.column[found.curve == k])
        for k in range(found.curve.max(initial=-1) + 1)
    ]


def test_a_circle_is_one_closed_curve_exactly_on_it():
    found = curves(256, lambda row, column: np.hypot(row - 130.3, column - 120.1) - 70)
    ((row, column),) = each(found)
    assert np.hypot(row - 130.3, column - 120.1) == pytest.approx(70, abs=2e-11)
    assert (row[0], column[0]) == (row[-1], column[-1])
    turned = np.unwrap(np.arctan2(row - 130.3, column - 120.1))
    assert abs(turned[-1] - turned[0]) == pytest.approx(2 * np.pi)
    assert np.ptp(np.sign(np.diff(turned))) == 0


def test_vertices_lie_on_the_lines_of_the_lattice_one_cell_apart():
    found = curves(128, lambda row, column: np.sin(row / 9) * np.sin(column / 11) + 0.1)
    assert len(each(found)) > 3
    for row, column in each(found):
        on_a_line = (row == np.round(row)) | (column == np.round(column))
        assert on_a_line.all()
        assert np.hypot(np.diff(row), np.diff(column)).max() <= np.sqrt(2)
        assert abs(np.sin(row / 9) * np.sin(column / 11) + 0.1).max() < 1e-10


def test_an_open_curve_runs_from_border_to_border():
    found = curves(64, lambda row, column: row - 20 - 10 * np.tanh((column - 30) / 9))
    ((row, column),) = each(found)
    assert sorted((column[0], column[-1])) == [0, 64]
    assert abs(np.diff(column)).sum() == pytest.approx(64)
    assert row == pytest.approx(20 + 10 * np.tanh((column - 30) / 9), abs=1e-9)


@pytest.mark.parametrize(("level", "joined"), [(0.2, True), (-0.2, False)])
def test_at_a_saddle_the_middle_tells_how_the_curves_run(level, joined):
    """(row − ½)(column − ½) = ±0.2 in the middle cell: two branches that never meet."""
    found = curves(16, lambda row, column: (row - 7.5) * (column - 7.5) - level)
    assert len(each(found)) == 2
    for row, column in each(found):
        product = (row - 7.5) * (column - 7.5)
        assert product == pytest.approx(level, abs=1e-9)
        assert np.ptp(np.sign(row - 7.5)) == 0


def test_where_nothing_changes_there_is_no_curve():
    found = curves(64, lambda row, column: 1.0 + row)
    assert [len(values) for values in found[:3]] == [0, 0, 0]
    assert found.evaluations == 0


def test_a_curve_ends_where_the_test_function_is_unknown():
    found = curves(64, lambda row, column: np.where(column > 40, np.nan, row - 30.5))
    ((row, column),) = each(found)
    assert row == pytest.approx(30.5)
    assert sorted((column[0], column[-1])) == [0, 40]


def test_a_jump_over_zero_is_no_zero():
    found = curves(64, lambda row, column: np.where(row < 30.3, -1.0, 1.0) + 0 * column)
    assert len(found.row) == 65
    assert np.isnan(found.row).all()


def test_few_evaluations_solve_a_smooth_function():
    found = curves(1024, lambda row, column: np.sqrt(0.36 + (row * column / 2e5) ** 2) - 1)
    assert found.evaluations <= 3.1 * len(found.row)
    assert found.row * found.column == pytest.approx(0.8 * 2e5, rel=1e-10)
