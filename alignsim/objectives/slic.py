"""SLiC: the hinge loss on margins, plus a cross-entropy to a policy; solved exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NoReturn

import numpy as np
from numpy.typing import NDArray

from alignsim.errors import InputError, NoOptimumError
from alignsim.kernels.status import NO_OPTIMUM, NOT_CONVERGED, OK
from alignsim.objectives import cuts
from alignsim.objectives.anchored import Anchored
from alignsim.objectives.comparison import Comparison, Push, Solution, Tangent
from alignsim.objectives.contract import BoolArray
from alignsim.objectives.existence import has_finite_pair_scores
from alignsim.objectives.residual import Balance, PairTerms
from alignsim.simplex import log_softmax
from alignsim.validation import FloatArray, first_true, instance

SMOOTHEST, SHARPEST, SHARPER = 1.0, 1e-8, 0.2
"""Widths of the smoothed kink, from the first to the last, and from one to the next."""

TIED = 1e-4
"""Margins this near to 1 may be met exactly."""


class Hinge:
    """The loss max(0, 1 − gap) of what won, its kink smoothed over ``width``."""

    def __init__(self, width: float = 0.0) -> None:
        self.width = width

    def pull(self, gaps: FloatArray, P: FloatArray) -> FloatArray:
        """Return P_ij·a(1 − gap) − P_ji·a(1 + gap), a the share of the slope: ½ at the kink."""
        return np.asarray(P * self._share(1.0 - gaps) - _turned(P) * self._share(1.0 + gaps))

    def bend(self, gaps: FloatArray, P: FloatArray) -> FloatArray:
        """Return P_ij·a'(1 − gap) + P_ji·a'(1 + gap)."""
        return np.asarray(P * self._slope(1.0 - gaps) + _turned(P) * self._slope(1.0 + gaps))

    def cost(self, gaps: FloatArray, P: FloatArray) -> FloatArray:
        """Return the loss."""
        return np.asarray(P * self._loss(1.0 - gaps) + _turned(P) * self._loss(1.0 + gaps))

    def _share(self, missing: FloatArray) -> FloatArray:
        size = np.hypot(missing, 2.0 * self.width)
        return np.asarray(0.5 + 0.5 * missing / np.where(size > 0.0, size, 1.0))

    def _slope(self, missing: FloatArray) -> FloatArray:
        size = np.hypot(missing, 2.0 * self.width)
        return np.asarray(2.0 * (self.width / size) ** 2 / size)

    def _loss(self, missing: FloatArray) -> FloatArray:
        return np.asarray(0.5 * (missing + np.hypot(missing, 2.0 * self.width)))


@dataclass(frozen=True)
class SLiC(Anchored):
    """L = Σ W_ij P_ij max(0, 1 − (u_i − u_j)) + sft_weight·E_{i~anchor}[−log π_i], u = (θ − ref)/β.

    With ``sft_weight`` > 0 and β > 0 the loss is strictly convex and has one minimum. Without, it
    is the hinge loss of margins alone, whose scores are whole numbers and blind to how strong a
    preference is; where its minimum is not unique it is refused.

    Parameters
    ----------
    sft_weight
        Weight of the cross-entropy beside a pair loss whose weights W are 2μ_iμ_j, or add up to 1
        over the pairs.
    anchor
        The policy (..., K) of the cross-entropy; by default the reference of the problem.

    Notes
    -----
    Zhao et al. (2023) take margins of log π without a reference: give the uniform one, β = δ for
    their margin δ, their SFT policy as ``anchor``, and their λ as δ·sft_weight. The optimum is not
    differentiable where margins are met, so that loops run but have no derivatives.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 0.7], [0.3, 0.5]]
    >>> weights = [0.0, 0.1, 1.0]
    >>> asim.optimum("slic", P, [0.5, 0.5], beta=1.0, sft_weight=weights).round(4).tolist()
    [[0.7311, 0.2689], [0.7311, 0.2689], [0.7, 0.3]]
    """

    name: ClassVar[str] = "slic"
    source: ClassVar[str] = "Zhao et al. (2023), arXiv 2305.10425"
    unanalysable: ClassVar[str] = "a loss whose optimum is not differentiable where margins are met"
    terms: ClassVar[PairTerms] = Hinge()

    def scores(self, x: Comparison) -> Solution:
        """Return u (n, K) of a flat batch."""
        n, K = x.P.shape[:2]
        u, status = np.full((n, K), np.nan), np.full(n, NO_OPTIMUM, dtype=np.int8)
        held, still = x.beta * self.weight > 0.0, x.beta == 0.0
        balance = self.balance(x)
        own = np.flatnonzero(held)
        if len(own):
            u[own], status[own] = _held(balance.taken(own))
        still &= has_finite_pair_scores(x.P, x.pairs.weights)
        u[still], status[still] = 0.0, OK
        bare = np.flatnonzero(~held & (x.beta > 0.0))
        if len(bare):
            whole, slack, _ = _bare(x.taken(bare))
            sole = slack > cuts.ROUNDING
            u[bare], status[bare] = whole, np.where(sole, OK, NO_OPTIMUM)
        return Solution(np.where((status == OK)[:, None], u, np.nan), status)

    def linearise(self, _: Comparison) -> tuple[Solution, Tangent]:
        """Raise :class:`~alignsim.errors.InputError`: the optimum has kinks."""
        self._refuse()

    def force_derivatives(self, *_: FloatArray | Comparison) -> Push:
        """Raise :class:`~alignsim.errors.InputError`: the force jumps."""
        self._refuse()

    def exists(self, x: Comparison) -> BoolArray:
        """Return where the minimum is unique."""
        shape = np.broadcast_shapes(x.shape, self.shape)
        return np.asarray((self._unique(x)[0] > cuts.ROUNDING).reshape(shape))

    def check(self, x: Comparison) -> None:
        """Raise where it is not; names the responses that may move."""
        shape = np.broadcast_shapes(x.shape, self.shape)
        slack, subset = self._unique(x)
        bad = ~(slack > cuts.ROUNDING)
        if not bad.any():
            return
        place = first_true(bad.reshape(shape))
        members = [int(i) for i in np.flatnonzero(subset.reshape(*shape, -1)[place])]
        raise NoOptimumError(
            f"{instance(place)} has no unique slic optimum: without a cross-entropy, "
            f"responses {members} may move against the others at no cost; give sft_weight and "
            "beta above 0"
        )

    def _unique(self, x: Comparison) -> tuple[FloatArray, BoolArray]:
        """Return what the cheapest move costs beside what it moves, and who moves: (n,), (n, K)."""
        shape = np.broadcast_shapes(x.shape, self.shape)
        flat, own = x.spread(shape), self.spread(shape)
        slack = np.where(flat.beta * own.weight > 0.0, np.inf, 0.0)
        subset = np.zeros(flat.reference_logits.shape, dtype=np.bool_)
        still = flat.beta == 0.0
        slack[still & has_finite_pair_scores(flat.P, flat.pairs.weights)] = np.inf
        bare = np.flatnonzero((slack == 0.0) & ~still)
        if len(bare):
            _, slack[bare], subset[bare] = _bare(flat.taken(bare))
        return slack, subset

    def _refuse(self) -> NoReturn:
        raise InputError(
            "objective",
            f"is {self.name!r}, {self.unanalysable}",
            "run the loop, or use a smooth objective, such as 'dpo_sft'",
        )


def _held(balance: Balance) -> tuple[FloatArray, NDArray[np.int8]]:
    """Return u (n, K) and a status each: which margins are met follows from a smoothed problem."""
    x = balance.x
    width, near = SMOOTHEST, np.zeros(x.reference_logits.shape)
    while width > SHARPEST:
        smooth = Balance(
            Hinge(width), x, balance.weight, None if balance.follows else balance.anchor
        )
        found, status = smooth.solve(near)
        lost = np.flatnonzero(status != OK)
        if len(lost):
            hard = smooth.taken(lost)
            found[lost], status[lost] = hard.solve(hard.descend(np.nan_to_num(near[lost])))
        near = found
        width *= SHARPER
    u = np.full(near.shape, np.nan)
    for place in np.flatnonzero(status == OK):
        u[place] = _with_margins_met(balance.taken(np.array([place])), near[place])
    good = np.isfinite(u).all(axis=-1)
    return u, np.where(good, OK, np.where(status == OK, NOT_CONVERGED, status)).astype(np.int8)


def _with_margins_met(balance: Balance, near: FloatArray) -> FloatArray:
    """Return u (K,) where the margins that ``near`` almost meets are met, or NaN if none fits.

    Responses whose margins are met move together. The pull between such groups is constant, so
    that the probability of a group is known: p(C) plus the pull on it, divided by βw.
    """
    x = balance.x
    P, weights, beta = x.P[0], x.pairs.weights[0], float(x.beta[0])
    gaps = near[:, None] - near[None, :]
    kinked = weights * np.where(gaps > 0.0, P, P.T) > 0.0
    tied = (np.abs(np.abs(gaps) - 1.0) < TIED) & kinked
    group, offset = _groups(tied, np.round(gaps))
    wanted = np.where(1.0 - gaps > 0.0, P, 0.0) - np.where(1.0 + gaps > 0.0, P.T, 0.0)
    apart = group[:, None] != group[None, :]
    pulled = (weights * wanted * apart).sum(axis=-1) / (beta * float(balance.weight[0]))
    share = balance.anchor[0] + pulled
    base = x.reference_logits[0] + beta * offset
    logits = np.empty(len(base))
    for each in np.unique(group):
        own = group == each
        total = share[own].sum()
        if not total > 0.0:
            return np.full(len(base), np.nan)
        logits[own] = np.log(total) + log_softmax(base[own])
    u = (logits - x.reference_logits[0]) / beta
    u -= u.mean()
    sides = np.sign(1.0 - np.abs(u[:, None] - u[None, :]))[apart]
    fits = np.array_equal(sides, np.sign(1.0 - np.abs(gaps))[apart])
    return u if fits and np.abs(u - near).max() < TIED else np.full(len(u), np.nan)


def _groups(tied: BoolArray, steps: FloatArray) -> tuple[NDArray[np.intp], FloatArray]:
    """Return the group of each response (K,) and its offset in it, by a walk along what is tied."""
    K = len(tied)
    group, offset = np.full(K, -1, dtype=np.intp), np.zeros(K)
    for first in range(K):
        if group[first] >= 0:
            continue
        group[first] = first
        reached = [first]
        for i in reached:
            for j in np.flatnonzero(tied[i] & (group < 0)):
                group[j], offset[j] = first, offset[i] - steps[i, j]
                reached.append(int(j))
    return group, offset


def _bare(x: Comparison) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return u (n, K) of the hinge loss alone, in whole numbers, and its cheapest move.

    The loss is a sum of convex functions of differences that bend at whole numbers only. Such a
    function is least where no subset can move by 1 at a gain, and there alone if none can for
    nothing (Murota 2003, discrete convex analysis).
    """
    n, K = x.P.shape[:2]
    if K > cuts.LISTED:
        raise NoOptimumError(
            f"the hinge loss of {K} responses is not solved without a cross-entropy; give "
            f"sft_weight above 0, or at most {cuts.LISTED} responses"
        )
    u, every = np.zeros((n, K)), np.ones((n, K), dtype=np.bool_)
    weights, none = x.pairs.weights, np.zeros((n, K))
    while True:
        gaps = u[:, :, None] - u[:, None, :]
        dearer = weights * (Hinge().cost(gaps + 1.0, x.P) - Hinge().cost(gaps, x.P))
        slack, subset = cuts.least_cut(dearer, none, every)
        falls = slack < -cuts.ROUNDING
        if not falls.any():
            return u - u.mean(axis=-1, keepdims=True), slack, subset
        u += np.where(falls[:, None], subset, 0.0)


def _turned(P: FloatArray) -> FloatArray:
    return np.swapaxes(P, -1, -2)
