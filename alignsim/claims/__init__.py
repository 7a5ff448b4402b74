"""Theorems as programs: one file a claim, each with instances, a check and a margin."""

from alignsim.claims.contract import Claim, agreement
from alignsim.claims.ipo_closed_form import IPOClosedForm
from alignsim.claims.verification import ClaimResult, Report, replay, save_worst, verify

CLAIMS: tuple[Claim, ...] = (IPOClosedForm(),)
"""Every claim, in the order of the theory page."""

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
