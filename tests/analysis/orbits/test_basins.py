"""Basins: the bistable systems of theory 6.6 and 7, images under symmetries, and their edges."""

from dataclasses import fields, replace

import numpy as np
import pytest
from scipy.stats import binomtest

import alignsim as asim
from alignsim.analysis.evidence import Evidence
from alignsim.analysis.orbits import attractors as grouping
from alignsim.analysis.orbits import classification as orbits
from alignsim.analysis.orbits.basins import NEUTRAL, REASONS, random_starts
from alignsim.analysis.orbits.verdicts import Phase, Reason
from alignsim.sweeps.basins import basins
from tests.analysis.orbits.test_cycles import PERIOD_FIVE, REFERENCE
from tests.feedback.systems import policy, preferences

ROCK = asim.preferences.cyclic(3, advantage=0.5)
COPIES = asim.FeedbackMap(ROCK, beta=12.0, alpha=0.5)
"""Rock-paper-scissors locked at 1/5: a cycle of period 5 and its two images under the rotation."""


def hysteresis(radius=0.995, advantage=0.47):
    """Theory 7: below radius 1 a circle lives beside the fixed point, where aλ > √3/4."""
    beta = np.sqrt(3.0 * (np.square(radius) - 0.25)) / (4.0 * advantage)
    P = asim.preferences.cyclic(3, advantage=advantage)
    return asim.FeedbackMap(P, objective="dpo", beta=beta, alpha=0.5)


def period_five():
    return asim.FeedbackMap(
        PERIOD_FIVE, alpha=0.35, beta=30.0, reference=REFERENCE / REFERENCE.sum()
    )


def two_dpo_points():
    """Theory 7, λ < 1: attractors at (.8604, .1396, 0) and (.6028, .3916, .0056)."""
    P = np.array([[0.5, 0.02, 0.16], [0.98, 0.5, 0.07], [0.84, 0.93, 0.5]])
    saddle = np.array([0.64, 0.357, 0.003])
    pull = asim.dpo_optimum(P, 0.5 * saddle + 0.5 / 3, beta=8.0)
    reference = saddle / pull / (saddle / pull).sum()
    return asim.FeedbackMap(P, objective="dpo", beta=0.8, alpha=0.9, lam=0.5, reference=reference)


def same(one, other, names=None):
    for name in names or [field.name for field in fields(one)]:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)


# Known systems


def test_dpo_hysteresis_is_a_disc_around_the_fixed_point_inside_the_basin_of_the_circle():
    seen = basins(hysteresis(), resolution=24)
    assert seen.phase.tolist() == ["converged", "invariant circle"]
    assert seen.undecided == 0.0
    assert seen.share == pytest.approx([0.13, 0.87], abs=0.02)
    distance = np.linalg.norm(seen.starts - 1 / 3, axis=-1)
    assert (seen.label[distance < 0.15] == 0).all()
    assert (seen.label[distance > 0.25] == 1).all()
    np.testing.assert_allclose(seen.policies[0], 1 / 3, atol=1e-9)
    twin = orbits.classify(hysteresis(), seen.starts)
    np.testing.assert_array_equal(seen.label == 0, twin.code == Phase.CONVERGED)
    assert seen.rotation_number[1] == pytest.approx(np.nanmedian(twin.rotation_number), abs=1e-7)
    assert seen.cycle_strength[1] == pytest.approx(twin.cycle_strength.max(), rel=1e-3)


def test_beside_the_cycle_of_period_five_and_the_fixed_point_lives_one_of_period_eleven():
    """Theory 6.6 names the first two; random starts find the third."""
    loop = period_five()
    seen = basins(loop, samples=512)
    assert seen.phase.tolist() == ["converged", "cycle", "cycle"]
    assert seen.period.tolist() == [1, 5, 11]
    assert seen.undecided == 0.0
    assert (seen.share_low > 0.0).all()
    assert seen.share == pytest.approx([0.004, 0.86, 0.136], abs=0.03)
    np.testing.assert_allclose(seen.policies[0], [0.7320, 0.2510, 0.0080, 0.0090], atol=5e-5)
    for a, period in ((1, 5), (2, 11)):
        z, slope = seen.logits[a], np.eye(3)
        for _ in range(period):
            slope = loop.jacobian_at(z, basis="tangent") @ slope
            z = loop.step_logits(z)
        np.testing.assert_allclose(z, seen.logits[a], atol=1e-8)
        assert np.abs(np.linalg.eigvals(slope)).max() < 1.0
        gap = np.abs(seen.orbit_logits[a, 1:period] - seen.logits[a]).max(axis=-1)
        assert gap.min() > 1e-2


