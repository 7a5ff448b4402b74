"""Rounds of finitely many comparisons: their law, their reproducibility, their limits."""

import numpy as np
import pytest

import alignsim as asim
from alignsim import simplex
from alignsim.feedback import samples as sampled_rounds
from alignsim.feedback.status import MEANINGS
from alignsim.kernels import samples
from tests.feedback.systems import policy, preferences

UNIFORM = np.full(3, 1 / 3)


def cycle(beta=4.0, alpha=0.5, objective="ipo", **options):
    P = asim.preferences.cyclic(3, advantage=0.3)
    return asim.FeedbackMap(P, objective=objective, beta=beta, alpha=alpha, **options)


def ordered():
    """Return the DPO loop of Bradley-Terry preferences 0.67, 0.73 and 0.57."""
    P = asim.preferences.bradley_terry([0.99, 0.282, 0.0])
    return asim.FeedbackMap(P, objective="dpo", beta=2.0, alpha=0.5)


def drawn(P, sampler, count, rng):
    """Return how often i beats j in the first round of the first map, (K, K)."""
    key = np.random.default_rng(rng).integers(0, 2**32, 2, dtype=np.uint64)
    wins = np.zeros((1, *P.shape))
    which = np.zeros(1, dtype=np.intp)
    samples.pairs(P[None], which, sampler[None], key, 0, (0, count), wins, 0, 1)
    return wins[0]


@pytest.mark.parametrize("noise", ["pairs", "opponents"])
def test_many_samples_are_the_exact_round(noise):
    rng = np.random.default_rng(0)
    loop = asim.FeedbackMap(preferences(rng, 4), beta=2.0, alpha=0.3, lam=0.6)
    start = policy(rng, 4)
    noisy = loop.run(start, 1, samples_per_round=2_000_000, noise=noise, rng=1)
    np.testing.assert_allclose(noisy.final, loop.step(start), atol=5e-3)
    few = loop.run(start, 1, samples_per_round=50, noise=noise, rng=1)
    assert np.abs(few.final - loop.step(start)).max() > 5e-3


def test_the_covariance_of_a_round_of_pairs_is_that_of_theory_8():
    rng = np.random.default_rng(2)
    K, n, runs, beta = 4, 4000, 4000, 3.0
    P, mu = preferences(rng, K), policy(rng, K)
    loop = asim.FeedbackMap(P, beta=beta, alpha=0.0, lam=0.0, offline=mu)
    seen = loop.run(np.full((runs, K), 1 / K), 1, samples_per_round=n, rng=3).final_logits
    found = np.cov(seen.T)
    weights = 2 * mu[:, None] * mu[None, :]
    np.fill_diagonal(weights, 0.0)
    margin = P - 0.5
    u = beta * margin @ mu
    spread = weights * (
        (beta * margin - u[:, None] + u[None, :]) ** 2 + beta**2 * (0.25 - margin**2)
    )
    middle = np.diag(spread.sum(axis=-1)) - spread
    inverse = np.linalg.pinv(np.diag(weights.sum(axis=-1)) - weights)
    expected = inverse @ middle @ inverse / n
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, atol=0.08 * scale)
    np.testing.assert_allclose(seen.mean(axis=0), u - u.mean(), atol=4 * np.sqrt(scale / runs))


WEIGHTED = {
    "fixed_pairs": {"pair_weights": [[0, 4, 1, 0], [4, 0, 2, 1], [1, 2, 0, 3], [0, 1, 3, 0]]},
    "two_policies": {"lam": 0.7}, "mix_r": {}, "mix_p": {}, "pilaf": {"lam": 0.7},
}  # fmt: skip


def weighted(sampler, objective, **given):
    """Return a loop whose pairs have weights, and a policy to sample from."""
    rng = np.random.default_rng(12)
    P, reference = preferences(rng, 4), policy(rng, 4)
    usual = {"beta": 1.5, "alpha": 0.4, "reference": reference, **WEIGHTED[sampler]}
    return asim.FeedbackMap(
        P, objective=objective, sampler=sampler, **(usual | given)
    ), policy(rng, 4)  # fmt: skip


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("sampler", WEIGHTED)
def test_many_samples_of_weighted_pairs_are_the_exact_round(sampler, objective):
    loop, start = weighted(sampler, objective)
    noisy = loop.run(start, 1, samples_per_round=1_000_000, rng=1)
    np.testing.assert_allclose(noisy.final, loop.step(start), atol=5e-3)
    product = asim.FeedbackMap(
        loop.P, objective=objective, beta=1.5, alpha=0.4,
        reference=simplex.softmax(loop.reference_logits),
    )  # fmt: skip
    assert np.abs(noisy.final - product.step(start)).max() > 5e-3


