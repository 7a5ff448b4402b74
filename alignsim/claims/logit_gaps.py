"""How the gaps of the IPO optimum answer to sampling that is tilted upward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import alignsim as asim
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances
from alignsim.preferences import random_strictly_strongly_transitive
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class LogitGapGrowth(Claim):
    """Gaps before and after an upward shift, where the rows' difference falls along the order."""

    statement: ClassVar[str] = (
        "Order the responses from best to worst. If μ' dominates μ (Σ_{k≤m} (μ' − μ)_k ≥ 0 for "
        "all m) and d_k = P_ik − P_jk does not increase with k, then log(π_i/π_j) of the IPO "
        "optimum does not fall from μ to μ'."
    )
    source: ClassVar[str] = "paper"
    section: ClassVar[str] = "5"
    rounding: float = 1e-9
    sign: float = 1.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw transitive matrices and upward shifts; no shift at all is first."""
        K = int(rng.integers(3, 7))
        sampler = draw.policies(rng, trials, K, smallest=1e-3)
        moved = sampler.copy()
        for _ in range(2):
            up = rng.integers(0, K - 1, trials)
            down = up + 1 + rng.integers(0, K - 1 - up)
            row = np.arange(trials)
            share = rng.uniform(0.0, 1.0, trials) * moved[row, down]
            share[0] = 0.0
            moved[row, down] -= share
            moved[row, up] += share
        return {
            "P": random_strictly_strongly_transitive(K, size=trials, rng=rng),
            "sampler": sampler,
            "moved": moved,
            "beta": draw.log_uniform(rng, trials, 0.1, 10.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the least growth of a gap whose rows meet the condition."""
        growth = _gap_growth(x)
        rows = x["P"][:, :, None, :] - x["P"][:, None, :, :]
        falls = (np.diff(rows, axis=-1) <= 1e-15).all(axis=-1)
        wanted = np.where(falls, self.sign * growth, np.inf)
        return np.asarray(wanted.min(axis=(-2, -1)) + self.rounding * x["beta"])


@dataclass(frozen=True)
class LogitGapNoGo(Claim):
    """The weighted sum of the growths of neighbouring gaps."""

    statement: ClassVar[str] = (
        "For any P and shift δ = μ' − μ with partial sums F_m, Σ_m F_m·Δlog(π_m/π_{m+1}) = 0: no "
        "upward shift enlarges all neighbouring gaps with F_m > 0."
    )
    section: ClassVar[str] = "5"
    tolerance: float = 1e-9
    tilt: float = 0.0
    """Added to the diagonal, so that P + Pᵀ ≠ 1."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw mixed preferences and any two samplers."""
        K = int(rng.integers(2, 7))
        return {
            "P": draw.preferences(rng, trials, K),
            "sampler": draw.policies(rng, trials, K),
            "moved": draw.policies(rng, trials, K)[::-1],
            "beta": draw.log_uniform(rng, trials, 0.1, 10.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of the identity, relative to β."""
        shift = x["moved"] - x["sampler"]
        partial = np.cumsum(shift, axis=-1)[:, :-1]
        P = x["P"] + self.tilt * np.eye(x["P"].shape[-1])
        growth = x["beta"][:, None] * (P @ shift[..., None])[..., 0]
        neighbours = growth[:, :-1] - growth[:, 1:]
        total = (partial * neighbours).sum(axis=-1)
        return np.asarray(1.0 - np.abs(total) / (self.tolerance * x["beta"]))


@dataclass(frozen=True)
class ThreeResponseGaps(Claim):
    """The two neighbouring gaps of K = 3 against the curl."""

    statement: ClassVar[str] = (
        "For K = 3, c = P_12 + P_23 + P_31 − 3/2 and a shift δ of the sampler: Δlog(π_1/π_2) = "
        "−βcδ_3 and Δlog(π_2/π_3) = −βcδ_1. Bradley-Terry preferences have c > 0, so that upward "
        "shifts widen the top gap and narrow the bottom one."
    )
    section: ClassVar[str] = "5"
    tolerance: float = 1e-8
    gain: float = 1.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw mixed preferences and any two samplers."""
        return {
            "P": draw.preferences(rng, trials, 3),
            "sampler": draw.policies(rng, trials, 3, smallest=1e-3),
            "moved": draw.policies(rng, trials, 3, smallest=1e-3)[::-1],
            "beta": draw.log_uniform(rng, trials, 0.1, 10.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of both equations, relative to β."""
        growth = _gap_growth(x)
        P, shift = x["P"], x["moved"] - x["sampler"]
        curl = self.gain * (P[:, 0, 1] + P[:, 1, 2] + P[:, 2, 0] - 1.5) * x["beta"]
        top = np.abs(growth[:, 0, 1] + curl * shift[:, 2])
        bottom = np.abs(growth[:, 1, 2] + curl * shift[:, 0])
        return np.asarray(1.0 - np.maximum(top, bottom) / (self.tolerance * x["beta"]))


def _gap_growth(x: Instances) -> FloatArray:
    """Return how log(π_i/π_j) of the IPO optimum grows from one sampler to the other: (n, K, K)."""
    before = asim.ipo_optimum(x["P"], x["sampler"], beta=x["beta"])
    after = asim.ipo_optimum(x["P"], x["moved"], beta=x["beta"])
    growth = np.log(after) - np.log(before)
    return np.asarray(growth[:, :, None] - growth[:, None, :])
