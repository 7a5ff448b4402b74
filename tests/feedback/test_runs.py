"""What a run keeps, what it averages, and how it goes on."""

import numpy as np
import pytest

import alignsim as asim
from tests.feedback.systems import policy, preferences, system

KEEPS = {
    "all": list(range(11)),
    "last": [10],
    1: list(range(11)),
    3: [0, 3, 6, 9, 10],
    5: [0, 5, 10],
    10: [0, 10],
    11: [0, 10],
    10**12: [0, 10],
    np.int64(4): [0, 4, 8, 10],
    (7, 2, 2): [2, 7, 10],
    (0,): [0, 10],
    (10,): [10],
    range(1, 4): [1, 2, 3, 10],
}
ENGINES = [("ipo", 3), ("ipo", 4), ("dpo", 3), ("dpo", 4), ("ipo", 70), ("dpo", 70)]

objectives = pytest.mark.parametrize("objective", ["ipo", "dpo"])
engines = pytest.mark.parametrize(("objective", "K"), ENGINES)


def batch(objective, K, **parameters):
    """Two maps and a start each."""
    rng = np.random.default_rng(K)
    P = np.array([preferences(rng, K), preferences(rng, K)])
    start = np.array([policy(rng, K), policy(rng, K)])
    given = {"beta": 3.0, "alpha": 0.6, "lam": 0.9, **parameters}
    return asim.FeedbackMap(P, objective=objective, **given), start


def test_rounds_may_be_listed_in_an_array():
    loop, start = batch("ipo", 3)
    assert loop.run(start, rounds=10, keep=np.array([7, 2])).rounds.tolist() == [2, 7, 10]


@engines
def test_keep_changes_which_rounds_are_kept_and_nothing_else(objective, K):
    loop, start = batch(objective, K)
    rounds = 10
    whole = loop.run(start, rounds)
    assert whole.rounds.tolist() == list(range(11))
    for keep, expected in KEEPS.items():
        orbit = loop.run(start, rounds, keep=list(keep) if isinstance(keep, tuple) else keep)
        assert orbit.rounds.tolist() == expected, keep
        assert orbit.policies.shape == orbit.logits.shape == (2, len(expected), K), keep
        assert orbit.final.shape == orbit.final_logits.shape == (2, K), keep
        assert np.array_equal(orbit.logits, whole.logits[:, expected]), keep
        for field in ("policy_mean", "policy_variance", "entropy_mean", "entropy_min"):
            assert np.array_equal(getattr(orbit, field), getattr(whole, field)), (keep, field)


@engines
def test_no_round_at_all_returns_the_start(objective, K):
    loop, start = batch(objective, K)
    for keep in ("all", "last", 7, [0]):
        orbit = loop.run(start, rounds=0, keep=keep)
        assert orbit.rounds.tolist() == [0]
        assert orbit.policies.shape == (2, 1, K)
        assert np.abs(orbit.final - start).max() < 1e-15
        assert np.abs(orbit.policy_mean - start).max() < 1e-15
        assert orbit.policy_variance.max() < 1e-30
        assert np.array_equal(orbit.entropy_mean, orbit.entropy_min)


@engines
@pytest.mark.parametrize("burn_in", [0, 1, 39, 40, None])
def test_averages_are_the_statistics_of_the_rounds_from_burn_in_on(objective, K, burn_in):
    loop, start = batch(objective, K)
    orbit = loop.run(start, rounds=40, burn_in=burn_in)
    first = 20 if burn_in is None else burn_in
    assert orbit.burn_in == first
    late = orbit.policies[:, first:]
    entropy = -(late * np.log(late)).sum(axis=-1)
    assert np.abs(orbit.policy_mean - late.mean(axis=1)).max() < 1e-14
    assert np.abs(orbit.policy_variance - late.var(axis=1)).max() < 1e-15
    assert np.abs(orbit.cycle_strength - late.var(axis=1).mean(axis=-1)).max() < 1e-15
    assert np.abs(orbit.entropy_mean - entropy.mean(axis=1)).max() < 1e-13
    assert np.abs(orbit.entropy_min - entropy.min(axis=1)).max() < 1e-13


@objectives
def test_the_tiny_variance_of_a_settling_orbit_keeps_its_digits(objective):
    """The policies differ in their last digits only; the variance is far below 1e-16."""
    loop = asim.FeedbackMap(
        asim.preferences.cyclic(3, advantage=0.2), objective=objective, beta=0.5, alpha=0.5
    )
    orbit = loop.run([0.5, 0.3, 0.2], rounds=60, burn_in=30)
    exact = orbit.policies[30:] - orbit.policies[30]
    assert 1e-24 < orbit.cycle_strength < 1e-18
    assert orbit.policy_variance == pytest.approx(exact.var(axis=0), rel=1e-3)


