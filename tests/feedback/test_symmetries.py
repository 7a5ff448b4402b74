"""What a round must do for every map: stay on the simplex, commute with relabelling, scale."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alignsim as asim
from tests import naive
from tests.feedback.systems import system

ROUNDS = 12

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(2, 6)
objectives = pytest.mark.parametrize("objective", ["ipo", "dpo"])
examples = settings(deadline=None, max_examples=40, derandomize=True)


@objectives
@given(seed=seeds, K=sizes)
@examples
def test_policies_stay_on_the_simplex_and_logits_stay_centred(objective, seed, K):
    s = system(np.random.default_rng(seed), K)
    orbit = s.loop(objective).run(s.start, rounds=ROUNDS)
    assert (orbit.status == 0).all()
    assert (orbit.policies >= 0).all()
    assert np.abs(orbit.policies.sum(axis=-1) - 1).max() < 1e-14
    assert np.abs(orbit.logits.sum(axis=-1)).max() < 1e-12


@objectives
@given(seed=seeds, K=sizes)
@examples
def test_a_step_is_a_run_of_one_round(objective, seed, K):
    s = system(np.random.default_rng(seed), K)
    loop = s.loop(objective)
    assert np.abs(loop.step(s.start) - loop.run(s.start, rounds=1).final).max() < 1e-13


@objectives
@given(seed=seeds, K=sizes)
@examples
def test_runs_agree_with_the_naive_twin(objective, seed, K):
    s = system(np.random.default_rng(seed), K)
    twin = naive.Map(objective, s.P, s.alpha, s.beta, s.lam, np.log(s.reference), s.offline)
    expected = naive.orbit(twin, np.log(s.start), 4).astype(float)
    assert np.abs(s.loop(objective).run(s.start, rounds=4).logits - expected).max() < 1e-11


@objectives
@given(seed=seeds, K=sizes)
@examples
def test_relabelling_the_responses_relabels_the_orbit(objective, seed, K):
    rng = np.random.default_rng(seed)
    s = system(rng, K)
    p = rng.permutation(K)
    relabelled = s._replace(
        P=s.P[np.ix_(p, p)], reference=s.reference[p], offline=s.offline[p], start=s.start[p]
    )
    orbit = s.loop(objective).run(s.start, rounds=ROUNDS)
    other = relabelled.loop(objective).run(relabelled.start, rounds=ROUNDS)
    assert np.abs(orbit.policies[:, p] - other.policies).max() < 1e-9


@given(seed=seeds, K=sizes)
@examples
def test_the_ipo_map_ignores_what_is_added_to_every_response_alike(seed, K):
    rng = np.random.default_rng(seed)
    s = system(rng, K)
    shifted = asim.FeedbackMap.from_payoffs(
        s.P + rng.normal(size=K), beta=s.beta, alpha=s.alpha, lam=s.lam,
        reference=s.reference, offline=s.offline,
    )  # fmt: skip
    orbit = s.loop().run(s.start, rounds=ROUNDS)
    assert np.abs(orbit.policies - shifted.run(s.start, rounds=ROUNDS).policies).max() < 1e-9


@given(seed=seeds, K=sizes, k=st.floats(0.1, 1.0))
@examples
def test_the_ipo_map_depends_on_beta_times_the_margins_only(seed, K, k):
    s = system(np.random.default_rng(seed), K)
    weaker = s._replace(P=0.5 + k * (s.P - 0.5), beta=s.beta / k)
    orbit = s.loop().run(s.start, rounds=ROUNDS)
    assert np.abs(orbit.policies - weaker.loop().run(s.start, rounds=ROUNDS).policies).max() < 1e-9


def test_the_dpo_map_does_not_scale_as_the_ipo_map_does():
    s = system(np.random.default_rng(3), 3, beta=2.0, alpha=0.5, lam=1.0)
    weaker = s._replace(P=0.5 + 0.5 * (s.P - 0.5), beta=4.0)
    gap = s.loop("dpo").step(s.start) - weaker.loop("dpo").step(s.start)
    assert np.abs(gap).max() > 1e-3


@given(seed=seeds, K=sizes)
@examples
def test_dpo_with_bradley_terry_preferences_ignores_the_sampler(seed, K):
    """Theory 3.4: v = r whatever μ, so a round is linear in the logits."""
    rng = np.random.default_rng(seed)
    s = system(rng, K)
    rewards = rng.uniform(-2, 2, K)
    loop = s.loop("dpo", P=asim.preferences.bradley_terry(rewards))
    moved = np.log(loop.step(s.start))
    expected = s.alpha * np.log(s.start) + (1 - s.alpha) * np.log(s.reference) + s.beta * rewards
    assert np.ptp(moved - expected) < 1e-10


@objectives
def test_at_lam_zero_the_current_policy_is_never_sampled(objective):
    s = system(np.random.default_rng(1), 4, alpha=0.0, lam=0.0)
    loop = s.loop(objective)
    once = loop.step(s.start)
    assert np.abs(once - loop.step(s.reference)).max() < 1e-14
    optimum = {"ipo": asim.ipo_optimum, "dpo": asim.dpo_optimum}[objective]
    expected = optimum(s.P, s.offline, reference=s.reference, beta=s.beta)
    assert np.abs(once - expected).max() < 1e-13


@objectives
def test_at_beta_zero_the_logits_move_to_the_reference_by_the_factor_alpha(objective):
    s = system(np.random.default_rng(2), 4, beta=0.0, alpha=0.75)
    orbit = s.loop(objective).run(s.start, rounds=9)
    target = np.log(s.reference) - np.log(s.reference).mean()
    gap = orbit.logits - target
    assert np.abs(gap - 0.75 ** np.arange(10)[:, None] * gap[0]).max() < 1e-13


@objectives
def test_at_alpha_one_the_reference_plays_no_part(objective):
    s = system(np.random.default_rng(4), 4, beta=0.3, alpha=1.0)
    orbit = s.loop(objective).run(s.start, rounds=30)
    other = s.loop(objective, reference=None).run(s.start, rounds=30)
    assert np.array_equal(orbit.logits, other.logits)


@objectives
def test_two_responses_always_reach_the_closed_form(objective):
    """K = 2: v₀ − v₁ is P₀₁ − ½ (IPO) or logit P₀₁ (DPO) for every sampler."""
    loop = asim.FeedbackMap([[0.5, 0.8], [0.2, 0.5]], objective=objective, beta=1.5, alpha=0.5)
    signal = 0.3 if objective == "ipo" else np.log(4.0)
    final = loop.run([0.1, 0.9], rounds=100).final
    assert np.log(final[0] / final[1]) == pytest.approx(1.5 / 0.5 * signal, rel=1e-12)


@pytest.mark.parametrize(("objective", "K"), [("ipo", 65), ("ipo", 300), ("dpo", 70)])
def test_many_responses_follow_the_equations(objective, K):
    """Above 64 responses another engine runs: z' = αz + (1−α)z_ref + βv, v = Pμ or S(v)μ = Pμ."""
    s = system(np.random.default_rng(5), K, beta=1.7, alpha=0.6, lam=0.8)
    orbit = s.loop(objective).run(s.start, rounds=3)
    for t in range(3):
        z, moved = orbit.logits[t], orbit.logits[t + 1]
        mu = 0.8 * orbit.policies[t] + 0.2 * s.offline
        v = (moved - 0.6 * z - 0.4 * np.log(s.reference)) / 1.7
        wanted = s.P @ mu
        if objective == "ipo":
            assert np.ptp(v - wanted) < 1e-13
        else:
            wins = 1.0 / (1.0 + np.exp(v[None, :] - v[:, None]))
            assert np.abs(wins @ mu - wanted).max() < 1e-12


