"""The phase diagram: what the loop does in the long run, over two of its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim import validation
from alignsim.errors import InputError, quote
from alignsim.plotting import grid, parameters
from alignsim.plotting.beside import Beside, Place, beside, fits, is_small, scale, shrink
from alignsim.plotting.orbits import response_labels
from alignsim.plotting.palette import (
    FAILED,
    INK,
    OKABE_ITO,
    QUANTITIES,
    SHORT,
    Style,
    chosen,
    light_viridis,
    phase_colours,
)
from alignsim.plotting.panels import one_axes
from alignsim.sweeps import labels as datasets
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

_NO_LEADER = "no one response"

_CURVE_POINTS = 400


def phase_diagram(
    ds: xr.Dataset,
    *,
    x: str | None = None,
    y: str | None = None,
    value: str = "phase",
    labels: Sequence[str] | None = None,
    colors: Mapping[str, Any] | None = None,
    legend: Place = True,
    colorbar: Place = True,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Return the Axes with a map of two parameters and the boundary of local stability.

    The ground shows the phase, or another variable. Collapsed cells are stippled, undecided ones
    and those that failed or have no value are hatched, and so are those where orbit and stability
    disagree. The solid line is the boundary of local stability, spectral radius 1: solved for in
    a phase diagram, interpolated between the points of a sweep. The dashed one over it is the
    closed form, where one is known.

    Parameters
    ----------
    ds
        From `alignsim.phase_diagram`, or from `alignsim.sweep` with exactly the dimensions ``x``
        and ``y``.
    x, y
        Two parameters of the method, "beta" and "lam" included; by default those of the phase
        diagram, or of a sweep β and λ, or those that are swept.
    value
        "phase"; of a phase diagram by orbit "period", with a colour for each of the commonest, or
        "rotation_number", over the phases of what does not turn; or a variable of numbers such as
        "entropy_mean" or "cycle_strength". "entropy" is that of the last round: where orbits
        oscillate it depends on the phase they end in, which makes a moiré; "entropy_mean" is its
        time average. "likeliest" colours a cell by the response that is likeliest in the long
        run of a sweep.
    labels
        Names of the responses, for "likeliest".
    colors
        Colours by names: of phases, such as ``{"converged": "#C6DFF1"}``, of periods, or of
        responses. Numbers have a scale instead: ``cmap`` of ``Axes.pcolormesh``.
    legend, colorbar
        False for none; or where. The legend: "right" of or "below" the axes, or a place of
        Matplotlib's within them, such as "upper left". The bar: "right", "left", "top", "bottom".
    ax
        Where to draw; by default a new figure.
    **kwargs
        Passed to ``Axes.pcolormesh``.

    Raises
    ------
    ValueError
        If ``ds`` is no Dataset, lacks a variable, or does not have just these dimensions; if
        ``value`` holds codes other than the phase; if ``labels`` or ``colors`` do not fit, or
        ``legend`` or ``colorbar`` is no place.

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
    around = beside(legend, colorbar)
    if not isinstance(value, str):
        raise InputError("value", f"is {quote(value)}", 'give the name of a variable, "phase"')
    datasets.dataset(ds, ("phase", value) if value in _OF_ORBITS else (value,))
    _refuse_codes(ds, value)
    curves = _curves(ds)
    x, y = _directions(ds, x, y)
    ds = grid.plane(ds.drop_dims("vertex", errors="ignore"), x, y)
    ax = one_axes(ax, (7.2, 4.6))
    cells = grid.edges(ds[x].values), grid.edges(ds[y].values)
    draw = _DRAW.get(value, _draw_numbers)
    failed = grid.failed(ds, value)
    entries = draw(ax, ds, value, _Look(cells, failed, around, colors, labels), kwargs)
    entries += grid.hatch(ax, failed, cells, "xxx", label="failed", ground=FAILED)
    if "collapsed" in ds:
        entries += grid.hatch(ax, ds["collapsed"].values, cells, "..", label="collapsed")
    if "disagreement" in ds:
        entries += grid.hatch(
            ax, ds["disagreement"].values, cells, "\\\\\\\\", label="orbit and stability disagree"
        )
    stepped = _stepped(_stepped(ds, x), y)
    if curves is None:
        entries += _draw_boundary(ax, stepped, x, y)
    else:
        entries += _draw_curves(ax, curves[x], curves[y])
    entries += _draw_closed_form(ax, stepped, x, y)
    ax.set(
        xscale=ds[x].attrs.get("scale", "linear"),
        yscale=ds[y].attrs.get("scale", "linear"),
        xlabel=parameters.label(ds, x, ax, "x"),
        ylabel=parameters.label(ds, y, ax, "y"),
        xlim=(cells[0][0], cells[0][-1]),
        ylim=(cells[1][0], cells[1][-1]),
        title=parameters.title(ds),
    )
    around.add_legend(ax, entries, place="below")
    shrink(ax)
    return ax


class _Look(NamedTuple):
    """What all grounds share: the cells, which of them failed, and what the caller asks for."""

    cells: Cells
    failed: BoolArray
    around: Beside
    colors: Mapping[str, Any] | None
    labels: Sequence[str] | None


def _draw_phases(ax: Axes, ds: xr.Dataset, value: str, look: _Look, kwargs: Style) -> list[Artist]:
    names = grid.phases(ds)
    here = [grid.is_phase(ds, name) for name in names]
    if value in _OF_ORBITS:
        here = [mask & np.isnan(ds[value].values) for mask in here]
    colours = chosen(look.colors, names, phase_colours(names))
    return _draw_named(ax, names, here, colours, look, kwargs, hatched="undecided")


def _draw_likeliest(
    ax: Axes, ds: xr.Dataset, _value: str, look: _Look, kwargs: Style
) -> list[Artist]:
    """Draw each response that is the likeliest somewhere in a colour of its own."""
    count = int(ds.attrs.get("responses", ds["likeliest"].max().item() + 1))
    names = [*response_labels(look.labels, count), _NO_LEADER]
    here = [ds["likeliest"].values == i for i in [*range(count), -1]]
    colours = [OKABE_ITO[i % len(OKABE_ITO)] for i in range(count)]
    colours = chosen(look.colors, names, [*colours, _NO_PERIOD])
    return _draw_named(ax, names, here, colours, look, kwargs)


def _draw_named(
    ax: Axes, names: list[str], here: list[BoolArray], colours: list[Any],
    look: _Look, kwargs: Style, *, hatched: str = "",
) -> list[Artist]:  # fmt: skip
    """Draw classes in their colours; return the legend's entries of those that occur."""
    from matplotlib.patches import Patch

    mesh = _draw_classes(ax, look, here, colours, kwargs)
    entries: list[Artist] = []
    for index, name in enumerate(names):
        shown = here[index] & ~look.failed
        if name == hatched:
            entries += grid.hatch(ax, shown, look.cells, "////", label=name)
        elif shown.any():
            colour = mesh.to_rgba(np.array([index]))[0]
            text = name if "$" in name else name.replace("_", " ")
            entries.append(Patch(facecolor=colour, edgecolor=FAILED, linewidth=0.4, label=text))
    return entries


