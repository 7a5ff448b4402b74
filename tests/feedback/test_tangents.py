"""The derivatives of rounds along an orbit."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.feedback.tangents import jacobians_along


@pytest.mark.parametrize("K", [2, 3, 8])
def test_the_derivatives_along_an_orbit_of_a_linear_score_are_those_of_single_rounds(K):
    P = asim.preferences.random_skew(K, size=3, rng=0)
    loop = asim.FeedbackMap(P, beta=[2.0, 20.0, 0.0], alpha=[0.5, 0.0, 1.0], lam=[1.0, 0.3, 0.5])
    frames = np.random.default_rng(1).normal(size=(3, 5, K), scale=3.0)
    along = jacobians_along(loop, frames)
    for t in range(4):
        single = loop.derivative(frames[:, t], "tangent")
        np.testing.assert_allclose(along[:, t], single, rtol=0.0, atol=1e-13)


def test_only_the_round_after_a_frame_that_is_not_finite_has_no_derivative():
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=5.0, alpha=0.5)
    frames = np.zeros((1, 4, 3))
    frames[0, 1, 2] = np.nan
    known = np.isfinite(jacobians_along(loop.part(0, 1), frames)).all(axis=(2, 3))
    assert known.tolist() == [[True, False, True]]
