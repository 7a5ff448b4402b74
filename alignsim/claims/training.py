"""Training: what descent keeps, how fast it may go, and how a pair moves all probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from alignsim import simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement, least
from alignsim.feedback.training import train
from alignsim.feedback.trajectory import Trajectory
from alignsim.objectives import (
    OBJECTIVES,
    Comparison,
    Trainable,
    WeightedPairs,
    largest_rate,
    pair_evolution,
)
from alignsim.preferences.logistic import sigmoid
from alignsim.validation import FloatArray

EXAMPLE = np.array([[1.0, 0.0], [0.98, -0.1], [0.0, 3.0]])
"""Features of three responses: the first two nearly parallel."""


def weights(rng: np.random.Generator, trials: int, responses: int) -> FloatArray:
    """Return symmetric weights (n, K, K) whose pairs add up to 1."""
    drawn = rng.uniform(0.05, 1.0, (trials, responses, responses))
    drawn = (drawn + np.swapaxes(drawn, -1, -2)) * (1.0 - np.eye(responses))
    return np.asarray(2.0 * drawn / drawn.sum(axis=(-2, -1), keepdims=True))


def one_pair(trials: int, responses: int) -> FloatArray:
    """Return weights (n, K, K) of the pair {0, 1} alone."""
    alone = np.zeros((trials, responses, responses))
    alone[:, 0, 1] = alone[:, 1, 0] = 1.0
    return alone


def pair_matrix(wins: FloatArray, responses: int) -> FloatArray:
    """Return matrices (n, K, K) in which response 0 beats response 1 that often."""
    P = np.full((len(wins), responses, responses), 0.5)
    P[:, 0, 1], P[:, 1, 0] = wins, 1.0 - wins
    return P


def force(name: str, x: Instances, logits: FloatArray) -> FloatArray:
    """Return the force (n, K) of an objective at its defaults."""
    objective = OBJECTIVES[name]
    assert isinstance(objective, Trainable)
    reference = np.log(x["reference"])
    return objective.force(
        logits, Comparison(x["P"], reference, x["beta"], WeightedPairs(x["weights"]))
    )


def path(name: str, x: Instances, **options: Any) -> Trajectory:
    """Return how training moves, from the reference if there is no start."""
    names = ("start", "start_logits", "coupling")
    parts: dict[str, Any] = {each: x[each] for each in names if each in x}
    return train(
        name, x["P"], pair_weights=x["weights"], reference=x["reference"], beta=x["beta"],
        **parts, **options,
    )  # fmt: skip


@dataclass(frozen=True)
class ConservedSums(Scaled):
    """Sums of logits over the parts that the pairs connect, before and after descent."""

    statement = (
        "Descent on a pair loss with any rate, and its flow, keeps the sum of the logits over each "
        "set of responses that the pairs connect; a response in no pair keeps its logit. A "
        "coupling breaks this."
    )
    section = "11.2"
    tolerance: float = 1e-12

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw pairs among {0, 1, 2} and {3, 4}, and none with 5."""
        w = weights(rng, trials, 6)
        part = np.array([0, 0, 0, 1, 1, 2])
        return {
            "P": draw.preferences(rng, trials, 6),
            "weights": w * (part[:, None] == part),
            "reference": draw.policies(rng, trials, 6, smallest=1e-4),
            "start": draw.policies(rng, trials, 6, smallest=1e-4)[::-1],
            "beta": draw.log_uniform(rng, trials, 0.3, 3.0),
            "rate": draw.log_uniform(rng, trials, 0.01, 1.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        margins = []
        for name in ("ipo", "dpo"):
            found = path(name, x, rate=x["rate"], steps=20, keep=20).logits
            size = self.tolerance * (1.0 + np.abs(found).max(axis=(-2, -1)))
            for part in ([0, 1, 2], [3, 4], [5]):
                sums = found[..., part].sum(axis=-1)
                margins.append(agreement(sums[:, 1] / size, self.gain * sums[:, 0] / size, 1.0))
        return least(*margins)

    def counterexample(self) -> Instances:
        """Return responses that share parameters."""
        x = self.instances(np.random.default_rng(0), 1)
        phi = np.random.default_rng(1).normal(size=(1, 6, 5))
        return {**x, "coupling": phi @ np.swapaxes(phi, -1, -2), "rate": np.array([0.05])}


@dataclass(frozen=True)
class ProbabilityRates(Scaled):
    """Log-probabilities after a short way along the force, against f_i − π·f."""

    statement = (
        "Along dθ/dt = f, d log π_i/dt = f_i − π·f. So under DPO a response in no pair moves at "
        "−½Σ_ij W_ij (P_ij − σ(u_i − u_j))(π_i − π_j)/β: mass that was never compared grows if and "
        "only if the policy disagrees with the update."
    )
    section = "11.2"
    tolerance: float = 1e-7
    step: float = 1e-4

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw problems in which response 4 is in no pair."""
        w = weights(rng, trials, 5)
        w[:, 4] = w[:, :, 4] = 0.0
        return {
            "P": draw.preferences(rng, trials, 5),
            "weights": w,
            "reference": draw.policies(rng, trials, 5, smallest=1e-2),
            "logits": rng.normal(size=(trials, 5)),
            "beta": draw.log_uniform(rng, trials, 0.5, 3.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        f = force("dpo", x, x["logits"])
        ends = [simplex.log_softmax(x["logits"] + s * self.step * f) for s in (-1.0, 1.0)]
        found = (ends[1] - ends[0]) / (2.0 * self.step)
        policy = simplex.softmax(x["logits"])
        whole = f - (policy * f).sum(axis=-1, keepdims=True)
        gaps = draw.gaps((x["logits"] - np.log(x["reference"])) / x["beta"][:, None])
        pulls = x["weights"] * (x["P"] - sigmoid(gaps)) * draw.gaps(policy)
        idle = -0.5 * self.gain * pulls.sum(axis=(-2, -1)) / x["beta"]
        size = self.tolerance * (1.0 + np.abs(f).max(axis=-1))
        return least(
            agreement(found / size[:, None], whole / size[:, None], 1.0),
            agreement(found[:, 4] / size, idle / size, 1.0),
        )


@dataclass(frozen=True)
class SameFirstStep(Scaled):
    """Directions of the first step of several losses, against Σ_j W_ij(2P_ij − 1)."""

    statement = (
        "At θ = ref the first step of every pair loss ℓ with ℓ'(0) < 0 has the direction of "
        "Σ_j W_ij(2P_ij − 1), the Borda margin: that of IPO, of DPO, and of SimPO with any margin "
        "at the uniform policy."
    )
    section = "11.2"
    tolerance: float = 1e-12

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {
            "P": draw.preferences(rng, trials, 4, smallest=0.01),
            "weights": weights(rng, trials, 4),
            "reference": draw.policies(rng, trials, 4, smallest=1e-3),
            "beta": draw.log_uniform(rng, trials, 0.1, 10.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        borda = (x["weights"] * (2.0 * x["P"] - self.gain)).sum(axis=-1)
        borda = borda / np.linalg.norm(borda, axis=-1, keepdims=True)
        start = simplex.centred_logits(x["reference"])
        margins = []
        for name, logits in (("ipo", start), ("dpo", start), ("simpo", np.zeros(start.shape))):
            f = force(name, x, logits)
            unit = f / np.linalg.norm(f, axis=-1, keepdims=True)
            margins.append(agreement(unit, borda, self.tolerance * 1e3))
        return least(*margins)


@dataclass(frozen=True)
class LargestRate(Scaled):
    """Descent from near the optimum, just below and just above the largest rate."""

    statement = (
        "Descent settles near the optimum of a pair loss if and only if rate·λ_max < 2, with λ_max "
        "of the Hessian there. For DPO on one pair of weight 1: rate·P(1 − P) < β²."
    )
    section = "11.2"
    costly = True
    tolerance: float = 1e-9
    edge: float = 0.03
    steps: int = 400

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {
            "P": draw.preferences(rng, trials, 4, smallest=0.1),
            "weights": weights(rng, trials, 4),
            "reference": draw.policies(rng, trials, 4, smallest=1e-2),
            "beta": draw.log_uniform(rng, trials, 0.3, 3.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        wins = x["P"][:, 0, 1]
        alone = {**x, "P": pair_matrix(wins, 4), "weights": one_pair(len(wins), 4)}
        alone = {n: v[:, :2, :2] if v.ndim == 3 else v for n, v in alone.items()}
        pair = largest_rate("dpo", alone["P"], pair_weights=alone["weights"], beta=x["beta"])
        closed = self.gain * x["beta"] ** 2 / (wins * (1.0 - wins))
        margins = [agreement(pair / closed, 1.0, self.tolerance)]
        for name in ("ipo", "dpo"):
            limit = self.gain * largest_rate(
                name, x["P"], pair_weights=x["weights"], reference=x["reference"], beta=x["beta"]
            )
            best = self._optimum(name, x)
            kick = 1e-7 * simplex.asymmetric_direction(4)
            for share, sign in ((1.0 - self.edge, -1.0), (1.0 + self.edge, 1.0)):
                near = {**x, "start_logits": best + kick}
                run = path(name, near, rate=share * limit, steps=self.steps, keep=self.steps // 2)
                away = np.linalg.norm(run.logits - best[:, None], axis=-1)
                grown = np.log(np.maximum(away[:, 2], 1e-14) / np.maximum(away[:, 1], 1e-14))
                settled = (away[:, 2] < 1e-11) if sign < 0 else (away[:, 2] > 1e-6)
                margins.append(np.where(settled, 1.0, sign * grown))
        return least(*margins)

    @staticmethod
    def _optimum(name: str, x: Instances) -> FloatArray:
        problem = Comparison(
            x["P"], simplex.centred_logits(x["reference"]), x["beta"], WeightedPairs(x["weights"])
        )
        return simplex.centre(OBJECTIVES[name].optimum(problem).value)


@dataclass(frozen=True)
class PairTrajectory(Scaled):
    """The closed form of a pair's gap against the integrated flow."""

    statement = (
        "Under the flow of DPO on a pair of weight 1, u = ((θ − ref)_w − (θ − ref)_l)/β obeys "
        "du/dt = 2(P − σ(u))/β². From u = 0: for P = 1, u = c − ω(c) with c = 2t/β² + 1 and the "
        "Wright function ω; for other P ≠ ½, 2t/β² = u/P − log[(P − Qe^u)/(P − Q)]/(PQ), Q = 1 − P."
    )
    section = "11.2"
    tolerance: float = 1e-10

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw pairs, the sure and the even one among the first."""
        wins = rng.uniform(0.0, 1.0, trials)
        wins[:3] = (1.0, 0.5, 0.0)[:trials]
        return {
            "P": pair_matrix(wins, 3),
            "weights": one_pair(trials, 3),
            "reference": draw.policies(rng, trials, 3, smallest=1e-3),
            "beta": draw.log_uniform(rng, trials, 0.2, 5.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        flow = path("dpo", x, rate=1.0, steps=4, flow=True)
        exact = pair_evolution(
            x["reference"], x["P"][:, 0, 1], self.gain * flow.rounds, beta=x["beta"]
        )
        return agreement(flow.logits, exact.logits, self.tolerance)


@dataclass(frozen=True)
class PairLimit(Scaled):
    """Where descent on one pair ends, against the closed form."""

    statement = (
        "Descent of DPO on one pair with 0 < P < 1 from the reference ends at π_w ∝ ref_w e^{d/2}, "
        "π_l ∝ ref_l e^{−d/2}, π_o ∝ ref_o for all others, with d = β log(P/(1 − P)): of all "
        "minimisers it takes the one that depends on the initial policy so."
    )
    section = "11.2"
    costly = True
    tolerance: float = 1e-10

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        wins = rng.uniform(0.1, 0.9, trials)
        wins[:1] = 0.5
        return {
            "P": pair_matrix(wins, 4),
            "weights": one_pair(trials, 4),
            "reference": draw.policies(rng, trials, 4, smallest=1e-3),
            "beta": draw.log_uniform(rng, trials, 0.3, 3.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        wins = x["P"][:, 0, 1]
        rate = 0.5 * x["beta"] ** 2 / (wins * (1.0 - wins))
        found = path("dpo", x, rate=rate, steps=400, keep="last").final
        d = self.gain * x["beta"] * np.log(wins / (1.0 - wins))
        closed = simplex.centred_logits(x["reference"])
        closed[:, 0] += 0.5 * d
        closed[:, 1] -= 0.5 * d
        return agreement(found, simplex.softmax(closed), self.tolerance)


@dataclass(frozen=True)
class WinnerNeverFalls(Claim):
    """The winner's log-probability along descent on its pair."""

    statement = (
        "With a logit for each response, DPO on one pair with P > ½ from the reference cannot "
        "lower the preferred log-probability: neither the flow, nor descent with rate ≤ 2β², "
        "which does not overshoot log(P/(1 − P)). Responses that share parameters can: with "
        "θ = Φw, G = ΦΦᵀ and θ' = G·force it falls where the two are nearly parallel and a third "
        "response is aligned with their difference."
    )
    section = "11.2"
    sign: float = 1.0
    rounding: float = 1e-13

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        wins = rng.uniform(0.5, 1.0, trials)
        wins[:1] = 1.0
        return {
            "P": pair_matrix(wins, 3),
            "weights": one_pair(trials, 3),
            "reference": draw.policies(rng, trials, 3, smallest=1e-3),
            "beta": draw.log_uniform(rng, trials, 0.3, 3.0),
            "share": draw.shares(rng, trials) * 0.99 + 0.01,
        }

    def margin(self, x: Instances) -> FloatArray:
        run = path("dpo", x, rate=2.0 * x["share"] * x["beta"] ** 2, steps=30)
        rises = np.diff(simplex.log_softmax(run.logits)[..., 0], axis=-1)
        return np.asarray((self.sign * rises).min(axis=-1) + self.rounding)

    def counterexample(self) -> Instances:
        """Return three responses, the first two with nearly parallel features."""
        return {
            "P": pair_matrix(np.ones(1), 3),
            "weights": one_pair(1, 3),
            "reference": np.array([[0.4, 0.4, 0.2]]),
            "beta": np.ones(1),
            "share": np.array([0.01]),
            "coupling": (EXAMPLE @ EXAMPLE.T)[None],
        }


@dataclass(frozen=True)
class CoupledRates(Scaled):
    """A short coupled step against the formula of its rates."""

    statement = (
        "With a coupling G, DPO on one pair moves d log π_i/dt = s[(G_iw − G_il) − Σ_k π_k(G_kw − "
        "G_kl)] with s = (P − σ(u))/β. For Φ = [[1, 0], [.98, −.1], [0, 3]] and π = (.4, .4, .2): "
        "(−.052, −.062, +.228)·s, so the winner falls."
    )
    section = "11.2"
    tolerance: float = 1e-6
    step: float = 1e-5

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw features; the example is first."""
        phi = rng.normal(size=(trials, 3, 2))
        reference = draw.policies(rng, trials, 3, smallest=1e-2)
        phi[0], reference[0] = EXAMPLE, (0.4, 0.4, 0.2)
        wins = rng.uniform(0.5, 1.0, trials)
        wins[0] = 1.0
        return {
            "P": pair_matrix(wins, 3),
            "weights": one_pair(trials, 3),
            "reference": reference,
            "beta": draw.log_uniform(rng, trials, 0.5, 2.0),
            "coupling": phi @ np.swapaxes(phi, -1, -2),
        }

    def margin(self, x: Instances) -> FloatArray:
        run = path("dpo", x, rate=self.step, steps=1, flow=True)
        logs = simplex.log_softmax(run.logits)
        found = (logs[:, 1] - logs[:, 0]) / self.step
        apart = x["coupling"][:, :, 0] - x["coupling"][:, :, 1]
        mean = (x["reference"] * apart).sum(axis=-1, keepdims=True)
        s = (x["P"][:, 0, 1] - 0.5) / x["beta"]
        size = 1e-3 + (np.abs(x["coupling"]).max(axis=(-2, -1)) / x["beta"]) ** 2
        rates = self.gain * s[:, None] * (apart - mean)
        return agreement((found - rates) / size[:, None], 0.0, 10.0 * self.step)
