"""Sweeps over parameters and matrices, to labelled datasets."""

from alignsim.sweeps.findings import findings
from alignsim.sweeps.grid import sweep
from alignsim.sweeps.orbit_diagram import orbit_diagram
from alignsim.sweeps.phase_diagram import phase_diagram

__all__ = [
    "findings",
    "orbit_diagram",
    "phase_diagram",
    "sweep",
]
