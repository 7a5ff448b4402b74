"""The last rounds of an orbit, one by one, in a corner of a picture of many rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsim.plotting.beside import is_small
from alignsim.plotting.orbits import Course
from alignsim.plotting.palette import Style
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TURNS = 4
"""Oscillations that are shown."""

_FEWEST, _MOST = 12, 60
"""Rounds that are shown."""

_SEEN = 240
"""Rounds from which the length of an oscillation is read off."""

_STILL = 0.02
"""Range of a probability up to which an orbit has come to rest, to the eye."""

_WIDTH, _HEIGHT = 0.42, 0.36
_LOWEST = (0.52, 0.32, 0.1)
"""Size of the inset and the places of its lower edge, as shares of the axes."""


def draw_last_rounds(ax: Axes, course: Course, colours: list[Any]) -> None:
    """Draw the last rounds of an orbit where they hide least, if it still moves."""
    count = _window(course.policies)
    recent, rounds = course.policies[-count:], course.rounds[-count:]
    if not np.ptp(recent, axis=0).max() > _STILL or rounds[-1] - rounds[0] != len(rounds) - 1:
        return
    inset = ax.inset_axes((0.98 - _WIDTH, _clearest(ax), _WIDTH, _HEIGHT), zorder=5)
    for i in np.argsort(np.ptp(recent, axis=0), kind="stable"):
        inset.plot(rounds, recent[:, i], color=colours[i], linewidth=0.9, marker=".", markersize=2)
    inset.patch.set_alpha(0.93)
    inset.set(xlim=(rounds[0], rounds[-1]), xticks=[], yticks=[])
    inset.margins(y=0.08)
    size = 6.0 if is_small(ax) else 8.0
    paper: Style = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6}
    inset.set_title(f"last {len(rounds)} rounds", fontsize=size, pad=3.0, bbox=paper)


def _window(policies: FloatArray) -> int:
    """Return how many of the last rounds hold a few oscillations."""
    recent = policies[-_SEEN:]
    widest = recent[:, np.argmax(np.ptp(recent, axis=0))]
    above = widest > 0.5 * (widest.min() + widest.max())
    turns = int(np.count_nonzero(above[1:] & ~above[:-1]))
    return int(np.clip(_TURNS * len(recent) / max(turns, 1), _FEWEST, _MOST))


def _clearest(ax: Axes) -> float:
    """Return the place of the lower edge at which the inset hides the fewest points of lines."""
    drawn = [ax.transData.transform(line.get_xydata()) for line in ax.lines]
    points = ax.transAxes.inverted().transform(np.concatenate(drawn))
    beneath = points[points[:, 0] > 0.96 - _WIDTH, 1]
    hidden = [((low <= beneath) & (beneath <= low + _HEIGHT)).sum() for low in _LOWEST]
    return _LOWEST[int(np.argmin(hidden))]
