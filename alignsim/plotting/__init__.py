"""Pictures: one function each, from a result object to Axes.

A function only draws. It returns the Axes, makes a figure only where ``ax`` is not given, shows
nothing and changes no settings. Matplotlib is imported when a picture is drawn.
"""

from alignsim.plotting.advice import advice
from alignsim.plotting.animation import animate
from alignsim.plotting.basins import basins
from alignsim.plotting.compare import compare
from alignsim.plotting.diagnostics import diagnostics
from alignsim.plotting.motion import motion
from alignsim.plotting.orbit_diagram import orbit_diagram
from alignsim.plotting.phase_diagram import phase_diagram
from alignsim.plotting.population import population
from alignsim.plotting.reproduction import (
    condorcet_winner,
    evolution,
    oscillation,
    terminal_entropy,
)
from alignsim.plotting.saving import save
from alignsim.plotting.simplex import simplex
from alignsim.plotting.timeline import timeline

__all__ = [
    "advice",
    "animate",
    "basins",
    "compare",
    "condorcet_winner",
    "diagnostics",
    "evolution",
    "motion",
    "orbit_diagram",
    "oscillation",
    "phase_diagram",
    "population",
    "save",
    "simplex",
    "terminal_entropy",
    "timeline",
]
