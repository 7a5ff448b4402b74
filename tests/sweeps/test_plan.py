"""Chunks: boxes that cover the grid, each one run of the flat grid, from the recipe alone."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsim.sweeps import plan
from alignsim.sweeps.plan import Plan


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 6), max_size=4), st.integers(1, 200))
def test_chunks_cover_every_map_once_and_in_order(shape, most):
    made = Plan.of(tuple(shape), most)
    flat = np.arange(made.size).reshape(shape)
    seen = []
    for chunk in made:
        inside = flat[made.region(chunk)].ravel()
        first, last = made.span(chunk)
        assert inside.tolist() == list(range(first, last))
        assert 1 <= len(inside) <= most
        seen += inside.tolist()
    assert seen == list(range(made.size))
    assert len(made) == int(np.prod(made.pieces))


def test_chunks_of_one_axis_are_as_equal_as_can_be():
    made = Plan.of((1001,), 500)
    sizes = [last - first for first, last in map(made.span, made)]
    assert sizes == [334, 334, 333]
    assert Plan.of((5000, 64, 64), 131072).box == (32, 64, 64)
    assert Plan.of((3, 10**6), 131072).box == (1, 125000)


@pytest.mark.parametrize("linear", [True, False])
def test_a_chunk_takes_about_a_second_within_its_bounds(linear):
    for K, rounds in itertools.product([2, 3, 4, 8, 20, 64], [0, 100, 3000, 10**5]):
        maps = plan.maps_a_chunk(K, rounds, linear)
        cost = maps * plan.seconds_a_map(K, rounds, linear)
        least = plan.LEAST_MAPS if linear else plan.LEAST_MAPS // 2
        assert least <= maps <= plan.MOST_MAPS
        assert cost <= plan.CHUNK_SECONDS or maps == least
        assert cost >= 0.9 or maps in (plan.MOST_MAPS, plan.MOST_ENTRIES // K**2)
        assert maps * K**2 <= plan.MOST_ENTRIES
    assert plan.maps_a_chunk(1000, 3000, linear) == 1


def test_the_cost_grows_with_everything():
    cost = plan.seconds_a_map
    assert cost(4, 0, True) < cost(5, 0, True) < cost(5, 10, True) < cost(5, 10, False)
