"""What a population of matrices does: how many oscillate, and how much entropy is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsim import validation
from alignsim.plotting import grid, parameters
from alignsim.plotting.beside import Beside, Place, beside, shrink
from alignsim.plotting.palette import INK, Style, light_viridis
from alignsim.plotting.panels import PanelArray, panel_axes
from alignsim.sweeps import labels

if TYPE_CHECKING:
    import xarray as xr

UNSURE_SHARE = 0.05
"""Cells are hatched where more than this share of the matrices is undecided or failed."""

_PANEL = (3.9, 2.7)
_LEVELS = (0.1, 0.5, 0.9)


def population(
    ds: xr.Dataset,
    *,
    x: str = "beta",
    y: str = "lam",
    legend: Place = True,
    colorbar: Place = True,
    ax: PanelArray | None = None,
    **kwargs: Any,
) -> PanelArray:
    """Return the Axes (rows, 2) with what many matrices do over two parameters.

    Left: the share of matrices that oscillate, with lines at 10, 50 and 90 % (also on the bar).
    Right: the mean over the matrices of the entropy, itself averaged over time from the burn-in
    on. A third swept parameter makes one row of panels a value. Matrices whose run failed are
    left out; cells with more than 5 % undecided or failed matrices are hatched.

    Parameters
    ----------
    ds
        From `alignsim.sweep`, with the dimension ``matrix``.
    x, y
        Two parameters of the method, "beta" and "lam" included.
    legend, colorbar
        False for none; or where. The legend: "right" of or "below" the axes, or a place of
        Matplotlib's within them, such as "upper left". The bar: "right", "left", "top", "bottom".
    ax
        Axes to draw on, (rows, 2); by default a new figure.
    **kwargs
        Passed to ``Axes.pcolormesh`` in all panels.

    Raises
    ------
    ValueError
        If ``ds`` is no Dataset, lacks a variable or the dimension ``matrix``, x and y do not fit,
        ``legend`` or ``colorbar`` is no place, or ``ax`` does not have one row of two Axes a value
        of the third parameter.

    Examples
    --------
    >>> import alignsim as asim, numpy as np
    >>> from matplotlib.figure import Figure
    >>> P = np.stack([asim.preferences.cyclic(3, advantage=a) for a in (0.1, 0.2, 0.4)])
    >>> ds = asim.sweep(P, beta=np.linspace(0, 12, 5), lam=[0.0, 1.0], alpha=0.5, rounds=50)
    >>> asim.plotting.population(ds, ax=Figure().subplots(1, 2, squeeze=False)).shape
    (1, 2)
    """
    around = beside(legend, colorbar)
    labels.dataset(ds, ("phase", "entropy_mean"))
    if "matrix" not in ds.dims:
        raise ValueError(
            "ds has no dimension 'matrix'; sweep a stack of matrices (m, K, K), or draw one with "
            "alignsim.plotting.phase_diagram(ds)"
        )
    known = parameters.names(ds)
    validation.choice(x, "x", known)
    validation.choice(y, "y", known)
    third = tuple(name for name in known if name in ds.dims and name not in (x, y))
    ds = grid.plane(ds, x, y, others=("matrix", *third))
    rows = [ds.isel({third[0]: i}) for i in range(ds.sizes[third[0]])] if third else [ds]
    size = 2 * _PANEL[0], len(rows) * _PANEL[1]
    axes = panel_axes(ax, (len(rows), 2), size)
    for pair, row in zip(axes, rows, strict=True):
        _draw_row(pair, row, x, y, float(ds["entropy_mean"].max()), around, kwargs)
    return axes


def _draw_row(
    pair: PanelArray, ds: xr.Dataset, x: str, y: str, most: float, around: Beside, kwargs: Style
) -> None:
    good = ~grid.failed(ds, "phase")
    counted = np.where(good.any(axis=0), good.sum(axis=0), np.nan)
    share = (grid.oscillates(ds) & good).sum(axis=0) / counted
    entropy = np.where(good, ds["entropy_mean"].values, 0.0).sum(axis=0) / counted
    unsure = (grid.is_phase(ds, "undecided") | ~good).mean(axis=0) > UNSURE_SHARE
    cells = grid.edges(ds[x].values), grid.edges(ds[y].values)
    fixed = parameters.fixed(ds)
    panels = (
        (f"share of {len(good)} that oscillate", share, {"cmap": "Oranges", "vmax": 1.0}),
        ("mean entropy (nats)", entropy, {"cmap": light_viridis(), "vmax": most}),
    )
    bars = []
    for ax, (what, values, look) in zip(pair, panels, strict=True):
        style: Style = {"vmin": 0.0, "rasterized": True} | look | kwargs
        mesh = ax.pcolormesh(*cells, np.ma.masked_invalid(values), **style)
        bars.append(around.add_bar(ax, mesh))
        entries = grid.hatch(ax, unsure, cells, "////", label="over 5 % undecided or failed")
        ax.set(
            xlabel=parameters.symbol(ds, x), ylabel=parameters.symbol(ds, y),
            title=f"{what}, {fixed}",
        )  # fmt: skip
        around.add_legend(ax, entries, place="lower left")
        shrink(ax)
    crossed = [level for level in _LEVELS if np.nanmin(share) < level < np.nanmax(share)]
    if crossed:
        lines = pair[0].contour(
            ds[x].values, ds[y].values, share, levels=crossed, colors=INK, linewidths=1.0
        )
        if bars[0] is not None:
            bars[0].add_lines(lines)
