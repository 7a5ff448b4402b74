"""The phase diagram: what the loop does in the long run, over two of its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alignsim.plotting import grid
from alignsim.plotting.palette import (
    AXES,
    FAILED,
    INK,
    OKABE_ITO,
    QUANTITIES,
    SYMBOLS,
    Style,
    light_viridis,
    phase_colours,
    settings,
)
from alignsim.plotting.panels import one_axes
from alignsim.sweeps import labels
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh

Cells = tuple[FloatArray, FloatArray]
"""Edges of the cells along x and along y."""

BoolArray = NDArray[np.bool_]

_OF_ORBITS = ("period", "rotation_number")
"""Variables that are drawn together with the phase."""

_PERIODS = OKABE_ITO[:7]
"""Colours of the commonest periods."""

_NO_PERIOD, _OTHER_PERIOD = "#EDEDED", "#4D4D4D"
"""Colours of what never repeats, and of all other periods."""

_BOUNDARY = "boundary, ρ = 1"

_NARROW = 3.5
"""Inches below which axes have letters for labels, and a smaller legend."""

_CURVE_POINTS = 400
_LEGEND_COLUMN = 1.8
"""Inches that a column of the legend takes."""

_LEGEND_DROP = 0.48
"""Inches from the axes down to the legend, which leave room for the label of x."""


def phase_diagram(
    ds: xr.Dataset,
    *,
    x: str | None = None,
    y: str | None = None,
    value: str = "phase",
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Return the Axes with a map of two parameters and the boundary of local stability.

    The ground shows the phase, or another variable. Collapsed cells are stippled, undecided ones
    and those that failed or have no value are hatched, and so are those where orbit and stability
    disagree. The solid line is the boundary of local stability, spectral radius 1: solved for in
    a phase diagram, interpolated between the points of a sweep. The dashed one over it is the
    closed form for βλ, where one is known.

    Parameters
    ----------
    ds
        From `alignsim.phase_diagram`, or from `alignsim.sweep` with exactly the dimensions ``x``
        and ``y``.
    x, y
        Two of "alpha", "beta", "lam"; by default those of the phase diagram, or β and λ of a
        sweep.
    value
        "phase"; of a phase diagram by orbit "period", with a colour for each of the commonest, or
        "rotation_number", over the phases of what does not turn; or a variable of numbers such as
        "entropy_mean" or "cycle_strength". "entropy" is that of the last round: where orbits
        oscillate it depends on the phase they end in, which makes a moiré; "entropy_mean" is its
        time average.
    ax
        Where to draw; by default a new figure.
    **kwargs
        Passed to ``Axes.pcolormesh``.

    Raises
    ------
    ValueError
        If ``ds`` is no Dataset, lacks a variable, or does not have just these dimensions; if
        ``value`` holds codes other than the phase.

    Examples
    --------
    >>> import alignsim as asim, numpy as np
    >>> from matplotlib.figure import Figure
    >>> P = asim.preferences.cyclic(3, advantage=0.3)
    >>> ds = asim.sweep(P, beta=np.linspace(0, 12, 9), lam=[0.0, 0.5, 1.0], alpha=0.6, rounds=50)
    >>> ax = asim.plotting.phase_diagram(ds, ax=Figure().add_subplot())
    >>> ax.get_xlabel()
    'β, strength of the preference signal'
    """
    labels.dataset(ds, ("phase", value) if value in _OF_ORBITS else (value,))
    _refuse_codes(ds, value)
    curves = _curves(ds)
    x, y = _directions(ds, x, y)
    ds = grid.plane(ds.drop_dims("vertex", errors="ignore"), x, y)
    ax = one_axes(ax, (7.2, 4.6))
    narrow = ax.bbox.width / ax.figure.dpi < _NARROW
    cells = grid.edges(ds[x].values), grid.edges(ds[y].values)
    draw = {"phase": _draw_phases, "period": _draw_periods}.get(value, _draw_numbers)
    failed = grid.failed(ds, value)
    entries = draw(ax, ds, value, cells, failed, kwargs)
    entries += grid.hatch(ax, failed, cells, "xxx", label="failed", ground=FAILED)
    if "collapsed" in ds:
        entries += grid.hatch(ax, ds["collapsed"].values, cells, "..", label="collapsed")
    if "disagreement" in ds:
        entries += grid.hatch(
            ax, ds["disagreement"].values, cells, "\\\\\\\\", label="orbit and stability disagree"
        )
    if curves is None:
        entries += _draw_boundary(ax, ds, x, y)
    else:
        entries += _draw_curves(ax, curves[x], curves[y])
    entries += _draw_closed_form(ax, ds, x, y)
    ax.set(
        xscale=ds[x].attrs.get("scale", "linear"),
        yscale=ds[y].attrs.get("scale", "linear"),
        xlabel=(SYMBOLS if narrow else AXES)[x],
        ylabel=(SYMBOLS if narrow else AXES)[y],
        xlim=(cells[0][0], cells[0][-1]),
        ylim=(cells[1][0], cells[1][-1]),
        title=_title(ds),
    )
    if narrow:
        for axes in ax.figure.axes:
            axes.yaxis.label.set_fontsize("x-small")
    if entries:
        _add_legend(ax, entries, 0.7 if narrow else 1.0)
    return ax


