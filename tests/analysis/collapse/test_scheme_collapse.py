"""Collapse of loops that are no MRS: the whole state goes on, and no bound is borrowed."""

import importlib

import numpy as np
import pytest

import alignsim as asim
from alignsim import analysis
from alignsim.analysis.collapse.measure import CollapseKind, collapse
from tests.analysis.orbits.scheme_systems import NAMES, SCHEMES, UNANCHORED, near_limit
from tests.feedback.methods.systems import EXAMPLES

LADDER = asim.preferences.additive([0.2, 0.1, 0.0])
FIELDS = ("entropy_final", "entropy_mean", "entropy_min", "first_round", "kind", "slope")

EVERY = pytest.mark.parametrize(("name", "parameters"), SCHEMES, ids=NAMES)
OTHERS = pytest.mark.parametrize(
    "name", [name for name in EXAMPLES if name not in ("mrs", "hard_reference")]
)
"""All but MRS that have an anchor."""


@EVERY
def test_a_run_in_chunks_hands_the_whole_state_on(monkeypatch, name, parameters):
    loop = near_limit(name, [0.9, 1.2], **parameters)
    whole = collapse(loop, [0.5, 0.3, 0.2], rounds=150)
    orbit = loop.run([0.5, 0.3, 0.2], rounds=150)
    np.testing.assert_allclose(whole.entropy_final, orbit.entropy[:, -1], atol=1e-12)
    np.testing.assert_allclose(whole.entropy_min, orbit.entropy[:, 75:].min(axis=-1), atol=1e-12)
    module = importlib.import_module("alignsim.analysis.collapse.measure")
    monkeypatch.setattr(module, "BLOCK_ENTRIES", 20)
    parts = collapse(loop, [0.5, 0.3, 0.2], rounds=150)
    for field in FIELDS:
        np.testing.assert_allclose(getattr(parts, field), getattr(whole, field), atol=1e-12)


@EVERY
def test_a_collapse_goes_on_from_a_state(name, parameters):
    loop = near_limit(name, 1.2, **parameters)
    half = loop.run([0.5, 0.3, 0.2], rounds=40)
    rest = collapse(loop, start_state=half.final_state, rounds=40)
    whole = loop.run([0.5, 0.3, 0.2], rounds=80)
    assert rest.entropy_final == pytest.approx(whole.entropy[-1], abs=1e-12)


@OTHERS
def test_what_is_proved_for_mrs_bounds_no_other_scheme(name):
    loop = asim.method(name, LADDER, beta=3.0, **EXAMPLES[name])
    for bound in (analysis.entropy_floor, analysis.span_bound, analysis.asymptotic_entropy):
        assert np.isnan(bound(loop)), bound.__name__
    assert np.isnan(analysis.entropy_falls_from(loop, [0.0, 0.0, 1.0]))
    found = collapse(loop, rounds=100)
    assert np.isnan(found.entropy_floor)
    assert not found.impossible


def test_without_an_anchor_the_bounds_hold_nothing_back():
    for name, parameters in UNANCHORED.items():
        loop = asim.method(name, LADDER, beta=3.0, **parameters)
        assert analysis.entropy_floor(loop) == 0.0
        assert analysis.span_bound(loop) == np.inf
        assert np.isnan(analysis.entropy_falls_from(loop, [0.0, 0.0, 1.0]))


@pytest.mark.parametrize("name", UNANCHORED)
def test_a_ranking_drifts_without_an_anchor_and_the_slope_is_not_that_of_mrs(name):
    loop = asim.method(name, LADDER, beta=3.0, **UNANCHORED[name])
    found = collapse(loop, rounds=600)
    assert found.kind == CollapseKind.DRIFT
    share = 0.5 if name == "soft_reference" else 1.0  # schemes 7.4: gaps grow by mβ a round
    assert found.slope == pytest.approx(3.0 * 0.2 * share, rel=1e-6)
    assert np.isnan(found.predicted_slope)


@pytest.mark.parametrize("name", UNANCHORED)
def test_an_oscillation_within_bounds_is_no_drift_although_nothing_anchors_it(name):
    loop = near_limit(name, 1.1, **UNANCHORED[name])
    found = collapse(loop, rounds=3000)
    assert found.kind == CollapseKind.OPEN
    assert analysis.classify(loop, rounds=12_000).oscillates
