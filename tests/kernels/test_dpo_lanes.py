import numpy as np
import pytest

import alignsim as asim
from alignsim import simplex
from alignsim.kernels.status import NO_OPTIMUM, NOT_FINITE, OK, SCORE_RANGE
from alignsim.objectives import DPO, Comparison, ProductPairs
from tests import naive
from tests.kernels import batches
from tests.oracles import closed_forms


def scattered_samplers(rng, K, n):
    """Policies with entries down to 1e-300, some exactly zero."""
    mu = np.exp(rng.uniform(-1, 0, (n, K)) * rng.choice([1, 50, 300, 690], (n, 1)))
    absent = rng.random((n, K)) < 0.3
    absent[np.arange(n), rng.integers(0, K, n)] = False
    mu[absent & (np.arange(n)[:, None] % 2 == 0)] = 0.0
    return mu / mu.sum(axis=-1, keepdims=True)


def score_of_one_round(P, mu):
    """The centred scores (n, K) that the lanes find from nothing: α = λ = 0, β = 1."""
    loop = asim.FeedbackMap(P, objective="dpo", beta=1.0, alpha=0.0, lam=0.0, offline=mu)
    orbit = loop.run(rounds=1, keep="last")
    assert (orbit.status == OK).all()
    return orbit.final_logits


def error_of_score(P, mu, v):
    """How far v is from S(v)μ = Pμ, relative to 1 + max |v|, by a step in long double."""
    step = naive.dpo_correction(P, np.broadcast_to(mu, P.shape), v)
    return float(max(abs(step)) / (1 + max(abs(v))))


def error_along(orbit, loop):
    """The largest error of a score in each map's orbit, relative to 1 + max |v|.

    Scores are read back from the logits and compared with those of the one-shot solver, which
    has tests of its own.
    """
    alpha, beta, lam = (a[:, None] for a in (loop.alpha, loop.beta, loop.lam))
    worst = np.zeros(loop.size)
    for t in range(len(orbit.rounds) - 1):
        before, after = orbit.logits[:, t], orbit.logits[:, t + 1]
        mu = lam * simplex.softmax(before) + (1 - lam) * loop.offline_policy
        v = simplex.centre(
            DPO().score(Comparison(loop.P, np.zeros(1), np.ones(1), ProductPairs(mu))).value
        )
        base = alpha * before + (1 - alpha) * loop.reference_logits
        size = 1 + np.abs(v).max(axis=1) + np.abs(base / beta).max(axis=1)
        worst = np.fmax(worst, np.abs((after - base) / beta - v).max(axis=1) / size)
    return worst


def random_loops(rng, K, n, *, p_min):
    """Maps that oscillate as often as they settle, and starts that have collapsed or not."""
    loop = asim.FeedbackMap(
        np.array([naive.extreme_preferences(rng, K, p_min=p_min) for _ in range(n)]),
        objective="dpo",
        beta=np.exp(rng.uniform(-1, 3, n)),
        alpha=rng.choice([0.0, 0.3, 0.9, 1.0], n),
        lam=rng.choice([0.5, 0.9, 1.0], n),
    )
    return loop, rng.normal(size=(n, K)) * rng.choice([1, 10, 200], (n, 1))


@naive.needs_extended
@pytest.mark.parametrize("p_min", [0.01, 1e-3, 1e-6])
@pytest.mark.parametrize("K", [2, 3, 4, 5, 6])
def test_the_score_is_accurate_for_tiny_and_absent_responses(K, p_min):
    rng = np.random.default_rng(K)
    P = np.array([naive.extreme_preferences(rng, K, p_min=p_min) for _ in range(60)])
    mu = scattered_samplers(rng, K, 60)
    scores = score_of_one_round(P, mu)
    errors = [error_of_score(*case) for case in zip(P, mu, scores, strict=True)]
    assert max(errors) < 1e-12


@pytest.mark.parametrize("K", [3, 4, 5, 8])
def test_the_score_is_accurate_in_every_round_of_an_orbit(K):
    loop, starts = random_loops(np.random.default_rng(K), K, 300, p_min=0.01)
    orbit = loop.run(start_logits=starts, rounds=30)
    assert (orbit.status == OK).all()
    assert error_along(orbit, loop).max() < 1e-12


@naive.needs_extended
def test_the_score_is_accurate_on_collapsed_policies():
    rng = np.random.default_rng(2)
    for K in (3, 4, 5):
        P = naive.extreme_preferences(rng, K, p_min=1e-6)
        loop = asim.FeedbackMap(P, objective="dpo", beta=1.0, alpha=0.0)
        starts = np.array([np.arange(K) * gap for gap in (50.0, 200.0, 690.0 / (K - 1))])
        orbit = loop.run(start_logits=starts, rounds=1)
        for start, v in zip(orbit.logits[:, 0], orbit.logits[:, 1], strict=True):
            assert error_of_score(P, np.float64(naive.softmax(start)), v) < 1e-12


