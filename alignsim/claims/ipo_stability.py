"""Multipliers of MRS-IPO: where they lie, how fast orbits turn, when a fixed point is stable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import alignsim as asim
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, agreement
from alignsim.feedback import FeedbackMap
from alignsim.simplex import mean_zero_basis
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class ImaginaryRotation(Claim):
    """Eigenvalues of the Jacobian of the score at any policy, fixed or not."""

    statement: ClassVar[str] = (
        "For every P with P + Pᵀ = 1 and every policy π, the non-zero eigenvalues of MJ(π), "
        "J = diag π − ππᵀ, are pairs ±iω_k, the largest ω_k being ‖J^½MJ^½‖₂."
    )
    section: ClassVar[str] = "6.3"
    tolerance: float = 1e-10
    """For ω² as a share of ‖M‖₂²/4, whose root is the largest ω there could be: a double zero
    costs an eigenvalue routine half of its digits, so squares are compared."""
    gain: float = 1.0
    coordination: float = 0.0
    """Times the identity, added to P."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw preferences and policies of every kind."""
        K = int(rng.integers(3, 8))
        return {"P": draw.preferences(rng, trials, K), "policy": draw.policies(rng, trials, K)}

    def margin(self, x: Instances) -> FloatArray:
        """Compare the squares of all eigenvalues with negative numbers, the largest with ω².

        The root R = diag(√π)(I − √π√πᵀ) of J = RRᵀ keeps all digits.
        """
        tilted = x["P"] + self.coordination * np.eye(x["P"].shape[-1])
        loop = FeedbackMap.from_payoffs(tilted, beta=1.0)
        squares = (
            np.linalg.eigvals(loop.jacobian(x["policy"], basis="tangent")).astype(complex) ** 2
        )
        q = np.sqrt(x["policy"])[..., None]
        root = q * (np.eye(q.shape[1]) - q * np.swapaxes(q, -1, -2))
        turn = np.swapaxes(root, -1, -2) @ (x["P"] - 0.5) @ root
        omega = self.gain * np.linalg.norm(turn, 2, axis=(-2, -1))
        scale = 0.25 * np.linalg.norm(x["P"] - 0.5, 2, axis=(-2, -1)) ** 2
        off_line = np.maximum(np.abs(squares.imag), squares.real).max(axis=-1)
        off_size = np.abs(np.abs(squares).max(axis=-1) - omega**2)
        return np.asarray(1.0 - np.maximum(off_line, off_size) / (self.tolerance * scale))

    def counterexample(self) -> Instances:
        """Return a game of pure coordination, which has real eigenvalues."""
        return {"P": np.eye(3)[None], "policy": np.full((1, 3), 1.0 / 3.0)}


@dataclass(frozen=True)
class ThreeResponseOmega(Claim):
    """ω of three responses, from the curl."""

    statement: ClassVar[str] = (
        "For K = 3: ω = |P_12 + P_23 + P_31 − 3/2|·√(π_1π_2π_3); so ω = 0 if P is additive."
    )
    section: ClassVar[str] = "6.3"
    tolerance: float = 1e-12
    gain: float = 1.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw preferences and policies; additive P is first."""
        P = draw.preferences(rng, trials, 3)
        P[0] = asim.preferences.additive([0.3, 0.0, -0.1])
        return {"P": P, "policy": draw.policies(rng, trials, 3)}

    def margin(self, x: Instances) -> FloatArray:
        """Compare with the ω that the package computes for every K."""
        P, policy = x["P"], x["policy"]
        curl = P[:, 0, 1] + P[:, 1, 2] + P[:, 2, 0] - 1.5
        expected = self.gain * np.abs(curl) * np.sqrt(policy.prod(axis=-1))
        return agreement(asim.analysis.omega(P, np.log(policy)), expected, self.tolerance)


@dataclass(frozen=True)
class ExactMultipliers(Claim):
    """The spectral radius of finite differences at the fixed point, against α² + (βλω)²."""

    statement: ClassVar[str] = (
        "At the fixed point of MRS-IPO the largest modulus ρ of a multiplier has "
        "ρ² = α² + (βλω)², ω = ‖J^½MJ^½‖₂."
    )
    section: ClassVar[str] = "6.3"
    tolerance: float = 1e-5
    gain: float = 1.0
    step: float = 1e-4

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw maps; α = 0, λ = 0 and λ = 1 are among the first."""
        return draw.feedback_maps(rng, trials, int(rng.integers(3, 7)))

    def margin(self, x: Instances) -> FloatArray:
        """Compare the squares; a central difference of the round on mean-zero logits."""
        loop = draw.feedback_map(x)
        fixed = asim.analysis.fixed_point(loop).logits
        E = mean_zero_basis(loop.responses)
        shifts = self.step * E.T
        starts = fixed[:, None, :] + np.concatenate([shifts, -shifts])
        ends = draw.feedback_map(draw.each_start(x)).step_logits(starts)
        ahead, behind = np.split(ends, 2, axis=1)
        jacobian = np.swapaxes((ahead - behind) @ E, -1, -2) / (2.0 * self.step)
        largest = np.abs(np.linalg.eigvals(jacobian)).max(axis=-1)
        signal = self.gain * x["beta"] * x["lam"] * asim.analysis.omega(x["P"], fixed)
        scale = 1.0 + signal**2
        return agreement(largest**2 / scale, (x["alpha"] ** 2 + signal**2) / scale, self.tolerance)


