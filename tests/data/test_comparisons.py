from itertools import combinations

import numpy as np
import pytest

import alignsim as asim
from alignsim.errors import MissingPairsError


@pytest.fixture
def votes():
    """a beats b twice and ties once, c beats b; a never meets c."""
    return asim.data.Comparisons.from_names("aabb", "bbac", [1, 1, 0, -1], judges="wxyz")


@pytest.fixture(scope="module")
def llmfao(data):
    return asim.data.read_comparisons(data / "llmfao_crowd.csv")


def test_wins_count_ties_half(votes):
    assert votes.labels == ("a", "b", "c")
    assert votes.wins.tolist() == [[0, 2.5, 0], [0.5, 0, 0], [0, 1, 0]]


def test_matrix_needs_every_pair_or_a_prior(votes):
    with pytest.raises(MissingPairsError, match=r"'a' and 'c' \(0\); keep the 2 .*restrict\(\["):
        votes.matrix()
    P = votes.matrix(smoothing=1.0)
    assert P[0, 1] == pytest.approx(3 / 4)
    assert P[0, 2] == 0.5
    assert P[2, 1] == pytest.approx(1.5 / 2)


@pytest.mark.parametrize("outcome", [0.5, -0.5, 2, float("nan"), None, "1"])
def test_an_outcome_that_is_none_is_refused(outcome):
    told = rf"outcome\[1\] is {outcome!r}; an outcome is 1 \(left won\), 0 \(tie\) or -1"
    with pytest.raises(ValueError, match=told):
        asim.data.Comparisons.from_names(
            ["a", "a"], ["b", "b"], np.array([1, outcome], dtype=object)
        )


def test_outcomes_are_kept_as_whole_numbers():
    votes = asim.data.Comparisons.from_names("aaa", "bbb", [1.0, 0.0, -1.0])
    assert votes.outcome.dtype == np.int64
    assert votes.outcome.tolist() == [1, 0, -1]
    with pytest.raises(ValueError, match=r"outcome\[0\] is 0.5"):
        asim.data.Comparisons.from_names("a", "b", [0.5])


def test_restriction_keeps_the_order_given(votes):
    pair = votes.restrict(["b", "a"])
    assert pair.labels == ("b", "a")
    assert len(pair) == 3
    assert pair.judges.tolist() == ["w", "x", "y"]
    assert pair.matrix()[1, 0] == pytest.approx(2.5 / 3)


def test_restriction_refusals(votes):
    with pytest.raises(ValueError, match="labels is 'z'; known: 'a', 'b', 'c'"):
        votes.restrict(["a", "z"])
    with pytest.raises(ValueError, match="name at least two, each once"):
        votes.restrict(["a", "a"])
    with pytest.raises(ValueError, match="; no vote compares two of them; name others"):
        votes.restrict(["a", "c"])


def test_clique_follows_the_number_of_votes(votes):
    assert votes.largest_clique(3) == ("a", "b")
    assert len(votes.largest_clique()) == 2
    assert len(votes.largest_clique(4)) == 1
    with pytest.raises(ValueError, match="min_votes is 0"):
        votes.largest_clique(0)


def test_resampling_draws_votes_with_replacement(llmfao):
    again = llmfao.resample(0)
    assert len(again) == len(llmfao)
    assert again.labels == llmfao.labels
    before, after = llmfao.wins, again.wins
    assert (after[before + before.T == 0] == 0).all()
    assert not np.array_equal(before, after)
    assert np.array_equal(after, llmfao.resample(0).wins)


def test_resampling_within_pairs_keeps_their_numbers(llmfao):
    before, again = llmfao.wins, llmfao.resample(0, within_pairs=True).wins
    assert np.array_equal(again + again.T, before + before.T)
    assert not np.array_equal(again, before)
    unanimous = (before == before + before.T) & (before > 0)
    assert np.array_equal(again[unanimous], before[unanimous])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"right": np.array([1])}, "right has 1 entries; left has 2"),
        ({"left": np.array([0, 7])}, r"left\[1\] is 7; indices run from 0 to 1"),
        ({"outcome": np.array([0, 2])}, r"outcome\[1\] is 2"),
        ({"right": np.array([1, 0])}, r"left\[1\] and right\[1\] are both 'a'"),
    ],
)
def test_parts_must_fit_together(change, message):
    parts = {
        "labels": ("a", "b"),
        "left": np.array([0, 0]),
        "right": np.array([1, 1]),
        "outcome": np.array([0, 1]),
        "judges": np.array(["", ""]),
        "prompts": np.array(["", ""]),
    }
    with pytest.raises(ValueError, match=message):
        asim.data.Comparisons(**(parts | change))


def test_llmfao(llmfao, named):
    assert len(llmfao) == 8_931
    assert len(llmfao.labels) == 59
    assert [(llmfao.outcome == code).sum() for code in (1, 0, -1)] == [2911, 3471, 2549]
    clique = llmfao.largest_clique(5)
    assert len(clique) == 10
    counts = llmfao.restrict(clique).wins
    assert all((counts + counts.T)[i, j] >= 5 for i, j in combinations(range(10), 2))
    entry = named["llmfao_clique10"]
    P = llmfao.restrict(entry["labels"]).matrix(min_votes=5)
    assert np.allclose(P, entry["P"], rtol=0, atol=1e-9)
    with pytest.raises(MissingPairsError, match=r"784 of 1711 pairs .* keep the 15 responses"):
        llmfao.matrix()


def test_pandalm(data, named):
    votes = asim.data.read_comparisons(data / "pandalm_human.csv")
    assert len(votes) == 999 * 3
    assert list(votes.labels) == named["pandalm5"]["labels"]
    assert np.allclose(votes.matrix(), named["pandalm5"]["P"], rtol=0, atol=1e-9)
    assert set(votes.judges.tolist()) == {"a1", "a2", "a3"}
