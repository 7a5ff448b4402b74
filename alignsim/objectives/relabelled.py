"""DPO on other labels than those that were given."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace

from alignsim.objectives.comparison import Comparison
from alignsim.objectives.contract import PairLoss
from alignsim.objectives.dpo import DPO
from alignsim.validation import FloatArray

PLAIN = DPO()


@dataclass(frozen=True)
class RelabelledDPO(PairLoss):
    """The pair loss of DPO with labels P̃ for P; a subclass names its ``expansion``."""

    @abstractmethod
    def labels(self, P: FloatArray) -> FloatArray:
        """Return P̃, (..., K, K), with P̃ + P̃ᵀ = 1."""

    def relabelled(self, x: Comparison) -> Comparison:
        """Return the problem with these labels."""
        return replace(x, P=self.labels(x.P))

    def pull(self, gaps: FloatArray, P: FloatArray) -> FloatArray:
        """Return P̃_ij − σ(v_i − v_j)."""
        return PLAIN.pull(gaps, self.labels(P))

    def slope(self, gaps: FloatArray) -> FloatArray:
        """Return σ'(v_i − v_j)."""
        return PLAIN.slope(gaps)

    def scale(self, beta: FloatArray) -> FloatArray:
        """Return 1/β, as DPO has it."""
        return PLAIN.scale(beta)
