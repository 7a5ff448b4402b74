"""Results read well: codes are put in words, a repr is a few lines."""

import dataclasses
import importlib
import re

import numpy as np
import pytest

import alignsim as asim
from alignsim import analysis
from alignsim.analysis.evidence import Evidence
from alignsim.analysis.orbits.attractors import attractors, ends
from alignsim.analysis.orbits.cycles import polish
from alignsim.analysis.results import Result
from alignsim.codes import words_of
from alignsim.summary import LISTED

P = asim.preferences.cyclic(3, advantage=0.5)
BETA = np.array([[2.0, 2.9, 3.0], [3.1, 4.0, 20.0]])
MOST_LINES = 10
LONGEST_LINE = 100
NUMBER = r"-?\d[\d,]*\.?\d*(?:e[-+]\d+)?"


def a_loop(beta, alpha=0.5):
    return asim.FeedbackMap(P, beta=beta, alpha=alpha)


def attractors_of(loop):
    flat = loop.part(0, loop.size)
    found = ends(flat, analysis.classify(flat, rounds=3000), threads=1)
    return attractors(flat, found, starts=1, threads=1)


ASK = {
    "Advice": lambda loop: asim.advise(P, eta=loop.beta),
    "Attractors": attractors_of,
    "Basins": lambda loop: asim.basins(loop, samples=8, rounds=2000),
    "BoundaryEquilibria": lambda loop: analysis.boundary_equilibria(loop.replace(alpha=1.0)),
    "CaptureRegion": lambda loop: analysis.capture_region(loop, analysis.fixed_point(loop)),
    "Certificates": analysis.certificates,
    "Collapse": lambda loop: analysis.collapse(loop, rounds=200),
    "Crossings": analysis.crossings,
    "Cycle": lambda loop: polish(
        loop.part(0, loop.size), np.ones(loop.size, dtype=np.int64), np.zeros((loop.size, 3))
    ),
    "Diagnosis": lambda loop: asim.diagnose(loop.run(rounds=30).policies, n=np.inf),
    "FixedPoint": analysis.fixed_point,
    "FixedPoints": analysis.fixed_points,
    "LyapunovSpectrum": lambda loop: analysis.lyapunov_spectrum(loop, rounds=200),
    "Bifurcations": analysis.bifurcations,
    "NormalForm": lambda loop: analysis.first_lyapunov_coefficient(
        loop, analysis.fixed_point(loop).logits
    ),
    "Orbit": lambda loop: analysis.classify(loop, rounds=3000),
    "Stability": analysis.stability,
    "Tradeoff": lambda loop: asim.advise(P, eta=loop.beta).tradeoff,
    "TransientGrowth": analysis.transient_growth,
}
FLAT = {"Attractors", "Cycle"}
"""These come for flat batches only."""


@pytest.fixture(scope="module")
def answers():
    """Every result once for one map and once for a batch of shape (2, 3)."""
    return {name: (ask(a_loop(3.1)), ask(a_loop(BETA))) for name, ask in ASK.items()}


def kinds(of=Result):
    return {each for kind in of.__subclasses__() for each in (kind, *kinds(kind))}


def test_every_kind_of_result_is_asked_for_here():
    importlib.import_module("alignsim.reports")
    assert {kind.__name__ for kind in kinds()} == set(ASK)


@pytest.mark.parametrize("name", ASK)
def test_a_result_equals_itself_alone_and_can_be_a_key(answers, name):
    one, batch = answers[name]
    assert batch == batch
    assert one != batch
    assert len({one, batch}) == 2


@pytest.mark.parametrize("name", ASK)
def test_a_repr_is_a_few_lines_with_no_more_than_three_numbers_of_an_array(answers, name):
    for answer, maps in zip(answers[name], ("one map", "(2, 3) maps"), strict=True):
        text = repr(answer)
        title, *lines = text.splitlines()
        if name not in FLAT:
            things = maps.replace("map", "loop") if name == "Diagnosis" else maps
            assert title == f"{name} of {things}"
        assert 1 < len(lines) + 1 <= MOST_LINES
        assert max(map(len, lines)) <= LONGEST_LINE
        assert "array" not in text
        assert "nan" not in text
        for line in lines:
            value = re.sub(r"\(\d+ of \d+\)", "", line)
            if not re.search("[a-z]{3}", value.split("  ")[-1]):
                assert len(re.findall(NUMBER, value.split("  ")[-1])) <= LISTED, line


