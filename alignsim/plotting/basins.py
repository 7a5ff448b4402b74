"""Basins of attraction: which start goes to which attractor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex, validation
from alignsim.analysis.orbits.basins import Basins
from alignsim.plotting.beside import Beside, Place, beside, scale, shrink
from alignsim.plotting.orbits import of_kind, response_labels
from alignsim.plotting.palette import INK, OKABE_ITO, Style, chosen, mixed
from alignsim.plotting.panels import Projection, one_axes, simplex_axes, title_above
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = OKABE_ITO[:7]
"""Of the largest attractors, or of responses, one each; the others share a grey."""

KINDS = ("attractor", "response")
"""What has a colour of its own."""

_NO_LEADER = "no one response"

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
    by: str = "attractor",
    labels: Sequence[str] | None = None,
    colors: Mapping[str, Any] | None = None,
    legend: Place = True,
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
        From :func:`alignsim.basins`.
    index
        Which map of a batch.
    by
        What has a colour: each "attractor"; or the "response" that is the likeliest on it,
        averaged over time (:func:`alignsim.simplex.likeliest`).
    labels
        Names of the responses.
    colors
        Colours by names: of the kinds of attractors, such as "fixed point", or of responses.
    legend
        False for none; or where: "right" of or "below" the axes, or a place of Matplotlib's
        within them, such as "upper left". Bars have none.
    ax
        Where to draw; by default a new figure. For three responses it must be made with
        ``projection="ternary"`` (after ``import mpltern``).
    **kwargs
        Passed to the artist of the basins: a ``PolyCollection`` for a lattice, else
        ``Axes.scatter``; or ``Axes.barh``.

    Raises
    ------
    ValueError
        If ``result`` is something else, ``index`` does not name one map, ``by`` is unknown,
        ``labels`` or ``colors`` do not fit, ``legend`` is no place, or ``ax`` is not ternary where
        it must be.

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
    around = beside(legend)
    validation.choice(by, "by", KINDS)
    one = _chosen(result, index)
    names = response_labels(labels, result.starts.shape[-1])
    one = _coloured(one, by, names, colors)
    title = f"basins of attraction, {len(result.starts)} starts"
    if len(names) == 3:
        ax, projected = simplex_axes(ax, names)
        _draw_ground(ax, result, one, projected, kwargs)
        for attractor in one.attractors:
            _draw_attractor(ax, attractor, projected)
        _add_legend(ax, one, around)
        title_above(ax, title)
    else:
        ax = _draw_bars(ax, one, names, kwargs)
        ax.set_title(title, pad=8.0)
    shrink(ax)
    return ax


class _Attractor(NamedTuple):
    """One attractor: its number, colour, name, share with interval, and policies."""

    number: int
    colour: str
    kind: str
    name: str
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
    of_kind(result, Basins, "result", "alignsim.basins")
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
                name="",
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


def _coloured(one: _Choice, by: str, names: list[str], colors: Mapping[str, Any] | None) -> _Choice:
    """Return the attractors with their names, and the colours that belong to these."""
    kinds = [a.kind for a in one.attractors]
    if by == "attractor":
        given = dict(zip(kinds, chosen(colors, kinds, [""] * len(kinds)), strict=True))
        return one._replace(
            attractors=[
                a._replace(name=a.kind, colour=given[a.kind] or a.colour) for a in one.attractors
            ]
        )
    known = [*names, _NO_LEADER]
    spare = (OKABE_ITO[i] if i < len(COLOURS) else _REST for i in range(len(names)))
    colours = chosen(colors, known, [*spare, _REST])
    leaders = [int(simplex.likeliest(_mean(a))) for a in one.attractors]
    return one._replace(
        attractors=[
            a._replace(name=known[leader], colour=colours[leader])
            for a, leader in zip(one.attractors, leaders, strict=True)
        ]
    )


def _kind(phase: str, period: int) -> str:
    if phase == "converged":
        return "fixed point"
    if period > 1:
        return f"{'locked cycle' if phase == 'locked' else 'cycle'} of period {period}"
    return phase


def _draw_ground(
    ax: Axes, result: Basins, one: _Choice, projected: Projection, kwargs: Style
) -> None:
    """Colour each start, or the cell around it, by the attractor to which it goes."""
    looks = [(a.number, {"facecolor": _tint(a.colour)}) for a in one.attractors]
    for number, look in [*looks, (-1, _UNDECIDED)]:
        starts = np.flatnonzero(one.label == number)
        if not len(starts):
            continue
        style: Style = {"zorder": 0.5, "label": f"basin {number}", **look}
        if result.resolution:
            _draw_cells(ax, projected(_cells(result)[starts]), style | kwargs)
        else:
            dots: Style = {"s": 14.0, "linewidths": 0.0, "transform": ax.transData}
            ax.scatter(*projected(result.starts[starts]).T, **style | dots | kwargs)


def _cells(result: Basins) -> FloatArray:
    """Return the corners of the cells of a lattice: (m, corner, 3)."""
    side = result.resolution
    upward = np.arange(side**2) < side * (side + 1) // 2
    sign = np.where(upward, 1.0, -1.0)[:, None, None]
    return np.asarray(result.starts[:, None] + sign * _CORNERS / side)


def _draw_cells(ax: Axes, corners: FloatArray, style: Style) -> None:
    from matplotlib.collections import PolyCollection

    seams: Style = {"linewidth": 0.3}
    if "hatch" not in style:
        seams["edgecolor"] = style["facecolor"]
    ax.add_collection(PolyCollection(list(corners), **seams | style))


def _draw_attractor(ax: Axes, attractor: _Attractor, projected: Projection) -> None:
    if not np.isfinite(attractor.points).all():
        return
    look = _mark(attractor, ax)
    flat: Style = {"transform": ax.transData}
    points = projected(_rounds(attractor))
    if 1 < attractor.period <= _JOINED:
        closed = np.concatenate([points, points[:1]])
        ax.plot(*closed.T, color=look["color"], linewidth=0.8, **flat)
    style: Style = {"linestyle": "none", "clip_on": False, "label": attractor.kind}
    ax.plot(*points.T, zorder=3, **style, **look, **flat)


def _rounds(attractor: _Attractor) -> FloatArray:
    """Return the policies of one period, or of all rounds that are known."""
    return attractor.points[: attractor.period] if attractor.period else attractor.points


def _mean(attractor: _Attractor) -> FloatArray:
    """Return the policy averaged over the attractor; NaN where orbits drift."""
    return np.asarray(_rounds(attractor).mean(axis=0))


def _mark(attractor: _Attractor, ax: Axes) -> Style:
    """Return how a policy on the attractor is marked."""
    if attractor.period == 1:
        shape: Style = {"marker": "D", "markersize": 7.5, "markeredgewidth": 1.2}
    elif attractor.period:
        shape = {"marker": "o", "markersize": 5.5, "markeredgewidth": 0.8}
    else:
        shape = {"marker": ".", "markersize": 3.0, "markeredgewidth": 0.0}
    shape |= {name: scale(ax) * shape[name] for name in ("markersize", "markeredgewidth")}
    return {"color": _shade(attractor.colour), "markeredgecolor": "white", **shape}


def _add_legend(ax: Axes, one: _Choice, around: Beside) -> None:
    """Name each attractor, or each response once, with its share."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    named = [a for a in one.attractors if a.colour != _REST]
    handles: list[Any] = []
    texts = []
    by_response = [a.name for a in one.attractors] != [a.kind for a in one.attractors]
    if by_response:
        for name in dict.fromkeys(a.name for a in named):
            same = [a for a in named if a.name == name]
            handles.append(Patch(facecolor=_tint(same[0].colour)))
            texts.append(f"{name}, {_percent(sum(a.share for a in same))}")
    else:
        for a in named:
            mark = Line2D([], [], linestyle="none", **_mark(a, ax))
            handles.append((Patch(facecolor=_tint(a.colour)), mark))
            texts.append(f"{a.name}, {_percent(a.share)}")
    rest = [a for a in one.attractors if a.colour == _REST]
    if rest:
        handles.append(Patch(facecolor=_tint(_REST)))
        what = _NO_LEADER if by_response else f"{len(rest)} more"
        texts.append(f"{what}, {_percent(sum(a.share for a in rest))}")
    if one.undecided:
        handles.append(Patch(**_UNDECIDED))
        texts.append(f"undecided, {_percent(one.undecided)}")
    around.add_legend(ax, handles, texts, place="upper left", bbox_to_anchor=(0.72, 1.0))


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
    mean = _mean(attractor)
    return f"mostly {names[int(mean.argmax())]}, {_percent(float(mean.max()))}"


def _percent(share: float) -> str:
    return f"{100.0 * share:.3g} %"


def _tint(colour: str) -> str:
    return mixed(colour, 1.0, _TINT)


def _shade(colour: str) -> str:
    return mixed(colour, 0.0, _SHADE)


_UNDECIDED: Style = {"facecolor": "white", "edgecolor": INK, "hatch": "////", "linewidth": 0.0}
