"""The exact local criterion against simulation (theory 6.3, 6.6, 7).

A stable fixed point attracts what starts near it, an unstable one nothing but itself. From far
starts a stable map may still oscillate: then two attractors live side by side.
"""

from functools import cache

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis import classify
from alignsim.analysis.orbits.verdicts import Phase
from tests.feedback.systems import policy, preferences

SYSTEMS = {("ipo", 3): 200, ("ipo", 4): 200, ("ipo", 5): 150, ("ipo", 6): 150,
           ("dpo", 3): 90, ("dpo", 4): 90, ("dpo", 5): 60, ("dpo", 6): 60}  # fmt: skip
"""How many of each objective and number of responses."""

MARGIN = 0.02
"""The criterion is claimed where |ρ − 1| is larger."""

NEAR = 1e-3
"""Distance in logits of a near start."""

FAR = 4.0
"""Standard deviation of the logits of a far one."""

ROUNDS = 6000


@cache
def simulated(objective, K):
    """Return maps with λ = 1 or, for MRS-IPO, less, and their orbits from near and far starts."""
    n = SYSTEMS[objective, K]
    rng = np.random.default_rng(10 * K + (objective == "dpo"))
    loop = asim.FeedbackMap(
        np.array([preferences(rng, K, 0.03) for _ in range(n)]),
        objective=objective,
        beta=10 ** rng.uniform(0.0, 2.0, n) * (0.25 if objective == "dpo" else 1.0),
        alpha=rng.uniform(0.0, 0.9, n),
        lam=1.0 if objective == "dpo" else rng.choice([0.6, 1.0], n),
        reference=np.array([policy(rng, K) for _ in range(n)]),
        offline=np.array([policy(rng, K) for _ in range(n)]),
    )
    fixed = asim.analysis.fixed_point(loop).logits
    starts = np.stack(
        [fixed + NEAR * rng.standard_normal((n, K)), FAR * rng.standard_normal((n, K))]
    )
    return loop, classify(loop, rounds=ROUNDS, start_logits=starts)


def test_there_are_a_thousand_of_them_and_many_are_unstable():
    assert sum(SYSTEMS.values()) == 1000
    radius = np.concatenate([simulated(*key)[1].stability.spectral_radius[0] for key in SYSTEMS])
    assert np.isfinite(radius).all()
    assert (radius > 1.0 + MARGIN).sum() > 100
    assert (np.abs(radius - 1.0) <= MARGIN).sum() < 50


@pytest.mark.parametrize(("objective", "K"), SYSTEMS)
def test_near_starts_do_what_the_local_criterion_says(objective, K):
    _, found = simulated(objective, K)
    radius = found.stability.spectral_radius[0]
    near = found.code[0]
    assert (near[radius < 1.0 - MARGIN] == Phase.CONVERGED).all()
    assert not (near[radius > 1.0 + MARGIN] == Phase.CONVERGED).any()


def test_far_starts_disagree_only_where_another_attractor_lives():
    disagreements = 0
    for key in SYSTEMS:
        loop, found = simulated(*key)
        radius, (near, far) = found.stability.spectral_radius[0], found.code
        assert not (far[radius > 1.0 + MARGIN] == Phase.CONVERGED).any()
        for i in np.flatnonzero((radius < 1.0 - MARGIN) & (far != Phase.CONVERGED)):
            assert near[i] == Phase.CONVERGED
            one = loop.take(np.array([i]))
            end = classify(one, rounds=100_000, start_logits=found.final_logits[1, i])
            assert end.oscillates
            assert end.cycle_strength > 0.01
            disagreements += 1
    assert 0 < disagreements <= 0.01 * sum(SYSTEMS.values())
