"""Momentum between rounds: its multipliers, and how fast rewards grow with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alignsim import simplex
from alignsim.analysis.equilibria.quantal import qre
from alignsim.claims import instances as draw
from alignsim.claims.contract import Instances, Scaled, agreement, least
from alignsim.claims.scores_and_games import ROOT, modes, odd_games
from alignsim.feedback.naming import method
from alignsim.preferences import bradley_terry, cyclic
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class MomentumModes(Scaled):
    """Eigenvalues of a loop with momentum against a quadratic, and figures to their digits."""

    statement = (
        "Momentum a on a round with multiplier m has the multipliers z of z² − m(1+a)z + ma = 0, "
        "and may destabilise a cycle. With P − ½ = .4 on a cycle of three, a uniform reference, "
        "β = ½, κ = 0 and a = −.3, 0, .3, .6, ρ is 1.00447, 1.00664, 1.01661, 1.07176; with "
        "β = .8, κ = .08 and a = 0, .3, .6, .9 it is .9384, .9356, 1.0234, 1.1957, and "
        "for margins .4, .3, .2 .9295, .9118, .9645, 1.1233."
    )
    section = "11.4"
    tolerance: float = 1e-8
    free: tuple[float, ...] = (1.00447, 1.00664, 1.01661, 1.07176)
    anchored: tuple[float, ...] = (0.9384, 0.9356, 1.0234, 1.1957)
    uneven: tuple[float, ...] = (0.9295, 0.9118, 0.9645, 1.1233)

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw games with an equilibrium, momentum and κ."""
        return {
            **odd_games(rng, trials),
            "momentum": rng.uniform(-0.9, 0.9, trials),
            "kappa": draw.shares(rng, trials, high=0.9),
            "beta": draw.log_uniform(rng, trials, 0.1, 5.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        a, kappa, beta = x["momentum"], x["kappa"], x["beta"]
        loop = method("momentum", x["P"], beta=beta, momentum=a, kappa=kappa, reference=x["policy"])
        rest = simplex.centred_logits(x["policy"])
        found = np.linalg.eigvals(loop.derivative(np.concatenate([rest, rest], axis=-1), "tangent"))
        omega = modes(x["P"], x["policy"])
        m = (1.0 - kappa)[:, None] + 1j * beta[:, None] * omega
        half = 0.5 * m * (1.0 + self.gain * a[:, None])
        spread = np.sqrt(half**2 - m * a[:, None])
        expected = np.abs(np.concatenate([half + spread, half - spread], axis=-1)).max(axis=-1)
        slack = agreement(np.abs(found).max(axis=-1), expected, ROOT)
        return np.minimum(slack, self._figures())

    def _figures(self) -> FloatArray:
        """Return the margin of the figures, each within half of its last digit."""
        even = cyclic(3, advantage=0.4)
        uneven = 0.5 + np.array([[0.0, 0.4, -0.2], [-0.4, 0.0, 0.3], [0.2, -0.3, 0.0]])
        return least(
            self._table(even, 0.5, 0.0, np.array([-0.3, 0.0, 0.3, 0.6]), self.free, 0.5e-5),
            self._table(even, 0.8, 0.08, np.array([0.0, 0.3, 0.6, 0.9]), self.anchored, 0.5e-4),
            self._table(uneven, 0.8, 0.08, np.array([0.0, 0.3, 0.6, 0.9]), self.uneven, 0.5e-4),
        )

    @staticmethod
    def _table(
        P: FloatArray, beta: float, kappa: float, momentum: FloatArray,
        told: tuple[float, ...], digit: float,
    ) -> FloatArray:  # fmt: skip
        rest = np.zeros(3) if kappa == 0.0 else qre(P, tau=kappa / beta).logits
        loop = method("momentum", P, beta=beta, momentum=momentum, kappa=kappa)
        values = np.linalg.eigvals(
            loop.derivative(np.broadcast_to(np.tile(rest, 2), (4, 6)), "tangent")
        )
        found = np.abs(values).max(axis=-1)
        return agreement(found[None], np.array(told)[None], digit)


@dataclass(frozen=True)
class AcceleratedRewards(Scaled):
    """What is missing from the largest reward after t rounds with momentum."""

    statement = (
        "With rewards r and momentum m the optimum of round t misses the largest reward by at most "
        "log(1/π_ref(i*))/(βB_t), B_t = t/(1−m) − m(1−m^t)/(1−m)²: the rate (1−m)/t. Without "
        "momentum B_t = t."
    )
    section = "11.4"
    source = "literature"
    rounds: int = 12
    rare: float = 1e-12

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw rewards, momentum and β; a reference with next to nothing on the best is first."""
        K = int(rng.integers(2, 6))
        rewards = rng.uniform(0.0, 1.0, (trials, K))
        reference = draw.policies(rng, trials, K, smallest=1e-4)
        beta = draw.log_uniform(rng, trials, 0.1, 2.0)
        rewards[0], reference[0] = np.eye(K)[0], 1.0 / (K - 1)
        reference[0, 0] = self.rare
        beta[0] = -0.87 * np.log(self.rare) / self.rounds
        return {
            "rewards": rewards,
            "momentum": draw.shares(rng, trials, high=0.9),
            "beta": beta,
            "reference": reference / reference.sum(axis=-1, keepdims=True),
        }

    def margin(self, x: Instances) -> FloatArray:
        r, m, t = x["rewards"], x["momentum"], self.rounds
        loop = method(
            "apo", bradley_terry(r), objective="rlhf", eta=x["beta"], extrapolation=m,
            reference=x["reference"],
        )  # fmt: skip
        end = loop.run(x["reference"], rounds=t, keep="last").final_state[:, 1]
        missing = r.max(axis=-1) - (simplex.softmax(end) * r).sum(axis=-1)
        reached = x["beta"] * (t / (1.0 - m) - m * (1.0 - m**t) / (1.0 - m) ** 2)
        best = np.take_along_axis(x["reference"], r.argmax(axis=-1)[:, None], -1)[:, 0]
        spent = np.log(1.0 / best)
        grown = simplex.centred_logits(x["reference"]) + reached[:, None] * simplex.centre(r)
        same = agreement(simplex.softmax(end), simplex.softmax(grown), 1e-9)
        return least(spent / (self.gain * reached) - missing, same)
