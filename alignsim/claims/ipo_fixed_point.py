"""The fixed point of MRS-IPO, the flow that leads to it, and its exact stability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alignsim import analysis, preferences, simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Instances, Scaled, agreement
from alignsim.feedback import FeedbackMap
from alignsim.simplex import centre, kl_divergence, mean_zero_basis, softmax
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class GapBox(Scaled):
    """Every gap in each of the first rounds, against the box that grows with them."""

    statement = (
        "Let MRS-IPO start at π_ref. In every round t and for all i, j the gap log(π_i/π_j) is "
        "that of π_ref plus a number in β(1 + α + … + α^(t−1))·[min_k d_k, max_k d_k], "
        "d = P_i − P_j; the sum is (1 − α^t)/(1 − α) for α < 1 and t for α = 1."
    )
    section = "6.1"
    rounding: float = 1e-10
    rounds: int = 40

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw maps; α = 1 and one opponent for ever, for whom the box is tight, are first."""
        K = int(rng.integers(2, 7))
        x = draw.feedback_maps(rng, trials, K)
        x["alpha"][2:6] = 1.0
        x["lam"][1:4] = 0.0
        x["offline"][1:4] = np.eye(K)[0]
        return x

    def margin(self, x: Instances) -> FloatArray:
        loop = draw.feedback_map(x)
        orbit = loop.run(start_logits=loop.reference_logits, rounds=self.rounds)
        risen = orbit.logits - loop.reference_logits[:, None]
        gaps = draw.gaps(risen)[:, 1:]
        rows = draw.row_gaps(x["P"])
        powers = x["alpha"][:, None] ** np.arange(self.rounds)
        pull = self.gain * x["beta"][:, None] * np.cumsum(powers, axis=-1)
        pull = pull[..., None, None]
        above = gaps - pull * rows.min(axis=-1)[:, None]
        below = pull * rows.max(axis=-1)[:, None] - gaps
        slack = np.minimum(above, below).min(axis=(-3, -2, -1))
        return np.asarray(slack / (x["beta"] * self.rounds) + self.rounding)


LARGEST_PULL = 30.0
"""Of ηλ‖ΠMΠ‖₂: the damped iteration takes some ½(ηλ‖ΠMΠ‖₂)² rounds a digit."""