def test_few_starts_find_the_condorcet_winner():
    """Theory 6.6: nearly all orbits end on a cycle where the winner has next to nothing."""
    margin = np.zeros((4, 4))
    margin[0, 1:] = 0.02
    margin[1, 2] = margin[2, 3] = margin[3, 1] = 0.5
    loop = asim.FeedbackMap(0.5 + margin - margin.T, alpha=0.9, beta=20.0)
    seen = basins(loop, samples=1024)
    assert seen.phase.tolist() == ["converged", "cycle"]
    assert 0.0 < seen.share[0] < 0.01
    assert seen.policies[0, 0] == pytest.approx(0.948, abs=1e-3)
    assert seen.attractor_points[1, :, 0].max() < 1e-2


def test_each_of_two_dpo_fixed_points_has_its_basin():
    seen = basins(two_dpo_points(), resolution=30)
    assert seen.phase.tolist() == ["converged"] * 2
    found = sorted(seen.policies.tolist(), reverse=True)
    ends = [[0.8604, 0.1396, 0.0], [0.6028, 0.3916, 0.0056]]
    np.testing.assert_allclose(found, ends, atol=5e-5)
    near = basins(two_dpo_points(), [[0.86, 0.1386, 0.0014], [0.6, 0.39, 0.01]])
    np.testing.assert_allclose(near.policies[near.label], ends, atol=5e-5)


def test_images_under_a_symmetry_are_attractors_of_their_own_and_share_alike():
    seen = basins(COPIES, resolution=24)
    assert seen.period.tolist() == [5, 5, 5]
    np.testing.assert_allclose(seen.share, 1 / 3, atol=0.01)
    assert seen.basin_entropy == pytest.approx(np.log(3), abs=1e-3)
    np.testing.assert_allclose(seen.entropy_mean, seen.entropy_mean[0], rtol=1e-6)
    visited = seen.attractor_points[:, :5]
    for a in range(3):
        rotated = np.roll(visited[a], 1, axis=-1)
        gaps = np.abs(rotated[None, :, None] - visited[:, None]).max(axis=-1).min(axis=-1)
        assert sorted(gaps.max(axis=-1) < 1e-6) == [False, False, True]
        assert gaps.max(axis=-1)[a] > 1e-3


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_a_map_with_one_attractor_has_one_basin(objective):
    P = asim.preferences.cyclic(3, advantage=0.3)
    threshold = np.sqrt(3 * 0.75) / (0.3 if objective == "ipo" else 1.2)
    loop = asim.FeedbackMap(
        P, objective=objective, beta=threshold * np.array([0.9, 1.1]), alpha=0.5
    )
    seen = basins(loop, resolution=12)
    assert seen.count.tolist() == [1, 1]
    assert (seen.share == 1.0).all()
    assert (seen.label == 0).all()
    assert seen.phase.tolist() == [["converged"], ["invariant circle"]]
    assert (seen.basin_entropy == 0.0).all()


def test_orbits_of_one_chaotic_attractor_are_together_and_what_is_undecided_has_no_label():
    loop = asim.FeedbackMap(ROCK, beta=17.724137931034484, alpha=0.4)
    seen = basins(loop, samples=8, rounds=12000)
    decided = seen.label >= 0
    assert decided.any()
    assert seen.count == 1
    assert seen.undecided == 1.0 - decided.mean()
    assert (seen.reason_code[~decided] != Reason.DECIDED).all()


# What the answer does not depend on


@pytest.mark.parametrize("make", [hysteresis, period_five, lambda: COPIES])
def test_shuffled_starts_have_shuffled_labels(make):
    loop = make()
    starts = random_starts(96, loop.responses, 1)
    order = np.random.default_rng(0).permutation(96)
    one, other = basins(loop, starts), basins(loop, starts[order], threads=1)
    np.testing.assert_array_equal(one.label[order], other.label)
    same(one, other, ["count", "code", "period", "share", "rotation_number"])
    np.testing.assert_allclose(one.logits, other.logits, atol=1e-9)