def test_weighted_pairs_are_drawn_by_their_weights_and_judged_by_P():
    K, count = 4, 200_000
    P = preferences(np.random.default_rng(12), K)
    weights = np.float64(WEIGHTED["fixed_pairs"]["pair_weights"])
    key, wins = np.array([5, 6], dtype=np.uint64), np.zeros((2, K, K))
    laws, which = np.stack([weights, np.zeros((K, K))]), np.zeros(2, dtype=np.intp)
    samples.weighted_pairs(P[None], which, laws, key, 0, (0, count), wins, 0, 2)
    share = 2 * weights / weights.sum()
    shares = share * P
    spread = np.sqrt(shares * (1 - shares) / count)
    assert (np.abs(wins[0] / count - shares) <= 4.5 * spread).all()
    assert wins[0].sum() == count
    assert (wins[1] == 0).all()


def test_the_covariance_of_a_round_of_weighted_pairs_is_the_sandwich():
    """Least squares: L⁺ B L⁺/n, B of Σ w (residual² + variance of a label)."""
    runs, n, beta = 4000, 3000, 1.5
    loop, start = weighted("two_policies", "ipo", alpha=0.0)
    seen = loop.run(np.tile(start, (runs, 1)), 1, samples_per_round=n, rng=3).final_logits
    reference = loop.reference_logits
    weights = asim.sampler_weights(
        "two_policies", loop.P, start, reference=simplex.softmax(reference), beta=beta, lam=0.7
    )
    exact = simplex.centred_logits(loop.step(start))
    u, margin = exact - reference, loop.P - 0.5
    spread = weights * (
        (beta * margin - u[:, None] + u[None, :]) ** 2 + beta**2 * (0.25 - margin**2)
    )
    middle = np.diag(spread.sum(axis=-1)) - spread
    inverse = np.linalg.pinv(np.diag(weights.sum(axis=-1)) - weights)
    expected = inverse @ middle @ inverse / n
    scale = np.abs(expected).max()
    np.testing.assert_allclose(np.cov(seen.T), expected, atol=0.08 * scale)
    np.testing.assert_allclose(seen.mean(axis=0), exact, atol=4 * np.sqrt(scale / runs))


def test_the_variance_of_a_round_of_opponents_is_binomial():
    rng = np.random.default_rng(4)
    P, n, runs = preferences(rng, 3), 37, 20_000
    loop = asim.FeedbackMap(P, beta=1.0, alpha=0.0)
    orbit = loop.run(np.full((runs, 3), 1 / 3), 1, samples_per_round=n, noise="opponents", rng=5)
    score = P @ UNIFORM
    variance = score * (1 - score) / n
    centring = np.eye(3) - 1 / 3
    expected = centring @ np.diag(variance) @ centring
    np.testing.assert_allclose(np.cov(orbit.final_logits.T), expected, atol=0.05 * variance.max())
    np.testing.assert_allclose(
        orbit.final_logits.mean(axis=0), score - score.mean(), atol=5 * np.sqrt(0.01 / runs)
    )


def test_noise_before_the_onset_has_the_variance_of_the_linear_map():
    """Theory 8: (2/3)s²/(1 − α² − κ²) a coordinate, for iid logit noise of variance s²."""
    alpha, beta, n = 0.5, 3.0, 100_000
    loop = cycle(beta, alpha)
    kappa = 0.3 * beta / np.sqrt(3)
    orbit = loop.run(
        np.tile(UNIFORM, (60, 1)), 1200, samples_per_round=n, noise="opponents", rng=0,
        keep="all",
    )  # fmt: skip
    noise = beta**2 * 0.25 / n
    expected = 2 / 3 * noise / (1 - alpha**2 - kappa**2)
    assert orbit.logits[:, 200:].var() == pytest.approx(expected, rel=0.05)