@pytest.mark.parametrize("name", ASK)
def test_words_of_every_field_of_codes_have_its_shape(answers, name):
    for answer in answers[name]:
        for field, meanings in answer.WORDS.items():
            codes = np.asarray(getattr(answer, field))
            words = answer.words(field)
            assert words.shape == codes.shape
            assert words.dtype.kind == "U"
            expected = [
                words_of(meanings).get(int(code), "").replace("_", " ") for code in codes.ravel()
            ]
            assert words.ravel().tolist() == expected


@pytest.mark.parametrize("name", ASK)
def test_every_field_of_codes_has_words(answers, name):
    """Codes are the int8 fields, and properties."""
    answer = answers[name][1]
    codes = {
        field.name
        for field in dataclasses.fields(answer)
        if getattr(getattr(answer, field.name), "dtype", None) == np.int8
    }
    assert codes <= set(answer.WORDS)


def test_words_say_what_a_reader_wants_to_know():
    loop = a_loop([2.9, 3.0, 3.1])
    assert asim.stability(loop).words("verdict").tolist() == ["stable", "marginal", "unstable"]
    found = asim.bifurcations(loop)
    assert found.words("criticality").tolist() == [["supercritical"]] * 3
    assert found.words("kind").tolist() == [["neimark sacker"]] * 3
    assert found.words("direction").tolist() == [["lost"]] * 3
    orbit = asim.classify(a_loop(3.1))
    assert orbit.words("code") == orbit.phase == "invariant circle"
    assert orbit.words("evidence") == "iterated"


def test_places_without_an_answer_have_empty_words():
    P = np.array([asim.preferences.cyclic(3, advantage=0.5), np.full((3, 3), 0.5)])
    found = asim.bifurcations(asim.FeedbackMap(P, beta=1.0, alpha=0.5))
    assert found.words("direction").tolist() == [["lost"], [""]]
    seen = asim.basins(a_loop([2.0, 3.0]), samples=4, rounds=600)
    assert seen.code.tolist() == [[0], [-1]]
    assert seen.phase.tolist() == [["converged"], [""]]


def test_an_unknown_field_is_refused_with_the_names_of_those_that_have_words():
    found = asim.stability(a_loop(1.0))
    with pytest.raises(ValueError, match="name is 'verdikt'; did you mean 'verdict'"):
        found.words("verdikt")
    with pytest.raises(ValueError, match="known: 'code', 'evidence', 'reason_code'"):
        asim.classify(a_loop(1.0)).words("period")
    with pytest.raises(ValueError, match="name is 'holds'; Certificates has no codes"):
        asim.certificates(a_loop(1.0)).words("holds")


def test_a_repr_names_the_phase_of_one_map_and_counts_those_of_many(answers):
    one, many = answers["Orbit"]
    assert "  phase            invariant circle\n" in repr(one)
    assert "  rotation number  0.1674\n" in repr(one)
    assert "2 converged" in repr(many)
    one, many = answers["Stability"]
    assert "  verdict          unstable\n" in repr(one)
    assert "3 unstable, 2 stable, 1 marginal" in repr(many)
    assert "0.7638 to 5.795" in repr(many)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("beta", [0.0, [0.0, 3.0]], ids=["one", "two"])
def test_a_repr_says_that_there_is_nothing(objective, beta):
    """At α = 1 there is no fixed point, and nothing moves where β = 0."""
    loop = asim.FeedbackMap(P, objective=objective, beta=beta, alpha=1.0)
    point = asim.analysis.fixed_point(loop)
    count = f"{loop.size} " if loop.size > 1 else ""
    assert repr(point).splitlines()[1:] == [f"  status  {count}none at alpha 1"]
    assert "at      nowhere" in repr(asim.bifurcations(loop))
    assert "none at alpha 1" in repr(asim.fixed_points(loop))
    assert "undecided" in repr(asim.basins(loop, samples=2))
    assert "undecided" in repr(asim.stability(loop))


def test_an_undecided_orbit_says_why():
    orbit = asim.classify(a_loop(3.0001), rounds=10)
    assert "the transient has not ended; give more rounds" in repr(orbit)


def test_evidence_means_the_same_everywhere():
    for kind in kinds():
        assert kind.WORDS.get("evidence", Evidence) is Evidence