def test_attractors_have_the_same_numbers_whatever_the_sample():
    for loop, tolerance in ((COPIES, 1e-9), (two_dpo_points(), 1e-9), (hysteresis(), 3e-2)):
        one, other = (basins(loop, samples=400, rng=rng) for rng in (1, 2))
        same(one, other, ["code", "period"])
        np.testing.assert_allclose(one.logits, other.logits, atol=tolerance)
        assert not np.array_equal(one.starts, other.starts)


def test_a_map_does_not_depend_on_its_neighbours_or_on_threads():
    loops = hysteresis(np.array([[0.9, 0.995, 1.05]]))
    whole = basins(loops, resolution=9, threads=2)
    assert whole.label.shape == (1, 3, 81)
    assert whole.count.tolist() == [[1, 2, 1]]
    for i in range(3):
        alone = basins(loops.part(i, i + 1), resolution=9, threads=1)
        n = int(whole.count[0, i])
        np.testing.assert_array_equal(whole.label[0, i], alone.label[0])
        for name in ("code", "period", "share", "logits", "orbit_logits", "entropy_mean"):
            np.testing.assert_array_equal(getattr(whole, name)[0, i, :n], getattr(alone, name)[0])


def test_names_of_responses_do_not_matter():
    order = np.array([2, 0, 3, 1])
    starts = random_starts(200, 4, 5)
    loop = period_five()
    renamed = asim.FeedbackMap(
        PERIOD_FIVE[order[:, None], order], alpha=0.35, beta=30.0,
        reference=(REFERENCE / REFERENCE.sum())[order],
    )  # fmt: skip
    one, other = basins(loop, starts), basins(renamed, starts[:, order])
    same(one, other, ["label", "period", "share"])
    np.testing.assert_allclose(one.entropy_mean, other.entropy_mean, rtol=1e-6)


def test_the_slow_way_finds_the_same_fixed_points():
    """Twin: run every start on its own, and compare all ends with all ends."""
    rng = np.random.default_rng(2)
    coordination = asim.FeedbackMap.from_payoffs(np.eye(3), beta=6.0, alpha=0.2)
    starts = np.array([policy(rng, 3) for _ in range(60)])
    seen = basins(coordination, starts)
    ends = np.array([coordination.run(start, 2000, keep="last").final_logits for start in starts])
    together = np.abs(ends[:, None] - ends).max(axis=-1) < 1e-6
    np.testing.assert_array_equal(seen.label[:, None] == seen.label, together)
    np.testing.assert_allclose(seen.logits[seen.label], ends, atol=1e-9)
    assert seen.count == 3


# Attractors


def test_a_cycle_is_told_by_the_same_point_from_every_start():
    seen = basins(period_five(), samples=512)
    along = seen.orbit_logits[1] @ asim.simplex.asymmetric_direction(4)
    assert along.argmax() % 5 == 0
    np.testing.assert_array_equal(seen.orbit_logits[1, 0], seen.logits[1])
    loop = period_five()
    for a in range(3):
        moved = loop.step_logits(seen.orbit_logits[a, :20])
        np.testing.assert_allclose(moved, seen.orbit_logits[a, 1:21], atol=1e-9)
    mean = asim.simplex.entropy(seen.orbit_logits[1, :5]).mean()
    assert seen.entropy_mean[1] == pytest.approx(mean, rel=1e-9)
    strength = seen.attractor_points[2, :11].var(axis=0).mean()
    assert seen.cycle_strength[2] == pytest.approx(strength, rel=1e-9)


def test_codes_of_one_kind_that_are_told_of_one_attractor_are_one():
    starts = random_starts(30, 3, 0)
    flat = COPIES.take(np.zeros(30, dtype=np.intp))
    found = orbits.classify(flat, starts)
    map_, told = flat.part(0, 1), grouping.ends(flat, found, 1)
    plain = grouping.attractors(map_, told, 30, 1)
    code = found.code.copy()
    code[np.flatnonzero(plain.label[0] == 1)[0]] = Phase.CYCLE
    mixed = grouping.attractors(map_, replace(told, code=code), 30, 1)
    np.testing.assert_array_equal(mixed.label, plain.label)
    assert (mixed.code == Phase.LOCKED).all()


