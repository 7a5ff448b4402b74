"""How near fixed points and attractors come to a vertex, and what controls it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alignsim import analysis, preferences, simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement
from alignsim.preferences import random_strictly_strongly_transitive
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class CollapseBox(Scaled):
    """Every gap of the fixed point, both ways."""

    statement = (
        "At the fixed point of MRS-IPO, α < 1 and η = β/(1−α), every gap log(π_i/π_j) is that of "
        "π_ref plus a number in η·[min_k (P_ik − P_jk), max_k (P_ik − P_jk)]. So π_j/π_1 ≤ "
        "(ref_j/ref_1)e^{−ηδ_j}, and δ_j = min_k (P_1k − P_jk) is positive under strict strong "
        "transitivity."
    )
    section = "6.7"
    rounding: float = 1e-9

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw maps of all kinds; additive preferences, whose box is a point, are first."""
        K = int(rng.integers(2, 7))
        x = draw.feedback_maps(rng, trials, K, largest_beta=100.0)
        x["P"][:3] = preferences.additive(rng.uniform(0.0, 0.5, (3, K)))[:trials]
        return x

    def margin(self, x: Instances) -> FloatArray:
        loop = draw.feedback_map(x)
        pulled = analysis.fixed_point(loop).logits - loop.reference_logits
        least_gaps = loop.eta[:, None, None] * draw.row_gaps(x["P"]).min(axis=-1)
        below = draw.gaps(pulled) - self.gain * least_gaps
        return np.asarray(below.min(axis=(-2, -1)) / (1.0 + loop.eta) + self.rounding)


@dataclass(frozen=True)
class EntropyFloor(Scaled):
    """The entropy of the fixed point and of orbits after their transient."""

    statement = (
        "For α < 1 no fixed point or attractor of MRS-IPO has a probability above 1/(1 + S), "
        "S = min_i Σ_{j≠i} (ref_j/ref_i)e^{−ηU_ij}, U_ij = max_k (P_ik − P_jk), nor an entropy "
        "below the least that this allows: no vertex is ever reached."
    )
    section = "6.7"
    costly = True
    rounding: float = 1e-9
    rounds: int = 1000

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw maps; first a large η where all but two responses have vanished: it is tight."""
        K = int(rng.integers(2, 7))
        x = draw.feedback_maps(rng, trials, K, largest_beta=60.0)
        x["P"][0] = preferences.additive([0.5, 0.4, *np.zeros(K - 2)])
        x["beta"][0], x["alpha"][0] = 40.0, 0.0
        x["reference"][0] = 1.0 / K
        return x

    def margin(self, x: Instances) -> FloatArray:
        """Return the least slack of an entropy and of the largest probability, relative."""
        loop = draw.feedback_map(x)
        pull = loop.eta[:, None, None] * draw.row_gaps(x["P"]).max(axis=-1)
        others = 1.0 - np.eye(x["P"].shape[-1])
        rivals = others * np.exp(-draw.gaps(loop.reference_logits) - pull)
        rivals = rivals.sum(axis=-1).min(axis=-1)
        rest = self.gain * rivals / (1.0 + rivals)
        orbit = loop.run(rounds=self.rounds)
        late = orbit.logits[:, self.rounds // 2 :]
        logits = np.concatenate([analysis.fixed_point(loop).logits[:, None], late], axis=1)
        policy = simplex.softmax(logits)
        top = policy.argmax(axis=-1)[..., None]
        np.put_along_axis(policy, top, 0.0, axis=-1)
        missing = policy.sum(axis=-1).min(axis=-1) / rest - 1.0
        floor = self.gain * analysis.entropy_floor(loop)
        entropy = simplex.entropy(logits).min(axis=-1) / floor - 1.0
        return np.minimum(missing, entropy) + self.rounding


@dataclass(frozen=True)
class NearCollapse(Scaled):
    """Orbits at a ratio βλ/(1−α) that is large enough for a given nearness."""

    statement = (
        "Let P be strictly strongly transitive and α < 1. MRS-IPO ends arbitrarily near the best "
        "response as βλ/(1−α) grows, for every λ > 0, and never at it: 1 − π_1 ≤ τ once "
        "β/(1−α) ≥ max_j log((K−1)ref_j/(ref_1 τ))/min_k (P_1k − P_jk) (the bound is ours)."
    )
    source = "paper"
    section = "6.7"
    costly = True
    rounding: float = 1e-9
    rounds: int = 1000

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw orders, best response first; first one that needs all of the ratio."""
        K = int(rng.integers(2, 7))
        P = random_strictly_strongly_transitive(K, size=trials, rng=rng)
        P[0] = preferences.additive([0.4, *np.linspace(1e-9, 0.0, K - 1)])
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
        loop = draw.feedback_map(x, eta=eta)
        late = loop.run(rounds=self.rounds, keep=10).logits[:, 50:]
        missing = simplex.softmax(late)[..., 1:].sum(axis=-1).max(axis=-1)
        near = 1.0 - missing / x["distance"] + self.rounding
        return np.where(np.isfinite(late).all(axis=(-2, -1)), near, -1.0)


