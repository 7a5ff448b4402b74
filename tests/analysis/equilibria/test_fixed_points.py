"""All fixed points: counted by a scalar reduction, by theorems, and by their index."""

import re
from math import comb

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis.equilibria import root_search as search
from alignsim.analysis.equilibria.fixed_points import ListStatus, PointKind, fixed_points
from alignsim.analysis.equilibria.root_search import UNSEEN
from alignsim.analysis.evidence import Evidence
from tests.feedback.systems import policy, preferences


def coordination(K, c, **arguments):
    return asim.FeedbackMap.from_payoffs(np.eye(K), beta=c, **arguments)


def coordination_count(K, c):
    """Roots of z = cπ, by the scalar t = log x/y of the two probabilities that can occur.

    log π_i − cπ_i is the same for all i, and log x − cx takes each value at most twice: m responses
    have x and K − m have y < x, with t(m·e^t + K − m) = c(e^t − 1).
    """
    t = np.linspace(1e-4, 2.0 * c, 400_001)
    count = 1
    for m in range(1, K):
        gap = t * (m + (K - m) * np.exp(-t)) - c * -np.expm1(-t)
        count += comb(K, m) * int((np.diff(np.sign(gap)) != 0).sum())
    return count


def several_of_dpo(**changes):
    """Theory 7: two attractors and a saddle at p."""
    P = np.array([[0.5, 0.02, 0.16], [0.98, 0.5, 0.07], [0.84, 0.93, 0.5]])
    p = np.array([0.64, 0.357, 0.003])
    p /= p.sum()
    score = np.log(asim.dpo_optimum(P, 0.5 * p + 0.5 / 3, beta=1.0))
    z = np.log(p) - 8.0 * score
    reference = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    arguments = {"beta": 0.8, "alpha": 0.9, "lam": 0.5, **changes}
    return asim.FeedbackMap(P, objective="dpo", reference=reference, **arguments), p


def assert_fixed(loop, found):
    for f in range(found.logits.shape[-2]):
        z = found.logits[..., f, :]
        there = np.isfinite(z).all(axis=-1)
        moved = loop.advance(np.where(there[..., None], z, 0.0)).value
        assert (np.abs(moved - z).max(axis=-1) <= 1e-9 * (1 + np.abs(z).max(axis=-1)))[there].all()
        assert (there == (f < found.count)).all()


@pytest.mark.parametrize(
    ("K", "c", "count"), [(3, 10, 7), (4, 10, 15), (5, 4.5, 11), (5, 10, 31), (8, 10, 255)]
)
def test_coordination_games_have_as_many_as_the_scalar_reduction(K, c, count):
    """Analysis C.7."""
    loop = coordination(K, c)
    found = fixed_points(loop)
    assert found.count == count == coordination_count(K, c)
    assert found.status == ListStatus.SEVERAL_POSSIBLE
    assert found.evidence == Evidence.ITERATED
    assert found.unseen < UNSEEN
    assert found.index == 1
    assert found.starts >= 20 * count
    assert not found.degenerate.any()
    assert_fixed(loop, found)
    gap = np.abs(found.policies[:, None] - found.policies).max(axis=-1) + np.eye(count)
    assert gap.min() > 1e-4


def test_random_coordination_games_have_as_many_as_the_scalar_reduction():
    rng = np.random.default_rng(0)
    for K in (2, 3, 4, 5):
        c = rng.uniform(0.5 * K, 3.0 * K, 8)
        found = fixed_points(coordination(K, c))
        assert found.count.tolist() == [coordination_count(K, each) for each in c]
        assert (found.index == 1).all()


def test_kinds_of_a_coordination_game():
    found = fixed_points(coordination(3, 10.0))
    assert found.kind.tolist() == [PointKind.ATTRACTOR] * 3 + [PointKind.SADDLE] * 3 + [
        PointKind.REPELLER
    ]
    assert found.stable.tolist() == [True] * 3 + [False] * 4
    assert found.policies[-1] == pytest.approx([1 / 3] * 3)
    assert found.multipliers[-1] == pytest.approx([10 / 3] * 2)
    # of equal entropy: the first response's vertex first
    assert found.policies[:3].argmax(axis=-1).tolist() == [0, 1, 2]
    entropy = asim.simplex.entropy(found.logits)
    assert (np.diff(entropy[:3]) < 1e-6).all()


