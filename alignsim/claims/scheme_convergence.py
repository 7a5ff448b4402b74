"""Methods that are proved to converge from everywhere, and where all of them rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from alignsim import simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement, least
from alignsim.claims.scheme_rests import AtRest, resting, scheme
from alignsim.claims.scheme_stability import parameters
from alignsim.feedback.naming import method
from alignsim.preferences import cyclic
from alignsim.simplex import kl_divergence
from alignsim.validation import FloatArray

SLACK = 1e-11
"""Rounding of a divergence, relative to one and its size."""


def _games(rng: np.random.Generator, trials: int, K: int, smallest: float = 0.03) -> Instances:
    """Return games with an interior equilibrium; the symmetric cycle, the hardest, comes first."""
    policy = draw.policies(rng, trials, K, smallest=smallest)
    policy[0] = 1.0 / K
    P = draw.with_equilibrium(rng, policy)
    P[0] = cyclic(K, advantage=0.5)
    return {
        "P": P,
        "policy": policy,
        "offline": draw.policies(rng, trials, K),
        "lam": np.maximum(draw.shares(rng, trials)[::-1], 0.05),
        "share": 1.0 - draw.shares(rng, trials),
        "start": draw.far_logits(rng, trials, K, 1, reach=6.0)[:, 0],
    }


def _anchored_games(rng: np.random.Generator, trials: int) -> Instances:
    """Return games with a share κ of the fixed reference, 0 in a third of them."""
    x = _games(rng, trials, int(rng.choice([3, 5])))
    kappa = draw.shares(rng, trials, high=0.95)
    kappa[::3] = 0.0
    return {**x, "kappa": kappa}


def _span(P: FloatArray) -> FloatArray:
    """Return D = max_ij span(P_i − P_j), (n,)."""
    return np.asarray(np.ptp(draw.row_gaps(P), axis=-1).max(axis=(-2, -1)))


def _bounded(x: Instances, name: str, own: Instances, bound: FloatArray) -> AtRest:
    """Return loops with βλD at a share of ``bound``, and their rests."""
    wired = scheme(name, own)
    lam = np.where(wired.rest().anchored, x["lam"], 1.0)
    return resting(x, wired, x["share"] * bound / (lam * _span(x["P"])))


def _shrinks(energy: FloatArray, share: FloatArray) -> FloatArray:
    """Return the least slack of E_(t+1) ≤ share·E_t over rounds, (n, t) → (n,)."""
    room = share[:, None] * energy[:, :-1] - energy[:, 1:]
    return np.asarray((room + SLACK * (1.0 + energy[:, :-1])).min(axis=-1))


@dataclass(frozen=True)
class ExtragradientContraction(Claim):
    """KL along orbits."""

    statement = (
        "IPO with extragradient and βλD/4 ≤ √(1−κ): KL(π* ‖ π_(t+1)) ≤ (1−κ)KL(π* ‖ π_t) in every "
        "round, from every start, π* the fixed point; without an anchor at λ = 1, π* an interior "
        "Nash equilibrium. There β < 2 always suffices."
    )
    section = "10.4"
    reach: float = 4.0
    """The βλD that is allowed, without an anchor."""
    power: float = 1.0
    """Of 1 − κ."""
    rounds: int = 200

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return _anchored_games(rng, trials)

    def margin(self, x: Instances) -> FloatArray:
        kept = 1.0 - x["kappa"]
        bound = self.reach * np.sqrt(kept)
        loop = _bounded(x, "extragradient", {"kappa": x["kappa"]}, bound).loop
        orbit = loop.run(start_logits=x["start"], rounds=self.rounds).logits
        rest = np.log(x["policy"])[:, None]
        return _shrinks(kl_divergence(rest, orbit), kept**self.power)

    def counterexample(self) -> Instances:
        """Return the symmetric cycle half beyond the bound, where it is unstable."""
        return {
            "P": cyclic(3, advantage=0.5)[None],
            "policy": np.full((1, 3), 1.0 / 3.0),
            "offline": np.full((1, 3), 1.0 / 3.0),
            "lam": np.ones(1),
            "share": np.array([1.5]),
            "start": np.array([[0.3, -0.2, -0.1]]),
            "kappa": np.zeros(1),
        }


@dataclass(frozen=True)
class OptimisticContraction(Claim):
    """Both divergences along orbits."""

    statement = (
        "IPO with optimistic, c = 1−κ = a and βλD ≤ 2√a: with the second sequence X_t = aX_(t−1) + "
        "κ·ref + βv(π_t), of which π_(t+1) = aX_t + κ·ref + βv(π_t), E_t = KL(π* ‖ X_t) + "
        "KL(π_t ‖ X_t) has E_(t+1) ≤ aE_t in every round, from every start."
    )
    section = "10.4"
    reach: float = 2.0
    power: float = 1.0
    rounds: int = 200

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return _anchored_games(rng, trials)

    def margin(self, x: Instances) -> FloatArray:
        a = 1.0 - x["kappa"]
        own = {"kappa": x["kappa"], "optimism": a}
        loop = _bounded(x, "optimistic", own, self.reach * np.sqrt(a)).loop
        orbit = loop.run(start_logits=x["start"], rounds=self.rounds).logits
        sampler = loop.lam[:, None, None] * simplex.softmax(orbit)
        sampler = sampler + ((1.0 - loop.lam)[:, None] * loop.offline_policy)[:, None]
        score = simplex.centre(sampler @ np.swapaxes(x["P"], -1, -2))
        step = x["kappa"][:, None, None] * loop.reference_logits[:, None]
        step = step + loop.beta[:, None, None] * score
        second = (orbit[:, 1:] - step[:, :-1]) / a[:, None, None]
        rest = np.log(x["policy"])[:, None]
        energy = kl_divergence(rest, second) + kl_divergence(orbit[:, :-1], second)
        return _shrinks(energy, a**self.power)


@dataclass(frozen=True)
class SoftReferenceConvergence(Scaled):
    """Where orbits from far starts end."""

    statement = (
        "IPO at λ = 1 with soft_reference, α = 0 and no anchor converges from every start to an "
        "interior Nash equilibrium if m = ½ and βD < 4, and for m ≤ ½ if (1−m)βD/4 < √2−1."
    )
    section = "10.4"
    costly = True
    settled: float = 1e-6
    rounds: int = 60_000

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw three responses: with more, slow modes make slow orbits."""
        x = _games(rng, trials, 3, smallest=0.1)
        mixup = np.where(np.arange(trials) % 2 == 0, 0.5, rng.uniform(0.1, 0.5, trials))
        share = rng.uniform(0.5, 0.999, trials)
        share[0] = 0.999
        return {**x, "share": share, "mixup": mixup}

    def margin(self, x: Instances) -> FloatArray:
        """Return how close the ends are, on a logarithmic scale."""
        bound = 4.0 * (np.sqrt(2.0) - 1.0) / (1.0 - x["mixup"])
        bound = self.gain * np.where(x["mixup"] == 0.5, 4.0, bound)
        own = {"mixup": x["mixup"], "alpha": 0.0 * bound, "pull": 0.0 * bound}
        loop = _bounded(x, "soft_reference", own, bound).loop
        end = loop.run(start_logits=x["start"], rounds=self.rounds, keep="last").final_logits
        away = np.ptp(end - np.log(x["policy"]), axis=-1)
        return np.asarray(np.log(self.settled / np.maximum(away, 1e-300)))


