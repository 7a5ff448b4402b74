"""The phase diagram: what the loop does in the long run, over two of its parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsim.plotting import grid
from alignsim.plotting.palette import (
    AXES,
    INK,
    QUANTITIES,
    SYMBOLS,
    Style,
    light_viridis,
    phase_colours,
    settings,
)
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

Cells = tuple[FloatArray, FloatArray]
"""Edges of the cells along x and along y."""

_CURVE_POINTS = 400
_LEGEND_COLUMN = 1.8
"""Inches that a column of the legend takes."""

_LEGEND_DROP = 0.48
"""Inches from the axes down to the legend, which leave room for the label of x."""


def phase_diagram(
    ds: xr.Dataset,
    *,
    x: str = "beta",
    y: str = "lam",
    value: str = "phase",
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Return the Axes with a map of a sweep over two parameters and its stability boundary.

    The ground shows the phase, or another variable. Collapsed cells are stippled, undecided ones
    and those that failed or have no value are hatched. The solid line is the exact boundary of
    local stability, spectral radius 1; the dashed one over it the closed form for βλ, where the
    sweep knows one.

    Parameters
    ----------
    ds
        From `alignsim.sweep`, with exactly the dimensions ``x`` and ``y``.
    x, y
        Two of "alpha", "beta", "lam".
    value
        "phase", or a variable of numbers such as "entropy" or "cycle_strength".
    ax
        Where to draw; by default a new figure.
    **kwargs
        Passed to ``Axes.pcolormesh``.

    Raises
    ------
    ValueError
        If ``ds`` is no Dataset, lacks a variable, or does not have just these dimensions.

    Examples
    --------
    >>> import alignsim as asim, numpy as np
    >>> from matplotlib.figure import Figure
    >>> P = asim.preferences.cyclic(3, advantage=0.3)
    >>> ds = asim.sweep(P, beta=np.linspace(0, 12, 9), lam=[0.0, 0.5, 1.0], alpha=0.6, rounds=50)
    >>> ax = phase_diagram(ds, ax=Figure().add_subplot())
    >>> ax.get_xlabel()
    'β, strength of the preference signal'
    """
    ds = grid.dataset(ds)
    grid.need(ds, (value,))
    ds = grid.plane(ds, x, y)
    if ax is None:
        ax = _new_axes()
    cells = grid.edges(ds[x].values), grid.edges(ds[y].values)
    draw = _draw_phases if value == "phase" else _draw_numbers
    entries = draw(ax, ds, value, cells, kwargs)
    if "collapsed" in ds:
        entries += grid.hatch(ax, ds["collapsed"].values, cells, "..", label="collapsed")
    entries += _draw_boundary(ax, ds, x, y)
    entries += _draw_closed_form(ax, ds, x, y)
    ax.set(
        xlabel=AXES[x],
        ylabel=AXES[y],
        xlim=(cells[0][0], cells[0][-1]),
        ylim=(cells[1][0], cells[1][-1]),
        title=_title(ds),
    )
    if entries:
        _add_legend(ax, entries)
    return ax


