"""Errors carry fields, are spelt as the interface spells, and never repeat the whole input."""

import json
import pickle

import numpy as np
import pytest

import alignsim as asim
from alignsim import errors, validation
from alignsim.cli.errors import as_option
from alignsim.errors import Argument, FileFormatError, InputError, InPython, listed, quote, words

MOST = 4 * errors.LONGEST
"""Characters that a quoted value takes at most, with what stands around it."""


class Nameless:
    def __repr__(self):
        raise KeyError("no name")

    def __index__(self):
        raise KeyError("no index")


class Vector:
    def __init__(self, found):
        self.found = found

    def __array__(self, dtype=None, copy=None):
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


HOSTILE = {
    "an __array__ that raises": Vector(RuntimeError("two\nlines" * 1000)),
    "an __array__ that runs out of memory": Vector(MemoryError()),
    "an __array__ of text": Vector("nonsense"),
    "an __array__ of objects": Vector(np.array([{}], dtype=object)),
    "a repr that raises": Nameless(),
    "a huge integer": 10**5000,
    "a list of huge integers": [10**400] * 1000,
    "bytes": b"x" * 10**6,
    "a long text": "x\n" * 10**6,
    "a date": np.datetime64("2020-01-01"),
    "a function": len,
    "a class": float,
    "a dictionary": {"a" * 500: 1},
    "a set": {1.5},
    "a complex number": 1j,
    "40 axes": np.ones((1,) * 40),
    "64 axes": np.ones((1,) * 64),
    "masked": np.ma.array([0.5, 0.5], mask=[True, False]),
    "a trillion numbers": np.broadcast_to(1.0, 10**12),
    "ragged": [[1.0], [1.0, 2.0]],
    "lone surrogate": "\ud800",
}
DOORS = {
    "array": lambda bad: validation.real_array(bad, "x"),
    "matrix": validation.preference_matrix,
    "policy": lambda bad: validation.policy(bad, "x", responses=3),
    "logits": lambda bad: validation.logits(bad, "x", missing=True),
    "number": lambda bad: validation.number(bad, "x", high=0.25),
    "integer": lambda bad: validation.integer(bad, "x", minimum=1),
    "choice": lambda bad: validation.choice(bad, "x", ("ipo", "dpo")),
    "map": lambda bad: asim.FeedbackMap(np.full((2, 2), 0.5), beta=bad),
    "data": asim.data.Matrices,
    "scores": asim.data.from_scores,
    "rewards": asim.preferences.bradley_terry,
    "size": lambda bad: asim.preferences.random_skew(3, size=bad),
    "file": asim.data.read,
}


