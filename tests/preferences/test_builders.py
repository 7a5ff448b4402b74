import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsim import preferences as prefs
from alignsim import validation


@pytest.mark.parametrize("responses", [3, 5, 7, 9])
def test_cyclic_beats_the_next_half(responses):
    P = prefs.cyclic(responses, advantage=0.3)
    for i in range(responses):
        for j in range(responses):
            ahead = (j - i) % responses
            expected = 0.5 if ahead == 0 else 0.8 if ahead <= (responses - 1) / 2 else 0.2
            assert P[i, j] == pytest.approx(expected, abs=1e-15)


def test_cyclic_broadcasts_over_advantages():
    advantages = np.array([[0.0, 0.1, 0.2], [0.3, 0.4, 0.5]])
    P = prefs.cyclic(5, advantage=advantages)
    assert P.shape == (2, 3, 5, 5)
    assert np.array_equal(P[1, 0], prefs.cyclic(5, advantage=0.3))
    validation.preference_matrix(P)


def test_cyclic_refuses_even_sizes_and_names_the_alternative():
    with pytest.raises(ValueError, match=r"responses is 4.*nearest_neighbour_cycle\(4"):
        prefs.cyclic(4, advantage=0.3)


@pytest.mark.parametrize("build", [prefs.cyclic, prefs.nearest_neighbour_cycle])
def test_cycles_refuse_bad_arguments(build):
    with pytest.raises(ValueError, match=r"advantage\[1\] is 0.6.*\[0, 0.5\]"):
        build(3, advantage=[0.1, 0.6])
    with pytest.raises(ValueError, match="responses is 2; it must be at least 3"):
        build(2, advantage=0.1)


def test_nearest_neighbour_cycle_leaves_other_pairs_tied():
    P = prefs.nearest_neighbour_cycle(5, advantage=0.2)
    assert prefs.ties(P) == 5
    assert P[4, 0] == 0.7
    assert np.array_equal(
        prefs.nearest_neighbour_cycle(3, advantage=0.2), prefs.cyclic(3, advantage=0.2)
    )


@settings(deadline=None)
@given(st.lists(st.floats(-20, 20), min_size=2, max_size=6), st.floats(0.5, 5))
def test_bradley_terry_closed_form(rewards, temperature):
    r = np.array(rewards)
    P = prefs.bradley_terry(r, temperature=temperature)
    expected = 1 / (1 + np.exp(-(r[:, None] - r[None, :]) / temperature))
    assert np.allclose(P, expected, rtol=1e-13, atol=0)


@settings(deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=2, max_size=6))
def test_bradley_terry_has_no_residual(rewards):
    P = prefs.bradley_terry(rewards)
    assert prefs.bradley_terry_residual(P) < 1e-12
    assert prefs.curl_share(P) < 1e-12 or np.ptp(rewards) < 1e-6


def test_bradley_terry_survives_huge_rewards_and_broadcasts_temperature():
    P = prefs.bradley_terry([[0.0, 2000.0]], temperature=[[1.0], [2000.0]])
    assert P.shape == (2, 1, 2, 2)
    assert P[0, 0].tolist() == [[0.5, 0.0], [1.0, 0.5]]
    assert P[1, 0, 1, 0] == pytest.approx(1 / (1 + np.exp(-1)))


def test_rewards_whose_difference_overflows_have_the_right_limit():
    wide = [1e308, -1e308, 0.0]
    P = prefs.bradley_terry(wide, temperature=[1.0, 1e308])
    assert P[0].tolist() == [[0.5, 1.0, 1.0], [0.0, 0.5, 0.0], [0.0, 1.0, 0.5]]
    sure, surer = 1 / (1 + np.exp(-1)), 1 / (1 + np.exp(-2))
    assert P[1, 0].tolist() == pytest.approx([0.5, surer, sure], rel=1e-15)
    with pytest.raises(ValueError, match=r"rewards\[0\] - rewards\[1\] is inf; .* no probability"):
        prefs.additive(wide)


def test_bradley_terry_refusals():
    with pytest.raises(ValueError, match="temperature is 0; it must be above 0"):
        prefs.bradley_terry([0.0, 1.0], temperature=0.0)
    with pytest.raises(ValueError, match=r"rewards has shape \(1,\)"):
        prefs.bradley_terry([0.0])
    with pytest.raises(ValueError, match=r"do not broadcast: rewards \(3,\), temperature \(2,\)"):
        prefs.bradley_terry(np.zeros((3, 2)), temperature=[1.0, 2.0])


@settings(deadline=None)
@given(st.lists(st.floats(0, 0.5), min_size=2, max_size=6))
def test_additive_is_curl_free(rewards):
    P = prefs.additive(rewards)
    assert P[0, 1] == 0.5 + (rewards[0] - rewards[1])
    assert prefs.additive_residual(P) < 1e-15


def test_additive_refuses_a_wide_spread():
    with pytest.raises(ValueError, match=r"rewards\[1, 0\] - rewards\[1, 2\] is 0.6.*spread"):
        prefs.additive([[0.1, 0.2, 0.3], [0.9, 0.5, 0.3]])


def test_symmetrise_mends_what_preference_matrix_refuses():
    uneven = np.array([[0.4, 0.7, 0.2], [0.5, 0.5, 0.9], [0.6, 0.3, 0.5]])
    with pytest.raises(ValueError, match="symmetrise"):
        validation.preference_matrix(uneven)
    mended = validation.preference_matrix(prefs.symmetrise(uneven))
    assert np.allclose(mended, [[0.5, 0.6, 0.3], [0.4, 0.5, 0.8], [0.7, 0.2, 0.5]], atol=1e-15)


def test_symmetrise_makes_the_diagonal_exactly_half():
    assert np.diag(prefs.symmetrise([[0.4, 0.7], [0.5, 0.9]])).tolist() == [0.5, 0.5]


def test_symmetrise_leaves_valid_matrices_alone():
    P = prefs.random_skew(4, size=3, rng=1)
    assert np.allclose(prefs.symmetrise(P), P, rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([[0.5, 1.2], [0.1, 0.5]], r"P\[0, 1\] is 1.2 and would become 1.05.*shares of wins"),
        ([[0.5, 0.2, 0.1], [0.8, 0.5, 0.1]], r"P has shape \(2, 3\)"),
        ([[0.5, np.nan], [0.1, 0.5]], r"P\[0, 1\] is nan"),
        ([[0.5]], r"P compares 1 response"),
    ],
)
def test_symmetrise_refusals(bad, message):
    with pytest.raises(ValueError, match=message):
        prefs.symmetrise(bad)
