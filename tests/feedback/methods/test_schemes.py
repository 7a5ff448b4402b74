"""A round of every method against its formula, and what a scheme says of itself."""

import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

import alignsim as asim
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.feedback.methods.scheme import Scheme
from tests.feedback.methods.systems import EXAMPLES, drawn

GOLDEN = Path(__file__).resolve().parents[4] / "shared" / "spec" / "golden_schemes.json"

AS_PUBLISHED = {
    "soft kappa=.4 alpha=.3": ("soft_reference", {"mixup": 0.4, "alpha": 0.3}),
    "hard m=3 alpha=.2": ("hard_reference", {"every": 3, "alpha": 0.2}),
    "extragradient kappa=.3": ("extragradient", {"kappa": 0.3}),
    "optimistic c=1 kappa=.3": ("optimistic", {"optimism": 1.0, "kappa": 0.3}),
    "replay delta=.25 kappa=.3": ("replay", {"fresh": 0.25, "kappa": 0.3}),
    "momentum .4 kappa=.3": ("momentum", {"momentum": 0.4, "kappa": 0.3}),
    "nash_md kappa=.3": ("nash_md", {"kappa": 0.3}),
    "ipo_md b=.25": ("ipo_md", {"mixture": 0.25}),
}

P = asim.preferences.cyclic(3, advantage=0.4)


def loop_of(name, objective="ipo", beta=1.5, **changes):
    return asim.method(
        name, P, beta=beta, objective=objective, lam=0.8, reference=[0.2, 0.3, 0.5],
        offline=[0.4, 0.4, 0.2], **{**EXAMPLES[name], **changes},
    )  # fmt: skip


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("key", AS_PUBLISHED)
def test_the_golden_trajectories(key, objective):
    if not GOLDEN.exists():
        pytest.skip("the golden trajectories are not here")
    golden = json.loads(GOLDEN.read_text())
    name, parameters = AS_PUBLISHED[key]
    loop = asim.method(
        name, golden["P"], beta=golden["beta"], lam=golden["lam"], objective=objective,
        reference=golden["ref"], offline=golden["off"], **parameters,
    )  # fmt: skip
    orbit = loop.run(golden["ref"], rounds=golden["rounds"])
    assert np.abs(orbit.policies[1:] - golden["schemes"][key][objective]).max() < 1e-12


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("name", METHODS)
def test_the_jacobian_is_the_derivative_of_the_round(name, objective):
    loop = loop_of(name, objective)
    D = loop.scheme.size
    state = asim.simplex.centre(np.random.default_rng(1).normal(size=(D, 3)))
    state = state if D > 1 else state[0]
    step, size = 1e-5, state.size
    columns = []
    for direction in np.eye(size):
        ahead, behind = (
            loop.step_logits(state + sign * step * direction.reshape(state.shape)).ravel()
            for sign in (1.0, -1.0)
        )
        columns.append((ahead - behind) / (2.0 * step))
    found = loop.jacobian_at(state)
    kept = np.kron(np.eye(D), np.eye(3) - 1.0 / 3.0)
    assert np.abs(np.stack(columns, axis=-1) @ kept - found).max() < 1e-8
    basis = np.kron(np.eye(D), asim.simplex.mean_zero_basis(3))
    inside = loop.jacobian_at(state, basis="tangent")
    assert np.abs(basis @ inside @ basis.T - found).max() < 1e-12


@pytest.mark.parametrize("name", METHODS)
def test_a_run_goes_on_exactly_where_it_ended(name):
    loop = loop_of(name)
    whole = loop.run(rounds=9)
    first = loop.run(rounds=4)
    rest = loop.run(rounds=5, start_state=first.final_state)
    assert np.array_equal(whole.final_state, rest.final_state)
    assert whole.final_state.shape == (loop.scheme.size, 3)
    assert np.array_equal(whole.final_state[0], whole.final_logits)


@pytest.mark.parametrize("name", METHODS)
def test_the_limit_parts_stable_from_unstable(name):
    """From both sides, where |eigenvalues of the symbol| are taken apart from the closed form."""
    method, rng = METHODS[name], np.random.default_rng(0)
    parameters = drawn(name, 300, rng)
    scheme = Scheme.of(method, parameters)
    limit = method.facts.limit.value(**parameters)
    inner = np.isfinite(limit) & (limit > 0.0)
    assert inner.any()
    for factor, stable in ((0.99, True), (1.01, False)):
        y = np.where(inner, factor * limit, 0.0)
        largest = np.abs(np.linalg.eigvals(scheme.symbol(1j * y))).max(axis=-1)
        assert ((largest < 1.0) == stable)[inner].all()
    within = np.linspace(0.001, 0.999, 40)[:, None] * np.where(inner, limit, 0.0)
    assert (np.abs(scheme.multipliers(1j * within)).max(axis=-1) < 1.0)[:, inner].all()
    never = limit == 0.0
    tiny = np.abs(scheme.multipliers(np.full(300, 1e-2j))).max(axis=-1)
    assert (tiny[never] > 1.0 - 1e-9).all()


