"""The orbit on the simplex of policies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alignsim.feedback.trajectory import Trajectory
from alignsim.plotting import orbits
from alignsim.plotting.palette import INK, OKABE_ITO, Style, light_viridis
from alignsim.plotting.panels import one_axes, ternary_axes
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABEL_RADIUS = 1.08
_JOINED = 40
"""Policies that are joined by a line; more would fill the plot."""


def simplex(
    orbit: Trajectory,
    *,
    index: tuple[int, ...] | int = (),
    labels: Sequence[str] | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Return the Axes with an orbit on the simplex, coloured by round.

    Three responses make a ternary plot. More are projected: each policy is the average of the
    corners of a regular polygon, weighted by its probabilities, so that different policies may
    fall on one point.

    Parameters
    ----------
    orbit
        From ``FeedbackMap.run``, three responses or more.
    index
        Which instance of a batch.
    labels
        Names of the responses, at the corners.
    ax
        Where to draw; by default a new figure. For three responses it must be made with
        ``projection="ternary"`` (after ``import mpltern``).
    **kwargs
        Passed to ``Axes.scatter``, which draws the policies.

    Raises
    ------
    ValueError
        If ``orbit`` is no trajectory, ``index`` does not name one instance, there are two
        responses, ``labels`` do not fit, or ``ax`` is not ternary where it must be.

    Examples
    --------
    >>> import alignsim as asim, mpltern
    >>> from matplotlib.figure import Figure
    >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=8.0, alpha=0.6)
    >>> ax = Figure().add_subplot(projection="ternary")
    >>> asim.plotting.simplex(loop.run([0.8, 0.1, 0.1], rounds=50), ax=ax).get_title()
    'MRS-IPO, 50 rounds'
    """
    policies, _ = orbits.one_orbit(orbit, index)
    responses = policies.shape[-1]
    if responses == 2:
        raise ValueError("orbit has 2 responses, whose simplex is a line; use plotting.timeline")
    names = orbits.response_labels(labels, responses)
    if responses == 3:
        ax = ternary_axes(ax, names)
        points = tuple(policies.T)
    else:
        ax = _polygon_axes(ax, names)
        points = tuple((policies @ _corners(responses)).T)
    _draw_path(ax, points, orbit.rounds, kwargs)
    orbits.note_failure(ax, orbit, index)
    ax.set_title(orbits.title(orbit), pad=28.0)
    return ax


def _draw_path(
    ax: Axes, points: tuple[FloatArray, ...], rounds: NDArray[np.int64], kwargs: Style
) -> None:
    from matplotlib.colors import PowerNorm

    first = tuple(axis[:_JOINED] for axis in points)
    ax.plot(*first, color=INK, linewidth=0.5, alpha=0.4, zorder=1)
    style: Style = {
        "c": rounds,
        "s": 9.0,
        "cmap": light_viridis(),
        "norm": PowerNorm(0.5, vmin=0, vmax=max(rounds[-1], 1)),
        "linewidths": 0.0,
        "zorder": 2,
    }
    dots = ax.scatter(*points, **style | kwargs)
    ends: Style = {"linestyle": "none", "markeredgecolor": INK, "clip_on": False, "zorder": 3}
    if rounds[0] == 0:
        ax.plot(*_row(points, 0), marker="o", color="white", markersize=7, label="start", **ends)
    ax.plot(*_row(points, -1), marker="D", color=OKABE_ITO[5], markersize=6, label="end", **ends)
    ax.legend(loc="upper right", frameon=False)
    ax.figure.colorbar(dots, ax=ax, label="round", shrink=0.75, pad=0.06)


def _row(points: tuple[FloatArray, ...], row: int) -> list[FloatArray]:
    return [axis[[row]] for axis in points]


def _polygon_axes(ax: Axes | None, names: list[str]) -> Axes:
    ax = one_axes(ax, (7.2, 4.8))
    corners = _corners(len(names))
    ax.fill(*corners.T, facecolor="none", edgecolor=INK, linewidth=0.8)
    for (x, y), name in zip(corners, names, strict=True):
        ax.text(
            _LABEL_RADIUS * x,
            _LABEL_RADIUS * y,
            name,
            ha="left" if x > 0.1 else "right" if x < -0.1 else "center",
            va="bottom" if y > 0.1 else "top" if y < -0.1 else "center",
        )
    ax.set(xlim=(-1.7, 1.7), ylim=(-1.2, 1.2), aspect="equal")
    ax.set_axis_off()
    return ax


def _corners(responses: int) -> FloatArray:
    """Return the corners of a regular polygon, the first one on top, clockwise: (K, 2)."""
    angles = 2.0 * np.pi * np.arange(responses) / responses
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1)
