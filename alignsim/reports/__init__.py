"""Answers for people: what is in the data, and which loop to run on it."""

from alignsim.reports.advice import Advice, advise
from alignsim.reports.inspection import Inspection, MatrixSummary, inspect

__all__ = ["Advice", "Inspection", "MatrixSummary", "advise", "inspect"]
