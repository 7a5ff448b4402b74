"""Objectives: their one-shot optima, derivatives, and what is proved for each."""

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
from alignsim.objectives.facts import Fact, Facts
from alignsim.objectives.ipo import IPO
from alignsim.objectives.one_shot import (
    dpo_optimum,
    ipo_optimum,
    optimum,
    optimum_derivative,
)
from alignsim.objectives.preference_matching import PreferenceMatching
from alignsim.objectives.psi import PsiPO
from alignsim.objectives.residual import Residual
from alignsim.objectives.rlhf import RLHF
from alignsim.objectives.robust_dpo import RobustDPO
from alignsim.objectives.stable_preference import StablePreference
from alignsim.objectives.training import GradientSteps, largest_rate
from alignsim.objectives.xpo import XPO

__all__ = [
    "DPO",
    "IPO",
    "OBJECTIVES",
    "RLHF",
    "XPO",
    "Comparison",
    "ConservativeDPO",
    "Curation",
    "DPOWithSFT",
    "Fact",
    "Facts",
    "Field",
    "GradientSteps",
    "Objective",
    "PairLoss",
    "Pairs",
    "PreferenceMatching",
    "ProductPairs",
    "PsiPO",
    "Push",
    "Residual",
    "RobustDPO",
    "ScoreObjective",
    "Solution",
    "StablePreference",
    "Tangent",
    "Trainable",
    "WeightedPairs",
    "dpo_optimum",
    "ipo_optimum",
    "largest_rate",
    "optimum",
    "optimum_derivative",
]