@dataclass(frozen=True)
class AnchoredRests(Scaled):
    """The η of each method against its rest, and one round from there."""

    statement = (
        "With an anchor all opponents of IPO's methods rest at the solution of z = ref + ηv(z), "
        "the quantal response equilibrium of MRS: η = β/κ for extragradient, optimistic, momentum "
        "and replay, β(m+e)/((1−α)e) for soft_reference with a pull, and for the mixture aβ/κ of "
        "nash_md, a = 1−κ, and (1−b)β of ipo_md."
    )
    section = "10.2"
    tolerance: float = 1e-9

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw games and one share for all parameters."""
        x = _games(rng, trials, int(rng.choice([3, 5])))
        soft = parameters("soft_reference", rng, trials)
        pull = (1.0 - soft["mixup"]) * rng.uniform(0.1, 1.0, trials)
        return {
            **{name: x[name] for name in ("P", "policy", "offline", "lam")},
            "mixup": np.minimum(soft["mixup"], 0.95),
            "pull": np.maximum(pull, 1e-3),
            "alpha": np.minimum(soft["alpha"], 0.95),
            "kappa": 1.0 - draw.shares(rng, trials, high=0.95),
            "beta": draw.log_uniform(rng, trials, 0.1, 5.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        kappa, m, e, alpha = x["kappa"], x["mixup"], x["pull"], x["alpha"]
        held, ones = 1.0 / kappa, np.ones_like(kappa)
        every: list[tuple[str, Instances, FloatArray]] = [
            ("extragradient", {"kappa": kappa}, held),
            ("optimistic", {"kappa": kappa, "optimism": m}, held),
            ("momentum", {"kappa": kappa, "momentum": m}, held),
            ("replay", {"kappa": kappa, "fresh": np.maximum(m, 0.05)}, held),
            ("soft_reference", {"mixup": m, "pull": e, "alpha": alpha},
             (m + e) / ((1.0 - alpha) * e)),
            ("nash_md", {"kappa": kappa}, (1.0 - kappa) / kappa),
            ("ipo_md", {"mixture": m * ones}, 1.0 - m),
        ]  # fmt: skip
        slack = []
        for name, own, gain in every:
            wired = scheme(name, own)
            found = wired.rest().gain / np.maximum(gain, 1e-300)
            off = np.where(gain > 0.0, self.gain * found - 1.0, 0.0)
            loop, state = resting(x, wired, x["beta"])
            flat = state.reshape(len(state), -1)
            moved = loop.advance(flat).value - flat
            slack += [agreement(off, 0.0, self.tolerance), agreement(moved, 0.0, self.tolerance)]
        return least(*slack)


@dataclass(frozen=True)
class NashWithoutAnchor(Claim):
    """Where soft references and optimism end at λ ≤ 1."""

    statement = (
        "Without an anchor IPO's methods rest where the sampler is the interior Nash equilibrium "
        "π_N: in the last iterate and exactly at λ = 1. At λ < 1 the policy is (π_N − (1−λ)π_off)/λ"
        " if that is positive; else no fixed point exists, and logits drift for ever."
    )
    section = "10.2"
    costly = True
    tolerance: float = 1e-7
    shift: float = 1.0
    """Multiplies the share of the offline policy that is taken off."""
    rounds: int = 20_000

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw equilibria, offline policies and λ; at half of them the policy is not positive."""
        x = _games(rng, trials, 3, smallest=0.1)
        lam = rng.uniform(0.3, 1.0, trials)
        lam[0] = 1.0
        return {**{name: x[name] for name in ("P", "policy", "offline")}, "lam": lam,
                "start": 0.01 * x["start"]}  # fmt: skip

    def margin(self, x: Instances) -> FloatArray:
        lam = x["lam"][:, None]
        goal = (x["policy"] - self.shift * (1.0 - lam) * x["offline"]) / lam
        least_share = goal.min(axis=-1)
        rests = least_share > 0.02
        K = goal.shape[-1]
        beta = 1.0 / (x["lam"] * _span(x["P"]))
        start = np.where(rests[:, None], goal, 1.0 / K)
        start = start / start.sum(axis=-1, keepdims=True)
        slack = []
        methods: dict[str, Any] = {"soft_reference": {"mixup": 0.5}, "optimistic": {}}
        for name, own in methods.items():
            loop = method(name, x["P"], beta=beta, lam=x["lam"], offline=x["offline"], **own)
            orbit = loop.run(
                start_logits=np.log(start) + x["start"], rounds=self.rounds,
                keep=[self.rounds // 2, self.rounds],
            )  # fmt: skip
            away = np.abs(orbit.final - goal).max(axis=-1)
            depth = np.ptp(orbit.logits, axis=-1)
            drifts = depth[:, 1] / np.maximum(depth[:, 0], 1e-300) - 1.3
            known = np.where(rests, 1.0 - away / self.tolerance, drifts)
            slack.append(np.where(np.abs(least_share - 0.01) < 0.03, 1.0, known))
        return least(*slack)
