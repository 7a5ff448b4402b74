"""What a wanted fixed point costs, and which α reach it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsim.plotting.beside import Beside, Place, beside, fits, shrink
from alignsim.plotting.orbits import of_kind
from alignsim.plotting.palette import (
    INK,
    OKABE_ITO,
    Style,
    chosen,
    light_viridis,
    phase_colours,
)
from alignsim.plotting.panels import PanelArray, panel_axes
from alignsim.plotting.parameters import MRS
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from alignsim.reports.advice import Advice

_QUARTILES = (0.25, 0.5, 0.75)
_NAMED_OCTAVES = 2
"""Octaves between two η that are written beside the curve: a factor of 4."""

_CERTIFIED = "#8CCBB0"
"""A tint of the palette's green; stable and unstable take those of the phases."""

_AREAS = ("unstable", "stable", "certified")

_QUIET = "#BBBBBB"

_LEFT: Style = {"xytext": (-7, -4), "ha": "right", "va": "top"}
_RIGHT: Style = {"xytext": (7, 3), "ha": "left", "va": "bottom"}
"""Where η is written beside a point; the curve falls, so that both places are free."""

_PAPER: Style = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}

_TOP_ROOM = 5.0
"""How far 1−α goes on above the smallest that is drawn."""

_NEAR_EDGE = 0.15
"""Share of the curve's width, at its left end, where η is written on the right of the points."""

_SAME = 1e-9
"""Points closer than this lie at one place."""

_COMMON = 1e-12
"""Relative difference of the wanted η up to which a batch has one in common."""


def advice(
    result: Advice,
    *,
    colors: Mapping[str, Any] | None = None,
    legend: Place = True,
    colorbar: Place = True,
    ax: PanelArray | None = None,
    **kwargs: Any,
) -> PanelArray:
    """Return two Axes: what the fixed point is for each η, and which α reach it.

    Left: the win rate against the reference over the effective support that is left, coloured by
    the rounds that the fastest α takes. What lies below the entropy floor is hatched. Right: the
    stable α over η, those for which every orbit is certified to converge, and the fastest one; the
    scale is that of 1−α. The wanted η is a ring and a line. Of a batch: medians, and quartiles as
    bars and bands.

    Parameters
    ----------
    result
        From `alignsim.advise`.
    colors
        Colours of "unstable", "stable" and "certified".
    legend, colorbar
        False for none; or where. The legend: "right" of or "below" the axes, or a place of
        Matplotlib's within them, such as "upper left". The bar: "right", "left", "top", "bottom".
    ax
        Two Axes to draw on; by default a new figure.
    **kwargs
        Passed to ``Axes.scatter``, which draws the points on the left.

    Raises
    ------
    ValueError
        If ``result`` is no Advice, its instances want different η, ``colors`` do not fit,
        ``legend`` or ``colorbar`` is no place, or ``ax`` is not two Axes.

    Examples
    --------
    >>> import alignsim as asim
    >>> from matplotlib.figure import Figure
    >>> found = asim.advise(asim.preferences.bradley_terry([1.0, 0.5, 0.0]), eta=10.0)
    >>> [ax.get_ylabel() for ax in asim.plotting.advice(found, ax=Figure().subplots(1, 2))]
    ['win rate', 'α']
    """
    around = beside(legend, colorbar)
    _check(result)
    stable, unstable = phase_colours(["stable", "unstable"])
    colours = chosen(colors, _AREAS, [unstable, stable, _CERTIFIED])
    left, right = axes = panel_axes(ax, (2,), (10.4, 4.4))
    _draw_tradeoff(left, result, around, kwargs)
    _draw_range(right, result, colours, around)
    left.title.set_text("what the fixed point is")
    right.title.set_text("which α reach it")
    shrink(*axes)
    return axes


def _draw_tradeoff(ax: Axes, result: Advice, around: Beside, kwargs: Style) -> None:
    from matplotlib.colors import LogNorm

    support, win = _quartiles(result, "effective_support"), _quartiles(result, "win_rate")
    rounds, eta = _quartiles(result, "rounds")[1], _quartiles(result, "eta")[1]
    ax.plot(support[1], win[1], color=INK, linewidth=0.8, zorder=1)
    octave, at = result.tradeoff.octave, result.tradeoff.wanted
    if result.eta.size > 1:
        some = slice(at % octave, None, octave)
        ax.errorbar(
            support[1, some], win[1, some], xerr=_bars(support)[:, some], yerr=_bars(win)[:, some],
            fmt="none", ecolor=_QUIET, elinewidth=1.0, zorder=0, label="quartiles",
        )  # fmt: skip
    known = rounds[np.isfinite(rounds)]
    norm = LogNorm(1.0, max(10.0, known.max())) if known.size else None
    style: Style = {"cmap": light_viridis(), "norm": norm, "s": 30.0, "zorder": 2}
    points = ax.scatter(support[1], win[1], c=rounds, **style | kwargs)
    goal = f"{result.tolerance:g}".replace("e-0", "e-")
    what = f"rounds at the fastest α (to {goal})"
    around.add_bar(ax, points, label=what if fits(what, ax, "y") else f"rounds (to {goal})")
    ax.plot(
        support[1, at], win[1, at], marker="o", markersize=13, markerfacecolor="none",
        markeredgecolor=OKABE_ITO[5], markeredgewidth=1.8, linestyle="none", zorder=3,
        label=f"wanted: η = {eta[at]:.4g}",
    )  # fmt: skip
    _name_points(ax, support[1], win[1], eta, at, _NAMED_OCTAVES * octave)
    ax.margins(0.14, 0.1)
    if np.isfinite(result.min_effective_support):
        _draw_floor(ax, result.min_effective_support)
    low, left = "effective support $e^H$ (responses)", "win rate against the reference"
    ax.set_xlabel(low if fits(low, ax, "x") else "effective support $e^H$")
    ax.set_ylabel(left if fits(left, ax, "y") else "win rate")
    around.add_legend(ax)


