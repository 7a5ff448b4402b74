"""Samplers of a stage: how fast one gradient step a round learns, and where it leads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from alignsim import preferences
from alignsim.analysis import fixed_point, stability
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement, least
from alignsim.feedback import FeedbackMap
from alignsim.objectives import optimum
from alignsim.objectives.samplers.learning import (
    learning_errors,
    learning_step,
    learning_weights,
)
from alignsim.objectives.samplers.table import sampler_weights
from alignsim.preferences import bradley_terry_residual
from alignsim.validation import FloatArray

ROUNDS = 3


def _rewards(rng: np.random.Generator, trials: int) -> FloatArray:
    """Return rewards (n, K) in [0, 1], every other one at corners; the first is (1, 0, ...)."""
    K = int(rng.integers(2, 12))
    rewards = rng.uniform(0.0, 1.0, (trials, K))
    rewards[::2] = rewards[::2] > 0.5
    rewards[0] = np.arange(K) == 0
    return rewards


@dataclass(frozen=True)
class LearningRates(Claim):
    """The bounds of Shi et al. against the exact rule, and rewards outside [0, 1]."""

    statement = (
        "For rewards r in [0, 1] one gradient step a round from the reference, of length 1/(β²K), "
        "leaves after T rounds max_ij |Δr_ij − Δu_ij| ≤ .588^T with uniform pairs (weights 4), "
        "≤ .5^(2^T − 1) with Mix-R (1/σ'(Δr)) and ≤ .611^(2^T − 1) with Mix-P (1/σ'(Δu)), T ≤ 3."
    )
    source = "literature"
    status = "checked"
    section = "11.3"
    uniform: float = 0.588
    mix_r: float = 0.5
    mix_p: float = 0.611

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {"rewards": _rewards(rng, trials)}

    def margin(self, x: Instances) -> FloatArray:
        T = np.arange(1.0, ROUNDS + 1.0)
        bounds = {
            "uniform": self.uniform**T,
            "mix_r": self.mix_r ** (2.0**T - 1.0),
            "mix_p": self.mix_p ** (2.0**T - 1.0),
        }
        found = {name: learning_errors(x["rewards"], name, ROUNDS)[:, 1:] for name in bounds}
        return least(*((bounds[name] - found[name]).min(axis=-1) for name in bounds))

    def counterexample(self) -> Instances:
        """Return rewards that reach from 0 to 8."""
        return {"rewards": np.array([[8.0, 0.0], [8.0, 4.0]])}


@dataclass(frozen=True)
class LearningErrors(Claim):
    """The errors of three rounds against their maxima, which the corners of [0, 1]^K reach."""

    statement = (
        "These errors are largest where r is a corner of [0, 1]^K: at T = 1, 2, 3 at most "
        ".0757657, .0151477, .0031932 with uniform pairs, .1752012, .0072292, 1.2087e-5 with "
        "Mix-R, and .0757657, .0012545, 3.6331e-7 with Mix-P."
    )
    status = "checked"
    section = "11.3"
    uniform: tuple[float, ...] = (0.0757657, 0.0151478, 0.0031933)
    mix_r: tuple[float, ...] = (0.1752012, 0.0072293, 1.2087e-5)
    mix_p: tuple[float, ...] = (0.0757657, 0.0012546, 3.6331e-7)
    """Rounded up."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {"rewards": _rewards(rng, trials)}

    def margin(self, x: Instances) -> FloatArray:
        slacks = []
        for name in ("uniform", "mix_r", "mix_p"):
            errors = learning_errors(x["rewards"], name, ROUNDS)[:, 1:]
            slacks.append((1.0 - errors / np.array(getattr(self, name))).min(axis=-1))
        return least(*slacks)