def test_contraction_certifies_one_up_to_the_pitchfork():
    """K = 2: slope c/2 at the middle; the bound η·D/4 < 1 is sharp."""
    found = fixed_points(coordination(2, [1.99, 2.01]))
    assert found.count.tolist() == [1, 3]
    assert found.status.tolist() == [ListStatus.UNIQUE, ListStatus.SEVERAL_POSSIBLE]
    assert found.evidence.tolist() == [Evidence.CERTIFIED, Evidence.ITERATED]
    assert found.kind.tolist() == [
        [PointKind.ATTRACTOR, PointKind.NO_POINT, PointKind.NO_POINT],
        [PointKind.ATTRACTOR, PointKind.ATTRACTOR, PointKind.REPELLER],
    ]
    assert found.multipliers[0, 0, 0] == pytest.approx(1.99 / 2)


@pytest.mark.parametrize("K", [2, 3, 4])
def test_a_degenerate_root_is_one_and_decides_nothing(K):
    """P = I at c = K: all directions of the uniform policy have multiplier 1."""
    found = fixed_points(coordination(K, float(K)))
    assert found.count == coordination_count(K, float(K))
    uniform = np.abs(found.policies - 1 / K).max(axis=-1) < 1e-3
    assert uniform.sum() == 1
    assert (found.kind == PointKind.MARGINAL).tolist() == uniform.tolist()


def test_dpo_has_three_where_theory_says_so():
    loop, p = several_of_dpo()
    found = fixed_points(loop)
    assert found.count == 3
    assert found.status == ListStatus.SEVERAL_POSSIBLE
    expected = [[0.6028, 0.3916, 0.0056], [0.8604, 0.1396, 0.0], p]
    assert found.policies == pytest.approx(np.array(expected), abs=6e-5)
    assert found.kind.tolist() == [PointKind.ATTRACTOR, PointKind.ATTRACTOR, PointKind.SADDLE]
    assert found.stable.tolist() == [True, True, False]
    assert found.index == 1
    for logits, multipliers in zip(found.logits, found.multipliers, strict=True):
        expected = np.linalg.eigvals(loop.jacobian_at(logits, basis="tangent"))
        assert np.sort_complex(multipliers) == pytest.approx(np.sort_complex(expected), abs=1e-9)
    near = found.logits + 1e-4 * np.array([1.0, -0.5, 0.2])
    final = loop.run(start_logits=near, rounds=3000).final
    assert np.abs(final[:2] - found.policies[:2]).max() < 1e-9
    assert np.abs(final[2] - p).max() > 0.01


def test_kinds_depend_on_alpha_and_points_do_not():
    alpha = np.array([0.0, 0.5, 0.9, 0.99])
    loop, _ = several_of_dpo(alpha=alpha, beta=8.0 * (1 - alpha))
    found = fixed_points(loop)
    assert found.count.tolist() == [3] * 4
    for f in range(3):
        hits = np.abs(found.policies - found.policies[-1, f]).max(axis=-1) < 1e-9
        assert (hits.sum(axis=-1) == 1).all()
    assert (found.kind[-1] == [PointKind.ATTRACTOR, PointKind.ATTRACTOR, PointKind.SADDLE]).all()


@pytest.mark.parametrize("K", [2, 3, 4, 6])
def test_theorems_make_the_list_complete(K):
    rng = np.random.default_rng(K)
    P = np.array([preferences(rng, K, 0.1) for _ in range(20)])
    alpha = rng.uniform(0, 0.99, 20)
    ipo = asim.FeedbackMap(P, beta=50.0 * (1 - alpha), alpha=alpha, lam=rng.uniform(0.1, 1, 20))
    dpo = asim.FeedbackMap(P, objective="dpo", beta=5.0 * (1 - alpha), alpha=alpha)
    for loop in (ipo, dpo):
        found = fixed_points(loop)
        assert found.logits.shape == (20, 1, K)
        assert (found.count == 1).all()
        assert (found.status == ListStatus.UNIQUE).all()
        assert (found.evidence == Evidence.CERTIFIED).all()
        assert (found.unseen == 0.0).all()
        assert (found.index == 1).all()
        assert (found.starts == 1).all()
        assert_fixed(loop, found)
        assert found.logits[:, 0] == pytest.approx(asim.analysis.fixed_point(loop).logits)
        radius = asim.analysis.stability(loop).spectral_radius
        assert found.spectral_radius[:, 0] == pytest.approx(radius, rel=1e-9)


