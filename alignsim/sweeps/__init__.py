"""Sweeps over parameters and matrices, to labelled datasets."""

from alignsim.sweeps.grid import sweep

__all__ = ["sweep"]
