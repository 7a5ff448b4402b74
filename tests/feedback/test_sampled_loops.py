"""Loops whose stages sample otherwise than both responses from one policy."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis import crossings, first_lyapunov_coefficient
from alignsim.analysis.equilibria.faces import boundary_equilibria
from alignsim.errors import NoOptimumError
from alignsim.objectives import DPO, Facts, GradientSteps
from alignsim.objectives.samplers import SAMPLERS, FixedPairs, MixP

K = 4
RNG = np.random.default_rng(3)
RAW = RNG.uniform(0.1, 0.9, (K, K))
P = np.triu(RAW, 1) + np.tril(1.0 - RAW.T, -1) + 0.5 * np.eye(K)
BT = asim.preferences.bradley_terry([0.8, 0.1, -0.2, -0.7])
REF, OFF, START = (RNG.dirichlet(np.full(K, 3.0)) for _ in range(3))
WEIGHTS = RNG.uniform(0.1, 1.0, (K, K))
GIVEN = {
    "fixed_pairs": {"pair_weights": WEIGHTS},
    "mixture": {"reference_share": 0.3},
    "rejection": {"sharpness": 0.7},
}
OTHERS = [name for name in SAMPLERS if name != "product"]
METHODS = {
    "mrs": {"alpha": 0.5},
    "soft_reference": {"mixup": 0.4},
    "extragradient": {},
    "optimistic": {},
    "nash_md": {"kappa": 0.3},
}


def loop_of(sampler, matrix=P, *, method="mrs", mixed=True, **given):
    takes = SAMPLERS[sampler].takes if mixed else ()
    usual = {"lam": 0.7} if "lam" in takes else {}
    usual |= {"offline": OFF} if "offline" in takes else {}
    usual |= {"objective": "dpo", "beta": 1.3, "reference": REF} | METHODS[method]
    return asim.method(method, matrix, sampler=sampler, **(usual | GIVEN.get(sampler, {}) | given))


@pytest.mark.parametrize("sampler", OTHERS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("objective", ["ipo", "dpo", GradientSteps(DPO(), 2, 0.4)])
def test_the_jacobian_is_that_of_finite_differences(sampler, method, objective):
    loop = loop_of(sampler, method=method, objective=objective)
    state = loop.begin(RNG.normal(size=K))
    state = asim.simplex.centre(state.reshape(-1, K) + 0.1 * RNG.normal(size=K)).ravel()

    def moved(step):
        return loop.advance(state + step).value

    h, numerical = 1e-3, np.empty((loop.width, loop.width))
    for k, e in enumerate(np.eye(loop.width)):
        along = asim.simplex.centre(e.reshape(-1, K)).ravel()
        near, far, wide = (
            (moved(n * h * along) - moved(-n * h * along)) / (2 * n * h) for n in (1, 2, 3)
        )
        numerical[:, k] = 1.5 * near - 0.6 * far + 0.1 * wide
    np.testing.assert_allclose(loop.derivative(state), numerical, atol=1e-8)
    np.testing.assert_array_equal(loop.linearise(state)[0].value, loop.advance(state).value)


@pytest.mark.parametrize("sampler", OTHERS)
def test_nothing_is_proved_of_them(sampler):
    for objective in ("ipo", "dpo"):
        loop = loop_of(sampler, objective=objective)
        assert loop.facts == Facts()
        assert loop.expansion is None
        assert not loop.linear
        assert not loop.has_score
        assert np.isnan(asim.analysis.critical_signal(loop))
        assert loop.objective.facts != Facts()
    assert f"sampler='{sampler}'" in repr(loop)
    assert asim.FeedbackMap(P, beta=1.0).facts != Facts()


@pytest.mark.parametrize("sampler", OTHERS)
def test_orbits_are_their_rounds_one_by_one(sampler):
    loop = loop_of(sampler, beta=[0.7, 2.0])
    policy, orbit = START, loop.run(START, rounds=5)
    for t in range(1, 6):
        policy = loop.step(policy)
        np.testing.assert_allclose(orbit.policies[..., t, :], policy, rtol=1e-9)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_samplers_that_are_the_product_give_its_loops(objective):
    """A mixture without a share of the reference; a partner that is the policy, at α = 1."""
    given = {"objective": objective, "beta": 0.8, "reference": REF, "offline": OFF, "lam": 0.6}
    plain = asim.FeedbackMap(P, alpha=0.4, **given)
    mixture = asim.FeedbackMap(P, alpha=0.4, sampler="mixture", reference_share=0.0, **given)
    unmixed = given | {"lam": 1.0}
    self_play = asim.FeedbackMap(P, alpha=1.0, **unmixed)
    partner = asim.FeedbackMap(P, alpha=1.0, sampler="two_policies", **unmixed)
    for one, other in ((plain, mixture), (self_play, partner)):
        np.testing.assert_allclose(
            one.run(START, rounds=20).policies, other.run(START, rounds=20).policies, rtol=1e-9
        )
        np.testing.assert_allclose(one.jacobian(START), other.jacobian(START), atol=1e-12)
    found = asim.stability(mixture)
    np.testing.assert_allclose(found.spectral_radius, asim.stability(plain).spectral_radius)
    np.testing.assert_allclose(
        found.fixed_point.policy, asim.stability(plain).fixed_point.policy, rtol=1e-9
    )


def test_mix_p_on_the_last_policy_compares_all_pairs_alike():
    mixed = asim.FeedbackMap(P, objective="dpo", beta=0.8, alpha=1.0, sampler="mix_p")
    alike = asim.FeedbackMap(
        P, objective="dpo", beta=0.8, alpha=1.0, sampler=FixedPairs(pair_weights=np.ones((K, K)))
    )
    np.testing.assert_allclose(mixed.step(START), alike.step(START), rtol=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 0.6])
def test_fixed_pairs_rest_where_the_weighted_score_says(alpha):
    """z* = log ref + β/(1−α)·L⁺b: the round is affine, and its multipliers are α."""
    loop = loop_of("fixed_pairs", objective="ipo", beta=1.1, alpha=alpha)
    w = WEIGHTS + WEIGHTS.T
    w = w * (1.0 - np.eye(K))
    score = np.linalg.pinv(np.diag(w.sum(axis=1)) - w) @ (w * (P - 0.5)).sum(axis=1)
    expected = asim.simplex.softmax(np.log(REF) + 1.1 / (1.0 - alpha) * score)
    found = asim.stability(loop)
    np.testing.assert_allclose(found.fixed_point.policy, expected, rtol=1e-9)
    np.testing.assert_allclose(found.spectral_radius, alpha, atol=1e-9)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_what_is_sampled_matters_to_dpo_only_off_bradley_terry(sampler):
    alone = asim.simplex.softmax(np.log(REF) + 2.6 * np.array([0.8, 0.1, -0.2, -0.7]))
    found = asim.stability(loop_of(sampler, BT))
    np.testing.assert_allclose(found.fixed_point.policy, alone, rtol=1e-8)
    np.testing.assert_allclose(found.spectral_radius, 0.5, atol=1e-7)
    uniform = asim.FeedbackMap(P, objective="dpo", beta=2.6, lam=0.0, reference=REF).step(REF)
    point = asim.stability(loop_of(sampler)).fixed_point.policy
    assert np.abs(point - uniform).max() > 1e-3


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_mix_p_rests_where_the_corrected_sums_vanish(alpha):
    """Σ_j (P_ij − σ(v_ij))/σ'(v_ij) = 0 for the rewards v that the fixed point implies."""
    loop = asim.FeedbackMap(
        P, objective="dpo", beta=1.3, alpha=alpha, sampler="mix_p", reference=REF
    )
    point = asim.analysis.fixed_point(loop)
    v = (point.logits - loop.reference_logits) * (1.0 - alpha) / 1.3
    win = 1.0 / (1.0 + np.exp(v[None, :] - v[:, None]))
    np.testing.assert_allclose(((P - win) / (win * (1.0 - win))).sum(axis=1), 0.0, atol=1e-9)


