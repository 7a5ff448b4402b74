"""Sweeps over parameters and matrices, to labelled datasets."""

from alignsim.sweeps.findings import findings
from alignsim.sweeps.grid import sweep

__all__ = ["findings", "sweep"]
