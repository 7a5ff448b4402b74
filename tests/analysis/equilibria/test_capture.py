"""Capture regions of MRS-IPO: what is proved holds on samples, and it is not proved in vain."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis import fixed_point, stability
from alignsim.analysis.equilibria.capture import (
    CaptureRegion,
    capture_region,
    deviation,
)
from tests.feedback.systems import preferences

PERIOD_FIVE = np.array(
    [[0.5, 0.624, 0.619, 0.969], [0.376, 0.5, 0.942, 0.269],
     [0.381, 0.058, 0.5, 0.454], [0.031, 0.731, 0.546, 0.5]]
)  # fmt: skip


def maps(rng, n, K):
    """Random MRS-IPO maps, from nearly linear to strongly collapsed, stable and unstable."""
    alpha = rng.uniform(0.0, 0.99, n)
    return asim.FeedbackMap(
        np.array([preferences(rng, K, 0.0) for _ in range(n)]),
        beta=(1 - alpha) * 10 ** rng.uniform(-1, 2, n),
        alpha=alpha,
        lam=rng.uniform(0.1, 1.0, n),
        reference=0.99 * rng.dirichlet(np.ones(K), n) + 0.01 / K,
    )


@pytest.mark.parametrize("K", [3, 4, 6, 15])
def test_a_round_from_within_contracts_at_the_rate_and_stays_within(K):
    rng = np.random.default_rng(K)
    loop = maps(rng, 400, K)
    point = fixed_point(loop)
    region = capture_region(loop, point)
    some = region.radius > 0
    assert (some == stability(loop).stable).all()
    assert 0.5 < some.mean() < 1.0
    for share in (1.0, 0.999, 0.5, 1e-3) * 3:
        h = rng.normal(size=(400, K)) * rng.choice([0.05, 1.0, 20.0], (400, K))
        before = deviation(point.logits + h, point.logits)
        scale = share * np.minimum(region.radius / before, region.span / np.ptp(h, axis=-1))
        z = point.logits + np.where(np.isfinite(scale), scale, 5.0)[:, None] * h
        assert region.contains(z)[some & (share < 1)].all()
        after = loop.step_logits(z)
        bound = region.rate * deviation(z, point.logits)
        assert (deviation(after, point.logits) <= bound * (1 + 1e-9) + 1e-13)[some].all()
        assert (np.ptp(after - point.logits, axis=-1) <= region.span * (1 + 1e-9))[some].all()


def test_orbits_from_within_arrive():
    rng = np.random.default_rng(1)
    loop = maps(rng, 300, 4)
    point = fixed_point(loop)
    region = capture_region(loop, point)
    h = rng.normal(size=(300, 4))
    scale = np.minimum(region.radius / deviation(h + point.logits, point.logits),
                       region.span / np.ptp(h, axis=-1))  # fmt: skip
    start = point.logits + 0.999 * scale[:, None] * h
    some = capture_region(loop, point).contains(start) & (region.rate < 0.99)
    assert some.sum() > 150
    final = loop.run(start_logits=start, rounds=4000, keep="last").final_logits
    assert np.abs(final - point.logits)[some].max() < 1e-8


@pytest.mark.parametrize("K", [3, 5])
def test_the_ball_lies_in_the_region_and_touches_its_border(K):
    rng = np.random.default_rng(2)
    loop = maps(rng, 300, K)
    point = fixed_point(loop)
    region = capture_region(loop, point)
    radius = region.ball
    policy = point.policy
    rare = np.argsort(policy, axis=-1)[:, :2]
    # the direction in which a ball is widest: ±1/π at the two rarest responses
    h = np.zeros((300, K))
    np.put_along_axis(h, rare, [1.0, -1.0] / np.take_along_axis(policy, rare, -1), -1)
    h /= deviation(h + point.logits, point.logits)[:, None]
    stable = radius > 0
    assert region.contains(point.logits + radius[:, None] * h * (1 - 1e-9))[stable].all()
    limited = stable & (radius < region.radius)
    assert limited.mean() > 0.3
    assert not region.contains(point.logits + radius[:, None] * h * (1 + 1e-6))[limited].any()


def test_it_is_not_absurdly_small_where_the_policy_is_spread_nor_where_it_has_collapsed():
    spread = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=3.0, alpha=0.6)
    assert capture_region(spread, fixed_point(spread)).ball > 0.2
    M = np.array([[0.0, 0.1, 0.2], [-0.1, 0.0, 0.15], [-0.2, -0.15, 0.0]])
    order = asim.FeedbackMap(0.5 + M, beta=60.0)
    region = capture_region(order, fixed_point(order))
    assert fixed_point(order).policy.min() < 1e-5
    assert region.span > 0.9
    assert region.radius > 0.05


def test_it_shrinks_to_nothing_at_the_edge_of_stability():
    loop = asim.FeedbackMap(
        asim.preferences.cyclic(3, advantage=0.5),
        beta=3.0 * np.array([0.9, 0.99, 0.999, 1.001]), alpha=0.5,
    )  # fmt: skip
    radius = capture_region(loop, fixed_point(loop)).ball
    assert (np.diff(radius) < 0).all()
    assert radius[3] == 0.0
    assert radius[1] / radius[2] == pytest.approx(10.0, rel=0.1)


def test_the_cycle_beside_a_stable_fixed_point_is_not_captured():
    """Theory 6.6: ρ = 0.9457, and a period-5 cycle that attracts."""
    z = np.array([-5.3686, -0.6416, 0.9502, 5.06])
    loop = asim.FeedbackMap(
        PERIOD_FIVE, beta=30.0, alpha=0.35, reference=np.exp(z) / np.exp(z).sum()
    )
    point = fixed_point(loop)
    cycle = loop.run(start_logits=np.add(point.logits, [3, -3, 3, -3]), rounds=2000).logits
    assert np.ptp(cycle[-5:], axis=0).max() > 1.0
    assert not capture_region(loop, point).contains(cycle).any()
    assert capture_region(loop, point).contains(point.logits)


def test_everything_is_captured_where_the_map_is_linear():
    for loop in (
        asim.FeedbackMap([[0.5, 0.9], [0.1, 0.5]], beta=50.0, alpha=0.2),
        asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=0.0, alpha=0.2),
        asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=9.0, alpha=0.2, lam=0.0),
    ):
        region = capture_region(loop, fixed_point(loop))
        assert region.radius == region.span == region.ball == np.inf
        assert region.rate == 0.2
        assert region.contains(np.arange(loop.responses) * 1e3)


def test_nothing_is_proved_without_a_stable_fixed_point_of_ipo_on_preferences():
    P = asim.preferences.cyclic(3, advantage=0.3)
    loops = [
        asim.FeedbackMap(P, beta=[9.0, 1.0], alpha=[0.5, 1.0]),  # unstable; no fixed point
        asim.FeedbackMap(P, objective="dpo", beta=[0.1, 0.2], alpha=0.5),
        asim.FeedbackMap.from_payoffs(np.eye(3), beta=[0.1, 0.2], alpha=0.5),
    ]
    for loop in loops:
        point = fixed_point(loop)
        region = capture_region(loop, point)
        assert region.radius.tolist() == region.span.tolist() == [0.0, 0.0]
        assert capture_region(loop, point).ball.tolist() == [0.0, 0.0]
        assert np.isnan(region.rate).all()
        assert not region.contains(point.logits).any()
        assert capture_region(loop, point).contains([1.0, 0.0, 0.0]).tolist() == [False, False]


def test_payoffs_that_differ_by_rows_or_columns_have_the_same_region():
    rng = np.random.default_rng(5)
    P = preferences(rng, 4)
    loop = asim.FeedbackMap(P, beta=2.0, alpha=0.5)
    column = asim.FeedbackMap.from_payoffs(P + rng.normal(size=4), beta=2.0, alpha=0.5)
    one, other = (capture_region(m, fixed_point(m)) for m in (loop, column))
    assert other.radius == pytest.approx(one.radius, rel=1e-9)
    assert other.span == pytest.approx(one.span, rel=1e-9)


def test_batches_broadcast():
    P = np.array([asim.preferences.cyclic(3, advantage=a) for a in (0.1, 0.3)])[:, None]
    loop = asim.FeedbackMap(P, beta=[1.0, 2.0, 3.0], alpha=0.5)
    point = fixed_point(loop)
    region = capture_region(loop, point)
    assert isinstance(region, CaptureRegion)
    assert region.radius.shape == region.span.shape == region.rate.shape == (2, 3)
    assert region.logits.shape == (2, 3, 3)
    assert region.ball.shape == (2, 3)
    assert region.contains(np.zeros((5, 1, 1, 3))).shape == (5, 2, 3)
    one = asim.FeedbackMap(P[1, 0], beta=2.0, alpha=0.5)
    alone = capture_region(one, fixed_point(one))
    assert alone.ball == pytest.approx(region.ball[1, 1])
    missing = np.where(np.arange(3)[:, None] == 1, np.nan, np.zeros((3, 3)))
    assert alone.contains(missing).tolist() == [True, False, True]


def test_bad_logits_are_refused():
    loop = asim.FeedbackMap(PERIOD_FIVE, beta=[1.0, 2.0])
    point = fixed_point(loop)
    with pytest.raises(ValueError, match=r"logits has 3 responses .* P has 4"):
        capture_region(loop, point).contains([0.0, 0.0, 0.0])
    with pytest.raises(ValueError, match="do not broadcast"):
        capture_region(loop, point).contains(np.zeros((3, 4)))


def test_a_point_of_another_kind_or_size_is_refused():
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=4.0, alpha=0.6)
    other = asim.FeedbackMap(asim.preferences.cyclic(5, advantage=0.3), beta=4.0, alpha=0.6)
    with pytest.raises(TypeError, match="point is of type ndarray; give alignsim"):
        asim.analysis.capture_region(loop, np.zeros(3))
    with pytest.raises(ValueError, match=r"point\.logits has 5 responses.*P has 3"):
        asim.analysis.capture_region(loop, asim.analysis.fixed_point(other))
