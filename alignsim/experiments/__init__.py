"""The paper's experiments, as a study on top of everything else."""

from alignsim.experiments.classes import ClassRates, class_rates, split_classes
from alignsim.experiments.evolution import evolution
from alignsim.experiments.findings import reproduction_findings
from alignsim.experiments.reproduction import reproduce, winner_from_corners

__all__ = [
    "ClassRates",
    "class_rates",
    "evolution",
    "reproduce",
    "reproduction_findings",
    "split_classes",
    "winner_from_corners",
]