def test_many_responses_give_the_same_orbit_with_one_matrix_and_with_several():
    s = system(np.random.default_rng(6), 80, beta=3.0, alpha=0.5)
    other = system(np.random.default_rng(7), 80)
    stack = s.loop(P=np.stack([s.P, other.P, s.P]))
    several = stack.run(s.start, rounds=20)
    alone = s.loop().run(s.start, rounds=20)
    assert np.abs(several.logits[0] - alone.logits).max() < 1e-12
    assert np.array_equal(several.logits[0], several.logits[2])
    assert np.abs(several.policy_variance[0] - alone.policy_variance).max() < 1e-15
    assert np.abs(several.final[1] - alone.final).max() > 1e-3


@objectives
@pytest.mark.parametrize("K", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("tied", ["all", "two at the top", "two below"])
def test_responses_that_are_equally_likely_are_told_apart_all_the_same(objective, K, tied):
    """A uniform sampler is the commonest of all; no response may stand in for its equals."""
    rng = np.random.default_rng(K)
    s = system(rng, K, beta=1.3, alpha=0.5, lam=0.7)
    start = np.ones(K)
    if tied == "two at the top":
        start[2:] = 0.25
    elif tied == "two below":
        start[-1] = 4.0
    start /= start.sum()
    loop = s.loop(objective, offline=None)
    assert np.abs(loop.run(start, rounds=1).final - loop.step(start)).max() < 1e-13
    if tied == "all":
        still = loop.replace(lam=0.0).run(s.start, rounds=50)
        optimum = {"ipo": asim.ipo_optimum, "dpo": asim.dpo_optimum}[objective]
        limit = optimum(s.P, np.full(K, 1 / K), reference=s.reference, beta=1.3 / 0.5)
        assert np.abs(still.final - limit).max() < 1e-12
