"""Training paths: what descent and its flow conserve, where they settle, and what they refuse."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import alignsim as asim
from alignsim import simplex
from alignsim.errors import NoOptimumError
from alignsim.kernels.status import NOT_FINITE, OK, STIFF
from alignsim.objectives import (
    OBJECTIVES,
    GradientSteps,
    ScoreObjective,
    Trainable,
    largest_rate,
)
from tests import naive

LOSSES = pytest.mark.parametrize("objective", ["ipo", "dpo"])
PAIR = np.array([[0.0, 1.0], [1.0, 0.0]])
TRAINED = sorted(name for name, each in OBJECTIVES.items() if isinstance(each, Trainable))


def problem(seed=0, K=4):
    rng = np.random.default_rng(seed)
    return {
        "P": naive.random_preferences(rng, K),
        "sampling": rng.dirichlet(np.full(K, 3.0)),
        "reference": rng.dirichlet(np.full(K, 3.0)),
        "beta": 1.7,
    }


def features(seed=0, K=4):
    """The Gram matrix of random features, fewer than there are responses."""
    phi = np.random.default_rng(seed).normal(size=(K, K - 1))
    return phi @ phi.T


@LOSSES
def test_descent_below_the_largest_rate_ends_in_the_optimum(objective):
    given = problem()
    rate = 0.5 * largest_rate(objective, **given)
    path = asim.train(objective, **given, rate=rate, steps=3000, keep="last")
    np.testing.assert_allclose(path.final, asim.optimum(objective, **given), rtol=0, atol=1e-13)
    assert path.rounds.tolist() == [3000]
    assert path.final_state.shape == (1, 4)


@LOSSES
@pytest.mark.parametrize("coupling", [None, features(3)], ids=["own logits", "coupled"])
def test_descent_settles_below_the_largest_rate_and_not_above_it(objective, coupling):
    given = problem(1)
    limit = largest_rate(objective, **given, coupling=coupling)
    top = simplex.centred_logits(asim.optimum(objective, **given))
    moved = top + 1e-6 * simplex.asymmetric_direction(4)
    rates = limit * np.array([0.98, 1.02])
    path = asim.train(
        objective, **given, start_logits=moved, rate=rates, steps=2000, coupling=coupling, keep=500
    )
    step = np.abs(np.diff(path.logits[:, -3:], axis=1)).max(axis=(1, 2))
    speed = asim.train(
        objective, **given, start_logits=path.final_logits, rate=rates, steps=1, coupling=coupling
    )
    still = np.abs(np.diff(speed.logits, axis=1)).max(axis=(1, 2))
    assert still[0] < 1e-12
    assert still[1] > 1e-6
    assert step[0] < 1e-12


def test_the_largest_rate_of_a_pair_is_that_of_its_closed_form():
    p, beta = np.array([0.55, 0.75, 0.99]), np.array([0.5, 2.0, 1.0])
    P = np.stack([np.stack([0.5 + 0 * p, p], -1), np.stack([1 - p, 0.5 + 0 * p], -1)], -2)
    found = largest_rate("dpo", P, pair_weights=PAIR, beta=beta)
    np.testing.assert_allclose(found, beta**2 / (p * (1 - p)), rtol=1e-12)
    np.testing.assert_allclose(
        largest_rate("ipo", P, pair_weights=PAIR, beta=beta), 0.5, rtol=1e-12
    )


@LOSSES
def test_a_path_is_a_loop_whose_rounds_are_single_steps(objective):
    given = problem(2)
    path = asim.train(objective, **given, start=[0.4, 0.3, 0.2, 0.1], rate=0.1, steps=30)
    loop = asim.FeedbackMap(
        given["P"], objective=GradientSteps(OBJECTIVES[objective], 1, 0.1), beta=given["beta"],
        lam=0.0, reference=given["reference"], offline=given["sampling"],
    )  # fmt: skip
    orbit = loop.run([0.4, 0.3, 0.2, 0.1], rounds=30)
    np.testing.assert_allclose(path.logits, orbit.logits, rtol=0, atol=1e-14)
    np.testing.assert_allclose(path.policy_mean, orbit.policy_mean, rtol=1e-13)


@LOSSES
@pytest.mark.parametrize("flow", [False, True])
def test_sums_over_connected_responses_are_kept_without_coupling(objective, flow):
    rng = np.random.default_rng(3)
    weights = np.zeros((6, 6))
    for i, j in [(0, 1), (1, 2), (3, 4)]:
        weights[i, j] = rng.uniform(0.3, 1)
    path = asim.train(
        objective, naive.random_preferences(rng, 6), pair_weights=weights,
        reference=rng.dirichlet(np.ones(6)), start=rng.dirichlet(np.ones(6)), rate=1.5, steps=40,
        flow=flow,
    )  # fmt: skip
    assert np.ptp(path.logits[:, 0]) > 0.1
    rounding = 1e-14 * (1.0 + np.abs(path.logits).max())  # descent on IPO diverges at this rate
    for part in ([0, 1, 2], [3, 4]):
        assert np.ptp(path.logits[:, part].sum(axis=-1)) < rounding
    assert np.ptp(path.logits[:, 5]) == 0.0
    mixed = asim.train(
        objective, naive.random_preferences(rng, 6), pair_weights=weights, rate=0.1, steps=5,
        coupling=features(1, 6),
    )  # fmt: skip
    assert np.ptp(mixed.logits[:, 5]) > 1e-3


@LOSSES
@pytest.mark.parametrize("coupling", [None, features(2)], ids=["own logits", "coupled"])
def test_the_flow_is_the_one_that_scipy_integrates(objective, coupling):
    given = problem(4)
    gram = np.eye(4) if coupling is None else coupling
    u0 = np.log(given["reference"])
    weights = 2 * np.outer(given["sampling"], given["sampling"])
    P, beta = given["P"], given["beta"]

    def velocity(_, theta):
        descended = naive.descent_step(objective, P, weights, theta, u0, beta, 1)
        return gram @ np.float64(descended - theta)

    end = solve_ivp(velocity, (0, 3.0), u0, method="LSODA", rtol=1e-11, atol=1e-12).y[:, -1]
    path = asim.train(objective, **given, rate=0.5, steps=6, flow=True, coupling=coupling)
    np.testing.assert_allclose(path.final, np.float64(naive.softmax(end)), rtol=0, atol=1e-9)
    assert path.scheme == "gradient_flow"


@LOSSES
def test_a_flow_that_has_come_to_rest_stays_there(objective):
    given = problem(10)
    path = asim.train(objective, **given, rate=300.0, steps=4, flow=True)
    assert (path.status == OK).all()
    np.testing.assert_allclose(path.final, asim.optimum(objective, **given), rtol=0, atol=1e-10)


def test_the_error_of_a_step_is_small_also_where_its_estimate_vanishes_by_chance():
    """The first step would be 600 times the tolerance off, with an estimate next to 0."""
    p, beta, time = 0.36150328, 0.893106, 3.60904022
    P = [[0.5, p, 0.5], [1 - p, 0.5, 0.5], [0.5, 0.5, 0.5]]
    given = {"reference": [0.24858479, 0.00099955, 0.75041566], "beta": beta}
    pair = [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    flow = asim.train("dpo", P, pair_weights=pair, **given, rate=time / 4, steps=4, flow=True)
    exact = asim.objectives.pair_evolution(given["reference"], p, time / 4 * flow.rounds, beta=beta)
    np.testing.assert_allclose(flow.logits, exact.logits, rtol=0, atol=1e-11)


def test_descent_comes_to_the_flow_in_proportion_to_the_rate():
    given = problem(5)
    flow = asim.train("dpo", **given, rate=2.0, steps=1, flow=True).final_logits
    gaps = [
        np.abs(asim.train("dpo", **given, rate=2.0 / n, steps=n).final_logits - flow).max()
        for n in (200, 400)
    ]
    assert 1.9 < gaps[0] / gaps[1] < 2.1


@pytest.mark.parametrize("flow", [False, True])
def test_everything_broadcasts(flow):
    given = problem(6)
    rates, betas = np.array([0.1, 0.3]), np.array([[1.0], [2.0], [3.0]])
    gram = np.stack([np.eye(4), features(1)])
    options = {"steps": 5, "flow": flow}
    batch = asim.train("dpo", **{**given, "beta": betas}, rate=rates, coupling=gram, **options)
    assert batch.logits.shape == (3, 2, 6, 4)
    for i, j in np.ndindex(3, 2):
        own = {**given, "beta": betas[i, 0]}
        alone = asim.train("dpo", **own, rate=rates[j], coupling=gram[j], **options)
        np.testing.assert_allclose(batch.logits[i, j], alone.logits, rtol=0, atol=1e-14)


def test_a_run_goes_on_where_one_ended():
    given = problem(7)
    whole = asim.train("dpo", **given, rate=0.3, steps=20)
    half = asim.train("dpo", **given, rate=0.3, steps=10)
    rest = asim.train("dpo", **given, rate=0.3, steps=10, start_logits=half.final_logits)
    np.testing.assert_array_equal(rest.final_logits, whole.final_logits)


def test_what_diverges_has_a_reason_and_spares_its_neighbours():
    path = asim.train("ipo", **problem(8), rate=[0.1, 50.0], steps=2000, keep="last")
    assert path.status.tolist() == [OK, NOT_FINITE]
    assert np.isnan(path.final_logits[1]).all()
    assert "lower beta, or the rate of training" in path.reason(1)


def test_a_flow_that_is_too_fast_to_follow_says_so():
    given = {**problem(9), "beta": 1e-3}
    path = asim.train("dpo", **given, rate=[1e-6, 1e3], steps=1, flow=True)
    assert path.status.tolist() == [OK, STIFF]
    assert "flow=False" in path.reason(1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rate": 0.0}, "rate is 0"),
        ({"rate": [0.1, np.nan]}, r"rate\[1\] is nan"),
        ({"steps": -1}, "steps is -1"),
        ({"beta": 0.0}, "beta is 0; training needs a β above 0"),
        ({"burn_in": 11, "steps": 10}, "burn_in is 11; it must be at most steps, 10"),
        ({"start": np.full(4, 0.25), "start_logits": np.zeros(4)}, "start is given beside"),
        ({"coupling": np.triu(np.ones((4, 4)))}, "coupling is asymmetric by 1 of its largest"),
        ({"coupling": -np.eye(4)}, "coupling has the eigenvalue -1; it must be positive semidef"),
        ({"coupling": np.eye(3)}, r"coupling has shape \(3, 3\); the last two axes must be 4×4"),
        ({"flow": "yes"}, "flow is 'yes'"),
        ({"objective": "dp"}, "objective is 'dp'; did you mean 'dpo'"),
        ({"margin": 1.0}, "margin is no parameter of 'dpo'"),
    ],
)
def test_bad_arguments_are_named(change, told):
    given = {"objective": "dpo", "rate": 0.1, "steps": 10, **problem(), **change}
    with pytest.raises(ValueError, match=told):
        asim.train(**given)


def test_the_largest_rate_refuses_what_float64_does_not_hold():
    given = problem()
    with pytest.raises(ValueError, match="beta is 0; training needs a β above 0"):
        largest_rate("ipo", **{**given, "beta": 0.0})
    one = largest_rate("ipo", **given, coupling=np.eye(4))
    np.testing.assert_allclose(
        largest_rate("ipo", **given, coupling=1e300 * np.eye(4)), one / 1e300
    )


def test_an_objective_without_a_force_is_refused():
    class Plain(ScoreObjective):
        name = "plain"

        def score(self, x):
            raise AssertionError

        def score_derivative(self, x, score):
            raise AssertionError

    told = "objective is 'plain', which has no force on the logits; train one of ipo, dpo"
    with pytest.raises(ValueError, match=told):
        asim.train(Plain(), **problem(), rate=0.1)
    with pytest.raises(ValueError, match=told):
        largest_rate(Plain(), **problem())


@pytest.mark.parametrize(
    ("objective", "told"),
    [
        ("rlhf", "P is no Bradley-Terry matrix.*give rewards="),
        ("exo", "the problem has no finite exo optimum: a soft label is 0 or 1"),
    ],
)
def test_preferences_without_a_force_are_named(objective, told):
    P = [[0.5, 1.0, 0.2], [0.0, 0.5, 1.0], [0.8, 0.0, 0.5]]
    with pytest.raises(NoOptimumError, match=told):
        asim.train(objective, P, [0.5, 0.3, 0.2], rate=0.1, steps=3)
