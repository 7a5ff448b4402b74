"""Amplitude and rotation just beyond the onset, against the normal forms of theory.md 6.4 and 7."""

import numpy as np
import pytest

import alignsim as asim

START = [0.36, 0.33, 0.31]


def onset(objective, advantage, alpha, excess):
    """A three-cycle whose multipliers have modulus 1 + ``excess``, with their rotation κ."""
    rotation = np.sqrt((1 + excess) ** 2 - alpha**2)
    gain = {"ipo": 1.0, "dpo": 4.0}[objective]
    P = asim.preferences.cyclic(3, advantage=advantage)
    beta = np.sqrt(3) * rotation / (gain * advantage)
    return asim.FeedbackMap(P, objective=objective, beta=beta, alpha=alpha), rotation


def test_the_variance_of_the_ipo_three_cycle_is_that_of_the_normal_form():
    """ε = .01, α = .5: 3.869e-3 simulated, 8ε/(27κ²) = 3.848e-3 by the normal form."""
    loop, rotation = onset("ipo", 0.5, 0.5, 0.01)
    orbit = loop.run(START, rounds=12_000, keep="last", burn_in=6_000)
    assert orbit.cycle_strength == pytest.approx(3.869e-3, abs=5e-7)
    assert orbit.cycle_strength == pytest.approx(8 * 0.01 / (27 * rotation**2), rel=1e-2)
    assert orbit.policy_variance == pytest.approx(np.full(3, 3.869e-3), abs=2e-6)


def test_its_rotation_is_that_of_the_normal_form():
    """1.0491 a round, both simulated and by θ + ε[−cot(3θ/2)/3 − 2α/(3κ)]."""
    loop, rotation = onset("ipo", 0.5, 0.5, 0.01)
    late = loop.run(START, rounds=12_000).logits[6_000:]
    wave = late @ np.exp(2j * np.pi * np.arange(3) / 3)
    turn = np.abs(np.angle(wave[1:] / wave[:-1]).mean())
    theta = np.arctan2(rotation, 0.5)
    form = theta + 0.01 * (-1 / np.tan(1.5 * theta) / 3 - 2 * 0.5 / (3 * rotation))
    assert turn == pytest.approx(1.0491, abs=5e-5)
    assert turn == pytest.approx(form, abs=2e-4)


def test_the_variance_of_the_dpo_three_cycle_is_that_of_the_normal_form():
    """a = .2, α = .5, ε = .005: 2.472e-3 simulated, (2/9)ε/(κ²(¾ − 4a²λ²)) = 2.478e-3."""
    loop, rotation = onset("dpo", 0.2, 0.5, 0.005)
    orbit = loop.run(START, rounds=12_000, keep="last", burn_in=6_000)
    assert orbit.cycle_strength == pytest.approx(2.472e-3, abs=5e-7)
    form = 2 / 9 * 0.005 / (rotation**2 * (0.75 - 4 * 0.2**2))
    assert orbit.cycle_strength == pytest.approx(form, rel=5e-3)


def test_the_variance_of_the_ipo_cycle_does_not_depend_on_how_beta_and_advantage_share_it():
    strengths = [
        float(onset("ipo", advantage, 0.5, 0.01)[0].run(START, 8_000, keep="last").cycle_strength)
        for advantage in (0.1, 0.3, 0.5)
    ]
    assert strengths == pytest.approx([strengths[0]] * 3, rel=1e-6)


@pytest.mark.parametrize(
    ("advantage", "radius", "bistable"),
    [(0.45, 0.999, True), (0.47, 0.995, True), (0.49, 0.98, True),
     (0.40, 0.995, False), (0.43, 0.998, False)],
)  # fmt: skip
def test_the_dpo_onset_is_hard_above_an_advantage_of_433(advantage, radius, bistable):
    """Theory 7: below the onset a cycle lives beside the stable uniform policy iff aλ > √3/4."""
    loop, _ = onset("dpo", advantage, 0.5, radius - 1)
    near = loop.run([0.334, 0.333, 0.333], rounds=20_000, keep="last")
    far = loop.run([0.9, 0.06, 0.04], rounds=20_000, keep="last")
    assert near.cycle_strength < 1e-12
    assert (far.cycle_strength > 1e-2) == bistable


def test_the_ipo_onset_is_soft_at_every_advantage():
    for advantage in (0.2, 0.5):
        loop, _ = onset("ipo", advantage, 0.5, -0.002)
        orbit = loop.run([0.9, 0.06, 0.04], rounds=20_000, keep="last")
        assert orbit.cycle_strength < 1e-12


def test_the_time_variance_never_exceeds_two_ninths():
    """Theory 6.4: the ceiling is an orbit that jumps between the three corners."""
    P = asim.preferences.cyclic(3, advantage=0.5)
    beta = np.geomspace(3.5, 1e4, 40)
    orbit = asim.FeedbackMap(P, beta=beta, alpha=0.0).run(START, 3_000, keep="last")
    assert orbit.cycle_strength.max() == pytest.approx(2 / 9, rel=1e-3)
    assert orbit.cycle_strength.max() <= 2 / 9 + 1e-12