@pytest.mark.parametrize("sampler", ["two_policies", "mixture", "pilaf"])
def test_stability_is_lost_where_orbits_stop_converging(sampler):
    cycle = asim.preferences.cyclic(3, advantage=0.35)
    given = GIVEN.get(sampler, {})
    loop = asim.FeedbackMap(
        cycle, objective="ipo", beta=1.0, alpha=0.3, sampler=sampler, reference=[0.5, 0.3, 0.2],
        **given,
    )  # fmt: skip
    found = crossings(loop, "beta", 0.0, 20.0, points=12)
    assert found.direction[0] == 1
    onset = found.at[0]
    near = loop.replace(beta=onset * np.array([0.85, 1.0, 1.25]))
    local = asim.stability(near)
    assert local.words("verdict").tolist()[::2] == ["stable", "unstable"]
    np.testing.assert_allclose(local.spectral_radius[1], 1.0, atol=1e-8)
    sides = near.take(np.array([0, 2]))
    seen = asim.classify(sides, rounds=1500)
    assert seen.phase.tolist()[0] == "converged"
    assert seen.phase.tolist()[1] in ("cycle", "invariant circle", "locked")
    spectrum = asim.lyapunov_spectrum(near.take(np.array([0])), rounds=400, exponents=1)
    np.testing.assert_allclose(
        spectrum.exponents[0, 0], np.log(local.spectral_radius[0]), atol=0.05
    )


