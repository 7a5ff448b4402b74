"""Pictures to files: whole or not there, with fonts that a journal can embed."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsim import validation
from alignsim.errors import InputError, quote
from alignsim.writing import beside

if TYPE_CHECKING:
    from matplotlib.animation import Animation

KINDS = (".png", ".pdf", ".svg", ".eps")
FILMS = (".gif",)

_FONTS: dict[Any, Any] = {"pdf.fonttype": 42, "ps.fonttype": 42}
"""TrueType: Type 3 fonts, Matplotlib's default, are refused by many journals."""


def save(picture: Any, path: str | Path, *, dpi: float = 300.0) -> Path:
    """Return the path to which a picture has been written, in the format of its suffix.

    The file appears when it is complete; one that was there before stays if writing fails. PDF and
    EPS have Type 42 (TrueType) fonts.

    Parameters
    ----------
    picture
        A Figure, one of its Axes or an array of them, as the functions of this module return
        them; or an animation.
    path
        Ends in ``.png``, ``.pdf``, ``.svg`` or ``.eps``; of an animation in ``.gif``.
    dpi
        Dots an inch of what is not drawn as lines, from 10 to 2,400; of an animation at most 150.

    Raises
    ------
    ValueError
        If ``picture`` is something else, or the suffix is none of these.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile, alignsim as asim
    >>> from matplotlib.figure import Figure
    >>> ax = Figure(figsize=(3.3, 2.4)).add_subplot()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     asim.plotting.save(ax, pathlib.Path(folder, "empty.pdf")).name
    'empty.pdf'
    """
    from matplotlib import rc_context
    from matplotlib.animation import Animation

    place = validation.path(path)
    film = isinstance(picture, Animation)
    kinds = FILMS if film else KINDS
    if place.suffix.lower() not in kinds or "\0" in str(place):
        raise InputError("path", f"is {quote(str(path))}", f"let it end in {' or '.join(kinds)}")
    points = validation.number(dpi, "dpi", low=10.0, high=2400.0)
    if film:
        _save_film(picture, place, min(points, 150.0))
        return place
    figure = _figure(picture)
    with rc_context(_FONTS), beside(place) as part:
        figure.savefig(part, format=place.suffix[1:].lower(), dpi=points)
    return place


def _save_film(film: Animation, place: Path, dpi: float) -> None:
    """Write a GIF; Pillow takes its format from the name, so that it has one of its own first."""
    with beside(place) as part, TemporaryDirectory(dir=place.parent, prefix=".") as folder:
        whole = Path(folder, "film.gif")
        film.save(whole, writer="pillow", dpi=dpi)
        whole.replace(part)


def _figure(picture: Any) -> Any:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

    one = picture.flat[0] if isinstance(picture, np.ndarray) and picture.size else picture
    figure = one.figure.canvas.figure if isinstance(one, Artist) and one.figure else None
    if not isinstance(figure, Figure):
        problem = f"is of type {type(picture).__name__}"
        raise InputError("picture", problem, "give a Figure, Axes or an animation")
    return figure
