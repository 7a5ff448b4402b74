"""Fixed points of MRS-DPO: one in self-play, several with an offline sampler."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from alignsim import analysis, simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement, least
from alignsim.claims.spectra import dpo_rotation, radius
from alignsim.feedback import FeedbackMap
from alignsim.objectives import dpo_optimum
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class DPOSelfPlayStability(Scaled):
    """The spectral radius from the derivative, against ω_D."""

    statement = (
        "At the fixed point of MRS-DPO with λ = 1 all multipliers have the real part α, and "
        "ρ² = α² + (βω_D)², ω_D = ‖L^{+½}diag(π)(P − S)diag(π)L^{+½}‖₂, L = diag(π)diag(Dπ) − "
        "diag(π)D diag(π), D = S∘(1 − S)."
    )
    section = "7"
    tolerance: float = 1e-7

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return _self_play(rng, trials, int(rng.integers(2, 7)))

    def margin(self, x: Instances) -> FloatArray:
        loop, logits, score = _fixed(x)
        real = np.linalg.eigvals(loop.derivative(logits, "tangent")).real.astype(np.float64)
        speed = self.gain * loop.beta * dpo_rotation(x["P"], logits, score)
        return np.minimum(
            agreement(real, x["alpha"][:, None], self.tolerance),
            agreement(radius(loop, logits), np.hypot(x["alpha"], speed), self.tolerance),
        )


@dataclass(frozen=True)
class DPOThreeResponses(Scaled):
    """ω_D of three responses in closed form."""

    statement = (
        "For K = 3 and λ = 1 the multipliers of MRS-DPO are α ± iβω_D with ω_D = |e|√(π_1π_2π_3/"
        "(π_1D_12D_13 + π_2D_12D_23 + π_3D_13D_23)), e = (P_12 − S_12)/π_3, D = S∘(1 − S)."
    )
    section = "7"
    tolerance: float = 1e-7

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return _self_play(rng, trials, 3)

    def margin(self, x: Instances) -> FloatArray:
        loop, logits, score = _fixed(x)
        policy = simplex.softmax(logits)
        S = expit(draw.gaps(score))
        D = S * (1.0 - S)
        trees = (
            policy[:, 0] * D[:, 0, 1] * D[:, 0, 2]
            + policy[:, 1] * D[:, 0, 1] * D[:, 1, 2]
            + policy[:, 2] * D[:, 0, 2] * D[:, 1, 2]
        )
        curl = np.abs(x["P"][:, 0, 1] - S[:, 0, 1]) / policy[:, 2]
        omega = self.gain * curl * np.sqrt(policy.prod(axis=-1) / trees)
        values = np.linalg.eigvals(loop.derivative(logits, "tangent"))
        return agreement(np.abs(values.imag).max(axis=-1), loop.beta * omega, self.tolerance)


@dataclass(frozen=True)
class DPOUniqueness(Claim):
    """The fixed points that are reached from many starts, and the index of each."""

    statement = (
        "MRS-DPO with λ = 1, α < 1 and P in (0, 1) has exactly one fixed point: det(I − T') is "
        "positive at each, and the indices add up to 1. For λ < 1 it can have several."
    )
    section = "7"
    costly = True
    tolerance: float = 1e-6
    lam: float = 1.0
    starts: int = 12

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw maps and starts; first the map that has several fixed points at λ = ½."""
        x = _self_play(rng, trials, 3)
        x["starts"] = draw.far_logits(rng, trials, 3, self.starts, reach=10.0)
        x["lam"] = np.full(trials, self.lam)
        for name, values in self.counterexample().items():
            x[name][0] = values[0]
        x["lam"][0] = self.lam
        return x

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of the points' agreement, −1 where an index is not positive."""
        loop = draw.feedback_map(draw.each_start(x), "dpo", alpha=0.0)
        every, starts = loop.with_start(start_logits=x["starts"])
        found = analysis.fixed_point(every, start_logits=starts)
        slope = np.eye(2) - every.derivative(found.logits, "tangent")
        positive = (np.linalg.det(slope) > 0.0).all(axis=-1)
        same = agreement(found.logits, found.logits[:, :1], self.tolerance)
        return np.where(positive, same, -1.0)

    def counterexample(self) -> Instances:
        """Return the map with three fixed points at λ = ½, and starts near them."""
        near = np.log(np.array([[0.86, 0.139, 0.001], [0.64, 0.357, 0.003], [0.6, 0.395, 0.005]]))
        return {
            "P": SEVERAL[None],
            "eta": np.array([SEVERAL_ETA]),
            "lam": np.array([0.5]),
            "reference": _several_reference()[None],
            "starts": np.resize(near, (1, self.starts, 3)),
        }


