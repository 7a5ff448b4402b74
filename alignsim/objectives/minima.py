"""The local minima of a loss that is not convex, and the multiplier of a constrained one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.errors import InputError
from alignsim.kernels.status import OK
from alignsim.objectives.catalogue import OBJECTIVES
from alignsim.objectives.contract import Objective, named
from alignsim.objectives.one_shot import check_policies, comparison
from alignsim.objectives.stable_preference import StablePreference
from alignsim.preferences.logistic import log_odds
from alignsim.simplex import softmax
from alignsim.validation import FloatArray

SAME = 1e-6
"""Scores this near are those of one minimum."""

WIDEST = 20.0


@dataclass(frozen=True)
class Minima:
    """Local minima of one problem, the lowest first; not proved to be all.

    Attributes
    ----------
    policy : (m, K)
        The policies.
    loss : (m,)
        What the loss is there: for ``"exo"`` how far it is above what each pair alone could have.
    start : (m, K)
        A policy from which a descent led there.
    share : (m,)
        The share of all starts that did.
    reached : int
        The one that :func:`alignsim.optimum` returns, reached from the reference; −1 if that
        descent ended on a saddle.
    """

    policy: FloatArray
    loss: FloatArray
    start: FloatArray
    share: FloatArray
    reached: int


def minima(
    objective: str | Objective,
    P: ArrayLike,
    sampling: ArrayLike | None = None,
    *,
    pair_weights: ArrayLike | None = None,
    reference: ArrayLike | None = None,
    beta: ArrayLike,
    starts: int = 200,
    rng: int = 0,
    **parameters: ArrayLike | None,
) -> Minima:
    """Return the local minima of one problem that descents from many starts lead to.

    Parameters
    ----------
    objective
        One whose loss is not convex: ``"exo"`` or ``"xpo"``.
    P, sampling, pair_weights, reference, beta, parameters
        As for :func:`alignsim.optimum`, of one problem.
    starts
        How many: the reference, and policies drawn with a spread of scores up to that of P.
    rng
        A seed.

    Raises
    ------
    ValueError
        As there; and for a convex loss, which has one minimum.

    Examples
    --------
    >>> import alignsim as asim
    >>> from scipy.special import expit
    >>> P = expit([[0, 2, -5], [-2, 0, 2], [5, -2, 0]])
    >>> found = asim.objectives.minima("exo", P, pair_weights=[[1.0] * 3] * 3, beta=1.0)
    >>> found.loss.round(4).tolist(), found.reached
    ([0.7027, 0.7027, 0.7178], 2)
    """
    solver: Any = named(objective, OBJECTIVES, **parameters)
    if getattr(solver, "convex", True):
        raise InputError("objective", f"is {solver.name!r}, not 'exo' or 'xpo'", "use optimum")
    count = validation.integer(starts, "starts", minimum=1)
    seed = validation.integer(rng, "rng", minimum=0)
    x = comparison(P, sampling, pair_weights, reference, beta)
    if x.shape or solver.shape:
        raise InputError(
            "P", f"and others make a batch {x.shape or solver.shape}", "give one problem"
        )
    solver.check(x)
    K = x.P.shape[-1]
    widest = min(WIDEST, 2.0 + float(np.abs(log_odds(np.clip(x.P, 1e-9, 1.0 - 1e-9))).max()))
    generator = np.random.default_rng(seed)
    drawn = widest * generator.uniform(0.0, 1.0, (count, 1)) * generator.normal(size=(count, K))
    drawn[0] = 0.0
    flat = x.spread((count,))
    balance = solver.spread((count,)).balance(flat)
    u, status = balance.settle(drawn)
    good = np.flatnonzero(status == OK)
    loss = balance.loss(np.nan_to_num(u))
    order = good[np.lexsort((u[good, 0].round(5), loss[good].round(9)))]
    kept: list[int] = []
    which = np.full(count, -1)
    for i in order:
        near = [k for k, one in enumerate(kept) if np.abs(u[one] - u[i]).max() <= SAME]
        which[i] = near[0] if near else len(kept)
        if not near:
            kept.append(int(i))
    strength = float(flat.beta[0])
    return Minima(
        policy=softmax(flat.reference_logits[kept] + strength * u[kept]),
        loss=loss[kept],
        start=softmax(flat.reference_logits[kept] + strength * drawn[kept]),
        share=np.bincount(which[good], minlength=len(kept)) / count,
        reached=int(which[0]),
    )


def multipliers(
    P: ArrayLike,
    sampling: ArrayLike | None = None,
    *,
    kl_radius: ArrayLike,
    anchor: ArrayLike | None = None,
    pair_weights: ArrayLike | None = None,
    reference: ArrayLike | None = None,
    beta: ArrayLike,
) -> FloatArray:
    """Return the multipliers (...) of the constraint of ``"stable_preference"``.

    With the multiplier as ``sft_weight``, ``"dpo_sft"`` has the same optimum. It is 0 where DPO
    stays within the ball.

    Parameters
    ----------
    P, sampling, pair_weights, reference, beta
        As for :func:`alignsim.optimum`.
    kl_radius, anchor
        As for :class:`alignsim.objectives.StablePreference`.

    Raises
    ------
    ValueError
        As :func:`alignsim.optimum` does.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 0.9], [0.1, 0.5]]
    >>> asim.objectives.multipliers(
    ...     P, [0.5, 0.5], kl_radius=[0.01, 0.1, 1.0], beta=1.0
    ... ).round(4).tolist()
    [2.3426, 0.4395, 0.0]
    """
    ball = StablePreference(
        validation.real_array(kl_radius, "kl_radius", finite=False),
        None if anchor is None else validation.real_array(anchor, "anchor"),
    )
    x = comparison(P, sampling, pair_weights, reference, beta)
    check_policies(ball, x.P.shape[-1])
    validation.batch_shape({"the problem": x.shape, "kl_radius and anchor": ball.shape})
    ball.check(x)
    return ball.multipliers(x)
