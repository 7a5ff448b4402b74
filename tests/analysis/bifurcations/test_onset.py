"""The β at which a loop starts to oscillate."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis import critical_beta, critical_signal, stability
from tests.feedback.systems import preferences

GOLDEN = [[0.5, 0.7, 0.4], [0.3, 0.5, 0.8], [0.6, 0.2, 0.5]]
GAIN = {"ipo": 1.0, "dpo": 4.0}

objectives = pytest.mark.parametrize("objective", ["ipo", "dpo"])


def test_the_oracle_of_the_analysis_page():
    """analysis.md 0.3: golden P, uniform references, λ = 1, α = .6."""
    assert critical_beta(GOLDEN, alpha=0.6) == pytest.approx(7.667301445478, abs=1e-11)


@objectives
@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.9, 0.99, 0.9999])
@pytest.mark.parametrize("beta_max", [100.0, 1e4])
def test_rock_paper_scissors_has_it_in_closed_form(objective, alpha, beta_max):
    """√(3(1 − α²))/(aλ), a quarter of it for DPO, however near α is to 1."""
    for advantage, lam in ((0.2, 1.0), (0.45, 0.7)):
        P = asim.preferences.cyclic(3, advantage=advantage)
        expected = np.sqrt(3 * (1 - alpha**2)) / (advantage * lam * GAIN[objective])
        found = critical_beta(P, objective=objective, alpha=alpha, lam=lam, beta_max=beta_max)
        assert found == pytest.approx(expected, rel=1e-9)


@objectives
@pytest.mark.parametrize("K", [4, 5, 7])
def test_circulants_have_the_onset_of_the_closed_form(objective, K):
    P = asim.preferences.nearest_neighbour_cycle(K, advantage=0.4)
    loop = asim.FeedbackMap(P, objective=objective, beta=1.0, alpha=[0.0, 0.7])
    found = critical_beta(P, objective=objective, alpha=[0.0, 0.7])
    assert found == pytest.approx(critical_signal(loop), rel=1e-9)


@objectives
def test_what_never_oscillates_has_an_infinite_onset(objective):
    assert critical_beta(asim.preferences.additive([0.3, 0.1, 0.0, 0.2]), objective="ipo") == np.inf
    bradley_terry = asim.preferences.bradley_terry([0.0, 0.5, 1.5, 2.0])
    assert critical_beta(bradley_terry, objective=objective, alpha=0.8) == np.inf
    transitive = asim.preferences.random_strictly_strongly_transitive(4, rng=0)
    assert critical_beta(transitive, objective=objective, alpha=0.8) == np.inf
    assert critical_beta([[0.5, 0.9], [0.1, 0.5]], objective=objective) == np.inf


@objectives
def test_a_loop_that_never_samples_itself_has_an_infinite_onset(objective):
    P = asim.preferences.cyclic(3, advantage=0.3)
    found = critical_beta(P, objective=objective, lam=[0.0, 1.0], alpha=0.5)
    assert np.isinf(found).tolist() == [True, False]


def test_there_is_none_at_alpha_one():
    P = asim.preferences.cyclic(3, advantage=0.3)
    found = critical_beta(P, alpha=[0.5, 1.0])
    assert np.isnan(found).tolist() == [False, True]


def test_it_is_infinite_where_it_lies_beyond_beta_max():
    P = asim.preferences.cyclic(3, advantage=0.1)
    onset = np.sqrt(3) / 0.1
    assert critical_beta(P, alpha=0.0, beta_max=0.99 * onset) == np.inf
    assert critical_beta(P, alpha=0.0, beta_max=1.01 * onset) == pytest.approx(onset, rel=1e-9)


def test_it_is_the_first_of_several_crossings():
    """Theory 6.6: unstable for β from 3 to 15 only."""
    M = np.zeros((4, 4))
    M[0, 1:] = 0.02
    M[1, 2] = M[2, 3] = M[3, 1] = 0.5
    P = 0.5 + M - M.T
    onset = float(critical_beta(P, alpha=0.9))
    assert 2 < onset < 3
    radius = stability(asim.FeedbackMap(P, beta=[onset * 0.999, onset * 1.001], alpha=0.9))
    assert radius.stable.tolist() == [True, False]


@objectives
def test_random_systems_cross_at_their_onset_and_not_before(objective):
    rng = np.random.default_rng(0)
    P = np.array([preferences(rng, 4) for _ in range(60)])
    alpha = rng.uniform(0.0, 0.95, 60)
    onset = critical_beta(P, objective=objective, alpha=alpha, beta_max=60.0)
    assert not np.isnan(onset).any()
    crossing = np.isfinite(onset)
    assert 5 < crossing.sum() < 55

    def radius(beta):
        loop = asim.FeedbackMap(P, objective=objective, beta=beta, alpha=alpha)
        return stability(loop).spectral_radius

    at = np.where(crossing, onset, 1.0)
    assert np.abs(radius(at)[crossing] - 1).max() < 1e-8
    for share in (0.02, 0.1, 0.3, 0.6, 0.9, 0.99):
        assert (radius(share * np.where(crossing, onset, 60.0)) < 1).all()
    assert (radius(at * 1.001)[crossing] > 1).all()


def test_the_onset_never_lies_below_the_universal_bound():
    """Theory 6.3: βλ ≤ π√(1 − α²) is always stable; a large cycle comes within a per cent."""
    alpha, lam = 0.6, 0.8
    P = asim.preferences.cyclic(31, advantage=0.5)
    bound = np.pi * 0.8 / lam
    assert bound < critical_beta(P, alpha=alpha, lam=lam) < 1.01 * bound


def test_references_and_offline_samplers_count():
    plain = critical_beta(GOLDEN, alpha=0.6, lam=0.7)
    shifted = critical_beta(GOLDEN, alpha=0.6, lam=0.7, reference=[0.2, 0.3, 0.5])
    sampled = critical_beta(GOLDEN, alpha=0.6, lam=0.7, offline=[0.8, 0.1, 0.1])
    assert abs(plain - shifted) > 0.05
    assert abs(plain - sampled) > 0.05
    loop = asim.FeedbackMap(GOLDEN, beta=sampled, alpha=0.6, lam=0.7, offline=[0.8, 0.1, 0.1])
    assert stability(loop).spectral_radius == pytest.approx(1, abs=1e-9)


def test_the_onset_keeps_its_digits_when_alpha_is_nearly_one():
    """ρ − 1 is a difference of numbers that agree to 1e-12 there."""
    alpha = 1 - np.array([1e-6, 1e-9, 1e-12])
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=1.0, alpha=alpha)
    found = asim.analysis.crossings(loop)
    np.testing.assert_allclose(found.at[:, 0], asim.analysis.critical_signal(loop), rtol=1e-9)


def test_an_onset_at_the_foot_of_an_absurd_range_is_found():
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=1.0)
    found = asim.analysis.crossings(loop, "beta", 0, 1e100)
    assert found.at[0] == pytest.approx(asim.analysis.critical_signal(loop), rel=1e-12)


@pytest.mark.parametrize(("low", "middle"), [(1.85, 18.5), (1.89**2 / 18.7, 1.89)])
def test_a_dip_between_a_level_and_a_steep_neighbour_is_found(low, middle):
    """Theory 6.6: unstable for β from 2.309 to 17.197 only, between points that are all stable.

    Three points see it: ρ − 1 is about −.03 on both sides of the window, and −.1 at the third.
    """
    M = np.zeros((4, 4))
    M[0, 1:] = 0.02
    M[1, 2] = M[2, 3] = M[3, 1] = 0.5
    loop = asim.FeedbackMap(0.5 + M - M.T, beta=1.0, alpha=0.9)
    high = middle**2 / low
    below = 1.0 - stability(loop.replace(beta=[low, middle, high])).spectral_radius
    assert below[1] < below.min(where=[True, False, True], initial=1.0) < 1.25 * below[1]
    assert below.max() > 3.0 * below[1]
    found = asim.analysis.crossings(loop, "beta", low, high, points=3)
    assert found.at == pytest.approx([2.308647, 17.196699], abs=1e-6)
    assert found.direction.tolist() == [1, -1]


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_a_looser_tolerance_finds_the_same_onsets_to_that_many_digits(objective):
    """A crossing that is known less well must not be taken for a jump of the branch."""
    P = asim.preferences.random_skew(4, size=200, rng=11)
    exact = asim.analysis.critical_beta(P, objective=objective)
    loose = asim.analysis.critical_beta(P, objective=objective, points=30, tolerance=1e-5)
    finite = np.isfinite(exact)
    assert finite.sum() > 20
    assert (np.isfinite(loose) == finite).all()
    np.testing.assert_allclose(loose[finite], exact[finite], rtol=2e-5)


@pytest.mark.parametrize("tolerance", [0.0, 1e-16, 1e-3, np.nan])
def test_a_tolerance_lies_between_rounding_and_what_tells_a_jump(tolerance):
    with pytest.raises(ValueError, match="tolerance"):
        asim.analysis.critical_beta(GOLDEN, tolerance=tolerance)
