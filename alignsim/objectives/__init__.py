"""Objectives: their one-shot optima, derivatives, and what is proved for each."""

from alignsim.objectives.contract import (
    Comparison,
    Objective,
    PairLoss,
    Pairs,
    ProductPairs,
    ScoreObjective,
    Solution,
    Tangent,
    WeightedPairs,
)
from alignsim.objectives.dpo import DPO
from alignsim.objectives.facts import Fact, Facts
from alignsim.objectives.ipo import IPO
from alignsim.objectives.one_shot import (
    OBJECTIVES,
    dpo_optimum,
    ipo_optimum,
    optimum_derivative,
)
from alignsim.objectives.training import GradientSteps

__all__ = [
    "DPO",
    "IPO",
    "OBJECTIVES",
    "Comparison",
    "Fact",
    "Facts",
    "GradientSteps",
    "Objective",
    "PairLoss",
    "Pairs",
    "ProductPairs",
    "ScoreObjective",
    "Solution",
    "Tangent",
    "WeightedPairs",
    "dpo_optimum",
    "ipo_optimum",
    "optimum_derivative",
]
