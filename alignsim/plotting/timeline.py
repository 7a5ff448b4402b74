"""Policies and entropy over the rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim import validation
from alignsim.errors import InputError, quote
from alignsim.feedback.trajectory import Trajectory
from alignsim.plotting import orbits
from alignsim.plotting.beside import Beside, Place, beside, fits, is_small, scale, shrink
from alignsim.plotting.inset import draw_last_rounds
from alignsim.plotting.palette import DASHES, INK, OKABE_ITO, Style, chosen
from alignsim.plotting.panels import PanelArray, panel_axes
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_NAMED = len(OKABE_ITO)
"""Responses with a colour and a name; the others are grey."""

_COLUMNS = 120
_FOLLOWED = 4
"""The eye follows a line while no more of its rounds share a column of the axis."""

_BAND, _FAINTEST = 0.36, 0.08
"""Opacity of all bands together, and of one at least."""

_EDGE = 0.6
"""Width of the edge of a band, in widths of the line before it."""

_GREY = "#BBBBBB"

_ORBIT = "orbit"
"""By which the entropy of an orbit is known on the axes."""


def timeline(
    orbit: Trajectory | Sequence[Trajectory],
    *,
    index: tuple[int, ...] | int = (),
    labels: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    time: str = "log",
    inset: bool = True,
    colors: Mapping[str, Any] | None = None,
    legend: Place = True,
    ax: Sequence[Axes] | PanelArray | None = None,
    **kwargs: Any,
) -> PanelArray:
    """Return two Axes: the policy's coordinates over the rounds, and its entropy below.

    Of more than eight responses, the eight that reach the highest probabilities are named; the
    others are grey. Where rounds are too dense for a line to be followed, a band spans from the
    least to the greatest of neighbouring ones: it is wide where the orbit oscillates, and an inset
    shows its last rounds one by one. Several orbits differ by the style of their lines; so do
    those that are drawn on axes where there is an orbit already.

    Parameters
    ----------
    orbit
        From ``FeedbackMap.run``; or several of these.
    index
        Which instance of a batch.
    labels
        Names of the responses.
    names
        Names of the orbits.
    time
        "log", which shows the first rounds and the long run at once, or "linear".
    inset
        Whether to show the last rounds of an orbit that still moves, where its lines have become
        bands; of several orbits, of the first.
    colors
        Colours of the responses by their labels.
    legend
        False for none; or where: "right" of or "below" the axes, or a place of Matplotlib's
        within them, such as "upper left".
    ax
        Two Axes to draw on; by default a new figure.
    **kwargs
        Passed to ``Axes.plot``, which draws the lines.

    Raises
    ------
    ValueError
        If ``orbit`` is no trajectory or keeps one round only, ``index`` does not name one
        instance, ``labels``, ``names`` or ``colors`` do not fit, ``time`` is unknown, ``legend``
        is no place, or ``ax`` is not two Axes.

    Examples
    --------
    >>> import alignsim as asim
    >>> from matplotlib.figure import Figure
    >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=8.0, alpha=0.6)
    >>> axes = asim.plotting.timeline(loop.run(rounds=50), ax=Figure().subplots(2))
    >>> [ax.get_ylabel() for ax in axes]
    ['probability', 'entropy (nats)']
    """
    around = beside(legend)
    if not isinstance(inset, bool | np.bool_):
        raise InputError("inset", f"is {quote(inset)}", "give True or False")
    validation.choice(time, "time", ("linear", "log"))
    runs = orbits.courses(orbit, index, names)
    for course in runs:
        if len(course.rounds) < 2:
            raise ValueError(
                f"orbit keeps round {course.rounds[0]} only, which makes no timeline; run the map "
                'with keep="all" or every n-th round'
            )
    responses = runs[0].policies.shape[-1]
    shown = orbits.response_labels(labels, responses)
    named, colours = _colours(runs, shown, colors)
    top, bottom = axes = panel_axes(
        ax, (2,), (7.2, 4.6), upright=True, sharex=True, height_ratios=(2, 1)
    )
    earlier = sum(line.get_gid() == _ORBIT for line in bottom.lines)
    if names is None:
        runs = orbits.courses(orbit, index, None, drawn=earlier)
    for number, course in enumerate(runs, start=earlier):
        look: Style = {"linestyle": DASHES[number % len(DASHES)]} | kwargs
        order = [*(i for i in range(responses) if i not in named), *named]
        lines = [_Line(course.policies[:, i], colours[i], shown[i]) for i in order]
        _draw(top, course.rounds, lines, time, look)
        entropy = _Line(course.entropy, INK, course.name)
        _draw(bottom, course.rounds, [entropy], time, look | {"gid": _ORBIT})
        orbits.note_failure(top, course)
    if not earlier:
        _label(axes, orbits.title(orbit), responses)
    for each in axes:
        low, high = each.dataLim.intervalx
        each.set_xlim(low, max(high, low + 1))
    _add_legend(axes, named, colours, shown, around)
    if inset and not earlier and _crowded_from(runs[0].rounds, time) < len(runs[0].rounds):
        draw_last_rounds(top, runs[0], colours)
    shrink(*axes)
    return axes


class _Line(NamedTuple):
    """A number over the rounds, (f,), and how it is drawn."""

    values: FloatArray
    colour: Any
    label: str


def _colours(
    runs: list[orbits.Course], labels: list[str], colors: Mapping[str, Any] | None
) -> tuple[list[int], list[Any]]:
    """Return the responses that are named, in order, and the colours of all."""
    highest = np.max([run.policies.max(axis=0) for run in runs], axis=0)
    named = np.sort(np.argsort(-highest, kind="stable")[:_NAMED])
    colours = np.full(len(labels), _GREY, dtype=object)
    colours[named] = OKABE_ITO[: len(named)]
    return named.tolist(), chosen(colors, labels, colours.tolist())


def _label(axes: PanelArray, title: str, responses: int) -> None:
    top, bottom = axes
    uniform = np.log(responses)
    style: Style = {"linewidth": 0.8, "linestyle": ":", "label": f"log {responses}"}
    bottom.axhline(uniform, color=INK, **style)
    bottom.annotate(
        f"log {responses}", (1.0, uniform), (-3.0, 1.0), ha="right", va="bottom",
        xycoords=("axes fraction", "data"), textcoords="offset points", fontsize="small",
    )  # fmt: skip
    top.set(ylabel="probability", ylim=(0.0, None), title=title)
    low = "entropy (nats)" if fits("entropy (nats)", bottom, "y") else "H (nats)"
    bottom.set(xlabel="round", ylabel=low, ylim=(0.0, 1.35 * uniform))


def _add_legend(
    axes: PanelArray, named: list[int], colours: list[Any], labels: list[str], around: Beside
) -> None:
    """Name the responses by their colours, orbits by their dashes, and what a band is."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    top, bottom = axes
    handles: list[Any] = [Line2D([], [], color=colours[i], label=labels[i]) for i in named]
    if len(named) < len(labels):
        others = f"{len(labels) - len(named)} others"
        handles.append(Line2D([], [], color=_GREY, label=others))
    drawn = [line for line in bottom.lines if line.get_gid() == _ORBIT]
    if len(drawn) > 1:
        handles += [
            Line2D([], [], color=INK, linestyle=each.get_linestyle(), label=each.get_label())
            for each in drawn
        ]
    if top.collections:
        handles.append(Patch(color=_GREY, label="range" if is_small(top) else "range of rounds"))
    around.add_legend(bottom if around.legend == "below" else top, handles, place="right")


