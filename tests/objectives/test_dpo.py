"""The DPO score: theory 3.5 (ranking), 3.6 (solver) and 3.7 (sensitivity)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alignsim as asim
from alignsim.objectives import DPO, Comparison, ProductPairs, dpo
from tests import naive
from tests.oracles import closed_forms

SEEDS = st.integers(0, 10_000)
COMMON = settings(deadline=None, derandomize=True, max_examples=60)


def comparison(P, mu):
    return Comparison(P, np.zeros(P.shape[-1]), np.array(1.0), ProductPairs(mu))


def score(P, mu):
    """Scores with status, and the record of the Newton iteration that found them."""
    records = []
    original = dpo.damped_newton

    def recorded(*arguments, **options):
        records.append(original(*arguments, **options))
        return records[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dpo, "damped_newton", recorded)
        solution = DPO().score(comparison(P, mu))
    return solution, records[0]


def hard_cases(rng, K, n, *, p_min):
    """Preferences near 0 and 1 with samplers down to 1e-300, a third of the entries exactly 0."""
    half = n // 2
    P = [naive.random_preferences(rng, K, p_min=p_min) for _ in range(half)]
    P += [naive.extreme_preferences(rng, K, p_min=p_min) for _ in range(n - half)]
    mu = np.exp(rng.uniform(-1, 0, (n, K)) * rng.choice([1, 50, 300, 690], (n, 1)))
    absent = rng.random((n, K)) < 1 / 3
    absent[np.arange(n), rng.integers(0, K, n)] = False
    mu[absent & (np.arange(n)[:, None] % 2 == 0)] = 0.0
    mu[1::4, 0] = 1e-300
    return np.array(P), mu / mu.sum(axis=-1, keepdims=True)


def errors(P, mu, v):
    """How far each v is from its score, relative to 1 + max |v|, by a step in long double."""
    steps = [
        naive.dpo_correction(p, np.broadcast_to(m, p.shape), x)
        for p, m, x in zip(P, mu, v, strict=True)
    ]
    size = 1 + np.abs(v).max(axis=-1)
    return np.array([float(max(abs(step))) for step in steps]) / size


@naive.needs_extended
@pytest.mark.parametrize("K", [2, 3, 4, 5, 6])
def test_three_thousand_hard_cases_are_solved_to_1e_12_in_eleven_iterations(K):
    P, mu = hard_cases(np.random.default_rng(K), K, 600, p_min=1e-3)
    assert 0 < mu[mu > 0].min() < 1e-299
    assert (mu == 0).any()
    (v, status), record = score(P, mu)
    assert (status == 0).all()
    assert record.iterations.max() <= 11
    assert errors(P[::3], mu[::3], v[::3]).max() < 1e-12
    np.testing.assert_allclose((mu * v).sum(axis=-1), 0, atol=1e-13)


@naive.needs_extended
def test_preferences_closer_to_certainty_are_solved_too():
    for K in (3, 6):
        P, mu = hard_cases(np.random.default_rng(K), K, 600, p_min=1e-6)
        (v, status), _ = score(P, mu)
        assert (status == 0).all()
        assert errors(P[::3], mu[::3], v[::3]).max() < 1e-12


@naive.needs_extended
def test_at_the_edge_of_float64_every_score_is_found():
    for K in (3, 6):
        P, mu = hard_cases(np.random.default_rng(K), K, 600, p_min=1e-12)
        (v, status), _ = score(P, mu)
        assert (status == 0).all()
        assert errors(P[::3], mu[::3], v[::3]).max() < 1e-9  # as far as long doubles can tell


@naive.needs_extended
def test_a_residual_at_its_rounding_floor_ends_the_search():
    P = np.full((3, 3), 0.5)
    P[0, 1], P[1, 0] = 5.767223195968896e-08, 0.999999942327768
    P[0, 2], P[2, 0] = 0.00915299439233273, 0.9908470056076673
    P[1, 2], P[2, 1] = 0.999999999468736, 5.312640589782729e-10
    mu = np.array([0.0002414420272135136, 0.8750619534862639, 0.12469660448652263])
    (v, status), _ = score(P, mu)
    assert status == 0
    assert errors(P[None], mu[None], v[None]).max() < 1e-14


@naive.needs_extended
@pytest.mark.parametrize("K", [3, 4])
def test_preferences_of_1e_9_lose_no_digits(K):
    rng = np.random.default_rng(0)
    P = np.array([naive.extreme_preferences(rng, K, p_min=1e-9) for _ in range(2000)])
    mu = rng.dirichlet(np.ones(K), 2000)
    (v, status), _ = score(P, mu)
    assert (status == 0).all()
    assert errors(P, mu, v).max() < 1e-13


def test_the_score_equals_the_naive_one():
    rng = np.random.default_rng(0)
    for K in (2, 3, 4, 7):
        P, mu = naive.random_preferences(rng, K), rng.dirichlet(np.ones(K))
        v = score(P, mu)[0].value
        np.testing.assert_allclose(
            v - v.mean(), np.float64(naive.dpo_score(P, mu)), rtol=0, atol=1e-14
        )


@pytest.mark.parametrize("p_min", [0.1, 1e-6, 1e-12])
def test_a_sampler_on_one_response_has_the_score_of_its_closed_form(p_min):
    P = naive.extreme_preferences(np.random.default_rng(0), 5, p_min=p_min)
    v = score(np.broadcast_to(P, (5, 5, 5)), np.eye(5))[0].value
    for c in range(5):
        expected = closed_forms.vertex_score(P, c)
        np.testing.assert_allclose(v[c] - v[c, c], expected, rtol=1e-12, atol=1e-12)


def test_a_residual_below_rounding_does_not_end_the_search():
    P = np.array([[0.5, 1 - 1e-12], [1e-12, 0.5]])
    v = score(P, np.array([0.0, 1.0]))[0].value
    assert v[0] - v[1] == pytest.approx(12 * np.log(10), rel=1e-12, abs=0)


@COMMON
@given(seed=SEEDS)
def test_scores_rank_as_win_rates_do_and_are_at_least_four_times_as_far_apart(seed):
    rng = np.random.default_rng(seed)
    K = int(rng.integers(2, 8))
    P, mu = naive.random_preferences(rng, K), rng.dirichlet(np.ones(K))
    v, rate = score(P, mu)[0].value, P @ mu
    assert (np.argsort(v) == np.argsort(rate)).all()
    gap, least = v[:, None] - v[None, :], 4 * (rate[:, None] - rate[None, :])
    assert (gap >= least - 1e-12)[least >= 0].all()


def test_weak_preferences_have_four_times_the_score_of_ipo():
    rng = np.random.default_rng(1)
    direction = naive.random_preferences(rng, 4) - 0.5
    mu = rng.dirichlet(np.ones(4))
    remainders = []
    for size in (0.1, 0.05):
        v = score(0.5 + size * direction, mu)[0].value
        remainders.append(np.ptp(v - 4 * size * direction @ mu))
    assert np.log2(remainders[0] / remainders[1]) == pytest.approx(3, abs=0.1)


@COMMON
@given(seed=SEEDS)
def test_the_response_to_a_shift_of_the_sampler_obeys_the_covariance_identity(seed):
    rng = np.random.default_rng(seed)
    K = int(rng.integers(3, 7))
    P, mu = naive.random_preferences(rng, K), rng.dirichlet(np.ones(K))
    v = score(P, mu)[0].value
    shift = rng.normal(size=K)
    shift -= shift.mean()
    x = comparison(P, mu)
    dv = DPO().score_derivative(x, DPO().score(x).value) @ shift
    S = 1 / (1 + np.exp(v[None, :] - v[:, None]))
    D = S * S.T
    gaps, moves = v[:, None] - v[None, :], dv[:, None] - dv[None, :]
    weighted = 0.5 * (np.outer(mu, mu) * D * gaps * moves).sum()
    pull = (P - S) @ shift
    covariance = mu @ (v * pull) - (mu @ v) * (mu @ pull)
    assert weighted == pytest.approx(covariance, rel=1e-9, abs=1e-13)


def test_an_unsolvable_instance_has_a_status_and_leaves_the_others_alone():
    rng = np.random.default_rng(0)
    P = np.array([naive.random_preferences(rng, 3) for _ in range(3)])
    mu = rng.dirichlet(np.ones(3), 3)
    alone = score(P[[0, 2]], mu[[0, 2]])[0].value
    P[1, 0], P[1, :, 0] = [0.5, 1, 1], [0.5, 0, 0]
    v, status = DPO().score(comparison(P, mu))
    assert (status != 0).tolist() == [False, True, False]
    assert np.isnan(v[1]).all()
    np.testing.assert_allclose(v[[0, 2]], alone, rtol=1e-14)


def test_the_optimum_is_linear_in_beta_and_shifts_with_the_reference():
    rng = np.random.default_rng(5)
    P, mu = naive.random_preferences(rng, 4), rng.dirichlet(np.ones(4))
    reference = rng.dirichlet(np.ones(4))
    v = score(P, mu)[0].value
    policy = asim.dpo_optimum(P, mu, reference=reference, beta=2.5)
    np.testing.assert_allclose(policy, closed_forms.tilted(reference, 2.5 * v), rtol=1e-13)
