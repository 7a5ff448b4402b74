"""Where symmetric cycles begin to oscillate under MRS-IPO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import alignsim as asim
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, agreement
from alignsim.simplex import covariance
from alignsim.validation import FloatArray

SETTLED = 1e-6
"""Largest |z| at the end of an orbit that has come to the uniform policy."""

MOVING = 1e-3
"""Smallest standard deviation of a policy coordinate over time of an orbit that oscillates; the
weakest oscillation that is tried here has 20 times as much."""


@dataclass(frozen=True)
class ThreeCycleThreshold(Claim):
    """Orbits from far starts, a little below the threshold and a little above."""

    statement: ClassVar[str] = (
        "For K = 3, 1 ≻ 2 ≻ 3 ≻ 1 with P = ½ ± a and uniform π_ref and π_off, MRS-IPO is unstable "
        "exactly for α² + a²β²λ²/3 > 1: as tried, orbits from far starts end at the uniform policy "
        "with β 0.5 % below that threshold, and oscillate for ever 0.5 % above it."
    )
    source: ClassVar[str] = "paper"
    section: ClassVar[str] = "6.4"
    gain: float = 1.0
    distance: float = 0.005
    rounds: int = 50_000

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw a, α up to 0.9 and λ, with a start; α = 0 and 0.9 are first."""
        return _cycles(rng, trials, 3)

    def margin(self, x: Instances) -> FloatArray:
        """Return how clearly the two orbits end as they should, on a logarithmic scale."""
        threshold = np.sqrt(3.0 * (1.0 - x["alpha"] ** 2)) / (x["advantage"] * x["lam"])
        return _sides(x, self.gain * threshold, self.distance, self.rounds)


@dataclass(frozen=True)
class OddCycleThreshold(Claim):
    """The same for balanced cycles of 3, 5, 7 and 9 responses."""

    statement: ClassVar[str] = (
        "For odd K, each response beating the next (K−1)/2 with ½ + a, and uniform π_ref and "
        "π_off, MRS-IPO is unstable exactly for α² + (aβλ·cot(π/2K)/K)² > 1: as tried 1 % from it "
        "on either side."
    )
    section: ClassVar[str] = "6.4"
    gain: float = 1.0
    distance: float = 0.01
    rounds: int = 25_000

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw a, α up to 0.9 and λ, with a start; K = 3, 5, 7 or 9."""
        return _cycles(rng, trials, int(rng.choice([3, 5, 7, 9])))

    def margin(self, x: Instances) -> FloatArray:
        """Return how clearly the two orbits end as they should, on a logarithmic scale."""
        K = x["start"].shape[-1]
        turn = x["advantage"] * x["lam"] / np.tan(np.pi / (2.0 * K)) / K
        threshold = np.sqrt(1.0 - x["alpha"] ** 2) / turn
        return _sides(x, self.gain * threshold, self.distance, self.rounds)


@dataclass(frozen=True)
class CirculantOmega(Claim):
    """ω of circulant preferences at the uniform policy."""

    statement: ClassVar[str] = (
        "If P_{i,i+m} = ½ + c_m (indices mod K, c_{K−m} = −c_m), then at the uniform policy "
        "ω = (1/K)·max_k |2Σ_{m ≤ (K−1)/2} c_m sin(2πkm/K)|; for a cycle of nearest neighbours "
        "that is 2a·max_k sin(2πk/K)/K, and for a balanced cycle of odd K a·cot(π/2K)/K."
    )
    section: ClassVar[str] = "6.4"
    tolerance: float = 1e-9
    gain: float = 1.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw c; nearest neighbours and the balanced cycle are first."""
        K = int(rng.integers(3, 13))
        c = rng.uniform(-0.5, 0.5, (trials, (K - 1) // 2))
        c[0] = 0.5 * (np.arange(c.shape[-1]) == 0)
        c[1:2] = 0.5
        return {"margins": c, "responses": np.full(trials, float(K))}

    def margin(self, x: Instances) -> FloatArray:
        """Compare with the eigenvalues of MJ, and the named cycles with their own formulas."""
        c, K = x["margins"], int(x["responses"][0])
        m = np.arange(1, c.shape[-1] + 1)
        ahead = np.zeros((len(c), K))
        ahead[:, m], ahead[:, K - m] = c, -c
        place = np.arange(K)
        M = ahead[:, (place[None, :] - place[:, None]) % K]
        J = covariance(np.full(K, 1.0 / K))
        seen = np.abs(np.linalg.eigvals(M @ J)).max(axis=-1)
        waves = np.sin(2.0 * np.pi * np.outer(place, m) / K)
        expected = np.abs(2.0 * c @ waves.T).max(axis=-1) / K
        near = 2.0 * c[:, 0] * np.sin(2.0 * np.pi * place / K).max() / K
        balanced = c[:, 0] / np.tan(np.pi / (2.0 * K)) / K
        expected = np.where((c[:, 1:] == 0.0).all(axis=-1), np.abs(near), expected)
        if K % 2:
            same = (c == c[:, :1]).all(axis=-1)
            expected = np.where(same, np.abs(balanced), expected)
        return agreement(seen, self.gain * expected, self.tolerance)


def _cycles(rng: np.random.Generator, trials: int, K: int) -> Instances:
    return {
        "advantage": draw.shares(rng, trials, high=0.45)[::-1] + 0.05,
        "alpha": draw.shares(rng, trials, high=0.9),
        "lam": draw.shares(rng, trials, high=0.9)[::-1] + 0.1,
        "start": draw.far_logits(rng, trials, K, 1, reach=5.0)[:, 0],
    }


def _sides(x: Instances, threshold: FloatArray, distance: float, rounds: int) -> FloatArray:
    """Return the smaller margin of the two sides of ``threshold`` in β, (n,)."""
    K = x["start"].shape[-1]
    loop = asim.FeedbackMap(
        asim.preferences.cyclic(K, advantage=x["advantage"])[:, None],
        beta=threshold[:, None] * np.array([1.0 - distance, 1.0 + distance]),
        alpha=x["alpha"][:, None],
        lam=x["lam"][:, None],
    )
    orbit = loop.run(start_logits=x["start"][:, None], rounds=rounds, keep="last")
    away = np.abs(orbit.final_logits[:, 0]).max(axis=-1)
    spread = np.sqrt(orbit.cycle_strength[:, 1])
    settles = np.log(SETTLED / np.maximum(away, 1e-300))
    moves = np.log(np.maximum(spread, 1e-300) / MOVING)
    return np.asarray(np.minimum(settles, moves))