def test_multipliers_are_the_eigenvalues_of_the_symbol():
    rng = np.random.default_rng(3)
    for name in METHODS:
        scheme = Scheme.of(METHODS[name], drawn(name, 100, rng))
        gain = rng.normal(size=100) + 1j * rng.normal(size=100)
        found, wanted = scheme.multipliers(gain), np.linalg.eigvals(scheme.symbol(gain))
        order = [np.sort_complex(values.round(9)) for values in (found, wanted)]
        assert np.abs(order[0] - order[1]).max() < 1e-7


def test_two_hard_rounds_are_an_extragradient_round_to_the_bit():
    hard = asim.method("hard_reference", P, beta=1.5, every=2)
    ahead = asim.method("extragradient", P, beta=1.5)
    start = [0.2, 0.3, 0.5]
    assert np.array_equal(hard.run(start, 50).logits, ahead.run(start, 50).logits)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_soft_reference_updates_are_optimism(objective):
    m, beta = 0.4, 1.2
    soft = asim.method("soft_reference", P, beta=beta, mixup=m, objective=objective)
    optimistic = asim.method(
        "optimistic", P, beta=m * beta, optimism=(1.0 - m) / m, objective=objective, kappa=0.0
    )
    start = [0.2, 0.3, 0.5]
    one, two = (loop.run(start, 1000).policies for loop in (soft, optimistic))
    assert np.abs(one - two).max() < 1e-13


def test_a_batch_of_different_resets_is_each_alone():
    together = asim.method("hard_reference", P, beta=1.5, every=[1, 2, 5], alpha=0.1)
    for place, every in enumerate((1, 2, 5)):
        alone = asim.method("hard_reference", P, beta=1.5, every=every, alpha=0.1)
        one, other = together.run(rounds=7).logits[place], alone.run(rounds=7).logits
        assert np.array_equal(one, other)


def test_starts_of_slots():
    usual = asim.method("optimistic", P, beta=1.5)
    other = asim.method("optimistic", P, beta=1.5, starts=("start", "score"))
    start = [0.2, 0.3, 0.5]
    z = asim.simplex.centred_logits(start)
    score = 1.5 * asim.simplex.centre(P @ start)
    assert np.allclose(usual.run(start, 1).logits[1] - z, 2.0 * score, atol=1e-15)
    assert np.allclose(other.run(start, 1).logits[1] - z, score, atol=1e-15)
    behind = asim.method("apo", P, extrapolation=0.3, eta=1.5, reference=[0.6, 0.2, 0.2])
    assert behind.scheme.starts == ("start", "reference")


CUSTOM = {
    "reference": [[0.0, 0.0, 1.0, 0.0]],
    "opponent": [[0.0, 1.0, 0.0, 0.0]],
    "update": [[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.4, 0.6]],
}


def test_a_custom_scheme_is_the_method_with_its_rows():
    custom = asim.FeedbackMap(P, beta=1.5, scheme=asim.Scheme(**CUSTOM))
    named = asim.method("soft_reference", P, beta=1.5, mixup=0.6)
    assert np.array_equal(custom.run(rounds=20).logits, named.run(rounds=20).logits)
    for name in ("reference", "opponent", "update"):
        assert np.array_equal(getattr(custom.scheme, name), CUSTOM[name])
        assert np.array_equal(getattr(named.scheme, name), CUSTOM[name])
    assert str(custom.scheme) == "custom: r = y; o = x; x' = t; y' = 0.4·y + 0.6·t"


