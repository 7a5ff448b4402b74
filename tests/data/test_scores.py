import numpy as np
import pytest

import alignsim as asim
from alignsim import preferences as prefs
from alignsim import validation
from alignsim.data.scores import IDLE, RECIPES


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.fixture
def scores():
    return np.random.default_rng(3).integers(0, 5, size=(6, 4, 3)).astype(float)


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_every_recipe_gives_preference_matrices(scores, recipe):
    idle = IDLE.get(recipe, ())
    given = {"temperature": 0.7, "rng": 0}
    wanted = {name: value for name, value in given.items() if name not in idle}
    P = asim.data.from_scores(scores, recipe=recipe, **wanted)
    for name in given.keys() & idle:
        with pytest.raises(ValueError, match=f"{name} is .*, but the recipe '{recipe}' does not"):
            asim.data.from_scores(scores, recipe=recipe, **wanted | {name: given[name]})
    assert P.shape == (6, 4, 4)
    assert np.allclose(validation.preference_matrix(P), P, rtol=0, atol=1e-15)


def test_random_attribute_draws_one_attribute_a_pair(scores):
    P = asim.data.from_scores(scores, temperature=2.0, rng=0)
    gaps = scores[:, :, None, :] - scores[:, None, :, :]
    distance = np.abs(P[..., None] - _sigmoid(gaps / 2.0)).min(axis=-1)
    assert distance.max() < 1e-15


def test_random_attribute_draws_all_attributes_equally_often():
    scores = np.tile([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]], (30_000, 1, 1))
    P = asim.data.from_scores(scores, rng=11)[:, 1, 0]
    for gap in (1.0, 2.0, 3.0):
        share = np.isclose(P, _sigmoid(gap)).mean()
        assert share == pytest.approx(1 / 3, abs=5 * np.sqrt(2 / 9 / 30_000))


def test_deterministic_recipes_pair_by_pair(scores):
    mean = asim.data.from_scores(scores, recipe="mean", temperature=2.0)
    mean_score = asim.data.from_scores(scores, recipe="mean-score", temperature=0.5)
    votes = asim.data.from_scores(scores, recipe="votes")
    for n, i, j in np.ndindex(6, 4, 4):
        one, other = scores[n, i], scores[n, j]
        assert mean[n, i, j] == pytest.approx(_sigmoid((one - other) / 2.0).mean())
        assert mean_score[n, i, j] == pytest.approx(_sigmoid((one.mean() - other.mean()) / 0.5))
        share = (one > other).mean() + 0.5 * (one == other).mean()
        assert votes[n, i, j] == pytest.approx(share)


def test_mean_score_is_bradley_terry(scores):
    P = asim.data.from_scores(scores, recipe="mean-score")
    assert prefs.bradley_terry_residual(P).max() < 1e-12


def test_temperature_broadcasts_as_a_batch(scores):
    P = asim.data.from_scores(scores, recipe="mean", temperature=np.array([[1.0], [3.0]]))
    assert P.shape == (2, 6, 4, 4)
    assert np.array_equal(P[1], asim.data.from_scores(scores, recipe="mean", temperature=3.0))


def test_missing_score_is_named(scores):
    scores[2, 1, 0] = np.nan
    with pytest.raises(ValueError, match=r"scores\[2, 1, 0\] is nan"):
        asim.data.from_scores(scores)


def test_refusals(scores):
    with pytest.raises(
        ValueError, match="recipe is 'random-atribute'; did you mean 'random-attribute'"
    ):
        asim.data.from_scores(scores, recipe="random-atribute")
    with pytest.raises(ValueError, match="temperature is -1"):
        asim.data.from_scores(scores, temperature=-1)
    with pytest.raises(ValueError, match=r"scores has shape \(1, 3\).*at least 2 responses"):
        asim.data.from_scores(scores[0, :1])
    with pytest.raises(ValueError, match=r"scores has shape \(3,\)"):
        asim.data.from_scores(scores[0, 0])
