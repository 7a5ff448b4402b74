"""Basins of attraction: which start goes to which attractor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim import validation
from alignsim.analysis.orbits.basins import Basins
from alignsim.plotting.orbits import of_kind, response_labels
from alignsim.plotting.palette import INK, OKABE_ITO, Style, mixed
from alignsim.plotting.panels import one_axes, ternary_axes
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = OKABE_ITO[:7]
"""Of the largest attractors, one each; the others share a grey."""

_REST = "#B8B8B8"
_TINT = 0.5
_SHADE = 0.3
"""How far a colour is mixed with white for a basin, and with black for its attractor."""

_JOINED = 40
"""A cycle up to this period is joined by a line."""

_CORNERS = (3.0 * np.eye(3) - 1.0) / 3.0
"""From the centre of a triangle with sides of 1 to its corners."""

_BAR = 0.5
"""Inches that a bar takes."""

_GAP = 0.012
"""From the end of a bar to its number, as a share."""


def basins(
    result: Basins,
    *,
    index: tuple[int, ...] | int = (),
    labels: Sequence[str] | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Return the Axes with the basins of attraction of one map.

    Three responses make a ternary plot: the ground has the colour of the attractor to which a
    start goes, and the attractors are drawn over it: fixed points as diamonds, cycles and circles
    as the policies that they visit. Other numbers of responses make bars of the shares, with
    their 95 % intervals. What was not decided is hatched.

    Parameters
    ----------
    result
        From :func:`alignsim.analysis.orbits.basins`.
    index
        Which map of a batch.
    labels
        Names of the responses.
    ax
        Where to draw; by default a new figure. For three responses it must be made with
        ``projection="ternary"`` (after ``import mpltern``).
    **kwargs
        Passed to the artist of the basins: a ``PolyCollection`` for a lattice, else
        ``Axes.scatter``; or ``Axes.barh``.

    Raises
    ------
    ValueError
        If ``result`` is something else, ``index`` does not name one map, ``labels`` do not fit,
        or ``ax`` is not ternary where it must be.

    Examples
    --------
    >>> import alignsim as asim, mpltern
    >>> from matplotlib.figure import Figure
    >>> P = asim.preferences.cyclic(3, advantage=0.47)
    >>> loop = asim.FeedbackMap(P, objective="dpo", beta=0.79, alpha=0.5)
    >>> ax = Figure().add_subplot(projection="ternary")
    >>> ax = asim.plotting.basins(asim.basins(loop, resolution=12), ax=ax)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['fixed point, 20.8 %', 'invariant circle, 79.2 %']
    """
    one = _chosen(result, index)
    names = response_labels(labels, result.starts.shape[-1])
    if len(names) == 3:
        ax = ternary_axes(ax, names)
        _draw_ground(ax, result, one, kwargs)
        for attractor in one.attractors:
            _draw_attractor(ax, attractor)
        _legend(ax, one)
        pad = 28.0
    else:
        ax = _draw_bars(ax, one, names, kwargs)
        pad = 8.0
    ax.set_title(f"basins of attraction, {len(result.starts)} starts", pad=pad)
    return ax


class _Attractor(NamedTuple):
    """One attractor: its number, colour, kind in words, share with interval, and policies."""

    number: int
    colour: str
    kind: str
    share: float
    interval: tuple[float, float]
    points: FloatArray
    period: int


class _Choice(NamedTuple):
    """One map of a result."""

    attractors: list[_Attractor]
    label: NDArray[np.int64]
    undecided: float


def _chosen(result: Basins, index: tuple[int, ...] | int) -> _Choice:
    of_kind(result, Basins, "result", "alignsim.analysis.basins")
    at = validation.position(index, "index", result.count.shape)
    count = int(result.count[at])
    share = result.share[at][:count]
    colours = np.full(count, _REST, dtype=object)
    largest = np.sort(np.argsort(-share, kind="stable")[: len(COLOURS)])
    colours[largest] = COLOURS[: len(largest)]
    return _Choice(
        attractors=[
            _Attractor(
                number=a,
                colour=colours[a],
                kind=_kind(str(result.phase[at][a]), int(result.period[at][a])),
                share=float(share[a]),
                interval=(result.share_low[at][a], result.share_high[at][a]),
                points=result.attractor_points[at][a],
                period=int(result.period[at][a]),
            )
            for a in range(count)
        ],
        label=result.label[at],
        undecided=float(result.undecided[at]),
    )


def _kind(phase: str, period: int) -> str:
    if phase == "converged":
        return "fixed point"
    if period > 1:
        return f"{'locked cycle' if phase == 'locked' else 'cycle'} of period {period}"
    return phase


def _draw_ground(ax: Axes, result: Basins, one: _Choice, kwargs: Style) -> None:
    """Colour each start, or the cell around it, by the attractor to which it goes."""
    looks = [(a.number, {"facecolor": _tint(a.colour)}) for a in one.attractors]
    for number, look in [*looks, (-1, _UNDECIDED)]:
        starts = np.flatnonzero(one.label == number)
        if not len(starts):
            continue
        style: Style = {"zorder": 0.5, "label": f"basin {number}", **look}
        if result.resolution:
            _draw_cells(ax, _cells(result)[starts], style | kwargs)
        else:
            dots: Style = {"s": 14.0, "linewidths": 0.0}
            ax.scatter(*result.starts[starts].T, **style | dots | kwargs)