@dataclass(frozen=True)
class ExactStability(Claim):
    """What becomes of a small deviation, a little on either side of the boundary."""

    statement: ClassVar[str] = (
        "At fixed η = β/(1−α) and λ the fixed point of MRS-IPO stays, and it is stable exactly for "
        "1 − α < 2/(1 + (ηλω)²): small deviations die out 0.3 % (of 1 − α) on this side of "
        "the boundary, and grow 0.3 % beyond it."
    )
    section: ClassVar[str] = "6.3"
    gain: float = 1.0
    distance: float = 0.003
    size: float = 1e-6
    """Of the deviation at the start."""
    change: float = 10.0
    """By which it must have shrunk or grown."""
    rounds: int = 60_000

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw systems by η ≤ 16/λ, with a direction; ω ≤ 1/π then bounds ηλω by about 5."""
        K = int(rng.integers(3, 7))
        x = draw.feedback_maps(rng, trials, K)
        lam = np.maximum(x["lam"], 0.05)
        eta = draw.log_uniform(rng, trials, 1.0, 16.0)[::-1] / lam
        direction = asim.simplex.centre(rng.normal(size=(trials, K)))
        kept = {name: x[name] for name in ("P", "reference", "offline")}
        return {**kept, "lam": lam, "eta": eta, "direction": direction}

    def margin(self, x: Instances) -> FloatArray:
        """Return the least logarithm of the change beyond the one that is asked for."""
        at_zero = {**x, "alpha": np.zeros_like(x["eta"]), "beta": x["eta"]}
        fixed = asim.analysis.fixed_point(draw.feedback_map(at_zero)).logits
        c = self.gain * x["eta"] * x["lam"] * asim.analysis.omega(x["P"], fixed)
        boundary = 2.0 / (1.0 + c**2)
        stable = self._growth(x, fixed, np.minimum(boundary * (1.0 - self.distance), 1.0))
        beyond = boundary * (1.0 + self.distance)
        unstable = self._growth(x, fixed, np.minimum(beyond, 1.0))
        grows = np.where(beyond <= 1.0, unstable, np.inf)
        return np.asarray(np.minimum(-stable, grows) - np.log(self.change))

    def _growth(self, x: Instances, fixed: FloatArray, free: FloatArray) -> FloatArray:
        """Return the logarithm of the growth of the deviation at α = 1 − ``free``, (n,)."""
        loop = draw.feedback_map({**x, "alpha": 1.0 - free, "beta": x["eta"] * free})
        start = fixed + self.size * x["direction"]
        end = loop.run(start_logits=start, rounds=self.rounds, keep="last").final_logits
        sizes = [np.linalg.norm(z - fixed, axis=-1) for z in (start, end)]
        return np.asarray(np.log(np.maximum(sizes[1], 1e-300) / sizes[0]))
