"""Dense algebra of the kernels, where an obvious way would lose digits or signs."""

import itertools

import numpy as np
import pytest

from alignsim.kernels import dense
from alignsim.kernels.compile import kernel


@kernel
def solve(matrix, columns):
    return dense.solve(matrix, columns)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_the_volume_of_a_permutation_is_one(size):
    for order in itertools.permutations(range(size)):
        volume = dense.log_volume(np.eye(size)[list(order)], np.empty((size, size)))
        assert volume == 0.0


def test_the_volume_takes_the_largest_pivot_and_is_that_of_the_inverse():
    rng = np.random.default_rng(0)
    for size in (2, 3, 6, 9):
        matrix = rng.normal(size=(size, size))
        matrix[0] *= 1e-17  # a first pivot of that size would swamp the others
        expected = np.linalg.slogdet(matrix)[1]
        volume = dense.log_volume(matrix, np.empty((size, size)))
        assert volume == pytest.approx(expected, rel=1e-13)


def test_the_volume_of_a_singular_matrix_is_zero():
    assert dense.log_volume(np.zeros((2, 2)), np.empty((2, 2))) == -np.inf


@pytest.mark.parametrize("condition", [1.0, 1e5, 1e10])
def test_vectors_are_orthonormal_at_any_condition_and_grow_by_the_diagonal_of_qr(condition):
    rng = np.random.default_rng(1)
    for d in (3, 6, 12):
        left, right = (np.linalg.qr(rng.normal(size=(d, d)))[0] for _ in range(2))
        vectors = (left * condition ** -np.linspace(0, 1, d)) @ right
        expected = np.abs(np.diag(np.linalg.qr(vectors.T)[1]))
        growth = np.empty(d)
        dense.orthonormalise(vectors, growth)
        assert np.abs(vectors @ vectors.T - np.eye(d)).max() < 1e-14
        np.testing.assert_allclose(growth, expected, rtol=1e-15 * 100 * condition)


@pytest.mark.parametrize("d", [1, 3])
def test_systems_with_a_pivot_of_zero_are_solved_with_rows_exchanged(d):
    rng = np.random.default_rng(2)
    for K in (2, 3, 5):
        matrix = rng.normal(size=(K, K))
        matrix[0, 0], matrix[-1] = 0.0, 1e-3 * matrix[-1]
        columns = rng.normal(size=(K, d))
        expected = np.linalg.solve(matrix, columns)
        assert solve(matrix, columns)
        np.testing.assert_allclose(columns, expected, rtol=1e-11)


def test_a_singular_system_is_said_to_be_one():
    assert not solve(np.zeros((2, 2)), np.ones((2, 1)))
