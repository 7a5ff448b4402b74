"""How oscillation begins under MRS-IPO: thresholds, sizes and speeds of cycles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alignsim import analysis, preferences
from alignsim.analysis.bifurcations.criticality import Criticality
from alignsim.analysis.orbits.rotation import birkhoff_weights
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement
from alignsim.simplex import covariance
from alignsim.validation import FloatArray

SETTLED = 1e-6
"""Largest |z| at the end of an orbit that has come to the uniform policy."""

MOVING = 1e-3
"""Smallest standard deviation of a policy coordinate over time of an orbit that oscillates; the
weakest oscillation that is tried here has 20 times as much."""

SLOWEST_TURN, FASTEST_TURN = 1.1, 3.0
"""Of ηλω. The threshold is then at α from 0.1, off the resonance at α = 0, to 0.8."""


@dataclass(frozen=True)
class OddCycleThreshold(Scaled):
    """The same for balanced cycles of 3, 5, 7 and 9 responses."""

    statement = (
        "For odd K, each response beating the next (K−1)/2 with ½ + a, and uniform π_ref and "
        "π_off, MRS-IPO is unstable exactly for α² + (aβλ·cot(π/2K)/K)² > 1: as tried 1 % from it "
        "on either side."
    )
    section = "6.4"
    distance: float = 0.01
    rounds: int = 25_000
    sizes: ClassVar[tuple[int, ...]] = (3, 5, 7, 9)

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw a, α up to 0.9 and λ, with a far start; α = 0 and 0.9 are first."""
        K = int(rng.choice(self.sizes)) if len(self.sizes) > 1 else self.sizes[0]
        x = _cycles(rng, trials)
        return {**x, "start": draw.far_logits(rng, trials, K, 1, reach=5.0)[:, 0]}

    def margin(self, x: Instances) -> FloatArray:
        """Return how clearly orbits on either side end as they should, on a logarithmic scale."""
        K = x["start"].shape[-1]
        turn = x["advantage"] * x["lam"] / np.tan(np.pi / (2.0 * K)) / K
        threshold = self.gain * np.sqrt(1.0 - x["alpha"] ** 2) / turn
        sides = np.array([1.0 - self.distance, 1.0 + self.distance])
        fields = {**x, "P": preferences.cyclic(K, advantage=x["advantage"])}
        loop = draw.feedback_map(draw.each_start(fields), beta=threshold[:, None] * sides)
        orbit = loop.run(start_logits=x["start"][:, None], rounds=self.rounds, keep="last")
        away = np.abs(orbit.final_logits[:, 0]).max(axis=-1)
        spread = np.sqrt(orbit.cycle_strength[:, 1])
        settles = np.log(SETTLED / np.maximum(away, 1e-300))
        moves = np.log(np.maximum(spread, 1e-300) / MOVING)
        return np.minimum(settles, moves)


@dataclass(frozen=True)
class ThreeCycleThreshold(OddCycleThreshold):
    """The same for three responses, nearer to the threshold."""

    statement = (
        "For K = 3, 1 ≻ 2 ≻ 3 ≻ 1 with P = ½ ± a and uniform π_ref and π_off, MRS-IPO is unstable "
        "exactly for α² + a²β²λ²/3 > 1: as tried, orbits from far starts end at the uniform policy "
        "with β 0.5 % below that threshold, and oscillate for ever 0.5 % above it."
    )
    source = "paper"
    distance: float = 0.005
    rounds: int = 50_000
    sizes: ClassVar[tuple[int, ...]] = (3,)


