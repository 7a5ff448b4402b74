"""Rounds that are learned from finitely many comparisons.

Each check is Monte Carlo: a trial carries the seed of its draws and passes within a stated number
of standard errors, so that a formula that is wrong by more than these is seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alignsim import simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled
from alignsim.feedback import FeedbackMap
from alignsim.validation import FloatArray

ERRORS = 5.0
"""Standard errors that are allowed."""


@dataclass(frozen=True)
class SampleCovariance(Scaled):
    """The covariance of many independent rounds of n pairs, against the formula."""

    statement = (
        "A round of MRS-IPO from n pairs of μ⊗μ, each judged once, moves the centred logits with "
        "covariance n⁻¹L⁺[Σ_{i<j} w_ij((βM_ij − u_i + u_j)² + β²(¼ − M_ij²))(e_i − e_j)(e_i − "
        "e_j)ᵀ]L⁺ as n → ∞: u = βMμ, w_ij = 2μ_iμ_j, L = diag(w1) − w."
    )
    section = "8"
    costly = True
    runs: int = 2000
    pairs: int = 500
    bias: float = 0.01
    """Allowed relative error of the linearisation at this n, beside the statistical one."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw preferences and samplers without rare responses."""
        K = int(rng.integers(2, 5))
        return {
            "P": draw.preferences(rng, trials, K, smallest=0.05),
            "sampler": 0.5 * draw.policies(rng, trials, K) + 0.5 / K,
            "beta": draw.log_uniform(rng, trials, 0.1, 10.0),
            **_repeats(rng, trials, self.runs),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of the mean square in units of the formula, and of its largest axis."""
        K = x["P"].shape[-1]
        basis = simplex.mean_zero_basis(K)
        expected = self.gain * basis.T @ self._covariance(x) @ basis / self.pairs
        slack = np.empty(len(expected))
        for trial, wanted in enumerate(expected):
            end = _rounds_from(x, trial, self.pairs, "pairs")
            whitened = np.linalg.solve(np.linalg.cholesky(wanted), basis.T @ end.T)
            found = np.atleast_2d(np.cov(whitened))
            off = np.abs(np.trace(found) / (K - 1) - 1.0)
            most = np.abs(found - np.eye(K - 1)).max()
            error = np.sqrt(2.0 / len(end))
            slack[trial] = min(
                1.0 - off / (ERRORS * error / np.sqrt(K - 1) + self.bias),
                1.0 - most / (ERRORS * error + self.bias),
            )
        return slack

    @staticmethod
    def _covariance(x: Instances) -> FloatArray:
        """Return the covariance of a round of ``pairs``, times ``pairs``: (n, K, K)."""
        M, beta = x["P"] - 0.5, x["beta"][:, None, None]
        weights = 2.0 * x["sampler"][:, :, None] * x["sampler"][:, None, :]
        weights = weights * (1.0 - np.eye(M.shape[-1]))
        u = x["beta"][:, None] * draw.product(M, x["sampler"])
        residual = beta * M - draw.gaps(u)
        noise = weights * (residual**2 + beta**2 * (0.25 - M**2))
        inverse = np.linalg.pinv(draw.laplacian(weights), hermitian=True)
        return np.asarray(inverse @ draw.laplacian(noise) @ inverse)


@dataclass(frozen=True)
class OpponentVariance(Scaled):
    """Mean and covariance of many independent rounds with n opponents a response."""

    statement = (
        "If every response meets n opponents of its own from μ, its share of wins has mean (Pμ)_i "
        "and variance (Pμ)_i(1 − (Pμ)_i)/n, independently of the others: a round of MRS-IPO moves "
        "the centred logits with covariance β²Π diag(Pμ∘(1 − Pμ)/n)Π."
    )
    section = "8"
    costly = True
    runs: int = 10_000
    most: int = 40
    """Opponents a response, at most."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw preferences, samplers and n; one opponent is first."""
        K = int(rng.integers(2, 6))
        opponents = rng.integers(1, self.most + 1, trials)
        opponents[0] = 1
        return {
            "P": draw.preferences(rng, trials, K, smallest=0.02),
            "sampler": draw.policies(rng, trials, K),
            "beta": draw.log_uniform(rng, trials, 0.1, 10.0),
            "opponents": opponents.astype(float),
            **_repeats(rng, trials, self.runs),
        }

    def margin(self, x: Instances) -> FloatArray:
        K = x["P"].shape[-1]
        score = draw.product(x["P"], x["sampler"])
        centring = np.eye(K) - 1.0 / K
        slack = np.empty(len(score))
        for trial, s in enumerate(score):
            count, beta = int(x["opponents"][trial]), x["beta"][trial]
            end = _rounds_from(x, trial, count, "opponents") / beta
            expected = self.gain * centring @ np.diag(s * (1.0 - s) / count) @ centring
            error = np.sqrt(np.diag(expected) / len(end))
            mean = np.abs(end.mean(axis=0) - simplex.centre(s)) / error
            products = (end - end.mean(axis=0))[:, :, None] * (end - end.mean(axis=0))[:, None, :]
            spread = products.std(axis=0) / np.sqrt(len(end))
            covariance = np.abs(products.mean(axis=0) - expected) / spread
            slack[trial] = 1.0 - max(mean.max(), covariance.max()) / ERRORS
        return slack


@dataclass(frozen=True)
class NoisePrecursor(Scaled):
    """The variance that small noise leaves around a stable three-cycle."""

    statement = (
        "Below the threshold of MRS-IPO's symmetric three-cycle small independent noise of "
        "standard deviation s on the logits of every round leaves a variance of "
        "(2/3)s²/(1 − α² − κ²) in each centred logit, κ = aβλ/√3: it grows without bound as the "
        "threshold is approached."
    )
    section = "8"
    costly = True
    runs: int = 400
    rounds: int = 100
    """Averaged over, after as many that are not."""
    noise: float = 1e-4

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw three-cycles with ρ² ≤ .9."""
        alpha = draw.shares(rng, trials, high=0.9)
        room = 0.9 - alpha**2
        return {
            "advantage": rng.uniform(0.1, 0.5, trials),
            "alpha": alpha,
            "kappa": np.sqrt(room * rng.uniform(0.0, 1.0, trials)),
            "lam": 1.0 - draw.shares(rng, trials, high=0.9),
            **_repeats(rng, trials, self.runs),
        }

    def margin(self, x: Instances) -> FloatArray:
        slack = np.empty(len(x["seed"]))
        for trial in range(len(slack)):
            one = {name: values[trial] for name, values in x.items()}
            loop = draw.three_cycle(one, one["kappa"])
            rng = np.random.default_rng(int(one["seed"]))
            logits = np.zeros((int(one["runs"]), 3))
            square = np.zeros(len(logits))
            for round_ in range(2 * self.rounds):
                moved = loop.step_logits(logits) + rng.normal(0.0, self.noise, logits.shape)
                logits = simplex.centre(moved)
                if round_ >= self.rounds:
                    square += (logits**2).mean(axis=-1) / self.rounds
            square_radius = one["alpha"] ** 2 + one["kappa"] ** 2
            expected = self.gain * (2.0 / 3.0) * self.noise**2 / (1.0 - square_radius)
            error = square.std() / np.sqrt(len(square))
            slack[trial] = 1.0 - np.abs(square.mean() - expected) / (ERRORS * error)
        return slack


@dataclass(frozen=True)
class Desynchronisation(Claim):
    """Runs of one noisy oscillating map: each varies in time, their mean hardly."""

    statement = (
        "Noisy runs of an oscillating MRS-IPO map lose their common phase, so that the mean of N "
        "trajectories hides the oscillation: its time variance is of order 1/N of the mean of the "
        "runs' variances. Without noise runs from one start stay together."
    )
    section = "8"
    costly = True
    runs: int = 40
    rounds: int = 500
    largest: float = 5.0
    """Times 1/N: what the ratio of variances stays below."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {
            "advantage": rng.uniform(0.3, 0.48, trials),
            "alpha": draw.shares(rng, trials, high=0.7),
            "radius": rng.uniform(1.1, 1.5, trials),
            "pairs": rng.integers(10, 31, trials).astype(float),
            "seed": rng.integers(0, 2**32, trials).astype(float),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of the ratio; −1 where the runs do not oscillate."""
        slack = np.empty(len(x["seed"]))
        for trial in range(len(slack)):
            one = {name: values[trial] for name, values in x.items()}
            loop = draw.three_cycle(one, np.sqrt(one["radius"] ** 2 - one["alpha"] ** 2))
            pairs = int(one["pairs"]) or None
            orbits = loop.run(
                start_logits=np.broadcast_to([0.5, 0.0, -0.5], (self.runs, 3)),
                rounds=self.rounds,
                samples_per_round=pairs,
                rng=int(one["seed"]) if pairs else None,
            )
            late = orbits.policies[:, self.rounds // 2 :]
            each, mean = late.var(axis=1).mean(), late.mean(axis=0).var(axis=0).mean()
            ratio = self.runs * mean / each
            slack[trial] = 1.0 - ratio / self.largest if each > 0.01 else -1.0
        return slack

    def counterexample(self) -> Instances:
        """Return a map without noise, whose runs from one start stay together."""
        values = {"advantage": 0.48, "alpha": 0.5, "radius": 1.2, "pairs": 0.0, "seed": 0.0}
        return {name: np.array([value]) for name, value in values.items()}


def _repeats(rng: np.random.Generator, trials: int, runs: int) -> Instances:
    """Return seeds and numbers of independent runs; the first trial has twenty times as many."""
    repeats = np.full(trials, float(runs))
    repeats[0] *= 20.0
    return {"runs": repeats, "seed": rng.integers(0, 2**32, trials).astype(float)}


def _rounds_from(x: Instances, trial: int, samples: int, noise: str) -> FloatArray:
    """Return the logits after one sampled round of self-play, α = 0, in many runs: (runs, K)."""
    loop = FeedbackMap(x["P"][trial], beta=x["beta"][trial])
    sampler = x["sampler"][trial]
    return loop.run(
        np.broadcast_to(sampler, (int(x["runs"][trial]), len(sampler))),
        rounds=1,
        keep="last",
        samples_per_round=samples,
        noise=noise,
        rng=int(x["seed"][trial]),
    ).final_logits
