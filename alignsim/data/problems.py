"""One preference problem: what is compared, and how it fares."""

from __future__ import annotations

from typing import NamedTuple

from alignsim.validation import FloatArray


class Problem(NamedTuple):
    """A preference matrix with its name and labels.

    ``P[i, j]`` (K, K) is Pr(i beats j); NaN marks a pair that was never compared.
    """

    name: str
    labels: tuple[str, ...]
    P: FloatArray
