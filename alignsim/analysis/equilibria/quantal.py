"""Quantal response equilibria: the Nash equilibria of a game whose players pay for KL."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.analysis.equilibria.fixed_point import FixedPoint, fixed_point
from alignsim.errors import InputError
from alignsim.feedback import FeedbackMap

LEAST_TAU = 1e-6
"""The least τ: 1/τ times a preference must stay far below the largest logit."""


def qre(P: ArrayLike, *, tau: ArrayLike, reference: ArrayLike | None = None) -> FixedPoint:
    """Return the quantal response equilibria π ∝ ref·e^{Pπ/τ} of preference games: (..., K).

    Both players draw a response each, and pay τ·KL(own policy ‖ reference). There is one
    equilibrium, the fixed point of IPO on its own samples at η = β/(1−α) = 1/τ: that of online IPO,
    INPO, mirror descent and EGPO. As τ → 0 it tends to a maximal lottery, with a uniform reference
    to that of largest entropy; see :func:`alignsim.maximal_lottery`.

    Parameters
    ----------
    P : (..., K, K)
        Preferences.
    tau : (...)
        The weight of the penalties, at least 1e-6.
    reference : (..., K)
        Full support; uniform by default.

    Raises
    ------
    ValueError
        For bad arguments; with ``tau`` 0 the equilibrium is a maximal lottery.

    References
    ----------
    McKelvey and Palfrey (1995).

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 0.6, 0.6], [0.4, 0.5, 0.95], [0.4, 0.05, 0.5]]
    >>> asim.qre(P, tau=0.1).policy.round(3).tolist()
    [0.636, 0.305, 0.059]
    """
    weight = validation.parameter(tau, "tau")
    if (weight < LEAST_TAU).any():
        index = validation.first_true(weight < LEAST_TAU)
        raise InputError(
            f"tau{validation.at(index)}",
            f"is {weight[index]:g}",
            f"give at least {LEAST_TAU:g}; without penalties see alignsim.maximal_lottery(P)",
        )
    return fixed_point(FeedbackMap(P, beta=np.asarray(1.0 / weight), reference=reference))
