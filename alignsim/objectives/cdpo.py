"""Conservative DPO: DPO on labels of which a share is believed to be flipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from alignsim.objectives.comparison import Comparison, Solution
from alignsim.objectives.contract import BoolArray
from alignsim.objectives.dpo_derivatives import LogisticScore
from alignsim.objectives.facts import Fact, Facts
from alignsim.objectives.relabelled import PLAIN, RelabelledDPO
from alignsim.parameters import Parameter
from alignsim.validation import FloatArray

_KEPT = PLAIN.facts  # smoothed labels are preferences too, nearer to ½


@dataclass(frozen=True)
class ConservativeDPO(RelabelledDPO):
    """DPO on (1−ε)P + εPᵀ, with ε = label_smoothing: finite for any P that ε > 0 moves inside.

    Parameters
    ----------
    label_smoothing
        ε, the share of the labels that are taken to be wrong; TRL's ``label_smoothing``. At 0 it
        is DPO; at ½ nothing is learned.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 1.0], [0.0, 0.5]]
    >>> asim.optimum("cdpo", P, [0.5, 0.5], beta=1.0, label_smoothing=0.1).round(4).tolist()
    [0.9, 0.1]
    """

    name: ClassVar[str] = "cdpo"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("label_smoothing", "ε, share of labels taken to be wrong", 0.1, high=0.5),
    )
    source: ClassVar[str] = "Mitchell (2023), a note on DPO with noisy preferences"
    expansion = LogisticScore
    facts = Facts(
        unique_from=Fact(lambda P: _of_dpo("unique_from", P), "theory 7, for smoothed labels"),
        imaginary_from=Fact(
            lambda P: _of_dpo("imaginary_from", P), "theory 7, for smoothed labels"
        ),
        score_gaps=Fact(lambda P: _of_dpo("score_gaps", P), "theory 3.3: smoothing narrows log P"),
        score_span=Fact(lambda P: _of_dpo("score_span", P), "theory 3.3: smoothing narrows log P"),
        forgotten=Fact(lambda P: _of_dpo("forgotten", P), "theory 7, for smoothed labels"),
    )

    label_smoothing: FloatArray | float = 0.1

    def labels(self, P: FloatArray) -> FloatArray:
        """Return (1−ε)P + εPᵀ, (..., K, K)."""
        share = np.asarray(self.label_smoothing)[..., None, None]
        return np.asarray(P + share * (np.swapaxes(P, -1, -2) - P))

    def score(self, x: Comparison) -> Solution:
        """Return DPO's score of the smoothed labels."""
        return PLAIN.score(self.relabelled(x))

    def exists(self, x: Comparison) -> BoolArray:
        """Return where DPO has a finite optimum for the smoothed labels."""
        return PLAIN.exists(self.relabelled(x))

    def check(self, x: Comparison) -> None:
        """Raise where it has none; names the responses."""
        PLAIN.check(self.relabelled(x))


def _of_dpo(fact: str, P: FloatArray) -> NDArray[np.floating]:
    """Return what is proved for DPO on P: then it holds for every smoothing of P too."""
    return np.asarray(getattr(_KEPT, fact).value(P))
