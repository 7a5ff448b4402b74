"""Every way in which an optimum may fail to exist, and the words that say so."""

import itertools
import re

import numpy as np
import pytest

import alignsim as asim
from alignsim.errors import NoOptimumError
from tests import naive

P3 = np.array([[0.5, 0.7, 0.4], [0.3, 0.5, 0.8], [0.6, 0.2, 0.5]])
MU3 = [0.5, 0.3, 0.2]
BOTH = pytest.mark.parametrize("optimum", [asim.ipo_optimum, asim.dpo_optimum])


def pairs_of(K, *edges):
    w = np.zeros((K, K))
    for i, j in edges:
        w[i, j] = 1.0
    return w


def tournament(K, wins):
    """P with P_ij = 1 for the pairs in ``wins`` and 0.6 or 0.4 for the others."""
    P = np.full((K, K), 0.5)
    for i, j in itertools.combinations(range(K), 2):
        P[i, j], P[j, i] = 0.6, 0.4
    for i, j in wins:
        P[i, j], P[j, i] = 1.0, 0.0
    return P


# Which argument


@BOTH
def test_exactly_one_of_sampling_and_pair_weights_is_wanted(optimum):
    with pytest.raises(ValueError, match="sampling and pair_weights: neither given; give exactly"):
        optimum(P3, beta=1.0)
    with pytest.raises(ValueError, match="sampling and pair_weights: both given; give exactly"):
        optimum(P3, MU3, pair_weights=np.ones((3, 3)), beta=1.0)


@BOTH
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones((2, 2)), r"pair_weights has shape \(2, 2\); the last two axes must be 3×3"),
        (np.ones(3), r"pair_weights has shape \(3,\); it needs at least 2 axes"),
        (-np.eye(3), r"pair_weights\[0, 0\] is -1; it must be at least 0"),
        (np.full((3, 3), np.nan), r"pair_weights\[0, 0\] is nan; every entry must be finite"),
        (np.ones((3, 3)) * 1j, "pair_weights has dtype complex128; give real numbers"),
        (
            np.diag([1.0, 1.0], 1) + 1e-290,
            r"pair_weights\[0, 2\] is 2e-290 of the largest; .* evenly",
        ),
        (np.ones((0, 3, 3)), r"pair_weights has shape \(0, 3, 3\), an empty batch"),
    ],
)
def test_bad_pair_weights_are_refused_by_name(optimum, weights, message):
    with pytest.raises(ValueError, match=message):
        optimum(P3, pair_weights=weights, beta=1.0)


# Connection


@BOTH
@pytest.mark.parametrize(
    ("edges", "components"),
    [
        ([], "[0] and [1] and [2] and [3]"),
        ([(0, 2)], "[0, 2] and [1] and [3]"),
        ([(0, 2), (3, 1)], "[0, 2] and [1, 3]"),
        ([(1, 2), (2, 3), (3, 1)], "[0] and [1, 2, 3]"),
        ([(0, 1), (1, 2)], "[0, 1, 2] and [3]"),
    ],
)
def test_disconnected_comparisons_are_refused_with_their_components(optimum, edges, components):
    P = naive.random_preferences(np.random.default_rng(0), 4)
    with pytest.raises(NoOptimumError) as refusal:
        optimum(P, pair_weights=pairs_of(4, *edges), beta=1.0)
    message = str(refusal.value)
    assert message.startswith(f"pair_weights never compares responses of {components} with each")
    assert "give a positive weight to a pair that joins them" in message
    assert "use sampling= with full support" in message


@BOTH
def test_the_disconnected_instance_of_a_batch_is_named(optimum):
    w = np.ones((2, 3, 3, 3))
    w[1, 2] = pairs_of(3, (0, 1))
    with pytest.raises(NoOptimumError, match=r"pair_weights\[1, 2\] never compares responses of"):
        optimum(P3, pair_weights=w, beta=1.0)


@BOTH
def test_weights_on_the_diagonal_connect_nothing(optimum):
    with pytest.raises(NoOptimumError, match=r"\[0\] and \[1\] and \[2\]"):
        optimum(P3, pair_weights=np.eye(3), beta=1.0)


@BOTH
def test_any_spanning_tree_of_comparisons_is_enough(optimum):
    for edges in ([(0, 1), (1, 2)], [(2, 0), (2, 1)], [(1, 0), (0, 2)]):
        assert (optimum(P3, pair_weights=pairs_of(3, *edges), beta=1.0) > 0).all()


# Responses that never lose


@pytest.mark.parametrize(
    ("wins", "story"),
    [
        ([(0, 1), (0, 2), (0, 3)], "responses [0] never lose to [1, 2, 3]"),
        ([(0, 3), (1, 3), (2, 3)], "responses [0, 1, 2] never lose to [3]"),
        ([(1, 0), (1, 2), (3, 0), (3, 2)], "responses [1, 3] never lose to [0, 2]"),
    ],
)
@pytest.mark.parametrize("data", ["sampling", "pair_weights"])
def test_responses_that_never_lose_are_named(wins, story, data):
    P = tournament(4, wins)
    given = np.full(4, 0.25) if data == "sampling" else np.ones((4, 4))
    with pytest.raises(NoOptimumError) as refusal:
        asim.dpo_optimum(P, **{data: given}, beta=1.0)
    message = str(refusal.value)
    assert message.startswith(f"P has no finite DPO optimum: {story}, so the scores run off")
    assert "smoothing the votes" in message
    assert "IPO" in message


