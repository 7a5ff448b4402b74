from dataclasses import replace

import numpy as np
import pytest

import alignsim as asim
from alignsim.errors import MissingPairsError


@pytest.fixture
def votes():
    """a beats b twice and ties once, c beats b; a never meets c."""
    return asim.data.Comparisons.from_names("aabb", "bbac", [1, 1, 0.5, 0], judges="wxyz")


@pytest.fixture(scope="module")
def llmfao(data):
    return asim.data.read_comparisons(data / "llmfao_crowd.csv")


def test_wins_count_ties_half(votes):
    assert votes.labels == ("a", "b", "c")
    assert votes.wins.tolist() == [[0, 2.5, 0], [0.5, 0, 0], [0, 1, 0]]


def test_matrix_needs_every_pair_or_a_prior(votes):
    with pytest.raises(MissingPairsError, match=r"'a' and 'c' \(0\); pass smoothing=1"):
        votes.matrix()
    P = votes.matrix(smoothing=1.0)
    assert P[0, 1] == pytest.approx(3 / 4)
    assert P[0, 2] == 0.5
    assert P[2, 1] == pytest.approx(1.5 / 2)


@pytest.mark.parametrize(("share", "told"), [(-1, "is -1"), (2, "is 2"), (float("nan"), "is nan")])
def test_a_share_that_is_none_is_refused(share, told):
    with pytest.raises(ValueError, match=rf"share\[1\] {told}"):
        asim.data.Comparisons.from_names("aa", "bb", [1, share])


@pytest.mark.parametrize("count", [0, -1, float("nan")])
def test_a_count_that_is_none_is_refused(count):
    with pytest.raises(ValueError, match=r"count\[1\] is"):
        asim.data.Comparisons.from_names("aa", "bb", [1, 1], count=[1, count])


def test_rows_that_stand_for_several_votes_weigh_so_much():
    votes = asim.data.Comparisons.from_names("ab", "ba", [1.0, 0.25], count=[3, 4])
    assert votes.votes == 7
    assert votes.wins.tolist() == [[0, 3 + 4 * 0.75], [4 * 0.25, 0]]


def test_resampling_redraws_as_many_votes_as_the_rows_stand_for():
    votes = asim.data.Comparisons.from_names("aab", "bbc", [1, 0, 1], count=[300, 100, 50])
    drawn = [votes.resample(seed) for seed in range(50)]
    assert {again.votes for again in drawn} == {450}
    share = np.mean([again.wins[0, 1] / again.wins[1, 2] for again in drawn])
    assert 5 < share < 7
    within = votes.resample(0, within_pairs=True).wins
    assert within[0, 1] + within[1, 0] == 400
    assert within[0, 1] != 300


def test_votes_are_split_by_prompt_or_judge_or_not_at_all():
    votes = asim.data.Comparisons.from_names("abb", "bca", [1, 1, 0.5], prompts="pqp", judges="xxy")
    parts = votes.split()
    assert list(parts) == ["p", "q"]
    assert parts["p"].labels == ("a", "b")
    assert parts["p"].wins.tolist() == [[0, 1.5], [0.5, 0]]
    assert parts["p"].judges == ("x", "y")
    assert parts["p"].split()[""] is parts["p"]
    assert parts["q"].labels == ("b", "c")
    assert [len(part) for part in votes.by_judge().values()] == [2, 1]
    assert list(replace(votes, by="").split()) == [""]
    assert list(replace(votes, by="judge").split()) == ["x", "y"]
    with pytest.raises(ValueError, match="by is 'rater'"):
        replace(votes, by="rater")


def test_restriction_keeps_the_order_given(votes):
    pair = votes.restrict(["b", "a"])
    assert pair.labels == ("b", "a")
    assert len(pair) == 3
    assert [pair.judges[j] for j in pair.judge] == ["w", "x", "y"]
    assert pair.matrix()[1, 0] == pytest.approx(2.5 / 3)


def test_restriction_refusals(votes):
    with pytest.raises(ValueError, match="labels is 'z'; known: 'a', 'b', 'c'"):
        votes.restrict(["a", "z"])
    with pytest.raises(ValueError, match="name at least two, each once"):
        votes.restrict(["a", "a"])
    with pytest.raises(ValueError, match="; no vote compares two of them; name others"):
        votes.restrict(["a", "c"])


def test_resampling_draws_votes_with_replacement(llmfao):
    again = llmfao.resample(0)
    assert again.votes == len(llmfao)
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
        ({"share": np.array([0, 2])}, r"share\[1\] is 2"),
        ({"prompt": np.array([0, 1])}, r"prompt\[1\] is 1; indices run from 0 to 0"),
        ({"right": np.array([1, 0])}, r"left\[1\] and right\[1\] are both 'a'"),
    ],
)
def test_parts_must_fit_together(change, message):
    parts = {
        "labels": ("a", "b"),
        "left": np.array([0, 0]),
        "right": np.array([1, 1]),
        "share": np.array([0, 1]),
        "count": np.ones(2),
        "judges": ("",),
        "judge": np.array([0, 0]),
        "prompts": ("",),
        "prompt": np.array([0, 0]),
    }
    with pytest.raises(ValueError, match=message):
        asim.data.Comparisons(**(parts | change))


def test_llmfao(llmfao, named):
    assert len(llmfao) == 8_931
    assert len(llmfao.labels) == 59
    assert [(llmfao.share == code).sum() for code in (1, 0.5, 0)] == [2911, 3471, 2549]
    entry = named["llmfao_clique10"]
    P = llmfao.restrict(entry["labels"]).matrix(min_votes=5)
    assert np.allclose(P, entry["P"], rtol=0, atol=1e-9)
    with pytest.raises(MissingPairsError, match=r"784 of 1711 pairs .* pass smoothing=1"):
        llmfao.matrix()


def test_pandalm(data, named):
    votes = asim.data.read_comparisons(data / "pandalm_human.csv")
    assert len(votes) == 999 * 3
    assert list(votes.labels) == named["pandalm5"]["labels"]
    assert np.allclose(votes.matrix(), named["pandalm5"]["P"], rtol=0, atol=1e-9)
    assert votes.judges == ("a1", "a2", "a3")
