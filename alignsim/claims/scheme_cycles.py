"""Orbits of methods that cycle beside a stable equilibrium, and those that find a winner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from alignsim import analysis, simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, least
from alignsim.claims.scheme_rests import scheme
from alignsim.claims.spectra import rotation
from alignsim.feedback import FeedbackMap
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.feedback.naming import method
from alignsim.preferences import condorcet_winner
from alignsim.validation import FloatArray

LONG = 60_000
"""Rounds after which an orbit has come to rest or never will."""

STILL = 1e-6
"""How far from rest, in logits, an orbit has come to rest."""

STARTS = 32
"""Directions that are tried."""

CYCLING = 0.1
"""How far from rest, in logits, it cycles."""


def three_responses(policy: FloatArray) -> FloatArray:
    """Return preferences (n, 3, 3) of which policies (n, 3) are the Nash equilibria."""
    share = 0.49 * policy / policy.max(axis=-1, keepdims=True)
    skew = np.zeros((*policy.shape, 3))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        skew[:, i, j], skew[:, j, i] = share[:, k], -share[:, k]
    return np.asarray(0.5 + skew)


def around(amplitude: FloatArray, turn: FloatArray) -> FloatArray:
    """Return nudges (n, 3) of an amplitude (n,) in logits, in the direction of a turn (n,)."""
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    return np.asarray(amplitude[:, None] * (circle @ simplex.mean_zero_basis(3).T))


class BesideEquilibrium(Claim):
    """Orbits around one equilibrium at a share of the limit of a method."""

    section = "10.5"
    status = "seen"
    costly = True
    method: ClassVar[str]
    own: ClassVar[dict[str, float]]

    def away(self, equilibrium: Any, share: FloatArray | float, nudge: FloatArray) -> FloatArray:
        """Return how far from rest orbits end, in logits, (n,)."""
        policy = np.broadcast_to(np.asarray(equilibrium) / np.sum(equilibrium), nudge.shape)
        P = three_responses(policy)
        own = {name: np.full(len(P), value) for name, value in self.own.items()}
        wired = scheme(self.method, own)
        fact = METHODS[self.method].facts.limit
        assert fact is not None
        limit = fact.value(**wired.parameters)
        beta = share * limit / rotation(P, np.log(policy))
        loop = FeedbackMap(P, beta=beta, scheme=wired)
        rest = simplex.centred_logits(policy)
        end = loop.run(start_logits=rest + nudge, rounds=LONG, keep="last")
        return np.abs(end.final_logits - rest).max(axis=-1)


@dataclass(frozen=True)
class HardOnset(BesideEquilibrium):
    """Small and large amplitudes just below the limit, and farther below."""

    statement = (
        "The onset of soft_reference at m = .6, TRL's default, is hard at the Nash equilibrium "
        "(.165, .187, .648): at .995 of its limit orbits from amplitude .01 come to rest and from "
        "amplitude 1 cycle for ever, at .98 both come to rest."
    )
    method = "soft_reference"
    own: ClassVar = {"mixup": 0.6}
    beside: float = 0.995
    below: float = 0.98

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {"turn": rng.uniform(0.0, 2.0 * np.pi, trials)}

    def margin(self, x: Instances) -> FloatArray:
        nash = (0.165, 0.187, 0.648)
        small, large = (
            around(0.01 + 0.0 * x["turn"], x["turn"]),
            around(1.0 + 0.0 * x["turn"], x["turn"]),
        )
        return least(
            np.log(STILL / np.maximum(self.away(nash, self.beside, small), 1e-300)),
            self.away(nash, self.beside, large) - CYCLING,
            *(
                np.log(STILL / np.maximum(self.away(nash, self.below, nudge), 1e-300))
                for nudge in (small, large)
            ),
        )


@dataclass(frozen=True)
class CycleBesideSoftReference(BesideEquilibrium):
    """At three responses, where mrs never shows it."""

    statement = (
        "A locally stable equilibrium of soft_reference need not attract every orbit, already at "
        "K = 3: m = ½ at the Nash equilibrium (.047, .849, .104) and .90 of its limit comes to "
        "rest from amplitude .3 and, in some directions only, from amplitude 1; in others it "
        "cycles for ever."
    )
    method = "soft_reference"
    own: ClassVar = {"mixup": 0.5}
    equilibrium: tuple[float, float, float] = (0.047, 0.849, 0.104)
    share: float = 0.9
    amplitude: float = 1.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {"turn": rng.uniform(0.0, 2.0 * np.pi, trials)}

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of a small nudge, and of the ends of large ones all around."""
        small = around(np.full(len(x["turn"]), 0.3), x["turn"])
        still = self.away(self.equilibrium, self.share, small)
        turns = x["turn"][:, None] + np.linspace(0.0, 2.0 * np.pi, STARTS, endpoint=False)
        large = around(np.full(turns.size, self.amplitude), turns.ravel())
        ends = self.away(self.equilibrium, self.share, large).reshape(turns.shape)
        return least(
            np.log(STILL / np.maximum(still, 1e-300)),
            np.log(STILL / np.maximum(ends.min(axis=-1), 1e-300)),
            ends.max(axis=-1) - CYCLING,
        )