def _draw(ax: Axes, rounds: NDArray[np.int64], lines: list[_Line], time: str, style: Style) -> None:
    """Draw lines as far as the eye can follow them, and from there on bands."""
    split = _crowded_from(rounds, time)
    for values, colour, label in lines:
        look: Style = {"color": colour, "label": label, "linewidth": 1.3 * scale(ax)} | style
        (line,) = ax.plot(rounds[: split + 1], values[: split + 1], **look)
        if split < len(rounds):
            starts = split + np.unique(_columns(rounds, time)[split:], return_index=True)[1]
            _draw_band(ax, rounds, values, starts, line, max(_FAINTEST, _BAND / len(lines)))
    if time == "log":
        ax.set_xscale("symlog", linthresh=1.0)


def _draw_band(
    ax: Axes,
    rounds: NDArray[np.int64],
    values: FloatArray,
    starts: NDArray[np.intp],
    line: Line2D,
    opacity: float,
) -> None:
    """Draw the range of the columns that begin at ``starts`` in the colour of ``line``."""
    place = rounds[(starts + np.append(starts[1:], len(rounds))) // 2]
    place[0], place[-1] = rounds[starts[0]], rounds[-1]
    low, high = (_over_neighbours(each, values, starts) for each in (np.fmin, np.fmax))
    ax.fill_between(place, low, high, color=line.get_color(), alpha=opacity, linewidth=0.0)
    for edge in (low, high):
        ax.plot(place, edge, color=line.get_color(), linewidth=_EDGE * line.get_linewidth())


def _crowded_from(rounds: NDArray[np.int64], time: str) -> int:
    """Return the first index from which more rounds share a column than can be followed."""
    _, first, count = np.unique(_columns(rounds, time), return_index=True, return_counts=True)
    crowded = first[count > _FOLLOWED]
    return int(crowded[0]) if crowded.size else len(rounds)


def _columns(rounds: NDArray[np.int64], time: str) -> NDArray[np.int64]:
    """Return the column of the axis in which each round lies."""
    place = np.log1p(rounds) if time == "log" else rounds
    return np.floor(_COLUMNS * place / max(place[-1], 1)).astype(np.int64)


def _over_neighbours(extreme: np.ufunc, values: FloatArray, starts: NDArray[np.intp]) -> FloatArray:
    """Return the least or greatest of each column and the two beside it; NaN is left out."""
    found = np.pad(extreme.reduceat(values, starts), 1, mode="edge")
    return extreme(extreme(found[:-2], found[1:-1]), found[2:])