def test_schemes_are_values():
    one = asim.Scheme(**CUSTOM)
    assert one == asim.Scheme(**CUSTOM)
    assert hash(one) == hash(asim.Scheme(**CUSTOM))
    assert pickle.loads(pickle.dumps(one)) == one
    for name in METHODS:
        loop = loop_of(name)
        back = pickle.loads(pickle.dumps(loop))
        assert back == loop
        assert hash(back) == hash(loop)
    assert loop_of("nash_md") != loop_of("nash_md", kappa=0.31)
    wide = asim.method("soft_reference", P, beta=[1.0, 2.0], mixup=[[0.1], [0.2], [0.3]])
    assert wide.shape == wide.scheme.shape == (3, 2)
    assert np.array_equal(wide.replace(mixup=0.5).scheme.parameters["mixup"], np.full((3, 2), 0.5))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"update": [[0, 0, 0, 1]]}, "reference has shape (1, 4); with 1 stages and 1 slots"),
        ({"reference": [[0, 0, 0.5, 0]]}, "reference has positions that sum to 0.5 in row 1"),
        ({"opponent": [[0, 0, 0, 1]]}, "opponent lets stage 1 use the optimum of itself"),
        ({"reference": [[0, 1, 0, 0]]}, "update never brings slot 2 to the policy"),
        ({"starts": ("zero", "start")}, "starts[0] is 'zero'; the policy begins with 'start'"),
        ({"starts": ("start", "later")}, "starts[1] is 'later'"),
        ({"starts": 3}, "starts is 3; give a list of names"),
        ({"starts": ("start",)}, "starts is ('start',); give one word for each of 2 slots"),
        ({"reference": [[0, 0, np.nan, 0]]}, "reference[0, 2] is nan"),
    ],
)
def test_rows_that_wire_no_round_are_refused(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        asim.Scheme(**{**CUSTOM, **change})


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("softref", {}, "method is 'softref'; did you mean 'soft_reference'? known: "),
        ("soft_reference", {}, "mixup is missing; 'soft_reference' has the parameters mixup (from"),
        ("soft_reference", {"mixup": 1.5}, "mixup is 1.5; it must be in [0, 1]"),
        ("nash_md", {"alpha": 0.5}, "alpha is no parameter of 'nash_md'; its parameters: kappa"),
        ("hard_reference", {"every": 1.5}, "every is 1.5; it must be a whole number"),
        ("omwu", {"eta": 0.5, "beta": 1.0}, "beta is given; 'omwu' takes it from its other"),
        (
            "omwu",
            {"eta": 3.0, "tau": 1.0},
            "eta and tau of 'omwu' give 'optimistic' parameters it ",
        ),
        (
            "soft_reference",
            {"mixup": [0.2, 0.8], "pull": 0.3},
            "mixup + pull[1] is 1.1; it must be at most 1",
        ),
    ],
)
def test_bad_parameters_are_refused(name, parameters, message):
    beta = {} if name == "omwu" else {"beta": 1.0}
    with pytest.raises(ValueError, match=re.escape(message)):
        asim.method(name, P, **{**beta, **parameters})


def test_only_mrs_has_an_alpha():
    assert float(asim.method("mrs", P, beta=1.0, alpha=0.4).alpha) == 0.4
    with pytest.raises(AttributeError, match="the loop's scheme is 'soft_reference', not 'mrs'"):
        _ = loop_of("soft_reference").alpha
    with pytest.raises(ValueError, match="alpha is given beside scheme"):
        asim.FeedbackMap(P, beta=1.0, alpha=0.3, scheme=asim.Scheme(**CUSTOM))


@pytest.mark.parametrize(
    ("gain", "message"),
    [
        (np.inf, "gain is inf; every entry must be finite"),
        ([0.1j, np.nan * 1j], "gain[1] is nan; every entry must be finite"),
        ("g", "gain has dtype"),
        ([], "gain has shape (0,), an empty batch"),
        ([0.1, 0.2, 0.3], "the batch axes do not broadcast: the scheme (2,), gain (3,)"),
    ],
)
def test_gains_that_are_no_numbers_are_refused(gain, message):
    scheme = asim.method("soft_reference", P, beta=1.0, mixup=[0.1, 0.9]).scheme
    for ask in (scheme.symbol, scheme.multipliers):
        with pytest.raises(ValueError, match=re.escape(message)):
            ask(gain)


def test_a_custom_scheme_has_no_parameters_to_replace():
    loop = asim.FeedbackMap(P, beta=1.5, scheme=asim.Scheme(**CUSTOM))
    assert loop.replace(beta=1.5).scheme == loop.scheme.replace() == loop.scheme
    with pytest.raises(ValueError, match="mixup is no parameter of 'custom'; its parameters: none"):
        loop.replace(mixup=0.5)


def test_slots_that_hold_one_another_alone_have_no_anchor():
    """Two slots move between themselves: the reference reaches the policy, and not them."""
    shares = np.linspace(0.05, 0.95, 19)
    update = np.zeros((19, 3, 5))
    update[:, 0, [0, 2, 4]] = [0.2, 0.3, 0.5]
    update[:, 1, 2], update[:, 1, 3] = 1.0 - shares, shares
    update[:, 2, 2], update[:, 2, 3] = 0.7 * shares, 1.0 - 0.7 * shares
    scheme = asim.Scheme(
        reference=[[0.0, 0.0, 1.0, 0.0, 0.0]], opponent=[[0.0, 1.0, 0.0, 0.0, 0.0]], update=update
    )
    held = np.eye(3) - scheme.canonical().update[..., 1:4]
    assert (np.linalg.det(held) != 0.0).any()  # rounding hides that it is singular
    assert not scheme.rest().anchored.any()
    assert np.isnan(scheme.rest().gain).all()
