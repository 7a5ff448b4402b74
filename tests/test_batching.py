import tracemalloc
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from alignsim.batching import Batched


@dataclass(frozen=True)
class Spots(Batched):
    AXES: ClassVar = {"place": 1}

    size: np.ndarray
    place: np.ndarray

    @cached_property
    def total(self):
        return self.size.sum()


def test_a_few_instances_are_taken_without_a_copy_of_all_that_share_a_value():
    many = 10**6
    spots = Spots(np.arange(many), np.broadcast_to([1.0, 2.0, 3.0], (many, 3)))
    tracemalloc.start()
    few = spots.taken(np.array([5, 7]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert few.size.tolist() == [5, 7]
    assert few.place.tolist() == [[1.0, 2.0, 3.0]] * 2
    assert peak < many


def test_instances_are_taken_by_any_index():
    spots = Spots(np.arange(4), np.arange(12.0).reshape(4, 3))
    some = np.array([True, False, False, True])
    for which in (some, slice(1, 3), (np.array([2, 0]),), np.array([[3], [-1]]), np.int64(2)):
        taken = spots.taken(which)
        np.testing.assert_array_equal(taken.size, spots.size[which])
        np.testing.assert_array_equal(taken.place, spots.place[which])


def test_what_was_made_of_all_instances_is_made_anew_of_some():
    spots = Spots(np.arange(4), np.zeros((4, 3)))
    assert spots.total == 6
    assert spots.taken(slice(2)).total == 1
