"""How the three-cycle oscillates beyond its threshold: gently, at a known size and speed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import alignsim as asim
from alignsim.analysis.bifurcations.criticality import Criticality
from alignsim.analysis.orbits.rotation import birkhoff_weights
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances
from alignsim.feedback import FeedbackMap
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class ThreeCycleCriticality(Claim):
    """The general normal form at the threshold, against the closed one of the symmetric cycle."""

    statement: ClassVar[str] = (
        "For the three-cycle P = ½ ± a with uniform π_ref and π_off, and logits "
        "z_k = ζe^{2πik/3} + c.c., the first Lyapunov coefficient of MRS-IPO at the threshold is "
        "−3κ²/4, κ = aβλ/√3: every onset is supercritical."
    )
    section: ClassVar[str] = "6.4"
    tolerance: float = 1e-9
    gain: float = 1.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw a, α and λ; α = 0, where the rotation is a strong resonance, is first."""
        return _cycles(rng, trials, highest_alpha=0.99)

    def margin(self, x: Instances) -> FloatArray:
        """Compare at the uniform policy; −1 where the package does not call it supercritical."""
        kappa = np.sqrt(1.0 - x["alpha"] ** 2)
        form = asim.analysis.first_lyapunov_coefficient(_loop(x, kappa), np.zeros(3))
        gap = np.abs(form.coefficient.real + self.gain * 0.75 * kappa**2)
        gentle = form.criticality == Criticality.SUPERCRITICAL
        return np.where(gentle, 1.0 - gap / (self.tolerance * kappa**2), -1.0)


@dataclass(frozen=True)
class ThreeCycleOscillation(Claim):
    """Variance and mean rotation of long orbits."""

    statement: ClassVar[str] = (
        "Beyond that threshold, with ε = √(α² + κ²) − 1 small and α < 1: orbits of the three-cycle "
        "vary over time by 8ε/(27κ²) + O(ε²) a policy coordinate, and turn by "
        "θ + ε(−cot(3θ/2)/3 − 2α/(3κ)) + O(ε²) a round, θ = atan2(κ, α)."
    )
    section: ClassVar[str] = "6.4"
    costly: ClassVar[bool] = True
    size_gain: float = 1.0
    turn_gain: float = 1.0
    excess: float = 1e-3
    remainder: float = 1.2
    """The variance may be off by this multiple of ε, relative to itself; the rotation by this
    multiple of ε²/κ²: nearer to α = 1 its series in ε is one in ε/κ."""
    settling: int = 20_000
    window: int = 4_000

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw a, α up to 0.9 and λ, with a start; α = 0 is first."""
        start = draw.far_logits(rng, trials, 3, 1, reach=2.0)[:, 0]
        return {**_cycles(rng, trials, highest_alpha=0.9), "start": start}

    def margin(self, x: Instances) -> FloatArray:
        """Return the smaller slack of both predictions, as a share of the remainder allowed."""
        alpha, epsilon = x["alpha"], self.excess
        kappa = np.sqrt((1.0 + epsilon) ** 2 - alpha**2)
        theta = np.arctan2(kappa, alpha)
        orbit = _loop(x, kappa).run(
            start_logits=x["start"],
            rounds=self.settling + self.window,
            burn_in=self.settling,
            keep=range(self.settling, self.settling + self.window + 1),
        )
        size = self.size_gain * 8.0 * epsilon / (27.0 * kappa**2)
        off_size = np.abs(orbit.cycle_strength / size - 1.0) / epsilon
        wave = orbit.logits @ np.exp(-2j * np.pi * np.arange(3) / 3.0)
        turns = np.abs(np.angle(wave[:, 1:] / wave[:, :-1]) @ birkhoff_weights(self.window))
        bend = -1.0 / np.tan(1.5 * theta) / 3.0 - 2.0 * alpha / (3.0 * kappa)
        expected = theta + self.turn_gain * epsilon * bend
        off_turn = np.abs(turns - expected) * kappa**2 / epsilon**2
        return np.asarray(1.0 - np.maximum(off_size, off_turn) / self.remainder)


def _cycles(rng: np.random.Generator, trials: int, *, highest_alpha: float) -> Instances:
    return {
        "advantage": draw.shares(rng, trials, high=0.45)[::-1] + 0.05,
        "alpha": draw.shares(rng, trials, high=highest_alpha),
        "lam": draw.shares(rng, trials, high=0.9)[::-1] + 0.1,
    }


def _loop(x: Instances, kappa: FloatArray) -> FeedbackMap:
    """Return the three-cycles with multipliers α ± iκ."""
    return FeedbackMap(
        asim.preferences.cyclic(3, advantage=x["advantage"]),
        beta=np.sqrt(3.0) * kappa / (x["advantage"] * x["lam"]),
        alpha=x["alpha"],
        lam=x["lam"],
    )
