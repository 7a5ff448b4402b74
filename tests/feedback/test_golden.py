"""The golden numbers of theory.md, section 10, to 1e-12."""

import numpy as np
import pytest

import alignsim as asim

P = [[0.5, 0.7, 0.4], [0.3, 0.5, 0.8], [0.6, 0.2, 0.5]]
REFERENCE = [0.2, 0.3, 0.5]
OFFLINE = [0.4, 0.4, 0.2]

ORBITS = {
    ("ipo", 3.0): {
        1: [0.21210985642505367, 0.3855108890818435, 0.40237925449310286],
        2: [0.23813373261174664, 0.4139410830282368, 0.3479251843600165],
        3: [0.26298275040261193, 0.4133434638832753, 0.3236737857141128],
    },
    ("dpo", 1.0): {
        1: [0.21422796801227897, 0.41851627364597016, 0.3672557583417508],
        2: [0.2608256995618312, 0.4470131764987353, 0.29216112393943344],
        3: [0.30845256213026834, 0.42711653647071235, 0.2644309013990193],
    },
}


@pytest.mark.parametrize(("objective", "beta"), ORBITS)
def test_runs_and_steps_hit_the_golden_orbits(objective, beta):
    loop = asim.FeedbackMap(
        P, objective=objective, beta=beta, alpha=0.5, lam=0.8, reference=REFERENCE, offline=OFFLINE
    )
    orbit = loop.run(REFERENCE, rounds=3)
    policy = REFERENCE
    for t, golden in ORBITS[objective, beta].items():
        assert np.abs(orbit.policies[t] - golden).max() < 1e-12
        policy = loop.step(policy)
        assert np.abs(policy - golden).max() < 1e-12


def test_the_start_is_round_zero_and_separate_from_the_reference():
    loop = asim.FeedbackMap(P, beta=3.0, alpha=0.5, reference=REFERENCE)
    orbit = loop.run([0.6, 0.3, 0.1], rounds=2)
    assert np.abs(orbit.policies[0] - [0.6, 0.3, 0.1]).max() < 1e-15


def test_the_default_start_lies_a_hundredth_from_the_reference_without_symmetry():
    loop = asim.FeedbackMap(P, beta=3.0, alpha=0.5, reference=REFERENCE)
    logits = np.log(REFERENCE)
    offset = loop.run(rounds=0).final_logits - (logits - logits.mean())
    assert np.linalg.norm(offset) == pytest.approx(1e-2, rel=1e-12)
    gaps = np.diff(np.sort(offset))
    assert gaps.min() > 1e-3
    assert abs(gaps[0] - gaps[1]) > 1e-3
