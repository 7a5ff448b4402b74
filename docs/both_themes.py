"""Save a Matplotlib figure for a light and for a dark page.

Pages and gallery draw with the package as anybody does; this file turns each figure into two
pictures, of which the theme shows one. `install` does so for figures in executed pages.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, PAPER = "#ced6dd", "#14181e"
"""The colours of text and of the ground on a dark page of the theme."""

DPI = 144


def pictures(figure: Figure) -> dict[str, bytes]:
    """Return the PNG files of a figure by theme, "light" and "dark"; the figure becomes dark."""
    found = {"light": _png(figure)}
    darken(figure)
    return found | {"dark": _png(figure)}


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, dpi=DPI, bbox_inches="tight", metadata={"Software": ""})
    return file.getvalue()


def darken(figure: Figure) -> None:
    """Draw in light ink what is black, and dark what is white.

    What lies on a ground that is coloured all over stays as it is, for there it can be seen.
    """
    from matplotlib.collections import Collection, QuadMesh
    from matplotlib.contour import ContourSet
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.text import Text

    grounds = [
        axes
        for axes in figure.axes
        if any(isinstance(each, QuadMesh | AxesImage | ContourSet) for each in axes.get_children())
    ]
    covered = {
        id(artist) for axes in grounds for artist in (*axes.lines, *axes.collections, *axes.patches)
    }
    for artist in figure.findobj():
        if id(artist) in covered:
            continue
        if isinstance(artist, Text):
            _turn(artist, "color")
            if box := artist.get_bbox_patch():
                _turn(box, "facecolor", "edgecolor")
        elif isinstance(artist, Line2D):
            if artist.get_path_effects():  # brings a ground of its own
                continue
            _turn(artist, "color", "markeredgecolor", "markerfacecolor")
        elif isinstance(artist, Patch):
            _turn(artist, "facecolor", "edgecolor")
        elif isinstance(artist, Collection):
            for part in ("edgecolor", "facecolor"):
                colours = getattr(artist, f"get_{part}")()
                if len(colours) and all(map(_is_black, colours)):
                    getattr(artist, f"set_{part}")(INK)
    for axes in grounds:
        for text in axes.texts:  # on colour: black as it was, but in a box light on dark
            if not text.get_bbox_patch():
                text.set_color("black")


def _turn(artist: Any, *parts: str) -> None:
    """Make black parts of an artist light, and white ones dark."""
    for part in parts:
        colour = getattr(artist, f"get_{part}")()
        if _is_black(colour):
            getattr(artist, f"set_{part}")(INK)
        elif _is_white(colour):
            *_, opacity = mpl.colors.to_rgba(colour)
            getattr(artist, f"set_{part}")((PAPER, opacity))


def _is_black(colour: Any) -> bool:
    return _seen(colour, lambda rgb: max(rgb) < 0.2)


def _is_white(colour: Any) -> bool:
    return _seen(colour, lambda rgb: min(rgb) > 0.95)


def _seen(colour: Any, holds: Callable[[list[float]], bool]) -> bool:
    """Return whether a colour that can be seen is of a kind."""
    if isinstance(colour, str) and colour in ("none", "auto"):
        return False
    *rgb, opacity = mpl.colors.to_rgba(colour)
    return opacity > 0 and holds(rgb)


def install() -> None:
    """Show figures of this IPython kernel as two pictures; `build.py` has kernels call it."""
    from matplotlib.figure import Figure

    Figure._repr_html_ = _as_html  # formatters that are registered are lost with the backend


def _as_html(figure: Figure) -> str:
    return "".join(
        f'<img class="only-{theme}" alt="The figure that the code above draws" '
        f'src="data:image/png;base64,{base64.b64encode(png).decode("ascii")}">'
        for theme, png in pictures(figure).items()
    )


def scraper(_block: Any, variables: dict[str, Any], gallery: dict[str, Any], **_: Any) -> str:
    """Save the open figures of a gallery example, and return the reST that shows them."""
    import matplotlib.pyplot as plt

    parts = []
    for number, path in zip(plt.get_fignums(), variables["image_path_iterator"], strict=False):
        for theme, png in pictures(plt.figure(number)).items():
            file = Path(path) if theme == "light" else Path(path).with_suffix(".dark.png")
            file.write_bytes(png)
            shown = file.relative_to(gallery["src_dir"]).as_posix()
            parts.append(
                f".. image:: /{shown}\n   :alt: The figure that the code below draws\n"
                f"   :class: only-{theme} sphx-glr-single-img\n\n"
            )
    plt.close("all")
    return "\n".join(parts)
