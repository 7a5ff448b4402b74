"""DPO with an SFT term: the logistic pair loss plus a cross-entropy to an anchor policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alignsim.errors import NoOptimumError
from alignsim.objectives.anchored import Anchored
from alignsim.objectives.comparison import Comparison
from alignsim.objectives.contract import BoolArray
from alignsim.objectives.dpo import DPO
from alignsim.validation import first_true, instance


@dataclass(frozen=True)
class DPOWithSFT(Anchored):
    """L = L_DPO + sft_weight·E_{i~anchor}[−log π_i].

    The loss is strictly convex: for any P, even of 0 and 1, it has one finite minimum, the policy
    with Σ_j W_ij (P_ij − σ(u_i − u_j)) = β·sft_weight·(π_i − anchor_i), u = (θ − ref)/β.

    Parameters
    ----------
    sft_weight
        Weight of the cross-entropy beside a pair loss whose weights W are 2μ_iμ_j, or add up to 1
        over the pairs. Liu et al. (who call the method RPO) write the loss as L_DPO + ηβ'E[−log π]
        with β' = 1/β: sft_weight is ηβ'. At 0 it is DPO.
    anchor
        The policy (..., K) whose samples the SFT term imitates; by default the reference of the
        problem: in a loop that of each round.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 1.0], [0.0, 0.5]]
    >>> weights = [0.01, 0.1, 1.0]
    >>> asim.optimum("dpo_sft", P, [0.5, 0.5], beta=1.0, sft_weight=weights).round(4).tolist()
    [[0.9902, 0.0098], [0.9167, 0.0833], [0.6667, 0.3333]]
    """

    name: ClassVar[str] = "dpo_sft"
    source: ClassVar[str] = "Liu et al. (2024), arXiv 2405.16436"

    def exists(self, x: Comparison) -> BoolArray:
        """Return where sft_weight·β > 0 or DPO has a finite optimum."""
        held = np.asarray(x.beta * self.weight > 0.0)
        shape = np.broadcast_shapes(x.shape, held.shape)
        return np.asarray(np.broadcast_to(held, shape) | DPO().exists(x))

    def check(self, x: Comparison) -> None:
        """Raise where nothing holds scores that run off to infinity."""
        there = self.exists(x)
        if not there.all():
            raise NoOptimumError(
                f"{instance(first_true(~there))} has no finite dpo_sft optimum: with "
                "sft_weight·beta = 0 nothing holds back responses that never lose, or are never "
                "compared; give sft_weight and beta above 0, or move P off 0 and 1"
            )
