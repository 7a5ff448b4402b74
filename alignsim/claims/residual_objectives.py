"""One-shot optima of losses with more than DPO's and IPO's terms: existence and identities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp

from alignsim import simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement, least
from alignsim.kernels.status import OK
from alignsim.objectives import (
    DPO,
    EXO,
    IPO,
    Comparison,
    DPOWithSFT,
    ProductPairs,
    RobustDPO,
    StablePreference,
    WeightedPairs,
    optimum,
)
from alignsim.objectives.existence import has_finite_pair_scores
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class PairLossDerivatives(Scaled):
    """Differences of the losses, written out, against the forces and their derivatives."""

    statement = (
        "A pair loss Σ_{i<j} W_ij [P_ij ℓ(d_ij) + P_ji ℓ(−d_ij)], d_ij = θ_i − θ_j less the same "
        "of the reference, has the gradient Σ_j W_ij [P_ij ℓ'(d_ij) − P_ji ℓ'(−d_ij)] and as "
        "Hessian the Laplacian of C_ij = W_ij [P_ij ℓ''(d_ij) + P_ji ℓ''(−d_ij)]: the normaliser "
        "of the softmax drops out. For DPO and IPO it is positive semidefinite, for EXO not "
        "everywhere."
    )
    section = "11.1"
    tolerance: float = 1e-7
    step: float = 1e-3

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(2, 6))
        return problems(rng, trials, K, smallest=0.02) | {
            "theta": rng.normal(size=(trials, K)),
            "direction": rng.normal(size=(trials, K)),
        }

    def margin(self, x: Instances) -> FloatArray:
        shift, problem = self.step * x["direction"], comparison_of(x)
        slack = []
        for objective, loss in ((DPO(), dpo_loss), (IPO(), _squared), (EXO(), _reverse)):
            at = [
                loss(x, x["theta"] + t * shift) for t in (-2.0, -1.0, 0.0, 1.0, 2.0)
            ]  # five points
            first = (at[0] - 8.0 * at[1] + 8.0 * at[3] - at[4]) / (12.0 * self.step)
            second = (-at[0] + 16.0 * at[1] - 30.0 * at[2] + 16.0 * at[3] - at[4]) / (
                12.0 * self.step**2
            )
            force = self.gain * objective.force(x["theta"], problem)
            bend = objective.force_derivatives(x["theta"], problem).logits
            curved = (x["direction"] * draw.product(bend, x["direction"])).sum(axis=-1)
            pushed = (x["direction"] * force).sum(axis=-1)
            size = 1.0 + np.abs(first) + np.abs(second)
            slack.append(agreement((first + pushed) / size, 0.0, self.tolerance))
            slack.append(agreement((second + self.gain * curved) / size, 0.0, 100 * self.tolerance))
            if not isinstance(objective, EXO):
                slack.append(np.asarray(1e-12 - np.linalg.eigvalsh(bend)[:, -1]))
        return least(*slack)


@dataclass(frozen=True)
class FiniteIffConnected(Claim):
    """Labels of 0, ½ and 1 on sparse pairs; the solver against the graph."""

    statement = (
        "The DPO pair loss of connecting pair weights W has a finite minimum if and only if the "
        "digraph of the i → j with W_ij P_ij > 0 is strongly connected."
    )
    source = "literature"
    section = "11.1"
    level: float = 0.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw sure and open labels on a cycle of pairs and some chords."""
        K = int(rng.integers(3, 6))
        P = np.round(draw.preferences(rng, trials, K) * 2.0) / 2.0
        kept = rng.random((trials, K, K)) < 0.4
        ring = np.roll(np.eye(K, dtype=np.bool_), 1, axis=-1)
        kept = (kept | np.swapaxes(kept, -1, -2) | ring | ring.T) & ~np.eye(K, dtype=np.bool_)
        return {"P": P, "kept": kept}

    def margin(self, x: Instances) -> FloatArray:
        weights = x["kept"].astype(np.float64)
        connected = has_finite_pair_scores(np.where(x["P"] > self.level, x["P"], 0.0), weights)
        n, K = len(weights), weights.shape[-1]
        theta, hold = np.zeros((n, K)), 1.0 + 1e-9 * np.eye(K)
        problem = Comparison(x["P"], theta, np.ones(n), WeightedPairs(weights))
        for _ in range(60):  # Newton steps, capped: they run off where nothing is finite
            slope = DPO().force_derivatives(theta, problem).logits - hold
            step = -np.linalg.solve(slope, DPO().force(theta, problem)[..., None])[..., 0]
            theta = theta + np.clip(step, -2.0, 2.0)
        spread = np.ptp(theta, axis=-1)
        return np.asarray(np.where(connected, 15.0 - spread, spread - 15.0))


