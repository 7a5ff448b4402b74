"""Sweeps over parameters and matrices, to labelled datasets."""

from alignsim.sweeps.findings import findings
from alignsim.sweeps.grid import sweep
from alignsim.sweeps.phase_diagram import phase_diagram
from alignsim.sweeps.reproduction import evolution, reproduce, winner_from_corners

__all__ = [
    "evolution",
    "findings",
    "phase_diagram",
    "reproduce",
    "sweep",
    "winner_from_corners",
]
