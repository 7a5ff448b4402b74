import gzip

import numpy as np
import pytest

import alignsim as asim
from alignsim import preferences as prefs
from alignsim.data import ratings as rated


def _scores(**options):
    """The scores of made-up ratings, (prompts, responses, attributes)."""
    return np.stack(asim.data.synthetic_ratings(**options).aggregate("first"))


def test_shapes_labels_and_scale():
    ratings = asim.data.synthetic_ratings(
        prompts=300, responses=5, attributes=3, levels=4, correlation=0.5, rng=0
    )
    assert len(ratings.prompts) == len(set(ratings.prompts)) == 300
    assert ratings.attributes == ("attribute 0", "attribute 1", "attribute 2")
    assert {scores.shape for scores in ratings.scores} == {(5, 1, 3)}
    assert set(np.unique(ratings.scores)) == {0.0, 1.0, 2.0, 3.0}


def test_default_is_as_large_as_the_training_split_of_helpsteer():
    ratings = asim.data.synthetic_ratings(rng=0)
    assert len(ratings.prompts) == 8832
    assert ratings.attributes == rated.HELPSTEER_ATTRIBUTES
    assert set(np.unique(ratings.scores)) == set(range(5))


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.8])
def test_correlation_is_between_attributes_of_one_response(correlation):
    # 400 levels make rounding and clipping negligible
    scores = _scores(prompts=20_000, responses=2, attributes=2, levels=400,
                     correlation=correlation, rng=1)  # fmt: skip
    found = np.corrcoef(scores.reshape(-1, 4).T)
    error = 4 / np.sqrt(20_000)
    assert found[0, 1] == pytest.approx(correlation, abs=error)
    assert found[2, 3] == pytest.approx(correlation, abs=error)
    assert found[:2, 2:] == pytest.approx(np.zeros((2, 2)), abs=error)
    assert scores.mean() == pytest.approx(199.5, abs=1.5)
    assert scores.std() == pytest.approx(399 * 0.22, rel=0.03)


def test_at_full_correlation_attributes_agree_and_nothing_is_cyclic():
    scores = _scores(prompts=400, correlation=1.0, rng=2)
    assert (scores == scores[..., :1]).all()
    P = asim.data.from_scores(scores, rng=0)
    assert prefs.is_strongly_transitive(P).all()


def test_rates_of_the_recipe_are_those_of_the_theory():
    """Weak SST 64 %, strict below 1 %, cyclic 0.9 % (theory 9), each to its rounding."""
    P = asim.data.synthetic_ratings(prompts=40_000, rng=3).matrices(rng=4)[4].P
    found = prefs.structure(P)
    assert found.strongly_transitive.mean() == pytest.approx(0.64, abs=0.012)
    assert 0.004 < found.strictly_strongly_transitive.mean() < 0.01
    assert found.cyclic.mean() == pytest.approx(0.009, abs=0.0015)


def test_one_seed_gives_the_same_ratings():
    first, again = (_scores(prompts=5, rng=6) for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, _scores(prompts=5, rng=7))
    draw = np.random.default_rng(6)
    assert np.array_equal(first, _scores(prompts=5, rng=draw))
    assert not np.array_equal(first, _scores(prompts=5, rng=draw))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompts": 0}, "prompts is 0"),
        ({"responses": 1}, "responses is 1"),
        ({"attributes": 0}, "attributes is 0"),
        ({"levels": 1}, "levels is 1"),
        ({"correlation": 1.1}, r"correlation is 1.1; it must be in \[0, 1\]"),
        ({"correlation": -0.1}, "correlation is -0.1"),
        ({"correlation": [0.1, 0.2]}, "give one number"),
        ({"rng": "seed"}, "rng is 'seed'"),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        asim.data.synthetic_ratings(**{"prompts": 2} | options)


# writing


@pytest.mark.parametrize("name", ["train.jsonl", "train.jsonl.gz"])
def test_written_ratings_are_read_back(tmp_path, name):
    ratings = asim.data.synthetic_ratings(prompts=7, responses=3, rng=0)
    path = tmp_path / name
    asim.data.write_helpsteer(ratings, path)
    for read in (asim.data.read_helpsteer, asim.data.read):
        again = read(path)
        assert again.prompts == ratings.prompts
        assert again.responses == ratings.responses
        assert again.attributes == ratings.attributes
        assert np.array_equal(again.scores, ratings.scores)
    before = path.read_bytes()
    asim.data.write_helpsteer(ratings, path)
    assert path.read_bytes() == before


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    ratings = asim.data.synthetic_ratings(prompts=3, rng=0)
    path = tmp_path / "a.jsonl"
    asim.data.write_helpsteer(ratings, path)
    before = path.read_bytes()

    def disk_full(part, content):
        with part.open("wb") as file:
            file.write(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "write_bytes", disk_full)
    with pytest.raises(OSError, match=r"a\.jsonl' cannot be written: No space left"):
        asim.data.write_helpsteer(asim.data.synthetic_ratings(prompts=5, rng=1), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.jsonl"]


def test_the_layout_is_one_record_a_response(tmp_path):
    ratings = asim.data.Ratings(
        prompts=("tea?",),
        responses=(("grün", "black"),),
        raters=(("ann",),),
        attributes=("taste", "smell"),
        scores=(np.array([[[3.0, 2.5]], [[0.0, 4.0]]]),),
    )
    asim.data.write_helpsteer(ratings, tmp_path / "a.jsonl.gz")
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).decode() == (
        '{"prompt": "tea?", "response": "grün", "taste": 3, "smell": 2.5}\n'
        '{"prompt": "tea?", "response": "black", "taste": 0, "smell": 4}\n'
    )


def test_what_does_not_fit_the_layout_is_refused(tmp_path):
    def ratings(*scores):
        names = tuple(f"rater {r}" for r in range(len(scores)))
        return asim.data.Ratings(("tea",), (("a",),), (names,), ("taste",), (np.array([scores]),))

    path = tmp_path / "a.jsonl"
    with pytest.raises(ValueError, match="'tea' has 2 raters"):
        asim.data.write_helpsteer(ratings([1.0], [2.0]), path)
    with pytest.raises(ValueError, match="'tea' lacks a score"):
        asim.data.write_helpsteer(ratings([np.nan]), path)
    with pytest.raises(ValueError, match=r"must end in \.jsonl or \.jsonl\.gz"):
        asim.data.write_helpsteer(ratings([1.0]), tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())
