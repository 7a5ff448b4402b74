"""The border where another paper's or library's β becomes ours."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.validation import FloatArray

BETA_CONVENTIONS = ("signal", "trl")
"""β multiplies the preference signal (this package), or the KL penalty (TRL, Rafailov et al.)."""


def signal_strength(beta: ArrayLike, beta_convention: str, name: str = "beta") -> FloatArray:
    """Return β, the strength of the preference signal, from either convention: (...) → (...).

    In Rafailov et al. (2023), and so in TRL, β multiplies the KL penalty, and a *small* β moves
    far from the reference. Here β multiplies the preference signal, and a *large* β moves far: a
    Bradley-Terry reward r gives π ∝ π_ref e^{βr}. Each is one over the other, for DPO and for IPO
    (whose τ in Azar et al. (2023) is TRL's beta too).

    Parameters
    ----------
    beta
        Finite and at least 0; above 0 in TRL's convention.
    beta_convention
        ``"signal"`` or ``"trl"``.
    name
        What ``beta`` is called in messages.

    Raises
    ------
    ValueError
        If ``beta`` is negative or not finite, or one over it overflows; for another convention.

    References
    ----------
    ``docs/theory.md`` sections 1 and 3.1.

    Examples
    --------
    >>> import alignsim as asim
    >>> asim.preferences.signal_strength([0.1, 0.5], "trl").tolist()
    [10.0, 2.0]
    """
    (name,) = validation.names((name,), "name")
    array = validation.parameter(beta, name)
    if validation.choice(beta_convention, "beta_convention", BETA_CONVENTIONS) == "signal":
        return array
    with np.errstate(divide="ignore", over="ignore"):
        strength = np.asarray(1.0 / array)
    remedy = "in TRL's convention it must be above 0 (0 is no KL penalty, an infinite β here)"
    validation.refuse_where(~np.isfinite(strength), name, array, remedy, "is {:g}")
    return strength
