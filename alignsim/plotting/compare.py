"""Methods side by side: how fast each comes to rest, and at what cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsim.errors import InputError, listed
from alignsim.plotting.beside import TEXT, fits, is_small, scale, shrink
from alignsim.plotting.palette import DASHES, INK, OKABE_ITO, Style, chosen
from alignsim.plotting.panels import PanelArray, panel_axes
from alignsim.sweeps.labels import dataset

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

_NEEDED = ("distance_to_rest", "optima", "optima_per_e_fold", "onset_beta", "phase")

_COLOURS = OKABE_ITO[:6]
"""Those that thin lines can be seen in."""

_COLUMNS = (
    (0.0, "left", "method"),
    (0.43, "center", "optima/e-fold"),
    (0.67, "center", "stable to β"),
    (1.0, "right", "long run"),
)
"""Of the table: place, alignment and head."""

_KEY = 0.05
"""Width of the piece of line before a method's name."""

_LINE = 1.3
"""Height of a row of the table, in heights of a letter."""


def compare(
    ds: xr.Dataset,
    *,
    colors: Mapping[str, Any] | None = None,
    ax: PanelArray | None = None,
    **kwargs: Any,
) -> PanelArray:
    """Return two Axes: the distance to the rest point over one-shot optima, and a table below.

    The distance is the span of the difference of the logits. The table names the lines, and says
    in how many optima a small deviation shrinks by a factor e, up to which β the rest point is
    stable at these parameters, and what the orbit does in the long run. A method without a rest
    point has no line.

    Parameters
    ----------
    ds
        From `alignsim.compare`, for one map.
    colors
        Colours of the methods.
    ax
        Two Axes to draw on; by default a new figure.
    **kwargs
        Passed to ``Axes.plot``, which draws the lines.

    Raises
    ------
    ValueError
        If ``ds`` is no such Dataset or of a batch, ``colors`` do not fit, or ``ax`` is not two
        Axes.

    Examples
    --------
    >>> import alignsim as asim
    >>> from matplotlib.figure import Figure
    >>> P = asim.preferences.cyclic(3, advantage=0.3)
    >>> ds = asim.compare(["mrs", "extragradient"], P, beta=4.0, mrs={"alpha": 0.6})
    >>> axes = asim.plotting.compare(ds, ax=Figure().subplots(2))
    >>> [line.get_label() for line in axes[0].lines]
    ['mrs', 'extragradient']
    """
    dataset(ds, _NEEDED, "compare")
    batch = [str(d) for d in ds["distance_to_rest"].dims if d not in ("loop", "round")]
    if batch:
        pick = ", ".join(f"{name}=0" for name in batch)
        raise InputError("ds", f"is of a batch, over {listed(batch)}", f"pick one: ds.isel({pick})")
    names = [str(name) for name in ds["loop"].values]
    colours = chosen(colors, names, [_COLOURS[i % len(_COLOURS)] for i in range(len(names))])
    rows = len(names) + 1
    size = (7.2, 3.4 + 0.22 * rows)
    top, table = axes = panel_axes(
        ax, (2,), size, upright=True, height_ratios=(3.4, 0.22 * rows)
    )  # fmt: skip
    styles = []
    for i, name in enumerate(names):
        one = ds.isel(loop=i)
        distance = one["distance_to_rest"].values
        look: Style = {
            "color": colours[i], "label": name, "linewidth": 1.6 * scale(top),
            "linestyle": DASHES[i % len(DASHES)],
        }  # fmt: skip
        top.plot(one["optima"].values, np.where(distance > 0.0, distance, np.nan), **look | kwargs)
        styles.append(look)
    top.set_yscale("log")
    top.set_xlim(0.0, max(1.0, float(ds["optima"].max())))
    top.set_xlabel("one-shot optima")
    long = "distance to the rest point (logits)"
    top.set_ylabel(long if fits(long, top, "y") else "distance (logits)")
    shrink(top)
    _write_table(table, ds, names, styles)
    return axes


def _write_table(ax: Axes, ds: xr.Dataset, names: list[str], styles: list[Style]) -> None:
    ax.set_axis_off()
    ax.set(xlim=(0.0, 1.0), ylim=(len(names) + 1.0, 0.0))
    room = 72.0 * ax.bbox.height / ax.figure.dpi / (len(names) + 1) / _LINE
    size = min(room, TEXT - 1.0 if is_small(ax) else 10.0)
    for x, side, head in _COLUMNS:
        ax.text(x, 0.5, head, ha=side, va="center", fontsize=size, color=INK, fontweight="bold")
    for i, name in enumerate(names):
        one = ds.isel(loop=i)
        texts = (
            name,
            _number(float(one["optima_per_e_fold"])),
            _number(float(one["onset_beta"])),
            str(one["phase"].values),
        )
        ax.plot([0.0, 0.8 * _KEY], [i + 1.5] * 2, **styles[i] | {"label": None})
        for (x, side, _), text in zip(_COLUMNS, texts, strict=True):
            place = x + _KEY if x == 0.0 else x
            ax.text(place, i + 1.5, text, ha=side, va="center", fontsize=size, color=INK)


def _number(value: float) -> str:
    """Return a number of the table: ∞ where there is no end, a dash where none is known.

    >>> _number(3.14159), _number(np.inf), _number(np.nan)
    ('3.14', '∞', '–')
    """
    return "–" if np.isnan(value) else "∞" if np.isinf(value) else f"{value:.3g}"