def test_multipliers_of_ipo_are_alpha_plus_or_minus_i_times_a_rotation():
    rng = np.random.default_rng(1)
    for K in (2, 3, 4, 5, 8):
        P = np.array([preferences(rng, K) for _ in range(30)])
        loop = asim.FeedbackMap(P, beta=3.0, alpha=rng.uniform(0, 0.9, 30), lam=0.7)
        found = fixed_points(loop)
        values = found.multipliers[:, 0]
        assert (values.real == loop.alpha[:, None]).all()
        expected = np.linalg.eigvals(loop.jacobian_at(found.logits[:, 0], basis="tangent"))
        for mine, other in zip(values, expected, strict=True):
            assert np.sort(mine.imag) == pytest.approx(np.sort(other.imag), abs=1e-9)
        assert (np.diff(np.abs(values), axis=-1) <= 1e-12).all()
    additive = asim.FeedbackMap(asim.preferences.additive([0.2, 0.1, -0.3]), beta=9.0, alpha=0.4)
    assert np.abs(fixed_points(additive).multipliers - 0.4).max() < 1e-15


def test_a_constant_map_is_analytic():
    for change in ({"lam": 0.0}, {"beta": 0.0}):
        loop, _ = several_of_dpo(**change)
        found = fixed_points(loop)
        assert found.status == ListStatus.UNIQUE
        assert found.evidence == Evidence.ANALYTIC
        assert found.multipliers == pytest.approx(np.full((1, 2), 0.9), abs=1e-12)


def test_what_has_none_and_what_is_not_found_is_said():
    certain = np.array([[0.5, 1.0, 1.0], [0.0, 0.5, 0.7], [0.0, 0.3, 0.5]])
    cycle = asim.preferences.cyclic(3, advantage=0.3)
    loop = asim.FeedbackMap(
        np.stack([certain, cycle, cycle]), objective="dpo", beta=1.0, alpha=[0.5, 1.0, 0.5]
    )
    found = fixed_points(loop)
    assert found.status.tolist() == [ListStatus.NOT_FOUND, ListStatus.NONE, ListStatus.UNIQUE]
    assert found.evidence.tolist() == [Evidence.NOTHING, Evidence.NOTHING, Evidence.CERTIFIED]
    assert found.count.tolist() == [0, 0, 1]
    assert found.kind[:2].tolist() == [[PointKind.NO_POINT], [PointKind.NO_POINT]]
    assert np.isnan(found.logits[:2]).all()
    assert np.isnan(found.spectral_radius[:2]).all()
    assert np.isnan(found.unseen[:2]).all()
    assert not found.stable[:2].any()
    nothing = fixed_points(loop.replace(alpha=1.0))
    assert nothing.logits.shape == (3, 1, 3)


def test_random_games_have_index_one_and_do_not_depend_on_the_seed():
    rng = np.random.default_rng(2)
    payoffs = rng.normal(size=(12, 3, 3))
    reference = np.array([policy(rng, 3) for _ in range(12)])
    loop = asim.FeedbackMap.from_payoffs(payoffs, beta=12.0, lam=0.9, reference=reference)
    one, other = fixed_points(loop), fixed_points(loop, rng=99)
    assert_fixed(loop, one)
    assert (one.index == 1).all()
    assert set(one.count) >= {1, 3}
    assert (one.count == other.count).all()
    assert one.policies == pytest.approx(other.policies, abs=1e-9, nan_ok=True)
    again = fixed_points(loop)
    assert np.array_equal(one.logits, again.logits, equal_nan=True)


