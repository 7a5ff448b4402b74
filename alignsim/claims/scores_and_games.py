"""Rewards, functions of preferences, curated samples, and the games that loops play."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from alignsim import simplex
from alignsim.analysis.equilibria.fixed_point import fixed_point
from alignsim.analysis.equilibria.quantal import qre
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement, least
from alignsim.claims.spectra import radius
from alignsim.feedback import FeedbackMap
from alignsim.objectives import Comparison, Curation, ProductPairs, PsiPO, optimum
from alignsim.preferences import bradley_terry, cyclic, maximal_lottery
from alignsim.validation import FloatArray

CONDORCET_NOT_BORDA = np.array([[0.5, 0.6, 0.6], [0.4, 0.5, 0.95], [0.4, 0.05, 0.5]])
"""Response 0 beats each of the others; response 1 wins most comparisons."""

ROOT = 1e-6
"""How exact the real part of an eigenvalue is that may be one of a double one."""


def odd_games(rng: np.random.Generator, trials: int, *, largest: int = 5) -> Instances:
    """Return preferences (n, K, K), K odd, and their interior Nash equilibria (n, K)."""
    K = int(rng.choice([k for k in (3, 5) if k <= largest]))
    policy = draw.policies(rng, trials, K, smallest=0.05)
    return {"P": draw.with_equilibrium(rng, policy), "policy": policy}


def modes(P: FloatArray, policy: FloatArray) -> FloatArray:
    """Return the ω_k at policies (n, K), largest first: the upper half of |Im eig(P·cov π)|."""
    values = np.linalg.eigvals(P @ simplex.covariance(policy))
    count = (policy.shape[-1] - 1) // 2
    return np.asarray(-np.sort(-values.imag, axis=-1)[:, :count])


@dataclass(frozen=True)
class RewardedRounds(Scaled):
    """A loop of RLHF against one optimum with more signal, and its multipliers."""

    statement = (
        "t rounds of RLHF, each from the last policy (α = 1), are one with tβ: π ∝ π_ref e^{tβr}. "
        "With α < 1 every orbit tends to π_ref e^{βr/(1−α)}, the only fixed point, and all "
        "multipliers are α. Pairs do not matter. For P_ij = σ(r_i − r_j) it is DPO and ΨPO with "
        "log-odds too."
    )
    section = "11.4"
    tolerance: float = 1e-9
    rounds: int = 7

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw rewards, β, α and policies."""
        K = int(rng.integers(2, 6))
        return {
            "rewards": rng.uniform(-1.0, 1.0, (trials, K)),
            "beta": draw.log_uniform(rng, trials, 0.1, 2.0),
            "alpha": draw.shares(rng, trials, high=0.9),
            "reference": draw.policies(rng, trials, K, smallest=1e-2),
            "offline": draw.policies(rng, trials, K, smallest=1e-2),
        }

    def margin(self, x: Instances) -> FloatArray:
        rewards, ref = x["rewards"], x["reference"]
        rest = simplex.centred_logits(ref)
        beta, P = x["beta"][:, None], bradley_terry(rewards)
        slack = []
        for objective in ("rlhf", "dpo", "psi"):
            given: dict[str, Any] = {"objective": objective, "beta": x["beta"], "reference": ref}
            given |= {"offline": x["offline"], "lam": 0.5}
            loop = FeedbackMap(P, alpha=1.0, **given)
            end = loop.run(ref, rounds=self.rounds, keep="last").final_logits
            grown = rest + self.gain * self.rounds * beta * simplex.centre(rewards)
            slack.append(agreement(end, grown, self.tolerance))
            held = FeedbackMap(P, alpha=x["alpha"], **given)
            target = rest + beta / (1.0 - x["alpha"][:, None]) * simplex.centre(rewards)
            slack.append(agreement(held.step_logits(target), target, self.tolerance))
            found = radius(held, target)
            slack.append(agreement(found, x["alpha"], ROOT))
        return least(*slack)