@dataclass(frozen=True)
class SFTMinimax(Scaled):
    """Newton's method for the rewards, apart from the objective."""

    statement = (
        "DPO with an SFT term, sft_weight w and anchor p of full support, has one finite minimum "
        "for any P, of 0 and 1 too. It is π ∝ π_ref e^{βr} of the rewards that minimise "
        "log Σ_i π_ref,i e^{βr_i} − p·βr + L_DPO(r)/w: a reward model that is pessimistic about "
        "what beats p."
    )
    source = "literature"
    section = "11.1"
    tolerance: float = 1e-10

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(2, 6))
        x = problems(rng, trials, K)
        x["P"][::3] = np.round(2.0 * x["P"][::3]) / 2.0
        return x | {
            "anchor": draw.policies(rng, trials, K, smallest=1e-2),
            "weight": draw.log_uniform(rng, trials, 0.05, 2.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        found = optimum(
            DPOWithSFT(x["weight"], x["anchor"]), x["P"], x["sampler"], reference=x["reference"],
            beta=x["beta"],
        )  # fmt: skip
        beta, share = x["beta"][:, None], (1.0 / (self.gain * x["weight"]))[:, None]
        weights, r = pair_weights(x), np.zeros(found.shape)
        hold = 1.0 + 1e-14 * np.eye(found.shape[-1])

        def value(r: FloatArray) -> FloatArray:
            top = logsumexp(np.log(x["reference"]) + beta * r, axis=-1)
            pairs = weights * x["P"] * np.logaddexp(0.0, -draw.gaps(r))
            cross = (x["anchor"] * beta * r).sum(axis=-1)
            return np.asarray(top - cross + share[:, 0] * pairs.sum(axis=(-2, -1)))

        for _ in range(80):
            win = expit(draw.gaps(r))
            pi = simplex.softmax(np.log(x["reference"]) + beta * r)
            slope = beta * (pi - x["anchor"]) - share * (weights * (x["P"] - win)).sum(axis=-1)
            bend = draw.laplacian(share[..., None] * weights * win * (1.0 - win))
            bend = bend + beta[..., None] ** 2 * simplex.covariance(pi)
            bend = bend + np.trace(bend, axis1=1, axis2=2)[:, None, None] * hold
            step = np.linalg.solve(bend, slope[..., None])[..., 0]
            step *= np.minimum(1.0, 4.0 / np.maximum(np.abs(step).max(axis=-1), 4.0))[:, None]
            length = np.ones(len(r))
            now = value(r)
            for _ in range(30):
                rises = value(r - length[:, None] * step) > now + 1e-15
                length[rises] *= 0.5
                if not rises.any():
                    break
            r = r - length[:, None] * step
            if np.abs(length[:, None] * step).max() < 1e-13:
                break
        return agreement(simplex.softmax(np.log(x["reference"]) + beta * r), found, self.tolerance)


@dataclass(frozen=True)
class BallMultiplier(Scaled):
    """The least loss within balls of two radii, and the multiplier between."""

    statement = (
        "min L_DPO subject to KL(p‖π) ≤ ε has the optimum of DPO with an SFT term whose weight is "
        "the multiplier of the constraint; that is the rate at which the least loss falls with ε. "
        "It is 0 where DPO's optimum lies within the ball."
    )
    section = "11.1"
    tolerance: float = 1e-5
    step: float = 1e-4

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(2, 5))
        return problems(rng, trials, K, smallest=0.05) | {
            "anchor": draw.policies(rng, trials, K, smallest=1e-2),
            "radius": draw.log_uniform(rng, trials, 1e-3, 1.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        problem = comparison_of(x)
        ball = StablePreference(x["radius"], x["anchor"])
        multiplier = ball.multipliers(problem)
        same = DPOWithSFT(multiplier, x["anchor"]).optimum(problem).value
        policy = simplex.softmax(ball.optimum(problem).value)
        lowest = [
            dpo_loss(x, StablePreference(x["radius"] * t, x["anchor"]).optimum(problem).value)
            for t in (1.0 - self.step, 1.0 + self.step)
        ]
        falls = (lowest[0] - lowest[1]) / (2.0 * self.step * x["radius"])
        held = (x["anchor"] * (np.log(x["anchor"]) - np.log(policy))).sum(axis=-1)
        slack = [
            agreement(policy, simplex.softmax(same), 1e-12),
            1e-12 - (held - x["radius"]),
            np.where(multiplier > 0.0, 1e-12 - np.abs(held - x["radius"]), 1.0),
        ]
        edge = np.abs(held - x["radius"]) < 2.0 * self.step * x["radius"]
        kink = edge & (multiplier < 1e-3)  # where one of the radii may be wide enough
        rate = agreement(
            falls / (1.0 + multiplier), self.gain * multiplier / (1.0 + multiplier), 1.0
        )
        return least(*slack, np.where(kink, 1.0, 1.0 - (1.0 - rate) / self.tolerance))


@dataclass(frozen=True)
class FlipsUndone(Scaled):
    """Both optima."""

    statement = (
        "Robust DPO with flip rate ε on labels that were flipped at that rate, (1−ε)P + εPᵀ, has "
        "the optimum of DPO on P."
    )
    source = "literature"
    section = "11.1"
    tolerance: float = 1e-12

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(2, 6))
        x = problems(rng, trials, K, smallest=0.02)
        return x | {"rate": draw.shares(rng, trials, high=0.4)[::-1]}

    def margin(self, x: Instances) -> FloatArray:
        share = x["rate"][:, None, None]
        flipped = x["P"] + share * (np.swapaxes(x["P"], -1, -2) - x["P"])
        found, expected = (
            optimum(objective, P, x["sampler"], reference=x["reference"], beta=x["beta"])
            for objective, P in ((RobustDPO(self.gain * x["rate"]), flipped), (DPO(), x["P"]))
        )
        return agreement(found, expected, self.tolerance)


@dataclass(frozen=True)
class RobustCut(Scaled):
    """Labels stretched to just below and just above the limit."""

    statement = (
        "Robust DPO on labels P̃, which may leave [0, 1], has a finite minimum if and only if "
        "Σ_{i∈S, j∉S} W_ij P̃_ij > 0 for every proper subset S."
    )
    section = "11.1"

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(2, 5))
        x = problems(rng, trials, K, smallest=0.001)
        x["P"][:, 0, 1:] = rng.uniform(0.9, 0.999, (trials, K - 1))
        x["P"][:, 1:, 0] = 1.0 - x["P"][:, 0, 1:]
        return x | {"share": np.where(np.arange(trials) % 2 == 0, 0.98, 1.02)}

    def margin(self, x: Instances) -> FloatArray:
        limit = np.full(len(x["P"]), np.inf)
        weights = pair_weights(x)
        for inside in proper_subsets(x["P"].shape[-1]):
            joint = weights[:, inside][:, :, ~inside].sum(axis=(-2, -1))
            lost = (weights * (0.5 - x["P"]))[:, inside][:, :, ~inside].sum(axis=(-2, -1))
            with np.errstate(divide="ignore"):
                limit = np.where(lost > 0.0, np.minimum(limit, 0.5 * joint / lost), limit)
        stretch = x["share"] * self.gain * limit
        usable = (stretch >= 1.0) & (stretch < 40.0)
        rate = np.where(usable, 0.5 - 0.5 / np.where(usable, stretch, 1.0), 0.0)
        status = RobustDPO(rate).optimum(comparison_of(x)).status
        expected = np.where(x["share"] < 1.0, status == OK, status != OK)
        return np.where(usable, np.where(expected, 1.0, -1.0), 1.0)


def problems(
    rng: np.random.Generator, trials: int, K: int, *, smallest: float = 0.0, share: float = 1e-2
) -> Instances:
    """Return P, sampler, reference and β of n one-shot problems."""
    return {
        "P": draw.preferences(rng, trials, K, smallest=smallest),
        "sampler": draw.policies(rng, trials, K, smallest=share),
        "reference": draw.policies(rng, trials, K, smallest=share),
        "beta": draw.log_uniform(rng, trials, 0.3, 3.0),
    }


def comparison_of(x: Instances) -> Comparison:
    """Return the one-shot problems of these instances."""
    return Comparison(x["P"], np.log(x["reference"]), x["beta"], ProductPairs(x["sampler"]))


def pair_weights(x: Instances) -> FloatArray:
    """Return the weights 2μ_iμ_j of pairs, (n, K, K)."""
    pairs = 2.0 * x["sampler"][:, :, None] * x["sampler"][:, None, :]
    return np.asarray(pairs * (1.0 - np.eye(x["sampler"].shape[-1])))


def proper_subsets(K: int) -> list[np.ndarray]:
    """Return the proper subsets of K responses, as masks."""
    return [(code >> np.arange(K)) & 1 == 1 for code in range(1, 2**K - 1)]


def _scores(x: Instances, theta: FloatArray) -> FloatArray:
    return draw.gaps((theta - np.log(x["reference"])) / x["beta"][:, None])


def dpo_loss(x: Instances, theta: FloatArray) -> FloatArray:
    """Return the DPO loss, (n,)."""
    cost = x["P"] * np.logaddexp(0.0, -_scores(x, theta))
    return np.asarray((pair_weights(x) * cost).sum(axis=(-2, -1)))


def _squared(x: Instances, theta: FloatArray) -> FloatArray:
    """Return the IPO loss, (n,)."""
    cost = x["P"] * x["beta"][:, None, None] ** 2 * (_scores(x, theta) - 0.5) ** 2
    return np.asarray((pair_weights(x) * cost).sum(axis=(-2, -1)))


def _reverse(x: Instances, theta: FloatArray) -> FloatArray:
    """Return the EXO loss, (n,)."""
    win = expit(_scores(x, theta))
    cost = win * (np.log(win) - np.log(x["P"]))
    return np.asarray((pair_weights(x) * cost).sum(axis=(-2, -1)))