def test_what_leaves_the_map_as_it_is_leaves_the_list():
    rng = np.random.default_rng(3)
    payoffs = rng.normal(size=(4, 4, 4))
    loop = asim.FeedbackMap.from_payoffs(payoffs, beta=6.0, alpha=0.5)
    one = fixed_points(loop)
    assert one.count.max() > 1
    column = fixed_points(
        asim.FeedbackMap.from_payoffs(payoffs + rng.normal(size=4), beta=6.0, alpha=0.5)
    )
    scaled = fixed_points(asim.FeedbackMap.from_payoffs(4.0 * payoffs, beta=1.5, alpha=0.5))
    order = rng.permutation(4)
    permuted = fixed_points(
        asim.FeedbackMap.from_payoffs(payoffs[:, order][:, :, order], beta=6.0, alpha=0.5)
    )
    for other, policies in (
        (column, column.policies),
        (scaled, scaled.policies),
        (permuted, permuted.policies[..., np.argsort(order)]),
    ):
        assert (other.count == one.count).all()
        assert (other.kind == one.kind).all()
        assert policies == pytest.approx(one.policies, abs=1e-8, nan_ok=True)


def test_batches_keep_their_shape_and_do_not_mix():
    payoffs = np.stack([np.eye(3), asim.preferences.cyclic(3, advantage=0.3)])[:, None]
    loop = asim.FeedbackMap.from_payoffs(payoffs, beta=[1.0, 3.1, 10.0])
    found = fixed_points(loop)
    assert found.count.tolist() == [[1, 7, 7], [1, 1, 1]]
    assert found.logits.shape == found.policies.shape == (2, 3, 7, 3)
    assert found.multipliers.shape == (2, 3, 7, 2)
    assert found.kind.shape == found.stable.shape == found.spectral_radius.shape == (2, 3, 7)
    assert found.degenerate.shape == (2, 3, 7)
    for part in (found.status, found.evidence, found.unseen, found.index, found.starts):
        assert part.shape == (2, 3)
    for i, j in np.ndindex(2, 3):
        one = fixed_points(asim.FeedbackMap.from_payoffs(payoffs[i, 0], beta=loop.beta[i, j]))
        count = int(one.count)
        assert one.logits.shape == (count, 3)
        assert one.starts == found.starts[i, j]
        assert np.abs(one.policies - found.policies[i, j, :count]).max() < 1e-12


def test_starts_that_are_given_are_tried_first():
    loop, p = several_of_dpo()
    found = fixed_points(loop, start_logits=[np.log(p)])
    assert found.starts > fixed_points(loop).starts
    assert found.count == 3
    batch = loop.replace(beta=[0.8, 0.7])
    assert fixed_points(batch, start_logits=np.zeros((2, 4, 3))).count.shape == (2,)


def test_bad_arguments_are_refused_by_name():
    loop, _ = several_of_dpo()
    for starts, message in (
        ([0.0, 0.0, 0.0], "start_logits has shape (3,); give (..., S, K)"),
        ([[0.0, 0.0]], "start_logits has 2 responses"),
        ([[0.0, np.nan, 0.0]], "start_logits[0, 1] is nan"),
        (np.zeros((2, 1, 3)), "start_logits has batch shape (2,); the map has ()"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            fixed_points(loop, start_logits=starts)
    with pytest.raises(ValueError, match="rng is 'seed'"):
        fixed_points(loop, rng="seed")


@pytest.mark.parametrize(
    ("hits", "unseen"),
    [
        ([1, 1, 1, 2, 2, 5], 9 / 4),
        ([1, 1, 1, 1, 2, 9], 8.0),
        ([1, 1, 1, 1, 3, 0], 6.0),
        ([1, 7, 0, 0, 0, 0], 0.0),
        ([2, 2, 3, 0, 0, 0], 0.0),
        ([1, 2, 0, 0, 0, 0], 0.5),
        ([0, 0, 0, 0, 0, 0], 0.0),
    ],
)
def test_roots_not_seen_are_estimated_from_those_seen_once_and_twice(hits, unseen):
    """Chao (1984): f₁²/(2f₂), and f₁(f₁ − 1)/2 where none was seen twice; a table by hand."""
    roots = search.Roots(asim.FeedbackMap(np.full((2, 3, 3), 0.5), beta=1.0))
    roots.hits = np.array([hits, [1, 1, 1, 1, 1, 1]])
    assert roots.unseen.tolist() == [unseen, 15.0]
    assert roots.count.tolist() == [np.count_nonzero(hits), 6]
