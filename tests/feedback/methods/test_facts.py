"""What methods declare: limits on a line of y, fastest parameters, the literature's parameters."""

import itertools

import numpy as np
import pytest

import alignsim as asim
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.feedback.methods.scheme import Scheme

P = np.array(
    [[0.5, 0.9, 0.2, 0.6], [0.1, 0.5, 0.7, 0.3], [0.8, 0.3, 0.5, 0.9], [0.4, 0.7, 0.1, 0.5]]
)
REFERENCE = np.array([0.4, 0.3, 0.2, 0.1])
START = np.array([0.1, 0.3, 0.2, 0.4])
ETA, TAU = 0.8, 0.3


def normal(weights):
    return weights / weights.sum(axis=-1, keepdims=True)


def edges(method, rng, count):
    values = {}
    for each in method.parameters:
        high = min(each.high, 5.0) if each.whole else min(each.high, 2.0)
        drawn = rng.uniform(each.low, high, count)
        drawn = np.where(rng.uniform(size=count) < 0.2, each.low, drawn)
        drawn = np.where(rng.uniform(size=count) < 0.2, high, drawn)
        values[each.name] = np.round(drawn) if each.whole else drawn
    if "pull" in values:
        values["pull"] *= 1.0 - values["mixup"]
    return values


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_the_limit_is_where_the_symbol_leaves_the_unit_circle(method):
    values = edges(method, np.random.default_rng(7), 300)
    limit = method.facts.limit.value(**values)
    scale = np.where(np.isfinite(limit) & (limit > 0.0), limit, 2.0)[:, None]
    y = scale * np.linspace(0.011, 1.5, 120)
    scheme = Scheme.of(method, method.checked({name: v[:, None] for name, v in values.items()}))
    radius = np.abs(scheme.multipliers(1j * y)).max(axis=-1)
    clear = np.abs(radius - 1.0) > 1e-9
    assert clear.any(axis=-1).mean() > 0.7
    assert ((radius < 1.0) == (y < limit[:, None]))[clear].all()


@pytest.mark.parametrize("name", [name for name, each in METHODS.items() if each.facts.fastest])
def test_the_fastest_parameters_reach_their_rate_at_the_target(name):
    method = METHODS[name]
    target = np.array([0.0, 1e-3, 0.5, 1.0, 7.0, 1e3, np.inf])
    found = dict(method.facts.fastest.value(target))
    y, rate = found.pop("y"), found.pop("rate")
    scheme = Scheme.of(method, method.checked(found))
    radius = np.abs(scheme.multipliers(1j * y)).max(axis=-1)
    assert np.allclose(radius, rate, rtol=0.0, atol=3e-8)  # a double root
    if name != "hard_reference":  # it has no anchor, and one best y
        assert np.allclose((scheme.rest().gain * y)[:-1], target[:-1], rtol=1e-9, atol=1e-12)


def omd(policy, tau=TAU):
    """Gradient of the penalised score at the policy, one step of size ETA in logits."""
    gradient = P @ policy - tau * np.log(policy / REFERENCE)
    return normal(policy * np.exp(ETA * gradient))


def prox(policy, score):
    """argmax η(⟨score, π⟩ − τKL(π‖ref)) − KL(π‖policy)."""
    return normal(
        (policy * REFERENCE ** (ETA * TAU) * np.exp(ETA * score)) ** (1 / (1 + ETA * TAU))
    )


def blended(policy):
    return normal(policy ** (1.0 - ETA * TAU) * REFERENCE ** (ETA * TAU))


def inpo(policy):
    """argmax of ⟨Pπ_t, π⟩ − τKL(π‖ref) − (η − τ)KL(π‖π_t)."""
    mixed = policy ** ((ETA - TAU) / ETA) * REFERENCE ** (TAU / ETA)
    return normal(mixed * np.exp(P @ policy / ETA))


