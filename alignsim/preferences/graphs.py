"""Who reaches whom in a directed graph."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def reachable(edges: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which nodes are reached by one edge or more (Warshall): (..., K, K) → (..., K, K).

    >>> reachable(np.array([[False, True, False], [False, False, True], [False] * 3])).tolist()
    [[False, True, True], [False, False, True], [False, False, False]]
    """
    reach = edges.copy()
    for j in range(reach.shape[-1]):
        reach |= reach[..., :, j, None] & reach[..., j, None, :]
    return reach
