"""The lattice finds what the dense grid shows, from few points; it knows nothing but labels."""

import numpy as np
import pytest

from alignsim.sweeps import lattice as module
from alignsim.sweeps.lattice import Lattice


def settle(side, test, label=None, **options):
    """Refine on functions of positions in [0, 1]²; labels by the sign of ``test``, or ``label``."""
    lattice = Lattice(side, **options)
    asked = []
    while len(points := lattice.ask()):
        row, column = (place / side for place in lattice.places(points))
        values = test(row, column)
        lattice.tell(points, values >= 0 if label is None else label(row, column), values)
        asked.append(points)
    return lattice, asked


def dense(side, label):
    return label(*(np.mgrid[: side + 1, : side + 1] / side))


def circle(row, column):
    return np.hypot(row - 0.5, column - 0.4) - 0.3


def waves(seed):
    """A random smooth function with features of an eighth of the square and more."""
    rng = np.random.default_rng(seed)
    kx, ky = rng.uniform(-9, 9, (2, 6))
    phase, height = rng.uniform(0, 7, 6), rng.normal(size=6)

    def test(row, column):
        angle = np.multiply.outer(row, ky) + np.multiply.outer(column, kx) + phase
        return np.sin(angle) @ height + 0.3

    return test


def sizes(lattice):
    """The size of the cell that each unit square lies in."""
    found = np.zeros((lattice.resolution,) * 2, dtype=int)
    for level, cells in enumerate(lattice._cells):
        size = lattice.resolution // len(cells)
        whole = np.kron(cells & ~lattice._split[level], np.ones((size, size), dtype=int))
        assert not (found.astype(bool) & whole.astype(bool)).any()
        found += size * whole
    assert found.all()
    return found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("audit", [0.0, 0.02])
def test_the_filled_labels_are_those_of_the_dense_grid(seed, audit):
    lattice, _ = settle(256, waves(seed), audit=audit)
    np.testing.assert_array_equal(lattice.filled(), dense(256, waves(seed)) >= 0)
    assert lattice.evaluated.mean() < 0.5


def test_a_fine_lattice_evaluates_one_point_in_forty():
    lattice, asked = settle(1024, circle, audit=0.02)
    np.testing.assert_array_equal(lattice.filled(), dense(1024, circle) >= 0)
    assert lattice.evaluated.mean() < 1 / 40
    assert len(asked) <= 8


def test_every_point_is_asked_once_and_those_told_are_kept():
    lattice, asked = settle(128, circle, audit=0.1)
    points = np.concatenate(asked)
    assert len(np.unique(points)) == len(points) == lattice.evaluated.sum()
    assert all((np.diff(batch) > 0).all() for batch in asked)
    row, column = lattice.places(points)
    np.testing.assert_array_equal(lattice.test[points], circle(row / 128, column / 128))
    assert np.isnan(lattice.test[~lattice.evaluated]).all()
    assert not len(lattice.ask())


def test_a_source_is_an_evaluated_point_with_the_label():
    lattice, _ = settle(128, circle)
    source = lattice.sources()
    assert lattice.evaluated[source].all()
    known = np.flatnonzero(lattice.evaluated)
    assert (source[known] == known).all()
    row, column = lattice.places(source)
    here, there = np.divmod(np.arange(source.size), 129)
    assert np.maximum(abs(row - here), abs(column - there)).max() <= 4


def test_a_spot_smaller_than_a_coarse_cell_is_found_if_the_test_function_shows_it():
    def spot(row, column):
        return np.hypot(row - 0.513, column - 0.417) - 0.006

    lattice, _ = settle(1024, spot)
    expected = dense(1024, spot) >= 0
    assert 0 < (~expected).sum() < (1024 / module.COARSE_CELLS) ** 2
    np.testing.assert_array_equal(lattice.filled(), expected)


def test_a_sliver_along_a_valley_of_the_test_function_is_found():
    def valley(row, column):
        return (row - 0.5 - 0.1 * np.sin(5 * column)) ** 2 - 0.004**2

    lattice, _ = settle(512, valley)
    np.testing.assert_array_equal(lattice.filled(), dense(512, valley) >= 0)


def island(row, column):
    """A label that the test function knows nothing of, around the centre of one coarse cell."""
    centre = 10.5 / module.COARSE_CELLS
    inside = np.maximum(abs(row - centre), abs(column - centre)) < 0.3 / module.COARSE_CELLS
    return inside.astype(int)


