"""Answers for people: what is in the data, which loop to run on it, and what a real loop does."""

from alignsim.reports.advice import Advice, advise
from alignsim.reports.compare import compare
from alignsim.reports.diagnosis.diagnosis import Diagnosis, diagnose
from alignsim.reports.inspection import Inspection, MatrixSummary, inspect
from alignsim.reports.method_advice import MethodAdvice
from alignsim.reports.recommendation import Recommendation

__all__ = [
    "Advice",
    "Diagnosis",
    "Inspection",
    "MatrixSummary",
    "MethodAdvice",
    "Recommendation",
    "advise",
    "compare",
    "diagnose",
    "inspect",
]
