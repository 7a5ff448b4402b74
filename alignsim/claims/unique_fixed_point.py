"""The fixed point of MRS-IPO, and the flow that leads to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import alignsim as asim
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances
from alignsim.simplex import centre, kl_divergence, mean_zero_basis, softmax
from alignsim.validation import FloatArray

LARGEST_PULL = 30.0
"""Of ηλ‖ΠMΠ‖₂: the damped iteration takes some ½(ηλ‖ΠMΠ‖₂)² rounds a digit."""


@dataclass(frozen=True)
class UniqueFixedPoint(Claim):
    """The ends of Newton's method and of the damped iteration, each from far starts."""

    statement: ClassVar[str] = (
        "For α < 1, every P with P + Pᵀ = 1 and a full-support reference, MRS-IPO has exactly one "
        "fixed point. From every start the iteration z ← z + s(z_ref + ηMμ(z) − z) with "
        "s = 4/(8 + (ηλm)²), m = ‖ΠMΠ‖₂, η = β/(1−α), converges to it."
    )
    section: ClassVar[str] = "6.2"
    tolerance: float = 1e-9
    gain: float = 1.0
    coordination: float = 0.0
    """Times the identity, added to P."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw maps and three far starts each."""
        K = int(rng.integers(2, 7))
        x = draw.feedback_maps(rng, trials, K)
        pull = _pull(x)
        x["beta"] = x["beta"] * np.minimum(1.0, LARGEST_PULL / np.maximum(pull, 1e-300))
        return {**x, "start": draw.far_logits(rng, trials, K, 3)}

    def margin(self, x: Instances) -> FloatArray:
        """Return 1 minus the largest distance of two ends over the tolerance."""
        x = {**x, "P": x["P"] + self.coordination * np.eye(x["P"].shape[-1])}
        loop = draw.feedback_map(draw.each_start(x))
        solved = asim.analysis.fixed_point(
            loop.with_start(start_logits=x["start"])[0], x["start"]
        ).logits
        step = 4.0 / (8.0 + _pull(x) ** 2)
        eta = x["beta"] / (1.0 - x["alpha"])
        damped_x = {**x, "alpha": 1.0 - step, "beta": self.gain * step * eta}
        damped = draw.feedback_map(draw.each_start(damped_x))
        rounds = int(np.ceil(80.0 / step.min()))
        ends = damped.run(start_logits=x["start"], rounds=rounds, keep="last").final_logits
        found = np.concatenate([solved, ends], axis=1)
        apart = np.ptp(found, axis=1).max(axis=-1)
        return np.asarray(1.0 - apart / (self.tolerance * (1.0 + np.abs(found).max(axis=(1, 2)))))

    def counterexample(self) -> Instances:
        """Return a game of pure coordination: each response is a fixed point of its own."""
        return {
            "P": np.eye(3)[None],
            "beta": np.array([10.0]),
            "alpha": np.array([0.5]),
            "lam": np.array([1.0]),
            "reference": np.full((1, 3), 1.0 / 3.0),
            "offline": np.full((1, 3), 1.0 / 3.0),
            "start": 5.0 * np.eye(3)[None],
        }


@dataclass(frozen=True)
class FlowContraction(Claim):
    """The velocity of KL(π* ‖ π) along the flow, at any policy."""

    statement: ClassVar[str] = (
        "Along the flow ż = z_ref + ηMμ(z) − z with fixed point π*, at every policy π: "
        "d/dt KL(π* ‖ π) = −KL(π* ‖ π) − KL(π ‖ π*). So the flow converges from everywhere, and "
        "MRS-IPO, which is its Euler scheme with step 1 − α, oscillates by its step alone."
    )
    section: ClassVar[str] = "6.2"
    tolerance: float = 1e-10
    gain: float = 1.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw maps, and a policy each."""
        K = int(rng.integers(2, 7))
        x = draw.feedback_maps(rng, trials, K)
        return {**x, "logits": draw.far_logits(rng, trials, K, 1, reach=15.0)[:, 0]}

    def margin(self, x: Instances) -> FloatArray:
        """Compare a step of the map, divided by 1 − α, with both divergences."""
        loop = draw.feedback_map(x)
        fixed = asim.analysis.fixed_point(loop).logits
        z = centre(x["logits"])
        velocity = (loop.step_logits(z) - z) / (1.0 - x["alpha"])[:, None]
        change = -((softmax(fixed) - softmax(z)) * velocity).sum(axis=-1)
        expected = -(kl_divergence(fixed, z) + self.gain * kl_divergence(z, fixed))
        size = 1.0 + np.abs(z).max(axis=-1) + np.abs(fixed).max(axis=-1)
        return np.asarray(1.0 - np.abs(change - expected) / (self.tolerance * size))


def _pull(x: Instances) -> FloatArray:
    """Return ηλ‖ΠMΠ‖₂, (n,)."""
    E = mean_zero_basis(x["P"].shape[-1])
    norm = np.linalg.norm(E.T @ x["P"] @ E, 2, axis=(-2, -1))
    return np.asarray(x["beta"] * x["lam"] / (1.0 - x["alpha"]) * norm)
