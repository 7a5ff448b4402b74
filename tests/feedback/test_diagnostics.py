"""What is watched along orbits: each number from its definition, the signals, refusals."""

from dataclasses import replace

import numpy as np
import pytest

import alignsim as asim
from alignsim.errors import InputError
from alignsim.feedback.diagnostics import NEVER
from tests import naive

RNG = np.random.default_rng(0)
K = 4
P = np.array([naive.random_preferences(RNG, K) for _ in range(3)])
REF, OFF, START = RNG.dirichlet(np.ones(K), 3)
LOOP = asim.FeedbackMap(
    P, beta=[0.5, 2.0, 9.0], alpha=0.5, lam=0.7, reference=REF, offline=OFF
)  # fmt: skip
ORBIT = LOOP.run(START, rounds=30, keep=3)
PATHS = [
    "chosen_log_likelihood", "rejected_log_likelihood", "margin", "entropy", "top_mass",
    "top_entropy", "uncompared_mass", "kl_to_reference", "duality_gap", "win_rate_reference",
    "win_rate_offline",
]  # fmt: skip


def by_hand(P, pi, w, ref, off, top, tau=0.0):
    """All numbers at one policy, in loops, from pair weights w."""
    chosen = rejected = total = margin = 0.0
    for i in range(K):
        for j in range(K):
            if i != j:
                total += w[i, j] * P[i, j]
                chosen += w[i, j] * P[i, j] * np.log(pi[i])
                rejected += w[i, j] * P[i, j] * np.log(pi[j])
                margin += w[i, j] * P[i, j] * (np.log(pi[i] / ref[i]) - np.log(pi[j] / ref[j]))
    best = sorted(pi)[-top:]
    share = np.array(best) / sum(best)
    gap = max(P @ pi) - 0.5
    if tau:
        answer = ref * np.exp(P @ pi / tau)
        answer /= answer.sum()
        gap = tau * (pi * np.log(pi / answer)).sum()
    return [
        chosen / total, rejected / total, margin / total, -(pi * np.log(pi)).sum(), sum(best),
        -(share * np.log(share)).sum(), sum(pi[i] for i in range(K) if w[i].sum() == 0.0),
        (pi * np.log(pi / ref)).sum(), 2 * gap, pi @ P @ ref, pi @ P @ off,
    ]  # fmt: skip


def compare(ds, pairs, off, top=2, tau=0.0, paths=PATHS):
    for m in range(3):
        for f in range(len(ORBIT.rounds)):
            pi = ORBIT.policies[m, f]
            w = pairs(m, pi) * (1 - np.eye(K))
            found = by_hand(P[m], pi, w, REF, off, top, tau)
            for name, value in zip(PATHS, found, strict=True):
                if name in paths:
                    assert ds[name].values[m, f] == pytest.approx(value, abs=1e-12), name


@pytest.mark.parametrize("top", [1, 2, 4])
def test_the_pairs_of_a_loop_are_those_of_its_policy_and_its_offline_policy(top):
    ds = asim.diagnostics(LOOP, ORBIT, top=top)
    assert list(ds.data_vars) == [*PATHS, "entropy_alarm", "mass_alarm"]
    assert ds["margin"].dims == ("map_0", "round")

    def pairs(m, pi):
        del m
        mu = 0.7 * pi + 0.3 * OFF
        return 2 * np.outer(mu, mu)

    compare(ds, pairs, OFF, top)