def _add_legend(ax: Axes, entries: list[Artist]) -> None:
    """Put the legend below the axes, row by row (Matplotlib fills column by column)."""
    from matplotlib.transforms import ScaledTranslation

    below = ScaledTranslation(0.0, -_LEGEND_DROP, ax.figure.dpi_scale_trans)
    width = ax.bbox.width / ax.figure.dpi
    rows = -(-len(entries) // max(1, int(width / _LEGEND_COLUMN)))
    columns = -(-len(entries) // rows)
    ax.legend(
        handles=[entry for column in range(columns) for entry in entries[column::columns]],
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        bbox_transform=ax.transAxes + below,
        ncols=columns,
        handlelength=1.8,
        columnspacing=1.4,
        frameon=False,
    )


def _new_axes() -> Axes:
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(7.2, 4.6), layout="constrained")[1]


def _draw_phases(ax: Axes, ds: xr.Dataset, value: str, cells: Cells, kwargs: Style) -> list[Artist]:
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.patches import Patch

    names = grid.phases(ds)
    here = [grid.is_phase(ds, name) for name in names]
    failed = grid.failed(ds, value)
    style: Style = {
        "cmap": ListedColormap(phase_colours(names)),
        "norm": BoundaryNorm(np.arange(len(names) + 1) - 0.5, len(names)),
        "rasterized": True,
    }
    which = np.ma.masked_where(failed, np.argmax(here, axis=0))
    mesh = ax.pcolormesh(*cells, which, **style | kwargs)
    entries: list[Artist] = []
    for index, name in enumerate(names):
        shown = here[index] & ~failed
        if name == "undecided":
            entries += grid.hatch(ax, shown, cells, "////", label=name)
        elif shown.any():
            entries.append(Patch(facecolor=mesh.to_rgba(np.array([index]))[0], label=name))
    return entries + grid.hatch_failed(ax, failed, cells, label="failed")


def _draw_numbers(
    ax: Axes, ds: xr.Dataset, value: str, cells: Cells, kwargs: Style
) -> list[Artist]:
    numbers = ds[value].values.astype(float)
    failed = grid.failed(ds, value)
    missing = ~np.isfinite(numbers) & ~failed
    style: Style = {"cmap": light_viridis(), "rasterized": True}
    mesh = ax.pcolormesh(*cells, np.ma.masked_where(missing | failed, numbers), **style | kwargs)
    ax.figure.colorbar(mesh, ax=ax, label=QUANTITIES.get(value, value))
    return grid.hatch(ax, missing, cells, "////", label="no value") + grid.hatch_failed(
        ax, failed, cells, label="failed"
    )


def _draw_boundary(ax: Axes, ds: xr.Dataset, x: str, y: str) -> list[Artist]:
    """Draw the contour of spectral radius 1, if the sweep crosses it."""
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import withStroke

    if "spectral_radius" not in ds:
        return []
    radius = np.ma.masked_invalid(ds["spectral_radius"].values)
    if not radius.min() < 1.0 < radius.max():
        return []
    style: Style = {
        "linewidth": 2.2,
        "path_effects": [withStroke(linewidth=3.4, foreground="white")],
    }
    contours = ax.contour(ds[x].values, ds[y].values, radius, levels=[1.0], colors=INK)
    contours.set(**style)
    return [Line2D([], [], color=INK, label="boundary, ρ = 1", **style)]


def _draw_closed_form(ax: Axes, ds: xr.Dataset, x: str, y: str) -> list[Artist]:
    """Draw the curve βλ = critical_signal, if the sweep knows it."""
    from matplotlib.patheffects import withStroke

    if "critical_signal" not in ds.coords or not np.isfinite(ds["critical_signal"]).any():
        return []
    across, up = _closed_form(ds, x, y)
    inside = (ds[x].min().item() <= across) & (across <= ds[x].max().item())
    inside &= (ds[y].min().item() <= up) & (up <= ds[y].max().item())
    if not inside.any():
        return []
    critical = ds["critical_signal"]
    label = "closed form" if critical.ndim else f"closed form, βλ = {critical.item():.3f}"
    return list(
        ax.plot(
            np.where(inside, across, np.nan),
            np.where(inside, up, np.nan),
            linestyle=(0, (3, 2)),
            color="white",
            linewidth=1.4,
            path_effects=[withStroke(linewidth=2.8, foreground=INK)],
            label=label,
        )
    )


def _closed_form(ds: xr.Dataset, x: str, y: str) -> tuple[FloatArray, FloatArray]:
    """Return the points (x, y) of βλ = critical_signal, unclipped."""
    if "alpha" not in (x, y):
        across = np.linspace(ds[x].values[0], ds[x].values[-1], _CURVE_POINTS)
        with np.errstate(divide="ignore", invalid="ignore"):
            return across, ds["critical_signal"].item() / across
    factor = ds["lam" if "beta" in (x, y) else "beta"].item()
    with np.errstate(divide="ignore", invalid="ignore"):
        other = ds["critical_signal"].values / factor
    alphas = ds["alpha"].values
    return (alphas, other) if x == "alpha" else (other, alphas)


def _title(ds: xr.Dataset) -> str:
    """Return the method and what the sweep holds fixed."""
    fixed = {name: ds[name].item() for name in SYMBOLS if name in ds.coords and not ds[name].ndim}
    method = f"MRS-{ds.attrs['objective'].upper()}" if "objective" in ds.attrs else ""
    return ", ".join(filter(None, [method, settings(fixed)]))