def _cells(result: Basins) -> FloatArray:
    """Return the corners of the cells of a lattice: (m, corner, 3)."""
    side = result.resolution
    upward = np.arange(side**2) < side * (side + 1) // 2
    sign = np.where(upward, 1.0, -1.0)[:, None, None]
    return np.asarray(result.starts[:, None] + sign * _CORNERS / side)


def _draw_cells(ax: Axes, corners: FloatArray, style: Style) -> None:
    from matplotlib.collections import PolyCollection

    flat = ax.transProjection.transform(corners.reshape(-1, 3))  # type: ignore[attr-defined]
    seams: Style = {"linewidth": 0.3}
    if "hatch" not in style:
        seams["edgecolor"] = style["facecolor"]
    ax.add_collection(PolyCollection(flat.reshape(-1, 3, 2), **seams | style))


def _draw_attractor(ax: Axes, attractor: _Attractor) -> None:
    points = attractor.points
    if not np.isfinite(points).all():
        return
    look = _mark(attractor)
    if attractor.period == 1:
        points = points[:1]
    elif attractor.period:
        points = points[: attractor.period]
    if 1 < attractor.period <= _JOINED:
        ax.plot(*np.concatenate([points, points[:1]]).T, color=look["color"], linewidth=0.8)
    ax.plot(*points.T, linestyle="none", clip_on=False, label=attractor.kind, zorder=3, **look)


def _mark(attractor: _Attractor) -> Style:
    """Return how a policy on the attractor is marked."""
    if attractor.period == 1:
        shape: Style = {"marker": "D", "markersize": 7.5, "markeredgewidth": 1.2}
    elif attractor.period:
        shape = {"marker": "o", "markersize": 5.5, "markeredgewidth": 0.8}
    else:
        shape = {"marker": ".", "markersize": 3.0, "markeredgewidth": 0.0}
    return {"color": _shade(attractor.colour), "markeredgecolor": "white", **shape}


def _legend(ax: Axes, one: _Choice) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    named = [a for a in one.attractors if a.colour != _REST]
    rest = [a for a in one.attractors if a.colour == _REST]
    handles: list[Any] = [
        (Patch(facecolor=_tint(a.colour)), Line2D([], [], linestyle="none", **_mark(a)))
        for a in named
    ]
    texts = [f"{a.kind}, {_percent(a.share)}" for a in named]
    if rest:
        handles.append(Patch(facecolor=_tint(_REST)))
        texts.append(f"{len(rest)} more, {_percent(sum(a.share for a in rest))}")
    if one.undecided:
        handles.append(Patch(**_UNDECIDED))
        texts.append(f"undecided, {_percent(one.undecided)}")
    ax.legend(handles, texts, loc="upper left", bbox_to_anchor=(0.72, 1.0), frameon=False)


def _draw_bars(ax: Axes | None, one: _Choice, names: list[str], kwargs: Style) -> Axes:
    rows = len(one.attractors) + bool(one.undecided)
    ax = one_axes(ax, (6.4, 1.3 + _BAR * rows))
    texts = []
    for row, attractor in enumerate(one.attractors):
        low, high = attractor.interval
        style: Style = {"color": _tint(attractor.colour), "height": 0.7, **kwargs}
        ax.barh(row, attractor.share, **style)
        ax.plot([low, high], [row, row], color=_shade(attractor.colour), linewidth=2.0)
        end = np.fmax(high, attractor.share) + _GAP
        ax.text(end, row, _percent(attractor.share), va="center")
        texts.append(f"{attractor.kind}\n{_favourite(attractor, names)}")
    if one.undecided:
        ax.barh(rows - 1, one.undecided, **{"height": 0.7, **_UNDECIDED, **kwargs})
        ax.text(one.undecided + _GAP, rows - 1, _percent(one.undecided), va="center")
        texts.append("undecided")
    ax.set_yticks(range(rows), texts)
    ax.set(xlim=(0.0, 1.12), ylim=(rows - 0.5, -0.5))
    ax.set_xlabel("share of the starts, with 95 % interval")
    ax.set_xticks([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _favourite(attractor: _Attractor, names: list[str]) -> str:
    """Return which response has the largest share on the attractor, and the share."""
    if not np.isfinite(attractor.points).all():
        return "ever farther out"
    rounds = attractor.points[: attractor.period] if attractor.period else attractor.points
    mean = rounds.mean(axis=0)
    return f"mostly {names[int(mean.argmax())]}, {_percent(float(mean.max()))}"


def _percent(share: float) -> str:
    return f"{100.0 * share:.3g} %"


def _tint(colour: str) -> str:
    return mixed(colour, 1.0, _TINT)


def _shade(colour: str) -> str:
    return mixed(colour, 0.0, _SHADE)


_UNDECIDED: Style = {"facecolor": "white", "edgecolor": INK, "hatch": "////", "linewidth": 0.0}