def _draw_periods(
    ax: Axes, ds: xr.Dataset, _value: str, look: _Look, kwargs: Style
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
    colours = chosen(look.colors, list(here), colours)
    mesh = _draw_classes(ax, look, list(here.values()), colours, kwargs)
    bar = look.around.add_bar(ax, mesh, label="period (rounds)", ticks=np.arange(len(here)))
    if bar is not None:
        bar.set_ticklabels(list(here))
        bar.minorticks_off()
    return grid.hatch(ax, undecided & ~look.failed, look.cells, "////", label="undecided")


def _draw_classes(
    ax: Axes, look: _Look, masks: list[BoolArray], colours: Sequence[Any], kwargs: Style
) -> QuadMesh:
    """Return the mesh of disjoint classes, each in its colour; what failed is left out."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    style: Style = {
        "cmap": ListedColormap(colours),
        "norm": BoundaryNorm(np.arange(len(masks) + 1) - 0.5, len(masks)),
        "rasterized": True,
    }
    known = np.any(masks, axis=0) & ~look.failed
    which = np.ma.masked_where(~known, np.argmax(masks, axis=0))
    return ax.pcolormesh(*look.cells, which, **style | kwargs)


def _draw_numbers(ax: Axes, ds: xr.Dataset, value: str, look: _Look, kwargs: Style) -> list[Artist]:
    if look.colors and value not in _OF_ORBITS:
        raise InputError("colors", f"is given, but {value!r} has a scale", "pass cmap instead")
    numbers = ds[value].values.astype(float)
    missing = ~np.isfinite(numbers) & ~look.failed
    style: Style = {"cmap": light_viridis(), "rasterized": True}
    shown = np.ma.masked_where(missing | look.failed, numbers)
    mesh = ax.pcolormesh(*look.cells, shown, **style | kwargs)
    label = QUANTITIES.get(value) or _described(ds[value])
    around = look.around
    along = "x" if around.colorbar in ("top", "bottom") else "y"
    around.add_bar(ax, mesh, label=label if fits(label, ax, along) else SHORT.get(value, label))
    if value in _OF_ORBITS:
        return _draw_phases(ax, ds, value, look, {})
    return grid.hatch(ax, missing, look.cells, "////", label="no value")


_DRAW = {"phase": _draw_phases, "period": _draw_periods, "likeliest": _draw_likeliest}
"""How a ground is drawn that is no scale of numbers."""


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
    for given, name in ((x, "x"), (y, "y")):
        if given is not None:
            validation.choice(given, name, parameters.names(ds))
    if "evaluated" not in ds:
        swept = [name for name in ("beta", "lam", *parameters.names(ds)) if name in ds.dims]
        x = x or next((name for name in swept if name != y), "beta")
        return x, y or next((name for name in swept if name != x), "lam")
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
    return list(ax.plot(across, up, color=INK, label=_boundary_label(ax), **_boundary_style(ax)))


def _draw_boundary(ax: Axes, ds: xr.Dataset, x: str, y: str) -> list[Artist]:
    """Draw the contour of spectral radius 1, if the sweep crosses it."""
    from matplotlib.lines import Line2D

    if "spectral_radius" not in ds:
        return []
    radius = np.ma.masked_invalid(ds["spectral_radius"].values)
    if not radius.min() < 1.0 < radius.max():
        return []
    contours = ax.contour(ds[x].values, ds[y].values, radius, levels=[1.0], colors=INK)
    contours.set(**_boundary_style(ax))
    return [Line2D([], [], color=INK, label=_boundary_label(ax), **_boundary_style(ax))]


def _stepped(ds: xr.Dataset, axis: str) -> xr.Dataset:
    """Return what is known at whole numbers as known from edge to edge of their cells."""
    if not ds[axis].attrs.get("whole"):
        return ds
    ends = np.repeat(grid.edges(ds[axis].values), 2)[1:-1]
    twice = ds.isel({axis: np.repeat(np.arange(ds.sizes[axis]), 2)})
    return twice.assign_coords({axis: (axis, ends, ds[axis].attrs)})


def _boundary_label(ax: Axes) -> str:
    return "ρ = 1" if is_small(ax) else "boundary, ρ = 1"


def _boundary_style(ax: Axes) -> Style:
    from matplotlib.patheffects import withStroke

    halo = withStroke(linewidth=3.4 * scale(ax), foreground="white")
    return {"linewidth": 2.2 * scale(ax), "path_effects": [halo]}


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
    label = "closed form"
    if not (critical.ndim or is_small(ax)):
        label += f", βλ = {critical.item():.3f}"
    return list(
        ax.plot(
            np.where(inside, across, np.nan),
            np.where(inside, up, np.nan),
            linestyle=(0, (3, 2)),
            color="white",
            linewidth=1.4 * scale(ax),
            path_effects=[withStroke(linewidth=2.8 * scale(ax), foreground=INK)],
            label=label,
        )
    )


def _closed_form(ds: xr.Dataset, x: str, y: str) -> tuple[FloatArray, FloatArray]:
    """Return the points (x, y) of βλ = critical_signal, unclipped, with NaN between curves."""
    critical, factors = ds["critical_signal"], {"beta", "lam"}
    if factors == {x, y}:
        across = np.linspace(ds[x].values[0], ds[x].values[-1], _CURVE_POINTS)
        with np.errstate(divide="ignore", invalid="ignore"):
            return across, critical.item() / across
    if not factors & {x, y}:
        return _level_curves(ds, x, y)
    (solved,) = factors & {x, y}
    (factor,) = factors - {solved}
    other = y if solved == x else x
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.broadcast_to((critical / ds[factor]).values, ds[other].shape)
    return (found, ds[other].values) if solved == x else (ds[other].values, found)


def _level_curves(ds: xr.Dataset, x: str, y: str) -> tuple[FloatArray, FloatArray]:
    """Return the curves on which βλ − critical_signal, known at all points, is 0."""
    from contourpy import contour_generator

    signal = (ds["beta"] * ds["lam"]).broadcast_like(ds["phase"])
    excess = (signal - ds["critical_signal"]).transpose(y, x).values
    lines = contour_generator(ds[x].values, ds[y].values, np.ma.masked_invalid(excess)).lines(0.0)
    apart = [part for line in lines for part in (line, [[np.nan, np.nan]])]
    points = np.concatenate([np.empty((0, 2)), *apart])
    return points[:, 0], points[:, 1]
