"""What holds the logits of a loop: an anchor, and how fast what is not its reference fades."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignsim.feedback import FeedbackMap
from alignsim.validation import FloatArray


def anchored(loop: FeedbackMap) -> NDArray[np.bool_]:
    """Return whether the fixed reference holds the logits, (...); for MRS, whether α < 1."""
    return np.asarray(np.broadcast_to(loop.scheme.rest().anchored, loop.shape))


def forgetting(loop: FeedbackMap) -> FloatArray:
    """Return which share of the logits' past a round forgets, (...); for MRS 1 − α.

    One minus the largest modulus of a multiplier that the round has without a signal: 0 without an
    anchor.
    """
    return np.asarray(1.0 - np.abs(loop.scheme.multipliers(0.0)).max(axis=-1))
