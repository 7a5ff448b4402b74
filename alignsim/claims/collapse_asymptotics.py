"""What controls a collapse, and how much entropy it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import alignsim as asim
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, agreement
from alignsim.preferences import random_strictly_strongly_transitive
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class CollapseAsymptotics(Claim):
    """The entropy of the fixed point against its asymptotics."""

    statement: ClassVar[str] = (
        "Let ε_j = (ref_j/ref_1)e^{−ηg_j}, g_j = λ(P_1j − ½) + (1−λ)⟨P_1 − P_j, π_off⟩. Under "
        "strict strong transitivity, and at λ = 1 for a strict Condorcet winner 1, the entropy of "
        "the MRS-IPO fixed point is Σ_j ε_j(1 − log ε_j) as η → ∞, with a relative error that "
        "vanishes like (1 + η)Σ_j ε_j."
    )
    section: ClassVar[str] = "6.7"
    rounding: float = 1e-9
    gain: float = 1.0
    width: float = 1.0
    """Allowed error as a multiple of (1 + η)Σε."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw strict orders, and Condorcet winners of any other preferences."""
        K = int(rng.integers(2, 7))
        P = random_strictly_strongly_transitive(K, size=trials, rng=rng)
        lam = draw.shares(rng, trials)
        any_other = np.arange(trials) % 2 == 1
        P[any_other] = draw.preferences(rng, any_other.sum(), K)
        P[any_other, 0, 1:] = rng.uniform(0.55, 1.0, (any_other.sum(), K - 1))
        P[any_other, 1:, 0] = 1.0 - P[any_other, 0, 1:]
        lam[any_other] = 1.0
        return {
            "P": P,
            "lam": lam,
            "reference": draw.policies(rng, trials, K, smallest=1e-4),
            "offline": draw.policies(rng, trials, K),
            "largest": draw.log_uniform(rng, trials, 1e-40, 1e-5),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of the error, relative to what is allowed."""
        against = x["lam"][:, None] * np.eye(x["P"].shape[-1])[0]
        sampler = against + (1.0 - x["lam"])[:, None] * x["offline"]
        lead = ((x["P"][:, :1] - x["P"]) @ sampler[..., None])[:, 1:, 0]
        log_odds = np.log(x["reference"][:, 1:] / x["reference"][:, :1])
        eta = ((log_odds - np.log(x["largest"])[:, None]) / lead).max(axis=-1)
        eta = np.maximum(eta, 1.0)
        loop = asim.FeedbackMap(
            x["P"], beta=eta, lam=x["lam"], reference=x["reference"], offline=x["offline"]
        )
        found = asim.simplex.entropy(asim.analysis.fixed_point(loop).logits)
        log_share = log_odds - self.gain * eta[:, None] * lead
        share = np.exp(log_share)
        error = np.abs(found / (share * (1.0 - log_share)).sum(axis=-1) - 1.0)
        allowed = self.width * (1.0 + eta) * share.sum(axis=-1) + self.rounding * (1.0 + eta)
        return np.asarray(1.0 - error / allowed)


@dataclass(frozen=True)
class CollapseControl(Claim):
    """Maps with one η and different (α, β), and the map that never samples itself."""

    statement: ClassVar[str] = (
        "What controls a collapse is η = β/(1−α): maps with one η and λ have one fixed point. "
        "βλ/(1−α) does not: at λ = 0 it is 0 whatever η, and MRS-IPO converges to π ∝ π_ref ⊙ "
        "e^{ηPπ_off}, which collapses as η grows."
    )
    section: ClassVar[str] = "6.7"
    tolerance: float = 1e-9
    gain: float = 1.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw strict orders, λ, and two α for each η; the first two have λ = 0 and 1."""
        K = int(rng.integers(2, 7))
        return {
            "P": random_strictly_strongly_transitive(K, size=trials, rng=rng),
            "eta": draw.log_uniform(rng, trials, 0.1, 1000.0)[::-1],
            "lam": draw.shares(rng, trials),
            "alpha": draw.shares(rng, trials, high=0.9),
            "other": draw.shares(rng, trials, high=0.9)[::-1],
            "reference": draw.policies(rng, trials, K, smallest=1e-4),
            "offline": draw.policies(rng, trials, K),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of a round at the other map's fixed point, and of the limit at λ = 0."""
        loop = draw.feedback_map({**x, "beta": x["eta"] * (1.0 - x["alpha"])})
        point = asim.analysis.fixed_point(loop).logits
        other = loop.replace(alpha=x["other"], beta=self.gain * x["eta"] * (1.0 - x["other"]))
        scale = (1.0 + x["eta"])[:, None]
        kept = agreement(other.step_logits(point) / scale, point / scale, self.tolerance)
        alone = loop.replace(lam=0.0).run(rounds=500, keep="last").final_logits
        score = (x["P"] @ x["offline"][..., None])[..., 0]
        pulled = np.log(x["reference"]) + self.gain * x["eta"][:, None] * score
        limit = agreement(alone / scale, asim.simplex.centre(pulled) / scale, self.tolerance)
        return np.minimum(kept, limit)
