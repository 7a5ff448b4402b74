"""Random numbers from counters: the same for a round of a map wherever and whenever it is run.

Philox 4×32 with ten rounds (Salmon, Moraes, Dror and Shaw 2011). A number depends on a key, the
map, the round and its place in the round, and on nothing that was drawn before.
"""

from __future__ import annotations

import numpy as np
from numba import njit

LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
MULTIPLIER_0, MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL_0, WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
CYCLES = 10
UNIT = 2.0**-32
HALF_UNIT = 2.0**-33


@njit(inline="always")
def philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    """Return four 32-bit words of a counter of four and a key of two, all held in uint64."""
    for _ in range(CYCLES):
        product_0 = MULTIPLIER_0 * c0
        product_1 = MULTIPLIER_1 * c2
        c0 = (product_1 >> HALF) ^ c1 ^ k0
        c1 = product_1 & LOW
        c2 = (product_0 >> HALF) ^ c3 ^ k1
        c3 = product_0 & LOW
        k0 = (k0 + WEYL_0) & LOW
        k1 = (k1 + WEYL_1) & LOW
    return c0, c1, c2, c3


@njit(inline="always")
def unit(word):  # type: ignore[no-untyped-def]
    """Return a 32-bit word as a number strictly between 0 and 1."""
    return np.float64(word) * UNIT + HALF_UNIT
