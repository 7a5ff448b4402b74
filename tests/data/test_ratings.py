from itertools import combinations
from math import comb

import numpy as np
import pytest

import alignsim as asim
from alignsim import preferences as prefs
from alignsim.errors import MissingPairsError


def _ratings(*scores, responses=None):
    """Return ratings of prompts "p0", "p1"... from arrays (responses, raters, attributes)."""
    arrays = tuple(np.array(s, dtype=float) for s in scores)
    return asim.data.Ratings(
        prompts=tuple(f"p{n}" for n in range(len(arrays))),
        responses=tuple(tuple(f"r{i}" for i in range(a.shape[0])) for a in arrays)
        if responses is None
        else responses,
        raters=tuple(tuple(f"j{i}" for i in range(a.shape[1])) for a in arrays),
        attributes=tuple(f"a{i}" for i in range(arrays[0].shape[2])),
        scores=arrays,
    )


@pytest.fixture
def uneven():
    """Three prompts with 2, 4 and 1 responses."""
    draw = np.random.default_rng(0)
    return _ratings(*(draw.integers(0, 5, size=(k, 3, 2)) for k in (2, 4, 1)))


@pytest.fixture(scope="module")
def hanna(data):
    return asim.data.read_ratings(data / "hanna_ratings.csv")


def test_aggregates_skip_missing_raters():
    ratings = _ratings([[[np.nan, 1], [2, 2], [5, 4]], [[1, 1], [1, np.nan], [1, 1]]])
    assert ratings.aggregate()[0].tolist() == [[3.5, 7 / 3], [1, 1]]
    assert ratings.aggregate("median")[0].tolist() == [[3.5, 2], [1, 1]]
    assert ratings.aggregate("first")[0].tolist() == [[2, 1], [1, 1]]


def test_halves_are_rounded_up():
    ratings = _ratings([[[2], [3]], [[0], [1]], [[-2], [-3]]])
    assert ratings.aggregate(rounding="nearest")[0].ravel().tolist() == [3, 1, -2]


def test_aggregate_refusals():
    ratings = _ratings([[[1, np.nan]], [[1, 1]]])
    with pytest.raises(ValueError, match="prompt 'p0': nobody scored response 'r0' on 'a1'"):
        ratings.aggregate()
    with pytest.raises(ValueError, match="raters is 'mode'"):
        ratings.aggregate("mode")
    with pytest.raises(ValueError, match=r"rounding is 'up'; .*'nearest'"):
        ratings.aggregate(rounding="up")


