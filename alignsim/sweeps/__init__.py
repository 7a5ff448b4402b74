"""Sweeps over parameters and matrices, to labelled datasets."""

from alignsim.sweeps.sweep import sweep

__all__ = ["sweep"]
