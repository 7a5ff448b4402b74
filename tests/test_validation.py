import re

import numpy as np
import pytest

import alignsim as asim
from alignsim import validation
from alignsim.errors import InputError

P3 = np.array([[0.5, 0.7, 0.4], [0.3, 0.5, 0.8], [0.6, 0.2, 0.5]])
MU3 = [0.5, 0.3, 0.2]


def changed(array, index, value):
    array = np.array(array, dtype=np.float64)
    array[index] = value
    return array


# Preference matrices

BAD_MATRICES = {
    "not square": (np.full((2, 3), 0.5), "P has shape (2, 3); the last two axes must be equal"),
    "one axis": ([0.5, 0.5], "P has shape (2,); it needs at least 2 axes"),
    "a number": (0.5, "P has shape (); it needs at least 2 axes"),
    "one response": ([[0.5]], "P compares 1 response; a preference needs at least 2"),
    "nan": (changed(P3, (1, 2), np.nan), "P[1, 2] is nan; every entry must be finite"),
    "infinite": (changed([P3, P3], (1, 0, 2), np.inf), "P[1, 0, 2] is inf; every entry"),
    "above one": (
        changed([P3, P3], (1, 2, 0), 1.2),
        "P[1, 2, 0] is 1.2, not a probability in [0, 1]; turn counts into shares of wins",
    ),
    "below zero": (changed(P3, (0, 1), -0.1), "P[0, 1] is -0.1, not a probability in [0, 1]"),
    "uneven": (
        changed([P3, P3], (1, 0, 2), 0.5),
        "P[1, 0, 2] + P[1, 2, 0] is 1.1, not 1 (tolerance 1e-08; the diagonal must be 1/2); "
        "mend it with alignsim.preferences.symmetrise(P)",
    ),
    "diagonal": (changed(P3, (2, 2), 0.0), "P[2, 2] + P[2, 2] is 0, not 1"),
    "just off": (changed(P3, (0, 1), 0.7 + 3e-8), "P[0, 1] + P[1, 0] is 1.00000003, not 1"),
    "complex": (P3 + 0j, "P has dtype complex128; give real numbers"),
    "objects": (P3.astype(object), "P has dtype object; give real numbers"),
    "text": ([["a", "b"], ["c", "d"]], "P has dtype <U1; give real numbers"),
    "dates": (np.zeros((2, 2), dtype="M8[s]"), "P has dtype datetime64[s]; give real numbers"),
    "ragged": ([[0.5, 0.5], [0.5]], "P is not a rectangular array of numbers"),
    "nothing": (None, "P has dtype object; give real numbers"),
    "empty batch": (np.zeros((0, 3, 3)), "P has shape (0, 3, 3), an empty batch; give at least"),
}


