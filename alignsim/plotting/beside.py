"""What stands beside a picture: its legend, its colour bar, and text of a size that fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from alignsim import validation
from alignsim.plotting.palette import Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.colorbar import Colorbar

INSIDE = (
    "best", "upper right", "upper left", "lower left", "lower right",
    "center left", "center right", "lower center", "upper center", "center",
)  # fmt: skip
"""Matplotlib's places for a legend within the axes."""

OUTSIDE = ("right", "below")
"""Places for a legend outside them."""

BARS = ("right", "left", "top", "bottom")
"""Places for a colour bar."""

Place = bool | str
"""Whether there is one, or where."""

SMALL = 2.7
"""Inches of width below which axes belong to a figure of one column, and have small text."""

TITLE, TEXT = 8.0, 7.0
"""Points of the text of small axes, at most."""

_LETTER = 0.55
"""Width of a letter, in heights."""

_PATCH = 7
"""Letters that the patch before an entry of a legend takes, with the gaps."""

_TALLEST = 7
"""Entries of a legend on the right of small axes from which on there are two columns."""

_DROP, _LABEL = 1.8, 1.7
"""Heights of a line from axes down to a legend below them, and what a label adds."""


class Beside(NamedTuple):
    """Whether there is a legend and a colour bar, and where."""

    legend: Place = True
    colorbar: Place = True

    def add_legend(
        self,
        ax: Axes,
        handles: Sequence[Any] | None = None,
        texts: Sequence[str] | None = None,
        *,
        place: str = "best",
        **options: Any,
    ) -> None:
        """Name the handles, or by default everything on the axes that has a label, once each."""
        if handles is None:
            drawn, names = ax.get_legend_handles_labels()
            once = dict(zip(names, drawn, strict=True))
            texts, handles = list(once), list(once.values())
        if self.legend is False or not handles:
            return
        where = place if self.legend is True else self.legend
        texts = texts or [handle.get_label() for handle in handles]
        style: Style = {"frameon": where in INSIDE, "framealpha": 0.85, "edgecolor": "none"}
        style |= {"borderpad": 0.2, "handlelength": 1.6, "fontsize": _size(ax, "legend.fontsize")}
        if is_small(ax):
            style |= {"labelspacing": 0.3, "handletextpad": 0.5, "columnspacing": 0.8}
        if where == "below":
            style |= _below(ax, texts, style["fontsize"])
            order = [i for c in range(style["ncols"]) for i in range(c, len(texts), style["ncols"])]
            handles, texts = [handles[i] for i in order], [texts[i] for i in order]
        elif where == "right":
            style |= {"loc": "upper left", "bbox_to_anchor": (1.0, 1.05), "borderpad": 0.4}
            style["ncols"] = 1 + (len(handles) > _TALLEST) * is_small(ax)
        else:
            style |= {"loc": where}
        ax.legend(handles, texts, **style | (options if self.legend is True else {}))

    def add_bar(self, ax: Axes, mapped: ScalarMappable, **options: Any) -> Colorbar | None:
        """Return the bar that explains the colours, if there is to be one."""
        if self.colorbar is False:
            return None
        where = "right" if self.colorbar is True else self.colorbar
        bar = ax.figure.colorbar(mapped, ax=ax, location=where, **options)
        if is_small(ax):
            _shrink(bar.ax)
        return bar


def beside(legend: Place = True, colorbar: Place = True) -> Beside:
    """Return what stands beside a picture; a ValueError names a place that does not exist."""
    return Beside(
        _checked(legend, "legend", (*OUTSIDE, *INSIDE)), _checked(colorbar, "colorbar", BARS)
    )


def _checked(given: Any, name: str, known: tuple[str, ...]) -> Place:
    if isinstance(given, bool | np.bool_):
        return bool(given)
    return validation.choice(given, name, known)


def is_small(ax: Axes) -> bool:
    """Return whether axes are as narrow as in a figure of one column of a journal."""
    return bool(ax.bbox.width / ax.figure.dpi < SMALL)


def scale(ax: Axes) -> float:
    """Return by how much lines and marks are thinner than on large axes."""
    return 0.6 if is_small(ax) else 1.0


def fits(text: str, ax: Axes, axis: str) -> bool:
    """Return whether a label is shorter than the axes along ``axis``, and these are not small."""
    if is_small(ax):
        return False
    room = (ax.bbox.width if axis == "x" else ax.bbox.height) / ax.figure.dpi
    return _LETTER * len(text) * _size(ax, "axes.labelsize") / 72.0 < room


def shrink(*axes: Axes) -> None:
    """Make the text on small axes small; what is smaller already stays as it is."""
    for ax in filter(is_small, axes):
        _shrink(ax)


def _shrink(ax: Axes) -> None:
    from matplotlib.text import Text

    for text in ax.findobj(Text):
        most = TITLE if text is ax.title else TEXT
        text.set_fontsize(min(text.get_fontsize(), most))
    ax.tick_params(labelsize=_points("xtick.labelsize", most=TEXT))


def _size(ax: Axes, setting: str) -> float:
    return _points(setting, most=TEXT if is_small(ax) else np.inf)


def _points(setting: Any, most: float) -> float:
    """Return the size of a setting of Matplotlib, such as "medium", in points."""
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties

    return float(min(most, FontProperties(size=rcParams[setting]).get_size_in_points()))


def _below(ax: Axes, texts: Sequence[str], size: float) -> Style:
    """Return how a legend below the axes is laid out; Matplotlib fills it column by column."""
    from matplotlib.transforms import ScaledTranslation

    drop = (_DROP + _LABEL * bool(ax.get_xlabel())) * size / 72.0
    down = ScaledTranslation(0.0, -drop, ax.figure.dpi_scale_trans)
    room = ax.bbox.width / ax.figure.dpi
    column = _LETTER * size * (_PATCH + max(len(text.replace("$", "")) for text in texts))
    columns = max(1, min(len(texts), int(room * 72.0 / column)))
    rows = -(-len(texts) // columns)
    return {
        "loc": "upper center",
        "bbox_to_anchor": (0.5, 0.0),
        "bbox_transform": ax.transAxes + down,
        "ncols": -(-len(texts) // rows),
    }