@pytest.mark.parametrize("alpha", [0.4, 1.0])
def test_an_ipo_run_resumes_to_the_bit_from_its_last_logits(alpha):
    rng = np.random.default_rng(0)
    for K in (2, 3, 4, 5, 7):
        P = np.array([preferences(rng, K) for _ in range(70)])
        loop = asim.FeedbackMap(P, beta=rng.uniform(0.5, 12.0, 70), alpha=alpha)
        whole = loop.run(rounds=3000, keep=[1500])
        half = loop.run(rounds=1500, keep="last")
        assert np.array_equal(half.final_logits, whole.logits[:, 0])
        rest = loop.run(start_logits=half.final_logits, rounds=1500, keep="last")
        assert np.array_equal(rest.final_logits, whole.final_logits)


def test_a_dpo_run_resumes_to_rounding_from_its_last_logits():
    """Newton starts from another score, and only stable orbits forget its last digits."""
    rng = np.random.default_rng(1)
    for K in (3, 5):
        P = np.array([preferences(rng, K) for _ in range(40)])
        loop = asim.FeedbackMap(P, objective="dpo", beta=rng.uniform(0.1, 0.6, 40), alpha=0.5)
        whole = loop.run(rounds=3000, keep="last")
        half = loop.run(rounds=1500, keep="last")
        rest = loop.run(start_logits=half.final_logits, rounds=1500, keep="last")
        assert np.abs(rest.final_logits - whole.final_logits).max() < 1e-11


def test_start_logits_are_defined_up_to_a_constant():
    s = system(np.random.default_rng(2), 4)
    loop = s.loop()
    orbit = loop.run(s.start, rounds=20)
    other = loop.run(start_logits=np.log(s.start) + 7.0, rounds=20)
    assert np.abs(orbit.logits - other.logits).max() < 1e-13
    for shift in (1e-14, 1e-10, 1e-5, 1.0):
        nearly = loop.run(start_logits=orbit.final_logits + shift, rounds=0)
        assert abs(nearly.final_logits.mean()) < 4e-15


@pytest.mark.parametrize(("objective", "K"), [("ipo", 4), ("dpo", 4), ("dpo", 3)])
def test_the_fused_engines_agree_with_the_generic_one(objective, K, monkeypatch):
    from alignsim.feedback import engines

    loop, start = batch(objective, K)
    fused = loop.run(start, rounds=200, keep=10)
    monkeypatch.setattr(engines, "FUSED", {})
    monkeypatch.setattr(engines, "WIRED", {})
    generic = loop.run(start, rounds=200, keep=10)
    assert np.abs(fused.logits - generic.logits).max() < 1e-10
    for field in ("policy_mean", "policy_variance", "entropy_mean", "entropy_min"):
        assert np.abs(getattr(fused, field) - getattr(generic, field)).max() < 1e-11, field


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda a: np.asfortranarray(a), id="Fortran order"),
        pytest.param(lambda a: a[..., ::-1].copy()[..., ::-1], id="negative strides"),
        pytest.param(lambda a: np.repeat(a, 2, axis=-1)[..., ::2], id="gaps"),
        pytest.param(lambda a: a.astype(">f8"), id="foreign byte order"),
        pytest.param(lambda a: a.astype(np.longdouble), id="long double"),
        pytest.param(lambda a: a.tolist(), id="lists"),
    ],
)
@objectives
def test_the_layout_of_the_input_does_not_matter(objective, wrap):
    s = system(np.random.default_rng(5), 4)
    expected = s.loop(objective).run(s.start, rounds=9).logits
    wrapped = s._replace(P=wrap(s.P), reference=wrap(s.reference), offline=wrap(s.offline))
    loop = wrapped.loop(objective)
    assert np.array_equal(loop.run(wrap(s.start), rounds=9).logits, expected)
    assert np.array_equal(loop.jacobian(wrap(s.start)), s.loop(objective).jacobian(s.start))


@objectives
def test_no_call_changes_its_input_and_read_only_input_is_welcome(objective):
    s = system(np.random.default_rng(6), 4)
    arrays = {
        "P": s.P, "beta": np.array([1.0, 2.0]), "alpha": np.array([0.3, 0.4]),
        "lam": np.array([0.5, 0.6]), "reference": s.reference, "offline": s.offline,
    }  # fmt: skip
    start, logits = s.start.copy(), np.array([3.0, 1.0, 2.0, 5.0])
    before = {name: a.copy() for name, a in arrays.items()}
    for a in (*arrays.values(), start, logits):
        a.setflags(write=False)
    loop = asim.FeedbackMap(objective=objective, **arrays)
    loop.run(start, rounds=5)
    loop.run(start_logits=logits, rounds=5)
    loop.step(start)
    loop.step_logits(logits)
    loop.jacobian(start)
    assert all(np.array_equal(arrays[name], before[name]) for name in arrays)


def test_single_precision_preferences_are_taken_where_they_are_exact():
    P = np.array([[0.5, 0.75], [0.25, 0.5]])
    single = asim.FeedbackMap(P.astype(np.float32), beta=np.float32(2.0), alpha=np.float32(0.5))
    double = asim.FeedbackMap(P, beta=2.0, alpha=0.5)
    assert np.array_equal(single.run(rounds=9).logits, double.run(rounds=9).logits)
    assert single.run(rounds=9).logits.dtype == np.float64
