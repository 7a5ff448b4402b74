"""Bad arguments are refused with a ValueError that names the argument, the value and the remedy."""

import re

import numpy as np
import pytest

import alignsim as asim

P = asim.preferences.cyclic(3, advantage=0.3)
POLICY = [0.5, 0.3, 0.2]


def tilted(index, by):
    changed = P.copy()
    changed[index] += by
    return changed


PARAMETERS = [
    (np.nan, "is nan; every entry must be finite"),
    (np.inf, "is inf; every entry must be finite"),
    (-1, "is -1; it must be"),
    ([0.5, -0.25], "[1] is -0.25; it must be"),
    ([[0.5], [np.nan]], "[1, 0] is nan"),
    (1j, "has dtype complex128; give real numbers"),
    ("0.5", "has dtype <U3; give real numbers"),
    (None, "has dtype object; give real numbers"),
    ([], "has shape (0,), an empty batch"),
    ([[1, 2], [3]], "is not a rectangular array"),
]


@pytest.mark.parametrize(("value", "message"), PARAMETERS)
@pytest.mark.parametrize("name", ["beta", "alpha", "lam"])
def test_parameters_that_are_no_numbers_in_range_are_refused(name, value, message):
    if name == "alpha" and value is None:
        return  # the default
    given = {"beta": 1.0, name: value}
    with pytest.raises(ValueError, match=re.escape(name) + ".*" + re.escape(message)):
        asim.FeedbackMap(P, **given)


