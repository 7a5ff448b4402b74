"""What leaves a map as it is leaves every answer about it as it is (analysis C.7).

Every relation of ``metamorphic_cases.py`` is tried on every question of
``metamorphic_questions.py``, for several families of maps and for every method.
"""

import inspect
import sys
from functools import cache

import numpy as np
import pytest

import alignsim as asim
from alignsim import analysis
from tests.analysis.metamorphic_cases import (
    EXAMPLES,
    MAPS,
    METHOD_MAPS,
    RELATIONS,
    family,
    family_of_method,
    renamed,
)
from tests.analysis.metamorphic_questions import IPO, OF_METHODS, QUESTIONS, SEARCHES, told

# Every relation on every question


OVER_METHODS = [
    pytest.param(name, marks=[pytest.mark.slow] if name in SEARCHES else []) for name in OF_METHODS
]


def case_of(kind):
    return family_of_method(kind) if "." in kind else family(kind)


@cache
def answer(name, kind):
    return told(QUESTIONS[name].ask(case_of(kind)))


def nothing(rest):
    """Whether padding holds nothing."""
    return rest.size == 0 or bool(np.isin(np.nan_to_num(rest, nan=0.0), (0, -1)).all())


def common(one, other):
    """Return two arrays of a kind cut to their common shape; what lies outside holds nothing."""
    one, other = np.asarray(one), np.asarray(other)
    assert one.ndim == other.ndim
    cut = tuple(slice(0, min(pair)) for pair in zip(one.shape, other.shape, strict=True))
    for axis, place in enumerate(cut):
        for whole in (one, other):
            assert nothing(np.moveaxis(whole, axis, 0)[place.stop :])
    return one[cut], other[cut]


def expected(value, role, case):
    """Return what a field becomes in ``case``."""
    value = np.asarray(value)
    if role == "responses":
        return value[..., list(case.order[: value.shape[-1]])]
    return value * {"beta": case.unit, "rate": 1.0 / case.unit}.get(role, 1)


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("name", QUESTIONS)
def test_what_leaves_the_map_as_it_is_leaves_the_answer(name, relation):
    if relation not in QUESTIONS[name].relations:
        pytest.skip("takes preference matrices only")
    of_payoffs = relation != "renamed"
    compare(name, relation, [f for f in QUESTIONS[name].families if f in IPO or not of_payoffs])


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("name", OVER_METHODS)
@pytest.mark.parametrize("method", EXAMPLES)
def test_so_it_does_for_every_method(method, name, relation):
    objectives = ("ipo", "dpo") if relation == "renamed" else ("ipo",)
    compare(name, relation, [f"{method}.{objective}-3" for objective in objectives])


def compare(name, relation, families):
    asked = QUESTIONS[name]
    for kind in families:
        case = RELATIONS[relation](case_of(kind))
        after = told(asked.ask(case))
        for field, before in answer(name, kind).items():
            role = asked.roles[field]
            if role in ("untold", "batch"):
                continue
            here, there = common(after[field], expected(before, role, case))
            label = f"{name}.{field}, {kind}, {relation}"
            if here.dtype.kind in "fc":
                atol = asked.tolerance[field]
                np.testing.assert_allclose(here, there, atol=atol, rtol=atol, err_msg=label)
            else:
                np.testing.assert_array_equal(here, there, err_msg=label)


def same_bits(one, other, label):
    one, other = common(one, other)
    assert np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"), label


@pytest.mark.parametrize("name", QUESTIONS)
def test_neighbours_and_threads_do_not_change_a_bit(name, monkeypatch):
    same_alone_and_beside_others(name, QUESTIONS[name].families, MAPS, monkeypatch)


@pytest.mark.parametrize("name", OVER_METHODS)
@pytest.mark.parametrize("method", EXAMPLES)
def test_nor_do_they_for_any_method(method, name, monkeypatch):
    families = [f"{method}.ipo-3", f"{method}.dpo-3"]
    same_alone_and_beside_others(name, families, METHOD_MAPS, monkeypatch)


def same_alone_and_beside_others(name, families, maps, monkeypatch):
    asked = QUESTIONS[name]
    for kind in families:
        case = case_of(kind)
        many = case.each(lambda array: np.concatenate([array] * asked.copies))
        answers = []
        for threads in (1, 2):
            for module in [m for n, m in sys.modules.items() if n.startswith("alignsim.")]:
                if hasattr(module, "available_threads"):
                    monkeypatch.setattr(module, "available_threads", lambda n=threads: n)
            answers.append(told(asked.ask(many)))
        whole = answers[0]
        compared = [field for field in whole if asked.roles[field] != "batch"]
        for field in compared:
            values = whole[field]
            same_bits(values, answers[1][field], f"{name}.{field}, {kind}, threads")
        for i in (0, maps - 1):
            alone = told(asked.ask(case.each(lambda array, i=i: array[i])))
            for field in compared:
                value, values = alone[field], whole[field]
                for place in (i, i + maps * (asked.copies - 1)):
                    batched = np.ndim(values) > np.ndim(value)
                    beside = values[place] if batched else values
                    same_bits(value, beside, f"{name}.{field}, {kind}, map {i}")


# The registry is complete


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_field_has_a_role(name):
    asked = QUESTIONS[name]
    assert set(answer(name, asked.families[0])) == set(asked.roles)


def test_every_function_of_the_room_is_asked():
    public = {getattr(analysis, name) for name in analysis.__all__}
    functions = {function for function in public if inspect.isfunction(function)}
    asked = {each.function for each in QUESTIONS.values()}
    assert functions | {asim.advise, asim.basins} == asked


# The diagram


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_a_refined_diagram_is_part_of_the_dense_one_whatever_the_names(objective):
    case = family("ipo-3").each(lambda array: array[0])
    axes = {"x": ("beta", 0.0, 40.0), "y": ("lam", 0.2, 1.0), "alpha": 0.6, "resolution": 128}

    def diagram(of):
        policies = {"reference": of.reference, "offline": of.offline}
        return asim.phase_diagram(
            of.P, objective=objective, audit=0.0, progress=False, **axes, **policies
        )

    refined = diagram(case)
    beta, lam = np.meshgrid(refined.beta, refined.lam)
    dense = analysis.stability(
        case._replace(objective=objective).at(0.6).replace(beta=beta, lam=lam)
    )
    seen = refined.evaluated.values
    assert seen.mean() < 0.5
    assert len(np.unique(dense.verdict)) > 1
    np.testing.assert_array_equal(refined.phase, dense.verdict)
    np.testing.assert_allclose(
        refined.spectral_radius.values[seen], dense.spectral_radius[seen], rtol=1e-10
    )
    again = diagram(renamed(case))
    np.testing.assert_array_equal(again.phase, refined.phase)
    np.testing.assert_array_equal(again.evaluated, refined.evaluated)