@dataclass(frozen=True)
class MatchedPreferences(Scaled):
    """The odds of two optima against those of the preferences."""

    statement = (
        "Preference matching at β = 1 answers as people choose, π_i/(π_i + π_j) = P_ij for "
        "P_ij = σ(r_i − r_j), whatever the reference. RLHF does not: log(π_i/π_j) is "
        "log(π_ref,i/π_ref,j) + β(r_i − r_j)."
    )
    section = "11.4"
    source = "literature"
    tolerance: float = 1e-10

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw rewards, β and references."""
        K = int(rng.integers(2, 6))
        return {
            "rewards": rng.uniform(-3.0, 3.0, (trials, K)),
            "beta": draw.log_uniform(rng, trials, 0.1, 3.0),
            "reference": draw.policies(rng, trials, K, smallest=1e-2),
        }

    def margin(self, x: Instances) -> FloatArray:
        P, ref = bradley_terry(x["rewards"]), x["reference"]
        matched = optimum("preference_matching", P, ref, reference=ref, beta=self.gain)
        shares = matched[:, :, None] / (matched[:, :, None] + matched[:, None, :])
        rewarded = optimum("rlhf", P, ref, reference=ref, beta=x["beta"])
        told = np.log(ref) + x["beta"][:, None] * x["rewards"]
        gaps = draw.gaps(np.log(rewarded)) - draw.gaps(told)
        return least(agreement(shares, P, self.tolerance), agreement(gaps, 0.0, self.tolerance))


@dataclass(frozen=True)
class OddTransforms(Scaled):
    """Eigenvalues of payoffs Ψ(P), fixed points from two starts, and pairs against a product."""

    statement = (
        "For Ψ odd about ½ the payoffs A = Ψ(P) − Ψ(½) are skew: loops of ΨPO have one fixed point "
        "for every α < 1, and the multipliers α ± iβλω_k with the eigenvalues ±iω_k of AJ. The "
        "least-squares fit of the pairs 2μ_iμ_j, by its Laplacian, is the score Aμ."
    )
    section = "11.4"
    tolerance: float = 1e-8

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw maps, smoothing and two starts."""
        K = int(rng.integers(3, 6))
        return {
            "P": draw.preferences(rng, trials, K, smallest=0.05),
            "smoothing": draw.shares(rng, trials),
            "beta": draw.log_uniform(rng, trials, 0.1, 5.0),
            "alpha": draw.shares(rng, trials, high=0.9),
            "lam": draw.shares(rng, trials),
            "sampler": draw.policies(rng, trials, K, smallest=1e-3),
            "start": draw.far_logits(rng, trials, K, 2, reach=5.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        psi = PsiPO(odds_smoothing=x["smoothing"])
        named: dict[str, Any] = {name: x[name] for name in ("beta", "alpha", "lam")}
        loop = FeedbackMap(x["P"], objective=psi, offline=x["sampler"], **named)
        ends = [fixed_point(loop, x["start"][:, i]).policy for i in range(2)]
        A = psi.payoffs(x["P"]) + (self.gain - 1.0) * np.abs(psi.payoffs(x["P"]))
        J = simplex.covariance(ends[0])
        size = (x["beta"] * x["lam"])[:, None]
        values = np.linalg.eigvals(A @ J)
        largest = 1.0 + np.abs(values).max(axis=-1, keepdims=True)
        slack = agreement(values.real / largest, 0.0, ROOT)
        expected = np.abs(x["alpha"][:, None] + size * values).max(axis=-1)
        found = radius(loop, simplex.centred_logits(ends[0]))
        weights = 2.0 * x["sampler"][:, :, None] * x["sampler"][:, None, :]
        drawn = optimum(psi, x["P"], x["sampler"], beta=x["beta"])
        fitted = optimum(psi, x["P"], pair_weights=weights, beta=x["beta"])
        return least(
            slack,
            agreement((found - expected) / (1.0 + expected), 0.0, ROOT),
            agreement(ends[0], ends[1], self.tolerance),
            agreement(drawn, fitted, self.tolerance),
        )


@dataclass(frozen=True)
class CuratedRounds(Scaled):
    """A round of curation against the winners of two draws, and its multipliers at a Nash."""

    statement = (
        "Curation at β = 1 with the last policy as reference and sampler is the discrete "
        "replicator π' = 2π⊙(Pπ), the winners of two draws. At an interior Nash equilibrium its "
        "multipliers are 1 ± 2iω_k, of modulus √(1 + 4ω_k²) > 1: no such equilibrium is stable."
    )
    section = "11.4"
    tolerance: float = 1e-9

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw games with an interior equilibrium, and policies."""
        x = odd_games(rng, trials)
        return {**x, "drawn": draw.policies(rng, trials, x["policy"].shape[-1], smallest=1e-3)}

    def margin(self, x: Instances) -> FloatArray:
        loop = FeedbackMap(x["P"], objective="curation", beta=1.0, alpha=1.0)
        pi = x["drawn"]
        wins = 2.0 * pi * draw.product(x["P"], pi)
        omega = modes(x["P"], x["policy"])[:, 0]
        found = radius(loop, simplex.centred_logits(x["policy"]))
        return least(
            agreement(loop.step(pi), wins, self.tolerance),
            agreement(found, np.sqrt(1.0 + 4.0 * self.gain * omega**2), ROOT),
        )


@dataclass(frozen=True)
class CuratedScores(Scaled):
    """The gaps of log(2Pμ) against those of Pμ and against bounds from P."""

    statement = (
        "The score v = log(2Pμ) of curation has v_i − v_j ≥ (Pμ)_i − (Pμ)_j wherever the right "
        "side is not negative, and v_i − v_j ≤ max_k log(P_ik/P_jk). Where Pμ = ½ its derivative "
        "is 2(P − ½), that of IPO twice."
    )
    section = "11.4"
    tolerance: float = 1e-10

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw preferences and samplers; two that win almost surely come first."""
        K = int(rng.integers(3, 6))
        P = draw.preferences(rng, trials, K, smallest=1e-3)
        sampler = draw.policies(rng, trials, K)
        sampler[0] = np.eye(K)[-1]
        P[0, :2, -1], P[0, -1, :2] = (0.999, 0.98), (0.001, 0.02)
        return {"P": P, "sampler": sampler, "advantage": draw.shares(rng, trials, high=0.5)}

    def margin(self, x: Instances) -> FloatArray:
        wins = draw.product(x["P"], x["sampler"])
        v = draw.gaps(np.log(2.0 * wins))
        led = np.where(draw.gaps(wins) >= 0.0, v - self.gain * draw.gaps(wins), 0.0)
        ratios = x["P"][:, :, None, :] / x["P"][:, None, :, :]
        room = np.log(ratios.max(axis=-1)) - v
        uniform = np.full((len(wins), 3), 1.0 / 3.0)
        P = cyclic(3, advantage=x["advantage"])
        at = Comparison(P, np.zeros(3), np.ones(len(P)), ProductPairs(uniform))
        slope = Curation().score_derivative(at, Curation().score(at).value)
        moved = simplex.mean_zero_basis(3)
        return least(
            led.min(axis=(-2, -1)) + self.tolerance,
            room.min(axis=(-2, -1)) + self.tolerance,
            agreement(slope @ moved, 2.0 * (P - 0.5) @ moved, self.tolerance),
        )


@dataclass(frozen=True)
class CuratedRewards(Scaled):
    """The reward before and after a round, over all draws of the other samples."""

    statement = (
        "Where one of n draws from π is kept with probability ∝ e^{r}, a round raises the mean of "
        "w = e^r by at least ((n−1)/n)·Var_π(w)/max w. Two draws are a round of curation for "
        "P_ij = σ(r_i − r_j)."
    )
    section = "11.4"
    source = "literature"
    status = "checked"
    tolerance: float = 1e-10

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw rewards of every size, the smallest first, and policies."""
        K, n = int(rng.integers(2, 5)), int(rng.integers(2, 6))
        size = draw.log_uniform(rng, trials, 1e-3, 3.0)[:, None]
        return {
            "rewards": size * rng.uniform(-1.0, 1.0, (trials, K)),
            "policy": draw.policies(rng, trials, K, smallest=1e-2),
            "draws": np.full(trials, n),
        }

    def margin(self, x: Instances) -> FloatArray:
        w, pi, n = np.exp(x["rewards"]), x["policy"], int(x["draws"][0])
        K = pi.shape[-1]
        kept = np.zeros_like(pi)
        for others in product(range(K), repeat=n - 1):
            chance = np.prod([pi[:, k] for k in others], axis=0)[:, None]
            kept += pi * chance * n * w / (w + w[:, others].sum(axis=-1, keepdims=True))
        before = (pi * w).sum(axis=-1)
        variance = (pi * (w - before[:, None]) ** 2).sum(axis=-1)
        least_gain = self.gain * (n - 1) / n * variance / w.max(axis=-1)
        slack = ((kept * w).sum(axis=-1) - before - least_gain) / variance
        told = [agreement(kept.sum(axis=-1), 1.0, self.tolerance), slack + self.tolerance]
        if n == 2:
            P = bradley_terry(x["rewards"])
            curated = optimum("curation", P, pi, reference=pi, beta=1.0)
            told.append(agreement(curated, kept, self.tolerance))
        return least(*told)


@dataclass(frozen=True)
class RotatingModes(Scaled):
    """The spectrum of P·cov π, and which mode is the worst for which method."""

    statement = (
        "P(diag π − ππᵀ) has eigenvalues ±iω_k and 0 at every policy; between K = 3 responses with "
        "P − ½ = c on a cycle and π uniform ω = c/√3. Online IPO is slowest on the mode of largest "
        "ω_k, |m| = √((1−κ)² + β²ω²); COMAL, whose reference is its last quantal equilibrium, on "
        "the smallest: 1/√(1 + (ω_min/τ)²), which for margins .4, .3, .2 and τ = .2 is .7746, and "
        "for P − ½ = ±.3 between K = 5, each beating the next two, and τ = .05 is .75375."
    )
    section = "11.4"
    tolerance: float = 1e-5
    step: float = 1e-4
    uneven: float = 0.7746
    circulant: float = 0.75375

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw games with an interior equilibrium, τ and κ; a cycle comes first."""
        x = odd_games(rng, trials)
        K = x["policy"].shape[-1]
        x["P"][0], x["policy"][0] = cyclic(K, advantage=0.3), 1.0 / K
        return {
            **x,
            "elsewhere": draw.policies(rng, trials, K, smallest=1e-3),
            "advantage": draw.shares(rng, trials, high=0.5),
            "tau": draw.log_uniform(rng, trials, 0.02, 1.0),
            "kappa": draw.shares(rng, trials),
        }

    def margin(self, x: Instances) -> FloatArray:
        P = x["P"]
        values = np.linalg.eigvals(P @ simplex.covariance(x["elsewhere"]))
        uniform = np.full((len(P), 3), 1.0 / 3.0)
        turn = modes(cyclic(3, advantage=x["advantage"]), uniform)[:, 0]
        omega = modes(P, x["policy"])
        loop = FeedbackMap(P, beta=1.0, alpha=1.0 - x["kappa"])
        inner = radius(loop, simplex.centred_logits(x["policy"]))
        outer = self._outer_rate(P, x["policy"], x["tau"])
        comal = 1.0 / np.sqrt(1.0 + (omega[:, -1] / x["tau"]) ** 2)
        still = qre(P, tau=x["tau"], reference=x["policy"]).policy
        told = least(
            agreement(np.asarray(values.real, np.float64), 0.0, ROOT),
            agreement(turn, self.gain * x["advantage"] / np.sqrt(3.0), self.tolerance),
            agreement(inner, np.hypot(1.0 - x["kappa"], self.gain * omega[:, 0]), ROOT),
            agreement(outer, self.gain * comal, self.tolerance),
            agreement(still, x["policy"], self.tolerance),
        )
        return np.minimum(told, self._figures())

    def _figures(self) -> FloatArray:
        """Return the margin of the figures, each within half of its last digit."""
        margins = np.array([[0.0, 0.4, -0.2], [-0.4, 0.0, 0.3], [0.2, -0.3, 0.0]])
        three = self._outer_rate(0.5 + margins[None], np.array([[3.0, 2.0, 4.0]]) / 9.0, 0.2)
        five = self._outer_rate(cyclic(5, advantage=0.3)[None], np.full((1, 5), 0.2), 0.05)
        return np.minimum(
            agreement(three, self.uneven, 0.5e-4), agreement(five, self.circulant, 0.5e-5)
        )

    def _outer_rate(self, P: FloatArray, policy: FloatArray, tau: FloatArray | float) -> FloatArray:
        """Return the spectral radius of ref ↦ QRE(ref) at an equilibrium, by differences, (...)."""
        rest = simplex.centred_logits(policy)
        E = simplex.mean_zero_basis(policy.shape[-1])
        columns = []
        for direction in E.T:
            moved = [
                qre(P, tau=tau, reference=simplex.softmax(rest + s * direction)).logits
                for s in (self.step, -self.step)
            ]
            columns.append((moved[0] - moved[1]) / (2.0 * self.step) @ E)
        values = np.linalg.eigvals(np.stack(columns, axis=-1))
        return np.asarray(np.abs(values).max(axis=-1), np.float64)


@dataclass(frozen=True)
class CondorcetAgainstBorda(Claim):
    """One-shot optima and equilibria of one game, whatever the order of its responses."""

    statement = (
        "With P_01 = P_02 = .6 and P_12 = .95, uniform pairs: DPO and IPO rank response 1 first, "
        "which wins most comparisons (Borda); the quantal equilibrium at τ = .1, (.636, .305, "
        ".059), and the maximal lottery take response 0, which beats each other (Condorcet)."
    )
    section = "11.4"
    status = "checked"
    costly = True
    policy: tuple[float, ...] = (0.636, 0.305, 0.059)

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw orders of the responses."""
        return {"order": draw.orders(rng, trials, 3)}

    def margin(self, x: Instances) -> FloatArray:
        order = x["order"]
        P = draw.relabelled(CONDORCET_NOT_BORDA, order)
        weights = np.ones((3, 3))
        firsts = [
            optimum("dpo", P, pair_weights=weights, beta=1.0),
            optimum("ipo", P, pair_weights=weights, beta=10.0),
        ]
        borda = [np.take_along_axis(order, p.argmax(-1)[:, None], -1)[:, 0] == 1 for p in firsts]
        found = qre(P, tau=0.1).policy
        lottery = maximal_lottery(P).policy
        return least(
            *(np.where(each, 1.0, -1.0) for each in borda),
            agreement(found, np.array(self.policy)[order], 0.5e-3),
            agreement(lottery, np.where(order == 0, 1.0, 0.0), 1e-9),
        )


@dataclass(frozen=True)
class QuantalEntropy(Scaled):
    """The entropy of quantal equilibria against that of Nash equilibria."""

    statement = (
        "With a uniform reference a quantal response equilibrium has at least the entropy of every "
        "maximal lottery; as τ → 0 it tends to the maximal lottery of largest entropy."
    )
    section = "11.4"
    tolerance: float = 1e-9

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw games with an interior equilibrium, and τ; K even has a line of equilibria."""
        return {**odd_games(rng, trials), "tau": draw.log_uniform(rng, trials, 1e-4, 1.0)}

    def margin(self, x: Instances) -> FloatArray:
        found = qre(x["P"], tau=x["tau"])
        least_entropy = simplex.entropy(simplex.centred_logits(x["policy"]))
        return np.asarray(
            simplex.entropy(found.logits) - self.gain * least_entropy + self.tolerance
        )
