import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsim import preferences as prefs
from alignsim import validation


def test_random_skew_margins_are_uniform():
    P = validation.preference_matrix(prefs.random_skew(4, size=5000, max_margin=0.2, rng=0))
    margins = (P - 0.5)[:, *np.triu_indices(4, 1)]
    assert np.abs(margins).max() <= 0.2
    assert margins.mean() == pytest.approx(0.0, abs=5 * 0.2 / np.sqrt(3 * margins.size))
    assert (margins**2).mean() == pytest.approx(0.2**2 / 3, rel=0.03)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 60), st.integers(0, 10**6), st.floats(0.01, 0.5))
def test_strictly_strongly_transitive_ensemble_keeps_its_promise(responses, seed, bound):
    P = prefs.random_strictly_strongly_transitive(
        responses, size=(2, 2), max_margin=bound, rng=seed
    )
    assert (P[..., :-1, :] > P[..., 1:, :]).all()
    assert prefs.is_strictly_strongly_transitive(P).all()
    assert (prefs.condorcet_winner(P) == 0).all()
    largest = P[..., 0, -1] - 0.5
    assert (largest <= bound + 1e-15).all()
    assert (largest >= bound / 2 - 1e-15).all()


@pytest.mark.parametrize("build", [prefs.random_skew, prefs.random_strictly_strongly_transitive])
class TestEveryEnsemble:
    def test_shapes(self, build):
        assert build(3).shape == (3, 3)
        assert build(3, size=4).shape == (4, 3, 3)
        assert build(3, size=(2, 5)).shape == (2, 5, 3, 3)

    def test_seed_and_generator_agree(self, build):
        from_seed = build(4, size=3, rng=5)
        assert np.array_equal(from_seed, build(4, size=3, rng=np.random.default_rng(5)))
        assert not np.array_equal(from_seed, build(4, size=3, rng=6))

    def test_refusals(self, build):
        with pytest.raises(ValueError, match="responses is 1"):
            build(1)
        with pytest.raises(ValueError, match="size is 0"):
            build(3, size=0)
        with pytest.raises(ValueError, match=r"max_margin is 0.7; it must be in \[0, 0.5\]"):
            build(3, max_margin=0.7)
        with pytest.raises(ValueError, match="max_margin has shape"):
            build(3, max_margin=[0.1, 0.2])
        with pytest.raises(ValueError, match=r"rng is 'seed'.*whole number"):
            build(3, rng="seed")


def test_default_margins_vary_and_stop_short_of_certainty():
    P = prefs.random_strictly_strongly_transitive(5, size=2000, rng=0)
    assert P.max() < 1
    assert P[:, 0, -1].mean() == pytest.approx(0.5 + 0.375, abs=5 * 0.25 / np.sqrt(12 * 2000))


def test_strict_transitivity_needs_some_margin():
    with pytest.raises(ValueError, match="max_margin is 0"):
        prefs.random_strictly_strongly_transitive(3, max_margin=0.0)