def test_a_cycle_of_certain_wins_has_an_optimum():
    cycle = tournament(3, [(0, 1), (1, 2), (2, 0)])
    policy = asim.dpo_optimum(cycle, np.full(3, 1 / 3), beta=1.0)
    np.testing.assert_allclose(policy, 1 / 3, rtol=1e-14)


def test_among_sampled_responses_only_their_own_wins_count():
    P = tournament(4, [(1, 0), (2, 0), (3, 1), (3, 2)])
    with pytest.raises(NoOptimumError, match=r"responses \[3\] never lose to \[1, 2\]"):
        asim.dpo_optimum(P, [0.0, 0.4, 0.3, 0.3], beta=1.0)
    assert np.isfinite(asim.dpo_optimum(P, [0.4, 0.0, 0.0, 0.6], beta=1.0)).all()


@pytest.mark.parametrize("winner", [0, 2])
def test_a_response_that_is_never_sampled_and_always_wins_or_loses_is_named(winner):
    P = tournament(3, [(0, 1), (0, 2)] if winner == 0 else [(1, 0), (2, 0)])
    with pytest.raises(NoOptimumError, match=r"responses \[0\] always win or always lose against"):
        asim.dpo_optimum(P, [0.0, 0.5, 0.5], beta=1.0)


def test_certain_winners_are_found_whatever_the_rounding_of_the_sampler():
    rng = np.random.default_rng(0)
    P = tournament(5, [(0, 1), (0, 2), (0, 3), (0, 4)])
    for _ in range(200):
        mu = np.append(0.0, rng.dirichlet(np.ones(4)))
        with pytest.raises(NoOptimumError):
            asim.dpo_optimum(P, mu, beta=1.0)


def test_an_edge_of_weight_zero_does_not_help_a_response_to_lose():
    P = tournament(3, [(0, 1)])
    assert np.isfinite(asim.dpo_optimum(P, pair_weights=np.ones((3, 3)), beta=1.0)).all()
    with pytest.raises(NoOptimumError, match=r"responses \[0\] never lose to \[1, 2\]"):
        asim.dpo_optimum(P, pair_weights=pairs_of(3, (0, 1), (1, 2)), beta=1.0)


def test_the_unbounded_instance_of_a_batch_is_named():
    unbeaten = tournament(3, [(0, 1), (0, 2)])
    with pytest.raises(NoOptimumError, match=r"P\[1, 2\] has no finite DPO optimum: responses"):
        asim.dpo_optimum([[P3] * 3, [P3, P3, unbeaten]], MU3, beta=1.0)


@pytest.mark.parametrize(
    ("matrices", "named"), [((), "P"), ((1,), "P[0]"), ((2,), "P[1]"), ((3, 1), "P[0, 0]")]
)
def test_the_unbounded_matrix_is_named_as_it_was_given_and_so_are_its_data(matrices, named):
    P = np.broadcast_to(tournament(3, [(0, 1)]), (*matrices, 3, 3))
    solvable, unsolvable = [0.2, 0.3, 0.5], [0.5, 0.5, 0.0]
    start = re.escape(f"{named} has no finite DPO optimum with sampling[1]: responses [0] never")
    with pytest.raises(NoOptimumError, match=f"^{start}"):
        asim.dpo_optimum(P, [solvable, unsolvable], beta=1.0)
    start = start.replace("sampling", "pair_weights")
    weights = np.stack([np.ones((3, 3)), pairs_of(3, (0, 1), (1, 2))])
    with pytest.raises(NoOptimumError, match=f"^{start}"):
        asim.dpo_optimum(P, pair_weights=weights, beta=1.0)


def test_ipo_has_an_optimum_where_dpo_has_none():
    P = tournament(3, [(0, 1), (0, 2)])
    assert np.isfinite(asim.ipo_optimum(P, MU3, beta=1.0)).all()
    assert np.isfinite(asim.ipo_optimum(P, pair_weights=np.ones((3, 3)), beta=1.0)).all()


def test_the_derivative_refuses_what_the_optimum_refuses():
    P = tournament(3, [(0, 1), (0, 2)])
    with pytest.raises(NoOptimumError, match=r"responses \[0\] never lose to \[1, 2\]"):
        asim.objectives.optimum_derivative(P, MU3, objective="dpo", beta=1.0)


def test_the_derivative_wants_one_kind_of_pairs():
    with pytest.raises(ValueError, match="sampling and pair_weights: neither given"):
        asim.objectives.optimum_derivative(P3, objective="ipo", beta=1.0)
    with pytest.raises(ValueError, match=r"with_respect_to is 'sampling'.*'pair_weights'"):
        asim.objectives.optimum_derivative(
            P3, pair_weights=np.ones((3, 3)), objective="ipo", beta=1.0, with_respect_to="sampling"
        )


def test_a_score_beyond_float64_is_refused_and_not_returned():
    P = [[0.5, 1.0], [1e-300, 0.5]]
    with pytest.raises(NoOptimumError, match=r"instance \[1\] could not be computed in float64"):
        asim.dpo_optimum([[[0.5, 0.5], [0.5, 0.5]], P], [0.5, 0.5], beta=1.0)
