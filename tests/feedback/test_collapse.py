"""At α = 1 orbits run to the boundary; their logits stay exact long after the policy underflows."""

import numpy as np
import pytest

import alignsim as asim

TRANSITIVE = 0.5 + np.array(
    [
        [0.0, 0.1, 0.2, 0.35],
        [-0.1, 0.0, 0.15, 0.25],
        [-0.2, -0.15, 0.0, 0.2],
        [-0.35, -0.25, -0.2, 0.0],
    ]
)
"""Strictly strongly transitive: the rows fall in every column."""


@pytest.mark.parametrize("lam", [1.0, 0.7, 0.0])
def test_strictly_transitive_preferences_collapse_linearly_in_the_logits(lam):
    """Theory 6.8: the gap to response j grows by β[λ(P₁ⱼ − ½) + (1−λ)⟨P₁ − Pⱼ, π_off⟩] a round."""
    loop = asim.FeedbackMap(TRANSITIVE, beta=4.0, alpha=1.0, lam=lam)
    orbit = loop.run([0.25] * 4, rounds=3000)
    assert (orbit.status == 0).all()
    assert np.isfinite(orbit.logits).all()
    gaps = orbit.logits[:, :1] - orbit.logits[:, 1:]
    offline = (TRANSITIVE[0] - TRANSITIVE[1:]).mean(axis=-1)
    rate = 4.0 * (lam * (TRANSITIVE[0, 1:] - 0.5) + (1 - lam) * offline)
    assert np.diff(gaps[-1000:], axis=0).mean(axis=0) == pytest.approx(rate, rel=1e-9)
    assert orbit.final.tolist() == [1.0, 0.0, 0.0, 0.0]
    assert gaps[-1].min() > 700


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_entropy_falls_in_every_round_from_the_uniform_policy_on(objective):
    """Theory 6.8, T = 0; exact entropies tell the rounds apart long after 1 − π₁ is 0."""
    loop = asim.FeedbackMap(TRANSITIVE, objective=objective, beta=0.5, alpha=1.0)
    entropy = loop.run([0.25] * 4, rounds=3000).entropy
    assert (np.diff(entropy) < 0).all()
    assert 0 < entropy[-1] < 1e-60


def test_the_orbit_of_a_collapsing_dpo_map_tends_to_the_logit_rate():
    """At a vertex the score gap is logit P₁ⱼ (theory 3.6)."""
    loop = asim.FeedbackMap(TRANSITIVE, objective="dpo", beta=1.0, alpha=1.0)
    orbit = loop.run([0.25] * 4, rounds=3000)
    gaps = orbit.logits[:, :1] - orbit.logits[:, 1:]
    rate = np.log(TRANSITIVE[0, 1:] / TRANSITIVE[1:, 0])
    assert np.diff(gaps[-500:], axis=0).mean(axis=0) == pytest.approx(rate, rel=1e-9)


def test_self_play_on_a_cycle_moves_away_from_the_uniform_policy_in_every_round():
    """Multiplicative weights: KL(uniform ‖ π) grows, since πᵀMπ = 0 and lse is convex."""
    P = asim.preferences.cyclic(3, advantage=0.3)
    orbit = asim.FeedbackMap(P, beta=1.0, alpha=1.0).run([0.34, 0.33, 0.33], rounds=3000)
    divergence = -np.log(orbit.policies).mean(axis=-1) - np.log(3)
    assert (np.diff(divergence) > 0).all()
    assert 1e-13 < orbit.policies.min() < 1e-10


def test_for_ever_collapsing_logits_resume_without_loss():
    loop = asim.FeedbackMap(TRANSITIVE, beta=400.0, alpha=1.0)
    orbit = loop.run([0.25] * 4, rounds=100)
    assert orbit.final.tolist() == [1.0, 0.0, 0.0, 0.0]
    later = loop.run(start_logits=orbit.final_logits, rounds=100)
    grown = later.final_logits - orbit.final_logits
    lead = TRANSITIVE[:, 0] - TRANSITIVE[:, 0].mean()
    assert grown == pytest.approx(100 * 400.0 * lead, rel=1e-12)
    with pytest.raises(ValueError, match=r"start_logits=orbit\.final_logits"):
        loop.run(orbit.final, rounds=1)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("lam", [1.0, 0.5, 0.0])
def test_below_alpha_one_gaps_stay_in_the_box_of_the_theory(objective, lam):
    """Theory 6.1: from the reference, a logit gap ∈ (1 − αᵗ)η·[min, max] of the score's gap."""
    beta, alpha = 3.0, 0.9
    loop = asim.FeedbackMap(TRANSITIVE, objective=objective, beta=beta, alpha=alpha, lam=lam)
    orbit = loop.run([0.25] * 4, rounds=200)
    gaps = orbit.logits[:, :1] - orbit.logits[:, 1:]
    reach = (1 - alpha ** orbit.rounds[:, None]) * beta / (1 - alpha)
    spread = TRANSITIVE[0] - TRANSITIVE[1:]
    low = spread.min(axis=-1) * (1.0 if objective == "ipo" else 4.0)
    assert (gaps >= reach * low - 1e-9).all()
    if objective == "ipo":
        assert (gaps <= reach * spread.max(axis=-1) + 1e-9).all()
