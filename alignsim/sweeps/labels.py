"""Labels as variables of a dataset: of fixed points, and of their conflict with orbits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import validation
from alignsim.analysis import Stability
from alignsim.analysis.equilibria.stability import Verdict
from alignsim.codes import Words, words_of
from alignsim.errors import Argument, InputError, listed
from alignsim.validation import FloatArray

WAYS = ("orbit", "stability", "both")
"""What ``by`` may be."""

ELSEWHERE = 1e-3
"""Distance in logits, relative to 1 + span, from which on two points are different."""

BoolArray = NDArray[np.bool_]


def flags(codes: Words, long_name: str) -> dict[str, Any]:
    """Return the attributes of a variable of codes, after the CF conventions."""
    meanings = words_of(codes)
    return {
        "long_name": long_name,
        "flag_values": np.array(list(meanings), dtype=np.int8),
        "flag_meanings": " ".join(meanings.values()),
    }


STABILITY = flags(Verdict, "local stability of the fixed point")
DISAGREEMENT = {"long_name": "stable, but the orbit does not converge to it; or the reverse"}
PERIOD = {"long_name": "period of the attractor, 0 where it never repeats", "units": "rounds"}
ROTATION_NUMBER = {"long_name": "rotation number", "units": "turns a round"}
SPECTRAL_RADIUS = {"long_name": "spectral radius at the fixed point"}


def way(by: str, **of_orbits: object) -> None:
    """Refuse a ``by`` that is none of ``WAYS``, and what is given to orbits where none is run."""
    validation.choice(by, "by", WAYS)
    given = [name for name, value in of_orbits.items() if value is not None]
    if by == "stability" and given:
        raise InputError(
            given[0],
            ["is given, but ", Argument("by", by), " iterates nothing"],
            ["leave it out, or use ", Argument("by", "orbit")],
        )


def one_policy_each(study: str, responses: int, **policies: ArrayLike | None) -> None:
    """Refuse a batch of policies where a study takes one."""
    for name, given in policies.items():
        if given is not None and len(shape := validation.real_array(given, name).shape) != 1:
            raise InputError(
                name, f"has shape {shape}", f"{study} takes one policy, ({responses},)"
            )


def dataset(ds: object, needed: Iterable[str], made_by: str = "sweep", name: str = "ds") -> None:
    """Refuse what is no Dataset with the variables and coordinates that are ``needed``.

    Raises
    ------
    ValueError
        Says what is missing, and which function of the package makes it.
    """
    import xarray

    if not isinstance(ds, xarray.Dataset):
        kind = type(ds).__name__
        raise InputError(
            name, f"is of type {kind}", f"give the xarray.Dataset that alignsim.{made_by} returns"
        )
    for wanted in needed:
        if wanted not in ds.variables:
            raise InputError(
                name,
                f"has no variable {wanted!r} (it has {listed(ds.data_vars)})",
                f"give the Dataset that alignsim.{made_by} returns, whole",
            )


def disagreement(
    local: Stability, converged: BoolArray, restless: BoolArray, end_logits: FloatArray
) -> BoolArray:
    """Return where the verdict on a fixed point and an orbit contradict each other, (...).

    It is stable, but the orbit did not converge to it (bistability); or it is unstable, and the
    orbit did. What is undecided contradicts nothing.

    Parameters
    ----------
    local
        The fixed point.
    converged, restless : (...)
        Whether the orbit has converged, and whether it is known not to.
    end_logits : (..., K)
        Where it has converged to; elsewhere of no meaning.
    """
    verdict = local.verdict
    fixed = local.fixed_point.logits
    with np.errstate(invalid="ignore"):
        apart = np.ptp(end_logits - fixed, axis=-1) > ELSEWHERE * (1.0 + np.ptp(fixed, axis=-1))
    missed = restless | (converged & apart)
    met = converged & ~apart
    return np.asarray(
        ((verdict == Verdict.STABLE) & missed) | ((verdict == Verdict.UNSTABLE) & met)
    )