def test_averaging_runs_hides_the_oscillation_that_each_of_them_has():
    """Theory 8: the variance of the mean is tiny beside the mean of the variances."""
    loop = cycle(beta=12.0)
    orbit = loop.run(
        np.tile(UNIFORM, (150, 1)), 800, samples_per_round=300, rng=1, keep="all", burn_in=400
    )
    each = orbit.cycle_strength.mean()
    together = orbit.policies[:, 400:].mean(axis=0).var(axis=0).mean()
    assert each > 0.01
    assert together < each / 50


@pytest.mark.parametrize("noise", ["pairs", "opponents"])
def test_a_run_is_the_same_on_any_number_of_threads_and_from_a_seed_or_its_generator(noise):
    def run(threads, rng):
        return cycle().run(
            np.tile(UNIFORM, (9, 1)), 20, samples_per_round=30, noise=noise, rng=rng,
            threads=threads,
        ).logits  # fmt: skip

    first = run(1, 7)
    np.testing.assert_array_equal(first, run(2, 7))
    np.testing.assert_array_equal(first, run(3, np.random.default_rng(7)))
    assert (first != run(1, 8)).any()
    assert len(np.unique(first[:, -1], axis=0)) == 9


def test_a_generator_is_drawn_on_once():
    rng = np.random.default_rng(0)
    cycle().run(rounds=3, samples_per_round=5, rng=rng)
    other = np.random.default_rng(0)
    other.integers(0, 2**32, 2, dtype=np.uint64)
    assert rng.integers(2**62) == other.integers(2**62)


def test_a_map_of_a_batch_draws_by_its_place_whatever_its_neighbours_are():
    loop = cycle(beta=[1.0, 4.0, 9.0])
    whole = loop.run(UNIFORM, 15, samples_per_round=20, rng=3)
    other = loop.replace(beta=[2.0, 4.0, 5.0]).run(UNIFORM, 15, samples_per_round=20, rng=3)
    np.testing.assert_array_equal(whole.logits[1], other.logits[1])


@pytest.mark.parametrize(
    ("noise", "sampler"),
    [("pairs", "product"), ("pairs", "mix_p"), ("opponents", "product")],
)
def test_a_round_drawn_by_several_calls_is_the_same(monkeypatch, noise, sampler):
    loop = cycle(beta=[1.0, 4.0, 9.0], sampler=sampler)
    whole = loop.run(UNIFORM, 3, samples_per_round=103, noise=noise, rng=3)
    monkeypatch.setattr(sampled_rounds, "SLICE", 40)
    sliced = loop.run(UNIFORM, 3, samples_per_round=103, noise=noise, rng=3)
    np.testing.assert_array_equal(whole.logits, sliced.logits)


def test_what_is_never_compared_keeps_its_reference_ratio():
    mu = np.array([0.5, 0.5, 0.0, 0.0])
    loop = asim.FeedbackMap(
        preferences(np.random.default_rng(0), 4), beta=3.0, alpha=0.0, lam=0.0, offline=mu,
        reference=[0.1, 0.2, 0.3, 0.4],
    )  # fmt: skip
    final = loop.run(rounds=1, samples_per_round=40, rng=0).final
    assert final[2] / final[3] == pytest.approx(0.75, rel=1e-12)
    assert final[0] / final[1] != pytest.approx(0.5, rel=1e-3)
    assert final[:2].prod() / final[2:].prod() == pytest.approx(0.02 / 0.12, rel=1e-12)


def test_least_squares_agrees_with_the_pseudo_inverse_on_connected_and_broken_graphs():
    rng = np.random.default_rng(1)
    wins = rng.poisson(0.5, (300, 6, 6)).astype(float)
    wins[0] = 0.0
    score = np.empty((300, 6))
    samples.least_squares(wins, score, 0, 300)
    for won, found in zip(wins, score, strict=True):
        w = won + won.T
        np.fill_diagonal(w, 0.0)
        right = 0.5 * (won - won.T).sum(axis=-1)
        expected = np.linalg.pinv(np.diag(w.sum(axis=-1)) - w) @ right
        np.testing.assert_allclose(found, expected, atol=1e-10)


