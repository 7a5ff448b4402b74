"""Methods that are one another, and what follows from the update alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from alignsim import preferences, simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement, least
from alignsim.feedback.naming import method
from alignsim.objectives import dpo_optimum
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class SoftReferenceIsOptimism(Scaled):
    """Orbits of both, from the same policies and matching second slots."""

    statement = (
        "For every objective with a score, soft_reference with mixup m, pull e and α = 0 at β and "
        "optimistic with κ = e and optimism (1−m−e)/(m+e) at (m+e)β give the same policies in "
        "every round, if ρ = κ·ref + (1−κ)x − c·d at the start. Without a pull, from any start: "
        "x' = x + mβv_t + (1−m)β(v_t − v_(t−1)); m = ½ is optimistic multiplicative weights with "
        "step β/2."
    )
    section = "10.1"
    costly = True
    tolerance: float = 1e-9
    rounds: tuple[int, int] = (1000, 60)
    """Of IPO and of DPO."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw maps; m = ½ and m = 1, which is no optimism, without a pull are first."""
        K = int(rng.integers(2, 6))
        mixup = rng.uniform(0.3, 1.0, trials)
        mixup[:2] = (0.5, 1.0)
        pull = np.where(np.arange(trials) % 2 == 0, 0.0, (1.0 - mixup) * draw.shares(rng, trials))
        return {
            "P": draw.preferences(rng, trials, K, smallest=0.02),
            "beta": draw.log_uniform(rng, trials, 0.05, 0.5),
            "lam": draw.shares(rng, trials)[::-1],
            "mixup": mixup,
            "pull": pull,
            "reference": draw.policies(rng, trials, K, smallest=1e-3),
            "offline": draw.policies(rng, trials, K),
            "start": rng.normal(size=(trials, K)),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of the largest difference in logits, relative to their size."""
        share = x["mixup"] + x["pull"]
        held = x["pull"][:, None] * simplex.centred_logits(x["reference"])
        start = simplex.centre(x["start"])
        slack = []
        for objective, rounds in zip(("ipo", "dpo"), self.rounds, strict=True):
            common: dict[str, Any] = {name: x[name] for name in ("lam", "reference", "offline")}
            soft = method(
                "soft_reference", x["P"], objective=objective, beta=x["beta"],
                mixup=x["mixup"], pull=x["pull"], **common,
            )  # fmt: skip
            optimistic = method(
                "optimistic", x["P"], objective=objective, beta=self.gain * share * x["beta"],
                optimism=(1.0 - share) / share, kappa=x["pull"], **common,
            )  # fmt: skip
            behind = held + (1.0 - x["pull"])[:, None] * start
            one = soft.run(start_state=np.stack([start, behind], axis=1), rounds=rounds)
            two = optimistic.run(start_logits=start, rounds=rounds)
            size = 1.0 + np.abs(one.logits).max(axis=-1, keepdims=True)
            slack.append(agreement((one.logits - two.logits) / size, 0.0, self.tolerance))
        return least(*slack)


@dataclass(frozen=True)
class TwoRoundsAReset(Claim):
    """Orbits of both, to the bit."""

    statement = (
        "hard_reference with a reset after every second round and α = 0 is extragradient without "
        "an anchor, to the bit."
    )
    section = "10.1"
    costly = True
    every: int = 2
    alpha: float = 0.0
    kappa: float = 0.0
    rounds: tuple[int, int] = (300, 30)
    """Of IPO and of DPO."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw maps of both objectives, calm and wild."""
        K = int(rng.integers(2, 6))
        return {
            "P": draw.preferences(rng, trials, K, smallest=0.02),
            "beta": draw.log_uniform(rng, trials, 0.1, 10.0),
            "lam": draw.shares(rng, trials)[::-1],
            "reference": draw.policies(rng, trials, K, smallest=1e-3),
            "offline": draw.policies(rng, trials, K),
            "start": rng.normal(size=(trials, K)),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return 0 where all bits agree, else −1."""
        same = np.ones(len(x["P"]), dtype=np.bool_)
        for objective, rounds in zip(("ipo", "dpo"), self.rounds, strict=True):
            given: dict[str, Any] = {
                name: x[name] for name in ("beta", "lam", "reference", "offline")
            }
            given |= {"objective": objective}
            hard = method("hard_reference", x["P"], every=self.every, alpha=self.alpha, **given)
            ahead = method("extragradient", x["P"], kappa=self.kappa, **given)
            one = hard.run(start_logits=x["start"], rounds=rounds).logits
            two = ahead.run(start_logits=x["start"], rounds=rounds).logits
            same &= ((one == two) | (np.isnan(one) & np.isnan(two))).all(axis=(-2, -1))
        return np.where(same, 0.0, -1.0)


@dataclass(frozen=True)
class OfflineTrustRegion(Scaled):
    """How far all gaps move in a round, after the memory of the start is gone."""

    statement = (
        "A soft reference without an anchor and an offline sampler (λ = 0; TR-DPO as published) "
        "has no fixed point unless v(π_off) is constant: every gap log(π_i/π_j) grows by "
        "mβ(v_i − v_j)/(1 − α(1−m)) a round in the long run, from the first round on at α = 0; for "
        "IPO v_i − v_j = ⟨P_i − P_j, π_off⟩. The trust region only slows the collapse."
    )
    section = "10.1"
    tolerance: float = 1e-9
    settled: float = 1e-12

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw maps, mixtures and α; α = 0 and m = 1 are first."""
        K = int(rng.integers(2, 6))
        return {
            "P": draw.preferences(rng, trials, K, smallest=0.02),
            "beta": draw.log_uniform(rng, trials, 0.1, 3.0),
            "mixup": 1.0 - draw.shares(rng, trials, high=0.9),
            "alpha": draw.shares(rng, trials, high=0.8),
            "offline": draw.policies(rng, trials, K, smallest=1e-3),
            "start": rng.normal(size=(trials, K)),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of the move of a late round, relative to β."""
        memory = x["alpha"] * (1.0 - x["mixup"])
        slack = []
        scores = {
            "ipo": draw.product(x["P"], x["offline"]),
            "dpo": np.log(dpo_optimum(x["P"], sampling=x["offline"], beta=1.0)),
        }
        for objective, score in scores.items():
            loop = method(
                "soft_reference", x["P"], objective=objective, beta=x["beta"], lam=0.0,
                offline=x["offline"], mixup=x["mixup"], alpha=x["alpha"],
            )  # fmt: skip
            after = 1 + int(np.ceil(np.log(self.settled) / np.log(max(memory.max(), 0.01))))
            late = loop.run(start_logits=x["start"], rounds=after + 1, keep=[after, after + 1])
            moved = (late.logits[:, 1] - late.logits[:, 0]) / x["beta"][:, None]
            expected = (x["mixup"] / (1.0 - memory))[:, None] * simplex.centre(score)
            slack.append(agreement(moved, self.gain * expected, self.tolerance))
        return least(*slack)


@dataclass(frozen=True)
class MomentumOnRewards(Scaled):
    """The optimum of every round against the closed form."""

    statement = (
        "With Bradley-Terry preferences P_ij = σ(r_i − r_j) and momentum m without an anchor, the "
        "optimum of round t of DPO from the reference is log π_ref + βr·B_t, B_t = t/(1−m) − "
        "m(1−m^t)/(1−m)²: as much as t/(1−m) rounds without momentum. So for IPO with "
        "P_ij − ½ = r_i − r_j."
    )
    section = "10.1"
    source = "literature"
    tolerance: float = 1e-9
    rounds: int = 30

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw rewards, momentum and β; m = 0 and −½ are first."""
        K = int(rng.integers(2, 6))
        momentum = rng.uniform(-0.9, 0.9, trials)
        momentum[:2] = (0.0, -0.5)
        return {
            "rewards": 0.25 * rng.uniform(-1.0, 1.0, (trials, K)),
            "momentum": momentum,
            "beta": draw.log_uniform(rng, trials, 0.1, 2.0),
            "lam": draw.shares(rng, trials),
            "reference": draw.policies(rng, trials, K, smallest=1e-2),
        }

    def margin(self, x: Instances) -> FloatArray:
        m = x["momentum"]
        t = self.rounds
        reached = t / (1.0 - m) - self.gain * m * (1.0 - m**t) / (1.0 - m) ** 2
        moved = (x["beta"] * reached)[:, None] * simplex.centre(x["rewards"])
        expected = simplex.centred_logits(x["reference"]) + moved
        slack = []
        matrices = {
            "dpo": preferences.bradley_terry(x["rewards"]),
            "ipo": preferences.additive(x["rewards"]),
        }
        for objective, P in matrices.items():
            loop = method(
                "apo", P, objective=objective, eta=x["beta"], extrapolation=m, lam=x["lam"],
                reference=x["reference"],
            )  # fmt: skip
            optimum = loop.run(x["reference"], rounds=t, keep="last").final_state[:, 1]
            slack.append(agreement(optimum, expected, self.tolerance * t))
        return least(*slack)
