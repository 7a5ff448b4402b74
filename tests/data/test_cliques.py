from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsim.data.cliques import largest_clique


def _size_by_enumeration(linked):
    vertices = range(len(linked))
    for size in range(len(linked), 0, -1):
        for chosen in combinations(vertices, size):
            if all(linked[i, j] for i, j in combinations(chosen, 2)):
                return size
    return 0


@settings(deadline=None)
@given(st.integers(1, 8), st.integers(0, 10**6), st.floats(0, 1))
def test_as_large_as_enumeration_finds(count, seed, density):
    upper = np.triu(np.random.default_rng(seed).random((count, count)) < density, 1)
    linked = upper | upper.T
    clique = largest_clique(linked)
    assert all(linked[i, j] for i, j in combinations(clique, 2))
    assert len(clique) == _size_by_enumeration(linked)
    assert list(clique) == sorted(clique)


def test_many_disjoint_groups_do_not_explode():
    groups = np.arange(60) % 20
    linked = groups[:, None] != groups[None, :]
    assert len(largest_clique(linked)) == 20


def test_a_search_without_budget_ends_without_an_answer():
    linked = ~np.eye(30, dtype=bool)
    assert largest_clique(linked, budget=400) is None
    assert len(largest_clique(linked, budget=30 * 29 / 2)) == 30


def test_a_clique_may_be_larger_than_the_depth_of_pythons_stack():
    linked = np.ones((1200, 1200), dtype=bool)
    linked[0, 1] = linked[1, 0] = False
    assert len(largest_clique(linked, budget=10**7)) == 1199