@pytest.mark.parametrize("K", [2, 3, 4, 5, 6])
def test_the_score_is_right_where_responses_tie_for_the_largest_share(K):
    rng = np.random.default_rng(K)
    P = naive.random_preferences(rng, K)
    pair = np.full(K, 0.2 / max(K - 2, 1))
    pair[-2:] = 0.4 if K > 2 else 0.5
    samplers = np.array([np.full(K, 1 / K), pair])
    expected = np.float64([naive.dpo_score(P, mu) for mu in samplers])
    np.testing.assert_allclose(score_of_one_round(P, samplers), expected, rtol=0, atol=1e-12)


def test_a_loop_leaves_the_uniform_policy_where_that_is_no_fixed_point():
    P = naive.random_preferences(np.random.default_rng(0), 4)
    loop = asim.FeedbackMap(P, objective="dpo", beta=0.5, alpha=0.5)
    orbit = loop.run(np.full(4, 0.25), rounds=1)
    np.testing.assert_allclose(orbit.final, loop.step(np.full(4, 0.25)), rtol=1e-12)


def test_a_strongly_oscillating_orbit_does_not_lose_its_solver():
    P = np.full((3, 3), 0.5)
    P[0, 1], P[1, 0] = 0.0007653770094946748, 0.9992346229905054
    P[0, 2], P[2, 0] = 0.9930300760606001, 0.006969923939399917
    P[1, 2], P[2, 1] = 0.20851696027061498, 0.791483039729385
    loop = asim.FeedbackMap(P, objective="dpo", beta=0.7800963149461702, alpha=0.3)
    orbit = loop.run(start_logits=[5.189, -4.1637, -6.6209], rounds=3)
    assert np.isfinite(loop.step_logits(loop.step_logits(orbit.logits[0]))).all()
    assert orbit.status == OK


def test_the_score_is_right_from_a_cold_start_on_extreme_preferences():
    P = np.full((3, 3), 0.5)
    P[0, 1], P[1, 0] = 0.9999930823612251, 6.917638774941016e-06
    P[0, 2], P[2, 0] = 0.9999559519283134, 4.4048071686596786e-05
    P[1, 2], P[2, 1] = 1.0491131042072954e-07, 0.9999998950886896
    mu = np.array([0.4857550233011471, 0.498540408090096, 0.015704568608756964])
    assert error_of_score(P, mu, score_of_one_round(P, mu)) < 1e-11


@pytest.mark.parametrize("small", [1e-3, 1e-6, 1e-9, 1e-12])
def test_two_responses_near_certainty_are_solved_for_every_sampler(small):
    share = np.linspace(0.001, 0.999, 999)
    P = np.array([[0.5, 1 - small], [small, 0.5]])
    loop = asim.FeedbackMap(
        P,
        objective="dpo",
        beta=1.0,
        alpha=0.0,
        lam=0.0,
        offline=np.stack([share, 1 - share], axis=-1),
    )
    orbit = loop.run(rounds=1, keep="last")
    assert (orbit.status == OK).all()
    margin = np.log(1 - small) - np.log(small)
    np.testing.assert_allclose(orbit.final_logits[:, 0], margin / 2, rtol=1e-12)


@pytest.mark.parametrize("p_min", [1e-4, 1e-6])
def test_many_extreme_orbits_are_solved_accurately_in_every_round(p_min):
    loop, starts = random_loops(np.random.default_rng(8), 6, 3000, p_min=p_min)
    orbit = loop.run(start_logits=starts, rounds=40)
    assert (orbit.status == OK).all()
    assert error_along(orbit, loop).max() < 1e-11


@pytest.mark.parametrize(("K", "p_min"), [(3, 1e-6), (4, 1e-6)])
def test_shares_that_shrink_in_a_round_keep_the_digits_of_the_score(K, p_min):
    rng = np.random.default_rng(9)
    n = 3000
    loop = asim.FeedbackMap(
        np.array([naive.extreme_preferences(rng, K, p_min=p_min) for _ in range(n)]),
        objective="dpo",
        beta=np.exp(rng.uniform(-1, 3, n)),
        alpha=rng.choice([0.0, 0.3], n),
    )
    orbit = loop.run(start_logits=rng.normal(size=(n, K)), rounds=20)
    assert (orbit.status == OK).all()
    assert error_along(orbit, loop).max() < 1e-12


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])
def test_bradley_terry_preferences_move_by_their_rewards_whatever_is_sampled(alpha):
    rng = np.random.default_rng(0)
    rewards, start = rng.normal(size=5), rng.normal(size=5)
    loop = asim.FeedbackMap(
        closed_forms.bradley_terry(rewards),
        objective="dpo",
        beta=0.7,
        alpha=alpha,
        lam=[0.0, 0.4, 1.0],
        offline=rng.dirichlet(np.ones(5)),
    )
    orbit = loop.run(start_logits=start, rounds=25)
    pull, z = 0.7 * naive.centre(rewards), naive.centre(start)
    for t in range(26):
        np.testing.assert_allclose(orbit.logits[:, t], np.float64([z] * 3), rtol=0, atol=1e-12)
        z = alpha * z + pull