@pytest.mark.parametrize("name", ["alpha", "lam"])
def test_weights_above_one_are_refused(name):
    with pytest.raises(ValueError, match=rf"{name}\[1\] is 1.5; it must be in \[0, 1\]"):
        asim.FeedbackMap(P, **{"beta": 1.0, name: [0.5, 1.5]})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.5, "P has shape (); it needs at least 2 axes"),
        ([0.5, 0.5], "P has shape (2,); it needs at least 2 axes"),
        (np.full((2, 3), 0.5), "P has shape (2, 3); the last two axes must be equal"),
        ([[0.5]], "P compares 1 response; a preference needs at least 2"),
        (np.zeros((0, 3, 3)), "P has shape (0, 3, 3), an empty batch"),
        (tilted((0, 1), 1.0), "P[0, 1] is 1.8, not a probability in [0, 1]"),
        (tilted((0, 1), 1e-3), "symmetrise"),
        (tilted((2, 2), 1e-3), "P[2, 2] + P[2, 2] is 1.002"),
        (tilted((1, 2), np.nan), "P[1, 2] is nan"),
        (tilted((1, 2), np.inf), "P[1, 2] is inf"),
        (np.stack([P, tilted((0, 1), -1e-3)]), "P[1, 0, 1] + P[1, 1, 0] is 0.999"),
        (P * 1j, "P has dtype complex128"),
        (P.astype(str), "P has dtype <U"),
        (P.astype(object), "P has dtype object"),
        ([[0.5, 0.5], [0.5]], "P is not a rectangular array"),
    ],
)
def test_matrices_that_are_no_preferences_are_refused(value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        asim.FeedbackMap(value, beta=1.0)


def test_a_deviation_below_the_stated_tolerance_is_evened_out():
    evened = asim.FeedbackMap(tilted((0, 1), 4e-9), beta=1.0).P
    assert np.abs(evened + evened.T - 1).max() < 1e-15
    assert evened[0, 1] == pytest.approx(P[0, 1] + 2e-9, abs=1e-15)


POLICIES = [
    (0.5, "has shape (); it needs at least 1 axis"),
    ([0.5, 0.5], "has 2 responses (shape (2,)); P has 3"),
    ([0.5, 0.3, 0.3], "sums to 1.1, not 1"),
    ([[0.5, 0.3, 0.2], [0.5, 0.3, 0.1]], "[1] sums to 0.9"),
    ([1.2, -0.1, -0.1], "[1] is -0.1; a probability is at least 0"),
    ([np.nan, 0.5, 0.5], "[0] is nan"),
    ([0.5j, 0.3, 0.2], "has dtype complex128"),
    (["a", "b", "c"], "has dtype <U1"),
    ([], "has shape (0,), an empty batch"),
]
LOOP = asim.FeedbackMap(P, beta=1.0, alpha=0.5)
CALLS = {
    "reference": lambda value: asim.FeedbackMap(P, beta=1.0, reference=value),
    "offline": lambda value: asim.FeedbackMap(P, beta=1.0, offline=value),
    "start": lambda value: LOOP.run(value, rounds=1),
    "policy": LOOP.step,
}


@pytest.mark.parametrize(("value", "message"), POLICIES)
@pytest.mark.parametrize("name", CALLS)
def test_policies_off_the_simplex_are_refused(name, value, message):
    with pytest.raises(ValueError, match=re.escape(name) + ".*" + re.escape(message)):
        CALLS[name](value)


@pytest.mark.parametrize("name", ["reference", "start", "policy"])
def test_zeros_are_refused_where_logits_are_taken(name):
    with pytest.raises(ValueError, match=rf"{name}\[1\] is 0, and its logit is -inf.*positive"):
        CALLS[name]([0.5, 0.0, 0.5])


def test_the_jacobian_checks_its_policy_too():
    with pytest.raises(ValueError, match=r"policy sums to 1.1"):
        LOOP.jacobian([0.5, 0.3, 0.3])
    with pytest.raises(ValueError, match="basis is 'theta'; known: 'logits', 'tangent'"):
        LOOP.jacobian(POLICY, basis="theta")


def test_a_policy_within_the_tolerance_is_renormalised():
    exact = LOOP.run(POLICY, rounds=0).final
    assert np.abs(LOOP.run([0.5, 0.3, 0.2 + 9e-9], rounds=0).final - exact).max() < 1e-8
    assert LOOP.run([0.5, 0.3, 0.2 + 9e-9], rounds=0).final.sum() == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rounds": -1}, "rounds is -1; it must be at least 0"),
        ({"rounds": 2.0}, "rounds is 2.0; it must be a whole number"),
        ({"rounds": True}, "rounds is True"),
        ({"rounds": "10"}, "rounds is '10'"),
        ({"rounds": None}, "rounds is None"),
        ({"rounds": 2**63, "keep": "last"}, "rounds"),
        ({"keep": 0}, "keep is 0; it must be at least 1"),
        ({"keep": -3}, "keep is -3; it must be at least 1"),
        ({"keep": 1.5}, "keep is 1.5; it must be a whole number"),
        ({"keep": None}, "keep is None"),
        ({"keep": "al"}, "keep is 'al'; did you mean 'all'?"),
        ({"keep": [1, -1]}, "keep[1] is -1; it must be at least 0"),
        ({"keep": [1, 2.5]}, "keep[1] is 2.5; it must be a whole number"),
        ({"rounds": 10**13}, "keep asks for 10000000000001 rounds of all maps, over a terabyte"),
        ({"rounds": 10**13, "keep": 2}, "keep asks for 5000000000001 rounds"),
        ({"keep": []}, "keep is an empty list; list rounds, or use keep='last'"),
        ({"keep": np.array([], dtype=int)}, "keep is an empty list"),
        ({"keep": [4, 11]}, "keep lists round 11; the run ends with round 10"),
        ({"keep": [[1], [2, 3]]}, "keep"),
        ({"burn_in": 11}, "burn_in is 11; it must be at most rounds, 10"),
        ({"burn_in": -1}, "burn_in is -1; it must be at least 0"),
        ({"burn_in": 0.5}, "burn_in is 0.5; it must be a whole number"),
        ({"threads": 0}, "threads is 0; it must be at least 1"),
        ({"threads": 1.0}, "threads is 1.0; it must be a whole number"),
        (
            {"start": POLICY, "start_logits": [0, 0, 0]},
            "start_logits: more than one given",
        ),
        ({"start_logits": [0.0, 0.0]}, "start_logits has 2 responses"),
        ({"start_logits": [0.0, np.inf, 0.0]}, "start_logits[1] is inf"),
        ({"start_logits": ["a", "b", "c"]}, "start_logits has dtype <U1"),
        ({"start_logits": 1.0}, "start_logits has shape ()"),
    ],
)
def test_runs_refuse_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        LOOP.run(**{"rounds": 10, **arguments})


