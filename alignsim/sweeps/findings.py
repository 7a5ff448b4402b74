"""What a sweep or a phase diagram found, in rows of words and numbers."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alignsim.analysis.orbits.verdicts import OSCILLATING
from alignsim.errors import InputError
from alignsim.sweeps import labels
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    import xarray

BoolArray = NDArray[np.bool_]
Row = tuple[str, str]


def findings(found: xarray.Dataset) -> list[Row]:
    """Return what a sweep found: phase shares, and how labels and boundaries agree.

    Also of a phase diagram, where labels are compared at the points that were computed.

    Raises
    ------
    ValueError
        If ``found`` is something else.

    Examples
    --------
    >>> import alignsim as asim
    >>> ds = asim.sweep(asim.preferences.cyclic(3, advantage=0.5), beta=[2.0, 4.0], alpha=0.5)
    >>> asim.sweeps.findings(ds)[-1]
    ('labels and closed form', 'agree at all 2 decided points')
    """
    labels.dataset(found, NEEDED, "sweep", "found")
    phase = found["phase"]
    status = found["status"].values if "status" in found else np.zeros(phase.shape)
    ok = status == 0
    shape = " × ".join(f"{size} {_letter(found, str(name))}" for name, size in phase.sizes.items())
    computed = np.ones(phase.shape, dtype=bool)
    many = f"{ok.size:,}" + (f" ({shape})" if shape else "")
    rows = [("maps", many + _rounds(found.attrs.get("rounds"), "{:,} rounds each"))]
    if "evaluated" in found:
        computed = found["evaluated"].values.astype(bool)
        each = _rounds(found.attrs.get("rounds"), "at most {:,} rounds each")
        rows = [
            ("points", f"{many}; those not computed take the label of their cell"),
            ("maps", f"{computed.sum():,} computed, {computed.mean():.2%} of the points{each}"),
        ]
    masks = {name: mask & ok for name, mask in _phases(found).items()}
    shown = masks | {"failed": ~ok}
    for name in ("collapsed", "disagreement"):
        if name in found:
            shown[name] = found[name].values
    rows += [
        (name.replace("_", " "), f"{mask.mean():.2%}") for name, mask in shown.items() if mask.any()
    ]
    moving = _any(masks, MOVING)
    decided = computed & (moving | _any(masks, SETTLED))
    radius = found["spectral_radius"].values
    by_radius = _agreement(moving, radius, 1.0, decided, "ρ")
    rows.append(("labels and boundary ρ = 1", by_radius))
    critical = found["critical_signal"]
    if critical.isnull().all():
        which = "these matrices" if "matrix" in phase.dims else "this matrix"
        return [*rows, ("closed form", f"none known for {which}")]
    if np.isinf(critical).all():
        return [*rows, ("closed form", "stable at every β and λ")]
    if not critical.any():
        return [*rows, ("closed form", "stable at no β above 0")]
    *first, last = ["", *(_letter(found, str(name), "the matrix") for name in critical.dims)]
    depends = " and ".join(filter(None, [", ".join(filter(None, first)), last]))
    limit = f"a βλ that depends on {depends}" if depends else f"βλ = {critical.item():.6g}"
    excess = (found["beta"] * found["lam"] - critical).broadcast_like(phase)
    by_signal = _agreement(moving, excess.transpose(*phase.dims).values, 0.0, decided, "βλ")
    return [
        *rows,
        ("closed form", f"stable up to {limit}"),
        ("labels and closed form", by_signal),
    ]


NEEDED = ("phase", "spectral_radius", "critical_signal", "beta", "lam")
"""What every sweep and every phase diagram hold."""

SETTLED = ("converged", "stable")
"""Labels on the stable side of a boundary."""

MOVING = (*(code.word for code in OSCILLATING), "unstable")
"""Labels on its other side."""


def _letter(found: xarray.Dataset, dimension: str, matrix: str = "matrices") -> str:
    """Return what a dimension is called: by the letter of its parameter, as its coordinate says."""
    return matrix if dimension == "matrix" else found[dimension].attrs.get("symbol", dimension)


def _rounds(rounds: object, text: str) -> str:
    """Return how many rounds maps were run, nothing for none; NumPy's integers come from files."""
    return f", {text.format(rounds)}" if isinstance(rounds, Integral) and rounds else ""


def _phases(found: xarray.Dataset) -> dict[str, BoolArray]:
    attributes = found["phase"].attrs
    if "flag_meanings" not in attributes or "flag_values" not in attributes:
        raise InputError(
            "found",
            "has a phase without the meanings of its flags",
            "keep the attributes: xarray.set_options(keep_attrs=True)",
        )
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
    known = decided & ~np.isnan(control)
    apart = known & (moving != (control > critical))
    if not apart.any():
        return f"agree at all {known.sum():,} decided points"
    farthest = np.abs(control[apart] - critical).max()
    return (
        f"differ at {apart.sum():,} of {known.sum():,} decided points, "
        f"by at most {farthest:.2g} in {letter}"
    )