@pytest.mark.parametrize(("P", "message"), BAD_MATRICES.values(), ids=BAD_MATRICES)
@pytest.mark.parametrize(
    "entry",
    [
        validation.preference_matrix,
        lambda P: asim.ipo_optimum(P, MU3, beta=1.0),
        lambda P: asim.dpo_optimum(P, MU3, beta=1.0),
        lambda P: asim.FeedbackMap(P, beta=1.0),
    ],
    ids=["preference_matrix", "ipo_optimum", "dpo_optimum", "FeedbackMap"],
)
def test_every_entry_refuses_a_bad_matrix_and_says_where(entry, P, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        entry(P)


def test_symmetrise_is_the_remedy_that_the_message_promises():
    uneven = changed(P3, (0, 1), 0.6)
    mended = asim.preferences.symmetrise(uneven)
    np.testing.assert_array_equal(validation.preference_matrix(mended), mended)


def test_a_deviation_within_tolerance_is_spread_evenly():
    P = validation.preference_matrix(changed(P3, (0, 1), 0.7 + 8e-9))
    assert P[0, 1] == pytest.approx(0.7 + 4e-9, abs=1e-16)
    assert P[1, 0] == pytest.approx(0.3 - 4e-9, abs=1e-16)
    assert (P >= 0).all()
    assert (P[2] == P3[2]).all()


@pytest.mark.parametrize("small", [1e-300, 1e-17, 1e-15, 1e-12, 3e-9])
@pytest.mark.parametrize("ulps", [-3, -1, 0, 1])
def test_the_digits_of_a_small_preference_survive_rounding_of_the_large_one(small, ulps):
    large = min(1 - small + ulps * 2.0**-53, 1.0)
    P = validation.preference_matrix([[0.5, small], [large, 0.5]])
    assert P[0, 1] == small
    assert P[1, 0] == large


def test_a_small_preference_against_certainty_stays_a_probability():
    P = validation.preference_matrix([[0.5, 9e-9], [1.0, 0.5]])
    assert 0 < P[0, 1] < 9e-9
    assert P[0, 1] + P[1, 0] == pytest.approx(1, abs=2e-16)


@pytest.mark.parametrize("kind", [bool, int, np.uint8, np.float32, np.float64])
def test_every_real_dtype_becomes_float64(kind):
    array = validation.real_array(np.array([0, 1], dtype=kind), "x")
    assert array.dtype == np.float64
    assert array.tolist() == [0, 1]


# Policies and logits

BAD_POLICIES = {
    "negative": ([[0.5, 0.3, 0.2], [1.2, -0.2, 0.0]], "pi[1, 1] is -0.2; a probability is at"),
    "sum": ([MU3, [0.5, 0.3, 0.1]], "pi[1] sums to 0.9, not 1 (tolerance 1e-08); divide it by"),
    "sum of one": ([0.5, 0.3, 0.2 + 2e-8], "pi sums to 1.00000002, not 1"),
    "wrong length": ([0.5, 0.5], "pi has 2 responses (shape (2,)); P has 3"),
    "a number": (0.5, "pi has shape (); it needs at least 1 axis"),
    "nan": ([0.5, np.nan, 0.5], "pi[1] is nan; every entry must be finite"),
    "empty": (np.zeros((0, 3)), "pi has shape (0, 3), an empty batch; give at least one"),
    "complex": ([0.5, 0.5j, 0.5], "pi has dtype complex128; give real numbers"),
}


@pytest.mark.parametrize(("policy", "message"), BAD_POLICIES.values(), ids=BAD_POLICIES)
def test_a_policy_off_the_simplex_is_refused_by_name(policy, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        validation.policy(policy, "pi", responses=3)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda bad: asim.ipo_optimum(P3, bad, beta=1.0), "sampling"),
        (lambda bad: asim.dpo_optimum(P3, MU3, reference=bad, beta=1.0), "reference"),
        (lambda bad: asim.FeedbackMap(P3, beta=1.0, offline=bad), "offline"),
        (lambda bad: asim.FeedbackMap(P3, beta=1.0, reference=bad), "reference"),
        (lambda bad: asim.FeedbackMap(P3, beta=1.0).run(bad, rounds=1), "start"),
        (lambda bad: asim.FeedbackMap(P3, beta=1.0).step(bad), "policy"),
        (lambda bad: asim.FeedbackMap(P3, beta=1.0).jacobian(bad), "policy"),
    ],
)
def test_every_policy_argument_is_checked_under_its_own_name(call, name):
    with pytest.raises(ValueError, match=rf"\A{name} sums to 1\.1, not 1"):
        call([0.5, 0.3, 0.3])
    with pytest.raises(ValueError, match=rf"\A{name} has 4 responses .*; P has 3"):
        call([0.25, 0.25, 0.25, 0.25])
    with pytest.raises(ValueError, match=rf"\A{name}\[1\] is nan"):
        call([0.5, np.nan, 0.5])


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda bad: asim.ipo_optimum(P3, MU3, reference=bad, beta=1.0), "reference"),
        (lambda bad: asim.FeedbackMap(P3, beta=1.0, reference=bad), "reference"),
        (lambda bad: asim.FeedbackMap(P3, beta=1.0).run(bad, rounds=1), "start"),
        (lambda bad: asim.FeedbackMap(P3, beta=1.0).step(bad), "policy"),
    ],
)
def test_a_zero_is_refused_where_logits_are_needed_and_the_resume_is_named(call, name):
    with pytest.raises(ValueError, match=rf"\A{name}\[2\] is 0, and its logit is -inf") as refusal:
        call([0.5, 0.5, 0.0])
    assert "give every response a positive probability" in str(refusal.value)
    assert "start_logits=orbit.final_logits" in str(refusal.value)


def test_a_zero_is_welcome_where_only_sampling_happens():
    vertex = [0.0, 1.0, 0.0]
    assert np.isfinite(asim.ipo_optimum(P3, vertex, beta=1.0)).all()
    assert asim.FeedbackMap(P3, beta=1.0, offline=vertex).shape == ()


def test_a_policy_within_tolerance_is_renormalised():
    policy = validation.policy([0.5, 0.3, 0.2 + 5e-9], "pi")
    assert policy.sum() == pytest.approx(1, abs=2e-16)
    assert validation.policy([1.0 + 1e-9, -1e-9], "pi").tolist() == [1, 0]


