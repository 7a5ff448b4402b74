"""MRS-DPO on cycles of responses: where it starts to oscillate, how, and how it stops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alignsim import analysis
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement, least
from alignsim.claims.spectra import radius
from alignsim.feedback import FeedbackMap
from alignsim.preferences import cyclic
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class DPOCycleThreshold(Claim):
    """ρ at the uniform policy, and small perturbations on both sides of the threshold."""

    statement = (
        "For the odd-K circulant with margin a and uniform references MRS-DPO is unstable at the "
        "uniform policy exactly if α² + (4aβλ cot(π/2K)/K)² > 1; K = 3: α² + (16/3)a²β²λ² > 1. In "
        "β that is four times below MRS-IPO."
    )
    section = "7"
    costly = True
    tolerance: float = 1e-9
    gain: float = 4.0
    rounds: int = 2000

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw circulants and starts near the uniform policy; α = 0 and λ = 1 are first."""
        K = int(rng.choice([3, 3, 5, 7, 9]))
        return {
            "P": cyclic(K, advantage=draw.log_uniform(rng, trials, 0.01, 0.45)),
            "alpha": draw.shares(rng, trials, high=0.95),
            "lam": 1.0 - draw.shares(rng, trials, high=0.8),
            "start": 1e-6 * rng.normal(size=(trials, K)),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of ρ at the threshold, and of decay and growth at β ∓ 2 or 3 %."""
        K = x["P"].shape[-1]
        apart = 0.02 if K == 3 else 0.03
        speed = self.gain * (x["P"][:, 0, 1] - 0.5) * x["lam"] / (K * np.tan(np.pi / (2 * K)))
        beta = np.sqrt(1.0 - x["alpha"] ** 2) / speed
        loop = draw.feedback_map(x, "dpo", beta=beta)
        found = radius(loop, np.zeros_like(x["start"]))
        slack = [agreement(found, 1.0, self.tolerance)]
        for side in (-1.0, 1.0):
            beyond = loop.replace(beta=beta * (1.0 + side * apart))
            end = beyond.run(start_logits=x["start"], rounds=self.rounds, keep="last").final_logits
            growth = np.linalg.norm(end, axis=-1) / np.linalg.norm(x["start"], axis=-1)
            slack.append(side * np.log(np.maximum(growth, 1e-300)) / self.rounds)
        return least(*slack)


@dataclass(frozen=True)
class DPOCriticality(Claim):
    """The first Lyapunov coefficient at the threshold."""

    statement = (
        "At the threshold of MRS-DPO's symmetric three-cycle with margin a the first Lyapunov "
        "coefficient is κ_D²(4a²λ² − ¾), κ_D = 4aβλ/√3 (z_k = ζe^{2πik/3} + c.c.): the onset is "
        "gentle for aλ < √3/4 and hard above."
    )
    section = "7"
    tolerance: float = 1e-7
    gain: float = 4.0
    """Of a²λ²; the sign changes at aλ = √(¾/gain)."""
    level: float = 0.75

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw three-cycles at their thresholds; both sides of the sign change are first."""
        a, lam = rng.uniform(0.05, 0.49, trials), 1.0 - draw.shares(rng, trials, high=0.8)
        a[0], lam[0] = np.sqrt(3.0) / 4.0 - 1e-3, 1.0
        a[1], lam[1] = np.sqrt(3.0) / 4.0 + 1e-3, 1.0
        alpha = 0.05 + 0.9 * draw.shares(rng, trials)
        return {"advantage": a, "lam": lam, "alpha": alpha}

    def margin(self, x: Instances) -> FloatArray:
        square = 1.0 - x["alpha"] ** 2
        strength = x["advantage"] * x["lam"]
        loop = draw.three_cycle(x, np.sqrt(square), "dpo")
        uniform = np.zeros((loop.size, 3))
        found = analysis.first_lyapunov_coefficient(loop, uniform).coefficient.real
        expected = square * (self.gain * strength**2 - self.level)
        return agreement(found, expected, self.tolerance)


@dataclass(frozen=True)
class DPOAmplitude(Scaled):
    """The size of the cycle just beyond a gentle onset."""

    statement = (
        "Just beyond the threshold of MRS-DPO's symmetric three-cycle, ε = ρ − 1 and aλ < √3/4, "
        "the time variance of a policy coordinate is (2/9)ε/(κ_D²(¾ − 4a²λ²)) to first order in ε, "
        "κ_D = 4aβλ/√3."
    )
    section = "7"
    costly = True
    width: float = 4.0
    """Allowed relative error in units of ε/κ_D²."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw three-cycles with aλ ≤ .3 and starts of the predicted size or so."""
        return {
            "advantage": rng.uniform(0.05, 0.3, trials),
            "alpha": draw.shares(rng, trials, high=0.8),
            "excess": draw.log_uniform(rng, trials, 2e-4, 1e-3),
            "start": 0.05 * rng.normal(size=(trials, 3)),
        }

    def margin(self, x: Instances) -> FloatArray:
        square = (1.0 + x["excess"]) ** 2 - x["alpha"] ** 2
        loop = draw.three_cycle(x, np.sqrt(square), "dpo")
        orbit = loop.run(start_logits=x["start"], rounds=60_000, keep="last", burn_in=50_000)
        expected = (2.0 / 9.0) * x["excess"] / (square * (0.75 - 4.0 * x["advantage"] ** 2))
        error = np.abs(orbit.cycle_strength / (self.gain * expected) - 1.0)
        return np.asarray(1.0 - error * square / (self.width * x["excess"]))


@dataclass(frozen=True)
class DPOHysteresis(Claim):
    """A cycle that is followed below the threshold."""

    statement = (
        "Where the onset of MRS-DPO's symmetric three-cycle is hard (aλ > √3/4), the cycle lives "
        "on beside the stable uniform policy. At α = .5, λ = 1 it ends between ρ = .9980 and .9981 "
        "for a = .45, and between .988 and .990 for a = .47; below, orbits converge."
    )
    section = "7"
    status = "seen"
    costly = True
    advantages: tuple[float, float] = (0.45, 0.47)
    ends: tuple[float, float] = (0.998, 0.988)
    """ρ at and below which there is no cycle."""
    begins: tuple[float, float] = (0.9981, 0.990)
    """ρ from which on there is one."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw which cycle, its direction, and two ρ, of which the limits come first."""
        kind = np.arange(trials) % 2
        share = draw.shares(rng, trials)
        share[:4] = 0.0
        return {
            "P": draw.relabelled(cyclic(3, advantage=0.5), draw.orders(rng, trials, 3)),
            "kind": kind.astype(float),
            "share": share,
            "start": rng.normal(0.0, 2.0, (trials, 3)),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of the cycle above, and of convergence below and from nearby."""
        kind = x["kind"].astype(int)
        a = np.array(self.advantages)[kind]
        begins, ends = np.array(self.begins)[kind], np.array(self.ends)[kind]
        above = begins + x["share"] * (0.9995 - begins)
        below = ends - 0.01 * x["share"]
        loop = FeedbackMap(
            0.5 + 2.0 * a[:, None, None] * (x["P"] - 0.5), objective="dpo", beta=1.0, alpha=0.5
        )

        def at(rho: FloatArray | float) -> FeedbackMap:
            return loop.replace(beta=np.sqrt(3.0 * (rho**2 - 0.25)) / (4.0 * a))

        logits = at(1.002).run(start_logits=x["start"], rounds=10_000, keep="last").final_logits
        for share in (0.25, 0.5, 0.75):
            lower = at(1.0 + share * (above - 1.0))
            logits = lower.run(start_logits=logits, rounds=2000, keep="last").final_logits
        cycling = at(above).run(start_logits=logits, rounds=20_000, keep="last")
        near = at(above).run(start_logits=1e-3 * x["start"], rounds=20_000, keep="last")
        ended = at(below).run(start_logits=cycling.final_logits, rounds=20_000, keep="last")
        left = np.maximum(np.abs(near.final_logits), np.abs(ended.final_logits)).max(axis=-1)
        return np.minimum(cycling.cycle_strength / 1e-3 - 1.0, 1.0 - left / 1e-3)