def test_dpo_learns_from_pairs_too_and_says_when_they_have_no_optimum():
    start = np.tile(UNIFORM, (6, 1))
    loop = cycle(beta=1.0, objective="dpo")
    many = loop.run(start, 5, samples_per_round=20_000, rng=0)
    np.testing.assert_allclose(many.final, loop.run(start, 5).final, atol=0.03)
    few = loop.run(start, 50, samples_per_round=4, rng=0)
    assert {MEANINGS[int(code)] for code in few.status} == {"no_sample_optimum"}
    assert np.isnan(few.final).all()
    assert np.isnan(few.policy_mean).all()


def test_a_run_whose_sample_separates_keeps_the_rounds_before_and_says_what_helps():
    starts = np.random.default_rng(0).dirichlet(np.ones(3), 30)
    loop = ordered()
    orbit = loop.run(starts, 100, samples_per_round=200, rng=0)
    assert orbit.failed.all()
    lost = np.isnan(orbit.logits[..., 0]).argmax(axis=-1)
    assert lost.max() > 5
    np.testing.assert_allclose(orbit.policies[:, 0], starts, rtol=1e-12)
    kept = np.arange(101) < lost[:, None]
    np.testing.assert_array_equal(np.isfinite(orbit.logits).all(axis=-1), kept)
    shorter = loop.run(starts, 5, samples_per_round=200, rng=0)
    np.testing.assert_array_equal(shorter.logits, orbit.logits[:, :6])
    for index, round_ in enumerate(lost):
        reason = orbit.reason(index)
        assert f"in round {round_}, the sample has no finite DPO optimum" in reason
        for remedy in ("more samples_per_round", "smoothing=1", "IPO"):
            assert remedy in reason
        assert "move P" not in reason


@pytest.mark.parametrize("count", [50, 1000])
@pytest.mark.parametrize("smoothing", [1e-3, 1.0, 10.0])
def test_smoothing_lets_sampled_dpo_run(count, smoothing):
    starts = np.random.default_rng(0).dirichlet(np.ones(3), 30)
    given = {"samples_per_round": count, "rng": 0, "smoothing": smoothing}
    orbit = ordered().run(starts, 100, **given)
    assert not orbit.failed.any()
    assert np.isfinite(orbit.logits).all()
    sure = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.5), objective="dpo", beta=3.0)
    assert not sure.run(starts, 100, **given).failed.any()


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_few_pseudo_votes_among_many_samples_leave_the_exact_round(objective):
    rng = np.random.default_rng(0)
    start = policy(rng, 4)
    loop = asim.FeedbackMap(preferences(rng, 4), objective=objective, beta=2.0, alpha=0.3, lam=0.6)
    exact = loop.step(start)

    def error(count, smoothing):
        found = loop.run(start, 1, samples_per_round=count, smoothing=smoothing, rng=1).final
        return np.abs(found - exact).max()

    assert error(2_000_000, 1.0) < 5e-3
    assert error(2_000_000, 1e6) > 5e-3
    assert error(2_000_000, 1e-9) == pytest.approx(error(2_000_000, 1e-6), rel=1e-5)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_pseudo_votes_are_votes_half_to_either_side(objective):
    """One round against the one-shot optimum of the same votes, counted from an unsmoothed draw."""
    rng = np.random.default_rng(3)
    P, start, reference = preferences(rng, 4), policy(rng, 4), policy(rng, 4)
    smoothing, beta, alpha = 1.5, 1.7, 0.4
    loop = asim.FeedbackMap(P, objective=objective, beta=beta, alpha=alpha, reference=reference)
    wins = drawn(P, start, 60, rng=7)
    found = loop.run(start, 1, samples_per_round=60, smoothing=smoothing, rng=7).final
    weights = wins + wins.T + smoothing
    labels = (wins + smoothing / 2) / weights
    np.fill_diagonal(weights, 0.0)
    np.fill_diagonal(labels, 0.5)
    mixed = start**alpha * reference ** (1 - alpha)
    one_shot = {"ipo": asim.ipo_optimum, "dpo": asim.dpo_optimum}[objective]
    expected = one_shot(labels, reference=mixed / mixed.sum(), beta=beta, pair_weights=weights)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_without_smoothing_ipo_is_least_squares_of_the_bare_votes():
    """To the bit: smoothing=0 takes no part in the numbers."""
    rng = np.random.default_rng(3)
    P, start = preferences(rng, 4), policy(rng, 4)
    loop = asim.FeedbackMap(P, beta=1.0, alpha=0.0)
    score = np.empty((1, 4))
    samples.least_squares(drawn(P, start, 60, rng=7)[None], score, 0, 1)
    orbit = loop.run(start, 1, samples_per_round=60, smoothing=0.0, rng=7)
    plain = loop.run(start, 1, samples_per_round=60, rng=7)
    np.testing.assert_array_equal(orbit.final_logits, simplex.centre(score[0]))
    np.testing.assert_array_equal(orbit.logits, plain.logits)


