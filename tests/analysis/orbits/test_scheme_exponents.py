"""Lyapunov spectra of every method: counts, closed forms, and two ways to the volume."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis.orbits.exponents import UNRESOLVED, lyapunov_spectrum
from alignsim.kernels.status import OK
from tests.analysis.orbits.scheme_systems import NAMES, SCHEMES, near_limit
from tests.feedback.systems import preferences

EVERY = pytest.mark.parametrize(("name", "parameters"), SCHEMES, ids=NAMES)
OBJECTIVES = pytest.mark.parametrize("objective", ["ipo", "dpo"])


@OBJECTIVES
@EVERY
def test_the_exponents_add_up_to_the_mean_log_determinant(name, parameters, objective):
    loop = near_limit(name, 1.1, policy=(4, 3, 2), objective=objective, **parameters)
    spectrum = lyapunov_spectrum(loop, [0.5, 0.3, 0.2], rounds=60, burn_in=10)
    assert spectrum.status == OK
    assert spectrum.exponents.shape == (2 * loop.scheme.size,)
    assert (np.diff(spectrum.exponents) <= 0.0).all()
    state, total = loop.begin(np.log([0.5, 0.3, 0.2])), 0.0
    state = asim.simplex.centre(state.reshape(-1, 3)).ravel()
    for t in range(60):
        if t >= 10:
            total += np.linalg.slogdet(loop.derivative(state, "tangent"))[1]
        state = loop.advance(state).value
    assert spectrum.exponents.sum() == pytest.approx(total / 50, abs=1e-9)
    assert spectrum.mean_log_det == pytest.approx(total / 50, abs=1e-9)
    np.testing.assert_allclose(spectrum.final_state.ravel(), state, atol=1e-10)
    np.testing.assert_array_equal(spectrum.final_logits, spectrum.final_state[0])


@EVERY
def test_at_a_rest_point_the_leading_exponent_is_the_log_of_the_spectral_radius(name, parameters):
    loop = near_limit(name, 0.8, **parameters)
    expected = np.log(asim.stability(loop).spectral_radius)
    spectrum = lyapunov_spectrum(loop, rounds=4000, exponents=1)
    assert spectrum.exponents[0] == pytest.approx(expected, abs=2e-3)


@EVERY
def test_on_a_circle_it_is_zero(name, parameters):
    spectrum = lyapunov_spectrum(near_limit(name, 1.05, **parameters), rounds=6000)
    assert spectrum.exponents[0] == pytest.approx(0.0, abs=1e-3)
    assert spectrum.exponents[1] < -1e-3


def test_how_many_exponents_there_are_is_said():
    loop = near_limit("optimistic", 0.9, optimism=1.0)
    assert lyapunov_spectrum(loop, rounds=40, exponents=4).exponents.shape == (4,)
    assert np.isnan(lyapunov_spectrum(loop, rounds=40, exponents=3).mean_log_det)
    with pytest.raises(ValueError, match="exponents is 5; 3 responses in 2 slots have 4"):
        lyapunov_spectrum(loop, rounds=40, exponents=5)


def test_what_another_scheme_forgets_is_not_counted_by_the_theorem_of_mrs():
    """An offline round forgets everything; that it does is a matter of rounding, and says so."""
    P = preferences(np.random.default_rng(0), 4)
    mrs = asim.FeedbackMap(P, beta=3.0, alpha=0.0)
    same = asim.method("ipo_md", P, beta=3.0, mixture=0.0)
    np.testing.assert_array_equal(
        np.isneginf(lyapunov_spectrum(mrs, rounds=200).exponents), [False, False, True]
    )
    spectrum = lyapunov_spectrum(same, rounds=200)
    assert not np.isneginf(spectrum.exponents[:2]).any()
    assert np.isnan(spectrum.exponents[2])
    assert spectrum.status == UNRESOLVED


def test_a_spectrum_goes_on_where_another_ended():
    loop = near_limit("momentum", 1.1, momentum=0.2, kappa=0.4)
    half = lyapunov_spectrum(loop, rounds=100)
    rest = lyapunov_spectrum(loop, start_state=half.final_state, rounds=100)
    whole = lyapunov_spectrum(loop, rounds=200)
    np.testing.assert_allclose(rest.final_state, whole.final_state, atol=1e-12)
