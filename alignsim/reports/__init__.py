"""Answers for people: what is in the data, which loop to run on it, and what a real loop does."""

from alignsim.reports.advice import Advice, advise
from alignsim.reports.diagnosis.diagnosis import Diagnosis, diagnose
from alignsim.reports.inspection import Inspection, MatrixSummary, inspect

__all__ = ["Advice", "Diagnosis", "Inspection", "MatrixSummary", "advise", "diagnose", "inspect"]
