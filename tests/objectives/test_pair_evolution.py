"""The closed-form evolution of a pair: against integration, its limit, its rates, both ratios."""

import numpy as np
import pytest
from scipy.integrate import quad

import alignsim as asim
from alignsim.objectives import pair_evolution

START = np.array([0.15, 0.45, 0.3, 0.1])
CHANCES = np.array([0.0, 1e-9, 0.2, 0.5, 0.5 + 1e-9, 0.7, 0.99, 1 - 1e-12, 1.0])
TIMES = np.array([0.0, 1e-3, 0.2, 1.0, 5.0, 30.0])


def pair(p):
    P = np.full((*np.shape(p), 4, 4), 0.5)
    P[..., 0, 1], P[..., 1, 0] = p, 1 - np.asarray(p)
    weights = np.zeros((4, 4))
    weights[0, 1] = 1.0
    return P, weights


@pytest.mark.parametrize("beta", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("reference", [None, [0.7, 0.05, 0.15, 0.1]], ids=["start", "another"])
def test_the_closed_form_is_what_integration_finds(beta, reference):
    P, weights = pair(CHANCES)
    flow = asim.train(
        "dpo", P, pair_weights=weights, beta=beta, start=START, rate=0.25, steps=120, flow=True,
        reference=START if reference is None else reference,
    )  # fmt: skip
    exact = pair_evolution(START, CHANCES, 0.25 * flow.rounds, beta=beta, reference=reference)
    np.testing.assert_allclose(exact.logits, flow.logits, rtol=0, atol=1e-10)
    np.testing.assert_allclose(exact.policies, flow.policies, rtol=0, atol=1e-10)


@pytest.mark.parametrize("p", [0.3, 0.65, 0.999, 1.0])
def test_the_time_to_a_gap_is_its_integral(p):
    path = pair_evolution(START, p, [0.4, 2.0], beta=0.8)
    for time, u in zip(path.times, path.gap, strict=True):
        taken, _ = quad(lambda v: 1 / (p - 1 / (1 + np.exp(-v))), 0, u, epsabs=1e-13)
        assert 2 * time / 0.8**2 == pytest.approx(taken, rel=1e-9)


def test_far_times_reach_the_limit_and_gaps_stay_finite():
    path = pair_evolution(START, CHANCES, [0.0, 1e9], beta=0.9)
    inner = (CHANCES > 1e-6) & (CHANCES < 1 - 1e-6)
    np.testing.assert_allclose(path.policies[inner, -1], path.limit[inner], rtol=1e-12)
    assert np.isfinite(path.logits).all()
    np.testing.assert_array_equal(path.limit[-1], [1, 0, 0, 0])
    np.testing.assert_array_equal(path.limit[0], [0, 1, 0, 0])
    d = 0.9 * np.log(0.7 / 0.3)
    closed = START * np.exp([d / 2, -d / 2, 0, 0])
    np.testing.assert_allclose(path.limit[5], closed / closed.sum(), rtol=1e-13)


@pytest.mark.parametrize("first", [-40.0, -3.0, 0.0, 2.0, 40.0])
@pytest.mark.parametrize("p", [0.0, 0.4, 0.9, 1.0])
def test_any_start_moves_towards_the_log_odds_and_never_past(first, p):
    reference = asim.simplex.softmax(np.array([0.0, first]))
    path = pair_evolution([0.5, 0.5], p, TIMES, reference=reference)
    end = np.log(p) - np.log1p(-p) if 0 < p < 1 else np.sign(p - 0.5) * np.inf
    assert path.gap[0] == pytest.approx(first, abs=1e-12)
    assert (np.diff(path.gap) * np.sign(end - first) >= -1e-12).all()
    assert ((end - path.gap) * np.sign(end - first) >= -1e-12).all()


def test_rates_are_the_derivatives_of_log_probabilities():
    h = 1e-5
    path = pair_evolution(START, 0.9, [1.0 - h, 1.0, 1.0 + h], winner=2, loser=1)
    log = np.log(path.policies)
    np.testing.assert_allclose(path.rates[1], (log[2] - log[0]) / (2 * h), rtol=1e-8)
    s, w, o = path.pull[1], path.policies[1, 2], path.policies[1, 1]
    np.testing.assert_allclose(
        path.rates[1], s * np.array([o - w, -(1 + w - o), 1 - w + o, o - w]), rtol=1e-13
    )
    speed = (path.policies[2] - path.policies[0]) / (2 * h)
    assert path.speed_ratio[1] == pytest.approx(abs(speed[2] / speed[1]), rel=1e-8)


def test_the_loss_ratio_is_that_of_free_probabilities():
    path = pair_evolution(START, 1.0, [0.7], beta=0.5)
    x = path.policies[0, :2] / START[:2]
    b = 2.0

    def loss(x):
        return np.log1p((x[1] / x[0]) ** b)

    h = 1e-6
    slopes = [
        (loss(x + h * e) - loss(x - h * e)) / (2 * h) for e in (np.array([1, 0]), np.array([0, 1]))
    ]
    assert path.loss_ratio[0] == pytest.approx(abs(slopes[0] / slopes[1]), rel=1e-7)


def test_everything_broadcasts_and_shows_itself():
    starts = np.random.default_rng(0).dirichlet(np.ones(4), (3, 1))
    path = pair_evolution(starts, [0.7, 1.0], TIMES, beta=1.3)
    assert path.logits.shape == (3, 2, 6, 4)
    alone = pair_evolution(starts[2, 0], 1.0, TIMES, beta=1.3)
    np.testing.assert_allclose(path.logits[2, 1], alone.logits, rtol=0, atol=1e-14)
    assert "PairEvolution of (3, 2) policies" in repr(path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"P": 1.1}, r"P is 1.1; it must be in \[0, 1\]"),
        ({"times": 1.0}, r"times has shape \(\); give one row"),
        ({"times": [-1.0]}, r"times\[0\] is -1"),
        ({"beta": 0.0}, "beta is 0"),
        ({"times": [1.0, 1e308]}, r"times go up to 1e\+308, too long for beta = 1; 2t"),
        ({"loser": 0}, "loser is 0, as winner is"),
        ({"winner": 4}, "winner is 4"),
        ({"start": [0.5, 0.5, 0.0, 0.0]}, r"start"),
        ({"reference": [0.5, 0.5]}, "reference"),
    ],
)
def test_bad_arguments_are_named(change, told):
    with pytest.raises(ValueError, match=told):
        pair_evolution(**{"start": START, "P": 0.7, "times": TIMES, **change})
