"""The one-shot DPO optimum, how it answers to what is sampled, and IPO beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from alignsim import preferences, simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement
from alignsim.objectives import dpo_optimum, ipo_optimum
from alignsim.preferences import bradley_terry_residual
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class DPOFirstOrder(Claim):
    """No move of the logits lowers the DPO loss under μ⊗μ, and S(v)μ = Pμ."""

    statement = (
        "For P in (0, 1) and a full-support sampler μ the minimiser of the DPO loss under μ⊗μ is "
        "softmax(log π_ref + βv) with S(v)μ = Pμ, S_ij = σ(v_i − v_j)."
    )
    source = "literature"
    section = "3.1, 3.2"
    tolerance: float = 1e-9
    slope: float = 1.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(2, 6))
        return {
            "P": draw.preferences(rng, trials, K, smallest=0.01),
            "sampler": draw.policies(rng, trials, K, smallest=1e-6),
            "reference": draw.policies(rng, trials, K, smallest=1e-6),
            "beta": draw.log_uniform(rng, trials, 0.05, 3.0),
            "direction": rng.normal(size=(trials, K)),
        }

    def margin(self, x: Instances) -> FloatArray:
        optimum = dpo_optimum(x["P"], x["sampler"], reference=x["reference"], beta=x["beta"])
        v = (np.log(optimum) - np.log(x["reference"])) / x["beta"][:, None]
        gap = draw.gaps(v)
        miss = draw.product(expit(self.slope * gap) - x["P"], x["sampler"])
        row = 1.0 - np.abs(miss).max(axis=-1) / self.tolerance
        rise = self._loss(x, v + 1e-3 * x["direction"]) - self._loss(x, v)
        return np.minimum(row, (rise + 1e-14) / 1e-14)

    @staticmethod
    def _loss(x: Instances, v: FloatArray) -> FloatArray:
        gap = draw.gaps(v)
        weights = x["sampler"][:, :, None] * x["sampler"][:, None, :]
        return np.asarray((weights * x["P"] * np.logaddexp(0.0, -gap)).sum(axis=(-2, -1)))


@dataclass(frozen=True)
class DPOSamplingInsensitivity(Claim):
    """DPO scores under many samplers: they agree if and only if P is Bradley-Terry."""

    statement = (
        "The DPO score is the same for every full-support sampler if and only if P is "
        "Bradley-Terry, P_ij = σ(r_i − r_j)."
    )
    source = "paper"
    section = "3.4"
    tolerance: float = 1e-9
    scale: float = 1.0
    """Of the margins P − ½; any other than 1 spoils a Bradley-Terry matrix."""
    share: float = 0.1
    """How much of the Bradley-Terry residual must at least show between samplers."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(3, 6))
        rewards = rng.uniform(-1.5, 1.5, (trials, K))
        P = preferences.bradley_terry(rewards)
        odd = np.arange(trials) % 2 == 1
        P[odd] = draw.preferences(rng, int(odd.sum()), K, smallest=0.02)
        return {"P": P, "samplers": rng.dirichlet(np.ones(K), (trials, 6)) * 0.99 + 0.01 / K}

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of agreement, or of disagreement where P is not Bradley-Terry."""
        K = x["P"].shape[-1]
        nearly = np.eye(K) * 0.98 + 0.02 / K
        all_ = np.concatenate([x["samplers"], np.broadcast_to(nearly, (len(x["P"]), K, K))], axis=1)
        P = 0.5 + self.scale * (x["P"] - 0.5)
        spread = np.ptp(_scores(P[:, None], all_), axis=1).max(axis=-1)
        residual = bradley_terry_residual(x["P"])
        exact = residual < 1e-9
        sensitive = spread / np.where(exact, 1.0, residual) - self.share
        return np.where(exact, 1.0 - spread / self.tolerance, sensitive)


@dataclass(frozen=True)
class DPORanksLikeIPO(Claim):
    """Every gap of the DPO score against four times the gap of Pμ, sign and size."""

    statement = (
        "For a product sampler μ and P in (0, 1), v_i > v_j exactly if (Pμ)_i > (Pμ)_j, and then "
        "v_i − v_j ≥ 4((Pμ)_i − (Pμ)_j)."
    )
    section = "3.5"
    rounding: float = 1e-9
    gain: float = 4.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw mixed preferences; weak ones, for which 4 is nearly reached, are among them."""
        K = int(rng.integers(2, 7))
        return {
            "P": draw.preferences(rng, trials, K, smallest=0.01),
            "sampler": draw.policies(rng, trials, K),
        }

    def margin(self, x: Instances) -> FloatArray:
        v = _scores(x["P"], x["sampler"])
        wide, narrow = draw.gaps(v), draw.gaps(draw.product(x["P"], x["sampler"]))
        slack = np.where(narrow > 0, wide - self.gain * narrow, np.inf)
        return np.asarray(slack.min(axis=(-2, -1)) + self.rounding * (1.0 + np.abs(v).max(axis=-1)))


