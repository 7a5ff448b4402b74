"""Objectives: forces on the logits, their one-shot optima and derivatives."""

from alignsim.objectives.contract import Comparison, Objective, ScoreObjective, Solution, Tangent
from alignsim.objectives.dpo import DPO
from alignsim.objectives.ipo import IPO
from alignsim.objectives.one_shot import (
    OBJECTIVES,
    dpo_optimum,
    ipo_optimum,
    optimum_derivative,
)

__all__ = [
    "DPO",
    "IPO",
    "OBJECTIVES",
    "Comparison",
    "Objective",
    "ScoreObjective",
    "Solution",
    "Tangent",
    "dpo_optimum",
    "ipo_optimum",
    "optimum_derivative",
]
