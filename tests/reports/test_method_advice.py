"""The fastest parameters of each method: closed forms, searches, and what is said of them."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis.bifurcations.criticality import Criticality
from alignsim.analysis.evidence import Evidence
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.reports.fastest import fastest
from alignsim.reports.recommendation import SURE, Target

CYCLE = asim.preferences.cyclic(3, advantage=0.3)
OMEGA = 0.3 / np.sqrt(3)


def at_nash(policy, scale=0.5):
    """Preferences of three whose equilibrium is a policy."""
    a, b, c = policy
    return 0.5 + scale * np.array([[0, c, -b], [-c, 0, a], [b, -a, 0]])


def two_frequencies(ratio):
    """A circulant of five whose two frequencies at the uniform policy have this ratio."""
    gap = np.subtract.outer(np.arange(5), np.arange(5)) * 2 * np.pi / 5
    return 0.5 + 0.08 * (ratio * np.sin(gap) + np.sin(2 * gap))


def turning(*omegas):
    return 1j * np.array([*omegas, *(-w for w in omegas)])


# Samples of matrices


def test_a_sample_is_advised_on_by_its_mean_and_judged_one_by_one():
    advantages = np.linspace(0.02, 0.4, 20)
    sample = np.stack([asim.preferences.cyclic(3, advantage=a) for a in advantages])
    found = asim.advise(sample, eta=8.0, method="mrs")
    alone = asim.advise(sample.mean(axis=0), eta=8.0, method="mrs").best
    best = found.best
    assert best.parameters == pytest.approx(alone.parameters)
    assert (alone.matrices, best.matrices) == (0, 20)
    beta, alpha = (best.parameters[name] for name in ("beta", "alpha"))

    def stable(beta):  # theory 6.3: ρ² = α² + β²a²/3
        return alpha**2 + (beta * advantages) ** 2 / 3 < 1

    assert best.stable == stable(beta).sum()
    assert not stable(beta).all()
    assert stable(best.safe_beta).mean() >= SURE > stable(1.001 * best.safe_beta).mean()
    assert f"stable for {best.stable} of the 20 matrices" in best.sentences()["sample"]


def test_a_sample_without_doubt_needs_no_other_beta():
    sample = np.stack([CYCLE] * 3)
    best = asim.advise(sample, eta=8.0, method="optimistic").best
    assert (best.stable, best.safe_beta) == (3, best.parameters["beta"])
    assert best.sentences()["sample"] == "It is stable for 3 of the 3 matrices."


# Closed forms


@pytest.mark.parametrize("C", [0.3, 1.0, 10.0, 300.0])
def test_at_one_target_optimism_stays_fast_where_mrs_slows_down(C):
    mrs, optimistic = (
        fastest(METHODS[name], turning(C), {}, anchored=True) for name in ("mrs", "optimistic")
    )
    assert mrs.rate == pytest.approx(C / np.sqrt(1 + C**2), rel=1e-9)
    kappa = np.sqrt(1 + C**2) - C
    assert optimistic.rate == pytest.approx((1 - kappa) / np.sqrt(2), abs=2e-8)
    assert optimistic.parameters["kappa"] == pytest.approx(kappa, rel=1e-6)
    assert mrs.closed_form
    assert optimistic.closed_form


def test_the_numbers_of_the_page():
    found = {
        name: asim.advise(CYCLE, eta=10.0 / OMEGA, method=name) for name in ("mrs", "optimistic")
    }
    assert found["mrs"].best.rate == pytest.approx(0.9950, abs=5e-5)
    assert found["optimistic"].best.rate == pytest.approx(0.6718, abs=5e-5)
    for each in found.values():
        assert float(each.best.loop.eta) == pytest.approx(10.0 / OMEGA, rel=1e-9)


def test_a_soft_reference_at_the_equilibrium():
    best = asim.advise(CYCLE, method="soft_reference").best
    assert best.parameters == pytest.approx(
        {"beta": 1 / OMEGA, "mixup": 0.5, "alpha": 0.0, "pull": 0.0}, rel=1e-9
    )
    assert best.rate == pytest.approx(np.sqrt(0.5), rel=1e-7)
    assert best.target == Target.EQUILIBRIUM
    assert best.closed_form


def test_three_rounds_a_reset_converge_quadratically():
    found = fastest(METHODS["hard_reference"], turning(1.0), {}, anchored=False)
    assert found.parameters == pytest.approx({"every": 3, "alpha": 0}, abs=1e-9)
    assert found.beta == pytest.approx(1.0, rel=1e-6)
    assert found.rate < 1e-6
    assert found.optima == 3


@pytest.mark.parametrize("kappa", [0.2, 0.6])
def test_extragradient_at_a_fixed_share_without_a_target(kappa):
    """ρ² = a³(4−a)/4 at y² = a(2−a)/2: over β alone, at a target that β moves along."""
    a = 1 - kappa
    y = np.sqrt(a * (2 - a) / 2)
    found = fastest(METHODS["extragradient"], turning(y / kappa), {"kappa": kappa}, anchored=True)
    assert found.rate == pytest.approx(np.sqrt(a**3 * (4 - a)) / 2, rel=1e-12)
    assert found.optima == 2
    assert found.per_optimum == pytest.approx(np.sqrt(found.rate))


def test_extragradient_at_a_target_does_better_than_its_form_at_a_fixed_share():
    target = 10.0
    kappa = 1 / np.sqrt(1 + 2 * target**2)
    held = fastest(METHODS["extragradient"], turning(target), {"kappa": kappa}, anchored=True)
    found = fastest(METHODS["extragradient"], turning(target), {}, anchored=True)
    assert found.rate < held.rate - 1e-3


@pytest.mark.parametrize(
    ("ratio", "mixup", "rate"), [(2.0, 0.3875, 0.9425), (3.0, None, 0.9747), (5.0, None, 0.9909)]
)
def test_two_frequencies(ratio, mixup, rate):
    held = {"alpha": 0.0, "pull": 0.0}
    soft = fastest(METHODS["soft_reference"], turning(1.0, ratio), held, anchored=False)
    assert soft.rate == pytest.approx(rate, abs=5e-5)
    assert mixup is None or soft.parameters["mixup"] == pytest.approx(mixup, abs=5e-5)
    optimistic = fastest(METHODS["optimistic"], turning(1.0, ratio), {}, anchored=False)
    assert optimistic.rate == pytest.approx(soft.rate, abs=1e-7)
    square = ratio**2 / (1 + ratio**2)
    gradient = fastest(METHODS["extragradient"], turning(1.0, ratio), {}, anchored=False)
    assert gradient.rate == pytest.approx(np.sqrt(1 - square / (1 + ratio**2)), rel=1e-6)
    assert (gradient.per_optimum < soft.rate) == (ratio > 4.115)


def test_two_frequencies_of_preferences():
    best = asim.advise(two_frequencies(2.0), method="soft_reference", alpha=0.0).best
    assert best.rate == pytest.approx(0.9425, abs=5e-5)
    assert best.parameters["mixup"] == pytest.approx(0.3875, abs=5e-5)
    assert not best.closed_form


# Nothing nearby is better, and what is advised is stable


@pytest.mark.parametrize(
    ("name", "anchored"),
    [
        ("mrs", True),
        ("soft_reference", True),
        ("soft_reference", False),
        ("extragradient", True),
        ("optimistic", True),
        ("optimistic", False),
        ("hard_reference", False),
    ],
)
def test_no_other_parameters_are_faster(name, anchored):
    rng = np.random.default_rng(3)
    modes = turning(3.0, 1.7) + rng.normal(scale=0.3, size=4)
    method = METHODS[name]
    best = fastest(method, modes, {}, anchored=anchored)
    own = {k: np.full(1, v) for k, v in best.parameters.items()}
    scheme = asim.feedback.Scheme.of(method, own)
    reached = np.abs(scheme.multipliers(best.beta * modes)).max()
    assert best.rate == pytest.approx(reached)
    for width in (1e-4, 1e-2, 0.3):
        for _ in range(60):
            other = {
                p.name: own[p.name]
                if p.whole
                else np.clip(own[p.name] + width * rng.normal(), p.low, p.high)
                for p in method.parameters
            }
            beta = best.beta * np.exp(width * rng.normal())
            if not anchored:
                for zero in ("kappa", "pull"):
                    if zero in other:
                        other[zero] = np.zeros(1)
            try:
                other = method.checked(other)
            except ValueError:
                continue
            scheme = asim.feedback.Scheme.of(method, other)
            if anchored:
                beta = 1 / scheme.rest().gain[0]
                if not np.isfinite(beta):
                    continue
            assert np.abs(scheme.multipliers(beta * modes)).max() >= reached - 1e-5


@pytest.fixture(scope="module")
def every():
    rng = np.random.default_rng(5)
    A = rng.uniform(-0.4, 0.4, size=(4, 4))
    return asim.advise(0.5 + (A - A.T) / 2, eta=12.0, method="all")


def test_all_methods_are_ranked_and_stable(every):
    rates = [
        each.rate_per_optimum for each in every.recommendations if each.target == Target.WANTED
    ]
    assert len(rates) >= 5
    assert (np.diff(rates) > -1e-6).all()
    for each in every.recommendations:
        local = asim.stability(each.loop)
        assert local.words("verdict").item() == "stable"
        assert float(local.spectral_radius) == each.rate
    assert every.best is every.recommendations[0]
    told = {each.method for each in every.recommendations} | dict(every.left_out).keys()
    assert told == set(METHODS)


def test_the_same_target_is_the_same_policy(every):
    policies = [e.policy for e in every.recommendations if e.target == Target.WANTED]
    assert np.ptp(policies, axis=0).max() < 1e-9
    other = [e for e in every.recommendations if e.target == Target.MIXTURE]
    assert [each.method for each in other if np.abs(each.policy - policies[0]).max() > 1e-3]
    assert any("do not all rest at the same policy" in text for text in every.warnings)


def test_no_interior_equilibrium_leaves_loops_without_an_anchor_out(every):
    assert not [e for e in every.recommendations if e.target == Target.EQUILIBRIUM]
    assert any("nowhere to rest" in text for text in every.warnings)
    assert "hard_reference" in dict(every.left_out)


def test_mrs_agrees_with_the_advice_on_alpha(every):
    (mrs,) = [each for each in every.recommendations if each.method == "mrs"]
    P = mrs.loop.P
    alone = asim.advise(P, eta=12.0)
    assert mrs.parameters["alpha"] == pytest.approx(float(alone.alpha), abs=1e-6)
    assert mrs.rate == pytest.approx(float(alone.rate), abs=1e-9)
    assert mrs.policy == pytest.approx(alone.policy, abs=1e-9)


def test_dpo_turns_four_times_as_fast():
    found = asim.advise(CYCLE, method="soft_reference", objective="dpo").best
    assert found.parameters["beta"] == pytest.approx(1 / (4 * OMEGA), rel=1e-6)


# What is said


def test_a_hard_onset_is_named():
    """TRL's default on a skewed cycle: schemes 6."""
    found = asim.advise(at_nash([0.165, 0.187, 0.648]), method="soft_reference", mixup=0.6).best
    assert found.criticality == Criticality.SUBCRITICAL
    assert "abruptly" in str(found)
    half = asim.advise(at_nash([0.165, 0.187, 0.648]), method="soft_reference", mixup=0.5).best
    assert half.criticality == Criticality.SUPERCRITICAL
    assert half.beta_lost == pytest.approx(2 / np.sqrt(3) * half.parameters["beta"], rel=1e-6)