def _add_legend(ax: Axes, entries: list[Artist], scale: float) -> None:
    """Put the legend below the axes, row by row (Matplotlib fills column by column)."""
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties
    from matplotlib.transforms import ScaledTranslation

    below = ScaledTranslation(0.0, -_LEGEND_DROP * scale, ax.figure.dpi_scale_trans)
    width = ax.bbox.width / ax.figure.dpi
    rows = -(-len(entries) // max(1, int(width / (scale * _LEGEND_COLUMN))))
    columns = -(-len(entries) // rows)
    ax.legend(
        handles=[entry for column in range(columns) for entry in entries[column::columns]],
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        bbox_transform=ax.transAxes + below,
        ncols=columns,
        fontsize=scale * FontProperties(size=rcParams["legend.fontsize"]).get_size_in_points(),
        handlelength=1.8,
        columnspacing=1.4,
        frameon=False,
    )


def _draw_phases(
    ax: Axes, ds: xr.Dataset, value: str, cells: Cells, failed: BoolArray, kwargs: Style
) -> list[Artist]:
    from matplotlib.patches import Patch

    names = grid.phases(ds)
    here = [grid.is_phase(ds, name) for name in names]
    if value in _OF_ORBITS:
        here = [mask & np.isnan(ds[value].values) for mask in here]
    mesh = _draw_classes(ax, cells, here, failed, phase_colours(names), kwargs)
    entries: list[Artist] = []
    for index, name in enumerate(names):
        shown = here[index] & ~failed
        if name == "undecided":
            entries += grid.hatch(ax, shown, cells, "////", label=name)
        elif shown.any():
            colour = mesh.to_rgba(np.array([index]))[0]
            entries.append(Patch(facecolor=colour, label=name.replace("_", " ")))
    return entries


def _draw_periods(
    ax: Axes, ds: xr.Dataset, _value: str, cells: Cells, failed: BoolArray, kwargs: Style
) -> list[Artist]:
    """Draw the commonest periods in colours of their own, the others in one."""
    period, undecided = ds["period"].values, grid.is_phase(ds, "undecided")
    values, counts = np.unique(period[period > 1], return_counts=True)
    common = np.sort(values[np.argsort(-counts, kind="stable")[: len(_PERIODS)]])
    here = {
        "none": (period == 0) & ~undecided,
        "1": period == 1,
        **{str(each): period == each for each in common},
        "other": (period > 1) & ~np.isin(period, common),
    }
    colours = [_NO_PERIOD, *phase_colours(["converged"]), *_PERIODS[: len(common)], _OTHER_PERIOD]
    mesh = _draw_classes(ax, cells, list(here.values()), failed, colours, kwargs)
    bar = ax.figure.colorbar(mesh, ax=ax, label="period (rounds)", ticks=np.arange(len(here)))
    bar.set_ticklabels(list(here))
    bar.minorticks_off()
    return grid.hatch(ax, undecided & ~failed, cells, "////", label="undecided")


def _draw_classes(
    ax: Axes, cells: Cells, masks: list[BoolArray], failed: BoolArray,
    colours: Sequence[str], kwargs: Style,
) -> QuadMesh:  # fmt: skip
    """Return the mesh of disjoint classes, each in its colour; what failed is left out."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    style: Style = {
        "cmap": ListedColormap(colours),
        "norm": BoundaryNorm(np.arange(len(masks) + 1) - 0.5, len(masks)),
        "rasterized": True,
    }
    which = np.ma.masked_where(failed | ~np.any(masks, axis=0), np.argmax(masks, axis=0))
    return ax.pcolormesh(*cells, which, **style | kwargs)


def _draw_numbers(
    ax: Axes, ds: xr.Dataset, value: str, cells: Cells, failed: BoolArray, kwargs: Style
) -> list[Artist]:
    numbers = ds[value].values.astype(float)
    missing = ~np.isfinite(numbers) & ~failed
    style: Style = {"cmap": light_viridis(), "rasterized": True}
    mesh = ax.pcolormesh(*cells, np.ma.masked_where(missing | failed, numbers), **style | kwargs)
    ax.figure.colorbar(mesh, ax=ax, label=QUANTITIES.get(value) or _described(ds[value]))
    if value in _OF_ORBITS:
        return _draw_phases(ax, ds, value, cells, failed, {})
    return grid.hatch(ax, missing, cells, "////", label="no value")


def _described(values: xr.DataArray) -> str:
    """Return how a variable calls itself, with its units."""
    units = values.attrs.get("units")
    return str(values.attrs.get("long_name", values.name)) + (f" ({units})" if units else "")


def _refuse_codes(ds: xr.Dataset, value: str) -> None:
    """Raise unless ``value`` is the phase or a variable of numbers."""
    numeric = [
        str(name)
        for name, values in ds.data_vars.items()
        if values.dtype.kind in "fiu"
        and "flag_meanings" not in values.attrs
        and "vertex" not in values.dims
    ]
    if value not in ("phase", *numeric):
        raise ValueError(
            f"value is {value!r}, which holds codes, not numbers; draw one of "
            f"{', '.join(['phase', *numeric])}"
        )


def _directions(ds: xr.Dataset, x: str | None, y: str | None) -> tuple[str, str]:
    """Return what lies on x and on y, where not given as the dataset has it."""
    if "evaluated" not in ds:
        return x or "beta", y or "lam"
    up, across = (str(name) for name in ds["evaluated"].dims)
    if x is None and y is None:
        return across, up
    if x is None:
        return up if y == across else across, str(y)
    return x, y or (up if x == across else across)


def _curves(ds: xr.Dataset) -> dict[str, FloatArray] | None:
    """Return the boundary's curves by parameter, with NaN between them, if the dataset has them."""
    if "boundary_curve" not in ds:
        return None
    up, across = (str(name) for name in ds["evaluated"].dims)
    breaks = np.flatnonzero(np.diff(ds["boundary_curve"].values)) + 1
    return {
        across: np.insert(ds["boundary_x"].values, breaks, np.nan),
        up: np.insert(ds["boundary_y"].values, breaks, np.nan),
    }


def _draw_curves(ax: Axes, across: FloatArray, up: FloatArray) -> list[Artist]:
    """Draw the curves of spectral radius 1, if there are any."""
    if not np.isfinite(across).any():
        return []
    return list(ax.plot(across, up, color=INK, label=_BOUNDARY, **_boundary_style()))


def _draw_boundary(ax: Axes, ds: xr.Dataset, x: str, y: str) -> list[Artist]:
    """Draw the contour of spectral radius 1, if the sweep crosses it."""
    from matplotlib.lines import Line2D

    if "spectral_radius" not in ds:
        return []
    radius = np.ma.masked_invalid(ds["spectral_radius"].values)
    if not radius.min() < 1.0 < radius.max():
        return []
    contours = ax.contour(ds[x].values, ds[y].values, radius, levels=[1.0], colors=INK)
    contours.set(**_boundary_style())
    return [Line2D([], [], color=INK, label=_BOUNDARY, **_boundary_style())]


def _boundary_style() -> Style:
    from matplotlib.patheffects import withStroke

    return {"linewidth": 2.2, "path_effects": [withStroke(linewidth=3.4, foreground="white")]}


def _draw_closed_form(ax: Axes, ds: xr.Dataset, x: str, y: str) -> list[Artist]:
    """Draw the curve βλ = critical_signal, if it is known."""
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
    """Return the method and what is held fixed."""
    fixed = {name: ds[name].item() for name in SYMBOLS if name in ds.coords and not ds[name].ndim}
    method = f"MRS-{ds.attrs['objective'].upper()}" if "objective" in ds.attrs else ""
    return ", ".join(filter(None, [method, settings(fixed)]))