@dataclass(frozen=True)
class CollapseAsymptotics(Scaled):
    """The entropy of the fixed point against its asymptotics."""

    statement = (
        "Let ε_j = (ref_j/ref_1)e^{−ηg_j}, g_j = λ(P_1j − ½) + (1−λ)⟨P_1 − P_j, π_off⟩. Under "
        "strict strong transitivity, and at λ = 1 for a strict Condorcet winner 1, the entropy of "
        "the MRS-IPO fixed point is Σ_j ε_j(1 − log ε_j) as η → ∞, with a relative error that "
        "vanishes like (1 + η)Σ_j ε_j."
    )
    section = "6.7"
    rounding: float = 1e-9
    width: float = 1.0
    """Allowed error as a multiple of (1 + η)Σε."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw strict orders, and Condorcet winners of any other preferences."""
        K = int(rng.integers(2, 7))
        P = random_strictly_strongly_transitive(K, size=trials, rng=rng)
        lam = draw.shares(rng, trials)
        any_other = np.arange(trials) % 2 == 1
        P[any_other] = draw.with_winner(rng, any_other.sum(), K, most=1.0)
        lam[any_other] = 1.0
        return {
            "P": P,
            "lam": lam,
            "reference": draw.policies(rng, trials, K, smallest=1e-4),
            "offline": draw.policies(rng, trials, K),
            "largest": draw.log_uniform(rng, trials, 1e-40, 1e-5),
        }

    def margin(self, x: Instances) -> FloatArray:
        lead = draw.product(x["P"][:, :1] - x["P"], draw.against_first(x))[:, 1:]
        log_odds = np.log(x["reference"][:, 1:] / x["reference"][:, :1])
        wait = (log_odds - np.log(x["largest"])[:, None]) / lead
        eta = np.maximum(wait.max(axis=-1), 1.0)
        loop = draw.feedback_map(x, eta=eta)
        found = simplex.entropy(analysis.fixed_point(loop).logits)
        log_share = log_odds - self.gain * eta[:, None] * lead
        share = np.exp(log_share)
        error = np.abs(found / (share * (1.0 - log_share)).sum(axis=-1) - 1.0)
        allowed = self.width * (1.0 + eta) * share.sum(axis=-1) + self.rounding * (1.0 + eta)
        return np.asarray(1.0 - error / allowed)