@dataclass(frozen=True)
class ThreeCycleCriticality(Scaled):
    """The general normal form at the threshold, against the closed one of the symmetric cycle."""

    statement = (
        "For the three-cycle P = ½ ± a with uniform π_ref and π_off, and logits "
        "z_k = ζe^{2πik/3} + c.c., the first Lyapunov coefficient of MRS-IPO at the threshold is "
        "−3κ²/4, κ = aβλ/√3: every onset is supercritical."
    )
    section = "6.4"
    tolerance: float = 1e-9

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw a, α and λ; α = 0, where the rotation is a strong resonance, is first."""
        return _cycles(rng, trials, highest_alpha=0.99)

    def margin(self, x: Instances) -> FloatArray:
        """Compare at the uniform policy; −1 where the package does not call it supercritical."""
        kappa = np.sqrt(1.0 - x["alpha"] ** 2)
        form = analysis.first_lyapunov_coefficient(draw.three_cycle(x, kappa), np.zeros(3))
        gap = np.abs(form.coefficient.real + self.gain * 0.75 * kappa**2)
        gentle = form.criticality == Criticality.SUPERCRITICAL
        return np.where(gentle, 1.0 - gap / (self.tolerance * kappa**2), -1.0)


@dataclass(frozen=True)
class ThreeCycleOscillation(Claim):
    """Variance and mean rotation of long orbits."""

    statement = (
        "Beyond that threshold, with ε = √(α² + κ²) − 1 small and α < 1: orbits of the three-cycle "
        "vary over time by 8ε/(27κ²) + O(ε²) a policy coordinate, and turn by "
        "θ + ε(−cot(3θ/2)/3 − 2α/(3κ)) + O(ε²) a round, θ = atan2(κ, α)."
    )
    section = "6.4"
    costly = True
    size_gain: float = 1.0
    turn_gain: float = 1.0
    excess: float = 1e-3
    remainder: float = 1.2
    """The variance may be off by this multiple of ε, relative to itself; the rotation by this
    multiple of ε²/κ²: nearer to α = 1 its series in ε is one in ε/κ."""
    settling: int = 20_000
    window: int = 4_000

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw a, α up to 0.9 and λ, with a start; α = 0 is first."""
        start = draw.far_logits(rng, trials, 3, 1, reach=2.0)[:, 0]
        return {**_cycles(rng, trials, highest_alpha=0.9), "start": start}

    def margin(self, x: Instances) -> FloatArray:
        """Return the smaller slack of both predictions, as a share of the remainder allowed."""
        alpha, epsilon = x["alpha"], self.excess
        kappa = np.sqrt((1.0 + epsilon) ** 2 - alpha**2)
        theta = np.arctan2(kappa, alpha)
        orbit = draw.three_cycle(x, kappa).run(
            start_logits=x["start"],
            rounds=self.settling + self.window,
            burn_in=self.settling,
            keep=range(self.settling, self.settling + self.window + 1),
        )
        size = self.size_gain * 8.0 * epsilon / (27.0 * kappa**2)
        off_size = np.abs(orbit.cycle_strength / size - 1.0) / epsilon
        wave = orbit.logits @ np.exp(-2j * np.pi * np.arange(3) / 3.0)
        turns = np.abs(np.angle(wave[:, 1:] / wave[:, :-1]) @ birkhoff_weights(self.window))
        bend = -1.0 / np.tan(1.5 * theta) / 3.0 - 2.0 * alpha / (3.0 * kappa)
        expected = theta + self.turn_gain * epsilon * bend
        off_turn = np.abs(turns - expected) * kappa**2 / epsilon**2
        return np.asarray(1.0 - np.maximum(off_size, off_turn) / self.remainder)


def _cycles(rng: np.random.Generator, trials: int, *, highest_alpha: float = 0.9) -> Instances:
    return {
        "advantage": draw.shares(rng, trials, high=0.45)[::-1] + 0.05,
        "alpha": draw.shares(rng, trials, high=highest_alpha),
        "lam": draw.shares(rng, trials, high=0.9)[::-1] + 0.1,
    }


