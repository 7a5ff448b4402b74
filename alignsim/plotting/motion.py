"""Where a round takes each policy: arrows on the simplex."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsim.feedback.naming import loop_name
from alignsim.feedback.trajectory import Trajectory
from alignsim.plotting.beside import Place, beside, scale, shrink
from alignsim.plotting.orbits import of_kind, response_labels
from alignsim.plotting.palette import Style, dark_viridis
from alignsim.plotting.panels import simplex_axes, title_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHARE = 0.85
"""Longest arrow, in distances between neighbours of as many points spread evenly."""


def motion(
    orbits: Trajectory,
    *,
    labels: Sequence[str] | None = None,
    colorbar: Place = True,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Return the Axes with an arrow from each policy to where the next round takes it.

    An arrow points where the policy goes. It is as long as the way there, but not longer than
    leaves room for its neighbours; its colour is the distance in total variation, ½ Σ|Δπ|, unless
    a ``color`` is given. Axes with orbits or basins can be drawn on.

    Parameters
    ----------
    orbits
        From ``FeedbackMap.run``, three responses or more; an arrow for each round kept but the
        last, of each instance of a batch. One round from many starts makes a field.
    labels
        Names of the responses, at the corners.
    colorbar
        False for none; or where: "right", "left", "top", "bottom".
    ax
        Where to draw; by default a new figure. For three responses it must be made with
        ``projection="ternary"`` (after ``import mpltern``).
    **kwargs
        Passed to ``Axes.quiver``.

    Raises
    ------
    ValueError
        If ``orbits`` is no trajectory, has two responses, keeps one round only or leaves out
        rounds, ``labels`` do not fit, ``colorbar`` is no place, or ``ax`` is not ternary where it
        must be.

    Examples
    --------
    >>> import alignsim as asim, mpltern
    >>> from matplotlib.figure import Figure
    >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=4.0, alpha=0.6)
    >>> field = loop.run(asim.simplex.lattice(8), rounds=1)
    >>> ax = asim.plotting.motion(field, ax=Figure().add_subplot(projection="ternary"))
    >>> len(ax.collections[0].get_offsets())
    64
    """
    around = beside(True, colorbar)
    of_kind(orbits, Trajectory, "orbits", "FeedbackMap.run")
    responses = orbits.logits.shape[-1]
    if responses == 2:
        raise ValueError("orbits has 2 responses, whose simplex is a line; use plotting.timeline")
    if len(orbits.rounds) < 2 or (np.diff(orbits.rounds) != 1).any():
        raise ValueError(
            f"orbits keeps {len(orbits.rounds)} of {orbits.rounds[-1] + 1} rounds; an arrow is the "
            'motion of one: run the map with keep="all"'
        )
    names = response_labels(labels, responses)
    ax, projected = simplex_axes(ax, names)
    here = orbits.policies[..., :-1, :].reshape(-1, responses)
    there = orbits.policies[..., 1:, :].reshape(-1, responses)
    known = np.isfinite(there).all(axis=-1)
    here, there = here[known], there[known]
    start = projected(here)
    step = projected(there) - start
    length = np.linalg.norm(step, axis=-1, keepdims=True)
    longest = _SHARE / np.sqrt(max(len(start), 1))
    drawn = step * np.minimum(1.0, longest / np.maximum(length, np.finfo(float).tiny))
    style: Style = {"angles": "xy", "scale_units": "xy", "scale": 1.0, "zorder": 1.5}
    style |= {"width": 0.006 * scale(ax) ** 0.5, "transform": ax.transData}
    if {"color", "facecolor"} & set(kwargs):
        ax.quiver(*start.T, *drawn.T, **style | kwargs)
    else:
        style |= {"cmap": dark_viridis(), "clim": (0.0, None)}
        moved = 0.5 * np.abs(there - here).sum(axis=-1)
        arrows = ax.quiver(*start.T, *drawn.T, moved, **style | kwargs)
        around.add_bar(ax, arrows, label="moved in a round", shrink=0.75, pad=0.06)
    if not ax.get_title():
        loop = loop_name(orbits.scheme, orbits.objective, orbits.sampler)
        title_above(ax, f"{loop}, the motion of a round")
    shrink(ax)
    return ax
