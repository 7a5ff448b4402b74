"""Sweeps over parameters and matrices, to labelled datasets."""

from alignsim.sweeps.findings import findings
from alignsim.sweeps.grid import sweep
from alignsim.sweeps.phase_diagram import phase_diagram

__all__ = [
    "findings",
    "phase_diagram",
    "sweep",
]
