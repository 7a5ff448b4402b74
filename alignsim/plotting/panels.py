"""The Axes that a picture is drawn on: given ones, checked, or those of a new figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PanelArray = NDArray[np.object_]


def one_axes(ax: Any, size: tuple[float, float]) -> Axes:
    """Return ``ax``, if it is Axes, or those of a new figure of ``size`` in inches."""
    from matplotlib.axes import Axes

    if ax is None:
        return panel_axes(None, (1,), size).item()
    if isinstance(ax, Axes):
        return ax
    raise ValueError(f"ax is of type {type(ax).__name__}; give one Axes: figure.add_subplot()")


def ternary_axes(ax: Any, names: list[str]) -> Axes:
    """Return ternary axes, new ones where none are given, with a name at each corner."""
    import mpltern

    if ax is None:
        ternary = {"projection": "ternary"}
        ax = panel_axes(None, (1,), (6.4, 5.2), subplot_kw=ternary).item()
    if not isinstance(ax, mpltern.ternary.TernaryAxes):
        raise ValueError(
            f"ax is of type {type(ax).__name__}; three responses need ternary axes: "
            'import mpltern, then figure.add_subplot(projection="ternary")'
        )
    ax.text(1.02, -0.01, -0.01, names[0], ha="center", va="bottom")
    ax.text(-0.11, 1.055, 0.055, names[1], ha="left", va="top")
    ax.text(-0.11, 0.055, 1.055, names[2], ha="right", va="top")
    for axis in (ax.taxis, ax.laxis, ax.raxis):
        axis.set_ticks([0.2, 0.4, 0.6, 0.8])
    ax.grid(alpha=0.3)
    return ax


def panel_axes(
    ax: Any,
    shape: tuple[int, ...],
    size: tuple[float, float],
    *,
    upright: bool = False,
    **options: Any,
) -> PanelArray:
    """Return Axes of a shape, (rows, columns) or (n,): ``ax``, or those of a new figure.

    A new figure has ``size`` in inches, and ``options`` of ``pyplot.subplots``; its Axes (n,) stand
    above each other if ``upright``. A row (n,) also serves as (1, n).
    """
    from matplotlib.axes import Axes

    if ax is None:
        from matplotlib import pyplot

        rows, columns = shape if len(shape) == 2 else (*shape, 1) if upright else (1, *shape)
        options |= {"squeeze": False, "figsize": size, "layout": "constrained"}
        ax = pyplot.subplots(rows, columns, **options)[1].reshape(shape)
    if isinstance(ax, np.ndarray) and ax.dtype != object:
        raise ValueError(f"ax holds {ax.dtype}; give Axes, as figure.subplots makes them")
    axes = np.asarray(ax, dtype=object)
    if axes.ndim == 1 and len(shape) == 2:
        axes = axes[None]
    if axes.shape != shape or not all(isinstance(each, Axes) for each in axes.flat):
        raise ValueError(
            f"ax has shape {axes.shape}; give Axes of shape {shape}, as figure.subplots makes them"
        )
    return axes
