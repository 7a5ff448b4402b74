import sys
from dataclasses import fields
from itertools import combinations, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsim import preferences as prefs

LEVELS = np.array([0.1, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9])


@st.composite
def matrices(draw, min_responses=2, max_responses=5):
    """Preference matrices with few levels, so that ties and equal margins are common."""
    count = draw(st.integers(min_responses, max_responses))
    P = np.full((count, count), 0.5)
    for i, j in combinations(range(count), 2):
        P[i, j] = draw(st.sampled_from(LEVELS))
        P[j, i] = 1 - P[i, j]
    return P


def _beats(P):
    return P - 0.5 > 1e-9


def _naive_winner(P):
    for c in range(len(P)):
        if all(_beats(P)[c, j] for j in range(len(P)) if j != c):
            return c
    return -1


def _naive_smith(P):
    everyone = range(len(P))
    for size in range(1, len(P) + 1):
        for inside in combinations(everyone, size):
            outside = set(everyone) - set(inside)
            if all(_beats(P)[i, j] for i in inside for j in outside):
                return [i in inside for i in everyone]
    raise AssertionError


def _naive_cyclic(P):
    return any(
        all(_beats(P)[a, b] for a, b in zip(order, (*order[1:], order[0]), strict=True))
        for size in range(3, len(P) + 1)
        for order in permutations(range(len(P)), size)
    )


def _naive_weak(P):
    at_least = P >= 0.5 - 1e-9
    everyone = range(len(P))
    return all(
        at_least[i, k]
        for i, j, k in product(everyone, repeat=3)
        if at_least[i, j] and at_least[j, k]
    )


def _naive_dominance(P, strict):
    def above(i, j):
        return (P[i] > P[j] + 1e-9).all() if strict else (P[i] >= P[j] - 1e-9).all()

    return any(
        all(above(i, j) for i, j in combinations(order, 2)) for order in permutations(range(len(P)))
    )


@settings(deadline=None)
@given(matrices())
def test_against_definitions_by_enumeration(P):
    found = prefs.structure(P)
    assert found.condorcet_winner == _naive_winner(P)
    assert found.smith_set.tolist() == _naive_smith(P)
    assert found.cyclic == _naive_cyclic(P)
    assert found.weakly_transitive == _naive_weak(P)
    assert found.strongly_transitive == _naive_dominance(P, strict=False)
    assert found.strictly_strongly_transitive == _naive_dominance(P, strict=True)
    assert found.ties == sum(abs(P[i, j] - 0.5) < 1e-9 for i, j in combinations(range(len(P)), 2))


@settings(deadline=None)
@given(matrices(min_responses=3), st.randoms(use_true_random=False))
def test_permutation_equivariance(P, random):
    order = list(range(len(P)))
    random.shuffle(order)
    before, after = prefs.structure(P), prefs.structure(P[np.ix_(order, order)])
    winner = int(before.condorcet_winner)
    assert after.condorcet_winner == (-1 if winner < 0 else order.index(winner))
    assert np.array_equal(after.smith_set, before.smith_set[order])
    for name in (
        "cyclic",
        "weakly_transitive",
        "strongly_transitive",
        "strictly_strongly_transitive",
        "bradley_terry_residual",
        "additive_residual",
        "curl_share",
        "ties",
    ):
        assert getattr(after, name) == pytest.approx(getattr(before, name), abs=1e-12)


@settings(deadline=None)
@given(st.lists(matrices(4, 4), min_size=6, max_size=6))
def test_a_batch_is_its_members(members):
    batch = prefs.structure(np.reshape(members, (2, 3, 4, 4)))
    for index, P in zip(np.ndindex(2, 3), members, strict=True):
        alone = prefs.structure(P)
        for field in fields(batch):
            if field.name != "tolerance":
                whole = getattr(batch, field.name)
                assert whole.shape[:2] == (2, 3)
                assert np.array_equal(whole[index], getattr(alone, field.name))


@settings(deadline=None)
@given(matrices(min_responses=3))
def test_residual_is_the_least_squares_residual(P):
    count = len(P)
    logit = np.log(P / (1 - P))
    design = np.array(
        [np.eye(count)[i] - np.eye(count)[j] for i, j in product(range(count), repeat=2)]
    )
    r = np.linalg.lstsq(design, logit.ravel(), rcond=None)[0]
    left = logit.ravel() - design @ r
    assert prefs.bradley_terry_residual(P) == pytest.approx(np.abs(left).max(), abs=1e-12)
    total = (logit**2).sum()
    share = (left**2).sum() / total if total else 0.0
    assert prefs.curl_share(P) == pytest.approx(share, abs=1e-12)


def test_tolerance_decides_ties():
    P = [[0.5, 0.501], [0.499, 0.5]]
    assert prefs.ties(P) == 0
    assert prefs.condorcet_winner(P) == 0
    assert prefs.ties(P, tolerance=0.01) == 1
    assert prefs.condorcet_winner(P, tolerance=0.01) == -1
    assert prefs.structure(P, tolerance=0.01).tolerance == 0.01