def test_bad_logits_are_refused_by_name():
    loop = asim.FeedbackMap(P3, beta=1.0)
    with pytest.raises(ValueError, match=r"start_logits\[1\] is inf; every entry must be finite"):
        loop.run(start_logits=[0.0, np.inf, 0.0], rounds=1)
    with pytest.raises(ValueError, match=r"logits has 2 responses \(shape \(2,\)\); P has 3"):
        loop.step_logits([0.0, 1.0])


# Parameters

BAD_PARAMETERS = {
    "negative beta": ("beta", [1.0, -2.0], "beta[1] is -2; it must be at least 0"),
    "infinite beta": ("beta", np.inf, "beta is inf; every entry must be finite"),
    "nan beta": ("beta", [[1.0], [np.nan]], "beta[1, 0] is nan; every entry must be finite"),
    "complex beta": ("beta", 1j, "beta has dtype complex128; give real numbers"),
    "no beta": ("beta", None, "beta has dtype object; give real numbers"),
    "text beta": ("beta", "2", "beta has dtype <U1; give real numbers"),
    "empty beta": ("beta", [], "beta has shape (0,), an empty batch; give at least one"),
    "alpha above": ("alpha", [0.0, 1.5], "alpha[1] is 1.5; it must be in [0, 1]"),
    "alpha below": ("alpha", -1e-9, "alpha is -1e-09; it must be in [0, 1]"),
    "nan alpha": ("alpha", np.nan, "alpha is nan; every entry must be finite"),
    "lam above": ("lam", 1.0000001, "lam is 1.0000001; it must be in [0, 1]"),
    "lam below": ("lam", [[-0.5]], "lam[0, 0] is -0.5; it must be in [0, 1]"),
    "nan lam": ("lam", np.nan, "lam is nan; every entry must be finite"),
    "object lam": ("lam", np.array([0.5], dtype=object), "lam has dtype object; give real"),
}


