"""What losses with a cross-entropy to an anchor policy have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alignsim.objectives.residual import Residual
from alignsim.parameters import Parameter
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class Anchored(Residual):
    """A pair loss plus sft_weight·E_{i~anchor}[−log π_i], by default to the reference."""

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("sft_weight", "weight of the cross-entropy to the anchor", 0.1, high=np.inf),
    )
    policies: ClassVar[tuple[str, ...]] = ("anchor",)

    sft_weight: FloatArray | float = 0.1
    anchor: FloatArray | None = None

    @property
    def weight(self) -> FloatArray:
        """The weight of the cross-entropy, (...)."""
        return np.asarray(self.sft_weight)

    @property
    def towards(self) -> FloatArray | None:
        """The anchor, or None."""
        return self.anchor