def test_all_fixed_points_are_searched_for_and_none_is_called_the_only_one():
    found = asim.fixed_points(loop_of("pilaf", beta=[0.5, 2.0]))
    assert (found.count == 1).all()
    assert (found.words("status") == "several possible").all()
    assert (found.words("evidence") == "iterated").all()
    assert (found.index == 1).all()


def test_sweeps_and_diagrams_run_over_the_parameters_of_samplers():
    shares = [0.0, 0.5, 1.0]
    swept = asim.sweep(
        P, objective="dpo", sampler="mixture", beta=[1.0, 6.0], alpha=0.5, reference_share=shares,
        by="stability", progress=False,
    )  # fmt: skip
    assert swept.attrs["sampler"] == "mixture"
    for share in shares:
        loop = asim.FeedbackMap(
            P, objective="dpo", sampler="mixture", beta=[1.0, 6.0], alpha=0.5, reference_share=share
        )
        np.testing.assert_allclose(
            swept.spectral_radius.sel(reference_share=share),
            asim.stability(loop).spectral_radius, rtol=1e-7,
        )  # fmt: skip
    diagram = asim.phase_diagram(
        P, x=("beta", 0.5, 9.0), y=("reference_share", 0.0, 1.0), sampler="mixture", alpha=0.3,
        resolution=4, audit=0.0, progress=False,
    )  # fmt: skip
    assert set(diagram.phase.dims) == {"beta", "reference_share"}
    plain = asim.sweep(P, beta=2.0, alpha=0.5, by="stability", progress=False)
    assert plain.attrs["sampler"] == "product"


def test_batches_keep_the_parameters_of_the_sampler():
    loop = loop_of("rejection", beta=[[1.0], [2.0]], sharpness=[0.2, 0.5, 1.0])
    assert loop.shape == (2, 3)
    np.testing.assert_array_equal(loop.parameters["sharpness"], [[0.2, 0.5, 1.0]] * 2)
    part = loop.take(np.array([4]))
    assert part.sampler.sharpness == 0.5
    np.testing.assert_allclose(part.step(START)[0], loop.step(START)[1, 1], rtol=1e-13)
    other = loop.replace(sharpness=0.2)
    np.testing.assert_array_equal(other.sampler.sharpness, np.full((2, 3), 0.2))
    assert other != loop
    assert other == loop_of("rejection", beta=[[1.0], [2.0]], sharpness=[0.2, 0.2, 0.2])
    assert hash(other) != hash(loop)
    each = loop_of("mix_r", np.stack([P, BT]))
    np.testing.assert_allclose(each.sampler.sampler_rewards[1], [0.8, 0.1, -0.2, -0.7], atol=1e-9)