def test_circles_of_different_size_are_two():
    """Circles of two maps, told to be of one: nothing but their averages tells them apart."""
    P = asim.preferences.cyclic(3, advantage=0.3)
    loops = asim.FeedbackMap(P, beta=np.repeat([5.3, 5.5], 8), alpha=0.5)
    found = orbits.classify(loops, random_starts(16, 3, 0))
    assert (found.code == Phase.CIRCLE).all()
    seen = grouping.attractors(loops.part(0, 1), grouping.ends(loops, found, 1), 16, 1)
    assert seen.count == 2
    np.testing.assert_array_equal(seen.label[0, :8], np.full(8, seen.label[0, 0]))
    np.testing.assert_array_equal(seen.label[0, 8:], np.full(8, 1 - seen.label[0, 0]))


def test_groups_are_split_at_gaps_above_one_whatever_the_order():
    values = np.array([0.0, 0.9, 1.8, 4.0, 4.5, 0.0])
    group = np.array([0, 0, 0, 0, 0, 1])
    for order in np.random.default_rng(0).permuted(np.tile(np.arange(6), (20, 1)), axis=1):
        assert grouping.split(group[order], values[order]).tolist() == [
            [0, 0, 0, 1, 1, 2][i] for i in order
        ]
    assert grouping.split(np.empty(0, dtype=np.int64), np.empty(0)).tolist() == []


# Starts and shares


@pytest.mark.parametrize("responses", [2, 3, 4, 9])
def test_random_starts_are_uniform_on_the_simplex(responses):
    """Of a uniform policy each share exceeds t with probability (1 − t)^(K−1)."""
    found = random_starts(4096, responses, 3)
    np.testing.assert_allclose(found.sum(axis=-1), 1.0, atol=1e-12)
    assert found.min() > 0.0
    for t in (0.05, 0.2, 0.5):
        above = (found > t).mean(axis=0)
        np.testing.assert_allclose(above, (1 - t) ** (responses - 1), atol=0.015)
    pairs = (found[:, 0] * found[:, -1]).mean()
    assert pairs == pytest.approx(1 / (responses * (responses + 1)), rel=0.05)


@pytest.mark.parametrize("samples", [1, 5, 64])
def test_any_number_of_starts_can_be_drawn_and_a_seed_repeats_them(samples):
    one, other = random_starts(samples, 4, 7), random_starts(samples, 4, 7)
    assert one.shape == (samples, 4)
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(one, random_starts(64, 4, 7)[:samples])
    assert not np.array_equal(one, random_starts(samples, 4, 8))


@pytest.mark.parametrize("samples", [1, 3, 200])
def test_intervals_are_wilsons(samples):
    seen = basins(period_five(), samples=samples)
    for a in range(int(seen.count)):
        hits = int((seen.label == a).sum())
        exact = binomtest(hits, samples).proportion_ci(0.95, method="wilson")
        assert seen.share[a] == hits / samples
        assert (seen.share_low[a], seen.share_high[a]) == pytest.approx((exact.low, exact.high))


def test_a_lattice_is_no_sample_and_has_no_interval():
    P = asim.preferences.cyclic(3, advantage=0.1)
    seen = basins(asim.FeedbackMap(P, beta=1.0), resolution=3)
    assert seen.resolution == 3
    assert np.isnan(seen.share_low).all()
    assert np.isnan(seen.share_high).all()
    assert basins(asim.FeedbackMap(P, beta=1.0), samples=4).resolution == 0


def test_entropy_of_the_shares_counts_decided_starts_only():
    seen = basins(period_five(), samples=64)
    share = seen.share[seen.share > 0]
    assert seen.basin_entropy == pytest.approx(-(share * np.log(share)).sum())
    half = replace(seen, share=0.5 * seen.share, undecided=0.5 + 0.5 * seen.undecided)
    assert half.basin_entropy == pytest.approx(seen.basin_entropy)


# Edges


