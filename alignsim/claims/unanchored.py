"""α = 1: what happens when no fixed reference holds the policy back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alignsim import preferences, simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement, least
from alignsim.feedback import FeedbackMap
from alignsim.preferences import random_strictly_strongly_transitive
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class FullCollapse(Scaled):
    """The entropy after many rounds, and that it falls by then."""

    statement = (
        "Let P be strictly strongly transitive and α = 1. The entropy of MRS-IPO eventually falls "
        "in every round and tends to 0, the policy to the best response: after t rounds π_j/π_1 is "
        "at most its first value times e^{−tβδ_j}, δ_j = min_k (P_1k − P_jk) (the rate is ours)."
    )
    source = "paper"
    section = "6.8"
    rounding: float = 1e-9
    rounds: int = 200

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw orders, samplers and starts; additive preferences, which need the bound, first."""
        K = int(rng.integers(2, 7))
        return {**_orders(rng, trials, K), "start": rng.normal(0.0, 2.0, (trials, K))}

    def margin(self, x: Instances) -> FloatArray:
        """Return the least slack of a log-ratio, −1 where the entropy rises at the end."""
        lead = (x["P"][:, :1] - x["P"]).min(axis=-1)
        beta = 1.0 / lead[:, 1:].min(axis=-1)
        loop = draw.feedback_map(x, beta=beta, alpha=1.0)
        logits = loop.run(start_logits=x["start"], rounds=self.rounds, keep=10).logits
        grown = logits[:, -1] - logits[:, 0]
        gaps = grown[:, :1] - grown
        slack = gaps / (self.rounds * beta[:, None]) - self.gain * lead + self.rounding
        late = simplex.entropy(logits[:, -4:])
        falls = (late[:, 1:] < late[:, :-1]) | (late[:, 1:] == 0.0)
        gone = falls.all(axis=-1) & (late[:, -1] < 1e-30)
        return np.where(gone, slack[:, 1:].min(axis=-1), -1.0)


