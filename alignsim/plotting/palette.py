"""Colours that colour-blind readers can tell apart, and the words beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from alignsim import validation
from alignsim.errors import InputError, quote

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

Style = dict[str, Any]
"""Keywords of Matplotlib's artists."""

OKABE_ITO = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#F0E442",
    "#000000",
)
"""The palette of Okabe and Ito (2008), in the order in which lines take it."""

DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))
"""Styles of lines, in the order in which they are taken."""

INK = "#1A1A1A"
"""Lines and hatches over a coloured ground."""

FAILED = "#7F7F7F"
"""The ground of what failed or has no value; it is always hatched as well."""

QUANTITIES = {
    "entropy": "final entropy (nats)",
    "entropy_mean": "entropy, averaged over time (nats)",
    "effective_support": "effective support $e^H$ (responses)",
    "cycle_strength": "cycle strength (variance per coordinate)",
    "spectral_radius": "spectral radius ρ at the fixed point",
}

SHORT = {
    "entropy": "final entropy (nats)",
    "entropy_mean": "mean entropy (nats)",
    "effective_support": "$e^H$ (responses)",
    "cycle_strength": "cycle strength",
    "spectral_radius": "spectral radius ρ",
    "rotation_number": "turns a round",
}
"""What is written beside a bar where the whole does not fit."""

_PHASES = {
    "converged": "#C6DFF1",
    "cycle": "#F2CE66",
    "invariant_circle": "#EFA54A",
    "locked": "#B4611B",
    "chaotic": "#74283B",
    "drifting": "#B07AA8",
    "stable": "#C6DFF1",
    "unstable": "#EFA54A",
    "marginal": "#5FA98C",
    "undecided": "#FFFFFF",
}
"""Tints of the palette for areas; light to dark also in grey."""


def phase_colours(phases: Sequence[str]) -> list[str]:
    """Return one colour a phase; phases without a colour of their own share out the palette.

    >>> phase_colours(["converged", "undecided"])
    ['#C6DFF1', '#FFFFFF']
    """
    spare = iter(OKABE_ITO * len(phases))
    return [_PHASES.get(phase) or next(spare) for phase in phases]


def chosen(
    colors: Mapping[str, Any] | None, names: Sequence[str], colours: Sequence[Any]
) -> list[Any]:
    """Return the colours of names, those in ``colors`` instead of the default ones.

    A name is what the legend shows, but for blanks, underscores and ``$``. An InputError quotes a
    name that the picture does not have, or a colour that Matplotlib does not know.

    >>> chosen({"invariant circle": "red"}, ["converged", "invariant_circle"], ["blue", "green"])
    ['blue', 'red']
    """
    if colors is None:
        return list(colours)
    if not isinstance(colors, Mapping):
        raise InputError("colors", f"is {quote(colors)}", 'give a dict, {"converged": "#C6DFF1"}')
    from matplotlib.colors import is_color_like

    places = {_plain(name): i for i, name in enumerate(names)}
    found = list(colours)
    for name, colour in colors.items():
        if (key := _plain(name)) not in places:
            validation.choice(name, "colors: a name", names)
        if not is_color_like(colour):
            raise InputError(f"colors[{name!r}]", f"is {quote(colour)}", "give a Matplotlib colour")
        found[places[key]] = colour
    return found


def _plain(name: object) -> str:
    return re.sub(r"[\s_${}\\]", "", str(name))


def mixed(colour: str, level: float, weight: float) -> str:
    """Return a colour mixed with a grey of the given level."""
    from matplotlib.colors import to_hex, to_rgb

    red, green, blue = ((1.0 - weight) * part + weight * level for part in to_rgb(colour))
    return to_hex((red, green, blue))


def light_viridis() -> Colormap:
    """Return viridis without its darkest quarter, on which a dark hatch cannot be seen."""
    return _viridis("light_viridis", 0.25, 1.0)


def dark_viridis() -> Colormap:
    """Return viridis without its lightest part, which a white ground swallows."""
    return _viridis("dark_viridis", 0.0, 0.85)


def _viridis(name: str, first: float, last: float) -> Colormap:
    from matplotlib import colormaps
    from matplotlib.colors import LinearSegmentedColormap

    steps = [first + (last - first) * i / 255 for i in range(256)]
    return LinearSegmentedColormap.from_list(name, colormaps["viridis"](steps))