@dataclass(frozen=True)
class DPOMajorisesIPO(Claim):
    """Partial sums of sorted policies."""

    statement = (
        "With a uniform reference and a product sampler, the optimum of DPO(β) majorises that of "
        "IPO(4β): its m largest probabilities sum to at least as much, for every m."
    )
    section = "3.5"
    rounding: float = 1e-10
    gain: float = 4.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(2, 7))
        return {
            "P": draw.preferences(rng, trials, K, smallest=0.01),
            "sampler": draw.policies(rng, trials, K),
            "beta": draw.log_uniform(rng, trials, 0.05, 5.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        dpo = dpo_optimum(x["P"], x["sampler"], beta=x["beta"])
        ipo = ipo_optimum(x["P"], x["sampler"], beta=self.gain * x["beta"])
        slack = np.cumsum(_descending(dpo) - _descending(ipo), axis=-1)
        return np.asarray(slack.min(axis=-1) + self.rounding)


def _descending(values: FloatArray) -> FloatArray:
    return np.asarray(-np.sort(-values, axis=-1))


@dataclass(frozen=True)
class DPOVertex(Scaled):
    """The score at a vertex sampler against log-odds."""

    statement = (
        "If only response c is sampled, μ = e_c, and P is in (0, 1), the DPO score is "
        "v_i − v_c = logit P_ic."
    )
    section = "3.6"
    tolerance: float = 1e-9

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(2, 7))
        return {
            "P": draw.preferences(rng, trials, K, smallest=1e-6),
            "vertex": rng.integers(0, K, trials).astype(float),
        }

    def margin(self, x: Instances) -> FloatArray:
        vertex = x["vertex"].astype(int)
        sampler = np.eye(x["P"].shape[-1])[vertex]
        v = _scores(x["P"], sampler, beta=0.1)
        against = np.take_along_axis(x["P"], vertex[:, None, None], axis=-1)[..., 0]
        odds = self.gain * np.log(against / (1.0 - against))
        return agreement(v, simplex.centre(odds), self.tolerance)


@dataclass(frozen=True)
class DPOConcentration(Scaled):
    """The weighted growth of gaps, from finite differences, against a covariance."""

    statement = (
        "For a change δμ of a full-support sampler, ½Σ μ_iμ_jσ'(v_i − v_j)(v_i − v_j)(δv_i − δv_j) "
        "= Cov_μ(v, (P − S)δμ) to first order: weighted gaps of the DPO score grow exactly if the "
        "covariance is positive."
    )
    source = "paper"
    section = "3.7"
    tolerance: float = 1e-6
    step: float = 1e-5

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw preferences, samplers, directions of sum 0; Bradley-Terry, where it is 0, first."""
        K = int(rng.integers(3, 6))
        P = draw.preferences(rng, trials, K, smallest=0.02)
        P[0] = preferences.bradley_terry(np.linspace(1.0, -1.0, K))
        direction = rng.normal(size=(trials, K))
        return {
            "P": P,
            "sampler": 0.9 * rng.dirichlet(np.ones(K), trials) + 0.1 / K,
            "direction": direction - direction.mean(axis=-1, keepdims=True),
        }

    def margin(self, x: Instances) -> FloatArray:
        mu, shift = x["sampler"], self.step * x["direction"]
        v = _scores(x["P"], mu)
        moved = (_scores(x["P"], mu + shift) - _scores(x["P"], mu - shift)) / (2.0 * self.step)
        gap, growth = draw.gaps(v), draw.gaps(moved)
        win = expit(gap)
        pairs = mu[:, :, None] * mu[:, None, :] * win * (1.0 - win)
        weighted = 0.5 * (pairs * gap * growth).sum(axis=(-2, -1))
        push = draw.product(x["P"] - win, x["direction"])
        mean = (mu * v).sum(axis=-1), (mu * push).sum(axis=-1)
        covariance = (mu * v * push).sum(axis=-1) - mean[0] * mean[1]
        return agreement(weighted, self.gain * covariance, self.tolerance)


def _scores(P: FloatArray, sampler: FloatArray, beta: float = 1.0) -> FloatArray:
    """Return v, centred; a smaller β keeps more digits of policies near a vertex."""
    return simplex.centred_logits(dpo_optimum(P, sampler, beta=beta)) / beta
