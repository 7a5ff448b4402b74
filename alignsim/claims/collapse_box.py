"""How near the fixed points and attractors of MRS-IPO come to a vertex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import alignsim as asim
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances
from alignsim.preferences import random_strictly_strongly_transitive
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class CollapseBox(Claim):
    """Every gap of the fixed point, both ways."""

    statement: ClassVar[str] = (
        "At the fixed point of MRS-IPO, α < 1 and η = β/(1−α), every gap log(π_i/π_j) is that of "
        "π_ref plus a number in η·[min_k (P_ik − P_jk), max_k (P_ik − P_jk)]. So π_j/π_1 ≤ "
        "(ref_j/ref_1)e^{−ηδ_j}, and δ_j = min_k (P_1k − P_jk) is positive under strict strong "
        "transitivity."
    )
    section: ClassVar[str] = "6.7"
    rounding: float = 1e-9
    gain: float = 1.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw maps of all kinds; additive preferences, whose box is a point, are first."""
        K = int(rng.integers(2, 7))
        x = draw.feedback_maps(rng, trials, K, largest_beta=100.0)
        x["P"][:3] = asim.preferences.additive(rng.uniform(0.0, 0.5, (3, K)))[:trials]
        return x

    def margin(self, x: Instances) -> FloatArray:
        """Return the least slack of a gap, relative to 1 + η."""
        loop = draw.feedback_map(x)
        pulled = asim.analysis.fixed_point(loop).logits - loop.reference_logits
        gaps = pulled[:, :, None] - pulled[:, None, :]
        rows = x["P"][:, :, None, :] - x["P"][:, None, :, :]
        eta = x["beta"] / (1.0 - x["alpha"])
        below = gaps - self.gain * eta[:, None, None] * rows.min(axis=-1)
        return np.asarray(below.min(axis=(-2, -1)) / (1.0 + eta) + self.rounding)


@dataclass(frozen=True)
class EntropyFloor(Claim):
    """The entropy of the fixed point and of orbits after their transient."""

    statement: ClassVar[str] = (
        "For α < 1 no fixed point or attractor of MRS-IPO has a probability above 1/(1 + S), "
        "S = min_i Σ_{j≠i} (ref_j/ref_i)e^{−ηU_ij}, U_ij = max_k (P_ik − P_jk), nor an entropy "
        "below the least that this allows: no vertex is ever reached."
    )
    section: ClassVar[str] = "6.7"
    costly: ClassVar[bool] = True
    rounding: float = 1e-9
    gain: float = 1.0
    rounds: int = 1000

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw maps; first a large η where all but two responses have vanished: it is tight."""
        K = int(rng.integers(2, 7))
        x = draw.feedback_maps(rng, trials, K, largest_beta=60.0)
        x["P"][0] = asim.preferences.additive([0.5, 0.4, *np.zeros(K - 2)])
        x["beta"][0], x["alpha"][0] = 40.0, 0.0
        x["reference"][0] = 1.0 / K
        return x

    def margin(self, x: Instances) -> FloatArray:
        """Return the least slack of an entropy and of the largest probability, relative."""
        loop = draw.feedback_map(x)
        eta = x["beta"] / (1.0 - x["alpha"])
        widest = (x["P"][:, :, None, :] - x["P"][:, None, :, :]).max(axis=-1)
        ratios = loop.reference_logits[:, None, :] - loop.reference_logits[:, :, None]
        others = 1.0 - np.eye(x["P"].shape[-1])
        rivals = others * np.exp(ratios - eta[:, None, None] * widest)
        rivals = rivals.sum(axis=-1).min(axis=-1)
        rest = self.gain * rivals / (1.0 + rivals)
        orbit = loop.run(rounds=self.rounds)
        late = orbit.logits[:, self.rounds // 2 :]
        logits = np.concatenate([asim.analysis.fixed_point(loop).logits[:, None], late], axis=1)
        policy = asim.simplex.softmax(logits)
        top = policy.argmax(axis=-1)[..., None]
        np.put_along_axis(policy, top, 0.0, axis=-1)
        missing = policy.sum(axis=-1).min(axis=-1) / rest - 1.0
        floor = self.gain * asim.analysis.entropy_floor(loop)
        entropy = asim.simplex.entropy(logits).min(axis=-1) / floor - 1.0
        return np.minimum(missing, entropy) + self.rounding


@dataclass(frozen=True)
class NearCollapse(Claim):
    """Orbits at a ratio βλ/(1−α) that is large enough for a given nearness."""

    statement: ClassVar[str] = (
        "Let P be strictly strongly transitive and α < 1. MRS-IPO ends arbitrarily near the best "
        "response as βλ/(1−α) grows, for every λ > 0, and never at it: 1 − π_1 ≤ τ once "
        "β/(1−α) ≥ max_j log((K−1)ref_j/(ref_1 τ))/min_k (P_1k − P_jk) (the bound is ours)."
    )
    source: ClassVar[str] = "paper"
    section: ClassVar[str] = "6.7"
    costly: ClassVar[bool] = True
    rounding: float = 1e-9
    gain: float = 1.0
    rounds: int = 1000

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw orders, best response first; first one that needs all of the ratio."""
        K = int(rng.integers(2, 7))
        P = random_strictly_strongly_transitive(K, size=trials, rng=rng)
        P[0] = asim.preferences.additive([0.4, *np.linspace(1e-9, 0.0, K - 1)])
        reference = draw.policies(rng, trials, K, smallest=1e-3)
        reference[0] = 1.0 / K
        return {
            "P": P,
            "alpha": draw.shares(rng, trials, high=0.95),
            "lam": np.maximum(draw.shares(rng, trials)[::-1], 0.01),
            "reference": reference,
            "offline": draw.policies(rng, trials, K),
            "distance": draw.log_uniform(rng, trials, 1e-9, 0.1),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the relative slack of the distance in the second half of the rounds."""
        lead = (x["P"][:, :1] - x["P"]).min(axis=-1)[:, 1:]
        odds = x["reference"][:, 1:] / x["reference"][:, :1]
        K = x["P"].shape[-1]
        wait = np.log((K - 1) * odds / x["distance"][:, None]) / lead
        eta = np.maximum(wait.max(axis=-1), 1.0) / self.gain
        loop = draw.feedback_map({**x, "beta": eta * (1.0 - x["alpha"])})
        late = loop.run(rounds=self.rounds, keep=10).logits[:, 50:]
        missing = asim.simplex.softmax(late)[..., 1:].sum(axis=-1).max(axis=-1)
        near = 1.0 - missing / x["distance"] + self.rounding
        return np.where(np.isfinite(late).all(axis=(-2, -1)), near, -1.0)
