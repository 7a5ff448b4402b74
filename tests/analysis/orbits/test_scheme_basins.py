"""Basins of schemes: hard onsets, and attractors beside a stable fixed point (schemes 6)."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis.orbits.verdicts import OSCILLATING, Phase
from alignsim.sweeps.basins import basins
from tests.analysis.orbits.scheme_systems import at_nash, limit

SMALL, LARGE = 0.01, 0.3


def at_share(share, name, policy, **parameters):
    P, logits = at_nash(policy)
    beta = share * limit(name, parameters) / asim.analysis.omega(P, logits)
    return asim.method(name, P, beta=beta, **parameters), logits


def around(logits, amplitude, several=6):
    """Return policies at a distance in logits from an equilibrium, in directions all around."""
    E = asim.simplex.mean_zero_basis(3)
    angle = 2.0 * np.pi * np.arange(several) / several
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1) @ E.T
    return asim.simplex.softmax(logits + amplitude * circle)


@pytest.mark.parametrize(("share", "far"), [(0.995, True), (0.98, False)])
def test_a_soft_reference_at_the_default_of_trl_has_a_hard_onset(share, far):
    """Schemes 6: below the limit, small cycles are damped and large ones are not."""
    loop, logits = at_share(share, "soft_reference", [0.165, 0.187, 0.648], mixup=0.6)
    near = basins(loop, around(logits, SMALL), rounds=24_000)
    assert near.code.tolist() == [Phase.CONVERGED]
    np.testing.assert_allclose(near.policies[0], [0.165, 0.187, 0.648], atol=1e-6)
    large = basins(loop, around(logits, LARGE), rounds=24_000)
    assert large.undecided == 0.0
    assert bool(np.isin(large.code, OSCILLATING).any()) is far


@pytest.mark.parametrize(
    ("name", "policy", "parameters", "amplitude"),
    [("soft_reference", [0.047, 0.849, 0.104], {"mixup": 0.5}, 1.0),
     ("extragradient", [0.906, 0.079, 0.015], {"kappa": 0.0}, 4.0)],
)  # fmt: skip
def test_locally_stable_is_not_globally_stable_at_three_responses(
    name, policy, parameters, amplitude
):
    """Schemes 6: at .90 of the limit some orbits from farther away never come to rest."""
    loop, logits = at_share(0.9, name, policy, **parameters)
    assert asim.stability(loop).stable
    near = basins(loop, around(logits, 0.1), rounds=12_000)
    assert near.code.tolist() == [Phase.CONVERGED]
    np.testing.assert_allclose(near.policies[0], policy, atol=1e-6)
    far = basins(loop, around(logits, amplitude), rounds=50_000)
    assert np.isin(far.code, OSCILLATING).any()
    assert far.undecided == 0.0


def test_attractors_are_told_apart_by_their_policies_and_drawn_as_policies():
    loop, logits = at_share(0.995, "soft_reference", [0.165, 0.187, 0.648], mixup=0.6)
    seen = basins(loop, np.concatenate([around(logits, a) for a in (SMALL, LARGE)]), rounds=24_000)
    assert seen.count == 2
    assert seen.logits.shape == (2, 3)
    assert seen.orbit_logits.shape[-1] == 3
    moving = int(np.isin(seen.code, OSCILLATING).argmax())
    points = seen.attractor_points[moving]
    assert np.ptp(points, axis=0).max() > 0.02
    along = seen.orbit_logits[moving] @ asim.simplex.asymmetric_direction(3)
    np.testing.assert_allclose(seen.logits[moving], seen.orbit_logits[moving, 0], atol=1e-12)
    assert along[0] >= along.max() - 1e-3 * np.ptp(along)
    if seen.period[moving]:  # a lap later the drawn orbit is where it was
        np.testing.assert_allclose(points[seen.period[moving]], points[0], atol=1e-7)


def test_the_answer_does_not_depend_on_the_order_of_starts_or_the_batch():
    loop, logits = at_share(0.995, "soft_reference", [0.165, 0.187, 0.648], mixup=0.6)
    starts = np.concatenate([around(logits, a) for a in (SMALL, LARGE)])
    one = basins(loop, starts, rounds=12_000)
    two = basins(loop, starts[::-1], rounds=12_000)
    np.testing.assert_array_equal(one.label, two.label[::-1])
    np.testing.assert_allclose(one.logits, two.logits, atol=1e-6)
