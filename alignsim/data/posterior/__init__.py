"""What votes leave open: a hierarchical model of preferences around a ranking."""

from alignsim.data.posterior.fit_check import FitCheck
from alignsim.data.posterior.single import Posterior, posterior

__all__ = ["FitCheck", "Posterior", "posterior"]
