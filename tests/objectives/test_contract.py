"""Forces are gradients of the losses, derivatives those of solutions, for either kind of pairs."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from alignsim.objectives import (
    DPO,
    IPO,
    OBJECTIVES,
    Comparison,
    Fact,
    Facts,
    GradientSteps,
    ProductPairs,
    ScoreObjective,
    WeightedPairs,
)
from alignsim.simplex import centre
from tests import naive
from tests.objectives.test_losses import pair_loss

LOSSES = pytest.mark.parametrize("objective", [IPO(), DPO()], ids=str)
PAIRS = pytest.mark.parametrize("kind", [ProductPairs, WeightedPairs])
STEPS = GradientSteps(DPO(), 4, 0.7)


def problem(kind, seed=0, K=4, beta=1.7):
    rng = np.random.default_rng(seed)
    P = naive.random_preferences(rng, K)
    weights = rng.uniform(0.2, 1.0, (K, K))
    weights = (weights + weights.T) * (1 - np.eye(K))
    pairs = {ProductPairs: rng.dirichlet(np.ones(K)), WeightedPairs: weights}[kind]
    start, reference, logits = centre(rng.normal(size=(3, K)))
    return Comparison(P, reference, np.array(beta), kind(pairs), start), logits


def changed(x, **values):
    """The problem with other reference logits, start, or data of its pairs."""
    data = values.get(
        "data",
        getattr(x.pairs, "sampler", None) if isinstance(x.pairs, ProductPairs) else x.pairs.weights,
    )
    return Comparison(
        x.P,
        values.get("reference", x.reference_logits),
        x.beta,
        type(x.pairs)(data),
        values.get("start", x.start_logits),
    )


def difference(function, at, step=1e-4):
    """The Jacobian of a vector function by five-point differences: (..., len(at))."""
    columns = []
    for direction in np.eye(len(at)):
        f = [function(at + t * step * direction) for t in (-2, -1, 1, 2)]
        columns.append((f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * step))
    return np.stack(columns, axis=-1)


@LOSSES
@PAIRS
def test_the_force_is_the_descent_direction_of_the_loss(objective, kind):
    x, logits = problem(kind)

    def loss(theta):
        # ordered pairs, each weighed half of an unordered one
        return pair_loss(
            objective.name, theta, x.P, 0.5 * x.pairs.weights, np.exp(x.reference_logits), x.beta
        )

    gradient = approx_fprime(logits, loss, 1e-7)
    np.testing.assert_allclose(objective.force(logits, x), -gradient, rtol=1e-4, atol=1e-6)
    optimum = objective.optimum(x).value
    np.testing.assert_allclose(objective.force(optimum, x), 0.0, atol=1e-14)


@LOSSES
@PAIRS
def test_the_derivatives_of_the_force_are_those_of_differences(objective, kind):
    x, logits = problem(kind, seed=1)
    by_logits, by_reference, by_pairs = objective.force_derivatives(logits, x)
    expected = difference(lambda theta: objective.force(theta, x), logits)
    np.testing.assert_allclose(by_logits, expected, rtol=0, atol=1e-9)
    expected = difference(
        lambda ref: objective.force(logits, changed(x, reference=ref)), x.reference_logits
    )
    np.testing.assert_allclose(by_reference, expected, rtol=0, atol=1e-9)
    check_by_pairs(by_pairs, lambda data: objective.force(logits, changed(x, data=data)), x)


def check_by_pairs(derivative, function, x):
    """The derivative by the pairs, against differences along policies or single pairs."""
    if isinstance(x.pairs, ProductPairs):
        expected = difference(function, x.pairs.sampler)
        inward = np.eye(len(expected)) - 1 / len(expected)
        np.testing.assert_allclose(derivative @ inward, expected @ inward, rtol=0, atol=1e-8)
        return
    K = len(x.P)
    for i in range(K):
        for j in range(i):
            pair = np.zeros((K, K))
            pair[i, j] = pair[j, i] = 1.0
            moved = difference(
                lambda t, pair=pair: function(x.pairs.weights + t[0] * pair), np.zeros(1)
            )
            np.testing.assert_allclose(derivative[:, i, j], moved[:, 0], rtol=0, atol=1e-8)
            np.testing.assert_allclose(derivative[:, i, j], derivative[:, j, i], rtol=1e-12)


@pytest.mark.parametrize("objective", [IPO(), DPO(), STEPS, GradientSteps(IPO(), 3, 0.2)], ids=str)
@PAIRS
def test_value_and_derivatives_come_from_one_solve_and_agree_with_differences(objective, kind):
    x, _ = problem(kind, seed=2)
    (value, status), tangent = objective.linearise(x)
    assert status == 0
    np.testing.assert_array_equal(value, objective.optimum(x).value)

    def end(**values):
        return centre(objective.optimum(changed(x, **values)).value)

    by_reference = difference(lambda ref: end(reference=ref), x.reference_logits)
    np.testing.assert_allclose(centred(tangent.reference), by_reference, rtol=0, atol=1e-8)
    check_by_pairs(centred(tangent.pairs), lambda data: end(data=data), x)
    if tangent.start is None:
        np.testing.assert_array_equal(end(start=x.start_logits + 1.0), end())
    else:
        by_start = difference(lambda start: end(start=start), x.start_logits)
        np.testing.assert_allclose(centred(tangent.start), by_start, rtol=0, atol=1e-8)


def centred(derivative):
    """The derivative of centred logits."""
    return derivative - derivative.mean(axis=0)


@LOSSES
def test_many_small_steps_end_at_the_optimum(objective):
    x, _ = problem(ProductPairs, seed=3, beta=1.0)
    end = GradientSteps(objective, 4000, 0.3).optimum(x).value
    expected = centre(objective.optimum(x).value) + x.start_logits.mean()
    np.testing.assert_allclose(end, expected, rtol=0, atol=1e-9)


def test_training_without_a_start_begins_at_the_reference():
    x, _ = problem(ProductPairs, seed=4)
    bare = Comparison(x.P, x.reference_logits, x.beta, x.pairs)
    own = changed(x, start=x.reference_logits)
    np.testing.assert_array_equal(STEPS.optimum(bare).value, STEPS.optimum(own).value)
    tangent, parts = STEPS.linearise(bare)[1], STEPS.linearise(own)[1]
    np.testing.assert_allclose(tangent.reference, parts.reference + parts.start, atol=1e-15)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((DPO(), 0, 0.1), "count is 0; it must be at least 1"),
        ((DPO(), 5, 0.0), r"rate is 0; it must be at least"),
        ((DPO(), 5, np.nan), "rate is nan"),
    ],
)
def test_steps_that_go_nowhere_are_refused(arguments, told):
    with pytest.raises(ValueError, match=told):
        GradientSteps(*arguments)


def test_an_objective_without_a_gradient_cannot_be_trained():
    with pytest.raises(TypeError, match="objective is of type GradientSteps, whose gradient"):
        GradientSteps(STEPS, 5, 0.1)


def test_a_new_objective_has_no_facts():
    class Toy(ScoreObjective):
        name = "toy"

        def score(self, x):
            raise AssertionError

        def score_derivative(self, x, score):
            raise AssertionError

    assert Toy().facts == Facts()
    assert Toy().facts.sources() == {}


def test_facts_are_not_inherited():
    class Milder(DPO):
        def pull(self, gaps, P):
            return 0.5 * super().pull(gaps, P)

    assert Milder().facts == Facts()
    assert Milder().expansion is None
    assert DPO().facts != Facts()


def test_every_fact_names_its_source():
    for objective in OBJECTIVES.values():
        for source in objective.facts.sources().values():
            assert source.startswith(("theory ", "analysis "))
    assert Facts(linear=Fact(True, "here")).sources() == {"linear": "here"}


def test_product_pairs_are_asked_for_where_they_are_needed():
    x, _ = problem(WeightedPairs)
    with pytest.raises(TypeError, match="the pairs are weighted"):
        _ = x.sampler
