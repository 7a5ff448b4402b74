"""The coefficients that the page gets are those of the methods."""

import numpy as np
import pytest

from alignsim.errors import InputError
from alignsim.explorer.table import MOST_SLOTS, MOST_WHOLE, SUMS, objectives, table
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.feedback.methods.scheme import Scheme
from alignsim.feedback.naming import parameters_named
from alignsim.objectives import OBJECTIVES

TABLE = table()


def value(polynomial, values):
    return sum(c * np.prod([values[name] for name in names]) for c, *names in polynomial)


def rows(given, width, values):
    found = np.zeros((len(given), width))
    for row, terms in zip(found, given, strict=True):
        for place, polynomial in terms:
            row[place] = value(polynomial, values)
    return found


def drawn(method, rng):
    """Random parameters in the range of the page."""
    values = {}
    for each in method.parameters:
        high = min(each.high, MOST_WHOLE if each.whole else 2.0)
        values[each.name] = rng.uniform(each.low, high)
        if each.whole:
            values[each.name] = float(rng.integers(each.low, high + 1))
    total = sum(values[name] for name in SUMS.get(method.name, ()))
    for name in SUMS.get(method.name, ()):
        values[name] /= max(total, 1.0)
    return values


@pytest.mark.parametrize("name", METHODS)
def test_the_rows_are_those_of_the_scheme(name):
    method, rng = METHODS[name], np.random.default_rng(1)
    for _ in range(20):
        values = drawn(method, rng)
        scheme = Scheme.of(method, method.checked(values))
        fitting = [
            wiring
            for wiring in TABLE[name]["wirings"]
            if all(values[key] == number for key, number in wiring["when"].items())
        ]
        assert len(fitting) == 1
        width = scheme.update.shape[-1]
        for key, wanted in (("R", scheme.reference), ("O", scheme.opponent), ("N", scheme.update)):
            np.testing.assert_allclose(rows(fitting[0][key], width, values), wanted, atol=1e-15)


def test_the_page_computes_every_method_of_the_catalogue():
    assert set(TABLE) == set(METHODS)
    assert all(len(method.slots) <= MOST_SLOTS for method in METHODS.values())
    assert all(entry["wirings"] for entry in TABLE.values())


@pytest.mark.parametrize("name", METHODS)
def test_sums_are_what_the_check_of_a_method_demands(name):
    """A method whose parameters must fit together is in the table of sums, no other is."""
    method = METHODS[name]
    together = {each.name: 0.5 for each in method.parameters} | {
        each.name: each.low for each in method.parameters if each.whole
    }
    method.checked(together)
    beyond = together | dict.fromkeys(SUMS.get(name, ()), 0.51)
    if name in SUMS:
        with pytest.raises(InputError, match="at most 1"):
            method.checked(beyond)
    else:
        assert method.check is None


def test_sliders_begin_within_their_range():
    for entry in TABLE.values():
        for each in entry["parameters"]:
            high = np.inf if each["high"] is None else each["high"]
            assert each["low"] <= each["usual"] <= high


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("name", METHODS)
def test_the_page_knows_every_parameter_once(name, objective):
    listed = [*TABLE[name]["parameters"], *objectives().get(objective, [])]
    names = [each["name"] for each in listed]
    assert sorted(names) == sorted(each.name for each in parameters_named(name, objective))
    assert len({each["symbol"] for each in listed}) == len(names)
    for each in listed:
        assert ", " in each["about"]  # a name, and what it means
        assert each["low"] <= each["usual"] <= (each["high"] or np.inf)
