"""Labels as variables of a dataset: of fixed points, and of their conflict with orbits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alignsim import validation
from alignsim.analysis import Stability
from alignsim.analysis.equilibria.stability import Verdict
from alignsim.codes import Words, words_of
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


def way(by: str, start: object) -> str:
    """Return ``by``, checked.

    Raises
    ------
    ValueError
        If it is none of ``WAYS``, or orbits get a ``start`` where none is iterated.
    """
    validation.choice(by, "by", WAYS)
    if by == "stability" and start is not None:
        raise ValueError(
            "start is given, but by='stability' iterates nothing; leave it out, or use by='orbit'"
        )
    return by


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
