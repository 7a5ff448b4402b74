"""Maps that show what local stability and transitive preferences do not rule out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alignsim import analysis, simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement, least
from alignsim.claims.spectra import radius
from alignsim.feedback import FeedbackMap
from alignsim.preferences import is_strictly_strongly_transitive
from alignsim.validation import FloatArray

ROUNDS = 4000
"""Enough for a transient at ρ = .95 to end in rounding."""

LONG = 60_000
"""Rounds for which the cycle beside the Condorcet winner is followed."""


@dataclass(frozen=True)
class CycleBesideFixedPoint(Claim):
    """Two orbits of one map with a stable fixed point: one converges, the other cycles."""

    statement = (
        "From K = 4 on a locally stable fixed point of MRS-IPO need not attract every orbit: a "
        "map with ρ = .9457 there has an attracting cycle of period 5 beside it."
    )
    section = "6.6"
    status = "seen"
    costly = True
    tolerance: float = 1e-8
    radius: float = 0.9457
    digits: float = 5e-5
    period: int = 5

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        order, images = _images(rng, trials, PERIOD_FIVE)
        direction = np.array([3.0, -3.0, 3.0, -3.0])[order]
        return {
            **images,
            "reference": PERIOD_FIVE_REFERENCE[order],
            "near": rng.normal(0.0, 1e-2, (trials, 4)),
            "far": direction + rng.normal(0.0, 1e-2, (trials, 4)),
        }

    def margin(self, x: Instances) -> FloatArray:
        loop = _rescaled(x, 30.0, 0.35, simplex.softmax(x["reference"]))
        point = analysis.fixed_point(loop).logits
        near = loop.run(start_logits=point + x["near"], rounds=ROUNDS, keep="last").final_logits
        last = [ROUNDS - self.period, ROUNDS - 1, ROUNDS]
        far = loop.run(start_logits=point + x["far"], rounds=ROUNDS, keep=last).logits
        moves = np.abs(far[:, 2] - far[:, 1]).max(axis=-1)
        return least(
            agreement(radius(loop, point), self.radius, self.digits),
            agreement(near, point, self.tolerance),
            agreement(far[:, 0], far[:, 2], self.tolerance),
            moves - 1.0,
        )


@dataclass(frozen=True)
class WinnerNeverFound(Claim):
    """A stable fixed point at the Condorcet winner, and orbits that never come near it."""

    name = "condorcet-winner-never-found"
    statement = (
        "A Condorcet winner that holds .948 of a stable fixed point (ρ = .949) of MRS-IPO need not "
        "be found: it beats each response of a three-cycle by .02; with uniform references, λ = 1, "
        "α = .9, β = 20 orbits that start near the uniform policy cycle without it for ever. The "
        "fixed point is unstable at β = 3 and 15 and stable at 2 and 20."
    )
    section = "6.6"
    status = "seen"
    costly = True
    tolerance: float = 1e-8
    share: float = 0.948
    radius: float = 0.949
    digits: float = 5e-4
    found: float = 1e-3
    """Mean policy of the winner, from half of the rounds on, below which it was not found."""
    lead: float = 0.02
    unstable: tuple[float, float] = (3.0, 15.0)
    """Two β between which, roughly, the fixed point is unstable."""
    stable: float = 2.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        margins = np.zeros((4, 4))
        margins[0, 1:] = self.lead
        margins[[1, 2, 3], [2, 3, 1]] = 0.5
        order, images = _images(rng, trials, 0.5 + margins - margins.T)
        start = np.array([0.0, 1e-3, -5e-4, -5e-4])[order]
        return {
            **images,
            "winner": order.argmin(axis=-1).astype(float),
            "start": start + rng.normal(0.0, 1e-5, (trials, 4)),
            "near": rng.normal(0.0, 1e-2, (trials, 4)),
        }

    def margin(self, x: Instances) -> FloatArray:
        loop = _rescaled(x, 20.0, 0.9)
        winner = x["winner"].astype(int)[:, None]
        point = analysis.fixed_point(loop).logits
        share = np.take_along_axis(simplex.softmax(point), winner, axis=-1)
        near = loop.run(start_logits=point + x["near"], rounds=ROUNDS, keep="last").final_logits
        cycling = loop.run(start_logits=x["start"], rounds=LONG, keep="last").policy_mean
        mean = np.take_along_axis(cycling, winner, axis=-1)[:, 0]

        def radius_at(beta: float) -> FloatArray:
            other = _rescaled(x, beta, 0.9)
            return radius(other, analysis.fixed_point(other).logits)

        return least(
            agreement(radius(loop, point), self.radius, self.digits),
            agreement(share, self.share, self.digits),
            agreement(near, point, self.tolerance),
            *(radius_at(beta) - 1.0 for beta in self.unstable),
            1.0 - radius_at(self.stable),
            1.0 - mean / self.found,
        )


@dataclass(frozen=True)
class OrderedOscillation(Claim):
    """Three strictly ordered responses with a reference that leans against the order."""

    statement = (
        "Strict strong transitivity does not rule out oscillation of MRS-IPO, already at K = 3: "
        "margins ½·(.9, 1, .91), log π_ref = −40·M·uniform, α = 0, β = 40, λ = 1 give ρ = 3.12, "
        "and orbits that never settle."
    )
    section = "6.7"
    status = "seen"
    costly = True
    beta: float = 40.0
    lean: float = 40.0
    """log π_ref is −M·uniform times this."""
    radius: float = 3.12
    digits: float = 5e-3
    strength: float = 0.01
    strongest: float = np.inf
    """Least and greatest time variance of the policy coordinate that varies most."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        upper = np.array([[0.0, 0.45, 0.5], [0.0, 0.0, 0.455], [0.0, 0.0, 0.0]])
        return self._started(rng, trials, upper - upper.T)

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of ρ and of the variance; −1 without order."""
        reference = simplex.softmax(-self.lean * (x["P"] - 0.5).mean(axis=-1))
        loop = _rescaled(x, self.beta, 0.0, reference)
        found = radius(loop, analysis.fixed_point(loop).logits)
        orbit = loop.run(start_logits=x["start"], rounds=ROUNDS, keep="last")
        variance = orbit.policy_variance.max(axis=-1)
        slack = least(
            agreement(found, self.radius, self.digits),
            variance / self.strength - 1.0,
            1.0 - variance / self.strongest,
        )
        return np.where(is_strictly_strongly_transitive(loop.P), slack, -1.0)

    @staticmethod
    def _started(rng: np.random.Generator, trials: int, margins: FloatArray) -> Instances:
        """Return images and random starts; the unstable point is not among them."""
        _, images = _images(rng, trials, 0.5 + margins)
        return {**images, "start": rng.normal(0.0, 1.0, (trials, len(margins)))}


@dataclass(frozen=True)
class OrderedOscillationFromUniform(OrderedOscillation):
    """Three groups of strictly ordered responses with uniform references."""

    statement = (
        "Strict strong transitivity does not rule out oscillation of MRS-IPO with uniform "
        "references either: for groups A, B, C of 1, 4 and 7 responses, margins .4995·[i in A, "
        "k in C] + 1e-5(k − i) rescaled to at most ½, α = 0, β = 21.846 and λ = 1, ρ = 1.069 and "
        "the best response's share cycles with a time variance of 9.8e-3."
    )
    beta: float = 21.846
    lean: float = 0.0
    radius: float = 1.069
    digits: float = 5e-4
    strength: float = 9.75e-3
    strongest: float = 9.85e-3

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        place = np.arange(12)
        upper = np.triu(1e-5 * (place - place[:, None]), 1)
        upper[0, 5:] += 0.4995
        return self._started(rng, trials, 0.5 * (upper - upper.T) / upper.max())


@dataclass(frozen=True)
class TiedTopRows(Scaled):
    """The ratio of two responses that nothing tells apart."""

    statement = (
        "Two responses with identical rows of P keep the ratio of π_ref for ever, in MRS-IPO and "
        "MRS-DPO; from another start the log-ratio's distance to it is α^t times its first. So "
        "under weak strong transitivity tied top rows are never told apart."
    )
    section = "6.7"
    status = "seen"
    tolerance: float = 1e-7
    rounds: int = 30

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw any preferences and strict orders with the first row doubled; α = 0 and 1 first."""
        K = int(rng.integers(2, 6))
        P = draw.preferences(rng, trials, K, smallest=0.02)
        double = np.array([0, *range(K)])
        return {
            "P": P[:, double[:, None], double],
            "beta": draw.log_uniform(rng, trials, 0.1, 10.0),
            "alpha": draw.shares(rng, trials),
            "lam": draw.shares(rng, trials)[::-1],
            "reference": draw.policies(rng, trials, K + 1, smallest=1e-3),
            "offline": draw.policies(rng, trials, K + 1),
            "start": rng.normal(0.0, 2.0, (trials, K + 1)),
        }

    def margin(self, x: Instances) -> FloatArray:
        t = np.arange(self.rounds + 1)
        left = x["alpha"][:, None] ** t
        kept = np.log(x["reference"][:, 0] / x["reference"][:, 1])[:, None]
        first = (x["start"][:, 0] - x["start"][:, 1])[:, None]
        expected = left * first + (1.0 - left) * self.gain * kept
        slack = []
        for objective in ("ipo", "dpo"):
            loop = draw.feedback_map(x, objective)
            logits = loop.run(start_logits=x["start"], rounds=self.rounds).logits
            slack.append(agreement(logits[..., 0] - logits[..., 1], expected, self.tolerance))
        return np.minimum(*slack)


