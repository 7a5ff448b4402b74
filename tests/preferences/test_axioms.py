"""Ranking axioms: broken by any fixed sampler, kept by one that knows P, or by none (theory 4)."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.preferences import axioms, games
from alignsim.preferences.axioms import (
    fixed_sampling_counterexample,
    order_lp,
    smith_top_sampler,
    violations,
)

NO_SAMPLER = np.array(
    [[0.5, 0.55, 0.65, 0.55], [0.45, 0.5, 0.8, 0.65],
     [0.35, 0.2, 0.5, 0.55], [0.45, 0.35, 0.45, 0.5]]
)  # fmt: skip


def transitive(rng, K, n):
    """iid U(0, ½) margins above the diagonal."""
    upper = np.triu(rng.uniform(0, 0.5, (n, K, K)), 1)
    return 0.5 + upper - np.swapaxes(upper, -1, -2)


def as_policy(scores):
    return asim.simplex.softmax(np.asarray(scores))


def test_the_known_matrix_without_an_order_preserving_sampler():
    found = order_lp(NO_SAMPLER)
    assert found.margin == pytest.approx(-0.025, abs=1e-12)
    assert not found.feasible
    rows = NO_SAMPLER[:-1] - NO_SAMPLER[1:]
    assert (found.certificate >= 0).all()
    assert found.certificate.sum() == pytest.approx(1.0)
    assert (found.certificate @ rows).max() <= found.margin + 1e-12


@pytest.mark.parametrize("K", [2, 3, 4, 5, 6])
def test_the_certificate_and_the_sampler_prove_the_margin_from_both_sides(K):
    rng = np.random.default_rng(K)
    P = transitive(rng, K, 60)
    shuffle = rng.permutation(K)
    P = P[:, shuffle[:, None], shuffle]
    found = order_lp(P)
    for one, margin, mu, y, order in zip(
        P, found.margin, found.sampler, found.certificate, found.order, strict=True
    ):
        gaps = one[order[:-1]] - one[order[1:]]
        assert (y @ gaps).max() == pytest.approx(margin, abs=1e-9)
        if margin > 1e-9:
            assert (gaps @ mu).min() > 0
            assert (mu > 0).all()
            assert not violations(as_policy(one @ mu), one).order_preserving
    if K <= 3:
        assert found.feasible.all()


def test_about_one_in_a_hundred_transitive_matrices_of_four_has_no_sampler():
    """Theory 4: 1.10 ± .03 % for K = 4."""
    found = order_lp(transitive(np.random.default_rng(0), 4, 1500))
    assert 0.003 < 1 - found.feasible.mean() < 0.022


@pytest.mark.parametrize("K", [3, 4, 5])
@pytest.mark.parametrize("certainty", [1.0, 0.9])
def test_every_fixed_sampler_breaks_all_three_axioms_somewhere(K, certainty):
    rng = np.random.default_rng(K)
    mu = np.concatenate([rng.dirichlet(np.ones(K), 300), np.eye(K), np.full((1, K), 1 / K)])
    P = fixed_sampling_counterexample(mu, certainty=certainty)
    scores = (P @ mu[..., None])[..., 0]
    found = violations(as_policy(scores), P)
    assert found.condorcet_top.all()
    assert found.smith_top.all()
    assert found.order_preserving.all()
    assert (asim.preferences.condorcet_winner(P) >= 0).all()
    assert asim.preferences.is_weakly_transitive(P).all()


def test_dpo_breaks_them_too_where_its_optimum_exists():
    mu = np.random.default_rng(0).dirichlet(np.ones(4), 20)
    P = fixed_sampling_counterexample(mu, certainty=0.9)
    assert violations(asim.dpo_optimum(P, mu, beta=1.0), P).condorcet_top.all()


@pytest.mark.parametrize("K", [2, 3, 4, 5, 7])
def test_a_sampler_that_knows_the_preferences_puts_the_smith_set_on_top(K):
    P = asim.preferences.random_skew(K, size=200, rng=K)
    mu = smith_top_sampler(P)
    assert (mu > 0).all()
    np.testing.assert_allclose(mu.sum(axis=-1), 1.0)
    scores = (P @ mu[..., None])[..., 0]
    found = violations(as_policy(scores), P)
    assert not found.smith_top.any()
    assert not found.condorcet_top.any()
    smith = asim.preferences.smith_set(P)
    assert (~smith).any()


def test_with_two_responses_the_winner_is_always_on_top():
    P = asim.preferences.random_skew(2, size=50, rng=0)
    scores = (P @ np.random.default_rng(0).dirichlet([1, 1], 50)[..., None])[..., 0]
    assert not violations(as_policy(scores), P).condorcet_top.any()
    with pytest.raises(ValueError, match="no axiom can be broken"):
        fixed_sampling_counterexample([0.5, 0.5])


def test_axioms_that_do_not_apply_are_not_broken():
    cycle = asim.preferences.cyclic(3, advantage=0.2)
    found = violations([0.7, 0.2, 0.1], cycle)
    assert not found.condorcet_top
    assert not found.smith_top
    assert not found.order_preserving


def test_a_tie_at_the_top_is_a_violation():
    P = asim.preferences.bradley_terry([1.0, 0.0, -1.0])
    assert violations([0.4, 0.4, 0.2], P).condorcet_top
    assert not violations([0.5, 0.3, 0.2], P).condorcet_top


def test_policies_are_ranked_beside_their_reference():
    P = asim.preferences.bradley_terry([1.0, 0.0, -1.0])
    reference = [0.1, 0.2, 0.7]
    optimum = asim.ipo_optimum(P, [0.3, 0.3, 0.4], reference=reference, beta=0.5)
    assert violations(optimum, P).order_preserving
    assert not violations(optimum, P, reference=reference).order_preserving


def test_axioms_do_not_depend_on_names_and_broadcast():
    rng = np.random.default_rng(1)
    P = asim.preferences.random_skew(4, size=(5, 1), rng=rng)
    policy = rng.dirichlet(np.ones(4), 7)
    found = violations(policy, P)
    order = np.array([2, 3, 0, 1])
    other = violations(policy[:, order], P[..., order[:, None], order])
    for name in ("condorcet_top", "smith_top", "order_preserving"):
        assert getattr(found, name).shape == (5, 7)
        np.testing.assert_array_equal(getattr(found, name), getattr(other, name))


@pytest.mark.parametrize("K", [3, 4, 6])
def test_strict_row_dominance_keeps_the_order_under_every_sampler_and_only_it(K):
    rng = np.random.default_rng(K)
    P = asim.preferences.random_strictly_strongly_transitive(K, size=50, rng=rng)
    corners = np.concatenate([np.eye(K), rng.dirichlet(np.ones(K), 50)])
    scores = P[:, None] @ corners[..., None]
    assert not violations(as_policy(scores[..., 0]), P[:, None]).order_preserving.any()
    other = transitive(rng, K, 50)
    other = other[~asim.preferences.is_strictly_strongly_transitive(other)]
    scores = other[:, None] @ np.eye(K)[..., None]
    assert violations(as_policy(scores[..., 0]), other[:, None]).order_preserving.any(axis=1).all()


@pytest.mark.parametrize("P", [asim.preferences.cyclic(3, advantage=0.2), np.full((3, 3), 0.5)])
def test_an_order_is_needed_for_its_program(P):
    with pytest.raises(ValueError, match=r"P has ties or a cycle"):
        order_lp(P)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: violations([0.5, 0.5], NO_SAMPLER), "policy has 2 responses"),
        (lambda: violations(np.ones((2, 4)) / 4, np.stack([NO_SAMPLER] * 3)), "do not broadcast"),
        (lambda: violations(np.ones(4) / 4, NO_SAMPLER, reference=[0, 0, 0, 1.0]), "reference"),
        (lambda: fixed_sampling_counterexample([0.2, 0.3, 0.5], certainty=0.5), "certainty is 0.5"),
        (lambda: smith_top_sampler(np.eye(3)), "P"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_failed_program_is_no_answer(monkeypatch):
    import scipy.optimize

    class Failed:
        success = False
        message = "time limit"

    monkeypatch.setattr(scipy.optimize, "linprog", lambda *a, **k: Failed())
    with pytest.raises(ArithmeticError, match="time limit"):
        axioms.order_lp(NO_SAMPLER)


def test_a_linear_program_that_takes_minutes_is_refused(monkeypatch):
    monkeypatch.setattr(games, "LARGEST_PROGRAM", 3)
    with pytest.raises(ValueError, match=r"P needs a linear program of 4 responses, .* at most 3"):
        order_lp(NO_SAMPLER)
