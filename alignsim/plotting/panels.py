"""The Axes that a picture is drawn on: given ones, checked, or those of a new figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alignsim.plotting import beside
from alignsim.plotting.palette import INK
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PanelArray = NDArray[np.object_]

Projection = Callable[[FloatArray], FloatArray]

_CORNER = "response"
"""By which the name at a corner is known."""

_GAP = 4.0
"""Points from a corner to its name."""


def one_axes(ax: Any, size: tuple[float, float]) -> Axes:
    """Return ``ax``, if it is Axes, or those of a new figure of ``size`` in inches."""
    from matplotlib.axes import Axes

    if ax is None:
        return panel_axes(None, (1,), size).item()
    if isinstance(ax, Axes):
        return ax
    raise ValueError(f"ax is of type {type(ax).__name__}; give one Axes: figure.add_subplot()")


def simplex_axes(ax: Any, names: list[str]) -> tuple[Axes, Projection]:
    """Return axes with a simplex, new ones where none are given, and how policies lie on them.

    Three responses have ternary axes; more are the corners of a regular polygon. The projection
    takes (..., K) to (..., 2), in data units.
    """
    if len(names) == 3:
        ax = _ternary_axes(ax)
        corners = np.asarray(ax.transProjection.transform(np.eye(3)))
    else:
        ax = one_axes(ax, (7.2, 4.8))
        corners = _polygon(len(names))
    if not any(text.get_gid() == _CORNER for text in ax.texts):
        _draw_corners(ax, names, corners)
    return ax, lambda policies: np.asarray(policies @ corners)


def _ternary_axes(ax: Any) -> Any:
    import mpltern

    if ax is None:
        ternary = {"projection": "ternary"}
        ax = panel_axes(None, (1,), (6.4, 5.2), subplot_kw=ternary).item()
    if not isinstance(ax, mpltern.ternary.TernaryAxes):
        raise ValueError(
            f"ax is of type {type(ax).__name__}; three responses need ternary axes: "
            'import mpltern, then figure.add_subplot(projection="ternary")'
        )
    for axis in (ax.taxis, ax.laxis, ax.raxis):
        axis.set_ticks([0.2, 0.4, 0.6, 0.8])
        if beside.is_small(ax):
            axis.set_tick_params(length=0.0, label1On=False, label2On=False)
    ax.grid(alpha=0.3)
    return ax


def _draw_corners(ax: Axes, names: list[str], corners: FloatArray) -> None:
    """Write the name of each response at its corner, away from the middle."""
    if len(names) > 3:
        ax.fill(*corners.T, facecolor="none", edgecolor=INK, linewidth=0.8)
        ax.set(xlim=(-1.3, 1.3), ylim=(-1.1, 1.1), aspect="equal")
        ax.set_axis_off()
    outward = corners - corners.mean(axis=0)
    outward /= np.linalg.norm(outward, axis=-1, keepdims=True)
    for place, (x, y), name in zip(corners, outward, names, strict=True):
        across = "center" if len(names) == 3 or abs(x) < 0.1 else "left" if x > 0 else "right"
        up = "bottom" if y > 0.1 else "top" if y < -0.1 else "center"
        ax.annotate(
            name, place, (_GAP * x, _GAP * y), xycoords=ax.transData, textcoords="offset points",
            ha=across, va=up, gid=_CORNER, annotation_clip=False,
        )  # fmt: skip


def _polygon(responses: int) -> FloatArray:
    """Return the corners of a regular polygon, the first one on top, clockwise: (K, 2)."""
    angles = 2.0 * np.pi * np.arange(responses) / responses
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1)


def title_above(ax: Axes, title: str) -> None:
    """Write a title above a simplex, whose uppermost corner has a name."""
    ax.set_title(title, pad=14.0 if beside.is_small(ax) else 20.0)


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
    try:
        axes = np.asarray(ax, dtype=object)
    except Exception:  # whatever an ``__array__`` raises
        raise ValueError(f"ax is of type {type(ax).__name__}; give Axes of shape {shape}") from None
    if axes.ndim == 1 and len(shape) == 2:
        axes = axes[None]
    if axes.shape != shape or not all(isinstance(each, Axes) for each in axes.flat):
        raise ValueError(
            f"ax has shape {axes.shape}; give Axes of shape {shape}, as figure.subplots makes them"
        )
    return axes