def test_pairs_may_be_fixed_and_responses_never_compared():
    w = np.zeros((K, K))
    w[0, 1] = 1.0
    w[3, 1] = 2.0
    ds = asim.diagnostics(P, ORBIT, pair_weights=w, tau=0.3)
    assert "win_rate_offline" not in ds
    compare(ds, lambda m, pi: w + w.T, OFF, tau=0.3, paths=PATHS[:-1])
    np.testing.assert_allclose(ds["uncompared_mass"], ORBIT.policies[..., 2], atol=1e-15)
    mu = np.array([0.5, 0.5, 0.0, 0.0])
    ds = asim.diagnostics(P, ORBIT, sampling=mu)
    compare(ds, lambda m, pi: 2 * np.outer(mu, mu), mu)
    same = asim.diagnostics(LOOP, ORBIT, sampling=mu)
    np.testing.assert_array_equal(same["margin"], ds["margin"])
    np.testing.assert_allclose(same["win_rate_offline"][1, 0], ORBIT.policies[1, 0] @ P[1] @ OFF)


def test_batches_broadcast_and_one_map_has_no_batch():
    one = asim.FeedbackMap(P[0], beta=1.0)
    runs = one.run(np.stack([START, REF]), rounds=5)
    ds = asim.diagnostics(one, runs)
    alone = asim.diagnostics(one, one.run(START, rounds=5))
    assert alone["margin"].dims == ("round",)
    np.testing.assert_array_equal(ds["margin"][0], alone["margin"])
    assert int(alone["mass_alarm"]) == int(ds["mass_alarm"][0])


def test_margins_are_zero_at_the_reference_and_nothing_compared_is_nan():
    loop = asim.FeedbackMap(P[0], beta=1.0, reference=REF)
    ds = asim.diagnostics(loop, loop.run(REF, rounds=1))
    assert ds["margin"].values[0] == pytest.approx(0.0, abs=1e-15)
    assert ds["margin"].values[1] > 0
    nothing = asim.diagnostics(P[0], loop.run(REF, rounds=1), sampling=[1.0, 0, 0, 0])
    assert np.isnan(nothing["margin"]).all()
    np.testing.assert_allclose(nothing["uncompared_mass"], 1.0)


def test_collapsed_and_failed_orbits():
    hard = asim.FeedbackMap([[0.5, 0.9], [0.1, 0.5]], beta=900.0, alpha=1.0)
    ds = asim.diagnostics(hard, hard.run(rounds=50), top=1, sampling=[0.5, 0.5])
    last = ds.isel(round=-1)
    assert float(last["rejected_log_likelihood"]) < -1000
    assert np.isfinite(float(last["duality_gap"]))
    assert float(last["duality_gap"]) == pytest.approx(0.0, abs=1e-12)
    one_hot = asim.diagnostics(hard, hard.run(rounds=50))
    assert np.isnan(one_hot["margin"].values[-1])  # draws of one response only
    lost = asim.FeedbackMap(P[0], objective="rlhf", beta=1.0)
    ds = asim.diagnostics(lost, lost.run(START, rounds=3))
    for name in PATHS:
        assert np.isfinite(ds[name].values[0])
        assert np.isnan(ds[name].values[1:]).all(), name


def test_the_signals_sound_at_the_first_fall():
    """Collapse onto one response: the top-1 mass grows, the top-2 entropy falls."""
    loop = asim.FeedbackMap(P[0], beta=1.0, alpha=1.0)
    run = loop.run(START, rounds=40)
    for fall in (0.01, 0.3):
        ds = asim.diagnostics(loop, run, fall=fall)
        for signal, name in (("entropy_alarm", "top_entropy"), ("mass_alarm", "top_mass")):
            values = ds[name].values
            first = next(
                (
                    int(ds["round"][t])
                    for t in range(len(values))
                    if values[t] < (1 - fall) * max(values[: t + 1])
                ),
                NEVER,
            )
            assert int(ds[signal]) == first
    flat = asim.FeedbackMap(np.full((2, 2), 0.5), beta=1.0)
    ds = asim.diagnostics(flat, flat.run([0.5, 0.5], rounds=5))
    assert int(ds["entropy_alarm"]) == int(ds["mass_alarm"]) == NEVER


