"""How far the logit gaps of MRS-IPO can be from those of the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class GapBox(Claim):
    """Every gap in each of the first rounds, against the box that grows with them."""

    statement: ClassVar[str] = (
        "Let MRS-IPO start at π_ref. In every round t and for all i, j the gap log(π_i/π_j) is "
        "that of π_ref plus a number in β(1 + α + … + α^(t−1))·[min_k d_k, max_k d_k], "
        "d = P_i − P_j; the sum is (1 − α^t)/(1 − α) for α < 1 and t for α = 1."
    )
    section: ClassVar[str] = "6.1"
    rounding: float = 1e-10
    gain: float = 1.0
    rounds: int = 40

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw maps; α = 1 and one opponent for ever, for whom the box is tight, are first."""
        K = int(rng.integers(2, 7))
        x = draw.feedback_maps(rng, trials, K)
        x["alpha"][2:6] = 1.0
        x["lam"][1:4] = 0.0
        x["offline"][1:4] = np.eye(K)[0]
        return x

    def margin(self, x: Instances) -> FloatArray:
        """Return the least slack of a gap, relative to β times the number of rounds."""
        loop = draw.feedback_map(x)
        orbit = loop.run(start_logits=loop.reference_logits, rounds=self.rounds)
        risen = orbit.logits - loop.reference_logits[:, None]
        gaps = (risen[..., :, None] - risen[..., None, :])[:, 1:]
        rows = x["P"][:, :, None, :] - x["P"][:, None, :, :]
        powers = x["alpha"][:, None] ** np.arange(self.rounds)
        pull = self.gain * x["beta"][:, None] * np.cumsum(powers, axis=-1)
        pull = pull[..., None, None]
        above = gaps - pull * rows.min(axis=-1)[:, None]
        below = pull * rows.max(axis=-1)[:, None] - gaps
        slack = np.minimum(above, below).min(axis=(-3, -2, -1))
        return np.asarray(slack / (x["beta"] * self.rounds) + self.rounding)
