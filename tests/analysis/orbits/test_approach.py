"""Whether an orbit approaches a fixed point, from two windows of its distances."""

import numpy as np
import pytest

from alignsim.analysis.orbits.approach import ARRIVED, NEAR, NEAR_SPAN, PROMISE, approaches

ELAPSED = 100
PROMISED = 1e-6
"""What the radius promises over these rounds; half of it, logarithmically, is 1e-3."""

ALONG = np.array([1.0, 0.0, -1.0])

COLLAPSED = np.array([0.0, 0.0, -60.0])
"""At this fixed point the last response vanishes: its logit hardly counts as a deviation."""


def window(point, distances, along):
    return point + np.multiply.outer(distances, along)


CASES = {
    "came closer by half of the promise": (0.05, 0.04e-3, 1.0, True),
    "came closer by less": (0.05, 0.06e-3, 1.0, False),
    "was too far for the multipliers to rule": (2.0 * NEAR, 1e-5, 1.0, False),
    "is there": (0.05, 0.3 * ARRIVED, 1.0, True),
    "is there, from afar": (5.0, 0.3 * ARRIVED, 1.0, True),
    "fades too slowly for its approach to count": (0.05, 1e-5, 2.0 * PROMISE / PROMISED, False),
    "is there, however slowly it fades": (0.05, 0.3 * ARRIVED, 2.0 * PROMISE / PROMISED, True),
    "is there, but the point repels": (0.05, 0.3 * ARRIVED, 2.0 / PROMISED, False),
}


@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
def test_an_orbit_approaches_when_it_is_there_or_comes_closer_as_promised(shape):
    for case, (before, after, share, expected) in CASES.items():
        early, late = (
            np.broadcast_to(window(np.zeros(3), [d, 0.5 * d], ALONG), (*shape, 2, 3))
            for d in (before, after)
        )
        radius = np.full(shape, (share * PROMISED) ** (1.0 / ELAPSED))
        found = approaches(early, late, np.zeros((*shape, 3)), radius, ELAPSED)
        assert found.shape == shape
        assert (found == expected).all(), case


def test_orbits_are_told_apart_within_a_batch():
    distances = [case[:2] for case in CASES.values()]
    early, late = (
        np.stack([window(np.zeros(3), [pair[end], 0.0], ALONG) for pair in distances])
        for end in (0, 1)
    )
    shares = np.array([case[2] for case in CASES.values()])
    radius = (shares * PROMISED) ** (1.0 / ELAPSED)
    found = approaches(early, late, np.zeros((len(CASES), 3)), radius, ELAPSED)
    assert found.tolist() == [case[3] for case in CASES.values()]


@pytest.mark.parametrize(("share", "expected"), [(0.9, True), (1.1, False)])
def test_a_vanishing_response_may_lie_only_so_far_away(share, expected):
    early = window(COLLAPSED, [share * NEAR_SPAN], np.array([0.0, 0.0, 1.0]))
    late = window(COLLAPSED, [2.0 * ARRIVED * 61.0], np.array([0.0, 0.0, 1.0]))
    radius = np.array(PROMISED ** (1.0 / ELAPSED))
    assert approaches(early, late, COLLAPSED, radius, ELAPSED) == expected
