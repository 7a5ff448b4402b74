"""RLHF: rewards with a KL penalty, in closed form (theory 11.4; Ouyang et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alignsim.objectives.comparison import Solution
from alignsim.objectives.dpo import DPO
from alignsim.objectives.facts import Fact, Facts, always
from alignsim.objectives.rewards import RewardObjective
from alignsim.objectives.score_expansion import LinearScore
from alignsim.validation import FloatArray


def _all_directions(P: FloatArray) -> np.ndarray:
    return np.full(P.shape[:-2], P.shape[-1] - 1)


@dataclass(frozen=True)
class RLHF(RewardObjective):
    """π ∝ ref·e^{βr}, the maximum of E_π r − KL(π‖ref)/β.

    Parameters
    ----------
    rewards : (..., K)
        r; by default the rewards of P, P_ij = σ(r_i − r_j), which must be a Bradley–Terry matrix.
        Given rewards replace what P says.

    Notes
    -----
    Which pairs are compared does not matter. β of the literature, the weight of the KL penalty, is
    1/β here (``beta_convention="trl"``).

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.bradley_terry([1.0, 0.0, -1.0])
    >>> asim.optimum("rlhf", P, [1/3, 1/3, 1/3], beta=2.0).round(4).tolist()
    [0.8668, 0.1173, 0.0159]
    """

    name: ClassVar[str] = "rlhf"
    source: ClassVar[str] = "Ouyang et al. (2022), arXiv 2203.02155; Christiano et al. (2017)"
    expansion = LinearScore
    facts = Facts(
        unique_from=Fact(always, "theory 11.4: a round is affine in the logits"),
        imaginary_from=Fact(always, "theory 11.4: the derivative of the score is 0"),
        forgotten=Fact(_all_directions, "theory 11.4: the derivative of the score is 0"),
    )

    def of_sample(self, wins: FloatArray) -> Solution:
        """Return the rewards, by default those of most likelihood: the scores of DPO."""
        return DPO().of_sample(wins) if self.rewards is None else super().of_sample(wins)
