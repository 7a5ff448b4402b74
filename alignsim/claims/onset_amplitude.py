"""How the oscillation of any preference matrix begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import alignsim as asim
from alignsim.analysis.bifurcations.criticality import Criticality
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances
from alignsim.validation import FloatArray

SLOWEST_TURN, FASTEST_TURN = 1.1, 3.0
"""Of ηλω. The threshold is then at α from 0.1, off the resonance at α = 0, to 0.8."""


@dataclass(frozen=True)
class OnsetAmplitude(Claim):
    """The time variance of orbits just beyond the threshold, against the normal form."""

    statement: ClassVar[str] = (
        "Let the general first Lyapunov coefficient Re d of MRS-IPO be negative at a threshold "
        "without strong resonance, one pair of multipliers critical. At ρ = 1 + ε just beyond it, "
        "nearby orbits come to oscillate with |ζ|² = ε/|Re d| + O(ε²) in the critical mode."
    )
    source: ClassVar[str] = "literature"
    section: ClassVar[str] = "6.4"
    costly: ClassVar[bool] = True
    gain: float = 1.0
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
        """Return the slack of the variance, averaged over policy coordinates."""
        loop = draw.feedback_map(x)
        fixed = asim.analysis.fixed_point(loop).logits
        form = asim.analysis.first_lyapunov_coefficient(loop, fixed)
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
        at_zero = draw.feedback_map({**x, "alpha": np.zeros(count), "beta": eta})
        fixed = asim.analysis.fixed_point(at_zero).logits
        c = eta * lam * asim.analysis.omega(x["P"], fixed)
        turns = (c > SLOWEST_TURN) & (c < FASTEST_TURN)
        # the smaller root of α² + (1 − α)²c² = (1 + ε)², which keeps η and so the fixed point
        square, wanted = np.where(turns, c, SLOWEST_TURN) ** 2, (1.0 + self.excess) ** 2
        root = np.sqrt(square**2 - (1.0 + square) * (square - wanted))
        alpha = (square - root) / (1.0 + square)
        x = {**x, "alpha": alpha, "beta": eta * (1.0 - alpha)}
        form = asim.analysis.first_lyapunov_coefficient(draw.feedback_map(x), fixed)
        return x, turns & (form.criticality == Criticality.SUPERCRITICAL)
