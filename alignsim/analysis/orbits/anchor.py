"""What holds the logits of a loop: an anchor, and how fast what is not its reference fades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alignsim.feedback import FeedbackMap
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class Prospect:
    """What is known of a flat batch of n orbits before they are followed.

    Attributes
    ----------
    loop : (n,)
        The maps.
    fixed, radius : (n, D·K), (n,)
        Their fixed points and spectral radii, NaN where there is none.
    anchored, forgets : (n,)
        What :func:`anchored` and :func:`forgetting` return.
    """

    loop: FeedbackMap
    fixed: FloatArray
    radius: FloatArray
    anchored: NDArray[np.bool_]
    forgets: FloatArray

    @classmethod
    def of(cls, loop: FeedbackMap, fixed: FloatArray, radius: FloatArray) -> Prospect:
        """Return that of maps with these fixed points."""
        return cls(loop, fixed, radius, anchored(loop), forgetting(loop))

    def taken(self, which: NDArray[np.intp]) -> Prospect:
        """Return that of the orbits ``which``."""
        arrays: list[Any] = [self.fixed, self.radius, self.anchored, self.forgets]
        return Prospect(self.loop.take(which), *(each.take(which, axis=0) for each in arrays))


def anchored(loop: FeedbackMap) -> NDArray[np.bool_]:
    """Return whether the fixed reference holds the logits, (...); for MRS, whether α < 1."""
    return np.asarray(np.broadcast_to(loop.scheme.rest().anchored, loop.shape))


def forgetting(loop: FeedbackMap) -> FloatArray:
    """Return which share of the logits' past a round forgets, (...); for MRS 1 − α.

    One minus the largest modulus of a multiplier that the round has without a signal: 0 without an
    anchor.
    """
    return np.asarray(1.0 - np.abs(loop.scheme.multipliers(0.0)).max(axis=-1))
