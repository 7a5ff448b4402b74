"""The work of a chunk: a function of its inputs alone, small to send to whoever computes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from alignsim.feedback import FeedbackMap
from alignsim.feedback.naming import method
from alignsim.validation import FloatArray

Columns = dict[str, np.ndarray]
"""One value a map for every variable."""


class Labeller(Protocol):
    """What is asked of maps: a small object that can be pickled."""

    def columns(self, maps: FeedbackMap, threads: int | None) -> Columns:
        """Return one value a map of a flat batch for every variable."""


@dataclass(frozen=True)
class Chunk:
    """Maps of one method, and what is asked of them, without their preference matrices.

    The parameters broadcast, so that they are much smaller than the batch.

    Attributes
    ----------
    method
        The name of the method.
    values
        The parameters, (...) each.
    further
        The objective and the policies.
    labeller
        What is asked.
    """

    method: str
    values: Mapping[str, Any]
    further: Mapping[str, Any]
    labeller: Labeller

    def loop(self, P: FloatArray) -> FeedbackMap:
        """Return the maps of matrices (..., K, K) as a flat batch."""
        whole = method(self.method, P, **self.values, **self.further)
        return whole.part(0, whole.size)


def compute(P: FloatArray, chunk: Chunk, threads: int | None) -> Columns:
    """Return the columns of a chunk; nothing but P and the chunk decides a bit of them.

    Parameters
    ----------
    P : (..., K, K)
        The matrices that the maps of the chunk need, no others.
    chunk
        What to compute.
    threads
        For the kernels; by default all that there are.
    """
    return chunk.labeller.columns(chunk.loop(P), threads)
