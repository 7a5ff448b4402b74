"""The α that suits a fixed point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alignsim import analysis
from alignsim.claims import instances as draw
from alignsim.claims import spectra
from alignsim.claims.contract import Claim, Instances, agreement, least
from alignsim.feedback import FeedbackMap
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class ChoosingAlpha(Claim):
    """ρ along α at one fixed point, from the eigenvalues of the round's derivative."""

    statement = (
        "At fixed η = β/(1−α) and λ the fixed point of MRS-IPO stays, and with c = ηλω its "
        "spectral radius is ρ² = α² + (1−α)²c²: it is stable exactly for α > (c²−1)/(c²+1), and ρ "
        "is least at α = c²/(1+c²), where it is c/√(1+c²) < 1. MRS-DPO at λ = 1: the same with ω_D."
    )
    section = "6.9"
    tolerance: float = 1e-6
    gain: float = 1.0
    """Multiplies c."""
    step: float = 1e-2
    """To both sides of the threshold and of the best α, as a share of 1 − α."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw maps and α; λ = 0, where every α is stable and α = 0 is the best, is among them."""
        K = int(rng.integers(3, 6))
        return {
            "P": draw.preferences(rng, trials, K, smallest=0.02),
            "eta": draw.log_uniform(rng, trials, 0.1, 30.0),
            "alpha": draw.shares(rng, trials, high=0.99),
            "lam": draw.shares(rng, trials)[::-1],
            "reference": draw.policies(rng, trials, K, smallest=1e-3),
            "offline": draw.policies(rng, trials, K),
        }

    def margin(self, x: Instances) -> FloatArray:
        ipo = draw.feedback_map(x, alpha=0.0)
        point = analysis.fixed_point(ipo).logits
        c = x["eta"] * x["lam"] * spectra.rotation(x["P"], point)
        slack = self._slack(ipo, point, c, x["alpha"])

        eta = 0.1 * x["eta"]
        dpo = draw.feedback_map(x, "dpo", eta=eta, alpha=0.0, lam=1.0)
        point = analysis.fixed_point(dpo).logits
        score = (point - dpo.reference_logits) / eta[:, None]
        c = eta * spectra.dpo_rotation(x["P"], point, score)
        return np.minimum(slack, self._slack(dpo, point, c, x["alpha"]))

    def _slack(
        self, loop: FeedbackMap, point: FloatArray, c: FloatArray, alpha: FloatArray
    ) -> FloatArray:
        """Return it for maps at α = 0, whose β is η."""

        def radius(alpha: FloatArray) -> FloatArray:
            turned = loop.replace(alpha=alpha, beta=loop.beta * (1.0 - alpha))
            return spectra.radius(turned, point)

        def beside(alpha: FloatArray, step: float) -> FloatArray:
            return np.asarray(np.maximum(alpha + step * (1.0 - alpha), 0.0))

        c = self.gain * c
        edge, best = (c * c - 1.0) / (c * c + 1.0), c * c / (1.0 + c * c)
        lowest = radius(best)
        around = np.minimum(radius(beside(best, self.step)), radius(beside(best, -self.step)))
        expected = np.hypot(alpha, (1.0 - alpha) * c)
        above, below = radius(beside(edge, self.step)), radius(beside(edge, -self.step))
        return least(
            agreement(radius(alpha), expected, self.tolerance),
            agreement(lowest, c / np.sqrt(1.0 + c * c), self.tolerance),
            (around - lowest) / self.tolerance + 1.0,
            1.0 - above,
            np.where(beside(edge, -self.step) > 0.0, below - 1.0, 1.0),
        )