@pytest.mark.parametrize("bad", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_every_door_refuses_what_is_hostile_in_one_short_sentence(door, bad):
    with pytest.raises(InputError) as refusal:
        door(bad)
    told = str(refusal.value)
    assert len(told) < 2 * MOST
    assert "\n" not in told
    assert "; " in told
    told.encode()


def test_subclasses_of_arrays_are_as_good_as_arrays():
    masked = np.ma.array([[0.5, 0.7], [0.3, 0.5]])
    assert type(validation.preference_matrix(masked)) is np.ndarray


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_a_quoted_value_is_short_and_on_one_line(value):
    assert len(quote(value)) <= MOST
    assert quote(value).isprintable()


def test_of_many_names_a_message_lists_the_first():
    assert listed(range(errors.LISTED)).count(",") == errors.LISTED - 1
    assert listed(range(10**5)).endswith(f"{errors.LISTED - 1}, ...")
    with pytest.raises(InputError) as refusal:
        validation.choice("name", "x", (f"{'long' * 100}{i}" for i in range(5000)))
    assert len(str(refusal.value)) < MOST * errors.LISTED


def test_a_near_name_is_not_sought_among_very_many(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError

    monkeypatch.setattr(validation.difflib, "get_close_matches", refuse)
    with pytest.raises(InputError, match="x is 'name'; known: 'c0', "):
        validation.choice("name", "x", (f"c{i}" for i in range(validation.NEAR_AMONG + 1)))


def test_one_error_is_spelt_as_each_interface_spells():
    remedy = [
        *words("give {winner=...} or "),
        Argument("judges", ["a", "b c"]),
        InPython(", see f()"),
    ]
    error = FileFormatError("votes.csv, line 3", [Argument("left"), " is 'x'"], remedy)
    assert str(error) == (
        "votes.csv, line 3: left is 'x'; give winner=... or judges=['a', 'b c'], see f()"
    )
    options = {name: f"--{name}" for name in ("left", "winner", "judges")}
    assert error.told(lambda part: as_option(part, options)) == (
        "votes.csv, line 3: --left is 'x'; give --winner ... or --judges a,'b c'"
    )


def test_an_error_has_fields():
    with pytest.raises(InputError) as refusal:
        validation.parameter([1.0, -2.0], "beta")
    error = refusal.value
    assert (error.argument, error.index) == ("beta", (1,))
    assert (error.complaint, error.remedy) == ("is -2", "it must be at least 0")


@pytest.mark.parametrize("kind", [InputError, *InputError.__subclasses__()])
def test_errors_survive_the_way_between_processes(kind):
    assert issubclass(kind, ValueError)
    error = kind("x", ["is ", Argument("y", 3)], "mend it", index=(2, 1))
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert (again.argument, again.index) == ("x", (2, 1))
    assert str(pickle.loads(pickle.dumps(kind("a whole message")))) == "a whole message"


# Memory


def test_the_limit_on_memory_is_stated_and_adjustable(monkeypatch):
    with pytest.raises(InputError, match=r"responses is 9999, and 9,999 by 9,999 numbers would"):
        asim.preferences.cyclic(9999, advantage=0.1)
    monkeypatch.setenv(validation.MEMORY, "0.0001")
    with pytest.raises(InputError, match=r"the limit is 0.0001 GiB\); .* ALIGNSIM_MEMORY to"):
        asim.preferences.random_skew(101, rng=0)
    monkeypatch.setenv(validation.MEMORY, "1")
    assert asim.preferences.random_skew(101, rng=0).shape == (101, 101)


@pytest.mark.parametrize("nonsense", ["much", "-1", "0", "nan"])
def test_a_limit_that_is_none_is_named(monkeypatch, nonsense):
    monkeypatch.setenv(validation.MEMORY, nonsense)
    with pytest.raises(InputError, match=f"ALIGNSIM_MEMORY is '{nonsense}'; give a number of GiB"):
        asim.preferences.random_skew(4)


ABSURD = {
    "cyclic": lambda: asim.preferences.cyclic(10**9 + 1, advantage=0.1),
    "neighbours": lambda: asim.preferences.nearest_neighbour_cycle(10**9, advantage=0.1),
    "skew": lambda: asim.preferences.random_skew(10**6),
    "many": lambda: asim.preferences.random_skew(3, size=(10**6, 10**6)),
    "strict": lambda: asim.preferences.random_strictly_strongly_transitive(10**6),
    "rewards": lambda: asim.preferences.bradley_terry(np.zeros(10**6)),
    "additive": lambda: asim.preferences.additive(np.zeros(10**6)),
    "sampler": lambda: asim.preferences.fixed_sampling_counterexample(np.full(10**5, 1e-5)),
    "scores": lambda: asim.data.from_scores(np.zeros((10**5, 1))),
    "ratings": lambda: asim.data.synthetic_ratings(prompts=10**10),
    "broadcast": lambda: asim.FeedbackMap(
        np.full((2, 2), 0.5), beta=np.ones((10**5, 1)), alpha=np.zeros(10**5)
    ),
}


@pytest.mark.parametrize("ask", ABSURD.values(), ids=ABSURD)
def test_absurd_requests_are_refused_before_memory_is_taken(ask):
    with pytest.raises(InputError, match=r"would take some .* GiB .*limit is 2 GiB\)"):
        ask()


# Things of another kind

VOTES = asim.data.Comparisons.from_names("aab", "bcc", [1, 1, 0.5])
SCORES = (np.ones((2, 1, 1)),)
RATINGS = asim.data.Ratings(("p",), (("a", "b"),), (("r",),), ("x",), SCORES)
PAIR = np.full((2, 2), 0.5)
OTHER_KINDS = {
    "left": lambda: asim.data.Comparisons.from_names(3, ["b"], [1]),
    "left[1]": lambda: asim.data.Comparisons.from_names(["a", 3], ["b", "c"], [1, 1]),
    "right[0]": lambda: asim.data.Comparisons.from_names(["a"], [["b"]], [1]),
    "share": lambda: asim.data.Comparisons.from_names(["a"], ["b"], None),
    "labels": lambda: VOTES.restrict(3),
    "labels[0]": lambda: asim.data.Matrices(PAIR, labels=(3,)),
    "names": lambda: asim.data.Matrices(PAIR, names=5),
    "responses": lambda: RATINGS.pooled(responses=3),
    "prompts": lambda: asim.data.Ratings(1, (), (), ("x",), ()),
    "raters": lambda: asim.data.Ratings(("p",), (("a",),), 3, ("x",), ()),
    "scores[0]": lambda: asim.data.Ratings(*_parts(), (np.array([[["q"]], [["r"]]]),)),
    "stacks": lambda: asim.data.MatrixStacks(3),
    "ratings": lambda: asim.data.write_helpsteer("x", "a.jsonl"),
    "P": lambda: asim.preferences.spread("x", 3),
}


def _parts():
    return ("p",), (("a", "b"),), (("r",),), ("x",)


@pytest.mark.parametrize(("name", "make"), OTHER_KINDS.items(), ids=OTHER_KINDS)
def test_what_is_of_another_kind_is_refused_by_name(name, make):
    with pytest.raises(InputError) as refusal:
        make()
    assert str(refusal.value).startswith(f"{name} ")


HUGE = [[1e308, 1e308], [1e308, -1e308]]


def test_numbers_at_the_ends_of_float64_do_not_warn():
    with pytest.raises(InputError, match=r"scores\[0, 0\] is 1e\+308; it must lie within ±1e\+300"):
        asim.data.from_scores(HUGE, recipe="mean-score")
    with pytest.raises(InputError, match=r"scores\[0\] holds a number beyond ±1e\+300"):
        asim.data.Ratings(*_parts(), (np.full((2, 1, 1), 1e308),))
    with pytest.raises(InputError, match="policy sums to inf"):
        asim.preferences.violations([1e308, 1e308], PAIR)
    sure = asim.preferences.bradley_terry([0.0, 1e308], temperature=5e-324)
    assert sure.tolist() == [[0.5, 0.0], [1.0, 0.5]]
    policy, reference = [5e-324, 1.0 - 1e-9, 1e-9], [1e-9, 5e-324, 1.0 - 1e-9]
    order = asim.preferences.bradley_terry([0.0, 2.0, 1.0])
    assert not asim.preferences.violations(policy, order, reference=reference).condorcet_top
    assert VOTES.matrix(smoothing=1e308)[0, 1] == pytest.approx(0.5)


def test_of_long_names_none_is_compared_with_an_unknown_one(monkeypatch):
    seen = []

    def compared(word, names, n):
        seen.extend([word, *names])
        return []

    monkeypatch.setattr(validation.difflib, "get_close_matches", compared)
    with pytest.raises(InputError, match="known: 'short', 'zzz"):
        validation.choice("y" * 10**5, "x", ["short", "z" * 10**5])
    assert seen == ["y" * errors.LONGEST, "short"]


EXACT = asim.FeedbackMap(PAIR, beta=1.0, alpha=0.5).run(rounds=5)
STUDY = {"beta": [1.0, 2.0], "alpha": 0.5, "progress": False}
NO_PATH = "give the name of a file, a str or a Path of at most 4096 characters"


@pytest.mark.parametrize("value", [{"a"}, 3, ..., np.array(0.3)])
@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("path", asim.sweeps.open_sweep),
        ("path", lambda value: asim.sweeps.export(asim.sweep(PAIR, **STUDY), value)),
        ("path", asim.explorer.export),
        ("store", lambda value: asim.sweep(PAIR, store=value, **STUDY)),
        ("store", lambda value: asim.experiments.reproduce([PAIR], store=value, progress=False)),
    ],
)
def test_what_is_no_path_is_refused_by_name(argument, call, value):
    with pytest.raises(InputError) as e:
        call(value)
    assert str(e.value) == f"{argument} is {quote(value)}; {NO_PATH}"


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (
            lambda: asim.objectives.learning_errors([0.5] * 50_000, "uniform", 5),
            r"rewards has shape \(50000,\), and its matrices would take some 74\.5\d* GiB",
        ),
        (
            lambda: asim.objectives.learning_errors([0.5, 1.0], "uniform", 10**12),
            "rounds is 1,000,000,000,000, and their errors would take some 29802 GiB",
        ),
        (
            lambda: asim.experiments.class_rates(
                asim.data.synthetic_ratings(prompts=5, rng=0), draws=10**12
            ),
            "draws is 1,000,000,000,000, and their counts would take some",
        ),
    ],
)
def test_what_no_memory_holds_is_refused_before_it_is_tried(call, told):
    with pytest.raises(InputError, match=told):
        call()


