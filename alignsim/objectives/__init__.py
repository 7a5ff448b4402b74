"""Objectives: their one-shot optima, derivatives, and what is proved for each."""

from alignsim.objectives.alpha_dpo import AlphaDPO, alpha_dpo_as_dpo
from alignsim.objectives.catalogue import OBJECTIVES
from alignsim.objectives.cdpo import ConservativeDPO
from alignsim.objectives.comparison import (
    Comparison,
    Pairs,
    ProductPairs,
    Push,
    Solution,
    Tangent,
    WeightedPairs,
)
from alignsim.objectives.contract import Field, Objective, PairLoss, ScoreObjective, Trainable
from alignsim.objectives.curation import Curation
from alignsim.objectives.dpo import DPO
from alignsim.objectives.dpo_sft import DPOWithSFT
from alignsim.objectives.exo import EXO
from alignsim.objectives.facts import Fact, Facts
from alignsim.objectives.ipo import IPO
from alignsim.objectives.kto import KTO
from alignsim.objectives.minima import Minima, minima, multipliers
from alignsim.objectives.one_shot import (
    dpo_optimum,
    ipo_optimum,
    optimum,
    optimum_derivative,
)
from alignsim.objectives.orpo import ORPO
from alignsim.objectives.pair_evolution import PairEvolution, pair_evolution
from alignsim.objectives.preference_matching import PreferenceMatching
from alignsim.objectives.psi import PsiPO
from alignsim.objectives.residual import Residual
from alignsim.objectives.rlhf import RLHF
from alignsim.objectives.robust_dpo import RobustDPO
from alignsim.objectives.samplers import (
    SAMPLERS,
    FixedPairs,
    MixP,
    MixR,
    Mixture,
    Pilaf,
    Product,
    Rejection,
    Sampler,
    TwoPolicies,
)
from alignsim.objectives.samplers.learning import learning_errors
from alignsim.objectives.simpo import SimPO, simpo_gap
from alignsim.objectives.slic import SLiC
from alignsim.objectives.stable_preference import StablePreference
from alignsim.objectives.training import GradientSteps, largest_rate
from alignsim.objectives.two_gain import TwoGain
from alignsim.objectives.xpo import XPO

__all__ = [
    "DPO",
    "EXO",
    "IPO",
    "KTO",
    "OBJECTIVES",
    "ORPO",
    "RLHF",
    "SAMPLERS",
    "XPO",
    "AlphaDPO",
    "Comparison",
    "ConservativeDPO",
    "Curation",
    "DPOWithSFT",
    "Fact",
    "Facts",
    "Field",
    "FixedPairs",
    "GradientSteps",
    "Minima",
    "MixP",
    "MixR",
    "Mixture",
    "Objective",
    "PairEvolution",
    "PairLoss",
    "Pairs",
    "Pilaf",
    "PreferenceMatching",
    "Product",
    "ProductPairs",
    "PsiPO",
    "Push",
    "Rejection",
    "Residual",
    "RobustDPO",
    "SLiC",
    "Sampler",
    "ScoreObjective",
    "SimPO",
    "Solution",
    "StablePreference",
    "Tangent",
    "Trainable",
    "TwoGain",
    "TwoPolicies",
    "WeightedPairs",
    "alpha_dpo_as_dpo",
    "dpo_optimum",
    "ipo_optimum",
    "largest_rate",
    "learning_errors",
    "minima",
    "multipliers",
    "optimum",
    "optimum_derivative",
    "pair_evolution",
    "simpo_gap",
]
