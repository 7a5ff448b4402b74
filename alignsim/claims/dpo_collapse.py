"""How far MRS-DPO collapses."""

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
class DPOCollapseBox(Claim):
    """Every gap of a fixed point between ordered responses."""

    statement: ClassVar[str] = (
        "Let P be strictly strongly transitive, α < 1 and η = β/(1−α). At every fixed point of "
        "MRS-DPO, i above j, log(π_i/π_j) exceeds that of π_ref by at least 4η·min_k (P_ik − P_jk)."
    )
    section: ClassVar[str] = "7"
    rounding: float = 1e-9
    gain: float = 4.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw orders, best response first; weak additive ones, which need the 4, are first."""
        K = int(rng.integers(2, 7))
        P = random_strictly_strongly_transitive(K, size=trials, rng=rng)
        P[:3] = asim.preferences.additive(np.linspace(1e-3, 0.0, K))
        return {
            "P": P,
            "eta": draw.log_uniform(rng, trials, 0.1, 30.0),
            "lam": draw.shares(rng, trials),
            "reference": draw.policies(rng, trials, K, smallest=1e-3),
            "offline": draw.policies(rng, trials, K),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the least slack of a gap, relative to η."""
        loop = asim.FeedbackMap(
            x["P"],
            objective="dpo",
            beta=x["eta"],
            lam=x["lam"],
            reference=x["reference"],
            offline=x["offline"],
        )
        pulled = asim.analysis.fixed_point(loop).logits - loop.reference_logits
        rows = (x["P"][:, :, None, :] - x["P"][:, None, :, :]).min(axis=-1)
        gaps = (pulled[:, :, None] - pulled[:, None, :]) / x["eta"][:, None, None]
        slack = np.where(rows > 0.0, gaps - self.gain * rows, np.inf)
        return np.asarray(slack.min(axis=(-2, -1)) + self.rounding)


@dataclass(frozen=True)
class DPOCollapseLimit(Claim):
    """The gaps of a collapsed fixed point."""

    statement: ClassVar[str] = (
        "For λ = 1 and a strict Condorcet winner 1 the gaps log(π_1/π_j) of the MRS-DPO fixed "
        "point, less those of π_ref, tend to η·logit P_1j as η → ∞, with an error that vanishes "
        "like η(1 − π_1)."
    )
    section: ClassVar[str] = "7"
    rounding: float = 1e-9
    gain: float = 1.0
    width: float = 1.5
    """Allowed error, in units of 1 − π_1 times the largest slope of logit in P."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw preferences with a Condorcet winner, the first response."""
        K = int(rng.integers(2, 6))
        P = draw.preferences(rng, trials, K, smallest=0.05)
        P[:, 0, 1:] = rng.uniform(0.55, 0.95, (trials, K - 1))
        P[:, 1:, 0] = 1.0 - P[:, 0, 1:]
        return {
            "P": P,
            "reference": draw.policies(rng, trials, K, smallest=1e-3),
            "distance": draw.log_uniform(rng, trials, 1e-15, 1e-4),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of the gaps, relative to η."""
        limit = np.log(x["P"][:, 0, 1:] / x["P"][:, 1:, 0])
        odds = np.log(x["reference"][:, 1:] / x["reference"][:, :1])
        eta = np.maximum(((odds - np.log(x["distance"])[:, None]) / limit).max(axis=-1), 1.0)
        loop = asim.FeedbackMap(x["P"], objective="dpo", beta=eta, reference=x["reference"])
        logits = asim.analysis.fixed_point(loop).logits
        pulled = (logits - loop.reference_logits) / eta[:, None]
        error = np.abs(pulled[:, :1] - pulled[:, 1:] - self.gain * limit).max(axis=-1)
        missing = asim.simplex.softmax(logits)[:, 1:].sum(axis=-1)
        steepest = (1.0 / (x["P"] * (1.0 - x["P"]))).max(axis=(-2, -1))
        return np.asarray(1.0 - error / (self.width * steepest * missing + self.rounding))