@pytest.mark.parametrize(
    ("n", "told"),
    [
        ({"a": 60}, r"n is \{'a': 60\}, but a trajectory is exact; leave it out"),
        (60, "n is 60, but a trajectory is exact"),
        ("many", "n is 'many'; give a number, or inf for exact"),
    ],
)
def test_samples_of_an_exact_trajectory_are_refused(n, told):
    with pytest.raises(InputError, match=told):
        asim.reports.diagnose(EXACT, n=n, progress=False)


def test_what_is_no_dataset_is_not_exported(tmp_path):
    with pytest.raises(InputError, match="found is of type range; give the xarray"):
        asim.sweeps.export(range(3), tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


def test_the_costs_of_a_single_map_are_told():
    told = asim.sweep(PAIR, beta=2.0, alpha=0.5, dry_run=True)
    assert (told.maps, told.sample) == (1, 1)


def test_sums_that_overflow_do_not_warn():
    assert asim.simplex.centre(np.full((2, 12), 1e308)).tolist() == [[0.0] * 12] * 2
    assert asim.simplex.centre([1e308, 1e308, 4e307]) == pytest.approx([2e307, 2e307, -4e307])
    errors = asim.objectives.learning_errors([1e3, 0.0], "mix_r", 3)
    assert errors.tolist() == [1e3, np.inf, np.inf, np.inf]


class Unreadable:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("this array cannot be read")


@pytest.mark.parametrize("radius", [[[1, 2], [3]], Unreadable()])
def test_a_radius_that_is_no_array_is_refused_by_name(radius):
    with pytest.raises(InputError, match="kl_radius is not a rectangular array of numbers"):
        asim.objectives.multipliers(PAIR, [0.5, 0.5], kl_radius=radius, beta=1.0)


def test_a_method_that_is_an_array_is_refused_by_name():
    with pytest.raises(InputError, match=r"is array\(\[\]"):
        asim.reports.advise(PAIR, method=np.zeros(0))


def test_a_picture_with_letters_of_no_size_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"dpi is 1; it must be in \[10, 2400\]"):
        asim.plotting.save(asim.plotting.timeline(EXACT), tmp_path / "a.png", dpi=True)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (
            lambda: asim.sweeps.orbit_diagram(PAIR, x=np.ones((3, 3)), y=("alpha", 0, 1)),
            r"x is array\(\[\[1\., 1\., 1\.\].*; give \(name, low, high\)",
        ),
        (
            lambda: asim.preferences.signal_strength(-1, "signal", name=[0.5] * 50_000),
            r"name\[0\] is \[0\.5, .*; a name must be a text",
        ),
        (
            lambda: asim.data.synthetic_ratings(prompts=5, rng=0).matrices(
                "mean-score", raters=np.ma.masked_array([0.2, 0.8], [0, 1])
            ),
            "raters is masked_array",
        ),
    ],
)
def test_an_array_in_the_place_of_a_name_is_told_on_one_short_line(call, told):
    with pytest.raises(ValueError, match=told) as e:
        call()
    assert len(str(e.value).splitlines()) == 1
    assert len(str(e.value)) < 300


