"""Ranking axioms and samplers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, least
from alignsim.preferences import (
    condorcet_winner,
    fixed_sampling_counterexample,
    is_weakly_transitive,
    order_lp,
    random_strictly_strongly_transitive,
    smith_set,
    smith_top_sampler,
)
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class FixedSampling(Claim):
    """The construction of a bad P for a given sampler, checked from the definitions."""

    name = "fixed-sampling-impossibility"
    statement = (
        "For every sampler μ over K ≥ 3 responses some transitive P with a Condorcet winner c has "
        "(Pμ)_j > (Pμ)_c for another j: no fixed sampler is Condorcet-top, Smith-top or "
        "order-preserving."
    )
    source = "paper"
    section = "4"
    handicap: float = 0.0
    """Taken from the rival's lead, as a share of it."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw samplers; the vertices and the uniform one first."""
        K = int(rng.integers(3, 7))
        sampler = draw.policies(rng, trials, K)
        corners = np.concatenate([np.eye(K), np.full((1, K), 1 / K)])[:trials]
        sampler[: len(corners)] = corners
        return {"sampler": sampler}

    def margin(self, x: Instances) -> FloatArray:
        """Return the rival's lead over the winner, −1 if P is not as stated."""
        P = fixed_sampling_counterexample(x["sampler"])
        scores = draw.product(P, x["sampler"])
        winner = condorcet_winner(P)
        lead = scores.max(axis=-1) - np.take_along_axis(scores, winner[:, None], -1)[:, 0]
        valid = (winner >= 0) & is_weakly_transitive(P) & (smith_set(P).sum(axis=-1) == 1)
        return np.where(valid & (lead > 0), lead * (1.0 - self.handicap), -1.0)


@dataclass(frozen=True)
class SmithTopSampling(Claim):
    """The scores of members and non-members under the sampler that knows P."""

    statement = (
        "For every P some full-support sampler scores each member of the Smith set above each "
        "non-member, and so a Condorcet winner above all."
    )
    source = "paper"
    section = "4"
    pull: float = 1.0
    """1 for the sampler itself; −1 for its mirror image in the uniform one."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(3, 6))
        return {"P": draw.preferences(rng, trials, K)}

    def margin(self, x: Instances) -> FloatArray:
        """Return the least lead of a member, 1 if there is no non-member."""
        members = smith_set(x["P"])
        sampler = smith_top_sampler(x["P"])
        uniform = 1.0 / x["P"].shape[-1]
        sampler = uniform + self.pull * (sampler - uniform)
        scores = draw.product(x["P"], sampler)
        lowest = np.where(members, scores, np.inf).min(axis=-1)
        highest = np.where(members, -np.inf, scores).max(axis=-1)
        lead = np.where(members.all(axis=-1), 1.0, lowest - highest)
        return np.where(lead > 0, np.minimum(lead, sampler.min(axis=-1)), lead)


@dataclass(frozen=True)
class OrderLimits(Scaled):
    """The order-preservation program: its dual proves each answer."""

    name = "order-preservation-limits"
    statement = (
        "A full-support sampler that preserves a strict transitive majority order exists if and "
        "only if no y ≥ 0, y ≠ 0, has Σ y_i(P_i − P_{i+1}) ≤ 0 in every coordinate (rows in "
        "majority order). With K ≤ 3 it always exists; with K = 4 it does not always."
    )
    source = "paper"
    section = "4"
    tolerance: float = 1e-8

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw transitive matrices with margins uniform in (0, ½); the known bad one first."""
        K = int(rng.integers(3, 6))
        upper = np.triu(rng.uniform(0.0, 0.5, (trials, K, K)), 1)
        P = 0.5 + upper - np.swapaxes(upper, -1, -2)
        if K == 4:
            P[0] = NO_SAMPLER
        return {"P": P}

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of strong duality, and at K = 3 of feasibility."""
        found = order_lp(x["P"])
        rows = np.take_along_axis(x["P"], found.order[:, :, None], axis=1)
        gaps = rows[:, :-1] - rows[:, 1:]
        ceiling = (found.certificate[:, None, :] @ gaps)[:, 0].max(axis=-1)
        duality = 1.0 - np.abs(ceiling - self.gain * found.margin) / self.tolerance
        lead = draw.product(gaps, found.sampler).min(axis=-1)
        kept = np.where(found.feasible, np.where(lead > 0, 1.0, -1.0), 1.0)
        small = found.margin if x["P"].shape[-1] == 3 else np.ones(len(lead))
        return least(duality, kept, small)


@dataclass(frozen=True)
class RowDominance(Claim):
    """Scores at the vertices and inside, under strict row dominance."""

    statement = (
        "If P_ik > P_jk for all k whenever i is above j (strict row dominance), every sampler "
        "keeps the order; without it some sampler does not."
    )
    source = "paper"
    section = "4"
    spoil: float = 0.0
    """Moves the best row's entry against the best response down by this multiple of its lead."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(3, 7))
        P = random_strictly_strongly_transitive(K, size=trials, rng=rng)
        return {"P": P, "sampler": draw.policies(rng, trials, K)}

    def margin(self, x: Instances) -> FloatArray:
        P = x["P"].copy()
        lead = P[:, 0, 1] - P[:, 1, 1]
        P[:, 0, 1] -= self.spoil * lead
        P[:, 1, 0] += self.spoil * lead
        scores = draw.product(P, x["sampler"])
        gaps = np.concatenate([scores[:, :, None], P], axis=-1)
        return np.asarray((gaps[:, :-1] - gaps[:, 1:]).min(axis=(-2, -1)))

    def counterexample(self) -> Instances:
        """Return a transitive matrix whose rows cross."""
        P = np.array([[[0.5, 0.6, 0.6], [0.4, 0.5, 0.9], [0.4, 0.1, 0.5]]])
        return {"P": P, "sampler": np.full((1, 3), 1 / 3)}


NO_SAMPLER = np.array(
    [[0.5, 0.55, 0.65, 0.55], [0.45, 0.5, 0.8, 0.65],
     [0.35, 0.2, 0.5, 0.55], [0.45, 0.35, 0.45, 0.5]]
)  # fmt: skip
"""A transitive matrix whose order no full-support sampler preserves: the margin is −0.025."""