def test_smoothing_joins_what_is_never_compared():
    mu = np.array([0.5, 0.5, 0.0, 0.0])
    P = preferences(np.random.default_rng(0), 4)
    for objective in ("ipo", "dpo"):
        loop = asim.FeedbackMap(P, objective=objective, beta=3.0, lam=0.0, offline=mu)
        final = loop.run(rounds=1, samples_per_round=40, smoothing=1e-9, rng=0).final
        assert final[2] == pytest.approx(final[3])
        assert min(final[:2]) < final[2] < max(final[:2])


def test_averages_and_frames_are_kept_as_in_an_exact_run():
    orbit = cycle().run(UNIFORM, 40, samples_per_round=50, rng=0, keep="all", burn_in=10)
    assert orbit.policies.shape == (41, 3)
    np.testing.assert_allclose(orbit.policies[0], UNIFORM)
    assert orbit.cycle_strength == pytest.approx(orbit.policies[10:].var(axis=0).mean(), rel=1e-9)
    last = cycle().run(UNIFORM, 40, samples_per_round=50, rng=0, keep="last")
    np.testing.assert_array_equal(last.final_logits, orbit.final_logits)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples_per_round": 0}, "samples_per_round is 0"),
        ({"samples_per_round": 1.5}, "samples_per_round is 1.5"),
        ({"samples_per_round": 2**32}, "below 2³²"),
        ({"samples_per_round": 5, "noise": "pair"}, "did you mean 'pairs'"),
        ({"samples_per_round": 5, "smoothing": -1.0}, "smoothing is -1"),
        ({"samples_per_round": 5, "smoothing": [1.0, 2.0]}, r"smoothing has shape \(2,\)"),
        ({"samples_per_round": 5, "smoothing": np.nan}, "smoothing"),
        ({"smoothing": 1.0}, "smoothing is given, but rounds are exact; set samples_per_round"),
        ({"noise": "pairs"}, "noise is given, but rounds are exact; set samples_per_round"),
        ({"rng": 0}, "rng is given, but rounds are exact; set samples_per_round"),
        (
            {"samples_per_round": 5, "smoothing": 1.0, "noise": "opponents"},
            "smoothing is 1, but a share of won opponents .*; use smoothing=0, or noise='pairs'",
        ),
        ({"samples_per_round": 5, "rng": "x"}, "rng is 'x'"),
        ({"samples_per_round": 5, "rng": -1}, "rng is -1"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        cycle().run(UNIFORM, 3, **options)


def test_opponents_are_for_ipo():
    with pytest.raises(ValueError, match="the score of DPO is another; use noise='pairs'"):
        cycle(objective="dpo").run(UNIFORM, 3, samples_per_round=5, noise="opponents")


@pytest.mark.parametrize("noise", ["pairs", "opponents"])
def test_payoffs_have_no_wins_to_draw(noise):
    game = [[0.0, 3.0, -2.0], [-3.0, 0.0, 1.0], [2.0, -1.0, 0.0]]
    loop = asim.FeedbackMap.from_payoffs(game, beta=0.3, alpha=0.5)
    with pytest.raises(ValueError, match=r"samples_per_round draws who wins, but payoffs\[0, 1\]"):
        loop.run(UNIFORM, 3, samples_per_round=100, noise=noise)