@dataclass(frozen=True)
class CirculantOmega(Scaled):
    """ω of circulant preferences at the uniform policy."""

    statement = (
        "If P_{i,i+m} = ½ + c_m (indices mod K, c_{K−m} = −c_m), then at the uniform policy "
        "ω = (1/K)·max_k |2Σ_{m ≤ (K−1)/2} c_m sin(2πkm/K)|; for a cycle of nearest neighbours "
        "that is 2a·max_k sin(2πk/K)/K, and for a balanced cycle of odd K a·cot(π/2K)/K."
    )
    section = "6.4"
    tolerance: float = 1e-9

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw c; nearest neighbours and the balanced cycle are first."""
        K = int(rng.integers(3, 13))
        c = rng.uniform(-0.5, 0.5, (trials, (K - 1) // 2))
        c[0] = 0.5 * (np.arange(c.shape[-1]) == 0)
        c[1:2] = 0.5
        return {"margins": c, "responses": np.full(trials, float(K))}

    def margin(self, x: Instances) -> FloatArray:
        """Compare with the eigenvalues of MJ, and the named cycles with their own formulas."""
        c, K = x["margins"], int(x["responses"][0])
        m = np.arange(1, c.shape[-1] + 1)
        ahead = np.zeros((len(c), K))
        ahead[:, m], ahead[:, K - m] = c, -c
        place = np.arange(K)
        M = ahead[:, (place[None, :] - place[:, None]) % K]
        J = covariance(np.full(K, 1.0 / K))
        seen = np.abs(np.linalg.eigvals(M @ J)).max(axis=-1)
        waves = np.sin(2.0 * np.pi * np.outer(place, m) / K)
        expected = np.abs(2.0 * c @ waves.T).max(axis=-1) / K
        near = 2.0 * c[:, 0] * np.sin(2.0 * np.pi * place / K).max() / K
        balanced = c[:, 0] / np.tan(np.pi / (2.0 * K)) / K
        expected = np.where((c[:, 1:] == 0.0).all(axis=-1), np.abs(near), expected)
        if K % 2:
            same = (c == c[:, :1]).all(axis=-1)
            expected = np.where(same, np.abs(balanced), expected)
        return agreement(seen, self.gain * expected, self.tolerance)


@dataclass(frozen=True)
class OnsetAmplitude(Scaled):
    """The time variance of orbits just beyond the threshold, against the normal form."""

    statement = (
        "Let the general first Lyapunov coefficient Re d of MRS-IPO be negative at a threshold "
        "without strong resonance, one pair of multipliers critical. At ρ = 1 + ε just beyond it, "
        "nearby orbits come to oscillate with |ζ|² = ε/|Re d| + O(ε²) in the critical mode."
    )
    source = "literature"
    section = "6.4"
    costly = True
    excess: float = 1e-4
    tolerance: float = 2e-3
    """Relative to the variance; it stands for O(ε)."""
    rounds: int = 200_000

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw uneven cycles just beyond a gentle onset; others are left out."""
        K = int(rng.integers(3, 6))
        kept: list[Instances] = []
        while sum(len(x["alpha"]) for x in kept) < trials:
            x, fits = self._candidates(rng, 2 * trials, K)
            kept.append({name: values[fits] for name, values in x.items()})
        return {name: np.concatenate([x[name] for x in kept])[:trials] for name in kept[0]}

    def margin(self, x: Instances) -> FloatArray:
        loop = draw.feedback_map(x)
        fixed = analysis.fixed_point(loop).logits
        form = analysis.first_lyapunov_coefficient(loop, fixed)
        power = self.excess / (-self.gain * form.coefficient.real)
        orbit = loop.run(
            start_logits=fixed + x["deviation"],
            rounds=self.rounds,
            burn_in=3 * self.rounds // 4,
            keep="last",
        )
        off = np.abs(orbit.cycle_strength / (form.response * power) - 1.0)
        return np.asarray(1.0 - off / self.tolerance)

    def _candidates(
        self, rng: np.random.Generator, count: int, K: int
    ) -> tuple[Instances, np.ndarray]:
        """Return maps with ρ = 1 + ε, where α can be chosen so, and which meet the hypotheses."""
        eta, lam = draw.log_uniform(rng, count, 4.0, 30.0), rng.uniform(0.5, 1.0, count)
        x = {
            "P": draw.preferences(rng, 5 * count, K)[3::5],
            "lam": lam,
            "reference": rng.dirichlet(np.full(K, 5.0), count),
            "offline": rng.dirichlet(np.full(K, 5.0), count),
            "deviation": 0.01 * rng.normal(size=(count, K)),
        }
        fixed = analysis.fixed_point(draw.feedback_map(x, eta=eta)).logits
        c = eta * lam * analysis.omega(x["P"], fixed)
        turns = (c > SLOWEST_TURN) & (c < FASTEST_TURN)
        # the smaller root of α² + (1 − α)²c² = (1 + ε)², which keeps η and so the fixed point
        square, wanted = np.where(turns, c, SLOWEST_TURN) ** 2, (1.0 + self.excess) ** 2
        root = np.sqrt(square**2 - (1.0 + square) * (square - wanted))
        alpha = (square - root) / (1.0 + square)
        x = {**x, "alpha": alpha, "beta": eta * (1.0 - alpha)}
        form = analysis.first_lyapunov_coefficient(draw.feedback_map(x), fixed)
        return x, turns & (form.criticality == Criticality.SUPERCRITICAL)
