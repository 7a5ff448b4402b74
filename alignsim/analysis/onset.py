"""At which strength of the signal a loop starts to oscillate."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.analysis.fixed_point import fixed_point
from alignsim.analysis.stability import spectral_radius
from alignsim.feedback import FeedbackMap
from alignsim.validation import FloatArray

GRID_POINTS = 60
BISECTIONS = 60
DPO_HEAD_START = 0.05
"""Where the DPO search starts, as a share of IPO's universal bound."""

SMALLEST_LIMIT = 1e-9


def critical_beta(
    P: ArrayLike,
    *,
    objective: str = "ipo",
    alpha: ArrayLike = 0.5,
    lam: ArrayLike = 1.0,
    reference: ArrayLike | None = None,
    offline: ArrayLike | None = None,
    beta_max: float = 100.0,
) -> FloatArray:
    """Return the smallest β at which the fixed point loses stability, (...).

    Infinite where it stays stable on the grid up to ``beta_max``; NaN at α = 1, where there is no
    fixed point, and where none was found. β is searched on a geometric grid from the universal
    lower bound βλ = 3.14159…·√(1−α²) of theory 6.3 (from a twentieth of it for DPO, which has
    none), and the crossing of ρ = 1 is bisected. Two crossings between grid points are missed.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.5)
    >>> float(asim.analysis.critical_beta(P, alpha=0.5).round(9))
    3.0
    """
    limit = validation.parameter(beta_max, "beta_max", low=SMALLEST_LIMIT)
    if limit.ndim:
        raise ValueError(f"beta_max has shape {limit.shape}; give one number")
    loop = FeedbackMap(
        P, objective=objective, beta=limit, alpha=alpha, lam=lam,
        reference=reference, offline=offline,
    )  # fmt: skip
    flat = loop.part(0, loop.size)
    top = float(limit)
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = np.pi * np.sqrt(1.0 - flat.alpha**2) / flat.lam
    low = np.clip(bound * (1.0 if objective == "ipo" else DPO_HEAD_START), 1e-9 * top, top)
    radius, point = _radius(flat, low, None)
    undefined = np.isnan(radius)
    upper = np.where(radius >= 1.0, low, np.inf)
    lower = np.where(radius >= 1.0, 0.0, low)
    open_ = np.flatnonzero((radius < 1.0) & (flat.lam > 0))
    for share in np.linspace(0.0, 1.0, GRID_POINTS)[1:]:
        if not len(open_):
            break
        beta = low[open_] ** (1.0 - share) * top**share
        radius, found = _radius(flat.take(open_), beta, point[open_])
        point[open_] = found
        undefined[open_[np.isnan(radius)]] = True
        crossed = radius >= 1.0
        upper[open_[crossed]] = beta[crossed]
        lower[open_[~crossed]] = beta[~crossed]
        open_ = open_[~crossed & ~np.isnan(radius)]
    onset = np.where(undefined, np.nan, np.inf)
    crossing = np.flatnonzero(np.isfinite(upper))
    if len(crossing):
        onset[crossing] = _bisect(flat.take(crossing), lower[crossing], upper[crossing])
    return onset.reshape(loop.shape)


def _bisect(flat: FeedbackMap, lower: FloatArray, upper: FloatArray) -> FloatArray:
    point = None
    for _ in range(BISECTIONS):
        middle = 0.5 * (lower + upper)
        radius, point = _radius(flat, middle, point)
        lower = np.where(radius < 1.0, middle, lower)
        upper = np.where(radius < 1.0, upper, middle)
    return np.asarray(0.5 * (lower + upper))


def _radius(
    flat: FeedbackMap, beta: FloatArray, start: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    loop = flat.replace(beta=beta)
    point = fixed_point(loop, start).logits
    return spectral_radius(loop, point), point
