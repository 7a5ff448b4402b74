import numpy as np
import pytest

import alignsim as asim
from alignsim import simplex
from alignsim.analysis.orbits.rotation import (
    birkhoff_weights,
    critical_plane,
    dominant_frequency,
    principal_plane,
)

GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0


def test_weighted_averages_of_a_quasi_periodic_signal_beat_plain_ones_by_many_digits():
    t = np.arange(1000)
    signal = 1.0 / (1.2 + np.cos(2 * np.pi * GOLDEN * t))
    exact = 1.0 / np.sqrt(1.2**2 - 1.0)
    weighted = birkhoff_weights(1000) @ signal
    assert abs(weighted - exact) < 1e-11
    assert abs(signal.mean() - exact) > 1e-5


def test_weights_are_symmetric_and_sum_to_one():
    weights = birkhoff_weights(101)
    assert weights.sum() == pytest.approx(1.0, abs=1e-15)
    np.testing.assert_allclose(weights, weights[::-1], rtol=1e-12)
    assert weights.argmax() == 50


@pytest.mark.parametrize("frequency", [0.0123, 0.1, GOLDEN / 2, 0.3333, 0.487])
def test_the_dominant_frequency_of_two_waves_is_that_of_the_stronger(frequency):
    t = np.arange(2048)
    wave = np.cos(2 * np.pi * frequency * t + 0.7) + 0.4 * np.sin(2 * np.pi * 0.2071 * t) + 5.0
    assert dominant_frequency(wave[None])[0] == pytest.approx(frequency, abs=1e-9)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("K", [3, 4, 5, 7])
def test_in_the_critical_plane_a_small_orbit_turns_by_the_leading_angle(objective, K):
    rng = np.random.default_rng(K)
    margin = np.triu(rng.uniform(-0.4, 0.4, (K, K)), 1)
    loop = asim.FeedbackMap(
        0.5 + margin - margin.T, objective=objective, beta=3.0, alpha=0.4, lam=1.0
    )
    fixed = asim.analysis.fixed_point(loop).logits
    flat = loop.part(0, 1)
    plane = critical_plane(flat, fixed[None])[0]
    values, vectors = np.linalg.eig(loop.jacobian_at(fixed, basis="tangent"))
    leading = np.abs(values).argmax()
    vector = simplex.mean_zero_basis(K) @ vectors[:, leading]
    before = plane @ vector.real
    after = plane @ (values[leading] * vector).real
    turn = np.angle(complex(*after) / complex(*before))
    assert abs(turn) == pytest.approx(abs(np.angle(values[leading])), abs=1e-6)
    assert np.linalg.norm(after) == pytest.approx(
        abs(values[leading]) * np.linalg.norm(before), rel=1e-6
    )


def test_the_plane_of_a_missing_fixed_point_is_zero():
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=[1.0, 2.0])
    fixed = np.array([[np.nan] * 3, [0.0, 0.0, 0.0]])
    plane = critical_plane(loop, fixed)
    assert (plane[0] == 0.0).all()
    assert (plane[1] != 0.0).any()


def test_the_principal_plane_makes_an_ellipse_round():
    t = np.arange(1000)
    x, y = 3.0 * np.cos(0.1 * t), 0.2 * np.sin(0.1 * t)
    frames = np.stack([x + y, x - y, -2 * x], axis=-1)[None] + np.array([1.0, 2.0, -3.0])
    mean, plane = principal_plane(frames)
    np.testing.assert_allclose(mean[0], [1.0, 2.0, -3.0], atol=0.1)
    radii = np.linalg.norm((frames[0] - mean[0]) @ plane[0].T, axis=-1)
    assert radii.min() > 0.9 * radii.max()