def test_without_an_anchor_orbits_drift_or_rest_where_nothing_attracts():
    loop = asim.FeedbackMap(ROCK, beta=[0.0, 2.0], alpha=1.0)
    seen = basins(loop, resolution=4)
    assert seen.count.tolist() == [0, 1]
    assert (seen.reason_code[0] == NEUTRAL).all()
    assert "does not attract" in REASONS[NEUTRAL]
    assert seen.undecided.tolist() == [1.0, 0.0]
    assert seen.phase.tolist() == [[""], ["drifting"]]
    assert np.isnan(seen.basin_entropy[0])
    assert np.isnan(seen.logits).all()
    assert seen.share[1] == 1.0


def test_too_few_rounds_decide_nothing():
    seen = basins(COPIES, resolution=3, rounds=5)
    assert (seen.label == -1).all()
    assert seen.undecided == 1.0
    assert (seen.reason_code == Reason.TRANSIENT).all()
    assert (seen.evidence == Evidence.NOTHING).all()
    assert seen.count == 0
    assert seen.share.shape == (0,)
    assert seen.attractor_points.shape == (0, grouping.ORBIT_POINTS, 3)
    assert np.isnan(seen.basin_entropy)


def test_a_failed_map_is_undecided_and_leaves_its_batch_alone():
    P = np.stack([ROCK, asim.preferences.cyclic(3, advantage=0.2)])
    loop = asim.FeedbackMap(P, objective="dpo", beta=[200.0, 0.5], alpha=0.9)
    seen = basins(loop, resolution=3, rounds=2000)
    failed = seen.reason_code[0] == Reason.FAILED
    assert failed.any()
    assert (seen.label[0][failed] == -1).all()
    assert seen.share[1, 0] == 1.0


@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
def test_results_have_the_shape_of_the_batch(shape):
    seen = basins(asim.FeedbackMap(ROCK, beta=np.full(shape, 1.0)), resolution=2)
    assert seen.label.shape == seen.reason_code.shape == seen.evidence.shape == (*shape, 4)
    assert seen.count.shape == seen.undecided.shape == seen.basin_entropy.shape == shape
    assert seen.share.shape == seen.code.shape == seen.phase.shape == (*shape, 1)
    assert seen.policies.shape == (*shape, 1, 3)
    assert seen.attractor_points.shape == (*shape, 1, grouping.ORBIT_POINTS, 3)
    assert seen.starts.shape == (4, 3)


@pytest.mark.parametrize("responses", [2, 5])
def test_any_number_of_responses(responses):
    rng = np.random.default_rng(0)
    loop = asim.FeedbackMap(preferences(rng, responses), beta=[0.0, 1.0], lam=[[1.0], [0.0]])
    seen = basins(loop, samples=16)
    assert (seen.share == 1.0).all()
    assert seen.starts.shape == (16, responses)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"starts": [0.2, 0.3, 0.5]}, r"starts has shape \(3,\).*give \(m, K\)"),
        ({"starts": [[0.5, 0.5]]}, "starts has 2 responses"),
        ({"starts": [[1.0, 0.0, 0.0]]}, r"starts\[0, 1\] is 0"),
        ({"samples": 0}, "samples is 0"),
        ({"samples": 8, "resolution": 3}, "samples and resolution.*give one"),
        ({"resolution": 2.5}, "resolution is 2.5"),
        ({"rounds": -1}, "rounds is -1"),
        ({"threads": 0}, "threads is 0"),
        ({"samples": 4, "rng": "seed"}, "rng is 'seed'"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        basins(COPIES, **arguments)


def test_a_lattice_needs_three_responses():
    with pytest.raises(ValueError, match=r"resolution is 9, but the map has 4 responses.*samples"):
        basins(period_five(), resolution=9)


@pytest.mark.parametrize(
    "given", [{}, {"resolution": 2}, {"starts": [[0.2, 0.3, 0.5]]}], ids=["default", "side", "own"]
)
def test_a_seed_is_refused_where_no_start_is_random(given):
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=1.0)
    with pytest.raises(ValueError, match=r"rng is given, but no start is .*; leave it out, or"):
        asim.basins(loop, rng=0, **given)


@pytest.mark.parametrize("asked", [{"samples": 10**9}, {"resolution": 10**6}])
def test_starts_that_no_memory_holds_are_refused(asked):
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=1.0)
    with pytest.raises(asim.errors.InputError, match=rf"^{next(iter(asked))} is 1,000,000.*memory"):
        asim.basins(loop, **asked)
