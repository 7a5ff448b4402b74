"""What votes leave open: a hierarchical model of preferences around a ranking."""

from alignsim.data.posteriors.fit_check import FitCheck
from alignsim.data.posteriors.several import PromptPosterior, prompt_posterior
from alignsim.data.posteriors.single import Posterior, posterior

__all__ = ["FitCheck", "Posterior", "PromptPosterior", "posterior", "prompt_posterior"]