@dataclass(frozen=True)
class CycleBesideExtragradient(CycleBesideSoftReference):
    """The same for extragradient."""

    statement = (
        "Nor need one of extragradient without an anchor: at the Nash equilibrium (.906, .079, "
        ".015) and .90 of its limit it comes to rest from amplitude .3 and cycles for ever from "
        "amplitude 2 in some directions only, which are mixed finely with others."
    )
    method = "extragradient"
    own: ClassVar = {"kappa": 0.0}
    equilibrium: tuple[float, float, float] = (0.906, 0.079, 0.015)
    share: float = 0.9
    amplitude: float = 2.0


@dataclass(frozen=True)
class WinnerFound(Claim):
    """Where unanchored methods put the winner that MRS never finds."""

    name = "condorcet-winner-found"
    statement = (
        "Where the maximal lottery leaves responses out, methods without an anchor have no rest "
        "point: left-out logits drift linearly and policies converge to the lottery. On the "
        "winner of 6.6, which beats each response of a three-cycle by .02, soft_reference with "
        "m = ½, optimistic and extragradient at β = 1.5, 3 and 20 put more than .9999; mrs at "
        "α = .9 and β = 20 puts less than .001."
    )
    section = "10.5"
    status = "seen"
    costly = True
    found: float = 0.9999
    lost: float = 1e-3
    lead: float = 0.02
    rounds: int = 40_000

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        beta = np.resize([1.5, 3.0, 20.0], trials)
        start = np.array([0.0, 1e-3, -5e-4, -5e-4]) + rng.normal(0.0, 1e-5, (trials, 4))
        return {"beta": beta, "start": start}

    def margin(self, x: Instances) -> FloatArray:
        skew = np.zeros((4, 4))
        skew[0, 1:] = self.lead
        skew[[1, 2, 3], [2, 3, 1]] = 0.5
        P = 0.5 + skew - skew.T
        slack = []
        methods: dict[str, Any] = {
            "soft_reference": {"mixup": 0.5},
            "optimistic": {},
            "extragradient": {},
        }
        for name, own in methods.items():
            loop = method(name, P, beta=x["beta"], **own)
            end = loop.run(start_logits=x["start"], rounds=self.rounds, keep="last").final
            slack.append(end[:, 0] / self.found - 1.0)
        mixed = method("mrs", P, beta=20.0, alpha=0.9)
        mean = mixed.run(start_logits=x["start"], rounds=self.rounds, keep="last").policy_mean
        return least(*slack, 1.0 - mean[:, 0] / self.lost)


@dataclass(frozen=True)
class AllPastData(Claim):
    """Orbits whose sampler is the average of all past policies."""

    statement = (
        "IPO with a fixed reference (α = 0) that trains on the responses of all past rounds "
        "(weights 1/t; smooth fictitious play) converges to the fixed point of MRS at every β "
        "tried, with an error of order 1/t. It varies in time, so it is no scheme."
    )
    section = "10.5"
    status = "seen"
    costly = True
    width: float = 60.0
    """Bounds t times the error in logits, over 1 + β."""
    rounds: tuple[int, int] = (500, 4000)

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {
            "P": draw.preferences(rng, trials, 3),
            "beta": draw.log_uniform(rng, trials, 1.0, 50.0),
            "reference": draw.policies(rng, trials, 3, smallest=0.02),
            "start": rng.normal(size=(trials, 3)),
        }

    def margin(self, x: Instances) -> FloatArray:
        loop = draw.feedback_map(x, alpha=0.0)
        point = analysis.fixed_point(loop).logits
        logits = simplex.centre(x["start"])
        mean = np.zeros_like(logits)
        error = []
        for t in range(1, self.rounds[1] + 1):
            mean += (simplex.softmax(logits) - mean) / t
            pull = x["beta"][:, None] * draw.product(x["P"], mean)
            logits = simplex.centre(loop.reference_logits + pull)
            if t in self.rounds:
                error.append(t * np.abs(logits - point).max(axis=-1))
        bound = self.width * (1.0 + x["beta"])
        return least(*(1.0 - each / bound for each in error))


@dataclass(frozen=True)
class OneHotLimit(Claim):
    """The largest probability of the fixed point as η grows."""

    statement = (
        "With λ = 1, α < 1 and no ties the fixed point of MRS-IPO becomes one-hot as η → ∞ exactly "
        "if a strict Condorcet winner exists."
    )
    section = "10.5"
    source = "literature"
    status = "proved"
    collapsed: float = 0.99
    eta: float = 300.0
    smallest: float = 0.05
    """Margin, the least."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw margins of at least ``smallest``, the first half with a winner."""
        K = int(rng.integers(3, 6))
        P = draw.preferences(rng, trials, K)
        skew = P - 0.5
        sign = np.triu(np.where(rng.uniform(size=skew.shape) < 0.5, 1.0, -1.0), 1)
        sign = sign - np.swapaxes(sign, -1, -2)
        size = rng.uniform(self.smallest, 0.45, skew.shape)
        size = np.triu(size, 1) + np.swapaxes(np.triu(size, 1), -1, -2)
        skew = sign * size
        half = trials // 2
        skew[:half, 0, 1:], skew[:half, 1:, 0] = size[:half, 0, 1:], -size[:half, 1:, 0]
        return {"P": 0.5 + skew}

    def margin(self, x: Instances) -> FloatArray:
        loop = draw.feedback_map(x, eta=np.full(len(x["P"]), self.eta), alpha=0.0)
        top = simplex.softmax(analysis.fixed_point(loop).logits).max(axis=-1)
        winner = condorcet_winner(x["P"]) >= 0
        return np.where(winner, top - self.collapsed, self.collapsed - top)
