import numpy as np
import pytest

import alignsim as asim
from alignsim.kernels.status import NOT_FINITE, OK
from tests import naive
from tests.oracles import closed_forms


@pytest.mark.parametrize("alpha", [0.0, 0.6, 0.99])
def test_an_additive_preference_converges_linearly_to_its_closed_form(alpha):
    rng = np.random.default_rng(0)
    rewards, start = rng.uniform(-0.2, 0.2, 5), rng.normal(size=5)
    reference = rng.dirichlet(np.ones(5))
    z_ref, pull = naive.centre(np.log(reference)), naive.centre(rewards)
    loop = asim.FeedbackMap(
        closed_forms.additive(rewards), beta=3.0, alpha=alpha, lam=0.7, reference=reference
    )
    orbit = loop.run(start_logits=start, rounds=40)
    limit = z_ref + 3.0 / (1 - alpha) * pull
    t = np.arange(41)[:, None]
    expected = limit + np.float64(alpha) ** t * (naive.centre(start) - limit)
    np.testing.assert_allclose(orbit.logits, np.float64(expected), rtol=0, atol=1e-12)


def test_additive_preferences_collapse_at_a_constant_rate_without_a_reference():
    rewards = np.array([0.25, 0.1, -0.05, -0.2])
    loop = asim.FeedbackMap(closed_forms.additive(rewards), beta=4.0, alpha=1.0, lam=0.9)
    orbit = loop.run(np.full(4, 0.25), rounds=3000, keep=1000)
    expected = 4.0 * orbit.rounds[:, None] * np.float64(naive.centre(rewards))
    np.testing.assert_allclose(orbit.logits, expected, rtol=1e-12)
    assert orbit.final.tolist() == [1, 0, 0, 0]


def test_self_play_on_a_cycle_spirals_to_the_boundary_and_stays_finite():
    P = asim.preferences.cyclic(3, advantage=0.3)
    orbit = asim.FeedbackMap(P, beta=1.0, alpha=1.0).run([0.4, 0.3, 0.3], rounds=3000)
    assert np.isfinite(orbit.logits).all()
    least = orbit.policies.min(axis=-1)
    assert 1e-15 < least.min() < 1e-9
    assert least[2000:].min() < least[:1000].min()
    assert orbit.entropy_min == pytest.approx(float(orbit.entropy[orbit.burn_in :].min()))


def test_the_least_entropy_of_a_collapse_is_that_of_its_logits():
    rewards = np.array([0.3, 0.0, -0.2])
    loop = asim.FeedbackMap(closed_forms.additive(rewards), beta=2.0, alpha=1.0)
    orbit = loop.run(np.full(3, 1 / 3), rounds=1000, keep="last")
    expected = float(naive.entropy(orbit.final_logits))
    assert 0 < expected < 1e-200
    assert orbit.entropy_min == pytest.approx(expected, rel=1e-12, abs=0)


def test_overflow_is_marked_as_not_finite_and_spares_the_neighbours():
    P = asim.preferences.cyclic(3, advantage=0.3)
    loop = asim.FeedbackMap(P, beta=[2.0, 1.7e308, 2.0], alpha=1.0)
    orbit = loop.run([0.5, 0.3, 0.2], rounds=50)
    assert orbit.status.tolist() == [OK, NOT_FINITE, OK]
    assert np.isfinite(orbit.logits[1, 0]).all()
    for values in (
        orbit.final_logits,
        orbit.policy_mean,
        orbit.policy_variance,
        orbit.entropy_mean,
    ):
        assert np.isnan(values[1]).all()
        assert np.isfinite(values[[0, 2]]).all()
        np.testing.assert_array_equal(values[0], values[2])
    assert "lower beta" in orbit.reason(1)


def test_beta_of_zero_goes_to_the_reference_in_one_round():
    rng = np.random.default_rng(3)
    P, reference = naive.random_preferences(rng, 4), rng.dirichlet(np.ones(4))
    loop = asim.FeedbackMap(P, beta=0.0, alpha=0.0, reference=reference)
    orbit = loop.run(rng.dirichlet(np.ones(4)), rounds=1)
    np.testing.assert_allclose(orbit.final, reference, rtol=1e-14)


@pytest.mark.parametrize("K", [4, 8])
def test_blocks_of_few_maps_have_the_bits_of_a_full_one(K):
    P = asim.preferences.random_skew(K, size=64, rng=0)
    loop = asim.FeedbackMap(P, beta=20.0, alpha=0.5)
    whole = loop.run(rounds=50, keep="last").final_logits
    for n in (1, 8, 9, 17, 32, 33):
        few = loop.take(np.arange(64 - n, 64)).run(rounds=50, keep="last").final_logits
        assert (few == whole[64 - n :]).all()


@pytest.mark.parametrize("maps", [3, 40, 70])
@pytest.mark.parametrize("K", [7, 8, 13, 18])
def test_maps_that_share_a_matrix_have_the_bits_of_maps_with_matrices_of_their_own(K, maps):
    """In blocks of 16, of 48 and of 64 lanes; a shared matrix is multiplied by code of its own."""
    rng = np.random.default_rng(K)
    P = asim.preferences.random_skew(K, size=2, max_margin=0.4, rng=K)
    parameters = {"beta": rng.uniform(1, 30, maps), "alpha": rng.uniform(0, 1, maps)}
    start = rng.normal(size=(maps, K))
    shared = asim.FeedbackMap(P[0], **parameters).run(start_logits=start, rounds=30)
    several = np.repeat(P[:1], maps, axis=0)
    several[-1] = P[1]
    apart = asim.FeedbackMap(several, **parameters).run(start_logits=start, rounds=30)
    np.testing.assert_array_equal(shared.logits[:-1], apart.logits[:-1])
    assert not np.array_equal(shared.logits[-1], apart.logits[-1])