@dataclass(frozen=True)
class DPOSeveralFixedPoints(Claim):
    """A saddle, and where its two sides lead."""

    statement = (
        "MRS-DPO with λ < 1 can have several fixed points, which MRS-IPO never has: with P = "
        "[[.5, .02, .16], [.98, .5, .07], [.84, .93, .5]], π_off uniform, λ = ½, η = 8 and α ≥ .9 "
        "p ∝ (.64, .357, .003) is a saddle for log π_ref = log p − ηv(μ_p), and (.8604, .1396, 0) "
        "and (.6028, .3916, .0056) attract."
    )
    section = "7"
    costly = True
    digits: float = 1e-4
    first: float = 0.8604
    second: float = 0.6028
    rounds: int = 20_000

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {
            "order": draw.orders(rng, trials, 3).astype(float),
            "alpha": 0.9 + 0.09 * draw.shares(rng, trials),
            "step": draw.log_uniform(rng, trials, 1e-4, 1e-2),
        }

    def margin(self, x: Instances) -> FloatArray:
        order = x["order"].astype(int)
        P, reference = draw.relabelled(SEVERAL, order), _several_reference()[order]
        loop = draw.feedback_map(x, "dpo", P=P, eta=SEVERAL_ETA, lam=0.5, reference=reference)
        saddle = simplex.centre(np.log(SADDLE)[order])
        rests = agreement(loop.step_logits(saddle), saddle, 1e-9)
        slack = [rests, radius(loop, saddle) - 1.0]
        expected = {1.0: [self.first, 0.1396, 0.0], -1.0: [self.second, 0.3916, 0.0056]}
        off = np.array([1.0, -1.0, 0.0])[order] * x["step"][:, None]
        for side, policy in expected.items():
            end = loop.run(start_logits=saddle + side * off, rounds=self.rounds, keep="last")
            slack.append(agreement(end.final, np.array(policy)[order], self.digits))
            slack.append(1.0 - radius(loop, end.final_logits))
        return least(*slack)


def _self_play(rng: np.random.Generator, trials: int, responses: int) -> Instances:
    """Return maps with P in [.02, .98]; η stays where float64 resolves the policy."""
    return {
        "P": draw.preferences(rng, trials, responses, smallest=0.02),
        "eta": draw.log_uniform(rng, trials, 0.1, 3.0),
        "alpha": draw.shares(rng, trials, high=0.95),
        "reference": draw.policies(rng, trials, responses, smallest=1e-3),
    }


def _fixed(x: Instances) -> tuple[FeedbackMap, FloatArray, FloatArray]:
    """Return the maps, their fixed points and the scores there; at λ = 1."""
    loop = draw.feedback_map(x, "dpo")
    logits = analysis.fixed_point(loop).logits
    return loop, logits, (logits - loop.reference_logits) / x["eta"][:, None]


def _several_reference() -> FloatArray:
    """Return π_ref ∝ p·e^{−ηv(μ_p)}, which makes p a fixed point."""
    pull = dpo_optimum(SEVERAL, 0.5 * SADDLE + 0.5 / 3.0, beta=1.0)
    return simplex.softmax(np.log(SADDLE) - SEVERAL_ETA * np.log(pull))


SEVERAL = np.array([[0.5, 0.02, 0.16], [0.98, 0.5, 0.07], [0.84, 0.93, 0.5]])
SEVERAL_ETA = 8.0
SADDLE = np.array([0.64, 0.357, 0.003])
"""The map with several fixed points, and the one of them that is given."""
