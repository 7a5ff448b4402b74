"""The orbit diagram: what the attractor is as one parameter grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsim import validation
from alignsim.plotting import grid, parameters
from alignsim.plotting.beside import Place, beside, scale, shrink
from alignsim.plotting.orbits import response_labels
from alignsim.plotting.palette import INK, Style, chosen, phase_colours
from alignsim.plotting.panels import one_axes
from alignsim.sweeps import labels as datasets
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

_DARKER = {"converged": "#5B9BD5", "undecided": "#7F7F7F"}
"""Colours of dots of phases whose tints for areas are too light for these."""


def orbit_diagram(
    ds: xr.Dataset,
    *,
    response: int = 0,
    labels: Sequence[str] | None = None,
    colors: Mapping[str, Any] | None = None,
    legend: Place = True,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Return the Axes with the probabilities that a response has on the attractor.

    One dot a visit, in the colour of the phase. Dashed lines stand where the fixed point beside
    the orbit loses or regains its stability: where the spectral radius, interpolated between the
    values of the parameter, is 1.

    Parameters
    ----------
    ds
        From `alignsim.sweeps.orbit_diagram`.
    response
        Which response, counted from 0.
    labels
        Names of the responses.
    colors
        Colours of the phases, such as ``{"chaotic": "black"}``.
    legend
        False for none; or where: "right" of or "below" the axes, or a place of Matplotlib's
        within them, such as "upper left".
    ax
        Where to draw; by default a new figure.
    **kwargs
        Passed to ``Axes.scatter``.

    Raises
    ------
    ValueError
        If ``ds`` is something else, there is no such response, ``labels`` or ``colors`` do not
        fit, or ``legend`` is no place.

    Examples
    --------
    >>> import alignsim as asim
    >>> from matplotlib.figure import Figure
    >>> P = asim.preferences.cyclic(3, advantage=0.5)
    >>> ds = asim.sweeps.orbit_diagram(P, ("beta", 0, 12), alpha=0.5, lam=1.0, points=8)
    >>> ax = asim.plotting.orbit_diagram(ds, ax=Figure().add_subplot())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['converged', 'locked', 'invariant circle', 'ρ = 1']
    """
    around = beside(legend)
    datasets.dataset(ds, ("policy", "phase", "spectral_radius"), "sweeps.orbit_diagram")
    count = ds.sizes["response"]
    shown = response_labels(labels, count)
    (which,) = validation.position(response, "response", (count,))
    x = str(ds["phase"].dims[0])
    ds = ds.sortby(x)
    names = grid.phases(ds)
    tints = [_DARKER.get(n, c) for n, c in zip(names, phase_colours(names), strict=True)]
    ax = one_axes(ax, (7.2, 4.2))
    visits = ds["policy"].transpose(x, "visit", "response").values[..., which]
    for name, colour in zip(names, chosen(colors, names, tints), strict=True):
        here = grid.is_phase(ds, name)
        if here.any():
            _draw_visits(ax, ds[x].values[here], visits[here], colour, name, kwargs)
    _draw_onsets(ax, ds[x].values, ds["spectral_radius"].values)
    ax.set(
        xscale=ds[x].attrs.get("scale", "linear"),
        xlim=(ds[x].values[0], ds[x].values[-1]),
        xlabel=parameters.label(ds, x, ax, "x"),
        ylabel=f"probability of {shown[which]}",
        title=parameters.title(ds),
    )
    around.add_legend(ax, place="below", markerscale=4.0)
    shrink(ax)
    return ax


def _draw_visits(
    ax: Axes, x: FloatArray, visits: FloatArray, colour: Any, name: str, kwargs: Style
) -> None:
    style: Style = {"s": 1.6 * scale(ax) ** 2, "linewidths": 0.0, "rasterized": True}
    style |= {"color": colour, "label": name.replace("_", " ")}
    ax.scatter(np.repeat(x, visits.shape[1]), visits.ravel(), **style | kwargs)


def _draw_onsets(ax: Axes, x: FloatArray, radius: FloatArray) -> None:
    excess = radius - 1.0
    for i in np.flatnonzero(excess[:-1] * excess[1:] < 0.0):
        place = x[i] - excess[i] * (x[i + 1] - x[i]) / (excess[i + 1] - excess[i])
        ax.axvline(
            place, color=INK, linewidth=1.0 * scale(ax), linestyle=(0, (4, 2)), label="ρ = 1"
        )