def test_one_stack_a_size_and_the_rest_counted(uneven):
    stacks = uneven.matrices("mean")
    assert list(stacks) == [2, 4]
    assert stacks.skipped == ("p2",)
    assert stacks[4].names == ("p1",)
    assert stacks[4].labels == (("r0", "r1", "r2", "r3"),)
    expected = asim.data.from_scores(uneven.aggregate()[1], recipe="mean")
    assert np.allclose(stacks[4].P[0], expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("recipe", ["mean", "mean-score", "votes"])
def test_subsets_are_submatrices(uneven, recipe):
    whole = uneven.matrices(recipe)[4].P[0]
    trios = uneven.matrices(recipe, subsets=3)
    assert list(trios) == [3]
    assert trios.skipped == ("p0", "p2")
    assert len(trios[3]) == comb(4, 3)
    for n, rows in enumerate(combinations(range(4), 3)):
        assert np.allclose(trios[3].P[n], whole[np.ix_(rows, rows)], rtol=0, atol=1e-15)
        assert trios[3].labels[n] == tuple(f"r{i}" for i in rows)


def test_votes_count_every_rater_and_attribute():
    ratings = _ratings(
        [[[3, 1], [2, np.nan]], [[1, 1], [2, 5]]],
        [[[1, 1], [1, 1], [1, 1]], [[0, 0], [0, 0], [0, 2]]],
    )
    P = ratings.matrices("votes")[2].P
    assert P[0, 0, 1] == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert P[1, 0, 1] == pytest.approx(5 / 6)


def test_votes_refuse_responses_without_a_common_rater():
    ratings = _ratings([[[1], [np.nan]], [[np.nan], [1]]])
    with pytest.raises(MissingPairsError, match="prompt 'p0': no rater scored 'r0' and 'r1'"):
        ratings.matrices("votes")


def test_matrices_refusals(uneven):
    with pytest.raises(ValueError, match="recipe is 'vote'; did you mean 'votes'"):
        uneven.matrices("vote")
    with pytest.raises(ValueError, match="subsets is 1"):
        uneven.matrices(subsets=1)
    with pytest.raises(
        ValueError, match="subsets is 5, but no prompt has as many responses; pass subsets=4"
    ):
        uneven.matrices(subsets=5)
    with pytest.raises(ValueError, match="temperature is 0"):
        uneven.matrices(temperature=0)


def test_pooling_over_prompts_with_different_responses():
    ratings = _ratings(
        [[[2], [2]], [[1], [3]]],
        [[[5]], [[4]], [[5]]],
        responses=(("a", "b"), ("c", "b", "a")),
    )
    pooled = ratings.pooled()
    assert pooled.labels == (("a", "b"),)
    assert pooled.P[0, 1] == pytest.approx((1 + 0 + 1) / 3)
    three = ratings.pooled(responses=["c", "a", "b"])
    assert three.P[0].tolist() == [0.5, 0.5, 1.0]


def test_pooling_refusals():
    apart = _ratings(
        [[[1]], [[2]]], [[[1]], [[2]]], [[[1]], [[2]]], [[[1]], [[2]]],
        responses=(("a", "b"), ("b", "c"), ("a", "b"), ("b", "c")),
    )  # fmt: skip
    with pytest.raises(MissingPairsError, match=r"'a' and 'c' \(0\).*pass smoothing=1"):
        apart.pooled()
    assert apart.pooled(smoothing=1.0).P[0, 2] == 0.5
    with pytest.raises(ValueError, match="responses is 'z'"):
        apart.pooled(responses=["a", "z"])
    with pytest.raises(ValueError, match="name at least two, each once"):
        apart.pooled(responses=["a", "a"])
    unique = _ratings([[[1]], [[2]]], [[[1]], [[2]]], responses=(("a", "b"), ("c", "d")))
    with pytest.raises(ValueError, match="no two responses recur between prompts; use matrices"):
        unique.pooled()
    double = _ratings([[[1]], [[2]], [[3]]], responses=(("a", "a", "b"),))
    with pytest.raises(ValueError, match="one prompt has two responses of the same name"):
        double.pooled()


def test_parts_must_fit_together():
    with pytest.raises(ValueError, match=r"scores\[0\] has shape \(2, 1, 1\).*\(3, 1, 1\)"):
        _ratings([[[1]], [[2]]], responses=(("a", "b", "c"),))
    with pytest.raises(ValueError, match="responses has 2 entries for 1 prompts"):
        _ratings([[[1]], [[2]]], responses=(("a", "b"), ("a", "b")))


def test_resampling_draws_whole_raters_within_prompts(hanna):
    again = hanna.resample(4)
    for before, after, raters in zip(hanna.scores, again.scores, again.raters, strict=True):
        picks = [int(rater) - 1 for rater in raters]
        assert np.array_equal(after, before[:, picks])
    assert again.raters != hanna.raters
    assert hanna.resample(4).raters == again.raters


def test_bootstrap_spread_is_that_of_raters(hanna):
    draw = np.random.default_rng(0)
    pooled = np.array([hanna.resample(draw).pooled().P for _ in range(60)])
    spread = pooled.std(axis=0)[np.triu_indices(11, 1)]
    assert spread.min() > 0.002
    assert spread.max() < 0.02


def test_hanna_counts_and_named_matrices(hanna, named):
    assert len(hanna.prompts) == 96
    assert {scores.shape for scores in hanna.scores} == {(11, 3, 6)}
    pooled, entry = hanna.pooled(), named["hanna_systems_all_votes"]
    assert list(pooled.labels[0]) == entry["labels"]
    assert np.allclose(pooled.P, entry["P"], rtol=0, atol=1e-9)
    votes, entry = hanna.matrices("votes")[11], named["hanna_votes_prompt0"]
    assert list(votes.labels[0]) == entry["labels"]
    assert np.allclose(votes.P[0], entry["P"], rtol=0, atol=1e-9)
    assert hanna.pooled(min_votes=1728).responses == 11


def test_hanna_rates_depend_on_the_recipe(hanna):
    drawn = hanna.matrices("random-attribute", subsets=4, rounding="nearest", rng=0)[4]
    assert len(drawn) == 31_680
    found = prefs.structure(drawn.P)
    assert 100 * found.cyclic.mean() == pytest.approx(2.87, abs=3 * 0.06)
    assert 100 * found.strongly_transitive.mean() == pytest.approx(52.5, abs=3 * 0.3)
    averaged = hanna.matrices("mean", subsets=4, rounding="nearest")[4]
    assert prefs.is_cyclic(averaged.P).sum() == 0
