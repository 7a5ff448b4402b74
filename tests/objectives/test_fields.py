"""Fields: forces against the losses they descend, derivatives against differences, closed forms."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime, brentq

import alignsim as asim
from alignsim.errors import NoOptimumError
from alignsim.objectives import (
    KTO,
    ORPO,
    AlphaDPO,
    Comparison,
    Field,
    GradientSteps,
    ProductPairs,
    SimPO,
    TwoGain,
    WeightedPairs,
    simpo_gap,
)
from alignsim.simplex import kl_divergence, log_softmax, softmax
from tests import naive
from tests.objectives.test_contract import (
    changed,
    check_by_pairs,
    difference,
    problem,
)

PAIRS = pytest.mark.parametrize("kind", [ProductPairs, WeightedPairs])
FIELDS: list[Field] = [
    SimPO(),
    SimPO(margin=2.0),
    AlphaDPO(tilt=0.0, offset=0.3),
    AlphaDPO(tilt=0.7),
    ORPO(odds_weight=0.0),
    ORPO(odds_weight=3.0),
    KTO(),
    KTO(desirable=1.5, undesirable=0.4),
    TwoGain(winner_gain=2.0, loser_gain=0.5),
]
UNIFORM = np.full(3, 1 / 3)


def sigma(x):
    return 1 / (1 + np.exp(-x))


def told(field):
    return f"{field.name} {field.values}"


def won_pairs(x):
    """Every ordered pair, how often it is compared and won, and the winner and loser."""
    K = len(x.P)
    for i in range(K):
        for j in range(K):
            if i != j:
                yield x.pairs.weights[i, j] * x.P[i, j], i, j


def loss(field, theta, x, frozen):
    """The loss of the paper, pair by pair; what is detached is taken at ``frozen``."""
    logp, beta = log_softmax(theta), float(x.beta)
    logref = log_softmax(x.reference_logits)
    odds = logp - np.log1p(-np.exp(logp))
    h = log_softmax(theta) - logref
    z = kl_divergence(frozen, x.reference_logits)
    d = {
        (i, j): (frozen - x.reference_logits)[i] - (frozen - x.reference_logits)[j]
        for _, i, j in won_pairs(x)
    }
    shares = {(i, j): share for share, i, j in won_pairs(x)}
    mean = sum(shares[k] * d[k] for k in d) / sum(shares.values())
    deviation = np.sqrt(sum(shares[k] * (d[k] - mean) ** 2 for k in d) / sum(shares.values()))
    total = 0.0
    for share, w, o in won_pairs(x):
        if isinstance(field, SimPO):
            cost = -np.log(sigma((logp[w] - logp[o]) / beta - field.margin))
        elif isinstance(field, AlphaDPO):
            margin = field.tilt * (d[w, o] - mean) / deviation + field.offset
            cost = -np.log(sigma((logp[w] - logp[o] - margin) / beta))
        elif isinstance(field, ORPO):
            cost = -logp[w] - field.odds_weight * np.log(sigma(odds[w] - odds[o]))
        else:
            cost = field.desirable * (1 - sigma((h[w] - z) / beta))
            cost += field.undesirable * (1 - sigma((z - h[o]) / beta))
        total += share * cost
    return total


@pytest.mark.parametrize("field", [f for f in FIELDS if not isinstance(f, TwoGain)], ids=told)
@PAIRS
def test_the_force_descends_the_loss_of_the_paper(field, kind):
    x, logits = problem(kind, seed=3)
    gradient = approx_fprime(logits, lambda theta: loss(field, theta, x, logits), 1e-7)
    np.testing.assert_allclose(field.force(logits, x), -gradient, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("field", FIELDS, ids=told)
@PAIRS
def test_the_derivatives_of_a_field_are_those_of_differences(field, kind):
    x, logits = problem(kind, seed=1)
    by_logits, by_reference, by_pairs = field.force_derivatives(logits, x)
    assert abs(field.force(logits, x).sum()) < 1e-14
    expected = difference(lambda theta: field.force(theta, x), logits)
    np.testing.assert_allclose(by_logits, expected, rtol=0, atol=1e-8)
    expected = difference(
        lambda ref: field.force(logits, changed(x, reference=ref)), x.reference_logits
    )
    np.testing.assert_allclose(by_reference, expected, rtol=0, atol=1e-8)
    check_by_pairs(by_pairs, lambda data: field.force(logits, changed(x, data=data)), x)


@pytest.mark.parametrize("field", FIELDS, ids=told)
def test_a_batch_of_fields_is_the_fields_one_by_one(field):
    rng = np.random.default_rng(0)
    n, K = 5, 4
    P = np.array([naive.random_preferences(rng, K) for _ in range(n)])
    pairs = ProductPairs(rng.dirichlet(np.ones(K), n))
    x = Comparison(P, rng.normal(size=(n, K)), rng.uniform(0.5, 2, n), pairs)
    logits = rng.normal(size=(n, K))
    values = {name: value * rng.uniform(0.5, 1.5, n) for name, value in field.values.items()}
    many = field.configured(**values)
    together, slopes = many.force(logits, x), many.force_derivatives(logits, x)
    for i in range(n):
        alone = many.taken(i)
        np.testing.assert_allclose(together[i], alone.force(logits[i], x.taken(i)), rtol=1e-12)
        own = alone.force_derivatives(logits[i], x.taken(i))
        for one, all_of_them in zip(own, slopes, strict=True):
            np.testing.assert_allclose(all_of_them[i], one, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("field", FIELDS, ids=told)
def test_a_field_has_no_optimum_but_trains_and_loops(field):
    P = asim.preferences.cyclic(3, advantage=0.3)
    with pytest.raises(NoOptimumError, match=rf"objective is '{field.name}', .*alignsim.train"):
        asim.optimum(field, P, UNIFORM, beta=1.0)
    path = asim.train(field, P, UNIFORM, start=[0.5, 0.3, 0.2], rate=0.1, steps=3, flow=True)
    assert (path.status == 0).all()
    steps = GradientSteps(field, 3, 0.1)
    loop = asim.FeedbackMap(P, objective=steps, beta=1.0, alpha=0.5, reference=[0.2, 0.3, 0.5])
    slope = loop.jacobian([0.5, 0.3, 0.2])
    start = np.log([0.5, 0.3, 0.2])
    expected = difference(lambda z: loop.step_logits(z), start - start.mean())
    np.testing.assert_allclose(slope, expected @ (np.eye(3) - 1 / 3), atol=1e-8)


def test_neither_the_reference_nor_beta_matters_to_orpo():
    P = naive.random_preferences(np.random.default_rng(0), 3)
    given = {"start": [0.5, 0.3, 0.2], "rate": 0.3, "steps": 10}
    one = asim.train("orpo", P, UNIFORM, **given)
    two = asim.train("orpo", P, UNIFORM, reference=[0.1, 0.1, 0.8], beta=9.0, **given)
    np.testing.assert_array_equal(one.logits, two.logits)


@pytest.mark.parametrize("weight", [0.0, 0.3, 5.0])
def test_orpo_of_a_pair_ends_where_its_condition_holds(weight):
    p = 0.8
    x = brentq(lambda x: sigma(x) - p + 2 * weight * (sigma(2 * x) - p), -9, 9, xtol=1e-14)
    path = asim.train(
        "orpo", [[0.5, p], [1 - p, 0.5]], pair_weights=[[0, 1], [1, 0]], odds_weight=weight,
        rate=0.1, steps=4000, keep="last",
    )  # fmt: skip
    assert path.final[0] == pytest.approx(sigma(x), abs=1e-12)


def test_orpo_is_exact_next_to_a_corner():
    x, _ = problem(ProductPairs)
    far = np.array([60.0, 0.0, -3.0, 1.0])
    wide = far.astype(np.longdouble)
    policy = np.exp(wide - wide.max()) / np.exp(wide - wide.max()).sum()
    rest = np.array([np.delete(policy, i).sum() for i in range(4)])
    odds = np.log(policy) - np.log(rest)
    slope = (np.eye(4) - policy[None, :]) / rest[:, None]
    slope[0, 0] = 1.0
    w, P = x.pairs.weights, x.P
    wins = (w * P).sum(axis=1)
    pull = 2.0 * (w * (P - sigma(odds[:, None] - odds[None, :]))).sum(axis=1)
    expected = wins - policy * wins.sum() + pull @ slope
    np.testing.assert_allclose(
        ORPO(odds_weight=2.0).force(far, x), np.float64(expected), rtol=1e-13
    )


def test_simpo_without_a_margin_is_dpo_with_a_uniform_reference():
    P = naive.random_preferences(np.random.default_rng(1), 4)
    mu = np.array([0.4, 0.3, 0.2, 0.1])
    given = {"sampling": mu, "beta": 0.7, "start": mu, "rate": 0.2, "steps": 40}
    simpo = asim.train("simpo", P, **given, margin=0.0, reference=[0.1, 0.2, 0.3, 0.4])
    dpo = asim.train("dpo", P, **given)
    np.testing.assert_allclose(simpo.logits, dpo.logits, rtol=0, atol=1e-13)


@pytest.mark.parametrize("p", [0.03, 0.5, 0.8, 0.999])
@pytest.mark.parametrize("margin", [0.0, 0.5, 3.0])
def test_simpo_of_a_pair_ends_in_its_closed_form(p, margin):
    pair = [[0.5, p], [1 - p, 0.5]]
    gap = simpo_gap(p, beta=2.0, margin=margin)
    given = {"pair_weights": [[0, 1], [1, 0]], "beta": 2.0, "margin": margin}
    end = asim.train("simpo", pair, **given, start_logits=[gap / 2, -gap / 2], rate=1.0, steps=1)
    assert np.abs(np.diff(end.logits, axis=0)).max() < 1e-14
    z = np.exp(np.longdouble(gap / 2.0))
    A = np.exp(np.longdouble(margin))
    root = np.sqrt((A * (2 * p - 1)) ** 2 + 4 * p * (1 - np.longdouble(p)))
    assert z == pytest.approx((A * (2 * p - 1) + root) / (2 * (1 - np.longdouble(p))), rel=1e-9)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_simpo_of_a_sure_pair_is_refused(p):
    with pytest.raises(NoOptimumError, match=rf"P\[1\] is {p:g}; the optimum of SimPO is then inf"):
        simpo_gap([0.5, p])


def test_alpha_dpo_without_its_score_is_dpo_with_another_reference():
    rng = np.random.default_rng(4)
    P, mu, ref = naive.random_preferences(rng, 4), rng.dirichlet(np.ones(4)), [0.1, 0.2, 0.3, 0.4]
    tilt, beta = 0.4, 1.3
    as_dpo = asim.objectives.alpha_dpo_as_dpo(beta=beta, tilt=tilt, reference=ref)
    end = np.log(asim.optimum("dpo", P, mu, **as_dpo))
    moved = end - np.log(ref)
    gaps = end[:, None] - end[None, :] - tilt * (moved[:, None] - moved[None, :])
    residual = (np.outer(mu, mu) * (P - sigma(gaps / beta))).sum(axis=1)
    assert np.abs(residual).max() < 1e-15
    rewards = np.array([1.0, 0.2, -0.5, 0.0])
    found = asim.optimum("dpo", asim.preferences.bradley_terry(rewards), mu, **as_dpo)
    closed = softmax((beta * rewards - tilt * np.log(ref)) / (1 - tilt))
    np.testing.assert_allclose(found, closed, rtol=1e-12)


def test_alpha_dpo_jumps_at_the_reference_and_says_so():
    x, _ = problem(ProductPairs)
    field = AlphaDPO(tilt=0.5)
    rest = x.reference_logits
    assert np.isfinite(field.force(rest, x)).all()
    assert np.isnan(field.force_derivatives(rest, x).logits).all()
    direction = np.array([1.0, -1.0, 0.0, 0.0])
    jump = field.force(rest + 1e-9 * direction, x) - field.force(rest - 1e-9 * direction, x)
    assert np.abs(jump).max() > 1e-2
    assert np.isfinite(AlphaDPO(tilt=0.0).force_derivatives(rest, x).logits).all()


def test_kto_sees_the_preferences_through_the_net_weights_alone():
    rng = np.random.default_rng(5)
    P = naive.random_preferences(rng, 4)
    mu = np.full(4, 0.25)
    cycle = np.zeros((4, 4))
    for i, j in [(0, 1), (1, 2), (2, 0)]:
        cycle[i, j], cycle[j, i] = 0.05, -0.05
    given = {"start": [0.4, 0.3, 0.2, 0.1], "rate": 0.5, "steps": 50, "undesirable": 1.7}
    one, two = (asim.train("kto", M, mu, **given) for M in (P, P + cycle))
    np.testing.assert_allclose(one.logits, two.logits, rtol=0, atol=1e-14)


def test_two_gains_that_are_equal_are_a_rate():
    x, logits = problem(WeightedPairs)
    twice = TwoGain(winner_gain=2.0, loser_gain=2.0).force(logits, x)
    np.testing.assert_allclose(twice, 2 * asim.objectives.DPO().force(logits, x), rtol=1e-12)


def test_two_different_gains_are_no_gradient():
    x, logits = problem(WeightedPairs)
    slope = TwoGain(winner_gain=2.0, loser_gain=0.5).force_derivatives(logits, x).logits
    assert np.abs(slope - slope.T).max() > 1e-2
