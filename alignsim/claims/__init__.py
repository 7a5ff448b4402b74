"""Theorems as programs: a file a subject, each claim with instances, a check and a margin."""

from alignsim.claims.catalogue import CLAIMS
from alignsim.claims.contract import Claim, agreement
from alignsim.claims.verification import ClaimResult, Report, replay, save_worst, verify

__all__ = [
    "CLAIMS",
    "Claim",
    "ClaimResult",
    "Report",
    "agreement",
    "replay",
    "save_worst",
    "verify",
]
