"""Sweeps over parameters and matrices, to labelled datasets."""

from alignsim.sweeps.basins import basins
from alignsim.sweeps.estimate import Estimate
from alignsim.sweeps.exporting import export
from alignsim.sweeps.findings import findings
from alignsim.sweeps.grid import sweep
from alignsim.sweeps.orbit_diagram import orbit_diagram
from alignsim.sweeps.phase_diagram import phase_diagram
from alignsim.sweeps.runner import WorkersLostError
from alignsim.sweeps.site import WrongWorkerError
from alignsim.sweeps.store import open_sweep

__all__ = [
    "Estimate",
    "WorkersLostError",
    "WrongWorkerError",
    "basins",
    "export",
    "findings",
    "open_sweep",
    "orbit_diagram",
    "phase_diagram",
    "sweep",
]