def _images(
    rng: np.random.Generator, trials: int, P: FloatArray
) -> tuple[draw.IntArray, Instances]:
    """Return orders (n, K), and P (K, K) in them with a scale for its margins."""
    order = draw.orders(rng, trials, len(P))
    scale = draw.log_uniform(rng, trials, 0.1, 1.0)
    return order, {"P": draw.relabelled(P, order), "scale": scale}


def _rescaled(
    x: Instances, beta: float, alpha: float, reference: FloatArray | None = None
) -> FeedbackMap:
    """Return the maps with margins times the scale and β over it: they do the same."""
    P = 0.5 + x["scale"][:, None, None] * (x["P"] - 0.5)
    return FeedbackMap(P, beta=beta / x["scale"], alpha=alpha, reference=reference)


PERIOD_FIVE = np.array(
    [[0.5, 0.624, 0.619, 0.969], [0.376, 0.5, 0.942, 0.269],
     [0.381, 0.058, 0.5, 0.454], [0.031, 0.731, 0.546, 0.5]]
)  # fmt: skip
PERIOD_FIVE_REFERENCE = np.array([-5.3686, -0.6416, 0.9502, 5.06])
"""The map with the cycle of period 5, at α = .35, β = 30, λ = 1: P, and its reference's logits."""