def test_what_is_proved_is_said_to_be():
    proved = asim.advise(CYCLE, method="extragradient").best
    assert proved.evidence == Evidence.CERTIFIED
    assert "proved that every start converges" in str(proved)
    local = asim.advise(CYCLE, method="soft_reference").best
    assert local.evidence == Evidence.ITERATED
    assert "Nothing is proved about far starts" in str(local)


def test_a_run_shrinks_at_the_rate_that_is_told():
    best = asim.advise(CYCLE, eta=8.0, method="extragradient").best
    orbit = best.loop.run(rounds=60)
    gap = np.ptp(orbit.logits - np.log(best.policy), axis=-1)
    assert (gap[30] / gap[10]) ** (1 / 20) == pytest.approx(best.rate, abs=0.02)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"eta is missing; give the wanted η"),
        ({"eta": 2.0, "mixup": 0.3}, r"mixup is given without method"),
        ({"method": "all", "mixup": 0.3}, r"mixup is given.*name one method"),
        ({"method": "soft_reference", "kappa": 0.3}, r"kappa is no parameter of 'soft_reference'"),
        ({"method": "soft_reference", "mixup": 1.3}, r"mixup is 1.3"),
        ({"method": "mrs", "eta": [1.0, 2.0]}, r"make a batch \(2,\); with a method, give one"),
        ({"method": "mrs", "eta": 2.0, "alphas": 0.3}, r"alphas is given beside method"),
        ({"method": "mrs", "eta": -2.0}, r"eta is -2"),
        ({"method": "pmd"}, r"method is 'pmd'"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(ValueError, match=message):
        asim.advise(CYCLE, **given)


def test_another_name_of_a_method_is_that_method():
    found = asim.advise(CYCLE, eta=8.0, method="inpo").best
    assert found.method == "mrs"


def test_nothing_stable_has_no_best():
    found = asim.advise(CYCLE, method="mrs")
    assert found.recommendations == ()
    assert dict(found.left_out) == {"mrs": "no stable parameters were found"}
    with pytest.raises(ValueError, match="no recommendation at the wanted fixed point"):
        _ = found.best
