"""Conditions under which every orbit of MRS-IPO converges to its one fixed point.

b = βλ, m = ‖ΠMΠ‖₂, D = max_ij span(P_i − P_j). The claims about one condition take βλ as a share
of the largest that it allows, computed here from the statement and not by the package.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alignsim import analysis, preferences
from alignsim.analysis.equilibria.certificates import NAMES
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement, least
from alignsim.feedback import FeedbackMap
from alignsim.simplex import centre, kl_divergence, mean_zero_basis
from alignsim.validation import FloatArray

NEAREST = 0.999
"""Largest share of its limit that βλ takes."""

LARGEST_SIGNAL = 100.0
"""Of βλ where the limit is larger, or infinite (additive P)."""

FAINT = 1e-6
"""Distances, relative to 1 + max|z|, below which a factor a round means nothing."""

FAINTEST_RESPONSE = 1e-7
"""Probability of the responses that the tight instances do without."""


@dataclass(frozen=True)
class _Certificate(Claim):
    """Orbits from far starts while a condition holds, and the factor that it guarantees a round."""

    section = "6.5"
    certificate: ClassVar[str]
    highest_alpha: ClassVar[float] = 0.98
    gain: float = 1.0
    """Times the guaranteed factor."""
    rounding: float = 1e-8
    rounds: int = 40

    @abstractmethod
    def limit(self, x: Instances) -> FloatArray:
        """Return the least upper bound of βλ under the condition, (n,)."""

    @abstractmethod
    def factor(self, x: Instances) -> FloatArray:
        """Return the factor by which a round shrinks the distance at least, (n,)."""

    @abstractmethod
    def distance(self, logits: FloatArray, fixed: FloatArray) -> FloatArray:
        """Return what shrinks: (..., K), (..., K) → (...)."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw maps below the limit, with three far starts.

        First come two tight ones, the fixed point (½, ½, 0, …) and a game in which each of these
        two responses moves the others apart; and an additive one from very far, with all mass on
        its worst response.
        """
        K = int(rng.integers(4, 7))
        x = draw.feedback_maps(rng, trials, K)
        x["alpha"] = draw.shares(rng, trials, high=self.highest_alpha)
        x["lam"] = np.maximum(x["lam"], 0.01)
        start = draw.far_logits(rng, trials, K, 3)
        share = NEAREST * np.minimum(draw.shares(rng, trials, high=1.5), 1.0)
        pair = np.full(K, FAINTEST_RESPONSE)
        pair[:2] = 0.5 - 0.5 * (K - 2) * FAINTEST_RESPONSE
        direction = np.zeros((2, K))
        direction[:, :4] = [[1.0, -1.0, 0.0, 0.0], [1.0, -1.0, -1.0, 1.0]]
        tight = slice(0, 2)
        x["P"][tight] = 0.5
        x["P"][tight, :2, 2:4] += [[0.5, -0.5], [-0.5, 0.5]]
        x["P"][tight, 2:4, :2] += [[-0.5, 0.5], [0.5, -0.5]]
        x["reference"][tight] = pair
        x["lam"][tight] = 1.0
        x["alpha"][1:2] = 0.3
        start[tight] = np.log(pair) + 1e-3 * direction[: len(start), None]
        share[tight] = NEAREST
        x["P"][2:3] = preferences.additive(np.linspace(0.25, -0.25, K))
        x["alpha"][2:3] = self.highest_alpha
        start[2:3] = 1e6 * np.eye(K)[-1]
        with np.errstate(divide="ignore"):
            signal = np.minimum(self.limit(x), LARGEST_SIGNAL)
        return {**x, "beta": share * signal / x["lam"], "start": start}

    def margin(self, x: Instances) -> FloatArray:
        """Return the least slack of a round's factor; −1 where the package certifies nothing."""
        loop = draw.feedback_map(x)
        fixed = analysis.fixed_point(loop).logits[:, None, None]
        maps = draw.feedback_map(draw.each_start(x))
        orbit = maps.run(start_logits=x["start"], rounds=self.rounds)
        sizes = self.distance(orbit.logits, fixed)
        before, after = sizes[..., :-1], sizes[..., 1:]
        faint = FAINT * (1.0 + np.abs(orbit.logits[..., :-1, :]).max(axis=-1))
        allowed = self.gain * self.factor(x)[:, None, None]
        slack = ((allowed * before - after) / (before + faint)).min(axis=(1, 2))
        holds = analysis.certificates(loop).holds[:, NAMES.index(self.certificate)]
        return np.where(holds, slack + self.rounding, -1.0)