def test_bradley_terry_preferences_collapse_in_logits_without_a_reference():
    rewards = np.array([1.0, 0.2, -0.3, -0.9])
    P = closed_forms.bradley_terry(rewards)
    loop = asim.FeedbackMap(P, objective="dpo", beta=0.9, alpha=1.0)
    orbit = loop.run(start_logits=[0.2, -0.1, 0.0, -0.1], rounds=3000, keep=1000)
    travelled = 0.9 * orbit.rounds[:, None] * np.float64(naive.centre(rewards))
    expected = orbit.logits[0] + travelled
    np.testing.assert_allclose(orbit.logits, expected, rtol=1e-11)


@pytest.mark.parametrize("K", [2, 3, 4, 6])
@pytest.mark.parametrize("p_min", [0.1, 1e-6, 1e-12])
def test_a_sampler_on_one_response_has_the_score_of_its_closed_form(K, p_min):
    P = naive.extreme_preferences(np.random.default_rng(K), K, p_min=p_min)
    scores = score_of_one_round(P, np.eye(K))
    for c in range(K):
        v = closed_forms.vertex_score(P, c)
        np.testing.assert_allclose(scores[c], v - v.mean(), rtol=1e-12, atol=1e-12)


def test_zeros_between_responses_that_are_never_sampled_do_no_harm():
    P = np.array([[0.5, 0.8, 0.3], [0.2, 0.5, 1.0], [0.7, 0.0, 0.5]])
    v = closed_forms.vertex_score(P, 0)
    scores = score_of_one_round(P, np.array([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(scores, v - v.mean(), rtol=0, atol=1e-13)


def test_each_way_to_fail_has_its_status_and_spares_the_neighbours():
    rng = np.random.default_rng(0)
    good, start = naive.random_preferences(rng, 6), rng.normal(size=6)
    unbeaten = good.copy()
    unbeaten[0, 1:], unbeaten[1:, 0] = 1.0, 0.0
    rewards = 131.0 * np.arange(6.0)
    steep = closed_forms.bradley_terry(rewards)
    maps = {"objective": "dpo", "lam": 0.5, "offline": rng.dirichlet(np.ones(6))}
    loop = asim.FeedbackMap(
        [good, unbeaten, good, steep, good, good],
        beta=[1.0, 1.0, 1.0, 1.0, 1.7e308, 1.0],
        alpha=[0.5, 0.5, 0.5, 0.5, 1.0, 0.5],
        **maps,
    )
    orbit = loop.run(start_logits=start, rounds=8)
    assert orbit.status.tolist() == [OK, NO_OPTIMUM, OK, SCORE_RANGE, NOT_FINITE, OK]
    alone = asim.FeedbackMap(good, beta=1.0, alpha=0.5, **maps).run(start_logits=start, rounds=8)
    for index in (0, 2, 5):
        np.testing.assert_array_equal(orbit.logits[index], alone.logits)
        np.testing.assert_array_equal(orbit.policy_variance[index], alone.policy_variance)
    for index in (1, 3, 4):
        np.testing.assert_array_equal(orbit.logits[index, 0], start - start.mean())
        assert np.isnan(orbit.logits[index, 1 if index < 4 else -1 :]).all()
        assert np.isnan(orbit.entropy_mean[index])
    assert "smoothing the votes" in orbit.reason(1)
    assert "650 nats" in orbit.reason(3)
    assert "lower beta" in orbit.reason(4)


@pytest.mark.parametrize("K", [3, 6])
def test_the_kernel_marks_a_failed_lane_with_nan_and_a_status(K):
    rng = np.random.default_rng(K)
    batch = batches.random_batch(rng, "dpo", K, 3)
    steep = naive.extreme_preferences(rng, K, p_min=0.1)
    steep[0, 1:], steep[1:, 0] = 1.0, 1e-290
    batch.maps[1] = batch.maps[1]._replace(P=steep, beta=1.0)
    out = batches.run(batch, [3], burn_in=0)
    assert (out.status != OK).tolist() == [False, True, False]
    assert np.isnan(out.state).all(axis=1).tolist() == [False, True, False]
    assert np.isnan(out.frames[1]).all()


def test_whether_an_optimum_exists_depends_on_what_is_sampled():
    P = np.array([[0.5, 0.8, 0.3], [0.2, 0.5, 1.0], [0.7, 0.0, 0.5]])
    unbeaten = np.array([[0.5, 1.0, 1.0], [0.0, 0.5, 0.6], [0.0, 0.4, 0.5]])
    offline = [0.0, 0.5, 0.5]
    loop = asim.FeedbackMap(
        [P, P, unbeaten, unbeaten], objective="dpo", beta=1.0, lam=[0, 1, 0, 1], offline=offline
    )
    orbit = loop.run([0.4, 0.3, 0.3], rounds=2)
    assert orbit.status.tolist() == [NO_OPTIMUM, OK, NO_OPTIMUM, NO_OPTIMUM]
