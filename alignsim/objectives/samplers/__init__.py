"""Samplers: which pairs of responses a stage of a round compares, one short file each."""

from alignsim.objectives.samplers.catalogue import SAMPLERS, sampler_named
from alignsim.objectives.samplers.contract import Sampler, Slopes, Stage, WeightedSampler
from alignsim.objectives.samplers.fixed_pairs import FixedPairs
from alignsim.objectives.samplers.mix_p import MixP
from alignsim.objectives.samplers.mix_r import MixR
from alignsim.objectives.samplers.mixture import Mixture
from alignsim.objectives.samplers.pilaf import Pilaf
from alignsim.objectives.samplers.product import Product
from alignsim.objectives.samplers.rejection import Rejection
from alignsim.objectives.samplers.two_policies import TwoPolicies

__all__ = [
    "SAMPLERS",
    "FixedPairs",
    "MixP",
    "MixR",
    "Mixture",
    "Pilaf",
    "Product",
    "Rejection",
    "Sampler",
    "Slopes",
    "Stage",
    "TwoPolicies",
    "WeightedSampler",
    "sampler_named",
]
