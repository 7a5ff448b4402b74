"""What a sweep over β and λ found, in rows of words and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alignsim.validation import FloatArray

if TYPE_CHECKING:
    import xarray

BoolArray = NDArray[np.bool_]
Row = tuple[str, str]


def findings(found: xarray.Dataset) -> list[Row]:
    """Return what a sweep of one matrix found: phase shares, and how labels and boundaries agree.

    >>> import alignsim as asim
    >>> ds = asim.sweep(asim.preferences.cyclic(3, advantage=0.5), beta=[2.0, 4.0], alpha=0.5)
    >>> findings(ds)[-1]
    ('labels and closed form', 'agree at all 2 decided points')
    """
    ok = found["status"].values == 0
    shape = " × ".join(f"{size} {_LETTERS[str(name)]}" for name, size in found.sizes.items())
    rows = [("maps", f"{ok.size:,} ({shape}), {found.attrs['rounds']:,} rounds each")]
    masks = {name: mask & ok for name, mask in _phases(found).items()}
    shown = masks | {"failed": ~ok, "collapsed": found["collapsed"].values}
    rows += [(name, f"{mask.mean():.2%}") for name, mask in shown.items() if mask.any()]
    decided = masks["converged"] | masks["oscillating"]
    radius = found["spectral_radius"].values
    by_radius = _agreement(masks["oscillating"], radius, 1.0, decided, "ρ")
    rows.append(("labels and boundary ρ = 1", by_radius))
    critical = found["critical_signal"].item()
    if np.isnan(critical):
        return [*rows, ("closed form", "none known for this matrix")]
    if np.isinf(critical):
        return [*rows, ("closed form", "stable at every β and λ")]
    signal = (found["beta"] * found["lam"]).transpose(*found["phase"].dims).values
    by_signal = _agreement(masks["oscillating"], signal, critical, decided, "βλ")
    return [
        *rows,
        ("closed form", f"stable up to βλ = {critical:.6g}"),
        ("labels and closed form", by_signal),
    ]


_LETTERS = {"alpha": "α", "beta": "β", "lam": "λ"}


def _phases(found: xarray.Dataset) -> dict[str, BoolArray]:
    attributes = found["phase"].attrs
    names = attributes["flag_meanings"].split()
    return {
        name: found["phase"].values == flag
        for name, flag in zip(names, attributes["flag_values"], strict=True)
    }


def _agreement(
    oscillating: BoolArray, control: FloatArray, critical: float, decided: BoolArray, letter: str
) -> str:
    """Return how "oscillating" and "control is beyond critical" compare where both are known."""
    known = decided & np.isfinite(control)
    apart = known & (oscillating != (control > critical))
    if not apart.any():
        return f"agree at all {known.sum():,} decided points"
    farthest = np.abs(control[apart] - critical).max()
    return (
        f"differ at {apart.sum():,} of {known.sum():,} decided points, "
        f"by at most {farthest:.2g} in {letter}"
    )
