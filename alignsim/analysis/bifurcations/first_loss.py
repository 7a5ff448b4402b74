"""The smallest β at which a loop loses stability."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.analysis.bifurcations.onset import LOST, ROOT_TOLERANCE, SearchStatus, crossings
from alignsim.analysis.equilibria.stability import Verdict, stability
from alignsim.errors import InputError, quote
from alignsim.feedback import FeedbackMap, Scheme
from alignsim.feedback.arguments import configured
from alignsim.feedback.methods.mrs import MRS
from alignsim.feedback.naming import scheme_named
from alignsim.objectives import Objective
from alignsim.objectives.samplers import Sampler
from alignsim.validation import FloatArray

POINTS = 60
"""Points of the scan."""

SMALLEST_LIMIT = 1e-9

ALPHA = 0.5
"""The α of MRS where none is given."""


def critical_beta(
    P: ArrayLike,
    *,
    objective: str | Objective = "ipo",
    sampler: str | Sampler = "product",
    method: str | None = None,
    alpha: ArrayLike | None = None,
    lam: ArrayLike = 1.0,
    reference: ArrayLike | None = None,
    offline: ArrayLike | None = None,
    beta_max: float = 100.0,
    points: int = POINTS,
    tolerance: float = ROOT_TOLERANCE,
    **parameters: ArrayLike | None,
) -> FloatArray:
    """Return the smallest β at which the fixed point loses stability, (...).

    The first of the :func:`crossings` along β. Infinite where it stays stable on the scan up to
    ``beta_max``, 0 where it is unstable however small β is; NaN where no fixed point was found or
    is looked for, as at α = 1 of MRS.

    Parameters
    ----------
    P, objective, sampler, lam, reference, offline
        As for :class:`~alignsim.FeedbackMap`.
    method, parameters
        The method, by default MRS, and the parameters of it, of the objective and of the sampler,
        as for :func:`alignsim.method`.
    alpha
        By default ½, or the default of the method that is named.
    beta_max
        How far β is searched.
    points, tolerance
        Those of :func:`crossings`.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.5)
    >>> float(asim.analysis.critical_beta(P, alpha=0.5).round(9))
    3.0
    >>> asim.analysis.critical_beta(P, method="soft_reference", mixup=[0.5, 0.7]).round(4).tolist()
    [4.0, 0.0]
    """
    limit = validation.number(beta_max, "beta_max", low=SMALLEST_LIMIT)
    maker, drawn, rest = configured(objective, sampler, parameters)
    own = rest | {"alpha": ALPHA if alpha is None and method is None else alpha}
    loop = FeedbackMap(
        P, objective=maker, beta=limit, lam=lam, reference=reference, offline=offline,
        scheme=free_scheme(method or MRS.name, own), sampler=drawn,
    )  # fmt: skip
    return first_loss(loop, limit, points=points, tolerance=tolerance)


def free_scheme(method: str, parameters: Mapping[str, ArrayLike | None]) -> Scheme:
    """Return the scheme of a name with its parameters, which must leave β free."""
    scheme, beta = scheme_named(method, parameters)
    if beta is not None:
        told = f"is {quote(method)}, whose parameters determine β"
        raise InputError("method", told, f"β is searched here: use {quote(scheme.name)}")
    return scheme


def first_loss(
    loop: FeedbackMap, limit: float, *, points: int = POINTS, tolerance: float = ROOT_TOLERANCE
) -> FloatArray:
    """Return :func:`critical_beta` of the maps of a loop, whose own β does not matter: (...)."""
    found = crossings(loop, "beta", 0.0, limit, points=points, tolerance=tolerance)
    lost = np.where(found.direction == LOST, found.at, np.inf).min(axis=-1, initial=np.inf)
    if not (loop.mixes_references and loop.samples_alike):  # MRS is stable at small β
        before = np.where(np.isfinite(lost), 0.5 * lost, limit)
        verdict = stability(loop.replace(beta=before)).verdict
        hidden = np.isfinite(lost) & (verdict == Verdict.MARGINAL)  # a crossing made of rounding
        from_start = found.direction[..., :1].sum(axis=-1) < 0
        never = hidden | from_start | (verdict == Verdict.UNSTABLE)
        lost = np.where(never, 0.0, lost)
    known = (found.status == SearchStatus.COMPLETE) | (lost <= found.searched_to)
    return np.where(known, lost, np.nan)
