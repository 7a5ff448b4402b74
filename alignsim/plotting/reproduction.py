"""The paper's experiments as pictures: an example, oscillation, collapse, and the winner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsim.plotting.beside import Beside, Place, beside, scale, shrink
from alignsim.plotting.palette import DASHES, INK, OKABE_ITO, Style, chosen
from alignsim.plotting.panels import PanelArray, panel_axes
from alignsim.plotting.parameters import settings
from alignsim.summary import number
from alignsim.sweeps import labels
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_Axis = Callable[["xr.Dataset"], FloatArray]
_Colours = Mapping[str, Any] | None

_SHARED: Style = {"sharex": "col", "sharey": "row"}
_MARKERS = "osD^vPX*"
_PALE = 0.45
"""Opacity of all but the largest λ."""

_STILL = 1e-4
"""Mean cycle strengths up to this cannot be seen in a picture."""

_LEAD = 3.0
"""How far the picture goes below the first βλ at which something moves."""

SIGNAL = "βλ, on-policy signal"
CONTROL = "η = β/(1−α)"


def evolution(
    ds: xr.Dataset,
    *,
    colors: Mapping[str, Any] | None = None,
    legend: Place = True,
    ax: PanelArray | None = None,
    **kwargs: Any,
) -> PanelArray:
    """Return Axes (raised, step) with the policies of one example over its first rounds.

    Top: α grows from left to right. Bottom: βλ does. The left panels are the same baseline.

    Parameters
    ----------
    ds
        From `alignsim.experiments.evolution`.
    colors
        Colours of the responses, "π0" and so on.
    legend
        False for none; or where: "right" of or "below" the axes, or a place of Matplotlib's
        within them, such as "upper left".
    ax
        Axes to draw on, of shape (raised, step); by default a new figure.
    **kwargs
        Passed to ``Axes.plot``.

    Raises
    ------
    ValueError
        If ``ds`` is something else, ``colors`` or ``ax`` do not fit, or ``legend`` is no place.

    Examples
    --------
    >>> import alignsim as asim
    >>> from matplotlib.figure import Figure
    >>> found = asim.experiments.evolution(asim.preferences.cyclic(3, advantage=0.5)[None])
    >>> asim.plotting.evolution(found, ax=Figure().subplots(2, 3))[1, 2].get_title()
    'α = 0.5, βλ = 7.2: ρ = 2.14'
    """
    around = beside(legend)
    labels.dataset(ds, ("policy", "raised", "alpha"), "experiments.evolution")
    names = [f"$π_{{{i}}}$" for i in range(ds.sizes["response"])]
    colours = chosen(colors, names, [OKABE_ITO[i % len(OKABE_ITO)] for i in range(len(names))])
    shape = ds.sizes["raised"], ds.sizes["step"]
    panels = panel_axes(ax, shape, (3.1 * shape[1], 2.2 * shape[0]), **_SHARED)
    for place in np.ndindex(shape):
        one = ds.isel(raised=place[0], step=place[1])
        panel: Axes = panels.item(*place)
        courses = one["policy"].transpose("response", "round").values
        for name, colour, course in zip(names, colours, courses, strict=True):
            look: Style = {"color": colour, "linewidth": 1.3, "label": name} | kwargs
            panel.plot(one["round"].values, course, **look)
        signal, radius = one["beta"].item(), one["spectral_radius"].item()
        title = f"α = {one['alpha'].item():g}, βλ = {signal:g}: ρ = {radius:.2f}"
        panel.set_title(title, fontsize="medium")
        panel.set(xlim=(0, one["round"].values[-1]), ylim=(-0.02, 1.02))
    for ax_left, what in zip(panels[:, 0], ("α grows →", "βλ grows →"), strict=True):
        ax_left.set_ylabel(f"{what}\nprobability")
    for low in panels[-1]:
        low.set_xlabel("round")
    around.add_legend(panels[0, 0], place="upper right", ncols=2)
    shrink(*panels.flat)
    return panels


def oscillation(
    ds: xr.Dataset,
    *,
    colors: Mapping[str, Any] | None = None,
    legend: Place = True,
    ax: PanelArray | None = None,
    **kwargs: Any,
) -> PanelArray:
    """Return Axes (2, objectives): cycle strength, and the share that oscillates, over βλ.

    Of the class "cyclic", one line for each α and λ. The band is twice the standard error over
    the matrices of one draw. Crosses, where known, are the share of exactly unstable fixed
    points. The other classes are grey. A title says over how many matrices of how many is
    averaged where runs failed.

    Parameters
    ----------
    ds
        From `alignsim.experiments.reproduce`.
    colors
        Colours of the lines by their α, such as ``{"α = 0.5": "black"}``.
    legend
        False for none; or where: "right" of or "below" the axes, or a place of Matplotlib's
        within them, such as "upper left".
    ax
        Axes to draw on, (2, objectives); by default a new figure.
    **kwargs
        Passed to ``Axes.plot``.

    Raises
    ------
    ValueError
        If ``ds`` is something else, ``colors`` or ``ax`` do not fit, or ``legend`` is no place.

    Examples
    --------
    >>> import alignsim as asim
    >>> from matplotlib.figure import Figure
    >>> P = asim.preferences.cyclic(3, advantage=0.4)[None]
    >>> found = asim.experiments.reproduce(P, beta=[1.0, 2.0, 4.0], rounds=100)
    >>> axes = asim.plotting.oscillation(found, ax=Figure().subplots(2, 2))
    >>> [ax.get_title() for ax in axes[0]]
    ['MRS-IPO, 1 matrix', 'MRS-DPO, 1 matrix']
    """
    around = beside(legend)
    labels.dataset(
        ds, ("cycle_strength", "oscillating", "unstable", "class"), "experiments.reproduce"
    )
    count = ds.sizes["objective"]
    panels = panel_axes(ax, (2, count), (4.6 * count, 6.2), **_SHARED)
    cyclic, others = ds.sel({"class": "cyclic"}), ds.drop_sel({"class": "cyclic"})
    for column, objective in zip(panels.T, ds["objective"].values, strict=True):
        one, rest = cyclic.sel(objective=objective), others.sel(objective=objective)
        column[0].set_title(f"MRS-{objective.upper()}, {_counted(one)}")
        for ax_, name in zip(column, ("cycle_strength", "oscillating"), strict=True):
            _curves(ax_, one, name, _signal, colors, kwargs)
        _grey_curves(column[0], rest, "cycle_strength", _signal, "")
        _grey_curves(column[1], rest, "oscillating", _signal, "other classes")
        _mark_unstable(column[1], one, colors)
        column[1].set(xlabel=SIGNAL, ylim=(-0.03, 1.03))
        for ax_ in column:
            ax_.set_xlim(left=_first_signal(one["cycle_strength"]))
    top = float(np.nanmax(cyclic["cycle_strength"].values, initial=_STILL))
    for ax_ in panels[0]:
        ax_.set_ylim(-0.03 * top, 1.1 * top)
    panels[0, 0].set_ylabel("mean cycle strength\n(variance per coordinate)")
    panels[1, 0].set_ylabel("share that oscillates")
    _add_legend(panels[0, 0], cyclic, colors, around, "upper left")
    around.add_legend(panels[1, 0], place="upper left")
    shrink(*panels.flat)
    return panels


def terminal_entropy(
    ds: xr.Dataset,
    *,
    colors: Mapping[str, Any] | None = None,
    legend: Place = True,
    ax: PanelArray | None = None,
    **kwargs: Any,
) -> PanelArray:
    """Return one Axes an objective: the final entropy of strongly transitive matrices over η.

    One line for each α and λ; at fixed λ the lines of all α are one curve where the loop has
    converged. The dotted line is where ties at the top end at λ = 1, over the same matrices; the
    band is twice the standard error over the matrices of one draw; grey is the strict class.

    Parameters
    ----------
    ds
        From `alignsim.experiments.reproduce`.
    colors
        Colours of the lines by their α, such as ``{"α = 0.5": "black"}``.
    legend
        False for none; or where: "right" of or "below" the axes, or a place of Matplotlib's
        within them, such as "upper left".
    ax
        One Axes an objective; by default a new figure.
    **kwargs
        Passed to ``Axes.plot``.

    Raises
    ------
    ValueError
        If ``ds`` is something else, ``colors`` or ``ax`` do not fit, or ``legend`` is no place.

    Examples
    --------
    >>> import alignsim as asim
    >>> from matplotlib.figure import Figure
    >>> P = asim.preferences.bradley_terry([2.0, 1.0, 0.0])[None]
    >>> found = asim.experiments.reproduce(P, beta=[1.0, 2.0, 4.0], rounds=100)
    >>> asim.plotting.terminal_entropy(found, ax=Figure().subplots(2))[0].get_ylabel()
    'mean final entropy (nats)'
    """
    around = beside(legend)
    labels.dataset(ds, ("entropy", "entropy_limit", "class"), "experiments.reproduce")
    count = ds.sizes["objective"]
    panels = panel_axes(ax, (count,), (4.6 * count, 3.9), **_SHARED)
    weak = ds.sel({"class": "strongly_transitive"})
    for ax_, objective in zip(panels, ds["objective"].values, strict=True):
        one = weak.sel(objective=objective)
        _curves(ax_, one, "entropy", _control, colors, kwargs)
        limit = one["entropy_limit"].item()
        if np.isfinite(limit):
            ax_.axhline(
                limit, color=INK, linewidth=0.9, linestyle=":", label="ties at the top, λ = 1"
            )
        strict = ds.sel({"class": ["strictly_strongly_transitive"], "objective": objective})
        _grey_curves(ax_, strict, "entropy", _control, "strictly strongly\ntransitive")
        ax_.set(xlabel=CONTROL, title=f"MRS-{objective.upper()}, {_counted(one)}")
        ax_.set_ylim(bottom=-0.04)
    panels[0].set_ylabel("mean final entropy (nats)")
    _add_legend(panels[0], weak, colors, around, "best")
    shrink(*panels)
    return panels


def condorcet_winner(
    ds: xr.Dataset,
    *,
    colors: Mapping[str, Any] | None = None,
    legend: Place = True,
    ax: PanelArray | None = None,
    **kwargs: Any,
) -> PanelArray:
    """Return one Axes an objective: what a Condorcet winner above a cycle gets, over η.

    The least time-averaged probability from a start near any response: the mean over matrices as
    a line for each α and λ, the least of all matrices as a band below it.

    Parameters
    ----------
    ds
        From `alignsim.experiments.winner_from_corners`.
    colors
        Colours of the lines by their α, such as ``{"α = 0.5": "black"}``.
    legend
        False for none; or where: "right" of or "below" the axes, or a place of Matplotlib's
        within them, such as "upper left".
    ax
        One Axes an objective; by default a new figure.
    **kwargs
        Passed to ``Axes.plot``.

    Raises
    ------
    ValueError
        If ``ds`` is something else, ``colors`` or ``ax`` do not fit, or ``legend`` is no place.

    Examples
    --------
    >>> import alignsim as asim
    >>> from matplotlib.figure import Figure
    >>> P = asim.preferences.cyclic(3, advantage=0.5)[None]
    >>> found = asim.experiments.winner_from_corners(P, objective="ipo", beta=[1.0, 2.0], rounds=9)
    >>> axes = asim.plotting.condorcet_winner(found, ax=Figure().subplots(1, squeeze=False)[0])
    >>> axes[0].get_title()
    'MRS-IPO, 0 matrices'
    """
    around = beside(legend)
    labels.dataset(ds, ("winner", "winner_least", "objective"), "experiments.winner_from_corners")
    count = ds.sizes["objective"]
    panels = panel_axes(ax, (count,), (4.6 * count, 3.9), **_SHARED)
    for ax_, objective in zip(panels, ds["objective"].values, strict=True):
        one = ds.sel(objective=objective)
        label = "down to the least of all"
        for place, style in _lines(one, colors):
            control = _control(place)
            ax_.fill_between(
                control, place["winner_least"], place["winner"], color=style["color"], alpha=0.1,
                linewidth=0.0, label=label,
            )  # fmt: skip
            label = "_"
        _curves(ax_, one, "winner", _control, colors, kwargs)
        title = f"MRS-{objective.upper()}, {_counted(one)}"
        ax_.set(xlabel=CONTROL, title=title, ylim=(-0.03, 1.03))
        if one["completed"]:
            ax_.annotate(
                f"winners beat ½ by {one['least_margin'].item():.3f} or more\n"
                f"cycle strength at most {number(one['cycle_strength_most'].max().item(), 1)}",
                (0.97, 0.05), xycoords="axes fraction", ha="right", fontsize="small",
            )  # fmt: skip
    panels[0].set_ylabel("probability of the winner")
    _add_legend(panels[-1], ds, colors, around, "center right")
    shrink(*panels)
    return panels


def _lines(ds: xr.Dataset, colors: _Colours = None) -> list[tuple[xr.Dataset, Style]]:
    """Return one parameter line each for α and λ, over β, with how it is drawn."""
    found = []
    alphas = ds["alpha"].values
    names = [settings({"alpha": alpha}) for alpha in alphas]
    colours = chosen(colors, names, [OKABE_ITO[i % len(OKABE_ITO)] for i in range(len(alphas))])
    lams = np.sort(ds["lam"].values)[::-1]
    for rank, lam in enumerate(lams):
        for i, alpha in enumerate(alphas):
            place = ds.sel(alpha=alpha, lam=lam).sortby("beta")
            style: Style = {
                "color": colours[i],
                "marker": _MARKERS[i % len(_MARKERS)],
                "markersize": 3.6,
                "linestyle": DASHES[rank % len(DASHES)],
                "alpha": 1.0 if rank == 0 else _PALE,
                "linewidth": 1.3,
            }
            found.append((place, style))
    return found


def _curves(
    ax: Axes, ds: xr.Dataset, name: str, at: _Axis, colors: _Colours, kwargs: Style
) -> None:
    """Draw a variable for every α and λ, with the band of its standard error, if it has one."""
    if ds[name].isnull().all():
        reason = "no such matrix" if not ds["run"] else "a run failed in every matrix"
        ax.text(0.5, 0.5, reason, transform=ax.transAxes, ha="center")
        return
    from matplotlib.ticker import LogFormatter

    label = "± 2 s.e. over matrices"
    for place, style in _lines(ds, colors):
        x = at(place)
        style["markersize"] *= scale(ax)
        style["linewidth"] *= scale(ax)
        ax.plot(x, place[name].values, **style | kwargs)
        if f"{name}_error" in ds:
            middle, error = place[name].values, 2.0 * place[f"{name}_error"].values
            band: Style = {"color": style["color"], "alpha": 0.15 * style["alpha"]}
            ax.fill_between(x, middle - error, middle + error, linewidth=0.0, label=label, **band)
            label = "_"
    ax.set_xscale("log")
    ax.xaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1.0, 0.4)))


def _grey_curves(ax: Axes, ds: xr.Dataset, name: str, at: _Axis, label: str) -> None:
    """Draw a variable of other classes, thin and grey, under one name with their number."""
    drawn = ds["completed"].values > 0
    label = f"{label} ({ds['completed'].values.sum():,})" if label else "_"
    for i in np.flatnonzero(drawn):
        for place, style in _lines(ds.isel({"class": i})):
            ax.plot(
                at(place), place[name].values, color="#888888", linewidth=0.8,
                linestyle=style["linestyle"], label=label, zorder=1,
            )  # fmt: skip
            label = "_"


def _mark_unstable(ax: Axes, ds: xr.Dataset, colors: _Colours) -> None:
    label = "unstable fixed point"
    for place, style in _lines(ds, colors):
        if np.isfinite(place["unstable"].values).any():
            ax.plot(
                _signal(place), place["unstable"].values, linestyle="none", marker="x",
                markersize=7, color=style["color"], alpha=style["alpha"], label=label,
            )  # fmt: skip
            label = "_"


def _add_legend(ax: Axes, ds: xr.Dataset, colors: _Colours, around: Beside, where: str) -> None:
    """Name the colours of α, the styles of λ, and what has a label of its own."""
    from matplotlib.lines import Line2D

    lines, alphas = _lines(ds, colors), ds["alpha"].size
    plain: Style = {"color": INK, "marker": ""}
    named = [(style, place, "alpha") for place, style in lines[:alphas]]
    named += [(style | plain, place, "lam") for place, style in lines[::alphas]]
    handles: list[Artist] = [
        Line2D([], [], **style, label=settings({name: place[name].item()}))
        for style, place, name in named
    ]
    handles += ax.get_legend_handles_labels()[0]
    around.add_legend(ax, handles, place=where)


def _first_signal(strength: xr.DataArray) -> float:
    """Return the βλ from which on to draw: somewhat below where anything moves."""
    signal = strength["beta"] * strength["lam"]
    moving = signal.where(strength > _STILL, drop=False).min().item()
    least = signal.min().item()
    return max(least, moving / _LEAD) if np.isfinite(moving) else least


def _signal(place: xr.Dataset) -> FloatArray:
    return np.asarray(place["beta"].values * place["lam"].item())


def _control(place: xr.Dataset) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.asarray(place["beta"].values / (1.0 - place["alpha"].item()))


def _counted(ds: xr.Dataset) -> str:
    from alignsim.experiments.findings import counted

    number = counted(ds)
    return f"{number} {'matrix' if number == '1' else 'matrices'}"