def test_zero_tolerance_keeps_weak_and_strict_apart():
    tied_top = [[0.5, 0.5, 0.75], [0.5, 0.5, 0.75], [0.25, 0.25, 0.5]]
    assert prefs.is_strongly_transitive(tied_top, tolerance=0)
    assert not prefs.is_strictly_strongly_transitive(tied_top, tolerance=0)


def test_certain_wins_have_an_infinite_residual_and_a_limiting_curl():
    P = np.full((4, 4), 0.5)
    P[0, 1], P[1, 0] = 1.0, 0.0
    assert prefs.bradley_terry_residual(P) == np.inf
    near = P.copy()
    near[0, 1], near[1, 0] = 1 - 1e-12, 1e-12
    assert prefs.curl_share(P) == pytest.approx(prefs.curl_share(near), abs=1e-12)
    assert prefs.additive_residual(P) == pytest.approx(0.25)


def test_circulants_have_no_winner_and_full_curl():
    found = prefs.structure(prefs.cyclic(7, advantage=[0.1, 0.4]))
    assert (found.condorcet_winner == -1).all()
    assert found.smith_set.all()
    assert found.cyclic.all()
    assert np.allclose(found.curl_share, 1)


def test_named_matrices_agree_with_their_flags(named):
    assert len(named) == 24
    for name, entry in named.items():
        P = np.array(entry["P"])
        found = prefs.structure(P)
        flags = {
            "cyclic": bool(found.cyclic),
            "condorcet_winner": bool(found.condorcet_winner >= 0),
            "wst": bool(found.weakly_transitive),
            "sst": bool(found.strongly_transitive),
        }
        assert flags == {flag: entry[flag] for flag in flags}, name
        clipped = np.clip(P, 1e-12, 1 - 1e-12)
        assert prefs.bradley_terry_residual(clipped) == pytest.approx(
            entry["bt_residual"], abs=1e-6, rel=2e-6
        ), name
        assert prefs.curl_share(clipped) == pytest.approx(entry["curl_share"], abs=1e-6), name
    assert prefs.is_strictly_strongly_transitive(named["pandalm5"]["P"])


def test_hanna_classes(data):
    with np.load(data / "hanna_K4_int.npz", allow_pickle=False) as archive:
        found = {
            name: prefs.structure(archive[f"{name}_P"])
            for name in ("cyclic", "sst_strict", "sst_with_ties", "acyclic_not_sst")
        }
    assert len(found["cyclic"].cyclic) == 899
    assert found["cyclic"].cyclic.all()
    assert (found["cyclic"].condorcet_winner == -1).sum() == 799
    for name in ("sst_strict", "sst_with_ties"):
        assert found[name].strongly_transitive.all()
        assert not found[name].cyclic.any()
    assert (found["sst_strict"].ties == 0).all()
    assert (found["sst_with_ties"].ties > 0).all()
    assert not found["acyclic_not_sst"].strongly_transitive.any()
    assert not found["acyclic_not_sst"].cyclic.any()


def test_refusals():
    with pytest.raises(ValueError, match=r"P\[0, 1\] \+ P\[1, 0\] is 0.9"):
        prefs.structure([[0.5, 0.4], [0.5, 0.5]])
    with pytest.raises(ValueError, match="tolerance is -1"):
        prefs.is_cyclic(prefs.cyclic(3, advantage=0.3), tolerance=-1)


@pytest.mark.parametrize("levels", [2, 10, 1000])
def test_large_matrices_are_judged_as_small_ones(monkeypatch, levels):
    """One after another, by their strong components, where a relation would be closed in K³."""
    rng = np.random.default_rng(levels)
    upper = np.triu(rng.integers(-levels, levels + 1, (200, 6, 6)), 1) / (2 * levels)
    upper[:100] = np.abs(upper[:100])
    P = 0.5 + upper - np.swapaxes(upper, -1, -2)
    closed = prefs.is_cyclic(P)
    monkeypatch.setattr(sys.modules[prefs.is_cyclic.__module__], "SMALL", 1)
    np.testing.assert_array_equal(prefs.is_cyclic(P), closed)
    assert 0 < closed.sum() < 200


@pytest.mark.parametrize("levels", [1, 3, 1000])
@pytest.mark.parametrize("K", [2, 3, 5, 8])
def test_the_smith_set_is_what_reaches_every_other_along_unbeaten_steps(K, levels):
    from alignsim.preferences.graphs import reachable

    upper = np.triu(np.random.default_rng(K).integers(-levels, levels + 1, (300, K, K)), 1)
    P = 0.5 + (upper - np.swapaxes(upper, -1, -2)) / (2 * levels)
    unbeaten = P >= 0.5
    np.testing.assert_array_equal(prefs.smith_set(P), reachable(unbeaten).all(axis=-1))


def test_tolerances_do_not_add_up_along_an_order():
    """Each row dominates the next within 0.1, but not the one after it."""
    upper = 0.04 * np.array([[0, -1, -2, -1], [0, 0, -3, 1], [0, 0, 0, -2], [0, 0, 0, 0]])
    P = 0.5 + upper - upper.T
    assert not prefs.is_strongly_transitive(P, tolerance=0.1)
    assert prefs.is_strongly_transitive(P, tolerance=0.3)
