import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis.orbits.cycles import polish

PERIOD_FIVE = np.array(
    [[0.5, 0.624, 0.619, 0.969], [0.376, 0.5, 0.942, 0.269],
     [0.381, 0.058, 0.5, 0.454], [0.031, 0.731, 0.546, 0.5]]
)  # fmt: skip
REFERENCE = np.exp([-5.3686, -0.6416, 0.9502, 5.06])


@pytest.fixture
def loop():
    """The system of theory 6.6: a stable fixed point beside a cycle of period 5."""
    return asim.FeedbackMap(
        PERIOD_FIVE, alpha=0.35, beta=30.0, reference=REFERENCE / REFERENCE.sum()
    ).part(0, 1)


@pytest.fixture
def near_cycle(loop):
    fixed = asim.analysis.fixed_point(loop).logits
    start = fixed + 3.0 * np.array([1.0, -1.0, 1.0, -1.0])
    return loop.run(start_logits=start, rounds=3000, keep="last").final_logits


def test_a_polished_cycle_closes_and_its_multipliers_are_those_of_the_rounds(loop, near_cycle):
    found = polish(loop, np.array([5]), near_cycle)
    assert found.attracting.all()
    z, product = found.state, np.eye(3)
    for _ in range(5):
        product = loop.jacobian_at(z[0], basis="tangent")[0] @ product
        z = loop.step_logits(z)
    np.testing.assert_allclose(z, found.state, atol=1e-11)
    radius = np.abs(np.linalg.eigvals(product)).max()
    assert found.spectral_radius[0] == pytest.approx(radius, rel=1e-9)
    assert radius < 1.0


@pytest.mark.parametrize("multiple", [1, 2, 3, 12])
def test_the_period_is_the_least(loop, near_cycle, multiple):
    found = polish(loop, np.array([5 * multiple]), near_cycle)
    assert found.period.tolist() == [5]
    assert found.spectral_radius[0] == pytest.approx(
        polish(loop, np.array([5]), near_cycle).spectral_radius[0], rel=1e-8
    )


def test_a_fixed_point_is_a_cycle_of_period_one_whatever_is_asked(loop):
    fixed = asim.analysis.fixed_point(loop).logits
    found = polish(loop, np.array([4]), fixed + 1e-4 * np.array([1.0, -1.0, 0.5, -0.5]))
    assert found.period.tolist() == [1]
    np.testing.assert_allclose(found.state, fixed, atol=1e-9)


def test_no_cycle_of_a_wrong_period_is_claimed(loop, near_cycle):
    found = polish(loop, np.array([7]), near_cycle)
    assert not (found.attracting & (found.period == 7)).any()


def test_each_map_of_a_batch_keeps_its_own_period(loop, near_cycle):
    fixed = asim.analysis.fixed_point(loop).logits
    both = loop.take(np.array([0, 0]))
    found = polish(both, np.array([5, 1]), np.concatenate([near_cycle, fixed]))
    assert found.period.tolist() == [5, 1]
    assert found.attracting.all()


def test_dpo_cycles_are_polished_too():
    loop = asim.FeedbackMap(
        asim.preferences.cyclic(3, advantage=0.3), objective="dpo", beta=20.0, alpha=0.5
    ).part(0, 1)
    orbit = loop.run(rounds=4000, keep="all")
    back = np.abs(orbit.logits[0, -1] - orbit.logits[0, -65:-1]).max(axis=-1)[::-1]
    period = int(back.argmin()) + 1
    found = polish(loop, np.array([period]), orbit.final_logits)
    assert found.attracting.all()
    end = loop.run(start_logits=found.state, rounds=int(found.period[0]), keep="last")
    np.testing.assert_allclose(end.final_logits, found.state, atol=1e-8)
