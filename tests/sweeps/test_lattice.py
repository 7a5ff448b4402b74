"""The lattice finds what the dense grid shows, from few points; it knows nothing but labels."""

from fractions import Fraction

import numpy as np
import pytest

from alignsim.sweeps import lattice as module
from alignsim.sweeps.lattice import Lattice


def settle(side, test, label=None, turns=None, **options):
    """Refine on functions of positions in [0, 1]²; labels by the sign of ``test``, or ``label``."""
    lattice = Lattice(side, **options)
    asked = []
    while len(points := lattice.ask()):
        row, column = (place / side for place in lattice.places(points))
        values = test(row, column)
        lattice.tell(
            points,
            values >= 0 if label is None else label(row, column),
            values,
            None if turns is None else turns(row, column),
        )
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


# Tongues


def winding(row, column):
    """A rotation number that grows along a row and, more slowly, along a column."""
    return 0.15 + 0.05 * column + 0.047 * row + 0.003 * np.sin(5 * row)


def tongues(width):
    """Labels and rotation numbers of a plane with slivers of locking along 1/5 and 2/11."""

    def nearest(row, column):
        free = winding(row, column)
        fractions = np.array([1 / 5, 2 / 11])
        place = abs(free[..., None] - fractions).argmin(axis=-1)
        locked = (abs(free - fractions[place]) < width) & (row % 0.1 < 0.055)
        return np.where(locked, place + 1, 0), np.where(locked, fractions[place], free)

    return lambda *at: nearest(*at)[0], lambda *at: nearest(*at)[1]


@pytest.mark.parametrize("width", [1e-4, 3e-4, 6e-4])
def test_slivers_of_locking_are_found_where_the_rotation_number_passes_their_fraction(width):
    label, turns = tongues(width)
    expected = dense(256, label)
    blind, _ = settle(256, flat, label)
    found, _ = settle(256, flat, label, turns)
    assert (blind.filled() != expected).sum() > 150
    assert (found.filled() != expected).sum() < 10
    assert set(np.unique(expected)) == {0, 1, 2}
    assert found.evaluated.mean() < 0.12


@pytest.mark.parametrize("turned", range(4))
def test_a_tongue_that_ends_at_the_border_is_found_from_any_side(turned):
    def inner(row, column):
        for _ in range(turned):
            row, column = 1.0 - column, row
        return 0.15 + 0.1 * column, (row < 0.005) & (abs(column - 0.512) < 0.004)

    found, _ = settle(
        256, flat, lambda *at: inner(*at)[1].astype(int),
        lambda *at: np.where(inner(*at)[1], 0.2, inner(*at)[0] - 0.0012),
    )  # fmt: skip
    expected = dense(256, lambda *at: inner(*at)[1])
    assert 3 <= expected.sum() <= 6
    assert found.filled()[expected].all()


def test_a_guard_ring_surrounds_cells_on_which_three_labels_meet_where_things_turn():
    def split(labels):
        """Whether the cells around that of the middle are split, by their centres: (3, 3)."""
        lattice = Lattice(64)
        points = lattice.ask()
        row, column = lattice.places(points)
        label = np.zeros(len(points), dtype=int)
        for (i, j), value in labels.items():
            label[(row == 2 * i) & (column == 2 * j)] = value
        lattice.tell(points, label, np.ones(len(points)), np.full(len(points), np.nan))
        centres = (2 * np.arange(8, 13) + 1)[:, None] * 65 + 2 * np.arange(8, 13) + 1
        return np.isin(centres, lattice.ask())

    two = {(i, j): 1 for i in range(33) for j in range(11, 33)}
    assert split(two).sum(axis=0).tolist() == [0, 0, 5, 0, 0]
    three = two | {(i, 10): 2 for i in range(11, 33)}
    crowded = split(three)
    assert crowded[1:4, 1:4].all()
    assert not crowded[0, [0, 1, 3, 4]].any()


def test_a_tongue_that_does_not_show_costs_a_few_points_an_edge():
    label, turns = tongues(0.0)
    found, _ = settle(256, flat, label, turns)
    assert not found.filled().any()
    seeds = found.evaluated.sum() - (module.COARSE_CELLS + 1) ** 2
    edges = 2 * module.COARSE_CELLS * (module.COARSE_CELLS + 1)
    assert 0 < seeds < 3 * edges


def test_where_nothing_turns_or_all_turn_alike_nothing_is_looked_for():
    for level in (np.nan, 0.2):
        same, _ = settle(256, flat, island, lambda row, column, level=level: 0 * row + level)
        assert same.evaluated.sum() == (module.COARSE_CELLS + 1) ** 2


def test_rotation_numbers_between_the_evaluated_points_are_interpolated():
    label, turns = tongues(0.01)
    lattice, _ = settle(256, flat, label, turns)
    filled = lattice.filled_turns()
    known = lattice.evaluated.reshape(257, 257)
    np.testing.assert_array_equal(filled[known], dense(256, turns)[known])
    assert filled == pytest.approx(dense(256, turns), abs=1e-3)
    locked = lattice.filled() == 1
    assert (locked & ~known).any()
    assert (filled[locked] == 1 / 5).all()


def test_a_bilinear_rotation_number_is_interpolated_exactly():
    def turns(row, column):
        return 0.1 + 0.2 * row + 0.1 * column * row

    lattice, _ = settle(128, flat, lambda row, column: np.zeros(row.shape, dtype=int), turns)
    assert lattice.evaluated.mean() < 0.3
    assert lattice.filled_turns() == pytest.approx(dense(128, turns), abs=1e-14)


def test_nothing_is_interpolated_where_a_corner_does_not_turn():
    def half(row, column):
        return np.where(column > 0.5, winding(row, column), np.nan)

    lattice, _ = settle(64, flat, lambda row, column: (column > 0.5).astype(int), half)
    np.testing.assert_array_equal(np.isnan(lattice.filled_turns()), np.isnan(dense(64, half)))


def test_the_simplest_fraction_between_two_numbers():
    rng = np.random.default_rng(0)
    low, high = np.sort(rng.uniform(0.0, 0.5, (2, 300)) ** 2, axis=0)
    found = module.simplest_fractions(low, high)
    np.testing.assert_array_equal(found, module.simplest_fractions(high, low))
    for a, b, fraction in zip(low, high, found, strict=True):
        between = [
            Fraction(p, q)
            for q in range(1, module.LARGEST_DENOMINATOR + 1)
            for p in range(q)
            if a + module.SAME_TURNS < p / q < b - module.SAME_TURNS
        ]
        assert np.isnan(fraction) if not between else fraction == float(between[0])
    assert np.isnan(module.simplest_fractions(np.array([0.2]), np.array([0.2]))).all()
