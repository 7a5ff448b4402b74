"""Orbits of every method: both sides of its limit, its rates, drift, and where a run goes on."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis.evidence import Evidence
from alignsim.analysis.orbits.classification import classify
from alignsim.analysis.orbits.cycles import polish
from alignsim.analysis.orbits.verdicts import Phase, Reason
from alignsim.feedback.methods.catalogue import METHODS
from tests.analysis.orbits.scheme_systems import (
    NAMES,
    SCHEMES,
    UNANCHORED,
    at_nash,
    limit,
    near_limit,
    two_modes,
)

ROCK = asim.preferences.cyclic(3, advantage=0.3)

EVERY = pytest.mark.parametrize(("name", "parameters"), SCHEMES, ids=NAMES)


def never_found_winner():
    """Theory 6.6: response 0 beats all others by .02, which form a strong cycle."""
    margin = np.zeros((4, 4))
    margin[0, 1:] = 0.02
    margin[1, 2] = margin[2, 3] = margin[3, 1] = 0.5
    return 0.5 + margin - margin.T


def test_every_method_has_a_limit():
    assert {name for name, _ in SCHEMES} == set(METHODS)


# Both sides of a limit


@EVERY
def test_orbits_converge_below_the_limit_of_a_method_and_oscillate_above_it(name, parameters):
    loop = near_limit(name, [0.97, 1.03], **parameters)
    found = classify(loop, rounds=12_000)
    assert found.phase.tolist() == ["converged", "invariant circle"]
    np.testing.assert_allclose(found.final[0], 1 / 3, atol=1e-5)
    assert found.final_state.shape == (2, loop.scheme.size, 3)


@pytest.mark.parametrize("share", [0.99, 1.01])
def test_soft_references_with_dpo_lose_stability_at_their_limit(share):
    """Schemes 4: with ω_D, four times ω at the uniform policy."""
    loop = near_limit("soft_reference", share, objective="dpo", mixup=0.4)
    found = classify(loop, rounds=24_000)
    assert found.code == (Phase.CONVERGED if share < 1.0 else Phase.CIRCLE)


def test_loops_without_an_anchor_find_an_equilibrium_that_the_reference_does_not_know():
    P, logits = at_nash([0.5, 0.2, 0.3])
    for name, parameters in UNANCHORED.items():
        omega = asim.analysis.omega(P, logits)
        beta = np.array([0.9, 1.1]) * limit(name, parameters) / omega
        found = classify(asim.method(name, P, beta=beta, **parameters), rounds=12_000)
        assert found.code[0] == Phase.CONVERGED, name
        assert found.oscillates[1], name
        np.testing.assert_allclose(found.final[0], [0.5, 0.2, 0.3], atol=1e-6)


def test_optimism_turns_as_the_soft_reference_does_that_it_is():
    """Schemes 7.1: with c = (1−m)/m and mβ, the same policies in every round."""
    soft = near_limit("soft_reference", 1.05, mixup=0.4)
    optimistic = asim.method("optimistic", soft.P, beta=0.4 * soft.beta, optimism=1.5, kappa=0.0)
    one, two = (classify(loop, rounds=12_000) for loop in (soft, optimistic))
    assert one.code == two.code == Phase.CIRCLE
    assert one.rotation_number == pytest.approx(two.rotation_number, abs=1e-8)
    assert one.cycle_strength == pytest.approx(two.cycle_strength, rel=1e-4)


# Rates


def ratio_of_distances(loop, rounds, start):
    """Return the mean factor a round by which the whole state comes closer to its rest."""
    fixed = asim.analysis.fixed_point(loop).state
    begun = loop.run(start, rounds=rounds, keep="last").final_state
    ended = loop.run(start_state=begun, rounds=rounds, keep="last").final_state
    before, after = np.abs(begun - fixed).max(), np.abs(ended - fixed).max()
    return (after / before) ** (1.0 / rounds)


def test_a_soft_reference_at_its_fastest_halves_the_square_of_the_distance_in_a_round():
    """Schemes 5: m = ½, y = 1 has a double multiplier (1+i)/2, hence distances t·2^(−t/2)."""
    loop = asim.method("soft_reference", ROCK, beta=np.sqrt(3.0) / 0.3, mixup=0.5)
    rate = ratio_of_distances(loop, 20, [0.334, 0.333, 0.333]) / 2.0 ** (1 / 20)
    assert rate == pytest.approx(np.sqrt(0.5), rel=0.01)
    spectrum = asim.lyapunov_spectrum(loop, [0.334, 0.333, 0.333], rounds=40, burn_in=20)
    assert spectrum.mean_log_det == pytest.approx(4.0 * np.log(np.sqrt(0.5)), rel=1e-3)


def test_three_rounds_to_a_reset_converge_quadratically_at_y_1():
    """Schemes 5: the multipliers (1−y²)(1±iy) vanish."""
    loop = asim.method("hard_reference", ROCK, beta=np.sqrt(3.0) / 0.3, every=3)
    orbit = loop.run([0.36, 0.33, 0.31], rounds=3)
    errors = np.abs(orbit.policies - 1 / 3).max(axis=-1)
    assert errors[1] < 5e-3
    assert (errors[2:] < 10.0 * errors[1:-1] ** 2).all()
    assert errors[3] < 1e-9


@pytest.mark.parametrize("target", [2.0, 10.0])
def test_optimism_reaches_any_target_at_its_fastest_rate(target):
    """Schemes 5: ρ = (1−κ)/√2 with κ = √(1+C²) − C, c = (1−κ)/(1+κ), at C = ηλω."""
    kappa = np.sqrt(1.0 + target**2) - target
    eta = target * np.sqrt(3.0) / 0.3
    loop = asim.method(
        "optimistic", ROCK, beta=kappa * eta, optimism=(1 - kappa) / (1 + kappa), kappa=kappa
    )
    rate = ratio_of_distances(loop, 20, [0.3334, 0.3333, 0.3333]) / 2.0 ** (1 / 20)
    assert rate == pytest.approx((1.0 - kappa) / np.sqrt(2.0), rel=0.02)


@pytest.mark.parametrize(
    ("ratio", "mixup", "rate", "rounds"), [(2.0, 0.3875, 0.9425, 150), (3.0, None, 0.9747, 400)]
)
def test_two_modes_at_once_converge_at_the_rate_of_their_ratio(ratio, mixup, rate, rounds):
    """Schemes 5: q solves (Λ+1/Λ)² = 4(3q−1)(3−4q)²/((4q−1)(1+q−4q²)), m = 1−q."""
    q = np.linspace(0.5, (1.0 + np.sqrt(17.0)) / 8.0, 2_000_001)[:-1]
    right = 4.0 * (3 * q - 1) * (3 - 4 * q) ** 2 / ((4 * q - 1) * (1 + q - 4 * q * q))
    q = q[np.abs(right - (ratio + 1.0 / ratio) ** 2).argmin()]
    if mixup is not None:
        assert 1.0 - q == pytest.approx(mixup, abs=1e-4)
    rho = np.sqrt(q * (4 * q - 1))
    assert rho == pytest.approx(rate, abs=1e-4)
    product = rho**3 * np.sqrt((1 - rho**2) / (rho**2 - q**2)) / q
    P, omega = two_modes(ratio)
    loop = asim.method("soft_reference", P, beta=np.sqrt(product * ratio) / omega, mixup=1.0 - q)
    start = asim.simplex.softmax(1e-4 * np.array([2.0, -1.0, 0.5, 0.0, -1.5]))
    assert ratio_of_distances(loop, rounds, start) == pytest.approx(rho, abs=3e-3)
    found = classify(loop, start, rounds=6000)
    assert found.code == Phase.CONVERGED
    assert found.spectral_radius == pytest.approx(rho, abs=1e-6)


# Without an anchor


@pytest.mark.parametrize("beta", [1.5, 3.0, 20.0])
@pytest.mark.parametrize("name", ["soft_reference", "optimistic", "extragradient"])
def test_a_condorcet_winner_that_mrs_never_finds_is_found_without_an_anchor(name, beta):
    """Schemes 4, seen: the logits of all others fall for ever."""
    loop = asim.method(name, never_found_winner(), beta=beta, **UNANCHORED[name])
    found = classify(loop, rounds=12_000)
    assert found.code == Phase.DRIFTING
    assert found.words("evidence") == "iterated"
    assert found.final[0] > 0.9999


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("hard_reference", {"every": 1}), ("soft_reference", {"mixup": 1.0}),
     ("momentum", {"momentum": 0.3, "kappa": 0.0}), ("replay", {"fresh": 0.3, "kappa": 0.0}),
     ("nash_md", {"kappa": 0.0})],
)  # fmt: skip
def test_what_never_damps_a_cycle_drifts_for_ever_without_an_anchor(name, parameters):
    found = classify(asim.method(name, ROCK, beta=8.0, **parameters), rounds=24_000)
    assert found.code == Phase.DRIFTING
    assert found.evidence == Evidence.ITERATED  # the proof is for MRS alone


def test_where_no_equilibrium_lies_inside_what_is_left_out_drifts():
    rng = np.random.default_rng(3)
    margin = np.triu(rng.uniform(-0.4, 0.4, (4, 4)), 1)
    P = 0.5 + margin - margin.T
    ends = []
    for name, parameters in UNANCHORED.items():
        found = classify(asim.method(name, P, beta=2.0, **parameters), rounds=12_000)
        assert found.code == Phase.DRIFTING
        ends.append(found.final)
    np.testing.assert_allclose(ends, np.tile(ends[0], (len(ends), 1)), atol=1e-3)
    assert np.ptp((P @ ends[0])[ends[0] > 1e-3]) < 1e-4  # a maximal lottery


def test_leaving_an_equilibrium_slowly_is_no_drift():
    """At .1 % above the limit the distance grows for thousands of rounds, then turns."""
    loop = near_limit("extragradient", 1.001, kappa=0.0)
    found = classify(loop, [0.3334, 0.3333, 0.3333], rounds=200_000)
    assert found.code == Phase.CIRCLE


# Where a run goes on


@EVERY
def test_an_orbit_goes_on_from_the_state_in_which_its_classification_ended(name, parameters):
    loop = near_limit(name, [1.1, 1.3], **parameters)
    short = classify(loop, [0.5, 0.3, 0.2], rounds=200)
    assert (short.code == Phase.UNDECIDED).all()
    assert (short.reason_code == Reason.TRANSIENT).all()
    whole = loop.run([0.5, 0.3, 0.2], rounds=260)
    np.testing.assert_array_equal(short.final_logits, whole.logits[:, 200])
    rest = loop.run(start_state=short.final_state, rounds=60)
    np.testing.assert_allclose(rest.final_state, whole.final_state, atol=1e-12)
    again = classify(loop, start_state=short.final_state, rounds=60)
    np.testing.assert_allclose(again.final_state, whole.final_state, atol=1e-12)


def test_a_cycle_of_a_scheme_closes_in_the_whole_state():
    loop = near_limit("soft_reference", 3.8, mixup=0.5)
    found = classify(loop, rounds=24_000)
    assert found.period > 1
    back = loop.run(start_state=found.final_state, rounds=int(found.period), keep="last")
    np.testing.assert_allclose(back.final_state, found.final_state, atol=1e-9)
    assert found.spectral_radius < 1.0


def test_polishing_finds_the_multipliers_of_the_whole_state():
    """Schemes 4: soft references have z² − (1 + g)z + g(1−m) at α = 0, for g = ±iy."""
    loop = asim.method("soft_reference", ROCK, beta=[2.0, 4.0], mixup=0.4)
    begun = loop.begin(asim.simplex.centre(np.full((2, 3), [0.02, 0.01, -0.03])))
    found = polish(loop, np.ones(2, dtype=np.int64), begun)
    assert found.attracting.all()
    assert np.abs(found.state).max() < 1e-12
    for beta, radius in zip([2.0, 4.0], found.spectral_radius, strict=True):
        g = 1j * beta * 0.3 / np.sqrt(3.0)
        roots = np.roots([1.0, -(1.0 + g), 0.6 * g])
        assert radius == pytest.approx(np.abs(roots).max(), rel=1e-9)


def test_an_orbit_that_must_converge_is_certified_by_the_bound_that_its_method_declares():
    """Schemes 6: extragradient converges from everywhere if βλD ≤ 4√(1−κ)."""
    loop = asim.method("extragradient", ROCK, beta=0.5, kappa=[0.001, 0.0])
    found = classify(loop, [0.999, 0.0005, 0.0005], rounds=600)
    assert found.code.tolist() == [Phase.CONVERGED] * 2
    assert found.words("evidence").tolist() == ["certified"] * 2
    other = asim.method("hard_reference", ROCK, beta=0.2, every=5)
    assert classify(other, [0.999, 0.0005, 0.0005], rounds=600).code == Phase.UNDECIDED
