"""How the IPO optimum answers to a change of the pairs that are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import alignsim as asim
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, agreement
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class IPOSensitivity(Claim):
    """Finite differences of the optimum under changed pair weights, against L⁺(δw∘R)1."""

    statement: ClassVar[str] = (
        "For connected pair weights w with optimum u = log(π/π_ref), a change δw moves it by "
        "δu = L_w⁺(δw∘R)1 with the residual R_ij = β(P_ij − ½) − (u_i − u_j), to first order."
    )
    section: ClassVar[str] = "2.4"
    tolerance: float = 1e-5
    gain: float = 1.0
    step: float = 1e-4

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw symmetric weights and directions; additive P, for which nothing moves, is first."""
        K = int(rng.integers(3, 6))
        P = draw.preferences(rng, trials, K)
        P[0] = asim.preferences.additive(np.linspace(0.2, -0.2, K))
        return {
            "P": P,
            "weights": _symmetric(rng.uniform(0.2, 1.0, (trials, K, K))),
            "direction": _symmetric(rng.uniform(-1.0, 1.0, (trials, K, K))),
            "beta": draw.log_uniform(rng, trials, 0.1, 3.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Compare a central difference with the formula."""
        shift = self.step * x["direction"]
        apart = self._scores(x, x["weights"] + shift) - self._scores(x, x["weights"] - shift)
        u = self._scores(x, x["weights"])
        residual = x["beta"][:, None, None] * (x["P"] - 0.5) - (u[:, :, None] - u[:, None, :])
        laplacian = x["weights"].sum(axis=-1)[..., None] * np.eye(u.shape[-1]) - x["weights"]
        pull = (x["direction"] * residual).sum(axis=-1)
        expected = (np.linalg.pinv(laplacian) @ pull[..., None])[..., 0]
        return agreement(apart / (2.0 * self.step), self.gain * expected, self.tolerance)

    @staticmethod
    def _scores(x: Instances, weights: FloatArray) -> FloatArray:
        optimum = asim.ipo_optimum(x["P"], pair_weights=weights, beta=x["beta"])
        return asim.simplex.centred_logits(optimum)


def _symmetric(values: FloatArray) -> FloatArray:
    """Return the symmetric part, without a diagonal: (n, K, K)."""
    even = 0.5 * (values + np.swapaxes(values, -1, -2))
    return np.asarray(even * (1.0 - np.eye(values.shape[-1])))
