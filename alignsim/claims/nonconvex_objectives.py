"""One-shot optima of losses that are not convex, or not smooth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from alignsim import simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement, least
from alignsim.claims.residual_objectives import (
    comparison_of,
    dpo_loss,
    pair_weights,
    problems,
    proper_subsets,
)
from alignsim.kernels.status import OK
from alignsim.objectives import (
    EXO,
    XPO,
    Comparison,
    ProductPairs,
    SLiC,
    WeightedPairs,
    minima,
    optimum,
)
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class ExplorationCut(Scaled):
    """Exploration just below and just above the limit."""

    statement = (
        "The XPO loss is coercive if and only if αβ·π_ref(S) < Σ_{i∈S, j∉S} W_ij P_ij for every "
        "proper subset S; beyond it falls for ever as the responses of such a subset vanish."
    )
    section = "11.1"

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(2, 5))
        return problems(rng, trials, K, smallest=0.1, share=0.05) | {
            "share": np.where(np.arange(trials) % 2 == 0, 0.9, 1.1),
        }

    def margin(self, x: Instances) -> FloatArray:
        n, K = x["sampler"].shape
        won, limit, worst = pair_weights(x) * x["P"], np.full(n, np.inf), np.zeros((n, K))
        for inside in proper_subsets(K):
            cut = won[:, inside][:, :, ~inside].sum(axis=(-2, -1))
            bound = cut / (x["beta"] * x["reference"][:, inside].sum(axis=-1))
            worst = np.where((bound < limit)[:, None], inside, worst)
            limit = np.minimum(limit, bound)
        alpha = self.gain * x["share"] * limit
        problem = comparison_of(x)
        bounded = XPO(alpha).exists(problem)
        base = np.log(x["reference"])
        bound = 60.0 * x["beta"][:, None] + 40.0
        loss = [
            dpo_loss(x, base - t * bound * worst)
            + alpha * (x["reference"] * simplex.log_softmax(base - t * bound * worst)).sum(axis=-1)
            for t in (1.0, 2.0)
        ]
        below = x["share"] < 1.0
        rises = np.where(below, loss[1] - loss[0], loss[0] - loss[1])
        return np.where(bounded == below, rises, -1.0)


@dataclass(frozen=True)
class ExplorationSplits(Scaled):
    """The curvature of a fair pair at the reference."""

    statement = (
        "The XPO loss of a fair pair with the uniform reference, P = ½ and weight W, has the "
        "curvature (W − αβ²)/(4β²) there: with αβ < W < αβ² it is coercive and has two minima, "
        "mirror images of one another."
    )
    section = "11.1"
    tolerance: float = 1e-12

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {
            "beta": draw.log_uniform(rng, trials, 0.3, 5.0),
            "exploration": draw.log_uniform(rng, trials, 0.01, 1.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        n, beta, alpha = len(x["beta"]), x["beta"], x["exploration"]
        pairs = WeightedPairs(np.tile([[0.0, 1.0], [1.0, 0.0]], (n, 1, 1)))
        problem = Comparison(np.full((n, 2, 2), 0.5), np.zeros((n, 2)), beta, pairs)
        bend = -XPO(alpha).force_derivatives(np.zeros((n, 2)), problem).logits[:, 0, 0]
        expected = (1.0 - self.gain * alpha * beta**2) / (4.0 * beta**2)
        curved = agreement(bend, expected, self.tolerance)
        split = (alpha * beta < 0.99) & (alpha * beta**2 > 1.05)
        several = [self._mirrored(beta[i], alpha[i]) if split[i] else 1.0 for i in range(min(n, 8))]
        return np.minimum(curved, np.concatenate([several, np.ones(n - len(several))]))

    @staticmethod
    def _mirrored(beta: float, alpha: float) -> float:
        fair = np.full((2, 2), 0.5)
        found = minima("xpo", fair, [0.5, 0.5], beta=beta, exploration=0.5 * alpha, starts=20)
        same = len(found.policy) == 2 and np.allclose(found.policy[0], found.policy[1][::-1])
        return 1.0 if same else -1.0


@dataclass(frozen=True)
class EXOHardLabels(Scaled):
    """Single pairs."""

    statement = (
        "EXO of a pair with hard labels smoothed by ε has the gap of scores (2P − 1)·log((1−ε)/ε), "
        "linear in P as for IPO; with soft labels it has log(P/(1−P)), as DPO."
    )
    section = "11.1"
    tolerance: float = 1e-11

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {
            "P": draw.preferences(rng, trials, 2, smallest=0.01),
            "sampler": draw.policies(rng, trials, 2, smallest=1e-3),
            "smoothing": rng.uniform(0.001, 0.49, trials),
        }

    def margin(self, x: Instances) -> FloatArray:
        base = np.zeros((len(x["P"]), 2))
        problem = Comparison(x["P"], base, np.ones(len(base)), ProductPairs(x["sampler"]))
        share, P = x["smoothing"], x["P"][:, 0, 1]
        slack = []
        for smoothing, expected in (
            (share, (2.0 * P - 1.0) * np.log((1.0 - share) / share)),
            (np.zeros(len(P)), np.log(P / (1.0 - P))),
        ):
            score = EXO(smoothing).score(problem).value
            slack.append(agreement(score[:, 0] - score[:, 1], self.gain * expected, self.tolerance))
        return least(*slack)


@dataclass(frozen=True)
class EXOSeveralMinima(Claim):
    """One problem, many starts."""

    statement = (
        "EXO need not have one minimum: with uniform pair weights, K = 3 and log-odds 2, −5 and 2 "
        "of the pairs 12, 13 and 23, descents end at losses .7027, .7027 and .7178."
    )
    status = "seen"
    section = "11.1"
    costly = True
    losses: tuple[float, ...] = (0.7027, 0.7027, 0.7178)

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {"seed": rng.integers(0, 1000, trials)}

    def margin(self, x: Instances) -> FloatArray:
        P = expit(np.array([[0.0, 2.0, -5.0], [-2.0, 0.0, 2.0], [5.0, -2.0, 0.0]]))
        slack = []
        for seed in x["seed"]:
            found = minima(
                "exo", P, pair_weights=np.ones((3, 3)), beta=1.0, starts=60, rng=int(seed)
            ).loss
            fits = len(found) == len(self.losses)
            slack.append(1.0 - np.abs(found - self.losses).max() / 6e-5 if fits else -1.0)
        return np.array(slack)


@dataclass(frozen=True)
class WeightsIrrelevant(Claim):
    """Pairs at random, and those of rejection sampling from the optimum."""

    statement = (
        "For Bradley-Terry preferences DPO and soft-label EXO have the same optimum whatever pair "
        "weights connect the responses; with pairs sampled from the optimum itself, as in "
        "statistical rejection sampling (RSO), too."
    )
    status = "checked"
    section = "11.1"
    tolerance: float = 1e-10
    curl: float = 0.0
    """Added to the log-odds of a three-cycle, against Bradley-Terry."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(3, 6))
        return {
            "strength": rng.normal(size=(trials, K)),
            "weights": rng.dirichlet(np.ones(K * K), trials).reshape(trials, K, K),
            "reference": draw.policies(rng, trials, K, smallest=1e-2),
            "beta": draw.log_uniform(rng, trials, 0.3, 2.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        odds = draw.gaps(x["strength"])
        cycle = np.zeros(odds.shape[-2:])
        cycle[[0, 1, 2], [1, 2, 0]] = self.curl
        P = expit(odds + cycle - cycle.T)
        best = x["reference"] * np.exp(x["beta"][:, None] * x["strength"])
        best /= best.sum(axis=-1, keepdims=True)
        slack = []
        for objective in ("dpo", "exo"):
            for pairs in ((None, x["weights"]), (best, None)):
                found = optimum(
                    objective, P, pairs[0], pair_weights=pairs[1], reference=x["reference"],
                    beta=x["beta"],
                )  # fmt: skip
                slack.append(agreement(found, best, self.tolerance))
        return least(*slack)


@dataclass(frozen=True)
class HingeIsBlind(Scaled):
    """Pairs, and larger problems whose optimum is unique."""

    statement = (
        "The hinge loss of margins alone has an optimum whose scores differ by whole numbers, "
        "if it is unique; of one pair it is sign(P − ½), however strong the preference."
    )
    section = "11.1"
    tolerance: float = 1e-12

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        x = problems(rng, trials, 4, smallest=0.02)
        return x | {"pair": draw.preferences(rng, trials, 2, smallest=0.01)}

    def margin(self, x: Instances) -> FloatArray:
        n = len(x["pair"])
        ones = Comparison(
            x["pair"], np.zeros((n, 2)), np.ones(n), ProductPairs(np.full((n, 2), 0.5))
        )
        u = SLiC(0.0).optimum(ones).value
        blind = agreement(u[:, 0] - u[:, 1], self.gain * np.sign(x["pair"][:, 0, 1] - 0.5), 1e-12)
        found = SLiC(0.0).scores(comparison_of(x))
        whole = draw.gaps(np.where((found.status == OK)[:, None], found.value, 0.0)) / self.gain
        return least(blind, agreement(whole, np.round(whole), self.tolerance))