@dataclass(frozen=True)
class NormContraction(_Certificate):
    """C1."""

    name = "certificate-c1"
    statement = (
        "If α + (βλ/2)‖P − ½‖₂ < 1, MRS-IPO has one fixed point, interior, and every orbit "
        "converges to it: each round shrinks the Euclidean distance of centred logits from it by "
        "at least that factor."
    )
    source = "paper"
    certificate = "C1"

    def limit(self, x: Instances) -> FloatArray:
        return np.asarray(2.0 * (1.0 - x["alpha"]) / _norm(x["P"] - 0.5))

    def factor(self, x: Instances) -> FloatArray:
        return np.asarray(x["alpha"] + 0.5 * x["beta"] * x["lam"] * _norm(x["P"] - 0.5))

    def distance(self, logits: FloatArray, fixed: FloatArray) -> FloatArray:
        return np.asarray(np.linalg.norm(centre(logits - fixed), axis=-1))


@dataclass(frozen=True)
class SkewContraction(NormContraction):
    """C2."""

    name = "certificate-c2"
    source = "derived"
    statement = (
        "If α² + (βλ/2)m < 1, m = ‖ΠMΠ‖₂, every orbit of MRS-IPO converges to the one fixed point: "
        "each round shrinks the Euclidean distance of centred logits from it by at least "
        "h + √(α² + h²), h = βλm/4."
    )
    certificate = "C2"

    def limit(self, x: Instances) -> FloatArray:
        return np.asarray(2.0 * (1.0 - x["alpha"] ** 2) / _skew_norm(x["P"]))

    def factor(self, x: Instances) -> FloatArray:
        h = 0.25 * x["beta"] * x["lam"] * _skew_norm(x["P"])
        return np.asarray(h + np.hypot(x["alpha"], h))


@dataclass(frozen=True)
class SpanContraction(_Certificate):
    """C3."""

    name = "certificate-c3"
    statement = (
        "If α + βλD/4 < 1, D = max_ij span(P_i − P_j) ≤ 2, every orbit of MRS-IPO converges to the "
        "one fixed point: each round shrinks span(z − z*) by at least that factor. For every P, "
        "α + βλ/2 < 1 suffices."
    )
    certificate = "C3"

    def limit(self, x: Instances) -> FloatArray:
        return np.asarray(4.0 * (1.0 - x["alpha"]) / _row_span(x["P"]))

    def factor(self, x: Instances) -> FloatArray:
        return np.asarray(x["alpha"] + 0.25 * x["beta"] * x["lam"] * _row_span(x["P"]))

    def distance(self, logits: FloatArray, fixed: FloatArray) -> FloatArray:
        return np.asarray(np.ptp(logits - fixed, axis=-1))


@dataclass(frozen=True)
class DivergenceDescent(_Certificate):
    """C4."""

    name = "certificate-c4"
    statement = (
        "If (βλD)² < 32α(1 − α), every orbit of MRS-IPO converges to the one fixed point π*: "
        "KL(π* ‖ π_t) falls in every round. For every P, (βλ)² < 8α(1 − α) suffices."
    )
    certificate = "C4"
    highest_alpha: ClassVar[float] = 0.9999

    def limit(self, x: Instances) -> FloatArray:
        return np.asarray(np.sqrt(32.0 * x["alpha"] * (1.0 - x["alpha"])) / _row_span(x["P"]))

    def factor(self, x: Instances) -> FloatArray:
        """Return 1: nothing better is known."""
        return np.ones(len(x["alpha"]))

    def distance(self, logits: FloatArray, fixed: FloatArray) -> FloatArray:
        return kl_divergence(fixed, logits)


@dataclass(frozen=True)
class DivergenceContraction(DivergenceDescent):
    """C5."""

    name = "certificate-c5"
    statement = (
        "If (βλm)² < 8α(1 − α), m = ‖ΠMΠ‖₂, every orbit of MRS-IPO converges to the one fixed "
        "point π*: each round shrinks KL(π* ‖ π_t) by at least α if (βλm)² ≤ 4α(1 − α), else by "
        "α/(1 − r(1 − α)), r = (βλm)²/(4α(1 − α)) − 1."
    )
    certificate = "C5"
    highest_alpha: ClassVar[float] = 0.98

    def limit(self, x: Instances) -> FloatArray:
        return np.asarray(np.sqrt(8.0 * x["alpha"] * (1.0 - x["alpha"])) / _skew_norm(x["P"]))

    def factor(self, x: Instances) -> FloatArray:
        """Return α or α/(1 − r(1 − α))."""
        signal = (x["beta"] * x["lam"] * _skew_norm(x["P"])) ** 2
        free = 1.0 - x["alpha"]
        scale = np.maximum(4.0 * x["alpha"] * free, 1e-300)  # α = 0 allows no signal
        return np.asarray(x["alpha"] / (1.0 - np.maximum(signal / scale - 1.0, 0.0) * free))


