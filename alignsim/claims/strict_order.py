"""What strict and weak strong transitivity do not rule out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import alignsim as asim
from alignsim.claims import instances as draw
from alignsim.claims import spectra
from alignsim.claims.contract import Claim, Instances, agreement
from alignsim.claims.relabelling import orders, relabelled
from alignsim.preferences import is_strictly_strongly_transitive
from alignsim.validation import FloatArray

ROUNDS = 4000


@dataclass(frozen=True)
class OrderedOscillation(Claim):
    """Three strictly ordered responses with a reference that leans against the order."""

    statement: ClassVar[str] = (
        "Strict strong transitivity does not rule out oscillation of MRS-IPO, already at K = 3: "
        "margins ½·(.9, 1, .91), log π_ref = −40·M·uniform, α = 0, β = 40, λ = 1 give ρ = 3.12, "
        "and orbits that never settle."
    )
    section: ClassVar[str] = "6.7"
    costly: ClassVar[bool] = True
    radius: float = 3.12
    digits: float = 5e-3
    strength: float = 0.01
    """Least time variance of the policy coordinate that varies most."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw relabelled and rescaled images and starts; the unstable point is not among them."""
        upper = np.array([[0.0, 0.45, 0.5], [0.0, 0.0, 0.455], [0.0, 0.0, 0.0]])
        return _images(rng, trials, upper - upper.T)

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of ρ and of the oscillation."""
        reference = asim.simplex.softmax(-40.0 * (x["P"] - 0.5).mean(axis=-1))
        return _oscillates(x, 40.0, reference, (self.radius, self.digits), (self.strength, np.inf))


@dataclass(frozen=True)
class OrderedOscillationFromUniform(Claim):
    """Three groups of strictly ordered responses with uniform references."""

    statement: ClassVar[str] = (
        "Strict strong transitivity does not rule out oscillation of MRS-IPO with uniform "
        "references either: for groups A, B, C of 1, 4 and 7 responses, margins .4995·[i in A, "
        "k in C] + 1e-5(k − i) rescaled to at most ½, α = 0, β = 21.846 and λ = 1, ρ = 1.069 and "
        "the best response's share cycles with a time variance of 9.8e-3."
    )
    section: ClassVar[str] = "6.7"
    costly: ClassVar[bool] = True
    radius: float = 1.069
    digits: float = 5e-4
    strength: float = 9.75e-3
    strongest: float = 9.85e-3

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw relabelled and rescaled images and starts; the unstable point is not among them."""
        place = np.arange(12)
        upper = np.triu(1e-5 * (place - place[:, None]), 1)
        upper[0, 5:] += 0.4995
        return _images(rng, trials, 0.5 * (upper - upper.T) / upper.max())

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of ρ and of the oscillation."""
        return _oscillates(
            x, 21.846, None, (self.radius, self.digits), (self.strength, self.strongest)
        )


@dataclass(frozen=True)
class TiedTopRows(Claim):
    """The ratio of two responses that nothing tells apart."""

    statement: ClassVar[str] = (
        "Two responses with identical rows of P keep the ratio of π_ref for ever, in MRS-IPO and "
        "MRS-DPO; from another start the log-ratio's distance to it is α^t times its first. So "
        "under weak strong transitivity tied top rows are never told apart."
    )
    section: ClassVar[str] = "6.7"
    tolerance: float = 1e-7
    gain: float = 1.0
    rounds: int = 30

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw any preferences and strict orders with the first row doubled; α = 0 and 1 first."""
        K = int(rng.integers(2, 6))
        P = draw.preferences(rng, trials, K, smallest=0.02)
        double = np.array([0, *range(K)])
        return {
            "P": P[:, double[:, None], double],
            "beta": draw.log_uniform(rng, trials, 0.1, 10.0),
            "alpha": draw.shares(rng, trials),
            "lam": draw.shares(rng, trials)[::-1],
            "reference": draw.policies(rng, trials, K + 1, smallest=1e-3),
            "offline": draw.policies(rng, trials, K + 1),
            "start": rng.normal(0.0, 2.0, (trials, K + 1)),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of the log-ratio in every round, of both objectives."""
        t = np.arange(self.rounds + 1)
        left = x["alpha"][:, None] ** t
        kept = np.log(x["reference"][:, 0] / x["reference"][:, 1])[:, None]
        first = (x["start"][:, 0] - x["start"][:, 1])[:, None]
        expected = left * first + (1.0 - left) * self.gain * kept
        slack = []
        for objective in ("ipo", "dpo"):
            loop = asim.FeedbackMap(
                x["P"],
                objective=objective,
                beta=x["beta"],
                alpha=x["alpha"],
                lam=x["lam"],
                reference=x["reference"],
                offline=x["offline"],
            )
            logits = loop.run(start_logits=x["start"], rounds=self.rounds).logits
            slack.append(agreement(logits[..., 0] - logits[..., 1], expected, self.tolerance))
        return np.minimum(*slack)


def _images(rng: np.random.Generator, trials: int, margins: FloatArray) -> Instances:
    """Return relabelled and rescaled images of margins (K, K), and random starts."""
    K = len(margins)
    return {
        "P": relabelled(0.5 + margins, orders(rng, trials, K)),
        "scale": draw.log_uniform(rng, trials, 0.1, 1.0)[::-1],
        "start": rng.normal(0.0, 1.0, (trials, K)),
    }


def _oscillates(
    x: Instances,
    beta: float,
    reference: FloatArray | None,
    radius: tuple[float, float],
    strength: tuple[float, float],
) -> FloatArray:
    """Return the slack of ρ (value, digits) and of a variance (low, high); −1 without order."""
    scale = x["scale"][:, None, None]
    P = 0.5 + scale * (x["P"] - 0.5)
    loop = asim.FeedbackMap(P, beta=beta / x["scale"], reference=reference)
    point = asim.analysis.fixed_point(loop).logits
    found = spectra.radius(loop, point)
    orbit = loop.run(start_logits=x["start"], rounds=ROUNDS, keep="last")
    variance = orbit.policy_variance.max(axis=-1)
    swing = np.minimum(variance / strength[0] - 1.0, 1.0 - variance / strength[1])
    slack = np.minimum(agreement(found, np.full_like(found, radius[0]), radius[1]), swing)
    return np.where(is_strictly_strongly_transitive(P), slack, -1.0)
