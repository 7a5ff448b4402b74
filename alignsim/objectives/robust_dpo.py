"""Robust DPO: the loss whose mean over flipped labels is that of DPO over the true ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alignsim.errors import NoOptimumError
from alignsim.kernels.status import NO_OPTIMUM, OK
from alignsim.objectives import cuts
from alignsim.objectives.comparison import Comparison, ProductPairs, Solution
from alignsim.objectives.contract import BoolArray
from alignsim.objectives.dpo_derivatives import LogisticScore
from alignsim.objectives.relabelled import RelabelledDPO
from alignsim.objectives.residual import Balance, Logistic, solved
from alignsim.parameters import Parameter
from alignsim.validation import FloatArray, first_true, instance


@dataclass(frozen=True)
class RobustDPO(RelabelledDPO):
    """DPO on P̃ = (P − ε)/(1 − 2ε), with ε = flip_rate: it undoes labels flipped at that rate.

    P̃ leaves [0, 1] where P is surer than flips allow. The loss is convex all the same, and has one
    minimum if and only if Σ_{i∈S, j∉S} W_ij P̃_ij > 0 for every proper subset S of what is compared.

    Parameters
    ----------
    flip_rate
        ε, the probability with which a label was flipped; below ½. At 0 it is DPO.

    Examples
    --------
    >>> import alignsim as asim
    >>> flipped = [[0.5, 0.68], [0.32, 0.5]]  # of 0.8, a fifth of the labels flipped
    >>> asim.optimum("robust_dpo", flipped, [0.5, 0.5], beta=1.0, flip_rate=0.2).round(4).tolist()
    [0.8, 0.2]
    """

    name: ClassVar[str] = "robust_dpo"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("flip_rate", "ε, probability that a label was flipped", 0.1, high=0.49),
    )
    source: ClassVar[str] = "Chowdhury et al. (2024), arXiv 2403.00409"
    expansion = LogisticScore

    flip_rate: FloatArray | float = 0.1

    def labels(self, P: FloatArray) -> FloatArray:
        """Return P̃, (..., K, K)."""
        share = np.asarray(self.flip_rate)[..., None, None]
        return np.asarray(0.5 + (P - 0.5) / (1.0 - 2.0 * share))

    def score(self, x: Comparison) -> Solution:
        """Return the score u (..., K) with Σ_j W_ij (P̃_ij − σ(u_i − u_j)) = 0."""
        shape = np.broadcast_shapes(x.shape, self.shape)
        flat = self.relabelled(x).spread(shape)
        listed = x.P.shape[-1] <= cuts.LISTED  # beyond, a solution is what proves that there is one
        there = _least(flat)[0] > cuts.ROUNDING if listed else np.ones(len(flat.P), np.bool_)
        u, status = solved(Balance(Logistic(), flat, np.zeros(len(flat.P)), None), there)
        status = status if listed else np.where(status == OK, OK, NO_OPTIMUM).astype(np.int8)
        return Solution(u.reshape(*shape, -1), status.reshape(shape))

    def exists(self, x: Comparison) -> BoolArray:
        """Return where every proper subset of the responses loses something, in the sense of P̃."""
        shape = np.broadcast_shapes(x.shape, self.shape)
        least, _ = _least(self.relabelled(x).spread(shape))
        return np.asarray((least > cuts.ROUNDING).reshape(shape))

    def check(self, x: Comparison) -> None:
        """Raise where some subset loses nothing; names it."""
        shape = np.broadcast_shapes(x.shape, self.shape)
        least, subset = _least(self.relabelled(x).spread(shape))
        bad = ~(least > cuts.ROUNDING)
        if not bad.any():
            return
        place = first_true(bad.reshape(shape))
        members = [int(i) for i in np.flatnonzero(subset.reshape(*shape, -1)[place])]
        rate = np.broadcast_to(self.flip_rate, shape)[place]
        raise NoOptimumError(
            f"{instance(place)} has no finite robust_dpo optimum: with labels "
            f"(P − {rate:g})/(1 − 2·{rate:g}) responses {members} win all that is compared with "
            "the others, or more; lower flip_rate, move P off 0 and 1, or compare more pairs"
        )


def _least(x: Comparison) -> tuple[FloatArray, BoolArray]:
    """Return the least cut of a flat batch whose P are the labels P̃, and its subset.

    A response that product pairs never sample needs a win rate strictly between 0 and 1.
    """
    K = x.P.shape[-1]
    won, support = x.pairs.weights * x.P, np.ones(x.P.shape[:2], dtype=np.bool_)
    if isinstance(x.pairs, ProductPairs):
        support = x.pairs.sampler > 0.0
    least, subset = cuts.least_cut(won, np.zeros(support.shape), support)
    if support.all():
        return least, subset
    assert isinstance(x.pairs, ProductPairs)
    rate = (x.P * x.pairs.sampler[:, None, :]).sum(axis=-1)
    inside = np.where(support, np.inf, np.minimum(rate, 1.0 - rate))
    worst = inside.argmin(axis=-1)
    slack = np.take_along_axis(inside, worst[:, None], axis=-1)[:, 0]
    lone = np.eye(K, dtype=np.bool_)[worst]
    won_all = np.take_along_axis(rate, worst[:, None], axis=-1)[:, 0] > 0.5
    lone = np.where(won_all[:, None], lone, ~lone)
    worse = slack < least
    return np.where(worse, slack, least), np.where(worse[:, None], lone, subset)