def _draw_floor(ax: Axes, floor: float) -> None:
    """Hatch what lies below the floor, unless it is far below everything."""
    low, high = ax.get_xlim()
    if floor < low - (high - low):
        return
    low, high = min(low, floor - 0.08 * (high - floor)), max(high, floor)
    ax.axvspan(
        low, floor, facecolor="none", edgecolor=_QUIET, hatch="////", linewidth=0.0, zorder=0,
        label=f"below the floor {floor:g}",
    )  # fmt: skip
    ax.axvline(floor, color=INK, linewidth=1.0, linestyle="--")
    ax.set_xlim(low, high)


def _name_points(
    ax: Axes, x: FloatArray, y: FloatArray, eta: FloatArray, at: int, every: int
) -> None:
    """Write η beside some points; at one place only once."""
    width, height = (max(np.nanmax(v) - np.nanmin(v), _SAME) for v in (x, y))
    written: list[tuple[float, float]] = []
    for i in sorted(range(at % every, len(x), every), key=lambda i: abs(i - at)):
        near = any(
            abs(x[i] - left) <= 0.1 * width and abs(y[i] - low) <= 0.1 * height
            for left, low in written
        )
        if i != at and not near and np.isfinite(x[i]):
            side = _RIGHT if x[i] - np.nanmin(x) < _NEAR_EDGE * width else _LEFT
            ax.annotate(
                f"η = {eta[i]:.3g}", (x[i], y[i]), textcoords="offset points", fontsize="small",
                bbox=_PAPER, **side,
            )  # fmt: skip
        written.append((x[i], y[i]))


def _draw_range(ax: Axes, result: Advice, colours: list[Any], around: Beside) -> None:
    eta = _quartiles(result, "eta")[1]
    lowest, fastest = 1.0 - _quartiles(result, "alpha_lowest"), 1.0 - _quartiles(result, "alpha")
    safe = 1.0 - _quartiles(result, "alpha_certified")
    drawn = np.concatenate([lowest[1], fastest[1], safe[1]])
    top = min(0.1, np.nanmin(np.where(drawn > 0.0, drawn, np.nan), initial=1.0) / _TOP_ROOM)
    many = result.eta.size > 1
    half = " for half of them" if many else ""
    bands = [
        (np.ones_like(eta), lowest[1], f"unstable{half}"),
        (lowest[1], top, f"stable{half}"),
        (safe[1], top, f"certified from every start{half}"),
    ]
    for (low, high, label), colour in zip(bands, colours, strict=True):
        if np.isfinite(low + high).any() and (low > high).any():
            ax.fill_between(eta, low, high, color=colour, linewidth=0.0, label=label)
    if many:
        style: Style = {"color": INK, "linewidth": 1.0, "linestyle": ":", "clip_on": False}
        ax.plot(eta, fastest[0], label="fastest: quartiles", **style)
        ax.plot(eta, fastest[2], **style)
    ax.plot(eta, fastest[1], color=INK, linewidth=1.8, label="fastest", clip_on=False, zorder=3)
    at = result.tradeoff.wanted
    ax.axvline(eta[at], color=OKABE_ITO[5], linewidth=1.2, label=f"wanted: η = {eta[at]:.4g}")
    kept = _quantiles(result.eta_largest.ravel(), (0.5,))[0]
    if eta[0] < kept < eta[-1]:
        ax.axvline(
            kept, color=INK, linewidth=1.0, linestyle="--", label=f"keeps the floor: η ≤ {kept:.4g}"
        )
    ax.set(xscale="log", yscale="log", xlim=(eta[0], eta[-1]), ylim=(1.0, top))
    _label_alpha(ax, top)
    low, left = "η = β/(1−α), which decides the fixed point", MRS["alpha"].about
    ax.set_xlabel(low if fits(low, ax, "x") else "η = β/(1−α)")
    ax.set_ylabel(left if fits(left, ax, "y") else "α")
    around.add_legend(ax, place="upper left")


def _label_alpha(ax: Axes, top: float) -> None:
    """Write α where the scale is that of 1−α."""
    from matplotlib.ticker import FixedLocator, NullLocator

    decades = int(np.floor(-np.log10(top)))
    shares = [1.0, 0.5, *(10.0**-d for d in range(1, decades + 1))]
    ax.yaxis.set_major_locator(FixedLocator(shares))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_yticklabels([f"{1.0 - share:.{max(1, decades)}g}" for share in shares])


def _quartiles(result: Advice, name: str) -> FloatArray:
    """Return the quartiles of a part of the trade-off over the batch, (3, m)."""
    values = getattr(result.tradeoff, name)
    return _quantiles(values.reshape(-1, values.shape[-1]), _QUARTILES)


def _quantiles(values: FloatArray, probabilities: tuple[float, ...]) -> FloatArray:
    from alignsim.reports.tradeoff import quantiles

    return quantiles(values, probabilities)


def _bars(quartiles: FloatArray) -> FloatArray:
    return np.abs(quartiles[[0, 2]] - quartiles[1])


def _check(result: Any) -> None:
    from alignsim.reports.advice import Advice

    of_kind(result, Advice, "result", "alignsim.advise")
    if np.ptp(result.eta) > _COMMON * result.eta.max():
        raise ValueError(
            f"result wants η from {result.eta.min():.6g} to {result.eta.max():.6g}; "
            "ask for one η to draw a batch"
        )