@dataclass(frozen=True)
class UniqueFixedPoint(Scaled):
    """The ends of Newton's method and of the damped iteration, each from far starts."""

    statement = (
        "For α < 1, every P with P + Pᵀ = 1 and a full-support reference, MRS-IPO has exactly one "
        "fixed point. From every start the iteration z ← z + s(z_ref + ηMμ(z) − z) with "
        "s = 4/(8 + (ηλm)²), m = ‖ΠMΠ‖₂, η = β/(1−α), converges to it."
    )
    section = "6.2"
    tolerance: float = 1e-9
    coordination: float = 0.0
    """Times the identity, added to P."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(2, 7))
        x = draw.feedback_maps(rng, trials, K)
        pull = _pull(x)
        x["beta"] = x["beta"] * np.minimum(1.0, LARGEST_PULL / np.maximum(pull, 1e-300))
        return {**x, "start": draw.far_logits(rng, trials, K, 3)}

    def margin(self, x: Instances) -> FloatArray:
        """Return 1 minus the largest distance of two ends over the tolerance."""
        x = {**x, "P": x["P"] + self.coordination * np.eye(x["P"].shape[-1])}
        loop = draw.feedback_map(draw.each_start(x))
        every, starts = loop.with_start(start_logits=x["start"])
        solved = analysis.fixed_point(every, starts).logits
        step = 4.0 / (8.0 + _pull(x) ** 2)[:, None]
        damped = loop.replace(alpha=1.0 - step, beta=self.gain * step * loop.eta)
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
class FlowContraction(Scaled):
    """The velocity of KL(π* ‖ π) along the flow, at any policy."""

    statement = (
        "Along the flow ż = z_ref + ηMμ(z) − z with fixed point π*, at every policy π: "
        "d/dt KL(π* ‖ π) = −KL(π* ‖ π) − KL(π ‖ π*). So the flow converges from everywhere, and "
        "MRS-IPO, which is its Euler scheme with step 1 − α, oscillates by its step alone."
    )
    section = "6.2"
    tolerance: float = 1e-10

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(2, 7))
        x = draw.feedback_maps(rng, trials, K)
        return {**x, "logits": draw.far_logits(rng, trials, K, 1, reach=15.0)[:, 0]}

    def margin(self, x: Instances) -> FloatArray:
        """Compare a step of the map, divided by 1 − α, with both divergences."""
        loop = draw.feedback_map(x)
        fixed = analysis.fixed_point(loop).logits
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


@dataclass(frozen=True)
class ImaginaryRotation(Scaled):
    """Eigenvalues of the Jacobian of the score at any policy, fixed or not."""

    statement = (
        "For every P with P + Pᵀ = 1 and every policy π, the non-zero eigenvalues of MJ(π), "
        "J = diag π − ππᵀ, are pairs ±iω_k, the largest ω_k being ‖J^½MJ^½‖₂."
    )
    section = "6.3"
    tolerance: float = 1e-10
    """For ω² as a share of ‖M‖₂²/4, whose root is the largest ω there could be: a double zero
    costs an eigenvalue routine half of its digits, so squares are compared."""
    coordination: float = 0.0
    """Times the identity, added to P."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(3, 8))
        return {"P": draw.preferences(rng, trials, K), "policy": draw.policies(rng, trials, K)}

    def margin(self, x: Instances) -> FloatArray:
        """Compare the squares of all eigenvalues with negative numbers, the largest with ω².

        The root R = diag(√π)(I − √π√πᵀ) of J = RRᵀ keeps all digits.
        """
        tilted = x["P"] + self.coordination * np.eye(x["P"].shape[-1])
        loop = FeedbackMap.from_payoffs(tilted, beta=1.0)
        values = np.linalg.eigvals(loop.jacobian(x["policy"], basis="tangent"))
        squares = values.astype(complex) ** 2
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
class ThreeResponseOmega(Scaled):
    """ω of three responses, from the curl."""

    statement = "For K = 3: ω = |P_12 + P_23 + P_31 − 3/2|·√(π_1π_2π_3); so ω = 0 if P is additive."
    section = "6.3"
    tolerance: float = 1e-12

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw preferences and policies; additive P is first."""
        P = draw.preferences(rng, trials, 3)
        P[0] = preferences.additive([0.3, 0.0, -0.1])
        return {"P": P, "policy": draw.policies(rng, trials, 3)}

    def margin(self, x: Instances) -> FloatArray:
        P, policy = x["P"], x["policy"]
        expected = self.gain * np.abs(draw.curl(P)) * np.sqrt(policy.prod(axis=-1))
        return agreement(analysis.omega(P, np.log(policy)), expected, self.tolerance)


@dataclass(frozen=True)
class ExactMultipliers(Scaled):
    """The spectral radius of finite differences at the fixed point, against α² + (βλω)²."""

    statement = (
        "At the fixed point of MRS-IPO the largest modulus ρ of a multiplier has "
        "ρ² = α² + (βλω)², ω = ‖J^½MJ^½‖₂."
    )
    section = "6.3"
    tolerance: float = 1e-5
    step: float = 1e-4

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw maps; α = 0, λ = 0 and λ = 1 are among the first."""
        return draw.feedback_maps(rng, trials, int(rng.integers(3, 7)))

    def margin(self, x: Instances) -> FloatArray:
        """Compare the squares; a central difference of the round on mean-zero logits."""
        loop = draw.feedback_map(x)
        fixed = analysis.fixed_point(loop).logits
        E = mean_zero_basis(loop.responses)
        shifts = self.step * E.T
        starts = fixed[:, None, :] + np.concatenate([shifts, -shifts])
        ends = draw.feedback_map(draw.each_start(x)).step_logits(starts)
        ahead, behind = np.split(ends, 2, axis=1)
        jacobian = np.swapaxes((ahead - behind) @ E, -1, -2) / (2.0 * self.step)
        largest = np.abs(np.linalg.eigvals(jacobian)).max(axis=-1)
        signal = self.gain * x["beta"] * x["lam"] * analysis.omega(x["P"], fixed)
        scale = 1.0 + signal**2
        return agreement(largest**2 / scale, (x["alpha"] ** 2 + signal**2) / scale, self.tolerance)