@dataclass(frozen=True)
class CertifiedConvergence(Scaled):
    """Ends of long orbits, up to the largest β that any certificate allows."""

    statement = (
        "Where one of C1 to C5 holds, MRS-IPO converges to its fixed point from every start."
    )
    section = "6.5"
    settled: float = 1e-6
    rounds: int = 10_000

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw maps by the share of the largest β; the three-cycle at α = 0 is first."""
        K = int(rng.integers(3, 7))
        x = draw.feedback_maps(rng, trials, K)
        x["alpha"] = draw.shares(rng, trials, high=0.95)
        x["lam"] = np.maximum(x["lam"], 0.01)
        x["P"][0], x["lam"][0] = 0.5, 1.0
        x["P"][0, :3, :3] = preferences.cyclic(3, advantage=0.5)
        x["reference"][0] = np.where(np.arange(K) < 3, 1.0 - 1e-9 * (K - 3), 3e-9) / 3.0
        x["beta"] = np.ones(trials)
        limits = analysis.certificates(draw.feedback_map(x)).beta_limit
        largest = np.minimum(limits.max(axis=-1), LARGEST_SIGNAL)
        share = np.minimum(draw.shares(rng, trials, high=1.5), NEAREST)
        share[0] = NEAREST
        return {**x, "beta": share * largest, "start": draw.far_logits(rng, trials, K, 3)}

    def margin(self, x: Instances) -> FloatArray:
        """Return how close the ends are, on a logarithmic scale; −1 where nothing is certified."""
        x = {**x, "beta": self.gain * x["beta"]}
        loop = draw.feedback_map(x)
        fixed = analysis.fixed_point(loop).logits[:, None]
        maps = draw.feedback_map(draw.each_start(x))
        orbit = maps.run(start_logits=x["start"], rounds=self.rounds, keep="last")
        away = np.ptp(orbit.final_logits - fixed, axis=-1).max(axis=-1)
        return np.asarray(np.log(self.settled / np.maximum(away, 1e-300)))


@dataclass(frozen=True)
class CertificateLimits(Scaled):
    """β limits of C1 and C2, and of all beside the exact boundary of symmetric three-cycles."""

    statement = (
        "C2 holds wherever C1 does. For the three-cycle P = ½ ± a with uniform π_ref, π_off and "
        "λ = 1, C1 to C5 hold up to β = 2(1−α)/(√3a), 2(1−α²)/(√3a), 4(1−α)/(3a), "
        "√(32α(1−α))/(3a) and √(8α(1−α))/(√3a), all below the exact √(3(1−α²))/a."
    )
    section = "6.5"
    tolerance: float = 1e-9

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw preferences, α and a; α = 0, where C1 is C2 for a cycle, is first."""
        K = int(rng.integers(3, 7))
        P = draw.preferences(rng, trials, K)
        P[0] = preferences.nearest_neighbour_cycle(K, advantage=0.5)
        return {
            "P": P,
            "alpha": draw.shares(rng, trials, high=0.999),
            "advantage": draw.shares(rng, trials, high=0.45)[::-1] + 0.05,
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the least of: C2's lead, the agreement of the limits, their slack to the exact."""
        alpha, a = x["alpha"], x["advantage"]
        limits = _limits(x["P"], alpha)
        lead = 1.0 - self.gain * limits[:, 0] / limits[:, 1] + self.tolerance
        free = 1.0 - alpha
        expected = (
            2.0 * free / np.sqrt(3.0),
            2.0 * (1.0 - alpha**2) / np.sqrt(3.0),
            4.0 * free / 3.0,
            np.sqrt(32.0 * alpha * free) / 3.0,
            np.sqrt(8.0 * alpha * free / 3.0),
        )
        cycles = a[:, None] * _limits(preferences.cyclic(3, advantage=a), alpha)
        agree = agreement(cycles, self.gain * np.stack(expected, axis=-1), self.tolerance)
        exact = np.sqrt(3.0 * (1.0 - alpha**2))
        return least(lead, agree, 1.0 - cycles.max(axis=-1) / exact)


def _limits(P: FloatArray, alpha: FloatArray) -> FloatArray:
    """Return the package's β limits of C1 to C5 at λ = 1, (n, 5)."""
    loop = FeedbackMap(P, beta=1.0, alpha=alpha)
    return analysis.certificates(loop).beta_limit[:, :5]


def _norm(matrices: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(matrices, 2, axis=(-2, -1)))


def _skew_norm(P: FloatArray) -> FloatArray:
    """Return m = ‖ΠMΠ‖₂, (n,)."""
    E = mean_zero_basis(P.shape[-1])
    return _norm(E.T @ P @ E)


def _row_span(P: FloatArray) -> FloatArray:
    """Return D = max_ij span(P_i − P_j), (n,)."""
    return np.asarray(np.ptp(draw.row_gaps(P), axis=-1).max(axis=(-2, -1)))