@pytest.mark.parametrize(("name", "value", "message"), BAD_PARAMETERS.values(), ids=BAD_PARAMETERS)
def test_a_parameter_out_of_range_is_refused_with_its_index_and_value(name, value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        asim.FeedbackMap(P3, **{"beta": 1.0, name: value})
    if name == "beta":
        for optimum in (asim.ipo_optimum, asim.dpo_optimum):
            with pytest.raises(ValueError, match=re.escape(message)):
                optimum(P3, MU3, beta=value)


@pytest.mark.parametrize("name", ["alpha", "lam"])
def test_the_ends_of_the_unit_interval_are_allowed(name):
    loop = asim.FeedbackMap(P3, **{"beta": 0.0, name: [0.0, 1.0]})
    assert getattr(loop, name).tolist() == [0, 1]


# Whole numbers, names, shapes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rounds": -1}, "rounds is -1; it must be at least 0"),
        ({"rounds": 2.0}, "rounds is 2.0; it must be a whole number"),
        ({"rounds": True}, "rounds is True; it must be a whole number"),
        ({"rounds": "3"}, "rounds is '3'; it must be a whole number"),
        ({"keep": 0}, "keep is 0; it must be at least 1"),
        ({"keep": -2}, "keep is -2; it must be at least 1"),
        ({"keep": 1.5}, "keep is 1.5; it must be a whole number"),
        ({"keep": "al"}, "keep is 'al'; did you mean 'all'? known: 'all', 'last'"),
        ({"keep": [-1]}, "keep[0] is -1; it must be at least 0"),
        ({"keep": [1, 9]}, "keep lists round 9; the run ends with round 5"),
        ({"burn_in": 6}, "burn_in is 6; it must be at most rounds, 5"),
        ({"burn_in": -1}, "burn_in is -1; it must be at least 0"),
        ({"threads": 0}, "threads is 0; it must be at least 1"),
    ],
)
def test_a_run_refuses_bad_whole_numbers_by_name(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        asim.FeedbackMap(P3, beta=1.0).run(MU3, **{"rounds": 5, **arguments})


def test_numpy_integers_are_whole_numbers():
    assert validation.integer(np.int8(3), "rounds", minimum=0) == 3
    assert type(validation.integer(np.int8(3), "rounds", minimum=0)) is int


def test_an_unknown_objective_lists_the_known_ones_and_the_nearest():
    with pytest.raises(ValueError, match=r"objective is 'ip'; did you mean 'ipo'\?") as refusal:
        asim.FeedbackMap(P3, objective="ip", beta=1.0)
    assert "'dpo'" in str(refusal.value).partition("known: ")[2]
    with pytest.raises(ValueError, match=r"objective is 7; known: .*'dpo', .*'ipo'"):
        asim.FeedbackMap(P3, objective=7, beta=1.0)


def test_shapes_that_do_not_broadcast_are_all_listed_with_a_remedy():
    with pytest.raises(ValueError, match="the batch axes do not broadcast") as refusal:
        asim.FeedbackMap([P3, P3], beta=np.ones((5, 1)), lam=[0.1, 0.2, 0.3])
    for part in ("P (2,)", "beta (5, 1)", "lam (3,)", "make them equal or 1", "alignsim.sweep"):
        assert part in str(refusal.value)
    with pytest.raises(ValueError, match=r"sampling \(3,\), reference \(2,\)"):
        asim.ipo_optimum(P3, [MU3] * 3, reference=[MU3] * 2, beta=1.0)
    with pytest.raises(ValueError, match=r"the map \(2,\), start \(3,\)"):
        asim.FeedbackMap([P3, P3], beta=1.0).run([MU3] * 3, rounds=1)


# The words themselves


def test_an_index_is_written_as_in_python():
    assert validation.at((np.int64(2), 0)) == "[2, 0]"
    assert validation.at(()) == ""


def test_the_first_bad_place_is_named_in_reading_order():
    mask = np.zeros((2, 3), dtype=bool)
    mask[1, 0] = mask[0, 2] = True
    assert validation.first_true(mask) == (0, 2)
    assert validation.first_true(np.array(True)) == ()


def test_the_errors_of_the_package_are_value_errors():
    for error in (
        asim.errors.NoOptimumError,
        asim.errors.FileFormatError,
        asim.errors.MissingPairsError,
    ):
        assert issubclass(error, ValueError)


@pytest.mark.parametrize("index", [(), 4, -5, (1, 1), "1", 1.0, None, [1], object()])
def test_a_position_that_is_none_is_one_sentence(index):
    told = r"index is .*; the batch has shape \(4,\): give one number an axis, counted from 0$"
    with pytest.raises(InputError, match=told):
        validation.position(index, "index", (4,))


def test_positions():
    assert validation.position(np.int64(3), "index", (4,)) == (3,)
    assert validation.position((1, -2), "index", (2, 2)) == (1, -2)
    with pytest.raises(InputError, match=r"the batch has shape \(\): give \(\)$"):
        validation.position(0, "index", ())


def test_of_many_names_the_nearest_are_listed_and_how_many_there_are():
    many = [f"attribute {n:04d}" for n in range(500)]
    with pytest.raises(InputError) as few:
        validation.choice("test", "name", ["tests", "b"])
    assert str(few.value).endswith("did you mean 'tests'? known: 'b', 'tests'")
    with pytest.raises(InputError) as near:
        validation.choice("attribute 0007x", "name", many)
    assert "did you mean 'attribute 0007'? known: 'attribute 0007', " in str(near.value)
    assert str(near.value).endswith(", ... (500 in all)")
    assert str(near.value).count("attribute ") == 2 + validation.FEW
    with pytest.raises(InputError) as far:
        validation.choice("~", "name", many)
    assert str(far.value).count("attribute ") == validation.FEW


def test_an_entry_that_is_refused_is_named_with_its_value():
    array = np.array([[1.0, 2.0], [3.0, 4.0]])
    validation.refuse_where(array > 4, "x", array, "no")
    with pytest.raises(InputError, match=r"^x\[1, 0\] is 3, too much; give less$"):
        validation.refuse_where(array > 2, "x", array, "give less", "is {:g}, too much")
    with pytest.raises(InputError, match=r"^x is 3; give less$"):
        validation.refuse_where(array[1, 0] > 2, "x", array[1, 0], "give less")


@pytest.mark.parametrize("bad", [NotImplemented, 1, "yes", np.ones(2)])
def test_a_switch_is_true_or_false(bad):
    votes = asim.data.Comparisons.from_names(["a", "b"] * 3, ["b", "c"] * 3, [1] * 6)
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=3.0)
    rows = [{"left": "a", "right": "b", "winner": "left"}] * 2
    calls = {
        "pool": lambda: asim.data.read(rows, pool=bad),
        "within_pairs": lambda: votes.resample(0, within_pairs=bad),
        "exact": lambda: asim.reports.inspect(votes, exact=bad),
        "progress": lambda: loop.run(rounds=1, progress=bad),
    }
    for name, call in calls.items():
        with pytest.raises(ValueError, match=rf"^{name} is .*; give True or False"):
            call()
