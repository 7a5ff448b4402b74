import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsim import simplex
from tests import naive

logit_lists = st.lists(st.floats(-300, 300), min_size=2, max_size=8)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(logit_lists, st.floats(-500, 500))
def test_softmax_is_a_policy_and_ignores_constants(logits, shift):
    z = np.array(logits)
    policy = simplex.softmax(z)
    assert (policy >= 0).all()
    assert abs(policy.sum() - 1) < 1e-15 * len(z)
    np.testing.assert_allclose(policy, np.float64(naive.softmax(z)), rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(simplex.softmax(z + shift), policy, rtol=1e-12, atol=1e-300)


def test_softmax_of_a_collapsed_orbit_is_a_vertex_without_overflow():
    z = np.array([[0.0, 1e4, -1e4], [1e300, 0.0, -1e300]])
    assert simplex.softmax(z).tolist() == [[0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize("gap", [0.0, 1e-9, 1.0, 36.0, 38.0, 200.0, 700.0, 2000.0])
def test_log_probabilities_keep_their_digits_at_every_gap(gap):
    z = np.array([0.0, -gap, -gap / 2])
    expected = np.float64([-naive.surprise(z, i) for i in range(3)])
    np.testing.assert_allclose(simplex.log_softmax(z), expected, rtol=4e-16, atol=1e-320)


@pytest.mark.parametrize("gap", [0.0, 1e-12, 0.1, 1.0, 10.0, 36.0, 37.0, 38.0, 100.0, 400.0, 700.0])
def test_entropy_has_no_cancellation_at_any_gap(gap):
    for z in ([0.0, -gap], [-gap, 0.0], [0.0, -gap, -gap], [0.0, 0.0, -gap], [5.0, 5 - gap, -gap]):
        expected = float(naive.entropy(z))
        assert simplex.entropy(np.array(z)) == pytest.approx(expected, rel=1e-14, abs=0)


def test_entropy_of_two_responses_follows_its_asymptote():
    for gap in (40.0, 300.0, 700.0):
        H = float(simplex.entropy(np.array([gap, 0.0])))
        assert pytest.approx((1 + gap) * np.exp(-gap), rel=1e-13, abs=0) == H


def test_entropy_is_largest_at_the_uniform_policy_and_counts_its_responses():
    for K in (2, 3, 10, 300):
        assert simplex.entropy(np.zeros(K)) == pytest.approx(np.log(K), rel=1e-14, abs=0)
        assert simplex.effective_support(np.full(K, 3.0)) == pytest.approx(K, rel=1e-13, abs=0)
    assert simplex.effective_support(np.array([0.0, -700.0])) == 1.0


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(st.tuples(st.floats(-40, 40), st.floats(-40, 40)), min_size=2, max_size=6))
def test_divergence_is_not_negative_and_agrees_with_its_definition(pairs):
    z, reference = np.array(pairs).T
    divergence = float(simplex.kl_divergence(z, reference))
    assert divergence >= 0
    assert divergence == pytest.approx(float(naive.kl(z, reference)), rel=1e-12, abs=1e-14)
    assert simplex.kl_divergence(z, z) == 0


def test_divergence_from_a_reference_stays_finite_after_collapse():
    z = np.array([0.0, -5000.0])
    assert simplex.kl_divergence(z, np.zeros(2)) == pytest.approx(np.log(2), rel=1e-15, abs=0)
    assert simplex.kl_divergence(np.zeros(2), z) == pytest.approx(
        2500 - np.log(2), rel=1e-15, abs=0
    )


def test_covariance_is_the_derivative_of_the_softmax():
    rng = np.random.default_rng(0)
    z, h = rng.normal(size=(5, 4)), 1e-5
    J = simplex.covariance(simplex.softmax(z))
    for k in range(4):
        step = h * np.eye(4)[k]
        slope = (simplex.softmax(z + step) - simplex.softmax(z - step)) / (2 * h)
        np.testing.assert_allclose(J[..., k], slope, rtol=0, atol=1e-10)
    assert np.linalg.eigvalsh(J).min() > -1e-16


@pytest.mark.parametrize("K", [2, 3, 4, 64, 300])
def test_the_basis_is_orthonormal_and_mean_zero(K):
    E = simplex.mean_zero_basis(K)
    assert E.shape == (K, K - 1)
    np.testing.assert_allclose(E.T @ E, np.eye(K - 1), rtol=0, atol=1e-14)
    np.testing.assert_allclose(E @ E.T, np.eye(K) - 1 / K, rtol=0, atol=1e-14)
    m = K - 1
    helmert = np.append(np.ones(m), -m) / np.sqrt(m * (m + 1))
    np.testing.assert_allclose(E[:, -1], helmert, rtol=0, atol=1e-15)


def test_centred_logits_have_mean_zero_and_give_the_policy_back():
    policies = np.random.default_rng(0).dirichlet(np.ones(5), size=(3, 2))
    z = simplex.centred_logits(policies)
    np.testing.assert_allclose(z.mean(axis=-1), 0, atol=1e-15)
    np.testing.assert_allclose(simplex.softmax(z), policies, rtol=1e-14)


def test_centring_leaves_its_argument_and_the_gaps_alone():
    z = np.array([[1.0, 2.0, 4.5], [0.0, 0.0, 3.0]])
    before = z.copy()
    centred = simplex.centre(z)
    assert (z == before).all()
    np.testing.assert_allclose(centred.sum(axis=-1), 0, atol=1e-15)
    np.testing.assert_allclose(np.diff(centred), np.diff(z), rtol=0, atol=1e-15)


@pytest.mark.parametrize("K", [3, 4, 5, 6])
def test_no_permutation_maps_the_default_direction_to_itself_or_its_opposite(K):
    d = simplex.asymmetric_direction(K)
    assert np.linalg.norm(d) == pytest.approx(1, rel=1e-15, abs=0)
    assert abs(d.sum()) < 1e-15
    for order in itertools.permutations(range(K)):
        moved = d[list(order)]
        assert np.abs(moved + d).max() > 1e-3
        assert order == tuple(range(K)) or np.abs(moved - d).max() > 1e-3


def test_every_function_works_on_leading_axes_as_on_single_policies():
    rng = np.random.default_rng(4)
    z, other = rng.normal(size=(2, 3, 4)), rng.normal(size=(3, 4))
    for function in (
        simplex.centre,
        simplex.softmax,
        simplex.log_softmax,
        simplex.entropy,
        simplex.effective_support,
        simplex.covariance,
    ):
        whole = function(z)
        for index in np.ndindex(2, 3):
            np.testing.assert_array_equal(whole[index], function(z[index]))
    divergences = simplex.kl_divergence(z, other)
    assert divergences.shape == (2, 3)
    assert divergences[1, 2] == simplex.kl_divergence(z[1, 2], other[2])


LISTS = [[0.5, -1.0, 2.0], [0, 0, 3]]


@pytest.mark.parametrize(
    "function",
    [simplex.centre, simplex.softmax, simplex.log_softmax, simplex.entropy,
     simplex.effective_support, lambda z: simplex.kl_divergence(z, z[0])],
)  # fmt: skip
def test_lists_are_as_good_as_arrays(function):
    assert np.array_equal(function(LISTS), function(np.array(LISTS)))
    for bad in (["a", "b"], [[1.0, 2.0], [3.0]], 1.0):
        with pytest.raises((ValueError, TypeError)):
            function(bad)


def test_policies_may_be_lists():
    policy = [0.2, 0.3, 0.5]
    assert np.array_equal(simplex.centred_logits(policy), simplex.centred_logits(np.array(policy)))
    assert np.array_equal(simplex.covariance(policy), simplex.covariance(np.array(policy)))


def test_one_number_is_refused_with_what_is_wanted():
    with pytest.raises(ValueError, match=r"one number, 3, is no policy or logits; give an array"):
        simplex.softmax(3)


def test_a_batch_without_policies_has_no_entropy():
    assert simplex.entropy(np.zeros((0, 3))).shape == (0,)
    with pytest.raises(ValueError, match=r"shape \(3, 0\)"):
        simplex.entropy(np.zeros((3, 0)))


@pytest.mark.parametrize(
    "ask",
    [
        lambda: simplex.mean_zero_basis(10**6),
        lambda: simplex.asymmetric_direction(10**15),
        lambda: simplex.covariance(np.full(10**6, 1e-6)),
    ],
)
def test_what_no_memory_holds_is_refused_in_a_sentence(ask):
    with pytest.raises(ValueError, match=r"responses is 10+, and .* GiB of memory .*; ask"):
        ask()


def test_a_lattice_has_the_centres_of_equal_triangles():
    n = 7
    corners = np.array([(i, j, n - i - j) for i in range(n + 1) for j in range(n + 1 - i)])
    triples = [
        (a, b, c)
        for i, a in enumerate(corners)
        for j, b in enumerate(corners[:i])
        for c in corners[:j]
        if np.abs(a - b).max() == np.abs(a - c).max() == np.abs(b - c).max() == 1
    ]
    expected = sorted((np.mean(t, axis=0) / n).round(9).tolist() for t in triples)
    found = simplex.lattice(n)
    assert found.shape == (n * n, 3)
    assert sorted(found.round(9).tolist()) == expected
    assert (found > 0.0).all()


@pytest.mark.parametrize("resolution", [0, -1, 2.5, 10**9])
def test_a_lattice_of_no_size_is_refused(resolution):
    with pytest.raises(ValueError, match=r"^resolution is "):
        simplex.lattice(resolution)


def test_the_likeliest_response_leads_by_a_hundredth():
    lead = simplex.LEAD
    p = np.array([[0.6, 0.3, 0.1], [0.1, 0.3, 0.6], [0.4 + lead, 0.4, 0.2 - lead], [0.4, 0.4, 0.2]])
    p[2, 0] -= 1e-9
    assert simplex.likeliest(p).tolist() == [0, 2, -1, -1]
    p[2, 0] += 2e-9
    assert simplex.likeliest(p[2]) == 0
    assert simplex.likeliest(np.full((2, 1, 3), np.nan)).tolist() == [[-1], [-1]]
    assert simplex.likeliest(np.array([0.3, 0.7])).shape == ()


def test_a_row_that_fails_leaves_the_bits_of_others_alone():
    rows = np.random.default_rng(0).normal(size=(50, 7))
    alone = simplex.centre(rows)
    beside = simplex.centre(np.concatenate([rows, np.full((1, 7), np.nan)]))
    assert beside[:-1].tobytes() == alone.tobytes()