def test_an_unknown_objective_is_answered_with_the_known_ones():
    with pytest.raises(
        ValueError, match=r"objective is 'dop'; did you mean 'dpo'.*known: .*'dpo', .*'ipo'"
    ):
        asim.FeedbackMap(P, objective="dop", beta=1.0)
    with pytest.raises(ValueError, match="objective is None"):
        asim.FeedbackMap(P, objective=None, beta=1.0)


def test_batches_that_do_not_broadcast_are_refused_by_name():
    with pytest.raises(ValueError, match=r"P \(2,\), beta \(3,\).*alignsim.sweep"):
        asim.FeedbackMap(np.stack([P, P]), beta=[1.0, 2.0, 3.0])
    loop = asim.FeedbackMap(P, beta=[1.0, 2.0, 3.0])
    two = np.array([POLICY, POLICY])
    for call, name in ((loop.run, "start"), (loop.step, "policy"), (loop.jacobian, "policy")):
        with pytest.raises(ValueError, match=rf"the map \(3,\), {name} \(2,\)"):
            call(two)
    with pytest.raises(ValueError, match=r"the map \(3,\), logits \(2,\)"):
        loop.step_logits(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"the map \(3,\).*lam \(2,\)"):
        loop.replace(lam=[0.1, 0.2])


def test_replaced_parameters_are_checked_like_new_ones():
    with pytest.raises(ValueError, match=r"alpha is 1\.5"):
        LOOP.replace(alpha=1.5)
    with pytest.raises(ValueError, match="beta is -1"):
        LOOP.replace(beta=-1)
    with pytest.raises(ValueError, match="lam has dtype complex128"):
        LOOP.replace(lam=1j)


def test_payoffs_may_be_anything_finite_and_square():
    with pytest.raises(ValueError, match=r"payoffs has shape \(2, 3\); the last two axes must be"):
        asim.FeedbackMap.from_payoffs(np.ones((2, 3)), beta=1.0)
    with pytest.raises(ValueError, match=r"payoffs\[0, 1\] is nan"):
        asim.FeedbackMap.from_payoffs([[0.0, np.nan], [1.0, 0.0]], beta=1.0)
    coordination = asim.FeedbackMap.from_payoffs(10 * np.eye(3), beta=1.0)
    assert coordination.run([0.4, 0.3, 0.3], rounds=200).final[0] > 0.999


@pytest.mark.parametrize("name", ["P", "beta", "reference", "start"])
def test_masked_arrays_are_refused_since_their_mask_would_be_lost(name):
    given = {"P": P, "beta": [1.0, 2.0], "reference": POLICY, "start": POLICY}
    values = np.asarray(given[name])
    given[name] = np.ma.array(values, mask=np.zeros(values.shape, dtype=bool))
    given[name].mask[(0,) * values.ndim] = True
    start = given.pop("start")
    with pytest.raises(ValueError, match=f"{name}.*mask"):
        asim.FeedbackMap(**given).run(start, rounds=1)


def test_a_map_keeps_its_numbers_when_the_arrays_that_it_was_made_of_change():
    arrays = {
        "P": P.copy(), "beta": np.array([1.0, 2.0]), "alpha": np.array([0.3, 0.4]),
        "lam": np.array([0.5, 0.6]), "reference": np.array(POLICY), "offline": np.array(POLICY),
    }  # fmt: skip
    for make in (asim.FeedbackMap, None):
        if make is None:
            arrays["payoffs"] = arrays.pop("P")
            make = asim.FeedbackMap.from_payoffs
        own = {name: a.copy() for name, a in arrays.items()}
        loop = make(**own)
        before = loop.run(POLICY, rounds=5).logits
        for name, a in own.items():
            a[...] = 0.9 * a + 0.05
            after = loop.run(POLICY, rounds=5).logits
            assert np.array_equal(before, after), f"{name} is shared with the caller"


def test_huge_start_logits_are_refused_since_their_differences_overflow():
    with pytest.raises(ValueError, match=r"start_logits\[0\] is 1.7e\+308; it must lie within"):
        LOOP.run(start_logits=[1.7e308, -1.7e308, 1.7e308], rounds=3)
