"""Policies and entropy over the rounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim import validation
from alignsim.feedback.trajectory import Trajectory
from alignsim.plotting import orbits
from alignsim.plotting.palette import INK, OKABE_ITO, Style
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

_BAND = 0.3
"""Opacity of the first band; that of the others is lower, so that all count where they overlap."""

_EDGE = 0.6
"""Width of the edge of a band, in widths of the line before it."""

_GREY = "#BBBBBB"


def timeline(
    orbit: Trajectory,
    *,
    index: tuple[int, ...] | int = (),
    labels: Sequence[str] | None = None,
    time: str = "log",
    ax: Sequence[Axes] | PanelArray | None = None,
    **kwargs: Any,
) -> PanelArray:
    """Return two Axes: the policy's coordinates over the rounds, and its entropy below.

    Of more than eight responses, the eight that reach the highest probabilities are named; the
    others are grey. Where rounds are too dense for a line to be followed, a band spans from the
    least to the greatest of neighbouring ones: it is wide where the orbit oscillates.

    Parameters
    ----------
    orbit
        From ``FeedbackMap.run``.
    index
        Which instance of a batch.
    labels
        Names of the responses.
    time
        "log", which shows the first rounds and the long run at once, or "linear".
    ax
        Two Axes to draw on; by default a new figure.
    **kwargs
        Passed to ``Axes.plot``, which draws the lines.

    Raises
    ------
    ValueError
        If ``orbit`` is no trajectory or keeps one round only, ``index`` does not name one
        instance, ``labels`` do not fit, ``time`` is unknown or ``ax`` is not two Axes.

    Examples
    --------
    >>> import alignsim as asim
    >>> from matplotlib.figure import Figure
    >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=8.0, alpha=0.6)
    >>> axes = asim.plotting.timeline(loop.run(rounds=50), ax=Figure().subplots(2))
    >>> [ax.get_ylabel() for ax in axes]
    ['probability', 'entropy (nats)']
    """
    policies, entropy = orbits.one_orbit(orbit, index)
    if len(orbit.rounds) < 2:
        raise ValueError(
            f"orbit keeps round {orbit.rounds[0]} only, which makes no timeline; run the map with "
            'keep="all" or every n-th round'
        )
    names = orbits.response_labels(labels, policies.shape[-1])
    validation.choice(time, "time", ("linear", "log"))
    top, bottom = axes = panel_axes(
        ax, (2,), (7.2, 4.6), upright=True, sharex=True, height_ratios=(2, 1)
    )
    order = np.argsort(-policies.max(axis=0), kind="stable")
    grey, named = order[_NAMED:], np.sort(order[:_NAMED])
    courses = [
        *(_Course(policies[:, i], _GREY, f"{len(grey)} others") for i in grey),
        *(_Course(policies[:, i], c, names[i]) for i, c in zip(named, OKABE_ITO, strict=False)),
    ]
    uniform = np.log(len(names))
    _draw(top, orbit.rounds, courses, time, kwargs)
    _draw(bottom, orbit.rounds, [_Course(entropy, INK, "entropy")], time, kwargs)
    bottom.axhline(uniform, color=INK, linewidth=0.8, linestyle=":", label=f"log {len(names)}")
    orbits.note_failure(top, orbit, index)
    top.set(ylabel="probability", ylim=(0.0, None), title=orbits.title(orbit))
    bottom.set(xlabel="round", ylabel="entropy (nats)", ylim=(0.0, 1.15 * uniform))
    for each in axes:
        each.set_xlim(orbit.rounds[0], max(orbit.rounds[-1], orbit.rounds[0] + 1))
        handles, texts = each.get_legend_handles_labels()
        once = dict(zip(texts, handles, strict=True))
        each.legend(
            once.values(), once, loc="upper left", bbox_to_anchor=(1.0, 1.05), frameon=False
        )
    return axes


class _Course(NamedTuple):
    """A number over the rounds, (f,), and how it is drawn."""

    values: FloatArray
    colour: str
    label: str


def _draw(
    ax: Axes,
    rounds: NDArray[np.int64],
    courses: list[_Course],
    time: str,
    style: Style,
) -> None:
    """Draw lines as far as the eye can follow them, and from there on bands."""
    split = _crowded_from(rounds, time)
    for rank, (values, colour, label) in enumerate(courses):
        look: Style = {"color": colour, "label": label, "linewidth": 1.3} | style
        (line,) = ax.plot(rounds[: split + 1], values[: split + 1], **look)
        if split < len(rounds):
            starts = split + np.unique(_columns(rounds, time)[split:], return_index=True)[1]
            _draw_band(ax, rounds, values, starts, line, _BAND / (1.0 + rank * _BAND))
    if split < len(rounds):
        ax.fill_between([], [], color=_GREY, label="range of rounds")
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
