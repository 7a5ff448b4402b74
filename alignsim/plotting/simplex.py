"""Orbits on the simplex of policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsim.feedback.trajectory import Trajectory
from alignsim.plotting import orbits
from alignsim.plotting.beside import Place, beside, scale, shrink
from alignsim.plotting.palette import INK, OKABE_ITO, Style, chosen, light_viridis
from alignsim.plotting.panels import simplex_axes, title_above
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.lines import Line2D

_JOINED = 40
"""Policies that are joined by a line; more would fill the plot."""

_OF_ORBITS = OKABE_ITO[:5] + OKABE_ITO[7:]
"""Colours of orbits, without that of the mark at the end and one too light for dots."""

_DOTS = "dots"
"""By which the policies of an orbit are known on the axes."""


def simplex(
    orbit: Trajectory | Sequence[Trajectory],
    *,
    index: tuple[int, ...] | int = (),
    labels: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    colors: Mapping[str, Any] | None = None,
    legend: Place = True,
    colorbar: Place = True,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Return the Axes with one orbit on the simplex, coloured by round, or several.

    Three responses make a ternary plot. More are projected: each policy is the average of the
    corners of a regular polygon, weighted by its probabilities, so that different policies may
    fall on one point. Several orbits have one colour each; so have those that are drawn on axes
    where there is an orbit already.

    Parameters
    ----------
    orbit
        From ``FeedbackMap.run``, three responses or more; or several of these.
    index
        Which instance of a batch.
    labels
        Names of the responses, at the corners.
    names
        Names of the orbits; given for one orbit, it has one colour too.
    colors
        Colours of the orbits by their names.
    legend, colorbar
        False for none; or where. The legend: "right" of or "below" the axes, or a place of
        Matplotlib's within them, such as "upper left". The bar: "right", "left", "top", "bottom".
    ax
        Where to draw; by default a new figure. For three responses it must be made with
        ``projection="ternary"`` (after ``import mpltern``).
    **kwargs
        Passed to ``Axes.scatter``, which draws the policies.

    Raises
    ------
    ValueError
        If ``orbit`` is no trajectory, ``index`` does not name one instance, there are two
        responses, ``labels``, ``names`` or ``colors`` do not fit, ``legend`` or ``colorbar`` is
        no place, or ``ax`` is not ternary where it must be.

    Examples
    --------
    >>> import alignsim as asim, mpltern
    >>> from matplotlib.figure import Figure
    >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=8.0, alpha=0.6)
    >>> ax = Figure().add_subplot(projection="ternary")
    >>> asim.plotting.simplex(loop.run([0.8, 0.1, 0.1], rounds=50), ax=ax).get_title()
    'MRS-IPO, 50 rounds'
    """
    around = beside(legend, colorbar)
    earlier = [] if ax is None else _dots(ax)
    courses = orbits.courses(orbit, index, names, drawn=len(earlier))
    responses = courses[0].policies.shape[-1]
    if responses == 2:
        raise ValueError("orbit has 2 responses, whose simplex is a line; use plotting.timeline")
    corners = orbits.response_labels(labels, responses)
    one = len(courses) == 1 and not earlier and names is None and not {"color", "c"} & set(kwargs)
    places = [(len(earlier) + i) % len(_OF_ORBITS) for i in range(len(courses))]
    shown = [course.name for course in courses]
    colours = chosen(colors, shown, [_OF_ORBITS[i] for i in places])
    ax, projected = simplex_axes(ax, corners)
    for course, colour in zip(courses, colours, strict=True):
        points = projected(course.policies)
        look: Style = _by_round(course) if one else {"color": colour, "label": course.name}
        dots = _draw_path(ax, points, course, look | kwargs)
        if one:
            around.add_bar(ax, dots, label="round", shrink=0.75, pad=0.06)
        orbits.note_failure(ax, course)
    around.add_legend(ax, *_entries(ax), place="upper left", bbox_to_anchor=(0.72, 1.05))
    if not earlier:
        title_above(ax, orbits.title(orbit))
    shrink(ax)
    return ax


def _dots(ax: Axes) -> list[PathCollection]:
    """Return the orbits that are drawn on the axes already."""
    return [each for each in getattr(ax, "collections", ()) if each.get_gid() == _DOTS]


def _entries(ax: Axes) -> tuple[list[Line2D], list[str]]:
    """Return the legend: the orbits that have a name, then the marks of their ends."""
    from matplotlib.colors import to_hex
    from matplotlib.lines import Line2D

    dots = [each for each in _dots(ax) if each.get_array() is None]
    style: Style = {"linestyle": "none", "marker": "o", "markersize": 4.0}
    colours = [to_hex(np.ravel(each.get_facecolor())[:4].tolist()) for each in dots]
    handles = [Line2D([], [], color=colour, **style) for colour in colours]
    texts = [str(each.get_label()) for each in dots]
    for line in ax.lines:
        if line.get_label() in ("start", "end") and line.get_label() not in texts:
            handles.append(line)
            texts.append(str(line.get_label()))
    return handles, texts


def _by_round(course: orbits.Course) -> Style:
    from matplotlib.colors import PowerNorm

    return {
        "c": course.rounds,
        "cmap": light_viridis(),
        "norm": PowerNorm(0.5, vmin=0, vmax=max(course.rounds[-1], 1)),
    }


def _draw_path(ax: Axes, points: FloatArray, course: orbits.Course, look: Style) -> PathCollection:
    flat: Style = {"transform": ax.transData}
    ax.plot(*points[:_JOINED].T, color=INK, linewidth=0.5, alpha=0.4, zorder=1, **flat)
    size = scale(ax)
    style: Style = {"s": 9.0 * size**2, "linewidths": 0.0, "zorder": 2, "gid": _DOTS}
    dots = ax.scatter(points[:, 0], points[:, 1], **style | look | flat)
    ends: Style = {"linestyle": "none", "markeredgecolor": INK, "clip_on": False, "zorder": 3}
    ends["markeredgewidth"] = size
    if course.rounds[0] == 0:
        start: Style = {"marker": "o", "color": "white", "markersize": 7 * size, "label": "start"}
        ax.plot(*points[:1].T, **start, **ends, **flat)
    end: Style = {"marker": "D", "color": OKABE_ITO[5], "markersize": 6 * size, "label": "end"}
    ax.plot(*points[-1:].T, **end, **ends, **flat)
    return dots
