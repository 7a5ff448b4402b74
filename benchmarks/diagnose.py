"""How often `alignsim.diagnose` is right: logs of simulated loops whose truth is known.

Loops of 3 to 6 responses are drawn with ρ from 0.5 to 1.1 and θ from 8° to 90°, 70 % of them IPO, and
started at random. Two thirds of the logs are counted from 50 or 500 samples a round, with rounds
that learn from all comparisons, from as many as are logged, or from 2,000; one third is exact. Run as

    python benchmarks/diagnose.py [--loops 600] [--scalars 300] [--seed 0]

to write the table into ``benchmarks/README.md``; it takes some minutes on one processor.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import alignsim as asim

RHO, THETA = (0.5, 1.1), np.radians([8.0, 90.0])
LENGTHS, SAMPLES = (10, 20, 50, 200), (50, 500)
LEARNED_FROM = (None, "n", 2000)
IPO, EXACT = 0.7, 1 / 3
ON_ATTRACTOR, SETTLED = 0.3, 300
COLLAPSED = 0.97
PAGE = Path(__file__).parent / "README.md"


@dataclass(frozen=True)
class Case:
    """A loop with its truth, and the log of one run; ``n`` is infinite of exact logs."""

    loop: asim.FeedbackMap
    rho: float
    theta: float
    calm: float
    log: np.ndarray
    n: float


def at_radius(loop: asim.FeedbackMap, rho: float) -> asim.FeedbackMap | None:
    """Return the loop with the β up to 200 at which its multiplier rises through ρ; None if none."""
    grid = np.geomspace(0.05, 200.0, 60)
    radii = asim.stability(loop.replace(beta=grid)).spectral_radius
    rises = np.flatnonzero((radii[:-1] < rho) & (radii[1:] >= rho))
    if not len(rises):
        return None
    low, high = grid[rises[0]], grid[rises[0] + 1]
    for _ in range(45):
        middle = np.sqrt(low * high)
        below = float(asim.stability(loop.replace(beta=middle)).spectral_radius) < rho
        low, high = (middle, high) if below else (low, middle)
    return loop.replace(beta=low)


def cases(count: int, seed: int, kinds: tuple[bool, ...] = (True, False)) -> Iterator[Case]:
    """Yield loops with logs; ``kinds`` says whether exact ones and sampled ones are wanted."""
    rng = np.random.default_rng(seed)
    made = 0
    while made < count:
        K = int(rng.integers(3, 7))
        P = np.full((K, K), 0.5)
        i, j = np.triu_indices(K, 1)
        P[i, j] = 1.0 / (1.0 + np.exp(-rng.normal(0.0, 1.5, len(i))))
        P[j, i] = 1.0 - P[i, j]
        objective = "ipo" if rng.random() < IPO else "dpo"
        target, alpha = rng.uniform(*RHO), rng.uniform(0.0, 0.95)
        exact = rng.random() < EXACT
        lam, start = rng.uniform(0.3, 1.0), rng.normal(size=K)
        if target <= alpha or exact not in kinds:
            continue
        drawn = asim.FeedbackMap(P, objective=objective, beta=1.0, alpha=alpha, lam=lam)
        loop = at_radius(drawn, target)
        if loop is None:
            continue
        local = asim.stability(loop)
        theta = float(local.angle)
        if not THETA[0] <= theta <= THETA[1]:
            continue
        T, n = int(rng.choice(LENGTHS)), float(rng.choice(SAMPLES))
        if target > 1.0 and rng.random() < ON_ATTRACTOR:
            start = loop.run(start_logits=start, rounds=SETTLED, keep="last").final_logits
        learned = LEARNED_FROM[int(rng.integers(3))]
        noisy = {}
        if learned is not None and not exact:
            noisy = {
                "samples_per_round": int(n if learned == "n" else learned),
                "smoothing": 1.0 if objective == "dpo" else 0.0,
                "rng": int(rng.integers(2**31)),
            }
        policies = loop.run(start_logits=start, rounds=T - 1, **noisy).policies
        if not np.isfinite(policies).all() or policies.mean(axis=0).max() > COLLAPSED:
            continue
        calm = at_radius(drawn, 0.9) if alpha < 0.9 else None
        factor = np.nan if calm is None else float(calm.beta / loop.beta)
        log = policies if exact else rng.multinomial(int(n), policies)
        made += 1
        yield Case(loop, target, theta, factor, log, np.inf if exact else n)


def diagnosed(case: Case) -> tuple[asim.reports.Diagnosis, float]:
    """Return the diagnosis of a case, and the processor time it took."""
    begun = time.process_time()
    found = asim.diagnose(case.log, np.inf if np.isinf(case.n) else None)
    return found, time.process_time() - begun