def test_strengths_beyond_float64_do_not_warn():
    P = asim.preferences.random_skew(4, rng=0)
    loop = asim.FeedbackMap(P, beta=[1e100, 1e308], alpha=[[0.0], [1.0 - 1e-9]], lam=5e-324)
    assert (asim.analysis.crossings(loop, along="beta").count == 0).all()


@pytest.mark.parametrize("value", [None, 3])
def test_a_log_of_columns_that_are_none_is_refused(value, tmp_path):
    file = tmp_path / "log.json"
    file.write_text(json.dumps({"a": value}))
    for log in ({"a": value}, file):
        with pytest.raises(InputError, match=r"has dtype object|needs at least 1 axis"):
            asim.reports.diagnose(log, progress=False)


def test_numbers_that_overflow_on_the_way_are_told_or_undecided():
    with pytest.raises(InputError, match=r"beta\[1\] is 1e\+308; over 1 − tilt it must stay"):
        asim.objectives.alpha_dpo_as_dpo(beta=1e308, tilt=[0.0, 0.5])
    P = asim.preferences.random_skew(4, rng=0)
    loop = asim.method("soft_reference", P, beta=[1.0, 1e308], mixup=[[0.0], [1.0]])
    assert np.isfinite(asim.analysis.spectral_radius(loop, np.arange(4.0))[:, 0]).all()
