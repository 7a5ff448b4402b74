"""What a sweep or a phase diagram found, in rows of words and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alignsim.analysis.verdicts import MEANINGS, OSCILLATING
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    import xarray

BoolArray = NDArray[np.bool_]
Row = tuple[str, str]


def findings(found: xarray.Dataset) -> list[Row]:
    """Return what a sweep of one matrix found: phase shares, and how labels and boundaries agree.

    Also of a phase diagram.

    >>> import alignsim as asim
    >>> ds = asim.sweep(asim.preferences.cyclic(3, advantage=0.5), beta=[2.0, 4.0], alpha=0.5)
    >>> asim.sweeps.findings(ds)[-1]
    ('labels and closed form', 'agree at all 2 decided points')
    """
    phase = found["phase"]
    status = found["status"].values if "status" in found else np.zeros(phase.shape)
    ok = status == 0
    shape = " × ".join(f"{size} {_LETTERS[str(name)]}" for name, size in phase.sizes.items())
    rounds = found.attrs["rounds"]
    iterated = f", {rounds:,} rounds each" if isinstance(rounds, int) and rounds else ""
    rows = [("maps", f"{ok.size:,} ({shape}){iterated}")]
    if "evaluated" in found:
        rows.append(("evaluated", f"{found['evaluated'].values.mean():.2%}"))
    masks = {name: mask & ok for name, mask in _phases(found).items()}
    shown = masks | {"failed": ~ok}
    for name in ("collapsed", "disagreement"):
        if name in found:
            shown[name] = found[name].values
    rows += [
        (name.replace("_", " "), f"{mask.mean():.2%}") for name, mask in shown.items() if mask.any()
    ]
    moving = _any(masks, MOVING)
    decided = moving | _any(masks, SETTLED)
    radius = found["spectral_radius"].values
    by_radius = _agreement(moving, radius, 1.0, decided, "ρ")
    rows.append(("labels and boundary ρ = 1", by_radius))
    critical = found["critical_signal"]
    if critical.isnull().all():
        return [*rows, ("closed form", "none known for this matrix")]
    if np.isinf(critical).all():
        return [*rows, ("closed form", "stable at every β and λ")]
    limit = f"βλ = {critical.item():.6g}" if critical.ndim == 0 else "a βλ that depends on α"
    excess = (found["beta"] * found["lam"] - critical).broadcast_like(phase)
    by_signal = _agreement(moving, excess.transpose(*phase.dims).values, 0.0, decided, "βλ")
    return [
        *rows,
        ("closed form", f"stable up to {limit}"),
        ("labels and closed form", by_signal),
    ]


SETTLED = ("converged", "stable")
"""Labels on the stable side of a boundary."""

MOVING = (*(MEANINGS[code] for code in OSCILLATING), "unstable")
"""Labels on its other side."""

_LETTERS = {"alpha": "α", "beta": "β", "lam": "λ"}


def _phases(found: xarray.Dataset) -> dict[str, BoolArray]:
    attributes = found["phase"].attrs
    names = attributes["flag_meanings"].split()
    return {
        name: found["phase"].values == flag
        for name, flag in zip(names, attributes["flag_values"], strict=True)
    }


def _any(masks: dict[str, BoolArray], names: tuple[str, ...]) -> BoolArray:
    """Return where one of the phases ``names`` is."""
    none = np.zeros_like(next(iter(masks.values())))
    return np.asarray(np.logical_or.reduce([none, *(masks.get(name, none) for name in names)]))


def _agreement(
    moving: BoolArray, control: FloatArray, critical: float, decided: BoolArray, letter: str
) -> str:
    """Return how "moving" and "control is beyond critical" compare where both are known."""
    known = decided & np.isfinite(control)
    apart = known & (moving != (control > critical))
    if not apart.any():
        return f"agree at all {known.sum():,} decided points"
    farthest = np.abs(control[apart] - critical).max()
    return (
        f"differ at {apart.sum():,} of {known.sum():,} decided points, "
        f"by at most {farthest:.2g} in {letter}"
    )
