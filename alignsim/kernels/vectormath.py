"""Branch-free exp, log and angle that the compiler turns into SIMD.

Numba has no vector ``exp`` without an extra vendor library: a call to libm would leave every
lane loop scalar. All functions here are straight-line arithmetic.
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

ZERO = 1e-300  # growth below it is none
HUGE = 1e300  # growth beyond it has overflowed

TAN_EIGHTH = math.tan(math.pi / 8)
(A0, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10) = (
    # Chebyshev coefficients of atan(√u)/√u on [0, tan²(π/8)], error 4e-17
    1.0,
    -0.3333333333332844,
    0.1999999999885511,
    -0.14285714180976467,
    0.11111106180455946,
    -0.09090773074808414,
    0.07689953496306857,
    -0.06640233930429408,
    0.056883492268090106,
    -0.04348052215716462,
    0.021135373157693246,
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


@njit(inline="always")
def angle(y, x):  # type: ignore[no-untyped-def]
    """Return the argument of x + iy in [−π, π], about 2 ulp; 0 at the origin."""
    across = abs(x)
    up = abs(y)
    high = across if across > up else up
    low = up if across > up else across
    steep = low > TAN_EIGHTH * high
    above = low - high if steep else low
    below = low + high if steep else high
    t = above / (below if below > 0.0 else 1.0)
    u = t * t
    p = A10 * u + A9
    p = p * u + A8
    p = p * u + A7
    p = p * u + A6
    p = p * u + A5
    p = p * u + A4
    p = p * u + A3
    p = p * u + A2
    p = p * u + A1
    p = p * u + A0
    corner = math.pi / 4 if steep else 0.0
    a = corner + t * p
    a = 0.5 * math.pi - a if up > across else a
    a = math.pi - a if x < 0.0 else a
    return -a if y < 0.0 else a


@njit(inline="always")
def exponent(x):  # type: ignore[no-untyped-def]
    """Return the exponent of two of a positive normal number, as an integer."""
    return (np.float64(x).view(np.int64) >> 52) - 1023


@njit(inline="always")
def mantissa(x):  # type: ignore[no-untyped-def]
    """Return a positive normal number without its exponent, in [1, 2)."""
    bits = np.float64(x).view(np.int64)
    return np.int64((bits & MANTISSA) | ONE).view(np.float64)


@njit(inline="always")
def resolved(value, size, least):  # type: ignore[no-untyped-def]
    """Return ``value``, but −inf where ``size`` is none, and NaN where it is out of range."""
    lost = -np.inf if size < ZERO else np.nan
    return np.float64(value) if (size >= least) & (size <= HUGE) else lost


@njit(inline="always")
def inverse_power(size):  # type: ignore[no-untyped-def]
    """Return 2 to minus the exponent of ``size``, 0 where there is no size."""
    return np.int64((1023 - exponent(size)) << 52).view(np.float64) if size >= ZERO else 0.0
