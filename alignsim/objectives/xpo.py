"""XPO: DPO with a bonus for policies that are unsure of what the reference says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alignsim.errors import NoOptimumError
from alignsim.objectives import cuts
from alignsim.objectives.comparison import Comparison
from alignsim.objectives.contract import BoolArray
from alignsim.objectives.dpo import DPO
from alignsim.objectives.residual import Residual
from alignsim.parameters import Parameter
from alignsim.simplex import softmax
from alignsim.validation import FloatArray, first_true, instance


@dataclass(frozen=True)
class XPO(Residual):
    """L = L_DPO + α·E_{i~ref}[log π_i], with α = exploration: it explores, up to a cut.

    At an optimum Σ_j W_ij (P_ij − σ(u_i − u_j)) = βα(ref_i − π_i), u = (θ − ref)/β. The loss is
    bounded below, and coercive, if and only if αβ·ref(S) < Σ_{i∈S, j∉S} W_ij P_ij for every proper
    subset S of the responses; elsewhere it is refused. It is not convex, and may have several local
    minima (two of a fair pair where β²α > W): the optimum is the one that a descent from the
    reference leads to, and :func:`alignsim.objectives.minima` lists what is found from many starts.

    Parameters
    ----------
    exploration
        α, the weight of the bonus beside a pair loss whose weights W are 2μ_iμ_j, or add up to 1
        over the pairs. At 0 it is DPO. (The paper's α, its optimism; a method has that word.)

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 0.7], [0.3, 0.5]]
    >>> asim.optimum("xpo", P, [0.5, 0.5], beta=1.0, exploration=[0.0, 0.1]).round(4).tolist()
    [[0.7, 0.3], [0.75, 0.25]]
    """

    name: ClassVar[str] = "xpo"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("exploration", "α, weight of the bonus for exploring", 0.01, high=np.inf),
    )
    source: ClassVar[str] = "Xie et al. (2024), arXiv 2405.21046"
    convex: ClassVar[bool] = False
    unsolved: ClassVar[str] = (
        "a descent from the reference ends between several minima, or P is too close to 0 or 1; "
        "move the reference, lower exploration or beta, or look at alignsim.objectives.minima"
    )

    exploration: FloatArray | float = 0.01

    @property
    def weight(self) -> FloatArray:
        """−α: a push away from the reference, (...)."""
        return -np.asarray(self.exploration)

    def exists(self, x: Comparison) -> BoolArray:
        """Return where the loss is coercive; without a push, where DPO has a finite optimum."""
        shape = np.broadcast_shapes(x.shape, self.shape)
        least, _ = self._least(x, shape)
        pushed = np.broadcast_to(x.beta * self.exploration > 0.0, shape)
        coercive = (least > cuts.ROUNDING).reshape(shape)
        return np.asarray(np.where(pushed, coercive, DPO().exists(x)))

    def check(self, x: Comparison) -> None:
        """Raise where it is not; names the responses that run off."""
        there = self.exists(x)
        if there.all():
            return
        place = first_true(~there)
        _, subset = self._least(x, there.shape)
        members = [int(i) for i in np.flatnonzero(subset.reshape(*there.shape, -1)[place])]
        rate = np.broadcast_to(self.exploration, there.shape)[place]
        raise NoOptimumError(
            f"{instance(place)} has no finite xpo optimum: exploration {rate:g} drives "
            f"the probability of responses {members} to 0, since exploration·beta times their "
            "share in the reference is not below what they win of the others; lower exploration "
            "or beta, or compare these responses more"
        )

    def _least(self, x: Comparison, shape: tuple[int, ...]) -> tuple[FloatArray, BoolArray]:
        flat, own = x.spread(shape), self.spread(shape)
        push = (np.asarray(own.exploration) * flat.beta)[:, None] * softmax(flat.reference_logits)
        every = np.ones(push.shape, dtype=np.bool_)
        return cuts.least_cut(flat.pairs.weights * flat.P, push, every)