def flat(row, column):
    return np.ones(row.shape)


def test_the_audit_finds_what_the_corners_do_not_show():
    blind, _ = settle(256, flat, island)
    assert blind.evaluated.sum() == (module.COARSE_CELLS + 1) ** 2
    assert not blind.filled().any()
    audited, _ = settle(256, flat, island, audit=1.0)
    np.testing.assert_array_equal(audited.filled(), dense(256, island))


def test_the_audit_takes_its_share_at_random_but_repeatably():
    def audited(seed, share=0.25):
        lattice, _ = settle(64, flat, audit=share, rng=seed)
        return lattice.evaluated

    coarse = audited(0, 0.0)
    extra = audited(0).sum() - coarse.sum()
    assert abs(extra - 256) < 5 * np.sqrt(256 * 0.75)
    np.testing.assert_array_equal(audited(0), audited(0))
    assert (audited(0) != audited(1)).any()
    generator = np.random.default_rng(0)
    np.testing.assert_array_equal(audited(generator), audited(0))


@pytest.mark.parametrize("seed", range(3))
def test_cells_that_touch_differ_by_a_factor_of_two_at_most(seed):
    size = sizes(settle(256, waves(seed), audit=0.05)[0])
    for here, there in (
        (size[1:], size[:-1]),
        (size[:, 1:], size[:, :-1]),
        (size[1:, 1:], size[:-1, :-1]),
        (size[1:, :-1], size[:-1, 1:]),
    ):
        assert np.maximum(here / there, there / here).max() == 2


def test_a_guard_ring_surrounds_the_boundary():
    size = sizes(settle(256, circle)[0])
    outside = dense(256, circle) >= 0
    corners = np.stack([outside[:-1, :-1], outside[1:, :-1], outside[:-1, 1:], outside[1:, 1:]])
    mixed = corners.any(axis=0) & ~corners.all(axis=0)
    for down, right in ((0, 2), (2, 0), (-2, -2), (2, -2)):
        assert (size[np.roll(mixed, (down, right), axis=(0, 1))] == 1).all()


def test_a_change_of_sign_is_followed_where_the_labels_do_not_change():
    lattice, _ = settle(256, circle, lambda row, column: np.zeros(row.shape, dtype=int))
    labelled, _ = settle(256, circle)
    np.testing.assert_array_equal(lattice.evaluated, labelled.evaluated)


def test_where_the_test_function_is_unknown_labels_alone_rule():
    def half_known(row, column):
        return np.where(column > 0.61, np.nan, 1.0 + row)

    def label(row, column):
        return np.where(column > 0.61, 3, 0)

    lattice, _ = settle(256, half_known, label)
    np.testing.assert_array_equal(lattice.filled(), dense(256, label))
    assert lattice.evaluated.mean() < 1 / 8


def test_many_labels_meet():
    def label(row, column):
        return np.floor(5 * row).astype(int) * 5 + np.floor(4 * column + row).astype(int)

    lattice, _ = settle(512, flat, label)
    np.testing.assert_array_equal(lattice.filled(), dense(512, label))


@pytest.mark.parametrize("side", [2, 4, 16, 32])
def test_a_lattice_no_finer_than_the_coarse_one_is_dense(side):
    lattice, asked = settle(side, circle, audit=0.5)
    assert len(asked) == 1
    assert lattice.evaluated.all()
    assert len(lattice.smallest_cells()[0]) == side**2
    np.testing.assert_array_equal(lattice.filled(), dense(side, circle) >= 0)


def test_the_smallest_cells_hold_every_change_of_sign():
    lattice, _ = settle(128, waves(2))
    cells = np.zeros((128, 128), dtype=bool)
    cells[lattice.smallest_cells()] = True
    outside = dense(128, waves(2)) >= 0
    assert cells[(outside[:-1, :-1] != outside[1:, 1:])].all()
    assert cells[(outside[1:, :-1] != outside[:-1, 1:])].all()


def test_twice_the_resolution_takes_one_more_batch_and_twice_the_points():
    lattice, asked = settle(512, circle)
    finer, batches = settle(1024, circle)
    assert len(batches) == len(asked) + 1
    assert finer.evaluated.sum() < 2.2 * lattice.evaluated.sum()
