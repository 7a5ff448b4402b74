"""DPO and IPO rank alike, and DPO spreads more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import alignsim as asim
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class DPORanksLikeIPO(Claim):
    """Every gap of the DPO score against four times the gap of Pμ, sign and size."""

    statement: ClassVar[str] = (
        "For a product sampler μ and P in (0, 1), v_i > v_j exactly if (Pμ)_i > (Pμ)_j, and then "
        "v_i − v_j ≥ 4((Pμ)_i − (Pμ)_j)."
    )
    section: ClassVar[str] = "3.5"
    rounding: float = 1e-9
    gain: float = 4.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw mixed preferences; weak ones, for which 4 is nearly reached, are among them."""
        K = int(rng.integers(2, 7))
        return {
            "P": draw.preferences(rng, trials, K, smallest=0.01),
            "sampler": draw.policies(rng, trials, K),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the least slack of a gap, relative to the largest."""
        v = asim.simplex.centred_logits(asim.dpo_optimum(x["P"], x["sampler"], beta=1.0))
        s = (x["P"] @ x["sampler"][..., None])[..., 0]
        wide, narrow = _gaps(v), _gaps(s)
        slack = np.where(narrow > 0, wide - self.gain * narrow, np.inf)
        return np.asarray(slack.min(axis=(-2, -1)) + self.rounding * (1.0 + np.abs(v).max(axis=-1)))


@dataclass(frozen=True)
class DPOMajorisesIPO(Claim):
    """Partial sums of sorted policies."""

    statement: ClassVar[str] = (
        "With a uniform reference and a product sampler, the optimum of DPO(β) majorises that of "
        "IPO(4β): its m largest probabilities sum to at least as much, for every m."
    )
    section: ClassVar[str] = "3.5"
    rounding: float = 1e-10
    gain: float = 4.0

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw mixed preferences and β."""
        K = int(rng.integers(2, 7))
        return {
            "P": draw.preferences(rng, trials, K, smallest=0.01),
            "sampler": draw.policies(rng, trials, K),
            "beta": draw.log_uniform(rng, trials, 0.05, 5.0),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the least slack of a partial sum."""
        dpo = asim.dpo_optimum(x["P"], x["sampler"], beta=x["beta"])
        ipo = asim.ipo_optimum(x["P"], x["sampler"], beta=self.gain * x["beta"])
        slack = np.cumsum(_descending(dpo) - _descending(ipo), axis=-1)
        return np.asarray(slack.min(axis=-1) + self.rounding)


def _gaps(values: FloatArray) -> FloatArray:
    return np.asarray(values[:, :, None] - values[:, None, :])


def _descending(values: FloatArray) -> FloatArray:
    return np.asarray(-np.sort(-values, axis=-1))
