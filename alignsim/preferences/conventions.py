"""The border where another paper's β becomes ours."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.validation import FloatArray


def beta_from_rafailov(beta_rafailov: ArrayLike) -> FloatArray:
    """Return β, the strength of the preference signal, from the DPO paper's β: (...) → (...).

    Two conventions are in use. In Rafailov et al. (2023) β multiplies the KL penalty, so that a
    *small* β moves far from the reference. Here β multiplies the preference signal, so that a
    *large* β moves far, and a Bradley-Terry reward r gives π ∝ π_ref e^{βr}. Each is one over
    the other (so is the τ of Azar et al. (2023) for IPO).

    Raises
    ------
    ValueError
        If one is 0, negative or not finite.

    References
    ----------
    ``docs/theory.md`` sections 1 and 3.1.

    Examples
    --------
    >>> import alignsim as asim
    >>> asim.preferences.beta_from_rafailov([0.1, 0.5]).tolist()
    [10.0, 2.0]
    """
    array = validation.parameter(beta_rafailov, "beta_rafailov")
    with np.errstate(divide="ignore", over="ignore"):
        beta = np.asarray(1.0 / array)
    remedy = "it must be above 0 (0 is no KL penalty at all, an infinite beta here)"
    validation.refuse_where(~np.isfinite(beta), "beta_rafailov", array, remedy, "is {:g}")
    return beta
