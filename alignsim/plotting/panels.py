"""The Axes that a picture of several panels is drawn on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

PanelArray = NDArray[np.object_]


def panel_axes(
    ax: Any,
    shape: tuple[int, ...],
    size: tuple[float, float],
    *,
    upright: bool = False,
    **options: Any,
) -> PanelArray:
    """Return Axes of a shape, (rows, columns) or (n,): ``ax``, or those of a new figure.

    A new figure has ``size`` in inches, and ``options`` of ``pyplot.subplots``; its Axes (n,) stand
    above each other if ``upright``. A row (n,) also serves as (1, n).

    Raises
    ------
    ValueError
        If ``ax`` is something else than Axes of that shape.
    """
    from matplotlib.axes import Axes

    if ax is None:
        from matplotlib import pyplot

        rows, columns = shape if len(shape) == 2 else (*shape, 1) if upright else (1, *shape)
        made = pyplot.subplots(
            rows, columns, squeeze=False, figsize=size, layout="constrained", **options
        )
        ax = made[1].reshape(shape)
    axes = np.asarray(ax, dtype=object)
    if axes.ndim == 1 and len(shape) == 2:
        axes = axes[None]
    if axes.shape != shape or not all(isinstance(each, Axes) for each in axes.flat):
        raise ValueError(
            f"ax has shape {axes.shape}; give Axes of shape {shape}, as figure.subplots makes them"
        )
    return axes