@dataclass(frozen=True)
class CollapseControl(Scaled):
    """Maps with one η and different (α, β), and the map that never samples itself."""

    statement = (
        "What controls a collapse is η = β/(1−α): maps with one η and λ have one fixed point. "
        "βλ/(1−α) does not: at λ = 0 it is 0 whatever η, and MRS-IPO converges to π ∝ π_ref ⊙ "
        "e^{ηPπ_off}, which collapses as η grows."
    )
    section = "6.7"
    tolerance: float = 1e-9

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
        loop = draw.feedback_map(x)
        point = analysis.fixed_point(loop).logits
        other = loop.replace(alpha=x["other"], beta=self.gain * x["eta"] * (1.0 - x["other"]))
        scale = (1.0 + x["eta"])[:, None]
        kept = agreement(other.step_logits(point) / scale, point / scale, self.tolerance)
        alone = loop.replace(lam=0.0).run(rounds=500, keep="last").final_logits
        score = draw.product(x["P"], x["offline"])
        pulled = np.log(x["reference"]) + self.gain * x["eta"][:, None] * score
        limit = agreement(alone / scale, simplex.centre(pulled) / scale, self.tolerance)
        return np.minimum(kept, limit)


@dataclass(frozen=True)
class DPOCollapseBox(Claim):
    """Every gap of a fixed point between ordered responses."""

    statement = (
        "Let P be strictly strongly transitive, α < 1 and η = β/(1−α). At every fixed point of "
        "MRS-DPO, i above j, log(π_i/π_j) exceeds that of π_ref by at least 4η·min_k (P_ik − P_jk)."
    )
    section = "7"
    rounding: float = 1e-9
    gain: float = 4.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw orders, best response first; weak additive ones, which need the 4, are first."""
        K = int(rng.integers(2, 7))
        P = random_strictly_strongly_transitive(K, size=trials, rng=rng)
        P[:3] = preferences.additive(np.linspace(1e-3, 0.0, K))
        return {
            "P": P,
            "eta": draw.log_uniform(rng, trials, 0.1, 30.0),
            "lam": draw.shares(rng, trials),
            "reference": draw.policies(rng, trials, K, smallest=1e-3),
            "offline": draw.policies(rng, trials, K),
        }

    def margin(self, x: Instances) -> FloatArray:
        loop = draw.feedback_map(x, "dpo")
        pulled = analysis.fixed_point(loop).logits - loop.reference_logits
        rows = draw.row_gaps(x["P"]).min(axis=-1)
        gaps = draw.gaps(pulled) / x["eta"][:, None, None]
        slack = np.where(rows > 0.0, gaps - self.gain * rows, np.inf)
        return np.asarray(slack.min(axis=(-2, -1)) + self.rounding)


@dataclass(frozen=True)
class DPOCollapseLimit(Scaled):
    """The gaps of a collapsed fixed point."""

    statement = (
        "For λ = 1 and a strict Condorcet winner 1 the gaps log(π_1/π_j) of the MRS-DPO fixed "
        "point, less those of π_ref, tend to η·logit P_1j as η → ∞, with an error that vanishes "
        "like η(1 − π_1)."
    )
    section = "7"
    rounding: float = 1e-9
    width: float = 1.5
    """Allowed error, in units of 1 − π_1 times the largest slope of logit in P."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        K = int(rng.integers(2, 6))
        return {
            "P": draw.with_winner(rng, trials, K, most=0.95),
            "reference": draw.policies(rng, trials, K, smallest=1e-3),
            "distance": draw.log_uniform(rng, trials, 1e-15, 1e-4),
        }

    def margin(self, x: Instances) -> FloatArray:
        limit = np.log(x["P"][:, 0, 1:] / x["P"][:, 1:, 0])
        odds = np.log(x["reference"][:, 1:] / x["reference"][:, :1])
        eta = np.maximum(((odds - np.log(x["distance"])[:, None]) / limit).max(axis=-1), 1.0)
        loop = draw.feedback_map(x, "dpo", eta=eta)
        logits = analysis.fixed_point(loop).logits
        pulled = (logits - loop.reference_logits) / eta[:, None]
        error = np.abs(pulled[:, :1] - pulled[:, 1:] - self.gain * limit).max(axis=-1)
        missing = simplex.softmax(logits)[:, 1:].sum(axis=-1)
        steepest = (1.0 / (x["P"] * (1.0 - x["P"]))).max(axis=(-2, -1))
        return np.asarray(1.0 - error / (self.width * steepest * missing + self.rounding))
