"""Draw how fast every method converges on rock-paper-scissors, and where it begins to oscillate.

    python figures/which_loop.py

writes which_loop.png beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

import alignsim as asim

HERE = Path(__file__).resolve().parent

METHODS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("self-play = hard_reference, 1", "hard_reference", {"every": 1}),
    ("mrs, α = 0.9", "mrs", {"alpha": 0.9}),
    ("momentum 0.3, κ = 0.1", "momentum", {"momentum": 0.3, "kappa": 0.1}),
    ("nash_md, κ = 0.1", "nash_md", {"kappa": 0.1}),
    ("replay, half new, κ = 0.1", "replay", {"fresh": 0.5, "kappa": 0.1}),
    ("optimistic", "optimistic", {}),
    ("soft_reference, TRL's 0.6", "soft_reference", {"mixup": 0.6}),
    ("soft_reference, 0.5", "soft_reference", {"mixup": 0.5}),
    ("extragradient = hard_reference, 2", "extragradient", {}),
    ("hard_reference, 3", "hard_reference", {"every": 3}),
)
"""A label, a method, its parameters."""


def main() -> None:
    """Draw the rate of an optimum over β, one line a method."""
    P = asim.preferences.cyclic(3, advantage=0.3)
    beta = np.linspace(0.02, 10.0, 600)
    figure, axis = plt.subplots(figsize=(8, 3.4), layout="constrained")
    colours = plt.get_cmap("tab10").colors
    for (label, name, own), colour in zip(METHODS, colours, strict=True):
        loop = asim.method(name, P, beta=beta, **own)
        radius = asim.stability(loop).spectral_radius
        rate = radius ** (1.0 / loop.scheme.stages)
        axis.plot(beta, rate, color=colour, label=label, lw=1.6)
        lost = np.flatnonzero((radius[:-1] < 1.0) & (radius[1:] >= 1.0))
        axis.plot(beta[lost], np.ones(len(lost)), "o", color=colour, ms=6)
    axis.axhline(1.0, color="black", lw=0.8)
    axis.set(xlim=(0, 10), ylim=(0.3, 1.25), xlabel="β", ylabel="factor on errors, per optimum")
    axis.text(0.1, 1.19, "oscillates", fontsize=9)
    axis.text(0.1, 0.34, "converges", fontsize=9)
    axis.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    figure.savefig(HERE / "which_loop.png", dpi=130)


if __name__ == "__main__":
    main()