def test_mass_leaks_where_the_policy_flattens():
    """From a sharp start back to a uniform reference: the top mass shrinks, entropy does not."""
    loop = asim.FeedbackMap(np.full((4, 4), 0.5), beta=1.0, alpha=0.9)
    ds = asim.diagnostics(loop, loop.run([0.85, 0.05, 0.05, 0.05], rounds=60), top=1)
    assert int(ds["mass_alarm"]) == 1
    assert int(ds["entropy_alarm"]) == NEVER


def test_a_fall_is_one_from_the_largest_value_so_far():
    """The mass rises from .5 to .9 and falls to .8, which is more than at first."""
    loop = asim.FeedbackMap(np.full((3, 3), 0.5), beta=1.0)
    shares = np.array([[0.5, 0.3, 0.2], [0.9, 0.06, 0.04], [0.8, 0.12, 0.08]])
    run = replace(loop.run(rounds=20, keep=10), logits=np.log(shares))
    ds = asim.diagnostics(loop, run, top=1, fall=0.1)
    assert int(ds["mass_alarm"]) == 20
    assert int(asim.diagnostics(loop, run, top=1, fall=0.12)["mass_alarm"]) == NEVER


def test_methods_of_several_slots_too():
    loop = asim.method("optimistic", P[0], beta=1.0, kappa=0.2)
    ds = asim.diagnostics(loop, loop.run(START, rounds=5))
    w = 2 * np.outer(START, START)
    found = by_hand(P[0], START, w, np.full(K, 0.25), np.full(K, 0.25), 2)
    for name, value in zip(PATHS, found, strict=True):
        assert float(ds[name][0]) == pytest.approx(value, abs=1e-12)


def test_training_paths_and_the_pairs_of_samplers():
    mu = np.array([0.4, 0.3, 0.2, 0.1])
    path = asim.train("dpo", P[0], mu, rate=0.3, steps=4, reference=REF)
    ds = asim.diagnostics(P[0], path, sampling=mu)
    for f in range(5):
        w = 2 * np.outer(mu, mu) * (1 - np.eye(K))
        found = by_hand(P[0], path.policies[f], w, REF, mu, 2)
        for name, value in zip(PATHS, found, strict=True):
            assert ds[name].values[f] == pytest.approx(value, abs=1e-12), name
    assert (np.diff(ds["margin"]) > 0).all()
    loop = asim.FeedbackMap(P[0], beta=1.0, alpha=0.5, reference=REF, sampler="two_policies")
    run = loop.run(START, rounds=3)
    ds = asim.diagnostics(loop, run)
    for f in range(4):
        w = loop.problem(loop.reference_logits, run.logits[f]).pairs.weights
        found = by_hand(P[0], run.policies[f], w, REF, np.full(K, 0.25), 2)
        for name, value in zip(PATHS, found, strict=True):
            assert ds[name].values[f] == pytest.approx(value, abs=1e-12), name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((P, ORBIT), "sampling is missing; of preferences give the pairs"),
        ((LOOP, 3), "trajectory is 3; give what FeedbackMap.run returned"),
        ((P[..., :3, :3], ORBIT), "trajectory has 4 responses; the game has 3"),
        ((asim.FeedbackMap(P[:2], beta=1.0), ORBIT), r"\(2,\)"),
        ((asim.FeedbackMap(P[0], beta=np.ones((2, 3))), ORBIT), "the loop has"),
    ],
)
def test_what_does_not_fit_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        asim.diagnostics(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top": 0}, "top is 0; it must be at least 1"),
        ({"top": 5}, "top is 5"),
        ({"fall": 0.0}, "fall is 0"),
        ({"tau": -1.0}, "tau is -1"),
        ({"tau": np.ones((2, 3))}, r"trajectory has batch shape \(3,\)"),
        ({"sampling": np.full((2, 3, 4), 0.25)}, r"trajectory has batch shape \(3,\)"),
        ({"sampling": [0.5, 0.5]}, "sampling has 2 responses"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises((InputError, ValueError), match=message):
        asim.diagnostics(P, ORBIT, **({"sampling": OFF} | options))
