"""Branch-free exp and log that the compiler turns into SIMD.

Numba has no vector ``exp`` without an extra vendor library: a call to libm would leave every
lane loop scalar. Both functions here are straight-line arithmetic.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

LOG2_E = 1.0 / math.log(2.0)
ROUND_TO_INTEGER = 6755399441055744.0  # 1.5·2⁵²: adding it leaves round(x) in the low bits
LN2_HIGH = 6.93147180369123816490e-01  # the first 33 bits of ln 2, so that n·LN2_HIGH is exact
LN2_LOW = 1.90821492927058770002e-10  # ln 2 − LN2_HIGH
EXP_FLOOR = -708.0  # exp(-708) ≈ 3e-308 is nearly the smallest normal number
(E2, E3, E4, E5, E6, E7, E8, E9, E10, E11, E12, E13) = (
    1.0 / math.factorial(n) for n in range(2, 14)
)

MANTISSA = 0x000FFFFFFFFFFFFF
ONE = 0x3FF0000000000000
SQRT_HALF = 0x3FE6A09E00000000  # the mantissa is taken from [√½, √2), where log is smallest
L1, L2, L3, L4, L5, L6, L7 = (
    # minimax coefficients of log(1+f) in s = f/(2+f); Sun's fdlibm, 1993
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)


@njit(inline="always")
def exp(x):  # type: ignore[no-untyped-def]
    """Return e^x for x ≤ 709, about 1 ulp; below ``EXP_FLOOR`` it stays at 3e-308."""
    x = x if x > EXP_FLOOR else EXP_FLOOR
    shifted = x * LOG2_E + ROUND_TO_INTEGER
    n = shifted - ROUND_TO_INTEGER
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    p = E13 * r + E12
    p = p * r + E11
    p = p * r + E10
    p = p * r + E9
    p = p * r + E8
    p = p * r + E7
    p = p * r + E6
    p = p * r + E5
    p = p * r + E4
    p = p * r + E3
    p = p * r + E2
    p = p * r + 1.0
    p = p * r + 1.0
    exponent = np.float64(shifted).view(np.int64) << 52
    return np.int64(np.float64(p).view(np.int64) + exponent).view(np.float64)


@njit(inline="always")
def log(x):  # type: ignore[no-untyped-def]
    """Return ln x for normal positive x, about 1 ulp (the algorithm of fdlibm)."""
    bits = np.float64(x).view(np.int64) + (ONE - SQRT_HALF)
    exponent = np.float64((bits >> 52) - 1023)
    mantissa = np.int64((bits & MANTISSA) + SQRT_HALF).view(np.float64)
    f = mantissa - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (L2 + w * (L4 + w * L6))
    odd = z * (L1 + w * (L3 + w * (L5 + w * L7)))
    half_square = 0.5 * f * f
    return exponent * LN2_HIGH - (
        (half_square - (s * (half_square + (even + odd)) + exponent * LN2_LOW)) - f
    )