@dataclass(frozen=True)
class ExactStability(Scaled):
    """What becomes of a small deviation, a little on either side of the boundary."""

    statement = (
        "At fixed η = β/(1−α) and λ the fixed point of MRS-IPO stays, and it is stable exactly for "
        "1 − α < 2/(1 + (ηλω)²): small deviations die out 0.3 % (of 1 − α) on this side of "
        "the boundary, and grow 0.3 % beyond it."
    )
    section = "6.3"
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
        direction = simplex.centre(rng.normal(size=(trials, K)))
        kept = {name: x[name] for name in ("P", "reference", "offline")}
        return {**kept, "lam": lam, "eta": eta, "direction": direction}

    def margin(self, x: Instances) -> FloatArray:
        """Return the least logarithm of the change beyond the one that is asked for."""
        fixed = analysis.fixed_point(draw.feedback_map(x)).logits
        c = self.gain * x["eta"] * x["lam"] * analysis.omega(x["P"], fixed)
        boundary = 2.0 / (1.0 + c**2)
        stable = self._growth(x, fixed, np.minimum(boundary * (1.0 - self.distance), 1.0))
        beyond = boundary * (1.0 + self.distance)
        unstable = self._growth(x, fixed, np.minimum(beyond, 1.0))
        grows = np.where(beyond <= 1.0, unstable, np.inf)
        return np.asarray(np.minimum(-stable, grows) - np.log(self.change))

    def _growth(self, x: Instances, fixed: FloatArray, free: FloatArray) -> FloatArray:
        """Return the logarithm of the growth of the deviation at α = 1 − ``free``, (n,)."""
        loop = draw.feedback_map(x, alpha=1.0 - free)
        start = fixed + self.size * x["direction"]
        end = loop.run(start_logits=start, rounds=self.rounds, keep="last").final_logits
        sizes = [np.linalg.norm(z - fixed, axis=-1) for z in (start, end)]
        return np.asarray(np.log(np.maximum(sizes[1], 1e-300) / sizes[0]))


RESPONSES = 31
"""Smaller games are contained: policies of small support do not see the other responses."""


@dataclass(frozen=True)
class RotationBound(Scaled):
    """ω of random, extremal and adversarially improved matrices, against the universal bound."""

    statement = (
        "For every K, P with P + Pᵀ = 1 and policy, ω = ‖J^½MJ^½‖₂ ≤ (2/π)·max|P_ij − ½| ≤ 1/π. So "
        "βλ ≤ π·√(1 − α²) is never locally unstable. Sharp for balanced cycles as K → ∞."
    )
    section = "6.3"
    ascents: int = 3

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw P and policies over 31 responses; balanced cycles, nearly extremal, are first."""
        K = RESPONSES
        P = draw.preferences(rng, trials, K)
        concentration = draw.log_uniform(rng, trials, 0.05, 1e3)
        weights = rng.gamma(concentration[:, None], size=(trials, K)) + 1e-100
        policy = weights / weights.sum(axis=-1, keepdims=True)
        improved = np.arange(trials) % 2 == 1
        for _ in range(self.ascents):
            P[improved] = _steepest(P[improved], policy[improved])
        P[:3] = preferences.cyclic(K, advantage=[0.5, 1e-6, 0.25])[:trials]
        policy[:3] = 1.0 / K
        return {"P": P, "policy": policy}

    def margin(self, x: Instances) -> FloatArray:
        omega = analysis.omega(x["P"], np.log(x["policy"]))
        largest = np.abs(x["P"] - 0.5).max(axis=(-2, -1))
        return np.asarray(1.0 - omega / (self.gain * 2.0 / np.pi * largest))


def _steepest(P: FloatArray, policy: FloatArray) -> FloatArray:
    """Return the P whose margins ±½ have the largest component in the fastest plane of ``P``."""
    q = np.sqrt(policy)[..., None]
    projection = np.eye(P.shape[-1]) - q * np.swapaxes(q, -1, -2)
    turn = projection @ (q * (P - 0.5) * np.swapaxes(q, -1, -2)) @ projection
    left, _, right = np.linalg.svd(turn)
    u, v = q[..., 0] * left[..., 0], q[..., 0] * right[..., 0, :]
    plane = u[:, :, None] * v[:, None, :]
    return np.asarray(0.5 + 0.5 * np.sign(plane - np.swapaxes(plane, -1, -2)))
