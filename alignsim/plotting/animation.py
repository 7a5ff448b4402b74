"""An orbit on the simplex, round by round, as a film."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsim import validation
from alignsim.feedback.naming import loop_name
from alignsim.feedback.trajectory import Trajectory
from alignsim.plotting import orbits
from alignsim.plotting.beside import scale, shrink
from alignsim.plotting.palette import INK, OKABE_ITO, Style
from alignsim.plotting.panels import simplex_axes, title_above

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_PALEST = 0.1
"""Opacity of the oldest policy of the trail."""


def animate(
    orbit: Trajectory,
    *,
    index: tuple[int, ...] | int = (),
    labels: Sequence[str] | None = None,
    frames: int = 200,
    trail: int = 30,
    interval: int = 80,
    ax: Axes | None = None,
    **kwargs: Any,
) -> FuncAnimation:
    """Return an animation of an orbit on the simplex: a frame for each round kept.

    `alignsim.plotting.save` writes it as a GIF. As everywhere in Matplotlib, it must be held in a
    variable until it has been shown or saved.

    Parameters
    ----------
    orbit
        From ``FeedbackMap.run``, three responses or more.
    index
        Which instance of a batch.
    labels
        Names of the responses, at the corners.
    frames
        How many of the rounds kept are shown, from the first on, at most.
    trail
        How many policies before the present one are seen, fading.
    interval
        Milliseconds from frame to frame.
    ax
        Where to draw; by default a new figure. For three responses it must be made with
        ``projection="ternary"`` (after ``import mpltern``).
    **kwargs
        Passed to ``Axes.scatter``, which draws the trail.

    Raises
    ------
    ValueError
        If ``orbit`` is no trajectory, ``index`` does not name one instance, there are two
        responses, ``labels`` do not fit, a number is below 1, or ``ax`` is not ternary where it
        must be.

    Examples
    --------
    >>> import tempfile, pathlib, alignsim as asim, mpltern
    >>> from matplotlib.figure import Figure
    >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=8.0, alpha=0.6)
    >>> ax = Figure(figsize=(2, 2)).add_subplot(projection="ternary")
    >>> film = asim.plotting.animate(loop.run([0.8, 0.1, 0.1], rounds=3), ax=ax)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = asim.plotting.save(film, pathlib.Path(folder, "orbit.gif"))
    ...     path.read_bytes()[:3]
    b'GIF'
    """
    shown = validation.integer(frames, "frames", minimum=1)
    behind = validation.integer(trail, "trail", minimum=1)
    pause = validation.integer(interval, "interval", minimum=1)
    orbits.of_kind(orbit, Trajectory, "orbit", "FeedbackMap.run")
    (course,) = orbits.courses(orbit, index, None)
    responses = course.policies.shape[-1]
    if responses == 2:
        raise ValueError("orbit has 2 responses, whose simplex is a line; use plotting.timeline")
    ax, projected = simplex_axes(ax, orbits.response_labels(labels, responses))
    points = projected(course.policies[:shown])
    loop = loop_name(orbit.scheme, orbit.objective, orbit.sampler)
    title_above(ax, f"{loop}, round {course.rounds[0]}")
    shrink(ax)
    flat: Style = {"transform": ax.transData, "clip_on": False}
    size = scale(ax)
    style: Style = {"s": 14.0 * size**2, "linewidths": 0.0, "color": OKABE_ITO[0], "zorder": 2}
    dots = ax.scatter([], [], **style | kwargs, **flat)
    (path,) = ax.plot([], [], color=INK, linewidth=0.6 * size, alpha=0.4, **flat)
    mark: Style = {"marker": "o", "markersize": 7 * size, "color": OKABE_ITO[5], "zorder": 3}
    (head,) = ax.plot([], [], markeredgecolor=INK, markeredgewidth=size, **mark, **flat)

    def draw(frame: int) -> list[Artist]:
        past = points[max(0, frame - behind) : frame + 1]
        dots.set_offsets(past)
        dots.set_alpha(np.linspace(_PALEST, 1.0, len(past) + 1)[1:].tolist())
        path.set_data(*past.T)
        head.set_data(*past[-1:].T)
        ax.title.set_text(f"{loop}, round {course.rounds[frame]}")
        return [dots, path, head, ax.title]

    from matplotlib.animation import FuncAnimation

    figure = ax.figure.canvas.figure
    return FuncAnimation(figure, draw, frames=len(points), interval=pause, repeat=True)
