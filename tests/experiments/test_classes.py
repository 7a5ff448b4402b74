import numpy as np
import pytest

import alignsim as asim
from alignsim import preferences as prefs


def test_every_kind_is_in_its_class():
    crowned = np.full((4, 4), 0.5)
    crowned[1:, 1:] = prefs.cyclic(3, advantage=0.3)
    crowned[0, 1:], crowned[1:, 0] = 0.6, 0.4
    tied = prefs.additive([0.2, 0.1, 0.0, 0.0])
    P = np.stack(
        [
            prefs.nearest_neighbour_cycle(4, advantage=0.2),
            crowned,
            tied,
            prefs.bradley_terry([3.0, 2.0, 1.0, 0.0]),
        ]
    )
    found = np.stack(list(asim.experiments.split_classes(P).values()))
    assert found.astype(int).tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]]
    assert list(asim.experiments.split_classes(P)) == list(asim.experiments.classes.CLASSES)


def test_classes_are_disjoint_but_for_the_strict_one():
    found = asim.experiments.split_classes(
        asim.data.synthetic_ratings(prompts=4000, rng=0).matrices(rng=1)[4].P
    )
    cyclic, crowned, weak, strict = found.values()
    assert (strict <= weak).all()
    assert (cyclic.astype(int) + crowned + weak).max() == 1
    assert all(mask.any() for mask in (cyclic, crowned, weak, strict))


def test_rates_are_counted_draw_by_draw():
    ratings = asim.data.synthetic_ratings(prompts=300, responses=5, correlation=0.4, rng=0)
    rates = asim.experiments.class_rates(ratings, seed=7, draws=3)
    assert rates.matrices == 1500
    for d in range(3):
        P = ratings.matrices(subsets=4, rounding="nearest", rng=7 + d)[4].P
        assert rates.counts[d].tolist() == [
            m.sum() for m in asim.experiments.split_classes(P).values()
        ]
    shares = rates.counts / 1500
    assert rates.share == pytest.approx(shares.mean(axis=0))
    error = np.sqrt(((shares - shares.mean(axis=0)) ** 2).sum(axis=0) / 2 / 3)
    assert rates.standard_error == pytest.approx(error)


def test_one_draw_has_no_standard_error():
    rates = asim.experiments.class_rates(asim.data.synthetic_ratings(prompts=20, rng=0), draws=1)
    assert np.isnan(rates.standard_error).all()
    assert np.isfinite(rates.share).all()


def test_hanna_rates(data):
    """2.87 ± 0.06 % cyclic and 52.5 ± 0.3 % strongly transitive (data README), over 10 seeds."""
    rates = asim.experiments.class_rates(asim.data.read_ratings(data / "hanna_ratings.csv"))
    assert rates.matrices == 31_680
    cyclic = rates.counts[:, :2].sum(axis=1) / 31_680
    assert cyclic.mean() == pytest.approx(0.0287, abs=3 * 0.0006 / np.sqrt(10) + 5e-5)
    assert rates.share[2] == pytest.approx(0.525, abs=3 * 0.003 / np.sqrt(10) + 5e-4)


def test_averaging_over_criteria_makes_no_cycles(data):
    ratings = asim.data.read_ratings(data / "hanna_ratings.csv")
    rates = asim.experiments.class_rates(ratings, recipe="mean", draws=1)
    assert rates.counts[0, :2].sum() == 0


def test_bad_input_is_named():
    ratings = asim.data.synthetic_ratings(prompts=2, rng=0)
    with pytest.raises(ValueError, match="draws is 0"):
        asim.experiments.class_rates(ratings, draws=0)
    with pytest.raises(ValueError, match="seed is -1"):
        asim.experiments.class_rates(ratings, seed=-1)
    with pytest.raises(ValueError, match="subsets is 5, but no prompt has as many responses"):
        asim.experiments.class_rates(ratings, responses=5)
    with pytest.raises(ValueError, match="ratings is of type ndarray; give"):
        asim.experiments.class_rates(np.array(0.3))
