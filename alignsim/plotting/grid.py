"""The plane of a sweep: its two axes, the values over them, and regions that are hatched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alignsim import validation
from alignsim.plotting import parameters
from alignsim.plotting.palette import INK, Style
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes


def plane(ds: xr.Dataset, x: str, y: str, *, others: tuple[str, ...] = ()) -> xr.Dataset:
    """Return ``ds`` sorted along x and y, with axes (*others, y, x).

    A ValueError says if x or y is no swept argument, both are one, ``ds`` lacks their dimension or
    has further ones than ``others``, or an axis has one value only, or one twice.
    """
    known = parameters.names(ds)
    validation.choice(x, "x", known)
    validation.choice(y, "y", known)
    if x == y:
        raise ValueError(f"x and y are both {x!r}; choose two of {_listed(known)}")
    for axis, name in (("x", x), ("y", y)):
        if name not in ds.dims:
            raise ValueError(
                f"{axis} is {name!r}, which ds does not sweep (its dimensions: "
                f"{_listed(ds.dims) or 'none'}); sweep several values of {name}, or choose "
                f"another {axis}"
            )
    hint = ", or draw all matrices with alignsim.plotting.population(ds)"
    for dimension, size in ds.sizes.items():
        if dimension not in (x, y, *others):
            raise ValueError(
                f"ds has a further dimension {dimension!r} of size {size}; pick one value, "
                f"ds.isel({dimension}=0)" + hint * (dimension == "matrix")
            )
    ds = ds.sortby([x, y]).transpose(*others, y, x, ...)
    for axis, name in (("x", x), ("y", y)):
        if ds.sizes[name] < 2:
            raise ValueError(f"{axis} is {name!r}, of which ds has one value; sweep at least two")
        repeated = np.flatnonzero(np.diff(ds[name].values) <= 0)
        if repeated.size:
            raise ValueError(
                f"{axis} is {name!r}, of which ds has {ds[name].values[repeated[0]]:.12g} twice; "
                "sweep different values"
            )
    return ds


def edges(centres: FloatArray) -> FloatArray:
    """Return the edges of cells around ascending centres; the outer ones end at their centre.

    >>> edges(np.array([0.0, 1.0, 3.0])).tolist()
    [0.0, 0.5, 2.0, 3.0]
    """
    middles = 0.5 * (centres[1:] + centres[:-1])
    return np.concatenate([centres[:1], middles, centres[-1:]])


def failed(ds: xr.Dataset, value: str) -> NDArray[np.bool_]:
    """Return where an instance failed, in the shape of the variable ``value``."""
    if "status" not in ds:
        return np.zeros(ds[value].shape, dtype=bool)
    return np.asarray(ds["status"].values != 0)


def phases(ds: xr.Dataset) -> list[str]:
    """Return the names of the phases, in the order of their flags, unless these were lost."""
    attributes = ds["phase"].attrs
    if not {"flag_values", "flag_meanings"} <= set(attributes):
        raise ValueError(
            "ds.phase has lost its attributes flag_values and flag_meanings; keep them in "
            "arithmetic with xarray.set_options(keep_attrs=True)"
        )
    return list(attributes["flag_meanings"].split())


def is_phase(ds: xr.Dataset, name: str) -> NDArray[np.bool_]:
    """Return where the phase is the one called ``name``."""
    names, values = phases(ds), ds["phase"].values
    if name not in names:
        return np.zeros(values.shape, dtype=bool)
    return np.asarray(values == np.atleast_1d(ds["phase"].attrs["flag_values"])[names.index(name)])


def oscillates(ds: xr.Dataset) -> NDArray[np.bool_]:
    """Return where the phase is one of an attractor that moves."""
    from alignsim.analysis.orbits.verdicts import OSCILLATING

    moving = [is_phase(ds, code.word) for code in OSCILLATING]
    return np.asarray(np.logical_or.reduce(moving))


def hatch(
    ax: Axes,
    mask: NDArray[np.bool_],
    cells: tuple[FloatArray, FloatArray],
    pattern: str,
    *,
    label: str,
    ground: str = "none",
) -> list[Artist]:
    """Hatch the cells (x edges, y edges) where ``mask`` (y, x) holds; return the legend's entry."""
    from matplotlib.collections import PolyCollection
    from matplotlib.patches import Patch

    x_edges, y_edges = cells
    rectangles = [
        [(left, low), (right, low), (right, high), (left, high)]
        for left, right, column in zip(x_edges[:-1], x_edges[1:], mask.T, strict=True)
        for low, high in _runs(column, y_edges)
    ]
    if not rectangles:
        return []
    style: Style = {"facecolor": ground, "edgecolor": INK, "hatch": pattern, "linewidth": 0.0}
    ax.add_collection(PolyCollection(rectangles, label=label, **style))
    return [Patch(label=label, **style)]


def _runs(column: NDArray[np.bool_], y_edges: FloatArray) -> list[tuple[float, float]]:
    """Return (low, high) of each unbroken run of True."""
    change = np.diff(np.concatenate([[False], column, [False]]).astype(int))
    starts, ends = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    return [(float(y_edges[i]), float(y_edges[j])) for i, j in zip(starts, ends, strict=True)]


def _listed(names: Any) -> str:
    return ", ".join(map(str, names))
