"""The one-shot IPO optimum, and how it answers to what is sampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alignsim import preferences, simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement
from alignsim.objectives import ipo_optimum
from alignsim.preferences import random_strictly_strongly_transitive
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class IPOClosedForm(Scaled):
    """The optimum of the pair loss, solved as least squares, against softmax(log ref + βPμ)."""

    statement = (
        "For a full-support sampler μ the minimiser of the IPO pair loss under μ⊗μ is "
        "π* = softmax(log π_ref + βPμ)."
    )
    source = "paper"
    section = "2.1, 2.2"
    tolerance: float = 1e-9

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {
            "P": draw.preferences(rng, trials, 4),
            "sampler": draw.policies(rng, trials, 4, smallest=1e-4),
            "reference": draw.policies(rng, trials, 4),
            "beta": draw.log_uniform(rng, trials, 1e-2, 30.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        score = draw.product(x["P"], x["sampler"])
        logits = np.log(x["reference"]) + self.gain * x["beta"][:, None] * score
        weights = x["sampler"][:, :, None] * x["sampler"][:, None, :]
        optimum = ipo_optimum(
            x["P"], pair_weights=weights, reference=x["reference"], beta=x["beta"]
        )
        return agreement(simplex.softmax(logits), optimum, self.tolerance)


@dataclass(frozen=True)
class IPOSamplingIrrelevance(Scaled):
    """Optima under two samplers, of additive preferences; Bradley-Terry is not enough."""

    statement = (
        "If P_ij − ½ = r_i − r_j for some rewards r, the IPO optimum is ∝ π_ref e^{βr} for every "
        "sampler μ."
    )
    section = "2.3"
    tolerance: float = 1e-10

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw rewards within ½ of each other, equal ones among the first, and samplers."""
        K = int(rng.integers(2, 7))
        rewards = rng.uniform(-0.25, 0.25, (trials, K))
        rewards[0] = 0.0
        return {
            "P": 0.5 + draw.gaps(rewards),
            "rewards": rewards,
            "sampler": draw.policies(rng, trials, K),
            "reference": draw.policies(rng, trials, K, smallest=1e-6),
            "beta": draw.log_uniform(rng, trials, 1e-2, 100.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        optimum = ipo_optimum(x["P"], x["sampler"], reference=x["reference"], beta=x["beta"])
        tilted = np.log(x["reference"]) + self.gain * x["beta"][:, None] * x["rewards"]
        return agreement(simplex.softmax(tilted), optimum, self.tolerance)

    def counterexample(self) -> Instances:
        """Return Bradley-Terry preferences, which are not additive."""
        rewards = np.array([[1.0, 0.0, -1.0]])
        return {
            "P": preferences.bradley_terry(rewards),
            "rewards": rewards,
            "sampler": np.array([[0.8, 0.1, 0.1]]),
            "reference": np.full((1, 3), 1 / 3),
            "beta": np.array([1.0]),
        }


@dataclass(frozen=True)
class IPOSensitivity(Scaled):
    """Finite differences of the optimum under changed pair weights, against L⁺(δw∘R)1."""

    statement = (
        "For connected pair weights w with optimum u = log(π/π_ref), a change δw moves it by "
        "δu = L_w⁺(δw∘R)1 with the residual R_ij = β(P_ij − ½) − (u_i − u_j), to first order."
    )
    section = "2.4"
    tolerance: float = 1e-5
    step: float = 1e-4

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw symmetric weights and directions; additive P, for which nothing moves, is first."""
        K = int(rng.integers(3, 6))
        P = draw.preferences(rng, trials, K)
        P[0] = preferences.additive(np.linspace(0.2, -0.2, K))
        return {
            "P": P,
            "weights": _symmetric(rng.uniform(0.2, 1.0, (trials, K, K))),
            "direction": _symmetric(rng.uniform(-1.0, 1.0, (trials, K, K))),
            "beta": draw.log_uniform(rng, trials, 0.1, 3.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        shift = self.step * x["direction"]
        apart = self._scores(x, x["weights"] + shift) - self._scores(x, x["weights"] - shift)
        u = self._scores(x, x["weights"])
        residual = x["beta"][:, None, None] * (x["P"] - 0.5) - draw.gaps(u)
        pull = (x["direction"] * residual).sum(axis=-1)
        inverse = np.asarray(np.linalg.pinv(draw.laplacian(x["weights"])))
        expected = draw.product(inverse, pull)
        return agreement(apart / (2.0 * self.step), self.gain * expected, self.tolerance)

    @staticmethod
    def _scores(x: Instances, weights: FloatArray) -> FloatArray:
        optimum = ipo_optimum(x["P"], pair_weights=weights, beta=x["beta"])
        return simplex.centred_logits(optimum)


def _symmetric(values: FloatArray) -> FloatArray:
    """Return the symmetric part, without a diagonal: (n, K, K)."""
    even = 0.5 * (values + np.swapaxes(values, -1, -2))
    return np.asarray(even * (1.0 - np.eye(values.shape[-1])))


@dataclass(frozen=True)
class LogitGapGrowth(Claim):
    """Gaps before and after an upward shift, where the rows' difference falls along the order."""

    statement = (
        "Order the responses from best to worst. If μ' dominates μ (Σ_{k≤m} (μ' − μ)_k ≥ 0 for "
        "all m) and d_k = P_ik − P_jk does not increase with k, then log(π_i/π_j) of the IPO "
        "optimum does not fall from μ to μ'."
    )
    source = "paper"
    section = "5"
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
        growth = _gap_growth(x)
        rows = draw.row_gaps(x["P"])
        falls = (np.diff(rows, axis=-1) <= 1e-15).all(axis=-1)
        wanted = np.where(falls, self.sign * growth, np.inf)
        return np.asarray(wanted.min(axis=(-2, -1)) + self.rounding * x["beta"])


@dataclass(frozen=True)
class LogitGapNoGo(Claim):
    """The weighted sum of the growths of neighbouring gaps."""

    statement = (
        "For any P and shift δ = μ' − μ with partial sums F_m, Σ_m F_m·Δlog(π_m/π_{m+1}) = 0: no "
        "upward shift enlarges all neighbouring gaps with F_m > 0."
    )
    section = "5"
    tolerance: float = 1e-9
    tilt: float = 0.0
    """Added to the diagonal, so that P + Pᵀ ≠ 1."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return _two_samplers(rng, trials, int(rng.integers(2, 7)))

    def margin(self, x: Instances) -> FloatArray:
        shift = x["moved"] - x["sampler"]
        partial = np.cumsum(shift, axis=-1)[:, :-1]
        P = x["P"] + self.tilt * np.eye(x["P"].shape[-1])
        growth = x["beta"][:, None] * draw.product(P, shift)
        neighbours = growth[:, :-1] - growth[:, 1:]
        total = (partial * neighbours).sum(axis=-1)
        return np.asarray(1.0 - np.abs(total) / (self.tolerance * x["beta"]))


@dataclass(frozen=True)
class ThreeResponseGaps(Scaled):
    """The two neighbouring gaps of K = 3 against the curl."""

    statement = (
        "For K = 3, c = P_12 + P_23 + P_31 − 3/2 and a shift δ of the sampler: Δlog(π_1/π_2) = "
        "−βcδ_3 and Δlog(π_2/π_3) = −βcδ_1. Bradley-Terry preferences have c > 0, so that upward "
        "shifts widen the top gap and narrow the bottom one."
    )
    section = "5"
    tolerance: float = 1e-8

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return _two_samplers(rng, trials, 3, smallest=1e-3)

    def margin(self, x: Instances) -> FloatArray:
        growth = _gap_growth(x)
        shift = x["moved"] - x["sampler"]
        curl = self.gain * draw.curl(x["P"]) * x["beta"]
        top = np.abs(growth[:, 0, 1] + curl * shift[:, 2])
        bottom = np.abs(growth[:, 1, 2] + curl * shift[:, 0])
        return np.asarray(1.0 - np.maximum(top, bottom) / (self.tolerance * x["beta"]))


def _two_samplers(
    rng: np.random.Generator, trials: int, responses: int, *, smallest: float = 0.0
) -> Instances:
    return {
        "P": draw.preferences(rng, trials, responses),
        "sampler": draw.policies(rng, trials, responses, smallest=smallest),
        "moved": draw.policies(rng, trials, responses, smallest=smallest)[::-1],
        "beta": draw.log_uniform(rng, trials, 0.1, 10.0),
    }


def _gap_growth(x: Instances) -> FloatArray:
    """Return how log(π_i/π_j) of the IPO optimum grows from one sampler to the other: (n, K, K)."""
    before = ipo_optimum(x["P"], x["sampler"], beta=x["beta"])
    after = ipo_optimum(x["P"], x["moved"], beta=x["beta"])
    growth = np.log(after) - np.log(before)
    return np.asarray(draw.gaps(growth))