def test_what_needs_one_policy_is_refused():
    loop = loop_of("mix_p")
    with pytest.raises(ValueError, match=r"pairs of sampler 'mix_p' have weights; use noise='pai"):
        loop.replace(beta=2.0).run(START, rounds=2, samples_per_round=9, noise="opponents")
    with pytest.raises(ValueError, match="sampler is 'mix_p', for which second and third"):
        first_lyapunov_coefficient(loop, np.zeros(K))
    with pytest.raises(ValueError, match=r"sampler is 'mix_p'.*sampler 'product'"):
        boundary_equilibria(loop.replace(alpha=1.0))
    with pytest.raises(ValueError, match=r"sampler 'mix_p' draws no share"):
        loop.replace(lam=0.5)
    with pytest.raises(ValueError, match=r"with sampler 'mix_p' has no score; use 'zero'"):
        asim.method("replay", P, beta=1.0, fresh=0.5, sampler="mix_p", starts=("start", "score"))
    drawn = loop_of("rejection").run(START, rounds=2, samples_per_round=500, rng=1)
    assert np.isfinite(drawn.policies).all()


def test_pairs_that_compare_too_little_have_no_optimum():
    sure = np.array([[0.5, 1.0, 1.0], [0.0, 0.5, 0.6], [0.0, 0.4, 0.5]])
    with pytest.raises(NoOptimumError, match="never lose"):
        asim.FeedbackMap(sure, objective="dpo", beta=1.0, sampler="mix_p")
    with pytest.raises(ValueError, match="sampler is 'mix_p', whose pairs have weights; curation"):
        asim.FeedbackMap(P, objective="curation", beta=1.0, sampler="mix_p")
    mixed = asim.FeedbackMap(np.stack([sure, np.full((3, 3), 0.5)]), objective="dpo", beta=1.0,
                             sampler="pilaf").run([0.2, 0.3, 0.5], rounds=3)  # fmt: skip
    assert mixed.failed.tolist() == [True, False]
    assert "no finite" in mixed.reason(0)
    apart = np.zeros((4, 4))
    apart[0, 1] = apart[2, 3] = 1.0
    with pytest.raises(NoOptimumError, match="never compares"):
        asim.FeedbackMap(P, beta=1.0, sampler="fixed_pairs", pair_weights=apart)


def test_a_loop_that_runs_off_fails_with_a_status():
    cycle = asim.preferences.cyclic(3, advantage=0.45)
    loop = asim.FeedbackMap(cycle, objective="dpo", beta=400.0, alpha=1.0, sampler=MixP())
    assert np.isfinite(loop.run([0.4, 0.3, 0.3], rounds=30).final_logits).all()
    wild = asim.FeedbackMap(P, objective="dpo", beta=400.0, alpha=1.0, sampler="pilaf")
    orbit = wild.run(START, rounds=30)
    assert orbit.failed
    assert np.isnan(orbit.final_logits).all()
    assert orbit.reason()


def test_sweeps_keep_the_parameters_of_objects():
    """A sampler or an objective that is given as an object is not put back to its defaults."""
    from alignsim.objectives import DPOWithSFT, Mixture

    for given in (
        {"sampler": Mixture(reference_share=0.9)},
        {"objective": DPOWithSFT(sft_weight=0.8)},
    ):
        swept = asim.sweep(P, beta=6.0, alpha=0.5, by="stability", progress=False, **given)
        loop = asim.FeedbackMap(P, beta=6.0, alpha=0.5, **given)
        radius = asim.stability(loop).spectral_radius
        np.testing.assert_allclose(swept.spectral_radius, radius, rtol=1e-9)
    with pytest.raises(ValueError, match=r"sampler has parameters of shape \(2,\)"):
        asim.sweep(P, beta=6.0, sampler=Mixture(reference_share=[0.2, 0.9]), by="stability")