@dataclass(frozen=True)
class EntropyFallsFrom(Claim):
    """The entropy in every round from T on."""

    statement = (
        "Let P be strictly strongly transitive and α = 1. The entropy of MRS-IPO falls in every "
        "round t ≥ T = max_{i above j} (z_j − z_i)₊/(β min_k (P_ik − P_jk)), z the first logits; "
        "that of MRS-DPO already from T/4 on."
    )
    section = "6.8"
    rounding: float = 1e-12
    share: float = 1.0
    """Multiplies T."""
    speed: float = 4.0
    """Score gaps of MRS-DPO are at least this multiple of those of Pμ (theory 3.5)."""
    rounds: int = 150

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw orders, starts and T below 100 rounds; first one whose entropy rises until T."""
        K = int(rng.integers(2, 7))
        x = {
            **_orders(rng, trials, K),
            "start": rng.normal(0.0, 2.0, (trials, K)),
            "wait": draw.shares(rng, trials, high=100.0),
        }
        x["P"][0] = preferences.additive([1e-3, 0.0, *(-0.2 - 0.1 * np.arange(K - 2) / K)])
        x["start"][0] = [0.0, 3.0, *np.full(K - 2, -40.0)]
        x["wait"][0] = 100.0
        return x

    def margin(self, x: Instances) -> FloatArray:
        behind = np.maximum(x["start"][:, None, :] - x["start"][:, :, None], 0.0)
        lead = draw.row_gaps(x["P"]).min(axis=-1)
        ratio = np.where(lead > 0.0, behind / np.where(lead > 0.0, lead, 1.0), 0.0)
        ratio = ratio.max(axis=(-2, -1))
        beta = np.maximum(ratio / np.maximum(x["wait"], 1e-3), 0.01)
        slack = []
        for objective, gain in (("ipo", 1.0), ("dpo", self.speed)):
            first = self.share * ratio / (gain * beta)
            loop = draw.feedback_map(x, objective, beta=beta, alpha=1.0)
            logits = loop.run(start_logits=x["start"], rounds=self.rounds).logits
            entropy = simplex.entropy(logits)
            before, after = entropy[:, :-1], entropy[:, 1:]
            checked = (np.arange(self.rounds) >= first[:, None]) & (before > 1e-300)
            fall = 1.0 - after / np.where(checked, before, 1.0)
            slack.append(np.where(checked, fall, np.inf).min(axis=-1))
        return np.minimum(np.minimum(*slack), 1.0) + self.rounding

    def counterexample(self) -> Instances:
        """Return a transitive matrix whose rows cross: the best response overtakes the second."""
        return {
            "P": np.array([[[0.5, 0.6, 0.6], [0.4, 0.5, 0.9], [0.4, 0.1, 0.5]]]),
            "start": np.array([[0.0, 5.0, -5.0]]),
            "wait": np.array([0.0]),
            "lam": np.array([1.0]),
            "offline": np.full((1, 3), 1 / 3),
        }


@dataclass(frozen=True)
class CollapseRate(Scaled):
    """The growth of the gaps in a round of a collapsed policy."""

    statement = (
        "Let P be strictly strongly transitive and α = 1. The gap log(π_1/π_j) of MRS-IPO grows by "
        "β[λ(P_1j − ½) + (1−λ)⟨P_1 − P_j, π_off⟩] a round in the end, that of MRS-DPO at λ = 1 by "
        "β·logit P_1j."
    )
    section = "6.8"
    tolerance: float = 1e-8
    rounds: int = 200

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(2, 7))
        return {**_orders(rng, trials, K), "start": rng.normal(0.0, 2.0, (trials, K))}

    def margin(self, x: Instances) -> FloatArray:
        rows = x["P"][:, :1] - x["P"]
        beta = 1.0 / rows.min(axis=-1)[:, 1:].min(axis=-1)
        lost = x["P"][:, :, 0]
        rates = {
            "ipo": draw.product(rows, draw.against_first(x)),
            "dpo": np.log((1.0 - lost) / lost),
        }
        slack = []
        for objective, rate in rates.items():
            lam = x["lam"] if objective == "ipo" else 1.0
            loop = draw.feedback_map(x, objective, beta=beta, alpha=1.0, lam=lam)
            last = [self.rounds - 1, self.rounds]
            logits = loop.run(start_logits=x["start"], rounds=self.rounds, keep=last).logits
            grown = logits[:, 1] - logits[:, 0]
            found = (grown[:, :1] - grown) / beta[:, None]
            slack.append(agreement(found, self.gain * rate, self.tolerance))
        return np.minimum(*slack)


@dataclass(frozen=True)
class UnanchoredCycle(Scaled):
    """Self-play on a three-cycle: multipliers, growth near the centre, and the way out."""

    statement = (
        "For a cycle of three responses and α = λ = 1 MRS-IPO has an interior fixed point π̂ ∝ "
        "(M_23, M_31, M_12) with multipliers 1 ± iβω, ω = |P_12 + P_23 + P_31 − 3/2|√(π̂_1π̂_2π̂_3). "
        "From every other start KL(π̂‖π_t) rises in every round, near π̂ by the factor 1 + (βω)², "
        "and orbits spiral to the boundary."
    )
    section = "6.8"
    costly = True
    tolerance: float = 1e-9
    boundary: float = 1e-6
    """What the least probability has fallen below in the end."""
    rounds: int = 3000

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw cycles with βω in [.17, 2] and starts; a = .3, β = 1 is first."""
        ahead = rng.uniform(0.05, 0.5, (trials, 3))
        ahead[0] = 0.3
        speed = draw.log_uniform(rng, trials, 0.2, 2.0)
        speed[0] = 0.3 / np.sqrt(3.0)
        return {"ahead": ahead, "speed": speed, "start": rng.normal(0.0, 1.0, (trials, 3))}

    def margin(self, x: Instances) -> FloatArray:
        margins = np.zeros((len(x["ahead"]), 3, 3))
        margins[:, [0, 1, 2], [1, 2, 0]] = x["ahead"]
        margins -= np.swapaxes(margins, -1, -2)
        centre = x["ahead"][:, [1, 2, 0]]
        centre = centre / centre.sum(axis=-1, keepdims=True)
        omega = x["ahead"].sum(axis=-1) * np.sqrt(centre.prod(axis=-1))
        beta, speed = x["speed"] / omega, self.gain * x["speed"]
        loop = FeedbackMap(0.5 + margins, beta=beta, alpha=1.0)
        logits = simplex.centred_logits(centre)
        rests = agreement(loop.step_logits(logits), logits, self.tolerance)
        values = np.linalg.eigvals(loop.derivative(logits, "tangent"))
        pair = np.stack([values.real.max(axis=-1), np.abs(values.imag).max(axis=-1)], axis=-1)
        expected = np.stack([np.ones_like(speed), speed], axis=-1)

        near = loop.run(start_logits=logits + 1e-4 * x["start"], rounds=1).logits
        small = simplex.kl_divergence(logits[:, None], near)
        growth = small[:, 1] / small[:, 0] - 1.0
        speeds_up = 1.0 - np.abs(growth / speed**2 - 1.0) / 5e-3

        orbit = loop.run(start_logits=x["start"], rounds=self.rounds).logits
        distance = simplex.kl_divergence(logits[:, None], orbit)
        rise = np.diff(distance, axis=-1).min(axis=-1) + self.tolerance
        smallest = simplex.softmax(orbit).min(axis=(-2, -1))
        turns = agreement(pair, expected, self.tolerance)
        return least(rests, turns, speeds_up, rise, 1.0 - smallest / self.boundary)


def _orders(rng: np.random.Generator, trials: int, responses: int) -> Instances:
    """Return strict orders, best response first, with samplers; the first is additive."""
    P = random_strictly_strongly_transitive(responses, size=trials, rng=rng)
    P[0] = preferences.additive(np.linspace(0.4, 0.0, responses))
    return {
        "P": P,
        "lam": draw.shares(rng, trials),
        "offline": draw.policies(rng, trials, responses),
    }
