"""A stable fixed point beside another attractor: what local stability does not say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import alignsim as asim
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, agreement
from alignsim.claims.relabelling import orders, relabelled
from alignsim.claims.spectra import radius
from alignsim.validation import FloatArray

ROUNDS = 3000
"""Enough for a transient at ρ = .95 to end in rounding."""

LONG = 60_000
"""Rounds for which the cycle beside the Condorcet winner is followed."""


@dataclass(frozen=True)
class CycleBesideFixedPoint(Claim):
    """Two orbits of one map with a stable fixed point: one converges, the other cycles."""

    statement: ClassVar[str] = (
        "From K = 4 on a locally stable fixed point of MRS-IPO need not attract every orbit: a "
        "map with ρ = .9457 there has an attracting cycle of period 5 beside it."
    )
    section: ClassVar[str] = "6.6"
    costly: ClassVar[bool] = True
    tolerance: float = 1e-8
    radius: float = 0.9457
    digits: float = 5e-5
    period: int = 5

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw relabelled and rescaled images of the map, and starts near two points."""
        order = orders(rng, trials, 4)
        direction = np.array([3.0, -3.0, 3.0, -3.0])[order]
        return {
            "P": relabelled(PERIOD_FIVE, order),
            "scale": draw.log_uniform(rng, trials, 0.1, 1.0),
            "reference": PERIOD_FIVE_REFERENCE[order],
            "near": rng.normal(0.0, 1e-2, (trials, 4)),
            "far": direction + rng.normal(0.0, 1e-2, (trials, 4)),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of ρ, of convergence from near, and of the period from afar."""
        loop = asim.FeedbackMap(
            0.5 + x["scale"][:, None, None] * (x["P"] - 0.5),
            beta=30.0 / x["scale"],
            alpha=0.35,
            reference=asim.simplex.softmax(x["reference"]),
        )
        point = asim.analysis.fixed_point(loop).logits
        found = radius(loop, point)
        near = loop.run(start_logits=point + x["near"], rounds=ROUNDS, keep="last").final_logits
        last = [ROUNDS - self.period, ROUNDS - 1, ROUNDS]
        far = loop.run(start_logits=point + x["far"], rounds=ROUNDS, keep=last).logits
        moves = np.abs(far[:, 2] - far[:, 1]).max(axis=-1)
        return np.minimum.reduce(
            [
                agreement(found, np.full_like(found, self.radius), self.digits),
                agreement(near, point, self.tolerance),
                agreement(far[:, 0], far[:, 2], self.tolerance),
                moves - 1.0,
            ]
        )


@dataclass(frozen=True)
class WinnerNeverFound(Claim):
    """A stable fixed point at the Condorcet winner, and orbits that never come near it."""

    name: ClassVar[str] = "condorcet-winner-never-found"
    statement: ClassVar[str] = (
        "A Condorcet winner that holds .948 of a stable fixed point (ρ = .949) of MRS-IPO need not "
        "be found: it beats each response of a three-cycle by .02; with uniform references, λ = 1, "
        "α = .9, β = 20 orbits that start near the uniform policy cycle without it for ever. The "
        "fixed point is unstable at β = 3 and 15 and stable at 2 and 20."
    )
    section: ClassVar[str] = "6.6"
    costly: ClassVar[bool] = True
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
        """Draw relabelled and rescaled images, and starts near the uniform policy."""
        margins = np.zeros((4, 4))
        margins[0, 1:] = self.lead
        margins[[1, 2, 3], [2, 3, 1]] = 0.5
        order = orders(rng, trials, 4)
        start = np.array([0.0, 1e-3, -5e-4, -5e-4])[order]
        return {
            "P": relabelled(0.5 + margins - margins.T, order),
            "winner": order.argmin(axis=-1).astype(float),
            "scale": draw.log_uniform(rng, trials, 0.1, 1.0),
            "start": start + rng.normal(0.0, 1e-5, (trials, 4)),
            "near": rng.normal(0.0, 1e-2, (trials, 4)),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of the fixed point's numbers, and of both orbits."""
        loop = asim.FeedbackMap(
            0.5 + x["scale"][:, None, None] * (x["P"] - 0.5), beta=20.0 / x["scale"], alpha=0.9
        )
        winner = x["winner"].astype(int)[:, None]
        point = asim.analysis.fixed_point(loop).logits
        found = radius(loop, point)
        share = np.take_along_axis(asim.simplex.softmax(point), winner, axis=-1)[:, 0]
        others = [self._radius_at(loop, x["scale"], beta) for beta in self.unstable]
        window = np.minimum(*others) - 1.0
        near = loop.run(start_logits=point + x["near"], rounds=ROUNDS, keep="last").final_logits
        cycling = loop.run(start_logits=x["start"], rounds=LONG, keep="last").policy_mean
        mean = np.take_along_axis(cycling, winner, axis=-1)[:, 0]
        return np.minimum.reduce(
            [
                agreement(found, np.full_like(found, self.radius), self.digits),
                agreement(share, np.full_like(share, self.share), self.digits),
                agreement(near, point, self.tolerance),
                window,
                1.0 - self._radius_at(loop, x["scale"], self.stable),
                1.0 - mean / self.found,
            ]
        )

    @staticmethod
    def _radius_at(loop: asim.FeedbackMap, scale: FloatArray, beta: float) -> FloatArray:
        other = loop.replace(beta=beta / scale)
        return radius(other, asim.analysis.fixed_point(other).logits)


PERIOD_FIVE = np.array(
    [[0.5, 0.624, 0.619, 0.969], [0.376, 0.5, 0.942, 0.269],
     [0.381, 0.058, 0.5, 0.454], [0.031, 0.731, 0.546, 0.5]]
)  # fmt: skip
PERIOD_FIVE_REFERENCE = np.array([-5.3686, -0.6416, 0.9502, 5.06])
"""The map with the cycle of period 5, at α = .35, β = 30, λ = 1: P, and its reference's logits."""