def comal(policy):
    x = policy
    for _ in range(3):
        x = normal(x ** (1.0 - ETA * TAU) * policy ** (ETA * TAU) * np.exp(ETA * P @ x))
    return x


def egpo(policy):
    half = normal(blended(policy) * np.exp(ETA * P @ policy))
    return normal(blended(policy) * np.exp(ETA * P @ half))


BOTH = {"eta": ETA, "tau": TAU}
ONE_ROUND = {
    "sppo": ({"eta": ETA}, lambda x: normal(x * np.exp(ETA * P @ x))),
    "mwu": ({"eta": ETA}, lambda x: normal(x * np.exp(ETA * P @ x))),
    "hedge": ({"eta": ETA}, lambda x: normal(x * np.exp(ETA * P @ x))),
    "omd": (BOTH, omd),
    "inpo": (BOTH, inpo),
    "mmd": (BOTH, lambda x: prox(x, P @ x)),
    "comal": ({**BOTH, "inner": 3}, comal),
    "egpo": (BOTH, egpo),
    "nash_mirror_prox": (BOTH, lambda x: prox(x, P @ prox(x, P @ x))),
    "nash_mirror_descent": (BOTH, lambda x: normal(blended(x) * np.exp(ETA * P @ blended(x)))),
}


@pytest.mark.parametrize("name", ONE_ROUND)
def test_rounds_are_those_of_the_paper(name):
    parameters, rounds = ONE_ROUND[name]
    loop = asim.method(name, P, reference=REFERENCE, **parameters)
    policies = loop.run(START, rounds=4).policies
    for before, after in itertools.pairwise(policies):
        assert np.allclose(rounds(before), after, rtol=1e-12)


@pytest.mark.parametrize(("name", "tau"), [("omwu", TAU), ("onpo", 0.0)])
def test_two_sequences(name, tau):
    """π̄' ∝ π^(1−ητ) ref^(ητ) e^(ηPπ̄), then π' from the same π with π̄' as opponent."""
    given = {"eta": ETA, "tau": tau} if tau else {"eta": ETA}
    loop = asim.method(name, P, reference=REFERENCE, **given)
    policies = loop.run(START, rounds=5).policies
    second, ahead = START, START
    for policy in policies[1:]:
        held = second ** (1.0 - ETA * tau) * REFERENCE ** (ETA * tau)
        ahead = normal(held * np.exp(ETA * P @ ahead))
        assert np.allclose(policy, ahead, rtol=1e-12)
        second = normal(held * np.exp(ETA * P @ ahead))


def test_accelerated_preference_optimisation():
    loop = asim.method("apo", P, eta=ETA, extrapolation=0.4, reference=REFERENCE)
    policies = loop.run(REFERENCE, rounds=5).policies
    x = optimum = REFERENCE
    for policy in policies[1:]:
        last, optimum = optimum, normal(x * np.exp(ETA * P @ x))
        x = normal(optimum * (optimum / last) ** 0.4)
        assert np.allclose(policy, x, rtol=1e-12)


@pytest.mark.parametrize("name", ["tr_dpo_soft", "sync_ref_model"])
def test_references_that_are_synchronised_softly(name):
    loop = asim.method(name, P, beta=ETA, ref_model_mixup_alpha=0.3, reference=REFERENCE)
    x = reference = START
    for policy in loop.run(START, rounds=5).policies[1:]:
        x = normal(reference * np.exp(ETA * P @ x))
        reference = normal(reference**0.7 * x**0.3)
        assert np.allclose(policy, x, rtol=1e-12)


def test_references_that_are_reset():
    loop = asim.method("tr_dpo_hard", P, beta=ETA, ref_model_sync_steps=3)
    x = START
    for policy in loop.run(START, rounds=3).policies[1:]:
        reference = x
        for _ in range(3):
            x = normal(reference * np.exp(ETA * P @ x))
        assert np.allclose(policy, x, rtol=1e-12)
