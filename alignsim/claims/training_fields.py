"""Fields that train without an optimum of their own: SimPO, α-DPO and KTO."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alignsim import preferences, simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement
from alignsim.claims.training import one_pair, pair_matrix, weights
from alignsim.feedback.training import train
from alignsim.objectives import (
    KTO,
    Comparison,
    SimPO,
    WeightedPairs,
    alpha_dpo_as_dpo,
    optimum,
    simpo_gap,
)
from alignsim.preferences.logistic import sigmoid
from alignsim.validation import FloatArray

NET = np.array([0.12, 0.10, 0.08, -0.30])
"""How much oftener each of four responses wins than loses."""


@dataclass(frozen=True)
class SimPOPair(Scaled):
    """The force of SimPO at the closed form of its pair."""

    statement = (
        "SimPO on a pair of responses of equal length rests at z = e^{gap/β} = [A(P − Q) + "
        "√(A²(P − Q)² + 4PQ)]/(2Q), Q = 1 − P, A = e^margin, that is gap = β(½ log(P/Q) + "
        "arsinh(A(P − Q)/(2√(PQ)))); for P = 1 nowhere."
    )
    section = "11.2"
    tolerance: float = 1e-12

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {
            "wins": rng.uniform(0.02, 0.98, trials),
            "beta": draw.log_uniform(rng, trials, 0.1, 10.0),
            "spread": draw.shares(rng, trials, high=4.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        gap = self.gain * simpo_gap(x["wins"], beta=x["beta"], margin=x["spread"])
        P = pair_matrix(x["wins"], 2)
        pairs = WeightedPairs(one_pair(len(P), 2))
        there = Comparison(P, np.zeros((len(P), 2)), x["beta"], pairs)
        logits = gap[:, None] * np.array([0.5, -0.5])
        force = x["beta"][:, None] * SimPO(margin=x["spread"]).force(logits, there)
        slack = self.tolerance * np.exp(-x["spread"])  # the pull itself is no larger than that
        return agreement(force / slack[:, None], 0.0, 1.0)


@dataclass(frozen=True)
class TiltedReference(Scaled):
    """The pull of α-DPO without its z-score at the optimum of DPO with another reference."""

    statement = (
        "α-DPO without its z-score, x_ij = (θ_i − θ_j − α d_ij)/β with d_ij = (θ − ref)_i − "
        "(θ − ref)_j, is DPO with β/(1 − α) and the reference ∝ ref^{−α/(1 − α)}, for any P and "
        "pairs: it ends tilted away from its reference."
    )
    section = "11.2"
    tolerance: float = 1e-12

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {
            "P": draw.preferences(rng, trials, 4, smallest=0.02),
            "weights": weights(rng, trials, 4),
            "reference": draw.policies(rng, trials, 4, smallest=1e-2),
            "beta": draw.log_uniform(rng, trials, 0.3, 3.0),
            "tilt": draw.shares(rng, trials, high=0.7),
        }

    def margin(self, x: Instances) -> FloatArray:
        given = alpha_dpo_as_dpo(beta=x["beta"], tilt=x["tilt"], reference=x["reference"])
        end = simplex.centred_logits(
            optimum("dpo", x["P"], pair_weights=x["weights"], **given)  # type: ignore[arg-type]
        )
        moved = end - np.log(x["reference"])
        tilt = (self.gain * x["tilt"])[:, None, None]
        gaps = (draw.gaps(end) - tilt * draw.gaps(moved)) / x["beta"][:, None, None]
        pull = (x["weights"] * (x["P"] - sigmoid(gaps))).sum(axis=-1)
        return agreement(pull, 0.0, self.tolerance)


@dataclass(frozen=True)
class KTONetWeights(Scaled):
    """The force of KTO against the one that is made of net weights alone."""

    statement = (
        "KTO sees preferences only through n_i = λ_D q_i − λ_U q⁻_i, how often i wins and loses: "
        "its field is c − (Σc)π with c_i = (n_i/β)σ'((h_i − z)/β), h = log(π/ref), z = KL(π ‖ ref)."
    )
    section = "11.2"
    tolerance: float = 1e-12

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {
            "P": draw.preferences(rng, trials, 4),
            "weights": weights(rng, trials, 4),
            "reference": draw.policies(rng, trials, 4, smallest=1e-3),
            "policy": draw.policies(rng, trials, 4, smallest=1e-3)[::-1],
            "beta": draw.log_uniform(rng, trials, 0.3, 10.0),
            "wanted": draw.shares(rng, trials, high=2.0),
            "unwanted": draw.shares(rng, trials, high=2.0)[::-1],
        }

    def margin(self, x: Instances) -> FloatArray:
        won = (x["weights"] * x["P"]).sum(axis=-1)
        lost = (x["weights"] * np.swapaxes(x["P"], -1, -2)).sum(axis=-1)
        net = x["wanted"][:, None] * won - self.gain * x["unwanted"][:, None] * lost
        policy, beta = x["policy"], x["beta"][:, None]
        h = np.log(policy / x["reference"])
        win = sigmoid((h - (policy * h).sum(axis=-1, keepdims=True)) / beta)
        c = net * win * (1.0 - win) / beta
        expected = c - policy * c.sum(axis=-1, keepdims=True)
        pairs = WeightedPairs(x["weights"])
        there = Comparison(x["P"], simplex.centred_logits(x["reference"]), x["beta"], pairs)
        field = KTO(desirable=x["wanted"], undesirable=x["unwanted"])
        found = field.force(simplex.centred_logits(policy), there)
        return agreement(beta * found, beta * expected, self.tolerance)


@dataclass(frozen=True)
class KTOSeveralEnds(Claim):
    """Where KTO ends from three starts, each next to another response."""

    statement = (
        "KTO may end in several places: for net weights (.12, .10, .08, −.30), β ≤ .4 and the "
        "uniform reference, from any policy that gives .97 to one of the first three responses it "
        "ends with nearly all on that one."
    )
    section = "11.2"
    status = "seen"
    costly = True
    least_share: float = 0.99

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        rest = rng.dirichlet(np.ones(3), (trials, 3))
        starts = np.empty((trials, 3, 4))
        for i in range(3):
            starts[:, i] = np.insert(0.03 * np.maximum(rest[:, i], 1e-3), i, 0.97, axis=-1)
        starts /= starts.sum(axis=-1, keepdims=True)
        return {"starts": starts, "beta": rng.uniform(0.2, 0.4, trials)}

    def margin(self, x: Instances) -> FloatArray:
        P = preferences.additive(0.75 * NET)
        path = train(
            "kto", P, pair_weights=np.ones((4, 4)), beta=x["beta"][:, None], start=x["starts"],
            rate=20.0, steps=1000, keep="last",
        )  # fmt: skip
        own = np.stack([path.final[:, i, i] for i in range(3)], axis=-1)
        return np.asarray(own.min(axis=-1) - self.least_share)

    def counterexample(self) -> Instances:
        """Return a larger β, which has one end only."""
        x = self.instances(np.random.default_rng(0), 1)
        return {**x, "beta": np.array([10.0])}
