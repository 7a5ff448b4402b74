"""Colours that colour-blind readers can tell apart, and the words beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

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

INK = "#1A1A1A"
"""Lines and hatches over a coloured ground."""

FAILED = "#7F7F7F"
"""The ground of what failed or has no value; it is always hatched as well."""

SYMBOLS = {"alpha": "α", "beta": "β", "lam": "λ"}
"""The letters of ``docs/theory.md`` for the swept arguments."""

AXES = {
    "alpha": "α, share of the last policy in the reference",
    "beta": "β, strength of the preference signal",
    "lam": "λ, on-policy share of the sampler",
}

QUANTITIES = {
    "entropy": "final entropy (nats)",
    "entropy_mean": "entropy, averaged over time (nats)",
    "effective_support": "effective support $e^H$ (responses)",
    "cycle_strength": "cycle strength (variance per coordinate)",
    "spectral_radius": "spectral radius ρ at the fixed point",
}

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


def mixed(colour: str, level: float, weight: float) -> str:
    """Return a colour mixed with a grey of the given level."""
    from matplotlib.colors import to_hex, to_rgb

    red, green, blue = ((1.0 - weight) * part + weight * level for part in to_rgb(colour))
    return to_hex((red, green, blue))


def light_viridis() -> Colormap:
    """Return viridis without its darkest quarter, on which a dark hatch cannot be seen."""
    from matplotlib import colormaps
    from matplotlib.colors import LinearSegmentedColormap

    steps = [0.25 + 0.75 * i / 255 for i in range(256)]
    return LinearSegmentedColormap.from_list("light_viridis", colormaps["viridis"](steps))


def settings(values: Mapping[str, float]) -> str:
    """Return parameters as they are written in a title.

    >>> settings({"alpha": 0.6, "beta": 4.0})
    'α = 0.6, β = 4'
    """
    return ", ".join(f"{SYMBOLS[name]} = {value:.4g}" for name, value in values.items())