@dataclass(frozen=True)
class MixPRests(Claim):
    """Where DPO with Mix-P rests, beside where it rests with uniform pairs."""

    statement = (
        "A round of DPO with Mix-P and a fixed reference rests where Σ_j (P_ij − σ(u_ij))/σ'(u_ij) "
        "= 0, u_ij = u_i − u_j, u = log(π/π_ref)/β. For K = 3 that is where it rests with uniform "
        "pairs exactly if P is Bradley-Terry or all win rates are ½."
    )
    section = "11.3"
    tolerance: float = 1e-8
    bend: float = 1.0
    """The power of 1/σ'."""
    clear: float = 0.05
    """Misfit to Bradley-Terry, and spread of the win rates, from which a difference must show."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        P = draw.preferences(rng, trials, 3, smallest=0.05)
        P[::3] = preferences.bradley_terry(rng.uniform(-1.0, 1.0, (len(P[::3]), 3)))
        P[0] = preferences.cyclic(3, advantage=0.3)
        return {
            "P": P,
            "reference": draw.policies(rng, trials, 3, smallest=1e-3),
            "beta": draw.log_uniform(rng, trials, 0.1, 5.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        P, beta = x["P"], x["beta"]
        loop = FeedbackMap(P, objective="dpo", beta=beta, sampler="mix_p", reference=x["reference"])
        u = (fixed_point(loop).logits - loop.reference_logits) / beta[:, None]
        win = expit(draw.gaps(u))
        left = ((P - win) / (win * (1.0 - win)) ** self.bend).sum(axis=-1)
        rests = agreement(left, 0.0, self.tolerance)
        uniform = optimum("dpo", P, pair_weights=np.ones((3, 3)), beta=1.0)
        apart = np.ptp(u - np.log(uniform), axis=-1)
        residual, wins = bradley_terry_residual(P), np.ptp(P.sum(axis=-1), axis=-1)
        alike = (residual < 1e-9) | (wins < 1e-9)
        clear = (residual > self.clear) & (wins > self.clear)
        told = np.where(clear, np.log10(np.maximum(apart, 1e-300) / self.tolerance), np.inf)
        spread = np.where(alike, 1.0 - apart / self.tolerance, told)
        return least(rests, spread)


@dataclass(frozen=True)
class MixPStepDerivative(Scaled):
    """The derivative of a step with Mix-P at its rest point, by finite differences."""

    statement = (
        "At a rest point the step u_i + (1/K)Σ_j (P_ij − σ_ij)/σ'_ij has the derivative "
        "−Lap(R_ij σ''_ij/σ'_ij²)/K on mean-zero vectors, R = P − σ: 0, so that rewards are "
        "learned quadratically, if P is Bradley-Terry, and else linearly."
    )
    section = "11.3"
    tolerance: float = 1e-6

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(3, 6))
        P = draw.preferences(rng, trials, K, smallest=0.05)
        P[::4] = preferences.bradley_terry(rng.uniform(-1.0, 1.0, (len(P[::4]), K)))
        along = rng.normal(size=(trials, K))
        return {"P": P, "along": along - along.mean(axis=-1, keepdims=True)}

    def margin(self, x: Instances) -> FloatArray:
        P, along = x["P"], x["along"]
        loop = FeedbackMap(P, objective="dpo", beta=1.0, sampler="mix_p")
        u = fixed_point(loop).logits
        h = 1e-3
        steps = [h, -h, 2.0 * h, -2.0 * h]
        near, back, far, farther = (_mix_p_step(u + step * along, P) for step in steps)
        found = (8.0 * (near - back) - (far - farther)) / (12.0 * h)
        win = expit(draw.gaps(u))
        slope = win * (1.0 - win)
        bend = self.gain * (P - win) * (1.0 - 2.0 * win) / slope
        K = P.shape[-1]
        expected = -draw.product(draw.laplacian(bend), along) / K
        return agreement(found, expected, self.tolerance)


def _mix_p_step(implied: FloatArray, P: FloatArray) -> FloatArray:
    return learning_step(implied, P, learning_weights("mix_p", implied, implied))


@dataclass(frozen=True)
class MixPForgetsBeta(Claim):
    """The spectral radius of loops with Mix-P at two strengths of the signal."""

    statement = (
        "With Mix-P a loop of DPO or IPO has the same multipliers for every β > 0: in "
        "y = (z − z_ref)/β a round is y' = αy + v(w((1−α)y)), for MRS."
    )
    section = "11.3"
    sampler: str = "mix_p"
    tolerance: float = 1e-7

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(3, 6))
        return {
            "P": draw.preferences(rng, trials, K, smallest=0.1),
            "reference": draw.policies(rng, trials, K, smallest=0.01),
            "alpha": draw.shares(rng, trials, high=0.9),
            "beta": draw.log_uniform(rng, trials, 0.2, 2.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        margins = []
        for objective in ("ipo", "dpo"):
            radii = [self._radius(x, objective, beta) for beta in (x["beta"], 0.5)]
            margins.append(1.0 - np.abs(radii[0] - radii[1]) / self.tolerance)
        return least(*margins)

    def _radius(self, x: Instances, objective: str, beta: FloatArray | float) -> FloatArray:
        loop = FeedbackMap(
            x["P"],
            objective=objective,
            beta=beta,
            alpha=x["alpha"],
            reference=x["reference"],
            sampler=self.sampler,
        )
        return stability(loop).spectral_radius


@dataclass(frozen=True)
class PilafAlignment(Claim):
    """The gradient on PILAF's pairs against that of the regularised reward."""

    statement = (
        "For Bradley-Terry preferences with rewards r the descent direction of the DPO loss with "
        "weights π_iπ_j/σ'(u_ij), times β, is ∂J/∂θ of J = E_π r − KL(π‖π_ref)/β up to "
        "½Σ_j π_iπ_j δ_ij² e^|δ_ij|, δ = r − u."
    )
    section = "11.3"
    sampler: str = "pilaf"
    rounding: float = 1e-14
    """Of the largest weight."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(3, 7))
        return {
            "policy": draw.policies(rng, trials, K, smallest=1e-3),
            "reference": draw.policies(rng, trials, K, smallest=1e-3),
            "beta": draw.log_uniform(rng, trials, 0.5, 5.0),
            "away": rng.normal(size=(trials, K))
            * draw.log_uniform(rng, trials, 1e-3, 1.0)[:, None],
        }

    def margin(self, x: Instances) -> FloatArray:
        policy, beta = x["policy"], x["beta"]
        u = (np.log(policy) - np.log(x["reference"])) / beta[:, None]
        P = preferences.bradley_terry(u + x["away"])
        weights = sampler_weights(self.sampler, P, policy, reference=x["reference"], beta=beta)
        raw = policy[:, :, None] * policy[:, None, :]
        slope = expit(draw.gaps(u)) * expit(-draw.gaps(u))
        whole = 0.5 * ((raw / slope) * (1.0 - np.eye(u.shape[-1]))).sum(axis=(-2, -1))
        pushed = whole[:, None] * (weights * (P - expit(draw.gaps(u)))).sum(axis=-1)
        oracle = policy * (x["away"] - (policy * x["away"]).sum(axis=-1, keepdims=True))
        apart = np.abs(draw.gaps(x["away"]))
        bound = 0.5 * (raw * apart**2 * np.exp(apart)).sum(axis=-1)
        slack = self.rounding * (1.0 + whole)[:, None]
        return (bound + slack - np.abs(pushed - oracle)).min(axis=-1)


@dataclass(frozen=True)
class TiltedMixture(Scaled):
    """Weights π_iπ_j/σ' against the mixture of pairs that the papers draw."""

    statement = (
        "b_ib_j/σ'(u_ij) = 2b_ib_j + Z₊Z₋(b⁺_ib⁻_j + b⁻_ib⁺_j) with b^± ∝ b·(π/π_ref)^{±1/β} and "
        "their sums Z_±, u = log(π/π_ref)/β: Mix-P for the uniform b, PILAF for b = π."
    )
    section = "11.3"
    tolerance: float = 1e-11

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(3, 7))
        return {
            "policy": draw.policies(rng, trials, K, smallest=1e-3),
            "reference": draw.policies(rng, trials, K, smallest=1e-3),
            "beta": draw.log_uniform(rng, trials, 0.5, 5.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        policy, reference, beta = x["policy"], x["reference"], x["beta"]
        n, K = policy.shape
        ratio = (policy / reference) ** (self.gain / beta[:, None])
        P = np.full((K, K), 0.5)
        margins = []
        for name, base in (("pilaf", policy), ("mix_p", np.full((n, K), 1.0 / K))):
            up, down = base * ratio, base / ratio
            mixed = 2.0 * base[:, :, None] * base[:, None, :]
            mixed = mixed + up[:, :, None] * down[:, None, :] + down[:, :, None] * up[:, None, :]
            mixed = mixed * (1.0 - np.eye(K))
            mixed /= 0.5 * mixed.sum(axis=(-2, -1), keepdims=True)
            found = sampler_weights(name, P, policy, reference=reference, beta=beta)
            margins.append(agreement(found, mixed, self.tolerance))
        return least(*margins)


@dataclass(frozen=True)
class PairWeightInvariance(Claim):
    """DPO optima under weights that nearly form trees, and random ones."""

    statement = (
        "The DPO score is the same for all positive weights of the pairs if and only if P is "
        "Bradley-Terry; so rejection sampling, Mix-R, Mix-P, PILAF and two policies then all lead "
        "where uniform pairs lead."
    )
    section = "11.3"
    tolerance: float = 1e-8
    scale: float = 1.0
    """Of the margins P − ½; any other than 1 spoils a Bradley-Terry matrix."""
    share: float = 0.1
    """How much of the Bradley-Terry residual must at least show between weights."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(3, 6))
        P = preferences.bradley_terry(rng.uniform(-1.5, 1.5, (trials, K)))
        odd = np.arange(trials) % 2 == 1
        P[odd] = draw.preferences(rng, int(odd.sum()), K, smallest=0.02)
        stars = np.full((K, K, K), 1e-3)
        for centre in range(K):
            stars[centre, centre] = stars[centre, :, centre] = 1.0
        weights = np.broadcast_to(stars, (trials, K, K, K)).copy()
        weights[:, 0] = rng.uniform(0.1, 1.0, (trials, K, K))
        return {"P": P, "weights": weights}

    def margin(self, x: Instances) -> FloatArray:
        P = 0.5 + self.scale * (x["P"] - 0.5)
        found = np.log(optimum("dpo", P[:, None], pair_weights=x["weights"], beta=1.0))
        spread = np.ptp(found, axis=1).max(axis=-1)
        residual = bradley_terry_residual(x["P"])
        exact = residual < 1e-9
        sensitive = spread / np.where(exact, 1.0, residual) - self.share
        return np.where(exact, 1.0 - spread / self.tolerance, sensitive)
